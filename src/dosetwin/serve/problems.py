"""Errors as RFC 9457 problem documents: which resource, which field, what was found, what was expected."""

from typing import Any

from dosetwin.errors import InputError

TYPES = "urn:dosetwin:problem:"


class Problem(Exception):
    """An error that is answered to the caller as ``application/problem+json``.

    ``errors``: one mapping per thing wrong, keys ``resource``, ``field``, ``value``, ``expected``, ``message``.
    """

    def __init__(self, status: int, code: str, detail: str, errors: list[dict[str, Any]] | None = None,
                 headers: dict[str, str] | None = None, **more: Any):  # fmt: skip
        super().__init__(detail)
        self.status, self.code, self.detail, self.errors, self.headers, self.more = status, code, detail, errors, headers, more

    def body(self, instance: str = "") -> dict[str, Any]:
        """The document."""
        out: dict[str, Any] = {"type": TYPES + self.code, "title": self.code.replace("_", " "), "status": self.status,
                               "detail": self.detail}  # fmt: skip
        if instance:
            out["instance"] = instance
        if self.errors:
            out["errors"] = self.errors
        return out | self.more


def wrong(resource: str, field: str, value: Any, expected: str, message: str = "") -> dict[str, Any]:
    """One entry of ``errors``; ``value`` is cut to what fits on a line."""
    shown = value if isinstance(value, int | float | bool | None) else str(value)[:200]
    if isinstance(shown, float) and (shown != shown or abs(shown) == float("inf")):
        shown = str(shown)
    return {"resource": resource, "field": field, "value": shown, "expected": expected, "message": message or "not accepted"}


def from_input_error(error: InputError, resource: str = "", status: int = 422) -> Problem:
    """An InputError of the engine as a problem."""
    entry = wrong(resource or error.where, error.where, error.value, error.allowed or error.remedy, error.message)
    return Problem(status, "not_accepted", str(error), [entry])

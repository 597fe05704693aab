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
    shown = value if isinstance(value, int | float | bool | None) else str(value)[:200].encode("utf-8", "replace").decode()
    if isinstance(shown, float) and (shown != shown or abs(shown) == float("inf")):
        shown = str(shown)
    return {"resource": resource, "field": field, "value": shown, "expected": expected, "message": message or "not accepted"}


def from_database(error: Exception) -> Problem | None:
    """A database without room, or one that does not answer, as a problem; None for an error that is ours.

    Nothing of a change that ends so was acknowledged. Whether a commit that lost its connection came through cannot be known
    here: sent again under the same source key it is stored once.
    """
    from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as NoConnection

    from dosetwin.serve.store.writer import Closed, no_room

    if no_room(error):
        return Problem(507, "no_room", "the database has no room left; this was not stored, what was acknowledged before is; "
                       "send it again when there is room", headers={"Retry-After": "60"})  # fmt: skip
    lost = isinstance(error, DBAPIError) and (
        error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    )
    if lost or isinstance(error, Closed | NoConnection):
        return Problem(503, "database", "the database does not answer; this was not acknowledged, send it again",
                       headers={"Retry-After": "5"})  # fmt: skip
    return None


def from_input_error(error: InputError, resource: str = "", status: int = 422) -> Problem:
    """An InputError of the engine as a problem."""
    entry = wrong(resource or error.where, error.where, error.value, error.allowed or error.remedy, error.message)
    return Problem(status, "not_accepted", str(error), [entry])

"""The exceptions and the values that stand for failure.

    DosetwinError
      InputError            a file, record or argument is wrong (command line: exit code 2)
        UnknownUnit         a unit outside the closed table of units.py
        UnknownName         a model, covariate, output or option nobody declared
      ModelError            a model file breaks the rules of declare/
      SimulationError       a caller asked for an answer that only exists as a failure value

Values, returned and never raised: ``Finding`` (about the data), ``Reason`` (about a decision),
``Refusal`` (no answer, and why), ``Failure`` (a simulation that could not be finished).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

NAMED = 5
"""Of many things wrong in one file, so many beside the first are told in the error's line."""
Severity = Literal["error", "warning", "info"]


def one_line(text: str) -> str:
    """``text`` with every line break, control character and lone surrogate made a space: safe on a terminal and in a log."""
    return "".join(c if c.isprintable() else " " for c in text)


class DosetwinError(Exception):
    """Root of every exception raised on purpose."""


class InputError(DosetwinError):
    """Wrong input. ``str(error)`` is one line: where, what was found, what is allowed, what to do.

    Parameters
    ----------
    message : what is wrong.
    where : file and line, FHIR resource, or argument.
    value : the offending value.
    allowed : the allowed range or set, as text.
    remedy : what the reader should do.
    others : what else is wrong of the same kind; the first few are named in the line.
    """

    def __init__(self, message: str, *, where: str = "", value: object = None, allowed: str = "", remedy: str = "",
                 others: "Sequence[InputError]" = ()):  # fmt: skip
        self.message, self.where, self.value, self.allowed, self.remedy = message, where, value, allowed, remedy
        self.others = tuple(others)
        parts = [f"{where}: {message}" if where else message]
        if value is not None:
            parts.append(f"found {value!r}")
        if allowed:
            parts.append(f"allowed: {allowed}")
        if remedy:
            parts.append(remedy)
        if others:
            named = [f"{o.where}: {o.message}" + ("" if o.value is None else f", found {o.value!r}") for o in others[:NAMED]]
            rest = "" if len(others) <= NAMED else f" | and {len(others) - NAMED} more"
            parts.append(f"wrong as well ({len(others)}): {' | '.join(named)}{rest}")
        super().__init__(one_line("; ".join(parts)))


class UnknownUnit(InputError):
    """A unit that is not in the closed table: refused, never guessed."""


class UnknownName(InputError):
    """A name nobody declared."""


class ModelError(DosetwinError):
    """A model file that breaks the vocabulary of declare/."""


class SimulationError(DosetwinError):
    """The answer asked for is a failure value."""


@dataclass(frozen=True)
class Finding:
    """One remark about the data: which record, which value, what is allowed, what to do."""

    severity: Severity
    code: str
    record: str
    message: str
    value: Any = None
    allowed: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        tail = "".join(
            f"; {label}{text}"
            for label, text in (
                ("found ", "" if self.value is None else repr(self.value)),
                ("allowed: ", self.allowed),
                ("", self.remedy),
            )
            if text
        )
        return one_line(f"{self.severity} [{self.code}] {self.record}: {self.message}{tail}")

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)


@dataclass(frozen=True)
class Reason:
    """One reason for or against a decision, as data; text, cards and reports are renderings of it."""

    code: str
    value: float | str | None = None
    limit: float | str | None = None
    unit: str = ""
    text: str = ""
    source: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return asdict(self)


@dataclass(frozen=True)
class Refusal:
    """No answer, with the reasons."""

    message: str
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A simulation that stopped: which subject (row of the call), when, why."""

    subject: Any
    code: str
    message: str


def percent(p: float | None) -> str:
    """A probability in words: never 0 % or 100 %, which simulation cannot show; "-" where there is none."""
    if p is None:
        return "-"
    return "< 1 %" if p < 0.01 else "> 99 %" if p > 0.99 else f"{100 * p:.0f} %"


def percent_against(p: float | None, limit: float | None) -> str:
    """A probability beside the one it was held against, with the decimals that tell the two apart (at most three)."""
    said = percent(p)
    if p is None or limit is None or p == limit or said != percent(limit) or not 0.01 <= p <= 0.99:
        return said
    return next((f"{100 * p:.{d}f} %" for d in (1, 2, 3) if f"{100 * p:.{d}f}" != f"{100 * limit:.{d}f}"), said)


def number(value: object) -> str:
    """Three significant digits, without trailing zeros or exponents for everyday sizes."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    return f"{value:.0f}" if "e" in text and abs(value) < 1e9 else text

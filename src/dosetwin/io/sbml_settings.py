"""The settings file of a case of the SBML Test Suite: times, variables, tolerances, and which species are told as amounts."""

import math
from dataclasses import dataclass
from pathlib import Path

from dosetwin.errors import InputError

MOST_STEPS = 1_000_000


@dataclass(frozen=True)
class Settings:
    """``start``, ``duration`` in the model's time; ``steps`` intervals between rows; tolerances are those of the comparison."""

    start: float
    duration: float
    steps: int
    variables: tuple[str, ...]
    absolute: float
    relative: float
    amount: frozenset[str] = frozenset()
    concentration: frozenset[str] = frozenset()

    @property
    def times(self) -> list[float]:
        """Times of the rows."""
        return [self.start + self.duration * i / self.steps for i in range(self.steps + 1)]


def read_settings(path: Path) -> Settings:
    """The settings of a file of ``key: value`` lines.

    Raises InputError for a key that is missing, twice there or has no believable value.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("it cannot be read as text", where=str(path), value=type(error).__name__) from None
    told: dict[str, str] = {}
    for n, line in enumerate(lines, 1):
        key, sign, value = line.partition(":")
        key = key.strip().lower()
        if not line.strip():
            continue
        if not sign or key in told:
            raise InputError("a line that is not one `key: value`", where=f"{path.name}, line {n}", value=line.strip()[:80])
        told[key] = value.strip()

    def number(key: str, least: float, default: float | None = None) -> float:
        raw = told.get(key, "")
        try:
            value = float(raw) if raw or default is None else default
        except ValueError:
            value = math.nan
        if not (least <= value < math.inf):
            raise InputError("not a number that can be", where=f"{path.name}: {key}", value=raw, allowed=f"from {least:g}")
        return value

    def names(key: str) -> tuple[str, ...]:
        return tuple(w.strip() for w in told.get(key, "").split(",") if w.strip())

    steps = number("steps", 1)
    if steps != int(steps) or steps > MOST_STEPS:
        raise InputError(
            "not a number that can be", where=f"{path.name}: steps", value=told["steps"], allowed=f"1 to {MOST_STEPS}"
        )
    if not (variables := names("variables")):
        raise InputError("no variables", where=path.name, remedy="variables: S1, S2")
    if len(set(variables)) < len(variables):
        raise InputError("a variable twice", where=path.name, value=", ".join(variables))
    return Settings(number("start", 0.0), number("duration", 0.0), int(steps), variables, number("absolute", 0.0, 1e-9),
                    number("relative", 0.0, 1e-6), frozenset(names("amount")), frozenset(names("concentration")))  # fmt: skip

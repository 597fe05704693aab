"""A score watched over the coming years: the person ages, what drifts drifts, and which answer passes its border first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Score

MOST = 40
"""Years that can be watched."""


@dataclass(frozen=True)
class Border:
    """``answer`` passes when it is at least ``value`` (``above``), or at most."""

    answer: str
    value: float
    above: bool = True

    @classmethod
    def read(cls, word: str, score: Score) -> "Border":
        """``RISK_10Y>=10`` or ``EGFR<=30``. Raises InputError for another form or an answer the score does not give."""
        for sign in (">=", "<="):
            name, found, number = word.partition(sign)
            if found:
                break
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not found or name.strip() not in score.answers or value != value:
            raise InputError("not a border", where="--border", value=word,
                             allowed=f"one of {', '.join(score.answers)} >= or <= a number")  # fmt: skip
        return cls(name.strip(), value, found == ">=")

    def passed(self, said: Mapping[str, Any]) -> bool:
        """Whether the answer has passed."""
        value = said.get(self.answer)
        return isinstance(value, int | float) and (value >= self.value if self.above else value <= self.value)


def watch(
    score: Score, person: Mapping[str, float], drift: Mapping[str, float], borders: Sequence[Border], years: int
) -> tuple[str, float | None, str]:
    """(answer that passes first, year from today, why the watch ended early).

    ``person`` as the score reads it, each year older by one where it reads AGE; ``drift`` column -> change a year. "" and None
    where nothing passes; the reason where a year lies outside the score. Raises InputError for a drift of no column.
    """
    assert score.of is not None
    if not 1 <= years <= MOST:
        raise InputError("years to watch", where="--ahead", value=years, allowed=f"1 to {MOST}")
    columns = {c.name: c for c in score.columns}
    if strange := sorted(set(drift) - set(person)):
        raise InputError("nothing to drift", where="--drift", value=strange[0], allowed=", ".join(person))
    change = {"AGE": 1.0, **drift} if "AGE" in person else dict(drift)
    for year in range(years + 1):
        now = {k: v + change.get(k, 0.0) * year for k, v in person.items()}
        for name, value in now.items():
            column = columns.get(name)
            if column is not None and not column.low <= value <= column.high:
                return "", None, f"year {year}: {name} {value:g} is outside {column.low:g} to {column.high:g}"
        try:
            said = score.of(now)
        except InputError as error:
            return "", None, f"year {year}: {error}"
        for border in borders:
            if border.passed(said):
                return border.answer, float(year), ""
    return "", None, ""

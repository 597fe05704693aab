"""What a therapy's patient takes home in plain words, and how its drug is stopped and begun again around a procedure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Pause:
    """Stopping around a procedure: ``days`` without a dose before it as the guideline has them, ``begin_h`` h after it the first
    dose; it is safe where what is watched is below ``below``; ``low``: below it the patient is not protected; ``bridge`` who gets
    another drug meanwhile."""

    days: int
    begin_h: float
    below: float
    low: float
    bridge: str
    source: str


@dataclass(frozen=True)
class Diary:
    """Sentences for the patient: what to do about a dose ``missed``, when to ``call`` somebody, ``habits`` that keep the effect
    even; ``pause``: None where the drug is not stopped for procedures."""

    missed: tuple[str, ...]
    call: tuple[str, ...]
    habits: tuple[str, ...]
    source: str
    pause: Pause | None = None


def in_tablets(amount: float, strengths: Sequence[float], halves: bool = True) -> tuple[tuple[float, float], ...] | None:
    """A dose as (number of tablets, strength) with the fewest pieces, halves allowed or not; None where these strengths cannot
    make it.

    Examples
    --------
    >>> in_tablets(4.5, (5.0, 3.0, 1.0))
    ((1.5, 3.0),)
    >>> in_tablets(5.5, (5.0, 3.0, 1.0))
    ((1.0, 5.0), (0.5, 1.0))
    """
    needed = round(2 * amount * 1e6)
    sizes = sorted((round(s * 1e6) for s in strengths), reverse=True)

    def made(left: int, at: int) -> tuple[int, tuple[tuple[int, int], ...]] | None:
        if left == 0:
            return 0, ()
        if at == len(sizes):
            return None
        found = None
        for n in range(min(left // sizes[at], 16), -1, -1):
            if n % 2 and not halves:
                continue
            rest = made(left - n * sizes[at], at + 1)
            if rest is None:
                continue
            pieces = rest[0] + n // 2 + 2 * (n % 2)  # a half costs a cut
            if found is None or pieces < found[0]:
                found = (pieces, (((n, sizes[at]), *rest[1]) if n else rest[1]))
        return found

    found = made(needed, 0)
    return None if found is None else tuple((n / 2, size / 1e6) for n, size in found[1])

"""How many times as frequent clots and bleeding in the brain are at an INR as at 2 to 2.5, in bands as a cohort found them."""

from dataclasses import dataclass

SOURCE = ("Singer 2009, Circ Cardiovasc Qual Outcomes 2:297, doi 10.1161/CIRCOUTCOMES.108.830232 (ATRIA: 9,217 adults with "
          "atrial fibrillation on warfarin; 396 thromboembolisms, 164 bleedings in the brain)")  # fmt: skip


@dataclass(frozen=True)
class Band:
    """INRs from ``low`` to below ``high``; odds relative to 2 to 2.5 of a clot and of bleeding in the brain, None where the
    source's abstract gives no number; ``text`` in words."""

    low: float
    high: float
    clot: float | None
    bleed: float | None
    text: str


BANDS = (
    Band(0.0, 1.35, None, 1.0, "clots more frequent still than at 1.4 to 1.7; bleeding no rarer than at 2"),
    Band(1.35, 1.75, 3.72, 1.0, "clots 3.7 times as frequent (2.7 to 5.2)"),
    Band(1.75, 3.55, 1.0, 1.0, "clots and bleeding both rare"),
    Band(3.55, 4.55, 1.0, 3.56, "bleeding in the brain 3.6 times as frequent (1.7 to 7.5)"),
    Band(4.55, 99.0, 1.0, None, "bleeding more frequent still than at 3.6 to 4.5"),
)
"""Numbers and 95 % intervals read in the abstract; 1.0 where it says low and stable, or consistently low."""


def band(inr: float) -> Band:
    """The band an INR lies in."""
    return next(b for b in BANDS if inr < b.high)

"""What drugs for newborns share: tables by age, goals of aminoglycosides, limits of any dose, the syringe, the ordinary baby."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from dosetwin.declare import Facts, Goal, Limit, Says
from dosetwin.declare.preparation import Preparation
from dosetwin.declare.reading import AUC24, CMAX_MIC, PEAK, TROUGH

SEPSIS = "newborns with suspected or proven sepsis"
ORDINARY = {"WT": 1.5, "GA": 30.0, "PNA": 2.0, "PMA": 30.3}
"""A baby as the ward has many: what the menu is tried on."""
ANY = float("inf")

Row = tuple[float, float, float, float]
"""Completed weeks up to, completed days up to, mg/kg, h to the next dose."""


def by_age(weeks: Literal["PMA", "GA"], rows: Sequence[Row], refuses: str = "") -> Callable[[Facts], Says | str]:
    """A handbook's table: the first row that the baby's completed weeks (``weeks``) and postnatal days are not above.

    The tables count completed weeks and days: "<= 29" is below 30 weeks, "0-7 d" is below 8 days. ``refuses``: the sentence for
    who is past 28 d, without the age; "": the table goes on.
    """

    def table(facts: Facts) -> Says | str:
        age, days = int(facts[weeks]), int(facts.PNA)
        if refuses and days > 28:
            return f"{refuses}, found PNA {days} d"
        _, _, dose, interval = next(row for row in rows if age <= row[0] and days <= row[1])
        return Says(dose, interval, f"{weeks} {age} wk, PNA {days} d")

    return table


GENTAMICIN_NEOFAX = (
    (29, 7, 5.0, 48.0), (29, 28, 4.0, 36.0), (29, ANY, 4.0, 24.0),
    (34, 7, 4.5, 36.0), (34, ANY, 4.0, 24.0),
    (ANY, ANY, 4.0, 24.0),
)  # fmt: skip
"""By PMA; handbooks give gentamicin's for tobramycin too."""

# -------------------------------------------------------------------------------------------------------------------- goals

HIGH_TROUGH = "wait longer, take another level before the next dose, and reconsider renal function; a shorter wait is not safe"
NO_EXPOSURE = "no regimen inside the limits gives this exposure: reconsider the drug"
FIRST_PEAK = (
    "assumed: the first peak of a sepsis counts as much as all scored peaks of a later course. Direction: "
    "first Cmax/MIC foretells the response of adults to aminoglycosides (Moore 1987, J Infect Dis 155:93; Kashuba 1999, "
    "AAC 43:623; recalled)"
)


class Mark(NamedTuple):
    """A border (or two) with the distance from it at which a miss costs double, and where it comes from."""

    at: float
    scale: float
    source: str
    to: float | None = None


def aminoglycoside(
    peak: Mark, low: Mark, toxic: Mark, cmax_mic: Mark, floor: Mark, ceiling: Mark, chance: float = 0.50
) -> tuple[Goal, ...]:
    """Goals of an aminoglycoside: a peak window, a low trough, one that is never toxic, Cmax/MIC where the MIC is known, an area
    between borders. Weights and chances are the same for all but the ``chance`` asked of the window; borders (mg/L, mg.h/L) are
    each drug's own.
    """
    return (
        Goal(
            "peak_window", PEAK, peak.at, peak.to, "mg/L", 1.0, peak.scale, "peak 1 h after the start of the dose", peak.source,
            min_probability=chance, first_weight=1.0, first_source=FIRST_PEAK,
            help="take a level about 1 h after a dose to learn the volume: the prediction is too uncertain or the window too "
            "narrow",
        ),
        Goal("trough_low", TROUGH, None, low.at, "mg/L", 1.0, low.scale, "level at the end of the interval", low.source,
             help=HIGH_TROUGH),
        Goal(
            "trough_toxic", TROUGH, None, toxic.at, "mg/L", 2.0, toxic.scale,
            "never above the toxicity mark at the end of an interval", toxic.source, min_probability=0.90, closed=True,
            joint=False, help=HIGH_TROUGH, told_as="p_trough_not_toxic",
        ),
        Goal(
            "cmax_mic", CMAX_MIC, cmax_mic.at, None, "", 1.0, cmax_mic.scale, "peak over MIC; only scored when the MIC is known",
            cmax_mic.source, min_probability=0.50, closed=True,
            help="the MIC cannot be reached at an accepted peak: ask microbiology about another drug or a combination",
        ),
        # Without a floor the longest interval always wins: exposure between peak and trough would be free.
        Goal(
            "auc_floor", AUC24, floor.at, None, "mg.h/L", 0.5, floor.scale, "mean AUC over 24 h of the dose's interval",
            floor.source, min_probability=0.50, closed=True, joint=False, brief=False, help=NO_EXPOSURE,
        ),
        Goal(
            "auc_ceiling", AUC24, None, ceiling.at, "mg.h/L", 0.25, ceiling.scale, "mean AUC over 24 h of the dose's interval",
            ceiling.source, closed=True, joint=False, brief=False, help=NO_EXPOSURE,
        ),
    )  # fmt: skip


AMINOGLYCOSIDE_SHOWN = ((PEAK, "next"), (TROUGH, "next"), (TROUGH, "last"), (AUC24, "last"))

# -------------------------------------------------------------------------------------------------------------------- limits

SYRINGE = Preparation(
    5.0,
    ((0.0, 0.02), (2.0, 0.05), (6.0, 0.2)),
    "assumed: a 5 mg/mL dilution in a 1 mL syringe (0.02 and 0.05 mL), larger doses to the mg; a site sets its own",
)


HALF = ((0.5, 1.5), "assumed: more than half up or down at once is not proposed without a human decision")


def of_any_dose(gap_h: float, change: tuple[tuple[float, float], str] = HALF, drawn: Preparation = SYRINGE) -> tuple[Limit, ...]:
    """Limits that hold for any drug of a newborn; ``gap_h``: the shortest interval there is; ``change``: lowest and highest ratio
    to the dose before, and why; ``drawn``: what is drawn up.
    """
    return (
        Limit("change_per_step", "amount_ratio", change[0][0], change[0][1], "1", "dose relative to the previous one", change[1]),
        Limit("gap", "gap_h", gap_h, None, "h", "start of the previous dose to the coming one",
              "the shortest interval allowed"),
        Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now"),
        Limit("syringe", "off_step", None, 1e-6, "mg", "distance to an amount the syringe can measure", drawn.source),
    )  # fmt: skip


ONCE_A_DAY = (
    Limit("interval_range", "interval_h", 24.0, 48.0, "h", "interval",
          "the shortest and the longest of the fifteen gentamicin guidelines compared by van Donge 2018"),
    Limit("loading_interval", "loading_interval_h", 24.0, 72.0, "h", "interval after a loading dose",
          "Bergenwall 2019, BMC Pediatr (gentamicin): 72 h at and below 850 g"),
    Limit("infusion_range", "infusion_h", 0.05, 1.0, "h", "infusion time",
          "3 to 5 min NHS Highland; 30 min NeoFax (recalled); 60 min assumed: longer, and a 1 h peak falls into it"),
)  # fmt: skip
"""What gentamicin and tobramycin share: a dose a day at most."""

EVERY_HOURS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 18.0, 24.0, 30.0, 36.0, 42.0, 48.0)
"""h after the start of a dose at which a level is thought of."""

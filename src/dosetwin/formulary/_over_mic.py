"""What beta-lactams aim at in adults: the share of an interval with free drug above the MIC, and no trough that harms."""

from dosetwin.declare import End, Goal, Interval, Reading
from dosetwin.formulary._adults import TOO_MUCH

TROUGH = Reading("", "at", End(("next", "last")), name="trough")
WHOLE = "the whole interval above the MIC in critical illness (Roberts 2014, CID 58:1072, DALI; recalled)"


def above(free: float, *doses: str) -> Reading:
    """Share of the interval after these doses with free drug (``free``: its share in plasma) above the MIC."""
    return Reading("", "share_above", Interval(doses), level=round(1.0 / free, 3), multiple_of="MIC", name="fT>MIC")


def goals(
    free: float, chance: float, toxic: float, scale: float, nerves: str, half: float, kills: str, help: str
) -> tuple[Goal, ...]:
    """The whole interval (with ``chance``) once doses repeat, at least ``half`` (0 to 1) of the first one too, troughs up to
    ``toxic`` mg/L.

    The first interval is not asked for whole: an infusion that runs long begins below the MIC, and is better all the same.
    """
    return (
        Goal("over_mic", above(free, "last"), 0.99, None, "", 1.0, 0.5, "share of the interval with free drug above the MIC",
             f"{WHOLE}; the {chance:.0%} is assumed", min_probability=chance, chance_doses=("last",), closed=True, help=help),
        Goal("too_high", TROUGH, None, toxic, "mg/L", 1.0, scale, "level at the end of the interval",
             nerves + "; the 85 % is assumed", min_probability=0.85, chance_doses=("next", "last"), closed=True, joint=False,
             help=TOO_MUCH),
        Goal("half", above(free, "next", "last"), half, None, "", 0.5, half, f"at least {half:.0%} of the interval", kills,
             closed=True, joint=False, brief=False, help=help),
    )  # fmt: skip

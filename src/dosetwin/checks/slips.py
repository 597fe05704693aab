"""A value written in another unit than its column says (an age in months, an albumin in g/dL): refused, with what was meant."""

from dosetwin.declare import Cov
from dosetwin.errors import InputError
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Timeline

SLIPS = {
    ("AGE", "y"): (1 / 12, "months"), ("ALB", "g/L"): (10.0, "g/dL"), ("HT", "cm"): (100.0, "m"),
    ("MAP0", "mmHg"): (7.50062, "kPa"), ("VT", "mL"): (1000.0, "L"), ("FIO2", "1"): (0.01, "percent"),
}  # fmt: skip
"""(Covariate, its unit): what turns a value in a unit written by mistake into the right one, and that unit."""


def refuse(name: str, c: Cov, value: float, timeline: Timeline) -> None:
    """Raises InputError for a value that stands on a record and that nobody has; a value tried out on a model passes."""
    own = sorted((abs(x.value - value), x.record) for x in timeline.covariates if x.name == name and x.record)
    if (name, c.unit) not in SLIPS or not own:
        return
    of, (factor, unit) = QUANTITIES[name], SLIPS[name, c.unit]
    if of.holds(value, True) or of.holds(value, False):
        return
    meant = f"{value * factor:.3g} {c.unit} if these are {unit}" if of.holds(value * factor, False) else ""
    raise InputError(
        f"{name} ({c.text}) cannot be this", where=own[0][1], value=float(f"{value:.6g}"),
        allowed=f"{of.low:g} to {of.high:g} {c.unit}", remedy=meant or "check value and unit",
    )  # fmt: skip

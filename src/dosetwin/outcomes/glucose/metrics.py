"""Time in range, variability and risk of a course of glucose, as the consensus reports of continuous monitoring count them.

Ranges: Battelino 2019 (Diabetes Care 42:1593). GMI: Bergenstal 2018 (41:2275). LBGI and HBGI: Kovatchev 2006 (29:2433).
GRI: Klonoff 2022 (J Diabetes Sci Technol 17:1226). Coefficients recalled, those of the risk read in simglucose (MIT).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import InputError
from dosetwin.outcomes.glucose.excursions import mage

LOWEST, HIGHEST = 10.0, 1500.0
"""mg/dL that blood can have at all."""


class Glycaemia(NamedTuple):
    """Shares in % of readings; mean, sd, mage in mg/dL; cv and gmi in %; lbgi, hbgi and gri (0 to 100) without unit."""

    readings: int
    days: float
    active: float
    mean: float
    sd: float
    tir: float
    below70: float
    below54: float
    above180: float
    above250: float
    gmi: float
    cv: float
    lbgi: float
    hbgi: float
    gri: float
    mage: float


def risk(mg_dl: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Risk of low and of high glucose of each reading (mg/dL, any shape), 0 to 100: their means are LBGI and HBGI."""
    f = 1.509 * (np.log(np.maximum(mg_dl, 1.01)) ** 1.084 - 5.381)
    r = 10.0 * f * f
    return np.where(f < 0.0, r, 0.0), np.where(f > 0.0, r, 0.0)


def glycaemia(minutes: NDArray[np.float64], mg_dl: NDArray[np.float64]) -> Glycaemia:
    """Everything above of one course: minutes [n] increasing, mg_dl [n].

    ``active`` is the share of the span, in %, that was measured at the usual distance of readings. Raises InputError for fewer
    than two readings, times that do not increase and values outside 10 to 1500 mg/dL.
    """
    if len(minutes) != len(mg_dl) or len(mg_dl) < 2:
        raise InputError("too few readings of glucose", value=len(mg_dl), allowed="at least 2")
    steps = np.diff(minutes)
    if not (steps > 0.0).all():
        raise InputError("times of glucose do not increase", where=f"reading {int(np.argmin(steps)) + 2}")
    wrong = ~((mg_dl >= LOWEST) & (mg_dl <= HIGHEST))
    if wrong.any():
        raise InputError("glucose cannot be this", where=f"reading {int(np.argmax(wrong)) + 1}",
                         value=float(mg_dl[np.argmax(wrong)]), allowed=f"{LOWEST:g} to {HIGHEST:g} mg/dL",
                         remedy="values of mmol/L times 18.016 are mg/dL")  # fmt: skip
    low, high = risk(mg_dl)
    mean, sd = float(np.mean(mg_dl)), float(np.std(mg_dl, ddof=1))

    def share(which: NDArray[np.bool_]) -> float:
        return 100.0 * float(np.mean(which))

    below70, below54, above180, above250 = (share(w) for w in (mg_dl < 70.0, mg_dl < 54.0, mg_dl > 180.0, mg_dl > 250.0))
    gri = 3.0 * below54 + 2.4 * (below70 - below54) + 1.6 * above250 + 0.8 * (above180 - above250)
    span, usual = float(minutes[-1] - minutes[0]), float(np.median(steps))
    return Glycaemia(
        readings=len(mg_dl), days=span / 1440.0, active=min(100.0, 100.0 * len(mg_dl) * usual / (span + usual)), mean=mean,
        sd=sd, tir=100.0 - below70 - above180, below70=below70, below54=below54, above180=above180, above250=above250,
        gmi=3.31 + 0.02392 * mean, cv=100.0 * sd / mean, lbgi=float(np.mean(low)), hbgi=float(np.mean(high)),
        gri=min(100.0, gri), mage=mage(minutes, mg_dl),
    )  # fmt: skip

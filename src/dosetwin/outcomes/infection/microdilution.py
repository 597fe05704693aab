"""EC50 tied to MIC: broth microdilution in silico, with growth in broth (with that in a newborn no tube turns cloudy in 18 h).

5e5 CFU/mL, 18 h, visible at 1e8 CFU/mL. The concentration at which the count ends exactly at 1e8 is the continuous MIC; the MIC
read from a plate is the next doubling dilution above it.
"""

from functools import lru_cache
from math import ceil, exp, log, log2

from scipy.optimize import brentq

from dosetwin.errors import InputError
from dosetwin.outcomes.infection.packs import KillSet
from dosetwin.structure.bacteria import adapted_share_over, crowding_rate, emax_kill, logistic_room

INOCULUM, VISIBLE, HOURS = 5e5, 1e8, 18.0
"""CFU/mL, CFU/mL, h: the standard method (ISO 20776-1; visibility as usually put)."""
BREAKPOINT = 2.09e6
"""CFU/mL above which Mohamed's cells begin to rest."""
LOWEST, HIGHEST = 2.0**-6, 512.0
"""mg/L: the dilutions of the EUCAST distributions."""


def check_MIC(MIC: float, where: str = "MIC") -> float:
    """The MIC, mg/L. Raises InputError unless it is a finite positive number up to 4096."""
    if not 0.0 < MIC <= 4096.0:
        raise InputError("an MIC must be a positive number", where=where, value=MIC, allowed="above 0, up to 4096 mg/L")
    return float(MIC)


def plate(threshold: float) -> float:
    """The MIC read from a doubling dilution, mg/L: the next power of two at or above the continuous one."""
    return 2.0 ** ceil(log2(check_MIC(threshold)) - 1e-9)


def count_after(
    C: float, *, EC50: float, Emax: float, hill: float, kg: float, kd: float, capacity: float, resting: bool = False,
    AR50: float = 0.0, kon: float = 0.0, koff: float = 0.0, hours: float = HOURS, inoculum: float = INOCULUM, dt: float = 0.02,
) -> float:  # fmt: skip
    """ln CFU/mL after ``hours`` at C mg/L. ``resting``: crowded cells rest (Uppsala form), else growth stops (logistic)."""
    lnS, R, AR = log(inoculum), 0.0, 0.0
    full = emax_kill(C, Emax, EC50, hill)
    for _ in range(round(hours / dt)):
        share, AR = adapted_share_over(AR, AR50, C, kon, koff, dt)
        B = exp(min(lnS, 60.0)) + R
        if resting:
            rest = crowding_rate(B, capacity, kg, kd) if B > BREAKPOINT else 0.0
            R += dt * (rest * exp(lnS) - kd * R)
            lnS += dt * (kg - kd - rest - full * share)
        else:
            lnS += dt * (kg * logistic_room(B, capacity) - kd - full * share)
    return log(exp(lnS) + R)


@lru_cache(maxsize=64)
def _ratio(Emax: float, hill: float, kg: float, kd: float, capacity: float, AR50: float, kon: float, koff: float) -> float:
    def above(ln_q: float) -> float:
        end = count_after(
            1.0, EC50=exp(ln_q), Emax=Emax, hill=hill, kg=kg, kd=kd, capacity=capacity, resting=AR50 > 0.0, AR50=AR50, kon=kon,
            koff=koff,
        )  # fmt: skip
        return end - log(VISIBLE)

    return exp(float(brentq(above, log(1e-3), log(1e4), xtol=1e-6)))  # type: ignore[arg-type]


def ec50_over_MIC(kill: KillSet) -> float:
    """q = EC50/MIC at which microdilution in silico returns the MIC; adaptation is driven by C/MIC, so q holds for every MIC."""
    value = kill.value
    return _ratio(
        value("Emax"), value("hill"), value("kg_broth"), value("kd_broth"), value("capacity_broth"),
        value("AR50"), value("kon_MIC"), value("koff"),
    )  # fmt: skip

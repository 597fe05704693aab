"""The newborn kidney: filtration that matures after birth, and the creatinine balance it leaves in blood.

Plain functions of plain numbers (``math`` only), in the units their arguments name.
Sources: Wu et al., Pharm Res 2024;41:637 (filtration, steady-state creatinine; secondary, as in nlmixr2lib); van Donge et al.,
Pediatr Nephrol 2021 (production exceeds elimination in the first days, explained by tubular back-leak); Young et al., Arch Dis
Child Fetal Neonatal Ed 2021;106:542 (body water); the constants of the composite balance are our fit to published typical
profiles of enzymatic creatinine (van Donge ELBW, Boer and Keles term; 9 % rms), the same numbers as in ``amikacin_neonate``.
"""

from math import exp
from typing import NamedTuple

from dosetwin.structure.composition import water_per_kg
from dosetwin.structure.growth import body_surface
from dosetwin.structure.growth import length as length_of_grown

ML_PER_MIN_TO_L_PER_H = 0.06
HOURS_PER_DAY = 24.0
DL_PER_L = 10.0


def sigmoid(x, half, hill):
    """Hill function x^hill / (half^hill + x^hill); 0 at x = 0, and where it is too small for a number (x below 1e-60 half)."""
    return 0.0 if x <= 1e-60 * half else 1.0 / (1.0 + (half / x) ** hill)


def filtration_wu(birth, grown, PNA, PNA50, hill):
    """Glomerular filtration rate: rises from ``birth`` to ``grown`` (any unit) with postnatal age ``PNA`` d (Wu 2024)."""
    return birth + (grown - birth) * sigmoid(PNA, PNA50, hill)


def asphyxia_left(PNA, held, half):
    """Share of the effect of perinatal asphyxia left at ``PNA`` d: whole until ``held`` d, then halved every ``half`` d."""
    return 1.0 if held >= PNA else 0.5 ** ((PNA - held) / half)


def back_leak(R0, PNA, tau):
    """Fraction of filtered creatinine that leaks back through immature tubules at ``PNA`` d; time constant ``tau`` d."""
    return R0 * exp(-PNA / tau)


# ------------------------------------------------------------------------------------------------- Wu 2024, as published


class WuFiltration(NamedTuple):
    """Filtration of one newborn, mL/min: at birth, when mature, now; and the share of today's that is the rate at birth."""

    birth: float
    grown: float
    now: float
    from_birth: float


WU_BIRTH, WU_GROWN, WU_WT, WU_WT_GROWN = 1.26, 8.98, 1.750, 0.738
WU_PNA50, WU_GA, WU_GA_PNA50, WU_HILL = 34.0, 34.0, -3.61, 1.03
WU_OMEGA2 = (0.09229, 0.02850, 0.27184, 0.11862)
"""Variances of log GFR at birth, log mature GFR, log PNA50, log Hill exponent."""
WU_SCR_ADD, WU_SCR_PROP = 0.0432, 0.141
"""Residual error of creatinine: mg/dL and fraction (variances 0.00187 and 0.0198)."""


def wu_filtration(GA, BW, WT, PNA):
    """Typical glomerular filtration at ``PNA`` d of a baby born at ``GA`` wk with ``BW`` kg who weighs ``WT`` kg (Wu 2024)."""
    birth = WU_BIRTH * BW / WU_WT
    grown = WU_GROWN * (WT / WU_WT) ** WU_WT_GROWN
    mature = sigmoid(PNA, WU_PNA50 * (GA / WU_GA) ** WU_GA_PNA50, WU_HILL)
    now = birth + (grown - birth) * mature
    return WuFiltration(birth, grown, now, birth * (1.0 - mature) / now)


def length_for_age(PMA, male):
    """Median length, cm, at ``PMA`` wk (24 on), INTERGROWTH: size at birth below 33 wk, postnatal growth from 40, between a line.

    The postnatal curve alone starts at 27 wk and lies 5-10 % below the size at birth there.
    """
    if PMA >= 40.0:
        return length_of_grown(PMA, male)
    at_birth = 1.307633 + 1.270022 * min(PMA, 33.0) + 0.4263885 * male
    if PMA <= 33.0:
        return at_birth
    return at_birth + (length_of_grown(40.0, male) - at_birth) * (PMA - 33.0) / 7.0


def wu_production(WT, HT, PNA, male):
    """Creatinine production as Wu's steady state uses it, mL/min mg/dL: k(age, sex) HT/88.4 BSA/1.73 (Pierce U25 below 12 y).

    The published U25 constants belong to height in metres, which would give 13 % less; kept as the model file has it.
    """
    k = (39.0 * male + 36.1 * (1.0 - male)) * 1.008 ** (PNA / 365.25 - 12.0)
    return k * HT / 88.4 * body_surface(WT, HT) / 1.73


def wu_creatinine(GA, BW, WT, PNA, male):
    """Creatinine at steady state, mg/dL (Wu 2024): blind to the rise of the first days, as the paper's model is."""
    HT = length_for_age(GA + PNA / 7.0, male)
    return wu_production(WT, HT, PNA, male) / wu_filtration(GA, BW, WT, PNA).now


# --------------------------------------------------------------------------------------- composite balance of creatinine

PRODUCTION, PRODUCTION_GA, PRODUCTION_EXPONENT = 10.0, 30.0, 0.14
"""mg/kg/d at the GA wk, exponent of GA."""
LEAK, LEAK_GA, LEAK_SLOPE, LEAK_TAU = 0.16, 27.0, 0.20, 2.8
"""Back-leak at birth at the GA wk, its fall per week, its time constant d."""
SCR_BIRTH, SCR_BIRTH_GA, SCR_BIRTH_SLOPE, SCR_BIRTH_MAX = 0.462, 27.0, 0.0576, 0.65
"""mg/dL at the GA wk (van Donge 2021), its rise per week, its cap (assumed)."""
TBW_TERM, TBW_SLOPE, GA_TERM = 0.738, 0.0144, 40.0
"""L/kg at term, more per week before it (Young 2021)."""
IBUPROFEN_LOSS = 0.0094
"""mL/min less creatinine clearance under ibuprofen (van Donge 2021, Front Pharmacol)."""
COOLED, REWARMED = 0.80, 0.90
"""Factors on creatinine clearance while cooled, and after asphyxia without cooling (assumed; direction: Keles 2024)."""


class Balance(NamedTuple):
    """The two rates of the creatinine balance dS/dt = into - out S, and the filtration behind ``out``.

    ``into`` mg/dL/h, ``out`` 1/h, ``GFR`` mL/min (typical, with the known effects on it), ``from_birth`` its share that is the
    rate at birth.
    """

    into: float
    out: float
    GFR: float
    from_birth: float


def birth_creatinine(GA):
    """Typical creatinine at birth, mg/dL, at ``GA`` wk: the mother's, capped."""
    return min(SCR_BIRTH * exp(SCR_BIRTH_SLOPE * (GA - SCR_BIRTH_GA)), SCR_BIRTH_MAX)


def creatinine_balance(GA, BW, WT, PNA, ibuprofen=0.0, cooled=0.0, asphyxia=0.0):
    """Typical rates of the composite balance at ``PNA`` d: Wu's filtration, body water, production, back-leak; flags 0 or 1."""
    wu = wu_filtration(GA, BW, WT, PNA)
    GFR = wu.now - IBUPROFEN_LOSS * ibuprofen
    if cooled > 0.5:
        GFR *= COOLED
    elif asphyxia > 0.5:
        GFR *= REWARMED
    water = water_per_kg(TBW_TERM, TBW_SLOPE, GA, GA_TERM)
    into = PRODUCTION * (GA / PRODUCTION_GA) ** PRODUCTION_EXPONENT / (DL_PER_L * water * HOURS_PER_DAY)
    kept = 1.0 - back_leak(LEAK * exp(-LEAK_SLOPE * (GA - LEAK_GA)), PNA, LEAK_TAU)
    return Balance(into, ML_PER_MIN_TO_L_PER_H * GFR * kept / (water * WT), GFR, wu.from_birth)


def balance_step(S, into, out, dt):
    """Creatinine mg/dL after ``dt`` h of constant rates: exact; ``out`` may be 0."""
    left = exp(-out * dt)
    return S * left + (into / out * (1.0 - left) if out > 0.0 else into * dt)


def kinetic_clearance(S0, S1, into, dt):
    """The elimination rate, 1/h, that takes creatinine from ``S0`` to ``S1`` mg/dL in ``dt`` h while ``into`` mg/dL/h flows in.

    Kinetic GFR is this rate times the volume. 0 when creatinine rose by all that was produced, or more.
    """
    if S0 + into * dt <= S1:
        return 0.0
    low, high = 0.0, 1.0 / dt
    while balance_step(S0, into, high, dt) > S1:
        high *= 2.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        if balance_step(S0, into, middle, dt) > S1:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)

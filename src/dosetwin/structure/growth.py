"""How large a newborn is: weight at birth for gestational age, weight and length afterwards, body surface.

Plain functions of plain numbers (``math`` only), which kernels compile, and for cohorts the same of arrays. ``z`` is a standard
normal score for weight, ``male`` 1 for a boy, 0 for a girl.
Sources: INTERGROWTH-21st newborn size for very preterm babies (24 to below 33 wk) and its published centiles from 33 wk on
(Villar et al., Lancet 2014;384:857), which are followed by a cubic of ours within 0.3 % of the median and 0.007 of its SD;
INTERGROWTH-21st postnatal growth of preterm babies (length); Haycock et al., J Pediatr 1978;93:62 (body surface).
"""

from math import exp, log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

VERY_PRETERM = 33.0
"""Weeks; below it the standard for very preterm babies holds."""
# Early weight at 24 wk, and how much less at term, linear between. Term: Paul 2016, Flaherman 2015 (read); preterm: recalled.
LOSS, LOSS_LESS = 0.09, 0.03
"""Of birth weight, at the lowest."""
LOWEST_D, LOWEST_LESS_D = 5.0, 2.5
"""Day of the lowest weight."""
REGAINED_D, REGAINED_LESS_D = 13.0, 3.5
"""Day on which birth weight is reached again."""
GAIN, GAIN_LESS = 0.015, 0.006
"""kg/kg/d after that."""


def birth_weight(GA, male, z):
    """Birth weight, kg, at ``GA`` wk (24 to 43): the median of the standard, ``z`` standard deviations (of the log) away."""
    if GA < VERY_PRETERM:
        return exp(-7.00303 + 1.325911 * sqrt(GA) + 0.0571937 * male + 0.1931911 * z)
    x = GA - 40.0
    boy = 1.216767 + x * (0.0393715 + x * (-0.0026879 + x * 0.00040783))
    girl = 1.180093 + x * (0.0361570 + x * (-0.0032624 + x * 0.00042261))
    # below the median the distribution is wider than above it
    boy_sd = 0.122458 + x * (-0.0046819 + x * 0.0016360) if z < 0.0 else 0.116517 + x * (-0.0040108 + x * 0.0010681)
    girl_sd = 0.121293 + x * (-0.0031970 + x * 0.0013546) if z < 0.0 else 0.118551 + x * (-0.0025943 + x * 0.0009061)
    return exp(male * (boy + boy_sd * z) + (1.0 - male) * (girl + girl_sd * z))


def birth_weights(GA: "np.ndarray", male: "np.ndarray", z: "np.ndarray") -> "np.ndarray":
    """``birth_weight`` for arrays [n], kg."""
    import numpy as np

    x = GA - 40.0
    boy = 1.216767 + x * (0.0393715 + x * (-0.0026879 + x * 0.00040783))
    girl = 1.180093 + x * (0.0361570 + x * (-0.0032624 + x * 0.00042261))
    low = z < 0.0
    boy_sd = np.where(low, 0.122458 + x * (-0.0046819 + x * 0.0016360), 0.116517 + x * (-0.0040108 + x * 0.0010681))
    girl_sd = np.where(low, 0.121293 + x * (-0.0031970 + x * 0.0013546), 0.118551 + x * (-0.0025943 + x * 0.0009061))
    grown = male * (boy + boy_sd * z) + (1.0 - male) * (girl + girl_sd * z)
    early = -7.00303 + 1.325911 * np.sqrt(GA) + 0.0571937 * male + 0.1931911 * z
    return np.exp(np.where(GA < VERY_PRETERM, early, grown))


def weight_after_birth(BW, GA, PNA):
    """Weight, kg, at ``PNA`` d of a baby born at ``GA`` wk with ``BW`` kg: loss, regain, then growth.

    Lowest at -9 % on day 5 (24 wk) to -6 % on day 2.5 (term), birth weight again on day 13 to 9.5, then 15 to 9 g/kg/d.
    """
    mature = (GA - 24.0) / 16.0
    mature = 0.0 if mature < 0.0 else 1.0 if mature > 1.0 else mature
    loss = LOSS - LOSS_LESS * mature
    lowest = LOWEST_D - LOWEST_LESS_D * mature
    regained = REGAINED_D - REGAINED_LESS_D * mature
    if lowest > PNA:
        return BW * (1.0 - loss * PNA / lowest)
    if regained > PNA:
        return BW * (1.0 - loss * (regained - PNA) / (regained - lowest))
    return BW * exp((GAIN - GAIN_LESS * mature) * (PNA - regained))


def weight_ratio(GA: "np.ndarray", PNA: "np.ndarray") -> "np.ndarray":
    """Weight over birth weight at ``PNA`` d: the curve of ``weight_after_birth`` for arrays."""
    import numpy as np

    mature = np.clip((GA - 24.0) / 16.0, 0.0, 1.0)
    loss, lowest = LOSS - LOSS_LESS * mature, LOWEST_D - LOWEST_LESS_D * mature
    regained = REGAINED_D - REGAINED_LESS_D * mature
    falling = 1.0 - loss * PNA / lowest
    rising = 1.0 - loss * (regained - PNA) / (regained - lowest)
    grown = np.exp((GAIN - GAIN_LESS * mature) * (PNA - regained))
    return np.where(lowest > PNA, falling, np.where(regained > PNA, rising, grown))


def length(PMA, male):
    """Median length, cm, at ``PMA`` wk (27 to 64), INTERGROWTH-21st postnatal growth of preterm babies."""
    return exp(4.136244 - 547.0018 / PMA**2 + 0.0026066 * PMA + 0.0314961 * male)


def body_surface(WT, HT):
    """Body surface, m2, from ``WT`` kg and ``HT`` cm (Haycock)."""
    return 0.024265 * exp(0.5378 * log(WT) + 0.3964 * log(HT))

"""Glucose and insulin of a person with type 1 diabetes as Hovorka and others wrote them (2004, Physiol Meas 25:905).

Amounts in mmol (glucose) and mU (insulin), rates per minute. Values read in two public transcriptions that agree.
"""

from typing import NamedTuple

F01, EGP0 = 0.0097, 0.0161
"""mmol/kg/min: use that needs no insulin, production of the liver without insulin."""
VG, VI = 0.16, 0.12
"""L/kg."""
K12, KE = 0.066, 0.138
"""1/min: back from tissue, insulin out of plasma."""
KA1, KA2, KA3 = 0.006, 0.06, 0.03
"""1/min: how fast insulin's three actions come and go."""
SIT, SID, SIE = 51.2e-4, 8.2e-4, 520e-4
"""Sensitivities: transport and disposal 1/min per mU/L, production per mU/L."""
TMAX_I, TMAX_G = 55.0, 40.0
"""min: absorption of insulin under the skin, of carbohydrate."""
AG = 0.8
"""Share of carbohydrate that appears."""
MMOL_PER_G = 1000.0 / 180.16
MG_DL = 18.016
"""mg/dL in 1 mmol/L."""
KIDNEY_MMOL_L, KIDNEY = 9.0, 0.003
"""Glucose is lost in urine above this level, at this clearance 1/min."""


class Slopes(NamedTuple):
    """Change per minute of the ten amounts."""

    S1: float
    S2: float
    insulin: float
    x1: float
    x2: float
    x3: float
    Q1: float
    Q2: float
    G1: float
    G2: float


def slopes(S1, S2, insulin, x1, x2, x3, Q1, Q2, G1, G2, dose, food, other, weight, scale, t_insulin, t_food):
    """Slopes under ``dose`` mU/min of insulin, ``food`` g/min of carbohydrate and ``other`` mmol/min of glucose from elsewhere.

    weight kg; scale: of all three sensitivities; t_insulin, t_food min, times of greatest absorption.
    """
    level = Q1 / (VG * weight)
    used = F01 * weight * min(level / 4.5, 1.0)
    lost = KIDNEY * (level - KIDNEY_MMOL_L) * VG * weight if level > KIDNEY_MMOL_L else 0.0
    made = EGP0 * weight * max(1.0 - x3, 0.0)
    return Slopes(
        dose - S1 / t_insulin,
        (S1 - S2) / t_insulin,
        S2 / (t_insulin * VI * weight) - KE * insulin,
        KA1 * (scale * SIT * insulin - x1),
        KA2 * (scale * SID * insulin - x2),
        KA3 * (scale * SIE * insulin - x3),
        made + G2 / t_food + other - used - lost - x1 * Q1 + K12 * Q2,
        x1 * Q1 - (K12 + x2) * Q2,
        AG * MMOL_PER_G * food - G1 / t_food,
        (G1 - G2) / t_food,
    )


def steady(level: float, dose: float, weight: float, scale: float) -> tuple[float, ...]:
    """The ten amounts where ``dose`` mU/min has run for long, with glucose held at ``level`` mmol/L; and the mmol/min missing."""
    insulin = dose / (VI * weight * KE)
    x1, x2, x3 = (scale * s * insulin for s in (SIT, SID, SIE))
    Q1 = level * VG * weight
    Q2 = x1 * Q1 / (K12 + x2)
    at = (dose * TMAX_I, dose * TMAX_I, insulin, x1, x2, x3, Q1, Q2, 0.0, 0.0)
    return (*at, -slopes(*at, dose, 0.0, 0.0, weight, scale, TMAX_I, TMAX_G).Q1)


def scale_of(level: float, dose: float, weight: float) -> float:
    """The scale of the sensitivities under which ``dose`` mU/min holds glucose at ``level`` mmol/L.

    A person's own basal dose says how sensitive they are. 0.05 to 20; where none does, the nearer end.
    """
    low, high = 0.05, 20.0
    for _ in range(60):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if steady(level, dose, weight, middle)[-1] < 0.0 else (low, middle)
    return (low * high) ** 0.5

"""Gases in blood and lung: dissociation of oxygen and CO2, contents, shunt, dead space, alveolar gas, Riley's lung.

Pressures in mmHg, temperature in Celsius, saturations and fractions 0 to 1, contents in mL/dL, haemoglobin in g/dL.
"""

import math
from dataclasses import dataclass

from dosetwin.errors import InputError

BOUND, DISSOLVED = 1.34, 0.0031
"""mL O2 per g of haemoglobin and per dL and mmHg (1.36 and 1.39, 0.003 are other conventions)."""
K_CO2 = 0.863
"""mmHg L/mL: gas at body temperature over gas STPD."""
KELMAN = (-8532.2289, 2121.4010, -67.073989, 935960.87, -31346.258, 2396.1674, -67.104406)
"""Kelman 1966, J Appl Physiol 21:1375 (recalled; its P50 agrees)."""


def saturation(po2: float) -> float:
    """Share of haemoglobin that carries oxygen (pH 7.4, 37 degrees): Severinghaus 1979, J Appl Physiol 46:599."""
    return 1.0 / (23400.0 / (po2**3 + 150.0 * po2) + 1.0) if po2 > 0.0 else 0.0


def tension(share: float) -> float:
    """mmHg at a saturation above 0 and below 1, the exact inverse: Ellis 1989, J Appl Physiol 67:902."""
    a = 11700.0 / (1.0 / share - 1.0)
    b = math.sqrt(50.0**3 + a * a)
    return (b + a) ** (1.0 / 3.0) - (b - a) ** (1.0 / 3.0)


def saturation_kelman(po2: float, pco2: float = 40.0, pH: float = 7.4, T: float = 37.0) -> float:
    """Saturation at any pH, PCO2 and temperature (Kelman 1966); below 10 mmHg of corrected tension linear and quadratic terms."""
    if not (po2 >= 0.0 and pco2 > 0.0):
        raise InputError("no gas tensions", where="Kelman", value=(po2, pco2), allowed="PO2 >= 0, PCO2 > 0 mmHg")
    x = po2 * 10.0 ** (0.024 * (37.0 - T) + 0.40 * (pH - 7.40) + 0.06 * (math.log10(40.0) - math.log10(pco2)))
    a1, a2, a3, a4, a5, a6, a7 = KELMAN
    if x < 10.0:
        return 0.003683 * x + 0.000584 * x * x
    top, bottom = x**4 + a3 * x**3 + a2 * x**2 + a1 * x, x**4 + a7 * x**3 + a6 * x**2 + a5 * x + a4
    return top / bottom


def co2_content(pco2: float, pH: float, hct: float, so2: float, T: float = 37.0) -> float:
    """CO2 of blood, mL/dL: Kelman 1967, Respir Physiol 3:111 (recalled)."""
    d = 7.4 - pH
    pK = 6.086 + 0.042 * d + (38.0 - T) * (0.00472 + 0.00139 * d)
    sol = 0.0307 + 0.00057 * (37.0 - T) + 0.00002 * (37.0 - T) ** 2
    DOX, DR = 0.590 + 0.2913 * d - 0.0844 * d * d, 0.664 + 0.2275 * d - 0.0938 * d * d
    D = DOX + (DR - DOX) * (1.0 - so2)
    plasma = sol * pco2 * (1.0 + 10.0 ** (pH - pK))
    return 2.22 * (hct * D * plasma + (1.0 - hct) * plasma)


def alveolar(fio2: float, paco2: float, *, full: bool = True, PB: float = 760.0, RQ: float = 0.8) -> float:
    """Alveolar oxygen tension: the full form PIO2 - PaCO2 (F + (1 - F) / R), or the short one PIO2 - PaCO2 / R."""
    inspired = fio2 * (PB - 47.0)
    return inspired - paco2 * ((fio2 + (1.0 - fio2) / RQ) if full else 1.0 / RQ)


def o2_content(hb: float, so2: float, po2: float) -> float:
    """O2 of blood, mL/dL."""
    return BOUND * hb * so2 + DISSOLVED * po2


def shunt(capillary: float, arterial: float, venous: float) -> float:
    """Share of blood that passes no ventilated lung, from contents. Raises InputError for contents that contradict each other."""
    if not venous < capillary or arterial > capillary + 1e-9:
        raise InputError("contents that contradict each other", where="shunt", value=(capillary, arterial, venous),
                         allowed="venous < arterial <= capillary",
                         remedy="arterial above alveolar oxygen: check FiO2 and when the sample was drawn")  # fmt: skip
    return (capillary - arterial) / (capillary - venous)


def paco2(vco2: float, va: float) -> float:
    """Arterial CO2 tension from CO2 made (mL/min STPD) and alveolar ventilation (L/min BTPS)."""
    return K_CO2 * vco2 / va


def dead_space(paco2_: float, mixed_expired: float) -> float:
    """VD/VT by Bohr and Enghoff."""
    return (paco2_ - mixed_expired) / paco2_


@dataclass(frozen=True)
class Blood:
    """Arterial and venous gases of a lung in a steady state."""

    PaO2: float
    SaO2: float
    PaCO2: float
    PAO2: float
    SvO2: float


def riley(
    fio2: float, va: float, qs: float, q: float, *, hb: float = 15.0, vo2: float = 250.0, vco2: float = 200.0, PB: float = 760.0,
) -> Blood:  # fmt: skip
    """Arterial blood of an ideal, a shunted and a dead compartment: ``va`` L/min alveolar ventilation, ``qs`` shunt, ``q`` L/min.

    Raises InputError where more oxygen is used than blood brings, or settings cannot be.
    """
    if not (0.2 <= fio2 <= 1.0 and va > 0.0 and 0.0 <= qs < 1.0 and q > 0.0 and hb > 0.0):
        raise InputError("no lung", where="riley", value=(fio2, va, qs, q, hb), allowed="FiO2 0.2 to 1, va > 0, 0 <= shunt < 1")
    CO2 = paco2(vco2, va)
    PA = alveolar(fio2, CO2, PB=PB, RQ=vco2 / vo2)
    if PA <= 0.0:
        raise InputError(
            "no oxygen reaches the alveoli", where="riley", value=PA, allowed="> 0 mmHg", remedy="more ventilation or FiO2"
        )
    capillary, used = o2_content(hb, saturation(PA), PA), vo2 / (10.0 * q)
    arterial = capillary - qs / (1.0 - qs) * used
    venous = arterial - used
    if venous <= 0.0:
        raise InputError("more oxygen is used than blood brings", where="riley", value=venous, allowed="venous content > 0")
    Pa, Pv = tension_of(arterial, hb), tension_of(venous, hb)
    return Blood(Pa, saturation(Pa), CO2, PA, saturation(Pv))


def tension_of(content: float, hb: float) -> float:
    """mmHg at which blood holds this much oxygen (mL/dL), by bisection to 1e-9."""
    low, high = 0.0, max(content / DISSOLVED, 1.0)
    for _ in range(200):
        mid = 0.5 * (low + high)
        if o2_content(hb, saturation(mid), mid) < content:
            low = mid
        else:
            high = mid
        if high - low < 1e-9:
            break
    return 0.5 * (low + high)


def nearer(p, share, dissolved, SEV_A=23400.0, SEV_B=150.0):
    """One step of Newton's towards the tension (in mmHg) at which Severinghaus' saturation + ``dissolved`` per mmHg make
    ``share``."""
    x = p * (p * p + SEV_B)
    S = 1.0 / (SEV_A / x + 1.0)
    slope = S * S * SEV_A * (3.0 * p * p + SEV_B) / (x * x)
    return max(p - (S + dissolved * p - share) / (slope + dissolved), 1.0)

"""Dimensions without a patient: times, amounts, rates, volumes, concentrations, and the unit tables others are made of."""

from dosetwin.quantities.quantity import Quantity

HOURS = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "d": 24.0, "wk": 168.0}
DAYS = {"d": 1.0, "h": 1 / 24, "wk": 7.0, "min": 1 / 1440}
WEEKS = {"wk": 1.0, "d": 1 / 7}
MG = {"mg": 1.0, "g": 1000.0, "ug": 1e-3, "ng": 1e-6}
KG = {"kg": 1.0, "g": 1e-3, "[lb_av]": 0.45359237, "[oz_av]": 0.028349523125}
LITRES = {"L": 1.0, "mL": 1e-3, "dL": 0.1, "uL": 1e-6}
MG_PER_L = {
    "mg/L": 1.0, "ug/mL": 1.0, "mg/dL": 10.0, "ug/L": 1e-3, "ng/mL": 1e-3, "g/L": 1000.0, "mg/mL": 1000.0, "ug/dL": 0.01,
}  # fmt: skip
MG_PER_H = {"mg/h": 1.0, "mg/min": 60.0, "ug/h": 1e-3, "ug/min": 0.06, "g/h": 1000.0, "mg/d": 1 / 24}
CM = {"cm": 1.0, "m": 100.0, "mm": 0.1, "[in_i]": 2.54}


def mg_per_L(molar_mass: float | None = None) -> dict[str, float]:
    """Concentration units, molar ones included where the molar mass (g/mol) is known."""
    molar = {} if molar_mass is None else {"nmol/L": molar_mass * 1e-6, "umol/L": molar_mass / 1000, "mmol/L": molar_mass}
    return {**MG_PER_L, **molar}


PLAIN = (
    Quantity("time", "time", "h", "plain", HOURS),
    Quantity("duration", "duration", "h", "plain", HOURS),
    Quantity("amount", "amount", "mg", "plain", MG),
    Quantity("rate", "rate", "mg/h", "plain", MG_PER_H),
    Quantity("volume", "volume", "L", "plain", LITRES),
    Quantity("concentration", "concentration", "mg/L", "plain", MG_PER_L),
)

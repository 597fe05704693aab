"""Breathing and its machine: what is set on a ventilator, the pressures it reads, the gases of arterial blood."""

from dosetwin.quantities.quantity import Quantity

PRESSURE = {"cmH2O": 1.0, "cm[H2O]": 1.0, "mbar": 1.01972, "kPa": 10.1972, "mm[Hg]": 1.35951}
GAS = {"mmHg": 1.0, "mm[Hg]": 1.0, "kPa": 7.50062}

BREATHING = (
    Quantity("VT", "tidal volume", "mL", "setting", {"mL": 1.0, "L": 1000.0}, low=2.0, high=1500.0),
    Quantity("RR", "respiratory rate", "1/min", "setting", {"1/min": 1.0, "/min": 1.0, "{breaths}/min": 1.0}, low=1.0, high=150.0,
             shown="/min"),
    Quantity("PEEP", "positive end-expiratory pressure", "cmH2O", "setting", PRESSURE, low=0.0, high=40.0),
    Quantity("FIO2", "inspired oxygen", "1", "setting", {"1": 1.0, "%": 0.01}, low=0.2, high=1.0, shown="",
             label="inspired oxygen fraction"),
    Quantity("PPLAT", "plateau pressure", "cmH2O", "vital", PRESSURE, low=2.0, high=100.0, predicted=True),
    Quantity("DP", "driving pressure", "cmH2O", "vital", PRESSURE, low=0.5, high=80.0, predicted=True),
    Quantity("PPEAK", "peak pressure", "cmH2O", "vital", PRESSURE, low=2.0, high=120.0, predicted=True),
    Quantity("POWER", "mechanical power", "J/min", "vital", {"J/min": 1.0}, low=0.5, high=100.0, predicted=True, needed=False),
    Quantity("PAO2", "arterial oxygen pressure", "mmHg", "laboratory", GAS, low=15.0, high=700.0, predicted=True, in_blood=True),
    Quantity("PACO2", "arterial CO2 pressure", "mmHg", "laboratory", GAS, low=5.0, high=250.0, predicted=True, in_blood=True),
    Quantity("PH", "arterial pH", "1", "laboratory", {"1": 1.0, "[pH]": 1.0}, low=6.5, high=8.0, shown="", predicted=True,
             in_blood=True),
    Quantity("SAO2", "arterial oxygen saturation", "1", "laboratory", {"1": 1.0, "%": 0.01}, low=0.2, high=1.0, shown="",
             predicted=True, in_blood=True),
    Quantity("HCO3", "arterial bicarbonate", "mmol/L", "laboratory", {"mmol/L": 1.0, "meq/L": 1.0}, low=2.0, high=70.0,
             in_blood=True),
)  # fmt: skip

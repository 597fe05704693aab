"""A ventilator: a device is ordered in settings; in adults with ARDS what they aim at, and ARDSNet's protocol as the rule."""

from dataclasses import replace

from dosetwin import quantities
from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.declare.therapy import Sampling

DRUG = drug("ventilator", unit="1", measured=False, device=True)

ARMA = "ARDSNet 2000, N Engl J Med 342:1301, and its protocol card"
TABLE = (
    (5.0, 0.3), (5.0, 0.4), (8.0, 0.4), (8.0, 0.5), (10.0, 0.5), (10.0, 0.6), (10.0, 0.7), (12.0, 0.7), (14.0, 0.7), (14.0, 0.8),
    (14.0, 0.9), (16.0, 0.9), (18.0, 0.9), (18.0, 1.0), (20.0, 1.0), (22.0, 1.0), (24.0, 1.0),
)  # fmt: skip
"""Lower PEEP / higher FiO2 of the protocol card: PEEP cmH2O, FiO2 (recalled)."""
RATES = (10.0, 14.0, 18.0, 22.0, 26.0, 30.0, 35.0)
RATE_STEP = 4.0
"""/min by which the rule moves the rate (assumed: the card gives a goal and no step)."""


def predicted_weight(facts: Facts) -> float:
    """kg: 50 (women 45.5) + 0.91 (height in cm - 152.4), as ARDSNet 2000 defined it."""
    return quantities.predicted_weight(facts.HT, facts.SEX in ("male", 1.0))


def _ardsnet(facts: Facts) -> Sets | str:
    if facts.SEX is None:
        return "ardsnet needs SEX, not known"
    kg = predicted_weight(facts)
    if not 30.0 <= kg <= 110.0:
        return f"ardsnet is for adults, found a predicted weight of {kg:.0f} kg"
    per_kg = 6.0 if facts.VT is None else min(max(facts.VT / kg, 4.0), 8.0)
    said = ["6 mL/kg predicted weight"] if facts.VT is None else []
    if per_kg > 6.0:
        per_kg, said = max(per_kg - 1.0, 6.0), ["towards 6 mL/kg"]
    if facts.PPLAT is not None and facts.PPLAT > 30.0:
        per_kg = max(min(per_kg, 6.0) - 1.0, 4.0)
        said.append("plateau above 30: 1 mL/kg less")
    elif facts.PPLAT is not None and facts.PPLAT < 25.0 and per_kg < 6.0:
        per_kg = min(per_kg + 1.0, 6.0)
        said.append("plateau below 25: 1 mL/kg more")
    rate = 18.0 if facts.RR is None else facts.RR
    if facts.PH is not None and facts.PH < 7.15:
        rate, _ = 35.0, said.append("pH below 7.15: rate 35")
    elif facts.PH is not None and facts.PH < 7.30:
        rate, _ = min(rate + RATE_STEP, 35.0), said.append("pH below 7.30: faster")
    elif facts.PH is not None and facts.PH > 7.45:
        rate, _ = max(rate - RATE_STEP, 6.0), said.append("pH above 7.45: slower")
    row = _row(facts)
    if facts.SAO2 is not None and facts.SAO2 < 0.88:
        row, _ = min(row + 1, len(TABLE) - 1), said.append("saturation below 88 %: one step up the table")
    elif facts.SAO2 is not None and facts.SAO2 > 0.95:
        row, _ = max(row - 1, 0), said.append("saturation above 95 %: one step down the table")
    PEEP, FIO2 = TABLE[row]
    return Sets({"VT": per_kg * kg, "RR": rate, "PEEP": PEEP, "FIO2": FIO2}, "; ".join(said) or "as it is")


def _row(facts: Facts) -> int:
    """The row of the table that oxygen and PEEP stand at: the lowest with that FiO2 and at least that PEEP."""
    if facts.FIO2 is None:
        return TABLE.index((8.0, 0.5))
    PEEP = 5.0 if facts.PEEP is None else facts.PEEP
    fits = [k for k, (p, f) in enumerate(TABLE) if f >= facts.FIO2 - 1e-9 and p >= PEEP - 1e-9]
    return fits[0] if fits else len(TABLE) - 1


ARDSNET = Rule(
    "ardsnet", "ARDSNet lower tidal volume, lower PEEP table", ARMA + " (recalled; checked as a table of states)", "recalled",
    ("HT",), _ardsnet, ward="ARDSNet",
)  # fmt: skip

HOUR = At(1.0, "h")
"""Gases and pressures are judged an hour after the change: five time constants of the body's CO2."""

PH_FLOOR = Goal(
    "ph_floor",
    Reading("PH", "at", HOUR, name="pH"),
    7.15,
    None,
    "1",
    2.0,
    0.15,
    "arterial pH not below the floor",
    ARMA + ": below 7.15 everything else gives way; the 90 % is assumed",
    min_probability=0.90,
    closed=True,
    joint=False,
    help="other support: proning, extracorporeal CO2 removal; bicarbonate where it is missing",
)

VENTILATOR_ARDS = Therapy(
    name="ventilator_ards",
    drug=DRUG,
    population="adults on controlled ventilation with ARDS",
    models=("ventilator_ards",),
    menu=Settings({"VT": (4.0, 5.0, 6.0, 7.0, 8.0), "RR": RATES}, {("PEEP", "FIO2"): TABLE}, per={"VT": predicted_weight},
                  steps={"VT": 5.0}),
    goals=(
        Goal("plateau", Reading("PPLAT", "at", HOUR, name="plateau"), None, 30.0, "cmH2O", 2.0, 5.0, "plateau pressure",
             ARMA + ": at most 30; the 90 % is assumed", min_probability=0.90, closed=True,
             help="lower the tidal volume below the menu, or other support: proning, extracorporeal CO2 removal"),
        Goal("driving_pressure", Reading("DP", "at", HOUR, name="driving pressure"), None, 15.0, "cmH2O", 1.0, 5.0,
             "driving pressure", "Amato 2015, N Engl J Med 372:747: risk rises above 15", closed=True),
        Goal("ph", Reading("PH", "at", HOUR, name="pH"), 7.30, 7.45, "1", 1.0, 0.15, "arterial pH", ARMA + ": 7.30 to 7.45",
             closed=True),
        PH_FLOOR,
        Goal("co2", Reading("PACO2", "at", HOUR, name="PaCO2"), 35.0, 60.0, "mmHg", 0.5, 20.0, "arterial CO2 pressure",
             "permissive hypercapnia within pH; borders assumed", closed=True, joint=False),
        Goal("saturation", Reading("SAO2", "at", HOUR, name="saturation"), 0.88, 0.95, "1", 1.0, 0.08, "arterial saturation",
             ARMA + ": 88 to 95 %", closed=True),
    ),
    limits=(),
    rules=(ARDSNET,),
    typical={"HT": 170.0, "SEX": "male", "VT": 420.0, "RR": 18.0, "PEEP": 8.0, "FIO2": 0.5},
    sampling=Sampling((0.5, 1.0, 4.0), of="PACO2", learns=("VA", "C")),
    horizon_h=24.0,
    stale_h=12.0,
    source=ARMA + "; weights, scales and the chance asked of the plateau are assumed",
    note="research and teaching: the model is a composite, not fitted to patients; the menu holds 4 to 8 mL/kg, 10 to 35 /min "
    "and the rows of the lower PEEP table",
)  # fmt: skip

POWER = Goal(
    "power",
    Reading("POWER", "at", HOUR, name="power"),
    None,
    17.0,
    "J/min",
    1.0,
    10.0,
    "mechanical power",
    "Serpa Neto 2018, Intensive Care Med 44:1914: deaths rise above 17 (recalled)",
    closed=True,
    joint=False,
)
VENTILATOR_LUNG = replace(
    VENTILATOR_ARDS,
    name="ventilator_lung",
    models=("ventilator_lung",),
    goals=(*VENTILATOR_ARDS.goals, POWER),
    shown=(),
    note="research and teaching: as ventilator_ards, with resistance, trapped gas, recruitment, contents of oxygen and power",
)

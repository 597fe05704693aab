"""Scores of the ventilated: mechanical power, ventilatory ratio, oxygenation, and readiness to breathe alone."""

from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Answer, Column, Score, yes
from dosetwin.structure import ventilation

PRESSURE = {"mbar": 1.01972, "kPa": 10.1972}
GAS = {"kPa": 7.50062}
RR = Column("RR", "respiratory rate", "1/min", 1.0, 80.0)
VT = Column("VT", "tidal volume", "mL", 50.0, 1500.0, units={"L": 1000.0})
PEEP = Column("PEEP", "PEEP", "cmH2O", 0.0, 30.0, units=PRESSURE)
FIO2 = Column("FIO2", "inspired oxygen", "1", 0.2, 1.0, units={"%": 0.01})
PAO2 = Column("PAO2", "arterial oxygen tension", "mmHg", 20.0, 700.0, units=GAS)


def _power(v: Mapping[str, float]) -> Answer:
    if not v["PPEAK"] >= v["PPLAT"] >= v["PEEP"]:
        raise InputError("pressures in the wrong order", where="PPEAK", value=(v["PPEAK"], v["PPLAT"], v["PEEP"]),
                         allowed="peak >= plateau >= PEEP")  # fmt: skip
    dp = v["PPLAT"] - v["PEEP"]
    power = ventilation.power_simple(v["RR"], v["VT"] / 1000.0, v["PPEAK"], dp)
    return {"DP": dp, "POWER": power, "ABOVE_17": float(power > 17.0)}


def _ratio(v: Mapping[str, float]) -> Answer:
    return {"VR": v["VE"] * 1000.0 * v["PACO2"] / (v["PBW"] * 100.0 * 37.5)}


def _oxygenation(v: Mapping[str, float]) -> Answer:
    pf = v["PAO2"] / v["FIO2"]
    out: dict[str, float | str] = {"PF": pf}
    if "PEEP" in v:
        out["BERLIN"] = "none" if pf > 300 or v["PEEP"] < 5 else "mild" if pf > 200 else "moderate" if pf > 100 else "severe"
    if "MAP" in v:
        out["OI"] = 100.0 * v["MAP"] * v["FIO2"] / v["PAO2"]
    return out


def _rox(v: Mapping[str, float]) -> Answer:
    rox = v["SPO2"] / v["FIO2"] / v["RR"]
    return {"ROX": rox, "AT_LEAST_4_88": float(rox >= 4.88)}


def _weaning(v: Mapping[str, float]) -> Answer:
    """Every criterion of a spontaneous breathing trial; the first that is not met is named."""
    rsbi = v["RR"] / (v["VT"] / 1000.0)
    pf = v["PAO2"] / v["FIO2"]
    met = {
        "oxygen": pf >= 150.0 and v["FIO2"] <= 0.5, "PEEP": v["PEEP"] <= 8.0, "pH": v["PH"] >= 7.25, "drive": v["EFFORT"] > 0.5,
        "circulation": v["PRESSORS"] < 0.5, "RSBI": rsbi <= 105.0,
    }  # fmt: skip
    missing = [k for k, ok in met.items() if not ok]
    return {"RSBI": rsbi, "PF": pf, "READY": float(not missing), "NOT_MET": ", ".join(missing) or "-"}


SCORES = (
    Score(
        "mechanical_power",
        "Driving pressure and mechanical power of volume-controlled breaths",
        "Gattinoni 2016, Intensive Care Med 42:1567, simplified form (secondary); 17 J/min: Serpa Neto 2018 (recalled)",
        "secondary",
        (
            RR,
            VT,
            Column("PPEAK", "peak pressure", "cmH2O", 2.0, 100.0, units=PRESSURE),
            Column("PPLAT", "plateau pressure", "cmH2O", 2.0, 80.0, units=PRESSURE),
            PEEP,
        ),
        {"DP": "driving pressure, cmH2O", "POWER": "J/min", "ABOVE_17": "1: above 17 J/min"},
        _power,
    ),
    Score(
        "ventilatory_ratio",
        "Ventilatory ratio",
        "Sinha 2009, Br J Anaesth 102:692 (recalled)",
        "recalled",
        (
            Column("VE", "minute ventilation", "L/min", 1.0, 40.0),
            Column("PACO2", "arterial CO2 tension", "mmHg", 10.0, 150.0, units=GAS),
            Column("PBW", "predicted weight", "kg", 25.0, 110.0),
        ),
        {"VR": "ratio, about 1 in health"},
        _ratio,
    ),
    Score(
        "oxygenation",
        "P/F, Berlin class and oxygenation index",
        "Berlin definition 2012, JAMA 307:2526 (recalled)",
        "recalled",
        (
            PAO2,
            FIO2,
            Column("PEEP", "PEEP", "cmH2O", 0.0, 30.0, False, units=PRESSURE),
            Column("MAP", "mean airway pressure", "cmH2O", 1.0, 60.0, False, units=PRESSURE),
        ),
        {"PF": "mmHg", "BERLIN": "class of oxygenation alone (PEEP of at least 5)", "OI": "oxygenation index"},
        _oxygenation,
    ),
    Score(
        "rox",
        "ROX index under high-flow oxygen",
        "Roca 2019, Am J Respir Crit Care Med 199:1368 (recalled)",
        "recalled",
        (Column("SPO2", "saturation", "%", 40.0, 100.0), FIO2, RR),
        {"ROX": "index", "AT_LEAST_4_88": "1: low risk of failure"},
        _rox,
    ),
    Score(
        "weaning",
        "Readiness for a spontaneous breathing trial",
        "Boles 2007, Eur Respir J 29:1033; Yang 1991, N Engl J Med 324:1445 (both recalled)",
        "recalled",
        (
            RR,
            VT,
            PEEP,
            FIO2,
            PAO2,
            Column("PH", "arterial pH", "1", 6.6, 7.9),
            yes("EFFORT", "breathes by itself"),
            yes("PRESSORS", "vasopressors beyond a low dose"),
        ),
        {"RSBI": "breaths per min and L", "PF": "mmHg", "READY": "1: every criterion met", "NOT_MET": "criteria not met"},
        _weaning,
        note="rate and tidal volume of unassisted breaths; the cause must be getting better, which no number here says",
    ),
)

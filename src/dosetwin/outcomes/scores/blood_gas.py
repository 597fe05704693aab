"""Gas in blood as scores: saturation and tension by Severinghaus and Kelman, CO2 content, alveolar gas and shunt."""

from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Column, Score
from dosetwin.structure import gases

GAS = {"kPa": 7.50062}
PERCENT = {"%": 0.01}


def _gas(v: Mapping[str, float]) -> dict[str, float | str]:
    if ("PO2" in v) == ("SO2" in v):
        raise InputError("one of tension and saturation is asked for, the other given", where="PO2", allowed="PO2 or SO2")
    if "PO2" in v:
        return {"SO2_OUT": 100.0 * gases.saturation(v["PO2"]), "PO2_OUT": v["PO2"]}
    return {"SO2_OUT": v["SO2"], "PO2_OUT": gases.tension(v["SO2"] / 100.0)}


def _kelman(v: Mapping[str, float]) -> dict[str, float | str]:
    S = gases.saturation_kelman(v["PO2"], v.get("PCO2", 40.0), v.get("PH", 7.4), v.get("TEMP", 37.0))
    return {"SO2_OUT": 100.0 * S}


def _shunt(v: Mapping[str, float]) -> dict[str, float | str]:
    PA = gases.alveolar(v["FIO2"], v["PACO2"])
    if v["PAO2"] > PA + 1.0:
        raise InputError(
            "more oxygen in blood than in the alveoli: shunt below 0",
            where="PAO2",
            value=v["PAO2"],
            allowed=f"at most {PA:.0f} mmHg at this FiO2",
            remedy="check FiO2 (40 % is 0.4) and kPa against mmHg",
        )
    hb = v["HB"]
    Cc = gases.o2_content(hb, gases.saturation(PA), PA)
    Ca = gases.o2_content(hb, v.get("SAO2", gases.saturation(v["PAO2"])), v["PAO2"])
    used = v.get("AVDO2", 4.5)
    return {"PAO2_ALVEOLAR": PA, "AA_GRADIENT": PA - v["PAO2"], "SHUNT": max((Cc - Ca) / (Cc - Ca + used), 0.0)}


PRESSURES = (Column("PACO2", "arterial CO2 tension", "mmHg", 10.0, 150.0, units=GAS),)
SCORES = (
    Score(
        "severinghaus",
        "Oxygen saturation from tension, and back",
        "Severinghaus 1979, J Appl Physiol 46:599; inverse of Ellis 1989, 67:902 (secondary)",
        "secondary",
        (
            Column("PO2", "oxygen tension", "mmHg", 0.0, 700.0, False, units=GAS),
            Column("SO2", "oxygen saturation", "%", 0.0001, 99.9999, False),
        ),
        {"SO2_OUT": "saturation, %", "PO2_OUT": "tension, mmHg"},
        _gas,
        note="pH 7.4, 37 degrees, adult haemoglobin",
    ),
    Score(
        "kelman",
        "Oxygen saturation at any pH, PCO2 and temperature",
        "Kelman 1966, J Appl Physiol 21:1375 (recalled)",
        "recalled",
        (
            Column("PO2", "oxygen tension", "mmHg", 0.0, 700.0, units=GAS),
            Column("PCO2", "CO2 tension", "mmHg", 5.0, 200.0, False, units=GAS),
            Column("PH", "pH", "1", 6.6, 7.9, False),
            Column("TEMP", "temperature", "Cel", 20.0, 43.0, False),
        ),
        {"SO2_OUT": "saturation, %"},
        _kelman,
        note="PCO2 40, pH 7.4 and 37 degrees where they are left out",
    ),
    Score(
        "shunt",
        "Alveolar oxygen (full form), gradient and shunt",
        "Riley 1951 (recalled); contents with 1.34 and 0.0031",
        "recalled",
        (
            Column("FIO2", "inspired oxygen", "1", 0.2, 1.0, units=PERCENT),
            *PRESSURES,
            Column("PAO2", "arterial oxygen tension", "mmHg", 20.0, 700.0, units=GAS),
            Column("HB", "haemoglobin", "g/dL", 3.0, 25.0, units={"g/L": 0.1, "mmol/L": 1.6114}),
            Column("SAO2", "arterial saturation", "1", 0.2, 1.0, False, units=PERCENT),
            Column("AVDO2", "arteriovenous difference", "mL/dL", 2.0, 9.0, False),
        ),
        {"PAO2_ALVEOLAR": "alveolar oxygen, mmHg", "AA_GRADIENT": "mmHg", "SHUNT": "share"},
        _shunt,
        note="arteriovenous difference 4.5 mL/dL where it is not measured (assumed)",
    ),
)

"""The patient's body: weights, lengths, ages, temperature, scores at birth."""

from dosetwin.quantities.plain import CM, DAYS, KG, WEEKS
from dosetwin.quantities.quantity import Code, Quantity

BODY = (
    Quantity("WT", "weight", "kg", "state", KG, loinc=(Code("29463-7"), Code("3141-9", "measured", "recalled")),
             words=("body weight",), low=0.2, high=300.0, newborn_high=10.0, offered=("g", "kg")),
    Quantity("BW", "birth weight", "kg", "trait", KG, loinc=(Code("8339-4"),), words=("birth weight",), low=0.2, high=10.0,
             newborn_high=10.0),
    Quantity("GA", "gestational age", "wk", "trait", WEEKS,
             loinc=(Code("11884-4", "estimated"), Code("11885-1", "from the last menstrual period"), Code("76516-4", "at birth"),
                    Code("18185-9", "", "recalled")),
             words=("gestational age",), low=22.0, high=44.0, shown="weeks"),
    Quantity("PMA", "postmenstrual age", "wk", "state", WEEKS, low=20.0, high=6000.0, shown="weeks", ages=True),
    Quantity("PNA", "postnatal age", "d", "state", DAYS, low=0.0, high=45_000.0, shown="days", ages=True),
    Quantity("AGE", "age", "a", "state", {"a": 1.0, "mo": 1 / 12}, low=0.0, high=125.0, shown="years", ages=True),
    Quantity("HT", "length", "cm", "state", CM, loinc=(Code("8302-2"), Code("89269-5", "at birth", "recalled")), low=20.0,
             high=250.0, newborn_high=80.0, needed=False),
    Quantity("BSA", "body surface", "m2", "state", {"m2": 1.0, "cm2": 1e-4, "dm2": 1e-2},
             loinc=(Code("3140-1", "derived"),), low=0.1, high=3.6, needed=False),
    Quantity("WAIST", "waist", "cm", "state", {"cm": 1.0, "m": 100.0, "mm": 0.1, "[in_i]": 2.54},
             loinc=(Code("8280-0", "at the umbilicus by tape", "recalled"),), low=10.0, high=250.0, needed=False),
    Quantity("HC", "head circumference", "cm", "state", {"cm": 1.0, "mm": 0.1, "[in_i]": 2.54}, loinc=(Code("9843-4"),), low=15.0,
             high=70.0, newborn_high=50.0, needed=False),
    Quantity("TEMP", "temperature", "Cel", "vital", {"Cel": 1.0, "[degF]": 5 / 9, "K": 1.0}, {"[degF]": -160 / 9, "K": -273.15},
             loinc=(Code("8310-5"),), low=20.0, high=45.0, shown="°C", needed=False),
    Quantity("APGR", "Apgar score", "{score}", "score", {"{score}": 1.0, "1": 1.0}, loinc=(Code("9274-2", "five minutes"),),
             low=0.0, high=10.0, shown="", label="Apgar score, 5 min", needed=False),
    Quantity("APGR1", "Apgar score", "{score}", "score", {"{score}": 1.0, "1": 1.0}, loinc=(Code("9272-6", "one minute"),),
             low=0.0, high=10.0, shown="", label="Apgar score, 1 min", needed=False),
)  # fmt: skip


def predicted_weight(HT, male):
    """Predicted or ideal body weight, kg, from ``HT`` cm: 50 (women 45.5) + 0.91 (HT - 152.4) (Devine 1974, as ARDSNet 2000)."""
    return (50.0 if male else 45.5) + 0.91 * (HT - 152.4)


def mosteller(HT, WT):
    """Body surface, m2, from ``HT`` cm and ``WT`` kg: the root of their product over 3,600 (Mosteller, N Engl J Med 1987)."""
    return (HT * WT / 3600.0) ** 0.5

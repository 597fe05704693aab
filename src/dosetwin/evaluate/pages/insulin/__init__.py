"""The virtual clinic of type 1 diabetes and what believes and measures it, against figures of others."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.integrate import quad

from dosetwin.declare import Provenance
from dosetwin.evaluate.check import Band, Check, judged, near, table
from dosetwin.evaluate.pages.insulin.exercise import exercise
from dosetwin.evaluate.pages.insulin.published import published
from dosetwin.loops.insulin.belief import STATES, _move
from dosetwin.loops.insulin.limits import DURATION_MIN, acting
from dosetwin.outcomes.glucose import glycaemia
from dosetwin.populations import type1
from dosetwin.structure import glucose

PAGE = "insulin"
N, N_QUICK, SEED = 6, 2, 0
SIMGLUCOSE = "simglucose 0.2.11 (MIT), its patient stepped minute by minute with these meals and doses"
MEALS = {90: 46.0, 294: 51.0, 495: 8.0, 741: 79.0, 942: 8.0}
"""Minute -> g of carbohydrate."""
BOLUSES = {93: 3.1, 297: 4.2, 744: 5.5}
"""Minute -> U, beside the basal dose of steady state."""
MINUTES = (120, 200, 360, 800, 900, 1440)
REFERENCE = {
    "adult_001": (149.728, 181.384, 210.421, 189.628, 175.810, 112.206),
    "adolescent_003": (158.317, 162.926, 141.544, 141.344, 85.580, 96.430),
    "child_005": (140.321, 129.084, 134.689, 137.236, 147.300, 131.798),
    "adult_009": (155.508, 198.461, 256.757, 253.810, 233.234, 146.272),
    "child_010": (176.532, 203.329, 206.685, 276.729, 143.989, 112.027),
    "adolescent_007": (163.796, 272.882, 301.793, 270.824, 313.810, 128.036),
}
"""Glucose under the skin, mg/dL, after these minutes."""


def day(name: str) -> np.ndarray:
    """Glucose of one of the thirty over the day above, mg/dL [1440]."""
    person = type1.one(name)
    states, out = person.steady.copy(), np.empty(1440)
    for minute in range(1440):
        eaten = np.array([[MEALS.get(minute, 0.0)]])
        out[minute] = type1.advance(person.parameters, states, eaten, person.basal / 60.0 + BOLUSES.get(minute, 0.0))[0, 0]
    return out


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every check, the day of the first ``n`` people of the table; nothing is drawn, ``seed`` changes nothing."""
    found = []
    for done, (name, expected) in enumerate(list(REFERENCE.items())[:n]):
        if progress:
            progress(done, n)
        course = day(name)
        for minute, value in zip(MINUTES, expected, strict=True):
            found.append(_check(f"{name}_{minute}", f"{name.replace('_', ' ')}, glucose after {minute} min", "clinic", SIMGLUCOSE,
                                "secondary", value, float(course[minute - 1]), (value - 2.0, value + 2.0), "mg/dL",
                                "within 2 mg/dL of the other program"))  # fmt: skip
    people = type1.clinic()
    states = people.steady.copy()
    drift = type1.advance(people.parameters, states, np.zeros((30, 1440)), people.basal / 60.0)
    worst = float(np.abs(drift - drift[:, :1]).max())
    found.append(_check("steady", "most that glucose of the thirty drifts in a day at rest", "clinic",
                        "steady states of simglucose", "secondary", 0.0, worst, (0.0, 0.01), "mg/dL",
                        "steady is steady"))  # fmt: skip
    area = quad(lambda t: float(acting(np.array([t]))[0]), 0.0, DURATION_MIN)[0]
    mean = _mean_action()
    found.append(_check("on_board", "mean time until insulin has acted", "curve of action", "the published curve, integrated",
                        "recalled", mean, area, (0.995 * mean, 1.005 * mean), "min",
                        "what is left integrates to the mean"))  # fmt: skip
    for weight, dose in ((70.0, 20.0), (30.0, 8.0)):
        scale = glucose.scale_of(6.7, dose, weight)
        missing = glucose.steady(6.7, dose, weight, scale)[-1]
        found.append(_check(f"scale_{weight:g}", f"glucose missing at rest, {weight:g} kg", "Hovorka's equations", "Hovorka 2004",
                            "secondary", 0.0, missing, (-1e-9, 1e-9), "mmol/min", "the basal dose holds the target"))  # fmt: skip
    found += _hovorka()
    found += exercise(PAGE)
    for value, gmi in ((100.0, 5.7), (150.0, 6.9), (200.0, 8.1), (250.0, 9.3), (300.0, 10.5)):
        said = glycaemia(np.array([0.0, 5.0]), np.array([value - 1.0, value + 1.0])).gmi
        found.append(_check(f"gmi_{value:g}", f"glucose management indicator, mean {value:g} mg/dL", "metrics", "Bergenstal 2018",
                            "recalled", gmi, said, (gmi - 0.05, gmi + 0.05), "%", "as printed, one decimal"))  # fmt: skip
    folder = Path(os.environ.get("DOSETWIN_SHARED", "")) / "data" / "cgm"
    return found + (published(folder, PAGE) if os.environ.get("DOSETWIN_SHARED") and folder.is_dir() else [])


def _hovorka() -> list[Check]:
    """Figures that Hovorka 2004 prints, read from courses of the belief's compiled equations: 70 kg, 5 U and 50 g at once."""
    weight, source, minutes = 70.0, "Hovorka 2004, Physiol Meas 25:905, its table of parameters", np.arange(1.0, 1441.0)
    dose, food = 5000.0, 50.0
    x = np.zeros(STATES)
    x[6] = 10.0 * glucose.VG * weight
    insulin, eaten, left = np.empty(1440), np.empty(1440), np.empty(1440)
    for k in range(1440):
        first = 1.0 if k == 0 else 0.0
        _move(x, dose * first, food * first, weight, 1.0, glucose.TMAX_I, glucose.TMAX_G, 1.0, 4)
        insulin[k], eaten[k], left[k] = x[2], x[9] / glucose.TMAX_G, x[1]
    clearance = dose / float(insulin.sum() + 0.5 * insulin[-1]) / weight
    rows = (
        ("t_max_glucose", "time of greatest appearance of glucose from a meal", 40.0, float(minutes[eaten.argmax()]), 1.0, "min"),
        ("t_max_insulin", "time of greatest absorption of insulin", 55.0, float(minutes[left.argmax()]), 1.0, "min"),
        ("available", "share of carbohydrate that appears", 0.8,
         float(eaten.sum()) / (food * glucose.MMOL_PER_G), 0.005, "1"),
        ("clearance", "clearance of insulin, dose over area (0.138 /min x 0.12 L/kg)", 0.01656, clearance, 0.0001, "L/kg/min"),
        ("liver", "glucose made and used without insulin, net: (16.1 - 9.7) umol/kg/min", 6.4,
         1000.0 * _net(weight), 0.01, "umol/kg/min"),
    )  # fmt: skip
    return [
        near(PAGE, f"insulin.{name}", f"Hovorka: {text}", "belief", source, "secondary", value, got, within, unit, "as printed")
        for name, text, value, got, within, unit in rows
    ]


def _net(weight: float) -> float:
    """mmol/kg/min by which glucose rises without insulin, at a level between 4.5 and 9 mmol/L."""
    x = np.zeros(STATES)
    x[6] = before = 6.0 * glucose.VG * weight
    _move(x, 0.0, 0.0, weight, 1.0, glucose.TMAX_I, glucose.TMAX_G, 1.0, 4)
    return float(x[6] - before) / weight


def _mean_action() -> float:
    """min: mean of the activity curve t (1 - t / td) exp(-t / tau), by quadrature of the curve itself."""
    td, tp = DURATION_MIN, 75.0
    tau = tp * (1.0 - tp / td) / (1.0 - 2.0 * tp / td)

    def activity(t: float) -> float:
        return t * (1.0 - t / td) * float(np.exp(-t / tau))

    return quad(lambda t: t * activity(t), 0.0, td)[0] / quad(activity, 0.0, td)[0]


def _check(name: str, text: str, model: str, source: str, provenance: Provenance, published: float, simulated: float, band: Band,
           unit: str, why: str) -> Check:  # fmt: skip
    return judged(PAGE, f"insulin.{name}", text, model, source, provenance, published, simulated, band, unit, why)


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was played, one table."""
    return "\n".join([
        "# Insulin and glucose against others", "",
        f"Written by `dosetwin validate {PAGE}`; do not edit. Nothing is drawn. The three runs that simglucose published in 2017",
        "stand here where their folder is at hand (DOSETWIN_SHARED): they are met within 0.0001 mg/dL when the stomach remembers",
        "what was eaten in grams for milligrams, as it did until 25 May 2022; as it stands now they differ by up to 53 mg/dL",
        "(tests/populations/type1).", "",
        *table(checks), "",
    ])  # fmt: skip

"""Radiotherapy of a tumour near its carrying capacity: dose of a fraction, how many, how often; its sizes tell how it answers."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column as Value
from dosetwin.declare.formula import Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Between, Reading
from dosetwin.errors import Finding

DRUG = drug("radiotherapy", unit="1", measured=False, device=True)
PROKOPIOU = "Prokopiou 2015, Radiat Oncol 10:159"
TUMOUR, LATE = 10.0, 3.0
"""alpha/beta of the tumour and of late harm, Gy (textbook; recalled)."""
BED_LATE = 105.5
"""Gy of alpha/beta 3: 60 Gy in 30 come to 100, 55 Gy in 20 to 105.4; both are given (recalled)."""
WEEKS = 10
HORIZON = Between(0.0, 7.0 * WEEKS, "d")


def fractions(steps: Steps, until: float) -> list[tuple[float, float]]:
    """(day, Gy) of every fraction before ``until``: five days a week from the day it was set, two of a day six hours apart."""
    out = []
    for k, (start, s) in enumerate(steps):
        end = min(steps[k + 1][0] if k + 1 < len(steps) else math.inf, until + 1e-9)
        n, a_day = round(s["FRACTIONS"]), round(s["A_DAY"])
        if s["GY"] <= 0 or not n or not a_day or start == -math.inf:
            continue
        for f in range(n):
            day, turn = divmod(f, a_day)
            t = start + 7 * (day // 5) + day % 5 + 0.25 * turn
            if t < end - 1e-9:
                out.append((t, s["GY"]))
    return sorted(out)


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Volumes by V' = growth V (1 - V/K) between fractions (exact) and V (1 - kill (1 - V/K)) at each; kill is the
    linear-quadratic 1 - exp(-a d - b d2).
    """
    shot = fractions(steps, float(t[-1]))
    n = len(p["SIZE0"])
    x = p["SATURATION"].copy()
    at, out = 0.0, np.empty((n, len(t)))
    lowest, low = np.empty((n, len(t))), np.ones(n)
    gy, bed = np.zeros(len(t)), np.zeros(len(t))
    first, total, late, k = p["SATURATION"], 0.0, 0.0, 0

    def grown(days: float) -> np.ndarray:
        e = np.exp(p["GROWTH"] * days)
        return x * e / (1.0 + x * (e - 1.0))

    for j, when in enumerate(t):
        while k < len(shot) and shot[k][0] < when - 1e-9:
            day, d = shot[k]
            x, at = grown(day - at), day
            kill = -np.expm1(-p["ALPHA"] * d * (1.0 + d / TUMOUR))
            x = x * (1.0 - kill * (1.0 - x))
            total, late, k = total + d, late + d * (1.0 + d / LATE), k + 1
            low = np.minimum(low, x / first)
        x, at = grown(when - at), float(when)
        out[:, j], lowest[:, j], gy[j], bed[j] = x, low, total, late
    share = out / first[:, None]
    return {
        "SIZE": p["SIZE0"][:, None] * np.cbrt(share),
        "LEFT": np.log10(np.maximum(lowest, 1e-30)),
        "GY_GIVEN": np.broadcast_to(gy, out.shape),
        "BED3": np.broadcast_to(bed, out.shape),
    }


FORMULA = Formula(
    name="radiotherapy",
    text="a tumour near its carrying capacity answers less to each fraction",
    clock="d",
    step=1.0,
    unknowns=(
        Unknown("SIZE0", "mm", "size when the clock begins", 40.0, 0.8, "a wide spread: the first size says it (assumed)"),
        Unknown("SATURATION", "1", "proliferation saturation index, V0/K", 0.75, 0.9, PROKOPIOU + ": 0.3 to 0.95", "logit"),
        Unknown("GROWTH", "1/d", "growth far from capacity", 0.1, 0.4, PROKOPIOU + ": 0.1; spread assumed"),
        Unknown(
            "ALPHA",
            "1/Gy",
            "linear radiosensitivity",
            0.12,
            0.4,
            PROKOPIOU + ": a fraction of 2 Gy kills 0.25 of what cycles, alpha/beta 10; spread assumed",
        ),
    ),
    reads=(
        Read(
            "SIZE",
            "longest diameters of the targets together",
            "mm",
            0.0,
            1000.0,
            {"cm": 10.0},
            additive=1.66,
            proportional=0.126,
            floor=5.0,
            slip="cm? write SIZE [cm]",
        ),
        Read("LEFT", "log10 of the least volume over that at the beginning", "1", -30.0, 1.0, measured=False),
        Read("GY_GIVEN", "dose given", "Gy", 0.0, 200.0, measured=False),
        Read("BED3", "biologically effective dose of late harm, alpha/beta 3", "Gy", 0.0, 1000.0, measured=False),
    ),
    settings=(
        Value("GY", "dose of a fraction", "Gy", 0.0, 12.0, {"cGy": 0.01}, slip="cGy? write GY [cGy]"),
        Value("FRACTIONS", "fractions from now on", "1", 0.0, 80.0),
        Value("A_DAY", "fractions a day", "1", 0.0, 3.0),
    ),
    now={"GY": 0.0, "FRACTIONS": 0.0, "A_DAY": 1.0},
    course=course,
    source=PROKOPIOU + "; errors of a size: fit to Laleh 2022 S1",
    summed=("LESION", "SIZE"),
)


def small(facts: Facts) -> Sequence[Finding]:
    """Targets that together are smaller than one that can be measured (10 mm) were perhaps written in cm."""
    first = facts.number("SIZE_FIRST")
    if first is None or first >= 10.0:
        return ()
    return (
        Finding(
            "warning",
            "size_unit",
            "SIZE at the first scan",
            "smaller than a target can be: written in cm?",
            first,
            "10 mm or more (RECIST 1.1)",
            "write the unit into the header: SIZE [cm]",
        ),
    )


def words(s: Mapping[str, float]) -> str:
    """``20 fractions of 2.75 Gy``."""
    if not s["FRACTIONS"] or not s["GY"]:
        return "no more radiotherapy"
    twice = ", two a day" if s["A_DAY"] == 2 else ""
    return f"{s['FRACTIONS']:.0f} fractions of {s['GY']:g} Gy{twice} ({s['FRACTIONS'] * s['GY']:g} Gy)"


def _standard(facts: Facts) -> Sets | str:
    given = facts.number("GY_GIVEN") or 0.0
    left = round((60.0 - given) / 2.0)
    if left < 1:
        return f"60 Gy are given: {given:g}"
    return Sets({"GY": 2.0, "FRACTIONS": float(left), "A_DAY": 1.0}, f"to 60 Gy in fractions of 2 Gy, {given:g} Gy given")


ROWS = (
    (0.0, 0.0, 1.0),
    *((2.0, float(n), 1.0) for n in range(5, 31)),
    *((1.8, float(n), 1.0) for n in (10, 15, 20, 25, 28, 33)),
    *((2.75, float(n), 1.0) for n in (5, 8, 10, 12, 15, 20)),
    *((1.2, float(n), 2.0) for n in (10, 20, 30, 40, 50, 54, 58)),
    *((1.5, float(n), 2.0) for n in (10, 20, 30, 40, 46)),
)
STANDARD = Rule(
    "standard",
    "60 Gy in fractions of 2 Gy, five a week",
    "NCCN and RTOG standard of lung cancer (recalled)",
    "recalled",
    (),
    _standard,
    ward="60 Gy in 30",
)

THERAPY = Therapy(
    name="tumour_radiotherapy",
    drug=DRUG,
    population="adults with one course of curative radiotherapy",
    models=(),
    menu=Settings({}, {("GY", "FRACTIONS", "A_DAY"): ROWS}),
    goals=(
        Goal(
            "late",
            Reading("BED3", "at", At(7.0 * WEEKS, "d"), name="late harm"),
            None,
            BED_LATE,
            "Gy",
            3.0,
            10.0,
            "late harm (BED of alpha/beta 3)",
            "60 Gy in 30 and 55 Gy in 20 are given (recalled)",
            min_probability=0.95,
            closed=True,
            joint=False,
            help="fewer or smaller fractions",
        ),
        Goal(
            "gone",
            Reading("LEFT", "min", HORIZON, name="cells left"),
            None,
            -2.0,
            "1",
            1.0,
            3.0,
            "a hundredth of the volume left at most",
            "assumed: a border to compare schedules by, not a cure",
            closed=True,
        ),
        Goal(
            "left",
            Reading("LEFT", "min", HORIZON, name="log10 of volume left"),
            None,
            None,
            "1",
            1.0,
            3.0,
            "log10 of the least volume left",
            "assumed",
            joint=False,
            price=True,
        ),
    ),
    limits=(),
    rules=(STANDARD,),
    typical={},
    horizon_h=24.0 * 7 * WEEKS,
    stale_h=24.0 * 14,
    tie_loss=0.02,
    source=PROKOPIOU + "; weights and borders assumed",
    note="research and teaching: volumes only; no dose to organs, no field, no drug beside; the clock begins with the first size",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Radiotherapy",
    words,
    ("SIZE", "LEFT"),
    7.0 * WEEKS,
    (
        "Sizes of a tumour and fractions are all this knows: organs around it, the field and drugs beside it are not in it.",
        "Late harm is counted as BED of alpha/beta 3 from all fractions, without repair between two of a day.",
    ),
    exact=("GY_GIVEN", "BED3"),
    remarks=small,
)

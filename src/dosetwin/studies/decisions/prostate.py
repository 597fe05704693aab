"""Prostate cancer on castration and abiraterone: continuous drug, or on and off by PSA so that resistant cells are held back."""

from collections.abc import Mapping

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column as Value
from dosetwin.declare.formula import Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Between, Reading

DRUG = drug("abiraterone", unit="1", measured=False, device=True)
CODE = "Cunningham and others, published code (matrix 'T+ most fit', its typing error corrected); a step is a day (assumed)"
RATES = np.array([0.0025, 0.001, 0.0005])
A = np.array([[1.0, 0.402, 0.794], [0.010, 1.0, 0.598], [0.206, 0.990, 1.0]])
CAPACITY, PER_TP, CLEARED, FLOOR = 800.0, 1.5, 0.2, 0.1
YEARS = 3.0
DAYS = 365.25 * YEARS


def settled(minus: float = FLOOR) -> tuple[float, float]:
    """T+ and TP that castration alone settles at, beside ``minus`` of T-."""
    left = np.array([[A[0, 0], A[0, 1] - PER_TP], [A[1, 0], A[1, 1]]])
    plus, TP = np.linalg.solve(left, np.array([-A[0, 2] * minus, CAPACITY - A[1, 2] * minus]))
    return float(plus), float(TP)


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Three kinds of cells, a day a step: those that need testosterone, make it, and go without (``loops/tumour/adaptive``).

    Where STOP_AT is 0 the drug is on as ON says; else it stops below that share of the first PSA and begins again at the first.
    """
    n, last = len(p["PSA0"]), int(np.ceil(float(t[-1]) - 1e-9))
    plus, TP = settled()
    x = np.stack([np.full(n, plus), np.full(n, TP), np.maximum(p["MINUS0"], FLOOR)])
    first = level = x.sum(axis=0) / CLEARED
    on, since, r = np.zeros(n, dtype=bool), np.zeros(n), RATES[:, None] * p["RATE"]
    edges = [a for a, _ in steps[1:]]
    kept = np.empty((3, last + 1, n))
    for day in range(last + 1):
        s = steps[int(np.searchsorted(edges, day + 1e-9, side="right"))][1]
        stop = s["STOP_AT"]
        now = np.full(n, s["ON"] > 0.5) if stop <= 0 or s["ON"] <= 0.5 else np.where(on, level >= stop * first, level >= first)
        since = np.where(now & ~on, 0.0, since + 1.0)
        on = now
        kept[:, day] = level, x[2] / x.sum(axis=0), on
        fades, slower = np.exp(-0.1 * since), np.exp(-0.05 * since)
        K0 = np.maximum(PER_TP * np.where(on, fades, 1.0) * x[1], 1e-12)
        K1 = np.maximum(CAPACITY * np.where(on, slower, 1.0), 1e-12)
        K = np.stack([K0, K1, np.full(n, CAPACITY)])
        x = np.maximum(x + x * r * (K - A @ x) / K, FLOOR)
        level = level + x.sum(axis=0) - CLEARED * level
    at = np.clip(np.floor(t + 1e-9).astype(int), 0, last)
    days = np.cumsum(kept[2], axis=0) - kept[2]
    return {
        "PSA": (p["PSA0"] * kept[0] / first).T[:, at],
        "RESISTANT": kept[1].T[:, at],
        "ON_NOW": kept[2].T[:, at],
        "DAYS_ON": days.T[:, at],
    }


FORMULA = Formula(
    name="prostate",
    text="three kinds of prostate cancer cells compete; abiraterone takes testosterone away",
    clock="d",
    step=7.0,
    unknowns=(
        Unknown("PSA0", "ug/L", "PSA when the clock begins", 20.0, 1.0, "a wide spread: the first PSA says it (assumed)"),
        Unknown(
            "MINUS0",
            "1",
            "cells without need of testosterone at the beginning, of 1,660",
            1.0,
            1.5,
            CODE + ": 0.1; spread assumed",
        ),
        Unknown("RATE", "1", "pace, times the published", 1.0, 0.4, "spread assumed"),
    ),
    reads=(
        Read("PSA", "prostate-specific antigen", "ug/L", 0.0, 20000.0, {"ng/mL": 1.0}, additive=0.05, proportional=0.15),
        Read("RESISTANT", "share of cells that go without testosterone", "1", 0.0, 1.0, measured=False),
        Read("ON_NOW", "1 while the drug is on", "1", 0.0, 1.0, measured=False),
        Read("DAYS_ON", "days of drug", "d", 0.0, 1e5, measured=False),
    ),
    settings=(
        Value("ON", "drug on", "1", 0.0, 1.0, words={"on": 1.0, "off": 0.0}),
        Value(
            "STOP_AT",
            "share of the first PSA below which it stops; 0: it does not",
            "1",
            0.0,
            0.95,
            {"%": 0.01},
            slip="a percentage? write STOP_AT [%]",
        ),
    ),
    now={"ON": 0.0, "STOP_AT": 0.0},
    course=course,
    source=CODE,
)


def words(s: Mapping[str, float]) -> str:
    """``off below 50 % of the first PSA, on again at it``."""
    if not s["ON"]:
        return "no drug"
    return (
        "drug without a pause" if not s["STOP_AT"] else f"off below {100 * s['STOP_AT']:.0f} % of the first PSA, on again at it"
    )


def _continuous(facts: Facts) -> Sets | str:
    return Sets({"ON": 1.0, "STOP_AT": 0.0}, "until progression")


def _half(facts: Facts) -> Sets | str:
    return Sets({"ON": 1.0, "STOP_AT": 0.5}, "the trial's rule")


CONTINUOUS = Rule(
    "continuous",
    "abiraterone without a pause until progression",
    "label and NCCN (recalled)",
    "recalled",
    (),
    _continuous,
    ward="continuous",
)
ZHANG = Rule(
    "zhang_2017",
    "stop at half of the first PSA, begin again at it",
    "Zhang 2017, Nat Commun 8:1816 (recalled)",
    "recalled",
    (),
    _half,
    ward="Zhang 2017",
)

THERAPY = Therapy(
    name="prostate_adaptive",
    drug=DRUG,
    population="men with castration-resistant prostate cancer on abiraterone",
    models=(),
    menu=Settings(
        {}, {("ON", "STOP_AT"): ((0.0, 0.0), (1.0, 0.0), (1.0, 0.2), (1.0, 0.35), (1.0, 0.5), (1.0, 0.65), (1.0, 0.8))}
    ),
    goals=(
        Goal(
            "resistant",
            Reading("RESISTANT", "at", At(DAYS, "d"), name="share resistant"),
            None,
            0.5,
            "1",
            2.0,
            1.0,
            "resistant cells not the majority in three years",
            CODE,
            closed=True,
        ),
        Goal(
            "psa",
            Reading("PSA", "mean", Between(0.0, DAYS, "d"), name="mean PSA"),
            None,
            None,
            "ug/L",
            0.5,
            40.0,
            "mean PSA over three years",
            "what the tumour weighs: assumed",
            joint=False,
            price=True,
        ),
        Goal(
            "drug",
            Reading("DAYS_ON", "at", At(DAYS, "d"), name="days of drug"),
            None,
            None,
            "d",
            0.3,
            DAYS,
            "days of drug",
            "price assumed",
            joint=False,
            price=True,
        ),
    ),
    limits=(),
    rules=(CONTINUOUS, ZHANG),
    typical={},
    horizon_h=24.0 * DAYS,
    stale_h=24.0 * 90,
    tie_loss=0.005,
    source=CODE + "; weights assumed",
    note="research and teaching: rates and thresholds are those of a published program; 11 men were treated so (Zhang 2017)",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Abiraterone on and off",
    words,
    ("PSA", "RESISTANT"),
    DAYS,
    ("Three kinds of cells in one well-mixed tumour: no metastases, no new mutations, no harm of the drug but its days.",),
    draws=300,
)

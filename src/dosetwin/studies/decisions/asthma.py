"""Ten years of asthma in exacerbations: steps of treatment multiply one person's rate, which the years so far tell."""

from collections.abc import Mapping

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.studies.decisions._years import DAYS, YEARS

DRUG = drug("asthma_steps", unit="1", measured=False, device=True)
STEP = (
    "a reliever alone",
    "as-needed steroid with formoterol",
    "daily low-dose steroid with formoterol, the same as reliever",
    "daily medium-dose steroid with formoterol, the same as reliever",
    "daily medium-dose steroid with formoterol and a biologic",
)
RATIO = (1.0, 0.36, 0.23, 0.16)
"""Severe exacerbations over those on a reliever alone. As needed: 0.07 against 0.20 a year, rate ratio 0.36 (O'Byrne 2018, N Engl
J Med 378:1865; read in a report of it). Low dose: 0.45 by the steroid (0.09 against 0.20, the same trial), 0.74 with formoterol
(Pauwels 1997, N Engl J Med 337:1405; abstract read), 0.68 as reliever too (Sobieraj 2018, JAMA 319:1485; recalled): 0.23. Medium
dose: four times the steroid takes 0.74 to 0.37 (Pauwels), so that twice takes off three tenths: 0.16. Chained over trials."""
BIOLOGIC = (0.47, 0.90)
"""Of step 3 with eosinophils of 0.3 G/L or more: 0.83 against 1.74 a year, 53 % less (Ortega 2014, N Engl J Med 371:1198; read
in the maker's summary; its people had 0.15 that day or 0.3 within the year); below: assumed."""
STEROID = (0.0, 0.1, 0.4, 0.8, 0.8)
"""Burden of inhaled steroid, over a high dose (assumed)."""
COST = (0.0, 0.02, 0.04, 0.06, 0.60)
"""Burden of what else a step brings: injections, cost (assumed)."""


def ratio(step: float, facts: Facts) -> float:
    """Of exacerbations at a step over those on a reliever alone."""
    k = round(step)
    if k < 4:
        return RATIO[k]
    return RATIO[3] * BIOLOGIC[0 if (facts.number("EOS") or 0.0) >= 0.3 else 1]


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Exacerbations expected so far, in the year up to a moment, and at the rate of that moment; years."""
    starts = [a for a, _ in steps[1:]] + [np.inf]
    rate = p["RATE0"][:, None]

    def expected(until: np.ndarray) -> np.ndarray:
        out = np.zeros((len(rate), len(until)))
        for (a, s), b in zip(steps, starts, strict=True):
            begin = -1.0 if a == -np.inf else a
            out = out + rate * ratio(s["STEP"], facts) * np.clip(np.minimum(until, b) - begin, 0.0, None)
        return out

    now = [steps[int(np.searchsorted(starts[:-1], x + 1e-9, side="right"))][1]["STEP"] for x in t]
    shape = (len(rate), len(t))
    burden = np.array([STEROID[round(s)] + COST[round(s)] for s in now])
    return {
        "EXACERBATIONS": expected(t) - expected(t - 1.0),
        "SO_FAR": expected(t) - expected(t[:1]),
        "RATE": rate * np.array([ratio(s, facts) for s in now]),
        "BURDEN": np.broadcast_to(burden, shape),
    }


FORMULA = Formula(
    name="asthma",
    text="a person's rate of severe exacerbations times what a step leaves of it",
    clock="y",
    step=0.25,
    unknowns=(
        Unknown(
            "RATE0",
            "1/y",
            "severe exacerbations on a reliever alone",
            0.6,
            1.1,
            "0.20 a year in mild asthma (SYGMA 1) to 1.7 before biologics (MENSA), as a spread (assumed)",
        ),
    ),
    reads=(
        Read("EXACERBATIONS", "severe exacerbations in the year up to then", "1", 0.0, 30.0, counts=True),
        Read("SO_FAR", "severe exacerbations from now on", "1", 0.0, 1e4, measured=False),
        Read("RATE", "severe exacerbations a year", "1/y", 0.0, 1e3, measured=False),
        Read("BURDEN", "burden of steroid, injections and cost", "1", 0.0, 10.0, measured=False),
    ),
    settings=(Column("STEP", "step of treatment, 0 to 4: " + "; ".join(STEP), "1", 0.0, 4.0),),
    now={"STEP": 0.0},
    course=course,
    source="O'Byrne 2018, Pauwels 1997, Ortega 2014 (read in abstracts and reports), Sobieraj 2018 (recalled)",
    facts=(Column("EOS", "eosinophils in blood", "G/L", 0.0, 20.0, {"10*9/L": 1.0, "/uL": 0.001}, slip="/uL? say so in units"),),
)


def words(s: Mapping[str, float]) -> str:
    """A step in words."""
    return STEP[round(s["STEP"])]


def _gina(facts: Facts) -> Sets | str:
    now, seen = facts.number("STEP") or 0.0, facts.number("EXACERBATIONS")
    if seen is None:
        return "gina_2023 needs the exacerbations of the last year"
    if seen >= 1.0:
        up = min(now + 1.0, 4.0 if now >= 3.0 and (facts.number("EOS") or 0.0) >= 0.15 else 3.0)
        return Sets({"STEP": max(up, now, 1.0)}, f"{seen:.0f} in the last year: a step up")
    down = max(now - 1.0, 1.0) if 1.0 < now < 4.0 else max(now, 1.0)
    return Sets({"STEP": down}, "none in the last year: a step down, never a reliever alone")


def possible(s: Mapping[str, float], facts: Facts) -> bool:
    """A biologic only after medium-dose steroid, with eosinophils of 0.15 G/L or more (labels, GINA; recalled)."""
    return s["STEP"] < 4.0 or ((facts.number("STEP") or 0.0) >= 3.0 and (facts.number("EOS") or 0.0) >= 0.15)


GINA = Rule(
    "gina_2023",
    "GINA: a step up after a severe exacerbation, down after a year without",
    "GINA 2023 report (recalled)",
    "recalled",
    (),
    _gina,
    ward="GINA",
)

THERAPY = Therapy(
    name="asthma_years",
    drug=DRUG,
    population="adults and adolescents with asthma",
    models=(),
    menu=Settings({"STEP": (0.0, 1.0, 2.0, 3.0, 4.0)}),
    goals=(
        Goal(
            "rate",
            Reading("RATE", "at", At(365.0, "d"), name="rate"),
            None,
            0.5,
            "1/y",
            1.0,
            1.0,
            "at most one severe exacerbation in two years",
            "GINA's aim is none; the border is assumed",
            closed=True,
        ),
        Goal(
            "count",
            Reading("SO_FAR", "at", At(DAYS, "d"), name="exacerbations"),
            None,
            None,
            "1",
            0.5,
            10.0,
            "severe exacerbations in ten years",
            "weight assumed",
            joint=False,
            price=True,
        ),
        Goal(
            "burden",
            Reading("BURDEN", "at", At(365.0, "d"), name="burden"),
            None,
            None,
            "1",
            0.25,
            1.0,
            "burden of steroid, injections and cost",
            "assumed",
            joint=False,
            price=True,
        ),
    ),
    limits=(),
    rules=(GINA,),
    typical={},
    horizon_h=24.0 * DAYS,
    stale_h=24.0 * 365,
    tie_loss=0.003,
    source="ratios of trials (read in abstracts and reports; one recalled); weights assumed",
    note="research and teaching: exacerbations alone; no lung function, no symptoms, no technique or adherence; "
    "ratios of trials are "
    "chained",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Ten years of asthma",
    words,
    ("EXACERBATIONS", "SO_FAR"),
    YEARS,
    (
        "Scope: how often severe exacerbations come and what a step leaves of them. Symptoms, lung function and "
        "causes are not in it.",
        "A person's own rate is believed from trials' means with a wide spread, and told by the counts of the years "
        "so far (Poisson).",
    ),
    possible=possible,
)

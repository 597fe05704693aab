"""Drug treatment of a solid tumour told by its lesions: full dose, less, or pauses; progression and survival foreseen."""

from collections.abc import Mapping

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column as Value
from dosetwin.declare.formula import Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.structure.tumour import survival_lung
from dosetwin.studies.decisions.radiotherapy import small

DRUG = drug("chemotherapy", unit="1", measured=False, device=True)
STRUEMPER = "Struemper 2025, CPT Pharmacometrics Syst Pharmacol 14:1006, docetaxel in lung cancer (as filed in nlmixr2lib)"
WEEK = 7.0
HALF_A_YEAR, YEAR = 182.0, 365.0
MOST = 4.0
"""Times its first size that the part which answers may regrow to (assumed)."""


def on_share(s: Mapping[str, float]) -> float:
    """Share of full dose that weeks on and off come to."""
    return s["DOSE"] * s["ON"] / max(s["ON"] + s["OFF"], 1e-9)


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Stein's two parts: SIZE = base (exp(growth t) - 1 + answering).

    What answers falls at ``kill`` while the drug is on and regrows at ``growth`` while it is off; full dose without pauses is
    Stein's curve. Progression is seen weekly, against the least size so far. Survival by growth, size and weeks to regrowth.
    """
    base, g, k = (p[n][:, None] for n in ("BASE", "GROWTH", "KILL"))
    every = np.unique(np.concatenate([np.arange(0.0, float(t[-1]) + 1e-9, WEEK), t]))
    starts = [a for a, _ in steps[1:]] + [np.inf]
    exposed = np.zeros((1, len(every)))
    for (a, s), b in zip(steps, starts, strict=True):
        exposed = exposed + on_share(s) * np.clip(np.minimum(every, b) - max(a, 0.0), 0.0, None)
    answering = np.minimum(np.exp(g * (every - exposed) - k * exposed), MOST)
    size = np.maximum(base * (np.exp(np.minimum(g * every, 6.0)) - 1.0 + answering), 0.0)
    lowest = np.minimum.accumulate(np.concatenate([base, size], axis=1), axis=1)[:, 1:]
    grown = (size >= 1.2 * lowest) & (size - lowest >= 5.0)
    progressed = np.logical_or.accumulate(grown, axis=1).astype(float)
    share = on_share(steps[-1][1])
    kill = np.maximum(k * share - g * (1.0 - share), 1e-9)
    alive = survival_lung(
        every,
        base,
        WEEK * kill,
        WEEK * g,
        albumin=facts.number("ALB") or 39.4,
        protein=facts.number("PROTEIN") or 71.0,
        NLR=facts.number("NLR") or 4.1,
    )
    at = np.searchsorted(every, t)
    shape = (len(p["BASE"]), len(t))
    return {
        "SIZE": size[:, at],
        "PROGRESSED": progressed[:, at],
        "DEAD": 1.0 - alive[:, at],
        "GIVEN": np.broadcast_to(exposed[:, at], shape),
    }


FORMULA = Formula(
    name="systemic",
    text="a part of the tumour answers to the drug, a part grows",
    clock="d",
    step=7.0,
    unknowns=(
        Unknown("BASE", "mm", "size at the first scan", 74.0, 0.514, STRUEMPER),
        Unknown("GROWTH", "1/d", "growth of what does not answer", 0.01822 / WEEK, 0.934, STRUEMPER),
        Unknown("KILL", "1/d", "shrinkage of what answers, at full dose", 0.03566 / WEEK, 0.958, STRUEMPER),
    ),
    reads=(
        Read(
            "SIZE",
            "longest diameters of the targets together",
            "mm",
            0.0,
            1000.0,
            {"cm": 10.0},
            additive=2.515,
            proportional=0.113,
            floor=5.0,
            slip="cm? write SIZE [cm]",
        ),
        Read("PROGRESSED", "1 once the targets have grown by a fifth and 5 mm (RECIST 1.1)", "1", 0.0, 1.0, measured=False),
        Read("DEAD", "chance of death", "1", 0.0, 1.0, measured=False),
        Read("GIVEN", "days of full dose given", "d", 0.0, 1e5, measured=False),
    ),
    settings=(
        Value("DOSE", "dose over full dose", "1", 0.0, 1.5, {"%": 0.01}, slip="a percentage? write DOSE [%]"),
        Value("ON", "weeks on in a row", "wk", 0.0, 52.0),
        Value("OFF", "weeks off after them", "wk", 0.0, 52.0),
    ),
    now={"DOSE": 0.0, "ON": 3.0, "OFF": 0.0},
    course=course,
    source=STRUEMPER,
    facts=(
        Value("ALB", "albumin", "g/L", 10.0, 60.0, {"g/dL": 10.0}, slip="g/dL? write ALB [g/dL]"),
        Value("PROTEIN", "total protein", "g/L", 30.0, 120.0, {"g/dL": 10.0}, slip="g/dL? write PROTEIN [g/dL]"),
        Value("NLR", "neutrophils over lymphocytes", "1", 0.1, 1000.0),
    ),
    summed=("LESION", "SIZE"),
)


def words(s: Mapping[str, float]) -> str:
    """``75 % of full dose, 3 weeks on and 1 off``."""
    if not s["DOSE"] or not s["ON"]:
        return "no more drug"
    dose = "full dose" if s["DOSE"] == 1.0 else f"{100 * s['DOSE']:.0f} % of full dose"
    return f"{dose}, no pause" if not s["OFF"] else f"{dose}, {s['ON']:g} weeks on and {s['OFF']:g} off"


def _full(facts: Facts) -> Sets | str:
    return Sets({"DOSE": 1.0, "ON": 3.0, "OFF": 0.0}, "full dose until progression")


FULL = Rule(
    "full_dose",
    "full dose without a pause until progression",
    "NCCN's usual order (recalled)",
    "recalled",
    (),
    _full,
    ward="full dose",
)
ROWS = (
    (0.0, 3.0, 0.0),
    *((d, on, off) for d in (0.5, 0.75, 1.0) for on, off in ((3.0, 0.0), (3.0, 1.0), (2.0, 1.0), (3.0, 3.0))),
)

THERAPY = Therapy(
    name="tumour_systemic",
    drug=DRUG,
    population="adults with a solid tumour on a drug, lesions measured",
    models=(),
    menu=Settings({}, {("DOSE", "ON", "OFF"): ROWS}),
    goals=(
        Goal(
            "progression",
            Reading("PROGRESSED", "at", At(HALF_A_YEAR, "d"), name="progression"),
            None,
            0.5,
            "1",
            1.0,
            1.0,
            "no progression within half a year",
            "RECIST 1.1",
            closed=True,
        ),
        Goal(
            "dead",
            Reading("DEAD", "at", At(YEAR, "d"), name="death"),
            None,
            None,
            "1",
            1.0,
            1.0,
            "chance of death within a year",
            STRUEMPER,
            joint=False,
            price=True,
        ),
        Goal(
            "given",
            Reading("GIVEN", "at", At(HALF_A_YEAR, "d"), name="drug given"),
            None,
            None,
            "d",
            0.15,
            HALF_A_YEAR,
            "drug given by half a year, days of full dose",
            "price of harm by the drug: assumed",
            joint=False,
            price=True,
        ),
    ),
    limits=(),
    rules=(FULL,),
    typical={},
    horizon_h=24.0 * YEAR,
    stale_h=24.0 * 120,
    tie_loss=0.005,
    source=STRUEMPER + "; less than full dose and pauses are our reading of Stein's two parts; weights assumed",
    note="research and teaching: one drug; sizes of lung cancers under docetaxel; no harm of the drug but its amount; new "
    "lesions are not foreseen",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Drug treatment of a tumour",
    words,
    ("SIZE", "DEAD"),
    YEAR,
    (
        "Under full dose this is Stein's curve with the spread of 34 people on docetaxel; what pauses and smaller doses do "
        "is assumed from its two parts: what answers shrinks while the drug is on and grows while it is off.",
        "Survival follows from size, growth and weeks to regrowth as in 786 people with lung cancer; albumin, protein and "
        "the ratio of neutrophils to lymphocytes are taken as the median of those where they are not given.",
        "On real lesions the last reading carried on foretells the next scan as well as curves do: the curve adds the band "
        "and what a change of treatment would do.",
    ),
    remarks=small,
)

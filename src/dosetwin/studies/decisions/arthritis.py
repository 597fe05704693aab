"""Ten years of rheumatoid arthritis on adalimumab: interval and methotrexate, by disease activity (DAS28) and antibodies."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtri

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Between, Reading
from dosetwin.errors import Finding
from dosetwin.models import adalimumab_ternant_ra_2015 as TERNANT
from dosetwin.studies.decisions._years import DAYS, YEARS

DRUG = drug("arthritis_drugs", unit="1", measured=False, device=True)
SOURCE = "Ternant 2015, Br J Clin Pharmacol 79:286; antibodies Bartelds 2007"
OF = TERNANT.theta()
MTX_DAS = 0.9
"""Fall of DAS28 by methotrexate, beside the drug (assumed: 0.3 to 1.5 in trials of add-on)."""
A_YEAR = 365.25
LEAST = 2.0
"""mg/L: the lowest level without antibodies (Bartelds 2007), as the drug's own alarm has it."""


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Mean level of a schedule, reached at the pace of clearance over volume; DAS28 = DAS0 IC50 / (IC50 + level),
    less methotrexate's.
    """
    level = np.zeros(len(p["CL"]))
    days, das, levels, given = t * A_YEAR, np.empty((len(level), len(t))), np.empty((len(level), len(t))), np.empty(len(t))
    edges = [a * A_YEAR for a, _ in steps[1:]]
    at, total, now, k = 0.0, 0.0, dict(steps[0][1]), 0

    def moved(until: float) -> tuple[np.ndarray, float]:
        share = OF.ANTI_MTX if now["MTX"] else OF.ANTI
        ANTI = p["ANTI"] < ndtri(share)
        CL = p["CL"] * np.where(ANTI, 1.0 + OF.ANTI_CL, 1.0)
        rate = now["MG"] / max(now["EVERY_D"], 1.0)
        goal = rate / CL
        return goal + (level - goal) * np.exp(-CL / p["V"] * (until - at)), total + rate * (until - at)

    for j, when in enumerate(days):
        while k < len(edges) and edges[k] <= when + 1e-9:
            if edges[k] > at:
                level, total = moved(edges[k])
                at = edges[k]
            now, k = dict(steps[k + 1][1]), k + 1
        level, total = moved(float(when))
        at = float(when)
        levels[:, j], given[j] = level, total
        das[:, j] = np.maximum(p["DAS0"] * p["IC50"] / (p["IC50"] + level) - MTX_DAS * now["MTX"], 0.5)
    shape = das.shape
    return {"DAS28": das, "LEVEL": levels, "MG_GIVEN": np.broadcast_to(given, shape)}


FORMULA = Formula(
    name="arthritis",
    text="disease activity follows the level of adalimumab",
    clock="y",
    step=1.0 / 24.0,
    unknowns=(
        Unknown("CL", "L/d", "clearance", OF.TVCL, 0.17, SOURCE),
        Unknown("V", "L", "volume", OF.TVV, 0.78, SOURCE),
        Unknown("DAS0", "1", "DAS28 without drugs", OF.DAS0, 0.11, SOURCE),
        Unknown("IC50", "mg/L", "level that halves DAS28", OF.IC50, 0.64, SOURCE),
        Unknown(
            "ANTI",
            "1",
            "antibodies are formed where it is low",
            0.0,
            1.0,
            "Bartelds 2007: 10 of 26, 11 of 95 with methotrexate",
            "plain",
        ),
    ),
    reads=(
        Read("DAS28", "disease activity in 28 joints", "1", 0.0, 10.0, additive=0.6, slip="a CDAI or SDAI? DAS28 is 0 to 10"),
        Read("LEVEL", "level of adalimumab", "mg/L", 0.0, 60.0, {"ug/mL": 1.0}, additive=1.0, proportional=0.2),
        Read("MG_GIVEN", "adalimumab given", "mg", 0.0, 1e6, measured=False),
    ),
    settings=(
        Column("MG", "adalimumab at an injection", "mg", 0.0, 160.0),
        Column("EVERY_D", "days between injections", "d", 7.0, 84.0),
        Column("MTX", "methotrexate beside it", "1", 0.0, 1.0, words={"yes": 1.0, "no": 0.0}),
    ),
    now={"MG": 0.0, "EVERY_D": 14.0, "MTX": 0.0},
    course=course,
    source=SOURCE,
    facts=(Column("MTX_BARRED", "methotrexate cannot be given", "1", 0.0, 1.0, words={"yes": 1.0, "no": 0.0}),),
)


def words(s: Mapping[str, float]) -> str:
    """``adalimumab 40 mg every 2 weeks with methotrexate``."""
    drug = f"adalimumab {s['MG']:g} mg every {s['EVERY_D'] / 7:g} weeks" if s["MG"] else ""
    if not drug:
        return "methotrexate alone" if s["MTX"] else "neither drug"
    return drug.replace("every 1 weeks", "every week") + (" with methotrexate" if s["MTX"] else "")


def possible(s: Mapping[str, float], facts: Facts) -> bool:
    """No methotrexate where it is barred; every week only without it, as the US label has it (recalled)."""
    return not (s["MTX"] and (facts.on("MTX_BARRED") or (s["MG"] and s["EVERY_D"] < 14.0)))


def remarks(facts: Facts) -> Sequence[Finding]:
    """That hardly any drug was left: the last level is below what people without antibodies had."""
    level = facts.number("LEVEL")
    if level is None or level >= LEAST or not facts.number("MG"):
        return ()
    text = "hardly any adalimumab is left before an injection: antibodies are likely, and more of it will not mend that"
    remedy = "measure antibodies: with many of them a drug of another class (Bartelds 2007), which is not on this menu"
    return (Finding("warning", "antibodies_likely", "LEVEL", text, level, f"{LEAST:g} mg/L or more", remedy),)


def _eular(facts: Facts) -> Sets | str:
    das, MTX = facts.number("DAS28"), 0.0 if facts.on("MTX_BARRED") else 1.0
    if das is None:
        return "eular_2022 needs a DAS28"
    mg, every = facts.number("MG") or 0.0, facts.number("EVERY_D") or 14.0
    if not mg:
        if das > 3.2 and facts.number("MTX") == 1.0:
            return Sets({"MG": 40.0, "EVERY_D": 14.0, "MTX": MTX}, f"DAS28 {das:.1f} on methotrexate: add a biologic")
        return Sets({"MG": 0.0, "EVERY_D": 14.0, "MTX": MTX}, "methotrexate first")
    if das < 2.6 and every < 28.0:
        return Sets(
            {"MG": mg, "EVERY_D": 21.0 if every == 14.0 else 28.0, "MTX": MTX}, f"DAS28 {das:.1f}, remission: a longer interval"
        )
    return Sets({"MG": mg, "EVERY_D": every, "MTX": MTX}, "as it is")


EULAR = Rule(
    "eular_2022",
    "EULAR 2022: methotrexate, then a biologic; longer intervals in remission",
    "Smolen 2023, Ann Rheum Dis 82:3 (recalled)",
    "recalled",
    (),
    _eular,
    ward="EULAR",
)
ROWS = ((0.0, 14.0, 0.0), (0.0, 14.0, 1.0), *((40.0, e, m) for e in (7.0, 14.0, 21.0, 28.0) for m in (0.0, 1.0)))

THERAPY = Therapy(
    name="arthritis_years",
    drug=DRUG,
    population="adults with rheumatoid arthritis",
    models=(),
    menu=Settings({}, {("MG", "EVERY_D", "MTX"): ROWS}),
    goals=(
        Goal(
            "low",
            Reading("DAS28", "at", At(182.0, "d"), name="DAS28"),
            None,
            3.2,
            "1",
            1.0,
            2.0,
            "low disease activity in half a year (DAS28 3.2)",
            "EULAR's target (recalled)",
            closed=True,
        ),
        Goal(
            "remission",
            Reading("DAS28", "at", At(DAYS, "d"), name="DAS28"),
            None,
            2.6,
            "1",
            0.5,
            2.0,
            "remission in ten years (DAS28 2.6)",
            "EULAR's target (recalled)",
        ),
        Goal(
            "activity",
            Reading("DAS28", "mean", Between(0.0, DAYS, "d"), name="mean DAS28"),
            None,
            None,
            "1",
            0.3,
            3.0,
            "mean DAS28 of ten years",
            "joints are lost to activity over time: weight assumed",
            joint=False,
            price=True,
        ),
        Goal(
            "drug",
            Reading("MG_GIVEN", "at", At(DAYS, "d"), name="adalimumab"),
            None,
            None,
            "mg",
            0.12,
            10400.0,
            "adalimumab given in ten years",
            "infections and cost: weight assumed",
            joint=False,
            price=True,
        ),
    ),
    limits=(),
    rules=(EULAR,),
    typical={},
    horizon_h=24.0 * DAYS,
    stale_h=24.0 * 180,
    tie_loss=0.005,
    source=SOURCE + "; weights assumed",
    note="research and teaching: one biologic; no flare of its own, no erosion, infections counted by the drug given",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Ten years of rheumatoid arthritis",
    words,
    ("DAS28", "LEVEL"),
    YEARS,
    (
        "Level: the mean of an interval by clearance alone, reached at the pace of clearance over volume; DAS28 "
        "follows it at once, as in "
        "30 patients (Ternant 2015).",
        "Antibodies are a yes or no of a person, less likely with methotrexate; they raise clearance 4.14 times.",
        "What methotrexate takes off DAS28 by itself is assumed (0.9).",
    ),
    possible=possible,
    remarks=remarks,
)

"""A plan: which steps are taken now, which are added when HbA1c has risen to a line, and what a plan makes of the years."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.errors import InputError
from dosetwin.outcomes.diabetes.equations import FACTORS, slip
from dosetwin.studies.ten_years.belief import Belief
from dosetwin.studies.ten_years.steps import LEAST_HBA1C, step

NICE_LINE = 7.5
"""% (58 mmol/mol) at which NICE's NG28 adds a drug (recalled)."""


@dataclass(frozen=True)
class Plan:
    """``at_once`` from today on; ``then`` one more each year in which HbA1c has reached ``line``, in this order."""

    name: str
    at_once: tuple[str, ...] = ()
    then: tuple[str, ...] = ()
    line: float = NICE_LINE
    source: str = ""

    def __post_init__(self) -> None:
        for name in (*self.at_once, *self.then):
            step(name)
        if twice := {n for n in (*self.at_once, *self.then) if (*self.at_once, *self.then).count(n) > 1}:
            raise InputError("a step taken twice", where=f"plan {self.name}", value=sorted(twice)[0])
        if not 5.0 <= self.line <= 12.0:
            raise InputError("the HbA1c at which a step is added", where=f"plan {self.name}", value=self.line,
                             allowed="5 to 12 %", remedy=slip("HBA1C"))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Course:
    """What a plan makes of the factors, [n, years] each, and of the treatment: steps taken (number) and cost."""

    paths: Mapping[str, np.ndarray]
    taken: np.ndarray
    cost: np.ndarray


GUIDELINE = Plan(
    "guideline", ("metformin", "statin"), ("dpp4_inhibitor", "sulfonylurea", "basal_insulin"), NICE_LINE,
    "NICE NG28 as recalled: metformin and a statin, a further drug at 58 mmol/mol",
)  # fmt: skip
HEART_FIRST = Plan(
    "heart and kidney first", ("metformin", "statin", "sglt2_inhibitor"), ("glp1_agonist", "sulfonylurea", "basal_insulin"),
    NICE_LINE, "NICE NG28 2022 and ADA where the heart's risk is high (recalled)",
)  # fmt: skip
EARLY = Plan(
    "early and together", ("metformin", "statin", "sglt2_inhibitor", "glp1_agonist"), ("sulfonylurea", "basal_insulin"), 7.0
)
PRESSURE = Plan("guideline and pressure", (*GUIDELINE.at_once, "pressure_1", "pressure_2"), GUIDELINE.then, NICE_LINE)
PLANS = (GUIDELINE, PRESSURE, HEART_FIRST, EARLY)


def possible(plan: Plan, person: Mapping[str, float]) -> str:
    """Why a plan is none for this person; "" where it is one."""
    for name in (*plan.at_once, *plan.then):
        if person["EGFR"] < step(name).least_egfr:
            return f"{name} needs a filtration of {step(name).least_egfr:g}, found {person['EGFR']:g}"
    return ""


def course(
    plan: Plan, person: Mapping[str, float], belief: Belief, taking: Sequence[str], years: int, n: int, seed: int
) -> Course:
    """``n`` draws of the years under ``plan``, for one person who takes ``taking`` today and stays on it.

    SBP, LDL and BMI in ``person`` are as measured under ``taking``: only what is new moves them. HbA1c follows the belief.
    """
    draws = belief.draws(n, seed)
    on = {name: np.ones(n, dtype=bool) for name in {*taking, *plan.at_once}}
    waiting = np.zeros(n, dtype=int)
    queue = [s for s in plan.then if s not in on]
    paths = {k: np.zeros((n, years)) for k in ("HBA1C", "SBP", "LDL", "BMI")}
    taken, cost = np.zeros((n, years)), np.zeros((n, years))
    for year in range(years):
        level = _hba1c(draws, on, year)
        rises = (level >= plan.line) & (waiting < len(queue)) & (year > 0)
        for k, name in enumerate(queue):
            on[name] = on.get(name, np.zeros(n, dtype=bool)) | (rises & (waiting == k))
        waiting = waiting + rises
        paths["HBA1C"][:, year] = _hba1c(draws, on, year)
        new = {name: used for name, used in on.items() if name not in taking}
        for key, fall in (("SBP", "sbp"), ("BMI", "bmi")):
            paths[key][:, year] = person[key] - sum(getattr(step(s), fall) * used for s, used in new.items())
        kept = np.ones(n)
        for s, used in new.items():
            kept = kept * np.where(used, 1.0 - step(s).ldl, 1.0)
        paths["LDL"][:, year] = person["LDL"] * kept
        taken[:, year] = sum(on.values())
        cost[:, year] = sum(step(s).cost * used for s, used in on.items())
    for key, path in paths.items():
        paths[key] = np.clip(path, FACTORS[key][1], FACTORS[key][2])
    return Course(paths, taken, cost)


def _hba1c(draws: Mapping[str, np.ndarray], on: Mapping[str, np.ndarray], year: float) -> np.ndarray:
    value = draws["level"] + draws["drift"] * year
    for name, used in on.items():
        if name in draws:
            value = value - draws[name] * used
    return np.maximum(value, LEAST_HBA1C)

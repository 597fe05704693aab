"""Plans compared on the copy of one person: chances of events, years, quality years and cost, each against the guideline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dosetwin.errors import InputError
from dosetwin.outcomes.diabetes.equations import EVENTS, FACTORS, WORDS, believable
from dosetwin.outcomes.diabetes.life import Lives, live
from dosetwin.outcomes.diabetes.worth import Worth
from dosetwin.studies.ten_years.belief import Belief
from dosetwin.studies.ten_years.plans import GUIDELINE, PLANS, Course, Plan, course, possible
from dosetwin.studies.ten_years.steps import step

SHOWN = ("infarction", "stroke", "heart_failure", "renal_failure")
"""Events a table of plans shows."""
RESTS_ON = (
    "Events and deaths: UKPDS Outcomes Model 2 (Hayes 2013), a year a step. Drugs act through HbA1c, blood pressure, LDL and "
    "weight alone: what newer drugs do to the heart and kidney beyond these is not counted, so their plans look worse than "
    "trials suggest.",
    "Effects of drugs, their costs, quality of life and the line of the guideline are recalled or assumed, each named with its "
    "source in the program. Intervals say what the number of copies leaves open, not what the equations do not know.",
)
WORTH_A_YEAR = 20000.0
"""GBP a quality year may cost: the lower of NICE's borders (recalled)."""


@dataclass(frozen=True, eq=False)
class Tried:
    """One plan on all draws: lives, course, quality years and cost [n]."""

    plan: Plan
    lives: Lives
    course: Course
    qalys: np.ndarray
    costs: np.ndarray

    def worth(self, gbp: float) -> np.ndarray:
        """[n] net benefit in quality years: what the plan costs counted at ``gbp`` a year."""
        return self.qalys - self.costs / gbp


@dataclass(frozen=True, eq=False)
class Answer:
    """The plans from best to worst of those that can be given, and why others cannot."""

    tried: tuple[Tried, ...]
    refused: Mapping[str, str]
    guideline: Tried
    gbp: float

    @property
    def chosen(self) -> Tried:
        """The plan with the best expected net benefit; the guideline's where nothing beats it beyond chance."""
        best = self.tried[0]
        low, _ = _interval(best.worth(self.gbp) - self.guideline.worth(self.gbp))
        return best if low > 0.0 else self.guideline

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers: per plan the chance of each event by each year, and differences from the guideline."""
        rows = []
        for t in self.tried:
            differs = {k: [float(np.mean(d)), *_interval(d)] for k, d in (
                ("qalys", t.qalys - self.guideline.qalys), ("cost", t.costs - self.guideline.costs),
                ("net", t.worth(self.gbp) - self.guideline.worth(self.gbp)))}  # fmt: skip
            rows.append({
                "plan": t.plan.name, "at_once": list(t.plan.at_once), "then": list(t.plan.then), "line": t.plan.line,
                "source": t.plan.source, "dead": t.lives.dead().tolist(),
                "events": {e: t.lives.share(e).tolist() for e in EVENTS},
                "hba1c": np.quantile(t.course.paths["HBA1C"], (0.05, 0.5, 0.95), axis=0).tolist(),
                "qalys": float(t.qalys.mean()), "cost": float(t.costs.mean()), "drugs": float(t.course.taken[:, -1].mean()),
                "against_guideline": differs,
                "hypoglycaemia": any(step(s).low for s in (*t.plan.at_once, *t.plan.then)),
            })  # fmt: skip
        return {"words": dict(WORDS), "shown": list(SHOWN), "rests_on": list(RESTS_ON),
                "chosen": self.chosen.plan.name, "guideline": self.guideline.plan.name, "gbp_per_quality_year": self.gbp,
                "plans": rows, "refused": dict(self.refused), "draws": len(self.guideline.qalys)}  # fmt: skip


def _interval(difference: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of paired differences: what the number of lives leaves open, not what the equations do."""
    mean, se = float(difference.mean()), float(difference.std(ddof=1)) / len(difference) ** 0.5
    return mean - 1.96 * se, mean + 1.96 * se


def answer(
    person: Mapping[str, float], belief: Belief, *, taking: Sequence[str] = (), had: Sequence[str] = (),
    plans: Sequence[Plan] = PLANS, guideline: Plan = GUIDELINE, years: int = 10, draws: int = 4000, seed: int = 1,
    worth: Worth | None = None, gbp: float = WORTH_A_YEAR,
) -> Answer:  # fmt: skip
    """Try the plans on ``draws`` copies of one person, each copy with the same luck under every plan.

    ``person`` factor -> value today (``FACTORS``); ``had`` events there have been. Raises InputError for what nobody has and
    where the guideline itself cannot be given.
    """
    believable({k: np.array([float(v)]) for k, v in person.items()})
    for name in taking:
        step(name)
    if not 200 <= draws <= 1_000_000:
        raise InputError("number of copies", where="draws", value=draws, allowed="200 to 1000000")
    worth = worth or Worth()
    refused = {p.name: why for p in (guideline, *plans) if (why := possible(p, person))}
    if guideline.name in refused:
        raise InputError("the guideline's plan cannot be given", where="plan", value=refused[guideline.name],
                         remedy="name a plan of your own as the one to compare with")  # fmt: skip
    people = {k: np.full(draws, float(person[k])) for k in FACTORS}
    before = {e: np.full(draws, e in had) for e in EVENTS}
    if strange := sorted({*had} - {*EVENTS}):
        raise InputError("no such event", where="had", value=strange[0], allowed=", ".join(EVENTS))
    tried = []
    for plan in dict.fromkeys((guideline, *plans)):
        if plan.name in refused:
            continue
        made = course(plan, person, belief, taking, years, draws, seed)
        lives = live(people, made.paths, before, years=years, seed=seed)
        tried.append(Tried(plan, lives, made, worth.qalys(lives), worth.costs(lives, made.cost)))
    first = tried[0]
    return Answer(tuple(sorted(tried, key=lambda t: -float(t.worth(gbp).mean()))), refused, first, gbp)

"""What one person on insulin may change, and what to give for the meal before them: learned, lived again, held inside limits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import Finding, Reason
from dosetwin.io.insulin import InsulinDays
from dosetwin.loops.insulin.belief import STEP_MIN, Belief
from dosetwin.loops.insulin.learned import Days, Learned, learn
from dosetwin.loops.insulin.limits import Limits
from dosetwin.loops.insulin.run import Run, Session, planned
from dosetwin.loops.insulin.settings import DRAWS, TARGET, Chosen, Settings, choose, lived

Array = NDArray[np.float64]
THERAPY = "insulin_basal_bolus"
AHEAD_H, LOW_CHANCE = 5.0, 0.10
"""h a bolus is followed, and the chance of glucose below 70 mg/dL in them that it may not pass (assumed)."""
SHARES = tuple(float(x) for x in np.arange(0.0, 1.05, 0.1))
"""Of what ratio and factor ask for: a belief may ask for less, never for more."""
STEP_U = 0.1
"""U: what a pump gives at a time; a pen gives its own step. Both round down."""
POOR = 25.0
"""mg/dL: five minutes ahead no belief that knows the person is further off than this (assumed)."""


@dataclass(frozen=True)
class Bolus:
    """For ``meal`` g and a level of ``level`` mg/dL: ``dose`` U, ``usual`` U by ratio and factor, the chance below 70, why."""

    meal: float
    level: float
    dose: float
    usual: float
    below70: float
    reasons: tuple[Reason, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "meal_g": self.meal,
            "level_mg_dl": round(self.level, 1),
            "dose_u": self.dose,
            "usual_u": round(self.usual, 2),
            "p_below70": round(self.below70, 3),
            "reasons": [r.to_json() for r in self.reasons],
        }


@dataclass(frozen=True)
class Answer:
    """``status`` recommend, caution or refuse; settings now and chosen, the bolus asked about, what was learned, remarks."""

    status: str
    chosen: Chosen
    bolus: Bolus | None
    learned: Learned
    findings: tuple[Finding, ...]
    again: Array
    """Glucose mg/dL [2, 3, n] of the days lived again under the present and the chosen settings: 10th, 50th, 90th percentile."""
    run: Run | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        m = self.learned
        return {
            "therapy": THERAPY,
            "status": self.status,
            "now": self.chosen.now.to_json(),
            "recommended": None if self.chosen.best is None else self.chosen.best.to_json(),
            "reasons": [r.to_json() for r in self.chosen.reasons],
            "bolus": None if self.bolus is None else self.bolus.to_json(),
            "exercise": None if self.run is None else self.run.to_json(),
            "learned": {
                "sensitivity": round(m.mean(m.sensitivity), 3),
                "eaten": round(m.mean(m.eaten), 3),
                "basal_that_holds_u_h": round(m.mean(m.basal), 3),
                "error_mg_dl": round(m.error, 1),
            },
            "tried": [x.to_json() for x in self.chosen.tried[:12]],
            "findings": [f.to_json() for f in self.findings],
        }


def advise_person(
    days: Days,
    present: Settings,
    *,
    weight: float,
    target: float = TARGET,
    meal: float = 0.0,
    session: Session | None = None,
    seed: int = 1,
    findings: tuple[Finding, ...] = (),
) -> Answer:
    """Learn from these days and say what to change, and what to give now for ``meal`` g (0: nothing is asked).

    weight kg, target mg/dL that the present basal dose is believed to hold, session exercise that is planned.
    """
    learned = learn(days, weight=weight, basal=present.basal, target=target)
    found = list(findings)
    if learned.error > POOR:
        found.append(
            Finding(
                "warning",
                "hardly_foretold",
                "the days",
                f"five minutes ahead the belief is off by {learned.error:.0f} mg/dL",
                round(learned.error, 1),
                f"<= {POOR:g} mg/dL",
                "are all boluses and meals on record?",
            )
        )
    chosen = choose(present, days, learned, weight=weight)
    bolus = bolus_now(days, present, learned, weight, meal, seed) if meal > 0 else None
    run = None if session is None else planned(
        session, days, learned, weight=weight, basal=present.basal, pen=present.pen > 0.0, meal=meal,
        bolus=0.0 if bolus is None else bolus.dose, seed=seed,
    )  # fmt: skip
    doubt = (
        (run is not None and not run.fine)
        or any(f.severity == "warning" for f in found)
        or (chosen.best is not None and not chosen.best.acceptable)
    )
    status = "refuse" if chosen.best is None else "caution" if doubt else "recommend"
    rows = learned.drawn(DRAWS, np.random.default_rng(seed))
    two = (chosen.now.settings, (chosen.best or chosen.now).settings)
    again = np.stack([np.percentile(lived(present, s, days, learned, rows, weight), (10, 50, 90), axis=0) for s in two])
    return Answer(status, chosen, bolus, learned, tuple(found), again, run)


def advised(d: InsulinDays, seed: int = 1) -> tuple[Answer, Days]:
    """The answer on a table of days, and the days as they were learned from."""
    days = Days(d.readings, d.insulin, d.food)
    present = Settings(d.basal, d.ratio, d.factor, d.pen)
    session = None if d.session is None else Session(*d.session)
    return advise_person(days, present, weight=d.weight, meal=d.meal, session=session, seed=seed, findings=d.findings), days


def bolus_now(days: Days, present: Settings, learned: Learned, weight: float, meal: float, seed: int) -> Bolus:
    """The bolus that costs least of those whose lows stay rare, after the limits outside of every controller."""
    rows = learned.drawn(40, np.random.default_rng(seed))
    seen = days.readings[np.isfinite(days.readings)]
    level, basal = float(seen[-1]), present.basal
    usual = max(meal / present.ratio + (level - TARGET) / present.factor, 0.0)
    by = present.pen or STEP_U
    doses = np.unique(np.round(np.floor(np.array(SHARES) * usual / by + 1e-9) * by, 2))
    n, step = len(rows), basal * STEP_MIN / 60.0
    belief = Belief(
        learned.states[rows].copy(), np.zeros((n, 12, 12)), np.full(n, weight), np.full(n, basal), learned.scale[rows]
    )
    course = belief.foreseen(np.tile(doses + step, (n, 1)), meal * learned.eaten[rows], AHEAD_H)
    low = (course < 70.0).any(axis=2).mean(axis=0)
    cost = np.mean(np.maximum(course - TARGET, 0.0) ** 2 + 20.0 * np.maximum(90.0 - course, 0.0) ** 2, axis=(0, 2))
    fine = low <= LOW_CHANCE + 1e-9
    k = int(np.argmin(np.where(fine, cost, np.inf))) if fine.any() else 0
    one = Limits().within(
        doses[k : k + 1] + step,
        days.readings[None, :],
        days.insulin[None, :],
        np.array([meal / present.ratio]),
        np.array([basal]),
        np.array([weight]),
    )
    held = max(float(np.floor((one[0] - step) / by + 1e-6) * by), 0.0)
    dose = round(min(float(doses[k]), held), 2)
    reasons = [Reason("p_below70", round(float(low[k]), 3), LOW_CHANCE, "1", f"within {AHEAD_H:g} h")]
    if held < doses[k] - 1e-9:
        reasons.append(
            Reason(
                "held_by_limits",
                dose,
                round(float(doses[k]), 2),
                "U",
                "Glucose is low or falls, readings are missing, or much insulin is still acting",
            )
        )
    if not fine.any():
        reasons.append(
            Reason(
                "low_without_insulin",
                round(float(low[0]), 3),
                LOW_CHANCE,
                "1",
                "Glucose may fall below 70 mg/dL whatever is given: eat first, no bolus now",
            )
        )
        dose = 0.0
    return Bolus(meal, level, dose, usual, float(low[k]), tuple(reasons))

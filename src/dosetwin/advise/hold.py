"""When the next dose must wait for a level, and what follows from that level: a doubted record, an injured kidney, a refusal.

A doubted record has two explanations, *it is right* (and this patient is unlike others) and *it is wrong* (level, time, dose,
mix-up of patients). What is ordered must be safe under both. Where nothing is, and no later record has settled the doubt, the
answer is a level now, and one regimen for each outcome: taking a level costs an hour or two, a dose cannot be taken back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from dosetwin.advise.core import Decision, State, decide
from dosetwin.advise.curves import parameters_of
from dosetwin.advise.outlook import KidneyOutlook
from dosetwin.advise.sample import next_sample, safe_at
from dosetwin.advise.table import clock, ordered, stands_in_the_way, too_high_now
from dosetwin.decide.policy import Policy
from dosetwin.decide.recommendation import Dosing, HoldPlan, Status, order
from dosetwin.declare import Model
from dosetwin.errors import Reason
from dosetwin.forecast.kidney.warning import INJURY_SOURCE, INJURY_WARNING
from dosetwin.records import Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Plausibility
    from dosetwin.simulate.schedule import Rule

RIGHT_FROM = 0.05
"""Probability of *right* from which a doubt that a later record has settled still binds the order (assumed). A doubt that nothing
has settled always binds: the level can be taken again."""
RESULT_H = 2.0
"""h from a sample to its result (assumed): what is given after it is judged from then on."""
TOLD_FROM = 0.05
"""Records are listed as doubted from this probability of being wrong."""


@dataclass(frozen=True, eq=False)
class Asked:
    """The question as the parts of an answer share it."""

    known: Timeline
    models: tuple[Model, ...]
    policy: Policy
    now: float
    mic: float | None
    rule: "Rule"
    seed: int

    def decided(self, state: State, *, now: float | None = None, also: State | None = None) -> Decision:
        """The decision under a state, at ``now`` (h) if that is not the question's own moment."""
        at = self.now if now is None else now
        return decide(
            self.known,
            self.models,
            state,
            self.policy,
            now=at,
            given={} if self.mic is None else {"MIC": self.mic},
            rule=self.rule,
            also=also,
        )

    @property
    def sample_at(self) -> float:
        """The next full step of the ward's clock, h: when a level can be taken."""
        step = self.policy.first_at_step_h
        return float(np.ceil(self.now / step - 1e-9)) * step

    def levels(self, state: State, at: float) -> np.ndarray:
        """True levels of the drug at ``at`` h without a further dose, over the draws of the leading model, [K]."""
        from dosetwin.simulate import predict, schedule_for

        model = self.models[state.lead]
        found = predict(model, schedule_for(model, self.known, [at], rule=self.rule), state.pools[state.lead])
        name = model.measured_by(self.policy.drug) or next(iter(model.outputs))
        return found.value[found.ok, 0, list(model.outputs).index(name)]

    def unit(self, state: State) -> str:
        """Unit of the drug's level."""
        model = self.models[state.lead]
        return model.outputs[model.measured_by(self.policy.drug) or next(iter(model.outputs))].unit

    def safe_at(self, state: State) -> float | None:
        """When the level is low enough for another dose without one before, h (``sample.safe_at``)."""
        lead = state.lead
        return safe_at(self.known, self.models[lead], state.pools[lead], self.policy, now=self.now, rule=self.rule)

    def regimen(self, made: Decision) -> Regimen | None:
        """The regimen a decision chose."""
        return None if made.choice.chosen is None else made.plans[made.choice.chosen].regimen

    def dosing(self, r: Regimen | None) -> Dosing | None:
        """The same as it is ordered."""
        return None if r is None else ordered(self.known, r)


@dataclass(frozen=True, eq=False)
class Settled:
    """A decision with its status, and, for a hold, the plan and the sentence that says it; ``reasons`` to be told first."""

    made: Decision
    status: Status
    plan: HoldPlan | None = None
    hold_reason: str = ""
    reasons: tuple[Reason, ...] = ()


def settle(asked: Asked, state: State, ahead: KidneyOutlook | None) -> Settled:
    """Decide under both explanations of what is in doubt, and say whether the next dose must wait for a level.

    ``ahead``: what the kidney in use expects; where it warns of an injury, a level comes before the next dose.
    """
    from dosetwin.infer.plausibility import percent

    also = state.under(state.right) if binds(state) else None
    made = asked.decided(state, also=also)
    given = bool(asked.known.doses)
    reasons = explained(asked, state)
    warns = ahead is not None and ahead.warns
    if ahead is not None and warns:
        text = "a kidney injury beyond what gestation, age and weight explain is likely"
        reasons += (Reason("kidney_injury_likely", round(ahead.injury or 0.0, 4), INJURY_WARNING, "1", text, INJURY_SOURCE),)
    regimen = asked.regimen(made)
    if regimen is not None and warns and given:
        earliest = asked.sample_at + RESULT_H
        if regimen.first_at < earliest - 1e-9:
            made = asked.decided(state, now=earliest, also=also)
            regimen = asked.regimen(made)
        if regimen is not None:
            assert ahead is not None
            plan = injury_plan(asked, state, regimen)
            why = f"a kidney injury is likely ({percent(ahead.injury or 0.0)})"
            return Settled(made, "caution", plan, sentence(plan, why), reasons)
    if regimen is not None:
        return Settled(made, "caution" if warns or state.open_doubts else "recommend", reasons=reasons)
    if given and state.open_doubts:
        plan = doubt_plan(asked, state)
        why = " and ".join(
            f"{_what(d, asked)} at {clock(asked.known, d.time)} is wrong with a probability of {percent(d.p_wrong)} and right "
            f"with {percent(1.0 - d.p_wrong)}" for d in state.open_doubts
        )  # fmt: skip
        none = plan.if_confirmed is None and plan.if_not is None
        what = "level" if any(d.measures != "SCR" for d in state.open_doubts) else "creatinine and a level"
        return Settled(made, "refuse" if none else "caution", plan, sentence(plan, why, what), reasons)
    if given and stands_in_the_way(made, "trough", asked.policy):
        high = too_high_now(made, asked.policy)
        safe = asked.safe_at(state) if high else None
        why = "the level is still too high for one" if high else "the level would stay too high after it, at any interval"
        if safe is not None and asked.regimen(asked.decided(state, now=safe)) is None:
            # once it is low enough for the next dose, that dose would lift it too high for the one after: no hour to promise
            why, safe = f"{why}, and would stay too high after it, at any interval", None
        plan = refusal_plan(asked, state, safe)
        return Settled(made, "refuse", plan, sentence(plan, why), reasons)
    return Settled(made, "refuse", reasons=reasons)


def binds(state: State) -> bool:
    """Whether an order must be safe under *right* too."""
    return bool(state.open_doubts) or (bool(state.doubted) and state.p_right >= RIGHT_FROM)


def explained(asked: Asked, state: State) -> tuple[Reason, ...]:
    """Both explanations of every doubted record as reasons, with their probabilities; of a patient unlike others too."""
    out: list[Reason] = []
    doubted = state.doubted
    if not doubted:
        if state.p_unlike >= 0.5:
            text = "this patient is unlike those the model was made from; the levels agree on it and are believed"
            source = "heavy tail of the random effects, declared"
            out.append(Reason("patient_unlike", round(state.p_unlike, 4), None, "1", text, source))
        return tuple(out)
    right, wrong = (_clearance(asked, state, pools) for pools in (state.right, state.wrong))
    for d in doubted:
        what = f"{_what(d, asked)} at {clock(asked.known, d.time)} ({d.record})"
        text = f"{what} is right and this patient unlike most{right}"
        out.append(Reason("level_if_right", round(1.0 - d.p_wrong, 4), None, "1", text))
        text = f"{what} is wrong (sample, time, dose record or patient){wrong}"
        out.append(Reason("level_if_wrong", round(d.p_wrong, 4), None, "1", text))
    return tuple(out)


def _what(level: "Plausibility", asked: Asked) -> str:
    name = {"": asked.policy.drug, "SCR": "creatinine"}.get(level.measures, level.measures)
    unit = "mg/dL" if level.measures == "SCR" else "mg/L"
    return f"the {name} of {'< ' if level.blq else ''}{level.observed:.3g} {unit}"


def _clearance(asked: Asked, state: State, pools: Sequence[np.ndarray]) -> str:
    lead = state.lead
    if not len(pools[lead]):
        return ""
    found = parameters_of(asked.models[lead], asked.known, pools[lead], at=asked.now, rule=asked.rule).get("CL")
    return "" if found is None else f": clearance is then {found[1]:.3g} L/h ({found[0]:.2g} to {found[2]:.2g})"


def doubt_plan(asked: Asked, state: State) -> HoldPlan:
    """What to do where nothing is safe under both explanations: a level now, and a regimen (or none) for each outcome."""
    at = asked.sample_at
    right, wrong = state.under(state.right), state.under(state.wrong)
    confirmed, not_so = (asked.regimen(asked.decided(s, now=at + RESULT_H)) for s in (right, wrong))
    high, low = (float(np.median(asked.levels(s, at))) for s in (right, wrong))
    floor = 1e-2
    border = float(np.sqrt(max(high, floor) * max(low, floor)))
    safe = None if confirmed is not None else asked.safe_at(right)
    return HoldPlan(
        clock(asked.known, at), float(f"{border:.2g}"), asked.unit(state), high < low, asked.dosing(confirmed),
        asked.dosing(not_so), None if safe is None else clock(asked.known, safe),
    )  # fmt: skip


def injury_plan(asked: Asked, state: State, regimen: Regimen) -> HoldPlan:
    """A level before the coming dose, and the dose once it is known to be no higher than expected."""
    at = max(asked.sample_at, regimen.first_at - RESULT_H)
    highest = float(np.quantile(asked.levels(state, at), 0.95))
    return HoldPlan(clock(asked.known, at), float(f"{highest:.2g}"), asked.unit(state), False, None, asked.dosing(regimen))


def refusal_plan(asked: Asked, state: State, safe: float | None) -> HoldPlan:
    """A level where nothing is acceptable; ``safe`` (h): when it is expected to be low enough for another dose, which the level's
    result comes before."""
    lead = state.lead
    usual = next_sample(asked.known, asked.models[lead], state.pools[lead], asked.policy, None, now=asked.now, seed=asked.seed,
                        rule=asked.rule)  # fmt: skip
    at = asked.now + usual.after_h if usual is not None and usual.worth else asked.sample_at
    if safe is not None:
        at = min(at, max(asked.sample_at, safe - RESULT_H))
    return HoldPlan(clock(asked.known, at), safe_at=None if safe is None else clock(asked.known, safe))


def sentence(plan: HoldPlan, why: str, what: str = "level") -> str:
    """A hold in words, moments in ISO form: do not give, take a level, and what follows from it."""
    text = f"do not give the next dose now: {why}; take a {what} at {plan.sample_at}"
    if plan.confirms_above is None:
        return text + (f"; the level is expected to be low enough for another dose at {plan.safe_at}" if plan.safe_at else "")
    side = "below" if plan.below else "above"
    of = "" if what == "level" else "level "
    then = f"if it confirms ({of}{side} {plan.confirms_above:g} {plan.unit}): {_order(plan.if_confirmed, plan.safe_at)}"
    return f"{text}; {then}; if it does not: {_order(plan.if_not, None)}"


def _order(r: Dosing | None, safe: str | float | None) -> str:
    if r is not None:
        return f"{order(r)} from {r.first_at}"
    return "no dose yet, ask again with it" + ("" if safe is None else f" (low enough expected at {safe})")

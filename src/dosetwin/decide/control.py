"""Policies that dose a whole course, all asked alike: what is known, what is believed, what time it is -> the next dose.

A ``Therapy`` is the name of goals and limits; these are behaviours. None of them sees anything but the timeline of
what a ward knows by ``now`` and, if it asks for one, a belief made from that.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

import numpy as np

from dosetwin import formulary
from dosetwin.decide.facts import facts_at
from dosetwin.decide.look_ahead.ahead import Course, Scorer, write_out
from dosetwin.decide.look_ahead.loss import Loss, derived
from dosetwin.decide.look_ahead.mpc import bound, look_ahead, waits
from dosetwin.decide.look_ahead.options import NEXT_5, PRE_5, Chances, LookAhead, Search, Standard
from dosetwin.decide.look_ahead.outlook import DT, Belief, Outlook
from dosetwin.declare import Facts, Says, Therapy
from dosetwin.declare.control import ByLevels, Control, Table
from dosetwin.errors import InputError, Reason, UnknownName
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Timeline


@lru_cache(maxsize=1)
def controlled() -> Therapy:
    """The therapy that whole courses are dosed for: the one with a ``control``. Raises InputError where none or several have."""
    found = [t for t in formulary.therapies() if t.control is not None]
    if len(found) != 1:
        raise InputError("one therapy with a control is needed", where="dosing policies",
                         value=", ".join(t.name for t in found) or "none")  # fmt: skip
    return found[0]


@lru_cache(maxsize=1)
def declared() -> Loss:
    """The loss that its courses are tuned, searched and scored by: that of its goals."""
    return derived(controlled())


def control() -> Control:
    """What its policies know of it."""
    found = controlled().control
    assert found is not None
    return found


def amounts_within(therapy: Therapy) -> tuple[float, float]:
    """Lowest and highest amount per kg within a therapy's limits, kept by every policy that chooses one."""
    limit = therapy.limit("dose_per_kg")
    return (0.0, np.inf) if limit is None else (limit.low or 0.0, np.inf if limit.high is None else limit.high)


def shortest(therapy: Therapy) -> float:
    """h between doses (its limits)."""
    limit = therapy.limit("interval_h")
    return 0.0 if limit is None or limit.low is None else limit.low


@dataclass(frozen=True)
class NextDose:
    """The next dose: ``time`` h on the course's clock, ``amount`` mg over ``infusion`` h, then ``interval`` h planned; why."""

    time: float
    amount: float
    infusion: float
    interval: float
    reasons: tuple[Reason, ...] = ()


class DosingPolicy(Protocol):
    """Anything that doses a course. ``uses_levels`` and ``uses_belief`` say what must be prepared for it."""

    @property
    def name(self) -> str:
        """As tables print it."""
        ...

    @property
    def uses_levels(self) -> bool:
        """Whether it looks at drug levels: only then are samples drawn for it."""
        ...

    @property
    def uses_belief(self) -> bool:
        """Whether it must be handed a belief."""
        ...

    def next(self, timeline: Timeline, belief: Belief | None, now: float) -> NextDose:
        """The next dose, from facts known at ``now`` h. Never before ``now``; raises InputError when it cannot say."""
        ...


def last_dose(timeline: Timeline, now: float) -> tuple[float, float] | None:
    """Start (h) and mg of the last dose given by ``now``."""
    given = [d for d in timeline.doses if d.time <= now + 1e-9 and d.amount > 0]
    return (given[-1].time, given[-1].amount) if given else None


def _on_grid(time: float) -> float:
    return float(np.ceil(time / DT - 1e-9) * DT)


def _said(name: str, facts: Facts) -> Says:
    """What a rule says; where it is silent (its range ends), what those behind it say."""
    known = control()
    for candidate in (name, *known.behind):
        says = formulary.rule(candidate).advise(facts)
        if isinstance(says, Says):
            return says
    return Says(*known.last, "no rule applies")


@dataclass(frozen=True)
class ByRule:
    """A standard rule, followed to the letter (and asked anew at every dose: weight and age change)."""

    rule: str
    infusion: float = 0.5
    uses_levels: bool = False
    uses_belief: bool = False

    @property
    def name(self) -> str:
        """The rule's own."""
        return self.rule

    def says(self, timeline: Timeline, now: float) -> tuple[Facts, Says]:
        """The facts and what the rule makes of them."""
        facts = facts_at(timeline, now)
        if facts.WT is None:
            raise InputError("the weight is needed to dose", where=f"patient {timeline.patient.id}", remedy="record a weight")
        return facts, _said(self.rule, facts)

    def standard(self, timeline: Timeline, now: float) -> Standard:
        """The rule as a candidate of a search."""
        facts, says = self.says(timeline, now)
        assert facts.WT is not None
        return Standard(says.interval, says.amount * facts.WT, says.interval, self.rule)

    def next(self, timeline: Timeline, belief: Belief | None, now: float) -> NextDose:
        """What the rule says, one interval after the last dose."""
        facts, says = self.says(timeline, now)
        assert facts.WT is not None
        last = last_dose(timeline, now)
        time = now if last is None else max(_on_grid(last[0] + says.interval), now)
        return NextDose(time, says.amount * facts.WT, self.infusion, says.interval, (Reason("rule", self.rule, text=says.text),))


@dataclass(frozen=True)
class LevelAdjusted:
    """A rule, shifted by measured levels as wards do it: a high trough lengthens the interval, a wrong peak moves the dose.

    Shifts for troughs stay for the rest of the course and add up (each trough is acted on once); of peaks the last one counts.
    """

    rule: str
    by: ByLevels = field(default_factory=lambda: control().by_levels)
    infusion: float = 0.5
    uses_levels: bool = True
    uses_belief: bool = False

    @property
    def name(self) -> str:
        """The rule's, and that levels shift it."""
        return f"{self.rule}+levels"

    def next(self, timeline: Timeline, belief: Belief | None, now: float) -> NextDose:
        """The rule, shifted by the levels known."""
        facts, says = ByRule(self.rule).says(timeline, now)
        assert facts.WT is not None
        starts, by = [d.time for d in timeline.doses if d.amount > 0], self.by
        shift, factor, reasons = 0.0, 1.0, [Reason("rule", self.rule, text=says.text)]
        for level in timeline.observations:
            if level.measures in QUANTITIES:
                continue
            after = [level.time - s for s in starts if s <= level.time + 1e-9]
            following = [s for s in starts if s >= level.time - 1e-9]
            if (
                following
                and following[0] - level.time <= by.before
                and (not after or min(after) > by.before or min(after) < 1e-6)
            ):
                border, add = next((t for t in by.troughs if level.value > t[0]), (0.0, 0.0))
                if add:
                    shift += add
                    reasons.append(Reason("trough_high", level.value, border, level.unit, f"+ {add:g} h"))
            elif after and by.peak_h[0] <= min(after) <= by.peak_h[1] and not by.peak[0] <= level.value <= by.peak[1]:
                factor = float(np.clip(by.aim / max(level.value, 1e-6), 1.0 - by.step, 1.0 + by.step))
                reasons.append(Reason("peak_outside", level.value, None, level.unit, f"dose x {factor:.2g}"))
        interval = min(says.interval + shift, by.longest)
        mg_per_kg = float(np.clip(says.amount * factor, *amounts_within(controlled())))
        time = now if not starts else max(_on_grid(starts[-1] + interval), now)
        return NextDose(time, mg_per_kg * facts.WT, self.infusion, interval, tuple(reasons))


@dataclass(frozen=True)
class Nomogram:
    """A fixed ``table`` by current weight and postnatal age, which waits longer under one of the ``conditions``."""

    name: str
    table: Table
    conditions: tuple[str, ...] = ()
    infusion: float = 0.5
    uses_levels: bool = False
    uses_belief: bool = False

    def says(self, facts: Facts, first: bool) -> tuple[float, float]:
        """Amount per kg and interval (h) of the row for these facts; ``first``: of the first dose."""
        assert facts.WT is not None
        assert facts.PNA is not None
        of = self.table
        _, _, mg_per_kg, interval = next(r for r in of.rows if r[0] > facts.PNA and r[1] > facts.WT)
        if facts.on(*self.conditions):
            interval += of.longer
        return (of.first if first and of.first is not None else mg_per_kg), interval

    def next(self, timeline: Timeline, belief: Belief | None, now: float) -> NextDose:
        """The row of the table for the weight and age of the day."""
        facts = facts_at(timeline, now)
        if facts.WT is None or facts.PNA is None:
            raise InputError(
                "weight and postnatal age are needed", where=f"patient {timeline.patient.id}", value=(facts.WT, facts.PNA)
            )
        last = last_dose(timeline, now)
        mg_per_kg, interval = self.says(facts, last is None)
        time = now if last is None else max(_on_grid(last[0] + interval), now)
        return NextDose(time, mg_per_kg * facts.WT, self.infusion, interval)


FIXED_15_48 = Nomogram("fixed_15_q48", Table(((np.inf, np.inf, 15.0, 48.0),), source="one number for all"))


def tuned(pack: str) -> Nomogram:
    """The nomogram tuned under a pack (a drifting one: under the pack that drifts; one without its own: the usual pack's)."""
    base, of = pack.partition("+")[0], control()
    if not base:
        raise UnknownName("no pack", where="nomogram", value=pack, allowed=", ".join(of.nomograms))
    return Nomogram("nomogram", of.nomograms.get(base, of.nomograms[of.usual]), of.conditions)


def _believed(belief: Belief | None, name: str) -> Belief:
    if belief is None:
        raise InputError("this policy needs a belief", where=f"policy {name}")
    return belief


@dataclass(frozen=True)
class OneStep:
    """The best next dose and interval for that dose alone: peak, trough and AUC band of the coming dose, never mind what follows.

    ``first`` mg/kg: the first dose of the course is this loading dose (optimised on its own, offline), its interval searched.
    """

    name: str = "one_step"
    first: float | None = None
    course: Course = field(default_factory=Course)
    loss: Loss = field(default_factory=declared)
    search: Search = field(default_factory=Search)
    chances: Chances = field(default_factory=Chances)
    uses_levels: bool = True
    uses_belief: bool = True

    def next(self, timeline: Timeline, belief: Belief | None, now: float) -> NextDose:
        """The best dose and interval of the coming dose alone. Raises InputError without a belief."""
        outlook = _believed(belief, self.name).outlook(self.search.draws, 0)
        outlook = replace(outlook, before=np.zeros(len(outlook)), before_h=0.0)
        first = outlook.given <= 0
        grid = (
            (self.first,) if first and self.first is not None else self.search.first_mg_per_kg if first else self.search.mg_per_kg
        )
        wait, mg, interval = (
            x.ravel()
            for x in np.meshgrid(
                waits(outlook, _earliest(outlook, now), self.search.intervals), grid, self.search.intervals, indexing="ij"
            )
        )
        far = replace(self.course, horizon=outlook.origin + 3 * 48.0 + float(wait.max()))
        plans = write_out(outlook, far, wait, (mg * outlook.weight)[:, None], interval[:, None])
        coming = plans.coming
        alone = replace(plans, doses=np.full(len(plans), coming + 1), end=plans.wait + plans.interval[:, 0])
        score = Scorer(outlook, far, self.loss.without_infection()).exposure(alone)[0]
        n = 1.0 / float(np.sum(outlook.weights**2))
        toxic = bound(np.maximum(score[:, PRE_5], score[:, NEXT_5]), n, self.chances.confidence) > self.chances.trough_toxic
        best = int(np.argmin(score[:, 0] + 10.0 * toxic))
        time = now if first else outlook.origin + float(wait[best])
        return NextDose(time, float(mg[best]) * outlook.weight, self.course.infusion, float(interval[best]))


def _earliest(outlook: Outlook, now: float) -> float:
    return max(now, outlook.origin + shortest(controlled())) if outlook.given > 0 else now


@dataclass(frozen=True)
class Ahead:
    """Model predictive control: look ahead over the next decisions (``decide.mpc``). ``infection`` False: blind to it."""

    name: str = "mpc"
    infection: bool = True
    rule: str = field(default_factory=lambda: control().rule)
    course: Course = field(default_factory=Course)
    loss: Loss = field(default_factory=declared)
    search: Search = field(default_factory=Search)
    chances: Chances = field(default_factory=Chances)
    uses_levels: bool = True
    uses_belief: bool = True

    def look(self, timeline: Timeline, belief: Belief | None, now: float) -> LookAhead:
        """The whole answer of the search."""
        belief = _believed(belief, self.name)
        last = last_dose(timeline, now)
        earliest = now if last is None else max(now, last[0] + shortest(controlled()))
        standard = ByRule(self.rule).standard(timeline, now)
        loss = self.loss if self.infection else self.loss.without_infection()
        return look_ahead(
            belief,
            standard,
            earliest=earliest,
            course=self.course,
            loss=loss,
            search=self.search,
            chances=self.chances,
            limits=amounts_within(controlled()),
        )

    def next(self, timeline: Timeline, belief: Belief | None, now: float) -> NextDose:
        """The first dose of the best plan found. Raises InputError without a belief."""
        made = self.look(timeline, belief, now)
        plan = made.chosen.plan
        interval = plan[1][0] - plan[0][0] if len(plan) > 1 else 48.0
        return NextDose(made.chosen.time, made.chosen.amount, self.course.infusion, interval, made.reasons)


def named(
    name: str,
    *,
    course: Course | None = None,
    loss: Loss | None = None,
    draws: int = 0,
    decisions: int = 0,
    pack: str = "",
) -> DosingPolicy:
    """A policy as a trial's design names it: a standard rule, or one of ``rule_adjusted``, ``nomogram``, ``one_step``,
    ``one_step_loading``, ``mpc_pk``, ``mpc``. ``draws`` and ``decisions`` of its search (0: the trial's settings);
    ``loss`` default ``declared``; ``pack`` under which a nomogram and a loading dose were tuned ("": the usual one).

    Raises UnknownName.
    """
    course, of, loss = Course() if course is None else course, control(), declared() if loss is None else loss
    pack = pack or of.usual
    from dosetwin.decide.look_ahead.options import TRIAL, TRIAL_CHANCES

    rules = [r.name for r in controlled().rules]
    if name in rules:
        return ByRule(name, course.infusion)
    search = replace(TRIAL, draws=draws or TRIAL.draws, decisions=decisions or TRIAL.decisions)
    made: dict[str, DosingPolicy] = {
        "rule_adjusted": LevelAdjusted(of.rule, infusion=course.infusion),
        "nomogram": tuned(pack),
        "fixed_15_q48": FIXED_15_48,
        "one_step": OneStep("one_step", None, course, loss, search, TRIAL_CHANCES),
        "one_step_loading": OneStep(
            "one_step_loading", of.loading.get(pack.partition("+")[0], of.loading[of.usual]), course, loss, search, TRIAL_CHANCES
        ),
        "mpc_pk": Ahead("mpc_pk", False, of.rule, course, loss, search, TRIAL_CHANCES),
        "mpc": Ahead("mpc", True, of.rule, course, loss, search, TRIAL_CHANCES),
    }
    if name not in made:
        raise UnknownName("unknown policy", where="dosing policy", value=name, allowed=", ".join((*rules, *made)))
    return made[name]

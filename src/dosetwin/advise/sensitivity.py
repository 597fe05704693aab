"""What would make the answer wrong: each doubt is put into the facts, and the same choice is made again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from dosetwin.advise.core import Decision, State, believe, decide
from dosetwin.advise.gate import ends_of, heard
from dosetwin.advise.question import Asked
from dosetwin.advise.reweighed import weighed
from dosetwin.advise.table import ordered
from dosetwin.checks.weights import weight_jumps
from dosetwin.decide.recommendation import Sensitivity
from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.infer.reweighing import Changed
from dosetwin.quantities import QUANTITIES, many
from dosetwin.records import Choosable, Covariate, DoseOrder, Observation, Setting, Timeline, Week

DRAWS = 200
NEAR = 0.10  # the same interval and an amount within 10 % is the same answer
THIN = 4  # every 4th amount: enough to see whether something better exists, at a quarter of the scoring
SHIFT_H = 0.25
WEIGHT = 1.1


@dataclass(frozen=True)
class Doubt:
    """One thing that could be otherwise. ``past`` True: it changes what the levels mean, so the belief is another; ``changed``
    the records alone by which it does, where it is so few that the draws there are may answer; ``alone``: what is measured
    otherwise, where that is all."""

    code: str
    text: str
    timeline: Timeline
    past: bool
    changed: Changed | None = None
    alone: frozenset[str] | None = None

    def read(self, names: Collection[str]) -> bool:
        """Whether who reads these quantities, and facts, would hear of it."""
        if self.alone is None:
            return True
        return not self.alone.isdisjoint(names)


def doubts(
    known: Timeline,
    models: Sequence[Model],
    watched: Sequence[str],
    now: float,
    ends: Mapping[str, float] | None = None,
    read: Collection[str] = (),
    by_weight: bool = True,
    by_mouth: bool = False,
    unit: str = "mg",
) -> Iterator[Doubt]:
    """The doubts that apply to these facts and that at least one of the models can answer.

    ``ends``: flag -> h, when the record says that something still running will end. ``read``: quantities that those who tell
    effects read beside the models. ``by_weight``: the drug is dosed by weight; ``by_mouth``: a dose that is charted may not have
    been taken. ``watched``: what is measured of the drug and its effect; ``unit`` that doses are counted in.
    """
    ends = ends or {}
    reads = {name for m in models for name in m.covs}
    predicts = {o.measures for m in models for o in m.outputs.values()}

    def running(flag: str) -> bool:
        series = known.series(flag)
        return flag in reads and bool(series) and series[-1][1] > 0.5

    for flag, what in ((name, q.stopped) for name, q in QUANTITIES.items() if q.stopped):
        if running(flag):
            end = ends.get(flag, now)
            text = f"the effect of {what} ends {f'in {end - now:.3g} h, as recorded' if end > now else 'now'}"
            yield Doubt(f"{what}_stops", text, known.append(Covariate(end, flag, 0.0)), False)
    for name, q in QUANTITIES.items():
        so_far = known.series(name) if q.rises else []
        measured = name in predicts or name in read
        if so_far and (measured or name in reads):
            high = so_far[-1][1] * (1.0 + q.rises)
            event = Observation(now, name, high, q.unit) if measured else Covariate(now, name, high, q.unit)
            text = f"a {q.text} {100.0 * q.rises:.0f} % above the last one ({high:.2g} {q.unit_shown}) comes back now"
            changed = Changed(new=(event,)) if isinstance(event, Observation) else None
            yield Doubt(
                f"{q.text}_rises", text, known.append(event), True, changed, None if changed is None else frozenset({name})
            )
    levels = [o for o in known.observations if o.measures in (*watched, "")]
    if by_mouth and known.doses:
        *others, missed = known.doses
        at = known.when(missed.time)
        moment = f"{missed.time:g} h" if at is None else at.replace(microsecond=0).isoformat()
        text = f"the dose of {missed.amount:g} {unit} at {moment} was not taken"
        yield Doubt("dose_not_taken", text, replace(known, doses=tuple(others)), True)
    if levels:
        last = levels[-1]
        named = sorted({QUANTITIES[o.measures].text if o.measures in QUANTITIES else "level" for o in levels})
        word = QUANTITIES[last.measures].text if last.measures in QUANTITIES else "level"
        starts = [d.time for dose in known.doses for d in dose.expanded()]
        for shift, side in ((-SHIFT_H, "earlier"), (SHIFT_H, "later")):
            moved = last.time + shift
            crosses = any(min(last.time, moved) - 1e-9 <= s <= max(last.time, moved) + 1e-9 for s in starts)
            # a level recorded at a dose's start is a trough: it may have been drawn before that, not after
            if moved <= now + 1e-9 and not (crosses and not (shift < 0 and last.time in starts and not last.after_dose)):
                others = tuple(o for o in known.observations if o is not last)
                then = replace(last, time=moved)
                timeline = replace(known, observations=(*others, then))
                text = f"the last {word} was drawn 15 min {side} than recorded"
                yield Doubt(f"sampled_{side}", text, timeline, True, Changed((last,), (then,)),
                            frozenset({last.measures}))  # fmt: skip
        without = replace(known, observations=tuple(o for o in known.observations if o.measures not in (*watched, "")))
        text = f"the {' and '.join(many(n) for n in named)} are not this patient's (as if there were none)"
        yield Doubt("levels_not_hers", text, without, True, alone=frozenset(o.measures for o in levels))
    if not known.series("WT") or not (by_weight or "WT" in reads):
        return
    for jump in weight_jumps(known):
        kept = tuple(c for c in known.covariates if c is not jump.record)
        text = f"the weight of {jump.record.value:g} kg is wrong, and {jump.before:g} kg still holds"
        yield Doubt("weight_before_jump", text, replace(known, covariates=kept), True)
    if by_weight and "WT" in reads:
        for factor, word in ((WEIGHT, "higher"), (2 - WEIGHT, "lower")):
            scaled = tuple(replace(c, value=c.value * factor) if c.name == "WT" else c for c in known.covariates)
            yield Doubt(
                f"weight_{word}", f"the true weight is 10 % {word} than recorded", replace(known, covariates=scaled), True
            )


def sensitivities(asked: Asked, state: State, made: Decision) -> tuple[Sensitivity, ...]:
    """The answer under each doubt, on ``DRAWS`` draws; none while a record is in doubt and nothing is ordered.

    An answer counts as changed only when the recommended regimen would no longer be acceptable, or when it neither ties with
    the best nor is near it, so Monte-Carlo noise in the last mg does not show as a change. Who tells effects is asked again under
    each doubt that changes the belief, else what was told stands.
    """
    q, regimen = asked.question, made.regimen
    if not q.sensitivity or not asked.models or (regimen is None and state.open_doubts):
        return ()
    out = []
    joint = None if made.choice.chosen is None else float(made.choice.scores.joint[made.choice.chosen])
    # what a standard rule would say is in the table already
    few = replace(q, draws=DRAWS, therapy=replace(q.therapy, rules=()))
    reads = {name for teller in asked.tellers.values() for name in teller.reads}
    ends = ends_of(asked.timeline, asked.now)
    t = q.therapy
    watched, by_mouth = (t.drug.name, t.sampling.of or t.drug.name), t.drug.routes == ("mouth",)
    every = list(doubts(asked.bare, asked.models, watched, asked.now, ends, reads, t.needs_weight, by_mouth, t.drug.unit))
    every += [Doubt(d.code, d.text, then, True) for d in t.doubts if (then := d.facts(asked.bare, asked.now)) is not None]
    at_hand = _at_hand(asked, state, made, every)
    for doubt in every:
        if (again := at_hand.get(doubt.code)) is not None:
            out.append(_told(asked, doubt, again, regimen, joint, False))
            continue
        try:
            # draws of the belief belong to the course they were made under: only a new belief gets a new course
            told = asked.tellers.items()
            anew = {
                name: by.tell(doubt.timeline, asked.now, q.rule) if doubt.read(by.reads) else asked.told[name]
                for name, by in told
            } if doubt.past else None  # fmt: skip
            then = replace(asked, question=few, known=heard(doubt.timeline, anew or asked.told))
            # asked of the mixture only: whether a record is in doubt follows from the explanations, without draws given each
            believed = believe(then, conditions=False) if doubt.past else state.thinned(DRAWS)
            again = decide(then, believed, extra=[regimen] if regimen else [], thin=THIN, loading=False)
        except InputError as error:
            out.append(Sensitivity(doubt.code, doubt.text, False, None, f"could not be computed: {error}"))
            continue
        contradicted = bool(believed.open_doubts) and not state.open_doubts
        out.append(_told(asked, doubt, again, regimen, joint, contradicted))
    return tuple(out)


def _at_hand(asked: Asked, state: State, made: Decision, every: Sequence[Doubt]) -> dict[str, Decision]:
    """Doubts of a record or two that nobody who tells effects reads, answered by the draws there are, by code."""
    reads = {name for teller in asked.tellers.values() for name in teller.reads}
    few = [(d, d.changed) for d in every if d.changed is not None and not d.read(reads)]
    facts = [heard(d.timeline, asked.told) for d, _ in few]
    found = weighed(asked, state, made, [c for _, c in few], facts, THIN)
    return {d.code: decision for (d, _), decision in zip(few, found, strict=True) if decision is not None}


def _told(
    asked: Asked, doubt: Doubt, again: Decision, regimen: Choosable | None, joint: float | None, contradicted: bool
) -> Sensitivity:
    """What a doubt does to the answer, in words."""
    chosen = None if contradicted else again.regimen
    effect, changed = _compare(again, regimen, chosen, joint, contradicted)
    shown = chosen if changed else regimen
    return Sensitivity(doubt.code, doubt.text, changed, None if shown is None else ordered(asked.bare, shown), effect)


def _compare(
    made: Decision, regimen: Choosable | None, chosen: Choosable | None, joint: float | None, contradicted: bool
) -> tuple[str, bool]:
    """The effect in words, and whether the answer changes."""
    if contradicted:
        return "a record would then be in doubt: hold the dose and take a level", True
    if regimen is None:
        if chosen is None:
            return "still no acceptable regimen", False
        return f"then {chosen.words()} would be acceptable", True
    same = next(
        i for i, p in enumerate(made.plans)
        if _identity(p.order) == _identity(regimen)
    )  # fmt: skip
    then = float(made.choice.scores.joint[same])
    moved = f"all joint targets met with {then:.0%}" + ("" if joint is None else f" instead of {joint:.0%}")
    plan = made.plans[same]
    broken = plan.violations or made.choice.unmet[same]
    if not broken and chosen is not None and (_near(chosen, regimen) or same in made.choice.tied):
        return f"the recommendation stands; {moved}", False
    why = f"not acceptable any more ({broken[0].text})" if broken else "no longer among the best"
    if chosen is None:
        return f"the recommended regimen is {why} and nothing else is acceptable; {moved}", True
    return f"the recommended regimen is {why}; {moved}; better then {chosen.words()}", True


def _near(a: Choosable, b: Choosable) -> bool:
    """Whether two orders are the same answer: the same settings, or the same interval and nearly the same amount."""
    if isinstance(a, Setting) or isinstance(b, Setting):
        return _identity(a) == _identity(b)
    this, that = cast("DoseOrder", a), cast("DoseOrder", b)
    apart = max(abs(this.first / that.first - 1.0), abs(this.amount / that.amount - 1.0))
    return (this.interval, this.first_interval) == (that.interval, that.first_interval) and apart <= NEAR


def _identity(order: Choosable) -> tuple[Any, ...]:
    if isinstance(order, Setting):
        return order.values
    if isinstance(order, Week):
        return order.week
    given = cast("DoseOrder", order)
    return (given.first, given.first_interval, given.amount, given.interval, given.duration)

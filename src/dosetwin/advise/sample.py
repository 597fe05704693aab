"""When to take the next level, and, in a refusal, when the level is low enough for another dose."""

from typing import cast

import numpy as np

from dosetwin.advise.core import State
from dosetwin.advise.curves import SAMPLE_DRAWS
from dosetwin.advise.question import Asked
from dosetwin.advise.table import clock
from dosetwin.decide.facts import facts_at
from dosetwin.decide.recommendation import NextSample, Option
from dosetwin.decide.sampling_time import rank_times
from dosetwin.declare import Goal
from dosetwin.errors import Reason
from dosetwin.records import Choosable, DoseOrder, Setting


def next_sample(asked: Asked, state: State, regimen: Choosable | None) -> NextSample | None:
    """The most informative sampling time: after the coming dose, or, in a refusal, from now on without a further dose."""
    from dosetwin.simulate import parameters, predict, schedule_for
    from dosetwin.simulate.settings import with_settings

    known, now, therapy, rule = asked.known, asked.now, asked.therapy, asked.rule
    if not asked.models or (regimen is None and not known.doses):
        return None
    model, few = asked.models[state.lead], state.pools[state.lead][:SAMPLE_DRAWS]
    start, span, infusion = (now if regimen is None else regimen.first_at), 24.0, 0.0
    if isinstance(regimen, Setting):
        span, known = max(therapy.sampling.after_h), with_settings(known, regimen.settings(start + 1e-6), model, rule)
    elif regimen is not None:
        span, infusion = cast("DoseOrder", regimen).interval, cast("DoseOrder", regimen).duration
    reach = max(span, therapy.follows_h)
    allowed = {a for a in therapy.sampling.after_h if infusion < a <= reach or (a == 0 and known.doses)} | {span}
    after = sorted(allowed)
    last = start + max((3 if regimen else 1) * span, reach)
    times = np.array([start + a for a in after] + ([last] if regimen else []))
    doses = regimen.doses(last - 1e-6) if regimen else ()
    schedule = schedule_for(model, known, times, rule=rule, extra_doses=doses)
    found = predict(model, schedule, few, since=now)
    level = found.value[found.ok, :, asked.column(model)]
    quantities = [np.log(np.maximum(level[:, -1], 1e-6))]
    first = schedule_for(model, known, times[:1], rule=rule)
    known_of = parameters(model, first, few[found.ok])
    learns = [n for n in therapy.sampling.learns if n in known_of]
    quantities = [*(np.log(known_of[n][:, 0]) for n in learns), *quantities]
    rng = np.random.default_rng([asked.question.seed, 11])
    ranked = rank_times(after, level[:, : len(after)], quantities, model.outputs[asked.output(model)].residual, rng)
    options = tuple(
        Option(v.after_h, clock(known, start + v.after_h), round(v.falls[0], 4) if learns else None, round(v.falls[-1], 4))
        for v in ranked
    )
    change = _sharp_change(asked, regimen)
    at = next((k for k, v in enumerate(ranked) if v.after_h <= therapy.sampling.soon_h), 0) if change else 0
    best = options[at]
    worth = bool(change) or ranked[0].mean >= therapy.sampling.worth
    behind = "from now" if isinstance(regimen, Setting) else "after the start of that dose" if regimen else "after now"
    place = "just before the coming dose" if best.after_h == 0 else f"{best.after_h:g} h {behind}"
    place += f", soon because the dose of a week changes by {abs(change):.0%}," if change else ""
    what, last_one = (
        (therapy.sampling.of, f"the last {therapy.sampling.of}") if therapy.sampling.of else ("level", "the last trough")
    )
    told = [f"{fall:.0%} of {'that' if k else 'the uncertainty'} about {x}"
            for k, (fall, x) in enumerate(zip(ranked[at].falls, [*map(_log, learns), last_one], strict=True))]  # fmt: skip
    text = f"{'an' if what[0] in 'AEIOaeio' else 'a'} {what} {place} is expected to remove {' and '.join(told)}"
    if not worth:
        text = f"no further {what} is worth taking yet (threshold {therapy.sampling.worth:.0%}): {text}"
    return NextSample(best.at, best.after_h, worth, text, best.fall_clearance, best.fall_trough, options)


def _sharp_change(asked: Asked, regimen: Choosable | None) -> float:
    """By what share the dose of a week changes, where that is more than the therapy lets pass without an early measurement; else
    0, also before a week has been given."""
    sharp = asked.therapy.sampling.sharp
    if sharp is None or not isinstance(regimen, DoseOrder):
        return 0.0
    before = facts_at(asked.known, asked.now).number("WEEK")
    if not before:
        return 0.0
    week = sum(d.amount for d in regimen.doses(regimen.first_at + 168.0 - 1e-6))
    change = week / before - 1.0
    return change if abs(change) > sharp + 1e-9 else 0.0


def _log(name: str) -> str:
    return {"CL": "clearance"}.get(name, name)


def low_enough(asked: Asked, state: State, ahead: float = 120.0) -> tuple[Goal, np.ndarray, np.ndarray] | None:
    """Without a further dose: the constraint on the level before a dose, times (h), its probability there; None without one.

    Of several constraints the one that holds last.
    """
    from dosetwin.simulate import predict, schedule_for

    known, now = asked.known, asked.now
    targets = [g for g in asked.therapy.goals if g.forbids_now]
    if not targets or not known.doses:
        return None
    model, draws = asked.models[state.lead], state.pools[state.lead]
    times = now + np.arange(0.0, ahead + 0.5, 1.0)
    found = predict(model, schedule_for(model, known, times, rule=asked.rule), draws, since=now)
    by_output = [list(model.outputs).index(g.judged_by(model, asked.therapy.drug.name)) for g in targets]
    each = [(g, times, g.met(found.value[found.ok, :, k]).mean(axis=0)) for g, k in zip(targets, by_output, strict=True)]
    return max(each, key=lambda x: np.inf if (at := _reached(x)) is None else at)


def safe_at(asked: Asked, state: State) -> float | None:
    """h at which, without a further dose, the level is low enough to give one; None: not within five days, or nothing asks."""
    found = low_enough(asked, state)
    return None if found is None else _reached(found)


def _reached(found: tuple[Goal, np.ndarray, np.ndarray]) -> float | None:
    target, times, p = found
    low = np.flatnonzero(p >= (target.min_probability or 0.0))
    return float(times[low[0]]) if len(low) else None


def when_safe(asked: Asked, state: State) -> tuple[Reason, ...]:
    """For a refusal: when, without a further dose, the level is low enough to give one (the constraint on ``pre``)."""
    found = low_enough(asked, state)
    if found is None:
        return ()
    target, times, p = found
    at, now = _reached(found), asked.now
    what = f"without a further dose P(level {target.border()})"
    if at is None:
        text = f"{what} stays too low for {times[-1] - now:g} h: measure and reconsider"
        return (Reason("level_stays_high", round(float(p[-1]), 4), target.min_probability, "1", text, target.source),)
    text = f"{what} reaches {target.min_probability:.0%} {at - now:.0f} h from now"
    return (Reason("level_low_enough_at", clock(asked.bare, at), target.min_probability, "1", text, target.source),)

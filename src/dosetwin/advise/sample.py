"""When to take the next level, and, in a refusal, when the level is low enough for another dose."""

from typing import TYPE_CHECKING

import numpy as np

from dosetwin.advise.table import clock
from dosetwin.decide.policy import Policy
from dosetwin.decide.recommendation import NextSample, Option
from dosetwin.decide.sampling_time import rank_times
from dosetwin.decide.target import Target
from dosetwin.declare import Model
from dosetwin.errors import Reason
from dosetwin.records import Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.simulate.schedule import Rule

SAMPLE_DRAWS = 400


def next_sample(
    known: Timeline,
    model: Model,
    draws: np.ndarray,
    policy: Policy,
    regimen: Regimen | None,
    *,
    now: float,
    seed: int,
    rule: "Rule",
) -> NextSample | None:
    """The most informative sampling time: after the coming dose, or, in a refusal, from now on without a further dose."""
    from dosetwin.simulate import parameters, predict, schedule_for

    if regimen is None and not known.doses:
        return None
    few = draws[:SAMPLE_DRAWS]
    start, span, infusion = (regimen.first_at, regimen.interval, regimen.duration) if regimen else (now, 24.0, 0.0)
    allowed = {a for a in policy.sample_after_h if infusion < a <= span or (a == 0 and known.doses)} | {span}
    after = sorted(allowed)
    last = start + (3 if regimen else 1) * span
    times = np.array([start + a for a in after] + ([last] if regimen else []))
    doses = regimen.doses(last - 1e-6) if regimen else ()
    schedule = schedule_for(model, known, times, rule=rule, extra_doses=doses)
    found = predict(model, schedule, few, since=now)
    name = model.measured_by(policy.drug) or next(iter(model.outputs))
    level = found.value[found.ok, :, list(model.outputs).index(name)]
    quantities = [np.log(np.maximum(level[:, -1], 1e-6))]
    first = schedule_for(model, known, times[:1], rule=rule)
    clearance = parameters(model, first, few[found.ok]).get("CL")
    if clearance is not None:
        quantities.insert(0, np.log(clearance[:, 0]))
    rng = np.random.default_rng([seed, 11])
    ranked = rank_times(after, level[:, : len(after)], quantities, model.outputs[name].residual, rng)
    options = tuple(
        Option(
            v.after_h, clock(known, start + v.after_h), None if clearance is None else round(v.falls[0], 4), round(v.falls[-1], 4)
        )
        for v in ranked
    )
    best = options[0]
    worth = ranked[0].mean >= policy.sample_worth
    place = (
        "just before the coming dose"
        if best.after_h == 0
        else f"{best.after_h:g} h after {'the start of that dose' if regimen else 'now'}"
    )
    learns = f"{best.fall_trough:.0%} of the variance of the last trough"
    if best.fall_clearance is not None:
        learns = (
            f"{best.fall_clearance:.0%} of the variance of ln clearance and {best.fall_trough:.0%} of that of the last trough"
        )
    text = f"a level {place} is expected to remove {learns}"
    if not worth:
        text = f"no further level is worth taking yet (threshold {policy.sample_worth:.0%}): {text}"
    return NextSample(best.at, best.after_h, worth, text, best.fall_clearance, best.fall_trough, options)


def low_enough(
    known: Timeline, model: Model, draws: np.ndarray, policy: Policy, *, now: float, rule: "Rule", ahead: float = 120.0
) -> tuple[Target, np.ndarray, np.ndarray] | None:
    """Without a further dose: the constraint on the level before a dose, times (h), its probability there; None without one."""
    from dosetwin.simulate import predict, schedule_for

    target = next((t for t in policy.targets if t.metric == "trough" and "pre" in t.constrained), None)
    if target is None or not known.doses:
        return None
    times = now + np.arange(0.0, ahead + 0.5, 1.0)
    found = predict(model, schedule_for(model, known, times, rule=rule), draws, since=now)
    name = model.measured_by(policy.drug) or next(iter(model.outputs))
    return target, times, target.met(found.value[found.ok, :, list(model.outputs).index(name)]).mean(axis=0)


def safe_at(known: Timeline, model: Model, draws: np.ndarray, policy: Policy, *, now: float, rule: "Rule") -> float | None:
    """h at which, without a further dose, the level is low enough to give one; None: not within five days, or nothing asks."""
    found = low_enough(known, model, draws, policy, now=now, rule=rule)
    if found is None:
        return None
    target, times, p = found
    low = np.flatnonzero(p >= (target.min_probability or 0.0))
    return float(times[low[0]]) if len(low) else None


def when_safe(
    known: Timeline, model: Model, draws: np.ndarray, policy: Policy, *, now: float, rule: "Rule"
) -> tuple[Reason, ...]:
    """For a refusal: when, without a further dose, the level is low enough to give one (the constraint on ``pre``)."""
    found = low_enough(known, model, draws, policy, now=now, rule=rule)
    if found is None:
        return ()
    target, times, p = found
    at = safe_at(known, model, draws, policy, now=now, rule=rule)
    what = f"without a further dose P(level {target.border()})"
    if at is None:
        text = f"{what} stays too low for {times[-1] - now:g} h: measure and reconsider"
        return (Reason("level_stays_high", round(float(p[-1]), 4), target.min_probability, "1", text, target.source),)
    text = f"{what} reaches {target.min_probability:.0%} {at - now:.0f} h from now"
    return (Reason("level_low_enough_at", clock(known, at), target.min_probability, "1", text, target.source),)


def before_the_dose(usual: NextSample | None, at: str | float) -> NextSample:
    """The level that a hold asks for, in place of the most informative one."""
    just_before = next((o for o in usual.options if o.after_h == 0), None) if usual is not None else None
    falls = (just_before.fall_clearance, just_before.fall_trough) if just_before is not None else (0.0, 0.0)
    text = "a level before the next dose, which waits for its result"
    return NextSample(at, 0.0, True, text, *falls, () if usual is None else usual.options)

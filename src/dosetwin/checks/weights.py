"""Weights that cannot be, or that jump."""

from collections.abc import Iterator
from dataclasses import dataclass

from dosetwin.checks.believable import GRAMS_FROM, weight_change
from dosetwin.checks.named import SAME, is_newborn, named
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES
from dosetwin.records.covariate import Covariate
from dosetwin.records.timeline import Timeline


def _span(hours: float) -> str:
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


@dataclass(frozen=True)
class Jump:
    """A weight that is not believed after the one ``before`` (kg), ``hours`` earlier: more than ``allowed`` (a share) away."""

    record: Covariate
    before: float
    hours: float
    allowed: float
    what: str


def weight_jumps(timeline: Timeline) -> tuple[Jump, ...]:
    """Weights too far from the last believed one (the birth weight first); those that agree with it again are believed."""
    found: list[Jump] = []
    possible = QUANTITIES["WT"]
    good: tuple[float, float, str] | None = None
    born = None if timeline.patient.birth is None or timeline.origin is None else timeline.at(timeline.patient.birth)
    known = [c for c in timeline.covariates if c.name == "WT" and possible.holds(c.value, is_newborn(timeline, c.time))]
    if timeline.patient.BW is not None and possible.holds(timeline.patient.BW, True) and known:
        first = known[0].time if born is None else born
        if is_newborn(timeline, known[0].time):
            good = (min(first, known[0].time), timeline.patient.BW, "the birth weight")
    jumped: tuple[float, float, str] | None = None
    for c in known:
        if good is None:
            good = (c.time, c.value, "the last weight")
            continue
        newborn = is_newborn(timeline, c.time)
        hours = c.time - good[0]
        allowed = weight_change(hours / 24.0, newborn)
        if _changed(c.value, good[1]) <= allowed + SAME:
            good, jumped = (c.time, c.value, "the last weight"), None
        elif jumped is not None and _changed(c.value, jumped[1]) <= weight_change((c.time - jumped[0]) / 24.0, newborn) + SAME:
            good, jumped = (
                (c.time, c.value, "the last weight"),
                None,
            )  # a second weight says the same: the step is real, or was told
        else:
            found.append(Jump(c, good[1], hours, allowed, good[2]))
            jumped = (c.time, c.value, "the last weight")
    return tuple(found)


def weights(timeline: Timeline) -> Iterator[Finding]:
    """Weights in grams, out of range, or far from the one before."""
    found: list[tuple[str, float, float | None]]
    found = [(named(c.record, c.name, c.time), c.value, c.time) for c in timeline.covariates if c.name in ("WT", "BW")]
    if timeline.patient.BW is not None:
        found.append((f"patient {timeline.patient.id} birth weight", timeline.patient.BW, None))
    for record, kg, time in found:
        newborn = time is None or is_newborn(timeline, time)
        low, high = QUANTITIES["WT"].low, QUANTITIES["WT"].top(newborn)
        if (newborn and kg > GRAMS_FROM) or kg > QUANTITIES["WT"].high:
            yield Finding(
                "error",
                "weight_in_grams",
                record,
                f"{kg:g} kg looks like grams",
                kg,
                f"{low:g} to {high:g} kg",
                f"{kg / 1000:g} kg?",
            )
        elif kg < low or kg > high:
            yield Finding(
                "error",
                "weight_implausible",
                record,
                "the weight is too low" if kg < low else "the weight is too high for a newborn",
                kg,
                f"{low:g} to {high:g} kg",
                f"{kg * 1000:g} kg?" if 0 < kg < low else "correct it",
            )
    for jump in weight_jumps(timeline):
        change = jump.record.value / jump.before - 1.0
        yield Finding(
            "warning",
            "weight_jump",
            named(jump.record.record, jump.record.name, jump.record.time),
            f"the weight of {jump.record.value:g} kg is {100 * abs(change):.0f} % {'above' if change > 0 else 'below'} "
            f"{jump.what} "
            f"({jump.before:g} kg, {_span(jump.hours)} before); every dose per kg changes by {100 * change:+.0f} % with it",
            jump.record.value,
            f"{jump.before * (1 - jump.allowed):.3g} to {jump.before * (1 + jump.allowed):.3g} kg",
            "confirm or correct it",
        )


def _changed(after: float, before: float) -> float:
    return abs(after / before - 1.0)

"""What every order would do by a twin of whatever kind: it plays them all on the same draws, and its trajectory is read."""

from collections.abc import Mapping, Sequence

import numpy as np

from dosetwin.decide.plans import Plan
from dosetwin.decide.search import Exposures
from dosetwin.declare import At, Between, Reading, Therapy
from dosetwin.declare.reading import COURSE, HOURS
from dosetwin.errors import Finding, InputError
from dosetwin.quantities.units import plain_unit
from dosetwin.twins import Readable, Trajectory, Twin


class Played:
    """A twin's answers to orders, as ``Responses`` are a patient's to doses; what lies before ``now`` (h) was told.

    Raises InputError: the therapy reads what the twin does not hold or in another unit.
    """

    def __init__(self, twin: Twin, therapy: Therapy, *, now: float, draws: int, seed: int, facts: Mapping[str, float]) -> None:
        self.twin, self.therapy, self.now, self.draws, self.seed, self.facts = twin, therapy, now, draws, seed, dict(facts)
        self.findings: tuple[Finding, ...] = ()
        judges(therapy, twin)

    def of(self, plans: Sequence[Plan]) -> Exposures:
        """Readings of every plan under every draw. Raises InputError for a reading that belongs to a dose."""
        moments = [t for r in self.therapy.readings for t in _window(r, self.now)]
        played = self.twin.play([p.order for p in plans], max(moments), draws=self.draws, seed=self.seed, at=moments)
        self.findings = self.findings or played.findings
        kept = self.draws - played.failed
        values = {(r.key, COURSE): read(played, self.twin, r, self.now) for r in self.therapy.readings}
        return Exposures(values, np.full(kept, 1.0 / kept), float(kept), self.facts)

    def alone(self, plans: Sequence[Plan]) -> None:
        """No order here is a first dose."""


def read(played: Trajectory, twin: Twin, reading: Reading, now: float) -> np.ndarray:
    """A reading [orders, draws] of what was played from ``now`` (h) on."""
    a, *b = _window(reading, now)
    how = "mean" if reading.how == "auc24" else reading.how
    found = played.read(readable(twin, reading).name, how, a, *b, level=reading.level)  # type: ignore[arg-type]
    return found * 24.0 if reading.how == "auc24" else found


def readable(twin: Twin, reading: Reading) -> Readable:
    """What a twin's trajectory holds of what is read. Raises InputError where it holds nothing of that name."""
    reads = twin.reads()
    found = next((r for n, r in reads.items() if reading.what in (n, r.measures)), None) if reading.what else None
    if not reading.what:
        return next(iter(reads.values()))
    if found is None:
        raise InputError(
            "the twin does not hold this", where=f"reading {reading.key}", value=reading.what, allowed=", ".join(reads)
        )
    return found


def judges(therapy: Therapy, twin: Twin) -> None:
    """Refuse goals that cannot be read of a twin, or stand in another unit. Raises InputError."""
    for goal in therapy.goals:
        of = readable(twin, goal.reading)
        if goal.reading.how not in (*of.how, "auc24"):
            raise InputError("cannot be read this way", where=f"goal {goal.code}", value=goal.reading.how,
                             allowed=", ".join(of.how))  # fmt: skip
        expected = goal.reading.unit(of.unit)
        if plain_unit(goal.unit) != plain_unit(expected):
            raise InputError("the unit is not that of what is judged", where=f"goal {goal.code}", value=goal.unit,
                             allowed=expected or "1", remedy="give the borders in that unit")  # fmt: skip


def _window(reading: Reading, now: float) -> tuple[float, ...]:
    when = reading.when
    if isinstance(when, At):
        return (now + when.t * HOURS[when.unit],)
    if isinstance(when, Between):
        return (now + when.a * HOURS[when.unit], now + when.b * HOURS[when.unit])
    raise InputError("belongs to a dose, and there is none", where=f"reading {reading.key}", value=type(when).__name__,
                     allowed="At, Between")  # fmt: skip

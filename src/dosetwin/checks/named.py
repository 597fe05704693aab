"""What checks of a record share: how a finding names a record, whose it is, the doses of each drug."""

from dosetwin.checks.believable import NEWBORN_DAYS
from dosetwin.quantities import QUANTITIES
from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.observation import Observation
from dosetwin.records.timeline import Timeline

SAME = 1e-6
MINUTE = 1.0 / 60.0


def named(record: str, what: str, time: float) -> str:
    """The name of a record, or what it is and when (h) where it has none."""
    return record or f"{what} at {time:g} h"


def name_of(what: str, record: DoseEvent | Observation | Covariate) -> str:
    """The name a finding calls a record by."""
    return named(record.record, what, record.time)


def is_newborn(timeline: Timeline, time: float | None = None) -> bool:
    """Whether the patient is younger than NEWBORN_DAYS at ``time`` (h; None: at the origin), or, without a birth date, has a
    gestational age on record."""
    when = timeline.when(0.0 if time is None else time)
    if timeline.patient.birth is not None and when is not None:
        days = (when - timeline.patient.birth).total_seconds() / 86400
        return 0 <= days < NEWBORN_DAYS or (days < 0 and timeline.patient.GA is not None)
    return timeline.patient.GA is not None or bool(timeline.series("GA"))


def drug_levels(timeline: Timeline) -> tuple[Observation, ...]:
    """What was measured of drugs."""
    return tuple(o for o in timeline.observations if o.measures not in QUANTITIES)


def expanded(timeline: Timeline) -> list[DoseEvent]:
    """Every dose by itself, further doses written out."""
    return [e for d in timeline.doses for e in d.expanded()]


def by_drug(timeline: Timeline) -> dict[str, list[DoseEvent]]:
    """The doses of each drug in the order of time."""
    out: dict[str, list[DoseEvent]] = {}
    for d in sorted(expanded(timeline), key=lambda d: d.time):
        out.setdefault(d.drug or timeline.drug, []).append(d)
    return out

"""All facts about one patient in the order of time, immutable: the record everything else is computed from."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dosetwin.errors import Finding
from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.observation import Observation
from dosetwin.records.patient import Patient


@dataclass(frozen=True)
class Timeline:
    """Facts about one patient; times in h since ``origin`` (None: the clock has no calendar).

    ``occasions`` start times (h, ascending) of occasions after the first, for inter-occasion variability.
    ``findings`` what the importer had to remark. ``asked`` points at which a prediction is wanted and nothing was
    measured (NONMEM's EVID 2 and MDV 1 records; ``value`` is nan). ``drug`` the one a question is about, where the source says:
    doses that name none are doses of it. Doses and levels of other drugs stand beside them; ``of`` leaves them out.
    ``resets`` times (h, ascending) at which the system was set back to its beginning (NONMEM's EVID 3 and 4): after what
    was observed then, before what was given then.
    ``as_of`` h: when the source was written (a bundle's timestamp), the natural ``now`` where nobody names one.

    >>> from dosetwin import Covariate, DoseEvent, Observation, Patient, Timeline
    >>> newborn = Timeline(Patient("one", GA=29.0, BW=1.1), doses=(DoseEvent(0.0, 17.5, 0.5),))
    >>> known = newborn.append(Observation(23.5, "amikacin", 4.2, "mg/L"), Covariate(0.0, "WT", 1.1, "kg"))
    >>> known.series("WT")
    ((0.0, 1.1),)
    >>> len(known.until(12.0).observations), len(newborn.observations)
    (0, 0)
    """

    patient: Patient
    doses: tuple[DoseEvent, ...] = ()
    observations: tuple[Observation, ...] = ()
    covariates: tuple[Covariate, ...] = ()
    origin: datetime | None = None
    occasions: tuple[float, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    asked: tuple[Observation, ...] = ()
    drug: str = ""
    as_of: float | None = None
    resets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        # sorted() is stable: records at the same time keep the order in which they were written
        for name in ("doses", "observations", "covariates", "asked"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name), key=lambda r: r.time)))

    def at(self, when: datetime) -> float:
        """Hours since origin of a calendar moment."""
        if self.origin is None:
            raise ValueError("this timeline has no calendar origin")
        return (when - self.origin).total_seconds() / 3600.0

    def when(self, time: float) -> datetime | None:
        """Calendar moment of ``time`` h, None without an origin."""
        return None if self.origin is None else self.origin + timedelta(hours=time)

    def until(self, now: float) -> "Timeline":
        """The facts known at ``now`` (h): doses started, levels drawn and covariates known by then."""
        return replace(
            self,
            doses=tuple(e for d in self.doses for e in ([d] if d.addl == 0 else d.expanded()) if e.time <= now + 1e-9),
            observations=tuple(o for o in self.observations if o.time <= now + 1e-9),
            covariates=tuple(c for c in self.covariates if c.time <= now + 1e-9),
            resets=tuple(t for t in self.resets if t <= now + 1e-9),
        )

    def append(self, *events: DoseEvent | Observation | Covariate) -> "Timeline":
        """A new timeline with further facts (feedback is not a special path: append and ask again)."""
        return replace(
            self,
            doses=self.doses + tuple(e for e in events if isinstance(e, DoseEvent)),
            observations=self.observations + tuple(e for e in events if isinstance(e, Observation)),
            covariates=self.covariates + tuple(e for e in events if isinstance(e, Covariate)),
        )

    def drugs(self) -> tuple[str, ...]:
        """Names of the drugs given, in the order of their first doses; "" where a dose says none and the timeline neither."""
        return tuple(dict.fromkeys(d.drug or self.drug for d in self.doses))

    def of(self, drug: str, others: Collection[str] = ()) -> "Timeline":
        """The facts that a question about ``drug`` rests on: doses of other drugs, and what is measured of ``others``, left out.

        A dose that names no drug is one of the timeline's; where that names none either, of any.
        """
        mine = tuple(d for d in self.doses if (d.drug or self.drug) in (drug, ""))
        seen = {d.drug or self.drug for d in self.doses} | set(others)
        gone = seen - {drug, ""}
        if len(mine) == len(self.doses) and self.drug in (drug, "") and not any(o.measures in gone for o in self.observations):
            return self
        return replace(
            self,
            doses=mine,
            observations=tuple(o for o in self.observations if o.measures not in gone),
            asked=tuple(o for o in self.asked if o.measures not in gone),
            drug=drug,
        )

    def series(self, name: str) -> tuple[tuple[float, float], ...]:
        """(time, value) of a quantity, whether it was recorded as a covariate or as a measurement."""
        found = [(c.time, c.value) for c in self.covariates if c.name == name]
        found += [(o.time, o.value) for o in self.observations if o.measures == name and not o.blq]
        return tuple(sorted(found))

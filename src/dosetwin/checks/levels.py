"""Levels that cannot be, or that say by themselves that somebody should look."""

from collections.abc import Iterator

from dosetwin import formulary
from dosetwin.checks.believable import drug_of
from dosetwin.checks.named import SAME, by_drug, drug_levels, named
from dosetwin.errors import Finding
from dosetwin.records.observation import Observation
from dosetwin.records.timeline import Timeline


def levels(timeline: Timeline) -> Iterator[Finding]:
    """Levels out of range, before any dose, or drawn while it runs in."""
    every = by_drug(timeline)
    for o in drug_levels(timeline):
        record = named(o.record, "level", o.time)
        name = o.measures if o.measures in formulary.levels() else timeline.drug
        doses = [d for given, each in every.items() if given in (name, "") or not name for d in each]
        first = min((d.time for d in doses), default=None)
        if o.blq and o.loq is None:
            yield Finding(
                "error",
                "blq_without_loq",
                record,
                "below quantification, but no limit",
                o.value,
                "loq > 0",
                "send the limit of quantification",
            )
        if o.value < 0:
            yield Finding("error", "level_negative", record, "a negative level", o.value, ">= 0")
        level = drug_of(name).level
        if level is not None and o.value > level.high:
            yield Finding(
                "error",
                "level_implausible",
                record,
                f"a level of {o.measures or name} outside the possible range",
                o.value,
                level.possible(),
                "check value and unit; a line used for the drug contaminates the sample",
            )
        if (
            first is not None
            and o.value > 0
            and not o.blq
            and (
                o.time < first - SAME
                or (o.time <= first and not o.after_dose and not any(d.ss for d in doses if d.time == first))
            )
        ):
            yield Finding(
                "error",
                "level_before_first_dose",
                record,
                f"a level drawn {first - o.time:g} h before the first dose",
                o.value,
                f"later than {first:g} h",
                "add the earlier doses, or correct the time",
            )
        for d in doses:
            if d.duration > 0 and d.time < o.time < d.time + d.duration - SAME:
                yield Finding(
                    "warning",
                    "level_during_infusion",
                    record,
                    f"drawn during the infusion {named(d.record, 'dose', d.time)}",
                    o.time,
                    f">= {d.time + d.duration:g} h",
                    "check the time; a line used for both contaminates the sample",
                )


def alarms(timeline: Timeline) -> Iterator[Finding]:
    """What the last level of each drug says by itself, as the drug's file has it."""
    every = by_drug(timeline)
    last: dict[str, Observation] = {}
    for o in sorted(drug_levels(timeline), key=lambda o: o.time):
        last[o.measures if o.measures in formulary.levels() else timeline.drug] = o
    for name, o in last.items():
        doses = [
            d for given, each in every.items() if given in (name, "") for d in each
        ]  # a dose that names no drug is of this one
        of, starts = drug_of(name), sorted(d.time for d in doses if d.time <= o.time - SAME)
        if not starts or o.blq or of.level is None:
            continue
        unit, hours = of.level.unit, o.time - starts[-1]
        for alarm in of.alarms:
            if alarm.rings(o.value, hours):
                limit = f"up to {alarm.above:g} {unit}" if alarm.above is not None else ""
                yield Finding("warning", alarm.code, named(o.record, "level", o.time),
                              f"{name} {o.value:g} {unit} {hours:.3g} h after the start of a dose: {alarm.text} "
                              f"({alarm.source})", o.value, limit, alarm.remedy)  # fmt: skip

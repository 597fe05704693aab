"""Records that stand there twice, or contradict each other at one time."""

from collections.abc import Iterator
from itertools import pairwise

from dosetwin.checks.believable import drug_of
from dosetwin.checks.named import MINUTE, SAME, by_drug, expanded, named
from dosetwin.errors import Finding
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.timeline import Timeline

_CLOSE_H = 1.0
"""Two different doses closer than this (h, assumed) are asked about."""


def repeated_soon(timeline: Timeline) -> Iterator[Finding]:
    """Doses so close that one may stand there twice; a split infusion, without a gap or overlap, is none."""
    for before, d in (pair for doses in by_drug(timeline).values() for pair in pairwise(doses)):
        apart = d.time - before.time
        follows = before.duration > 0 and abs(apart - before.duration) <= 1e-6
        if d.amount != before.amount and d.cmt == before.cmt and 1e-6 < apart < _CLOSE_H and not follows:
            yield Finding(
                "warning",
                "doses_close",
                named(d.record, "dose", d.time),
                f"a second dose {60 * apart:.0f} min after {before.amount:g} mg ({named(before.record, 'dose', before.time)})",
                d.amount,
                f">= {_CLOSE_H:g} h after the dose before",
                "if it replaces that dose, or repeats it, remove one",
            )
        near = drug_of(d.drug or timeline.drug).shortest_h
        if d.amount == before.amount and d.cmt == before.cmt and MINUTE < apart <= near and not follows:
            yield Finding(
                "warning",
                "dose_repeated_soon",
                named(d.record, "dose", d.time),
                f"the same amount {60 * apart:.0f} min after {named(before.record, 'dose', before.time)}; both are used",
                d.amount,
                "",
                "if it is one dose recorded twice, remove one: the twin believes that twice the drug was given",
            )


def duplicates(timeline: Timeline) -> Iterator[Finding]:
    """The same dose or result twice, and two values of one thing at one time."""
    last: dict[tuple[str, str | int | None], DoseEvent] = {}
    for d in sorted(expanded(timeline), key=lambda d: d.time):
        place = (d.drug or timeline.drug, d.cmt)
        before = last.get(place)
        last[place] = d
        if before is None or d.time - before.time > MINUTE + SAME:
            continue
        if before.duration > 0 and abs(d.time - before.time - before.duration) <= SAME:  # a split infusion
            continue
        other = named(before.record, "dose", before.time)
        if before.amount == d.amount:
            yield Finding(
                "error",
                "duplicate_dose",
                named(d.record, "dose", d.time),
                f"the same dose as {other}",
                d.amount,
                "each dose once",
                "remove the copy; two doses at once would be counted twice",
            )
        elif d.time - before.time <= SAME:
            yield Finding(
                "warning",
                "doses_together",
                named(d.record, "dose", d.time),
                f"a second dose at the same time as {other}; both are used",
                d.amount,
            )
    known: dict[tuple, tuple[float, float, str]] = {}
    values = [(o.time, o.measures, o.value, named(o.record, o.measures or "level", o.time), o.cmt) for o in timeline.observations]
    values += [(c.time, c.name, c.value, named(c.record, c.name, c.time), None) for c in timeline.covariates]
    for time, name, value, record, cmt in sorted(values, key=lambda v: v[0]):
        before = known.get((name, cmt))
        known[name, cmt] = (time, value, record)
        if before is None or time - before[0] > MINUTE + SAME:
            continue
        if before[1] == value:
            yield Finding(
                "warning",
                "duplicate_record",
                record,
                f"{name or 'level'} repeats {before[2]}",
                value,
                "each result once",
                "remove the copy",
            )
        elif time - before[0] <= SAME:
            yield Finding(
                "error",
                "conflicting_values",
                record,
                f"{name or 'level'} differs from {before[2]} at the same time",
                value,
                f"{before[1]:g}",
                "keep the right one",
            )

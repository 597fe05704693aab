"""What is planned for other drugs of a patient, from stored facts: doses that an answer counts with and nobody has given yet."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dosetwin.declare.change import AHEAD_D
from dosetwin.errors import Finding
from dosetwin.records import DoseEvent, Timeline
from dosetwin.serve.timeline import in_force, name_of


def planned_of(
    facts: Sequence[Mapping[str, Any]], timeline: Timeline, drug: str, now: float
) -> tuple[tuple[DoseEvent, ...], tuple[Finding, ...]]:
    """Doses planned from ``now`` (h on the timeline's clock) on of drugs beside ``drug``, and remarks on plans.

    The last plan of a drug holds. One that should have begun goes on from now, whether its doses were charted or not; where none
    was, that is remarked on, since what was given so far is then not counted. A drug that ends later is given until then as it
    was; a dose of 0 says that it has ended.
    """
    last: dict[str, Mapping[str, Any]] = {}
    for f in in_force(facts):
        if f["kind"] == "planned":
            last[f["body"]["drug"]] = f
    doses: list[DoseEvent] = []
    findings: list[Finding] = []
    for name, f in last.items():
        body, record = f["body"], name_of(f)
        if name == drug or body["action"] == "withdrawn" or timeline.origin is None:
            continue
        start = (datetime.fromisoformat(body["start"]) - timeline.origin).total_seconds() / 3600.0
        given = sorted((e for d in timeline.doses if d.drug == name for e in d.expanded() if e.time <= now + 1e-9),
                       key=lambda e: e.time)  # fmt: skip
        if body["action"] == "begins":
            every = float(body["every_h"])
            if start < now and not any(e.time >= start - 1.0 for e in given):
                text = f"{name} should have begun and no dose of it is on record; it is taken to be given from now on"
                findings.append(
                    Finding("warning", "planned_not_charted", record, text, remedy="chart its doses, or the plan anew")
                )
            first = start if start >= now else start + every * -(-(now - start) // every)
            times = _times(first, every, now)
            doses += [DoseEvent(t, body["amount_mg"], body.get("infusion_h", 0.0), record=record, drug=name) for t in times]
        else:
            if given and start > now:
                every = min(max(given[-1].time - given[-2].time, 1.0), 48.0) if len(given) > 1 else 24.0
                until = (t for t in _times(given[-1].time + every, every, now) if now <= t < start)
                doses += [DoseEvent(t, given[-1].amount, given[-1].duration, record=record, drug=name) for t in until]
            doses.append(DoseEvent(max(start, now), 0.0, record=record, drug=name))
    return tuple(sorted(doses, key=lambda d: (d.time, d.drug))), tuple(findings)


def _times(first: float, every: float, now: float) -> list[float]:
    """Moments from ``first`` on, as far ahead as changes of clearance are told."""
    count = int(max(now + AHEAD_D * 24.0 - first, 0.0) / every) + 1
    return [first + k * every for k in range(count)]

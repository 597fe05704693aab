"""Alerts: raised from what twins say, once while the cause lasts, acknowledged by name, repeated louder while nobody does.

Raising, acknowledging and the end of a cause are facts of the patient's record, so that it can be told years later who knew what
and when. What is open is derived from those facts alone; the functions that decide are pure and are given the moment.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dosetwin.serve.audit import stamp
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.causes import Cause, Severity, causes, of_patient
from dosetwin.serve.store.facts import NewFact

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

log = logging.getLogger("dosetwin.serve")
LOUDER: Mapping[str, Severity] = {"info": "warning", "warning": "critical", "critical": "critical"}
NOTES = ("alert", "alert_acknowledged", "alert_ended", "alert_told")
"""Kinds of facts that tell an alert."""
MOST_REPEATS = 10
"""An alert nobody acknowledges is repeated that often and then stays as it is: the ward list shows it all the same."""
TICK_S = 30.0


@dataclass(frozen=True)
class Alert:
    """An alert as its facts tell it. ``severity`` the present one; ``last_at`` when it was last raised or repeated; ``told`` who
    was told of it by this service, and when; ``ours`` whether this service raised it (a bedside device's alert has no cause that
    the service could see ending)."""

    id: str
    patient_id: str
    code: str
    text: str
    severity: str
    about: str
    raised_at: datetime
    last_at: datetime
    repeats: int = 0
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    reason: str = ""
    ended_at: datetime | None = None
    ours: bool = False
    told: tuple[tuple[str, datetime], ...] = ()

    @property
    def waiting(self) -> bool:
        """Whether somebody still has to acknowledge it."""
        return self.acknowledged_at is None and self.ended_at is None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        when = lambda at: None if at is None else stamp(at)  # noqa: E731
        return {
            "id": self.id, "patient_id": self.patient_id, "code": self.code, "text": self.text, "severity": self.severity,
            "raised_at": stamp(self.raised_at), "last_at": stamp(self.last_at), "repeats": self.repeats,
            "acknowledged_at": when(self.acknowledged_at), "acknowledged_by": self.acknowledged_by, "reason": self.reason,
            "ended_at": when(self.ended_at), "told": [{"who": who, "at": stamp(at)} for who, at in self.told],
        }  # fmt: skip


def alerts_of(notes: Sequence[Mapping[str, Any]]) -> list[Alert]:
    """Alerts from their facts, in the order raised. An alert recorded by somebody else (a bedside device) counts as one too."""
    found: dict[str, Alert] = {}
    of: dict[str, str] = {}
    for f in notes:
        body, about = f["body"], f["body"].get("about", "")
        if f["kind"] == "alert":
            of[f["id"]] = about.removeprefix("repeats:") if about.startswith("repeats:") else f["id"]
        elif f["kind"] == "alert_told" and (told := found.get(of.get(about, ""))) and f["actor"] == THE_SERVICE.subject:
            found[told.id] = replace(told, told=(*told.told, (body.get("text", ""), f["at"])))
        if f["kind"] == "alert":
            original = about.removeprefix("repeats:")
            if about.startswith("repeats:") and original in found:
                old = found[original]
                found[original] = replace(old, severity=body["severity"], last_at=f["at"], repeats=old.repeats + 1)
            else:
                found[f["id"]] = Alert(f["id"], f["patient_id"], body["code"], body.get("text", ""), body["severity"], about,
                                       f["at"], f["at"], ours=f["actor"] == THE_SERVICE.subject)  # fmt: skip
        elif about in found:
            old = found[about]
            if f["kind"] == "alert_ended" and f["actor"] == THE_SERVICE.subject:
                found[about] = replace(old, ended_at=old.ended_at or f["at"])
            elif f["kind"] == "alert_acknowledged" and old.acknowledged_at is None:
                found[about] = replace(old, acknowledged_at=f["at"], acknowledged_by=f["actor"], reason=body.get("text", ""))
    return list(found.values())


def changes(open_: Sequence[Alert], why: Sequence[Cause], now: datetime, escalate: timedelta) -> list[dict[str, Any]]:
    """Bodies of the facts to add: new alerts, ends of causes that are gone, louder repeats of what nobody acknowledged.

    ``open_``: the patient's alerts that have not ended.
    """
    wanted = {c.about: c for c in why}
    there = {a.about for a in open_ if a.ours}
    out: list[dict[str, Any]] = [
        _note("alert", c.code, c.said, c.severity, c.about) for c in wanted.values() if c.about not in there
    ]
    for a in open_:
        if a.ours and a.about not in wanted:
            out.append(_note("alert_ended", a.code, "", "info", a.id))
        elif a.waiting and a.repeats < MOST_REPEATS and now - a.last_at >= escalate:
            out.append(_note("alert", a.code, a.text, LOUDER[a.severity], f"repeats:{a.id}"))
    return out


def _note(kind: str, code: str, text: str, severity: str, about: str) -> dict[str, Any]:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return {"kind": kind, "code": code, "text": plain[:500], "severity": severity, "about": about}


class Alerts:
    """Checks twins when they change, and all of them as time passes."""

    def __init__(self, service: "Service"):
        self._service = service
        self._late = timedelta(minutes=service.settings.alert_late_min)
        self._escalate = timedelta(minutes=service.settings.alert_escalate_min)

    def check(self, patient: str) -> int:
        """Check one twin; returns how many facts that added. Decided inside the writer: two processes raise one alert."""
        service = self._service

        def change(conn: Any, reach: Any) -> int:
            states = reach.states(conn, patient)
            if not states or not reach.patient(conn, patient)["active"]:
                return 0
            bodies = self._wanted(reach.alerts(conn, patient), states, reach.now)
            new = [(patient, NewFact.model_validate({"at": reach.now, "body": b})) for b in bodies]
            if new:
                service.ledger.record(conn, THE_SERVICE, new, reach.now)
            return len(new)

        added = service.change(THE_SERVICE, change)
        if added:
            service.touched([patient])  # the twin is the same, but its line must not look as if facts were waiting
        return added

    def check_all(self) -> int:
        """Check every twin and place; only those with something to say are written for. Returns how many facts that added."""
        from dosetwin.serve.places import alerts as places

        reach = self._service.reach(THE_SERVICE)
        with self._service.store.read() as conn:
            rows = reach.patients(conn)
            notes: dict[str, list[Any]] = {}
            for f in reach.alerts(conn):
                notes.setdefault(f["patient_id"], []).append(f)
        states: dict[str, list[Any]] = {}
        for r in rows:
            states.setdefault(r["id"], []).append(r)
        due = [id_ for id_, mine in states.items() if self._wanted(notes.get(id_, ()), mine, reach.now)]
        return sum(self.check(id_) for id_ in due) + places.check(self._service)

    def _wanted(self, notes: Sequence[Any], states: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
        open_ = [a for a in alerts_of(notes) if a.ended_at is None]
        usual = self._service.installed.first.name
        of = {s["therapy"]: "" if s["therapy"] == usual else s["therapy"] or "" for s in states}
        why = [c for s in states for c in causes(s["summary"], now, self._late, of[s["therapy"]])]
        return changes(open_, of_patient(why), now, self._escalate)

    def changed(self, patient: str) -> None:
        """A twin was computed anew."""
        try:
            reach = self._service.reach(THE_SERVICE)
            with self._service.store.read() as conn:  # most changes raise nothing: they need no turn of the writer
                states = reach.states(conn, patient)
                wanted = bool(states) and self._wanted(reach.alerts(conn, patient), states, reach.now)
            if wanted:
                self.check(patient)
        except Exception as error:  # the twin's own refresh must not fail for it
            if not self._service.closed:
                log.error("alerts of a twin not checked: %s", type(error).__name__)

    def run(self, stop: threading.Event) -> None:
        """Check all twins again and again: doses become overdue, and alerts go unacknowledged, while nothing else happens."""
        while not stop.wait(TICK_S):
            try:
                self.check_all()
            except Exception as error:
                log.error("alerts not checked: %s", type(error).__name__)

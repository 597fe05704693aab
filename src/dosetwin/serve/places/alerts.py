"""Alerts of places: raised, repeated, ended and acknowledged as those of patients are, as facts of the place."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.live.alerts import NOTES, Alert, alerts_of, changes
from dosetwin.serve.places.causes import causes, silence
from dosetwin.serve.places.facts import subject
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.ledger import Row
from dosetwin.serve.store.tables import facts

if TYPE_CHECKING:
    from dosetwin.serve.places.followed import Places
    from dosetwin.serve.service import Service


def notes(conn: Connection, wards: Sequence[str]) -> list[dict[str, Any]]:
    """Facts of the alerts of these places, in the order recorded."""
    if not wards:
        return []
    of = facts.c.patient_id.in_([subject(w) for w in wards])
    return [dict(r) for r in conn.execute(select(facts).where(of, facts.c.kind.in_(NOTES)).order_by(facts.c.seq)).mappings()]


def check(service: "Service") -> int:
    """Raise, repeat and end the alerts of every place; returns how many facts that added."""
    return sum(_check(service, service.places, ward) for ward in service.places.of)


def _check(service: "Service", places: "Places", ward: str) -> int:
    from dosetwin.twins.place import Known

    state, why = places.state(THE_SERVICE, ward), []
    if state.known is not None:
        at = state.known.now or 0.0
        quiet = silence(state.last, state.now, state.watched)
        why = causes(places.of[ward], Known().told(*state.known.until(at).facts), at, state.advice, quiet)
    louder = timedelta(minutes=service.settings.alert_escalate_min)
    if not changes(state.alerts, why, state.now, louder):
        return 0

    def change(conn: Connection, reach: Any) -> int:
        open_ = [a for a in alerts_of(notes(conn, [ward])) if a.ended_at is None]  # two processes raise one alert
        rows = [Row(subject(ward), b["kind"], reach.now, b) for b in changes(open_, why, reach.now, louder)]
        if rows:
            service.ledger.append(conn, THE_SERVICE, rows, reach.now)
        return len(rows)

    return service.change(THE_SERVICE, change)


def acknowledge(service: "Service", who: Principal, ward: str, id_: str, reason: str) -> Alert:
    """Say who has seen an alert of a place and why it need not be repeated; said twice, the first stands. Raises Problem."""
    service.places.need(who, ward, "answer")

    def change(conn: Connection, reach: Any) -> Alert:
        found = next((a for a in alerts_of(notes(conn, [ward])) if a.id == id_), None)
        if found is None:
            raise Problem(404, "not_found", "no such alert of this place",
                          [wrong("alert", "id", id_, "the id of an alert of GET /place")])  # fmt: skip
        if found.acknowledged_at is None:
            body = {"kind": "alert_acknowledged", "code": found.code, "text": reason, "severity": "info", "about": id_}
            service.ledger.append(conn, who, [Row(subject(ward), body["kind"], reach.now, body)], reach.now)
        return next(a for a in alerts_of(notes(conn, [ward])) if a.id == id_)

    return service.change(who, change)

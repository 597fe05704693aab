"""The demo: made-up wards whose data arrive live. No real patient anywhere."""

import logging
import threading
from datetime import datetime

from dosetwin.populations import made_up
from dosetwin.populations.made_up import ADULTS as ADULTS
from dosetwin.populations.made_up import THERAPIES as THERAPIES
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service
from dosetwin.serve.store.facts import NewFact, NewPatient
from dosetwin.serve.twins import model_named

log = logging.getLogger("dosetwin.serve")


def new(who: made_up.Scripted) -> NewPatient:
    """A made-up patient as one to follow."""
    return NewPatient.model_validate({
        "ward": who.ward, "label": who.label, "sex": who.sex, "GA_weeks": who.GA, "birth_weight_kg": who.BW, "synthetic": True,
        "source_key": who.key, "at": who.at,
        "person": {"name": who.name, "identifiers": {"demo-mrn": who.number}, "birth": who.birth},
    })  # fmt: skip


def fact(event: made_up.Event) -> NewFact:
    """What happened as a fact."""
    return NewFact.model_validate({"at": event.at, "source_key": event.key, "body": event.body})


def run(service: Service, stop: threading.Event, every_s: float = 1.0) -> None:
    """Fill the ward with everything up to now, then let the rest arrive as the demo's clock reaches it."""
    start = service.clock.now()
    try:
        others = [(f.therapy, model_named(f.model)) for f in service.installed.followed[1:]]
        scripted = made_up.patients(service.settings.demo_babies, others, start)
        waiting: list[tuple[datetime, str, NewFact]] = []
        for patient in scripted:
            if stop.is_set():
                return
            id_, receipt = service.change(
                THE_SERVICE, lambda conn, r, p=patient: service.ledger.create_patient(conn, THE_SERVICE, new(p), r.now)
            )
            facts = [fact(e) for e in patient.events]
            now = [(id_, e) for e in facts if e.at <= start]
            if now and not receipt.known:
                service.change(THE_SERVICE, lambda conn, r, f=now: service.ledger.record(conn, THE_SERVICE, f, r.now))
            waiting += [(e.at, id_, e) for e in facts if e.at > start]
            service.touched([id_])
        waiting.sort(key=lambda x: (x[0], x[1]))
        while waiting and not stop.wait(every_s):
            due = [w for w in waiting if w[0] <= service.clock.now()]
            waiting = waiting[len(due) :]
            for _, id_, event in due:
                service.change(
                    THE_SERVICE, lambda conn, r, i=id_, e=event: service.ledger.record(conn, THE_SERVICE, [(i, e)], r.now)
                )
                service.touched([id_])
    except (Problem, RuntimeError) as error:
        if not stop.is_set():
            log.error("the demo's ticker stopped: %s", error)

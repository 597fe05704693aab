"""Attacks on merges, orders, alerts, ADT, archives and token endpoints: whose, by whom, and what a hostile sender can write."""

import json
import logging
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

pytest.importorskip("hl7", reason="the service's packages are not installed (extra serve)")
import httpx
from joserfc.jwk import ECKey
from sqlalchemy import text, update

from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.fhir.backend import USUAL_S, BackendToken
from dosetwin.serve.fhir.client import FhirError
from dosetwin.serve.live.alerts import alerts_of
from dosetwin.serve.live.hl7v2 import Reader, answer
from dosetwin.serve.live.telling import Telling
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.smart.client_keys import private_keys
from dosetwin.serve.store.erase import erase
from dosetwin.serve.store.facts import NewFact, NewPatient, Person
from dosetwin.serve.store.retain import record as everything
from dosetwin.serve.store.tables import patients
from service.conftest import Running, course, new_patient, record, settings_for
from service.test_adt import adt
from service.test_hl7 import Fixed

READER = Reader("amikacin", "Europe/Berlin")
NOW = Fixed().now()


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    settings = Settings(demo=True, data_dir=tmp_path_factory.mktemp("doors"), draws=200, adt_wards="NICU=nicu")
    opened = Service.open(settings, Fixed())
    opened.touched = lambda *_, **__: None  # type: ignore[method-assign]
    yield opened
    opened.close()


@pytest.fixture
def house(tmp_path, jwks_file, token, monkeypatch):
    with Running(settings_for(f"sqlite:///{tmp_path / 'doors.sqlite'}", jwks_file, tmp_path), token, background=False) as one:
        monkeypatch.setattr(one.service, "touched", lambda *_, **__: None)
        yield one


def begun(service, name, number="", birth=None):
    person = Person(name=name, identifiers={"H": number} if number else {}, birth=birth)
    new = NewPatient(ward="nicu", label="bed", person=person, at=NOW - timedelta(days=3))
    return service.change(THE_SERVICE, lambda conn, reach: service.ledger.create_patient(conn, THE_SERVICE, new, reach.now)[0])


def merged(service, stays, other):
    return service.change(
        THE_SERVICE, lambda conn, reach: service.ledger.merge(conn, THE_SERVICE, stays, other, "one and the same", reach.now)
    )


def found(service, number):
    with service.store.read() as conn:
        return service.reach(THE_SERVICE).find(conn, "H", number)


def weighed(service, id_, kg):
    body = {"kind": "covariate", "name": "WT", "value": kg, "unit": "kg"}
    fact = NewFact.model_validate({"at": NOW - timedelta(hours=1), "body": body})
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], reach.now))


def test_a_long_line_of_merged_records_loses_no_care_and_no_number(service):
    ids = [begun(service, "", f"line{k}") for k in range(13)]
    weighed(service, ids[0], 1.25)
    for old, new in pairwise(ids):
        merged(service, new, old)
    with service.store.read() as conn:
        facts = service.reach(THE_SERVICE).facts(conn, ids[-1])
        assert service.verified(conn).ok
    assert [f["body"]["value"] for f in facts if f["kind"] == "covariate"] == [1.25]
    assert found(service, "line0") == ids[-1]
    with pytest.raises(Problem, match="cannot be merged"):
        merged(service, ids[0], ids[-1])  # A into B, B into A


def test_a_number_does_not_follow_a_merge_that_was_put_into_the_database(service):
    mine, theirs = begun(service, "Nina", "swap1"), begun(service, "Oda", "swap2")
    service.store.write(lambda conn: conn.execute(update(patients).where(patients.c.id == mine).values(merged_into=theirs)))
    with pytest.raises(Problem, match="changed behind the program"):
        found(service, "swap1")
    service.store.write(lambda conn: conn.execute(update(patients).where(patients.c.id == mine).values(merged_into=None)))
    assert found(service, "swap1") == mine


def test_twins_of_one_hour_of_birth_are_not_merged_by_a_message(service):
    for number, name in (("t1", "Twins^Anna"), ("t2", "Twins^Berta"), ("t3", "Wed^Anna"), ("t4", "Twins^Baby girl")):
        answer(service, READER, adt("A01", number, name=name, birth="20260411"))
    said = answer(service, READER, adt("A40", "t1", "MRG|t2^^^H^MR", name="Twins^Anna", birth="20260411", sent="202604131230"))
    assert (said.code, "different names" in said.text) == ("AE", True)
    assert found(service, "t2") != found(service, "t1")
    for other in ("t3", "t4"):  # a family name that changed, a baby without a name yet
        asked = adt("A40", "t1", f"MRG|{other}^^^H^MR", name="Twins^Anna", birth="20260411", sent="202604131230")
        assert answer(service, READER, asked).code == "AA"


@pytest.mark.parametrize(
    ("number", "name"),
    [("n1^^^H^MR~" + "~".join(f"n{k}^^^H{k}^MR" for k in range(20_000)), "A^B"), ("n1^^^H^MR", "A" * 900 + "^B"),
     ("n1^^^H^MR~" + "~".join(f"n{k}^^^H{k}^MR" for k in range(15)), "A^B")],
)  # fmt: skip
def test_repeats_without_end_and_names_too_long_are_refused_in_words(service, number, name):
    said = answer(service, READER, adt("A01", "x1", name=name).replace("x1^^^H^MR", number))
    assert said.code == "AE"
    assert "PID-" in said.text
    assert found(service, "n1") is None


def test_nobody_silences_the_feed_of_a_patient_by_a_key_of_its_own(service):
    answer(service, READER, adt("A01", "k1"))
    id_ = found(service, "k1")
    for end in ("9999-01-01T00:00:00+00:00", "no time"):
        fact = NewFact.model_validate({"at": NOW, "source_key": f"hl7:PAS:ADT:A08:x@{end}",
                                       "body": {"kind": "covariate", "name": "WT", "value": 1.0, "unit": "kg"}})  # fmt: skip
        service.change(THE_SERVICE, lambda conn, reach, f=fact: service.ledger.record(conn, THE_SERVICE, [(id_, f)], reach.now))
    said = answer(service, READER, adt("A03", "k1", sent="202604131300"))
    assert (said.code, said.text) == ("AA", "")
    with service.store.read() as conn:
        assert not service.reach(THE_SERVICE).patient(conn, id_)["active"]


def test_what_is_handed_out_or_archived_holds_the_merged_records_whole(service):
    stays, other = begun(service, "Mina Madeup"), begun(service, "Mina Madeup", "old-number")
    merged(service, stays, other)
    with service.store.read() as conn:
        handed = everything(conn, service.vault, stays)
    assert [m["patient"] for m in handed["merged"]] == [other]
    assert handed["merged"][0]["identity"][0]["identifiers"] == {"H": "old-number"}


def test_an_erased_name_is_gone_from_refused_messages_however_it_was_written(service):
    id_ = begun(service, "Zoë Quitegone")
    said = ["Quitegone^Zoë".encode(), "QUITEGONE^ZOË".encode("latin-1"), json.dumps({"n": "Zoë Quitegone"}).encode(),
            b"Somebody^Else"]  # fmt: skip
    for body in said:
        service.reject(THE_SERVICE, "hl7:LAB", body, [])
    done = service.store.write(
        lambda conn: erase(conn, service.vault, service.trail, THE_SERVICE, id_, "the guardian asked", NOW)
    )
    assert done[0].refused == 3
    with service.store.read() as conn:
        assert service.verified(conn).ok


def test_an_alert_that_was_sent_but_not_recorded_is_not_sent_with_every_tick(service, caplog):
    class Way:
        name, sent = "mail somebody", 0

        def send(self, message):
            self.sent += 1

    id_ = begun(service, "Alert Ada")
    fact = NewFact.model_validate({"at": NOW, "body": {"kind": "alert", "code": "hold", "severity": "critical"}})
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], reach.now))
    telling = Telling(service, [way := Way()])
    telling._record = lambda *_: (_ for _ in ()).throw(RuntimeError("no room"))  # type: ignore[method-assign]
    with caplog.at_level(logging.ERROR):
        telling.tick()
        telling.tick()
    assert way.sent == 1
    assert "not recorded: RuntimeError" in caplog.text


@pytest.mark.parametrize("reply", [httpx.ConnectError("secret-host"), {"expires_in": 10**400}, {"expires_in": float("inf")}])
def test_a_token_endpoint_that_is_broken_or_hostile_is_told_in_words(monkeypatch, reply):
    monkeypatch.setenv("K", ECKey.generate_key("P-384").as_pem(private=True).decode())

    def one(request):
        if isinstance(reply, Exception):
            raise reply
        body = {"access_token": "t", "token_type": "bearer"} | reply
        return httpx.Response(200, content=json.dumps(body).encode())

    url = "" if isinstance(reply, Exception) else "https://ehr.example/token"
    token = BackendToken("https://ehr.example", "me", private_keys("K"), url, clock=lambda: 1e9,
                         transport=httpx.MockTransport(one))  # fmt: skip
    if isinstance(reply, Exception):
        with pytest.raises(FhirError, match=r"cannot be reached \(ConnectError\)"):
            token.current()
    else:
        assert token.current() == "t"
        assert token._until == 1e9 + USUAL_S - 30.0


def test_orders_alerts_and_merges_are_taken_from_those_who_may_alone(house):
    who, feed, viewer = house.as_("pharmacist"), house.as_("feed"), house.as_("viewer")
    elsewhere = house.as_("pharmacist", wards=["OTHER"], sub="else")
    id_, other = new_patient(who), new_patient(who)
    record(who, id_, course())
    # alerts: raised by the service, acknowledged by people
    now = datetime.now(UTC).isoformat()
    for kind in ("alert", "alert_acknowledged", "alert_ended", "alert_told"):
        event = {"at": now, "body": {"kind": kind, "code": "hold", "text": "call 0190"}}
        assert feed.post(f"/api/v1/patients/{id_}/events", json=event).status_code == 422
        assert who.post("/api/v1/events", json={"events": [event | {"patient_id": id_}]}).status_code == 422
    with house.service.store.read() as conn:
        assert not alerts_of(house.service.reach(THE_SERVICE).alerts(conn, id_))
    # what is accepted is what was advised
    asked = house.service.ask(THE_SERVICE, id_)
    door = f"/api/v1/advice/{asked['id']}/answer"
    order = asked["answer"]["regimen"]
    assert order is not None
    forged = {"amount_mg": order["amount_mg"] * 40, "interval_h": order["interval_h"]}
    assert who.post(door, json={"decision": "accepted", "given": forged}).status_code in (409, 422)
    forged["amount_mg"] = order["amount_mg"] * 0.9
    refused = who.post(door, json={"decision": "accepted", "given": forged, "confirmed": {"reason": "as said"}})
    assert (refused.status_code, "order of the advice" in refused.text) == (422, True)
    for client in (viewer, feed, elsewhere):
        assert client.post(door, json={"decision": "accepted"}).status_code == 403
        assert client.get(f"/api/v1/patients/{id_}/record").status_code == 403
    # merges: undone by a person who sees both
    assert who.post(f"/api/v1/patients/{id_}/merges", json={"other": other, "reason": "the same baby"}).status_code == 201
    for client in (viewer, feed, elsewhere, house.as_("prescriber")):
        undone = client.post(f"/api/v1/patients/{id_}/merges/{other}/undo", json={"reason": "not the same"})
        assert undone.status_code == 403, undone.text
    assert who.post(f"/api/v1/patients/{id_}/merges/{id_}/undo", json={"reason": "not the same"}).status_code == 404
    assert who.post(f"/api/v1/patients/{id_}/merges/{other}/undo", json={"reason": "not the same"}).status_code == 201


def test_an_answer_to_an_older_advice_does_not_stand_for_newer_facts(house):
    who = house.as_("pharmacist")
    id_ = new_patient(who)
    record(who, id_, course())
    asked = house.service.ask(THE_SERVICE, id_)
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    record(who, id_, [{"at": at, "body": {"kind": "creatinine", "value": 90, "unit": "umol/L", "assay": "enzymatic"}}])
    assert who.post(f"/api/v1/advice/{asked['id']}/answer", json={"decision": "accepted"}).status_code == 201
    house.service.refresh(id_)
    assert who.get(f"/api/v1/patients/{id_}/twin").json()["summary"]["answered"] is None
    with house.service.store.read() as conn:
        assert conn.execute(text("SELECT count(*) FROM facts WHERE kind = 'advice_answered'")).scalar() == 1

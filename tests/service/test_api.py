"""The API: facts in, twins and advice out; who may see what; what was refused stays readable."""

import base64
import json
import logging
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from service.conftest import WARD, Running, course, new_patient, record


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document of an answer that must be one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"].endswith(":" + code)
    assert body["status"] == status
    return body


def settled(client: httpx.Client, patient: str, seconds: float = 60.0) -> dict[str, Any]:
    """The twin once all facts are worked in."""
    until = time.monotonic() + seconds
    while True:
        found = client.get(f"/api/v1/patients/{patient}/twin").json()
        if not found["behind"]:
            return found
        assert time.monotonic() < until, "the twin was not refreshed"
        time.sleep(0.05)


def test_from_admission_to_a_replayed_advice(running: Running) -> None:
    """The whole story once on each database: facts, refreshed twin, advice, what-if, decision, replay, audit."""
    pharmacist = running.as_("pharmacist")
    patient = new_patient(pharmacist)
    receipts = record(pharmacist, patient, course())
    assert [r["known"] for r in receipts] == [False] * 5
    twin = settled(pharmacist, patient)
    assert twin["answer"]["status"] == "recommend"
    assert twin["summary"]["levels"] == 2

    line = next(p for p in pharmacist.get("/api/v1/patients", params={"ward": WARD}).json()["patients"] if p["id"] == patient)
    assert line["label"] == "Bed 1"
    assert not line["level_contradicts"]

    got = pharmacist.get(f"/api/v1/patients/{patient}/predictions")
    assert got.status_code == 200, got.text
    curves = got.json()["curves"]
    assert len(curves["updated"]) == 5
    assert len(curves["time_h"]) == len(curves["updated"][0])

    tried = pharmacist.post(f"/api/v1/patients/{patient}/what-if", json={"amount_mg": 16, "interval_h": 36}).json()
    more = pharmacist.post(f"/api/v1/patients/{patient}/what-if", json={"amount_mg": 32, "interval_h": 36}).json()
    none = pharmacist.post(f"/api/v1/patients/{patient}/what-if", json={}).json()
    assert more["exposure"]["peak_next"][2] > 1.7 * tried["exposure"]["peak_next"][2]
    assert "targets" not in none
    assert none["level"][2][-1] < 0.2 * max(none["level"][2])

    prescriber = running.as_("prescriber")
    asked = prescriber.post(f"/api/v1/patients/{patient}/advice", json={}).json()
    assert asked["answer"]["what_would_change_it"]
    problem(prescriber.post(f"/api/v1/advice/{asked['id']}/answer", json={"decision": "overridden"}), 422, "not_accepted")
    given = {"amount_mg": 15, "interval_h": 48}
    said = {"decision": "overridden", "reason": "renal ultrasound pending", "given": given}
    assert prescriber.post(f"/api/v1/advice/{asked['id']}/answer", json=said).status_code == 201

    record(pharmacist, patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "level", "value": 4.0}}])
    again = pharmacist.post(f"/api/v1/advice/{asked['id']}/replay").json()
    assert again["same"], again["changed_since"]
    assert again["answer"] == asked["answer"]

    listed = pharmacist.get(f"/api/v1/patients/{patient}/advice").json()["advice"]
    assert listed[0]["decided"]["reason"] == "renal ultrasound pending"
    assert listed[0]["decided"]["by"] == "oidc:prescriber"

    auditor = running.as_("auditor")
    entries = auditor.get("/api/v1/audit", params={"patient": patient}).json()["entries"]
    assert {"record", "read", "replay"} <= {e["action"] for e in entries}
    assert auditor.get("/api/v1/audit/verification").json()["ok"]


def test_a_new_level_changes_the_answer_by_itself(running: Running) -> None:
    pharmacist = running.as_("pharmacist")
    patient = new_patient(pharmacist)
    *first, last = course()
    record(pharmacist, patient, first)
    before = settled(pharmacist, patient)
    record(pharmacist, patient, [last])
    after = settled(pharmacist, patient)
    assert before["state_hash"] != after["state_hash"]
    assert after["summary"]["levels"] == before["summary"]["levels"] + 1


def test_a_correction_replaces_or_takes_back_and_both_stay_on_record(running: Running) -> None:
    pharmacist = running.as_("pharmacist")
    patient = new_patient(pharmacist)
    receipts = record(pharmacist, patient, course())
    wrong, right = receipts[-1]["id"], course()[-1] | {"source_key": None}
    right["body"] = {"kind": "level", "value": 5.5}
    url = f"/api/v1/patients/{patient}/events/{wrong}/correction"
    problem(running.as_("prescriber").post(url, json={"reason": "not mine to correct"}), 403, "not_allowed")
    problem(pharmacist.post(url, json={"reason": "as a dose", "event": right | {"body": {"kind": "dose", "amount": 3}}}), 422,
            "not_accepted")  # fmt: skip
    assert pharmacist.post(url, json={"reason": "typed wrongly", "event": right}).status_code == 201
    assert settled(pharmacist, patient)["summary"]["last_level"]["value"] == 5.5
    assert pharmacist.post(url, json={"reason": "another baby's"}).status_code == 201
    assert settled(pharmacist, patient)["summary"]["levels"] == 1
    kinds = [e["kind"] for e in pharmacist.get(f"/api/v1/patients/{patient}/events").json()["events"]]
    assert kinds.count("level") == 2
    assert kinds.count("correction") == 2


def test_facts_that_make_no_twin_are_told_as_why(running: Running) -> None:
    pharmacist = running.as_("pharmacist")
    patient = new_patient(pharmacist, birth_weight_kg=None)
    record(pharmacist, patient, course()[2:])
    twin = settled(pharmacist, patient)
    assert twin["answer"]["status"] == "cannot"
    assert "no body weight" in twin["summary"]["reason"]
    body = problem(pharmacist.post(f"/api/v1/patients/{patient}/advice", json={}), 422, "not_accepted")
    assert "no body weight" in body["detail"]


def test_the_same_message_again_answers_with_the_first(quiet: Running) -> None:
    feed = quiet.as_("feed")
    patient = new_patient(feed)
    event = course()[0]
    first = feed.post(f"/api/v1/patients/{patient}/events", json=event)
    again = feed.post(f"/api/v1/patients/{patient}/events", json=event)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    changed = event | {"body": event["body"] | {"value": 1200}}
    problem(feed.post(f"/api/v1/patients/{patient}/events", json=changed), 409, "source_key_conflict")


BAD: list[tuple[str, Any, str]] = [
    ("unit", {"kind": "level", "value": 3, "unit": "bananas"}, "level.unit"),
    ("negative", {"kind": "level", "value": -3}, "body.level.value"),
    ("not a number", {"kind": "creatinine", "value": "high", "unit": "mg/dL"}, "body.creatinine.value"),
    ("kind", {"kind": "horoscope"}, "body"),
    ("missing", {"kind": "creatinine", "value": 60}, "body.creatinine.unit"),
    ("extra", {"kind": "dose", "amount": 3, "colour": "blue"}, "body.dose.colour"),
]


def test_a_refused_event_names_the_field_and_stays_readable(quiet: Running) -> None:
    prescriber = quiet.as_("prescriber")
    patient = new_patient(prescriber)
    for name, body, field in BAD:
        event = {"at": datetime.now(UTC).isoformat(), "body": body}
        answer = problem(prescriber.post(f"/api/v1/patients/{patient}/events", json=event), 422, "not_accepted")
        assert field in [e["field"] for e in answer["errors"]], name
        assert all(e["expected"] for e in answer["errors"])
        kept = prescriber.get(f"/api/v1/rejected/{answer['rejected_id']}").json()
        assert json.loads(base64.b64decode(kept["body_base64"])) == event
        assert kept["reasons"][0]["field"]
        assert len(prescriber.get(f"/api/v1/patients/{patient}/events").json()["events"]) == 1
    problem(quiet.as_("viewer").get(f"/api/v1/rejected/{answer['rejected_id']}"), 403, "not_allowed")
    problem(quiet.as_("prescriber", sub="other").get(f"/api/v1/rejected/{answer['rejected_id']}"), 403, "out_of_reach")
    assert len(prescriber.get("/api/v1/rejected").json()["rejected"]) == len(BAD)


def test_one_bad_event_of_a_batch_stores_none(quiet: Running) -> None:
    feed, reader = quiet.as_("feed"), quiet.as_("viewer")
    patient = new_patient(feed)
    events = [e | {"patient_id": patient} for e in course()]
    events[3]["body"]["unit"] = "mg/fortnight"
    answer = problem(feed.post("/api/v1/events", json={"events": events}), 422, "not_accepted")
    assert answer["errors"][0]["field"] == "level.unit"
    assert len(reader.get(f"/api/v1/patients/{patient}/events").json()["events"]) == 1


def test_a_half_written_upload_stores_nothing(quiet: Running) -> None:
    import socket

    feed, reader = quiet.as_("feed"), quiet.as_("viewer")
    patient = new_patient(feed)
    whole = json.dumps({"events": [e | {"patient_id": patient} for e in course()]}).encode()
    head = (f"POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: {feed.headers['authorization']}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(whole)}\r\n\r\n").encode()  # fmt: skip
    with socket.create_connection(("127.0.0.1", quiet.port), timeout=10) as wire:
        wire.sendall(head + whole[: len(whole) // 2])
    time.sleep(0.2)
    assert len(reader.get(f"/api/v1/patients/{patient}/events").json()["events"]) == 1
    cut = feed.post("/api/v1/events", content=whole[: len(whole) // 2], headers={"content-type": "application/json"})
    problem(cut, 422, "not_accepted")
    assert len(reader.get(f"/api/v1/patients/{patient}/events").json()["events"]) == 1


# ------------------------------------------------------------------------------------------------------ who sees what


def test_wards_consent_and_break_glass(running: Running) -> None:
    mine, other = running.as_("prescriber"), running.as_("prescriber", wards=["elsewhere"], sub="stranger")
    patient = new_patient(mine)
    record(mine, patient, course())
    paths = ["", "/events", "/twin", "/predictions", "/advice"]
    for path in paths:
        body = problem(other.get(f"/api/v1/patients/{patient}{path}"), 403, "out_of_reach")
        assert body["break_glass"] is True
    assert other.get("/api/v1/patients").json()["patients"] == []
    problem(other.post(f"/api/v1/patients/{patient}/advice", json={}), 403, "out_of_reach")
    problem(other.post(f"/api/v1/patients/{patient}/what-if", json={}), 403, "out_of_reach")
    problem(other.post(f"/api/v1/patients/{patient}/break-glass", json={"reason": "short"}), 422, "not_accepted")
    problem(running.as_("viewer").post(f"/api/v1/patients/{patient}/break-glass", json={"reason": "I am curious today"}), 403,
            "not_allowed")  # fmt: skip
    opened = other.post(f"/api/v1/patients/{patient}/break-glass", json={"reason": "covering nights, ward asked for help"})
    assert opened.status_code == 201
    assert other.get(f"/api/v1/patients/{patient}").status_code == 200
    entries = running.as_("auditor").get("/api/v1/audit", params={"patient": patient}).json()["entries"]
    assert any(e["action"] == "break_glass" and e["actor"] == "oidc:stranger" for e in entries)

    deny = {"at": datetime.now(UTC).isoformat(), "body": {"kind": "consent", "purpose": "care", "decision": "deny"}}
    record(mine, patient, [deny])
    problem(mine.get(f"/api/v1/patients/{patient}"), 403, "out_of_reach")
    assert mine.get("/api/v1/patients").json()["patients"] == []
    # results keep arriving: a machine that delivers reads nothing
    record(running.as_("feed"), patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "level", "value": 3.3}}])
    permit = deny | {"body": deny["body"] | {"decision": "permit"}}
    record(running.as_("feed"), patient, [permit])
    assert mine.get(f"/api/v1/patients/{patient}").status_code == 200


def test_a_transferred_baby_is_seen_by_the_new_ward(quiet: Running) -> None:
    old, new = quiet.as_("prescriber"), quiet.as_("prescriber", wards=["PICU"], sub="picu")
    patient = new_patient(old)
    record(old, patient, [{"at": datetime.now(UTC).isoformat(), "body": {"kind": "transferred", "ward": "PICU"}}])
    problem(old.get(f"/api/v1/patients/{patient}"), 403, "out_of_reach")
    assert new.get(f"/api/v1/patients/{patient}").status_code == 200


MAY = {
    "viewer": {"list", "read"},
    "prescriber": {"list", "read", "record", "ask", "break"},
    "pharmacist": {"list", "read", "record", "ask", "break", "correct"},
    "model-admin": {"export", "metrics"},
    "auditor": {"audit", "metrics"},
    "feed": {"record", "correct"},
}


def test_each_role_may_what_it_may_and_no_more(quiet: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = new_patient(quiet.as_("pharmacist"))
    receipts = record(quiet.as_("pharmacist"), patient, course())
    # whether somebody may ask is decided before the numbers; they are tested elsewhere
    monkeypatch.setattr(quiet.service, "ask", _asked(quiet, patient))
    for role in MAY:
        assert tried_by(quiet, role, patient, receipts[-1]["id"]) == MAY[role], role


def _asked(quiet: Running, patient: str) -> Callable[..., dict[str, Any]]:
    def ask(who: Any, id_: str, **_: Any) -> dict[str, Any]:
        with quiet.service.store.read() as conn:
            quiet.service.reach(who).patient(conn, id_, "ask")
        return {"id": patient}

    return ask


def tried_by(quiet: Running, role: str, patient: str, event: str) -> set[str]:
    """What somebody of a role got done."""
    who = quiet.as_(role, wards=["*"] if role in ("model-admin", "auditor") else [WARD])
    now, base = datetime.now(UTC).isoformat(), f"/api/v1/patients/{patient}"
    tries: dict[str, Callable[[], httpx.Response]] = {
        "list": lambda: who.get("/api/v1/patients"),
        "read": lambda: who.get(base),
        "record": lambda: who.post(base + "/events", json={"at": now, "body": {"kind": "level", "value": 3}}),
        "correct": lambda: who.post(f"{base}/events/{event}/correction", json={"reason": "taken back"}),
        "ask": lambda: who.post(base + "/advice", json={}),
        "break": lambda: who.post(base + "/break-glass", json={"reason": "a reason long enough"}),
        "audit": lambda: who.get("/api/v1/audit"),
        "export": lambda: who.get("/api/v1/export"),
        "metrics": lambda: who.get("/metrics"),
    }  # fmt: skip
    return {name for name, call in tries.items() if call().status_code in (200, 201)}


def test_nobody_without_a_proof_sees_anything(quiet: Running) -> None:
    nobody = quiet.as_()
    document = quiet.app.openapi()
    open_to_all = {"/health/live", "/health/ready", "/auth/login", "/auth/callback"}
    ours = [p for p in document["paths"] if p.startswith(("/api/v1", "/metrics", "/health"))]
    for path in ours:
        for method in document["paths"][path]:
            if path in open_to_all or (path, method) == ("/api/v1/session", "post"):
                continue
            url = re.sub(r"\{[^}]*\}", "0" * 36, path)
            answer = nobody.request(method, url, json={})
            assert answer.status_code in (401, 404), (method, path, answer.status_code)
            assert answer.status_code == 401 or "/fhir" in path


# --------------------------------------------------------------------------------------------------------- leaving the house


def test_an_export_holds_nothing_that_identifies(running: Running) -> None:
    pharmacist = running.as_("pharmacist")
    birth = datetime.now(UTC) - timedelta(days=3)
    person = {"name": "Mina Madeup", "identifiers": {"mrn": "MRN-778899"}, "birth": birth.isoformat()}
    patient = new_patient(pharmacist, person=person, label="Bed 9 window")
    events = course()
    record(pharmacist, patient, events)
    record(pharmacist, patient, [{"at": datetime.now(UTC).isoformat(),
                                  "body": {"kind": "culture", "result": "growth", "organism": "seen by Dr Smith"}}])  # fmt: skip
    asked = pharmacist.post(f"/api/v1/patients/{patient}/advice", json={}).json()
    pharmacist.post(f"/api/v1/advice/{asked['id']}/answer", json={"decision": "overridden", "reason": "told by Mrs Jones",
                                                                  "given": {"amount_mg": 15, "interval_h": 48}})  # fmt: skip
    denied = new_patient(pharmacist, GA_weeks=33.3)
    record(pharmacist, denied, [{"at": datetime.now(UTC).isoformat(),
                                 "body": {"kind": "consent", "purpose": "research", "decision": "deny"}}])  # fmt: skip
    answer = running.as_("model-admin", wards=["*"]).get("/api/v1/export")
    body = answer.text
    for secret in (
        "Mina",
        "MRN-778899",
        "Bed 9",
        "Smith",
        "Jones",
        WARD,
        patient,
        denied,
        "33.3",
        "pharmacist",
        birth.isoformat()[:10],
    ):
        assert secret not in body, secret
    lines = [json.loads(line) for line in body.splitlines()]
    assert len({x["patient"] for x in lines}) == 1
    doses = [datetime.fromisoformat(x["at"]) for x in lines if x["kind"] == "dose"]
    levels = [datetime.fromisoformat(x["at"]) for x in lines if x["kind"] == "level"]
    assert levels[0] - doses[0] == timedelta(hours=1)
    assert abs(doses[0] - datetime.fromisoformat(events[2]["at"])) >= timedelta(days=7)
    born = datetime.fromisoformat(next(x["birth"] for x in lines if "birth" in x))
    assert (doses[0] - born) == (datetime.fromisoformat(events[2]["at"]) - birth)


@pytest.mark.slow
def test_no_log_line_holds_anything_of_a_patient(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """Everything is logged at the lowest level, errors included, and searched for what identifies."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="numba")  # the compiler tells megabytes, none of it about patients
    pharmacist = running.as_("pharmacist")
    person = {"name": "Mina Madeup", "identifiers": {"mrn": "MRN-778899"}, "birth": "2026-01-02T03:04:05Z"}
    patient = new_patient(pharmacist, person=person)
    pharmacist.post(
        f"/api/v1/patients/{patient}/events", json={"at": "Mina Madeup", "body": {"kind": "level", "value": "MRN-778899"}}
    )
    pharmacist.post("/api/v1/patients", json={"name": "Mina Madeup", "ward": 3})
    pharmacist.post(f"/api/v1/patients/{patient}/advice", json={})
    running.service.memory.put = lambda *_: (_ for _ in ()).throw(RuntimeError("Mina Madeup MRN-778899"))
    record(pharmacist, patient, course())
    assert pharmacist.get(f"/api/v1/patients/{patient}/predictions").status_code == 500
    deadline = time.monotonic() + 20
    while running.service.waiting and time.monotonic() < deadline:
        time.sleep(0.05)
    # the client's own lines (httpx) are not the service's
    ours = "\n".join(r.getMessage() for r in caplog.records if not r.name.startswith(("httpx", "httpcore")))
    assert "unexpected RuntimeError" in ours
    for secret in ("Mina", "MRN-778899", patient):
        assert secret not in ours


def test_metrics_name_routes_never_patients(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    patient = new_patient(pharmacist)
    pharmacist.get(f"/api/v1/patients/{patient}")
    text_ = quiet.as_("auditor").get("/metrics").text
    assert 'route="/api/v1/patients/{patient}"' in text_ or 'route="/patients/{patient}"' in text_
    assert patient not in text_


def test_ready_says_no_without_its_database(quiet: Running) -> None:
    nobody = quiet.as_()
    assert nobody.get("/health/live").status_code == 200
    assert nobody.get("/health/ready").status_code == 200
    quiet.service.store.ready = lambda: False
    problem(nobody.get("/health/ready"), 503, "not_ready")
    assert nobody.get("/health/live").status_code == 200


def test_a_restart_works_in_what_arrived_meanwhile(running: Running) -> None:
    pharmacist = running.as_("pharmacist")
    patient = new_patient(pharmacist)
    record(pharmacist, patient, course())
    settled(pharmacist, patient)
    running.service.store.write(lambda c: c.execute(text("DELETE FROM twin_states")))
    assert running.service.catch_up() == 1
    assert settled(pharmacist, patient)["answer"]["status"] == "recommend"

"""Alerts: raised once while the cause lasts, acknowledged by name with a reason, repeated louder; live sources down or silent."""

import socket
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from fastapi import Request
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.errors import InputError
from dosetwin.serve.access import principal_of
from dosetwin.serve.app import create_app
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.live.alerts import MOST_REPEATS, Alerts, alerts_of, changes
from dosetwin.serve.live.calls import calls
from dosetwin.serve.live.causes import Cause, causes, of_patient
from dosetwin.serve.live.streams import Streams
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact, NewPatient

NOW = datetime(2026, 4, 13, 14, tzinfo=UTC)
LATE, ESCALATE = timedelta(hours=1), timedelta(minutes=30)
CALM = {"level_contradicts": [], "kidney": {"turning": False, "why": ""}, "kidney_expected": None, "status": "recommend",
        "reason": "", "doses": 1, "due_at": None, "answered": None, "last_dose": {"at": "2026-04-12T12:00:00+00:00"}}  # fmt: skip


class Hand:
    """A clock that a test moves."""

    def __init__(self):
        self.at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"level_contradicts": ["level 60 mg/L"]}, "level_contradicts"),
        ({"kidney": {"turning": True, "why": "creatinine rose"}}, "kidney_turning"),
        ({"kidney_expected": "an injury is expected"}, "kidney_expected"),
        ({"status": "refuse", "reason": "trough"}, "no_regimen"),
        ({"status": "cannot", "reason": "no weight"}, "no_twin"),
        ({"due_at": (NOW - timedelta(hours=2)).isoformat()}, "dose_overdue"),
        ({"due_at": (NOW - timedelta(hours=2)).isoformat(), "answered": "accepted"}, "dose_overdue"),
    ],
)
def test_each_cause_is_seen_and_a_calm_twin_has_none(change, code):
    assert causes(CALM, NOW, LATE) == []
    assert [c.code for c in causes(CALM | change, NOW, LATE)] == [code]


@pytest.mark.parametrize(
    "change",
    [
        {"due_at": (NOW - timedelta(minutes=59)).isoformat()},
        {"due_at": (NOW - timedelta(hours=2)).isoformat(), "answered": "overridden"},
        {"status": "cannot", "reason": "no weight", "doses": 0},
    ],
)
def test_a_dose_a_little_late_or_overridden_and_a_baby_just_admitted_raise_nothing(change):
    assert causes(CALM | change, NOW, LATE) == []


def _after(notes, bodies, at):
    return [*notes, *({"id": f"a{len(notes) + k}", "patient_id": "p", "kind": b["kind"], "body": b, "at": at, "actor": "dosetwin"}
                      for k, b in enumerate(bodies))]  # fmt: skip


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(0, 90)), max_size=30))
def test_one_open_alert_per_cause_whatever_comes_and_goes(steps):
    notes, at = [], NOW
    for codes, minutes in steps:
        at += timedelta(minutes=minutes)
        why = [Cause(c, c, "warning") for c in sorted(codes)]
        open_ = [a for a in alerts_of(notes) if a.ended_at is None]
        notes = _after(notes, changes(open_, why, at, ESCALATE), at)
        now_open = [a for a in alerts_of(notes) if a.ended_at is None]
        assert sorted(a.code for a in now_open) == sorted(codes)
        assert changes(now_open, why, at, ESCALATE) == []


def test_nobody_acknowledges_then_it_gets_louder_and_stops_after_a_while():
    why, notes, at = [Cause("kidney_turning", "creatinine rose", "warning")], [], NOW
    for _ in range(MOST_REPEATS + 5):
        notes = _after(notes, changes([a for a in alerts_of(notes) if a.ended_at is None], why, at, ESCALATE), at)
        at += ESCALATE
    (alert,) = alerts_of(notes)
    assert (alert.severity, alert.repeats, alert.raised_at) == ("critical", MOST_REPEATS, NOW)


@pytest.fixture
def running(tmp_path):
    clock = Hand()
    app = create_app(Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=200), clock=clock, background=False)
    who = {"is": Principal("pharma", "P", frozenset({"pharmacist"}), frozenset({"nicu"}), "session")}

    def somebody(request: Request):
        request.state.principal = who["is"]
        return who["is"]

    app.dependency_overrides[principal_of] = somebody
    with TestClient(app) as client:
        yield client, app.state.service, clock, who


def test_a_turning_kidney_alerts_once_is_acknowledged_by_name_and_ends(running):
    client, service, clock, who = running
    new = NewPatient(ward="nicu", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, at=NOW - timedelta(days=3))
    id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))
    watch = Alerts(service)

    def creatinine(hours_ago: float, value: float):
        body = {"kind": "creatinine", "value": value, "unit": "mg/dL", "assay": "idms"}
        fact = NewFact.model_validate({"at": NOW - timedelta(hours=hours_ago), "body": body})
        service.change(THE_SERVICE, lambda conn, r: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], r.now))
        service.refresh(id_)
        watch.changed(id_)

    creatinine(30, 0.6)
    assert client.get("/api/v1/alerts").json()["alerts"] == []
    creatinine(6, 1.1)
    watch.changed(id_)
    assert watch.check_all() == 0
    (alert,) = client.get("/api/v1/alerts").json()["alerts"]
    assert (alert["code"], alert["severity"], alert["repeats"]) == ("kidney_turning", "warning", 0)
    clock.at += timedelta(minutes=31)
    assert watch.check_all() == 1
    assert client.get("/api/v1/alerts").json()["alerts"][0]["severity"] == "critical"

    url = f"/api/v1/alerts/{alert['id']}/acknowledgement"
    assert client.post(url, json={"reason": ""}).status_code == 422
    who["is"] = Principal("v", roles=frozenset({"viewer"}), wards=frozenset({"nicu"}))
    assert client.post(url, json={"reason": "seen by me"}).status_code == 403
    who["is"] = Principal("x", roles=frozenset({"pharmacist"}), wards=frozenset({"other"}))
    assert client.post(url, json={"reason": "seen by me"}).status_code == 404
    assert client.get("/api/v1/alerts").json()["alerts"] == []
    who["is"] = Principal("pharma", roles=frozenset({"pharmacist"}), wards=frozenset({"nicu"}))
    first = client.post(url, json={"reason": "sample repeated"})
    assert first.status_code == 201
    assert (first.json()["acknowledged_by"], first.json()["reason"]) == ("pharma", "sample repeated")
    assert client.post(url, json={"reason": "another reason"}).status_code == 200
    clock.at += timedelta(hours=5)
    assert watch.check_all() == 0

    creatinine(1, 0.6)
    assert client.get("/api/v1/alerts").json() == {"alerts": [], "open": 0, "waiting": 0, "feeds": []}
    (past,) = client.get("/api/v1/alerts", params={"ended": True}).json()["alerts"]
    assert past["ended_at"]
    assert past["reason"] == "sample repeated"
    creatinine(0, 1.2)
    assert client.get("/api/v1/alerts").json()["waiting"] == 1


def test_a_source_that_is_down_or_silent_is_said(tmp_path, running):
    client, service, clock, _ = running
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        changed = {"mllp_port": taken.getsockname()[1], "mqtt_host": "127.0.0.1", "mqtt_port": 9, "feed_silent_min": 60.0}
        service.settings = service.settings.model_copy(update=changed)
        streams = client.app.state.streams = Streams(service).start()
        try:
            assert {s.name: s.up for s in streams.states()} == {"mllp": False, "mqtt": False}
            assert client.get("/health/ready").json() == {"status": "ready", "feeds_down": ["mllp", "mqtt"]}
            assert [f["silent"] for f in client.get("/api/v1/alerts").json()["feeds"]] == [False, False]
            clock.at += timedelta(minutes=61)
            assert [f["silent"] for f in client.get("/api/v1/feeds").json()["feeds"]] == [True, True]
            streams.heard("mqtt")
            assert [f["silent"] for f in client.get("/api/v1/feeds").json()["feeds"]] == [True, False]
        finally:
            streams.close()


def test_the_listener_starts_and_stops_with_the_service(tmp_path):
    settings = Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=200, mllp_port=0)
    app = create_app(settings, clock=Hand())
    with TestClient(app) as client:
        said = client.get("/health/ready").json()
        assert said["status"] == "ready"
        assert "feeds_down" not in said
        port = app.state.streams.mllp.port
        socket.create_connection(("127.0.0.1", port), 5).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 1)


def test_settings_of_the_live_sources():
    known = {"DOSETWIN_CACHE": "x", "DOSETWIN_SHARED": "y", "DOSETWIN_DEMO": "1", "DOSETWIN_MQTT_PASSWORD": "hush"}
    settings = Settings.from_environment(known | {"DOSETWIN_MLLP_ZONE": "Europe/Berlin"})
    assert "hush" not in repr(settings)
    with pytest.raises(InputError, match="DOSETWIN_MLLP_ZONE"):
        Settings.from_environment({"DOSETWIN_MLLP_ZONE": "Mars/Olympus"})
    with pytest.raises(InputError, match=r"DOSETWIN_CACH\b"):
        Settings.from_environment({"DOSETWIN_CACH": "x"})
    with pytest.raises(InputError, match="MQTT_TLS"):
        Settings(mqtt_host="broker.example", mqtt_user="u").refuse_unsafe()


def test_five_alerts_of_one_cause_are_one_with_its_consequences_and_as_bad_as_they_are():
    """A kidney that turns, worse feared, a held dose under two drugs: one alert, critical because a dose waits."""
    turns = CALM | {"kidney": {"turning": True, "why": "creatinine 0.6 to 1.1 mg/dL"}, "kidney_expected": "an injury is expected"}
    amikacin = turns | {"drug": "amikacin", "hold": "do not give the next dose now: it may build up; take a level at 14:00; then"}
    vancomycin = turns | {"drug": "vancomycin", "status": "refuse", "reason": "the trough would be too high"}
    found = of_patient([*causes(amikacin, NOW, LATE), *causes(vancomycin, NOW, LATE, "vancomycin_neonate")])
    (one,) = found
    assert (one.code, one.severity) == ("kidney_turning", "critical")
    assert one.said.startswith("Kidney: creatinine 0.6 to 1.1 mg/dL, and worse is expected (an injury is expected); ")
    assert "amikacin: do not give the next dose now" in one.said
    assert "vancomycin: no order is acceptable now" in one.said
    calm = of_patient(causes(turns | {"drug": "amikacin"}, NOW, LATE))
    assert [c.severity for c in calm] == ["warning"]  # nothing follows from it yet
    assert calm[0].about != one.about  # worse is another alert: the ward is told again


def test_a_hold_without_a_cause_of_its_own_is_told_as_one():
    (one,) = causes(CALM | {"hold": "the level is still too high", "drug": "amikacin"}, NOW, LATE)
    assert (one.code, one.said) == ("hold", "amikacin: the level is still too high")


def test_a_patients_own_limits_alert_and_stand_on_the_call_sheet(running):
    client, service, _clock, who = running
    new = NewPatient(ward="nicu", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, at=NOW - timedelta(days=3), label="Bed 3")
    id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))

    def told(body, hours_ago=0.0):
        at = (NOW - timedelta(hours=hours_ago)).isoformat()
        answer = client.post(f"/api/v1/patients/{id_}/events", json={"at": at, "body": body})
        assert answer.status_code in (200, 201), answer.text
        service.refresh(id_)
        Alerts(service).changed(id_)
        return client.get("/api/v1/alerts").json()["alerts"]

    who["is"] = Principal("pharma", "P", frozenset({"pharmacist", "nurse"}), frozenset({"nicu"}), "session")
    limit = {"kind": "alert_threshold", "quantity": "SCR", "above": 62, "unit": "umol/L"}
    assert told(limit, 5) == []
    (alert,) = told({"kind": "creatinine", "value": 0.8, "unit": "mg/dL", "assay": "idms"}, 1)
    assert alert["code"] == "beyond_threshold"
    assert "0.8 mg/dL is above 0.70" in alert["text"]
    with service.store.read() as conn:
        reach = service.reach(THE_SERVICE)
        (call,) = calls(reach.patients(conn), reach.alerts(conn), reach.now)
    assert (call.patient, call.tone, call.limits) == (id_, "warn", (("SCR", "above 62 umol/L"),))
    assert told({"kind": "alert_threshold", "quantity": "SCR"}) == []  # ended: the alert ends with it
    wrong = {"kind": "alert_threshold", "quantity": "SCR", "below": 2, "above": 1, "unit": "mg/dL"}
    assert client.post(f"/api/v1/patients/{id_}/events", json={"at": NOW.isoformat(), "body": wrong}).status_code == 422

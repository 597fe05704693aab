"""The same checks at every door: what cannot be is refused, what is unusual is asked about, what nobody answers for waits."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.conftest import Running, course, new_patient, record
from service.test_web import CASE, NOW, baby, demo, person, token_of  # noqa: F401 (fixtures)

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(params=["sqlite"])
def database_url(request: pytest.FixtureRequest, tmp_path: Any) -> str:
    """What is asked does not depend on the database."""
    return f"sqlite:///{tmp_path / 'store.sqlite3'}"


def at(hours_ago: float) -> str:
    return (datetime.now(UTC) - timedelta(hours=hours_ago)).isoformat()


@pytest.fixture
def followed(running: Running) -> tuple[httpx.Client, str]:
    client = running.as_("pharmacist")
    patient = new_patient(client)
    record(client, patient, course())
    return client, patient


def send(client: httpx.Client, patient: str, hours_ago: float, more: dict[str, Any] | None = None, **body: Any) -> httpx.Response:
    return client.post(f"/api/v1/patients/{patient}/events", json={"at": at(hours_ago), "body": body} | (more or {}))


IMPOSSIBLE = {
    "dose of 999,999 mg": (1, {"kind": "dose", "amount": 999_999}, "dose_implausible"),
    "dose of another drug": (1, {"kind": "dose", "drug": "gentamicin", "amount": 999_999}, "dose_implausible"),
    "dose in g for mg": (1, {"kind": "dose", "amount": 17.6, "unit": "g"}, "dose_implausible"),
    "level before birth": (24 * 5, {"kind": "level", "value": 3.0}, "before_birth"),
    "level before the first dose": (30, {"kind": "level", "value": 3.0}, "level_before_first_dose"),
    "level tomorrow": (-24, {"kind": "level", "value": 3.0}, "in_the_future"),
    "level of 5000": (1, {"kind": "level", "value": 5000.0}, "level_implausible"),
    "12 kg": (1, {"kind": "covariate", "name": "WT", "value": 12, "unit": "kg"}, "weight_implausible"),
    "1100 kg": (1, {"kind": "covariate", "name": "WT", "value": 1100, "unit": "kg"}, "weight_in_grams"),
    "1.1 g": (1, {"kind": "covariate", "name": "WT", "value": 1.1, "unit": "g"}, "weight_implausible"),
    "creatinine 80 mg/dL": (1, {"kind": "creatinine", "value": 80, "unit": "mg/dL"}, "creatinine"),
    "creatinine 0.8 umol/L": (1, {"kind": "creatinine", "value": 0.8, "unit": "umol/L"}, "creatinine"),
    "infusion of 30 h": (1, {"kind": "dose", "amount": 17.0, "infusion_h": 30}, "infusion_implausible"),
    "temperature of 90": (1, {"kind": "covariate", "name": "TEMP", "value": 90, "unit": "Cel"}, "temp_implausible"),
    "the same dose a moment later": (25.995, {"kind": "dose", "amount": 17.6}, "duplicate_dose"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_what_cannot_be_is_refused_with_value_range_and_remedy(followed: tuple[httpx.Client, str], what: str) -> None:
    client, patient = followed
    hours, body, code = IMPOSSIBLE[what]
    answer = send(client, patient, hours, **body)
    assert answer.status_code == 422, answer.text
    first = answer.json()["errors"][0]
    assert first["field"].startswith(code)
    assert first["message"]
    assert first["expected"]
    sure = send(client, patient, hours, {"confirmed": {"reason": "I insist on it"}}, **body)
    assert sure.status_code == 422, "what is impossible cannot be confirmed"
    batch = client.post("/api/v1/events", json={"events": [{"at": at(hours), "patient_id": patient, "body": body}]})
    assert batch.status_code == 422


UNUSUAL = {
    "weight +50 % overnight": (1, {"kind": "covariate", "name": "WT", "value": 1.62, "unit": "kg"}, "weight_jump"),
    "weight -30 % overnight": (1, {"kind": "covariate", "name": "WT", "value": 0.75, "unit": "kg"}, "weight_jump"),
    "a dose of 35 mg/kg": (1, {"kind": "dose", "amount": 38.0}, "dose_unusual"),
    "a dose of 3 mg/kg": (1, {"kind": "dose", "amount": 3.2}, "dose_unusual"),
    "a second dose after 20 min": (25.6, {"kind": "dose", "amount": 16.0}, "doses_close"),
    "given at once": (1, {"kind": "dose", "amount": 17.0, "infusion_h": 0}, "infusion_unusual"),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_needs_a_reason_which_is_kept(followed: tuple[httpx.Client, str], what: str) -> None:
    client, patient = followed
    hours, body, code = UNUSUAL[what]
    answer = send(client, patient, hours, **body)
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"].endswith("not_confirmed")
    assert [e["field"] for e in answer.json()["errors"]] == [code]
    assert send(client, patient, hours, {"confirmed": {"reason": ""}}, **body).status_code == 422
    sure = send(client, patient, hours, {"confirmed": {"reason": "weighed twice by two nurses"}}, **body)
    assert sure.status_code == 201, sure.text
    events = client.get(f"/api/v1/patients/{patient}/events").json()["events"]
    kept = next(e for e in events if e["kind"] == "correction")
    assert kept["body"] == {"corrects": sure.json()["id"], "action": "confirm", "reason": "weighed twice by two nurses"}
    assert kept["actor"] == "oidc:pharmacist"


def test_an_end_before_its_beginning_is_asked_about(followed: tuple[httpx.Client, str]) -> None:
    client, patient = followed
    assert send(client, patient, 5, kind="covariate", name="IBU", value=1).status_code == 201
    answer = send(client, patient, 8, kind="covariate", name="IBU", value=0)
    assert [e["field"] for e in answer.json()["errors"]] == ["stop_without_start"]
    assert send(client, patient, 2, kind="covariate", name="IBU", value=0).status_code == 201


def test_a_believable_record_is_taken_as_before(followed: tuple[httpx.Client, str]) -> None:
    client, patient = followed
    assert send(client, patient, 1, kind="covariate", name="WT", value=1.12, unit="kg").status_code == 201
    assert send(client, patient, 0.5, kind="dose", amount=17.0).status_code == 201
    again = {"source_key": "once"}
    first = send(client, patient, 0.2, again, kind="level", value=31.0)
    assert first.status_code == 201


def test_a_feed_is_not_asked_its_value_waits_and_the_twin_goes_on(running: Running, followed: tuple[httpx.Client, str]) -> None:
    client, patient = followed
    feed = running.as_("feed", wards=["*"])
    before = client.post(f"/api/v1/patients/{patient}/advice", json={}).json()["answer"]
    held = send(feed, patient, 1, kind="covariate", name="WT", value=1.62, unit="kg")
    assert held.status_code == 201
    running.service.refresh(patient)
    line = next(x for x in client.get("/api/v1/patients").json()["patients"] if x["id"] == patient)
    assert line["needs_decision"]
    assert "50 % above" in line["held"][0]
    assert line["summary"]["weight_kg"] == 1.08
    after = client.post(f"/api/v1/patients/{patient}/advice", json={}).json()["answer"]
    assert after["provenance"]["weight_kg"] == before["provenance"]["weight_kg"] == 1.08
    told = next(f for f in after["findings"] if f["code"] == "held_back")
    assert told["value"] == "weight_jump"
    # somebody answers: it is used, and the dose follows
    event = held.json()["id"]
    assert client.post(f"/api/v1/patients/{patient}/events/{event}/confirmation", json={"reason": "x"}).status_code == 422
    yes = client.post(f"/api/v1/patients/{patient}/events/{event}/confirmation", json={"reason": "oedema after surgery"})
    assert yes.status_code == 201, yes.text
    used = client.post(f"/api/v1/patients/{patient}/advice", json={}).json()["answer"]
    assert used["provenance"]["weight_kg"] == 1.62
    assert any(f["code"] == "weight_jump" and "+50 %" in f["message"] for f in used["findings"])
    assert not any(f["code"] == "held_back" for f in used["findings"])


def test_a_feed_cannot_confirm_what_it_sends(quiet: Running, followed: tuple[httpx.Client, str]) -> None:
    _, patient = followed
    feed = quiet.as_("feed", wards=["*"])
    yes = {"confirmed": {"reason": "a machine says so"}}
    weight = {"kind": "covariate", "name": "WT", "value": 1.62, "unit": "kg"}
    assert send(feed, patient, 1, yes, **weight).status_code == 403
    event = {"at": at(1), "body": weight} | yes
    assert feed.post("/api/v1/events", json={"events": [event | {"patient_id": patient}]}).status_code == 403
    held = send(feed, patient, 1, **weight).json()["id"]
    again = {"event": event, "reason": "a machine says so"}
    assert feed.post(f"/api/v1/patients/{patient}/events/{held}/correction", json=again).status_code == 403


def test_one_impossible_value_on_record_switches_no_twin_off(running: Running, followed: tuple[httpx.Client, str]) -> None:
    """Stored by an older version, or by a feed that checks nothing."""
    from dosetwin.serve.auth.principal import THE_SERVICE
    from dosetwin.serve.store.facts import NewFact

    client, patient = followed
    bad = [
        {"kind": "covariate", "name": "WT", "value": 1100, "unit": "kg"},
        {"kind": "dose", "amount": 999_999},
        {"kind": "creatinine", "value": 0.8, "unit": "umol/L"},
    ]
    new = [(patient, NewFact.model_validate({"at": at(2 + k / 10), "body": b})) for k, b in enumerate(bad)]
    running.service.change(THE_SERVICE, lambda conn, r: running.service.ledger.record(conn, THE_SERVICE, new, r.now))
    running.service.refresh(patient)
    line = next(x for x in client.get("/api/v1/patients").json()["patients"] if x["id"] == patient)
    assert line["summary"]["status"] != "cannot"
    assert len(line["held"]) == 3
    assert line["summary"]["regimen"] is not None


def test_an_event_of_another_patient_is_neither_corrected_nor_confirmed(followed: tuple[httpx.Client, str]) -> None:
    client, patient = followed
    other = new_patient(client, label="Bed 2")
    event = client.get(f"/api/v1/patients/{patient}/events").json()["events"][1]["id"]
    for what, body in (("confirmation", {"reason": "it is right"}), ("correction", {"reason": "it is wrong"})):
        assert client.post(f"/api/v1/patients/{other}/events/{event}/{what}", json=body).status_code == 404


def test_a_correction_is_judged_like_a_new_value(followed: tuple[httpx.Client, str]) -> None:
    client, patient = followed
    weight = next(e for e in client.get(f"/api/v1/patients/{patient}/events").json()["events"] if e["kind"] == "covariate")
    path = f"/api/v1/patients/{patient}/events/{weight['id']}/correction"
    new = {"at": weight["at"], "body": {"kind": "covariate", "name": "WT", "value": 12, "unit": "kg"}}
    assert client.post(path, json={"reason": "typing error", "event": new}).status_code == 422
    new["body"]["value"] = 1.6
    assert client.post(path, json={"reason": "typing error", "event": new}).status_code == 409
    assert (
        client.post(path, json={"reason": "typing error", "event": new | {"confirmed": {"reason": "scale checked"}}}).status_code
        == 201
    )


def test_an_override_is_tried_on_the_twin(followed: tuple[httpx.Client, str]) -> None:
    client, patient = followed
    advice = client.post(f"/api/v1/patients/{patient}/advice", json={}).json()["id"]
    path = f"/api/v1/advice/{advice}/answer"
    order: dict[str, Any] = {"decision": "overridden", "reason": "ward's rule", "given": {"amount_mg": 900, "interval_h": 4}}
    impossible = client.post(path, json=order)
    assert impossible.status_code == 422
    assert "mg/kg" in impossible.json()["errors"][0]["message"]
    order["given"] = {"amount_mg": 26, "interval_h": 4}
    asked = client.post(path, json=order)
    assert asked.status_code == 409
    assert asked.json()["would"]["violations"]
    sure = client.post(path, json=order | {"confirmed": {"reason": "meningitis, agreed with the consultant"}})
    assert sure.status_code == 201
    kept = client.get(f"/api/v1/advice/{advice}").json()["decided"]
    assert kept["would"]["joint"] < 0.2
    assert kept["confirmed"] == {"reason": "meningitis, agreed with the consultant"}
    fine = client.post(path, json=order | {"given": {"amount_mg": 16, "interval_h": 48}})
    assert fine.status_code == 201
    assert client.get(f"/api/v1/advice/{advice}").json()["decided"]["would"]["joint"] > kept["would"]["joint"]


# ------------------------------------------------------------------------------------------------------------- the page


def test_the_form_asks_and_loses_nothing(demo: Running, baby: str) -> None:  # noqa: F811
    client = person(demo)
    form = {"csrf": token_of(client.get(baby).text), "kind": "weight", "unit": "kg", "value": "1.71", "at": "2026-04-13T13:40"}
    asked = client.post(f"{baby}/enter", data=form)
    assert asked.status_code == 409
    assert "Are you sure?" in asked.text
    assert 'value="1.71"' in asked.text
    assert 'value="2026-04-13T13:40"' in asked.text
    refused = client.post(f"{baby}/enter", data=form | {"value": "12"})
    assert refused.status_code == 422
    assert "0.2 to 10 kg" in refused.text
    sure = client.post(f"{baby}/enter", data=form | {"sure": "oedema, weighed twice"})
    assert sure.status_code == 303, sure.text
    page = client.get(baby).text
    assert "unusual, confirmed" in page
    assert "oedema, weighed twice" in page
    undo = next(e for e in client.get(f"/api/v1/patients/{baby.rpartition('/')[2]}/events").json()["events"][::-1]
                if e["kind"] == "covariate")  # fmt: skip
    csrf = client.get("/api/v1/session").json()["csrf"]
    gone = client.post(f"/api/v1/patients/{baby.rpartition('/')[2]}/events/{undo['id']}/correction",
                       json={"reason": "only a test"}, headers={"x-csrf-token": csrf})  # fmt: skip
    assert gone.status_code == 201, gone.text
    demo.service.refresh(baby.rpartition("/")[2])


def test_an_override_above_the_limits_is_no_green_tick(demo: Running, baby: str) -> None:  # noqa: F811
    client = person(demo)
    page = client.get(baby).text
    state = page.partition('name="state" value="')[2].partition('"')[0]
    form = {"csrf": token_of(page), "state": state, "decision": "overridden", "reason": "the ward's own rule"}
    impossible = client.post(f"{baby}/answer", data=form | {"amount_mg": "900", "interval_h": "4"})
    assert impossible.status_code == 422
    assert "mg/kg" in impossible.text
    asked = client.post(f"{baby}/answer", data=form | {"amount_mg": "26", "interval_h": "6"})
    assert asked.status_code == 409
    for kept in ('value="26"', 'value="6"', "the ward&#39;s own rule", "Are you sure?", "outside limits"):
        assert kept in asked.text
    sure = client.post(f"{baby}/answer", data=form | {"amount_mg": "26", "interval_h": "6", "sure": "yes"})
    assert sure.status_code == 303, sure.text
    page = client.get(baby).text
    decided = page.partition('id="decide"')[2].partition("</div>")[0]
    assert "overridden: 26 mg every 6 h" in decided
    assert 'class="chip warn"' in decided
    assert 'class="chip good"' not in decided
    assert "On the twin:" in decided
    rows = client.get("/").text
    assert 'chip warn"' in rows.partition("overridden")[0][-400:]


def test_a_case_with_a_weight_jump_is_asked_about_before_it_is_stored(demo: Running) -> None:  # noqa: F811
    client = person(demo)
    table = "ID,TIME,AMT,RATE,DV,EVID,WT,GA,PNA\n1,0,16,32,.,1,1.1,29,1\n1,20,.,.,6,0,1.1,29,1\n1,24,16,32,.,1,1.65,29,1\n"
    csrf = token_of(client.get("/import").text)
    form = {"csrf": csrf, "text": table, "name": "c.csv", "drug": "amikacin", "anchor": "2026-04-12T08:00:00+00:00",
            "ward": "NICU-demo", "label": "Bed 9"}  # fmt: skip
    asked = client.post("/import/store", data=form)
    assert asked.status_code == 409
    assert "Are you sure?" in asked.text
    assert "50 % above" in asked.text
    assert 'value="Bed 9"' in asked.text
    assert client.post("/import/store", data=form | {"sure": "new scale, checked"}).status_code == 303

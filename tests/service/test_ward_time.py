"""The page on the ward's clock: every time shown, print view, cards, what is typed by hand, over both changes of the clocks."""

import itertools
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dosetwin.errors import InputError
from dosetwin.serve.cds.cards import advice_card
from dosetwin.serve.fhir.resources import Issued
from dosetwin.serve.settings import Settings
from dosetwin.serve.web.charts import Chart, day_ticks
from dosetwin.serve.zone import Zone
from service.conftest import Running, new_patient, record
from service.test_web import person, token_of

BERLIN = Zone("Europe/Berlin")
AUTUMN = datetime(2026, 10, 25, 4, 10, tzinfo=UTC)  # 05:10 CET, two hours and ten minutes after the second 02:00
SPRING = datetime(2026, 3, 29, 4, 10, tzinfo=UTC)  # 06:10 CEST


class Moved:
    at = AUTUMN

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def berlin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = Settings(demo=True, data_dir=tmp_path_factory.mktemp("berlin"), demo_babies=0, draws=200, login_per_minute=1000,
                        rate_per_minute=100_000, time_zone="Europe/Berlin")  # fmt: skip
    with Running(settings, lambda *a, **k: "", clock=Moved(), background=False) as running:
        # the clock is moved back and forth: a twin recomputed in the background would be at another test's moment
        running.service.touched = lambda ids, **_: None
        yield running


def client_at(berlin: Running, now: datetime) -> httpx.Client:
    Moved.at = now
    client = berlin.as_()
    who = client.post("/api/v1/session", json={"username": "pharmacist", "password": "pharmacist"}).json()
    client.headers["x-csrf-token"] = who["csrf"]
    return client


def newborn(berlin: Running, now: datetime) -> str:
    """A made-up baby with a dose some hours before the clocks changed and a level after it."""
    client = client_at(berlin, now)
    born = (now - timedelta(days=3)).isoformat()
    patient = new_patient(client, ward="NICU-demo", at=born, person={"name": "Mina Madeup", "identifiers": {}, "birth": born})

    def event(h: float, **body: Any) -> dict[str, Any]:
        return {"at": (now - timedelta(hours=h)).isoformat(), "body": body}

    record(client, patient, [
        event(30, kind="covariate", name="WT", value=1080, unit="g"),
        event(29, kind="creatinine", value=0.8, unit="mg/dL", assay="idms"),
        event(28, kind="dose", amount=17.6, infusion_h=0.5),
        # 00:30 UTC; so low that every stream of draws finds a regimen
        event(now.hour - 0.5 + now.minute / 60, kind="level", value=3.0),
    ])  # fmt: skip
    berlin.service.refresh(patient)
    return patient


def test_an_unknown_zone_refuses_to_start_and_says_so() -> None:
    with pytest.raises(InputError, match="IANA name") as refused:
        Settings.from_environment({"DOSETWIN_DEMO": "1", "DOSETWIN_TIME_ZONE": "Mars/Olympus"})
    assert refused.value.where == "DOSETWIN_TIME_ZONE"
    for odd in ("../etc/passwd", "Europe", "CEST"):
        with pytest.raises(InputError):
            Settings.from_environment({"DOSETWIN_DEMO": "1", "DOSETWIN_TIME_ZONE": odd})
    assert Settings.from_environment({"DOSETWIN_DEMO": "1"}).time_zone == "UTC"


@pytest.mark.parametrize("path", ["", "/print"])
def test_every_time_of_a_baby_is_on_the_wards_clock_and_the_page_says_which(berlin: Running, path: str) -> None:
    patient = newborn(berlin, AUTUMN)
    text = person(berlin).get(f"/patient/{patient}{path}").text
    assert "All times: Europe/Berlin (now CET, UTC+01:00)." in text
    assert "25 Oct 2026 05:10 CET" in text, "the twin as of"
    record_ = text.partition('id="record"')[2].partition("</section>")[0]
    shown = re.findall(r'<th scope="row" class="keep">([^<]+)<', record_)
    assert shown == ["25 Oct 02:30 CEST", "24 Oct 02:10", "24 Oct 01:10", "24 Oct 00:10"], "one offset before, one after"
    assert " UTC<" not in text
    assert re.search(r"<dt>Next level</dt><dd><b>\w{3} 2\d Oct \d\d:\d\d</b>|none is worth taking yet", text)
    first = re.search(r"<li><b>\w{3} (\d+ Oct \d\d:\d\d)</b>", text)
    assert first
    api = client_at(berlin, AUTUMN).get(f"/api/v1/patients/{patient}/twin").json()["answer"]["regimen"]["first_at"]
    assert api.endswith("+00:00"), "the API keeps ISO with its offset"
    assert BERLIN.short(api) == first[1]


def test_the_ward_list_the_audit_trail_and_alerts_are_on_it_too(berlin: Running) -> None:
    patient = newborn(berlin, AUTUMN)
    text = person(berlin).get("/").text
    assert "as of 25 Oct 2026 05:10 CET" in text
    due = client_at(berlin, AUTUMN).get(f"/api/v1/patients/{patient}/twin").json()["answer"]["regimen"]["first_at"]
    assert BERLIN.short(due) in text
    trail = person(berlin, "auditor").get("/audit").text
    assert "when, Europe/Berlin" in trail
    assert "2026-10-25 05:10:00 CET" in trail


def enter(berlin: Running, patient: str, **typed: str) -> httpx.Response:
    client = person(berlin)
    form = {"csrf": token_of(client.get(f"/patient/{patient}").text), "kind": "creatinine", "value": "0.9", "unit": "mg/dL"}
    return client.post(f"/patient/{patient}/enter", data=form | typed)


def times(berlin: Running, patient: str, now: datetime) -> list[str]:
    events = client_at(berlin, now).get(f"/api/v1/patients/{patient}/events").json()["events"]
    return [e["at"][:16] for e in events if e["kind"] == "creatinine"]


def test_the_hour_that_happens_twice_is_asked_for(berlin: Running) -> None:
    patient = newborn(berlin, AUTUMN)
    refused = enter(berlin, patient, at="2026-10-25T02:30")
    assert refused.status_code == 422
    assert "happened twice in Europe/Berlin, as CEST (UTC+02:00) and as CET (UTC+01:00): say which one" in refused.text
    assert re.findall(r'<option value="([+-]\d\d:\d\d)"', refused.text) == ["+02:00", "+01:00"]
    assert 'value="2026-10-25T02:30"' in refused.text, "what was typed is kept"
    assert enter(berlin, patient, at="2026-10-25T02:30", offset="+02:00").status_code == 303
    assert enter(berlin, patient, at="2026-10-25T02:30", offset="+01:00", value="0.95").status_code == 303
    assert enter(berlin, patient, at="2026-10-25T03:30", value="1.0").status_code == 303
    assert times(berlin, patient, AUTUMN)[1:] == ["2026-10-25T00:30", "2026-10-25T01:30", "2026-10-25T02:30"], "stored in UTC"
    text = person(berlin).get(f"/patient/{patient}").text
    assert text.index("25 Oct 02:30 CET<span") < text.index("25 Oct 02:30 CEST<span"), "newest first in the record"


def test_an_hour_that_did_not_exist_is_refused_with_what_to_do(berlin: Running) -> None:
    patient = newborn(berlin, SPRING)
    refused = enter(berlin, patient, at="2026-03-29T02:30")
    assert refused.status_code == 422
    assert "29 Mar 02:30 did not exist in Europe/Berlin" in refused.text
    assert "enter what the clock showed" in refused.text
    assert 'name="offset"' not in refused.text
    assert enter(berlin, patient, at="2026-03-29T03:30").status_code == 303
    assert times(berlin, patient, SPRING)[1:] == ["2026-03-29T01:30"]
    ahead = enter(berlin, patient, at="2026-03-29T06:30")
    assert "found 29 Mar 06:30, which is ahead of now (29 Mar 2026 06:10 CEST)" in ahead.text


def test_the_form_begins_in_the_hour_that_happens_twice_with_the_right_one(berlin: Running) -> None:
    patient = newborn(berlin, AUTUMN)
    Moved.at = datetime(2026, 10, 25, 1, 20, tzinfo=UTC)
    text = person(berlin).get(f"/patient/{patient}").text
    assert 'value="2026-10-25T02:20"' in text
    assert '<option value="+01:00" selected>' in text


def test_a_tables_hour_zero_is_read_on_the_wards_clock(berlin: Running) -> None:
    Moved.at = AUTUMN + timedelta(days=3)
    client = person(berlin)
    table = "ID,TIME,EVID,AMT,DV,MDV,WT,GA,PNA\n1,0,1,15,.,1,1.1,29,3\n1,20,0,.,8.1,0,1.1,29,3\n"
    csrf = token_of(client.get("/import").text)

    def sent(anchor: str, **more: str) -> httpx.Response:
        files = {"file": ("case.csv", table, "text/csv")}
        return client.post("/import", data={"csrf": csrf, "drug": "amikacin", "anchor": anchor} | more, files=files)

    summer = sent("2026-10-24T14:00")
    assert summer.status_code == 200, summer.text
    assert "put at 24 Oct 2026 14:00 CEST" in summer.text
    assert 'name="anchor" value="2026-10-24T12:00:00+00:00"' in summer.text
    twice = sent("2026-10-25T02:15")
    assert twice.status_code == 422
    assert "happened twice" in twice.text
    assert '<select id="anchor-offset"' in twice.text
    assert "put at 25 Oct 2026 02:15 CET" in sent("2026-10-25T02:15", anchor_offset="+01:00").text
    assert "did not exist" in sent("2026-03-29T02:15").text


def test_a_card_tells_its_moments_on_the_wards_clock(berlin: Running) -> None:
    patient = newborn(berlin, AUTUMN)
    asked = client_at(berlin, AUTUMN).post(f"/api/v1/patients/{patient}/advice", json={}).json()
    issued = Issued(asked["id"], asked["asked_at"], "amikacin", "Patient/1", asked["answer"], "", None, ())
    detail = advice_card(issued, None, suggest=True, zone=BERLIN)["detail"]
    assert re.search(r"First dose of this regimen:\*\* 2\d Oct 2026 \d\d:\d\d CET", detail)
    assert "+00:00" not in detail


def test_the_axis_of_a_chart_counts_hours_that_passed() -> None:
    """Midnights of the ward's calendar are 25 hours apart when the clocks go back, 23 when they go forward."""
    for origin, gap in (("2026-10-24T12:00:00+00:00", 25.0), ("2026-03-28T12:00:00+00:00", 23.0)):
        chart = Chart("c", "", "", "", origin, 0.0, 100.0, 0.0, (), zone=BERLIN)
        found = [(t, text) for t, text in day_ticks(chart, most=5) if ":" not in text]
        assert next(b[0] - a[0] for a, b in itertools.pairwise(found)) == pytest.approx(gap)
        assert len(chart.to_json()["offsets"]) == 2


def test_the_demo_and_a_plain_start_stay_in_utc(tmp_path: Path) -> None:
    assert Settings(demo=True, data_dir=tmp_path).time_zone == "UTC"

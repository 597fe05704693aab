"""The page without a browser: who sees what, forms without their token, text that is never markup, values refused."""

import base64
import html
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from dosetwin.forecast import tells
from dosetwin.quantities import Quantity
from dosetwin.serve.installed import install
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.web import assets, entries, ward
from dosetwin.serve.web.charts import Chart, DoseOf, LineOf, PointOf, svg, ticks
from dosetwin.serve.web.tries import asked_of
from dosetwin.serve.zone import Zone
from service.conftest import Running

NOW = datetime(2026, 4, 13, 14, 0, tzinfo=UTC)
CASE = Path(__file__).parents[2] / "src" / "dosetwin" / "data" / "demo_newborn.json"


class Still:
    def now(self) -> datetime:
        return NOW


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The demo without its babies, at the bundled case's moment."""
    settings = Settings(
        demo=True,
        data_dir=tmp_path_factory.mktemp("page"),
        demo_babies=0,
        draws=200,
        login_per_minute=1000,
        rate_per_minute=100_000,
    )
    with Running(settings, lambda *a, **k: "", clock=Still(), background=False) as running:
        yield running


def person(demo: Running, name: str = "pharmacist") -> httpx.Client:
    client = demo.as_()
    answer = client.post("/login", data={"username": name, "password": name, "next": "/"})
    assert answer.status_code == 303, answer.text
    return client


def token_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def baby(demo: Running) -> str:
    """The bundled case, imported through the page."""
    client = person(demo)
    before = client.get("/api/v1/patients").json()["patients"]
    text = CASE.read_text()
    csrf = token_of(client.get("/import").text)
    preview = client.post(
        "/import", data={"csrf": csrf, "drug": "amikacin"}, files={"file": (CASE.name, text, "application/json")}
    )
    assert preview.status_code == 200
    assert "Understood from demo_newborn.json" in preview.text
    assert client.get("/api/v1/patients").json()["patients"] == before, "a preview stores nothing"
    form = {"csrf": csrf, "text": text, "name": CASE.name, "drug": "amikacin", "ward": "NICU-demo", "label": "<b>Bed</b> 7"}
    stored = client.post("/import/store", data=form)
    assert stored.status_code == 303, stored.text
    return stored.headers["location"].partition("?")[0]


def test_nobody_is_led_to_the_login_and_back(demo: Running) -> None:
    client = demo.as_()
    answer = client.get("/import")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/import")
    form = {"username": "pharmacist", "password": "pharmacist", "next": "/import"}
    assert client.post("/login", data=form).headers["location"] == "/import"


@pytest.mark.parametrize("away", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_a_login_never_leads_elsewhere(demo: Running, away: str) -> None:
    answer = demo.as_().post("/login", data={"username": "viewer", "password": "viewer", "next": away})
    assert answer.headers["location"] == "/"


def test_every_page_says_what_it_is_and_allows_no_inline_code(demo: Running, baby: str) -> None:
    client = person(demo)
    for path in ("/", "/import", "/models", "/results/trial", baby, f"{baby}/print"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert answer.text.count("not a medical device") >= 1
        assert not re.search(
            r"<script(?![^>]*(src=|application/json))|\son\w+=|style=|javascript:|https?://(?!www.w3.org)", answer.text
        ), path
        for source, integrity in re.findall(r'(?:src|href)="(/static/[^"]+)" integrity="([^"]+)"', answer.text):
            served = client.get(source)
            assert served.headers["cache-control"].endswith("immutable")
            assert integrity == assets.asset(source.rpartition("/")[2]).integrity


def test_text_from_a_record_is_never_markup(demo: Running, baby: str) -> None:
    client = person(demo)
    for path in ("/", baby):
        text = client.get(path).text
        assert "<b>Bed</b>" not in text
        assert "&lt;b&gt;Bed&lt;/b&gt; 7" in text
    found = client.get("/", params={"find": '"><script>alert(1)</script>'})
    assert "<script>alert" not in found.text


def test_a_form_without_its_token_changes_nothing(demo: Running, baby: str) -> None:
    client = person(demo)
    before = client.get(f"/api/v1/patients/{baby.rpartition('/')[2]}/events").json()
    for path, form in (
        (f"{baby}/enter", {"kind": "level", "value": "5", "unit": "mg/L", "at": "2026-04-13T13:00"}),
        (f"{baby}/answer", {"decision": "accepted"}),
        ("/import/store", {"text": CASE.read_text(), "ward": "NICU-demo"}),
        ("/logout", {}),
    ):
        answer = client.post(path, data=form | {"csrf": "guessed"})
        assert answer.status_code == 403, path
        assert "load the page again" in answer.text
    assert client.get(f"/api/v1/patients/{baby.rpartition('/')[2]}/events").json() == before


@pytest.mark.parametrize(("who", "status"), [("viewer", 200), ("auditor", 403), ("model-admin", 403), ("elsewhere", 403)])
def test_who_may_read_a_baby(demo: Running, baby: str, who: str, status: int) -> None:
    answer = person(demo, who).get(baby)
    assert answer.status_code == status
    if who == "viewer":
        assert "Record it" not in answer.text
        assert "Your role can read this advice" in answer.text
    if who == "elsewhere":
        assert "Open the record in an emergency" in answer.text
        assert "29 wk" not in answer.text


def test_an_emergency_opens_a_record_with_a_reason(demo: Running, baby: str) -> None:
    client = person(demo, "elsewhere")
    csrf = token_of(client.get(baby).text)
    short = client.post(f"{baby}/open", data={"csrf": csrf, "reason": "now"})
    assert short.status_code == 422
    assert "at least 10 characters" in short.text
    opened = client.post(f"{baby}/open", data={"csrf": csrf, "reason": "called to the resuscitation in bed 7"})
    assert opened.status_code == 303
    assert client.get(baby).status_code == 200
    trail = person(demo, "auditor").get("/audit").text
    assert "break_glass" in trail


def test_an_answer_to_another_state_is_refused(demo: Running, baby: str) -> None:
    client = person(demo)
    csrf = token_of(client.get(baby).text)
    answer = client.post(f"{baby}/answer", data={"csrf": csrf, "state": "0" * 64, "decision": "accepted"})
    assert answer.status_code == 409
    assert "new facts arrived while you were reading" in answer.text


def test_what_was_accepted_is_what_was_shown(demo: Running, baby: str) -> None:
    client = person(demo)
    page = client.get(baby).text
    state = re.search(r'data-state="([0-9a-f]{64})"', page)
    shown = re.search(r"Accept ([\d.]+) mg every ([\d.]+) h", page)
    assert state
    assert shown
    form = {"csrf": token_of(page), "state": state[1], "decision": "accepted"}
    assert client.post(f"{baby}/answer", data=form).status_code == 303
    id_ = baby.rpartition("/")[2]
    advice = client.get(f"/api/v1/patients/{id_}/advice").json()["advice"][0]
    assert advice["decided"]["decision"] == "accepted"
    regimen = client.get(f"/api/v1/advice/{advice['id']}").json()["answer"]["regimen"]
    assert (f"{regimen['amount_mg']:g}", f"{regimen['interval_h']:g}") == shown.groups()
    assert "accepted" in client.get("/").text


def test_what_if_answers_and_refuses(demo: Running, baby: str) -> None:
    client = person(demo)
    good = client.get(f"{baby}/whatif", params={"amount": "15", "interval": "36", "delay": "22", "sample": "24"}).json()
    assert good["overlay"]["lines"][0]["value"]
    assert "15 mg every 36 h" in good["html"]
    assert good["wrong"] == []
    bad = client.get(f"{baby}/whatif", params={"amount": "-1", "interval": "zz", "delay": "0", "sample": "0"}).json()
    assert bad["overlay"] is None
    assert bad["wrong"] == ["amount", "interval"]
    assert "found -1, allowed 0.1 to 1000 mg" in bad["html"]
    asked = client.get(baby, params={"amount": "15", "interval": "36", "delay": "22", "sample": "24"}).text
    assert "15 mg every 36 h" in asked, "without script the form is answered by the page"


@pytest.mark.parametrize(("file", "says"), [
    (("empty.csv", b""), "the file is empty"),
    (("a.json", b"{"), "not JSON"),
    (("b.txt", b"hello"), "hello"),
    (("two.csv", b"ID,TIME,AMT,DV\n1,0,10,.\n2,0,10,.\n"), "2 subjects"),
    (("x.csv", b"\xff\xfe\x00"), "UTF-16"),
])  # fmt: skip
def test_files_that_are_refused_are_kept_with_reasons(demo: Running, file: tuple[str, bytes], says: str) -> None:
    client = person(demo)
    csrf = token_of(client.get("/import").text)
    answer = client.post("/import", data={"csrf": csrf, "drug": "amikacin", "anchor": "2026-04-12T12:00"}, files={"file": file})
    assert answer.status_code == 422, answer.text
    assert "nothing was stored" in answer.text
    assert says in answer.text or file[0] == "b.txt"
    if file[1]:
        kept = re.search(r"under ([0-9a-f-]{36})", answer.text)
        assert kept
        assert client.get(f"/api/v1/rejected/{kept[1]}").status_code == 200


def test_a_table_without_calendar_is_put_where_it_was_said(demo: Running) -> None:
    client = person(demo)
    csrf = token_of(client.get("/import").text)
    text = "ID,TIME,AMT,RATE,DV,EVID,WT,GA,PNA,SCR,SHOE\n1,0,16,32,.,1,1.1,29,1,0.8,3\n1,1,.,.,31,0,1.1,29,1,0.8,3\n"
    form = {"csrf": csrf, "drug": "amikacin", "anchor": "2026-04-12T12:00"}
    preview = client.post("/import", data=form, files={"file": ("case.csv", text, "text/csv")})
    assert preview.status_code == 200, preview.text
    assert "12 Apr 13:00" in preview.text
    assert "SHOE" in preview.text, "what was left out is said"
    stored = client.post(
        "/import/store", data=form | {"text": text.replace("\n", "\r\n"), "name": "case.csv", "ward": "NICU-demo", "label": "T"}
    )
    assert stored.status_code == 303, stored.text
    page = client.get(stored.headers["location"]).text
    assert "amikacin 31 mg/L" in page
    assert "0.80 mg/dL" in page
    again = client.post("/import/store", data=form | {"text": text, "name": "case.csv", "ward": "NICU-demo", "label": "T"})
    assert again.headers["location"].endswith("said=known"), "the same file again stores nothing"


def test_results_that_are_none_say_what_was_expected(demo: Running) -> None:
    client = person(demo)
    csrf = token_of(client.get("/results/trial").text)
    for body in (b"[]", b"{}", b"not json", json.dumps({"arms": {}, "reference": "x"}).encode()):
        answer = client.post("/results/trial", data={"csrf": csrf}, files={"file": ("t.json", body)})
        assert answer.status_code == 422
        assert "dosetwin trial" in answer.text


TOP = partial(Quantity.top, newborn=True)
OFFERED = entries.choices(install(Settings()).followed)
"""What a service that follows newborns on amikacin offers to type in."""


@pytest.mark.parametrize(("entry", "field", "says"), [
    (entries.Entry("level", "abc", "mg/L", "2026-04-13T13:00"), "value", "found “abc”"),
    (entries.Entry("level", "5000", "mg/L", "2026-04-13T13:00"), "value", "allowed 0 to 500 mg/L"),
    (entries.Entry("weight", "1100", "kg", "2026-04-13T13:00"), "value", "allowed 0.2 to 10 kg"),
    (entries.Entry("creatinine", "0.8", "umol/L", "2026-04-13T13:00"), "value", "check value and unit"),
    (entries.Entry("level", "5", "kg", "2026-04-13T13:00"), "other", "does not fit"),
    (entries.Entry("level", "5", "mg/L", "2026-04-14T13:00"), "at", "ahead of now"),
    (entries.Entry("level", "5", "mg/L", "yesterday"), "at", "expected day and time"),
    (entries.Entry("level", "nan", "mg/L", "2026-04-13T13:00"), "value", "expected a number"),
])  # fmt: skip
def test_an_entry_is_refused_field_by_field(entry: entries.Entry, field: str, says: str) -> None:
    fact, wrong = entries.checked(entry, NOW, OFFERED, Zone(), TOP)
    assert fact is None
    assert says in wrong[field]


def test_an_entry_in_another_unit_is_the_same_fact() -> None:
    fact, wrong = entries.checked(entries.Entry("weight", "1100", "g", "2026-04-13T13:00"), NOW, OFFERED, Zone(), TOP)
    assert wrong == {}
    assert fact is not None
    assert fact.body.canonical()["canonical_value"] == pytest.approx(1.1)
    comma, _ = entries.checked(entries.Entry("level", "7,4", "mg/L", "2026-04-13T13:00"), NOW, OFFERED, Zone(), TOP)
    assert comma is not None
    assert comma.body.canonical()["mg_per_L"] == pytest.approx(7.4)


@pytest.mark.parametrize(("kind", "value", "unit", "field", "read"), [
    ("level", "7.4", "MG/L", "mg_per_L", 7.4), ("level", "7.4", "\u00b5g/ml", "mg_per_L", 7.4),
    ("dose", "16", "MG", "amount_mg", 16.0),
    ("creatinine", "88.4", "\u03bcmol/l", "mg_per_dL", 1.0), ("weight", "1100", "grams", "canonical_value", 1.1),
])  # fmt: skip
def test_an_entry_may_spell_its_unit(kind: str, value: str, unit: str, field: str, read: float) -> None:
    fact, wrong = entries.checked(entries.Entry(kind, value, unit, "2026-04-13T13:00"), NOW, OFFERED, Zone(), TOP)
    assert (wrong, fact is None) == ({}, False)
    assert fact is not None
    assert fact.body.canonical()[field] == pytest.approx(read)


@pytest.mark.parametrize(("body", "field", "read"), [
    ({"kind": "level", "value": 7.4, "unit": "MCG/ML"}, "mg_per_L", 7.4),
    ({"kind": "dose", "amount": 16000, "unit": "mcg"}, "amount_mg", 16),
    ({"kind": "creatinine", "value": 0.9, "unit": "mg/100 mL"}, "mg_per_dL", 0.9),
    ({"kind": "covariate", "name": "WT", "value": 2.5, "unit": "lb"}, "canonical_value", 1.133980925),
])  # fmt: skip
def test_a_fact_sent_by_the_api_may_spell_its_unit(body: dict[str, Any], field: str, read: float) -> None:
    fact = NewFact.model_validate({"at": NOW, "body": body})
    assert fact.body.canonical()[field] == pytest.approx(read)


def test_controls_are_checked() -> None:
    good = {"amount": "12,5", "interval": "36", "delay": "0", "sample": "24"}
    asked, wrong = asked_of(good, 0.5)
    assert wrong == {}
    assert asked is not None
    assert asked.amount == 12.5
    assert set(asked_of({}, 0.5)[1]) == {"amount", "interval", "delay", "sample"}
    assert "three intervals" in asked_of(good | {"sample": "120"}, 0.5)[1]["sample"]


def line(k: int, **changed: Any) -> dict[str, Any]:
    summary = {
        "label": f"Bed {k}", "GA_weeks": 24.0 + k, "status": "recommend", "regimen": {"amount_mg": 14.0, "interval_h": 36.0},
        "reason": "", "how_sure": 0.5, "answered": None, "kidney": {"turning": False, "why": "", "last": None},
        "last_level": None, "weight_kg": 1.0,
    }  # fmt: skip
    out = {"id": f"id{k}", "ward": "W", "label": f"Bed {k}", "needs_decision": False, "why": "", "kidney_turning": False,
           "level_contradicts": False, "overdue": False, "behind": False, "computed_at": None,
           "due_at": (NOW + timedelta(hours=k)).isoformat(), "summary": summary}  # fmt: skip
    return out | changed


def test_rows_are_found_filtered_and_sorted_as_people_count() -> None:
    lines = [line(10), line(2, kidney_turning=True), line(1, level_contradicts=True)]
    names = [x["label"] for x in ward.chosen(lines, show="", find="", sort="name", order="asc")]
    assert names == ["Bed 1", "Bed 2", "Bed 10"]
    assert [x["label"] for x in ward.chosen(lines, show="kidney", find="", sort="need", order="asc")] == ["Bed 2"]
    assert [x["label"] for x in ward.chosen(lines, show="", find="bed 10", sort="need", order="asc")] == ["Bed 10"]
    assert [x["label"] for x in ward.chosen(lines, show="", find="", sort="due", order="desc")] == ["Bed 10", "Bed 2", "Bed 1"]
    assert "kidney" not in ward.counts(lines, ()), "a ward whose therapies no kidney moves has no such tab"
    assert ward.counts(lines, tuple(tells.listed().values())) == {
        "": 3, "decision": 0, "due": 0, "kidney": 1, "contradiction": 1, "unsure": 0, "none": 0, "mine": 0,
    }  # fmt: skip
    assert ward.row(lines[2], NOW, Zone())["tone"] == "bad"
    assert ward.row(line(3, summary=None), NOW, Zone())["advice"] == "twin not computed yet"


def test_a_chart_is_drawn_inside_its_frame_and_escapes() -> None:
    chart = Chart("c", "t", "mg/L", "<axis>", NOW.isoformat(), 0.0, 48.0, 10.0, (0.0, 24.0, 48.0),
                  lines=(LineOf("x", "updated", (0.0, 30.0, 5.0)),), points=(PointOf(1.0, 31.0, "<31>"),),
                  doses=(DoseOf(0.0, "d"),), alt="<alt>")  # fmt: skip
    drawn = svg(chart)
    assert "<axis>" not in drawn
    assert "<31>" not in drawn
    assert "style=" not in drawn
    numbers = [float(v) for v in re.findall(r'c[xy]="([-\d.]+)"', drawn)]
    assert all(0 <= v <= 920 for v in numbers)
    assert ticks(31.0) == [0.0, 10.0, 20.0, 30.0]


def test_plotly_is_the_installed_one_and_its_map_styles_are_answered() -> None:
    if assets.plotly_file() is None:
        pytest.skip("plotly is not installed")
    script = assets.asset(assets.PLOTLY)
    assert script.body.startswith(b"/**\n* plotly.js")
    assert len(script.packed) < len(script.body) / 2
    assert assets.markers(), "the bundle no longer looks for an element before it writes styles: look at the policy again"


def test_a_baby_without_a_weight_is_shown_with_what_is_missing(demo: Running) -> None:
    client = person(demo)
    csrf = client.get("/api/v1/session").json()["csrf"]
    new = {"ward": "NICU-demo", "label": "No weight", "synthetic": True, "GA_weeks": 30}
    made = client.post("/api/v1/patients", json=new, headers={"x-csrf-token": csrf})
    assert made.status_code == 201
    answer = client.get(f"/patient/{made.json()['id']}")
    assert answer.status_code == 200
    assert "The twin cannot answer" in answer.text
    assert "Enter by hand" in answer.text
    demo.service.refresh(made.json()["id"])
    rows = client.get("/", params={"show": "none"}).text
    assert "no twin: no body weight on record" in rows, "what is missing is a need of the list"
    assert made.json()["id"] not in re.sub(r'(href|id)="[^"]*"', "", rows), "an id says nothing to anybody"
    tried = client.get(f"/patient/{made.json()['id']}/whatif", params={"amount": "15"}, headers={"accept": "application/json"})
    assert tried.status_code == 422


def test_a_gene_that_forbids_the_drug_is_told_before_the_first_dose(demo: Running) -> None:
    client = person(demo)
    head = {"x-csrf-token": client.get("/api/v1/session").json()["csrf"]}
    at = NOW - timedelta(hours=3)
    new = {"ward": "NICU-demo", "label": "Gene", "synthetic": True, "GA_weeks": 30, "birth_weight_kg": 1.4,
           "person": {"birth": at.isoformat()}}  # fmt: skip
    id_ = client.post("/api/v1/patients", json=new, headers=head).json()["id"]
    for body in ({"kind": "covariate", "name": "WT", "value": 1.4, "unit": "kg"},
                 {"kind": "measured", "quantity": "MT_RNR1", "value": 2, "unit": "1"}):  # fmt: skip
        told = client.post(f"/api/v1/patients/{id_}/events", json={"at": at.isoformat(), "body": body}, headers=head)
        assert told.status_code == 201, told.text
    page = html.unescape(client.get(f"/patient/{id_}").text)
    assert "Do not give amikacin: a variant of MT-RNR1" in page
    assert "Nothing of it may be ordered: a variant of MT-RNR1 (m.1555A>G, m.1494C>T or m.1095T>C)" in page
    assert "PMID 34032273" in page
    assert "give an antibiotic of another class" in page
    assert "Accept " not in page


def test_a_level_that_contradicts_the_model_withholds_the_advice(demo: Running, baby: str) -> None:
    client = person(demo)
    csrf = token_of(client.get(baby).text)
    form = {"csrf": csrf, "kind": "level", "value": "120", "unit": "mg/L", "at": "2026-04-13T13:45"}
    assert client.post(f"{baby}/enter", data=form).status_code == 303
    page = client.get(baby).text
    assert "level in doubt" in page
    assert "Hold the next dose" in page
    assert "Do not give the next dose now" in page
    assert "Accept " not in page
    ward_page = client.get("/", params={"show": "contradiction"}).text
    assert "level in doubt" in ward_page
    assert "hold: level first" in ward_page
    # taking it back brings the advice back
    id_ = baby.rpartition("/")[2]
    event = next(e for e in client.get(f"/api/v1/patients/{id_}/events").json()["events"] if e["body"].get("value") == 120)
    token = client.get("/api/v1/session").json()["csrf"]
    path = f"/api/v1/patients/{id_}/events/{event['id']}/correction"
    answer = client.post(path, json={"reason": "drawn from the line that gave the dose"}, headers={"x-csrf-token": token})
    assert answer.status_code == 201, answer.text
    demo.service.refresh(id_)
    assert "Accept " in client.get(baby).text


def test_a_trial_is_shown_with_its_claims(demo: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def e(mean: float) -> dict[str, float]:
        return {"mean": mean, "se": 0.01, "low": mean - 0.02, "high": mean + 0.02, "n": 100}

    arms = {a: {"both_last": e(0.5 + k / 10), "loss": e(1.0), "made_up": e(2.0)} for k, a in enumerate(("old", "new"))}
    body = {
        "design": {"name": "d", "title": "Two <arms>"}, "hash": "abc", "n": 100, "asked": 100, "failures": {},
        "failure_reasons": [],
        "reference": "old", "arms": arms, "differences": {"new": arms["new"]},
        "pareto": {"x": "loss", "y": "both_last", "front": ["new"]},
        "subgroups": {"GA < 28": {"kind": "GA", "n": 3}},
        "claims": [{"claim": {"arm": "new", "against": "old", "endpoint": "both_last", "kind": "at_least", "value": 0.05},
                    "found": e(0.1), "met": True}],
    }  # fmt: skip
    client = person(demo)
    csrf = token_of(client.get("/results/trial").text)
    text = client.post("/results/trial", data={"csrf": csrf}, files={"file": ("summary.json", json.dumps(body))}).text
    assert "Two &lt;arms&gt;" in text
    assert "at least 5 %; found +10.0 % (+8.0 to +12.0)" in text
    assert "no evidence about real newborns" in text
    assert "60.0 %" in text
    assert text.count('<figure class="drawn">') == 2, "Pareto and the differences"
    assert "style=" not in text, "the page's policy refuses inline styles"
    assert "<style" not in text
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "summary.json").write_text(json.dumps(body))
    (tmp_path / "replay.json").write_text("{}")
    (tmp_path.parent / "elsewhere.json").write_text(json.dumps(body))
    (tmp_path / "linked_summary.json").symlink_to(tmp_path.parent / "elsewhere.json")
    monkeypatch.setattr(demo.service, "settings", demo.service.settings.model_copy(update={"results_dir": tmp_path}))
    listed = client.get("/results/trial").text
    addresses = re.findall(r"/results/trial/stored/[0-9a-f]{16}", listed)
    assert len(addresses) == 1, "the trial, neither the replay nor what leads elsewhere"
    assert "Two &lt;arms&gt;" in client.get(addresses[0]).text
    assert client.get(addresses[0].replace("trial", "replay", 1)).status_code == 404
    assert client.get("/results/trial/stored/" + "0" * 16).status_code == 404
    assert "Two &lt;arms&gt;" not in demo.as_().get(addresses[0]).text, "nobody without a session"


def test_an_alert_is_seen_with_a_reason(demo: Running, baby: str) -> None:
    from dosetwin.serve.auth.principal import THE_SERVICE

    id_, service = baby.rpartition("/")[2], demo.service
    body = {"kind": "alert", "code": "bedside", "text": "pump <stopped>", "severity": "critical"}
    fact = NewFact.model_validate({"at": NOW, "body": body})
    service.change(THE_SERVICE, lambda conn, reach: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], reach.now))
    client = person(demo)
    page = client.get(baby).text
    assert "pump &lt;stopped&gt;" in page
    assert "1 alert" in client.get("/").text
    path = re.search(rf'action="({baby}/seen/[0-9a-f-]+)"', page)
    assert path
    refused = client.post(path[1], data={"csrf": token_of(page), "reason": " "})
    assert refused.status_code == 422
    assert "needs a reason" in refused.text
    assert client.post(path[1], data={"csrf": token_of(page), "reason": "line was changed"}).status_code == 303
    assert "line was changed" in client.get(baby).text
    assert "1 alert" not in client.get("/").text


def test_addresses_of_the_first_release_still_arrive(demo: Running, baby: str) -> None:
    found = person(demo).get(baby.replace("/patient/", "/baby/") + "/print?kidney=filter", follow_redirects=False)
    assert (found.status_code, found.headers["location"]) == (308, f"{baby}/print?kidney=filter")


def test_a_patient_is_begun_by_a_form_found_by_name_and_number_and_not_made_twice(demo: Running) -> None:
    client = person(demo)
    csrf = token_of(client.get("/new").text)
    form = {
        "csrf": csrf,
        "ward": "NICU-demo",
        "label": "Cot 31",
        "name": "Zoe <Form>",
        "system": "mrn",
        "number": "Z-31",
        "GA": "99",
    }
    bad = client.post("/new", data=form)
    assert bad.status_code == 422
    assert "found “99”, allowed 22 to 44 weeks" in html.unescape(bad.text)
    assert 'value="Z-31"' in bad.text, "nothing of what was typed is lost"
    assert client.post("/new", data=form | {"GA": "30", "ward": "elsewhere"}).status_code == 422
    assert client.post("/new", data=form | {"csrf": "x"}).status_code == 403
    made = client.post("/new", data=form | {"GA": "30"})
    assert made.status_code == 303, made.text
    for words in ("zoe", "z-31", "cot 31"):
        found = client.get("/", params={"find": words}).text
        assert "Zoe &lt;Form&gt;" in found
        assert found.count("<tr role") == 2, words
    again = client.post("/new", data=form | {"GA": "", "number": "", "label": "Cot 32"})
    assert again.status_code == 409
    assert "same name" in again.text
    taken = client.post("/new", data=form | {"GA": "", "another": "yes"})
    assert taken.status_code == 409, "one number, one record"
    assert "this number is theirs" in taken.text
    assert client.post("/new", data=form | {"GA": "", "number": "", "another": "yes"}).status_code == 303
    assert "same bed as another" in client.get("/").text or "same name as another" in client.get("/").text
    assert person(demo, "viewer").get("/new").status_code == 403
    away = person(demo, "elsewhere").get("/").text
    assert "Zoe" not in away, "names are of the wards within reach"


def test_an_order_that_was_tried_is_scored_recorded_and_asked_about_above_the_limits(demo: Running, baby: str) -> None:
    client = person(demo)
    page = client.get(baby).text
    state = re.search(r'name="state" value="([0-9a-f]+)"', page)
    assert state
    tried = client.get(f"{baby}/whatif", params={"amount": "15", "interval": "36", "first": "2026-04-14T20:00"}).json()
    assert tried["order"]["text"].endswith("from 14 Apr 20:00"), "a typed clock time is the first dose"
    form = {"csrf": token_of(page), "state": state[1], "decision": "overridden"} | {
        k: tried["order"][k] for k in ("amount_mg", "interval_h", "loading_mg", "first_at")
    }
    assert "an override needs a reason" in client.post(f"{baby}/answer", data=form).text
    assert client.post(f"{baby}/answer", data=form | {"reason_code": "made-up"}).status_code == 422
    late = client.post(f"{baby}/answer", data=form | {"reason_code": "local-rule", "first_at": "2026-04-01T20:00"})
    assert "it is past" in late.text
    asked = client.post(f"{baby}/answer", data=form | {"reason_code": "local-rule", "amount_mg": "26", "interval_h": "6"})
    assert asked.status_code == 409
    assert "Are you sure?" in asked.text
    assert 'value="26"' in asked.text, "what was tried stays"
    assert client.post(f"{baby}/answer", data=form | {"reason_code": "local-rule"}).status_code == 303
    id_ = baby.rpartition("/")[2]
    decided = client.get(f"/api/v1/patients/{id_}/advice").json()["advice"][0]["decided"]
    assert (decided["reason_code"], decided["given"]["interval_h"]) == ("local-rule", 36.0)
    assert decided["reason"] == "The ward's own rule is followed"
    assert decided["given"]["first_at"].startswith("2026-04-14T20:00")
    assert decided["would"]["joint"] >= 0
    rows = html.unescape(client.get("/", params={"show": "mine"}).text)
    assert "overridden" in rows, "the last decision of a person is on the list"


def test_who_runs_the_service_sees_what_runs_logs_out_and_searches_the_trail(demo: Running, baby: str) -> None:
    mo, phil = person(demo, "model-admin"), person(demo)
    phil.get("/")
    text = mo.get("/service").text
    for words in ("the store answers", "None is configured", "amikacin_neonate", "Phil Pharmacist", "break_glass"):
        assert words in text, words
    assert "Who is logged in" not in phil.get("/service").text
    hers = re.search(r'name="session" value="([0-9a-f]{64})"><button[^>]*aria-label="Log out Phil', text)
    assert hers
    form = {"csrf": token_of(text), "session": hers[1]}
    assert phil.post("/service/sessions/end", data=form | {"csrf": token_of(phil.get("/service").text)}).status_code == 403
    assert mo.post("/service/sessions/end", data=form | {"csrf": "x"}).status_code == 403
    assert mo.post("/service/sessions/end", data=form).status_code == 303
    assert phil.get("/").headers["location"].startswith("/login")
    found = person(demo, "auditor").get("/audit", params={"find": "end_session"}).text
    assert found.count("<tr>") == 2, "the head and one entry"
    assert person(demo, "auditor").post("/audit", data={"csrf": token_of(found)}).status_code in (200, 403)


def test_the_letter_is_one_page_with_who_and_what_and_the_same_as_a_fhir_document(demo: Running, baby: str) -> None:
    from fhir.resources.R4B.documentreference import DocumentReference

    client = person(demo)
    made = client.get(f"{baby}/letter.pdf")
    assert made.headers["content-type"] == "application/pdf"
    assert made.content.count(b"/Type /Page ") == 1
    assert client.get(f"{baby}/letter.pdf").content == made.content, "the same facts and moment, the same letter"
    said = client.get(f"{baby}/letter.fhir").json()
    DocumentReference.model_validate(said)
    attached = said["content"][0]["attachment"]
    assert base64.b64decode(attached["data"]) == made.content
    assert said["subject"]["reference"] == f"Patient/{baby.rpartition('/')[2]}"
    assert person(demo, "auditor").get(f"{baby}/letter.pdf").status_code == 403


def test_a_letter_says_who_what_when_and_how_sure() -> None:
    from dosetwin.serve.store.facts import Person
    from dosetwin.serve.web.letter import about, lines_of

    first = {"chance": {"text": "41 %", "words": "may well miss a target", "tone": "warn"}, "weakest": "trough: 53 %",
             "give": ["2.8 mL of 5 mg/mL"], "times": [{"at": "Tue 14 Apr 14:00", "amount": "14 mg", "in": "in 3 h"}]}  # fmt: skip
    p: dict[str, Any] = {"first": first, "title": "Recommended", "hold": [], "headline": "14 mg", "regimen": {}, "why": [],
                         "sample": {"worth": True, "day": "Thu 16 Apr 08:00", "brief": "42 h after it"}, "sampled": "level",
                         "findings": [], "contradicted": False, "doubted": False, "forecasts": [], "doubts": [],
                         "who": {"facts": [("weight", "1.1 kg", "2 h old")], "now": "13 Apr"}}  # fmt: skip
    text = " | ".join(t for _, t in lines_of(p, None, None))
    for words in ("41 %", "2.8 mL", "Tue 14 Apr 14:00", "Thu 16 Apr 08:00", "Only 41 % chance that every target is met"):
        assert words in text
    who = about("Bed 7", Person(name="Ada", identifiers={"mrn": "X-7"}, birth=NOW), p, Zone(), "here")
    assert "Bed 7: Ada, mrn X-7, born 13 Apr 2026" in who


def test_the_banner_names_an_allergy_until_it_is_recorded_as_ended() -> None:
    from types import SimpleNamespace

    from dosetwin.serve.web.patient_page import _allergies

    def fact(k: int, value: float) -> dict[str, Any]:
        body = {"name": "ALLERGY_GLYCOPEPTIDE", "canonical_value": value, "canonical_unit": "1"}
        return {"id": str(k), "kind": "covariate", "at": NOW, "body": body}

    def said(*facts: dict[str, Any]) -> list[str]:
        return _allergies(SimpleNamespace(known=SimpleNamespace(facts=facts)))  # pyright: ignore[reportArgumentType]

    assert said() == []
    assert said(fact(1, 1.0)) == ["glycopeptides"]
    assert said(fact(1, 1.0), fact(2, 0.0)) == []

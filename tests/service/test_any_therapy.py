"""Several therapies: one nobody here knows (tablets, one laboratory goal, no weight, no MIC), and two in one patient."""

import html
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fhir.resources.R4B.devicerequest import DeviceRequest
from fhir.resources.R4B.medicationrequest import MedicationRequest

from dosetwin.errors import DosetwinError
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.cds.cards import advice_card, is_for, order_card
from dosetwin.serve.fhir.resources import bundle, issued_as
from dosetwin.serve.installed import install
from dosetwin.serve.live.causes import causes, of_patient
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import Dose, NewFact, NewPatient, Person
from dosetwin.serve.twins import require_listed
from service.conftest import WARD, Running, course, new_patient, record, settings_for

STRANGE = Path(__file__).parent / "data" / "strange" / "calmin.py"
THERAPIES = f"amikacin_neonate, {STRANGE}"


@pytest.fixture
def ward(jwks_file: Path, tmp_path: Path, token: Callable[..., str]) -> Iterator[Running]:
    settings = settings_for(f"sqlite:///{tmp_path / 's.sqlite3'}", jwks_file, tmp_path, therapies=THERAPIES, usual="MED=calm")
    with Running(settings, token, background=False) as running:
        yield running


@pytest.fixture
def demo(tmp_path: Path, token: Callable[..., str]) -> Iterator[Running]:
    settings = Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=200, twin_processes=0, therapies=THERAPIES,
                        usual="MED=calm")  # fmt: skip
    with Running(settings, token, background=False) as running:
        yield running


def adult(client: httpx.Client, ward: str = WARD) -> str:
    born = datetime(1961, 3, 4, tzinfo=UTC)
    said = {"ward": ward, "label": "Room 7", "sex": "male", "synthetic": True, "person": {"birth": born.isoformat()}}
    answer = client.post("/api/v1/patients", json=said)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def tablets(days: int = 6, mg: float = 10.0) -> list[dict[str, Any]]:
    first = (datetime.now(UTC) - timedelta(days=days)).replace(microsecond=0)

    def event(h: float, **body: Any) -> dict[str, Any]:
        return {"at": (first + timedelta(hours=h)).isoformat(), "body": body}

    doses = [event(24.0 * d, kind="dose", drug="calmin", amount=mg) for d in range(days)]
    return [*doses, event(24.0 * days - 3.0, kind="measured", quantity="INR", value=2.1, unit="1")]


def test_a_strange_therapy_goes_all_the_way(ward: Running) -> None:
    who = ward.as_("pharmacist", "prescriber", "auditor", wards=["*"])
    id_ = adult(who, "MED")
    stored = record(who, id_, tablets())
    events = who.get(f"/api/v1/patients/{id_}/events").json()["events"]
    assert {e["body"].get("infusion_h", 0.0) for e in events} == {0.0}, "a tablet runs for no time"
    ward.service.refresh(id_)
    assert len(stored) == 7

    # the list: one line, of the therapy that runs, with what it watches and no creatinine criteria
    (line,) = who.get("/api/v1/patients").json()["patients"]
    s = line["summary"]
    assert (line["therapy"], s["drug"], s["watched"]) == ("calm", "calmin", "INR")
    assert (s["last_level"]["value"], s["last_level"]["unit"]) == (2.1, "1")
    assert (s["kidney"]["last"], line["kidney_turning"]) == (None, False)
    assert [f["name"] for f in s["listed"]] == ["INR"]
    assert s["status"] in ("recommend", "caution"), s["reason"]

    # asked, answered and computed again
    asked = who.post(f"/api/v1/patients/{id_}/advice", json={}).json()
    assert asked["therapy"] == "calm"
    regimen = asked["answer"]["regimen"]
    assert len(regimen["week"]) == 7
    assert who.post(f"/api/v1/advice/{asked['id']}/answer", json={"decision": "accepted"}).status_code == 201
    again = who.post(f"/api/v1/advice/{asked['id']}/replay").json()
    assert again["same"] is True, again["changed_since"]
    ward.service.refresh(id_)
    assert who.get(f"/api/v1/patients/{id_}").json()["summary"]["answered"] == "accepted"

    # as FHIR: an instruction for each amount, on its days, by mouth
    sent = who.get(f"/api/v1/advice/{asked['id']}/fhir").json()
    order = next(e["resource"] for e in sent["entry"] if e["resource"]["resourceType"] == "MedicationRequest")
    MedicationRequest.model_validate(order)
    days = [d for i in order["dosageInstruction"] for d in i["timing"]["repeat"]["dayOfWeek"]]
    assert sorted(days) == sorted(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
    assert {i["route"]["coding"][0]["display"] for i in order["dosageInstruction"]} == {"Oral route"}
    assert sum(i["doseAndRate"][0]["doseQuantity"]["value"] * len(i["timing"]["repeat"]["dayOfWeek"])
               for i in order["dosageInstruction"]) == pytest.approx(sum(regimen["week"]))  # fmt: skip
    assert "newborn" not in json.dumps(sent)

    # a card says nothing of the order that was advised, and speaks of twice as much
    with ward.service.store.read() as conn:
        row = ward.service.reach(THE_SERVICE).advice(conn, asked["id"])
    issued = issued_as(row, f"Patient/{id_}")
    assert is_for("calmin", order)
    assert order_card(issued, order, None) is None
    twice = json.loads(json.dumps(order))
    for i in twice["dosageInstruction"]:
        i["doseAndRate"][0]["doseQuantity"]["value"] *= 2
    card = order_card(issued, twice, None)
    assert card is not None
    assert (card["indicator"], "calmin" in card["summary"]) == ("critical", True)


def test_what_forbids_a_strange_therapy_is_read_again(ward: Running) -> None:
    who = ward.as_("pharmacist", wards=["*"])
    id_ = adult(who, "MED")
    record(who, id_, tablets())
    ward.service.refresh(id_)
    told = {"at": datetime.now(UTC).isoformat(), "body": {"kind": "measured", "quantity": "CYP2C9_3", "value": 2, "unit": "1"}}
    record(who, id_, [told])
    ward.service.refresh(id_)
    summary = who.get(f"/api/v1/patients/{id_}").json()["summary"]
    assert summary["status"] == "refuse"
    assert "alleles forbid calmin" in json.dumps(who.get(f"/api/v1/patients/{id_}/twin").json()["answer"]["reasons"])
    asked = ward.as_("prescriber", wards=["*"]).post(f"/api/v1/patients/{id_}/advice", json={}).json()
    with ward.service.store.read() as conn:
        row = ward.service.reach(THE_SERVICE).advice(conn, asked["id"])
    card = advice_card(issued_as(row, f"Patient/{id_}"), None, suggest=False)
    assert (card["indicator"], card["summary"]) == ("critical", "Do not give calmin: two alleles forbid calmin")


def logged_in(running: Running) -> httpx.Client:
    client = running.as_()
    answer = client.post("/login", data={"username": "pharmacist", "password": "pharmacist"})
    assert answer.status_code == 303, answer.text
    return client


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, page[:500]
    return html.unescape(found[1])


def test_the_page_of_a_strange_therapy(demo: Running) -> None:
    client = logged_in(demo)
    service = demo.service
    new = NewPatient(ward="NICU-demo", label="Room 7", sex="male", synthetic=True,
                     person=Person(birth=datetime(1961, 3, 4, tzinfo=UTC)))  # fmt: skip
    id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))
    facts = [(id_, NewFact.model_validate(e)) for e in tablets()]
    service.change(THE_SERVICE, lambda conn, r: service.ledger.record(conn, THE_SERVICE, facts, r.now))
    service.refresh(id_)

    listed = client.get("/").text
    assert "Room 7" in listed
    assert "calm" in listed
    page = client.get(f"/patient/{id_}")
    assert page.status_code == 200
    words = html.unescape(re.sub(r"<[^>]+>", " ", page.text))
    assert "mg/kg" not in words
    for option in ("INR", "dose:calmin", "CYP2C9_3", "dose:amikacin"):
        assert f'value="{option}"' in page.text
    assert "calmin" in words

    # typed in: a result, a dose, and what cannot be
    at = service.clock.now().replace(tzinfo=None).isoformat(timespec="minutes")
    form = {"csrf": csrf_of(page.text), "at": at}
    answer = client.post(f"/patient/{id_}/enter", data=form | {"kind": "INR", "value": "2.4", "unit": "1"})
    assert answer.status_code == 303, html.unescape(re.sub(r"<[^>]+>", " ", answer.text))[:3000]
    answer = client.post(f"/patient/{id_}/enter", data=form | {"kind": "dose:calmin", "value": "12", "unit": "mg"})
    assert answer.status_code == 303, html.unescape(re.sub(r"<[^>]+>", " ", answer.text))[:3000]
    answer = client.post(f"/patient/{id_}/enter", data=form | {"kind": "INR", "value": "240", "unit": "1"})
    assert answer.status_code == 422
    assert "allowed 0.5 to 15" in answer.text
    answer = client.post(f"/patient/{id_}/enter", data=form | {"kind": "WT", "value": "82", "unit": "kg"})
    assert answer.status_code == 303, "an adult may weigh as much"
    events = client.get(f"/api/v1/patients/{id_}/events").json()["events"]
    assert [(e["kind"], e["body"].get("infusion_h")) for e in events][-3:] == [
        ("measured", None),
        ("dose", 0.0),
        ("covariate", None),
    ]

    # accepted on the page, and shown so
    page = client.get(f"/patient/{id_}").text
    state = re.search(r'name="state" value="([0-9a-f]+)"', page)
    assert state
    answer = client.post(f"/patient/{id_}/answer", data={"csrf": csrf_of(page), "state": state[1], "decision": "accepted"})
    assert answer.status_code == 303, html.unescape(re.sub(r"<[^>]+>", " ", answer.text))[:3000]
    assert "accepted" in client.get(answer.headers["location"]).text

    # another therapy is asked for by name, never by a path
    other = client.get(f"/patient/{id_}", params={"therapy": "amikacin_neonate"})
    assert other.status_code == 200
    assert client.get(f"/patient/{id_}", params={"therapy": str(STRANGE)}).status_code == 404


def test_two_therapies_in_one_patient_have_a_line_and_a_page_each(ward: Running) -> None:
    who = ward.as_("pharmacist", "prescriber", wards=["*"])
    id_ = new_patient(who)
    record(who, id_, course())
    ward.service.refresh(id_)
    assert [x["therapy"] for x in who.get("/api/v1/patients").json()["patients"]] == ["amikacin_neonate"]
    before = who.get(f"/api/v1/patients/{id_}/twin").json()["answer"]["regimen"]

    asked = who.post(f"/api/v1/patients/{id_}/advice", json={"therapy": "calm"})
    assert asked.status_code == 201, asked.text
    ward.service.refresh(id_)
    lines = {x["therapy"]: x for x in who.get("/api/v1/patients").json()["patients"]}
    assert set(lines) == {"amikacin_neonate", "calm"}, "what was asked for runs from then on"
    assert lines["calm"]["summary"]["kidney"]["last"] is None
    assert lines["amikacin_neonate"]["summary"]["kidney"]["last"]["value"] > 0
    assert who.get(f"/api/v1/patients/{id_}/twin").json()["answer"]["regimen"] == before
    assert who.get(f"/api/v1/patients/{id_}/twin", params={"therapy": "calm"}).json()["therapy"] == "calm"

    # an answer to one is none to the other
    said = {"decision": "overridden", "reason": "not wanted"}
    assert who.post(f"/api/v1/advice/{asked.json()['id']}/answer", json=said).status_code == 201
    ward.service.refresh(id_)
    lines = {x["therapy"]: x["summary"]["answered"] for x in who.get("/api/v1/patients").json()["patients"]}
    assert lines == {"amikacin_neonate": None, "calm": "overridden"}


def test_a_ward_has_its_usual_therapy_before_anything_is_on_record(ward: Running) -> None:
    who = ward.as_("pharmacist", wards=["*"])
    for name, expected in (("MED", "calm"), (WARD, "amikacin_neonate")):
        id_ = adult(who, name)
        ward.service.refresh(id_)
        assert who.get(f"/api/v1/patients/{id_}/twin").json()["therapy"] == expected
    # its drug is given after all: the usual one's line goes
    record(who, id_, tablets())
    ward.service.refresh(id_)
    assert [x["therapy"] for x in who.get("/api/v1/patients", params={"ward": WARD}).json()["patients"]] == ["calm"]


def test_a_dose_that_names_no_drug_is_of_the_wards_first_therapy(ward: Running) -> None:
    """One by one, together and as a correction: never the drug of another ward's babies."""
    who = ward.as_("pharmacist", wards=["*"])
    now = ward.service.clock.now().isoformat()
    for name, expected in (("MED", "calmin"), (WARD, "amikacin")):
        id_ = adult(who, name)
        dose = {"at": now, "body": {"kind": "dose", "amount": 20.0}, "confirmed": {"reason": "as charted on paper"}}
        one = who.post(f"/api/v1/patients/{id_}/events", json=dose)
        assert one.status_code == 201, one.text
        ordered = {"at": now, "patient_id": id_, "body": {"kind": "ordered", "status": "new"}}
        assert who.post("/api/v1/events", json={"events": [ordered]}).status_code == 201
        right = {"reason": "a slip of the pen", "event": dose | {"body": {"kind": "dose", "amount": 10.0}}}
        mended = who.post(f"/api/v1/patients/{id_}/events/{one.json()['id']}/correction", json=right)
        assert mended.status_code == 201, mended.text
        told = {e["kind"]: e["body"] for e in who.get(f"/api/v1/patients/{id_}/events").json()["events"]}
        assert (told["dose"]["drug"], told["ordered"]["drug"], told["correction"]["body"]["drug"]) == (expected,) * 3
    assert "default" not in Dose.model_json_schema()["properties"]["drug"]  # nor does the API's description say otherwise


def test_a_client_only_names_what_is_installed(ward: Running) -> None:
    who = ward.as_("pharmacist", "prescriber", "model-admin", wards=["*"])
    id_ = adult(who)
    for name in (str(STRANGE), "../calmin.py", "warfarin_inr", "bed_pool"):
        assert who.post(f"/api/v1/patients/{id_}/advice", json={"therapy": name}).status_code == 422
        assert who.get(f"/api/v1/patients/{id_}/predictions", params={"therapy": name}).status_code == 422
    assert (
        who.post(f"/api/v1/patients/{id_}/advice", json={"model": str(STRANGE.with_name("calmin_model.py"))}).status_code == 422
    )
    names = [t["name"] for t in who.get("/api/v1/therapies").json()["therapies"]]
    assert names == ["amikacin_neonate", "calm"]
    assert who.get("/api/v1/models/calmin_model").json()["drug"] == "calmin"
    with pytest.raises(DosetwinError):
        require_listed(str(STRANGE))


@pytest.mark.parametrize(("words", "where"), [
    ({"therapies": "nothing_listed"}, "therapy"),
    ({"therapies": "amikacin_neonate, amikacin_neonate"}, "DOSETWIN_THERAPIES"),
    ({"therapies": "bed_pool"}, "DOSETWIN_THERAPIES"),
    ({"therapies": "amikacin_neonate@warfarin_hamberg_2010"}, "DOSETWIN_THERAPIES"),
    ({"usual": "MED=calm"}, "DOSETWIN_USUAL"),
    ({"therapies": str(STRANGE), "kidney": "filter"}, "DOSETWIN_KIDNEY"),
])  # fmt: skip
def test_what_cannot_be_installed_is_named(words: dict[str, Any], where: str, tmp_path: Path) -> None:
    with pytest.raises(DosetwinError) as refused:
        install(Settings(demo=True, data_dir=tmp_path, **words))
    assert getattr(refused.value, "where", "") == where


def test_settings_of_before_keep_working() -> None:
    settings = Settings.from_environment({"DOSETWIN_POLICY": "amikacin_neonate", "DOSETWIN_MODEL": "amikacin_decock_2012"})
    assert [(f.name, f.model) for f in install(settings).followed] == [("amikacin_neonate", "amikacin_decock_2012")]
    assert len(settings.superseded) == 2
    assert install(Settings()).names == ("amikacin_neonate",)


def test_a_list_watches_what_moves_its_therapies() -> None:
    watched = {name: [t.name for t in install(Settings(therapies=name)).watched] for name in ("amikacin_neonate", "warfarin_inr")}
    assert watched == {"amikacin_neonate": ["kidney"], "warfarin_inr": []}


def test_an_alert_of_another_therapy_says_its_drug_and_what_is_about_the_patient_is_said_once() -> None:
    now = datetime(2026, 4, 13, 14, tzinfo=UTC)
    kidney = {"turning": True, "why": "creatinine rose"}
    summary = {"level_contradicts": [], "kidney": kidney, "hold": "", "status": "refuse", "reason": "nothing fits", "doses": 1,
               "due_at": None, "answered": None, "last_dose": None, "drug": "calmin"}  # fmt: skip
    usual, other = (causes(summary, now, timedelta(hours=1), of) for of in ("", "calm"))
    assert [c.code for c in of_patient([*usual, *other])] == ["kidney_turning"], "one alert for one kidney"
    calm = summary | {"kidney": {"turning": False, "why": ""}}
    usual, other = (causes(calm, now, timedelta(hours=1), of) for of in ("", "calm"))
    assert usual[0].about != other[0].about
    assert {c.said for c in (*usual, *other)} == {"calmin: no order is acceptable now (nothing fits): decide by hand"}


def test_whoever_is_far_from_anybody_studied_is_not_followed_unasked() -> None:
    followed = {f.name: f for f in install(Settings(therapies="amikacin_neonate, vancomycin_adult, warfarin_inr")).followed}
    fits = {name: [f.fits(years) for years in (None, 3 / 365, 70.0)] for name, f in followed.items()}
    adults = [True, False, True]
    assert fits == {"amikacin_neonate": [True, True, False], "vancomycin_adult": adults, "warfarin_inr": adults}


def test_a_device_goes_all_the_way(tmp_path: Path, token: Callable[..., str]) -> None:
    """A ventilated man: what is set and measured is recorded like any value; the answer is settings, as FHIR a DeviceRequest."""
    settings = Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=100, twin_processes=0, therapies="ventilator_ards")
    with Running(settings, token, background=False) as ward:
        client, service = logged_in(ward), ward.service
        new = NewPatient(ward="NICU-demo", label="Room 9", sex="male", synthetic=True,
                         person=Person(birth=datetime(1961, 3, 4, tzinfo=UTC)))  # fmt: skip
        id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))
        then = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
        set_ = {"VT": (480.0, "mL"), "RR": (18.0, "1/min"), "PEEP": (8.0, "cmH2O"), "FIO2": (0.5, "1"), "HT": (175.0, "cm"),
                "HCO3": (24.0, "mmol/L")}  # fmt: skip
        found = {"PPLAT": (31.0, "cmH2O"), "PACO2": (52.0, "mm[Hg]"), "PH": (7.28, "1"), "SAO2": (0.90, "1")}
        facts = [
            (id_, NewFact.model_validate({"at": then + timedelta(hours=h), "body": {"kind": "measured", "quantity": q, "value": v,
                                                                                    "unit": u}}))
            for h, values in ((0.0, set_), (1.5, found)) for q, (v, u) in values.items()
        ]  # fmt: skip
        service.change(THE_SERVICE, lambda conn, r: service.ledger.record(conn, THE_SERVICE, facts, r.now))
        service.refresh(id_)
        assert "ventilator" in client.get("/").text
        page = client.get(f"/patient/{id_}")
        assert page.status_code == 200
        for words in ("Set inspired oxygen", "In force from", "plateau pressure", "Settings, ranked", "Say in it what is set"):
            assert words in page.text, words
        assert not re.search(r"First dose of this regimen|Dose instead|regimens were", page.text)

        asked = service.ask(THE_SERVICE, id_)
        regimen = asked["answer"]["regimen"]
        assert set(regimen["settings"]) == {"VT", "RR", "PEEP", "FIO2"}
        with service.store.read() as conn:
            row = service.reach(THE_SERVICE).advice(conn, asked["id"])
        drafts = {e["resource"]["resourceType"]: e["resource"] for e in bundle(issued_as(row, f"Patient/{id_}"))["entry"]}
        DeviceRequest.model_validate(drafts["DeviceRequest"])
        assert "MedicationRequest" not in drafts
        values = {p["code"]["text"]: p["valueQuantity"] for p in drafts["DeviceRequest"]["parameter"]}
        assert values["tidal volume"]["value"] == regimen["settings"]["VT"]
        assert values["positive end-expiratory pressure"]["code"] == "cm[H2O]"
        assert drafts["DeviceRequest"]["occurrenceDateTime"] == regimen["first_at"]

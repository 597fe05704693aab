"""Which kidney the service asks with: the setting, one question's own choice, questions kept before there was one, the page."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dosetwin.errors import InputError
from dosetwin.forecast.kidney import teller as kidneys
from dosetwin.serve.app import create_app
from dosetwin.serve.audit import digest
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.settings import Settings
from dosetwin.serve.twins import KeptQuestion, answer, state_hash
from service.conftest import Running, course, new_patient, record
from service.test_web import NOW, Still, person, token_of

BORN = NOW - timedelta(days=6)


def started(folder: Path, **changed: Any) -> Running:
    words = {"demo": True, "data_dir": folder, "demo_babies": 0, "draws": 200, "login_per_minute": 1000}
    settings = Settings(**(words | {"rate_per_minute": 100_000} | changed))
    return Running(settings, lambda *a, **k: "", clock=Still(), background=False)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with started(tmp_path_factory.mktemp("kidney")) as running:
        yield running


def rising(demo: Running) -> str:
    """A made-up baby whose creatinine has doubled in a day and goes on rising."""
    client = signed_in(demo)
    born = {"name": "Mina Madeup", "identifiers": {}, "birth": BORN.isoformat()}
    patient = new_patient(client, ward="NICU-demo", person=born, at=BORN.isoformat())
    first = NOW - timedelta(hours=30)

    def event(h: float, **body: Any) -> dict[str, Any]:
        return {"at": (first + timedelta(hours=h)).isoformat(), "body": body}

    scr = [
        event(h, kind="creatinine", value=v, unit="mg/dL", assay="idms") for h, v in ((-60, 0.7), (-12, 0.7), (5, 1.1), (28, 1.9))
    ]
    record(client, patient, [event(-1, kind="covariate", name="WT", value=1080, unit="g"), *scr,
                             event(0, kind="dose", amount=17.6, infusion_h=0.5)])  # fmt: skip
    demo.service.refresh(patient)
    return patient


def signed_in(demo: Running) -> Any:
    client = demo.as_()
    who = client.post("/api/v1/session", json={"username": "pharmacist", "password": "pharmacist"}).json()
    client.headers["x-csrf-token"] = who["csrf"]
    return client


def test_an_unknown_kidney_or_one_for_a_model_without_filtration_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="DOSETWIN_KIDNEY"):
        Settings.from_environment({"DOSETWIN_DEMO": "1", "DOSETWIN_KIDNEY": "liver"})
    words = {"DOSETWIN_DEMO": "1", "DOSETWIN_DATA_DIR": str(tmp_path), "DOSETWIN_KIDNEY": "filter",
             "DOSETWIN_MODEL": "gentamicin_germovsek_2016"}  # fmt: skip
    with pytest.raises(InputError, match="no filtration") as refused:
        create_app(Settings.from_environment(words))
    assert refused.value.where == "DOSETWIN_KIDNEY"


@pytest.mark.slow
def test_one_question_may_name_its_kidney_and_is_replayed_with_it(running: Running) -> None:
    client = running.as_("prescriber")
    patient = new_patient(client)
    record(client, patient, course())
    url = f"/api/v1/patients/{patient}/advice"
    usual, other = client.post(url, json={}).json(), client.post(url, json={"kidney": "filter"}).json()
    assert usual["inputs"]["kidney"] == usual["answer"]["provenance"]["kidney"]["asked"] == kidneys.DEFAULT
    assert usual["answer"]["provenance"]["kidney"]["used"] in ("learned", "filter", "mechanistic")
    assert other["inputs"]["kidney"] == other["answer"]["kidney"]["used"] == "filter"
    assert other["answer"]["kidney"]["creatinine_measured_mg_per_dL"]
    assert client.post(f"/api/v1/advice/{other['id']}/replay").json()["same"]
    refused = client.post(url, json={"kidney": "liver"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "kidney")
    nothing = client.post(url, json={"kidney": "filter", "model": "amikacin_neonate_kidney"})
    assert (nothing.status_code, nothing.json()["errors"][0]["field"]) == (422, "kidney")


def test_the_setting_is_what_every_twin_is_asked_with(tmp_path: Path) -> None:
    with started(tmp_path, kidney="filter") as service:
        patient = rising(service)
        client = signed_in(service)
        twin = client.get(f"/api/v1/patients/{patient}/twin").json()
        assert twin["answer"]["provenance"]["kidney"]["used"] == "filter"
        assert "the ward" in person(service).get(f"/patient/{patient}").text


def test_a_question_kept_before_kidneys_could_be_chosen_means_what_it_meant(
    demo: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, patient = demo.service, rising(demo)
    with service.store.read() as conn:
        known = service.known(conn, service.reach(THE_SERVICE), patient)
    said = replace(service.question(), told=None).to_json()
    assert not {"kidney", "kidney_hash"} & set(said)
    old = KeptQuestion.from_json(said)
    settings = {k: v for k, v in said.items() if k not in ("now", "sensitivity")}
    assert state_hash(known, old) == digest([settings, known.clinical, known.identity_version]), "as it was computed then"
    assert state_hash(known, old) != state_hash(known, service.question())

    from dosetwin import models
    from dosetwin.advise import Question, advise
    from dosetwin.serve.twins import hours, therapy_of

    timeline = known.timeline("amikacin")
    question = Question(therapy_of(old.policy), (models.load(old.model),), now=hours(timeline, old.now), seed=old.seed,
                        draws=old.draws, told="mechanistic")  # fmt: skip
    then = advise(timeline, question).recommendation.to_json()
    # as it was kept: the usual kidney of that time, which nobody had asked for
    then["kidney"]["asked"] = then["provenance"]["kidney"]["asked"] = None
    assert then["kidney"]["used"] == "mechanistic"
    who = demo.app.state.service.reach(THE_SERVICE).who
    issued = service.store.write(lambda conn: service.ledger.issue_advice(
        conn, who, patient, through_seq=known.through, inputs=said, answer=then, now=NOW, identity_version=known.identity_version
    ))  # fmt: skip
    for default in ("mechanistic", "filter"):
        monkeypatch.setattr(kidneys, "DEFAULT", default)
        again = service.replay(who, issued)
        assert again["same"], (default, again["changed_since"])
    assert answer(known, old).outlooks[0].used == "mechanistic"  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["evidence", "learned", "mechanistic"])
def test_an_answer_of_the_flagships_earlier_files_is_replayed_as_the_same(demo: Running, name: str) -> None:
    """Their hashes and titles stand in it; the numbers are known to be today's (tests/reference/test_earlier_files.py)."""
    from dosetwin.serve.earlier import GENERATIONS, told_hashes

    service, patient = demo.service, rising(demo)
    with service.store.read() as conn:
        known = service.known(conn, service.reach(THE_SERVICE), patient)
    question = replace(service.question(), told=name)
    said, inputs = answer(known, question).recommendation.to_json(), question.to_json()
    files = GENERATIONS[0]
    assert said["provenance"]["models"][0]["name"] == ("amikacin_neonate" + ("" if name == "mechanistic" else "_kidney"))
    assert inputs["model_hash"] != files["amikacin_neonate"]

    def as_then(sha256: str) -> dict[str, Any]:
        models = [{**m, "hash": sha256, "title": "As it was called then."} for m in said["provenance"]["models"]]
        told = {"model_hash": files["amikacin_neonate"], "kidney_hash": next(told_hashes(name, "amikacin_neonate"))}
        kept = {**said, "provenance": {**said["provenance"], "models": models}}
        who = service.reach(THE_SERVICE).who
        issued = service.store.write(lambda conn: service.ledger.issue_advice(
            conn, who, patient, through_seq=known.through, inputs=inputs | told, answer=kept, now=NOW,
            identity_version=known.identity_version,
        ))  # fmt: skip
        return service.replay(who, issued)

    then = as_then(files[said["provenance"]["models"][0]["name"]])
    assert (then["same"], then["changed_since"]) == (True, {})
    assert not as_then("0" * 64)["same"], "nobody knows that file"


def test_new_weights_are_named_when_a_replay_differs(demo: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    patient = rising(demo)
    client = signed_in(demo)
    asked = client.post(f"/api/v1/patients/{patient}/advice", json={"kidney": "filter"}).json()
    from dosetwin.serve import twins

    monkeypatch.setattr(twins, "told_hash", lambda told, model: "another")
    found = client.post(f"/api/v1/advice/{asked['id']}/replay").json()
    assert found["changed_since"]["kidney_hash"] == {"then": asked["inputs"]["kidney_hash"], "now": "another"}


def test_the_page_says_which_kidney_what_it_expects_tomorrow_and_warns(demo: Running) -> None:
    patient = rising(demo)
    text = person(demo).get(f"/patient/{patient}").text
    section = text.partition('id="kidney"')[2].partition("</section>")[0]
    assert "Kidney used: learned" in section, "the creatinine doubles: the usual kidney could not follow"
    assert re.search(
        r"Creatinine expected in 24 h: [\d.]+ mg/dL \(\d+ µmol/L\), a result between [\d.]+ and [\d.]+ mg/dL", section
    )
    assert re.search(r"Filtration on the day that starts then: [\d.]+ mL/min, 90 % between", section)
    assert "EARLY WARNING" in section
    assert "a warning is given from 30 %" in section
    assert "kidney injury expected" in text.partition("</section>")[0], "in the banner as well"


def test_another_kidney_is_asked_on_the_page_and_what_is_accepted_is_its_answer(demo: Running) -> None:
    patient = rising(demo)
    client = person(demo)
    plain, other = client.get(f"/patient/{patient}").text, client.get(f"/patient/{patient}?kidney=maturation").text
    assert "Asked with the maturation kidney" in other
    assert "Asked with the" not in plain
    assert "Kidney used: maturation" in other
    table = other.partition("The numbers behind the creatinine chart")[2].partition("</table>")[0]
    assert "1.90 measured" in table, "a table stands behind every chart, whatever the kidney draws"
    assert table.count(" forecast<") == 3
    followed = re.search(r'data-state="(\w+)"', plain)
    assert followed
    assert f'data-state="{followed[1]}"' in other, "the page goes on following the twin of the ward"
    state = re.search(r'name="state" value="(\w+)"', other)
    assert state
    assert state[1] != followed[1]
    form = {"csrf": token_of(other), "state": state[1], "decision": "overridden", "reason": "to compare", "kidney": "maturation"}
    assert client.post(f"/patient/{patient}/answer", data=form | {"kidney": ""}).status_code == 409, (
        "another answer than was shown"
    )
    done = client.post(f"/patient/{patient}/answer", data=form)
    assert done.headers["location"].endswith("?said=overridden&kidney=maturation")
    advice = signed_in(demo).get(f"/api/v1/patients/{patient}/advice").json()["advice"]
    kept = signed_in(demo).get(f"/api/v1/advice/{advice[0]['id']}").json()
    assert kept["inputs"]["kidney"] == "maturation"
    assert "maturation kidney" in client.get(f"/patient/{patient}").text.partition('id="decide"')[2][:600]
    assert client.get(f"/patient/{patient}?kidney=liver").status_code == 422
    tried = client.get(f"/patient/{patient}/whatif?amount=15&interval=36&delay=1&sample=20&kidney=maturation")
    assert tried.status_code == 200


def test_a_second_drug_of_the_same_baby_is_warned_of_on_its_page_and_is_no_dose_of_the_first(demo: Running) -> None:
    patient, client = rising(demo), signed_in(demo)
    page = person(demo).get(f"/patient/{patient}").text
    assert "are given together" not in page
    at = (NOW - timedelta(hours=8)).isoformat()
    record(client, patient, [{"at": at, "body": {"kind": "dose", "drug": "vancomycin", "amount": 16.0, "infusion_h": 1.0}}])
    demo.service.refresh(patient)
    page = person(demo).get(f"/patient/{patient}").text
    assert "amikacin and vancomycin are given together" in page
    answered = client.post(f"/api/v1/patients/{patient}/advice", json={}).json()
    assert "interaction_nephrotoxic" in {f["code"] for f in answered["answer"]["findings"]}
    with demo.service.store.read() as conn:
        known = demo.service.known(conn, demo.service.reach(THE_SERVICE), patient)
    assert [d.drug for d in known.timeline("amikacin").of("amikacin").doses] == ["amikacin"]
    assert client.post(f"/api/v1/advice/{answered['id']}/replay").json()["same"]

"""On the page: what is planned for other drugs is entered and withdrawn; two orders are chosen together when somebody asks."""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from dosetwin.serve import pair
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.pair import partners
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact, NewPatient, Person
from service.conftest import Running, course


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, token: Callable[..., str]) -> Iterator[Running]:
    settings = Settings(demo=True, data_dir=tmp_path_factory.mktemp("together"), demo_babies=0, draws=100, twin_processes=0,
                        therapies="amikacin_neonate, vancomycin_neonate")  # fmt: skip
    with Running(settings, token, background=False) as running:
        yield running


@pytest.fixture(scope="module")
def client(ward: Running) -> httpx.Client:
    """A pharmacist at a screen."""
    found = ward.as_()
    answer = found.post("/login", data={"username": "pharmacist", "password": "pharmacist", "next": "/"})
    assert answer.status_code == 303, answer.text
    found.headers["X-CSRF-Token"] = found.get("/api/v1/session").json()["csrf"]
    return found


@pytest.fixture(scope="module")
def baby(ward: Running) -> str:
    """On both drugs since yesterday, with a level of amikacin."""
    service = ward.service
    new = NewPatient(ward="NICU-demo", label="Bed 1", sex="female", GA_weeks=29.0, birth_weight_kg=1.1, synthetic=True,
                     person=Person(birth=service.clock.now() - timedelta(days=3)))  # fmt: skip
    id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))
    events = course()
    begun = next(e["at"] for e in events if e["body"]["kind"] == "dose")
    events.append({"at": begun, "body": {"kind": "dose", "drug": "vancomycin", "amount": 16.0, "infusion_h": 1.0}})
    facts = service.named(THE_SERVICE, [(id_, NewFact.model_validate(e)) for e in events])
    service.change(THE_SERVICE, lambda conn, r: service.ledger.record(conn, THE_SERVICE, [(id_, f) for f in facts], r.now))
    return id_


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]


def plans(ward: Running, id_: str) -> list[dict[str, Any]]:
    with ward.service.store.read() as conn:
        return [f["body"] for f in ward.service.reach(THE_SERVICE).facts(conn, id_) if f["kind"] == "planned"]


def test_a_plan_is_entered_refused_with_what_was_typed_and_withdrawn(ward: Running, client: httpx.Client, baby: str) -> None:
    page = client.get(f"/patient/{baby}")
    start = (ward.service.clock.now() + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M")
    form = {"csrf": csrf_of(page.text), "drug": "ibuprofen", "action": "begins", "start": start, "amount": "11,5", "every": "24",
            "over": "0.5"}  # fmt: skip
    for field, value, told in (("amount", "1e9", "allowed 0.0001 to"), ("every", "0.5", "allowed 1 to 672 h"),
                               ("over", "36", "longer than until the next one"),
                               ("start", "2062-01-01T00:00", "allowed"), ("drug", "aspirine", "choose a drug")):  # fmt: skip
        bad = client.post(f"/patient/{baby}/plan", data=form | {field: value})
        assert bad.status_code == 422, field
        wrong = re.search(rf'id="p-{field}-wrong">([^<]*)<', bad.text)
        assert wrong, field
        assert told in wrong[1]
        kept = {"amount": "11,5", "every": "24", "start": start} | ({field: value} if field != "drug" else {})
        assert all(f'value="{v}"' in bad.text for v in kept.values())
    assert plans(ward, baby) == []
    assert client.post(f"/patient/{baby}/plan", data=form | {"csrf": "guess"}).status_code == 403
    done = client.post(f"/patient/{baby}/plan", data=form)
    assert done.status_code == 303, done.text
    assert [(p["drug"], p["amount_mg"], p["every_h"], p["infusion_h"]) for p in plans(ward, baby)] == [
        ("ibuprofen", 11.5, 24.0, 0.5)
    ]
    shown = client.get(f"/patient/{baby}", headers={"Accept-Language": "de"}).text
    assert "ibuprofen 11,5 mg über 30 min alle 24 h beginnt" in shown.lower()
    assert client.post(f"/patient/{baby}/plan", data={"csrf": form["csrf"], "withdraw": "warfarin"}).status_code == 422
    assert client.post(f"/patient/{baby}/plan", data={"csrf": form["csrf"], "withdraw": "ibuprofen"}).status_code == 303
    assert [p["action"] for p in plans(ward, baby)] == ["begins", "withdrawn"]
    assert 'name="withdraw"' not in client.get(f"/patient/{baby}").text
    ends = client.post(f"/patient/{baby}/plan", data=form | {"action": "ends"})
    assert ends.status_code == 303, "an end has no dose, whatever stands in its fields"


def test_two_orders_are_chosen_together_when_somebody_asks(ward: Running, client: httpx.Client, baby: str) -> None:
    page = client.get(f"/patient/{baby}?therapy=amikacin_neonate")
    link = re.search(r'href="(/patient/[^"]*with=vancomycin_neonate[^"]*)"', page.text)
    assert link, "the harm of both is declared"
    assert len(ward.service.pairs) == 0, "worked out only on demand"
    shown = client.get(html.unescape(link[1]), headers={"Accept-Language": "de"}).text
    said = client.post(f"/api/v1/patients/{baby}/pair", json={"therapy": "amikacin_neonate", "with": "vancomycin_neonate"})
    assert said.status_code == 200, said.text
    assert len(ward.service.pairs) == 1, "asked by page and by API, worked out once"
    found = said.json()
    assert found["status"] in ("recommend", "caution"), found["reasons"]
    assert found["chosen"]["acceptable"]
    assert found["harms"][0]["name"] == "kidney"
    assert found["pairs"][0] == found["chosen"]
    assert all(p["loss"] >= found["pairs"][1]["loss"] for p in found["pairs"][1:])
    assert "Gemeinsam gewählt" in shown
    assert shown.split('id="pair"')[1].split("</section>")[0].count("<tr class=") >= len(found["pairs"])
    for two, status in (({"with": "amikacin_neonate"}, 422), ({"with": "warfarin_inr"}, 422), ({}, 422)):
        assert client.post(f"/api/v1/patients/{baby}/pair", json=two).status_code == status
    assert ward.as_().post(f"/api/v1/patients/{baby}/pair", json={"with": "vancomycin_neonate"}).status_code == 401


def test_a_drug_that_does_not_run_is_no_partner(ward: Running, baby: str) -> None:
    service = ward.service
    amikacin = service.installed["amikacin_neonate"]
    with service.store.read() as conn:
        known = service.known(conn, service.reach(THE_SERVICE), baby)
    assert [f.name for f in partners(service, known, amikacin)] == ["vancomycin_neonate"]
    alone = replace(known, facts=[f for f in known.facts if f["body"].get("drug") != "vancomycin"])
    assert partners(service, alone, amikacin) == ()


def test_who_waits_too_long_for_others_pairs_is_told_so(
    ward: Running, client: httpx.Client, baby: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair, "PATIENCE_S", 0.01)
    two = {"therapy": "amikacin_neonate", "with": "vancomycin_neonate"}
    with pair._ONE:
        said = client.post(f"/api/v1/patients/{baby}/pair", json=two)
        assert (said.status_code, said.json()["title"], said.headers["Retry-After"]) == (503, "busy", "5")
    assert client.post(f"/api/v1/patients/{baby}/pair", json=two).status_code == 200

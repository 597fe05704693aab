"""What the service makes of facts: timelines whatever the order of arrival, the ward list's flags, the made-up ward."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dosetwin.checks.record import check
from dosetwin.forecast.tells import listed
from dosetwin.populations.made_up import STORIES, babies
from dosetwin.serve import demo
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact, Person
from dosetwin.serve.timeline import in_force, timeline_of
from dosetwin.serve.told import turning as turned
from dosetwin.serve.wardlist import line, ordered
from service.conftest import Running, course

NOW = datetime(2026, 4, 13, 14, 0, tzinfo=UTC)


def fact(k: int, kind: str, at: datetime, body: dict[str, Any]) -> dict[str, Any]:
    return {"id": f"{k:08d}-x", "seq": k, "kind": kind, "at": at, "body": body, "hash": str(k)}


def facts_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [NewFact.model_validate(e) for e in events]
    return [fact(k, e.body.kind, e.at, e.body.canonical()) for k, e in enumerate(found, 1)]


def test_the_order_of_arrival_does_not_matter() -> None:
    facts = facts_of(course())
    expected = timeline_of("p", facts, Person(), "amikacin")
    assert [d.time for d in expected.doses] == [0.0]
    assert [o.time for o in expected.observations] == [-1.5, 1.0, 22.5]
    for seed in range(10):
        shuffled = random.Random(seed).sample(facts, len(facts))
        assert timeline_of("p", shuffled, Person(), "amikacin") == expected


def test_units_are_canonical_inside() -> None:
    timeline = timeline_of("p", facts_of(course()), Person(), "amikacin")
    assert timeline.series("WT") == ((-1.0, 1.08),)
    assert timeline.series("SCR")[0][1] == pytest.approx(62 / 88.4)
    grams = facts_of([{"at": NOW, "body": {"kind": "dose", "amount": 0.0176, "unit": "g"}}])
    assert timeline_of("p", grams, Person(), "amikacin").doses[0].amount == pytest.approx(17.6)


def test_the_last_correction_holds() -> None:
    facts = facts_of(course())
    level = facts[-1]
    right = NewFact.model_validate({"at": level["at"], "body": {"kind": "level", "value": 5.0}})
    replaced = fact(8, "correction", NOW, {"corrects": level["id"], "action": "replace", "at": right.at.isoformat(),
                                           "body": right.body.canonical()})  # fmt: skip
    taken_back = fact(9, "correction", NOW, {"corrects": level["id"], "action": "retract"})
    assert in_force([*facts, replaced])[-1]["body"]["mg_per_L"] == 5.0
    assert len(in_force([*facts, replaced, taken_back])) == len(facts) - 1
    assert len(in_force([*facts, taken_back, replaced])) == len(facts)


@pytest.mark.parametrize(
    ("values", "turning"),
    [
        ([], False),
        ([(0, 0.9)], False),
        ([(0, 0.6), (47, 0.89)], False),
        ([(0, 0.6), (47, 0.90)], True),  # a rise of 0.3 mg/dL within 48 h
        ([(0, 0.7), (49, 1.01)], False),  # the same rise, later than 48 h, less than 1.5 times
        ([(0, 0.6), (100, 0.91)], True),  # 1.5 times the lowest of 7 days
        ([(0, 0.6), (170, 0.91)], False),  # ... of more than 7 days ago
        ([(0, 1.2), (24, 0.8)], False),  # falling, as after birth
    ],
)
def test_a_kidney_turns_by_the_published_criteria(values: list[tuple[float, float]], turning: bool) -> None:
    care = [fact(k, "creatinine", NOW + timedelta(hours=h), {"mg_per_dL": v}) for k, (h, v) in enumerate(values)]
    assert turned(listed()["kidney"], care)["turning"] is turning


def row(**summary: Any) -> dict[str, Any]:
    usual = {"label": "Bed", "due_at": (NOW + timedelta(hours=20)).isoformat(), "answered": None, "level_contradicts": [],
             "status": "recommend", "kidney": {"turning": False}}  # fmt: skip
    return {"id": "x", "ward": "W", "synthetic": True, "head": 1, "through_seq": 1, "computed_at": NOW, "state_hash": "",
            "summary": usual | summary}  # fmt: skip


def test_the_ward_list_puts_first_who_needs_somebody() -> None:
    soon = (NOW + timedelta(hours=2)).isoformat()
    lines = [line(r, NOW) for r in (
        row(label="calm"), row(label="soon", due_at=soon), row(label="turning", kidney={"turning": True}),
        row(label="contradicts", level_contradicts=["a level"]), row(label="decided", due_at=soon, answered="accepted"),
        row(label="refused", status="refuse", due_at=None),
    )]  # fmt: skip
    assert [x["label"] for x in ordered(lines)[:3]] == ["contradicts", "soon", "refused"]
    assert {x["label"] for x in lines if x["needs_decision"]} == {"soon", "contradicts", "refused"}
    behind = line(row() | {"head": 5}, NOW)
    assert behind["behind"]
    assert line(row() | {"summary": None}, NOW)["behind"]


def test_the_made_up_ward_is_sound_and_says_that_it_is_made_up() -> None:
    made = babies(len(STORIES), NOW)
    keys = [e.key for b in made for e in b.events] + [b.key for b in made]
    assert len(set(keys)) == len(keys)
    assert all(demo.new(b).synthetic and "Madeup" in b.name for b in made)
    assert {b.story for b in made} == set(STORIES)
    for b in made:
        new, past = demo.new(b), [demo.fact(e) for e in b.events if e.at <= NOW]
        assert len(past) < len(b.events)
        told = [{"at": e.at, "body": e.body.model_dump()} for e in past]
        created = fact(0, "patient_created", NOW, new.model_dump(exclude={"person", "source_key", "at"}))
        timeline = timeline_of("p", [created, *facts_of(told)], new.person, "amikacin")
        assert not [f for f in check(timeline, timeline.at(NOW)) if f.severity == "error"], b.story
    again = babies(len(STORIES), NOW)
    assert [b.events for b in again] == [b.events for b in made]


@pytest.mark.slow
def test_the_demo_fills_its_ward_and_data_go_on_arriving(tmp_path: Path, token: Callable[..., str]) -> None:
    words = Settings(demo=True, data_dir=tmp_path, demo_babies=2, demo_speed=2000, rate_per_minute=100_000, workers=1)
    with Running(words, token) as service:
        client = service.as_()
        assert client.post("/api/v1/session", json={"username": "viewer", "password": "viewer"}).status_code == 201

        def events() -> int:
            ids = [p["id"] for p in client.get("/api/v1/patients").json()["patients"]]
            if len(ids) < 2:
                return 0
            return sum(len(client.get(f"/api/v1/patients/{i}/events").json()["events"]) for i in ids)

        until = time.monotonic() + 60
        seen: set[int] = set()
        while len(seen - {0}) < 3:
            assert time.monotonic() < until, seen
            seen.add(events())
            time.sleep(0.2)

"""A ward followed as a place: its facts arrive by API, page and the patients' own comings; it answers with beds and reasons."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.serve.places.record import Moves, place_of
from dosetwin.serve.web.places import _count
from dosetwin.serve.zone import Zone
from dosetwin.twins.place import Watched
from service.conftest import Running, settings_for

NOW = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
DAYS = 30


class Still:
    """A clock at one moment."""

    def now(self) -> datetime:
        return NOW


def visits() -> list[dict[str, Any]]:
    """Thirty days of a ward with enough beds, 5 arrivals a day and stays of 48 h."""
    rng = np.random.default_rng(5)
    out = []
    for k, t in enumerate(np.cumsum(rng.exponential(24 / 5, DAYS * 8))):
        begin = NOW - timedelta(days=DAYS) + timedelta(hours=float(t))
        end = begin + timedelta(hours=float(rng.exponential(48.0)))
        for what, at in ("asked", begin), ("admitted", begin), ("left", end):
            if at < NOW:
                out.append(
                    {
                        "at": at.isoformat(),
                        "source_key": f"bm/{k}/{what}",
                        "body": {"kind": "visit_seen", "name": f"v{k}", "what": what},
                    }
                )
    return out


@pytest.fixture(scope="module")
def ward(jwks_file: Path, token: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("places")
    settings = settings_for(
        f"sqlite:///{folder / 's.sqlite3'}", jwks_file, folder, places="NICU-1=bed_pool, NICU-2=bed_pool, NICU-3=bed_pool"
    )
    with Running(settings, token, clock=Still(), background=False) as running:
        yield running


def person(ward: Running, *roles: str, wards: Any = ("NICU-1",)) -> httpx.Client:
    """A client with a token of the clock's day."""
    return ward.as_(*roles, wards=wards, iat=int(NOW.timestamp()), exp=int(NOW.timestamp()) + 3600)


def test_facts_in_and_beds_out(ward: Running) -> None:
    client = person(ward, "pharmacist")
    empty = client.get("/api/v1/place", params={"ward": "NICU-1"}).json()
    assert empty["answer"] is None
    assert "say how many beds are open" in empty["why"]
    begin = (NOW - timedelta(days=DAYS)).isoformat()
    told = [{"at": begin, "source_key": "bm/beds", "body": {"kind": "beds_open", "beds": 14}},
            {"at": begin, "source_key": "bm/watch", "body": {"kind": "watch_began", "by": "told"}}, *visits()]  # fmt: skip
    assert client.post("/api/v1/place/events", params={"ward": "NICU-1"}, json=told).status_code == 201
    assert client.post("/api/v1/place/events", params={"ward": "NICU-1"}, json=told).status_code == 200
    found = client.get("/api/v1/place", params={"ward": "NICU-1"}).json()
    assert found["beds_open"] == 14
    seen = [e["body"] for e in told[2:]]
    assert found["in_bed"] == sum(b["what"] == "admitted" for b in seen) - sum(b["what"] == "left" for b in seen)
    answer = found["answer"]
    assert answer["status"] == "recommend"
    low, _, high = answer["provenance"]["models"][0]["load"]
    assert low < 10 < high
    assert 10 <= answer["order"]["values"]["beds"] <= 26
    assert answer["readings"]["share_within_0_4_0_14d of wait"]["p_goal"] >= 0.8
    assert client.get("/api/v1/place", params={"ward": "NICU-1"}).json() == found  # the same until something is told
    # beds opened: the answer is made anew, and the trail and the store still hold
    opened = {"at": NOW.isoformat(), "body": {"kind": "beds_open", "beds": 20, "advised": 20}}
    assert client.post("/api/v1/place/events", params={"ward": "NICU-1"}, json=[opened]).status_code == 201
    assert client.get("/api/v1/place", params={"ward": "NICU-1"}).json()["beds_open"] == 20
    with ward.service.store.read() as conn:
        assert ward.service.verified(conn).ok


@pytest.mark.parametrize(
    ("event", "status", "said"),
    [
        ({"at": NOW.isoformat(), "body": {"kind": "beds_open", "beds": -1}}, 422, "greater"),
        ({"at": NOW.isoformat(), "body": {"kind": "beds_open", "beds": 3.5}}, 422, "integer"),
        ({"at": "2031-01-01T00:00:00Z", "body": {"kind": "beds_open", "beds": 3}}, 422, "a moment that cannot be"),
        ({"at": NOW.isoformat(), "body": {"kind": "visit_seen", "name": "v1", "what": "slept"}}, 422, "admitted"),
        ({"at": NOW.isoformat(), "body": {"kind": "dose", "amount": 3}}, 422, "beds_open"),
    ],
)
def test_what_is_wrong_is_named_and_not_stored(ward: Running, event: dict[str, Any], status: int, said: str) -> None:
    client = person(ward, "pharmacist")
    answer = client.post("/api/v1/place/events", params={"ward": "NICU-1"}, json=[event])
    assert answer.status_code == status
    assert said in answer.text


def test_what_contradicts_the_record_undoes_the_whole_message(ward: Running) -> None:
    client = person(ward, "pharmacist", wards=["NICU-2"])
    at = [(NOW - timedelta(hours=h)).isoformat() for h in (9, 5, 1)]
    new = [
        {"at": a, "body": {"kind": "visit_seen", "name": "x", "what": w}}
        for a, w in zip(at, ("left", "admitted", "asked"), strict=True)
    ]
    answer = client.post("/api/v1/place/events", params={"ward": "NICU-2"}, json=new)
    assert answer.status_code == 422
    assert "wrong order" in answer.text
    assert client.get("/api/v1/place", params={"ward": "NICU-2"}).json()["answer"] is None


def test_a_slip_is_taken_back_and_both_stay_on_record(ward: Running) -> None:
    client = person(ward, "pharmacist", wards=["NICU-3"])

    def send(*events: dict[str, Any], status: int = 201) -> Any:
        new = [{"at": (NOW - timedelta(hours=2)).isoformat(), "body": e} for e in events]
        answer = client.post("/api/v1/place/events", params={"ward": "NICU-3"}, json=new)
        assert answer.status_code == status, answer.text
        return answer.json()

    seen = send({"kind": "beds_open", "beds": 4}, {"kind": "visit_seen", "name": "a", "what": "left"})["events"]
    wrong = seen[1]["id"]
    assert client.get("/api/v1/place", params={"ward": "NICU-3"}).json()["in_bed"] == 0
    send({"kind": "taken_back", "event": wrong, "text": "another visit"}, {"kind": "visit_seen", "name": "a", "what": "admitted"})
    assert client.get("/api/v1/place", params={"ward": "NICU-3"}).json()["in_bed"] == 1
    send({"kind": "taken_back", "event": "0" * 36, "text": "no such thing"}, status=404)
    send({"kind": "taken_back", "event": wrong, "text": ""}, status=422)
    nobody = person(ward, "prescriber", wards=["NICU-3"])  # who may record may not correct
    event = [{"at": NOW.isoformat(), "body": {"kind": "taken_back", "event": wrong, "text": "why not"}}]
    assert nobody.post("/api/v1/place/events", params={"ward": "NICU-3"}, json=event).status_code == 403


def test_roles_and_wards(ward: Running) -> None:
    assert ward.as_().get("/api/v1/places").status_code == 401
    viewer = person(ward, "viewer")
    assert viewer.get("/api/v1/places").json() == {"places": [{"ward": "NICU-1", "therapy": "bed_pool"}]}
    assert viewer.get("/api/v1/place", params={"ward": "NICU-2"}).status_code == 403
    assert viewer.get("/api/v1/place", params={"ward": "NICU-9"}).status_code == 404
    event = [{"at": NOW.isoformat(), "body": {"kind": "beds_open", "beds": 3}}]
    assert viewer.post("/api/v1/place/events", params={"ward": "NICU-1"}, json=event).status_code == 403
    assert person(ward, "feed").get("/api/v1/place", params={"ward": "NICU-1"}).status_code == 403


def test_the_patients_followed_on_a_ward_are_its_visits(ward: Running) -> None:
    """Two come, one goes to another ward and comes back, one is discharged: the place counts what the patients' records say."""
    client = person(ward, "pharmacist", wards=["NICU-2", "NICU-1"])

    def at(h: float) -> str:
        return (NOW - timedelta(hours=h)).isoformat()

    ids = [
        client.post("/api/v1/patients", json={"ward": "NICU-2", "label": f"bed {k}", "at": at(40 - k)}).json()["id"]
        for k in (1, 2)
    ]
    for id_, h, body in (
        (ids[0], 30.0, {"kind": "transferred", "ward": "NICU-1"}), (ids[0], 20.0, {"kind": "transferred", "ward": "NICU-2"}),
        (ids[1], 10.0, {"kind": "discharged"}),
    ):  # fmt: skip
        assert client.post(f"/api/v1/patients/{id_}/events", json={"at": at(h), "body": body}).status_code == 201
    with ward.service.store.read() as conn:
        found = Moves().visits(conn, "NICU-2")
        within = Moves()  # a change reads what it may yet undo, together with its neighbours': nothing of it is remembered
        assert within.visits(conn, "NICU-2", keep=False) == found
        assert (within.last, within.found) == (0, {})
    assert [(v.partition("/")[2], what, round((NOW - t) / timedelta(hours=1))) for v, what, t in found] == [
        ("1", "admitted", 39), ("1", "left", 30), ("2", "admitted", 20), ("1", "admitted", 38), ("1", "left", 10),
    ]  # fmt: skip
    told = [
        {"at": at(48), "body": {"kind": "watch_began", "by": "patients"}},
        {"at": at(48), "body": {"kind": "beds_open", "beds": 3}},
    ]
    assert client.post("/api/v1/place/events", params={"ward": "NICU-2"}, json=told).status_code == 201
    state = client.get("/api/v1/place", params={"ward": "NICU-2"}).json()
    assert (state["in_bed"], state["by_patients"]) == (1, True)
    assert state["answer"]["provenance"]["models"][0]["visits"] == 3


@pytest.mark.parametrize(
    ("typed", "count"),
    [(" 14 ", 14), ("0", 0), *((t, None) for t in ("²", "٣٠", "1_0", "5001", "1,5", "1.500", "-3", "", "9" * 400))],
)
def test_beds_are_typed_in_plain_digits(typed: str, count: int | None) -> None:
    assert _count(typed) == count


def test_a_watch_that_ended_counts_until_then() -> None:
    told = [{"kind": "watch_began", "at": NOW - timedelta(hours=50), "seq": 1, "id": "a", "body": {"by": "told"}},
            {"kind": "watch_ended", "at": NOW - timedelta(hours=10), "seq": 2, "id": "b", "body": {}}]  # fmt: skip
    place = place_of("W", told, (), NOW, Zone("Europe/Berlin"))
    assert place is not None
    (watched,) = place.facts
    assert isinstance(watched, Watched)
    assert watched.end - watched.begin == 40.0
    assert place.origin is not None
    assert place.origin.hour == 0  # midnight of the ward, so that parts of the day are the ward's
    assert place_of("W", [], (), NOW, Zone()) is None


@pytest.mark.parametrize(("places", "said"), [("NICU-1=amikacin_neonate", "bed_pool"), ("A=bed_pool,A=bed_pool", "one therapy")])
def test_settings_that_cannot_be(jwks_file: Path, tmp_path: Path, places: str, said: str) -> None:
    from dosetwin.serve.places.followed import installed

    with pytest.raises(InputError, match=said):
        installed(settings_for(f"sqlite:///{tmp_path / 's'}", jwks_file, tmp_path, places=places))

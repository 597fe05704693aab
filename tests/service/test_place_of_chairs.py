"""A place from a user's file (chairs) in the service on PostgreSQL: answers kept, replayed and sent, news, alerts, the page."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle

from dosetwin.serve.live.telling import Telling
from dosetwin.serve.places.alerts import check
from service.conftest import Running, settings_for

DOC = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
NOW = datetime(2026, 5, 1, 9, 30, tzinfo=UTC)
HERE = {"ward": "DAY"}


class Clock:
    """A clock that is moved by hand."""

    at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def day(
    postgres: Any, jwks_file: Path, token: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[httpx.Client, Running, Clock]]:
    folder, clock = tmp_path_factory.mktemp("chairs"), Clock()
    (folder / "chairs.py").write_text(next(b for b in DOC.split("```python\n") if "infusion_chairs" in b).split("```")[0])
    settings = settings_for(postgres.create(), jwks_file, folder, places=f"DAY={folder / 'chairs.py'}")
    with Running(settings, token, clock=clock, background=False) as running:
        said = {"wards": ("DAY",), "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 200_000}
        yield running.as_("pharmacist", **said), running, clock


def seen(name: str, what: str, at: datetime) -> dict[str, Any]:
    return {"at": at.isoformat(), "body": {"kind": "visit_seen", "name": name, "what": what}}


def send(client: httpx.Client, *events: dict[str, Any]) -> None:
    answer = client.post("/api/v1/place/events", params=HERE, json=list(events))
    assert answer.status_code == 201, answer.text


def now(client: httpx.Client) -> dict[str, Any]:
    return client.get("/api/v1/place", params=HERE).json()


def test_chairs_are_followed_answers_kept_and_somebody_is_told(day: tuple[httpx.Client, Running, Clock]) -> None:
    client, running, clock = day
    rng, begin = np.random.default_rng(3), NOW - timedelta(days=8)
    events = [{"at": begin.isoformat(), "body": {"kind": "opened", "number": 5}},
              {"at": begin.isoformat(), "body": {"kind": "watch_began"}}]  # fmt: skip
    for k, h in enumerate(np.cumsum(rng.exponential(1.0, 190))):
        came = begin + timedelta(hours=float(h))
        went = came + timedelta(hours=float(rng.lognormal(np.log(4), 0.4)))
        events += [seen(f"Ada {k}", w, t) for w, t in (("asked", came), ("admitted", came), ("left", went)) if t < NOW]
    send(client, *events)
    state = now(client)
    assert (state["of"], state["open"], state["news"], "beds_open" in state) == ("chairs", 5, None, False)
    advised = int(state["answer"]["order"]["values"]["chairs"])
    assert 6 <= advised <= 12

    # kept, without anybody's name, and the same when it is computed again
    kept = client.post("/api/v1/place/advice", params=HERE).json()
    assert kept["answer"] == state["answer"]
    assert "Ada" not in str(kept)
    again = client.post(f"/api/v1/place/advice/{kept['id']}/replay", params=HERE).json()
    assert (again["same"], again["changed_since"], again["differs"]) == (True, {}, [])
    (line,) = client.get("/api/v1/place/advice", params=HERE).json()["advice"]
    assert (line["id"], line["order"]) == (kept["id"], f"chairs {advised}")
    assert client.get(f"/api/v1/place/advice/{'0' * 36}", params=HERE).status_code == 404
    sent = client.get(f"/api/v1/place/advice/{kept['id']}/fhir", params=HERE).json()
    Bundle.model_validate(sent)
    kinds = [e["resource"]["resourceType"] for e in sent["entry"]]
    assert kinds == ["Location", "ServiceRequest", "Provenance", "AuditEvent"]
    request = sent["entry"][1]["resource"]
    assert (request["subject"]["reference"], request["quantityQuantity"]["value"]) == (sent["entry"][0]["fullUrl"], advised)

    # what is new since, and what gives reason to look
    clock.at += timedelta(hours=3)
    send(client, seen("late", "asked", NOW + timedelta(hours=0.5)), seen("next", "refused", NOW + timedelta(hours=1)))
    news = now(client)["news"]
    assert (news["asked"], news["admitted"], news["refused"], news["was"]) == (1, 0, 1, f"chairs {advised}")
    assert check(running.service) == 2
    assert check(running.service) == 0
    alerts = {a["code"]: a for a in now(client)["alerts"]}
    assert set(alerts) == {"place_waits", "place_short"}
    assert alerts["place_waits"]["severity"] == "critical"
    assert alerts["place_short"]["text"] == f"5 chairs are open and {advised} are advised"
    told: list[Any] = []
    way: Any = SimpleNamespace(name="mail day", send=told.append)
    assert Telling(running.service, [way]).tick() == 2
    assert {m.to_json()["ward"] for m in told} == {"DAY"}
    short = f"/api/v1/place/alerts/{alerts['place_short']['id']}/acknowledgement"
    assert client.post(short, params=HERE, json={"reason": "two are broken"}).status_code == 201
    assert (
        client.post(short.replace(alerts["place_short"]["id"], "0" * 36), params=HERE, json={"reason": "xyz"}).status_code == 404
    )

    # opened as advised: the cause ends
    opened = {"kind": "opened", "number": advised, "advised": advised, "advice": kept["id"]}
    strange = opened | {"advice": kept["id"][::-1]}
    nobody = client.post("/api/v1/place/events", params=HERE, json=[{"at": clock.at.isoformat(), "body": strange}])
    assert nobody.status_code == 404
    send(client, {"at": clock.at.isoformat(), "body": opened}, seen("late", "admitted", clock.at))
    assert now(client)["news"]["opened"] == [advised]
    assert check(running.service) == 2
    assert now(client)["alerts"] == []
    with running.service.store.read() as conn:
        assert running.service.verified(conn).ok

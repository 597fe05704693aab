"""A week of tablets ordered instead of an advice: tried on the twin, kept as it was said, refused where it can be none."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.conftest import Running, settings_for

USUAL = [5.0, 5.0, 7.5, 5.0, 5.0, 7.5, 5.0]


@pytest.fixture(scope="module")
def clinic(jwks_file: Path, token: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("week")
    settings = settings_for(f"sqlite:///{folder / 's.sqlite3'}", jwks_file, folder, therapies="warfarin_inr", draws=100)
    with Running(settings, token, background=False) as running:
        yield running


@pytest.fixture(scope="module")
def advised(clinic: Running) -> tuple[httpx.Client, dict[str, Any]]:
    """A man on 5 mg a day for two weeks with an INR of 1.8, and the advice for him."""
    who, now = clinic.as_("pharmacist", wards=["*"]), clinic.service.clock.now()
    birth = (now - timedelta(days=60 * 365)).isoformat()
    new = {"ward": "MED", "sex": "male", "at": (now - timedelta(days=15)).isoformat(), "person": {"birth": birth}}
    id_ = who.post("/api/v1/patients", json=new).json()["id"]
    told = [{"quantity": n, "value": v, "unit": u} for n, v, u in
            (("WT", 80.0, "kg"), ("VKORC1_A", 1.0, "1"), ("CYP2C9_2", 0.0, "1"), ("CYP2C9_3", 0.0, "1"))]  # fmt: skip
    events: list[dict[str, Any]] = [{"at": new["at"], "body": {"kind": "measured", **m}} for m in told]
    for day in range(14):
        at = (now - timedelta(days=14 - day)).isoformat()
        events.append({"at": at, "body": {"kind": "dose", "amount": 5.0}})  # of warfarin: the ward's only therapy
    events.append({"at": (now - timedelta(hours=1)).isoformat(), "body": {"kind": "measured", "quantity": "INR", "value": 1.8}})
    sent = who.post("/api/v1/events", json={"events": [{"patient_id": id_, **e} for e in events]})
    assert sent.status_code == 201, sent.text
    return who, who.post(f"/api/v1/patients/{id_}/advice", json={}).json()


def test_a_week_is_tried_and_kept_as_it_was_said(advised: tuple[httpx.Client, dict[str, Any]]) -> None:
    who, advice = advised
    assert advice["answer"]["order"]["kind"] == "weekly"
    said = {
        "decision": "overridden",
        "reason": "her own tablets",
        "given": {"week": USUAL},
        "confirmed": {"reason": "as she had"},
    }
    answer = who.post(f"/api/v1/advice/{advice['id']}/answer", json=said)
    assert answer.status_code == 201, answer.text
    kept = who.get(f"/api/v1/advice/{advice['id']}").json()["decided"]
    assert kept["given"]["week"] == USUAL
    assert kept["given"]["amount_mg"] == pytest.approx(sum(USUAL) / 7)
    assert kept["given"]["interval_h"] == 24.0
    assert kept["given"]["words"] == "5 mg daily, 7.5 mg on Wed and Sat"
    assert 0.0 <= kept["would"]["joint"] <= 1.0
    # twice as much is more INR: the week itself was played
    double = said | {"given": {"week": [2 * d for d in USUAL]}}
    assert who.post(f"/api/v1/advice/{advice['id']}/answer", json=double).status_code == 201
    would = who.get(f"/api/v1/advice/{advice['id']}").json()["decided"]["would"]
    assert would["exposure"] != kept["would"]["exposure"]
    assert would["violations"] or would["unmet"]


def test_the_advised_week_is_accepted_and_no_other(advised: tuple[httpx.Client, dict[str, Any]]) -> None:
    who, advice = advised
    week = advice["answer"]["regimen"].get("week") or [advice["answer"]["regimen"]["amount_mg"]] * 7
    other = [week[0] + 0.5, *week[1:]]
    found = who.post(f"/api/v1/advice/{advice['id']}/answer", json={"decision": "accepted", "given": {"week": other}})
    assert found.status_code in (409, 422)
    if "week" in advice["answer"]["regimen"]:
        found = who.post(f"/api/v1/advice/{advice['id']}/answer", json={"decision": "accepted", "given": {"week": week}})
        assert found.status_code == 201, found.text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"week": USUAL[:6]}, "at least 7"),
        ({"week": [0.0] * 7}, "a week without a dose"),
        ({"week": [-1.0, *USUAL[1:]]}, "greater"),
        ({"week": USUAL, "amount_mg": 5.0, "interval_h": 24.0}, "a week has no other amount"),
        ({"amount_mg": 5.0}, "amount_mg and interval_h, or a week"),
    ],
)
def test_what_is_no_week_is_named(advised: tuple[httpx.Client, dict[str, Any]], given: dict[str, Any], said: str) -> None:
    who, advice = advised
    body = {"decision": "overridden", "reason": "as she had", "given": given}
    found = who.post(f"/api/v1/advice/{advice['id']}/answer", json=body)
    assert found.status_code == 422
    assert said in found.text

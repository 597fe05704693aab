"""Large deliveries leave the one writer to others, are seen whole or not at all, and are completed when they broke off."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from dosetwin.serve.service import PIECE
from service.conftest import WARD, Running, new_patient

ZERO = "2026-04-01T08:00:00+00:00"


def table(subjects: int, levels: int) -> bytes:
    """A table of so many newborns with one dose and so many levels each, a day apart."""
    lines = ["ID,TIME,AMT,RATE,DV,EVID,WT,GA"]
    for k in range(1, subjects + 1):
        lines.append(f"{k},0,15,30,.,1,1.2,30")
        lines += [f"{k},{6 + h * 0.05:g},.,.,{5 + h % 3},0,1.2,30" for h in range(levels)]
    return "\n".join(lines).encode()


def send(running: Running, raw: bytes) -> Any:
    query = {"ward": WARD, "zero": ZERO, "synthetic": "true"}
    return running.as_("pharmacist").post("/api/v1/cases/csv", params=query, content=raw, headers={"Content-Type": "text/csv"})


def listed(running: Running) -> int:
    return len(running.as_("viewer").get("/api/v1/patients").json()["patients"])


def test_others_write_while_a_large_table_is_taken_in(quiet: Running) -> None:
    feed = quiet.as_("pharmacist")
    other = new_patient(feed)
    raw = table(30, 60)
    done: list[Any] = []
    sender = threading.Thread(target=lambda: done.append(send(quiet, raw)))
    start = time.monotonic()
    sender.start()
    waited, seen = [], set()
    while sender.is_alive():
        began = time.monotonic()
        at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        body = {"kind": "covariate", "name": "WT", "value": 1.1, "unit": "kg"}
        assert feed.post(f"/api/v1/patients/{other}/events", json={"at": at, "body": body}).status_code == 201
        waited.append(time.monotonic() - began)
        seen.add(listed(quiet))
    assert done[0].status_code == 201, done[0].text
    assert seen <= {1, 31}, "all of it is seen, or nothing"
    assert listed(quiet) == 31
    whole = time.monotonic() - start  # an upload that holds the only writer makes somebody wait for the whole of it
    assert len(waited) > 3
    assert max(waited) < 0.5 * whole
    with quiet.service.store.read() as conn:
        assert quiet.service.verified(conn).wrong == ()
    assert send(quiet, raw).status_code == 200  # again: nothing new


def test_what_broke_off_is_seen_by_nobody_and_completed_when_it_comes_again(
    quiet: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = table(6, 80)
    append, times = quiet.service.ledger.append, []

    def broken(*words: Any, **more: Any) -> Any:
        if len(words[2]) > PIECE // 2:
            times.append(1)
            if len(times) == 2:
                raise OSError("the power went")
        return append(*words, **more)

    monkeypatch.setattr(quiet.service.ledger, "append", broken)
    assert send(quiet, raw).status_code == 500
    monkeypatch.undo()
    monkeypatch.setattr(quiet.service, "touched", lambda ids, **_: None)
    assert listed(quiet) == 0
    with quiet.service.store.read() as conn:
        half = conn.execute(text("SELECT patient_id FROM facts WHERE kind = 'level'")).scalars().first()
        assert quiet.service.verified(conn).wrong == ()
    for path in ("", "/twin", "/events", "/predictions"):
        answer = quiet.as_("pharmacist").get(f"/api/v1/patients/{half}{path}")
        assert (answer.status_code, answer.json()["title"]) == (409, "arriving")
    assert quiet.service.catch_up() == 0
    assert send(quiet, raw).status_code == 201
    assert listed(quiet) == 6
    with quiet.service.store.read() as conn:
        assert conn.execute(text("SELECT COUNT(*) FROM facts WHERE kind = 'level'")).scalar() == 480
        assert quiet.service.verified(conn).wrong == ()


def test_a_large_table_with_one_wrong_row_stores_nothing(quiet: Running) -> None:
    raw = table(6, 80).replace(b",15,30,", b",15,-7,", 1)
    assert send(quiet, raw).status_code == 422
    with quiet.service.store.read() as conn:
        assert conn.execute(text("SELECT COUNT(*) FROM patients")).scalar() == 0


def test_a_large_bundle_is_taken_in_piece_by_piece(quiet: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from service.test_fhir_routes import BUNDLE

    monkeypatch.setattr("dosetwin.serve.service.PIECE", 2)
    feed, sizes = quiet.as_("pharmacist", wards=["nicu"]), []
    append = quiet.service.ledger.append
    monkeypatch.setattr(quiet.service.ledger, "append", lambda *w, **m: (sizes.append(len(w[2])), append(*w, **m))[1])
    first = feed.post("/api/v1/fhir/bundle", params={"ward": "nicu"}, json=BUNDLE)
    assert first.status_code == 201, first.text
    assert len(sizes) > 2
    assert max(sizes) <= 2
    patient = first.json()["patient_id"]
    assert feed.get(f"/api/v1/patients/{patient}").status_code == 200
    again = feed.post("/api/v1/fhir/bundle", params={"ward": "nicu"}, json=BUNDLE).json()
    assert (again["patient_id"], again["new"]) == (patient, 0)
    with quiet.service.store.read() as conn:
        assert quiet.service.verified(conn).wrong == ()

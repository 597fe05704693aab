"""Two drugs in one record: each dose and level is stored as what it is, at every door, and a twin is told its own."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from dosetwin.records import DoseEvent, Observation, Patient, Timeline
from dosetwin.serve.fhir.ingest import facts_of, left_out
from dosetwin.serve.store.facts import Person
from dosetwin.serve.timeline import raw_timeline, timeline_of
from service.conftest import WARD, Running, new_patient, record

START = datetime(2026, 4, 12, 8, 0, tzinfo=UTC)
TABLE = """ID,TIME,AMT,DUR,DRUG,DVID,DV,WT,GA,PNA
A1,0,17,0.5,amikacin,.,.,1.1,29,3
A1,1,16,1,vancomycin,.,.,1.1,29,3
A1,12,.,.,vancomycin,vancomycin,8.5,1.1,29,3
A1,22.5,.,.,.,level,8.1,1.1,29,3
"""


def stored(events: list[dict[str, Any]]) -> dict[str, list[tuple[str, float]]]:
    """Drug -> its doses and levels as (kind, value)."""
    out: dict[str, list[tuple[str, float]]] = {}
    for e in events:
        if e["kind"] in ("dose", "level"):
            out.setdefault(e["body"]["drug"], []).append((e["kind"], e["body"].get("amount", e["body"].get("value"))))
    return out


def test_a_record_read_by_any_importer_keeps_its_drugs_apart() -> None:
    t = Timeline(
        Patient("p"),
        (DoseEvent(0.0, 17.0, 0.5, record="a"), DoseEvent(1.0, 16.0, 1.0, record="v", drug="vancomycin"),
         DoseEvent(2.0, 3.0, record="x", drug="mystery")),
        (Observation(12.0, "vancomycin", 8.5, record="l"), Observation(22.5, "amikacin", 8.1, record="m")),
        origin=START, drug="amikacin",
    )  # fmt: skip
    facts = [f.body for f in facts_of(t, "test").values()]
    assert [(b.kind, b.drug) for b in facts] == [("dose", "amikacin"), ("dose", "vancomycin"), ("level", "vancomycin"),
                                                 ("level", "amikacin")]  # fmt: skip
    assert [f.value for f in left_out(t)] == ["mystery"]


def test_a_table_of_two_drugs_is_stored_as_it_says(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    made = pharmacist.post("/api/v1/cases/csv", content=TABLE, headers={"Content-Type": "text/csv"},
                           params={"ward": WARD, "zero": START.isoformat(), "synthetic": "true",
                                   "confirmed": "as charted"})  # fmt: skip
    assert made.status_code == 201, made.text
    id_ = made.json()["patients"][0]["id"]
    events = pharmacist.get(f"/api/v1/patients/{id_}/events").json()["events"]
    assert stored(events) == {"amikacin": [("dose", 17.0), ("level", 8.1)], "vancomycin": [("dose", 16.0), ("level", 8.5)]}


def test_a_twin_is_told_its_own_drug_and_the_record_shows_all(quiet: Running) -> None:
    pharmacist: httpx.Client = quiet.as_("pharmacist")
    id_ = new_patient(pharmacist)
    at = datetime.now(UTC) - timedelta(hours=20)

    def event(h: float, **body: Any) -> dict[str, Any]:
        return {"at": (at + timedelta(hours=h)).isoformat(), "body": body}

    record(pharmacist, id_, [event(0, kind="dose", drug="vancomycin", amount=16.0, infusion_h=1.0),
                             event(1, kind="dose", drug="amikacin", amount=16.0),
                             event(12, kind="level", drug="vancomycin", value=9.0)])  # fmt: skip
    with quiet.service.store.read() as conn:
        from dosetwin.serve.auth.principal import THE_SERVICE

        facts = quiet.service.reach(THE_SERVICE).facts(conn, id_)
    whole = raw_timeline(id_, facts, Person(), "amikacin")
    assert [(d.drug, round(d.time, 6)) for d in whole.doses] == [("vancomycin", -1.0), ("amikacin", 0.0)]
    assert [o.measures for o in whole.observations] == ["vancomycin"]
    told = timeline_of(id_, facts, Person(), "amikacin")
    assert [d.drug for d in told.doses] == ["amikacin"]
    assert told.observations == ()

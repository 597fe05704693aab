"""A gene that forbids a drug, at the ward: from a column of a table into the store and onto the list."""

import json
from datetime import UTC, datetime, timedelta

from service.conftest import WARD, Running


def test_a_risk_variant_in_a_table_is_a_refusal_at_the_ward(quiet: Running) -> None:
    who = quiet.as_("pharmacist", wards=["*"])
    zero = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
    table = "ID,TIME,EVID,AMT,RATE,DV,MDV,WT,GA,PNA,BW,MT_RNR1\nA1,0,1,17,34,.,1,1.10,29,3,1.13,2\n"
    made = who.post("/api/v1/cases/csv", content=table, params={"ward": WARD, "zero": zero.isoformat()},
                    headers={"content-type": "text/csv"})  # fmt: skip
    assert made.status_code == 201, made.text
    id_ = made.json()["patients"][0]["id"]
    events = who.get(f"/api/v1/patients/{id_}/events").json()["events"]
    assert [(e["body"]["quantity"], e["body"]["value"]) for e in events if e["kind"] == "measured"] == [("MT_RNR1", 2.0)]
    quiet.service.refresh(id_)
    assert who.get(f"/api/v1/patients/{id_}").json()["summary"]["status"] == "refuse"
    reasons = {r["code"]: r for r in who.get(f"/api/v1/patients/{id_}/twin").json()["answer"]["reasons"]}
    assert "another class" in reasons["what_would_help"]["text"]
    assert "PMID 34032273" in json.dumps(reasons["bar_mt_rnr1"])

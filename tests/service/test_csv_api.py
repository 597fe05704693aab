"""Tables by the API: several patients at once, all or none, what is wrong named by its line, kept among the refused."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from service.conftest import WARD, Running

ZERO = (datetime.now(UTC) - timedelta(days=2)).replace(microsecond=0)
TABLE = """ID,TIME,EVID,AMT,RATE,DV,MDV,WT,GA,PNA,SCR
A1,0,1,17,34,.,1,1.10,29,3,0.8
A1,22.5,0,.,.,8.1,0,1.10,29,3,.
B2,0,1,25,50,.,1,2.05,35,3,0.7
B2,12,0,.,.,11.4,0,2.05,35,3,.
B2,24,1,25,50,.,1,2.05,35,3,0.6
"""


def post(client: httpx.Client, table: str | bytes, **query: Any) -> httpx.Response:
    words = {"ward": WARD, "zero": ZERO.isoformat()} | query
    return client.post("/api/v1/cases/csv", content=table, params=words, headers={"content-type": "text/csv"})


def babies(client: httpx.Client) -> int:
    return len(client.get("/api/v1/patients").json()["patients"])


def test_every_subject_of_a_table_is_followed_and_the_same_table_again_stores_nothing(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    looked = post(pharmacist, TABLE, dry_run=True)
    assert (looked.status_code, looked.json()["stored"], babies(pharmacist)) == (200, False, 0)
    made = post(pharmacist, TABLE)
    assert made.status_code == 201, made.text
    found = {p["subject"]: p for p in made.json()["patients"]}
    assert [(s, p["doses"], p["levels"], p["creatinines"]) for s, p in found.items()] == [("A1", 1, 1, 1), ("B2", 2, 1, 2)]
    assert babies(pharmacist) == 2
    events = pharmacist.get(f"/api/v1/patients/{found['B2']['id']}/events").json()["events"]
    doses = [e for e in events if e["kind"] == "dose"]
    assert [datetime.fromisoformat(d["at"]) - ZERO for d in doses] == [timedelta(0), timedelta(hours=24)]
    assert doses[0]["body"]["infusion_h"] == 0.5
    again = post(pharmacist, TABLE)
    assert again.status_code == 200
    assert all(p["known"] for p in again.json()["patients"])
    assert babies(pharmacist) == 2
    other = post(pharmacist, TABLE, zero=(ZERO + timedelta(hours=1)).isoformat())
    assert (other.status_code, other.json()["type"]) == (409, "urn:dosetwin:problem:source_key_conflict")


def test_each_subject_may_have_its_own_hour_zero(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    later = ZERO + timedelta(hours=5)
    made = post(pharmacist, TABLE, zero=[f"A1@{later.isoformat()}", f"B2@{ZERO.isoformat()}"])
    assert made.status_code == 201, made.text
    assert [datetime.fromisoformat(p["from"]) for p in made.json()["patients"]] == [later, ZERO]
    missing = post(
        pharmacist, TABLE + "C3,0,1,20,40,.,1,1.5,31,3,0.7\n", zero=[f"A1@{ZERO.isoformat()}", f"B2@{ZERO.isoformat()}"]
    )
    assert missing.json()["errors"][0]["resource"] == "ID C3"


def test_every_unreadable_cell_is_an_error_of_its_own(quiet: Running) -> None:
    table = TABLE.replace("B2,12,0,.,.,11.4", "B2,noon,0,.,.,high").replace("A1,22.5,0,.,.,8.1", "A1,22.5,0,.,.,~1")
    refused = post(quiet.as_("pharmacist"), table)
    assert refused.status_code == 422, refused.text
    found = [(e["resource"], e["field"], e["value"]) for e in refused.json()["errors"]]
    assert found == [("line 3", "DV", "~1"), ("line 5", "TIME", "noon"), ("line 5", "DV", "high")]
    assert babies(quiet.as_("pharmacist")) == 0


def test_units_and_words_of_a_table_are_those_of_every_other_door(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    table = ("ID,TIME,AMT,RATE,DVID,DV,UNIT,WT (g),GA,PNA\nU1,0,17,34,.,.,MG,1100,29,3\nU1,22.5,.,.,level,8100,ng/mL,1100,29,3\n"
             "U1,23,.,.,Creatinine,70.72,\u00b5mol/l,1100,29,3\n")  # fmt: skip
    made = post(pharmacist, table)
    assert made.status_code == 201, made.text
    (found,) = made.json()["patients"]
    events = pharmacist.get(f"/api/v1/patients/{found['id']}/events").json()["events"]
    bodies = {e["kind"]: e["body"] for e in events}
    assert bodies["level"]["mg_per_L"] == 8.1
    assert bodies["creatinine"]["mg_per_dL"] == pytest.approx(0.8)
    refused = post(pharmacist, table.replace("ng/mL", "kg"))
    assert refused.status_code == 422
    assert "line 3" in refused.text


CARRIED = (
    TABLE
    + """C3,0,1,15,30,.,1,1.5,31,3,0.6
C3,12,0,.,.,8.0,0,1.5,31,3,0.7
C3,20,0,.,.,5.0,0,1.5,31,3,0.7
C3,24,1,15,30,.,1,1.5,31,3,0.7
"""
)


def test_creatinine_carried_forward_is_remarked_on(quiet: Running) -> None:
    looked = post(quiet.as_("pharmacist"), CARRIED, dry_run=True)
    assert looked.status_code == 200, looked.text
    found = {p["subject"]: [f["code"] for f in p["findings"]] for p in looked.json()["patients"]}
    assert "creatinine_repeated" in found["C3"]
    assert not {"creatinine_repeated"} & {*found["A1"], *found["B2"]}


WRONG = (
    (TABLE.replace("B2,12,0", "B2,noon,0"), "line 5", "TIME", "not a finite number"),
    (TABLE.replace("B2,24,1,25", "B2,24,1,-25"), "line 6", None, ""),
    (TABLE.replace("0,1,25,50,.,1,2.05", "0,1,25,50,.,1,205"), "line 4", None, ""),
    ("not,a,table\n1,2,3\n", None, None, ""),
    ("", None, None, "required"),
)


@pytest.mark.parametrize(("table", "line", "column", "says"), WRONG, ids=["time", "dose", "weight", "no-table", "empty"])
def test_one_bad_row_stores_nothing_of_anybody_and_is_named_and_kept(
    quiet: Running, table: str, line: str | None, column: str | None, says: str
) -> None:
    pharmacist = quiet.as_("pharmacist")
    refused = post(pharmacist, table)
    assert refused.status_code == 422, refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    body = refused.json()
    assert body["errors"]
    assert line is None or line in [e["resource"] for e in body["errors"]], body["errors"]
    assert column is None or body["errors"][0]["field"] == column
    assert says in str(body["errors"]) + body["detail"]
    assert babies(pharmacist) == 0
    kept = pharmacist.get(f"/api/v1/rejected/{body['rejected_id']}").json()
    assert base64.b64decode(kept["body_base64"]).decode() == table


def test_bad_rows_of_several_patients_are_all_named(quiet: Running) -> None:
    pharmacist = quiet.as_("pharmacist")
    table = TABLE.replace("17,34,.,1,1.10", "17,34,.,1,110").replace("25,50,.,1,2.05", "25,50,.,1,205")
    errors = post(pharmacist, table).json()["errors"]
    assert {"line 2", "line 4"} <= {e["resource"] for e in errors}


@pytest.mark.parametrize("zero", ["2026-04-12T08:00:00", "yesterday", "A1@x"])
def test_an_hour_zero_without_offset_is_refused(quiet: Running, zero: str) -> None:
    refused = post(quiet.as_("pharmacist"), TABLE, zero=zero)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "zero")


def test_it_is_for_those_who_may_record_on_their_own_ward(quiet: Running) -> None:
    assert post(quiet.as_("viewer"), TABLE).status_code == 403
    assert post(quiet.as_("pharmacist"), TABLE, ward="other").status_code == 403
    assert post(quiet.as_(), TABLE).status_code == 401
    assert post(quiet.as_("feed"), TABLE).status_code == 201
    assert post(quiet.as_("pharmacist"), TABLE, zero=(datetime.now(UTC) + timedelta(days=9)).isoformat()).status_code == 422


def test_a_table_that_is_too_large_is_cut_off(quiet: Running) -> None:
    answer = post(quiet.as_("pharmacist"), TABLE + "#" + "x" * (9 * 1024 * 1024))
    assert answer.status_code == 413

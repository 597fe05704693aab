"""Two records of one person become one to whoever reads, and two again where that was a mistake: nothing is moved or changed.

A merge is a fact of both records: ``merged`` with ``{"into": id}`` in the one that goes on as part of another, with
``{"from": id}`` in the one that stays; ``merge_undone`` likewise. Whoever reads the record that stays reads the care of both, in
the order recorded, as of any moment; what both say alike is counted once. New facts go to the record that stays.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from dosetwin.serve.canon import canonical, stamp
from dosetwin.serve.store.facts import CARE
from dosetwin.serve.store.seals import Seals, changed
from dosetwin.serve.store.tables import facts, patients

MERGED, UNDONE = "merged", "merge_undone"
KINDS = (MERGED, UNDONE)
MOST = 2**62
_MERGES = (
    select(facts.c.kind, facts.c.body, facts.c.seq)
    .where(facts.c.patient_id == bindparam("patient"), facts.c.kind.in_(KINDS), facts.c.seq <= bindparam("through"))
    .order_by(facts.c.seq)
)
_CARE = (
    select(facts)
    .where(
        facts.c.patient_id == bindparam("patient"),
        facts.c.kind.in_(sorted((*CARE, "correction"))),
        facts.c.seq <= bindparam("through"),
    )
    .order_by(facts.c.seq)
)
_INTO = select(patients).where(patients.c.id == bindparam("patient"))


def absorbed(conn: Connection, patient: str, through: int = MOST) -> list[str]:
    """The records that are part of this one as of the fact numbered ``through``, those merged into them included."""
    out: list[str] = []
    look = [patient]
    while look:
        now: dict[str, None] = {}
        for kind, body, _ in conn.execute(_MERGES, {"patient": look.pop(0), "through": through}):
            if "from" in body and kind == MERGED:
                now[body["from"]] = None
            elif "from" in body:
                now.pop(body["from"], None)
        found = [id_ for id_ in now if id_ not in out and id_ != patient]
        out += found
        look += found
    return out


def parts_of(conn: Connection, patient: str) -> list[str]:
    """The records that were merged into this one itself, not into one of those."""
    below = {id_ for part in absorbed(conn, patient) for id_ in absorbed(conn, part)}
    return [id_ for id_ in absorbed(conn, patient) if id_ not in below]


def standing(conn: Connection, seals: Seals, patient: str) -> str:
    """The record that stands for this one: itself, or the one it was merged into.

    Raises Problem 503 where a row on the way does not bear its seal, or the way never ends: it would lead to somebody else.
    """
    seen: set[str] = set()
    while patient not in seen:
        seen.add(patient)
        row = conn.execute(_INTO, {"patient": patient}).mappings().first()
        if row is None or row["merged_into"] is None:
            return patient
        seals.require("patients", row)
        patient = row["merged_into"]
    raise changed("patients")


def of_record(conn: Connection, patient: str, fact: Mapping[Any, Any]) -> bool:
    """Whether a fact is one of this record, or of one that is part of it."""
    return fact["patient_id"] == patient or fact["patient_id"] in absorbed(conn, patient)


def with_absorbed(
    conn: Connection, patient: str, own: Sequence[dict[str, Any]], after: int, through: int
) -> list[dict[str, Any]]:
    """``own`` facts numbered above ``after`` with those of the records that are part of this one, in the order recorded."""
    others = absorbed(conn, patient, through)
    if not others:
        return list(own)
    rows = [dict(r) for id_ in others for r in conn.execute(_CARE, {"patient": id_, "through": through}).mappings()]
    mine = own if not after else [dict(r) for r in conn.execute(_CARE, {"patient": patient, "through": through}).mappings()]
    said = {_says(r) for r in mine if r["kind"] in CARE}
    found = [r for r in rows if r["kind"] not in CARE or _says(r) not in said]
    return sorted([*own, *(r for r in found if r["seq"] > after)], key=lambda r: r["seq"])


def alike(conn: Connection, patient: str, other: str) -> int:
    """How many facts of care both records hold."""
    both = [{_says(dict(r)) for r in conn.execute(_CARE, {"patient": p, "through": MOST}).mappings() if r["kind"] in CARE}
            for p in (patient, other)]  # fmt: skip
    return len(both[0] & both[1])


def _says(row: Mapping[str, Any]) -> tuple[str, str, bytes]:
    return row["kind"], stamp(row["at"]), canonical(row["body"])

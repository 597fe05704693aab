"""Whether the store is what the program wrote: links of the trail, facts, sealed rows, head, checkpoint."""

import hmac
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Connection, Table, func, select

from dosetwin.errors import DosetwinError
from dosetwin.serve.audit import GAP, START, Trail, Verdict, fact_hash
from dosetwin.serve.canon import digest
from dosetwin.serve.store.checkpoint import Noted
from dosetwin.serve.store.erase import ACTION as ERASE
from dosetwin.serve.store.erase import EMPTY
from dosetwin.serve.store.issued import issued_so
from dosetwin.serve.store.patient_keys import open_
from dosetwin.serve.store.schema import unguarded
from dosetwin.serve.store.seals import SEALED
from dosetwin.serve.store.tables import (
    APPEND_ONLY,
    advice,
    audit,
    audit_head,
    break_glass,
    facts,
    identities,
    identity_index,
    metadata,
    patients,
    rejected,
    sessions,
    twin_states,
)

if TYPE_CHECKING:
    from dosetwin.serve.crypto import Vault

MOST_WRONG = 20
"""So many are named; one is enough to know."""
TRAILED = (patients, identity_index, break_glass, rejected, sessions)
"""Tables whose rows' seals the trail notes: a row that it does not know was put in, one that it knows must be there."""
MAY_GO = frozenset({"sessions"})
"""Rows of these end by themselves."""


class _Recorded(NamedTuple):
    """What the trail says of a fact: its hash, the entry, its number (None in entries of older programs)."""

    hash: str
    entry: int
    number: int | None


class _Gone(NamedTuple):
    """What the trail says was erased: ids of facts whose content is gone, and of patients."""

    facts: set[str]
    patients: set[str]


class _Found(list[str]):
    """What is wrong, up to a limit."""

    @property
    def enough(self) -> bool:
        return len(self) >= MOST_WRONG


def verdict(conn: Connection, trail: Trail, expected: str | None, checkpoint: Noted | None, vault: "Vault | None") -> Verdict:
    """Check everything against everything else; see ``Trail.verify``."""
    wrong = _Found()
    recorded: dict[str, _Recorded] = {}
    sealed: dict[str, str | None] = {}
    gone = _Gone(set(), set())
    number, head = _chain(conn, trail, wrong, recorded, sealed, expected, checkpoint, gone)
    _head(conn, trail, wrong, number, head)
    _facts(conn, wrong, recorded, gone)
    for table in unguarded(conn, APPEND_ONLY):
        wrong.append(f"table {table} can be changed: the guards that refuse it are missing or switched off")
    for found in (
        _advice(conn, gone),
        _patients(conn, gone),
        _rows(conn, trail, sealed),
        _identities(conn, vault),
        _states(conn),
    ):
        for line in found:
            if wrong.enough:
                break
            wrong.append(line)
    return Verdict(number, head, tuple(wrong[:MOST_WRONG]))


def _every(conn: Connection, table: Table, together: int = 1000) -> Iterator[Mapping[Any, Any]]:
    query = select(table).order_by(*table.primary_key.columns)
    yield from conn.execution_options(yield_per=together).execute(query).mappings()


def _chain(conn: Connection, trail: Trail, wrong: _Found, recorded: "dict[str, _Recorded]", sealed: dict[str, str | None],
           expected: str | None, checkpoint: Noted | None, gone: "_Gone") -> tuple[int, str]:  # fmt: skip
    """Every link; fills what the entries recorded. Returns the number and the hash of the last."""
    previous, number = START, 0
    seen_expected, seen_checkpoint = expected is None, checkpoint is None or checkpoint.entries == 0
    for row in _every(conn, audit):
        number += 1
        if row["seq"] != number:
            wrong.append(f"entry {number} is missing (found {row['seq']})")
            number = row["seq"]
        if row["previous"] != previous:
            wrong.append(f"entry {row['seq']} does not follow the one before it")
        if not hmac.compare_digest(trail.link(row), row["hash"]):
            wrong.append(f"entry {row['seq']} was changed, or the key is another one")
        if row["action"] == GAP:
            wrong.append(f"entries before entry {row['seq']} were cut off: it says so itself")
        previous = row["hash"]
        seen_expected = seen_expected or row["hash"] == expected
        if checkpoint is not None and row["seq"] == checkpoint.entries:
            seen_checkpoint = row["hash"] == checkpoint.head
        numbers = row["detail"].get("numbers", {})
        recorded.update(
            {id_: _Recorded(hash_, row["seq"], numbers.get(id_)) for id_, hash_ in row["detail"].get("facts", {}).items()}
        )
        sealed.update(row["detail"].get("sealed", {}))
        if row["action"] == ERASE:
            gone.facts.update(row["detail"].get("emptied", ()))
            gone.patients.add(row["patient_id"])
        if wrong.enough:
            break
    if not seen_expected:
        wrong.append("the hash that was noted is not in the chain: entries were removed or replaced")
    if not seen_checkpoint:
        wrong.append("the checkpoint outside the database is not in the chain: entries were removed or replaced")
    return number, previous


def _head(conn: Connection, trail: Trail, wrong: _Found, number: int, last: str) -> None:
    rows = conn.execute(select(audit_head)).mappings().all()
    if not number and not rows:
        return
    if len(rows) != 1 or not trail.seals.holds("audit_head", rows[0]):
        wrong.append("the sealed head of the trail is missing or was changed")
    elif (rows[0]["entries"], rows[0]["hash"]) != (number, last):
        wrong.append(
            f"the trail ends at entry {number}, its sealed head says {rows[0]['entries']}: entries were cut off at the end"
        )


def _facts(conn: Connection, wrong: _Found, recorded: "dict[str, _Recorded]", gone: _Gone) -> None:
    """Facts that are not those recorded, under the numbers they got: in their order they decide what holds."""
    last = 0
    for row in _every(conn, facts):
        if wrong.enough:
            return
        said = recorded.pop(row["id"], None)
        if said is None or said.hash != row["hash"]:
            wrong.append(f"fact {row['id']} is not the one the trail recorded")
        elif (row["body"] != EMPTY or row["source_key"]) if row["id"] in gone.facts else fact_hash(row) != row["hash"]:
            wrong.append(f"fact {row['id']} was changed")
        elif said.entry < last or said.number not in (None, row["seq"]):
            wrong.append(f"fact {row['id']} does not stand where it was recorded: its number was changed")
        else:
            last = said.entry
    wrong += [f"fact {id_} is missing" for id_ in recorded]


def _advice(conn: Connection, gone: _Gone) -> Iterator[str]:
    """Advice of which anything is not what the fact of its issue says: whose, who asked and when, what, on which facts."""
    issued = {
        f["body"]["advice_id"]: f
        for f in conn.execute(select(facts).where(facts.c.kind == "advice_issued").order_by(facts.c.seq)).mappings()
        if f["id"] not in gone.facts
    }
    for row in _every(conn, advice, 100):
        said = issued.pop(row["id"], None)
        if said is None and row["patient_id"] in gone.patients and row["answer"] == row["inputs"] == EMPTY:
            continue
        if said is None:
            yield f"advice {row['id']} was never issued"
        elif not issued_so(row, said):
            yield f"advice {row['id']} was changed"
    yield from (f"advice {id_} is missing" for id_ in issued)


def _patients(conn: Connection, gone: _Gone) -> Iterator[str]:
    """Patients whose ward, consent, presence or number of the last fact is not what the facts say."""
    said: dict[str, dict[str, Any]] = {}
    kinds = ("patient_created", "transferred", "consent", "discharged", "identity_changed", "merged", "merge_undone")
    found = conn.execute(
        select(facts.c.patient_id, facts.c.kind, facts.c.body, facts.c.id).where(facts.c.kind.in_(kinds)).order_by(facts.c.seq)
    )
    for patient, kind, body, id_ in found:
        if id_ in gone.facts:
            continue
        now = said.setdefault(patient, {"ward": "", "care_denied": False, "research_denied": False, "active": True,
                                        "merged_into": None, "merges": None, "erased_at": None})  # fmt: skip
        if kind == "consent":
            now[f"{body['purpose']}_denied"] = body["decision"] == "deny"
        elif kind == "discharged":
            now["active"] = False
        elif kind == "merged" and "into" in body:
            now["merged_into"] = body["into"]
        elif kind == "merged":
            now["merges"] = (now["merges"] or 0) + 1
        elif kind == "merge_undone":
            now |= {"merged_into": None} if "into" in body else {}
        elif kind == "identity_changed":
            now["identity_version"] = body["version"]
        else:
            now |= {"ward": body["ward"], "active": True}
    heads = dict(conn.execute(select(facts.c.patient_id, func.max(facts.c.seq)).group_by(facts.c.patient_id)).all())  # type: ignore[arg-type]
    for row in _every(conn, patients):
        expected = said.pop(row["id"], None)
        if row["id"] in gone.patients and expected is None:
            if row["erased_at"] is None or row["active"]:
                yield f"patient {row['id']} was erased, and is shown as if not"
            continue
        if expected is None or any(row[k] != v for k, v in expected.items()):
            yield f"the ward, consent, presence or identity of patient {row['id']} is not what the facts say"
        elif heads.get(row["id"], 0) != row["head"]:
            yield f"the number of the last fact of patient {row['id']} is not what the facts say"
    yield from (f"patient {id_} is missing" for id_ in said)


def _rows(conn: Connection, trail: Trail, sealed: dict[str, str | None]) -> Iterator[str]:
    """Rows without their seal, rows that the trail does not know, rows that it knows and that are gone."""
    for name in SEALED:
        table = metadata.tables[name]
        trailed = table in TRAILED
        for row in _every(conn, table):
            key = ":".join(str(row[c.name]) for c in table.primary_key.columns)
            shown = key if table not in (sessions, identity_index) else f"{key[:12]}..."
            noted = sealed.pop(f"{name}:{key}", None)
            if not trail.seals.holds(name, row):
                yield f"row {shown} of {name} was changed or put in: it does not bear its seal"
            elif trailed and noted != row["seal"]:
                yield f"row {shown} of {name} is not the one the trail recorded: put in, or an older one put back"
    for key, noted in sealed.items():
        name = key.partition(":")[0]
        if noted is not None and name not in MAY_GO:
            yield f"row {key.partition(':')[2][:12]}... of {name} is missing"


def _identities(conn: Connection, vault: "Vault | None") -> Iterator[str]:
    """Identities that are missing or too many; with keys, those that do not open and record numbers that lead elsewhere."""
    there: dict[str, list[int]] = {}
    leads = dict(conn.execute(select(identity_index.c.digest, identity_index.c.patient_id)).all())  # type: ignore[arg-type]
    for row in _every(conn, identities):
        patient = row["patient_id"]
        there.setdefault(patient, []).append(row["version"])
        if vault is None:
            continue
        try:
            person = open_(conn, vault, row)
        except DosetwinError:
            yield f"version {row['version']} of the identity of patient {patient} does not open"
            continue
        for system, value in person.get("identifiers", {}).items():
            if leads.get(vault.digest(system, value)) != patient:
                yield f"an identifier of patient {patient} does not lead to it"
    for id_, version in conn.execute(select(patients.c.id, patients.c.identity_version)):
        if there.pop(id_, []) != list(range(1, version + 1)):
            yield f"the identity of patient {id_} is missing, or not its last version"
    yield from (f"an identity belongs to patient {id_}, who is not on record" for id_ in there)


def _states(conn: Connection) -> Iterator[str]:
    """Answers of twins that are not those that were computed (their rows' seals are checked with the others)."""
    heads = dict(conn.execute(select(patients.c.id, patients.c.head)).all())  # type: ignore[arg-type]
    for row in _every(conn, twin_states, 100):
        if digest(row["answer"]) != row["answer_hash"]:
            yield f"the answer of the twin of patient {row['patient_id']} was changed"
        elif row["through_seq"] > heads.get(row["patient_id"], 0):
            yield f"the twin of patient {row['patient_id']} is ahead of its facts"

"""Appending facts: checked, idempotent by source key, chained into the audit trail, all of a request or nothing."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from dosetwin.errors import InputError
from dosetwin.serve.audit import Entry, Trail, digest, fact_hash, stamp
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.crypto import Vault
from dosetwin.serve.problems import Problem, from_input_error, wrong
from dosetwin.serve.store import patient_keys
from dosetwin.serve.store.facts import AHEAD, CARE, EARLIEST, NewFact, NewPatient, Person
from dosetwin.serve.store.merges import MERGED, UNDONE, absorbed, alike, of_record, standing
from dosetwin.serve.store.tables import advice, facts, identities, identity_index, patients, twin_states

# built once: putting a statement together costs more than running it
_ADD = facts.insert().returning(facts.c.seq, sort_by_parameter_order=True)
_OF_KEYS = select(facts).where(facts.c.source_key.in_(bindparam("keys", expanding=True)))
_PATIENT = select(patients).where(patients.c.id == bindparam("of"))
_HEAD = update(patients).where(patients.c.id == bindparam("of")).values(head=bindparam("number"))
ALONE = ("transferred", "consent", "discharged")
"""Kinds that decide who may record more: never written together with other requests."""


@dataclass(frozen=True)
class Receipt:
    """What became of one fact: its id and number; ``known`` True when the same message was stored before."""

    id: str
    seq: int
    known: bool

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, "seq": self.seq, "known": self.known}


@dataclass(frozen=True)
class Row:
    """A fact on its way into the table."""

    patient_id: str
    kind: str
    at: datetime
    body: dict[str, Any]
    source_key: str | None = None


class Ledger:
    """Changes of the record, each a function of the writer's connection. Who may do it was asked before (``reach.py``)."""

    def __init__(self, trail: Trail, vault: Vault):
        self._trail, self._vault, self._seals = trail, vault, vault.seals

    def create_patient(self, conn: Connection, who: Principal, new: NewPatient, now: datetime, *,
                       arriving: bool = False) -> tuple[str, Receipt]:  # fmt: skip
        """A new patient, or the one that the same source key or the same identifiers made before (then ``known``).

        ``arriving``: nobody sees it until ``arrived`` says that its record is whole.
        """
        body = new.model_dump(mode="json", exclude={"person", "source_key", "at"}, exclude_none=True)
        digests = [self._vault.digest(k, v) for k, v in sorted(new.person.identifiers.items())]
        if new.source_key is not None:
            old = conn.execute(select(facts).where(facts.c.source_key == new.source_key)).mappings().first()
            if old is not None:
                if old["kind"] != "patient_created" or old["body"] != body:
                    raise _conflict(new.source_key, "patient")
                return standing(conn, self._seals, old["patient_id"]), Receipt(old["id"], old["seq"], True)
        taken = conn.execute(select(identity_index).where(identity_index.c.digest.in_(digests))).first() if digests else None
        if taken is not None:
            raise Problem(409, "patient_exists", "a patient with one of these identifiers is on record",
                          [wrong("Patient", "person.identifiers", None, "an identifier not on record yet")])  # fmt: skip
        at = new.at or now
        check_moment(at, now, "patient", "at")
        id_ = str(uuid.uuid4())
        row = self._seals.sealed(
            "patients", id=id_, ward=new.ward, head=0, created_at=now, synthetic=new.synthetic, care_denied=False,
            research_denied=False, active=True, identity_version=1, arriving=arriving,
        )  # fmt: skip
        conn.execute(patients.insert(), row)
        self._identify(conn, id_, 1, new.person, now)
        sealed = {f"patients:{id_}": row["seal"]} | self._index(conn, id_, digests)
        created = Row(id_, "patient_created", at, body, new.source_key)
        return id_, self.append(conn, who, [created], now, sealed=sealed)[0]

    def _identify(self, conn: Connection, patient: str, version: int, person: Person, now: datetime) -> None:
        about = f"identity:{patient}:{version}"
        sealed = patient_keys.seal(conn, self._vault, patient, person.model_dump(mode="json"), about)
        row = self._seals.sealed("identities", patient_id=patient, version=version, key_id=sealed.key_id, sealed=sealed.body,
                                 recorded_at=now)  # fmt: skip
        conn.execute(identities.insert(), row)

    def _index(self, conn: Connection, patient: str, digests: Sequence[str]) -> dict[str, str | None]:
        """Let these identifiers lead to the patient; returns what the trail is to note."""
        rows = [self._seals.sealed("identity_index", digest=d, patient_id=patient) for d in digests]
        if rows:
            conn.execute(identity_index.insert(), rows)
        return {f"identity_index:{r['digest']}": r["seal"] for r in rows}

    def _change(self, conn: Connection, patient: str, **changed: Any) -> dict[str, str | None]:
        """Change a patient's row, if it bears its seal, and seal it anew; returns what the trail is to note."""
        row = dict(conn.execute(_PATIENT, {"of": patient}).mappings().one())
        self._seals.require("patients", row)
        seal = self._seals.of("patients", row | changed)
        conn.execute(update(patients).where(patients.c.id == patient).values(**changed, seal=seal))
        return {f"patients:{patient}": seal}

    def arrived(self, conn: Connection, who: Principal, ids: Sequence[str], now: datetime) -> None:
        """Records that were taken in piece by piece are whole: from now on they are seen."""
        sealed: dict[str, str | None] = {}
        for id_ in ids:
            if conn.execute(_PATIENT, {"of": id_}).mappings().one()["arriving"]:
                sealed |= self._change(conn, id_, arriving=False)
        if sealed:
            self._trail.add(conn, now, who, "arrived", patient=ids[0] if len(ids) == 1 else None, detail={"sealed": sealed})

    def change_identity(self, conn: Connection, who: Principal, patient: str, person: Person, now: datetime,
                        source_key: str | None = None) -> Receipt:  # fmt: skip
        """A new version of who the patient is (a name after birth registration, a corrected moment of birth)."""
        version = conn.execute(_PATIENT, {"of": patient}).mappings().one()["identity_version"] + 1
        self._identify(conn, patient, version, person, now)
        sealed = self._change(conn, patient, identity_version=version)
        for system, value in person.identifiers.items():
            key = self._vault.digest(system, value)
            owner = conn.execute(select(identity_index).where(identity_index.c.digest == key)).mappings().first()
            if owner is None:
                sealed |= self._index(conn, patient, [key])
                continue
            self._seals.require("identity_index", owner)
            if standing(conn, self._seals, owner["patient_id"]) != patient:
                raise Problem(409, "patient_exists", "another patient has one of these identifiers")
        changed = Row(patient, "identity_changed", now, {"version": version}, source_key)
        return self.append(conn, who, [changed], now, sealed=sealed)[0]

    def also_numbered(
        self, conn: Connection, who: Principal, patient: str, numbers: Sequence[tuple[str, str]], now: datetime
    ) -> None:
        """Let further numbers lead to a patient, those that nobody has yet."""
        digests = dict.fromkeys(self._vault.digest(system, value) for system, value in numbers)
        known = set(conn.execute(select(identity_index.c.digest).where(identity_index.c.digest.in_(list(digests)))).scalars())
        sealed = self._index(conn, patient, [d for d in digests if d not in known])
        if sealed:
            self._trail.add(conn, now, who, "numbered", patient=patient, detail={"sealed": sealed})

    def merge(self, conn: Connection, who: Principal, patient: str, other: str, reason: str, now: datetime,
              source_key: str | None = None) -> int:  # fmt: skip
        """Make ``other`` a part of ``patient``'s record (``merges.py``); returns how many facts of care both hold.

        Raises Problem 409 where either was merged before, or the two are one.
        """
        rows = {id_: dict(conn.execute(_PATIENT, {"of": id_}).mappings().one()) for id_ in (patient, other)}
        if patient == other or any(row["merged_into"] is not None or row["arriving"] for row in rows.values()):
            raise Problem(409, "merged", "these two cannot be merged: they are one, or one was merged before",
                          [wrong("merge", "other", None, "the id of another patient, not merged and whole")])  # fmt: skip
        same = alike(conn, patient, other)
        sealed = self._change(conn, other, merged_into=patient)
        sealed |= self._change(conn, patient, merges=(rows[patient]["merges"] or 0) + 1)
        said = [Row(patient, MERGED, now, {"from": other, "reason": reason, "alike": same}, source_key),
                Row(other, MERGED, now, {"into": patient, "reason": reason})]  # fmt: skip
        # who denied the use of one record denied it
        said += [
            Row(
                patient, "consent", now, {"kind": "consent", "purpose": of, "decision": "deny", "reference": "of a merged record"}
            )
            for of in ("care", "research")
            if rows[other][f"{of}_denied"] and not rows[patient][f"{of}_denied"]
        ]
        self.append(conn, who, said, now, sealed=sealed)
        conn.execute(twin_states.delete().where(twin_states.c.patient_id == other))
        return same

    def undo_merge(self, conn: Connection, who: Principal, patient: str, other: str, reason: str, now: datetime) -> int:
        """Take a merge back: each record is what it was, what was corrected meanwhile stays corrected.

        Facts recorded since the merge stay with ``patient``; returns how many facts of care those are. Raises Problem 404 where
        ``other`` is no part of ``patient``'s record.
        """
        row = dict(conn.execute(_PATIENT, {"of": other}).mappings().first() or {})
        if not row or row["merged_into"] != patient:
            raise Problem(404, "not_found", "no such merge", [wrong("merge", "other", other, "a record merged into this one")])
        parts = {other, *absorbed(conn, other)}
        merged = conn.execute(select(facts).where(facts.c.patient_id == patient).order_by(facts.c.seq)).mappings().all()
        since = max(f["seq"] for f in merged if f["kind"] == MERGED and f["body"].get("from") == other)
        later = [f for f in merged if f["seq"] > since]
        whose = set(conn.execute(select(facts.c.id).where(facts.c.patient_id.in_(sorted(parts)))).scalars())
        again = [Row(other, "correction", now, dict(f["body"])) for f in later
                 if f["kind"] == "correction" and f["body"]["corrects"] in whose]  # fmt: skip
        sealed = self._change(conn, other, merged_into=None)
        said = [
            Row(patient, UNDONE, now, {"from": other, "reason": reason}),
            Row(other, UNDONE, now, {"into": patient, "reason": reason}),
        ]
        self.append(conn, who, [*said, *again], now, sealed=sealed)
        return sum(f["kind"] in CARE for f in later)

    def record(self, conn: Connection, who: Principal, new: Sequence[tuple[str, NewFact]], now: datetime) -> list[Receipt]:
        """Facts from outside, each with its patient. Raises Problem naming every one not accepted; then none is stored."""
        for _, fact in new:
            _may_confirm(who, fact)
        receipts = self.append(conn, who, self.rows(new, now), now)
        sure = [
            _confirmation(patient, receipt.id, fact.confirmed.reason, now)
            for (patient, fact), receipt in zip(new, receipts, strict=True)
            if fact.confirmed is not None and fact.body.kind in CARE and not receipt.known
        ]
        if sure:
            self.append(conn, who, sure, now)
        return receipts

    def rows(self, new: Sequence[tuple[str, NewFact]], now: datetime) -> list[Row]:
        """The same facts as they will be stored, checked. Raises Problem naming every one not accepted."""
        rows, errors = [], []
        for k, (patient, fact) in enumerate(new):
            try:
                check_moment(fact.at, now, f"event {k}", "at")
                rows.append(Row(patient, fact.body.kind, fact.at, _body(fact), fact.source_key))
            except Problem as problem:
                errors += problem.errors or []
        if errors:
            raise Problem(422, "not_accepted", f"{len(errors)} of {len(new)} events not accepted; nothing was stored", errors)
        return rows

    def refuse_conflicts(self, conn: Connection, rows: Sequence[Row]) -> None:
        """Raise the Problem that storing these rows would end with, before anything is written."""
        said = {r.source_key: r for r in rows if r.source_key is not None}
        keys = list(said)
        for start in range(0, len(keys), 500):
            for key, old in self._known(conn, keys[start : start + 500]).items():
                r = said[key]
                if _said(old) != (r.patient_id, r.kind, stamp(r.at), r.body):
                    raise _conflict(key, r.kind)

    def confirm(self, conn: Connection, who: Principal, patient: str, fact_id: str, reason: str, now: datetime) -> Receipt:
        """Say that an unusual value is right, with the reason: a fact of its own. Raises Problem 404 for another patient's."""
        old = conn.execute(select(facts).where(facts.c.id == fact_id)).mappings().first()
        if old is None or not of_record(conn, patient, old) or old["kind"] not in CARE:
            raise Problem(
                404, "not_found", "no such event of care of this patient", [wrong("event", "id", fact_id, "the id of an event")]
            )
        return self.append(conn, who, [_confirmation(patient, fact_id, reason, now)], now)[0]

    def known_keys(self, conn: Connection, keys: list[str]) -> set[str]:
        """Those of these source keys that are stored."""
        return set(self._known(conn, keys))

    @staticmethod
    def body_of(fact: NewFact) -> dict[str, Any]:
        """A fact's body as it is stored. Raises Problem 422 for a unit or value that cannot be converted."""
        return _body(fact)

    def record_each(
        self, conn: Connection, new: Sequence[tuple[Principal, str, NewFact]], now: datetime
    ) -> list[Receipt | Problem]:
        """One fact each of many requests: what ``record`` does, for all of them with a few statements."""
        rows: list[Row | Problem] = []
        for _, patient, fact in new:
            try:
                check_moment(fact.at, now, "event 0", "at")
                rows.append(Row(patient, fact.body.kind, fact.at, _body(fact), fact.source_key))
            except Problem as problem:
                errors = problem.errors or []
                rows.append(Problem(422, "not_accepted", "1 of 1 events not accepted; nothing was stored", errors))
        wanted = [(who, [row]) for (who, _, _), row in zip(new, rows, strict=True) if isinstance(row, Row)]
        done = iter(self.append_each(conn, wanted, now))
        answers = (row if isinstance(row, Problem) else next(done) for row in rows)
        return [a if isinstance(a, Problem) else a[0] for a in answers]

    def correct(self, conn: Connection, who: Principal, patient: str, fact_id: str, new: NewFact | None, reason: str,
                now: datetime, source_key: str | None = None) -> Receipt:  # fmt: skip
        """Take back a fact (``new`` None) or replace what it said. The old fact stays; the correction is a fact of its own."""
        old = conn.execute(select(facts).where(facts.c.id == fact_id)).mappings().first()
        if old is None or not of_record(conn, patient, old):
            raise Problem(
                404, "not_found", "no such event of this patient", [wrong("event", "id", fact_id, "the id of an event")]
            )
        if old["kind"] not in CARE:
            raise Problem(422, "not_accepted", "only events of care can be corrected",
                          [wrong("event", "kind", old["kind"], ", ".join(sorted(CARE)))])  # fmt: skip
        body: dict[str, Any] = {"corrects": fact_id, "action": "retract" if new is None else "replace", "reason": reason}
        if new is not None:
            if new.body.kind != old["kind"]:
                raise Problem(422, "not_accepted", "a correction keeps the kind",
                              [wrong("event", "body.kind", new.body.kind, old["kind"])])  # fmt: skip
            check_moment(new.at, now, "event", "at")
            body |= {"at": stamp(new.at), "body": _body(new)}
            _may_confirm(who, new)
            if new.confirmed is not None:
                body["confirmed"] = {"reason": new.confirmed.reason}
        return self.append(conn, who, [Row(patient, "correction", now, body, source_key)], now)[0]

    def append(self, conn: Connection, who: Principal, rows: Sequence[Row], now: datetime, *,
               sealed: Mapping[str, str | None] | None = None) -> list[Receipt]:  # fmt: skip
        """Write the facts of one request, all or none. Raises Problem for a source key used for something else.

        ``sealed``: seals of rows written with them, for the trail to note.
        """
        found = self.append_each(conn, [(who, rows)], now, sealed=sealed)[0]
        if isinstance(found, Problem):
            raise found
        return found

    def append_each(
        self,
        conn: Connection,
        requests: Sequence[tuple[Principal, Sequence[Row]]],
        now: datetime,
        *,
        sealed: Mapping[str, str | None] | None = None,
    ) -> list[list[Receipt] | Problem]:
        """The one place where facts are written: those of each request, all or none of it, with its entry in the audit trail.

        Requests are taken in order; one that uses a source key for other content than before (also before in ``requests``) is
        answered by the Problem and writes nothing.
        """
        known = self._known(conn, [r.source_key for _, rows in requests for r in rows if r.source_key is not None])
        answers: list[list[Any] | Problem] = []
        fresh: list[dict[str, Any]] = []
        entries: list[Entry] = []
        for who, rows in requests:
            new: dict[str, dict[str, Any]] = {}
            told: list[tuple[dict[str, Any], bool]] = []
            problem = None
            for r in rows:
                old = None if r.source_key is None else known.get(r.source_key) or new.get(r.source_key)
                if old is None:
                    row = {"id": str(uuid.uuid4()), "patient_id": r.patient_id, "kind": r.kind, "at": r.at, "recorded_at": now,
                           "actor": who.subject[:200], "source_key": r.source_key, "body": r.body}  # fmt: skip
                    row["hash"] = fact_hash(row)
                    new[r.source_key or row["id"]] = row
                    told.append((row, False))
                elif _said(old) == (r.patient_id, r.kind, stamp(r.at), r.body):
                    told.append((old, True))
                else:
                    problem = _conflict(str(r.source_key), r.kind)
                    break
            if problem is not None:
                answers.append(problem)
                continue
            answers.append(told)
            if new:
                known |= {k: row for k, row in new.items() if row["source_key"] is not None}
                fresh += new.values()
                about = {row["patient_id"] for row in new.values()}
                detail = {"facts": {row["id"]: row["hash"] for row in new.values()}, "kinds": sorted({r.kind for r in rows})}
                entries.append(Entry(who, "record", patient=about.pop() if len(about) == 1 else None, detail=detail))
        noted = {**(sealed or {}), **self._insert(conn, fresh)}
        if noted and not entries:
            raise AssertionError("rows were sealed and no fact says why")
        if noted:
            entries[-1].detail["sealed"] = noted
        numbers = {row["id"]: row["seq"] for row in fresh}
        for entry in entries:  # the order facts came in decides what holds: it is chained too
            entry.detail["numbers"] = {id_: numbers[id_] for id_ in entry.detail["facts"]}
        if entries:
            self._trail.add_all(conn, now, entries)
        return [a if isinstance(a, Problem) else [Receipt(row["id"], row["seq"], old) for row, old in a] for a in answers]

    def _known(self, conn: Connection, keys: list[str]) -> dict[str, dict[str, Any]]:
        """Facts already stored under these source keys."""
        if not keys:
            return {}
        return {row["source_key"]: dict(row) for row in conn.execute(_OF_KEYS, {"keys": keys}).mappings()}

    def _insert(self, conn: Connection, fresh: list[dict[str, Any]]) -> dict[str, str | None]:
        """Store new facts in order, number them, carry into the patients' rows what follows; returns those rows' seals."""
        noted: dict[str, str | None] = {}
        if not fresh:
            return noted
        heads: dict[str, int] = {}
        for row, seq in zip(fresh, conn.execute(_ADD, fresh).scalars().all(), strict=True):
            row["seq"] = seq
            heads[row["patient_id"]] = seq
            noted |= self._project(conn, row["patient_id"], row["kind"], row["body"])
        conn.execute(_HEAD, [{"of": patient, "number": head} for patient, head in heads.items()])
        return noted

    def _project(self, conn: Connection, patient: str, kind: str, body: Mapping[str, Any]) -> dict[str, str | None]:
        """Carry what a fact says about place and consent into the patient's row."""
        change: dict[str, Any] = {}
        if kind == "transferred":
            change = {"ward": body["ward"], "active": True}
        elif kind == "discharged":
            change = {"active": False}
        elif kind == "consent":
            change = {f"{body['purpose']}_denied": body["decision"] == "deny"}
        return self._change(conn, patient, **change) if change else {}

    def issue_advice(self, conn: Connection, who: Principal, patient: str, *, through_seq: int, identity_version: int,
                     inputs: dict[str, Any], answer: dict[str, Any], now: datetime) -> str:  # fmt: skip
        """Keep what was asked and answered, and say so in a fact."""
        id_ = str(uuid.uuid4())
        hash_ = digest(answer)
        conn.execute(advice.insert().values(
            id=id_, patient_id=patient, through_seq=through_seq, identity_version=identity_version, asked_at=now,
            asked_by=who.subject[:200], inputs=inputs, answer=answer, answer_hash=hash_,
        ))  # fmt: skip
        body = {"advice_id": id_, "answer_hash": hash_, "inputs_hash": digest(inputs), "status": answer["status"],
                "regimen": answer["regimen"], "therapy": inputs.get("policy", {}).get("name", ""), "through_seq": through_seq,
                "identity_version": identity_version}  # fmt: skip
        self.append(conn, who, [Row(patient, "advice_issued", now, body)], now)
        return id_

    def answer_advice(self, conn: Connection, who: Principal, row: Mapping[str, Any], said: dict[str, Any],
                      now: datetime) -> Receipt:  # fmt: skip
        """Keep what was decided on an advice; an override needs a reason, a refusal cannot be accepted."""
        if said["decision"] == "overridden" and len(said["reason"].strip()) < 3:
            raise Problem(
                422, "not_accepted", "an override needs a reason", [wrong("answer", "reason", said["reason"], "a reason")]
            )
        regimen, given = row["answer"].get("regimen"), said.get("given")
        if said["decision"] == "accepted" and (regimen is None or (given is not None and not _same_order(given, regimen))):
            found = "no order in the advice" if regimen is None else "another order than the advice's"
            raise Problem(422, "not_accepted", "what is accepted is the order of the advice, where it has one",
                          [wrong("answer", "decision", found, "overridden, with a reason", "not what was advised")])  # fmt: skip
        body = {"advice_id": row["id"], "answer_hash": row["answer_hash"], "by": who.subject} | said
        return self.append(conn, who, [Row(row["patient_id"], "advice_answered", now, body)], now)[0]


def _same_order(given: Mapping[str, Any], regimen: Mapping[str, Any]) -> bool:
    """Whether amounts and interval that were given are those of an advice."""
    names = ("amount_mg", "interval_h", "loading_mg")
    if regimen.get("week") or given.get("week"):
        return list(given.get("week") or ()) == list(regimen.get("week") or ())
    return all((given.get(n) or 0.0) == (regimen.get(n) or 0.0) for n in names)


def _may_confirm(who: Principal, fact: NewFact) -> None:
    """Raise Problem 403 where a machine answers its own question: what it sends waits until a person says that it is right."""
    if fact.confirmed is not None and not who.may("answer"):
        raise Problem(403, "not_allowed", "your roles do not allow this: confirm an unusual value; send it without 'confirmed'",
                      [wrong("event", "confirmed", None, "left out, or a role that answers")])  # fmt: skip


def _confirmation(patient: str, fact_id: str, reason: str, now: datetime) -> Row:
    return Row(patient, "correction", now, {"corrects": fact_id, "action": "confirm", "reason": reason})


def _body(fact: NewFact) -> dict[str, Any]:
    try:
        return fact.body.canonical()
    except InputError as error:
        raise from_input_error(error, resource=fact.body.kind) from None


def _said(row: Mapping[str, Any]) -> tuple[str, str, str, Any]:
    return row["patient_id"], row["kind"], stamp(row["at"]), row["body"]


def check_moment(at: datetime, now: datetime, resource: str, field: str) -> None:
    """Raise Problem 422 for a moment before anybody lived, or so far ahead that it is a slip."""
    if not EARLIEST <= at <= now + AHEAD:
        allowed = f"{EARLIEST.isoformat()} to {(now + AHEAD).isoformat(timespec='seconds')}"
        raise Problem(422, "not_accepted", "a moment that cannot be", [wrong(resource, field, at.isoformat(), allowed)])


def _conflict(key: str, kind: str) -> Problem:
    return Problem(409, "source_key_conflict", "another event was stored under this source key; to change it, send a correction",
                   [wrong(kind, "source_key", key, "a key not used for different content")])  # fmt: skip

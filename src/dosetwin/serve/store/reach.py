"""The one query layer: every read of a patient's data goes through here, and sees only what ward, consent and role allow."""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, desc, func, or_, select, true
from sqlalchemy.engine import MappingResult

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import EVERY_WARD, Action, Principal
from dosetwin.serve.canon import digest
from dosetwin.serve.crypto import Vault
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import Person
from dosetwin.serve.store.issued import issued_so
from dosetwin.serve.store.merges import standing, with_absorbed
from dosetwin.serve.store.patient_keys import open_
from dosetwin.serve.store.seals import changed
from dosetwin.serve.store.tables import (
    Moment,
    advice,
    audit,
    break_glass,
    facts,
    identities,
    identity_index,
    patients,
    rejected,
    twin_states,
)

Row = dict[str, Any]
People = dict[tuple[str, int], Person]
"""Who was read before, by patient and version."""


# built once: putting a statement together costs more than running it
_PATIENTS = select(patients).where(patients.c.id.in_(bindparam("ids", expanding=True)))
_OPENED = select(break_glass).where(
    break_glass.c.actor == bindparam("actor"), break_glass.c.expires_at > bindparam("now", type_=Moment)
)
_STATE = [c for c in twin_states.c if c.name != "answer"]
_AFTER = (
    select(facts)
    .where(
        facts.c.patient_id == bindparam("patient"),
        facts.c.seq > bindparam("after"),
        facts.c.seq <= bindparam("through"),
    )
    .order_by(facts.c.seq)
)
_VERSION = select(func.max(identities.c.version)).where(identities.c.patient_id == bindparam("patient"))
MOST = 2**62
"""More facts than there will be."""


def _rows(found: MappingResult) -> list[Row]:
    return [dict(r) for r in found]


def _one(found: RowMapping | None) -> Row | None:
    return None if found is None else dict(found)


@dataclass(frozen=True)
class Reach:
    """What one principal may see at one moment. Make one per request."""

    who: Principal
    now: datetime
    vault: Vault
    therapies: tuple[str, ...] = ()
    """Whose twins' states are read, in the operator's order."""

    @property
    def _followed(self) -> Any:
        """The SQL condition that joins a patient with the states of its twins."""
        return and_(twin_states.c.patient_id == patients.c.id, twin_states.c.therapy.in_(self.therapies))

    def need(self, action: Action) -> None:
        """Raise Problem 403 unless a role allows it."""
        if not self.who.may(action):
            raise Problem(403, "not_allowed", f"your roles do not allow this: {action}",
                          [wrong("principal", "roles", " ".join(sorted(self.who.roles)), f"a role for {action}")])  # fmt: skip

    def _within(self, conn: Connection) -> Any:
        """The SQL condition on ``patients``."""
        member = true() if EVERY_WARD in self.who.wards else patients.c.ward.in_(sorted(self.who.wards))
        mine = or_(and_(member, patients.c.care_denied.is_(False)), patients.c.id.in_(sorted(self._opened(conn))))
        return and_(mine, patients.c.arriving.is_(False), patients.c.merged_into.is_(None), patients.c.erased_at.is_(None))

    def _opened(self, conn: Connection) -> set[str]:
        """Patients whose record was opened by breaking the glass; a row without its seal opens nothing."""
        rows = conn.execute(_OPENED, {"actor": self.who.subject, "now": self.now}).mappings()
        return {r["patient_id"] for r in rows if self.vault.seals.holds("break_glass", r)}

    def patients(self, conn: Connection, ward: str | None = None, *, active: bool = True) -> Sequence[Row]:
        """Patients within reach with their twins' summaries, a row for each therapy of a patient, in no order."""
        self.need("read")
        query = (
            select(patients, *(c.label(f"twin_{c.name}") for c in _STATE))
            .join(twin_states, self._followed, isouter=True)
            .where(self._within(conn))
        )
        if ward is not None:
            query = query.where(patients.c.ward == ward)
        if active:
            query = query.where(patients.c.active.is_(True))
        return [self._listed(r) for r in conn.execute(query).mappings()]

    def _listed(self, found: RowMapping) -> Row:
        """A line of the ward list; a row, or a state, that does not bear its seal is listed without its twin."""
        row = {c.name: found[c.name] for c in patients.c}
        state = {c.name: found[f"twin_{c.name}"] for c in _STATE}
        seals = self.vault.seals
        sound = seals.holds("patients", row) and state["patient_id"] is not None and seals.holds("twin_states", state)
        return row | {k: state[k] if sound else None for k in ("therapy", "summary", "through_seq", "computed_at", "state_hash")}

    def patient(self, conn: Connection, id_: str, action: Action = "read") -> Row:
        """One patient's row. Raises Problem 404, or 403 with what would open the record (``break_glass`` True: that would)."""
        found = self.each(conn, [id_], action)[id_]
        if isinstance(found, Problem):
            raise found
        return found

    def each(self, conn: Connection, ids: Sequence[str], action: Action = "read") -> dict[str, Row | Problem]:
        """For each patient the row, or the Problem that ``patient`` would raise. Raises Problem 403 for a role that may not."""
        self.need(action)
        rows = {r["id"]: dict(r) for r in conn.execute(_PATIENTS, {"ids": list(dict.fromkeys(ids))}).mappings()}
        return {id_: self._row(conn, id_, rows.get(id_), action) for id_ in ids}

    def _row(self, conn: Connection, id_: str, row: Row | None, action: Action) -> Row | Problem:
        if row is None:
            return Problem(404, "not_found", "no such patient", [wrong("patient", "id", id_, "the id of a patient on record")])
        if not self.vault.seals.holds("patients", row):
            return changed("patients")
        if row["erased_at"] is not None:
            return Problem(410, "erased", "this record was erased; nothing of it is here any more")
        if row["merged_into"] is not None and action not in ("read", "replay"):
            into = row["merged_into"]
            return Problem(409, "merged", "this record was merged into another one: use that one", merged_into=into)
        delivers = action in ("record", "correct")
        if row["arriving"] and not delivers:
            return Problem(409, "arriving", "this record is being taken in, or its delivery broke off: send the same again",
                           headers={"Retry-After": "5"})  # fmt: skip
        mine = self.who.of_ward(row["ward"])
        if mine and not row["care_denied"]:
            return row
        if mine and delivers and "feed" in self.who.roles:
            return row  # a machine that delivers results reads nothing, so consent to reading does not stop it
        if id_ in self._opened(conn):
            return row
        why = "the patient denied the use of the record" if row["care_denied"] else "the patient lies on another ward"
        return Problem(403, "out_of_reach", why, break_glass=self.who.may("break_glass"))

    def facts(self, conn: Connection, patient: str, *, after: int = 0, through: int | None = None,
              action: Action = "read") -> Sequence[Row]:  # fmt: skip
        """A patient's facts in the order they were recorded, those numbered above ``after`` and not above ``through``.

        Those of records that were merged into this one, as of ``through``, are among them.
        """
        row = self.patient(conn, patient, action)
        asked = {"patient": patient, "after": after, "through": MOST if through is None else through}
        own = _rows(conn.execute(_AFTER, asked).mappings())
        return own if row["merges"] is None else with_absorbed(conn, patient, own, after, asked["through"])

    def version(self, conn: Connection, patient: str) -> int:
        """Version of who the patient is. Raises Problem 503 where the identity that the patient's row names is not the last."""
        version = self.patient(conn, patient)["identity_version"]
        if conn.execute(_VERSION, {"patient": patient}).scalar() != version:
            raise changed("identities")
        return version

    def person(self, conn: Connection, patient: str, version: int | None = None) -> tuple[int, Person]:
        """Version and content of who the patient is."""
        last = self.patient(conn, patient)["identity_version"]
        return self._person(conn, patient, last if version is None else version)

    def _person(self, conn: Connection, patient: str, version: int) -> tuple[int, Person]:
        query = select(identities).where(identities.c.patient_id == patient, identities.c.version == version)
        row = conn.execute(query).mappings().first()
        if row is None or not self.vault.seals.holds("identities", row):
            raise changed("identities")
        return row["version"], Person.model_validate(open_(conn, self.vault, row))

    def people(self, conn: Connection, rows: Sequence[Row], kept: People) -> dict[str, Person]:
        """Who the patients of these rows are, where their identity bears its seal; ``kept`` remembers by id and version."""
        self.need("read")
        wanted = {(r["id"], r["identity_version"]) for r in rows if r["erased_at"] is None}
        missing = sorted({id_ for id_, version in wanted if (id_, version) not in kept})
        for at in range(0, len(missing), 500):
            query = select(identities).where(identities.c.patient_id.in_(missing[at : at + 500]))
            for row in conn.execute(query).mappings():
                key = (row["patient_id"], row["version"])
                if key in wanted and self.vault.seals.holds("identities", row):
                    with suppress(InputError):  # erased meanwhile, or changed: the patient's own page says so
                        kept[key] = Person.model_validate(open_(conn, self.vault, row))
        return {key[0]: kept[key] for key in wanted if key in kept}

    def find(self, conn: Connection, system: str, value: str) -> str | None:
        """The patient with an identifier, if within reach."""
        self.need("read")
        query = select(identity_index).where(identity_index.c.digest == self.vault.digest(system, value))
        row = conn.execute(query).mappings().first()
        if row is None:
            return None
        self.vault.seals.require("identity_index", row)
        within = select(patients.c.id).where(
            patients.c.id == standing(conn, self.vault.seals, row["patient_id"]), self._within(conn)
        )
        found = conn.execute(within).scalar()
        return None if found is None else self.patient(conn, found)["id"]

    def state(self, conn: Connection, patient: str, therapy: str = "") -> Row | None:
        """A twin's derived state (default: of the patient's first therapy); None before it was computed, and for one changed."""
        found = self.states(conn, patient)
        return next((r for r in found if therapy in ("", r["therapy"])), None)

    def states(self, conn: Connection, patient: str) -> list[Row]:
        """The states of all the twins of a patient, in the operator's order, those that are as they were stored."""
        self.patient(conn, patient)
        mine = select(twin_states).where(twin_states.c.patient_id == patient, twin_states.c.therapy.in_(self.therapies))
        rows = [dict(r) for r in conn.execute(mine).mappings()]
        holds = self.vault.seals.holds
        sound = [r for r in rows if holds("twin_states", r) and digest(r["answer"]) == r["answer_hash"]]
        return sorted(sound, key=lambda r: self.therapies.index(r["therapy"]))

    def advice_of(self, conn: Connection, patient: str) -> Sequence[Row]:
        """Every advice given for a patient, newest first, without the answers' bodies."""
        self.patient(conn, patient)
        columns = [c for c in advice.c if c.name not in ("answer", "inputs")]
        query = select(*columns).where(advice.c.patient_id == patient).order_by(desc(advice.c.asked_at))
        return _rows(conn.execute(query).mappings())

    def advice(self, conn: Connection, id_: str, action: Action = "read") -> Row:
        """One advice with inputs and answer. Raises Problem 503 for one that is not what the fact of its issue says."""
        self.need(action)
        row = _one(conn.execute(select(advice).where(advice.c.id == id_)).mappings().first())
        if row is None:
            raise Problem(404, "not_found", "no such advice", [wrong("advice", "id", id_, "the id of an advice")])
        self.patient(conn, row["patient_id"], action)
        issued = select(facts).where(facts.c.patient_id == row["patient_id"], facts.c.kind == "advice_issued")
        if not any(f["body"]["advice_id"] == id_ and issued_so(row, f) for f in conn.execute(issued).mappings()):
            raise changed("advice")
        return row

    def answers(self, conn: Connection, patient: str) -> dict[str, Row]:
        """Advice id -> the fact of its acceptance or override (the last)."""
        found = conn.execute(
            select(facts).where(facts.c.patient_id == patient, facts.c.kind == "advice_answered").order_by(facts.c.seq)
        ).mappings()
        return {f["body"]["advice_id"]: dict(f) for f in found}

    def alerts(self, conn: Connection, patient: str | None = None) -> Sequence[Row]:
        """Alerts, acknowledgements, ends of their causes, who was told and patients' own limits, of patients within reach who are
        here, in the order recorded."""
        self.need("read")
        query = (
            select(facts)
            .join(patients, patients.c.id == facts.c.patient_id)
            .where(
                facts.c.kind.in_(("alert", "alert_acknowledged", "alert_ended", "alert_told", "alert_threshold")),
                patients.c.active,
                self._within(conn),
            )
            .order_by(facts.c.seq)
        )
        if patient is not None:
            query = query.where(facts.c.patient_id == patient)
        return _rows(conn.execute(query).mappings())

    def changes(self, conn: Connection, since: str) -> tuple[str, list[str]]:
        """A cursor, and the patients within reach with facts or state newer than the cursor ``since`` (empty: none yet)."""
        self.need("read")
        head = conn.execute(select(func.max(patients.c.head))).scalar() or 0
        last = conn.execute(select(func.max(twin_states.c.computed_at))).scalar()
        cursor = f"{head}.{0 if last is None else round(last.timestamp() * 1_000_000)}"
        if not since or since == cursor:
            return cursor, []
        seq, _, micros = since.partition(".")
        when = datetime.fromtimestamp(int(micros) / 1_000_000, UTC) if int(micros) < 4e15 else self.now
        rows = conn.execute(
            select(patients.c.id)
            .distinct()
            .join(twin_states, self._followed, isouter=True)
            .where(self._within(conn), or_(patients.c.head > int(seq), twin_states.c.computed_at > when))
        )
        return cursor, [r[0] for r in rows]

    def open_record(
        self, conn: Connection, patient: str, reason: str, lasts: timedelta
    ) -> tuple[datetime, dict[str, str | None]]:
        """Break the glass: open one record for a while; returns until when, and the seal for the trail to note.

        Raises Problem 403 for roles that may not, 404 for no such patient.
        """
        self.need("break_glass")
        if conn.execute(select(patients.c.id).where(patients.c.id == patient)).first() is None:
            raise Problem(404, "not_found", "no such patient", [wrong("patient", "id", patient, "the id of a patient on record")])
        row = self.vault.seals.sealed("break_glass", id=str(uuid.uuid4()), actor=self.who.subject, patient_id=patient,
                                      reason=reason, at=self.now, expires_at=self.now + lasts)  # fmt: skip
        conn.execute(break_glass.insert(), row)
        return row["expires_at"], {f"break_glass:{row['id']}": row["seal"]}

    # ------------------------------------------------------------------------------------------------ beside care

    def for_research(self, conn: Connection) -> list[str]:
        """Patients of the asker's wards who denied neither care nor research."""
        self.need("export")
        member = true() if EVERY_WARD in self.who.wards else patients.c.ward.in_(sorted(self.who.wards))
        agreed = (patients.c.care_denied.is_(False), patients.c.research_denied.is_(False), patients.c.arriving.is_(False),
                  patients.c.merged_into.is_(None), patients.c.erased_at.is_(None))  # fmt: skip
        rows = conn.execute(select(patients).where(member, *agreed).order_by(patients.c.id)).mappings()
        return [r["id"] for r in rows if self.vault.seals.holds("patients", r)]

    def research_record(self, conn: Connection, patient: str) -> tuple[Sequence[Row], Person]:
        """Facts and identity of one of those patients, to be de-identified before anybody sees them."""
        self.need("export")
        own = _rows(conn.execute(select(facts).where(facts.c.patient_id == patient).order_by(facts.c.seq)).mappings())
        rows = with_absorbed(conn, patient, own, 0, MOST)
        version = conn.execute(select(patients.c.identity_version).where(patients.c.id == patient)).scalar_one()
        return rows, self._person(conn, patient, version)[1]

    def rejected(self, conn: Connection, most: int) -> Sequence[Row]:
        """The newest refused messages, without their bodies; people see those they sent, model-admins all."""
        self.need("rejected")
        columns = [c for c in rejected.c if c.name not in ("body", "key_id")]
        query = select(*columns).order_by(desc(rejected.c.at)).limit(most)
        if "model-admin" not in self.who.roles:
            query = query.where(rejected.c.actor == self.who.subject)
        return _rows(conn.execute(query).mappings())

    def rejected_one(self, conn: Connection, id_: str) -> Row:
        """One refused message, sealed. Only whoever sent it may read the body: it may be about a patient."""
        self.need("rejected")
        row = _one(conn.execute(select(rejected).where(rejected.c.id == id_)).mappings().first())
        if row is None:
            raise Problem(404, "not_found", "no such message", [wrong("rejected", "id", id_, "the id of a refused message")])
        self.vault.seals.require("rejected", row)
        feed = "pharmacist" in self.who.roles and EVERY_WARD in self.who.wards
        if row["actor"] != self.who.subject and not feed:
            raise Problem(403, "out_of_reach", "only its sender, or a pharmacist of every ward, may read a refused message")
        return row

    def audit(self, conn: Connection, patient: str | None, before: int, most: int, find: str = "") -> Sequence[Row]:
        """Entries of the audit trail, newest first; ``find`` the whole name of an actor, an action or an outcome, or how a
        patient's id begins."""
        self.need("audit")
        query = select(audit).where(audit.c.seq < before).order_by(desc(audit.c.seq)).limit(most)
        if find:
            same = (audit.c.actor == find, audit.c.action == find, audit.c.outcome == find)
            query = query.where(or_(*same, audit.c.patient_id.startswith(find, autoescape=True)))
        return _rows(conn.execute(query if patient is None else query.where(audit.c.patient_id == patient)).mappings())

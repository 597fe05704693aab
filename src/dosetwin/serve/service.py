"""Everything one running service holds, and what its parts do together: record, refresh, ask."""

import json
import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, func, select

from dosetwin.forecast.tells import listed
from dosetwin.serve.agenda import Agenda
from dosetwin.serve.alike import comparable, differs
from dosetwin.serve.audit import Trail, Verdict, digest, stamp
from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.clock import Clock, WallClock
from dosetwin.serve.crew import Crew
from dosetwin.serve.crypto import Vault
from dosetwin.serve.earlier import as_written_then, same_made
from dosetwin.serve.installed import Followed, Installed, install
from dosetwin.serve.jobs import Jobs
from dosetwin.serve.leader import Leader
from dosetwin.serve.memory import Memory
from dosetwin.serve.metrics import Metrics
from dosetwin.serve.parcel import unpack
from dosetwin.serve.places.followed import Places
from dosetwin.serve.problems import Problem
from dosetwin.serve.refresh import Done, Refresher, basis_of, drop, put, unsound
from dosetwin.serve.settings import Settings
from dosetwin.serve.store import Store
from dosetwin.serve.store.checkpoint import Checkpoint
from dosetwin.serve.store.facts import NewFact, about, unnamed
from dosetwin.serve.store.ledger import ALONE, Ledger, Receipt
from dosetwin.serve.store.reach import Reach
from dosetwin.serve.store.remembered import Remembered
from dosetwin.serve.store.tables import facts, patients, rejected, twin_states
from dosetwin.serve.store.writer import Alike
from dosetwin.serve.timeline import mic_of
from dosetwin.serve.triers import Triers
from dosetwin.serve.twins import KeptQuestion, Known, Pool, answer, state_hash, told_for
from dosetwin.serve.worker import Batch

if TYPE_CHECKING:
    from dosetwin.advise import Advice

T = TypeVar("T")
PIECE = 250
"""Facts of a large delivery that are written at a time, some 30 ms of the one writer."""
log = logging.getLogger("dosetwin.serve")
STALE = timedelta(minutes=30)
"""A twin in memory that was asked about longer ago is asked again: doses have become due meanwhile."""


@dataclass(eq=False)
class Service:
    """The parts of a running service. ``record`` and ``ask`` are its verbs; routes and adapters use nothing below them."""

    settings: Settings
    store: Store
    clock: Clock
    vault: Vault
    trail: Trail
    ledger: Ledger
    memory: Memory
    pool: Pool
    installed: Installed
    metrics: Metrics = field(default_factory=Metrics)
    wall: Clock = field(default_factory=WallClock)
    remembered: Remembered = field(default_factory=Remembered)
    agenda: Agenda = field(default_factory=Agenda)
    pairs: Memory = field(default_factory=lambda: Memory(16))
    closed: bool = False
    leader: Leader | None = None
    _looked: set[str] = field(default_factory=set)
    on_change: list[Callable[[str], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.refresher = Refresher(self.store.read, self.vault, self.remembered, self.installed)
        self.jobs = Jobs(self.store.engine)
        self.places = Places(self)
        self.triers = Triers(self.settings, self.pool)
        self.crew = Crew(self.agenda, self.settings, self._batch, self._compute, self._store, self._settle)

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> "Service":
        """Open the store and everything around it. Raises InputError for unsafe settings."""
        settings.refuse_unsafe()
        installed = install(settings)
        for word in settings.superseded:
            log.warning("%s; the old name works for one more release", word)
        vault, trail = Vault(settings.keys, settings.chain_key), Trail(settings.chain_key)
        store = Store(settings.url, key=settings.chain_key)
        checkpoint = Checkpoint(settings.checkpoint, vault.seals, store.read)
        store.after_commits(checkpoint.note)
        return cls(settings, store, clock, vault, trail, Ledger(trail, vault), Memory(settings.twins_in_memory),
                   Pool(settings.workers), installed)  # fmt: skip

    def close(self) -> None:
        """Finish what runs and close the store."""
        self.closed = True
        self.crew.close()
        self.triers.close()
        self.pool.close()
        self.store.close()

    def reach(self, who: Principal) -> Reach:
        """What ``who`` may see now."""
        return Reach(who, self.clock.now(), self.vault, self.installed.names)

    def running(self, known: Known) -> tuple[Followed, ...]:
        """The therapies of a patient, in the operator's order."""
        return self.installed.running(known.facts, known.person.birth)

    def chosen(self, known: Known, therapy: str | None) -> Followed:
        """The therapy that is meant, asked with the model that is about the patient; by name, else the first.

        Raises UnknownName for one not installed here.
        """
        of = self.installed.on_ward(self.installed[therapy], known.facts) if therapy else self.running(known)[0]
        return of.of(known, self.clock.now())

    # ------------------------------------------------------------------------------------------------------- writing

    def change(self, who: Principal, change: Callable[[Connection, Reach], T]) -> T:
        """Run a change in the writer with the reach of ``who``; committed when this returns."""
        return self.store.write(lambda conn: change(conn, self.reach(who)))

    def named(self, who: Principal, new: Sequence[tuple[str, NewFact]]) -> list[NewFact]:
        """The same facts, those that leave the drug out about the one of their ward's first therapy."""
        asked = {id_ for id_, fact in new if unnamed(fact.body)}
        if not asked:
            return [fact for _, fact in new]
        with self.store.read() as conn:
            rows = self.reach(who).each(conn, sorted(asked), "record")
        drugs = {id_: self.installed.of_ward(row["ward"]).drug for id_, row in rows.items() if not isinstance(row, Problem)}
        return [about(fact, drugs[id_]) if id_ in drugs and unnamed(fact.body) else fact for id_, fact in new]

    def record_pieces(self, who: Principal, new: Sequence[tuple[str, NewFact]]) -> list[Receipt]:
        """Record many facts of patients that are ``arriving``, so many at a time: between two pieces others are written.

        Whatever is not accepted is told before anything is stored; broken off, the same facts sent again complete it.
        """
        rows = self.ledger.rows(new, self.clock.now())
        with self.store.read() as conn:
            self.ledger.refuse_conflicts(conn, rows)
        receipts: list[Receipt] = []
        for start in range(0, len(new), PIECE):
            piece = new[start : start + PIECE]

            def change(conn: Connection, reach: Reach, piece: Sequence[tuple[str, NewFact]] = piece) -> list[Receipt]:
                for id_ in {patient for patient, _ in piece}:
                    reach.patient(conn, id_, "record")
                return self.ledger.record(conn, who, piece, reach.now)

            receipts += self.change(who, change)
        return receipts

    def record_soon(self, who: Principal, patient: str, fact: NewFact) -> "Future[Receipt]":
        """Record one fact, together with those of others who do so just now; the future has its receipt once it is committed."""
        if fact.confirmed is not None:
            return self.store.submit(lambda conn: self._record_sure(conn, who, patient, fact))
        if fact.body.kind in ALONE:
            return self.store.submit(lambda conn: self._record_each(conn, [(who, patient, fact)], raises=True)[0])
        return self.store.submit(Alike(self._record_each, (who, patient, fact)))

    def _record_sure(self, conn: Connection, who: Principal, patient: str, fact: NewFact) -> Receipt:
        """Record one fact and why it is right."""
        reach = self.reach(who)
        reach.patient(conn, patient, "record")
        return self.ledger.record(conn, who, [(patient, fact)], reach.now)[0]

    def _record_each(self, conn: Connection, new: Sequence[tuple[Principal, str, NewFact]], *,
                     raises: bool = False) -> list[Any]:  # fmt: skip
        """Record a fact each, or say why not, in the order they came."""
        now = self.clock.now()
        answers: list[Any] = [None] * len(new)
        asked: dict[Principal, list[int]] = {}
        for k, (who, _, _) in enumerate(new):
            asked.setdefault(who, []).append(k)
        for who, places in asked.items():
            try:
                rows = Reach(who, now, self.vault).each(conn, [new[k][1] for k in places], "record")
            except Problem as problem:  # not a role that records
                rows = dict.fromkeys((new[k][1] for k in places), problem)
            for k in places:
                row = rows[new[k][1]]
                answers[k] = row if isinstance(row, Problem) else None
        allowed = [k for k, a in enumerate(answers) if a is None]
        for k, answer_ in zip(allowed, self.ledger.record_each(conn, [new[k] for k in allowed], now), strict=True):
            answers[k] = answer_
        if raises and isinstance(answers[0], Problem):
            raise answers[0]
        return answers

    def log_in(self, who: Principal, *, action: str = "login", patient: str | None = None,
               instead_of: str | None = None) -> tuple[str, sessions.Session]:  # fmt: skip
        """Begin a session, always with a new token; the one that the browser brought (``instead_of``) ends."""

        def change(conn: Connection) -> tuple[str, sessions.Session]:
            token, session, noted = sessions.begin(conn, self.vault.seals, who, self.wall.now(), self.settings.session_time)
            ended = sessions.end(conn, instead_of) if instead_of else {}
            self.trail.add(conn, self.clock.now(), who, action, patient=patient, detail={"sealed": ended | noted})
            return token, session

        return self.store.write(change)

    def log_out(self, who: Principal, token: str) -> None:
        """End a session."""
        self.store.write(
            lambda conn: self.trail.add(conn, self.clock.now(), who, "logout", detail={"sealed": sessions.end(conn, token)})
        )

    def verified(self, conn: Connection, expect: str | None = None) -> Verdict:
        """Whether the store is what the program wrote (``Trail.verify``), the checkpoint and the identities included."""
        return self.trail.verify_with(conn, expect, Checkpoint(self.settings.checkpoint, self.vault.seals), self.vault)

    def audited(self, who: Principal, action: str, *, patient: str | None = None, outcome: str = "ok",
                detail: dict[str, Any] | None = None) -> None:  # fmt: skip
        """Note in the audit trail that something was done or refused."""
        self.store.write(
            lambda conn: self.trail.add(conn, self.clock.now(), who, action, patient=patient, outcome=outcome, detail=detail)
        )

    def reject(self, who: Principal, source: str, body: bytes, reasons: list[dict[str, Any]]) -> str:
        """Keep a message that was not accepted, sealed, with the reasons; returns its id."""
        id_ = str(uuid.uuid4())
        sealed = self.vault.seal_bytes(body, f"rejected:{id_}")
        # the reasons name fields and allowed values; what was found there may identify somebody and stays in the sealed body
        plain = [{k: v for k, v in r.items() if k != "value"} for r in reasons]

        def put(conn: Connection) -> None:
            row = self.vault.seals.sealed("rejected", id=id_, at=self.clock.now(), source=source[:64], actor=who.subject[:200],
                                          reasons=plain, key_id=sealed.key_id, body=sealed.body)  # fmt: skip
            conn.execute(rejected.insert(), row)
            detail = {"rejected": id_, "source": source[:64], "sealed": {f"rejected:{id_}": row["seal"]}}
            self.trail.add(conn, self.clock.now(), who, "reject", outcome="refused", detail=detail)

        self.store.write(put)
        return id_

    # ---------------------------------------------------------------------------------------------------------- twins

    def question(self, therapy: str | Followed | None = None, *, sensitivity: bool = True, **changed: Any) -> KeptQuestion:
        """The question about a therapy (default: the usual one) as the settings ask it, now. What is ``changed`` goes first."""
        s, of = self.settings, self.installed[therapy] if isinstance(therapy, str) else therapy or self.installed.first
        asked: dict[str, Any] = {"model": of.model, "policy": of.policy, "seed": s.seed, "draws": s.draws,
                                 "now": self.clock.now().replace(microsecond=0), "sensitivity": sensitivity}  # fmt: skip
        asked |= {k: v for k, v in changed.items() if v is not None}
        if "told" not in asked:
            asked["told"] = told_for(asked["model"], s.told or None)
        return KeptQuestion(**asked)

    def known(self, conn: Connection, reach: Reach, patient: str) -> Known:
        """Facts and identity of a patient within reach; those read before come from memory."""
        held = self.remembered.of(conn, reach, patient)
        return Known(patient, held.facts, held.version, held.person)

    def current(self, who: Principal, patient: str, *, therapy: str | None = None, told: str | None = None,
                exact: bool = True) -> "tuple[Known, KeptQuestion, Advice]":  # fmt: skip
        """A twin of a patient within reach (default: of the first therapy) with its curves, from memory or computed: what a page
        and a what-if are drawn from.

        ``exact`` False: for plans only, without curves, and facts that nobody reads (a temperature) may be missing.
        Raises InputError when the facts have errors, Problem when the patient is out of reach.
        """
        with self.store.read() as conn:
            known = self.known(conn, self.reach(who), patient)
        of = self.chosen(known, therapy)
        question = self.question(of, sensitivity=False, mic_mg_per_L=mic_of(known.facts, of.drug), told=told)
        state, basis = state_hash(known, question), basis_of(known, question)
        kept = self._kept(patient, question, basis)
        if kept is None or question.now - kept[1].now > STALE or (exact and kept[0] != state):
            kept = (state, question, self.pool.run(partial(answer, curves=exact), known, question))
            self._keep(patient, basis, *kept)
        if exact and kept[2].curves is None:
            from dosetwin.advise import with_curves

            kept = (state, kept[1], self.pool.run(with_curves, kept[2]))
            self._keep(patient, basis, *kept)
        return known, kept[1], kept[2]

    def _keep(self, patient: str, basis: str, state: str, question: KeptQuestion, advice: "Advice | bytes") -> None:
        """Keep the last belief of each twin with each forecast that told it; an older one is of no use to anybody."""
        self.memory.put((patient, question.policy["name"], question.told), (basis, state, question, advice))

    def _kept(self, patient: str, question: KeptQuestion, basis: str) -> "tuple[str, KeptQuestion, Advice] | None":
        """State, question and advice in memory, if they rest on this basis."""
        place = (patient, question.policy["name"], question.told)
        kept = self.memory.get(place)
        if kept is None or kept[0] != basis:
            return None
        if isinstance(kept[3], bytes):  # as it came from the process that computed it
            question, advice = unpack(kept[3])
            self._keep(patient, basis, kept[1], question, advice)
            return kept[1], question, advice
        return kept[1], kept[2], kept[3]

    def touched(self, ids: Iterable[str], *, urgent: bool = True) -> None:
        """Facts arrived: recompute these twins in the background, each once however many facts came.

        ``urgent`` False for values of streams: they wait until news are worked in, and for the next second.
        """
        if not self.closed:
            self.crew.start()
            self.agenda.add(ids, urgent=urgent)

    @property
    def waiting(self) -> int:
        """Twins with facts that are not worked in yet."""
        return len(self.agenda)

    def _batch(self, ids: Sequence[str]) -> Batch:
        return Batch(ids, self.question(sensitivity=False), self._older)

    @property
    def _older(self) -> timedelta:
        """An answer computed longer ago is given anew: what is due has changed without a new fact."""
        return timedelta(hours=self.settings.refresh_after_h)

    def _compute(self, patient: str, batch: Batch) -> list[Done]:
        return self.refresher.safely(patient, batch.question, batch.older)

    def _store(self, found: list[Done]) -> "Future[list[str]]":
        good = [d for d in found if d.failure is None]
        return self.store.submit(lambda conn: put(conn, good, self.clock.now(), self.vault.seals) if good else [])

    def _settle(self, found: list[Done], stored: "Future[list[str]]") -> None:
        """Results of background work are stored, or failed: count, log, tell."""
        try:
            again = set(stored.result())
        except Exception as error:  # a metric and the log say it; the sweep finds what was not stored
            self.metrics.failures.inc()
            if not self.closed:
                log.error("states of twins were not stored: %s", type(error).__name__)
            return
        for d in found:
            if d.failure is not None:
                self.metrics.failures.inc()
                # where, not what: the message may hold a patient's data
                log.error("refresh of a twin failed: %s in %s line %s", *d.failure)
            elif d.patient not in again:
                self._told(d)
        self.jobs.done(d.patient for d in found if d.patient not in again)
        if again:
            self.touched(again)

    def _told(self, d: Done) -> None:
        if d.belief is not None:
            self._keep(d.patient, d.basis, d.state_hash, *d.belief)
        if d.seconds is not None:
            self.metrics.refreshes.observe(d.seconds)
        if d.changed:
            for tell in self.on_change:
                tell(d.patient)

    def refresh(self, patient: str, *, only_if_changed: bool = True) -> None:
        """Recompute a patient's twins here and now, and put their lines and answers into the table of states."""
        for _ in range(3):
            found = self.refresher.followed(
                patient, self.question(sensitivity=False), self._older, only_if_changed=only_if_changed
            )
            if not self.store.write(lambda conn, d=found: put(conn, d, self.clock.now(), self.vault.seals)):
                for d in found:
                    self._told(d)
                return

    def catch_up(self) -> int:
        """Recompute twins whose state is missing, behind the facts (a restart, another process), or too old; all of them once
        after a therapy was installed that no state is of.
        """
        oldest = self.clock.now() - timedelta(hours=self.settings.refresh_after_h)
        names = self.installed.names
        with self.store.read() as conn:
            forged = unsound(conn, self.vault.seals)
        if forged:
            self.store.write(lambda conn: drop(conn, forged))
        with self.store.read() as conn:
            there = set(conn.execute(select(twin_states.c.therapy).distinct()).scalars())
            mine = (twin_states.c.patient_id == patients.c.id) & twin_states.c.therapy.in_(names)
            query = select(patients.c.id).distinct().join(twin_states, mine, isouter=True)
            query = query.where(patients.c.arriving.is_(False), patients.c.merged_into.is_(None), patients.c.erased_at.is_(None))
            behind = (
                twin_states.c.through_seq.is_(None)
                | (twin_states.c.through_seq < patients.c.head)
                | (patients.c.active & (twin_states.c.computed_at < oldest))
            )
            new = set(names) - there - self._looked
            rows = conn.execute(query.where(patients.c.active | behind if new else behind)).all()
            since = self._since(conn, [r[0] for r in rows])
        self._looked |= new
        self.jobs.forget(since)
        mine = self.jobs.take(since, self.clock.now())
        self.touched(mine)
        return len(mine)

    def standing(self) -> tuple[int, float, int]:
        """Twins of patients who are here that are behind their facts, the age of the oldest answer (s), the store's bytes."""
        mine = (twin_states.c.patient_id == patients.c.id) & twin_states.c.therapy.in_(self.installed.names)
        here = patients.c.active & patients.c.merged_into.is_(None) & patients.c.erased_at.is_(None)
        with self.store.read() as conn:
            query = select(func.count(), func.min(twin_states.c.computed_at)).select_from(patients.join(twin_states, mine))
            behind = conn.execute(query.where(here, twin_states.c.through_seq < patients.c.head)).one()[0]
            oldest = conn.execute(query.where(here)).one()[1]
            if self.store.sqlite:
                pages, each = (conn.exec_driver_sql(f"PRAGMA {p}").scalar() or 0 for p in ("page_count", "page_size"))
                size = pages * each
            else:
                size = conn.execute(select(func.pg_database_size(func.current_database()))).scalar() or 0
        return behind, 0.0 if oldest is None else max((self.clock.now() - oldest).total_seconds(), 0.0), size

    def help_out(self) -> int:
        """Take some of the twins that have been behind their facts for a while, whichever process those came to."""
        if not self.jobs.shared:
            return 0
        with self.store.read() as conn:
            mine = (twin_states.c.patient_id == patients.c.id) & twin_states.c.therapy.in_(self.installed.names)
            query = select(patients.c.id).distinct().join(twin_states, mine).where(twin_states.c.through_seq < patients.c.head)
            rows = conn.execute(
                query.where(
                    patients.c.arriving.is_(False), patients.c.merged_into.is_(None), patients.c.erased_at.is_(None)
                ).limit(1000)
            ).all()
            since = self._since(conn, [r[0] for r in rows])
        taken = self.jobs.take(since, self.clock.now())
        self.touched(taken)
        return len(taken)

    def _since(self, conn: Connection, ids: Sequence[str]) -> dict[str, datetime]:
        """When the last fact of each of these patients was recorded."""
        now, found = self.clock.now(), dict.fromkeys(ids, self.clock.now())
        if not self.jobs.shared:
            return found
        last = patients.join(facts, facts.c.seq == patients.c.head)
        query = select(patients.c.id, facts.c.recorded_at).select_from(last).where(patients.c.id.in_(list(ids)))
        return found | {id_: min(at, now) for id_, at in conn.execute(query)}

    def ask(self, who: Principal, patient: str, *, therapy: str | None = None, **changed: Any) -> dict[str, Any]:
        """Ask for advice on a therapy (default: the patient's first), keep question and answer, return them with the advice's id.

        Asked for one that did not run for the patient, it runs from then on. Raises UnknownName for one not installed here.
        """
        with self.store.read() as conn:
            reach = self.reach(who)
            reach.patient(conn, patient, "ask")
            known = self.known(conn, reach, patient)
        of = self.chosen(known, therapy)
        if changed.get("mic_mg_per_L") is None:
            changed["mic_mg_per_L"] = mic_of(known.facts, of.drug)
        question = self.question(of, **changed)
        found = self.pool.run(partial(answer, curves=False), known, question)  # drawn if somebody looks
        self._keep(patient, basis_of(known, question), state_hash(known, question), question, found)
        said = found.recommendation.to_json()
        inputs = question.to_json()
        now = self.clock.now()

        def issue(conn: Connection, reach: Reach) -> str:
            reach.patient(conn, patient, "ask")
            return self.ledger.issue_advice(conn, who, patient, through_seq=known.through, inputs=inputs, answer=said, now=now,
                                            identity_version=known.identity_version)  # fmt: skip

        id_ = self.change(who, issue)
        self.touched([patient])
        return {"id": id_, "patient_id": patient, "asked_at": stamp(now), "through_seq": known.through, "therapy": of.name,
                "inputs": inputs, "answer": said}  # fmt: skip

    def replay(self, who: Principal, advice: str) -> dict[str, Any]:
        """Compute a past advice again from its stored facts and question: is the answer the same, and if not, what changed."""
        with self.store.read() as conn:
            reach = self.reach(who)
            row = reach.advice(conn, advice, "replay")
            patient = row["patient_id"]
            version, person = reach.person(conn, patient, row["identity_version"])
            known = Known(patient, reach.facts(conn, patient, through=row["through_seq"]), version, person)
        question = KeptQuestion.from_json(row["inputs"])
        said = self.pool.run(answer, known, question).recommendation.to_json()
        then, now = row["inputs"], question.to_json()
        made_of = [
            k
            for k in ("dosetwin", "model_hash", *(f"{t}_hash" for t in listed()))
            if then.get(k) != now.get(k) and not same_made(then, k)
        ]
        changed = {k: {"then": then[k], "now": now[k]} for k in made_of}
        versions = {"then": row["answer"]["provenance"]["versions"], "now": said["provenance"]["versions"]}
        if versions["then"] != versions["now"]:
            changed["versions"] = versions
        again = json.loads(json.dumps(as_written_then(said, row["answer"])))  # through JSON, as the stored one went
        differences = list(differs(comparable(row["answer"]), again))
        same = digest(row["answer"]) == row["answer_hash"] and not differences
        self.audited(who, "replay", patient=patient, detail={"advice": advice, "same": same})
        return {"id": advice, "same": same, "changed_since": changed, "differs": differences[:20], "answer": said}

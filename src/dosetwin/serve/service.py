"""Everything one running service holds, and what its parts do together: record, refresh, ask."""

import logging
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, delete, select

from dosetwin.errors import DosetwinError, InputError
from dosetwin.serve.audit import Trail, digest, stamp
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.clock import Clock, WallClock
from dosetwin.serve.crypto import Vault
from dosetwin.serve.metrics import Metrics
from dosetwin.serve.settings import Settings
from dosetwin.serve.store import Store
from dosetwin.serve.store.ledger import Ledger
from dosetwin.serve.store.reach import Reach
from dosetwin.serve.store.tables import patients, rejected, twin_states
from dosetwin.serve.summary import summary_of
from dosetwin.serve.timeline import mic_of
from dosetwin.serve.twins import Known, Memory, Pool, Question, answer, cannot, kidney_for, state_hash, timed

if TYPE_CHECKING:
    from dosetwin.advise import Advice

T = TypeVar("T")
log = logging.getLogger("dosetwin.serve")
APART_S = 1.0
"""A twin is recomputed at most this often."""
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
    policy: dict[str, Any]
    metrics: Metrics = field(default_factory=Metrics)
    wall: Clock = field(default_factory=WallClock)
    _waiting: set[str] = field(default_factory=set)
    _running: set[str] = field(default_factory=set)
    _next: dict[str, float] = field(default_factory=dict)
    _gate: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False
    on_change: list[Callable[[str], None]] = field(default_factory=list)

    @classmethod
    def open(cls, settings: Settings, clock: Clock) -> "Service":
        """Open the store and everything around it. Raises InputError for unsafe settings."""
        from dosetwin.decide import policy

        settings.refuse_unsafe()
        rules = policy.load(settings.policy).to_json()
        if settings.kidney and kidney_for(settings.model, settings.kidney) is None:
            raise InputError("this model has no filtration that a kidney could tell", where="DOSETWIN_KIDNEY",
                             value=f"{settings.kidney} for {settings.model}", remedy="leave it out")  # fmt: skip
        vault, trail = Vault(settings.keys, settings.chain_key), Trail(settings.chain_key)
        store = Store(settings.url)
        return cls(settings, store, clock, vault, trail, Ledger(trail, vault), Memory(settings.twins_in_memory),
                   Pool(settings.workers), rules)  # fmt: skip

    def close(self) -> None:
        """Finish what runs and close the store."""
        with self._gate:
            self.closed = True
        self.pool.close()
        self.store.close()

    def reach(self, who: Principal) -> Reach:
        """What ``who`` may see now."""
        return Reach(who, self.clock.now(), self.vault)

    # ------------------------------------------------------------------------------------------------------- writing

    def change(self, who: Principal, change: Callable[[Connection, Reach], T]) -> T:
        """Run a change in the writer with the reach of ``who``; committed when this returns."""
        return self.store.write(lambda conn: change(conn, self.reach(who)))

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
            conn.execute(rejected.insert().values(id=id_, at=self.clock.now(), source=source[:64], actor=who.subject[:200],
                                                  reasons=plain, key_id=sealed.key_id, body=sealed.body))  # fmt: skip
            self.trail.add(
                conn, self.clock.now(), who, "reject", outcome="refused", detail={"rejected": id_, "source": source[:64]}
            )

        self.store.write(put)
        return id_

    # ---------------------------------------------------------------------------------------------------------- twins

    def question(self, *, sensitivity: bool = True, **changed: Any) -> Question:
        """The question the settings ask, now. A kidney that is ``changed`` goes before that of the settings."""
        s = self.settings
        asked: dict[str, Any] = {"model": s.model, "policy": self.policy, "seed": s.seed, "draws": s.draws,
                                 "now": self.clock.now().replace(microsecond=0), "sensitivity": sensitivity}  # fmt: skip
        asked |= {k: v for k, v in changed.items() if v is not None}
        if "kidney" not in asked:
            asked["kidney"] = kidney_for(asked["model"], s.kidney)
        return Question(**asked)

    def known(self, conn: Connection, reach: Reach, patient: str) -> Known:
        """Facts and identity of a patient within reach."""
        version, person = reach.person(conn, patient)
        return Known(patient, reach.facts(conn, patient), version, person)

    def current(self, who: Principal, patient: str, *, kidney: str | None = None) -> "tuple[Known, Question, Advice]":
        """The twin of a patient within reach with its curves, from memory or computed: what a page and a what-if are drawn from.

        Raises InputError when the facts have errors, Problem when the patient is out of reach.
        """
        with self.store.read() as conn:
            known = self.known(conn, self.reach(who), patient)
        question = self.question(sensitivity=False, mic_mg_per_L=mic_of(known.facts, self.policy["drug"]), kidney=kidney)
        key = state_hash(known, question)
        kept = self.memory.get(key)
        if kept is None or question.now - kept[0].now > STALE:
            kept = (question, self.pool.run(answer, known, question))
            self.memory.put(key, kept)
        return known, kept[0], kept[1]

    def touched(self, ids: Iterable[str]) -> None:
        """Facts arrived: recompute these twins in the background, each once however many facts came.

        A twin that was recomputed less than APART_S ago waits so long first: a stream of facts must not keep it busy for ever.
        """
        with self._gate:
            if self.closed:
                return
            for id_ in ids:
                if id_ not in self._waiting:
                    self._waiting.add(id_)
                    if id_ not in self._running:
                        self._start(id_)

    def _start(self, patient: str) -> None:
        """Hand a twin to the pool, now or when it may be recomputed again. The gate is held."""
        left = self._next.get(patient, 0.0) - time.monotonic()
        if left <= 0:
            self.pool.start(self._refresh_one, patient)
            return
        timer = threading.Timer(left, self._start_later, (patient,))
        timer.daemon = True
        timer.start()

    def _start_later(self, patient: str) -> None:
        with self._gate:
            if not self.closed:
                self.pool.start(self._refresh_one, patient)

    @property
    def waiting(self) -> int:
        """Twins with facts that are not worked in yet."""
        with self._gate:
            return len(self._waiting | self._running)

    def _refresh_one(self, patient: str) -> None:
        with self._gate:
            if patient in self._running:
                return
            self._waiting.discard(patient)
            self._running.add(patient)
        try:
            self.refresh(patient)
        except Exception as error:  # a background failure must not end the worker; a metric and the log say it
            self.metrics.failures.inc()
            last = traceback.extract_tb(error.__traceback__)[-1]  # where, not what: the message may hold a patient's data
            log.error("refresh of a twin failed: %s in %s line %s", type(error).__name__, last.name, last.lineno)
        finally:
            with self._gate:
                self._running.discard(patient)
                self._next[patient] = time.monotonic() + APART_S
                if patient in self._waiting and not self.closed:
                    self._start(patient)

    def refresh(self, patient: str, *, only_if_changed: bool = True) -> None:
        """Recompute one twin and put its line and its answer into the table of states."""
        reach = self.reach(THE_SERVICE)
        with self.store.read() as conn:
            known = self.known(conn, reach, patient)
            columns = (twin_states.c.state_hash, twin_states.c.answer, twin_states.c.summary)
            old = conn.execute(select(*columns).where(twin_states.c.patient_id == patient)).first()
        question = self.question(sensitivity=False, mic_mg_per_L=mic_of(known.facts, self.policy["drug"]))
        key = state_hash(known, question)
        seconds = 0.0
        asked = question.now
        if old is not None and old.state_hash == key and only_if_changed and not self._old(old.summary, asked):
            said = old.answer
            asked = datetime.fromisoformat(old.summary["now"])
        else:
            try:
                advice, seconds = timed(answer, known, question)
                self.metrics.refreshes.observe(seconds)
                self.memory.put(key, (question, advice))
                said = advice.recommendation.to_json()
            except DosetwinError as error:
                said = cannot(error)
        summary = summary_of(known, said, replace(question, now=asked))
        row = {"patient_id": patient, "state_hash": key, "through_seq": known.through, "computed_at": self.clock.now(),
               "seconds": seconds, "summary": summary, "answer": said}  # fmt: skip

        def put(conn: Connection) -> None:
            newer = conn.execute(select(twin_states.c.through_seq).where(twin_states.c.patient_id == patient)).scalar()
            if newer is None or newer <= known.through:
                conn.execute(delete(twin_states).where(twin_states.c.patient_id == patient))
                conn.execute(twin_states.insert().values(**row))

        self.store.write(put)
        for tell in self.on_change:
            tell(patient)

    def _old(self, summary: dict[str, Any], now: datetime) -> bool:
        """Whether an answer was computed so long ago that what is due has changed without a new fact."""
        return now - datetime.fromisoformat(summary["now"]) > timedelta(hours=self.settings.refresh_after_h)

    def catch_up(self) -> int:
        """Recompute twins whose state is missing, behind the facts (a restart, another process), or too old."""
        oldest = self.clock.now() - timedelta(hours=self.settings.refresh_after_h)
        with self.store.read() as conn:
            rows = conn.execute(
                select(patients.c.id)
                .join(twin_states, twin_states.c.patient_id == patients.c.id, isouter=True)
                .where(
                    twin_states.c.through_seq.is_(None)
                    | (twin_states.c.through_seq < patients.c.head)
                    | (patients.c.active & (twin_states.c.computed_at < oldest))
                )
            ).all()
        self.touched(r[0] for r in rows)
        return len(rows)

    def ask(self, who: Principal, patient: str, **changed: Any) -> dict[str, Any]:
        """Ask for advice, keep question and answer, and return them with the advice's id."""
        with self.store.read() as conn:
            reach = self.reach(who)
            reach.patient(conn, patient, "ask")
            known = self.known(conn, reach, patient)
        if changed.get("mic_mg_per_L") is None:
            changed["mic_mg_per_L"] = mic_of(known.facts, self.policy["drug"])
        question = self.question(**changed)
        found = self.pool.run(answer, known, question)
        self.memory.put(state_hash(known, question), (question, found))
        said = found.recommendation.to_json()
        inputs = question.to_json()
        now = self.clock.now()

        def issue(conn: Connection, reach: Reach) -> str:
            reach.patient(conn, patient, "ask")
            return self.ledger.issue_advice(conn, who, patient, through_seq=known.through, inputs=inputs, answer=said, now=now,
                                            identity_version=known.identity_version)  # fmt: skip

        id_ = self.change(who, issue)
        self.touched([patient])
        return {"id": id_, "patient_id": patient, "asked_at": stamp(now), "through_seq": known.through, "inputs": inputs,
                "answer": said}  # fmt: skip

    def replay(self, who: Principal, advice: str) -> dict[str, Any]:
        """Compute a past advice again from its stored facts and question: is the answer the same, and if not, what changed."""
        with self.store.read() as conn:
            reach = self.reach(who)
            row = reach.advice(conn, advice, "replay")
            patient = row["patient_id"]
            version, person = reach.person(conn, patient, row["identity_version"])
            known = Known(patient, reach.facts(conn, patient, through=row["through_seq"]), version, person)
        question = Question.from_json(row["inputs"])
        said = self.pool.run(answer, known, question).recommendation.to_json()
        then, now = row["inputs"], question.to_json()
        made_of = [k for k in ("dosetwin", "model_hash", "kidney_hash") if then.get(k) != now.get(k)]
        changed = {k: {"then": then[k], "now": now[k]} for k in made_of}
        versions = {"then": row["answer"]["provenance"]["versions"], "now": said["provenance"]["versions"]}
        if versions["then"] != versions["now"]:
            changed["versions"] = versions
        same = digest(said) == row["answer_hash"]
        self.audited(who, "replay", patient=patient, detail={"advice": advice, "same": same})
        return {"id": advice, "same": same, "changed_since": changed, "answer": said}

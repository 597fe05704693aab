"""One twin worked in anew: facts in, its line of the table of states out. Runs in the server or in a process beside it.

The engine is asked only when something changed that it reads. A temperature, say, moves the line forward (its number of the last
fact, its hash) and leaves the answer as it was: that is tested to be the answer the engine would give.
"""

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from dosetwin.errors import DosetwinError
from dosetwin.forecast.tells import teller_of
from dosetwin.quantities import QUANTITIES
from dosetwin.serve.audit import digest, stamp
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.crypto import Vault
from dosetwin.serve.installed import Installed
from dosetwin.serve.memory import Memory
from dosetwin.serve.parcel import pack
from dosetwin.serve.store.facts import Person
from dosetwin.serve.store.measured import Measurement, measurement
from dosetwin.serve.store.reach import Reach
from dosetwin.serve.store.remembered import Remembered
from dosetwin.serve.store.seals import Seals
from dosetwin.serve.store.tables import twin_states
from dosetwin.serve.summary import said_of, summary_of
from dosetwin.serve.timeline import in_force, mic_of, origin_of
from dosetwin.serve.twins import KeptQuestion, Known, answer, cannot, model_named, named_by, state_hash, therapy_of, timed

log = logging.getLogger("dosetwin.serve")
UNREAD = frozenset(q.name for q in QUANTITIES.values() if not q.needed and not q.predicted)  # a predicted one is remarked on
"""Covariates that neither checks of single values nor forecasts read; what model and therapy read is taken off."""
MOST_BASES = 20_000
LOOK_S = 60.0
_A_SECOND = timedelta(seconds=1)
_STATE = select(*(c for c in twin_states.c if c.name != "answer"))
_OLD = _STATE.where(twin_states.c.patient_id == bindparam("patient"))
_THERE = _STATE.where(twin_states.c.patient_id.in_(bindparam("ids", expanding=True)))
_DROP = delete(twin_states).where(twin_states.c.patient_id.in_(bindparam("ids", expanding=True)))
_ONE = (twin_states.c.patient_id == bindparam("of")) & (twin_states.c.therapy == bindparam("of_therapy"))
_INSTEAD = delete(twin_states).where(_ONE)
_ADD = twin_states.insert()
_MOVE = (
    update(twin_states)
    .where(_ONE)
    .values({c.name: bindparam(f"new_{c.name}", type_=c.type) for c in twin_states.c
             if c.name in ("state_hash", "through_seq", "computed_at", "summary", "seal")})
)  # fmt: skip


@dataclass(frozen=True)
class Done:
    """What came of one twin. ``answer`` None: the stored one holds, if the stored state is still ``over``.

    ``seconds`` the engine took (None: it was not asked); ``changed`` whether anything a reader sees did; ``belief`` question and
    advice (or a parcel of both), which rest on ``basis``; ``failure`` where the work failed: type of the error, function and
    line, never its message, which may hold a patient's data. ``running``: the therapies that run for the patient, where all of
    them were worked in; states of others are put away.
    """

    patient: str
    state_hash: str = ""
    through: int = 0
    summary: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    over: str | None = None
    seconds: float | None = None
    changed: bool = True
    basis: str = ""
    belief: tuple[KeptQuestion, Any] | None = None
    failure: tuple[str, str, int] | None = None
    therapy: str = ""
    running: tuple[str, ...] = ()


class Refresher:
    """Recomputes twins from the store; remembers facts and what each answer rests on."""

    def __init__(self, read: Callable[[], AbstractContextManager[Connection]], vault: Vault, remembered: Remembered,
                 installed: Installed, *, packs: bool = False):  # fmt: skip
        """``packs``: beliefs are handed on as bytes, to another process."""
        self._read, self._vault, self._remembered, self._packs = read, vault, remembered, packs
        self._installed = installed
        self._bases = Memory(MOST_BASES)
        self._looked = Memory(MOST_BASES)

    def safely(self, patient: str, question: KeptQuestion, older: timedelta) -> list[Done]:
        """As ``followed``; a failure becomes the result."""
        try:
            return self.followed(patient, question, older)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            return [Done(patient, failure=(type(error).__name__, last.name, last.lineno or 0))]

    def followed(self, patient: str, question: KeptQuestion, older: timedelta, *, only_if_changed: bool = True) -> list[Done]:
        """The states of all the twins of a patient, each asked the service's question at the moment of this one."""
        known, olds = self._known(patient, question.now)
        running = self._installed.running(known.facts, known.person.birth)
        names = tuple(f.name for f in running)
        return [
            replace(self._one(known, olds.get(f.name), self._installed.question(question, f.of(known, question.now)), older,
                              only_if_changed),
                    running=names)
            for f in running
        ]  # fmt: skip

    def recompute(self, patient: str, question: KeptQuestion, older: timedelta, *, only_if_changed: bool = True) -> Done:
        """The state of one twin at the question's moment. An answer more than ``older`` old is given anew in any case."""
        known, olds = self._known(patient, question.now)
        return self._one(known, olds.get(question.policy["name"]), question, older, only_if_changed)

    def _known(self, patient: str, now: datetime) -> tuple[Known, dict[str, Any]]:
        """What is on record about a patient, and the stored states that are ours: nothing of others is carried on."""
        reach = Reach(THE_SERVICE, now, self._vault)
        with self._read() as conn:
            held = self._remembered.of(conn, reach, patient)
            olds = {r.therapy: r for r in conn.execute(_OLD, {"patient": patient}) if self._ours(conn, r)}
        return Known(patient, held.facts, held.version, held.person), olds

    def _one(self, known: Known, old: Any, question: KeptQuestion, older: timedelta, only_if_changed: bool) -> Done:
        patient, therapy = known.patient, question.policy["name"]
        drug = question.policy["drug"]
        question = replace(question, mic_mg_per_L=mic_of(known.facts, drug))
        key = state_hash(known, question)
        basis = basis_of(known, question)
        fresh = old is not None and question.now - datetime.fromisoformat(old.summary["now"]) <= older
        if old is not None and fresh and only_if_changed and (old.state_hash == key or self._stands(old, basis)):
            summary = old.summary | said_of(known, therapy)
            if self._bases.get((patient, therapy)) is not None:
                self._bases.put((patient, therapy), (key, basis))
            return Done(patient, key, known.through, summary, over=old.state_hash, changed=summary != old.summary,
                        therapy=therapy)  # fmt: skip
        seconds = belief = None
        try:
            # the page draws the curves if somebody looks: they are a third of the work
            advice, seconds = timed(partial(answer, curves=False), known, question)
            belief = (question, pack(question, advice) if self._packs else advice)
            said = advice.recommendation.to_json()
            lasting = not any(f["code"] == "stale_data" for f in said["findings"])
        except DosetwinError as error:
            said, lasting = cannot(error), False
        self._bases.put((patient, therapy), (key, basis) if lasting else None)
        return Done(patient, key, known.through, summary_of(known, said, question), said, seconds=seconds, basis=basis,
                    belief=belief, therapy=therapy)  # fmt: skip

    def _ours(self, conn: Connection, old: Any) -> bool:
        """Whether the stored state is one that the program stored; its answer, which is long, is looked at once a minute."""
        if not self._vault.seals.holds("twin_states", old._mapping):
            return False
        key = (old.patient_id, old.therapy)
        looked = self._looked.get(key)
        if looked is not None and time.monotonic() - looked < LOOK_S:
            return True
        mine = (twin_states.c.patient_id == old.patient_id) & (twin_states.c.therapy == old.therapy)
        said = conn.execute(select(twin_states.c.answer).where(mine)).scalar()
        self._looked.put(key, time.monotonic())
        return digest(said) == old.answer_hash

    def _stands(self, old: Any, basis: str) -> bool:
        """Whether the stored answer is the one that was computed here from the same basis."""
        return self._bases.get((old.patient_id, old.therapy)) == (old.state_hash, basis)


def basis_of(known: Known, question: KeptQuestion) -> str:
    """Hash of all an answer rests on but the moment: as the state's, less the facts that nobody reads.

    A fact of a name nobody reads counts all the same where the checks would remark on it: dated ahead, before birth, or twice.
    """
    care = in_force(known.facts)
    origin = origin_of(known.facts, care, question.policy["drug"])
    ignored = unread(question.model, question.policy["name"])
    plain = [
        (f["seq"], f["at"], m.quantity)
        for f in care
        if (m := measurement(f)) is not None and m.quantity in ignored and _believed(m)
    ]
    places = [(name, _second(at, origin)) for _, at, name in plain]
    times = Counter(places)
    birth = known.person.birth or datetime.min.replace(tzinfo=UTC)
    silent = {seq for (seq, at, _), place in zip(plain, places, strict=True) if birth <= at <= question.now and times[place] == 1}
    said = question.to_json()
    del said["now"], said["sensitivity"]
    about = [f["hash"] for f in known.facts if f["kind"] in ("patient_created", "identity_changed")]
    read = [(f["hash"], f.get("corrected_by"), f.get("confirmed_by")) for f in care if f["seq"] not in silent]
    return digest([said, about, read, known.identity_version, None if origin is None else stamp(origin)])


def _believed(m: Measurement) -> bool:
    of = QUANTITIES.get(m.quantity)
    return of is None or of.holds(m.value)


def _second(at: datetime, origin: datetime | None) -> int:
    return 0 if origin is None else round((at - origin) / _A_SECOND)


@lru_cache(maxsize=64)
def unread(model: str, therapy: str = "") -> frozenset[str]:
    """Names of covariates that cannot change an answer of this model under this therapy."""
    asked = model_named(model)
    return UNREAD - {name for m in (asked, asked.whole or asked) for name in (*m.covs, *m.outputs)} - named_by(therapy)


def warm(question: KeptQuestion) -> None:
    """Ask about a made-up patient, so that compiled code is loaded before the first real one; a failure here is none of its."""
    at = question.now - timedelta(days=2)

    def fact(k: int, kind: str, hours: float, body: dict[str, Any]) -> dict[str, Any]:
        return {"id": f"{k:08d}", "seq": k, "kind": kind, "at": at + timedelta(hours=hours), "body": body, "hash": ""}

    therapy = therapy_of(question.policy)
    drug, usual, said = therapy.drug.name, therapy.everyday, dict(therapy.typical)
    known = {"sex": "female", "synthetic": True, "GA_weeks": said.get("GA"),
             "birth_weight_kg": said.get("BW", said.get("WT") if "GA" in said else None)}  # fmt: skip
    weight = float(said.get("WT", 1.0))
    amount = 1.0 if usual is None else usual.mg(weight)
    facts = [
        fact(1, "patient_created", -24, {k: v for k, v in known.items() if v is not None}),
        *(fact(10 + k, "covariate", 0, {"name": n, "canonical_value": float(v), "canonical_unit": QUANTITIES[n].unit})
          for k, (n, v) in enumerate(said.items()) if n in QUANTITIES and isinstance(v, int | float) and n not in ("GA", "BW")),
        fact(2, "dose", 0, {"drug": drug, "amount_mg": amount, "infusion_h": 0.0 if usual is None else usual.duration_h}),
    ]  # fmt: skip
    if therapy.drug.level is not None and therapy.watched == drug:
        level = {"drug": drug, "mg_per_L": 5.0, "below_loq": False, "time_sd_h": 0.0, "after_dose": False}
        facts.append(fact(3, "level", 24, level))
    # who will tell may follow from the facts, not known yet: those inside the model and one outside it are both made ready
    by = teller_of(question.told)
    for told in (question.told, *(() if by is None else by.uses.get(question.told or "", ())[:1])):
        with suppress(Exception):
            answer(Known("", facts, 1, Person(birth=at - timedelta(days=1))), replace(question, told=told), curves=False)


def _later(have: Any, d: Done) -> bool:
    """Whether the stored state knows more facts, or the same ones at a later moment."""
    if have.through_seq != d.through or d.summary is None:
        return have.through_seq > d.through
    return datetime.fromisoformat(have.summary["now"]) > datetime.fromisoformat(d.summary["now"])


def _over(have: Any, d: Done) -> bool:
    """Whether a stored state is of a therapy that no longer runs for its patient."""
    return have.patient_id == d.patient and bool(d.running) and have.therapy not in d.running and have.through_seq <= d.through


def put(conn: Connection, found: Sequence[Done], now: datetime, seals: Seals) -> list[str]:
    """Store states, each unless a newer one is there. Returns the patients whose stored answer was replaced meanwhile: again."""
    there = {(r.patient_id, r.therapy): r for r in conn.execute(_THERE, {"ids": list({d.patient for d in found})})}
    forged = [id_ for (id_, _), have in there.items() if not seals.holds("twin_states", have._mapping)]
    drop(conn, forged)
    over = {key for key, have in there.items() if any(_over(have, d) for d in found)}
    if over:
        conn.execute(_INSTEAD, [{"of": patient, "of_therapy": therapy} for patient, therapy in over])
    whole, moved, again = [], [], []
    for d in found:
        have = None if d.patient in forged else there.get((d.patient, d.therapy))
        if have is not None and _later(have, d):
            continue
        if d.answer is not None:
            whole.append(seals.sealed("twin_states", patient_id=d.patient, therapy=d.therapy, state_hash=d.state_hash,
                                      through_seq=d.through,
                                      computed_at=now, seconds=d.seconds or 0.0, summary=d.summary, answer=d.answer,
                                      answer_hash=digest(d.answer)))  # fmt: skip
        elif have is not None and have.state_hash == d.over:
            new = {"state_hash": d.state_hash, "through_seq": d.through, "computed_at": now, "summary": d.summary}
            seal = seals.of("twin_states", {**have._mapping, **new})
            of = {"of": d.patient, "of_therapy": d.therapy, "new_seal": seal}
            moved.append(of | {f"new_{k}": v for k, v in new.items()})
        else:
            again.append(d.patient)
    if whole:
        conn.execute(_INSTEAD, [{"of": row["patient_id"], "of_therapy": row["therapy"]} for row in whole])
        conn.execute(_ADD, whole)
    if moved:
        conn.execute(_MOVE, moved)
    return again


def unsound(conn: Connection, seals: Seals) -> list[str]:
    """Patients whose stored state does not bear its seal."""
    return [r.patient_id for r in conn.execute(_STATE) if not seals.holds("twin_states", r._mapping)]


def drop(conn: Connection, ids: Sequence[str]) -> None:
    """Throw away stored states that nobody here stored; they are computed again."""
    if ids:
        log.error("%d states of twins did not bear their seal: dropped, computed again; run 'dosetwin audit verify'", len(ids))
        conn.execute(_DROP, {"ids": list(ids)})

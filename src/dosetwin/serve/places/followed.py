"""The places of a running service: facts in by role and ward, the state and the answer of now out."""

import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from dosetwin import formulary
from dosetwin.errors import InputError
from dosetwin.serve.audit import stamp
from dosetwin.serve.auth.principal import Action, Principal
from dosetwin.serve.canon import digest
from dosetwin.serve.live.alerts import NOTES, Alert, alerts_of
from dosetwin.serve.places import kept
from dosetwin.serve.places.facts import NewPlaceFact, number_open, subject
from dosetwin.serve.places.record import Moves, by_patients, nameless, place_of, standing
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.ledger import Receipt, Row, check_moment
from dosetwin.serve.store.tables import facts
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.declare import Therapy
    from dosetwin.declare.pool import Pool
    from dosetwin.serve.service import Service
    from dosetwin.twins.place import Place


LASTS = timedelta(minutes=5)
"""An answer stands so long without a new fact."""
NOTHING = "nothing is on record yet: say how many {of} are open, and since when everybody who comes is on record"


@dataclass(frozen=True)
class State:
    """A place now: what is on record, counted, of the pool's things; ``advice`` None with the ``why`` where there is no answer;
    ``known`` what the answer is of, its visits without names (None: nothing); ``news`` since the last answer that was kept;
    ``alerts`` that have not ended; ``last``: when something was told last."""

    ward: str
    therapy: str
    of: str
    now: datetime
    open: int | None
    told: Sequence[Mapping[str, Any]]
    inside: int = 0
    waiting: int = 0
    advice: "Advice | None" = None
    why: str = ""
    known: "Place | None" = None
    news: kept.News | None = None
    alerts: Sequence[Alert] = ()
    last: datetime | None = None

    @property
    def by_patients(self) -> bool:
        """Whether the patients followed on the ward are its visits."""
        return by_patients(self.told)

    @property
    def watched(self) -> bool:
        """Whether everybody who comes is on record."""
        return next((f["kind"] == "watch_began" for f in reversed(self.told) if f["kind"].startswith("watch_")), False)

    def to_json(self) -> dict[str, Any]:
        """As the API tells it; ``beds_open`` and ``in_bed`` are what a ward of beds was told as before."""
        older = {"beds_open": self.open, "in_bed": self.inside} if self.of == "beds" else {}
        return {
            "ward": self.ward, "therapy": self.therapy, "of": self.of, "open": self.open, "inside": self.inside, **older,
            "waiting": self.waiting, "by_patients": self.by_patients, "watched": self.watched,
            "answer": None if self.advice is None else self.advice.recommendation.to_json(), "why": self.why,
            "news": None if self.news is None else self.news.to_json(), "alerts": [a.to_json() for a in self.alerts],
        }  # fmt: skip


class Places:
    """Wards that are followed as places, each by a therapy of places."""

    def __init__(self, service: "Service") -> None:
        self._service, self.of = service, installed(service.settings)
        self._moves, self._lock = Moves(), threading.Lock()
        self._kept: dict[str, tuple[str, datetime, Advice]] = {}
        self._asking: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def __bool__(self) -> bool:
        return bool(self.of)

    def wards(self, who: Principal) -> list[str]:
        """Those within reach."""
        return [w for w in self.of if who.of_ward(w)]

    def need(self, who: Principal, ward: str, action: Action) -> "Therapy":
        """The therapy of a place within reach. Raises Problem 404 for a ward that is none, 403 for who may not."""
        self._service.reach(who).need(action)
        if ward not in self.of:
            raise Problem(404, "not_found", "this ward is not followed as a place",
                          [wrong("place", "ward", ward, ", ".join(self.wards(who)) or "none is")])  # fmt: skip
        if not who.of_ward(ward):
            raise Problem(
                403, "out_of_reach", "not one of your wards", [wrong("place", "ward", ward, ", ".join(sorted(who.wards)))]
            )
        return self.of[ward]

    def record(self, who: Principal, ward: str, new: Sequence[NewPlaceFact]) -> list[Receipt]:
        """Record facts about a place, all or none. Raises Problem; InputError for what contradicts what is on record."""
        back = [f.body.event for f in new if f.body.kind == "taken_back"]
        self.need(who, ward, "correct" if back else "record")
        service = self._service

        def change(conn: Connection, reach: Any) -> list[Receipt]:
            mine = select(facts.c.id).where(facts.c.patient_id == subject(ward), facts.c.id.in_(back))
            if strange := sorted(set(back) - set(conn.scalars(mine))):
                raise Problem(404, "not_found", "no such event of this place",
                              [wrong("event", "body.event", strange[0], "the id of an event of this place")])  # fmt: skip
            for f in new:
                check_moment(f.at, reach.now, "place", "at")
                if f.body.kind == "opened" and f.body.advice:
                    kept.row(conn, ward, f.body.advice)
            rows = [Row(subject(ward), f.body.kind, f.at, f.canonical(), f.source_key) for f in new]
            receipts = service.ledger.append(conn, who, rows, reach.now)
            self._place(conn, ward, reach.now, keep=False)  # what contradicts itself undoes the change
            return receipts

        return service.change(who, change)

    def _place(
        self, conn: Connection, ward: str, now: datetime, *, keep: bool = True
    ) -> "tuple[Place | None, list[dict[str, Any]]]":
        """The record, checked, and the facts told of the place."""
        from dosetwin.twins.place.facts import Known

        mine = select(facts).where(facts.c.patient_id == subject(ward)).order_by(facts.c.seq)
        told = [dict(r) for r in conn.execute(mine).mappings()]
        with self._lock:
            moved = self._moves.visits(conn, ward, keep=keep) if by_patients(standing(told)) else []
        place = place_of(ward, told, moved, now, Zone(self._service.settings.time_zone or "UTC"), self.pool(ward).of)
        if place is not None:
            Known().told(*place.facts)
            place = nameless(place)
        return place, told

    def pool(self, ward: str) -> "Pool":
        """What a ward that is followed is a pool of."""
        pool = self.of[ward].pool
        assert pool is not None
        return pool

    def state(self, who: Principal, ward: str) -> State:
        """A place and its answer now, the same until a fact comes or ``LASTS`` is over."""
        from dosetwin.twins.place import Known

        therapy, of = self.need(who, ward, "read"), self.pool(ward).of
        now = self._service.clock.now().replace(microsecond=0)
        with self._service.store.read() as conn:
            place, told = self._place(conn, ward, now)
            issued = kept.rows(conn, ward)
        rows = standing(told)
        alerts = [a for a in alerts_of([f for f in told if f["kind"] in NOTES]) if a.ended_at is None]
        number = next((n for f in reversed(rows) if f["at"] <= now and (n := number_open(f)) is not None), None)
        last = max((f["at"] for f in rows if f["at"] <= now), default=None)
        empty = State(ward, therapy.name, of, now, number, rows, why=NOTHING.format(of=of), alerts=alerts, last=last)
        if place is None or not (known := place.until(place.now or 0.0)).facts:
            return empty
        visits = Known().told(*known.facts).visits
        if place.origin is not None and visits:
            times = [t for v in visits for t in (v.asked, v.admitted, v.left, v.refused) if t is not None]
            last = max(filter(None, (last, place.origin + timedelta(hours=max(times)))))
        advice, why = self._answer(ward, place, digest([[f["hash"] for f in rows], sorted(map(repr, visits))]), now)
        return replace(
            empty, inside=sum(v.admitted is not None and v.left is None for v in visits), advice=advice, why=why, known=place,
            waiting=sum(v.admitted is None and v.left is None and v.refused is None for v in visits), last=last,
            news=kept.news_of(issued[0] if issued else None, rows, place),
        )  # fmt: skip

    def _answer(self, ward: str, place: "Place", key: str, now: datetime) -> "tuple[Advice | None, str]":
        """The answer about a place, and why there is none."""
        from dosetwin.advise import Question, advise

        with self._asking[ward]:  # who comes second waits for the first one's answer, instead of working it out as well
            held = self._kept.get(ward)
            if held is not None and held[0] == key and timedelta(0) <= now - held[1] < LASTS:
                return held[2], ""
            s = self._service.settings
            question = Question(self.of[ward], (), now=place.now, seed=s.seed, draws=s.draws, curves=True, input_hash=key)
            try:
                found = self._service.pool.run(advise, place, question)
            except InputError as error:
                return None, str(error)
            self._kept[ward] = (key, now, found)
            return found, ""

    def keep(self, who: Principal, ward: str) -> dict[str, Any]:
        """Keep the answer of now: asked, answered, and what it was made from. Raises Problem 409 where there is none."""
        therapy = self.need(who, ward, "ask")
        state = self.state(who, ward)
        if state.advice is None or state.known is None:
            raise Problem(409, "no_answer", "there is no answer to keep", [wrong("place", "ward", ward, state.why)])
        # as of the moment the answer is of, which may be some minutes old
        place = replace(state.known, now=state.advice.now).until(state.advice.now)
        inputs = kept.inputs_of(therapy, place, state.advice.question)
        said, now = state.advice.recommendation.to_json(), self._service.clock.now()

        def issue(conn: Connection, reach: Any) -> str:
            through = conn.scalar(select(func.max(facts.c.seq)).where(facts.c.patient_id == subject(ward))) or 0
            return self._service.ledger.issue_advice(
                conn, who, subject(ward), through_seq=through, identity_version=0, inputs=inputs, answer=said, now=now
            )

        id_ = self._service.change(who, issue)
        return {"id": id_, "ward": ward, "asked_at": stamp(now), "therapy": therapy.name, "inputs": inputs, "answer": said}

    def answers(self, who: Principal, ward: str) -> list[dict[str, Any]]:
        """Answers kept of a place, newest first."""
        self.need(who, ward, "read")
        with self._service.store.read() as conn:
            return kept.rows(conn, ward)

    def one(self, who: Principal, ward: str, id_: str, action: Action = "read") -> dict[str, Any]:
        """One of them. Raises Problem."""
        self.need(who, ward, action)
        with self._service.store.read() as conn:
            return kept.row(conn, ward, id_)

    def replay(self, who: Principal, ward: str, id_: str) -> dict[str, Any]:
        """Compute a kept answer again from what is stored with it: is it the same, and if not, what changed."""
        from dosetwin.advise import advise

        stored = self.one(who, ward, id_, "replay")
        name = stored["inputs"]["policy"]["name"]  # another may be followed there by now
        therapy = self.of[ward] if self.of[ward].name == name else formulary.listed_therapy(name)
        place, question = kept.asked_then(stored["inputs"], therapy)
        again = self._service.pool.run(advise, place, question).recommendation.to_json()
        found = kept.replayed(stored, again, therapy)
        self._service.audited(who, "replay", detail={"what": "place", "ward": ward, "advice": id_, "same": found["same"]})
        return found

    def ward_of(self, id_: str) -> str | None:
        """The ward that facts filed under this are about; None of a patient."""
        return next((ward for ward in self.of if subject(ward) == id_), None)


def installed(settings: Settings) -> "dict[str, Therapy]":
    """Ward -> therapy of the setting ``places``. Raises InputError naming the setting."""
    out: dict[str, Therapy] = {}
    for ward, name in settings.ward_pairs("places"):
        therapy = formulary.therapy(name)
        if therapy.kind != "place" or therapy.pool is None:
            raise InputError("followed as a place by a therapy of places", where="DOSETWIN_PLACES", value=f"{ward}={name}",
                             allowed=", ".join(t.name for t in formulary.therapies() if t.kind == "place"))  # fmt: skip
        if ward in out:
            raise InputError("one therapy for a place", where="DOSETWIN_PLACES", value=ward)
        out[ward] = therapy
    return out

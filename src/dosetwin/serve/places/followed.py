"""The places of a running service: facts in by role and ward, the state and the answer of now out."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from dosetwin import formulary
from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import Action, Principal
from dosetwin.serve.canon import digest
from dosetwin.serve.places.facts import NewPlaceFact, subject
from dosetwin.serve.places.record import Moves, by_patients, place_of, standing
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.ledger import Receipt, Row, check_moment
from dosetwin.serve.store.tables import facts
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.declare import Therapy
    from dosetwin.serve.service import Service
    from dosetwin.twins.place import Place


LASTS = timedelta(minutes=5)
"""An answer stands so long without a new fact."""
NOTHING = "nothing is on record yet: say how many beds are open, and since when everybody who comes is on record"


@dataclass(frozen=True)
class State:
    """A place now: what is on record, counted; ``advice`` None with the ``why`` where there is no answer."""

    ward: str
    therapy: str
    now: datetime
    beds: int | None
    inside: int
    waiting: int
    told: Sequence[Mapping[str, Any]]
    by_patients: bool
    watched: bool
    advice: "Advice | None"
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """As the API tells it."""
        return {
            "ward": self.ward, "therapy": self.therapy, "beds_open": self.beds, "in_bed": self.inside, "waiting": self.waiting,
            "by_patients": self.by_patients, "watched": self.watched,
            "answer": None if self.advice is None else self.advice.recommendation.to_json(), "why": self.why,
        }  # fmt: skip


class Places:
    """Wards that are followed as places, each by a therapy of places."""

    def __init__(self, service: "Service") -> None:
        self._service, self.of = service, installed(service.settings)
        self._moves, self._lock = Moves(), threading.Lock()
        self._kept: dict[str, tuple[str, datetime, Advice]] = {}

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
        place = place_of(ward, told, moved, now, Zone(self._service.settings.time_zone or "UTC"))
        if place is not None:
            Known().told(*place.facts)
        return place, told

    def state(self, who: Principal, ward: str) -> State:
        """A place and its answer now, the same until a fact comes or ``LASTS`` is over."""
        from dosetwin.advise import Question, advise
        from dosetwin.twins.place.facts import Known

        therapy, service = self.need(who, ward, "read"), self._service
        now = service.clock.now().replace(microsecond=0)
        with service.store.read() as conn:
            place, told = self._place(conn, ward, now)
        rows = standing(told)
        on = next((f["kind"] == "watch_began" for f in reversed(rows) if f["kind"].startswith("watch_")), False)
        beds = next((int(f["body"]["beds"]) for f in reversed(rows) if f["kind"] == "beds_open" and f["at"] <= now), None)
        if place is None or not (known := place.until(place.now or 0.0)).facts:
            return State(ward, therapy.name, now, beds, 0, 0, rows, by_patients(rows), on, None, NOTHING)
        visits = Known().told(*known.facts).visits
        inside = sum(v.admitted is not None and v.left is None for v in visits)
        waiting = sum(v.admitted is None and v.left is None and v.refused is None for v in visits)
        key = digest([[f["hash"] for f in rows], sorted(map(repr, visits))])
        kept, why = self._kept.get(ward), ""
        if kept is None or kept[0] != key or not timedelta(0) <= now - kept[1] < LASTS:
            s = service.settings
            question = Question(therapy, (), now=place.now, seed=s.seed, draws=s.draws, curves=True, input_hash=key)
            try:
                kept = self._kept[ward] = (key, now, service.pool.run(advise, place, question))
            except InputError as error:
                kept, why = None, str(error)
        return State(ward, therapy.name, now, beds, inside, waiting, rows, by_patients(rows), on, kept[2] if kept else None, why)


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

"""What is on record of a place: its own facts, and who came and went among the patients followed there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from dosetwin.serve.places.facts import number_open
from dosetwin.serve.store.tables import facts, patients
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.twins.place import Place

TOLD = ("opened", "beds_open", "visit_seen", "watch_began", "watch_ended", "taken_back")
"""Kinds that say something of the place; others say what was answered and who was told."""
MOVES = ("patient_created", "transferred", "discharged")
H = 3600.0


@dataclass(eq=False)
class Moves:
    """Who came to which ward when, of every patient, read once and then only what is new; nothing else is kept of anybody."""

    last: int = 0
    found: dict[str, list[tuple[datetime, int, str]]] = field(default_factory=dict)

    def read(self, conn: Connection, *, keep: bool) -> dict[str, list[tuple[datetime, int, str]]]:
        """Everything so far. ``keep``: remember it; not within a change, which may yet be undone with all that was changed
        together with it.
        """
        new: dict[str, list[tuple[datetime, int, str]]] = {}
        last = self.last
        query = select(facts.c.seq, facts.c.patient_id, facts.c.kind, facts.c.at, facts.c.body).where(
            facts.c.seq > self.last, facts.c.kind.in_(MOVES)
        )
        for seq, patient, kind, at, body in conn.execute(query.order_by(facts.c.seq)):
            ward = "" if kind == "discharged" else body.get("ward", "")
            new.setdefault(patient, []).append((at, seq, ward))
            last = seq
        if not keep:
            return self.found | {p: [*self.found.get(p, ()), *moves] for p, moves in new.items()}
        for patient, moves in new.items():
            self.found.setdefault(patient, []).extend(moves)
        self.last = last
        return self.found

    def visits(self, conn: Connection, ward: str, *, keep: bool = True) -> list[tuple[str, str, datetime]]:
        """(visit, ``admitted`` or ``left``, when) on a ward, of patients who are neither merged into others nor erased."""
        found = self.read(conn, keep=keep)
        gone = set(
            conn.scalars(
                select(patients.c.id).where(
                    patients.c.merged_into.is_not(None) | patients.c.erased_at.is_not(None) | patients.c.arriving
                )
            )
        )
        out: list[tuple[str, str, datetime]] = []
        for patient, moves in found.items():
            if patient in gone or not any(w == ward for _, _, w in moves):
                continue
            here, stay = False, 0
            for at, _, now in sorted(moves):
                if now == ward and not here:
                    stay += 1
                    out.append((f"{patient}/{stay}", "admitted", at))
                elif now != ward and here:
                    out.append((f"{patient}/{stay}", "left", at))
                here = now == ward
        return out


def place_of(ward: str, told: Sequence[Mapping[str, Any]], moved: Iterable[tuple[str, str, datetime]], now: datetime,
             zone: Zone, of: str = "beds") -> "Place | None":  # fmt: skip
    """A place's record on its own clock, whose 0 h is the midnight before the first fact; None where nothing was told.

    Raises InputError for what contradicts itself. A watch that goes on is one until ``now``.
    """
    from dosetwin.records import Setting
    from dosetwin.twins.place import Place, Seen, Watched

    rows = standing(told)
    if not rows:
        return None
    seen = [(f["body"]["name"], f["body"]["what"], f["at"]) for f in rows if f["kind"] == "visit_seen"]
    seen += moved if by_patients(rows) else ()
    first = zone.local(min([f["at"] for f in rows] + [at for _, _, at in seen]))
    origin = first.replace(hour=0, minute=0, second=0, microsecond=0)

    def hours(at: datetime) -> float:
        return (at.astimezone(UTC) - origin.astimezone(UTC)).total_seconds() / H

    out: list[Any] = [Seen(name, what, hours(at)) for name, what, at in seen]
    out += [Setting({of: float(n)}, at=hours(f["at"])) for f in rows if (n := number_open(f)) is not None]
    began: datetime | None = None
    for f in rows:
        if f["kind"] == "watch_began":
            began = began or f["at"]
        elif f["kind"] == "watch_ended" and began is not None:
            out += [Watched(hours(began), hours(f["at"]))] if f["at"] > began else []
            began = None
    if began is not None and began < now:
        out.append(Watched(hours(began), hours(now)))
    return Place(ward, tuple(out), origin, hours(now))


def nameless(place: "Place") -> "Place":
    """The same record with its visits numbered in the order they are played in: who it was is not needed for an answer, and an
    answer that is kept for ever keeps nobody."""
    from dosetwin.twins.place import Known, Seen

    number = {v.name: f"v{k:06d}" for k, v in enumerate(Known().told(*place.facts).visits)}
    return replace(place, facts=tuple(replace(f, visit=number[f.visit]) if isinstance(f, Seen) else f for f in place.facts))


def standing(told: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The facts of a place that were not taken back, in the order of what happened."""
    gone = {f["body"]["event"] for f in told if f["kind"] == "taken_back"}
    rows = [f for f in told if f["kind"] in TOLD and f["kind"] != "taken_back" and f["id"] not in gone]
    return sorted(rows, key=lambda f: (f["at"], f["seq"]))


def by_patients(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the patients followed on the ward are its visits, as the last watch says."""
    return next((f["body"].get("by") == "patients" for f in reversed(rows) if f["kind"] == "watch_began"), False)

"""What every live message goes through: whose is it, is it new, newer or old, and where it goes when it cannot be used.

A message names its patient by an identifier on record and each of its items by a key of its source. The same item twice is one
fact; the same key with other content is a correction if the message was sent later than what is stored, and ignored if it was
sent earlier (messages overtake each other). What cannot be used is kept as it came, with its reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.timeline import in_force

if TYPE_CHECKING:
    from dosetwin.serve.service import Service


@dataclass(frozen=True)
class Item:
    """One fact a message carries. ``key`` is the item's at its source; ``fact`` None withdraws what the key said before."""

    key: str
    fact: NewFact | None


@dataclass(frozen=True)
class Taken:
    """What became of a message's items."""

    patient_id: str
    new: int = 0
    known: int = 0
    corrected: int = 0
    stale: int = 0


def feed(source: str) -> Principal:
    """The principal of a live source: it delivers, for every ward, and reads nothing."""
    return Principal(source, source, frozenset({"feed"}), frozenset({"*"}), "feed")


def take(service: "Service", source: str, identifiers: Sequence[tuple[str, str]], sent: datetime, items: Sequence[Item]) -> Taken:
    """Store a message's items, all or none. ``identifiers``: (system, value) pairs, any of which may be on record.

    Raises Problem 422 when no identifier is on record or an item is not accepted.
    """
    who = feed(source)

    def change(conn: Connection, reach: Any) -> Taken:
        everywhere = service.reach(THE_SERVICE)
        found = [p for p in (everywhere.find(conn, s, v) for s, v in identifiers) if p is not None]
        if not found:
            systems = ", ".join(s for s, _ in identifiers) or "none"
            raise Problem(422, "unknown_patient", "no patient with this identifier is on record",
                          [wrong("message", "patient", systems, "an identifier of a patient on record")])  # fmt: skip
        if len(set(found)) > 1:
            raise Problem(422, "ambiguous_patient", "the identifiers belong to different patients",
                          [wrong("message", "patient", None, "identifiers of one patient")])  # fmt: skip
        id_ = found[0]
        reach.patient(conn, id_, "record")
        stored = everywhere.facts(conn, id_)
        first = {f["source_key"].rpartition("@")[0]: f for f in stored if f["source_key"] and f["kind"] != "correction"}
        said = {f["id"]: f for f in in_force(stored)}
        fresh, known, corrected, stale = [], 0, 0, 0
        for item in items:
            key = f"{source}:{item.key}"[:250]
            old = first.get(key)
            if old is None:
                if item.fact is not None:
                    fresh.append((id_, item.fact.model_copy(update={"source_key": f"{key}@{sent.isoformat()}"})))
                continue
            now_said = said.get(old["id"])
            same = item.fact is not None and now_said is not None and _same(now_said, item.fact)
            if same or (item.fact is None and now_said is None):
                known += 1
            elif _last_sent(stored, old) > sent:
                stale += 1
            else:
                service.ledger.correct(conn, who, id_, old["id"], item.fact, "the source sent a correction", reach.now,
                                       source_key=f"{key}~{sent.isoformat()}")  # fmt: skip
                corrected += 1
        service.ledger.record(conn, who, fresh, reach.now)
        return Taken(id_, len(fresh), known, corrected, stale)

    done = service.change(who, change)
    if done.new or done.corrected:
        service.touched([done.patient_id])
    return done


def unusable(field: str, value: Any, expected: str, message: str) -> Problem:
    """The problem of a message whose ``field`` cannot be used."""
    return Problem(422, "not_accepted", f"{field}: {message}", [wrong("message", field, value, expected, message)])


def refuse(service: "Service", source: str, body: bytes, problem: Problem) -> str:
    """Keep a message that cannot be used; returns the id under which it is found."""
    reasons = problem.errors or [wrong("message", "", None, "", problem.detail)]
    return service.reject(feed(source), source, body, reasons)


def _same(fact: Any, new: NewFact) -> bool:
    return fact["at"] == new.at and fact["body"] == new.body.canonical()


def _last_sent(stored: Sequence[Any], old: Any) -> datetime:
    """When the newest message about a fact was sent by its source."""
    marks = [old["source_key"].rpartition("@")[2]]
    marks += [f["source_key"].rpartition("~")[2] for f in stored
              if f["kind"] == "correction" and f["body"]["corrects"] == old["id"] and "~" in (f["source_key"] or "")]  # fmt: skip
    return max(datetime.fromisoformat(m) for m in marks)

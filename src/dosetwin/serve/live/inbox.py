"""What every live message goes through: whose is it, is it new, newer or old, and where it goes when it cannot be used.

A message names its patient by an identifier on record, and contradicts neither name, sex nor birth date known of it. Each item
has a key of its source that tells it from every other, its moment included: orders, counters and sub-ids repeat. The same item
twice is one fact; the same key with other content is a correction if the message was sent later than what is stored, and left
out, by name, if it was sent earlier (messages overtake each other). What cannot be used is kept as it came, with its reasons.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.live.whose import Claim, contradiction
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import AHEAD, NewFact
from dosetwin.serve.timeline import in_force

if TYPE_CHECKING:
    from dosetwin.serve.service import Service


@dataclass(frozen=True)
class Item:
    """One fact a message carries.

    ``key`` is the item's at its source; ``fact`` None withdraws what the key said before. ``group`` is the key without its
    moment, ``at`` the moment: so a fact is found whose key was made otherwise. ``changes``: the source says that it changes or
    takes back something sent before, whose moment may have been another. ``where`` names the item in messages; ``quiet``: that
    there is nothing to withdraw is no error.
    """

    key: str
    fact: NewFact | None
    group: str = ""
    at: datetime | None = None
    changes: bool = False
    where: str = ""
    quiet: bool = False


@dataclass(frozen=True)
class Taken:
    """What became of a message's items; ``remarks`` name those of which nothing was stored."""

    patient_id: str
    new: int = 0
    known: int = 0
    corrected: int = 0
    stale: int = 0
    remarks: tuple[str, ...] = ()


def feed(source: str) -> Principal:
    """The principal of a live source: it delivers, for every ward, and reads nothing."""
    return Principal(source, source, frozenset({"feed"}), frozenset({"*"}), "feed")


def take(service: "Service", source: str, identifiers: Sequence[tuple[str, str]], sent: datetime, items: Sequence[Item],
         claim: Claim | None = None, zone: str | None = None) -> Taken:  # fmt: skip
    """Store a message's items, all or none. ``identifiers``: (system, value) pairs, any of which may be on record.

    ``claim``: what the message says about the patient, ``zone`` the clock of its dates. Raises Problem 422 when no identifier is
    on record, the claim contradicts it, the message comes from the future, or an item is not accepted.
    """
    who = feed(source)

    def change(conn: Connection, reach: Any) -> Taken:
        if sent > reach.now + AHEAD:
            # it would make every later correction look older than itself
            raise unusable("sent", sent.isoformat(), f"not after {(reach.now + AHEAD).isoformat(timespec='seconds')}",
                           "sent in the future")  # fmt: skip
        everywhere = service.reach(THE_SERVICE)
        found = [p for p in (everywhere.find(conn, s, v) for s, v in identifiers) if p is not None]
        if not found:
            systems = ", ".join(s for s, _ in identifiers) or "none"
            raise Problem(422, "unknown_patient", "no patient with this identifier is on record",
                          [wrong("message", "patient", systems, "an identifier of a patient on record",
                                 "no patient with this identifier is on record")])  # fmt: skip
        if len(set(found)) > 1:
            raise Problem(422, "ambiguous_patient", "the identifiers belong to different patients",
                          [wrong("message", "patient", None, "identifiers of one patient",
                                 "the identifiers belong to different patients")])  # fmt: skip
        id_ = found[0]
        reach.patient(conn, id_, "record")
        stored = everywhere.facts(conn, id_)
        if claim is not None:
            _is_hers(claim, everywhere.person(conn, id_)[1], stored, zone)
        said = {f["id"]: f for f in in_force(stored)}
        mine = _Stored([f for f in stored if f["source_key"] and f["kind"] != "correction"], said)
        fresh: list[tuple[str, NewFact]] = []
        remarks: list[str] = []
        known = corrected = stale = 0
        for item in _once(items):
            # numbers repeat between patients too, where a dose comes without its order
            key = bounded(f"{source}:{item.key}:p={id_[:8]}")
            old = mine.find((key, f"{source}:{item.key}"[:250]), f"{source}:{item.group}" if item.group else "", item)
            if old is None:
                if item.fact is not None:
                    fresh.append((id_, item.fact.model_copy(update={"source_key": f"{key}@{sent.isoformat()}"})))
                elif item.quiet:
                    remarks.append(f"{item.where}: nothing on record to take back")
                else:
                    raise unusable(item.where, None, "a result or dose on record; if it comes after this, send this again",
                                   "takes back what is not on record")  # fmt: skip
                continue
            now_said = said.get(old["id"])
            same = item.fact is not None and now_said is not None and _same(now_said, item.fact)
            if same or (item.fact is None and now_said is None):
                known += 1
            elif _last_sent(stored, old) > sent:
                stale += 1
                remarks.append(f"{item.where}: older than what is on record; not used")
            else:
                service.ledger.correct(conn, who, id_, old["id"], item.fact, "the source sent a correction", reach.now,
                                       source_key=f"{key}~{sent.isoformat()}")  # fmt: skip
                corrected += 1
        service.ledger.record(conn, who, fresh, reach.now)
        return Taken(id_, len(fresh), known, corrected, stale, tuple(remarks))

    done = service.change(who, change)
    if done.new or done.corrected:
        service.touched([done.patient_id])
    return done


def bounded(key: str) -> str:
    """A key that fits its column; a long one ends in a hash of all of it, so that two long ones stay two."""
    return key if len(key) <= 240 else f"{key[:200]}#{hashlib.sha256(key.encode()).hexdigest()[:32]}"


class _Stored:
    """The facts of a patient that came under keys, to be found again by the key or by what it was made of."""

    def __init__(self, facts: Sequence[Any], said: dict[str, Any]):
        self._said = said
        self._by_key = {f["source_key"].rpartition("@")[0]: f for f in facts}

    def find(self, keys: Sequence[str], group: str, item: Item) -> Any:
        """The fact an item is about, by its key as it is or was made; None for a new one. Raises Problem for one of several."""
        exact = next((self._by_key[k] for k in keys if k in self._by_key), None)
        if exact is not None or not group:
            return exact
        near = [f for k, f in self._by_key.items() if k == group or k.startswith(f"{group}:t=")]
        together = [f for f in near if self._said.get(f["id"], f)["at"] == item.at]
        if together:
            return together[0]
        if not item.changes or not near:
            return None
        standing = [f for f in near if f["id"] in self._said]
        if len(standing) > 1:
            raise unusable(
                item.where, None, "the moment of the one it changes", f"could change {len(standing)} facts of its order"
            )
        return standing[0] if standing else near[-1]


def _once(items: Sequence[Item]) -> list[Item]:
    """Each key once. Raises Problem where one message says two things under one key."""
    out: dict[str, Item] = {}
    for item in items:
        before = out.setdefault(item.key, item)
        if before.fact != item.fact:
            raise unusable(item.where, None, "a sub-id or a moment of its own for each",
                           f"says something else than {before.where} of the same order, code and moment")  # fmt: skip
    return list(out.values())


def _is_hers(claim: Claim, person: Any, stored: Sequence[Any], zone: str | None) -> None:
    created = next((f["body"] for f in stored if f["kind"] == "patient_created"), {})
    found = contradiction(claim, person, created.get("sex"), zone)
    if found is not None:
        field, what = found
        raise Problem(422, "other_patient", f"{field}: {what}",
                      [wrong("message", field, None, "what is on record: check number and record", what)])  # fmt: skip


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

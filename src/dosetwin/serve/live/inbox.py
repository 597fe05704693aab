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

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.live.whose import Claim, contradiction
from dosetwin.serve.problems import Problem, from_input_error, wrong
from dosetwin.serve.store.facts import AHEAD, CARE, NewFact
from dosetwin.serve.store.ledger import Row
from dosetwin.serve.timeline import in_force

if TYPE_CHECKING:
    from dosetwin.serve.service import Service


AHEAD_OF = "withdrawn_ahead"
"""Kind of fact: a source took back what had not come yet. It carries no number; what it is about is not used should it come."""


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
    """What became of a message's items; ``remarks`` name those of which nothing was stored, ``refused`` those that cannot be
    used."""

    patient_id: str
    new: int = 0
    known: int = 0
    corrected: int = 0
    stale: int = 0
    remarks: tuple[str, ...] = ()
    refused: tuple[dict[str, Any], ...] = ()


def feed(source: str) -> Principal:
    """The principal of a live source: it delivers, for every ward, and reads nothing."""
    return Principal(source, source, frozenset({"feed"}), frozenset({"*"}), "feed")


def take(service: "Service", source: str, identifiers: Sequence[tuple[str, str]], sent: datetime, items: Sequence[Item],
         claim: Claim | None = None, zone: str | None = None, *, each: bool = False) -> Taken:  # fmt: skip
    """Store a message's items: all or none, or with ``each`` all that can be used (none at all is a Problem).

    ``identifiers``: (system, value) pairs, any of which may be on record. ``claim``: what the message says about the patient,
    ``zone`` the clock of its dates. Raises Problem 422 when no identifier is on record, the claim contradicts it, the message
    comes from the future, or an item is not accepted.
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
        mine = _Stored([f for f in stored if f["source_key"] and f["kind"] not in ("correction", AHEAD_OF)], said)
        ahead = {f["source_key"].rpartition("!")[0]: f for f in stored if f["kind"] == AHEAD_OF}
        fresh: list[tuple[str, NewFact]] = []
        remarks: list[str] = []
        refused: list[dict[str, Any]] = []
        known = corrected = stale = 0

        def one(item: Item) -> None:
            nonlocal known, corrected, stale
            # numbers repeat between patients too, where a dose comes without its order
            key = bounded(f"{source}:{item.key}:p={id_[:8]}")
            old = mine.find((key, f"{source}:{item.key}"[:250]), f"{source}:{item.group}" if item.group else "", item)
            if old is None:
                gone = ahead.get(key)
                if item.fact is not None and gone is not None and sent <= datetime.fromisoformat(gone["body"]["sent"]):
                    stale += 1
                    remarks.append(f"{item.where}: taken back by a message that came before it; not used")
                elif item.fact is not None:
                    new = (id_, item.fact.model_copy(update={"source_key": f"{key}@{sent.isoformat()}"}))
                    service.ledger.rows([new], reach.now)
                    fresh.append(new)
                    if item.group and any(k.startswith(f"{source}:{item.group}:t=") for k in ahead):
                        remarks.append(f"{item.where}: an earlier message took back a result of this order and code at another "
                                       "moment; check that this one stands")  # fmt: skip
                elif item.quiet:
                    remarks.append(f"{item.where}: nothing on record to take back")
                elif gone is not None and sent <= datetime.fromisoformat(gone["body"]["sent"]):
                    known += 1
                else:
                    body = {"key": key, "sent": sent.isoformat()}
                    service.ledger.append(
                        conn, who, [Row(id_, AHEAD_OF, reach.now, body, f"{key}!{sent.isoformat()}")], reach.now
                    )
                    remarks.append(f"{item.where}: takes back what is not on record; kept, and what it is about is not used "
                                   "should it still come")  # fmt: skip
                    corrected += 1
                return
            now_said = said.get(old["id"], None if old["kind"] in CARE else old)
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

        wanted, twice = _once(items)
        refused += [e for problem in twice for e in told(problem)]
        if twice and not each:
            raise twice[0]
        for item in wanted:
            try:
                one(item)
            except (Problem, InputError) as error:
                if not each:
                    raise
                problem = error if isinstance(error, Problem) else from_input_error(error)
                refused += [located(e, item.where) for e in told(problem)]
        if refused and not (fresh or known or corrected or stale):
            first = refused[0]
            raise Problem(422, "not_accepted", f"{first['field']}: {first['message']}", refused)
        service.ledger.record(conn, who, fresh, reach.now)
        return Taken(id_, len(fresh), known, corrected, stale, tuple(remarks), tuple(refused))

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


def _once(items: Sequence[Item]) -> tuple[list[Item], list[Problem]]:
    """Each key once; of two things that one message says under one key neither, and why."""
    out: dict[str, Item] = {}
    problems: dict[str, Problem] = {}
    for item in items:
        before = out.setdefault(item.key, item)
        if before.fact != item.fact:
            problems[item.key] = unusable(item.where, None, "a sub-id or a moment of its own for each",
                                          f"says something else than {before.where} of the same order, code and moment; neither "
                                          "is used")  # fmt: skip
    return [item for key, item in out.items() if key not in problems], list(problems.values())


def told(problem: Problem) -> list[dict[str, Any]]:
    """Each thing wrong, at least one."""
    return list(problem.errors or [wrong("message", "", None, "", problem.detail)])


def located(error: dict[str, Any], where: str) -> dict[str, Any]:
    """An error of a message's item that names the item's place in the message."""
    return error if str(error["field"]).startswith(where) or not where else {**error, "field": f"{where} {error['field']}"}


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
    return service.reject(feed(source), source, body, told(problem))


def _same(fact: Any, new: NewFact) -> bool:
    return fact["at"] == new.at and fact["body"] == new.body.canonical()


def _last_sent(stored: Sequence[Any], old: Any) -> datetime:
    """When the newest message about a fact was sent by its source."""
    marks = [old["source_key"].rpartition("@")[2]]
    marks += [f["source_key"].rpartition("~")[2] for f in stored
              if f["kind"] == "correction" and f["body"]["corrects"] == old["id"] and "~" in (f["source_key"] or "")]  # fmt: skip
    return max(datetime.fromisoformat(m) for m in marks)

"""Two orders of one patient chosen together in the service: worked out when somebody asks, one at a time, and never stored."""

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dosetwin import formulary
from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.installed import Followed
from dosetwin.serve.planned import planned_of
from dosetwin.serve.problems import Problem
from dosetwin.serve.timeline import mic_of
from dosetwin.serve.twins import Known, model_named, state_hash

if TYPE_CHECKING:
    from dosetwin.advise.pair import Pair
    from dosetwin.serve.service import Service

DRAWS = 200
"""Most draws of a pair: some seconds of one core."""
HELD = timedelta(minutes=5)
"""A pair worked out longer ago is worked out anew: doses have become due meanwhile."""
PATIENCE_S = 10.0
"""How long a question waits for those before it; each that waits holds a thread of the server."""
_ONE = threading.Lock()


def partners(service: "Service", known: Known, of: Followed) -> tuple[Followed, ...]:
    """The patient's other therapies that share a harm with this one, or of which one moves the other."""
    return tuple(f for f in service.running(known) if f.name != of.name and _worth(of, f, _age(known, service.clock.now())))


def _age(known: Known, now: datetime) -> float | None:
    """Years, where the birth is on record."""
    born = known.person.birth
    return None if born is None else (now - born).total_seconds() / (365.25 * 86400.0)


def _worth(a: Followed, b: Followed, age: float | None) -> bool:
    from dosetwin.advise.pair import of_doses

    try:
        of_doses(a.therapy)
        of_doses(b.therapy)
    except InputError:
        return False
    one, other = a.therapy.drug, b.therapy.drug
    if one.name == other.name:
        return False
    moved = formulary.moves(one, other, [model_named(b.model)]) or formulary.moves(other, one, [model_named(a.model)])
    return moved or bool(formulary.shared(one, other, age))


def chosen_together(service: "Service", who: Principal, patient: str, first: str | None, second: str) -> "Pair":
    """The best pair of orders of two therapies, now; kept in memory for minutes while no fact changes.

    Raises UnknownName for a therapy that is not installed, InputError for two of one drug or one without doses, Problem (503)
    where others' pairs take too long.
    """
    from dataclasses import replace

    from dosetwin.advise.pair import advise_pair, of_doses

    with service.store.read() as conn:
        reach = service.reach(who)
        reach.patient(conn, patient, "ask")
        known = service.known(conn, reach, patient)
    both = [service.chosen(known, name) for name in (first, second)]
    for f in both:
        of_doses(f.therapy)
    kept = [service.question(f, sensitivity=False, mic_mg_per_L=mic_of(known.facts, f.drug)) for f in both]
    now = kept[0].now
    kept = [replace(q, now=now, draws=min(q.draws, DRAWS)) for q in kept]
    key = (patient, *(state_hash(known, q) for q in kept))
    service.audited(who, "read", patient=patient, detail={"what": "pair"})
    if not _ONE.acquire(timeout=PATIENCE_S):
        raise Problem(503, "busy", "others' pairs are being worked out: ask again in a moment", headers={"Retry-After": "5"})
    try:
        had = service.pairs.get(key)
        if had is not None and now - had[0] <= HELD:
            return had[1]
        timeline, one = kept[0].asked(known)
        other = kept[1].asked(known)[1]  # on the clock of its own first dose
        planned = planned_of(known.facts, timeline, both[1].drug, one.now or 0.0)[0]
        found = service.pool.run(advise_pair, timeline, one, replace(other, now=one.now, planned=planned))
        service.pairs.put(key, (now, found))
    finally:
        _ONE.release()
    return found


def to_json(found: "Pair") -> dict[str, Any]:
    """The pair without the whole answers on each alone, which are asked for by themselves."""
    return {k: v for k, v in found.to_json().items() if k != "alone"}

"""Whether new facts can be believed beside what is known of the patient: the same checks for every door where somebody answers.

What is impossible is refused. What is unusual needs ``confirmed`` with a reason, which is stored. Where nobody is there to answer
(a feed), unusual facts are stored all the same, and kept back from the twin until somebody does (``records.held``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dosetwin.checks.held import held_back
from dosetwin.checks.record import ASKED, check
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Timeline
from dosetwin.serve.auth.principal import THE_SERVICE, Principal
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.store.measured import READ, measurement
from dosetwin.serve.timeline import in_force, name_of, names_of, raw_timeline, told

if TYPE_CHECKING:
    from dosetwin.serve.service import Service
    from dosetwin.serve.twins import Known

JUDGED = frozenset({"dose", *READ})
CLOCKS_APART = timedelta(minutes=15)
"""A measurement may be dated this far after our clock; doses may be charted ahead (``store.facts.AHEAD``)."""
CONFIRM = 'are you sure? If so send it again with "confirmed": {"reason": "..."}'


def judged(known: "Known", new: Sequence[tuple[datetime, Mapping[str, Any]]], drug: str,
           now: datetime) -> tuple[list[Finding], list[Finding]]:  # fmt: skip
    """(impossible, unusual) of new facts, each its moment and its canonical body, beside those that are believed already.

    ``record`` of a finding is ``new 0``, ``new 1``, ... in their order, or a stored record that becomes unusual through them.
    """
    rows = [
        {"id": f"{k:08d}", "seq": 0, "kind": body["kind"], "at": at, "body": body}
        for k, (at, body) in enumerate(new) if body["kind"] in JUDGED
    ]  # fmt: skip
    names = {f"{r['kind']}/{r['id'][:8]}": f"new {int(r['id'])}" for r in rows}
    impossible: list[Finding] = []
    unusual: list[Finding] = []
    for about in dict.fromkeys([drug, *filter(None, map(_drug, rows))]):
        mine = [r for r in rows if _drug(r) in ("", about) and (about == drug or _drug(r))]
        if not mine:
            continue
        before = held_back(told(raw_timeline(known.patient, known.facts, known.person, about)), names_of(known.facts))
        kept_back = {f.record for f in before.findings if f.code == "held_back"}
        after = told(raw_timeline(known.patient, [*known.facts, *mine], known.person, about))
        after = _without(after, kept_back - names.keys())
        had = {(f.code, f.record) for f in check(before, first_dose=True, weight=False)}
        found = [*_ahead(mine, now), *_ends(mine, after), *after.findings, *check(after, first_dose=True, weight=False)]
        for f in found:
            if f.record in names:
                shown = replace(f, record=names[f.record])
                if f.severity == "error":
                    impossible.append(shown)
                elif f.code in ASKED:
                    unusual.append(shown)
            elif f.code in ASKED and (f.code, f.record) not in had:
                unusual.append(f)
    return list(dict.fromkeys(impossible)), list(dict.fromkeys(unusual))


def _drug(row: Mapping[str, Any]) -> str:
    """The drug that a fact is about, by dose or level; "" for none."""
    m = measurement(row)
    said = row["body"]["drug"] if m is None else m.quantity
    return said if said not in QUANTITIES else ""


def _ends_something(row: Mapping[str, Any]) -> bool:
    """Whether a fact is the end of something, which may be known ahead."""
    return row["kind"] in ("covariate", "measured") and row["body"]["value"] == 0


def _ahead(rows: Sequence[Mapping[str, Any]], now: datetime) -> list[Finding]:
    return [
        Finding("error", "in_the_future", f"{r['kind']}/{r['id'][:8]}", f"a {r['kind']} dated after now", r["at"].isoformat(),
                f"up to {now.isoformat(timespec='minutes')}", "correct the time")
        for r in rows
        if r["kind"] != "dose" and r["at"] > now + CLOCKS_APART and not _ends_something(r)
    ]  # fmt: skip


def _ends(rows: Sequence[Mapping[str, Any]], t: Timeline) -> list[Finding]:
    """Ends of something that begins only later."""
    flags = {
        m.quantity: r
        for r in rows
        if (m := measurement(r)) is not None and m.quantity in QUANTITIES and QUANTITIES[m.quantity].flag and not m.value
    }
    out = []
    for flag, r in flags.items():
        when = next(c.time for c in t.covariates if c.record == name_of(r))
        begun = [c.time for c in t.covariates if c.name == flag and c.value]
        if begun and min(begun) > when:
            out.append(Finding("warning", "stop_without_start", name_of(r), f"{flag} ends before it begins", 0.0,
                               "an end after its beginning", "correct the two times"))  # fmt: skip
    return out


def _without(t: Timeline, names: set[str]) -> Timeline:
    return replace(
        t,
        doses=tuple(d for d in t.doses if d.record not in names),
        observations=tuple(o for o in t.observations if o.record not in names),
        covariates=tuple(c for c in t.covariates if c.record not in names),
        findings=tuple(f for f in t.findings if f.record not in names),
    )


def sure(service: "Service", who: Principal, patient: str, new: Sequence[NewFact], *, instead_of: str = "") -> None:
    """Refuse facts that cannot be, and unusual ones that nobody ``confirmed``. ``instead_of``: the fact they correct.

    Raises Problem 422 (impossible) or 409 (unusual), each naming every fact with value, what is allowed and the remedy, and what
    ``Reach`` raises for a patient out of reach. Facts whose source key is stored already were judged when they came.
    """
    if not any(f.body.kind in JUDGED for f in new):
        return
    with service.store.read() as conn:
        service.reach(who).patient(conn, patient, "correct" if instead_of else "record")
        stored = service.ledger.known_keys(conn, [f.source_key for f in new if f.source_key is not None])
        try:
            known = service.known(conn, service.reach(THE_SERVICE), patient)
        except Problem:  # the patient denied the use of the record: to deliver is not to read
            return
    fresh = [f for f in new if f.source_key is None or f.source_key not in stored]
    if instead_of:
        old = next((f for f in known.facts if f["id"] == instead_of), None)
        if old is None or old["kind"] != new[0].body.kind:  # the ledger says so
            return
        known = replace(known, facts=[f for f in known.facts if f["id"] != instead_of])
    bodies = [(f.at, service.ledger.body_of(f)) for f in fresh]
    impossible, unusual = judged(known, bodies, service.running(known)[0].drug, service.clock.now())
    if impossible:
        raise Problem(422, "not_accepted", f"{len(impossible)} things that cannot be; nothing was stored",
                      [entry(f, fresh) for f in impossible])  # fmt: skip
    if who.roles <= {"feed"}:  # nobody is there to answer: stored, and kept back from the twin until somebody does
        return
    answered = {f"new {k}" for k, f in enumerate(fresh) if f.confirmed is not None}
    open_ = [f for f in unusual if f.record not in answered and not (answered and not f.record.startswith("new "))]
    if open_:
        raise Problem(409, "not_confirmed", f"unusual: {open_[0].message}; {CONFIRM}", [entry(f, fresh) for f in open_])


def entry(f: Finding, facts: Sequence[NewFact]) -> dict[str, Any]:
    """A finding as an entry of a problem."""
    about = f.record
    if about.startswith("new "):
        k = int(about.removeprefix("new "))
        about = f"event {k}: {facts[k].body.kind}"
    expected = "; ".join(x for x in (f.allowed, f.remedy) if x)
    return wrong(about, f.code, f.value, expected, f.message)


def waiting(said: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What an answer left out until somebody answers, newest first: ``event`` (the fact's id, "" for the birth weight), ``text``,
    ``code``, and whether it may be confirmed (``may_confirm``; what is impossible can only be corrected)."""
    from dosetwin.checks.record import HELD

    ids = {f"{f['kind']}/{f['id'][:8]}": f for f in in_force(facts)}
    out = []
    for f in said.get("findings", ()):
        if f["code"] != "held_back":
            continue
        fact = ids.get(f["record"])
        out.append({"event": "" if fact is None else fact["id"], "record": f["record"], "code": f["value"],
                    "text": f["message"].removesuffix("; not used until somebody answers"),
                    "allowed": f["allowed"], "may_confirm": f["value"] in HELD and fact is not None})  # fmt: skip
    return out

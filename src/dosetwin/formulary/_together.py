"""Several drugs in one patient: what is given beside the drug asked about, the flags it raises, what the two do together."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dosetwin.declare.change import Change, combined
from dosetwin.declare.channels import CHANNELS, CLEARANCE
from dosetwin.declare.drug import Drug
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.model import Model
from dosetwin.declare.told import as_records, effect_told, told
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Covariate, DoseEvent, Timeline


def _listed() -> dict[str, Drug]:
    from dosetwin import formulary

    return {d.name: d for d in formulary.drugs()}


def raised(timeline: Timeline, drug: str) -> tuple[Covariate, ...]:
    """Flags that doses of drugs other than ``drug`` switch on, as their files say; none where the flag is on record itself.

    A flag that ``drug`` raises too is on for its doses as well.
    """
    listed = _listed()
    beside = [listed[n] for n in timeline.drugs() if n != drug and n in listed]
    out: list[Covariate] = []
    for flag in dict.fromkeys(r.flag for d in beside for r in d.raises):
        if timeline.series(flag):
            continue
        spans = sorted(
            (dose.time, dose.time + dose.duration + r.after_h)
            for d in timeline.doses if (of := listed.get(d.drug or timeline.drug)) is not None
            for r in of.raises if r.flag == flag
            for dose in d.expanded()
        )  # fmt: skip
        until = None
        for start, end in spans:
            if until is None or start > until:
                if until is not None:
                    out.append(Covariate(until, flag, 0.0))
                out.append(Covariate(start, flag, 1.0))
            until = end if until is None else max(until, end)
        if until is not None:
            out.append(Covariate(until, flag, 0.0))
    return tuple(out)


def interactions(
    timeline: Timeline, drug: str, now: float, planned: Sequence[DoseEvent] = ()
) -> Iterator[tuple[Drug, Interaction]]:
    """The other drugs given by ``now`` h, or ``planned``, that interact with ``drug`` if it is given now, each with how.

    A drug that only a flag of its own name tells of counts too, where its change of a clearance is declared.
    """
    listed = _listed()
    own, known = listed.get(drug), timeline.until(now).append(*planned)
    last = {n: max(d.time + d.duration for d in known.doses if (d.drug or known.drug) == n) for n in known.drugs()}
    for other in listed.values():
        flags = {i.change.own_flag for i in other.interactions if i.change is not None} - {""}
        for flag in flags if other.name not in last else ():
            on = [t for t, value in known.series(flag) if value]
            off = [t for t, value in known.series(flag) if not value and on and t > on[-1]]
            if on:
                last[other.name] = min([*off, now])
    for name, at in last.items():
        other = listed.get(name)
        if own is None or other is None or name == drug:
            continue
        for a, b in ((own, other), (other, own)):
            for i in a.interactions:
                if now - at <= i.within_h + 1e-9 and any(code.startswith(i.atc) for code in b.atc):
                    yield other, i


def hidden(timeline: Timeline, drug: str) -> tuple[Timeline, tuple[Finding, ...]]:
    """The facts without measurements that a drug given beside ``drug`` makes mean something else, and a remark on each."""
    listed = _listed()
    own = listed.get(drug)
    kept, remarks = list(timeline.observations), []
    for name in timeline.drugs() if own is not None else ():
        other = listed.get(name)
        for i in () if other is None else other.interactions:
            if not i.hides or own is None or not any(code.startswith(i.atc) for code in own.atc):
                continue
            given = [e.time for d in timeline.doses if (d.drug or timeline.drug) == name for e in d.expanded()]
            for o in [o for o in kept if o.measures == i.hides and any(0 <= o.time - t <= i.hides_h + 1e-9 for t in given)]:
                kept.remove(o)
                text = f"left out: taken within {i.hides_h / 24:g} days of {name}, which no model of {drug} holds"
                remarks.append(Finding("warning", "left_out_beside", o.record or i.hides, text, o.value, remedy=i.remedy))
    return (timeline, ()) if not remarks else (replace(timeline, observations=tuple(kept)), tuple(remarks))


def moves(one: Drug, other: Drug, models: Sequence[Model]) -> bool:
    """Whether doses of ``one`` change what models of ``other`` say: a flag that they read, or a change that is told."""
    read = {n for m in models for n in m.covs}
    if any(r.flag in read for r in one.raises):
        return True
    return any((i.change is not None or i.tells) and any(c.startswith(i.atc) for c in other.atc) for i in one.interactions)


def together(timeline: Timeline, drug: str, now: float, planned: Sequence[DoseEvent] = ()) -> tuple[Finding, ...]:
    """What the drugs given beside ``drug``, or planned, and ``drug`` do together, as remarks."""
    who = f"patient {timeline.patient.id}"
    return tuple(
        Finding("warning", f"interaction_{i.name}", who,
                f"{drug} and {other.name} are given together: {i.text} ({i.source})", remedy=i.remedy)
        for other, i in interactions(timeline, drug, now, planned)
    )  # fmt: skip


def tell(
    timeline: Timeline,
    models: tuple[Model, ...],
    drug: str,
    now: float,
    rule: str,
    taken: tuple[str, ...] = (),
    planned: Sequence[DoseEvent] = (),
) -> tuple[tuple[Model, ...], tuple[Covariate, ...], tuple[Finding, ...]]:
    """Models with what interactions tell them, the records that carry it, and remarks on what was told and what could not be.

    ``taken``: channels that others tell already.
    """  # fmt: skip
    found: list[Covariate] = []
    asked, known = list(models), timeline.until(now)
    changes: dict[str, Change] = {}
    for other, i in interactions(timeline, drug, now, planned):
        if i.change is not None and i.change.drug == other.name:
            changes[other.name] = i.change
        for channel, tells in i.tells.items():
            if channel in taken or channel not in CHANNELS:
                continue
            for k, model in enumerate(asked):
                course = tells(known, model) if effect_told(model, channel) else None
                if course is not None:
                    found += as_records(model, channel, course, rule, f"interaction {i.name}")
                    asked[k] = told(model, channel)
    remarks = list(_unsure(known, drug, models))
    for k, model in enumerate(asked):
        able = effect_told(model, CLEARANCE.name) is not None and CLEARANCE.name not in taken
        said = {n: c for n, c in changes.items() if not (c.flag and c.flag in model.covs)}
        remarks += [_remark(c, model.name, able) for c in said.values()]
        courses = [course for c in said.values() if (course := c(known, now, planned)) is not None] if able else []
        if courses:
            found += as_records(model, CLEARANCE.name, combined(courses), rule, f"interaction {', '.join(said)}")
            asked[k] = told(model, CLEARANCE.name)
    if planned and (flags := raised(known.append(*(d for d in planned if d.amount > 0)), drug)):
        found += [f for f in flags if f.time >= now - 1e-9 and f.name not in {c.name for c in known.covariates}]
    return tuple(asked), tuple(found), tuple(remarks)


def _remark(change: Change, model: str, able: bool) -> Finding:
    """What a model was told of a change, or that it cannot be told."""
    size = f"clearance times {change.ratio:g} at its usual dose ({change.provenance}: {change.source})"
    if able:
        text = f"it is told what {change.drug} does to it, with the spread between patients and the time it takes: {size}"
        return Finding("info", "interaction_told", model, text, remedy="measure more often while it comes or goes")
    text = f"it cannot be told what {change.drug} does and answers as if that were not given; it would be {size}"
    return Finding("warning", "interaction_not_told", model, text, remedy="ask a model that can, or let measurements decide")


def _unsure(known: Timeline, drug: str, models: Sequence[Model]) -> Iterator[Finding]:
    """A flag of several drugs is on and none of them is on record: the size is not guessed."""
    own, given = _listed().get(drug), known.drugs()
    changing: dict[str, list[str]] = {}
    for d in _listed().values():
        for c in (i.change for i in d.interactions if own is not None and any(code.startswith(i.atc) for code in own.atc)):
            if c is not None and c.flag and not c.own_flag:
                changing.setdefault(c.flag, []).append(d.name)
    for flag, names in sorted(changing.items()):
        series = known.series(flag)
        if not series or not series[-1][1] or set(names) & set(given):
            continue
        for model in (m for m in models if flag not in m.covs):
            text = (
                f"{QUANTITIES[flag].text} is on record, and not which: they change clearance by different sizes, nothing is told"
            )
            yield Finding("warning", "interaction_size_unknown", model.name, text, allowed=", ".join(names),
                          remedy="write the doses of the drug on the record")  # fmt: skip

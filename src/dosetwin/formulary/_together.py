"""Several drugs in one patient: what is given beside the drug asked about, the flags it raises, what the two do together."""

from collections.abc import Iterator

from dosetwin.declare.channels import CHANNELS
from dosetwin.declare.drug import Drug
from dosetwin.declare.interaction import Interaction
from dosetwin.declare.model import Model
from dosetwin.declare.told import as_records, effect_told, told
from dosetwin.errors import Finding
from dosetwin.records import Covariate, Timeline


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


def interactions(timeline: Timeline, drug: str, now: float) -> Iterator[tuple[Drug, Interaction]]:
    """The other drugs given by ``now`` h that interact with ``drug`` if a dose of it is given now, each with how."""
    listed = _listed()
    own, known = listed.get(drug), timeline.until(now)
    for name in known.drugs():
        other = listed.get(name)
        if own is None or other is None or name == drug:
            continue
        last = max(d.time + d.duration for d in known.doses if (d.drug or known.drug) == name)
        for a, b in ((own, other), (other, own)):
            for i in a.interactions:
                if now - last <= i.within_h + 1e-9 and any(code.startswith(i.atc) for code in b.atc):
                    yield other, i


def together(timeline: Timeline, drug: str, now: float) -> tuple[Finding, ...]:
    """What the drugs given beside ``drug`` and ``drug`` do together, as remarks."""
    who = f"patient {timeline.patient.id}"
    return tuple(
        Finding("warning", f"interaction_{i.name}", who,
                f"{drug} and {other.name} are given together: {i.text} ({i.source})", remedy=i.remedy)
        for other, i in interactions(timeline, drug, now)
    )  # fmt: skip


def tell(
    timeline: Timeline, models: tuple[Model, ...], drug: str, now: float, rule: str, taken: tuple[str, ...] = ()
) -> tuple[tuple[Model, ...], tuple[Covariate, ...]]:
    """Models with what interactions tell them, and the records that carry it; ``taken``: channels that others tell already."""
    found: list[Covariate] = []
    asked = list(models)
    for _, i in interactions(timeline, drug, now):
        for channel, tells in i.tells.items():
            if channel in taken or channel not in CHANNELS:
                continue
            for k, model in enumerate(asked):
                course = tells(timeline.until(now), model) if effect_told(model, channel) else None
                if course is not None:
                    found += as_records(model, channel, course, rule, f"interaction {i.name}")
                    asked[k] = told(model, channel)
    return tuple(asked), tuple(found)

"""Records kept back from a twin: what cannot be, and what is unusual and nobody confirmed. The rest goes on."""

from collections.abc import Collection
from dataclasses import replace

from dosetwin.checks.named import name_of
from dosetwin.checks.record import HELD, check
from dosetwin.errors import Finding
from dosetwin.records.timeline import Timeline

_FIRST = ("weight_jump", "weight_in_grams", "weight_implausible", "before_birth", "not_finite")
"""Codes that are cleared first: a dose is judged by the weight, a level by the doses before it."""
_ABOUT_ALL = ("no_doses", "no_weight", "birth_after_records", "gestational_age_implausible")
"""Errors that no single record is to blame for: they stay, and whoever asks the twin is told."""


def held_back(timeline: Timeline, confirmed: Collection[str] = ()) -> Timeline:
    """The timeline without the records that cannot be believed, each of them told by a ``held_back`` warning.

    ``confirmed``: names of records that somebody answered for: they are used although unusual. What is impossible is kept back
    all the same. ``record`` of a finding is the record's own name, ``value`` the code of what is wrong with it.
    """
    told: list[Finding] = []
    for f in timeline.findings:
        if f.severity == "error" and (less := _without(timeline, {f.record})) is not None:
            timeline = replace(less, findings=tuple(x for x in less.findings if x is not f))
            told.append(_told(f))
    kept = timeline
    while True:
        bad = [f for f in check(kept, first_dose=True, weight=False) if _bad(f, confirmed)]
        first = {f.record: f for f in reversed([f for f in bad if f.code in _FIRST] or bad)}
        less = _without(kept, first.keys()) if first else None
        if less is None:  # none left, or none that a single record is to blame for: whoever asks the twin is told
            break
        kept = less
        told += [_told(f) for f in first.values()]
    # a twin is not made better by a remark on what it does not use
    names = {f.record for f in told}
    rest = tuple(f for f in kept.findings if f.record not in names)
    return replace(kept, findings=(*rest, *told))


def _bad(f: Finding, confirmed: Collection[str]) -> bool:
    if f.severity == "error":
        return f.code not in _ABOUT_ALL
    return f.code in HELD and f.record not in confirmed


def _told(f: Finding) -> Finding:
    remedy = "confirm or correct it" if f.code in HELD else f"correct it{f' ({f.remedy})' if f.remedy else ''}"
    return Finding("warning", "held_back", f.record, f"{f.message}; not used until somebody answers", f.code, f.allowed, remedy)


def _without(t: Timeline, names: Collection[str]) -> Timeline | None:
    """The timeline without the records of these names; None when it has none of them."""
    doses = tuple(d for d in t.doses if name_of("dose", d) not in names)
    levels = tuple(o for o in t.observations if not {name_of("level", o), name_of(o.measures or "level", o)} & set(names))
    known = tuple(c for c in t.covariates if not {name_of("covariate", c), name_of(c.name, c)} & set(names))
    birth_weight = f"patient {t.patient.id} birth weight" in names
    before = len(t.doses) + len(t.observations) + len(t.covariates)
    if len(doses) + len(levels) + len(known) == before and not birth_weight:
        return None
    who = replace(t.patient, BW=None) if birth_weight else t.patient
    return replace(t, patient=who, doses=doses, observations=levels, covariates=known)

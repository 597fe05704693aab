"""Whom a record is about, in words: age and sex, what was last measured, and where the clock begins."""

from collections.abc import Sequence
from typing import Any

from dosetwin.quantities import FLAGS, QUANTITIES


def age(days: float) -> str:
    """``2.2 days`` or ``3.4 years``."""
    return f"{days:.1f} days" if days < 60 else f"{days / 30.44:.1f} months" if days < 730 else f"{days / 365.25:.1f} years"


def zero(timeline: Any) -> str:
    """What the hours of a timeline count from."""
    if timeline.origin is None:
        return "h on the file's clock"
    return "h since the first dose" if timeline.doses else "h since the first record"


def person(sex: str, days: float | None) -> str:
    """``girl``, ``man``; ``female`` where the age (days) is not known."""
    if days is None:
        return sex
    child = days < 18 * 365.25
    return {"female": "girl" if child else "woman", "male": "boy" if child else "man"}.get(sex, sex)


def patient_line(timeline: Any, now: float, models: Sequence[Any] = ()) -> list[str]:
    """Who: what is known of the patient at ``now`` (h), each with its unit; a laboratory value that no model uses is said to be
    so."""
    p, out = timeline.patient, []
    latest: dict[str, float] = {}
    for name in dict.fromkeys([*(c.name for c in timeline.covariates), *(o.measures for o in timeline.observations)]):
        known = [v for t, v in timeline.series(name) if t <= now + 1e-9] if name in QUANTITIES else []
        if known:
            latest[name] = known[-1]
    when = timeline.when(now)
    days = (when - p.birth).total_seconds() / 86400 if p.birth is not None and when is not None else None
    years = latest.get("AGE")
    if p.sex:
        out.append(person(p.sex, days if days is not None else 0.0 if p.GA is not None else years and 365.25 * years))
    if p.GA is not None:
        out.append(f"born at {p.GA:g} weeks")
    if days is not None:
        out.append(f"{age(days)} old" + (f" (PMA {p.GA + days / 7:.1f} weeks)" if p.GA is not None and days < 365 else ""))
    elif "AGE" in latest:
        out.append(f"{latest['AGE']:g} years old")
    if p.BW is not None:
        out.append(f"birth weight {p.BW:g} kg")
    if "WT" in latest:
        out.append(f"weight now {latest['WT']:g} kg")
    for q in (QUANTITIES[name] for name in latest):
        if q.kind == "laboratory":
            hears = not models or any(q.name in m.covs or m.channel or m.measured_by(q.name) for m in models)
            unused = "" if hears else f", not used by {', '.join(m.name for m in models)}"
            out.append(f"last {q.text} {q.said(latest[q.name])}{unused}")
    own = ((QUANTITIES[k], v) for k, v in p.held if k in QUANTITIES and k not in ("SEX", "GA", "BW"))
    out += [f"{q.text}: {q.means.get(v, f'{v:g}') if isinstance(v, int | float) else v}" for q, v in own]
    out += [q.text if q.runs == "condition" else f"{q.text} running" for q in FLAGS if latest.get(q.name, 0) > 0.5]
    return out

"""Alternatives to an order: few, different from each other, each with what it would cost or bring in a clinician's words."""

from typing import TYPE_CHECKING, Any

from dosetwin.decide.recommendation import Dosing
from dosetwin.declare.reading import json_key
from dosetwin.report import narrative
from dosetwin.report.page import verdict

if TYPE_CHECKING:
    from dosetwin.decide.recommendation import Candidate, Recommendation
    from dosetwin.declare import Goal, Therapy

MOST = 4
CLEAR = 0.05
"""Difference of a chance from which it is worth a word (assumed: draws alone move it by about 2 %)."""
OTHER = 0.1
"""Relative difference of an amount from which a dose counts as another one (assumed)."""


def alternatives(rec: "Recommendation", therapy: "Therapy") -> list[dict[str, Any]]:
    """Rows ``candidate``, ``why`` (who says so: a standard rule, ``longer interval``) and ``trade`` (one sentence part).

    Beside what is recommended: what the standard rules say, the nearest shorter and longer interval, a lower and a higher dose;
    orders without an interval: the next ones of the ranking. At most ``MOST``.
    """
    chosen = next((c for c in rec.candidates if rec.regimen is not None and c.regimen == rec.regimen), None)
    found: list[tuple[Candidate, str]] = []

    def add(c: "Candidate | None", why: str) -> None:
        if c is not None and c is not chosen and all(c.regimen != had.regimen for had, _ in found) and len(found) < MOST:
            found.append((c, why))

    for c in rec.candidates:
        if c.rules and len(found) < 2:
            add(c, f"{narrative.rules(c.rules)} says so")
    first = chosen or (rec.candidates[0] if rec.candidates else None)
    if first is not None and isinstance(first.regimen, Dosing) and not first.regimen.words:
        r = first.regimen
        repeated = [(c, c.regimen) for c in rec.candidates if isinstance(c.regimen, Dosing) and not c.regimen.words]
        for why, fits in (
            ("shorter interval", lambda o: o.interval_h < r.interval_h),
            ("longer interval", lambda o: o.interval_h > r.interval_h),
            ("lower dose", lambda o: o.interval_h == r.interval_h and o.amount_mg < (1 - OTHER) * r.amount_mg),
            ("higher dose", lambda o: o.interval_h == r.interval_h and o.amount_mg > (1 + OTHER) * r.amount_mg),
        ):
            add(next((c for c, o in repeated if fits(o)), None), why)
    else:
        for c in rec.candidates[:MOST]:
            add(c, "next in the ranking")
    return [{"candidate": c, "why": why, "trade": trade(c, chosen, therapy, narrative.contradicted(rec))} for c, why in found]


def trade(c: "Candidate", chosen: "Candidate | None", therapy: "Therapy", contradicted: bool = False) -> str:
    """What an order would cost and bring beside the chosen one: ``trough < 3 mg/L: too high more often (69 % on target instead of
    80 %)``; what it breaks where it may not be ordered at all."""
    if c.violations or chosen is None:
        return verdict(c, False, contradicted)
    moved = [(g, c.p(g.code) - chosen.p(g.code)) for g in therapy.goals if not g.price and _scored(g, c) and _scored(g, chosen)]
    worse = min(moved, key=lambda m: m[1] * m[0].weight, default=None)
    better = max(moved, key=lambda m: m[1] * m[0].weight, default=None)
    parts = []
    if worse is not None and worse[1] <= -CLEAR:
        parts.append(_said(worse[0], c, chosen))
    if better is not None and better[1] >= CLEAR:
        parts.append(("in exchange " if parts else "") + _said(better[0], c, chosen))
    if not parts:
        parts.append("no clear difference")
    if c.unmet:
        parts.append("less than what is required")
    return "; ".join(parts)


def _scored(goal: "Goal", c: "Candidate") -> bool:
    return any(a.target == goal.code for a in c.attainment)


def _said(goal: "Goal", c: "Candidate", chosen: "Candidate") -> str:
    """One goal's change of chance, with the side on which it is missed where the median says so."""
    now, then = c.p(goal.code), chosen.p(goal.code)
    numbers = f"{narrative.percent(now)} on target instead of {narrative.percent(then)}"
    if now > then:
        return f"{narrative.aim(goal)} met more often ({numbers})"
    return f"{narrative.aim(goal)}: {_side(goal, c)} more often ({numbers})".replace(":  ", ": ")


def _side(goal: "Goal", c: "Candidate") -> str:
    """``too low`` or ``too high``: the only border, or the one that the medians lie nearer to; ``missed`` where nothing says."""
    if goal.low is None or goal.high is None:
        return "too high" if goal.low is None else "too low"
    values = [c.median[key] for d in goal.doses if c.median.get(key := json_key(goal.reading.key, d)) is not None]
    if not values:
        return "missed"
    off = [float(v) - 0.5 * (goal.low + goal.high) for v in values if v is not None]
    return "too high" if max(off, key=abs) > 0 else "too low"

"""The eight published properties of a dual-chamber pacemaker, checked on a trace, each with the stretch that breaks it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dosetwin.twins.automata.programme import Programme
from dosetwin.twins.automata.run import Trace

SOURCE = "Jiang, Pajic, Moarref, Alur and Mangharam, TACAS 2012 and STTT 2014 (UPPAAL queries read)"
AROUND = 2500.0
"""ms of trace shown before a break."""


@dataclass(frozen=True)
class Break:
    """A property broken at ``at`` ms: the interval ``found``, the ``limit`` it breaks, the ``marks`` before it."""

    at: float
    found: float
    limit: float
    marks: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True)
class Verdict:
    """One property on one trace. ``holds`` None: it says nothing about this mode. ``breaks``: how often; ``first`` of them.

    A property that says something can happen (``exists``) is not broken where it does not: ``holds`` is then None.
    """

    name: str
    text: str
    holds: bool | None
    breaks: int = 0
    first: Break | None = None
    checked: int = 0

    def to_json(self) -> dict[str, Any]:
        first = self.first
        return {
            "property": self.name, "text": self.text, "holds": self.holds, "checked": self.checked, "breaks": self.breaks,
            "counter_example": None if first is None else {
                "at_ms": round(first.at, 3), "found_ms": round(first.found, 3), "limit_ms": round(first.limit, 3),
                "marks": [[round(t, 3), m] for t, m in first.marks]},
        }  # fmt: skip


def check(trace: Trace, programme: Programme, tolerance: float = 1e-6) -> tuple[Verdict, ...]:
    """All eight on one trace; ``tolerance`` ms within which a device may be late or early (8 for a device of somebody else)."""
    return tuple(_judged(trace, programme, tolerance, name, text, find) for name, text, find in PROPERTIES)


def _judged(trace: Trace, p: Programme, tol: float, name: str, text: str, find: "Finder") -> Verdict:
    found = find(trace, p, tol)
    if found is None:
        return Verdict(name, text, None)
    checked, breaks, exists = found
    if exists is not None:
        return Verdict(name, text, True if exists else None, checked=checked)
    if not breaks:
        return Verdict(name, text, True, checked=checked)
    at, value, limit = breaks[0]
    marks = tuple((t, m) for t, m in trace.marks if at - AROUND <= t <= at)
    return Verdict(name, text, False, len(breaks), Break(at, value, limit, marks), checked)


Found = tuple[int, Sequence[tuple[float, float, float]], bool | None]
Finder = Callable[[Trace, Programme, float], Found | None]


def _alive(trace: Trace, p: Programme, tol: float) -> Found | None:
    return 1, [] if trace.stuck is None else [(trace.stuck, trace.end - trace.stuck, 0.0)], None


def _no_VS_in_VRP(trace: Trace, p: Programme, tol: float) -> Found | None:
    if p.senses == "O" or p.mode[:3] == "AAI":
        return None
    out, last, n = [], None, 0
    for t, m in trace.marks:
        if m == "VS":
            n += 1
            if last is not None and t - last < p.VRP - tol:
                out.append((t, t - last, p.VRP))
        if m in ("VS", "VP"):
            last = t
    return n, out, None


def _no_AS_in_PVARP(trace: Trace, p: Programme, tol: float) -> Found | None:
    if p.mode[:3] not in ("VDD", "DDI", "DDD"):
        return None
    out, last, n = [], None, 0
    for t, m in trace.marks:
        if m == "AS":
            n += 1
            if last is not None and t - last < p.PVARP - tol:
                out.append((t, t - last, p.PVARP))
        if m in ("VS", "VP"):
            last = t
    return n, out, None


def _no_AP_early(trace: Trace, p: Programme, tol: float) -> Found | None:
    mode, shortest = p.mode[:3], p.SRI if p.adapts else p.LRI
    if p.paces == "V":
        return None
    alone = mode in ("AAI", "AOO")
    limit, of = (shortest, ("AS", "AP")) if alone else (shortest - p.AVI, ("VS", "VP"))
    out, last, n = [], None, 0
    for t, m in trace.marks:
        if m == "AP":
            n += 1
            if last is not None and t - last < limit - tol:
                out.append((t, t - last, limit))
        if m in of:
            last = t
    return n, out, None


def _no_VP_before_AVI(trace: Trace, p: Programme, tol: float) -> Found | None:
    """Pulses of ventricular safety pacing come at their own, shorter interval; without tracking none follows a sensed beat."""
    if p.mode[:3] not in ("VDD", "DDD", "DDI", "DOO"):
        return None
    out, since, by, switched, n = [], None, "", False, 0
    for t, m in trace.marks:
        if m == "VP" and since is not None and not (by == "AS" and (switched or not p.tracks)):
            n += 1
            limit = p.shortest_AVI if by == "AS" else p.AVI
            safe = by == "AP" and p.safety and abs(t - since - min(p.safety, p.AVI)) <= max(tol, 1e-6)
            if t - since < limit - tol and not safe:
                out.append((t, t - since, limit))
        if m in ("VS", "VP"):
            since = None
        elif m in ("AS", "AP"):
            since, by = t, m
        elif m in ("MS", "ME"):
            switched = m == "MS"
    return n, out, None


def _no_VP_over_URI(trace: Trace, p: Programme, tol: float) -> Found | None:
    if p.paces == "A" or p.senses == "O":
        return None
    shortest = min(p.URI, p.SRI) if p.adapts else p.URI
    out, last, n = [], None, 0
    for t, m in trace.marks:
        if m == "VP":
            n += 1
            if last is not None and t - last < shortest - tol:
                out.append((t, t - last, shortest))
        if m in ("VS", "VP"):
            last = t
    return n, out, None


def _never_slower_than_LRI(trace: Trace, p: Programme, tol: float) -> Found | None:
    if p.paces == "A":
        return None
    # a beat seen between blanking and the end of the safety window is answered by a pulse: no longer than LRI either
    times = [trace.begin, *trace.times("VS", "VP")]
    out = [(b, b - a, p.LRI) for a, b in pairwise(times) if b - a > p.LRI + tol]
    if trace.end - times[-1] > p.LRI + tol:
        out.append((trace.end, trace.end - times[-1], p.LRI))
    return len(times), out, None


def _VP_may_wait(trace: Trace, p: Programme, tol: float) -> Found | None:
    if not p.tracks:
        return None
    since, n, later = None, 0, False
    for t, m in trace.marks:
        if m == "VP" and since is not None:
            n += 1
            later = later or t - since > p.AVI + max(tol, 1e-6)
        if m in ("VS", "VP"):
            since = None
        elif m in ("AS", "AP"):
            since = t
    return n, [], later


PROPERTIES: tuple[tuple[str, str, Finder], ...] = (
    ("alive", "something is always due (no deadlock)", _alive),
    ("VRP", "no ventricular sense within VRP of a ventricular event", _no_VS_in_VRP),
    ("PVARP", "no atrial sense within PVARP of a ventricular event", _no_AS_in_PVARP),
    ("AEI", "no atrial pulse before the atrial escape interval LRI - AVI", _no_AP_early),
    ("AVI", "no ventricular pulse before AVI", _no_VP_before_AVI),
    ("URI", "no ventricular pulse within URI of a ventricular event", _no_VP_over_URI),
    ("LRI", "no two ventricular events further apart than LRI", _never_slower_than_LRI),
    ("wait", "a ventricular pulse can come later than AVI (upper rate)", _VP_may_wait),
)

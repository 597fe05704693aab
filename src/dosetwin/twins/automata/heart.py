"""A heart as timed automata: sinus node, atria, AV node, ventricles, and the leads that a device sees them through."""

import math
from dataclasses import dataclass, field, fields
from itertools import pairwise

import numpy as np

from dosetwin.errors import InputError
from dosetwin.streams import uniforms

NEVER = math.inf
BLOCK = 2048
"""Uniform numbers fetched at once."""
SOURCE = (
    "components and delays: Jiang, Pajic, Moarref, Alur and Mangharam, TACAS 2012 and STTT 2014 (UPPAAL models read); "
    "refractory times and the growth of the AV delay: the same group's virtual heart (read)"
)


class Chance:
    """Uniform numbers of one run, one after the other: number j depends on seed, name, draw and j alone."""

    __slots__ = ("_at", "_block", "draw", "name", "next", "seed")

    def __init__(self, seed: int, draw: int = 0, name: str = "heart") -> None:
        self.seed, self.draw, self.name, self.next = seed, draw, name, 0
        self._block, self._at = np.empty(0), 0

    def __call__(self) -> float:
        if self.next - self._at >= len(self._block):
            self._at = self.next
            self._block = uniforms(self.seed, self.name, np.array([self.draw]), BLOCK, self._at)[0]
        value = self._block[self.next - self._at]
        self.next += 1
        return float(value)


@dataclass(frozen=True)
class Heart:
    """One heart and its leads; times in ms, chances 0 to 1.

    ``sinus`` intervals of the sinus node as (from ms, interval) points, straight between; ``jitter`` the SD of the log of
    each. ``erp_a``, ``erp_v``, ``erp_av`` refractory times. ``ante`` antegrade conduction (``longer`` more with each beat
    until it passes ``drops_at``: Wenckebach), ``drop_every`` n: each n-th is not conducted (Mobitz II), ``block``: none is;
    ``conceals``: even then a beat from above enters the node and closes it to one from below for ``erp_av``.
    ``slow`` and ``tau``: the delay grows by slow exp(-recovery / tau). ``va`` retrograde conduction (inf: none), ``escape`` of
    the ventricles. ``pvc`` and ``pac`` moments of extra beats, or with ``pvc_every`` (mean ms) at random. ``fibrillation`` spans
    (from, to, shortest, longest atrial interval). ``capture_*`` chance that a pulse captures, ``sense_*`` that a beat is seen;
    ``noise_*`` spans (from, to, interval) of signals that are no beats; ``crosstalk`` chance that the ventricular channel sees an
    atrial pulse after ``crosstalk_ms``; ``far_field`` chance that the atrial channel sees a ventricular beat after
    ``far_field_ms``. ``activity`` of the body, 0 to 1, as (ms, level) points.
    """

    sinus: tuple[tuple[float, float], ...] = ((0.0, 850.0),)
    jitter: float = 0.0
    erp_a: float = 200.0
    erp_v: float = 250.0
    erp_av: float = 280.0
    ante: float = 150.0
    longer: float = 0.0
    drops_at: float = 350.0
    drop_every: int = 0
    block: bool = False
    conceals: bool = False
    slow: float = 0.0
    tau: float = 100.0
    va: float = NEVER
    escape: float = 2500.0
    pvc: tuple[float, ...] = ()
    pvc_every: float = NEVER
    pac: tuple[float, ...] = ()
    fibrillation: tuple[tuple[float, float, float, float], ...] = ()
    capture_a: float = 1.0
    capture_v: float = 1.0
    sense_a: float = 1.0
    sense_v: float = 1.0
    noise_a: tuple[tuple[float, float, float], ...] = ()
    noise_v: tuple[tuple[float, float, float], ...] = ()
    crosstalk: float = 0.0
    crosstalk_ms: float = 20.0
    far_field: float = 0.0
    far_field_ms: float = 60.0
    activity: tuple[tuple[float, float], ...] = ((0.0, 0.0),)

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if isinstance(value, float) and (
                not value >= 0.0 or (value == NEVER and f.name not in ("va", "pvc_every", "escape"))
            ):
                raise InputError("cannot be", where=f"heart: {f.name}", value=value, allowed="a time in ms or a chance, >= 0")
        for name in ("capture_a", "capture_v", "sense_a", "sense_v", "crosstalk", "far_field"):
            if getattr(self, name) > 1.0:
                raise InputError("not a chance", where=f"heart: {name}", value=getattr(self, name), allowed="0 to 1")
        if not self.sinus or min(ms for _, ms in self.sinus) < 150.0:
            raise InputError("no sinus interval", where="heart: sinus", value=self.sinus, allowed="at least 150 ms (400/min)")
        for name in ("pvc", "pac", "sinus", "activity"):
            points = [p[0] if isinstance(p, tuple) else p for p in getattr(self, name)]
            if points != sorted(points):
                raise InputError("moments must ascend", where=f"heart: {name}", value=points)


def along(points: tuple[tuple[float, float], ...], t: float) -> float:
    """The value at ``t``, straight between points and constant outside."""
    if t <= points[0][0] or len(points) == 1:
        return points[0][1]
    for (a, x), (b, y) in pairwise(points):
        if t < b:
            return x + (y - x) * (t - a) / (b - a)
    return points[-1][1]


@dataclass(slots=True)
class Conduction:
    """The network while it runs. ``due()`` says when something happens next; ``step`` does it and tells what is seen."""

    of: Heart
    chance: Chance
    t: float = 0.0
    sinus_at: float = NEVER
    ante_at: float = NEVER
    retro_at: float = NEVER
    escape_at: float = NEVER
    pvc_at: float = NEVER
    pac_at: float = NEVER
    fib_at: float = NEVER
    noise_at: list[float] = field(default_factory=list)
    seen_at: list[tuple[float, str]] = field(default_factory=list)
    atria_until: float = -NEVER
    ventricles_until: float = -NEVER
    node_until: float = -NEVER
    conducted: int = 0
    run_of: int = 0
    extra: int = 0
    early: int = 0
    atria: list[tuple[float, str]] = field(default_factory=list)
    ventricles: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        h = self.of
        self.sinus_at = self._sinus(self.t)
        self.escape_at = self.t + h.escape
        self.pvc_at = self._pvc(self.t)
        self.pac_at = h.pac[0] if h.pac else NEVER
        self.fib_at = h.fibrillation[0][0] if h.fibrillation else NEVER
        self.noise_at = [h.noise_a[0][0] if h.noise_a else NEVER, h.noise_v[0][0] if h.noise_v else NEVER]

    def _sinus(self, t: float) -> float:
        h = self.of
        ms = h.sinus[0][1] if len(h.sinus) == 1 else along(h.sinus, t)
        if h.jitter:
            # a sum of uniforms is near enough to normal, and has no far tails
            ms *= math.exp(h.jitter * (sum(self.chance() for _ in range(4)) - 2.0) * math.sqrt(3.0))
        return t + ms

    def _pvc(self, t: float) -> float:
        h = self.of
        if h.pvc_every < NEVER:
            return t - math.log(self.chance()) * h.pvc_every
        self.extra += 1
        return h.pvc[self.extra - 1] if self.extra <= len(h.pvc) else NEVER

    def _fib(self, t: float) -> float:
        for a, b, low, high in self.of.fibrillation:
            if a <= t < b:
                return t + low + (high - low) * self.chance()
            if t < a:
                return a
        return NEVER

    def due(self) -> float:
        """ms of the next thing that happens by itself; inf: nothing does."""
        first = min(self.sinus_at, self.ante_at, self.retro_at, self.escape_at, self.pvc_at, self.pac_at, self.fib_at,
                    self.noise_at[0], self.noise_at[1])  # fmt: skip
        return min(first, self.seen_at[0][0]) if self.seen_at else first

    def step(self, t: float) -> list[str]:
        """What happens at ``t``, atria before ventricles; returns ``A`` and ``V`` for each signal seen, in that order."""
        self.t = t
        seen: list[str] = []
        while self.seen_at and self.seen_at[0][0] <= t:
            seen.append(self.seen_at.pop(0)[1])
        if self.sinus_at <= t and (self._in_fibrillation(t) or not self._atrium(t, "sinus", seen)):
            self.sinus_at = self._sinus(t)
        if self.fib_at <= t:
            self._atrium(t, "fibrillation", seen)
            self.fib_at = self._fib(t)
        if self.pac_at <= t:
            self._atrium(t, "extra", seen)
            self.early += 1
            self.pac_at = self.of.pac[self.early] if self.early < len(self.of.pac) else NEVER
        if self.retro_at <= t:
            self.retro_at = NEVER
            self._atrium(t, "retrograde", seen)
        if self.noise_at[0] <= t:
            seen.append("A")
            self.noise_at[0] = _noise(self.of.noise_a, t)
        if self.ante_at <= t:
            self.ante_at = NEVER
            self._ventricle(t, "conducted", seen)
        if self.pvc_at <= t:
            self._ventricle(t, "extra", seen)
            self.pvc_at = self._pvc(t)
        if self.escape_at <= t and not self._ventricle(t, "escape", seen):
            self.escape_at = t + self.of.escape
        if self.noise_at[1] <= t:
            seen.append("V")
            self.noise_at[1] = _noise(self.of.noise_v, t)
        return seen

    def pulse(self, t: float, chamber: str) -> bool:
        """A pulse at ``t``; returns whether it captured."""
        h = self.of
        if chamber == "A":
            if h.crosstalk and self.chance() < h.crosstalk:
                self._later(t + h.crosstalk_ms, "V")
            return (h.capture_a >= 1.0 or self.chance() < h.capture_a) and self._atrium(t, "paced", None)
        return (h.capture_v >= 1.0 or self.chance() < h.capture_v) and self._ventricle(t, "paced", None)

    def _in_fibrillation(self, t: float) -> bool:
        return any(a <= t < b for a, b, _, _ in self.of.fibrillation)

    def _later(self, t: float, channel: str) -> None:
        self.seen_at.append((t, channel))
        self.seen_at.sort()

    def _atrium(self, t: float, by: str, seen: list[str] | None) -> bool:
        h = self.of
        if t < self.atria_until:
            return False
        self.atria_until = t + (min(h.erp_a, 90.0) if by == "fibrillation" else h.erp_a)
        self.atria.append((t, by))
        self.sinus_at = self._sinus(t)
        if seen is not None and (h.sense_a >= 1.0 or self.chance() < h.sense_a):
            seen.append("A")
        if by == "retrograde":
            return True
        if self.retro_at < NEVER:  # the waves meet
            self.retro_at = NEVER
        elif h.block:
            if h.conceals:
                self.node_until = t + h.erp_av
        elif t >= self.node_until and self.ante_at == NEVER:
            self.conducted += 1
            if h.drop_every and self.conducted % h.drop_every == 0:
                return True
            delay = h.ante
            if h.longer:
                delay += h.longer * self.run_of
                self.run_of = 0 if delay > h.drops_at else self.run_of + 1
                if delay > h.drops_at:
                    return True
            if h.slow and self.node_until > -NEVER:
                delay += h.slow * math.exp(-(t - self.node_until) / h.tau)
            self.ante_at, self.node_until = t + delay, t + h.erp_av
        return True

    def _ventricle(self, t: float, by: str, seen: list[str] | None) -> bool:
        h = self.of
        if t < self.ventricles_until:
            return False
        self.ventricles_until, self.escape_at = t + h.erp_v, t + h.escape
        self.ventricles.append((t, by))
        if seen is not None and (h.sense_v >= 1.0 or self.chance() < h.sense_v):
            seen.append("V")
        if h.far_field and self.chance() < h.far_field:
            self._later(t + h.far_field_ms, "A")
        if by == "conducted":
            return True
        if self.ante_at < NEVER:  # the waves meet
            self.ante_at = NEVER
        elif h.va < NEVER and t >= self.node_until and self.retro_at == NEVER:
            self.retro_at, self.node_until = t + h.va, t + h.erp_av
        return True


def _noise(spans: tuple[tuple[float, float, float], ...], t: float) -> float:
    for a, b, every in spans:
        if t < a:
            return a
        if a <= t < b and t + every < b:
            return t + every
    return NEVER

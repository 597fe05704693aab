"""The twin of a paced heart: told what was measured in clinic, it plays settings of the pacemaker and is read beat by beat."""

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dosetwin.errors import InputError
from dosetwin.records import Order
from dosetwin.twins.automata.belief import Known, Prior, drawn
from dosetwin.twins.automata.device import Pacemaker
from dosetwin.twins.automata.heart import NEVER, Chance, Conduction, Heart
from dosetwin.twins.automata.programme import Programme
from dosetwin.twins.automata.run import Trace, run
from dosetwin.twins.kind import Readable
from dosetwin.twins.trajectory import HOW, Track, Trajectory

MS_H = 3_600_000.0
READS: Mapping[str, tuple[str, str]] = {
    "interval": ("ms", "from one beat of the ventricles to the next"),
    "paced": ("1", "1 for a ventricular event that was paced, 0 for one that was sensed"),
    "loop": ("1", "1 for a ventricular event within a pacemaker-mediated loop, 0 for any other"),
    "dropped": ("1", "1 for a beat of the atria that none of the ventricles followed, 0 for any other"),
}


@dataclass
class Watch:
    """Turns a trace into events, stretch after stretch: what is needed of the stretch before is kept."""

    last_v: float | None = None
    last_a: float | None = None
    beat_since: bool = False
    from_below: bool = False
    chain: int = 0

    def events(self, trace: Trace) -> dict[str, list[tuple[float, float]]]:
        """(ms, value) of everything read."""
        out: dict[str, list[tuple[float, float]]] = {name: [] for name in READS}
        beats = sorted([(t, 0, by) for t, by in trace.atria] + [(t, 1, by) for t, by in trace.ventricles])
        for t, chamber, _ in beats:
            if chamber:
                if self.last_v is not None:
                    out["interval"].append((t, t - self.last_v))
                self.last_v, self.beat_since = t, True
            else:
                if self.last_a is not None:
                    out["dropped"].append((t, 0.0 if self.beat_since else 1.0))
                self.last_a, self.beat_since = t, False
        back = {t for t, by in trace.atria if by == "retrograde"}
        for t, m in trace.marks:
            if m in ("AS", "AP"):
                self.from_below = m == "AS" and t in back
            elif m in ("VS", "VP"):
                self.chain = self.chain + 1 if m == "VP" and self.from_below else 0
                self.from_below = False
                out["paced"].append((t, float(m == "VP")))
                out["loop"].append((t, float(self.chain > 1)))
        return out


@dataclass(frozen=True)
class PacedHeart:
    """One patient's heart with a pacemaker. Tell it ``Interval``s and what the device is set to (``Setting``).

    A play is a test: rest, exercise to the patient's own peak, rest again, with extra beats now and then (``prior.course``).
    """

    programme: Programme = field(default_factory=Programme)
    prior: Prior = field(default_factory=Prior)
    known: Known = field(default_factory=Known)
    therapy: Any = field(default=None, compare=False)

    def told(self, *facts: Any) -> "PacedHeart":
        """The heart that knows these too. Raises InputError for another kind of fact, and for settings that cannot be."""
        return replace(self, known=self.known.told(*facts)) if facts else self

    def reads(self) -> Mapping[str, Readable]:
        """Intervals, pulses, loops and dropped beats."""
        return {name: Readable(name, unit, text, HOW["events"]) for name, (unit, text) in READS.items()}

    def menu(self) -> Any:
        """The therapy's menu."""
        return getattr(self.therapy, "menu", None)

    @property
    def now(self) -> float:
        """h until which something is known."""
        return self.known.now

    def believed(self, draws: int, seed: int) -> dict[str, np.ndarray]:
        """Draws of the intervals of conduction, ms."""
        return drawn(self.prior, self.known, draws, seed)

    def heart(self, sinus: float, peak: float, ante: float, va: float) -> Heart:
        """A heart of these intervals (ms) that goes through the course."""
        p = self.prior
        profile = tuple((t, 1.0 / ((1.0 - x) / sinus + x / peak)) for t, x in p.course)
        return Heart(
            sinus=profile, jitter=p.jitter, erp_a=p.erp[0], erp_v=p.erp[1], erp_av=p.erp[2], block=ante == NEVER, conceals=True,
            ante=150.0 if ante == NEVER else ante, va=va, escape=p.escape, pvc_every=p.pvc_every, activity=p.course,
        )  # fmt: skip

    def set_by(self, order: Order, until: float) -> Programme:
        """The programme of an order. Raises InputError for doses, unknown settings and settings that cannot be together."""
        if order.doses(until):
            raise InputError(
                "a pacemaker gives no doses", where="order", value=repr(order), allowed="Setting(AVI=..., PVARP=...)"
            )
        later = [s.time for s in order.settings(until) if s.time > self.now + 1e-9]
        if later:
            raise InputError("a pacemaker is set now", where=f"order {order.words()}", value=later[0], allowed=f"{self.now:g} h")
        return self.programme.with_(self.known.set_to | {s.name: s.value for s in order.settings(until)}).checked()

    def play(
        self, orders: Sequence[Order], until: float, *, draws: int, seed: int, at: Sequence[float] = (),
        after: Trajectory | None = None,
    ) -> Trajectory:  # fmt: skip
        """Every programme on the same hearts; ``at`` is not needed: every beat is kept.

        Raises InputError: no order, settings that cannot be, or an ``after`` of other draws.
        """
        begin = self.now if after is None else after.until
        if not orders or draws < 1 or not begin < until < math.inf:
            raise InputError("cannot be played", where="paced heart", value=(len(orders), draws, until),
                             allowed=f"an order, a draw, and an end after {begin:g} h")  # fmt: skip
        if after is not None and (after.orders, after.draws, after.seed) != (len(orders), draws, seed):
            raise InputError("goes on from other draws or orders", where="paced heart",
                             value=(after.orders, after.draws, after.seed), allowed=f"{(len(orders), draws, seed)}")  # fmt: skip
        programmes = [self.set_by(order, until) for order in orders]
        rows: list[list[dict[str, list[tuple[float, float]]]]] = []
        ends: list[list[Any]] = []
        believed = self.believed(draws, seed)
        for o, programme in enumerate(programmes):
            row, end = [], []
            for k in range(draws):
                if after is None:
                    heart = self.heart(*(float(believed[name][k]) for name in ("sinus", "peak", "ante", "va")))
                    state = Conduction(heart, Chance(seed, k)), Pacemaker(programme, heart.activity), Watch()
                else:
                    state = copy.deepcopy(after.end[o][k])
                    state[1].of = programme
                conduction, device, watch = state
                trace = run(conduction, device, (until - self.now) * MS_H, (begin - self.now) * MS_H)
                row.append(watch.events(trace))
                conduction.atria, conduction.ventricles = [], []
                end.append(state)
            rows.append(row)
            ends.append(end)
        tracks = {name: _track([[e[name] for e in row] for row in rows], self.now) for name in READS}
        return Trajectory(tracks, begin, until, len(orders), draws, seed, end=ends)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "automata", "programme": dict(vars(self.programme)), "prior": self.prior.to_json(),
                "known": self.known.to_json()}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any], therapy: Any = None) -> "PacedHeart":
        return cls(Programme(**data["programme"]), Prior.from_json(data["prior"]), Known.from_json(data["known"]), therapy)


def _track(pairs: list[list[list[tuple[float, float]]]], now: float) -> Track:
    longest = max((len(p) for row in pairs for p in row), default=0)
    time = np.full((len(pairs), len(pairs[0]), max(longest, 1)), np.nan)
    value = np.zeros(time.shape)
    for o, row in enumerate(pairs):
        for k, p in enumerate(row):
            if p:
                found = np.array(p)
                time[o, k, : len(p)], value[o, k, : len(p)] = now + found[:, 0] / MS_H, found[:, 1]
    return Track("events", time, value)

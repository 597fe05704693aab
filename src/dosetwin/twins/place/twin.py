"""The twin of a pool (of beds, chairs): told who came and went, it plays numbers open and is read for waits, refusals and use."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from dosetwin.declare.pool import Arrivals, Exponential, Lognormal, Pool
from dosetwin.errors import InputError
from dosetwin.records import Order, Setting
from dosetwin.streams import uniforms
from dosetwin.twins.kind import Readable
from dosetwin.twins.place.belief import Drawn, arrived, drawn, lengths, mean_length
from dosetwin.twins.place.events import Rows, World, run
from dosetwin.twins.place.facts import Known
from dosetwin.twins.trajectory import HOW, Shape, Track, Trajectory

SHAPES: Mapping[str, Shape] = {
    "wait": "events", "refused": "events", "occupancy": "steps", "taken": "steps", "waiting": "steps", "open": "steps",
}  # fmt: skip
"""Of what is read of a pool, in that order; what is open goes by the name of what the pool is of."""


@dataclass(frozen=True)
class BedPool:
    """One pool of beds (or of what it is of) and what is known of it. Make one with a ``Pool``; tell it ``Seen``, ``Watched``,
    ``Setting(beds=12)``.

    Plays start from those who are in a bed or waiting now. ``therapy``: what may be ordered, if anybody says it.
    """

    pool: Pool
    known: Known = field(default_factory=Known)
    therapy: Any = field(default=None, compare=False)

    def told(self, *facts: Any) -> "BedPool":
        """The place that knows these too. Raises InputError for another kind of fact, and for what contradicts an earlier one."""
        for name in (name for f in facts if isinstance(f, Setting) for name, _ in f.values):
            if name != self.pool.of:
                raise InputError(f"this is a pool of {self.pool.of}, and nothing else is set", where="told", value=name,
                                 allowed=self.pool.of)  # fmt: skip
        return replace(self, known=self.known.told(*facts)) if facts else self

    def reads(self) -> Mapping[str, Readable]:
        """Waits and refusals of who comes, and how what is open is used."""
        return {
            n: Readable(n, unit, text, HOW[SHAPES[n if n in SHAPES else "open"]]) for n, (unit, text) in self.pool.reads().items()
        }

    def menu(self) -> Any:
        """The therapy's menu."""
        return getattr(self.therapy, "menu", None)

    @property
    def now(self) -> float:
        """h until which something is known; 0 where nothing is."""
        return 0.0 if self.known.now is None else self.known.now

    def believed(self, draws: int, seed: int) -> Drawn:
        """Draws of the arrivals and stays."""
        return drawn(self.pool, self.known, draws, seed)

    def load(self, draws: int, seed: int) -> np.ndarray:
        """[draws] beds that would be taken if there were no end of them: mean arrivals per h times the mean stay."""
        return self.believed(draws, seed).load

    def rules_facts(self, draws: int, seed: int) -> dict[str, float]:
        """What rules of thumb count with, as it is believed (medians): ``LOAD`` as ``load``, ``STAY`` mean stay in h."""
        believed = self.believed(draws, seed)
        return {"LOAD": float(np.median(believed.load)), "STAY": float(np.median(mean_length(believed.stay)))}

    def card(self, draws: int, seed: int) -> dict[str, Any]:
        """What identifies the pool in an answer, and what is believed of it: ``load`` 5, 50, 95 % quantile."""
        load = np.quantile(self.load(draws, seed), (0.05, 0.5, 0.95))
        return {
            "name": self.pool.name, "title": self.pool.title, "visits": len(self.known.visits),
            "load": [round(float(q), 3) for q in load], "watched_h": round(sum(b - a for a, b in self.known.watched), 3),
        }  # fmt: skip

    @property
    def basis(self) -> str:
        """What the belief rests on, in words."""
        return f"{len(self.known.visits)} visits seen" if self.known.visits else ""

    def play(
        self, orders: Sequence[Order], until: float, *, draws: int, seed: int, at: Sequence[float] = (),
        after: Trajectory | None = None,
    ) -> Trajectory:  # fmt: skip
        """Every number of beds under the same comings and stays. ``at`` is not needed: every change is kept.

        Raises InputError: no order, one that does not set what the pool is of to a whole number >= 0, other draws.
        """
        begin = self.now if after is None else after.until
        if not orders or draws < 1 or not begin < until < math.inf:
            raise InputError("cannot be played", where="place", value=(len(orders), draws, until),
                             allowed=f"an order, a draw, and an end after {begin:g} h")  # fmt: skip
        if after is not None and (after.orders, after.draws, after.seed) != (len(orders), draws, seed):
            raise InputError("goes on from other draws or orders", where="place", value=(after.orders, after.draws, after.seed),
                             allowed=f"{(len(orders), draws, seed)}")  # fmt: skip
        plans = [self._beds(order, begin, until) for order in orders]
        believed = self.believed(draws, seed)
        come, stay = self._comings(believed, until, draws, seed)
        worlds = [self._worlds(believed, draws, seed)] * len(orders) if after is None else after.end
        spans = [np.searchsorted(c, [begin, until]) for c in come]
        came, stays = ([x[a:b] for x, (a, b) in zip(of, spans, strict=True)] for of in (come, stay))
        found = [run(begin, until, worlds[o], beds, self.pool.room, came, stays) for o, beds in enumerate(plans)]
        held = tracks([rows for rows, _ in found], self.pool.of)
        return Trajectory(held, begin, until, len(orders), draws, seed, end=[e for _, e in found])

    def _beds(self, order: Order, begin: float, until: float) -> list[tuple[float, float]]:
        """(h, open) within the run; what was set before it holds at its begin."""
        of = self.pool.of
        if order.doses(until):
            raise InputError("a place cannot be given doses", where="order", value=repr(order), allowed=f"Setting({of}=...)")
        changes: dict[float, float] = {}
        for setting in sorted(order.settings(until), key=lambda s: s.time):
            if setting.name != of or not setting.value >= 0 or setting.value != int(setting.value):
                raise InputError(f"not {of} that can be open", where=f"order {order.words()}", value=setting.value,
                                 allowed=f"{of}, a whole number >= 0")  # fmt: skip
            changes[max(setting.time, begin)] = setting.value
        if begin not in changes and not self.known.settings:
            raise InputError(f"how many {of} are open is not known", where=f"order {order.words()}",
                             allowed=f"from {begin:g} h on", remedy="order it from now on, or tell it")  # fmt: skip
        return sorted(changes.items())

    def _comings(self, believed: Drawn, until: float, draws: int, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Arrivals h and lengths h of every draw from now to ``until``: number j of draw k is the same however far is asked."""
        width, n = believed.slot_h, believed.rate.shape[1]
        first, last = math.floor(self.now / width), math.ceil(until / width)
        slots = np.arange(first, last)
        edges = np.concatenate([[self.now], (slots + 1) * width])
        expected = np.concatenate([np.zeros((draws, 1)), np.cumsum(believed.rate[:, slots % n] * np.diff(edges), axis=1)], axis=1)
        who, most = np.arange(draws), float(expected[:, -1].max())
        size = int(most + 8.0 * math.sqrt(most) + 16)
        gaps = -np.log(uniforms(seed, f"{self.pool.name}/arrivals", who, size))
        u = uniforms(seed, f"{self.pool.name}/lengths", who, size)
        moments = np.cumsum(gaps, axis=1)
        stays = lengths(believed.stay[:, None, :], u)
        come, stay = [], []
        for k in range(draws):
            count = int(np.searchsorted(moments[k], expected[k, -1]))
            assert count < size  # eight standard deviations of a Poisson number
            come.append(np.interp(moments[k, :count], expected[k], edges))
            stay.append(stays[k, :count])
        return come, stay

    def _worlds(self, believed: Drawn, draws: int, seed: int) -> list[World]:
        """Who is in a bed or waiting now, with draws of how long they will stay."""
        inside = [v for v in self.known.visits if v.admitted is not None and v.left is None]
        queue = [v for v in self.known.visits if v.admitted is None and v.left is None and v.refused is None]
        since = np.array([v.admitted for v in inside], dtype=np.float64)
        u = uniforms(seed, f"{self.pool.name}/here", np.arange(draws), len(inside) + len(queue))
        here = lengths(believed.stay[:, None, :], u[:, : len(inside)], self.now - since)
        new = lengths(believed.stay[:, None, :], u[:, len(inside) :])
        beds = self.known.open or 0.0
        asked = [float(a) for v in queue if (a := arrived(v)) is not None]
        return [
            World(tuple(sorted((since + here[k]).tolist())), tuple(zip(asked, new[k].tolist(), strict=True)), beds)
            for k in range(draws)
        ]

    def to_json(self) -> dict[str, Any]:
        laws = [{"kind": type(law).__name__, **vars(law)} for law in self.pool.laws]
        pool = {**vars(self.pool), "arrivals": dict(vars(self.pool.arrivals)), "stay": laws}
        return {"kind": "place", "pool": pool, "known": self.known.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], therapy: Any = None) -> "BedPool":
        given, kinds = dict(data["pool"]), {"Exponential": Exponential, "Lognormal": Lognormal}
        laws = tuple(kinds[law["kind"]](**{k: v for k, v in law.items() if k != "kind"}) for law in given["stay"])
        pool = Pool(**{**given, "arrivals": Arrivals(**given["arrivals"]), "stay": laws})
        return cls(pool, Known.from_json(data["known"]), therapy)


def tracks(found: Sequence[Rows], of: str) -> dict[str, Track]:
    """Every track of every run of a pool ``of`` beds or another thing, rows padded with NaN times."""
    out = {}
    for name, shape in SHAPES.items():
        longest = max(rows[name][0].shape[1] for rows in found)
        time = np.full((len(found), len(found[0][name][0]), longest), np.nan)
        value = np.zeros(time.shape)
        for o, rows in enumerate(found):
            t, v = rows[name]
            time[o, :, : t.shape[1]], value[o, :, : t.shape[1]] = t, v
        out[of if name == "open" else name] = Track(shape, time, value)
    return out

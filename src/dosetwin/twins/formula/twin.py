"""The twin of one person by a formula: told measurements and what was set, it plays settings on draws of what is not known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import log_ndtr

from dosetwin.declare import Facts
from dosetwin.declare.formula import Formula, Read
from dosetwin.errors import Finding, InputError
from dosetwin.records import Order, Setting
from dosetwin.streams import normals
from dosetwin.twins.formula.belief import weighed
from dosetwin.twins.kind import Readable
from dosetwin.twins.trajectory import HOW, Track, Trajectory

THIN = 50.0
"""Fewer effective draws than these are said."""


@dataclass(frozen=True, order=True)
class Measured:
    """``what`` (a formula's read) was ``value``, in its unit, at ``time`` h."""

    time: float
    what: str
    value: float


@dataclass(frozen=True)
class FormulaTwin:
    """One person by ``formula``. Tell it ``Measured`` and ``Setting``; ``facts`` do not change; it stands at ``begin`` h."""

    formula: Formula
    facts: tuple[tuple[str, float], ...] = ()
    measured: tuple[Measured, ...] = ()
    was_set: tuple[tuple[float, tuple[tuple[str, float], ...]], ...] = ()
    begin: float = 0.0
    therapy: Any = None

    def told(self, *facts: Any) -> "FormulaTwin":
        """Knowing these too, in any order. Raises InputError for another kind of fact, or of what the formula does not read."""
        if not facts:
            return self
        measured, was_set = set(self.measured), set(self.was_set)
        for fact in facts:
            if isinstance(fact, Measured):
                of = self.formula.read(fact.what)
                if of is None or not of.measured:
                    raise InputError(
                        "cannot be told this",
                        where=f"{self.formula.name}: {fact.what}",
                        allowed=", ".join(r.name for r in self.formula.reads if r.measured),
                    )
                of.value(fact.value, "", f"{fact.time:g} h")
                measured.add(fact)
            elif isinstance(fact, Setting):
                self._known(dict(fact.values), "setting")
                was_set.add((fact.at, fact.values))
            else:
                raise InputError(
                    "cannot be told this", where=self.formula.name, value=type(fact).__name__, allowed="Measured, Setting"
                )
        return replace(self, measured=tuple(sorted(measured)), was_set=tuple(sorted(was_set)))

    def reads(self) -> Mapping[str, Readable]:
        """What the formula says, each as a curve."""
        return {r.name: Readable(r.name, r.unit, r.text, HOW["curve"], r.name) for r in self.formula.reads}

    def menu(self) -> Any:
        """The therapy's menu."""
        return getattr(self.therapy, "menu", None)

    @property
    def now(self) -> float:
        """h of the last fact."""
        return max([self.begin, *(m.time for m in self.measured), *(t for t, _ in self.was_set)])

    @property
    def origin(self) -> float:
        """h of the first fact: a formula's clock begins there."""
        return min([self.begin, *(m.time for m in self.measured), *(t for t, _ in self.was_set)])

    def clock(self, hours: Any) -> Any:
        """h as the formula counts them."""
        return (np.asarray(hours, dtype=float) - self.origin) / self.formula.hours

    @property
    def known(self) -> Facts:
        """What does not change, and as ``NAME_NOW`` what is set where the facts end: a fact may have been measured under it."""
        return Facts({**{f"{k}_NOW": v for k, v in self.steps()[-1][1].items()}, **dict(self.facts)})

    def steps(self, more: Sequence[tuple[float, Mapping[str, float]]] = ()) -> tuple[tuple[float, Mapping[str, float]], ...]:
        """What was set from when on, in the formula's clock; settings not named go on."""
        now, out = dict(self.formula.now), [(-math.inf, dict(self.formula.now))]
        for t, values in sorted([*((t, dict(v)) for t, v in self.was_set), *more], key=lambda x: x[0]):
            now = now | dict(values)
            out.append((float(self.clock(t)), dict(now)))
        return tuple(out)

    def _values(self, z: np.ndarray) -> dict[str, np.ndarray]:
        facts = self.known
        return {u.name: u.of(z[:, k], facts) for k, u in enumerate(self.formula.unknowns)}

    def _log_likelihood(self, z: np.ndarray) -> np.ndarray:
        times = np.unique([m.time for m in self.measured])
        found = self.formula.course(self._values(z), self.known, self.steps(), self.clock(times))
        total = np.zeros(len(z))
        for m in self.measured:
            of = self.formula.read(m.what)
            assert isinstance(of, Read)
            if of.counts:
                mean = np.maximum(found[m.what][:, int(np.searchsorted(times, m.time))], 1e-12)
                total += m.value * np.log(mean) - mean
                continue
            f = found[m.what][:, int(np.searchsorted(times, m.time))]
            sd = np.sqrt(of.additive**2 + (of.proportional * f) ** 2)
            below = of.floor is not None and m.value <= of.floor
            with np.errstate(invalid="ignore", over="ignore"):
                score = ((of.floor if below else m.value) - f) / sd  # type: ignore[operator]
                total += log_ndtr(score) if below else -0.5 * score**2 - np.log(sd)
        return total

    def drawn(self, draws: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
        """``draws`` of the unknowns as believed, and the effective number behind them."""
        k = len(self.formula.unknowns)
        if not self.measured:
            return self._values(normals(seed, self.formula.name, np.arange(draws), k)), float(draws)
        z, ess = weighed(self._log_likelihood, k, draws, seed, self.formula.name)
        return self._values(z), ess

    def _known(self, values: Mapping[str, float], where: str) -> None:
        by_name = {s.name: s for s in self.formula.settings}
        for name, value in values.items():
            if name not in by_name:
                raise InputError(
                    "cannot be set here", where=f"{self.formula.name}: {where}", value=name, allowed=", ".join(by_name)
                )
            by_name[name].value(value, "", where)

    def play(
        self,
        orders: Sequence[Order],
        until: float,
        *,
        draws: int,
        seed: int,
        at: Sequence[float] = (),
        after: Trajectory | None = None,
    ) -> Trajectory:
        """Every order on the same draws.

        Raises InputError: no order, doses or settings the formula has not, an end that is not later, or ``after`` of others.
        """
        begin = self.now if after is None else after.until
        if not orders or draws < 1 or not begin < until < math.inf:
            raise InputError(
                "cannot be played",
                where=self.formula.name,
                value=(len(orders), draws, until),
                allowed=f"an order, a draw, and an end after {begin:g} h",
            )
        if after is not None and (after.orders, after.draws, after.seed) != (len(orders), draws, seed):
            raise InputError(
                "goes on from other draws or orders",
                where=self.formula.name,
                value=(after.orders, after.draws, after.seed),
                allowed=f"{(len(orders), draws, seed)}",
            )
        values, ess = self.drawn(draws, seed)
        step = self.formula.step * self.formula.hours
        grid = step * np.arange(math.ceil(begin / step), math.floor(until / step) + 1)
        times = np.unique(
            np.round([begin, until, *(t for t in at if begin <= t <= until), *grid[(grid > begin) & (grid < until)]], 9)
        )
        rows, ends = [], []
        for k, order in enumerate(orders):
            if order.doses(until):
                raise InputError(
                    "a formula is given settings, no doses",
                    where="order",
                    value=repr(order)[:80],
                    allowed=", ".join(s.name for s in self.formula.settings),
                )
            done = [] if after is None else list(after.end[k])
            new = self._ordered(order, until)
            more = [*done, *(x for x in new if x not in done)]
            found = self.formula.course(values, self.known, self.steps(more), self.clock(times))
            rows.append(found)
            ends.append(more)
        tracks = {
            r.name: Track("curve", times, np.stack([np.broadcast_to(f[r.name], (draws, len(times))) for f in rows]))
            for r in self.formula.reads
        }
        thin = Finding(
            "warning",
            "belief_thin",
            self.formula.name,
            "few draws explain the readings: quantiles are rough",
            round(ess),
            f"at least {THIN:g}",
            "look for a reading that does not belong",
        )
        return Trajectory(tracks, begin, until, len(orders), draws, seed, findings=(thin,) if ess < THIN else (), end=ends)

    def _ordered(self, order: Order, until: float) -> list[tuple[float, Mapping[str, float]]]:
        sets: dict[float, dict[str, float]] = {}
        for s in order.settings(until):
            sets.setdefault(s.time, {})[s.name] = s.value
        for values in sets.values():
            self._known(values, f"order {order.words()}")
        return sorted(sets.items())

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "formula",
            "formula": self.formula.name,
            "facts": dict(self.facts),
            "begin": self.begin,
            "measured": [[m.time, m.what, m.value] for m in self.measured],
            "was_set": [[t, dict(v)] for t, v in self.was_set],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], formula: Formula, therapy: Any = None) -> "FormulaTwin":
        return cls(
            formula,
            tuple(data["facts"].items()),
            tuple(Measured(*m) for m in data["measured"]),
            tuple((t, tuple(v.items())) for t, v in data["was_set"]),
            data["begin"],
            therapy,
        )

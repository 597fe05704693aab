"""What would happen: values of every quantity under every order and draw, and the numbers that are read from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dosetwin.errors import Finding, InputError, UnknownName

How = Literal["at", "mean", "auc", "min", "max", "share_within", "ever_above", "ever_below", "count"]
Shape = Literal["curve", "steps", "events"]
HOW: Mapping[Shape, tuple[How, ...]] = {
    "curve": ("at", "mean", "auc", "min", "max", "share_within", "ever_above", "ever_below"),
    "steps": ("at", "mean", "auc", "min", "max", "share_within", "ever_above", "ever_below"),
    "events": ("mean", "min", "max", "share_within", "ever_above", "ever_below", "count"),
}
"""How each shape of track can be read."""
EMPTY: Mapping[str, float] = {"share_within": 1.0, "ever_above": 0.0, "ever_below": 0.0}
"""What a reading of events is where there was none: nobody missed anything; every other reading is 0."""


@dataclass(frozen=True, eq=False)
class Track:
    """One quantity of a trajectory.

    ``shape``: ``curve`` (``time`` [T] h ascending, the same for all; straight between), ``steps`` (a value holds until the next;
    ``time`` [orders, draws, M]) or ``events`` (a value each time something happens; ``time`` as for steps). ``value``
    [orders, draws, T or M]; rows shorter than M end in NaN times. ``area`` of a curve: exact cumulative areas, same shape.
    """

    shape: Shape
    time: np.ndarray
    value: np.ndarray
    area: np.ndarray | None = None

    def read(self, how: How, a: float, b: float | None = None, level: float | tuple[float, float] | None = None) -> np.ndarray:
        """One number per order and draw, [orders, draws], from the window ``a`` to ``b`` (h; events: b exclusive).

        ``level``: the border of ``ever_above`` (strictly above) and ``ever_below``, or (low, high) of ``share_within`` (borders
        included). ``share_within`` and ``mean`` are over time, of events over events. Events without any: see ``EMPTY``.

        Raises
        ------
        InputError : a way of reading that this shape does not have, a window that is none or outside, or a level that is missing.
        """
        if how not in HOW[self.shape]:
            raise InputError("cannot be read this way", where="reading", value=how, allowed=", ".join(HOW[self.shape]))
        pair = how == "share_within"
        if how in ("share_within", "ever_above", "ever_below") and (level is None or isinstance(level, tuple) != pair):
            raise InputError(
                "needs a level", where=f"reading {how}", value=level, allowed="(low, high)" if pair else "one number"
            )
        if how != "at" and (b is None or not b > a):
            raise InputError("needs a window", where=f"reading {how}", value=(a, b), allowed="from < to")
        if self.shape == "curve":
            return self._of_curve(how, a, a if b is None else b, level)
        return (
            self._of_steps(how, a, a if b is None else b, level) if self.shape == "steps" else self._of_events(how, a, b, level)
        )

    def _of_curve(self, how: How, a: float, b: float, level: Any) -> np.ndarray:
        t = self.time
        slack = 1e-9 * max(abs(float(t[0])), abs(float(t[-1])), 1.0)
        if not len(t) or a < t[0] - slack or b > t[-1] + slack:
            raise InputError("outside what was played", where="reading", value=(a, b), allowed=f"{t[0]:g} to {t[-1]:g} h")
        if how == "at":
            return self._between(self.value, a)
        inside = (t > a + slack) & (t < b - slack)
        v = np.concatenate([self._between(self.value, a)[..., None], self.value[..., inside],
                            self._between(self.value, b)[..., None]], axis=-1)  # fmt: skip
        times = np.concatenate([[a], t[inside], [b]])
        if how in ("mean", "auc"):
            if (
                self.area is not None
                and np.isclose(t, a, rtol=0, atol=slack).any()
                and np.isclose(t, b, rtol=0, atol=slack).any()
            ):
                total = self._between(self.area, b) - self._between(self.area, a)
            else:
                total = np.trapezoid(v, times, axis=-1)
            return total if how == "auc" else total / (b - a)
        if how in ("min", "max"):
            return v.min(axis=-1) if how == "min" else v.max(axis=-1)
        if how != "share_within":
            return ((v > level) if how == "ever_above" else (v < level)).any(axis=-1).astype(np.float64)
        low, high = level
        first, change = v[..., :-1], np.diff(v, axis=-1)
        flat = change == 0
        safe = np.where(flat, 1.0, change)
        # the part of each straight piece that lies between the borders, as two crossings in 0..1
        enter, leave = (low - first) / safe, (high - first) / safe
        part = np.clip(np.maximum(enter, leave), 0.0, 1.0) - np.clip(np.minimum(enter, leave), 0.0, 1.0)
        part = np.where(flat, ((first >= low) & (first <= high)).astype(np.float64), part)
        return (part * np.diff(times)).sum(axis=-1) / (b - a)

    def _between(self, values: np.ndarray, at: float) -> np.ndarray:
        """Straight between the two nearest moments; exact at a moment that was asked for."""
        t = self.time
        k = int(np.clip(np.searchsorted(t, at), 0, len(t) - 1))
        for near in (k, max(k - 1, 0)):
            if abs(t[near] - at) <= 1e-9 * max(abs(at), 1.0):
                return values[..., near]
        share = (at - t[k - 1]) / (t[k] - t[k - 1])
        return values[..., k - 1] + share * (values[..., k] - values[..., k - 1])

    def _of_steps(self, how: How, a: float, b: float, level: Any) -> np.ndarray:
        begin = np.where(np.isnan(self.time), np.inf, self.time)
        end = np.concatenate([begin[..., 1:], np.full((*begin.shape[:-1], 1), np.inf)], axis=-1)
        if how == "at":
            here = (begin <= a) & (a < end)
            if not here.any(axis=-1).all():
                raise InputError("outside what was played", where="reading", value=a)
            return np.where(here, self.value, 0.0).sum(axis=-1)
        held = np.clip(end, a, b) - np.clip(begin, a, b)
        v, some = self.value, held > 0
        if how in ("mean", "auc"):
            total = np.where(some, v * held, 0.0).sum(axis=-1)
            return total if how == "auc" else total / (b - a)
        if how in ("min", "max"):
            return np.where(some, v, np.inf).min(axis=-1) if how == "min" else np.where(some, v, -np.inf).max(axis=-1)
        if how == "share_within":
            return np.where(some & (v >= level[0]) & (v <= level[1]), held, 0.0).sum(axis=-1) / (b - a)
        return (some & ((v > level) if how == "ever_above" else (v < level))).any(axis=-1).astype(np.float64)

    def _of_events(self, how: How, a: float, b: float | None, level: Any) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            some = (self.time >= a) & (self.time < b)
            n, v = some.sum(axis=-1), self.value
            if how == "count":
                return n.astype(np.float64)
            if how == "mean":
                found = np.where(some, v, 0.0).sum(axis=-1) / np.maximum(n, 1)
            elif how == "share_within":
                found = (some & (v >= level[0]) & (v <= level[1])).sum(axis=-1) / np.maximum(n, 1)
            elif how in ("min", "max"):
                found = np.where(some, v, np.inf).min(axis=-1) if how == "min" else np.where(some, v, -np.inf).max(axis=-1)
            else:
                found = (some & ((v > level) if how == "ever_above" else (v < level))).any(axis=-1).astype(np.float64)
        return np.where(n > 0, found, EMPTY.get(how, 0.0))


@dataclass(frozen=True, eq=False)
class Trajectory:
    """What would follow each order: ``tracks`` by name (those of the twin's ``reads()``), from ``begin`` to ``until`` (h).

    Every track has the orders as rows and the draws as columns. ``draws`` played, ``failed`` left out, ``seed`` of both.
    ``end``: what the twin needs to play on, the twin's own business.
    """

    tracks: Mapping[str, Track]
    begin: float
    until: float
    orders: int
    draws: int
    seed: int
    failed: int = 0
    findings: tuple[Finding, ...] = ()
    end: Any = None

    def read(
        self, name: str, how: How, a: float, b: float | None = None, level: float | tuple[float, float] | None = None
    ) -> np.ndarray:
        """One number per order and draw of the quantity ``name`` ("" the first): see ``Track.read``. Raises also UnknownName."""
        track = self.tracks.get(name or next(iter(self.tracks)))
        if track is None:
            raise UnknownName("a trajectory does not hold it", where="reading", value=name, allowed=", ".join(self.tracks))
        return track.read(how, a, b, level)

"""Prior percentiles of levels, remembered by the beginning of a record: a longer record costs what was added to it.

The percentile of a level is that among the model's predictions before any level of this patient, so it depends on the facts
before it alone. A record that goes on from one seen before keeps what was found for its beginning, and plays the fixed prior
vectors on from the last states kept there. Beginnings are compared by content, event by event (nothing can be stale, and whose
they are does not matter), and the answers are to the bit those of a record never seen.
"""

import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import SimulationError
from dosetwin.infer.likelihood import Evidence
from dosetwin.infer.points import normals
from dosetwin.simulate import Prediction
from dosetwin.simulate.engine import predict_between
from dosetwin.simulate.event_loop import OUTPUT
from dosetwin.simulate.past import events_of, leading

PRIOR_DRAWS = 1000
"""Vectors behind the prior predictive percentiles: half prior, half prior with doubled SD, weighted back (sharper tails)."""
LONG = 24
"""Levels from which a record is remembered; a shorter one is played anew."""
RECORDS, BYTES = 32, 16_000_000
"""Records that are remembered at most, and what they may take together."""
BACK = (0, 8, 32, 128, 512)
"""Events before the end of a record at which the states are kept: facts that arrive late begin anew there."""
PER_LEVEL = ("slope_scale", "out", "y", "blq", "time_sd", "form", "a", "b")

Key = tuple[float, ...]
"""All that makes a level and its place among the events."""


@dataclass(frozen=True, eq=False)
class _Beginning:
    """What is known of a record: its ``events`` by content, the prior vectors' states [K, N + n_out] after some of them, and
    (percentile, median) of its levels."""

    model: Model
    eta: np.ndarray
    begin: float
    events: tuple[np.ndarray, ...]
    states: Mapping[int, np.ndarray]
    levels: Mapping[Key, tuple[float, float]]

    @property
    def size(self) -> int:
        """Bytes, roughly."""
        return sum(a.nbytes for a in (*self.events, *self.states.values())) + 400 * len(self.levels)


_kept: deque[_Beginning] = deque(maxlen=RECORDS)
_lock = threading.Lock()


def prior_predictive(evidence: Evidence, n: int = PRIOR_DRAWS) -> tuple[np.ndarray, np.ndarray]:
    """(percentile, median) of each level in the prior predictive, [n_levels] each; percentile in 0..1 with residual error.

    The points are always the same, so a level has one percentile and one verdict, whatever the seed. Raises SimulationError where
    none of them could be simulated.
    """
    z, w = _points(evidence.root.shape[0], n)
    found = _going_on(evidence, z, w) if len(evidence) >= LONG else None
    return _among(evidence, evidence.predict(z), w) if found is None else found


def _points(d: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Whitened vectors [n, d] and their weights [n]."""
    half = n // 4
    points = normals(2 * half, d)
    # antithetic pairs: the percentile of a typical level is then nearly free of error
    base, wide = points[0::2], 2.0 * points[1::2]
    z = np.vstack([base, -base, wide, -wide])
    q = np.einsum("ki,ki->k", z, z)
    # prior / (1/2 prior + 1/2 N(0, 4 I)); never above 2
    return z, 2.0 / (1.0 + np.exp(0.375 * q - d * math.log(2.0)))


def _among(evidence: Evidence, prediction: Prediction, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(percentile, median) of each level among weighted predictions; each level by itself, whatever the others are."""
    ok = prediction.ok
    if not ok.any():
        raise SimulationError(
            f"{evidence.model.name}: nothing tried could be simulated: check covariates and doses, their values and units"
        )
    w = w[ok] / w[ok].sum()
    below = np.ascontiguousarray(evidence.cdf(prediction)[ok].T)
    at = np.ascontiguousarray(evidence.at_levels(prediction)[ok].T)
    share, median = np.empty(len(evidence)), np.empty(len(evidence))
    for i in range(len(evidence)):
        share[i] = w @ below[i]
        order = np.argsort(at[i])
        median[i] = at[i, order[int((np.cumsum(w[order]) < 0.5).sum())]]
    return np.clip(share, 0.0, 1.0), median


def _going_on(evidence: Evidence, z: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """The same from what is remembered; None where this record has to be played the plain way."""
    eta, schedule = z @ evidence.root.T, evidence.schedule
    events, begin = events_of(schedule), float(schedule.begin[0])
    count = len(events[0])
    place = np.flatnonzero(events[1] == OUTPUT)
    first = np.where(evidence.slope_rows < 0, place[evidence.rows], np.minimum(place[evidence.rows], place[evidence.slope_rows]))
    last = np.where(evidence.slope_rows < 0, place[evidence.rows], np.maximum(place[evidence.rows], place[evidence.slope_rows]))
    columns = (place[evidence.rows], np.where(evidence.slope_rows < 0, -1, place[evidence.slope_rows]),
               *(getattr(evidence, name) for name in PER_LEVEL))  # fmt: skip
    keys: list[Key] = list(zip(*(c.tolist() for c in columns), strict=True))
    with _lock:
        near = [(leading(k.events, events), k) for k in _kept
                if k.model is evidence.model and k.begin == begin and np.array_equal(k.eta, eta)]  # fmt: skip
    common, old = max(near, key=lambda x: x[0], default=(0, None))
    told = {} if old is None else {k: old.levels[k] for k, e in zip(keys, last.tolist(), strict=True)
                                   if e < common and k in old.levels}  # fmt: skip
    new = [i for i, k in enumerate(keys) if k not in told]
    states = {} if old is None else {e: s for e, s in old.states.items() if e <= common}
    if new:
        at = max((e for e in states if e <= int(first[new].min())), default=0)
        stops = sorted({count - back for back in BACK if count - back > at} | {count})
        value = np.zeros((len(eta), len(place), len(evidence.model.outputs)))
        for stop in stops:
            played = predict_between(evidence.model, schedule, eta, at, states.get(at), stop, value)
            if played is None or played[0].any():
                return None
            states[stop], at = played[1], stop
        part, ok = evidence.subset(new), np.ones(len(eta), dtype=bool)
        prediction = Prediction(schedule.out_time, value, value[:, :, :0], ok, np.zeros(len(eta), np.int64))
        told |= {keys[i]: (float(p), float(m)) for i, p, m in zip(new, *_among(part, prediction, w), strict=True)}
    kept = {e: states[e] for e in {max((e for e in states if e <= count - back), default=0) for back in BACK} if e in states}
    same = old is not None and common > 0.5 * len(old.events[0])  # less may be chance: two babies born alike
    _keep(_Beginning(evidence.model, eta, begin, events, kept, {k: told[k] for k in keys}), old if same else None)
    found = np.array([told[k] for k in keys])
    return found[:, 0], found[:, 1]


def _keep(new: _Beginning, instead: _Beginning | None) -> None:
    """Remember a record, in place of the one it goes on from; the oldest make room."""
    with _lock:
        if instead is not None and instead in _kept:
            _kept.remove(instead)
        _kept.append(new)
        while len(_kept) > 1 and sum(k.size for k in _kept) > BYTES:
            _kept.popleft()


def forget() -> None:
    """Remember nothing."""
    with _lock:
        _kept.clear()


__all__ = ["PRIOR_DRAWS", "forget", "prior_predictive"]

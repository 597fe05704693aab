"""Beats of a cell under a drug: qNet, action potential and what goes wrong, and the class that follows from four doses."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from dosetwin.errors import InputError
from dosetwin.outcomes.repolarisation.drugs import Blocker, Risk

HIGH_BELOW, LOW_ABOVE = 0.0581, 0.0671
"""uC/uF: mean qNet over 1 to 4 times the usual peak (Li 2019, Clin Pharmacol Ther 105:466; recalled, which of its sets is
open)."""
DOSES = (1.0, 2.0, 3.0, 4.0)
JUDGED = 4
"""Last beats of which the worst counts: at 4 times its peak quinidine's beats alternate, and the last is the better one."""
RISE = 2.0
"""mV of renewed rise after 100 ms that is called an early afterdepolarisation (assumed)."""
NOT_BACK = -40.0
"""mV above which a beat that ends has not repolarised (assumed)."""


@dataclass(frozen=True)
class Beats:
    """The last ``JUDGED`` beats at ``D`` nmol/L: ``qNet`` (uC/uF), ``APD90``, ``APD50`` (ms; inf: not reached), ``Vrest``,
    ``Vmax`` (mV), ``Ca`` peak and diastolic (nmol/L); ``flags``; ``state`` at the end."""

    D: float
    beats: int
    qNets: tuple[float, ...]
    APD90s: tuple[float, ...]
    APD50: float
    Vmax: float
    Vend: float
    Ca_peak: float
    Ca_low: float
    flags: tuple[str, ...]
    state: np.ndarray

    @property
    def qNet(self) -> float:
        """Of the worst of the judged beats."""
        return min(self.qNets)

    @property
    def APD90(self) -> float:
        """ms of the longest of the judged beats."""
        return max(self.APD90s)

    def to_json(self) -> dict[str, Any]:
        return {"free_nM": self.D, "beats": self.beats, "qNet": self.qNet, "qNet_last": self.qNets[-1], "APD90_ms": self.APD90,
                "APD50_ms": self.APD50, "flags": list(self.flags)}  # fmt: skip


@lru_cache(maxsize=8)
def _tables(ko: float) -> np.ndarray:
    from dosetwin.outcomes.repolarisation.tables import tables

    return tables(ko)


def run(
    of: Blocker | None, D: float, beats: int, *, cycle: float = 2000.0, ko: float = 5.4, fine: float = 1.0,
    start: np.ndarray | None = None, trace: np.ndarray | None = None,
) -> Beats:  # fmt: skip
    """``beats`` beats at ``D`` nmol/L free, every ``cycle`` ms, at an external potassium of ``ko`` mmol/L.

    ``start`` a state; default: the steady state without drug at 2,000 ms. ``fine`` divides every step. ``trace`` [n, 3]: filled
    with t, V, cai of the last beat. Raises InputError for a cycle shorter than the beat, potassium or a dose that cannot be.
    """
    from dosetwin.outcomes.repolarisation.cell import CHANNELS, CONDUCTANCE, QNET, SIZE, START, beat

    if beats < 1 or not 300.0 <= cycle <= 5000.0:
        raise InputError("not beats", where="cell", value=(beats, cycle), allowed="at least 1, every 300 to 5000 ms")
    if not 2.0 <= ko <= 9.0:
        raise InputError("potassium", where="cell", value=ko, allowed="2 to 9 mmol/L")
    if of is not None:
        of.believable(D)
    G = np.array([CONDUCTANCE[c] * (1.0 if of is None else of.left(c, D)) for c in CHANNELS])
    y = np.zeros(SIZE)
    y[: len(START)] = START if start is None else start[: len(START)]
    kon, ku, vhalf = (0.0, 0.0, -1.0) if of is None else (of.on(D), of.Ku, of.Vhalf)
    nothing, last, found = np.empty((0, 3)), [], None
    table = _tables(ko)
    low = 0.0
    for k in range(beats):
        low = y[5]
        keep = trace if trace is not None and k == beats - 1 else nothing
        found = beat(y, table, G, ko, cycle, kon, ku, vhalf, fine, keep)
        if k == 0 and start is None and of is None and found[1] >= cycle:
            raise InputError("shorter than the beat itself", where="cell: cycle", value=cycle, allowed=f"above {found[1]:.0f} ms")
        if not math.isfinite(found[3]) or not -200.0 < found[3] < 200.0:
            raise InputError("the cell left the voltages it is made for", where="cell", value=D)
        last = [*last[-(JUDGED - 1) :], (y[QNET], found)]
    assert found is not None
    flags = []
    if any(f[3] > NOT_BACK or f[1] == np.inf for _, f in last):
        flags.append("no_repolarisation")
    if any(f[5] > RISE for _, f in last):
        flags.append("early_afterdepolarisation")
    return Beats(
        D,
        beats,
        tuple(q for q, _ in last),
        tuple(f[1] for _, f in last),
        found[0],
        found[2],
        found[3],
        1e6 * found[4],
        1e6 * low,
        tuple(flags),
        y[: len(START)].copy(),
    )


@dataclass(frozen=True)
class Profile:
    """A drug at the doses of ``DOSES``: ``beats`` each; class by flags first, then by mean qNet."""

    of: Blocker
    doses: tuple[Beats, ...]

    @property
    def mean(self) -> float:
        """Mean qNet of the four doses, each by its worst beat."""
        return sum(b.qNet for b in self.doses) / len(self.doses)

    @property
    def flags(self) -> tuple[str, ...]:
        """What went wrong at any dose."""
        return tuple(sorted({f for b in self.doses for f in b.flags}))

    @property
    def risk(self) -> Risk:
        """High where some dose does not repolarise or shows an early afterdepolarisation; else by mean qNet."""
        if self.flags or self.mean < HIGH_BELOW:
            return "high"
        return "intermediate" if self.mean < LOW_ABOVE else "low"

    def to_json(self) -> dict[str, Any]:
        return {"drug": self.of.name, "risk": self.risk, "risk_published": self.of.risk, "qNet_mean": self.mean,
                "flags": list(self.flags), "doses": [b.to_json() for b in self.doses]}  # fmt: skip


def profiles(
    drugs: Sequence[Blocker], beats: int = 1000, *, workers: int = 2, cycle: float = 2000.0, ko: float = 5.4, fine: float = 1.0,
) -> list[Profile]:  # fmt: skip
    """Every drug at every dose for ``beats`` beats; under 1,000 beats from the stored steady states of 1,000."""
    jobs = [(d, x) for d in drugs for x in DOSES]

    def one(job: tuple[Blocker, float]) -> Beats:
        d, x = job
        start = stored(d.name, x) if beats < 1000 and cycle == 2000.0 and ko == 5.4 else None
        return run(d, x * d.cmax, beats, cycle=cycle, ko=ko, fine=fine, start=start)

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(one, jobs))
    n = len(DOSES)
    return [Profile(d, tuple(found[n * k : n * k + n])) for k, d in enumerate(drugs)]


def stored(name: str, times_cmax: float) -> np.ndarray | None:
    """State after 1,000 beats at a multiple of the usual peak; None: not stored."""
    return _stored().get((name, times_cmax))


@lru_cache(maxsize=1)
def _stored() -> dict[tuple[str, float], np.ndarray]:
    from importlib import resources

    path = resources.files("dosetwin.outcomes.repolarisation") / "steady.csv"
    if not path.is_file():
        return {}
    rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    return {(r[0], float(r[1])): np.array([float(x) for x in r[2:]]) for r in rows}

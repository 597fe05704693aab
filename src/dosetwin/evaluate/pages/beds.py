"""A bed pool whose rates are certain, played event by event, against Erlang's closed forms of waiting and of refusal."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from dosetwin.evaluate.check import Check, table
from dosetwin.records import Setting
from dosetwin.structure import queues
from dosetwin.twins.place import Arrivals, BedPool, Exponential, Lognormal, Pool

PAGE = "beds"
N, N_QUICK, SEED = 200, 40, 20260101
DAY = 24.0
PER_DAY, STAY_H = 5.0, 48.0
LOAD = PER_DAY / DAY * STAY_H
WARM, END = 40 * DAY, 160 * DAY
"""h: a pool starts empty and is watched once it is full of people of every length of stay."""
SOURCE = "Erlang 1917; forms as in Gross and Harris, Fundamentals of Queueing Theory (recalled)"
WHY = "a closed form is exact: four Monte-Carlo standard errors of the runs, fixed before they were run"
Stay = Exponential | Lognormal
EXPONENTIAL, LONG_TAILED = Exponential(STAY_H, math.inf), Lognormal(STAY_H * math.exp(-0.5), 1.0, 0.0, 0.0)


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Waiting with 12 and 14 beds, refusal with 8 and 11, with short- and long-tailed stays: ``n`` runs of 120 days each."""
    jobs = [("wait", beds, EXPONENTIAL) for beds in (12, 14)] + [
        ("refuse", beds, stay) for beds in (8, 11) for stay in (EXPONENTIAL, LONG_TAILED)
    ]
    found: list[Check] = []
    for done, (what, beds, stay) in enumerate(jobs):
        if progress:
            progress(done, len(jobs))
        found += _waiting(beds, stay, n, seed) if what == "wait" else _refusing(beds, stay, n, seed)
    if progress:
        progress(len(jobs), len(jobs))
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was played, one table."""
    return "\n".join([
        "# Beds against Erlang", "",
        f"Written by `dosetwin validate {PAGE}`; do not edit. {PER_DAY:g} arrivals a day (Poisson), stays of {STAY_H:g} h in the",
        f"mean, {n} runs of {(END - WARM) / DAY:g} days after {WARM / DAY:g} days of filling, seed {seed}.", "",
        *table(checks), "",
    ])  # fmt: skip


def _played(beds: int, stay: Stay, room: int | None, n: int, seed: int):
    pool = BedPool(Pool("bench", "Rates that are certain.", Arrivals(PER_DAY, math.inf), stay, room))
    return pool.play([Setting(beds=beds)], END, draws=n, seed=seed)


def _waiting(beds: int, stay: Stay, n: int, seed: int) -> list[Check]:
    played = _played(beds, stay, None, n, seed)
    waits = 1.0 - played.read("wait", "share_within", WARM, END, (0.0, 0.0))[0]
    longer = 1.0 - played.read("wait", "share_within", WARM, END, (0.0, 6.0))[0]
    mean = played.read("wait", "mean", WARM, END)[0]
    c, later = queues.erlang_c(beds, LOAD), queues.waits_longer(beds, LOAD, STAY_H, 6.0)
    return [
        _check(f"wait_{beds}", f"share who wait, {beds} beds", 100.0 * waits, 100.0 * c, "%"),
        _check(f"wait_6h_{beds}", f"share who wait more than 6 h, {beds} beds", 100.0 * longer, 100.0 * later, "%"),
        _check(f"mean_wait_{beds}", f"mean wait, {beds} beds", mean, queues.mean_wait(beds, LOAD, STAY_H), "h"),
    ]


def _refusing(beds: int, stay: Stay, n: int, seed: int) -> list[Check]:
    kind = "exponential" if stay is EXPONENTIAL else "log-normal"
    played = _played(beds, stay, 0, n, seed)
    lost = queues.erlang_b(beds, LOAD)
    refused = 100.0 * played.read("refused", "mean", WARM, END)[0]
    taken = 100.0 * played.read("occupancy", "mean", WARM, END)[0]
    return [
        _check(f"refused_{beds}_{kind}", f"share refused, {beds} beds, {kind} stays", refused, 100.0 * lost, "%"),
        _check(f"occupied_{beds}_{kind}", f"beds taken, {beds} beds, {kind} stays", taken, 100.0 * LOAD * (1 - lost) / beds, "%"),
    ]


def _check(name: str, text: str, values: np.ndarray, exact: float, unit: str) -> Check:
    got, se = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    band = (exact - 4.0 * se, exact + 4.0 * se)
    passed = band[0] <= got <= band[1]
    return Check(PAGE, f"beds.{name}", "bed pool", SOURCE, "recalled", exact, got, se, band, unit, passed,
                 "" if passed else "not yet explained", text, WHY)  # fmt: skip

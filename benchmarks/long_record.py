"""What a long record costs: `advise` on made-up newborns whose facts, or whose silence, last 2 to 365 days.

``full``: a dose every 36 h, weight and creatinine daily, a level on day 2 and then weekly, up to now. ``idle``: two days of such
facts, and now so many days after birth. ``never seen``: nothing of the record is remembered; ``one new fact``: the process has
answered the record without its last measurement, as a ward or an ordering screen does. Seconds are processor time of this
process, the least of several runs; read the ratios.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command does, before numpy is loaded

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from dosetwin.advise import Question, advise
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.infer import beginnings
from dosetwin.models import load
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import past, predict, schedule_for
from dosetwin.structure.growth import weight_after_birth

GA, BW, EVERY_H = 32.0, 1.7, 36.0
ORIGIN = datetime(2026, 1, 1, tzinfo=UTC)


def weight(pna: float) -> float:
    """kg at ``pna`` d: a newborn's growth for two months, then 22 g a day (10 kg at a year; a newborn's growth would say 119)."""
    return weight_after_birth(BW, GA, min(pna, 60.0)) + 0.022 * max(pna - 60.0, 0.0)


def newborn(days: float, facts_for: float | None = None) -> Timeline:
    """A baby ``days`` old with facts for ``facts_for`` days (default all); levels are typical ones, off by 10-20 %."""
    until = 24.0 * (days if facts_for is None else min(facts_for, days))
    kg = [(float(h), weight(float(h) / 24.0)) for h in np.arange(0.0, until, 24.0)]
    doses = tuple(DoseEvent(float(h), round(14.0 * weight(h / 24.0), 1), 0.5)
                  for h in np.arange(6.0, until - 1.0, EVERY_H))  # fmt: skip
    creatinine = [float(h) for h in np.arange(10.0, until, 24.0)]
    levels = [float(h) for h in np.unique([min(41.0, until - 0.5), *np.arange(168.0, until, 168.0)])]
    baby = Timeline(
        Patient("long", "female", ORIGIN, GA, BW, synthetic=True), doses,
        covariates=tuple(Covariate(h, "WT", round(w, 3), "kg") for h, w in kg), origin=ORIGIN,
    )  # fmt: skip
    model, times = load("amikacin_neonate"), sorted({*creatinine, *levels})
    value = predict(model, schedule_for(model, baby, times), np.zeros((1, 6))).value[0]
    rng, seen = np.random.default_rng(5), []
    for t, (drug, scr) in zip(times, value, strict=True):
        if t in levels:
            seen.append(Observation(t, "amikacin", round(float(drug * rng.uniform(0.85, 1.2)), 2)))
        if t in creatinine:
            seen.append(Observation(t, "SCR", round(float(scr * rng.uniform(0.9, 1.1)), 2), "mg/dL"))
    return Timeline(baby.patient, doses, tuple(seen), baby.covariates, ORIGIN)


def least(work: Callable[[], Any], runs: int, before: Callable[[], Any] = lambda: None) -> tuple[float, float]:
    """(processor, wall) seconds of the quickest of ``runs`` calls after one to warm up; ``before`` each, untimed."""
    before()
    work()
    best = (np.inf, np.inf)
    for _ in range(runs):
        before()
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        best = min(best, (time.process_time() - cpu, time.perf_counter() - wall))
    return best


def forget() -> None:
    """Nothing is remembered of any record; compiled code stays."""
    beginnings.forget()
    past.forget()


def without_last(timeline: Timeline) -> Timeline:
    """The record before its last measurement came."""
    return replace(timeline, observations=timeline.observations[:-1])


def measured(
    shape: str, days: Sequence[float], runs: int, sensitivity: bool, draws: int, seen: bool
) -> dict[float, tuple[float, float]]:
    """Seconds of ``advise`` by length of the record, d. ``seen``: the process has answered it without its last measurement."""
    model, out = load("amikacin_neonate"), {}
    for d in days:
        baby = newborn(d, 2.0 if shape == "idle" else None)
        question = Question(AMIKACIN_NEONATE, (model,), now=24.0 * d, seed=1, draws=draws, sensitivity=sensitivity)

        def before(baby: Timeline = baby, question: Question = question) -> None:
            forget()
            if seen:
                advise(without_last(baby), question)

        out[d] = least(lambda baby=baby, question=question: advise(baby, question), runs, before)
    return out


def main() -> None:
    """Print seconds by length and the ratios 27 d / 2 d, 230 d / 2 d and 365 d / 5 d."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, nargs="*", default=[2, 5, 8, 27, 230, 365])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    chosen = parser.parse_args()
    results: dict[str, Any] = {}
    for shape in ("full", "idle"):
        for sensitivity in (True, False):
            for seen in (False, True):
                name = f"{shape}{'' if sensitivity else ' without doubts'}, {'one new fact' if seen else 'never seen'}"
                found = measured(shape, chosen.days, chosen.runs, sensitivity, chosen.draws, seen)
                ratio = {
                    f"{a:g}/{b:g}": round(found[a][0] / found[b][0], 2)
                    for a, b in ((27, 2), (230, 2), (365, 5)) if a in found and b in found
                }  # fmt: skip
                results[name] = {"seconds": {f"{d:g}": cpu for d, (cpu, _) in found.items()}, "ratios": ratio}
                if not chosen.json:
                    print(f"{name:36s}" + "".join(f" {d:g} d: {cpu:.2f} ({wall:.2f})" for d, (cpu, wall) in found.items()), ratio)
    if chosen.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

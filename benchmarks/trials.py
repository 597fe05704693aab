"""Speed of virtual newborns and trials: ``python benchmarks/trials.py [--json] [--mpc N]``; printed, never asserted in tests.

Rates are per second of processor time of this process where one thread works, so a busy machine matters little; the efficiency of
two workers is wall-clock time and means something on an idle machine only (the load is printed with it).
"""

import argparse
import cProfile
import json
import os
import pstats
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from dosetwin.trial import runner
from dosetwin.trial.arms import Chunk, dosed
from dosetwin.trial.design import Arm, Design, load
from dosetwin.trial.newborns import cohort
from dosetwin.trial.scoring import scored, world
from dosetwin.trial.truth import TRUTHS, physiology

BARS = {
    "babies_100000_s": ("<=", 10.0),
    "rule_courses_per_core_s": (">=", 500.0),
    "mpc_courses_per_core_s": (">=", 1.0),
    "two_workers_efficiency": (">=", 0.85),
}


def say(text: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


def babies(n: int) -> dict[str, float]:
    """Drawing ``n`` newborns, and a week of their bodies beside it (in chunks, as a trial does)."""
    cohort(10, 1)
    physiology(cohort(10, 1), 169, TRUTHS["as_believed"])
    start = time.perf_counter()
    cohort(n, 1)
    drawn = time.perf_counter() - start
    start = time.process_time()
    for first in range(0, 10_000, 1000):
        physiology(cohort(1000, 1, first=first), 169, TRUTHS["as_believed"])
    return {f"babies_{n}_s": drawn, "bodies_per_core_s": 10_000 / (time.process_time() - start)}


def one_core(design: Design, arm: Arm, n: int) -> float:
    """Courses (decided, simulated, infected and scored) per second of processor time."""
    for count in (1, n):
        start = time.process_time()
        of = world(design, 0, count)
        made = dosed(Chunk(of), arm)
        assert made.given is not None
        scored(of, made.given, made.who)
    return n / (time.process_time() - start)


def efficiency(design: Design, by: str) -> float:
    """Wall-clock time of one worker over twice that of two, on the same chunks, after a warm-up."""
    seconds = []
    for workers in (1, 1, 2):
        with tempfile.TemporaryDirectory() as folder:
            found = runner.run(design, Path(folder) / "out", workers=workers, by=by)  # type: ignore[arg-type]
            seconds.append(found.seconds)
    return seconds[1] / (2.0 * seconds[2])


def where(design: Design, arm: Arm, n: int) -> list[tuple[str, float]]:
    """Where the time of an arm goes: share of the functions that take most of it themselves."""
    of = world(design, 0, n)
    profile = cProfile.Profile()
    profile.enable()
    scored(of, dosed(Chunk(of), arm).given)  # type: ignore[arg-type]
    profile.disable()
    stats: Any = pstats.Stats(profile)
    total = sum(row[2] for row in stats.stats.values())
    rows = sorted(((f"{Path(key[0]).name}:{key[2]}", row[2] / total) for key, row in stats.stats.items()), key=lambda r: -r[1])
    return rows[:8]


def measure(n_mpc: int) -> dict[str, Any]:
    """Every figure."""
    quick = load("quick")
    say("100,000 babies")
    found: dict[str, Any] = babies(100_000)
    say("standard rule")
    found["rule_courses_per_core_s"] = one_core(quick, Arm("r", "decock_smits"), 2000)
    for policy, n in (("rule_adjusted", 300), ("one_step", 60), ("mpc_pk", n_mpc), ("mpc", n_mpc)):
        say(policy)
        found[f"{policy}_courses_per_core_s"] = one_core(quick, Arm(policy, policy), n)
    say("profile of mpc")
    found["mpc_profile"] = where(quick, Arm("mpc", "mpc"), max(n_mpc // 4, 2))
    say("two workers")
    work = replace(
        quick, n=4 * n_mpc, chunk=max(n_mpc // 4, 1), arms=(Arm("one_step", "one_step"), Arm("mpc_pk", "mpc_pk")), reference=""
    )
    found["load"] = os.getloadavg()[0]
    found["two_workers_efficiency"] = efficiency(work, "threads")
    found["cores"] = os.cpu_count()
    return found


def main() -> None:
    """Print the figures and the bars they are held against."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mpc", type=int, default=24, help="babies under look-ahead")
    options = parser.parse_args()
    found = measure(options.mpc)
    if options.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        if name == "mpc_profile":
            for function, share in value:
                print(f"  {100 * share:5.1f} %  {function}")
            continue
        sign, bar = BARS.get(name, ("", None))
        verdict = "" if bar is None else "met" if (value >= bar if sign == ">=" else value <= bar) else "MISSED"
        print(f"{name:32} {value:12.4g}  {sign} {'' if bar is None else f'{bar:g}'}  {verdict}")


if __name__ == "__main__":
    main()

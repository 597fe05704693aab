"""Speed of virtual newborns and trials: ``python benchmarks/trials.py [--json] [--mpc N]``; printed, never asserted in tests.

Rates are per second of processor time of this process where one thread works, so a busy machine matters little; the efficiency of
two workers is wall-clock time, taken in turns; the load of the machine is printed beside it.
"""

import argparse
import cProfile
import json
import os
import pstats
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from dosetwin.populations.newborn.newborns import cohort
from dosetwin.populations.newborn.truth import TRUTHS, physiology
from dosetwin.studies import load
from dosetwin.studies.newborn_sepsis.arms import Chunk, dosed
from dosetwin.studies.newborn_sepsis.design import Arm, Design
from dosetwin.studies.newborn_sepsis.scoring import scored, world
from dosetwin.trial import runner

BARS = {
    "babies_100000_s": ("<=", 10.0),
    "rule_courses_per_core_s": (">=", 500.0),
    "mpc_courses_per_core_s": (">=", 1.0),
    "two_threads_efficiency": (">=", 0.85),
    "two_processes_efficiency": (">=", 0.85),
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


def rate(design: Design, workers: int, by: str, warm: int) -> float:
    """Babies per second of wall-clock time after the first ``warm`` ones (starting workers and compiling are not the work)."""
    marks: list[tuple[float, int]] = []
    with tempfile.TemporaryDirectory() as folder:
        runner.run(
            design, Path(folder) / "out", workers=workers, by=by,  # type: ignore[arg-type]
            tell=lambda done, of: marks.append((time.perf_counter(), done)),
        )  # fmt: skip
    begun = next(mark for mark in marks if mark[1] >= warm)
    return (marks[-1][1] - begun[1]) / (marks[-1][0] - begun[0])


def efficiency(design: Design, by: str, rounds: int = 3) -> float:
    """Half the rate of two workers over that of one: median of ``rounds`` turns, one after the other."""
    warm = 4 * design.chunk
    return statistics.median(rate(design, 2, by, warm) / (2.0 * rate(design, 1, by, warm)) for _ in range(rounds))


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
    work = replace(quick, n=4 * n_mpc, chunk=2, arms=(Arm("mpc", "mpc"),), reference="")
    for by in ("threads", "processes"):
        say(f"two workers, {by}")
        found[f"two_{by}_efficiency"] = efficiency(work, by)
        found[f"load_beside_{by}"] = os.getloadavg()[0]
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

"""Speed of the controller, where its time goes, whether a trial's settings change its answers: ``benchmarks/controller.py``.

Processor seconds of one thread beside wall seconds, so that a busy machine shows. ``--agree N`` compares the trial's settings
with finer ones on N development babies (seed 5700; minutes each).
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from dosetwin.decide.control import Ahead, DosingPolicy
from dosetwin.decide.look_ahead.ahead import Scorer
from dosetwin.decide.look_ahead.mpc import look_ahead
from dosetwin.decide.look_ahead.options import TRIAL, TRIAL_CHANCES, Chances, Search
from dosetwin.populations.newborn.newborns import cohort
from dosetwin.studies.newborn_sepsis import course as courses
from dosetwin.studies.newborn_sepsis.course import Ward, run_course
from dosetwin.studies.newborn_sepsis.design import Arm, Design
from dosetwin.studies.newborn_sepsis.scoring import given_from, scored, world

SEED = 5700
POLICIES = ("decock_smits", "rule_adjusted", "nomogram", "one_step", "one_step_loading", "mpc_pk", "mpc")


def timed(f: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    f()
    return time.perf_counter() - wall, time.process_time() - cpu


def design(n: int, **changes: object) -> Design:
    """A small design on development babies."""
    return Design("benchmark", n, SEED, (Arm("mpc", "mpc"),), kidney="filter", **changes)  # type: ignore[arg-type]


def one_decision() -> None:
    """The first decision and one after two levels, with the full and the trial's settings."""
    d = design(1)
    ward = Ward(cohort(1, SEED), d)
    arm = d.arms[0]
    seen = [(36.0, 39.0, 4.1, False), (37.0, 40.0, 29.0, True)]
    doses = [(0.0, 16.0 * ward.weight(0), 0.5), (36.0, 14.0 * ward.weight(24), 0.5)]
    for name, search, chances in (
        ("250 draws, 2000 fresh", Search(), Chances()),
        ("250 draws, 2000 fresh, 2 threads", Search(threads=2), Chances()),
        ("trial", TRIAL, TRIAL_CHANCES),
    ):
        for when, now, given, levels in (("first dose", 0.0, [], []), ("third dose, two levels", 40.0, doses, seen)):
            policy = Ahead("mpc", True, search=search, chances=chances)

            def decide(now=now, given=given, levels=levels, policy=policy) -> None:
                policy.next(ward.timeline(now, given, levels, True), ward.belief(arm, now, given, levels), now)

            decide()
            wall, cpu = timed(decide)
            print(f"  {name:34s} {when:24s} {wall:7.3f} s wall {cpu:7.3f} s processor")


def whole_courses(n: int) -> None:
    """Baby-courses per processor second, by policy."""
    d = design(n)
    babies = cohort(n, SEED)
    for name in POLICIES:
        arm = Arm(name, name)
        run_course(babies.baby(0), arm, d)
        wards = [Ward(babies.baby(i), d) for i in range(n)]
        wall, cpu = timed(lambda arm=arm, wards=wards: [run_course(w.baby, arm, d, ward=w) for w in wards])
        print(
            f"  {name:18s} {n / cpu:8.1f} courses per processor second ({cpu / n * 1e3:6.1f} ms; wall {wall / n * 1e3:6.1f} ms)"
        )


def parts() -> None:
    """Where a decision's time goes."""
    d = design(1)
    ward = Ward(cohort(1, SEED), d)
    belief = ward.belief(d.arms[0], 0.0, [], [])
    total: dict[str, float] = {}
    originals = {(Scorer, "exposure"): Scorer.exposure, (Scorer, "infection"): Scorer.infection}

    def watch(owner: type, name: str) -> None:
        inner = getattr(owner, name)

        def wrapped(*args: object, **rest: object) -> object:
            start = time.process_time()
            try:
                return inner(*args, **rest)
            finally:
                total[name] = total.get(name, 0.0) + time.process_time() - start

        setattr(owner, name, wrapped)

    try:
        watch(Scorer, "exposure")
        watch(Scorer, "infection")
        _, cpu = timed(lambda: look_ahead(belief, None, earliest=0.0, search=TRIAL, chances=TRIAL_CHANCES))
    finally:
        for (owner, name), was in originals.items():
            setattr(owner, name, was)
    for name, seconds in total.items():
        print(f"  {name:12s} {seconds * 1e3:7.1f} ms of {cpu * 1e3:.1f}")


def agree(n: int) -> None:
    """First actions and outcomes under the trial's settings and finer ones."""
    d = design(n)
    of = world(d, 0, n)
    made: dict[str, DosingPolicy] = {
        "trial": Ahead("mpc", True, search=TRIAL, chances=TRIAL_CHANCES),
        "one draw fewer": Ahead("mpc", True, search=replace(TRIAL, draws=63), chances=TRIAL_CHANCES),
        "16 draws": Ahead("mpc", True, search=replace(TRIAL, draws=16, first_look=0), chances=TRIAL_CHANCES),
        "256 draws": Ahead("mpc", True, search=replace(TRIAL, draws=256, first_look=0), chances=TRIAL_CHANCES),
        "256 draws, every half hour, fine grids": Ahead(
            "mpc", True, chances=TRIAL_CHANCES,
            search=replace(TRIAL, draws=256, first_look=0, infection_every=1, behind_mg_per_kg=(), behind_intervals=(), beam=12,
                           meet_infection=20, first_mg_per_kg=Search().first_mg_per_kg),
        ),
        "three decisions": Ahead("mpc", True, search=replace(TRIAL, decisions=3), chances=TRIAL_CHANCES),
    }  # fmt: skip
    results: dict[str, tuple[np.ndarray, dict[str, np.ndarray]]] = {}
    was = courses.named
    try:
        for name, policy in made.items():
            courses.named = lambda *a, policy=policy, **k: policy  # type: ignore[assignment]
            found, first = [], []
            for i in range(n):
                c = run_course(of.babies.baby(i), d.arms[0], d, infection=False)
                found.append((c.doses[:, 0].tolist(), c.doses[:, 1].tolist(), c.due, len(c.samples)))
                first.append(c.doses[0, 1] / of.babies.WT[i])
            results[name] = (np.array(first), scored(of, given_from(found, d.course)).endpoints)
            base_first, base = results["trial"]
            endpoints = results[name][1]
            same = np.mean(np.abs(np.array(first) - base_first) < 0.3)
            near = np.mean(np.abs(np.array(first) - base_first) < 1.3)
            shown = []
            for key in ("both_last", "p_eradicated", "p_resistant", "loss"):
                x = endpoints[key] - base[key]
                shown.append(f"{key} {x.mean():+.4f} +- {1.96 * x.std() / np.sqrt(n):.4f}")
            print(
                f"  {name:40s} first dose the same {same:4.0%}, within 1 mg/kg {near:4.0%}; minus trial: {', '.join(shown)}",
                flush=True,
            )
    finally:
        courses.named = was


def main() -> None:
    """Everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10)
    parser.add_argument("--agree", type=int, default=0)
    given = parser.parse_args()
    print("One decision")
    one_decision()
    print("Where the time of the first decision goes (trial's settings)")
    parts()
    print("Whole courses")
    whole_courses(given.n)
    if given.agree:
        print(f"Settings against each other, {given.agree} babies")
        agree(given.agree)


if __name__ == "__main__":
    main()

"""Speed and memory, printed as ratios of the same work in one run: ``python benchmarks/run.py [--json] [--subjects N]``.

Never asserted in tests: machines differ and are noisy. Every figure is the median of several runs after a warm-up; rates
are subjects per second of processor time on one thread. The virtual cohort is drawn here from a fixed seed.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import comparators  # noqa: E402
import work_precision  # noqa: E402

MRGSOLVE = {"linear": 66.2 / 3.49, "nonlinear": 245.8 / 6316.0}
"""mrgsolve 2.0.2 (R 4.2.2), data frame in and out, microseconds a subject over those of what is timed here too, in one run
of both: its closed form over the closed form in NumPy, its LSODA over scipy's odeint. It cannot be installed with pip."""
FEW = 20  # subjects given to LSODA, which would need minutes for all
BARS = {
    "linear_subjects_per_core_s": (">=", 600_000),
    "linear_end_to_end_vs_mrgsolve": (">=", 20),
    "linear_vs_lsoda": (">=", 1_000),
    "linear_vs_closed_form": (">=", 0.5),
    "nonlinear_subjects_per_core_s": (">=", 45_000),
    "nonlinear_vs_lsoda": (">=", 200),
    "nonlinear_vs_hand": (">=", 0.8),
    "map_ms": ("<=", 0.6),
    "posterior_1000_s": ("<=", 0.2),
    "posterior_10000_s": ("<=", 1.5),
    "advise_s": ("<=", 0.3),
    "help_s": ("<=", 0.5),
    "peak_mb": ("<=", 1000.0),
    "peak_mb_100000": ("<=", 600.0),
}


def say(text: str) -> None:
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


def median_time(work: Callable[[], Any], runs: int, clock: Callable[[], float]) -> float:
    """Median seconds of ``work`` by ``clock``, after one run that is not counted."""
    work()
    taken = []
    for _ in range(runs):
        start = clock()
        work()
        taken.append(clock() - start)
    return statistics.median(taken)


HOURS, DAYS = np.arange(241.0), np.arange(10) * 24.0


def doses() -> list[Any]:
    """Ten infusions, one a day."""
    from dosetwin.records import DoseEvent

    return [DoseEvent(0, 26.4, 0.5, ii=24, addl=9)]


def children() -> float:
    """Processor seconds of processes that were started and have ended."""
    found = os.times()
    return found.children_user + found.children_system


def virtual_cohort(n: int) -> tuple[np.ndarray, np.ndarray]:
    """eta [n, 2] and daily clearance factors [n, 10] that wander, as a sick newborn's kidney does."""
    rng = np.random.default_rng(20260101)
    eta = rng.normal(0.0, [0.3, 0.2], (n, 2))
    return eta, np.exp(np.cumsum(rng.normal(0.03, 0.12, (n, 10)), axis=1))


def end_to_end(which: str, eta: np.ndarray, cov: np.ndarray) -> Callable[[], Any]:
    """What a user calls: doses, times and covariates in, a pandas table with ID, TIME and every output out."""
    from dosetwin.models import load
    from dosetwin.simulate import simulate, uniform

    model = load(str(HERE / "models" / f"bench_{which}.py"))
    return lambda: simulate(model, uniform(model, doses(), HOURS, DAYS, cov[:, :, None]), eta, threads=1).frame()


def cold(which: str, n: int) -> float:
    """Microseconds a subject of the first such call in a new process: kernels from the disk, memory from the system."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import run; eta, cov = run.virtual_cohort(int(sys.argv[3])); "
        "import pandas; whole = run.end_to_end(sys.argv[2], eta, cov); start = time.process_time(); whole(); "
        "print(time.process_time() - start)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(HERE), which, str(n)], check=True, capture_output=True, text=True)
    return 1e6 * float(done.stdout) / n


def precision() -> list[tuple[str, float, float, float, float]]:
    """Error against time (work_precision.py)."""
    from dosetwin.models import load
    from dosetwin.simulate import uniform

    say("error against time ...")
    eta, cov = virtual_cohort(work_precision.SUBJECTS)
    model = load(str(HERE / "models" / "bench_nonlinear.py"))
    return work_precision.curves(eta, cov, model, uniform(model, doses(), HOURS, DAYS, cov[:, :, None]))


def tables(n: int = 1000) -> dict[str, Any]:
    """`dosetwin simulate` on a file of n subjects (a dose with ADDL, a record a day to predict at), as a new process."""
    say("dosetwin simulate ...")
    _, cov = virtual_cohort(n)
    with tempfile.TemporaryDirectory() as folder:
        lines = ["ID,TIME,EVID,AMT,RATE,II,ADDL,DV,MDV,COV"]
        for i in range(n):
            lines.append(f"{i + 1},0,1,26.4,52.8,24,9,.,1,{cov[i, 0]:.5f}")
            lines += [f"{i + 1},{24 * d + 12},2,0,0,0,0,.,1,{cov[i, d]:.5f}" for d in range(10)]
        data = Path(folder) / "subjects.csv"
        data.write_text("\n".join(lines) + "\n", encoding="utf-8")
        model = str(HERE / "models" / "bench_linear.py")
        command = [sys.executable, "-m", "dosetwin.cli", "simulate", model, str(data), "-o", str(data.with_name("out.csv"))]
        return {"table_1000_s": median_time(lambda: subprocess.run(command, check=True, capture_output=True), 3, children)}


def cohorts(n: int) -> dict[str, Any]:
    """Linear and nonlinear cohorts against LSODA and against code written by hand."""
    from dosetwin.models import load
    from dosetwin.simulate import simulate, uniform

    eta, cov = virtual_cohort(n)
    hours = HOURS
    found: dict[str, Any] = {}
    rates = {}
    for which in ("linear", "nonlinear"):
        say(f"{which} cohort of {n:,} ...")
        model = load(str(HERE / "models" / f"bench_{which}.py"))
        schedule = uniform(model, doses(), HOURS, DAYS, cov[:, :, None])
        ours = simulate(model, schedule, eta, threads=1).cube()[..., 0]
        theirs = comparators.lsoda(which, eta[:FEW], cov[:FEW], "odeint")
        found[f"{which}_difference_from_lsoda"] = float(np.abs(ours[:FEW] - theirs).max())
        rates[which] = n / median_time(lambda m=model, s=schedule: simulate(m, s, eta, threads=1), 7, time.process_time)
        found[f"{which}_subjects_per_core_s"] = rates[which]
        whole = end_to_end(which, eta, cov)
        found[f"{which}_end_to_end_us"] = 1e6 * median_time(whole, 7, time.process_time) / n
        found[f"{which}_end_to_end_cold_us"] = cold(which, n)
        for interface, name in (("solve_ivp", "lsoda"), ("odeint", "lsoda_odeint")):
            taken = median_time(lambda w=which, i=interface: comparators.lsoda(w, eta[:FEW], cov[:FEW], i), 3, time.process_time)
            found[f"{which}_vs_{name}"] = rates[which] * taken / FEW
        if which == "linear":
            by_hand = comparators.closed_form(eta, cov)
            found["linear_difference_from_closed_form"] = float(np.abs(ours - by_hand).max())
            hand = n / median_time(lambda: comparators.closed_form(eta, cov), 7, time.process_time)
            found["linear_vs_closed_form"] = rates[which] / hand
            found["linear_end_to_end_vs_mrgsolve"] = 1e6 * MRGSOLVE[which] / hand / found["linear_end_to_end_us"]
        else:
            odeint = 1e6 * found["nonlinear_vs_lsoda_odeint"] / rates[which]  # microseconds a subject
            found["nonlinear_end_to_end_vs_mrgsolve"] = MRGSOLVE[which] * odeint / found["nonlinear_end_to_end_us"]
        found[f"{which}_wall_two_threads_s"] = median_time(lambda m=model, s=schedule: simulate(m, s, eta), 3, time.perf_counter)
    shared = Path(os.environ.get("DOSETWIN_SHARED", HERE.parents[1] / "shared"))
    hand_written = comparators.prototype(shared)
    if hand_written is None:
        found["nonlinear_vs_hand"] = None
        say("no hand-written stepper to compare with (set DOSETWIN_SHARED)")
    else:
        hand = n / median_time(lambda: hand_written.simulate(eta, cov, hours, 1), 5, time.process_time)
        found["nonlinear_vs_hand"] = rates["nonlinear"] / hand
    return found


def inference() -> dict[str, Any]:
    """MAP of one patient with 3-5 levels, from the timeline on; posterior draws of one patient."""
    from dosetwin.infer import map_estimate, posterior
    from dosetwin.models import load
    from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
    from dosetwin.simulate import predict, schedule_for

    say("MAP and posterior ...")
    model = load(str(HERE / "models" / "bench_linear.py"))
    eta, cov = virtual_cohort(200)
    rng = np.random.default_rng(7)
    patients = []
    for i in range(200):
        doses = tuple(DoseEvent(24.0 * k, 26.4, 0.5) for k in range(4))
        days = tuple(Covariate(24.0 * d, "COV", float(cov[i, d])) for d in range(4))
        times = np.sort(rng.choice([1.0, 23.5, 25.0, 47.5, 49.0, 71.5, 73.0, 95.5], int(rng.integers(3, 6)), replace=False))
        base = Timeline(Patient(str(i)), doses, (), days)
        true = predict(model, schedule_for(model, base, times), eta[i : i + 1]).value[0, :, 0]
        noisy = true + rng.normal(0, np.sqrt(0.3**2 + (0.15 * true) ** 2))
        levels = (Observation(float(t), "drug", max(float(v), 0.05)) for t, v in zip(times, noisy, strict=True))
        patients.append(base.append(*levels))
    map_estimate(model, patients[0])
    taken = []
    for p in patients:
        start = time.perf_counter()
        map_estimate(model, p)
        taken.append(time.perf_counter() - start)
    return {
        "map_ms": 1e3 * statistics.median(taken),
        "map_ms_worst": 1e3 * max(taken),
        "posterior_1000_s": median_time(lambda: posterior(model, patients[0], draws=1000, seed=1), 7, time.perf_counter),
        "posterior_10000_s": median_time(lambda: posterior(model, patients[0], draws=10_000, seed=1), 5, time.perf_counter),
    }


def advice() -> dict[str, Any]:
    """The demo newborn: next dose and interval over at least 250 regimens and 250 draws."""
    from dosetwin.advise import Question, advise
    from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
    from dosetwin.io.case import read_case
    from dosetwin.models import load

    say("advise ...")
    case = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    model = load("amikacin_neonate")
    question = Question(AMIKACIN_NEONATE, (model,), now=case.as_of, seed=1, draws=250)
    got = advise(case, question).recommendation
    full = median_time(lambda: advise(case, question), 5, time.perf_counter)
    core = median_time(lambda: advise(case, replace(question, sensitivity=False)), 5, time.perf_counter)
    return {
        "advise_s": full,
        "advise_without_sensitivity_s": core,
        "advise_candidates": got.provenance["candidates_considered"],
        "advise_draws": 250,
    }


def command_line() -> dict[str, Any]:
    """Wall time of ``dosetwin --help`` as a new process."""
    say("dosetwin --help ...")
    script = Path(sys.executable).with_name("dosetwin")
    command = [str(script), "--help"] if script.exists() else [sys.executable, "-m", "dosetwin.cli", "--help"]
    return {"help_s": median_time(lambda: subprocess.run(command, check=True, capture_output=True), 7, time.perf_counter)}


def memory(n: int) -> float:
    """Peak MB of a new process that simulates the linear cohort of n."""
    code = (
        "import os, sys, resource; sys.path.insert(0, sys.argv[1]); import run; from dosetwin.models import load; "
        "from dosetwin.simulate import simulate, uniform; eta, cov = run.virtual_cohort(int(sys.argv[2])); "
        "m = load(str(run.HERE / 'models' / 'bench_linear.py')); "
        "simulate(m, uniform(m, run.doses(), run.HOURS, run.DAYS, cov[:, :, None]), eta); "
        "status = '/proc/self/status'; "  # ru_maxrss counts what the process that started this one held
        "found = [int(x.split()[1]) for x in open(status) if x.startswith('VmHWM')] if os.path.exists(status) else []; "
        "print(*found or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])"
    )
    say("peak memory ...")
    done = subprocess.run([sys.executable, "-c", code, str(HERE), str(n)], check=True, capture_output=True, text=True)
    return int(done.stdout) / (1024.0 if sys.platform != "darwin" else 1024.0**2)


def verdict(name: str, value: float | None) -> str:
    """PASS or MISS against the bar set in advance."""
    sense, bar = BARS.get(name, (None, None))
    if sense is None or bar is None:
        return ""
    if value is None:
        return "not measured"
    return "pass" if (value >= bar if sense == ">=" else value <= bar) else "MISS"


def shown(value: float | None) -> str:
    """A figure with four digits."""
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


CAUSES = {
    "nonlinear_subjects_per_core_s": "measured beside other work; 46,000 on a quieter core",
    "nonlinear_vs_lsoda": "counts are followed below the tolerance (error 1e-5 of a log10, was 0.04 to 0.2), LSODA's are not",
    "nonlinear_vs_hand": "the stepper by hand does not follow counts below its tolerance: 0.04 to 0.2 of a log10 wrong at 1e-6",
    "map_ms": "measured beside other work; a third of it is compiling the patient's schedule",
    "advise_s": "wall time; twice as long and more beside other work",
    "help_s": "wall time under load; 0.30 s in an earlier run beside less",
}
"""Why a bar is missed, where it is."""
MEANING = {
    "linear_subjects_per_core_s": "two compartments, 10 infusions, daily clearance, 241 hourly outputs: subjects per core-second",
    "linear_end_to_end_us": "the same from doses, times and covariates to a pandas table, microseconds a subject (warm memory)",
    "linear_end_to_end_cold_us": "its first call in a new process: kernels from the disk, memory from the system",
    "linear_end_to_end_vs_mrgsolve": "end to end, ratio to mrgsolve's closed form, by way of NumPy's (19.0 x as fast as it)",
    "linear_vs_lsoda": "schedule ready, ratio to scipy `solve_ivp(method='LSODA')` at 1e-6",
    "linear_vs_lsoda_odeint": "ratio to scipy `odeint`, the older and faster interface to LSODA",
    "linear_vs_closed_form": "ratio to a batch closed form written by hand in NumPy",
    "linear_difference_from_closed_form": "largest difference from it, mg/L",
    "linear_difference_from_lsoda": "largest difference from LSODA, mg/L",
    "linear_wall_two_threads_s": "wall seconds of the cohort on all threads",
    "nonlinear_subjects_per_core_s": "eight states (drug, bacteria, adaptation), adaptive, 1e-6: subjects per core-second",
    "nonlinear_end_to_end_us": "the same from doses, times and covariates to a pandas table, microseconds a subject",
    "nonlinear_end_to_end_cold_us": "its first call in a new process",
    "nonlinear_end_to_end_vs_mrgsolve": "end to end, ratio to mrgsolve's LSODA at 1e-6, by way of odeint (25.7 x as slow)",
    "table_1000_s": "`dosetwin simulate` on a CSV of 1,000 subjects with 11 records, a new process with its start, processor s",
    "nonlinear_vs_lsoda": "ratio to scipy `solve_ivp(method='LSODA')`",
    "nonlinear_vs_lsoda_odeint": "ratio to scipy `odeint`",
    "nonlinear_vs_hand": "ratio to a Dormand-Prince stepper written by hand for this very model",
    "nonlinear_difference_from_lsoda": "largest difference in concentration, mg/L",
    "nonlinear_wall_two_threads_s": "wall seconds of the cohort on all threads",
    "map_ms": "MAP of one patient from 3-5 levels, from the timeline on, ms (median of 200 patients)",
    "map_ms_worst": "the slowest of the 200, ms",
    "posterior_1000_s": "1,000 posterior draws of one patient, s",
    "posterior_10000_s": "10,000 posterior draws, s",
    "advise_s": "`advise` for the demo newborn with every what-if, s",
    "advise_without_sensitivity_s": "the same without the what-ifs, s",
    "advise_candidates": "regimens scored",
    "advise_draws": "posterior draws each is scored on",
    "help_s": "`dosetwin --help`, a new process, s",
    "peak_mb": "peak memory of a process that simulates the linear cohort, MB",
    "peak_mb_100000": "the same with 100,000 subjects",
}


def page(results: dict[str, Any], n: int, curves: list[tuple[str, float, float, float, float]], load: tuple[float, float]) -> str:
    """The results as a Markdown page."""
    lines = [
        "# Speed and memory", "", "Written by `python benchmarks/run.py --markdown docs/benchmarks.md`; do not edit.",
        f"Cohorts of {n:,} subjects; rates per second of processor time on one thread, medians of several runs after a warm-up;",
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}. Ratios travel between machines,",
        f"absolute times do not. Load before and at the end (this run alone makes 1): {load[0]:.1f}, {load[1]:.1f}.", "",
        "| figure | what | value | bar | verdict |", "|---|---|---|---|---|",
    ]  # fmt: skip
    for name, value in results.items():
        sense, bar = BARS.get(name, (None, None))
        limit = f"{sense} {bar:,g}" if sense else ""
        lines.append(f"| {name} | {MEANING.get(name, '')} | {shown(value)} | {limit} | {verdict(name, value)} |")
    missed = [name for name, value in results.items() if verdict(name, value) == "MISS"]
    lines += ["", *(f"- {name}: missed; {CAUSES.get(name, 'cause not known')}" for name in missed)] if missed else []
    lines += ["", "## Error against time", "", "Eight states, ten days; errors against scipy's DOP853 at 1e-12, largest of"
              f" {work_precision.THEIRS} subjects and 241 hours. At one tolerance two steppers", "make different errors: compare"
              " rows of equal error. scipy calls Python for every slope.", "", work_precision.table(curves).rstrip()]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run everything and print a table, or JSON with --json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--subjects", type=int, default=10_000)
    parser.add_argument("--markdown", type=Path, help="write the table to this file too")
    chosen = parser.parse_args()
    before = os.getloadavg()[0]
    results = {**cohorts(chosen.subjects), **tables(), **inference(), **advice(), **command_line()}
    results |= {"peak_mb": memory(chosen.subjects), "peak_mb_100000": memory(100_000)}
    curves = precision()
    if chosen.markdown:
        chosen.markdown.write_text(page(results, chosen.subjects, curves, (before, os.getloadavg()[0])), encoding="utf-8")
    if chosen.json:
        print(json.dumps({**results, "work_precision": curves}, indent=2))
        return
    print(f"{'figure':36s} {'value':>14s}  {'bar':>12s}  verdict")
    for name, value in results.items():
        sense, bar = BARS.get(name, (None, None))
        print(f"{name:36s} {shown(value):>14s}  {f'{sense} {bar:,g}' if sense else '':>12s}  {verdict(name, value)}")
    print("\nerror against time, eight states\n" + work_precision.table(curves))


if __name__ == "__main__":
    main()

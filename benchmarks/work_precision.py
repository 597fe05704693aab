"""Error against time on the eight-state model: no tolerance flatters when what is compared is the error achieved.

``python benchmarks/work_precision.py`` prints the table; run.py writes it into docs/benchmarks.md. The truth is another
program's: scipy's DOP853 at 1e-12, without an absolute tolerance on counts. scipy's interfaces call Python for every slope:
their times say what a user of scipy waits, not what LSODA could do.
"""

import time
from typing import Any

import numpy as np

import comparators

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)
SUBJECTS, THEIRS = 200, 6


def _errors(A: np.ndarray, want: np.ndarray, V1: np.ndarray) -> tuple[float, float]:
    """Largest differences in concentration, mg/L, and in log10 count."""
    level = np.abs(A[..., 0] - want[..., 0]) / V1[:, None]
    return float(level.max()), float(np.abs(_logged(A) - _logged(want)).max())


def _logged(A: np.ndarray) -> np.ndarray:
    return np.log10(np.maximum(A[..., 2:5].sum(axis=-1), 0.0) + 1e-3)


def curves(eta: np.ndarray, cov: np.ndarray, model: Any, schedule: Any) -> list[tuple[str, float, float, float, float]]:
    """(who, tolerance, microseconds a subject, error in mg/L, error in log10) for ours and scipy's steppers."""
    from dosetwin.simulate import simulate

    few, days = eta[:THEIRS], cov[:THEIRS]
    V1 = comparators.TVV1 * np.exp(few[:, 1])
    want = comparators.states("nonlinear", few, days, "DOP853", 1e-12, 1e-40)
    truth = np.stack([want[..., 0] / V1[:, None], _logged(want)], axis=-1)
    out = []
    for tol in TOLERANCES:
        best = np.inf
        for _ in range(3):
            start = time.process_time()
            got = simulate(model, schedule, eta, threads=1, rtol=tol, atol=tol)
            best = min(best, time.process_time() - start)
        gap = np.abs(got.cube()[:THEIRS] - truth).max(axis=(0, 1))
        out.append(("dosetwin", tol, 1e6 * best / len(eta), float(gap[0]), float(gap[1])))
    for who, tolerances in (("odeint", (1e-4, 1e-6, 1e-8, 1e-10)), ("solve_ivp", (1e-4, 1e-6, 1e-8))):
        for tol in tolerances:
            start = time.process_time()
            got = comparators.states("nonlinear", few, days, who, tol)
            taken = 1e6 * (time.process_time() - start) / THEIRS
            out.append((f"scipy {who} (LSODA)", tol, taken, *_errors(got, want, V1)))
    return out


def table(found: list[tuple[str, float, float, float, float]]) -> str:
    """The curves as a Markdown table."""
    lines = ["| who | tolerance | us a subject | largest error, mg/L | largest error, log10 count |", "|---|---|---|---|---|"]
    lines += [f"| {who} | {tol:g} | {us:,.3g} | {level:.1e} | {logged:.1e} |" for who, tol, us, level, logged in found]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import run

    print(table(run.precision()))

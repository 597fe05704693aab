"""Maximum likelihood over a training cohort: one packed array per quantity, one box-bounded search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.errors import InputError
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.forecast.kidney.steps import Steps, steps_for


@dataclass(frozen=True, eq=False)
class Packed:
    """A cohort's steps end to end: baby k owns steps ``ptr[k]`` to ``ptr[k + 1]`` and creatinines ``at[k]`` to ``at[k + 1]``.

    ``log_scr`` [n_creatinines] natural log of mg/dL; ``curve`` the typical creatinine at them, mg/dL; ``age`` their time, h.
    """

    ptr: np.ndarray
    at: np.ndarray
    GA: np.ndarray
    birth: np.ndarray
    steps: Steps
    log_scr: np.ndarray
    curve: np.ndarray
    age: np.ndarray


def usable(records: Sequence[WardRecord]) -> list[WardRecord]:
    """The records of a training cohort that can teach: free of errors, with a creatinine. Raises InputError when none is."""
    found = [r for r in records if len(r.time) and not any(f.severity == "error" for f in r.findings)]
    if not found:
        raise InputError("no usable record to fit on", where="training cohort", value=len(records), allowed="at least one baby")
    return found


def pack(records: Sequence[WardRecord]) -> Packed:
    """Steps and creatinines of a cohort, concatenated. Raises InputError when no record is usable."""
    kept = usable(records)
    each = [steps_for(r) for r in kept]
    joined = [np.concatenate([getattr(s, name) for s in each]) for name in (
        "dt", "middle", "into", "out", "GFR", "from_birth", "effect", "seen", "ahead",
    )]  # fmt: skip
    return Packed(
        ptr=np.concatenate([[0], np.cumsum([len(s.dt) for s in each])]).astype(np.int64),
        at=np.concatenate([[0], np.cumsum([len(r.time) for r in kept])]).astype(np.int64),
        GA=np.array([r.GA for r in kept]),
        birth=np.array([s.birth for s in each]),
        steps=Steps(0.0, 0.0, *joined),
        log_scr=np.log(np.concatenate([r.scr for r in kept])),
        curve=np.concatenate([s.curve_seen for s in each]),
        age=np.concatenate([r.time for r in kept]),
    )


def minimise(
    objective: Callable[[np.ndarray], float], start: np.ndarray, bounds: Sequence[tuple[float, float]], max_iterations: int = 120
) -> tuple[np.ndarray, float]:
    """The smallest value found by L-BFGS-B with forward differences, within ``bounds``; (where, value)."""
    from scipy.optimize import minimize

    low, high = np.array(bounds).T
    found = minimize(
        objective, np.clip(start, low, high), method="L-BFGS-B", bounds=list(bounds),
        options={"maxiter": max_iterations, "maxfun": 10**6, "ftol": 1e-7, "eps": 1e-4},
    )  # fmt: skip
    return np.asarray(found.x), float(found.fun)

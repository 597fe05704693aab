"""A second, slow simulator: the model's interpreted functions, stepped by scipy from event to event of a schedule."""

from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from dosetwin.declare import Model
from dosetwin.simulate import Schedule

COVARIATES, DOSE, OUTPUT = 0, 1, 3


def stepped(model: Model, schedule: Schedule, eta: np.ndarray, rtol: float = 1e-10, atol: float = 1e-12) -> np.ndarray:
    """Outputs [n_times, n_outputs] of the schedule's first course; boluses, infusions, lags and bioavailability, no SS=1.

    Shares with the engine the sorted events and nothing else: parameters, doses and integration are done again here.
    """
    n, k = len(model.eta_names), len(model.kappa_names)
    names = list(model.states)
    theta = model.theta()
    where = slice(int(schedule.ptr[0]), int(schedule.ptr[1]))
    events = list(zip(schedule.time[where], schedule.kind[where], schedule.index[where], schedule.amount[where],
                      schedule.duration[where], strict=True))  # fmt: skip
    t = float(schedule.begin[0])
    x: np.ndarray | None = None
    p: Any = None
    cov: Any = None
    late: list[tuple[float, float, int, float]] = []  # (start, end, compartment, amount) of doses that act later than t
    running: list[tuple[float, int, float]] = []  # (end, compartment, rate)
    found = []

    def advance(to: float) -> None:
        nonlocal t, x, late, running
        while True:
            for start, end, cmt, amount in [d for d in late if d[0] <= t + 1e-12]:
                if end > start:
                    running.append((end, cmt, amount / (end - start)))
                else:
                    assert x is not None
                    x[cmt] += amount
            late = [d for d in late if d[0] > t + 1e-12]
            running = [r for r in running if r[0] > t + 1e-12]
            if t >= to - 1e-12:
                return
            stop = min([to, *(r[0] for r in running), *(d[0] for d in late)])
            rate = np.zeros(len(names))
            for _, cmt, r in running:
                rate[cmt] += r
            solved = solve_ivp(
                lambda s, y: np.array(model.dynamics(s, model.state(*y), p, cov)) + rate,  # noqa: B023 - used at once
                (t, stop), x, method="LSODA", rtol=rtol, atol=atol,
            )  # fmt: skip
            assert solved.success, solved.message
            x, t = solved.y[:, -1].copy(), stop

    for time, kind, index, amount, duration in events:
        if x is not None:
            advance(float(time))
        if kind == COVARIATES:
            base = n + int(schedule.occasion[index]) * k
            cov = model.cov(*map(float, schedule.rows[index]))
            p = model.individual(theta, model.eta(*map(float, eta[:n]), *map(float, eta[base : base + k])), cov)
            if x is None:
                x = np.array(model.initial(p, cov), dtype=float) if model.initial else np.zeros(len(names))
        elif kind == DOSE:
            name = names[index]
            start = float(time) + getattr(p, f"LAG_{name}", 0.0)
            late.append((start, start + float(duration), int(index), float(amount) * getattr(p, f"F_{name}", 1.0)))
            advance(float(time))
        elif kind == OUTPUT:
            assert x is not None
            found.append(list(model.observe(model.state(*x), p, cov)))
        else:
            raise NotImplementedError(f"event kind {kind}")
    return np.array(found)

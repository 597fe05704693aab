"""Parameters and schedules in, trajectories out: one course under many parameter vectors, or a cohort, on threads."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Failure, InputError, SimulationError
from dosetwin.simulate import abreast, ode, past, scalars
from dosetwin.simulate.kernel import compiled
from dosetwin.simulate.memory import enough
from dosetwin.simulate.schedule import Schedule
from dosetwin.simulate.tolerances import absolute

LARGE = 100e6  # bytes of results from which it is asked whether they fit
JOBS_PER_CHUNK = 32  # below twice this many jobs, starting threads costs more than it saves


@dataclass(frozen=True, eq=False)
class Prediction:
    """One course under K parameter vectors. Failed vectors have ``ok`` False and rows of NaN, never a number."""

    time: np.ndarray
    value: np.ndarray
    state: np.ndarray
    ok: np.ndarray
    code: np.ndarray
    auc: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Trajectory:
    """A simulated cohort: job k owns rows ptr[k]..ptr[k+1]-1 of ``time`` and ``value`` [rows, n_outputs].

    A failed job has ``ok`` False, rows of NaN and a line in ``failures``.
    """

    ids: Sequence
    outputs: tuple[str, ...]
    ptr: np.ndarray
    times: tuple[np.ndarray, np.ndarray]
    value: np.ndarray
    ok: np.ndarray
    failures: tuple[Failure, ...]
    auc: np.ndarray | None = None

    @cached_property
    def time(self) -> np.ndarray:
        """[rows], h; written out when first asked for."""
        known, start = self.times
        counts = np.diff(self.ptr)
        if not start.any() and bool(np.all(counts == len(known))):
            return np.tile(known, len(start))
        return known[np.repeat(start - self.ptr[:-1], counts) + np.arange(int(self.ptr[-1]))]

    def cube(self) -> np.ndarray:
        """[n_jobs, n_times, n_outputs]; raises SimulationError when courses differ in length or a job failed."""
        counts = np.diff(self.ptr)
        if len(counts) and counts.min() != counts.max():
            raise SimulationError("courses differ in their number of output times: use ptr")
        if self.failures:
            raise SimulationError(f"{len(self.failures)} simulations failed; first: {self.failures[0]}")
        return self.value.reshape(len(counts), -1, len(self.outputs))

    def frame(self) -> Any:
        """pandas table ID, TIME, one column per output; failed jobs are absent (they are in ``failures``)."""
        import pandas as pd

        counts = np.diff(self.ptr)
        ids = np.arange(self.ids.start, self.ids.stop) if isinstance(self.ids, range) else np.array(self.ids, dtype=object)
        keep = slice(None) if self.ok.all() else np.repeat(self.ok, counts)
        data: dict[str, Any] = {"ID": np.repeat(ids, counts)[keep], "TIME": self.time[keep]}
        for j, name in enumerate(self.outputs):
            data[name] = self.value[keep, j]
        return pd.DataFrame(data, copy=False)


def threads_available() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="dosetwin")


def _plain(array: Any) -> np.ndarray:
    """As a C-ordered float64 array that may be written to: numba compiles a kernel anew for every other kind (seconds each)."""
    if type(array) is np.ndarray and array.dtype == np.float64 and array.flags.carray:
        return array
    return np.require(array, dtype=np.float64, requirements=["C", "W"])


def _fits(model: Model, schedule: Schedule, n_jobs: int, eta, theta, auc: bool) -> tuple[np.ndarray, np.ndarray]:
    """eta and theta as contiguous arrays of the right shape. Raises InputError."""
    full = len(model.eta_names) + schedule.occasions * len(model.kappa_names)
    eta = _plain(eta)
    if eta.shape != (n_jobs, full):
        raise InputError("eta has the wrong shape", where=model.name, value=eta.shape, allowed=f"({n_jobs}, {full})")
    theta = model.theta_values if theta is None else np.asarray(theta, dtype=np.float64)
    theta = _plain(np.atleast_2d(theta))
    if theta.shape not in ((1, len(model.thetas)), (n_jobs, len(model.thetas))):
        raise InputError(
            "theta has the wrong shape", where=model.name, value=theta.shape, allowed=f"(n or 1, {len(model.thetas)})"
        )
    if auc and model.solver != "exact":
        raise InputError(
            "areas are exact only for exact models", where=model.name, remedy="declare an AUC state, or use exposure.auc"
        )
    return eta, theta


def _run(model, schedule: Schedule, course, eta, theta, threads, auc: bool, state: bool, rtol=None, atol=None):
    n_jobs, n_out = len(course), len(model.outputs)
    eta, theta = _fits(model, schedule, n_jobs, eta, theta, auc)
    out_ptr = np.zeros(n_jobs + 1, np.int64)
    np.cumsum(schedule.n_times[course], out=out_ptr[1:])
    n_rows = int(out_ptr[-1])
    width = n_out * (2 if auc else 1) + (len(model.states) if state else 0)
    if 8 * width * n_rows > LARGE:
        enough(8.0 * width * n_rows, f"what {n_jobs:,} courses with {n_rows:,} outputs give", where=model.name,
               remedy="play them part by part: dosetwin.simulate.in_parts(model, schedule, eta)")  # fmt: skip
    out = np.empty((n_rows, n_out))
    area = np.zeros((n_rows if auc else 0, n_out))
    states = np.zeros((n_rows if state else 0, len(model.states)))
    codes, stopped = np.zeros(n_jobs, np.int64), np.zeros(n_jobs)
    kernels, threads, s = compiled(model), threads or threads_available(), schedule
    jobs, given = (theta, eta, s.table, s.row0, s.ptr, s.time, s.kind), (s.index, s.amount, s.duration)
    rest = (s.rows, s.occasion, s.begin)
    if not auc and scalars.suits(model, schedule):
        _on_threads(
            kernels.run_scalars, n_jobs, threads, (course, *jobs, s.again, *given, *rest, out_ptr, out, states, codes, stopped)
        )
        odd = np.flatnonzero(codes == scalars.LEFT)
        if not len(odd):
            return out_ptr, out, None, states, codes, stopped
    else:
        odd = None
    tolerances = float(model.rtol if rtol is None else rtol), absolute(model, atol)
    if odd is None and abreast.suits(model, schedule):
        ways = (course, *jobs, *given, *rest, out_ptr, out, states, codes, stopped, *tolerances)
        _on_threads(kernels.run_abreast, n_jobs, threads, ways)
    elif odd is None:
        _on_threads(
            kernels.run,
            n_jobs,
            threads,
            (course, *jobs, *given, s.ii, *rest, out_ptr, out, area, states, codes, stopped, *tolerances),
        )
    for k in odd if odd is not None else ():
        kernels.run(k, k + 1, course, *jobs, *given, s.ii, *rest, out_ptr, out, area, states, codes, stopped, *tolerances)
    return out_ptr, out, (area if auc else None), states, codes, stopped


def _on_threads(kernel, n_jobs: int, threads: int, fixed: tuple) -> None:
    """Run the kernel for all jobs, on threads where they pay."""
    if n_jobs < 2 * JOBS_PER_CHUNK or threads == 1:
        kernel(0, n_jobs, *fixed)
        return
    size = max(JOBS_PER_CHUNK, -(-n_jobs // (threads * 8)))
    done = 0
    if not getattr(kernel, "signatures", True):
        # one job alone, so that the kernel is compiled (or read from the cache) once and not by every thread
        kernel(0, 1, *fixed)
        done = 1
    jobs = [_pool(threads).submit(kernel, lo, min(lo + size, n_jobs), *fixed) for lo in range(done, n_jobs, size)]
    for job in jobs:
        job.result()


def predict(
    model: Model,
    schedule: Schedule,
    eta: np.ndarray,
    *,
    theta: np.ndarray | None = None,
    course: int = 0,
    auc: bool = False,
    threads: int | None = None,
    since: float | None = None,
) -> Prediction:
    """One course under many parameter vectors.

    Parameters
    ----------
    eta : float64 [K, n_eta + occasions * n_kappa].
    theta : typical values, [n_theta] or [K, n_theta]; default the model's.
    auc : also the cumulative area under each output since the course's start (exact models).
    since : h; the history before it is shared with other calls and played once for these vectors; of a long one only as much as
        matters (to 1e-15), and areas then begin later: read their differences. Numbers do not depend on it otherwise.

    Returns
    -------
    Prediction : value [K, n_times, n_outputs], state [K, n_times, n_states], ok [K].

    Examples
    --------
    >>> import numpy as np
    >>> from dosetwin import Covariate, DoseEvent, Patient, Timeline, models, schedule_for
    >>> model = models.load("amikacin_decock_2012")
    >>> newborn = Timeline(
    ...     Patient("one", BW=1.1), (DoseEvent(0.0, 17.5, 0.5),),
    ...     covariates=(Covariate(0.0, "WT", 1.1, "kg"), Covariate(0.0, "PNA", 3.0, "d")),
    ... )
    >>> predict(model, schedule_for(model, newborn, [1.0, 24.0]), np.zeros((1, 2))).value[0, :, 0].round(1).tolist()
    [30.1, 4.8]
    """
    return predict_courses(model, schedule, eta, theta=theta, courses=(course,), auc=auc, threads=threads, since=since)[0]


def player(model: Model, schedule: Schedule) -> Callable[[np.ndarray], Prediction]:
    """``predict`` of the first course for vectors [K, n_full], float64: what does not depend on them is done once.

    For a search, which asks for a few vectors over and over: the same numbers in a third of the time.
    """

    def plainly(eta: np.ndarray) -> Prediction:
        return predict(model, schedule, eta)

    if schedule.n_courses != 1 or schedule.shares or not scalars.suits(model, schedule):
        return plainly
    s, kernel, n_t = schedule, compiled(model).run_scalars, int(schedule.n_times[0])
    full = len(model.eta_names) + s.occasions * len(model.kappa_names)
    n_out, n_states, theta, times = len(model.outputs), len(model.states), np.atleast_2d(model.theta_values), s.times_of(0)
    firmly = (s.table, s.row0, s.ptr, s.time, s.kind, s.again, s.index, s.amount, s.duration, s.rows, s.occasion, s.begin)
    course = np.zeros(2 * JOBS_PER_CHUNK, np.int64)
    out_ptr = np.arange(len(course) + 1) * n_t

    def play(eta: np.ndarray) -> Prediction:
        k = len(eta)
        if k >= 2 * JOBS_PER_CHUNK or eta.shape[1] != full or not eta.flags.c_contiguous:
            return plainly(eta)
        value, state = np.empty((k * n_t, n_out)), np.zeros((k * n_t, n_states))
        codes, stopped = np.zeros(k, np.int64), np.zeros(k)
        kernel(0, k, course, theta, eta, *firmly, out_ptr, value, state, codes, stopped)
        if any(codes.tolist()):
            return plainly(eta)
        return Prediction(times, value.reshape(k, n_t, n_out), state.reshape(k, n_t, n_states), codes == 0, codes)

    return play


def predict_courses(
    model: Model,
    schedule: Schedule,
    eta: np.ndarray,
    *,
    theta: np.ndarray | None = None,
    courses: Sequence[int] | None = None,
    auc: bool = False,
    threads: int | None = None,
    since: float | None = None,
) -> list[Prediction]:
    """Several courses (default all) under the same parameter vectors; see ``predict``. Their common history is played once."""
    which = range(schedule.n_courses) if courses is None else courses
    if schedule.shares:
        schedule, which = schedule.apart(list(which)), range(len(which))
    eta = np.atleast_2d(np.asarray(eta, dtype=np.float64))
    side_by_side = len(model.states) > 2 or since is not None or len(which) > 1
    if side_by_side and len(eta) and past.playable(model, schedule):
        eta, typical = _fits(model, schedule, len(eta), eta, theta, auc)
        threads = threads or threads_available()
        found = past.play(model, schedule, which, eta, typical, since=since, auc=auc, threads=threads,
                          pool=_pool(threads))  # fmt: skip
        if found is not None:
            return [_one(schedule, c, n, found) for n, c in enumerate(which)]
    return [_from_start(model, schedule, eta, theta, c, auc, threads) for c in which]


def predict_between(
    model: Model, schedule: Schedule, eta: np.ndarray, begin: int, state: np.ndarray | None, end: int, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray] | None:
    """``past.play_between`` on threads; None also for models and courses that are not played side by side."""
    if len(model.states) <= 2 or schedule.n_courses != 1 or not past.playable(model, schedule):
        return None
    eta, _ = _fits(model, schedule, len(eta), eta, None, False)
    threads = threads_available()
    return past.play_between(model, schedule, eta, begin, state, end, out, threads=threads, pool=_pool(threads))


def _one(schedule: Schedule, course: int, n: int, found) -> Prediction:
    """The ``n``-th of several courses played together."""
    out, area, state, bad, offset = found
    rows, failed = slice(offset[n], offset[n + 1]), bad[:, n]
    value, states, areas = out[:, rows], state[:, rows], None if area is None else area[:, rows]
    if failed.any():
        # a failure is a value: nothing half computed is left to be mistaken for a result
        for array in (value, states, *(() if areas is None else (areas,))):
            array[failed] = np.nan
    return Prediction(schedule.times_of(course), value, states, ~failed, np.where(failed, ode.STEP_TOO_SMALL, ode.OK), areas)


def _from_start(model, schedule: Schedule, eta, theta, course: int, auc: bool, threads: int | None) -> Prediction:
    k = len(eta)
    jobs = np.full(k, course, dtype=np.int64)
    _, out, area, states, codes, _ = _run(model, schedule, jobs, eta, theta, threads, auc, True)
    n_t = int(schedule.n_times[course])
    return Prediction(
        time=schedule.times_of(course),
        value=out.reshape(k, n_t, -1),
        state=states.reshape(k, n_t, -1),
        ok=codes == 0,
        code=codes,
        auc=None if area is None else area.reshape(k, n_t, -1),
    )


def simulate(
    model: Model,
    schedule: Schedule,
    eta: np.ndarray | None = None,
    *,
    theta: np.ndarray | None = None,
    course: Sequence[int] | np.ndarray | None = None,
    threads: int | None = None,
    auc: bool = False,
    rtol: float | None = None,
    atol: float | Sequence[float] | None = None,
) -> Trajectory:
    """A cohort: job k runs course[k] (default: its own) with eta[k] (default: typical).

    Results do not depend on the number of threads. ``rtol`` and ``atol`` override the model's tolerances (ODE models;
    one ``atol`` holds for the outputs, see ``tolerances``).
    """
    which = np.arange(schedule.n_courses) if course is None else np.asarray(course)
    which = np.ascontiguousarray(which, dtype=np.int64)
    if eta is None:
        eta = np.zeros((len(which), len(model.eta_names) + schedule.occasions * len(model.kappa_names)))
    out_ptr, out, area, _, codes, stopped = _run(model, schedule, which, eta, theta, threads, auc, False, rtol, atol)
    failures = tuple(
        Failure(schedule.ids[which[k]], f"solver_{codes[k]}", f"{ode.MESSAGES.get(int(codes[k]), 'failed')} at {stopped[k]:g} h")
        for k in np.flatnonzero(codes)
    )
    return Trajectory(
        ids=schedule.ids if course is None else tuple(schedule.ids[c] for c in which),
        outputs=tuple(model.outputs),
        ptr=out_ptr,
        times=(schedule.out_time, schedule.out_ptr[schedule.table[which]]),
        value=out,
        ok=codes == 0,
        failures=failures,
        auc=area,
    )


def in_parts(
    model: Model,
    schedule: Schedule,
    eta: np.ndarray,
    *,
    theta: np.ndarray | None = None,
    megabytes: float = 64.0,
    threads: int | None = None,
    rtol: float | None = None,
    atol: float | Sequence[float] | None = None,
) -> Iterator[Trajectory]:
    """A cohort as ``simulate`` plays it, some subjects at a time: each part's results take ``megabytes`` at most.

    For cohorts whose results together are larger than memory; write each part, or keep what is asked of it.
    """
    size = 8e-6 * len(model.outputs) * np.cumsum(schedule.n_times)
    lo = 0
    while lo < schedule.n_courses:
        before = size[lo - 1] if lo else 0.0
        hi = max(lo + 1, int(np.searchsorted(size, before + megabytes, side="right")))
        own = theta[lo:hi] if theta is not None and np.ndim(theta) == 2 and len(theta) > 1 else theta
        yield simulate(model, schedule, eta[lo:hi], theta=own, course=np.arange(lo, hi), threads=threads, rtol=rtol, atol=atol)
        lo = hi


def parameters(model: Model, schedule: Schedule, eta: np.ndarray, *, course: int = 0) -> dict[str, np.ndarray]:
    """Individual parameters in force at each output time of a course: name -> [K, n_times].

    Examples
    --------
    >>> import numpy as np
    >>> from dosetwin import Covariate, DoseEvent, Patient, Timeline, models, schedule_for
    >>> model = models.load("amikacin_decock_2012")
    >>> newborn = Timeline(
    ...     Patient("one", BW=1.1), (DoseEvent(0.0, 17.5, 0.5),),
    ...     covariates=(Covariate(0.0, "WT", 1.1, "kg"), Covariate(0.0, "PNA", 3.0, "d")),
    ... )
    >>> found = parameters(model, schedule_for(model, newborn, [24.0]), np.zeros((1, 2)))
    >>> sorted(found)
    ['CL', 'Q', 'V1', 'V2']
    """
    eta = np.atleast_2d(np.asarray(eta, dtype=np.float64))
    theta = model.theta()
    n, k = len(model.eta_names), len(model.kappa_names)
    # plain floats: in formulas run by the interpreter numpy's scalars cost several times as much
    rows, of = np.unique(schedule.rows_at_outputs(course), return_inverse=True)
    known = [(model.cov(*schedule.rows[r].tolist()), n + int(schedule.occasion[r]) * k) for r in rows]
    if not len(eta) or not known:
        return {}
    # draws that were resampled stand there several times
    told: dict[tuple[float, ...], list] = {}
    vectors = [tuple(vector) for vector in eta.tolist()]
    for vector in vectors:
        if vector not in told:
            told[vector] = [model.individual(theta, model.eta(*vector[:n], *vector[base : base + k]), cov) for cov, base in known]
    every = [told[vector] for vector in vectors]
    table = np.array(every, dtype=np.float64)  # [draw, row, parameter]
    return {name: table[:, of, p] for p, name in enumerate(every[0][0]._fields)}

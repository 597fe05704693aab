"""Courses of one patient under many parameter vectors, LANES vectors side by side; what the courses share is played once.

For exact models whose events do not depend on the parameters (no lag, no bioavailability, no steady state): every vector then has
the same steps, so that the numbers of LANES vectors lie beside each other and one instruction serves all of them. Results do not
depend on the neighbours: each lane has its own scaling. Templates and generated text, as in exact.py and ode.py.
"""

import inspect
import math
from functools import lru_cache

import numpy as np

from dosetwin.declare import Cov, Model
from dosetwin.simulate._globals import (
    ALLOWED,
    AREA_L,
    ENDO,
    ENDO_L,
    HAS_INITIAL,
    K0,
    K_L,
    LANE_ROWS,
    LANES,
    N_ETA,
    N_KAPPA,
    N_OUT,
    WORK_ROWS,
    X_L,
    N,
    individual,
    initial,
    lanes_advance,
    lanes_propagator,
    make_cov,
    make_eta,
    make_parameters,
    make_state,
    make_theta,
    observe,
    put_output,
    put_parameters,
    put_state,
)
from dosetwin.simulate.event_loop import COVARIATES, DOSE, OUTPUT, PENDING
from dosetwin.simulate.exact import build_linear
from dosetwin.simulate.typical import parameter_names

WIDTH = 8
"""Lanes: doubles in the widest register there is."""
PLAYED, ODD = 0, 1
BLOCKS = ("K_L", "E_L", "G_L", "H_L")


def layout(n: int, parameters: int) -> dict[str, int]:
    """First row (of LANES numbers) of every part of the work array for n states, and its number of rows."""
    out = {name: k * n * n for k, name in enumerate(BLOCKS)}
    at = len(BLOCKS) * n * n
    for name, size in (("X_L", n), ("ENDO_L", n), ("AREA_L", n), ("TAU_L", 1), ("DEEP_L", 1), ("P_L", parameters)):
        out[name] = at
        at += size
    return out | {"LANE_ROWS": at, "LANES": WIDTH}


def lanes_load(W, S, x, block, hi, theta, eta, rows, row, occasion, t, fresh):
    """Parameters and K of every lane under covariate row ``row``; ``fresh``: also the initial state. False: odd coupling."""
    cov = make_cov(rows, row)
    base = N_ETA + occasion[row] * N_KAPPA
    for lane in range(LANES):
        k = min(block + lane, hi - 1)
        p = individual(make_theta(theta, k if theta.shape[0] > 1 else 0), make_eta(eta, k, base), cov)
        put_parameters(p, W, lane)
        build_linear(S, p, cov, t)
        good = True
        for i in range(N):
            W[(ENDO_L + i) * LANES + lane] = S[ENDO, i]
            for j in range(N):
                if not math.isfinite(S[K0 + i, j]):
                    good = False
                elif S[K0 + i, j] != 0.0 and not ALLOWED[i * N + j]:
                    return False
                W[(K_L + i * N + j) * LANES + lane] = S[K0 + i, j]
        if not good:
            # where it stands, infinity times nothing may not reach every state: nothing of this vector is a number
            for i in range(N):
                W[(K_L + i * N + i) * LANES + lane] = math.nan
        if HAS_INITIAL and fresh:
            put_state(initial(p, cov), x)
            for i in range(N):
                W[(X_L + i) * LANES + lane] = x[i]
    return True


def run_lanes(lo, hi, courses, resume, split, theta, eta, ptr, time, kind, index, amount, duration, rows, occasion, begin,
              start, keep, offset, out, area_out, state_out, bad):  # fmt: skip
    """Play vectors lo..hi-1 through every course; the first ``split`` events, which all courses share, once.

    ``resume`` of them were played before and left the states (and areas) ``start`` [n, N + N_OUT]; those after ``split`` go to
    ``keep`` if that has rows. Outputs are among the first ``split`` only where there is one course. Vector k, row r of course c
    goes to out[k, offset[c] + r]; bad[k, c] becomes True where an output is not finite. Returns ODD, with nothing to be used,
    where something happens that lanes are not made for.
    """
    W = np.zeros(LANE_ROWS * LANES)
    S = np.zeros((WORK_ROWS, N))
    x, u, held_u, held_x = np.zeros(N), np.zeros(N), np.zeros(N), np.zeros(N * LANES)
    total, held_total = np.zeros((N_OUT, LANES)), np.zeros((N_OUT, LANES))
    queue, held_queue = np.zeros((PENDING, 3)), np.zeros((PENDING, 3))  # infusions that end: time, rate, compartment
    scratch = np.zeros((1, max(N_OUT, 1)))
    want_area, want_state = area_out.shape[0] > 0, state_out.shape[0] > 0
    for block in range(lo, hi, LANES):
        t, held_t = 0.0, 0.0
        pending, held_pending, row, held_row = 0, 0, 0, 0
        for part in range(len(courses) + 1):
            course = courses[max(part - 1, 0)]
            first = ptr[course]
            if part == 0 or split == 0:
                t, pending = begin[course], 0
                u[:] = 0.0
                W[X_L * LANES : (X_L + N) * LANES] = 0.0
                total[:] = 0.0
            else:
                t, pending, row = held_t, held_pending, held_row
                u[:] = held_u
                W[X_L * LANES : (X_L + N) * LANES] = held_x
                total[:] = held_total
                queue[:pending] = held_queue[:pending]
                if not lanes_load(W, S, x, block, hi, theta, eta, rows, row, occasion, t, False):
                    return ODD
            last_dt = -1.0
            if part != 1:
                r = offset[max(part - 1, 0)]  # after a shared beginning the first course goes on where that ended
            for ev in range(first if part == 0 else first + split, first + split if part == 0 else ptr[course + 1]):
                moving = part > 0 or ev >= first + resume
                target = time[ev]
                while True:
                    stop = target
                    pick = -1
                    for q in range(pending):
                        if queue[q, 0] <= stop:
                            stop = queue[q, 0]
                            pick = q
                    if stop > t:
                        if moving:
                            if stop - t != last_dt:
                                last_dt = stop - t
                                lanes_propagator(W, S, last_dt, want_area)
                            lanes_advance(W, u, want_area)
                            if want_area:
                                cov = make_cov(rows, row)
                                for lane in range(LANES):
                                    for i in range(N):
                                        x[i] = W[(AREA_L + i) * LANES + lane]
                                    put_output(observe(make_state(x), make_parameters(W, lane), cov), scratch, 0)
                                    for i in range(N_OUT):
                                        total[i, lane] += scratch[0, i]
                        t = stop
                    if pick < 0:
                        break
                    u[int(queue[pick, 2])] -= queue[pick, 1]
                    pending -= 1
                    for q in range(3):
                        queue[pick, q] = queue[pending, q]
                    if pending == 0:
                        # all rates have ended: remove what rounding left of the sums
                        u[:] = 0.0
                if kind[ev] == COVARIATES:
                    row = index[ev]
                    last_dt = -1.0
                    if moving and not lanes_load(W, S, x, block, hi, theta, eta, rows, row, occasion, t, ev == first):
                        return ODD
                elif kind[ev] == DOSE:
                    where = index[ev] % N
                    length = duration[ev]
                    if length > 0.0:
                        if pending + 2 > PENDING:
                            return ODD
                        u[where] += amount[ev] / length
                        queue[pending, 0], queue[pending, 1], queue[pending, 2] = t + length, amount[ev] / length, where
                        pending += 1
                    elif moving:
                        for lane in range(LANES):
                            W[(X_L + where) * LANES + lane] += amount[ev]
                elif kind[ev] == OUTPUT:
                    cov = make_cov(rows, row)
                    for lane in range(min(LANES, hi - block) if moving else 0):
                        k = block + lane
                        for i in range(N):
                            x[i] = W[(X_L + i) * LANES + lane]
                        put_output(observe(make_state(x), make_parameters(W, lane), cov), out[k], r)
                        for i in range(N_OUT):
                            if not math.isfinite(out[k, r, i]):
                                bad[k, max(part - 1, 0)] = True
                            if want_area:
                                area_out[k, r, i] = total[i, lane]
                        if want_state:
                            for i in range(N):
                                state_out[k, r, i] = x[i]
                    r += 1
                else:
                    return ODD
                if part == 0 and ev == first + resume - 1:
                    for lane in range(LANES):
                        k = min(block + lane, hi - 1)
                        for i in range(N):
                            W[(X_L + i) * LANES + lane] = start[k, i]
                        for i in range(N_OUT):
                            total[i, lane] = start[k, N + i]
                    if not lanes_load(W, S, x, block, hi, theta, eta, rows, row, occasion, t, False):
                        return ODD
            if part == 0:
                held_t, held_pending, held_row = t, pending, row
                held_u[:] = u
                held_x[:] = W[X_L * LANES : (X_L + N) * LANES]
                held_total[:] = total
                held_queue[:pending] = queue[:pending]
                if keep.shape[0] > 0:
                    for lane in range(min(LANES, hi - block)):
                        for i in range(N):
                            keep[block + lane, i] = W[(X_L + i) * LANES + lane]
                        for i in range(N_OUT):
                            keep[block + lane, N + i] = total[i, lane]
    return PLAYED


def couplings(model: Model) -> np.ndarray:
    """[N, N] bool: which states can reach which, read off K at drawn parameters; what the kernel computes at most.

    A coupling that none of these shows stops the lanes at run time, and the plain kernel serves.
    """
    rng, n = np.random.default_rng(0), len(model.states)
    found = np.eye(n, dtype=bool)
    zero = model.state(*([0.0] * n))
    for _ in range(6):
        cov = model.cov(*(_inside(c, rng) for c in model.covs.values()))
        eta = model.eta(*rng.normal(0.0, 0.2, len(model.etas)))
        p = model.individual(model.theta(), eta, cov)
        rest = np.array(model.dynamics(0.0, zero, p, cov), dtype=np.float64)
        for j in range(n):
            unit = model.state(*(float(i == j) for i in range(n)))
            found[:, j] |= np.array(model.dynamics(0.0, unit, p, cov), dtype=np.float64) - rest != 0.0
    for _ in range(n):
        found = found | (found.astype(int) @ found.astype(int) > 0)
    return found


@lru_cache(maxsize=256)
def positive(model: Model) -> bool:
    """Whether no state lowers another, at drawn parameters: amounts and concentrations that flow, as in compartments."""
    rng, n = np.random.default_rng(1), len(model.states)
    zero = model.state(*([0.0] * n))
    for _ in range(6):
        cov = model.cov(*(_inside(c, rng) for c in model.covs.values()))
        p = model.individual(model.theta(), model.eta(*rng.normal(0.0, 0.2, len(model.etas))), cov)
        rest = np.array(model.dynamics(0.0, zero, p, cov), dtype=np.float64)
        for j in range(n):
            unit = model.state(*(float(i == j) for i in range(n)))
            flow = np.array(model.dynamics(0.0, unit, p, cov), dtype=np.float64) - rest
            if np.any(np.delete(flow, j) < 0.0):
                return False
    return True


def _inside(c: Cov, rng: np.random.Generator) -> float:
    if c.flag:
        return float(rng.integers(2))
    low = c.low if math.isfinite(c.low) else 1.0
    high = c.high if math.isfinite(c.high) else low + 1.0
    return float(low + (high - low) * rng.uniform(0.2, 0.8))


def unrolled(n: int, allowed: np.ndarray, closed: bool) -> str:
    """lanes_propagator and lanes_advance for n states; ``closed``: the scalar propagator in closed form, lane by lane."""
    cells = [(i, j) for i in range(n) for j in range(n) if allowed[i, j]]

    def at(block: str, i: int, j: int = 0) -> str:
        return f"W[({block} + {i * n + j if block in BLOCKS else i}) * LANES + lane]"

    def product(left: str, right: str, i: int, j: int) -> str:
        """Entry i, j of a product of named cells."""
        return " + ".join(f"{left}{i}_{m} * {right}{m}_{j}" for m in range(n) if allowed[i, m] and allowed[m, j])

    def load(block: str, name: str) -> list[str]:
        return [f"{name}{i}_{j} = {at(block, i, j)}" for i, j in cells]

    def loop(lines: list[str], indent: int = 1) -> list[str]:
        pad = "    " * indent
        return [f"{pad}for lane in range(LANES):", *(f"{pad}    {line}" for line in lines)]

    if closed:
        body = ["deepest = 0", "for lane in range(LANES):"]
        body += [f"    S[K0 + {i}, {j}] = {at('K_L', i, j)}" for i in range(n) for j in range(n)]
        body += ["    propagator(S, dt, want_area)"]
        for block, scalar in (("E_L", "E0"), ("G_L", "G0"), ("H_L", "H0")):
            body += [f"    {at(block, i, j)} = S[{scalar} + {i}, {j}]" for i, j in cells]
        text = ["@jit", "def lanes_propagator(W, S, dt, want_area):", *(f"    {line}" for line in body)]
    else:
        text = ["@jit", "def lanes_propagator(W, S, dt, want_area):", "    deepest = 0.0", "    for lane in range(LANES):"]
        columns = ["+".join(f"abs({at('K_L', i, j)})" for i in range(n) if allowed[i, j]) for j in range(n)]
        text += ["        norm = 0.0", *(f"        norm = max(norm, {c})" for c in columns)]
        text += ["        tau, depth = dt, 0.0", "        while norm * tau > TAYLOR_RADIUS and depth < 60.0:",
                 "            tau *= 0.5", "            depth += 1.0", f"        {at('TAU_L', 0)} = tau",
                 f"        {at('DEEP_L', 0)} = depth", "        deepest = max(deepest, depth)"]  # fmt: skip
        # H = tau^2 sum (K tau)^k / (k+2)!, by Horner; then G = tau I + K H, E = I + K G
        text += loop([f"{at('H_L', i, j)} = {float(i == j)}" for i, j in cells])
        text += ["    for k in range(TAYLOR_ORDER, 0, -1):", "        share = 1.0 / (k + 2)"]
        horner = [f"scale = {at('TAU_L', 0)} * share", *load("K_L", "k"), *load("H_L", "h")]
        horner += [f"{at('H_L', i, j)} = ({product('k', 'h', i, j)}) * scale{' + 1.0' if i == j else ''}" for i, j in cells]
        text += loop(horner, 2)
        last = [f"tau = {at('TAU_L', 0)}", "half = 0.5 * tau * tau", *load("K_L", "k")]
        last += [f"h{i}_{j} = {at('H_L', i, j)} * half" for i, j in cells]
        last += [f"{at('H_L', i, j)} = h{i}_{j}" for i, j in cells]
        last += [f"g{i}_{j} = {product('k', 'h', i, j)}{' + tau' if i == j else ''}" for i, j in cells]
        last += [f"{at('G_L', i, j)} = g{i}_{j}" for i, j in cells]
        last += [f"{at('E_L', i, j)} = {product('k', 'g', i, j)}{' + 1.0' if i == j else ''}" for i, j in cells]
        text += loop(last)
        # one step of length 2 tau, in the lanes that still need it: H <- H + tau G + E H, G <- G + E G, E <- E E
        text += ["    for d in range(int(deepest)):", "        if want_area:"]
        area = [f"tau = {at('TAU_L', 0)}", f"on = d < {at('DEEP_L', 0)}", *load("E_L", "e"), *load("G_L", "g"), *load("H_L", "h")]
        area += [
            f"{at('H_L', i, j)} = h{i}_{j} + tau * g{i}_{j} + {product('e', 'h', i, j)} if on else h{i}_{j}" for i, j in cells
        ]
        text += loop(area, 3)
        twice = [f"on = d < {at('DEEP_L', 0)}", *load("E_L", "e"), *load("G_L", "g")]
        twice += [f"{at('G_L', i, j)} = g{i}_{j} + {product('e', 'g', i, j)} if on else g{i}_{j}" for i, j in cells]
        twice += [f"{at('E_L', i, j)} = {product('e', 'e', i, j)} if on else e{i}_{j}" for i, j in cells]
        twice += [f"{at('TAU_L', 0)} = {at('TAU_L', 0)} * 2.0 if on else {at('TAU_L', 0)}"]
        text += loop(twice, 2)
    force = [f"u{j} = u[{j}]" for j in range(n)]
    inside = [f"x{j} = {at('X_L', j)}" for j in range(n)] + [f"f{j} = u{j} + {at('ENDO_L', j)}" for j in range(n)]

    def mapped(first: str, second: str, i: int) -> str:
        return " + ".join(f"{at(first, i, j)} * x{j} + {at(second, i, j)} * f{j}" for j in range(n) if allowed[i, j])

    text += ["", "", "@jit", "def lanes_advance(W, u, want_area):", *(f"    {line}" for line in force), "    if want_area:"]
    text += loop([*inside, *(f"{at('AREA_L', i)} = {mapped('G_L', 'H_L', i)}" for i in range(n))], 2)
    text += loop([*inside, *(f"{at('X_L', i)} = {mapped('E_L', 'G_L', i)}" for i in range(n))])
    return "\n".join(text) + "\n"


@lru_cache(maxsize=256)
def suits(model: Model) -> bool:
    """Whether a model's vectors can be played side by side: exact, and no event's moment or size depends on the parameters."""
    return model.solver == "exact" and not any(name.startswith(("F_", "LAG_", "D_", "R_")) for name in parameter_names(model))


def source_of(model: Model, closed: bool) -> list[str]:
    """The text of the lanes' part of a model's kernel, after its functions and the templates of exact.py."""
    n, allowed, fields = len(model.states), couplings(model), parameter_names(model)
    constants = layout(n, len(fields)) | {"ALLOWED": tuple(bool(a) for a in allowed.ravel()), "PLAYED": PLAYED, "ODD": ODD}
    made = ", ".join(f"W[(P_L + {i}) * LANES + lane]" for i in range(len(fields)))
    put = "\n".join(f"    W[(P_L + {i}) * LANES + lane] = p[{i}]" for i in range(len(fields)))
    jit = '@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FASTMATH)\n'
    return [
        "".join(f"{k} = {v!r}\n" for k, v in constants.items()),
        f"lane_parameters = namedtuple('lane_parameters', {list(fields)!r})\n",
        f"@jit\ndef make_parameters(W, lane):\n    return lane_parameters({made})\n",
        f"@jit\ndef put_parameters(p, W, lane):\n{put}\n",
        unrolled(n, allowed, closed),
        "@jit\n" + inspect.getsource(lanes_load),
        jit + inspect.getsource(run_lanes),
    ]

"""Courses of stepped models, LANES at a time, each with events and steps of its own: one instruction serves all lanes.

A lane plays a course until it ends and takes the next; which courses its neighbours play does not enter its numbers, so that they
are the same, to the bit, for any grouping, order and number of threads. Steps and their control are those of ode.py's explicit
stepper, but for a slope that is kept over an output, and a power of the error by Newton's iteration. For courses without steady
states and lags (``suits``); others go through event_loop.run. Templates and generated text, as in exact.py and lanes.py.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Sequence
from fractions import Fraction
from types import BuiltinFunctionType, FunctionType

import numpy as np

from dosetwin.declare import Model
from dosetwin.simulate._globals import (
    HAS_INITIAL,
    N_ETA,
    N_KAPPA,
    N_OUT,
    N,
    bioavailability,
    individual,
    initial,
    make_cov,
    make_eta,
    make_theta,
    modelled_duration,
    modelled_rate,
    observe,
    put_state,
)
from dosetwin.simulate.event_loop import (
    BY_RATE,
    CONSTANT,
    COVARIATES,
    DOSE,
    MODEL_DURATION,
    MODEL_RATE,
    OUTPUT,
    PENDING,
    RESET,
)
from dosetwin.simulate.ode import DP_A, DP_C, DP_LOW, MAX_STEPS, NO_INPUT, OK, STEP_TOO_SMALL, TOO_MANY_PENDING, TOO_MANY_STEPS
from dosetwin.simulate.schedule import Schedule
from dosetwin.simulate.typical import has_lag, parameter_names

WIDTH, FEWER = 32, 8
"""Lanes: four of the widest registers there are, so that the others' divisions run behind one's; of a model whose slopes take
exponentials, which are computed one by one, one register."""
SINGLE = ("T_A", "STOP_A", "STEP_A", "TRIED_A", "LAST_A", "ERR_A", "COUNT_A", "CODE_A", "GOING_A")
Y_A = U_A = T_A = STOP_A = STEP_A = COUNT_A = CODE_A = GOING_A = ABREAST_ROWS = ABREAST = 0  # of ``layout``, for each model


def _undefined(*args):
    raise RuntimeError("a kernel template was called outside a generated kernel")


put_abreast_output = abreast_state = abreast_parameters = abreast_cov = put_abreast = abreast_begin = abreast_step = _undefined


def suits(model: Model, schedule: Schedule) -> bool:
    """Whether these courses are played abreast: stepped explicitly, no steady state to be found, no lag."""
    return steps(model) and schedule.kinds <= {COVARIATES, DOSE, OUTPUT, RESET}


def steps(model: Model) -> bool:
    """Whether a model's kernel has this part."""
    return model.solver == "explicit" and not has_lag(model)


def width(model: Model) -> int:
    """Lanes of a model: ``FEWER`` where its slopes call more than square roots."""
    seen: set[str] = set()
    waiting: list[FunctionType] = [model.dynamics]
    while waiting:
        function = waiting.pop()
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
            if isinstance(node, ast.Pow):
                return FEWER
            found = function.__globals__.get(node.id) if isinstance(node, ast.Name) else None
            if isinstance(node, ast.Attribute) and function.__globals__.get(getattr(node.value, "id", "")) is math:
                found = getattr(math, node.attr)
            if isinstance(found, BuiltinFunctionType) and found.__module__ == "math" and found not in (math.sqrt, math.fabs):
                return FEWER
            if isinstance(found, FunctionType) and found.__name__ not in seen:
                seen.add(found.__name__)
                waiting.append(found)
    return WIDTH


EITHER = """@numba.extending.intrinsic
def either_(context, chosen, one, other):
    def build(context, builder, signature, arguments):
        return builder.select(*arguments)
    return numba.float64(numba.boolean, numba.float64, numba.float64), build
"""
"""``one if chosen else other`` without a branch: a loop with branches that share conditions is compiled lane by lane."""


def layout(n: int, parameters: int, covariates: int, lanes: int) -> dict[str, int]:
    """First row (of ABREAST numbers) of every part of the work array for n states, and its number of rows."""
    out, at = {}, 0
    parts = [("Y_A", n), ("U_A", n), ("Z_A", n), *((f"K{s}_A", n) for s in range(7))]
    for name, size in (*parts, *((name, 1) for name in SINGLE), ("P_A", parameters), ("C_A", covariates)):
        out[name] = at
        at += size
    return out | {"ABREAST_ROWS": at, "ABREAST": lanes}


def run_abreast(lo, hi, course, theta, eta, table, row0, ptr, time, kind, index, amount, duration, rows, occasion, begin,
                out_ptr, out, state_out, codes, stopped, rtol, atol):  # fmt: skip
    """Simulate jobs lo..hi-1 as event_loop.run does."""
    # from a multiple of 64 bytes on: a register that is read across two lines of the cache takes twice as long
    held = np.zeros(ABREAST_ROWS * ABREAST + 8)
    W = held[(-held.ctypes.data // 8) % 8 :]
    bits = np.zeros(ABREAST, np.int64)
    power = bits.view(np.float64)
    x = np.zeros(N)
    job, event, place = np.full(ABREAST, -1), np.zeros(ABREAST, np.int64), np.zeros(ABREAST, np.int64)
    waiting, ends, there = np.zeros(ABREAST, np.int64), np.zeros(ABREAST, np.int64), np.zeros(ABREAST, np.int64)
    queue = np.zeros((ABREAST, PENDING, 4))  # inputs to come: time, amount or change of rate, compartment, 1 for a rate
    want_state = state_out.shape[0] > 0
    # in whole registers of eight: what is left over would be played as numbers, whose last bits differ
    lanes = min(ABREAST, 8 * ((hi - lo + 7) // 8))
    following, playing = lo, 0
    while True:
        n_there = 0
        for lane in range(lanes):
            there[n_there] = lane
            n_there += W[GOING_A * ABREAST + lane] == 0.0
        for found in range(n_there):
            lane = there[found]
            k = job[lane]
            if k < 0 and following >= hi:
                continue
            code = int(W[CODE_A * ABREAST + lane])
            t = W[T_A * ABREAST + lane]
            ev, row, pending = event[lane], place[lane], waiting[lane]
            fresh = False
            beyond = ends[lane]
            while True:
                if k >= 0 and code == OK:
                    # what is due now, and where this course must stop next
                    while ev < beyond and code == OK:
                        stop = time[ev]
                        pick = -1
                        for q in range(pending):
                            if queue[lane, q, 0] <= stop:
                                stop = queue[lane, q, 0]
                                pick = q
                        if stop > t:
                            W[STOP_A * ABREAST + lane] = stop
                            break
                        if pick >= 0:
                            where = int(queue[lane, pick, 2])
                            if queue[lane, pick, 3] == 0.0:
                                W[(Y_A + where) * ABREAST + lane] += queue[lane, pick, 1]
                            else:
                                W[(U_A + where) * ABREAST + lane] += queue[lane, pick, 1]
                            pending -= 1
                            for q in range(4):
                                queue[lane, pick, q] = queue[lane, pending, q]
                            if pending == 0:
                                # all rates have ended: remove what rounding left of the sums
                                for i in range(N):
                                    W[(U_A + i) * ABREAST + lane] = 0.0
                            fresh = True
                            continue
                        what = kind[ev]
                        if what == OUTPUT:
                            put_abreast_output(
                                observe(abreast_state(W, lane), abreast_parameters(W, lane), abreast_cov(W, lane)), out, row
                            )
                            for i in range(N_OUT):
                                if not math.isfinite(out[row, i]):
                                    code = STEP_TOO_SMALL
                            if want_state:
                                for i in range(N):
                                    state_out[row, i] = W[(Y_A + i) * ABREAST + lane]
                            row += 1
                        elif what == COVARIATES:
                            r = index[ev] + row0[course[k]]
                            cov = make_cov(rows, r)
                            e = make_eta(eta, k, N_ETA + occasion[r] * N_KAPPA)
                            put_abreast(individual(make_theta(theta, k if theta.shape[0] > 1 else 0), e, cov), cov, W, lane)
                            fresh = True
                        elif what == RESET:
                            for i in range(N):
                                x[i] = 0.0
                            if HAS_INITIAL:
                                put_state(initial(abreast_parameters(W, lane), abreast_cov(W, lane)), x)
                            for i in range(N):
                                W[(Y_A + i) * ABREAST + lane] = x[i]
                                W[(U_A + i) * ABREAST + lane] = 0.0
                            pending = 0
                            fresh = True
                        else:
                            where = index[ev] % N
                            mode = index[ev] // N
                            p = abreast_parameters(W, lane)
                            share = 1.0 if mode == CONSTANT else bioavailability(p, where)
                            given = amount[ev] * share
                            length = duration[ev]
                            if mode == BY_RATE:
                                length *= share
                            elif mode >= MODEL_RATE and mode != CONSTANT:
                                length = (
                                    modelled_duration(p, where) if mode == MODEL_DURATION else given / modelled_rate(p, where)
                                )
                                if not (length > 0.0 and length < math.inf):
                                    code = NO_INPUT
                            if pending + 2 > PENDING:
                                code = TOO_MANY_PENDING
                            elif code == OK and length > 0.0:
                                W[(U_A + where) * ABREAST + lane] += given / length
                                queue[lane, pending, 0], queue[lane, pending, 1] = t + length, -given / length
                                queue[lane, pending, 2], queue[lane, pending, 3] = where, 1.0
                                pending += 1
                            elif code == OK:
                                W[(Y_A + where) * ABREAST + lane] += given
                            fresh = True
                        ev += 1
                    if ev < beyond and code == OK:
                        break
                if k >= 0:
                    codes[k] = code
                    if code != OK:
                        stopped[k] = t
                        # a failure is a value: nothing half computed is left to be mistaken for a result
                        for r in range(out_ptr[k], out_ptr[k + 1]):
                            for i in range(N_OUT):
                                out[r, i] = math.nan
                            if want_state:
                                for i in range(N):
                                    state_out[r, i] = math.nan
                    k = -1
                    playing -= 1
                code = OK
                if following >= hi:
                    W[STOP_A * ABREAST + lane] = t
                    break
                playing += 1
                k = following
                following += 1
                c = course[k]
                ev, beyond = ptr[table[c]], ptr[table[c] + 1]
                row, pending, t = out_ptr[k], 0, begin[c]
                # the first event of a course is always its first covariate row
                r = index[ev] + row0[c]
                cov = make_cov(rows, r)
                e = make_eta(eta, k, N_ETA + occasion[r] * N_KAPPA)
                p = individual(make_theta(theta, k if theta.shape[0] > 1 else 0), e, cov)
                put_abreast(p, cov, W, lane)
                for i in range(N):
                    x[i] = 0.0
                if HAS_INITIAL:
                    put_state(initial(p, cov), x)
                for i in range(N):
                    W[(Y_A + i) * ABREAST + lane] = x[i]
                    W[(U_A + i) * ABREAST + lane] = 0.0
                fresh = True
                ev += 1
            event[lane], place[lane], waiting[lane] = ev, row, pending
            # what a lane wrote alone is slow to read as a row: no more than must be
            if k != job[lane]:
                job[lane], ends[lane] = k, beyond
                W[T_A * ABREAST + lane], W[CODE_A * ABREAST + lane] = t, 0.0
            if fresh and k >= 0:
                abreast_begin(W, lane, rtol, atol)
        if playing == 0:
            return
        abreast_step(W, lanes, bits, power, rtol, atol)


def generated(model: Model, sizes: dict[str, int]) -> str:
    """abreast_begin (slope and first step of one lane) and abreast_step (one step tried in every lane).

    Places in the work array are written as numbers: names, sums and products of each would be compiled too.
    """
    n, stride = len(model.states), sizes["ABREAST"]

    def at(name: str, j: int = 0) -> str:
        return f"W[{(sizes[name] + j) * stride} + lane]"

    def several(name: str, count: int) -> str:
        return ", ".join(at(name, j) for j in range(count))

    def loop(lines: list[str]) -> list[str]:
        return ["    for lane in range(lanes):", *(f"        {line}" for line in lines)]

    known = f"abreast_fields({several('P_A', len(parameter_names(model)))}), cov_({several('C_A', len(model.covs))})"

    def slope(into: str, state: list[str], time: str) -> list[str]:
        states = ", ".join(state) + ("," if n == 1 else "")
        return [
            f"d = dynamics({time}, state_({states}), {known})",
            *(f"{at(into, j)} = d[{j}] + {at('U_A', j)}" for j in range(n)),
        ]

    def total(weights: Sequence[Fraction], j: int) -> str:
        return " + ".join(f"{float(w)!r} * {at(f'K{q}_A', j)}" for q, w in enumerate(weights) if w)

    first = [*slope("K0_A", [at("Y_A", j) for j in range(n)], at("T_A")), "d0 = 0.0; d1 = 0.0"]
    size = "s = atol[{j}] + rtol * abs({y}); d0 += ({y} / s) ** 2; d1 += ({k} / s) ** 2"
    first += [size.format(j=j, y=at("Y_A", j), k=at("K0_A", j)) for j in range(n)]
    first += [f"d0 = math.sqrt(d0 / {n}); d1 = math.sqrt(d1 / {n})"]
    first += [f"{at('STEP_A')} = 1e-6 if (d0 < 1e-5 or d1 < 1e-5) else 0.05 * d0 / d1"]
    text = ["@jit", "def abreast_begin(W, lane, rtol, atol):", *(f"    {line}" for line in first), "", "", "@jit"]
    text += ["def abreast_step(W, lanes, bits, power, rtol, atol):"]
    text += loop([
        f"h = {at('STEP_A')}; left = {at('STOP_A')} - {at('T_A')}",
        f"last = {at('T_A')} + h * (1.0 + 1e-9) >= {at('STOP_A')}",
        f"{at('LAST_A')} = either_(last, 1.0, 0.0)",
        f"{at('TRIED_A')} = either_(last, left, h)",
    ])  # fmt: skip
    for s in range(1, 7):
        weights = [Fraction(a) for a in DP_A[s]]
        time = f"{at('T_A')} + {float(Fraction(DP_C[s]))!r} * {at('TRIED_A')}"
        lines = [f"hh = {at('TRIED_A')}", *(f"z{j} = {at('Y_A', j)} + hh * ({total(weights, j)})" for j in range(n))]
        lines += [f"{at('Z_A', j)} = z{j}" for j in range(n) if s == 6]
        text += loop([*lines, *slope(f"K{s}_A", [f"z{j}" for j in range(n)], time)])
    weights = [Fraction(a) - Fraction(b) for a, b in zip((*DP_A[6], "0"), DP_LOW, strict=True)]
    wrong = [f"hh = {at('TRIED_A')}; err = 0.0"]
    for j in range(n):
        y, z = f"abs({at('Y_A', j)})", f"abs({at('Z_A', j)})"
        wrong.append(f"y = {y}; z = {z}; e = hh * ({total(weights, j)}) / (atol[{j}] + rtol * (y if y > z else z)); err += e * e")
    # what is not finite compares false: the largest error
    wrong += [f"err = err * {1.0 / n!r}", f"{at('ERR_A')} = (err if err > 1e-16 else 1e-16) if err < 1e60 else 1e60"]
    text += loop(wrong)
    text += loop([f"power[lane] = {at('ERR_A')}"])
    # x ** -0.1 of squared errors: a tenth of the exponent by its bits, in shifts (3 % off), then Newton
    tenth = (4, 5, 8, 9, 12, 13)
    one = 0x3FF0000000000000
    text += loop(
        [f"b = bits[lane]; bits[lane] = {one + sum(one >> k for k in tenth)} - ({' + '.join(f'(b >> {k})' for k in tenth)})"]
    )
    newton = ["y = power[lane]", f"x = 0.1 * {at('ERR_A')}"]
    newton += ["w = y * y; q = w * w; y = y * (1.1 - x * (q * q * w))"] * 4
    text += loop([*newton, "power[lane] = y"])
    text += loop([
        f"hh = {at('TRIED_A')}; h = {at('STEP_A')}; err = {at('ERR_A')}; t = {at('T_A')}",
        f"going = t < {at('STOP_A')}; last = {at('LAST_A')} > 0.0",
        "good = (err <= 1.0) & going",
        "grow = 0.9 * power[lane]",
        "up = hh * either_(grow < 5.0, grow, 5.0)",
        "longer = either_((grow < 1.0) | (hh >= 0.999 * h) | (up > h), up, h)",
        "shorter = hh * either_(err < 1e60, either_(grow > 0.2, grow, 0.2), 0.1)",
        "new = either_(err <= 1.0, longer, shorter)",
        f"{at('STEP_A')} = either_(going, new, h)",
        f"ahead = either_(last, {at('STOP_A')}, t + hh)",
        f"{at('T_A')} = either_(good, ahead, t)",
        "size = either_(abs(t) > 1e-3, abs(t), 1e-3)",
        f"count = {at('COUNT_A')} + 1.0",
        "there = (not going) | (good & last)",
        f"{at('COUNT_A')} = either_(there, 0.0, count)",
        "small = (err > 1.0) & ((shorter < 1e-13 * size) | (not (shorter > 0.0)))",
        f"many = (count >= {float(MAX_STEPS)}) & (not there)",
        f"code = either_(many, {float(TOO_MANY_STEPS)}, either_(small, {float(STEP_TOO_SMALL)}, 0.0))",
        f"{at('CODE_A')} = either_(going, code, 0.0)",
        f"{at('GOING_A')} = either_(there | (code > 0.0), 0.0, 1.0)",
        *(f"{at('Y_A', j)} = either_(good, {at('Z_A', j)}, {at('Y_A', j)})" for j in range(n)),
        *(f"{at('K0_A', j)} = either_(good, {at('K6_A', j)}, {at('K0_A', j)})" for j in range(n)),
    ])  # fmt: skip
    return "\n".join(text) + "\n"


def source_of(model: Model) -> list[str]:
    """The text of this part of a model's kernel, after its functions and the event loop."""
    fields, covariates = parameter_names(model), list(model.covs)
    sizes = layout(len(model.states), len(fields), len(covariates), width(model))
    made = ", ".join(f"W[(P_A + {i}) * ABREAST + lane]" for i in range(len(fields)))
    state = "".join(f"W[(Y_A + {j}) * ABREAST + lane], " for j in range(len(model.states)))
    known = ", ".join(f"W[(C_A + {i}) * ABREAST + lane]" for i in range(len(covariates)))
    given = [f"    out[r, {i}] = o[{i}]" for i in range(len(model.outputs))]
    put = [f"    W[(P_A + {i}) * ABREAST + lane] = p[{i}]" for i in range(len(fields))]
    put += [f"    W[(C_A + {i}) * ABREAST + lane] = cov[{i}]" for i in range(len(covariates))]
    jit = '@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath=FASTMATH)\n'
    return [
        "".join(f"{k} = {v!r}\n" for k, v in sizes.items()),
        f"abreast_fields = namedtuple('abreast_fields', {list(fields)!r})\n",
        f"@inlined\ndef abreast_state(W, lane):\n    return state_({state})\n",
        f"@inlined\ndef abreast_parameters(W, lane):\n    return abreast_fields({made})\n",
        f"@inlined\ndef abreast_cov(W, lane):\n    return cov_({known})\n",
        "\n".join(["@inlined", "def put_abreast_output(o, out, r):", *given, ""]),
        "\n".join(["@jit", "def put_abreast(p, cov, W, lane):", *put, "    return", ""]),
        f"import numba.extending\n\n{EITHER}",
        generated(model, sizes),
        jit + inspect.getsource(run_abreast),
    ]

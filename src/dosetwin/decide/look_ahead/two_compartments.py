"""Two compartments under many draws at once, exactly: propagators per piece of constant parameters, unit responses, plan metrics.

A search ahead tries thousands of plans on the same posterior draws. The model is linear in the dose, so one unit response per
possible starting time is solved once per draw, and a plan's level is a sum of them: draws lie side by side in memory, so that the
sums are vector operations. Parameters are constant on pieces (a day, a course of ibuprofen) that draws share; every step of the
grid is an exact propagation, so the grid is where levels are read, never an approximation.

Arrays: n draws, s pieces, T grid steps of ``dt`` h, u starting times, r rows (grid steps at which levels are
read), c plans, k doses.
"""

import math

import numpy as np
from numba import njit

CL, V1, Q, V2 = 0, 1, 2, 3
"""Columns of parameters: L/h, L, L/h, L."""


@njit(cache=True, nogil=True)
def propagators(parameters, dt):
    """Of each piece and draw over ``dt`` h: [s, 8, n] from ``parameters`` [n, s, 4].

    Rows: the four of exp(K dt), the integral's (0,0), (0,1), (1,0), and the double integral's (0,0): amounts move by the first
    four, a constant infusion adds rows 4 and 6 times its rate, the integral of the central amount needs 4, 5 and 7.
    """
    n, s = parameters.shape[0], parameters.shape[1]
    out = np.empty((s, 8, n))
    for j in range(s):
        for i in range(n):
            k10 = parameters[i, j, 0] / parameters[i, j, 1]
            k12 = parameters[i, j, 2] / parameters[i, j, 1]
            k21 = parameters[i, j, 2] / parameters[i, j, 3]
            total = k10 + k12 + k21
            root = math.sqrt(max(total * total - 4.0 * k10 * k21, 0.0))
            fast = -0.5 * (total + root)
            slow = k10 * k21 / fast
            e1, e2 = math.exp(slow * dt), math.exp(fast * dt)
            g1, g2 = math.expm1(slow * dt) / slow if slow != 0.0 else dt, math.expm1(fast * dt) / fast
            h1, h2 = (g1 - dt) / slow if slow < -1e-7 else 0.5 * dt * dt, (g2 - dt) / fast
            # f(K) = f(slow) (K - fast) / (slow - fast) - f(fast) (K - slow) / (slow - fast)
            w = 1.0 / (slow - fast)
            a = -(k10 + k12)
            out[j, 0, i] = w * (e1 * (a - fast) - e2 * (a - slow))
            out[j, 1, i] = w * (e1 - e2) * k21
            out[j, 2, i] = w * (e1 - e2) * k12
            out[j, 3, i] = w * (e1 * (-k21 - fast) - e2 * (-k21 - slow))
            out[j, 4, i] = w * (g1 * (a - fast) - g2 * (a - slow))
            out[j, 5, i] = w * (g1 - g2) * k21
            out[j, 6, i] = w * (g1 - g2) * k12
            out[j, 7, i] = w * (h1 * (a - fast) - h2 * (a - slow))
    return out


@njit(cache=True, nogil=True)
def course(P, V, piece, amounts, rate, level, area):
    """One course of every draw along the grid.

    ``P`` [s, 8, n] propagators, ``V`` [s, n] central volumes, ``piece`` [T] of each step, ``amounts`` [n, 2] at its beginning
    (moved to its end), ``rate`` [T] mg/h into the central compartment. Fills ``level`` [T + 1, n] mg/L and ``area`` [T + 1, n]
    mg h/L (an empty ``area``: not wanted). A level at a border of pieces is read with the volume of the piece that begins there.
    """
    T, n = len(rate), amounts.shape[0]
    want = area.shape[0] > 0
    first = piece[0] if T else 0
    for i in range(n):
        level[0, i] = amounts[i, 0] / V[first, i]
        if want:
            area[0, i] = 0.0
    for t in range(T):
        p = P[piece[t]]
        v = V[piece[t]]
        after = V[piece[t + 1]] if t + 1 < T else v
        R = rate[t]
        for i in range(n):
            x, y = amounts[i, 0], amounts[i, 1]
            if want:
                area[t + 1, i] = area[t, i] + (p[4, i] * x + p[5, i] * y + p[7, i] * R) / v[i]
            amounts[i, 0] = p[0, i] * x + p[1, i] * y + p[4, i] * R
            amounts[i, 1] = p[2, i] * x + p[3, i] * y + p[6, i] * R
            level[t + 1, i] = amounts[i, 0] / after[i]


@njit(cache=True, nogil=True)
def unit_responses(P, V, piece, amounts, starts, rows, infusion, dt):
    """Level and area at ``rows`` [r] steps, ascending: of what is in the body, then of 1 mg begun at each of ``starts`` [u].

    ``infusion`` steps (>= 1) of ``dt`` h each dose runs. Returns [u + 1, r, n] twice; 0 before a dose begins.
    """
    T, n, u, r = len(piece), amounts.shape[0], len(starts), len(rows)
    level, area = np.zeros((u + 1, r, n)), np.zeros((u + 1, r, n))
    x, y, a = np.empty(n), np.empty(n), np.empty(n)
    for k in range(u + 1):
        begin = 0 if k == 0 else starts[k - 1]
        for i in range(n):
            x[i] = amounts[i, 0] if k == 0 else 0.0
            y[i] = amounts[i, 1] if k == 0 else 0.0
            a[i] = 0.0
        row = 0
        while row < r and rows[row] < begin:
            row += 1
        for t in range(begin, T + 1):
            if row < r and rows[row] == t:
                v = V[piece[min(t, T - 1)]]
                for i in range(n):
                    level[k, row, i] = x[i] / v[i]
                    area[k, row, i] = a[i]
                row += 1
            if row >= r or t == T:
                break
            p = P[piece[t]]
            v = V[piece[t]]
            R = 1.0 / (infusion * dt) if k > 0 and t < begin + infusion else 0.0
            for i in range(n):
                one, two = x[i], y[i]
                a[i] += (p[4, i] * one + p[5, i] * two + p[7, i] * R) / v[i]
                x[i] = p[0, i] * one + p[1, i] * two + p[4, i] * R
                y[i] = p[2, i] * one + p[3, i] * two + p[6, i] * R
    return level, area


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "nsz"})
def plan_losses(level, area, start, mg, doses, end, top, row, hours, before, before_h, coming, weight, numbers, never, out, each):
    """Expected exposure loss of plans, and chances around their coming dose.

    Parameters
    ----------
    level, area : [u + 1, r, n] of ``unit_responses``.
    start : [c, k] index of each dose among the starting times; ``mg`` [c, k]; ``doses`` [c] of each plan inside the horizon.
    end : [c] row at the end of the last dose's interval.
    top, row : [u] rows of the peak of a dose begun at each starting time, and of that time itself.
    hours : [r] clock h of the rows.
    before, before_h : [n] sum of misses times hours of the doses whose interval is over, and those hours.
    coming : index in the plans of the dose that is decided; doses before it are given already (0 or 1 of them).
    weight : [n] of the draws, sum 1.
    numbers : ``Loss.numbers()``.
    out : [c, 7] filled: expected loss; of the coming dose P(peak < low), P(peak > ``never``); of the level before it P(> 3),
        P(> 5); of
        the level at the end of its interval P(> 3), P(> 5).
    each : [c, n] filled with the loss of every draw (an empty one: not wanted).
    """
    c, n = start.shape[0], level.shape[2]
    wp, w3, w5, wl, wh = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
    low, high, ps, t3, s3, t5, s5 = numbers[5], numbers[6], numbers[7], numbers[8], numbers[9], numbers[10], numbers[11]
    floor, fs, ceiling, cs, per_dose = numbers[12], numbers[13], numbers[14], numbers[15], numbers[16]
    ips, i3, i5, ifs, ics = 1.0 / ps, 1.0 / s3, 1.0 / s5, 1.0 / fs, 1.0 / cs
    total, peak, trough, a0, a1 = np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    for j in range(c):
        all_h = before_h
        for i in range(n):
            total[i] = before[i]
        for q in range(7):
            out[j, q] = 0.0
        for d in range(doses[j]):
            u = start[j, d]
            begin = row[u]
            stop = row[start[j, d + 1]] if d + 1 < doses[j] else end[j]
            high_row = top[u]
            span = hours[stop] - hours[begin]
            all_h += span
            for i in range(n):
                peak[i] = level[0, high_row, i]
                trough[i] = level[0, stop, i]
                a0[i] = area[0, begin, i]
                a1[i] = area[0, stop, i]
            for e in range(d + 1):
                v = start[j, e] + 1
                m = mg[j, e]
                for i in range(n):
                    peak[i] += m * level[v, high_row, i]
                    trough[i] += m * level[v, stop, i]
                    a0[i] += m * area[v, begin, i]
                    a1[i] += m * area[v, stop, i]
            # a miss: 0 inside, 1/2 at the border, 1 from the scale on; without branches, so that the loop is one of vectors
            per_day = 24.0 / span
            for i in range(n):
                day = (a1[i] - a0[i]) * per_day
                x = max(low - peak[i], peak[i] - high)
                cost = (x > 0.0) * wp * (0.5 + 0.5 * min(x * ips, 1.0))
                x = trough[i] - t3
                cost += (x > 0.0) * w3 * (0.5 + 0.5 * min(x * i3, 1.0))
                x = trough[i] - t5
                cost += (x > 0.0) * w5 * (0.5 + 0.5 * min(x * i5, 1.0))
                x = floor - day
                cost += (x > 0.0) * wl * (0.5 + 0.5 * min(x * ifs, 1.0))
                x = day - ceiling
                cost += (x > 0.0) * wh * (0.5 + 0.5 * min(x * ics, 1.0))
                total[i] += span * cost
            if d == coming:
                for i in range(n):
                    out[j, 1] += weight[i] * (peak[i] < low)
                    out[j, 2] += weight[i] * (peak[i] > never)
                    out[j, 5] += weight[i] * (trough[i] > t3)
                    out[j, 6] += weight[i] * (trough[i] > t5)
            elif d == coming - 1:
                for i in range(n):
                    out[j, 3] += weight[i] * (trough[i] > t3)
                    out[j, 4] += weight[i] * (trough[i] > t5)
        for i in range(n):
            out[j, 0] += weight[i] * total[i] / all_h
            if each.shape[0] > 0:
                each[j, i] = total[i] / all_h + per_dose * doses[j]
        out[j, 0] += per_dose * doses[j]


@njit(cache=True, nogil=True)
def curves(P, V, piece, amounts, start, mg, doses, infusion, dt, out):
    """Levels of plans on the whole grid, for the infection: fills ``out`` [c, n, T + 1]; ``start`` [c, k] are grid steps here."""
    T, n = len(piece), amounts.shape[0]
    rate = np.zeros(T)
    level, none = np.empty((T + 1, n)), np.empty((0, n))
    for j in range(start.shape[0]):
        for t in range(T):
            rate[t] = 0.0
        for d in range(doses[j]):
            for t in range(start[j, d], min(start[j, d] + infusion, T)):
                rate[t] += mg[j, d] / (infusion * dt)
        held = amounts.copy()
        course(P, V, piece, held, rate, level, none)
        for i in range(n):
            for t in range(T + 1):
                out[j, i, t] = level[t, i]

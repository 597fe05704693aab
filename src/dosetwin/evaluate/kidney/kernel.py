"""Compiled: the same steps and forecasts as ``forecast/``, for thousands of moments of a ward at once.

A moment (origin) is a baby and an hour; what is known then is the record cut at that hour. The steps are those of
``forecast/kidney/steps.py``, so every competitor meets the balance of one baby's ``forecast``. (A test compares.)
"""

from math import exp, log

import numpy as np
from numba import njit

from dosetwin.forecast.kidney import _filter_kernel, _process_kernel, _vandonge_kernel
from dosetwin.forecast.kidney._learned_kernel import balance, last_index, weight_at
from dosetwin.forecast.kidney.record import COURSE, FLAGS
from dosetwin.forecast.kidney.steps import SHORTEST, STEP
from dosetwin.structure import kidney
from dosetwin.structure.kidney_injury import BASELINE_WITHIN, FAILURE, RATIOS, RISE, RISE_WITHIN

N_FLAGS = len(FLAGS)
IBU, INDO, COOLING, ASPHYXIA, INO = (FLAGS.index(name) for name in ("IBU", "INDO", "COOLING", "ASPHYXIA", "INO"))
_COURSE_H = COURSE["IBU"]
if {COURSE[name] for name in ("IBU", "INDO", "COOLING")} != {_COURSE_H}:
    raise ValueError("courses of different length: this kernel knows one")
_RATIO = RATIOS[0]
_IBUPROFEN_LOSS, _COOLED, _REWARMED = kidney.IBUPROFEN_LOSS, kidney.COOLED, kidney.REWARMED
_WU_BIRTH, _WU_GROWN, _WU_WT, _WU_WT_GROWN = kidney.WU_BIRTH, kidney.WU_GROWN, kidney.WU_WT, kidney.WU_WT_GROWN
_WU_PNA50, _WU_GA, _WU_GA_PNA50, _WU_HILL = kidney.WU_PNA50, kidney.WU_GA, kidney.WU_GA_PNA50, kidney.WU_HILL


@njit(cache=True, nogil=True)
def _flag(ft, fv, fptr, baby, name, t, now):
    begin, end = fptr[baby * N_FLAGS + name], fptr[baby * N_FLAGS + name + 1]
    k = last_index(ft, begin, end, min(t, now))
    return 0.0 if k < begin else fv[k]


@njit(cache=True, nogil=True)
def _expected(ft, fv, fptr, baby, name, t, now):
    """A treatment running at ``now`` ends after its usual course; see ``WardRecord.expected_flag``."""
    value = _flag(ft, fv, fptr, baby, name, t, now)
    if t <= now or value == 0.0:
        return value
    begin, end = fptr[baby * N_FLAGS + name], fptr[baby * N_FLAGS + name + 1]
    k = last_index(ft, begin, end, now)
    while k > begin and fv[k - 1] != 0.0:
        k -= 1
    stop = ft[k] + _COURSE_H
    return 0.0 if now < stop <= t else value


@njit(cache=True, nogil=True)
def _filtration(GA, BW, WT, PNA):
    """Wu's typical filtration, mL/min."""
    birth = _WU_BIRTH * BW / _WU_WT
    grown = _WU_GROWN * (WT / _WU_WT) ** _WU_WT_GROWN
    mature = 0.0 if PNA <= 0.0 else 1.0 / (1.0 + (_WU_PNA50 * (GA / _WU_GA) ** _WU_GA_PNA50 / PNA) ** _WU_HILL)
    return birth + (grown - birth) * mature


@njit(cache=True, nogil=True)
def count(begin, n_seen, time, now, hours):
    """Steps each moment needs: int64 [n_origins]."""
    out = np.empty(len(now), np.int64)
    for o in range(len(now)):
        t, n = 0.0, 0
        for e in range(n_seen[o] + len(hours)):
            end = time[begin[o] + e] if e < n_seen[o] else now[o] + hours[e - n_seen[o]]
            first = True
            while first or t < end - 1e-9:
                first = False
                dt = max(min(STEP, end - t), 0.0)
                n += 1
                t = end if t + dt >= end - 1e-9 else t + dt
        out[o] = n
    return out


@njit(cache=True, nogil=True)
def fill(baby, now, begin, n_seen, time, GA, BW, wptr, wt, wv, fptr, ft, fv, hours, ptr, rows, effect, marks, plain, weight):
    """Steps of every moment, end to end from ``ptr``: ``rows`` [m, 6] dt, middle, into, out, GFR, from_birth; ``effect`` [m, 5];
    ``marks`` [m, 2] seen and ahead. ``plain`` [n, h] typical filtration with ibuprofen as only flag; ``weight`` [n, h] kg."""
    for o in range(len(now)):
        b, t, k = baby[o], 0.0, ptr[o]
        for e in range(n_seen[o] + len(hours)):
            ahead = e - n_seen[o]
            end = time[begin[o] + e] if ahead < 0 else now[o] + hours[ahead]
            first = True
            while first or t < end - 1e-9:
                first = False
                dt = max(min(STEP, end - t), 0.0)
                last = t + dt >= end - 1e-9
                middle = max(t + 0.5 * dt, SHORTEST)
                dt = dt if dt > SHORTEST else 0.0
                WT = weight_at(wt, wv, wptr[b], wptr[b + 1], GA[b], BW[b], middle, now[o])
                ibuprofen = _expected(ft, fv, fptr, b, IBU, middle, now[o])
                cooled = _expected(ft, fv, fptr, b, COOLING, middle, now[o])
                asphyxia = _flag(ft, fv, fptr, b, ASPHYXIA, middle, now[o])
                into, out, share = balance(GA[b], BW[b], WT, middle / 24.0, ibuprofen, cooled, asphyxia)
                unchanged = _filtration(GA[b], BW[b], WT, middle / 24.0) - _IBUPROFEN_LOSS * ibuprofen
                GFR = unchanged * (_COOLED if cooled > 0.5 else _REWARMED if asphyxia > 0.5 else 1.0)
                rows[k, 0], rows[k, 1], rows[k, 2], rows[k, 3], rows[k, 4], rows[k, 5] = dt, middle, into, out, GFR, share
                effect[k, 0] = ibuprofen
                effect[k, 1] = _expected(ft, fv, fptr, b, INDO, middle, now[o])
                effect[k, 2] = cooled
                effect[k, 3] = asphyxia * (1.0 - cooled)
                effect[k, 4] = _flag(ft, fv, fptr, b, INO, middle, now[o])
                marks[k, 0] = e if last and ahead < 0 else -1
                marks[k, 1] = ahead if last and ahead >= 0 else -1
                if last and ahead >= 0:
                    plain[o, ahead] = unchanged
                    weight[o, ahead] = weight_at(wt, wv, wptr[b], wptr[b + 1], GA[b], BW[b], end, now[o])
                k += 1
                t = end if last else t + dt


@njit(cache=True, nogil=True)
def curves(ptr, rows, marks, birth, n_seen, begin, seen, ahead):
    """The typical creatinine, mg/dL: at each measurement known (``seen``, packed from ``begin``) and ``ahead`` [n, h]."""
    for o in range(len(ptr) - 1):
        S = birth[o]
        for k in range(ptr[o], ptr[o + 1]):
            left = exp(-rows[k, 3] * rows[k, 0])
            S = S * left + (rows[k, 2] / rows[k, 3] * (1.0 - left) if rows[k, 3] > 0.0 else rows[k, 2] * rows[k, 0])
            if marks[k, 0] >= 0:
                seen[begin[o] + marks[k, 0]] = S
            if marks[k, 1] >= 0:
                ahead[o, marks[k, 1]] = S


@njit(cache=True, nogil=True)
def filtered(ptr, rows, effect, marks, birth, begin, n_seen, log_scr, mean, beta, sd, tau, prop, add, n_hours):
    """The filter at every moment: [n, h, 5] log creatinine mean and variance, log filtration mean and variance, covariance."""
    n = len(ptr) - 1
    out = np.empty((n, n_hours, 5))
    x, P = np.zeros((n_hours, 5)), np.zeros((n_hours, 5, 5))
    L = np.zeros(5)
    for o in range(n):
        i, j = ptr[o], ptr[o + 1]
        r, m = rows[i:j], marks[i:j]
        _filter_kernel.run(
            r[:, 0], r[:, 2], r[:, 3], r[:, 5], effect[i:j], m[:, 0], m[:, 1], birth[o], log_scr[begin[o] : begin[o] + n_seen[o]],
            mean, beta, sd, tau, prop, add, x, P,
        )  # fmt: skip
        for k in range(j - i):
            a = m[k, 1]
            if a < 0:
                continue
            L[2], L[3], L[4] = r[k, 5], 1.0 - r[k, 5], 1.0
            level, spread, with_S = log(r[k, 4]), 0.0, 0.0
            for e in range(effect.shape[1]):
                level += beta[e] * effect[i + k, e]
            for p in range(5):
                level += L[p] * x[a, p]
                with_S += L[p] * P[a, p, 0]
                for q in range(5):
                    spread += L[p] * L[q] * P[a, p, q]
            out[o, a, 0], out[o, a, 1], out[o, a, 2], out[o, a, 3], out[o, a, 4] = x[a, 0], P[a, 0, 0], level, spread, with_S
    return out


@njit(cache=True, nogil=True)
def reconstructed(ptr, rows, effect, marks, base, begin, n_seen, log_scr, mean, sd, prop, add, n_hours):
    """Van Donge by MAP at every moment: [n, h, 2] mean and variance of log creatinine."""
    n = len(ptr) - 1
    out = np.empty((n, n_hours, 2))
    m, v, eta = np.zeros(n_hours), np.zeros(n_hours), np.zeros(_vandonge_kernel.ETAS)
    for o in range(n):
        i, j = ptr[o], ptr[o + 1]
        _vandonge_kernel.estimate(
            rows[i:j, 0], rows[i:j, 1], effect[i:j, 0], marks[i:j, 0], marks[i:j, 1], base[o],
            log_scr[begin[o] : begin[o] + n_seen[o]], mean, sd, prop, add, m, v, eta,
        )  # fmt: skip
        out[o, :, 0] = m
        out[o, :, 1] = v
    return out


@njit(cache=True, nogil=True)
def smoothed(begin, n_seen, time, curve_seen, log_scr, ahead, numbers):
    """The Gaussian process at every moment: [n, h, 2] mean and variance of the log residual at ages ``ahead`` [n, h] h."""
    out = np.empty((len(begin), ahead.shape[1], 2))
    mean, constant, early, fade, wander, tau, prop, add = numbers
    for o in range(len(begin)):
        i, j = begin[o], begin[o] + n_seen[o]
        out[o] = _process_kernel.posterior(
            time[i:j], curve_seen[i:j], log_scr[i:j] - np.log(curve_seen[i:j]), ahead[o], mean, constant, early, fade, wander,
            tau, prop, add,
        )  # fmt: skip
    return out


@njit(cache=True, nogil=True)
def kdigo_limits(begin, n_seen, time, scr, curve_seen, curve_ahead, now, hours):
    """What creatinine has to pass at each horizon for stage 1: log mg/dL [n, h, 2], by the criteria and beyond the curve.

    As ``forecast/warning.injury_risk``.
    """
    out = np.empty((len(now), len(hours), 2))
    for o in range(len(now)):
        for h in range(len(hours)):
            plain, usual = FAILURE, FAILURE
            for k in range(begin[o], begin[o] + n_seen[o]):
                age = now[o] + hours[h] - time[k]
                if age <= BASELINE_WITHIN:
                    plain = min(plain, _RATIO * scr[k])
                    usual = min(usual, _RATIO * scr[k] * curve_ahead[o, h] / curve_seen[k])
                if age <= RISE_WITHIN:
                    plain = min(plain, scr[k] + RISE)
                    usual = min(usual, scr[k] + RISE + curve_ahead[o, h] - curve_seen[k])
            out[o, h, 0], out[o, h, 1] = log(plain), log(max(usual, 1e-3))
    return out


@njit(cache=True, nogil=True)
def two_compartments(x1, x2, k10, k12, k21, rate, dt):
    """Amounts after ``dt`` h of a constant ``rate`` mg/h: exact."""
    total = k10 + k12 + k21
    root = (total * total - 4.0 * k10 * k21) ** 0.5
    fast, slow = 0.5 * (total + root), 0.5 * (total - root)
    # away from the plateau that the rate leads to
    s1, s2 = rate / k10, rate * k12 / (k10 * k21)
    d1, d2 = x1 - s1, x2 - s2
    quick, late = exp(-fast * dt), exp(-slow * dt)
    # d1' = -(k10 + k12) d1 + k21 d2
    a = (d1 * (k10 + k12 - slow) - k21 * d2) / (fast - slow)
    c = d1 - a
    e = (d2 * (k21 - slow) - k12 * d1) / (fast - slow)
    g = d2 - e
    return s1 + a * quick + c * late, s2 + e * quick + g * late


@njit(cache=True, nogil=True)
def troughs(dose, tau, infusion, CL, relative, V1, Q):
    """Concentration, mg/L, at ``tau`` h [n] after the start of a first dose: ``CL`` L/h typical, ``relative`` and ``Q`` by hour
    [n, H]; ``V1`` L [n]; V2 equals V1."""
    out = np.empty(len(dose))
    for o in range(len(dose)):
        x1, x2 = 0.0, 0.0
        for h in range(int(tau[o])):
            k10, k12 = CL[o, h] * relative[o, h] / V1[o], Q[o, h] / V1[o]
            if h == 0:
                x1, x2 = two_compartments(x1, x2, k10, k12, k12, dose[o] / infusion, infusion)
                x1, x2 = two_compartments(x1, x2, k10, k12, k12, 0.0, 1.0 - infusion)
            else:
                x1, x2 = two_compartments(x1, x2, k10, k12, k12, 0.0, 1.0)
        out[o] = x1 / V1[o]
    return out


@njit(cache=True, nogil=True)
def told_state(baby, hour, SCR, inflow, rate, wander, injury, ongoing, keep, noise_sd, z, ahead, out):
    """Creatinine ahead of someone who knows everything true now: ``out`` [n, h, 2] log of the course without new luck, and the SD
    of the log over draws of the wandering ``z`` [draws, H]. ``rate`` [n, H] without luck; ``ongoing`` [n]: the injury has begun.
    """
    draws = z.shape[0]
    logs = np.empty((draws, len(ahead)))
    for o in range(len(baby)):
        b, t = baby[o], hour[o]
        for d in range(-1, draws):
            S, w, at = SCR[b, t], wander[b, t - 1] if t > 0 else wander[b, 0], 0
            for u in range(ahead[-1]):
                h = t + u
                w = w * keep + (noise_sd * z[d, u] if d >= 0 else 0.0)
                hurt = injury[b, h] if ongoing[o] else 0.0
                k = rate[b, h] * exp(w - hurt)
                steady = inflow[b, h] / k
                S = steady + (S - steady) * exp(-k)
                if u + 1 == ahead[at]:
                    if d < 0:
                        out[o, at, 0] = log(S)
                    else:
                        logs[d, at] = log(S)
                    at += 1
        for a in range(len(ahead)):
            out[o, a, 1] = np.std(logs[:, a])

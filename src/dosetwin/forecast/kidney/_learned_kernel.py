"""Compiled: what the network reads at each event of a baby's stay, the filter's belief included; see ``learned_inputs.py``.

One pass over the stay. The past up to the last creatinine is shared by all events; from there each event looks ahead with what
was known at its own hour. Same steps, rates and recursion as ``steps.py``, ``structure.kidney.creatinine_balance`` and
``_filter_kernel.py`` (tests compare them), written for a whole cohort at once.
"""

from math import exp, log, log1p

import numpy as np
from numba import njit

from dosetwin.forecast.kidney._filter_kernel import carry
from dosetwin.forecast.kidney._vandonge_kernel import balance as published
from dosetwin.forecast.kidney.steps import SHORTEST, STEP
from dosetwin.structure import kidney as k
from dosetwin.structure.growth import weight_after_birth

HORIZONS = 4
"""0, 24, 48 and 72 h after the event."""
FLAG_COUNT = 7
IBU, INDO, COOLING, ASPHYXIA, INO, AMINO, VANCO = range(FLAG_COUNT)
COURSE_H = 72.0
"""h; as record.COURSE for ibuprofen, indomethacin and cooling."""
COLUMNS = 48
_WU_BIRTH, _WU_GROWN, _WU_WT, _WU_EXPONENT = k.WU_BIRTH, k.WU_GROWN, k.WU_WT, k.WU_WT_GROWN
_PNA50, _WU_GA, _GA_PNA50, _HILL = k.WU_PNA50, k.WU_GA, k.WU_GA_PNA50, k.WU_HILL
_PRODUCTION, _PRODUCTION_GA, _PRODUCTION_EXPONENT = k.PRODUCTION, k.PRODUCTION_GA, k.PRODUCTION_EXPONENT
_LEAK, _LEAK_GA, _LEAK_SLOPE, _LEAK_TAU = k.LEAK, k.LEAK_GA, k.LEAK_SLOPE, k.LEAK_TAU
_WATER, _WATER_SLOPE, _GA_TERM = k.TBW_TERM, k.TBW_SLOPE, k.GA_TERM
_IBUPROFEN, _COOLED, _REWARMED = k.IBUPROFEN_LOSS, k.COOLED, k.REWARMED
_ML_MIN, _DL_PER_L, _HOURS = k.ML_PER_MIN_TO_L_PER_H, k.DL_PER_L, k.HOURS_PER_DAY


@njit(cache=True, nogil=True)
def last_index(times, begin, end, t):
    """Last index in begin..end with times <= t, or begin - 1."""
    low, high = begin, end
    while low < high:
        middle = (low + high) // 2
        if times[middle] <= t + 1e-9:
            low = middle + 1
        else:
            high = middle
    return low - 1


@njit(cache=True, nogil=True)
def _flag(ft, fv, begin, end, t):
    i = last_index(ft, begin, end, t)
    return 0.0 if i < begin else fv[i]


@njit(cache=True, nogil=True)
def _expected(ft, fv, begin, end, t, now, course):
    i = last_index(ft, begin, end, min(t, now))
    value = 0.0 if i < begin else fv[i]
    if t <= now or value == 0.0 or not course:
        return value
    while i > begin and fv[i - 1] != 0.0:
        i -= 1
    stop = ft[i] + COURSE_H
    return 0.0 if now < stop <= t else value


_after_birth = njit(cache=True, nogil=True)(weight_after_birth)


@njit(cache=True, nogil=True)
def weight_at(wt, wv, begin, end, GA, BW, t, now):
    """Weight, kg, at ``t`` h: the last known by ``t`` and ``now``, grown as newborns of that gestation grow."""
    i = last_index(wt, begin, end, min(t, now))
    since, known = (0.0, BW) if i < begin else (wt[i], wv[i])
    return known * _after_birth(1.0, GA, t / 24.0) / _after_birth(1.0, GA, since / 24.0)


@njit(cache=True, nogil=True)
def balance(GA, BW, WT, PNA, ibuprofen, cooled, asphyxia):
    """structure.kidney.creatinine_balance: into mg/dL/h, out 1/h, share of filtration that was there at birth."""
    birth = _WU_BIRTH * BW / _WU_WT
    grown = _WU_GROWN * (WT / _WU_WT) ** _WU_EXPONENT
    mature = 0.0 if PNA <= 0.0 else 1.0 / (1.0 + (_PNA50 * (GA / _WU_GA) ** _GA_PNA50 / PNA) ** _HILL)
    now = birth + (grown - birth) * mature
    GFR = now - _IBUPROFEN * ibuprofen
    if cooled > 0.5:
        GFR *= _COOLED
    elif asphyxia > 0.5:
        GFR *= _REWARMED
    water = _WATER + _WATER_SLOPE * (_GA_TERM - GA)
    into = _PRODUCTION * (GA / _PRODUCTION_GA) ** _PRODUCTION_EXPONENT / (_DL_PER_L * water * _HOURS)
    kept = 1.0 - _LEAK * exp(-_LEAK_SLOPE * (GA - _LEAK_GA)) * exp(-PNA / _LEAK_TAU)
    return into, _ML_MIN * GFR * kept / (water * WT), birth * (1.0 - mature) / now


@njit(cache=True, nogil=True)
def _advance(x, P, S, h, into, out, share, offset_flags, sd, tau):
    """Carry the filter's state ``x``, ``P`` over ``h`` h of constant rates; returns the typical curve after it."""
    left = exp(-out * h)
    S = S * left + into / out * (1.0 - left)
    offset = share * x[2] + (1.0 - share) * x[3] + x[4] + offset_flags
    carry(x, P, np.zeros(5), h, into, out, share, offset, sd, tau)
    return S


@njit(cache=True, nogil=True)
def _walk(x, P, S, begin, end, now, GA, BW, wt, wv, w0, w1, ft, fv, fp, b, beta, sd, tau, form):
    """Filter and curve from ``begin`` to ``end`` h, with flags and weights as known at ``now``; returns the curve. ``form``: the
    numbers of van Donge's balance, empty for the composite."""
    t = begin
    while t < end - 1e-9:
        h = min(STEP, end - t)
        last = t + h >= end - 1e-9
        if h > SHORTEST:
            middle = max(t + 0.5 * h, SHORTEST)
            o = b * FLAG_COUNT
            ibu = _expected(ft, fv, fp[o + IBU], fp[o + IBU + 1], middle, now, True)
            indo = _expected(ft, fv, fp[o + INDO], fp[o + INDO + 1], middle, now, True)
            cooled = _expected(ft, fv, fp[o + COOLING], fp[o + COOLING + 1], middle, now, True)
            asphyxia = _expected(ft, fv, fp[o + ASPHYXIA], fp[o + ASPHYXIA + 1], middle, now, False)
            ino = _expected(ft, fv, fp[o + INO], fp[o + INO + 1], middle, now, False)
            if len(form):
                into, out, share = published(form[0], form[1], form[2], form[3], form[4], form[5], form[7], middle, ibu)
            else:
                WT = weight_at(wt, wv, w0, w1, GA, BW, middle, now)
                into, out, share = balance(GA, BW, WT, middle / 24.0, ibu, cooled, asphyxia)
            act = beta[0] * ibu + beta[1] * indo + beta[2] * cooled + beta[3] * asphyxia * (1.0 - cooled) + beta[4] * ino
            S = _advance(x, P, S, h, into, out, share, act, sd, tau)
        t = end if last else t + h
    return S


@njit(cache=True, nogil=True)
def _days(ft, fv, begin, end, t):
    """Days up to ``t`` h during which a flag was up."""
    total = 0.0
    for i in range(begin, end):
        if ft[i] > t + 1e-9:
            break
        stop = ft[i + 1] if i + 1 < end else t
        total += max(0.0, min(stop, t) - ft[i]) * fv[i]
    return total / 24.0


@njit(cache=True, nogil=True)
def features(
    births, wt, wv, wp, ft, fv, fp, et, em, ep, log_scr, forms, mean, beta, sd, tau, prop, add, x_out, base, spread, curve
):
    """Fill, for every event [m], the ``x_out`` [m, COLUMNS] inputs and the filter's ``base`` [m, 4] log creatinine with its
    ``spread`` [m, 4] SD, and the log ``curve`` [m, 4], each 0, 24, 48 and 72 h after it.

    ``births`` [n, 8]: GA, BW, typical creatinine at birth, z-score, male, caesarean, Jaffe 0/1, uncalibrated 0/1. Packed by
    pointers: weights ``wt wv wp``, flags ``ft fv fp`` (seven a baby), events ``et`` h, ``em`` 1 when a creatinine ``log_scr`` [m]
    was measured there, ``ep``. ``forms`` [n, 8] van Donge's numbers of each baby when the filter stands on that
    balance, [n, 0] when on the composite. Filter: as in ``_filter_kernel.run``.
    """
    x, P, y, Q = np.zeros(5), np.zeros((5, 5)), np.zeros(5), np.zeros((5, 5))
    for b in range(len(ep) - 1):
        GA, BW, birth = births[b, 0], births[b, 1], births[b, 2]
        form = forms[b]
        if len(form):
            birth = form[6]
        w0, w1 = wp[b], wp[b + 1]
        x[0] = log(birth) + mean[0]
        x[4] = 0.0
        P[:] = 0.0
        for i in range(5):
            if 0 < i < 4:
                x[i] = mean[i]
            P[i, i] = sd[i] ** 2
        S, at = birth, 0.0
        n, last, lowest, before = 0, 0.0, 0.0, 0.0
        residual, change, change_gap, miss, miss_z = 0.0, 0.0, 0.0, 0.0, 0.0
        previous = wander = wander_sd = grown_sd = 0.0
        for e in range(ep[b], ep[b + 1]):
            t = et[e]
            if em[e]:
                S = _walk(x, P, S, at, t, t, GA, BW, wt, wv, w0, w1, ft, fv, fp, b, beta, sd, tau, form)
                level = exp(x[0])
                R = prop * prop + (add / level) ** 2
                total = P[0, 0] + R
                miss = log_scr[e] - x[0] + 0.5 * R
                miss_z = miss / total**0.5
                for i in range(5):
                    y[i] = P[i, 0] / total
                for i in range(5):
                    x[i] += y[i] * miss
                for i in range(5):
                    for j in range(i, 5):
                        P[i, j] -= y[i] * y[j] * total
                        P[j, i] = P[i, j]
                before = residual
                residual = log_scr[e] - log(S)
                change_gap = log1p((t - at) / 24.0) if n else 0.0
                change = residual - before if n else 0.0
                last = log_scr[e]
                lowest = min(lowest, last) if n else last
                at = t
                n += 1
            for i in range(5):
                y[i] = x[i]
                for j in range(5):
                    Q[i, j] = P[i, j]
            ahead, begin = S, at
            for h in range(HORIZONS):
                end = t + 24.0 * h
                ahead = _walk(y, Q, ahead, begin, end, t, GA, BW, wt, wv, w0, w1, ft, fv, fp, b, beta, sd, tau, form)
                begin = end
                base[e, h], spread[e, h], curve[e, h] = y[0], Q[0, 0] ** 0.5, log(ahead)
                if h == 0:
                    wander, wander_sd, grown_sd = y[4], Q[4, 4] ** 0.5, Q[3, 3] ** 0.5
            WT = weight_at(wt, wv, w0, w1, GA, BW, t, t)
            o = b * FLAG_COUNT
            r = x_out[e]
            r[0], r[1] = GA, log(BW)
            for i in range(2, 7):
                r[i] = births[b, i + 1]
            r[7], r[8], r[9] = 1.0 if n else 0.0, 1.0 if em[e] else 0.0, log1p((t - at) / 24.0)
            r[10], r[11] = log1p((t - previous) / 24.0), log1p(float(n))
            r[12], r[13], r[14], r[15], r[16] = last, residual, change, change_gap, last - lowest
            r[17], r[18], r[19], r[20], r[21] = log1p(t / 24.0), t / 24.0, GA + t / 168.0, log(WT), WT / BW - 1.0
            for i in range(FLAG_COUNT):
                r[22 + i] = _flag(ft, fv, fp[o + i], fp[o + i + 1], t)
            r[29] = _days(ft, fv, fp[o + AMINO], fp[o + AMINO + 1], t)
            r[30] = _days(ft, fv, fp[o + VANCO], fp[o + VANCO + 1], t)
            r[31] = curve[e, 0]
            r[32], r[33], r[34] = curve[e, 1] - curve[e, 0], curve[e, 2] - curve[e, 0], curve[e, 3] - curve[e, 0]
            r[35], r[36] = miss, miss_z
            r[37] = base[e, 0] - curve[e, 0]
            for h in range(1, HORIZONS):
                r[37 + h] = base[e, h] - base[e, 0] - (curve[e, h] - curve[e, 0])
            r[41], r[42], r[43], r[44] = spread[e, 0], spread[e, 1], x[1], x[2]
            r[45], r[46], r[47] = x[3], wander, wander_sd + grown_sd
            previous = t

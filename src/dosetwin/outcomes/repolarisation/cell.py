"""One ventricular cell, beat after beat: gates and hERG implicitly, the rest by Heun's midpoint, steps that follow the voltage.

State ``y`` [49]: V, nai, nass, ki, kss, cai, cass, cansr, cajsr (mV, mmol/L); 26 gates in the order of ``tables.GATES``; nca,
Jrelnp, Jrelp, CaMKt; hERG IC1 IC2 C1 C2 O IO IObound Obound Cbound; qNet (uC/uF, of this beat).
"""

import math

import numpy as np
from numba import njit

from dosetwin.outcomes.repolarisation.tables import CAO, GATES, LOW, NAO, STEP, F, N, R, T

NG = len(GATES)
G0, NCA, HG, QNET, SIZE = 9, 9 + NG, 13 + NG, 22 + NG, 23 + NG
ACAP = 2.0 * (2 * 3.14 * 0.0011 * 0.0011 + 2 * 3.14 * 0.0011 * 0.01)
VCELL = 1000.0 * 3.14 * 0.0011 * 0.0011 * 0.01
VMYO, VNSR, VJSR, VSS = 0.68 * VCELL, 0.0552 * VCELL, 0.0048 * VCELL, 0.02 * VCELL
CONDUCTANCE = {
    "INa": 75.0, "INaL": 0.0075 * 2.661, "Ito": 0.02, "ICaL": 1e-4 * 1.007, "hERG": 0.046 * 1.114 / 1.1, "IKs": 0.0034 * 1.870,
    "IK1": 0.1908 * 1.698,
}  # fmt: skip
"""mS/uF (ICaL cm/s): ORd with the scaling of Dutta 2017, Front Physiol 8:616 (READ in FDA/CiPA v1.0)."""
CHANNELS = tuple(CONDUCTANCE)
KT, TRAP_SLOPE = 3.5e-5, 6.789
START = np.array([
    -88.0145, 6.46961, 6.46967, 145.501, 145.501, 7.45321e-05, 7.30454e-05, 1.37897, 1.37944,
    0.00733485, 0.698542, 0.698542, 0.698542, 0.455526, 0.698541, 0.513396, 0.307923, 0.00100025, 0.999555, 0.871715, 0.000509652,
    0.999555, 0.905466, 2.33382e-09, 1.0, 0.971897, 1.0, 1.0, 1.0, 1.0, 1.0, 0.130941, 0.000192517, 0.996756, 0.000187813,
    0.0015391, 1.46507e-07, 1.83132e-07, 0.00325232,
    0.999637, 6.83208e-05, 1.80145e-08, 8.26619e-05, 0.00015551, 5.67623e-05, 0.0, 0.0, 0.0, 0.0,
])  # fmt: skip
"""Steady state at a cycle of 2,000 ms without drug (FDA/CiPA v1.0, READ)."""
AMPLITUDE, DURATION = -80.0, 0.5


@njit(cache=True, nogil=True)
def _herg(y, y1, w, r, dt, kon, ku, trap):
    """hERG states of ``y`` after ``dt`` into ``y1`` (backward Euler, twice a half step against one whole: second order)."""
    half = np.empty(9)
    full = np.empty(9)
    for k in range(9):
        full[k] = y[HG + k]
    _solve(full, w, r, dt, kon, ku, trap)
    for k in range(9):
        half[k] = y[HG + k]
    _solve(half, w, r, 0.5 * dt, kon, ku, trap)
    _solve(half, w, r, 0.5 * dt, kon, ku, trap)
    for k in range(9):
        y1[HG + k] = 2.0 * half[k] - full[k]


@njit(cache=True, nogil=True)
def _solve(x, w, r, dt, kon, ku, trap):
    """(1 - dt A) x = x0 in place; order IC1 IC2 C1 C2 O IO IOb Ob Cb."""
    c12, c21, i2o, oi2, i12, i21, c2o, oc2, c1i, c2i, oio, i1c, i2c, ioo = r
    n = 9 if kon > 0.0 or x[6] != 0.0 or x[7] != 0.0 or x[8] != 0.0 else 6
    for a in range(n):
        for b in range(n):
            w[a, b] = 0.0
        w[a, a] = 1.0
    _edge(w, 0, 1, dt * i12, dt * i21)
    _edge(w, 2, 0, dt * c1i, dt * i1c)
    _edge(w, 1, 5, dt * i2o, dt * oi2)
    _edge(w, 3, 1, dt * c2i, dt * i2c)
    _edge(w, 2, 3, dt * c12, dt * c21)
    _edge(w, 3, 4, dt * c2o, dt * oc2)
    _edge(w, 4, 5, dt * oio, dt * ioo)
    if n == 9:
        _edge(w, 4, 7, dt * kon, dt * ku)
        _edge(w, 5, 6, dt * kon, dt * ku * oio / ioo)
        _edge(w, 8, 7, dt * trap, dt * KT)
        _edge(w, 8, 6, dt * trap, dt * KT)
    for p in range(n):
        inv = 1.0 / w[p, p]
        for a in range(p + 1, n):
            if w[a, p] != 0.0:
                f = w[a, p] * inv
                for b in range(p + 1, n):
                    w[a, b] -= f * w[p, b]
                x[a] -= f * x[p]
    for p in range(n - 1, -1, -1):
        s = x[p]
        for b in range(p + 1, n):
            s -= w[p, b] * x[b]
        x[p] = s / w[p, p]


@njit(cache=True, nogil=True)
def _edge(w, a, b, there, back):
    w[a, a] += there
    w[b, a] -= there
    w[b, b] += back
    w[a, b] -= back


@njit(cache=True, nogil=True)
def _slope(y, u, dy, G, ko, amp):
    """Derivatives of V, concentrations, CaMKt into ``dy`` [9 + 2] and what the release gates need; returns the qNet current."""
    v, nai, nass, ki, kss, cai, cass, cansr, cajsr = y[0], y[1], y[2], y[3], y[4], y[5], y[6], y[7], y[8]
    g, z = G0, 2 * NG
    camkb = 0.05 * (1.0 - y[NCA + 3]) / (1.0 + 0.0015 / cass)
    camka = camkb + y[NCA + 3]
    dy[9] = 0.05 * camkb * camka - 0.00068 * y[NCA + 3]
    p = 1.0 / (1.0 + 0.15 / camka)
    rtf = R * T / F
    ENa, EK = rtf * math.log(NAO / nai), rtf * math.log(ko / ki)
    EKs = rtf * math.log((ko + 0.01833 * NAO) / (ki + 0.01833 * nai))
    m, j, jp = y[g], y[g + 3], y[g + 5]
    h, hp = 0.99 * y[g + 1] + 0.01 * y[g + 2], 0.99 * y[g + 1] + 0.01 * y[g + 4]
    INa = G[0] * (v - ENa) * m * m * m * ((1.0 - p) * h * j + p * hp * jp)
    INaL = G[1] * (v - ENa) * y[g + 25] * ((1.0 - p) * y[g + 6] + p * y[g + 7])
    AiF = u[z]
    Ito = (
        G[2]
        * (v - EK)
        * (
            (1.0 - p) * y[g + 8] * (AiF * y[g + 9] + (1.0 - AiF) * y[g + 10])
            + p * y[g + 11] * (AiF * y[g + 12] + (1.0 - AiF) * y[g + 13])
        )
    )
    Af = u[z + 1]
    fs, fcas, jca, nca = y[g + 16], y[g + 18], y[g + 19], y[NCA]
    f, fp = 0.6 * y[g + 15] + 0.4 * fs, 0.6 * y[g + 20] + 0.4 * fs
    fca, fcap = Af * y[g + 17] + (1.0 - Af) * fcas, Af * y[g + 21] + (1.0 - Af) * fcas
    opened = y[g + 14] * ((1.0 - p) * (f * (1.0 - nca) + jca * fca * nca) + 1.1 * p * (fp * (1.0 - nca) + jca * fcap * nca))
    ICaL = G[3] * opened * (cass * u[z + 2] - u[z + 3])
    ICaNa = 0.00125 * G[3] * opened * 0.75 * (nass * u[z + 4] - NAO * u[z + 5])
    ICaK = 3.574e-4 * G[3] * opened * 0.75 * (kss * u[z + 4] - ko * u[z + 5])
    IKr = G[4] * math.sqrt(ko / 5.4) * y[HG + 4] * (v - EK)
    KsCa = 1.0 + 0.6 / (1.0 + (3.8e-5 / cai) ** 1.4)
    IKs = G[5] * KsCa * y[g + 22] * y[g + 23] * (v - EKs)
    IK1 = G[6] * math.sqrt(ko) * u[z + 6] * y[g + 24] * (v - EK)
    INaCa = 0.8 * _ncx(nai, cai, u[z + 7], u[z + 8])
    INaCass = 0.2 * _ncx(nass, cass, u[z + 7], u[z + 8])
    INaK = _nak(nai, ki, ko, u[z + 9], u[z + 10])
    IKb = 0.003 * u[z + 11] * (v - EK)
    INab = 3.75e-10 * (nai * u[z + 4] - NAO * u[z + 5])
    ICab = 2.5e-8 * (cai * u[z + 2] - u[z + 3])
    IpCa = 0.0005 * cai / (0.0005 + cai)
    dy[0] = -(INa + INaL + Ito + ICaL + ICaNa + ICaK + IKr + IKs + IK1 + INaCa + INaCass + INaK + INab + IKb + IpCa + ICab + amp)
    Jrel = (1.0 - p) * y[NCA + 1] + p * y[NCA + 2]
    up = 0.004375 * cai
    Jup = (1.0 - p) * up / (cai + 0.00092) + p * 2.75 * up / (cai + 0.00092 - 0.00017) - 0.0039375 * cansr / 15.0
    Jtr = (cansr - cajsr) / 100.0
    dNa, dK, dCa = (nass - nai) / 2.0, (kss - ki) / 2.0, (cass - cai) / 0.2
    dy[1] = -(INa + INaL + 3.0 * INaCa + 3.0 * INaK + INab) * ACAP / (F * VMYO) + dNa * VSS / VMYO
    dy[2] = -(ICaNa + 3.0 * INaCass) * ACAP / (F * VSS) - dNa
    dy[3] = -(Ito + IKr + IKs + IK1 + IKb + amp - 2.0 * INaK) * ACAP / (F * VMYO) + dK * VSS / VMYO
    dy[4] = -ICaK * ACAP / (F * VSS) - dK
    Bcai = 1.0 / (1.0 + 0.05 * 0.00238 / (0.00238 + cai) ** 2 + 0.07 * 0.0005 / (0.0005 + cai) ** 2)
    dy[5] = Bcai * (-(IpCa + ICab - 2.0 * INaCa) * ACAP / (2.0 * F * VMYO) - Jup * VNSR / VMYO + dCa * VSS / VMYO)
    Bcass = 1.0 / (1.0 + 0.047 * 0.00087 / (0.00087 + cass) ** 2 + 1.124 * 0.0087 / (0.0087 + cass) ** 2)
    dy[6] = Bcass * (-(ICaL - 2.0 * INaCass) * ACAP / (2.0 * F * VSS) + Jrel * VJSR / VSS - dCa)
    dy[7] = Jup - Jtr * VJSR / VNSR
    dy[8] = (Jtr - Jrel) / (1.0 + 10.0 * 0.8 / (0.8 + cajsr) ** 2)
    dy[10] = -ICaL / (1.0 + (1.5 / cajsr) ** 8)
    return INaL + ICaL + Ito + IKr + IKs + IK1


@njit(cache=True, nogil=True)
def _ncx(na, ca, hca, hna):
    """Sodium-calcium exchange before the shares of the compartments."""
    h1 = 1.0 + na / 88.12 * (1.0 + hna)
    h2, h3 = na * hna / (88.12 * h1), 1.0 / h1
    h4 = 1.0 + na / 15.0 * (1.0 + na / 5.0)
    h5, h6 = na * na / (h4 * 75.0), 1.0 / h4
    h7 = 1.0 + NAO / 88.12 * (1.0 + 1.0 / hna)
    h8, h9 = NAO / (88.12 * hna * h7), 1.0 / h7
    h10 = 12.5 + 1.0 + NAO / 15.0 * (1.0 + NAO / 5.0)
    h11, h12 = NAO * NAO / (h10 * 75.0), 1.0 / h10
    k1, k2, k5 = h12 * CAO * 1.5e6, 5.0e3, 5.0e3
    k3pp, k4pp = h8 * 5.0e3, h2 * 5.0e3
    k3, k4 = h9 * 6.0e4 + k3pp, h3 * 6.0e4 / hca + k4pp
    k6, k7, k8 = h6 * ca * 1.5e6, h5 * h2 * 6.0e4, h8 * h11 * 6.0e4
    x1 = k2 * k4 * (k7 + k6) + k5 * k7 * (k2 + k3)
    x2 = k1 * k7 * (k4 + k5) + k4 * k6 * (k1 + k8)
    x3 = k1 * k3 * (k7 + k6) + k8 * k6 * (k2 + k3)
    x4 = k2 * k8 * (k4 + k5) + k3 * k5 * (k1 + k8)
    total = x1 + x2 + x3 + x4
    E1, E2, E3, E4 = x1 / total, x2 / total, x3 / total, x4 / total
    allo = 1.0 / (1.0 + (150.0e-6 / ca) ** 2)
    return 0.0008 * allo * (3.0 * (E4 * k7 - E1 * k8) + E3 * k4pp - E2 * k3pp + 2.0 * (E2 * k2 - E1 * k1))


@njit(cache=True, nogil=True)
def _nak(nai, ki, ko, Knai, Knao):
    """Sodium-potassium pump."""
    P = 4.2 / (1.0 + 1.0e-7 / 1.698e-7 + nai / 224.0 + ki / 292.0)
    a, b, c, d = nai / Knai, ki / 0.5, NAO / Knao, ko / 0.3582
    inside, outside = (1.0 + a) ** 3 + (1.0 + b) ** 2 - 1.0, (1.0 + c) ** 3 + (1.0 + d) ** 2 - 1.0
    atp = 9.8 / 1.698e-7
    a1, b1, a2, b2 = 949.5 * a**3 / inside, 182.4 * 0.05, 687.2, 39.4 * c**3 / outside
    a3, b3 = 1899.0 * d * d / outside, 79300.0 * P * 1.0e-7 / (1.0 + atp)
    a4, b4 = 639.0 * atp / (1.0 + atp), 40.0 * b * b / inside
    x1 = a4 * a1 * a2 + b2 * b4 * b3 + a2 * b4 * b3 + b3 * a1 * a2
    x2 = b2 * b1 * b4 + a1 * a2 * a3 + a3 * b1 * b4 + a2 * a3 * b4
    x3 = a2 * a3 * a4 + b3 * b2 * b1 + b2 * b1 * a4 + a3 * a4 * b1
    x4 = b4 * b3 * b2 + a3 * a4 * a1 + b2 * a4 * a1 + b3 * b2 * a1
    total = x1 + x2 + x3 + x4
    return 30.0 * (3.0 * (x1 * a3 - x2 * b3) + 2.0 * (x4 * b1 - x3 * a1)) / total


@njit(cache=True, nogil=True)
def _look(table, v, u):
    """A row of the table at ``v``, straight between grid points."""
    x = (v - LOW) / STEP
    k = int(x)
    k = min(max(k, 0), table.shape[0] - 2)
    s = x - k
    for c in range(u.shape[0]):
        u[c] = table[k, c] + s * (table[k + 1, c] - table[k, c])


@njit(cache=True, nogil=True)
def _gates(y, at, y1, u, dt):
    """Gates of ``y`` after ``dt`` into ``y1``, with rates of ``u`` and of the state ``at``: exp(-z) as 1 / (1 + z + z^2 / 2)."""
    for k in range(NG):
        z = dt * u[NG + k]
        y1[G0 + k] = u[k] + (y[G0 + k] - u[k]) / (1.0 + z + 0.5 * z * z)
    km2 = at[G0 + 19]
    q = 1.0 + 0.002 / at[6]
    target = 1.0 / (1000.0 / km2 + q * q * q * q) * 1000.0 / km2
    z = dt * km2
    y1[NCA] = target + (y[NCA] - target) / (1.0 + z + 0.5 * z * z)


@njit(cache=True, nogil=True)
def _release(y, at, y1, rel, dt):
    z = dt / max(4.75 / (1.0 + 0.0123 / at[8]), 0.001)
    y1[NCA + 1] = 0.5 * 4.75 * rel + (y[NCA + 1] - 0.5 * 4.75 * rel) / (1.0 + z + 0.5 * z * z)
    z = dt / max(1.25 * 4.75 / (1.0 + 0.0123 / at[8]), 0.001)
    y1[NCA + 2] = 0.625 * 4.75 * rel + (y[NCA + 2] - 0.625 * 4.75 * rel) / (1.0 + z + 0.5 * z * z)


@njit(cache=True, nogil=True)
def beat(y, table, G, ko, cycle, kon, ku, vhalf, fine, trace):
    """One beat of ``cycle`` ms; ``y`` is changed. ``fine`` divides every step; ``trace`` [n, 3] takes t, V and cai (n 0:
    nothing).

    Returns APD50, APD90 (ms from the stimulus; inf: not reached), peak V, V at the end, peak cai (mmol/L), the largest rise of V
    after repolarisation began (mV; an early afterdepolarisation), rows of the trace and steps.
    """
    u, ub = np.empty(N), np.empty(N)
    dy, dm = np.empty(11), np.empty(11)
    mid, new, w = np.empty(SIZE), np.empty(SIZE), np.empty((9, 9))
    r = (0.0,) * 14
    rest, peak, peak_at, ca = y[0], -1e9, 0.0, 0.0
    rows, steps = 0, 0
    low_since, rise = 1e9, 0.0
    rec_t = np.empty(40000)
    rec_v = np.empty(40000)
    y[QNET] = 0.0
    t = 0.0
    dt = 0.005 / fine
    while t < cycle - 1e-9:
        amp = AMPLITUDE if t < DURATION - 1e-9 else 0.0
        _look(table, y[0], u)
        _slope(y, u, dy, G, ko, amp)
        longest = 0.02 if t < 4.0 else 0.1 if t < 30.0 else 0.2 if y[0] > rest + 10.0 else 1.0
        dt = min(max(0.8 / (abs(dy[0]) + 1e-9), 0.004), longest) / fine
        if t < DURATION - 1e-9 and t + dt > DURATION:
            dt = DURATION - t
        if t + dt > cycle:
            dt = cycle - t
        h = 0.5 * dt
        for k in range(9):
            mid[k] = y[k] + h * dy[k]
        mid[NCA + 3] = y[NCA + 3] + h * dy[9]
        _gates(y, y, mid, u, h)
        _release(y, y, mid, dy[10], h)
        z = 2 * NG + 12
        r = (u[z], u[z + 1], u[z + 2], u[z + 3], u[z + 4], u[z + 5], u[z + 6], u[z + 7], u[z + 8], u[z + 9], u[z + 10], u[z + 11],
             u[z + 12], u[z + 13])  # fmt: skip
        trap = KT / (1.0 + math.exp(-(y[0] - vhalf) / TRAP_SLOPE))
        for k in range(9):
            new[k] = y[HG + k]
        _solve(new, w, r, h, kon, ku, trap)
        for k in range(9):
            mid[HG + k] = new[k]
        _look(table, mid[0], ub)
        Im = _slope(mid, ub, dm, G, ko, amp)
        _gates(y, mid, new, ub, dt)
        _release(y, mid, new, dm[10], dt)
        r = (ub[z], ub[z + 1], ub[z + 2], ub[z + 3], ub[z + 4], ub[z + 5], ub[z + 6], ub[z + 7], ub[z + 8], ub[z + 9], ub[z + 10],
             ub[z + 11], ub[z + 12], ub[z + 13])  # fmt: skip
        trap = KT / (1.0 + math.exp(-(mid[0] - vhalf) / TRAP_SLOPE))
        _herg(y, new, w, r, dt, kon, ku, trap)
        for k in range(9):
            y[k] += dt * dm[k]
        y[NCA + 3] += dt * dm[9]
        for k in range(NG):
            y[G0 + k] = new[G0 + k]
        for k in range(3):
            y[NCA + k] = new[NCA + k]
        for k in range(9):
            y[HG + k] = new[HG + k]
        y[QNET] += dt * Im * 1e-3
        t += dt
        steps += 1
        if not (-200.0 < y[0] < 200.0):
            break
        ca = max(ca, y[5])
        if t < 50.0 and y[0] > peak:
            peak, peak_at = y[0], t
        if t > 100.0:
            low_since = min(low_since, y[0])
            rise = max(rise, y[0] - low_since)
        if steps <= 40000:
            rec_t[steps - 1], rec_v[steps - 1] = t, y[0]
        if rows < trace.shape[0] and (
            rows == 0 or t - trace[rows - 1, 0] >= 1.0 or (t < 10.0 and t - trace[rows - 1, 0] >= 0.05)
        ):
            trace[rows, 0], trace[rows, 1], trace[rows, 2] = t, y[0], y[5]
            rows += 1
    apd50, apd90 = np.inf, np.inf
    for k in range(min(steps, 40000)):  # a beat that begins half repolarised is measured against its own lowest voltage
        rest = min(rest, rec_v[k])
    for k in range(min(steps, 40000)):
        if rec_t[k] > peak_at:
            if apd50 == np.inf and rec_v[k] <= rest + 0.5 * (peak - rest):
                apd50 = rec_t[k]
            if rec_v[k] <= rest + 0.1 * (peak - rest):
                apd90 = rec_t[k]
                break
    return apd50, apd90, peak, y[0], ca, rise, rows, steps

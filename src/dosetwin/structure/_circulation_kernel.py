"""The circulation's right-hand side and its steps, compiled."""

import math

from numba import njit


@njit(cache=True, nogil=True)
def _active(t, c, cycle):
    """Activation 0 to 1 of a chamber at ``t`` ms of the cycle, begun ``delay`` ms before its end where that is positive."""
    s = t + c[7]
    if s >= cycle:
        s -= cycle
    if s <= c[5]:
        return 0.5 * (1.0 - math.cos(math.pi * s / c[4]))
    return 0.5 * (1.0 - math.cos(math.pi * c[5] / c[4])) * math.exp(-(s - c[5]) / c[6])


@njit(cache=True, nogil=True)
def _pressure(V, t, c, cycle):
    a = _active(t, c, cycle)
    x = V - c[3]
    return a * c[1] * x + (1.0 - a) * c[0] * (math.exp(c[2] * x) - 1.0)


@njit(cache=True, nogil=True)
def _slope(y, t, R, C, Vref, ch, cycle):
    p0, p1, p2 = (y[0] - Vref[0]) / C[0], (y[1] - Vref[1]) / C[1], (y[2] - Vref[2]) / C[2]
    p3, p4 = _pressure(y[3], t, ch[0], cycle), _pressure(y[4], t, ch[1], cycle)
    q0, q1, q2 = (p0 - p1) / R[0], (p1 - p2) / R[1], (p2 - p3) / R[2]
    q3, q4 = max(p3 - p4, 0.0) / R[4], max(p4 - p0, 0.0) / R[3]
    return (q4 - q0, q0 - q1, q1 - q2, q2 - q3, q3 - q4), (p0, p1, p2, p3, p4), (q0, q1, q2, q3, q4)


@njit(cache=True, nogil=True)
def run(y0, steps, h, R, C, Vref, ch, cycle, V, P, Q):
    """Volumes after a cycle of ``steps`` steps; every moment is written where ``V`` has room."""
    y = y0.copy()
    z = y0.copy()
    for i in range(steps + 1):
        t = i * h
        k1, p, q = _slope(y, t, R, C, Vref, ch, cycle)
        if V.shape[0] > 0:
            for j in range(5):
                V[i, j], P[i, j], Q[i, j] = y[j], p[j], q[j]
        if i == steps:
            break
        for j in range(5):
            z[j] = y[j] + 0.5 * h * k1[j]
        k2, p, q = _slope(z, t + 0.5 * h, R, C, Vref, ch, cycle)
        for j in range(5):
            z[j] = y[j] + 0.5 * h * k2[j]
        k3, p, q = _slope(z, t + 0.5 * h, R, C, Vref, ch, cycle)
        for j in range(5):
            z[j] = y[j] + h * k3[j]
        k4, p, q = _slope(z, t + h, R, C, Vref, ch, cycle)
        for j in range(5):
            y[j] += h / 6.0 * (k1[j] + 2.0 * k2[j] + 2.0 * k3[j] + k4[j])
    return y

"""Exact propagation of linear systems x' = K x + u over a step: E = exp(K dt), G = its integral, H = the integral of G.

These functions are templates: kernel.py copies their source into a model's generated kernel, after the globals below
have been given their values for that model.
"""

import math

from dosetwin.simulate._globals import (
    AREA,
    E0,
    ENDO,
    G0,
    H0,
    HELD,
    K0,
    T0,
    TMP,
    ZERO,
    N,
    dynamics,
    make_state,
    propagator,
    put_row,
)  # fmt: skip

TAYLOR_ORDER = 12  # with |K t| <= 1/2 the remainder is below 2e-14
TAYLOR_RADIUS = 0.5


def integral_of_exp(lam, t):
    """Integral of exp(lam s) over 0..t."""
    z = lam * t
    if abs(z) < 1e-300:
        return t
    return math.expm1(z) / lam


def integral_of_integral(lam, t):
    """Integral over 0..t of integral_of_exp(lam, s); a series where the closed form would cancel."""
    z = lam * t
    if abs(z) < 0.05:
        return t * t * (0.5 + z * (1 / 6 + z * (1 / 24 + z * (1 / 120 + z * (1 / 720 + z * (1 / 5040 + z / 40320))))))
    return (math.expm1(z) / lam - t) / lam


def build_linear(W, p, cov, t):
    """K and the endogenous input of the model's dynamics, read off by applying it to the unit vectors."""
    put_row(dynamics(t, make_state(W[ZERO]), p, cov), W, ENDO)
    for j in range(N):
        W[ZERO, j] = 1.0
        put_row(dynamics(t, make_state(W[ZERO]), p, cov), W, TMP)
        W[ZERO, j] = 0.0
        for i in range(N):
            W[K0 + i, j] = W[TMP, i] - W[ENDO, i]
    W[HELD, 0] = -1.0


def propagator_1(W, dt, want_area):
    """E, G, H of one state."""
    lam = W[K0, 0]
    W[E0, 0] = math.exp(lam * dt)
    W[G0, 0] = integral_of_exp(lam, dt)
    if want_area:
        W[H0, 0] = integral_of_integral(lam, dt)


def propagator_2(W, dt, want_area):
    """E, G, H of two states in closed form. Calls nothing that takes W: such a call alone made cohorts 3.6 x slower."""
    k00, k01, k10, k11 = W[K0, 0], W[K0, 1], W[K0 + 1, 0], W[K0 + 1, 1]
    mean = 0.5 * (k00 + k11)
    half = 0.5 * (k00 - k11)
    disc = half * half + k01 * k10
    if not disc > 1e-12 * mean * mean:
        # equal or complex eigenvalues: rare in pharmacology, so plain rather than fast
        size = max(abs(k00) + abs(k10), abs(k01) + abs(k11)) * dt
        det = k00 * k11 - k01 * k10
        if size <= 1.0 or abs(det) * dt * dt <= 1e-14 * size * size:
            h00, h01, h10, h11 = 1.0, 0.0, 0.0, 1.0
            for k in range(20, 0, -1):
                scale = dt / (k + 2)
                a00, a01 = k00 * h00 + k01 * h10, k00 * h01 + k01 * h11
                h10, h11 = (k10 * h00 + k11 * h10) * scale, (k10 * h01 + k11 * h11) * scale + 1.0
                h00, h01 = a00 * scale + 1.0, a01 * scale
            scale = 0.5 * dt * dt
            h00, h01, h10, h11 = h00 * scale, h01 * scale, h10 * scale, h11 * scale
            g00, g01 = dt + k00 * h00 + k01 * h10, k00 * h01 + k01 * h11
            g10, g11 = k10 * h00 + k11 * h10, dt + k10 * h01 + k11 * h11
            e00, e01 = 1.0 + k00 * g00 + k01 * g10, k00 * g01 + k01 * g11
            e10, e11 = k10 * g00 + k11 * g10, 1.0 + k10 * g01 + k11 * g11
        else:
            root = math.sqrt(-disc) if disc < 0.0 else 0.0
            turn = root * dt
            ratio = math.sin(turn) / root if turn > 1e-4 else dt * (1.0 + disc * dt * dt / 6.0)
            grow = math.exp(mean * dt)
            e00, e01 = grow * (math.cos(turn) + ratio * half), grow * ratio * k01
            e10, e11 = grow * ratio * k10, grow * (math.cos(turn) - ratio * half)
            g00, g01 = (k11 * (e00 - 1.0) - k01 * e10) / det, (k11 * e01 - k01 * (e11 - 1.0)) / det
            g10, g11 = (k00 * e10 - k10 * (e00 - 1.0)) / det, (k00 * (e11 - 1.0) - k10 * e01) / det
            h00, h01 = (k11 * (g00 - dt) - k01 * g10) / det, (k11 * g01 - k01 * (g11 - dt)) / det
            h10, h11 = (k00 * g10 - k10 * (g00 - dt)) / det, (k00 * (g11 - dt) - k10 * g01) / det
        W[E0, 0], W[E0, 1], W[E0 + 1, 0], W[E0 + 1, 1] = e00, e01, e10, e11
        W[G0, 0], W[G0, 1], W[G0 + 1, 0], W[G0 + 1, 1] = g00, g01, g10, g11
        W[H0, 0], W[H0, 1], W[H0 + 1, 0], W[H0 + 1, 1] = h00, h01, h10, h11
        return
    root = math.sqrt(disc)
    # the slow eigenvalue from the determinant: no cancellation when the two are far apart
    det = k00 * k11 - k01 * k10
    if mean <= 0.0:
        fast = mean - root
        slow = det / fast
    else:
        slow = mean + root
        fast = det / slow
    w = 0.5 / root
    for what in range(3 if want_area else 2):
        if what == 0:
            f1, f2, at = math.exp(slow * dt), math.exp(fast * dt), E0
        elif what == 1:
            f1, f2, at = integral_of_exp(slow, dt), integral_of_exp(fast, dt), G0
        else:
            f1, f2, at = integral_of_integral(slow, dt), integral_of_integral(fast, dt), H0
        total, slope_ = 0.5 * (f1 + f2), w * (f1 - f2)
        W[at, 0] = total + slope_ * half
        W[at + 1, 1] = total - slope_ * half
        W[at, 1] = slope_ * k01
        W[at + 1, 0] = slope_ * k10


def multiply(W, left, right, into):
    """Block ``into`` <- block ``left`` x block ``right``; rows innermost, so that the compiler can vectorise.

    States feel few others: what is nothing is not multiplied.
    """
    for i in range(N):
        for j in range(N):
            W[into + i, j] = 0.0
        for m in range(N):
            factor_ = W[left + i, m]
            if factor_ != 0.0:
                for j in range(N):
                    W[into + i, j] += factor_ * W[right + m, j]


def propagator_n(W, dt, want_area):
    """E, G, H of any number of states: scaled Taylor series and doubling."""
    norm = 0.0
    for j in range(N):
        column = 0.0
        for i in range(N):
            column += abs(W[K0 + i, j])
        norm = max(norm, column)
        if not column < math.inf:
            # what cannot be computed reaches every state, also those it is not coupled to
            for i in range(N):
                for m in range(N):
                    W[E0 + i, m] = W[G0 + i, m] = W[H0 + i, m] = math.nan
            return
    doublings = 0
    tau = dt
    while norm * tau > TAYLOR_RADIUS and doublings < 60:
        tau *= 0.5
        doublings += 1
    # H = tau^2 sum (K tau)^k / (k+2)!, by Horner; then G = tau I + K H, E = I + K G
    for i in range(N):
        for j in range(N):
            W[H0 + i, j] = 1.0 if i == j else 0.0
    for k in range(TAYLOR_ORDER, 0, -1):
        scale = tau / (k + 2)
        multiply(W, K0, H0, T0)
        for i in range(N):
            for j in range(N):
                W[H0 + i, j] = W[T0 + i, j] * scale
            W[H0 + i, i] += 1.0
    half_square = 0.5 * tau * tau
    for i in range(N):
        for j in range(N):
            W[H0 + i, j] *= half_square
    multiply(W, K0, H0, G0)
    for i in range(N):
        W[G0 + i, i] += tau
    multiply(W, K0, G0, E0)
    for i in range(N):
        W[E0 + i, i] += 1.0
    for _ in range(doublings):
        # one step of length 2 tau: H <- H + tau G + E H, G <- G + E G, E <- E E
        if want_area:
            multiply(W, E0, H0, T0)
            for i in range(N):
                for j in range(N):
                    W[H0 + i, j] += tau * W[G0 + i, j] + W[T0 + i, j]
        multiply(W, E0, G0, T0)
        for i in range(N):
            for j in range(N):
                W[G0 + i, j] += W[T0 + i, j]
        multiply(W, E0, E0, T0)
        for i in range(N):
            for j in range(N):
                W[E0 + i, j] = W[T0 + i, j]
        tau *= 2.0


def advance_exact(x, u, W, dt, want_area):
    """x <- exp(K dt) x + G (u + endogenous input); row AREA of W the integral of x. W keeps the last step's propagator."""
    if W[HELD, 0] != dt:
        propagator(W, dt, want_area)
        W[HELD, 0] = dt
    if want_area:
        for i in range(N):
            total = 0.0
            for j in range(N):
                total += W[G0 + i, j] * x[j] + W[H0 + i, j] * (u[j] + W[ENDO, j])
            W[AREA, i] = total
    for i in range(N):
        total = 0.0
        for j in range(N):
            total += W[E0 + i, j] * x[j] + W[G0 + i, j] * (u[j] + W[ENDO, j])
        W[TMP, i] = total
    for i in range(N):
        x[i] = W[TMP, i]

"""Exact propagation of linear systems x' = K x + u over a step: E = exp(K dt), G = its integral, H = the integral of G.

These functions are templates: kernel.py copies their source into a model's generated kernel, after the globals below
have been given their values for that model.
"""

import math

from dosetwin.simulate._globals import N, dynamics, make_state, put_state

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


def build_linear(K, b, p, cov, t, zero, work):
    """K and the endogenous input b of the model's dynamics, read off by applying it to the unit vectors."""
    put_state(dynamics(t, make_state(zero), p, cov), b)
    for j in range(N):
        zero[j] = 1.0
        put_state(dynamics(t, make_state(zero), p, cov), work)
        zero[j] = 0.0
        for i in range(N):
            K[i, j] = work[i] - b[i]


def propagator(K, dt, E, G, H, W):
    """Fill E, G, H (N x N) for a step dt >= 0; closed form for one and two states, else scaled Taylor and doubling."""
    if N == 1:
        lam = K[0, 0]
        E[0, 0] = math.exp(lam * dt)
        G[0, 0] = integral_of_exp(lam, dt)
        H[0, 0] = integral_of_integral(lam, dt)
        return
    if N == 2:
        mean = 0.5 * (K[0, 0] + K[1, 1])
        half = 0.5 * (K[0, 0] - K[1, 1])
        disc = half * half + K[0, 1] * K[1, 0]
        if disc > 1e-12 * mean * mean:
            root = math.sqrt(disc)
            # the slow eigenvalue from the determinant: no cancellation when the two are far apart
            det = K[0, 0] * K[1, 1] - K[0, 1] * K[1, 0]
            if mean <= 0.0:
                fast = mean - root
                slow = det / fast if fast != 0.0 else mean + root
            else:
                slow = mean + root
                fast = det / slow
            e1, e2 = math.exp(slow * dt), math.exp(fast * dt)
            g1, g2 = integral_of_exp(slow, dt), integral_of_exp(fast, dt)
            h1, h2 = integral_of_integral(slow, dt), integral_of_integral(fast, dt)
            w = 0.5 / root
            e_sum, e_dif = 0.5 * (e1 + e2), w * (e1 - e2)
            g_sum, g_dif = 0.5 * (g1 + g2), w * (g1 - g2)
            h_sum, h_dif = 0.5 * (h1 + h2), w * (h1 - h2)
            E[0, 0], E[1, 1] = e_sum + e_dif * half, e_sum - e_dif * half
            G[0, 0], G[1, 1] = g_sum + g_dif * half, g_sum - g_dif * half
            H[0, 0], H[1, 1] = h_sum + h_dif * half, h_sum - h_dif * half
            E[0, 1], E[1, 0] = e_dif * K[0, 1], e_dif * K[1, 0]
            G[0, 1], G[1, 0] = g_dif * K[0, 1], g_dif * K[1, 0]
            H[0, 1], H[1, 0] = h_dif * K[0, 1], h_dif * K[1, 0]
            return
    norm = 0.0
    for j in range(N):
        column = 0.0
        for i in range(N):
            column += abs(K[i, j])
        norm = max(norm, column)
    doublings = 0
    tau = dt
    while norm * tau > TAYLOR_RADIUS and doublings < 60:
        tau *= 0.5
        doublings += 1
    # H = tau^2 sum (K tau)^k / (k+2)!, by Horner; then G = tau I + K H, E = I + K G
    for i in range(N):
        for j in range(N):
            H[i, j] = 1.0 if i == j else 0.0
    for k in range(TAYLOR_ORDER, 0, -1):
        scale = tau / (k + 2)
        for i in range(N):
            for j in range(N):
                total = 0.0
                for m in range(N):
                    total += K[i, m] * H[m, j]
                W[i, j] = total * scale
        for i in range(N):
            for j in range(N):
                H[i, j] = W[i, j] + (1.0 if i == j else 0.0)
    half_square = 0.5 * tau * tau
    for i in range(N):
        for j in range(N):
            H[i, j] *= half_square
    for i in range(N):
        for j in range(N):
            total = tau if i == j else 0.0
            for m in range(N):
                total += K[i, m] * H[m, j]
            G[i, j] = total
    for i in range(N):
        for j in range(N):
            total = 1.0 if i == j else 0.0
            for m in range(N):
                total += K[i, m] * G[m, j]
            E[i, j] = total
    for _ in range(doublings):
        # one step of length 2 tau: H <- H + tau G + E H, G <- G + E G, E <- E E
        for i in range(N):
            for j in range(N):
                total = H[i, j] + tau * G[i, j]
                for m in range(N):
                    total += E[i, m] * H[m, j]
                W[i, j] = total
        for i in range(N):
            for j in range(N):
                H[i, j] = W[i, j]
        for i in range(N):
            for j in range(N):
                total = G[i, j]
                for m in range(N):
                    total += E[i, m] * G[m, j]
                W[i, j] = total
        for i in range(N):
            for j in range(N):
                G[i, j] = W[i, j]
        for i in range(N):
            for j in range(N):
                total = 0.0
                for m in range(N):
                    total += E[i, m] * E[m, j]
                W[i, j] = total
        for i in range(N):
            for j in range(N):
                E[i, j] = W[i, j]
        tau *= 2.0


def advance_exact(x, u, lin, dt, want_area, area):
    """x <- exp(K dt) x + G u; ``area`` the integral of x over the step. Returns nothing; lin caches the propagator."""
    K, b, E, G, H, W, held, tmp = lin
    if held[0] != dt:
        propagator(K, dt, E, G, H, W)
        held[0] = dt
    if want_area:
        for i in range(N):
            total = 0.0
            for j in range(N):
                total += G[i, j] * x[j] + H[i, j] * (u[j] + b[j])
            area[i] = total
    for i in range(N):
        total = 0.0
        for j in range(N):
            total += E[i, j] * x[j] + G[i, j] * (u[j] + b[j])
        tmp[i] = total
    for i in range(N):
        x[i] = tmp[i]

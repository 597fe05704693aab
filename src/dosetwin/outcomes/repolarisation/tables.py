"""The voltage-dependent parts of the ventricular cell, once per run on a grid of voltages: rates, steady states, driving forces.

O'Hara, Virag, Varro and Rudy 2011, PLoS Comput Biol 7:e1002061 (ORd, endocardium); hERG as the Markov model of Li et al. 2017,
Circ
Arrhythm Electrophysiol 10:e004628 (values of FDA's repository, v1.0, READ). Voltages in mV, times in ms.
"""

import numpy as np

LOW, HIGH, STEP = -140.0, 100.0, 0.05
R, T, F = 8314.0, 310.0, 96485.0
NAO, CAO = 140.0, 1.8

HERG = {  # A (1/ms), B (1/mV), q: rate = A exp(B V) q^((T - 20) / 10)
    "C1>C2": (0.0264, 4.631e-05, 4.843), "C2>C1": (4.986e-06, -0.004226, 4.23), "IC2>IO": (0.001214, 0.008516, 4.962),
    "IO>IC2": (1.854e-05, -0.04641, 3.769), "IC1>IC2": (0.0007868, 1.535e-08, 4.942), "IC2>IC1": (5.455e-06, -0.1688, 4.156),
    "C2>O": (0.005509, 7.771e-09, 4.22), "O>C2": (0.001416, -0.02877, 1.459), "C1>IC1": (0.4492, 0.008595, 5.0),
    "C2>IC2": (0.3181, 3.613e-08, 4.663), "O>IO": (0.149, 0.004668, 2.412), "IC1>C1": (0.01241, 0.1725, 5.568),
    "IC2>C2": (0.3226, -0.0006575, 5.0), "IO>O": (0.008978, -0.02215, 5.682),
}  # fmt: skip
"""Li 2017 (FDA/CiPA v1.0, hERG parameters, READ)."""
GATES = (
    "m",
    "hf",
    "hs",
    "j",
    "hsp",
    "jp",
    "hL",
    "hLp",
    "a",
    "iF",
    "iS",
    "ap",
    "iFp",
    "iSp",
    "d",
    "ff",
    "fs",
    "fcaf",
    "fcas",
    "jca",
    "ffp",
    "fcafp",
    "xs1",
    "xs2",
    "xk1",
    "mL",
)
"""Gates in the order of the state, each with its steady state and its 1 / tau in the table."""
MORE = ("AiF", "Afcaf", "P2", "Q2", "P1", "Q1", "rk1", "hca", "hna", "Knai", "Knao", "xkb")
N = 2 * len(GATES) + len(MORE) + len(HERG)


def _s(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))


def tables(ko: float) -> np.ndarray:
    """[n voltages, N] for an external potassium of ``ko`` mmol/L, contiguous: steady states, 1/tau, further terms, hERG rates."""
    v = np.arange(round((HIGH - LOW) / STEP) + 1) * STEP + LOW
    e = np.exp
    hss, hssp, fss = _s(-(v + 82.90) / 6.086), _s(-(v + 89.1) / 6.086), _s(-(v + 19.58) / 3.696)
    tm = 1.0 / (6.765 * e((v + 11.64) / 34.77) + 8.552 * e(-(v + 77.42) / 5.955))
    thf = 1.0 / (1.432e-5 * e(-(v + 1.196) / 6.285) + 6.149 * e((v + 0.5096) / 20.27))
    ths = 1.0 / (0.009794 * e(-(v + 17.95) / 28.05) + 0.3343 * e((v + 5.730) / 56.66))
    tj = 2.038 + 1.0 / (0.02136 * e(-(v + 100.6) / 8.281) + 0.3052 * e((v + 0.9941) / 38.45))
    ta = 1.0515 / (1.0 / (1.2089 * (1.0 + e(-(v - 18.4099) / 29.3814))) + 3.5 / (1.0 + e((v + 100.0) / 29.3814)))
    iss = _s(-(v + 43.94) / 5.711)
    tiF = 4.562 + 1.0 / (0.3933 * e(-(v + 100.0) / 100.0) + 0.08004 * e((v + 50.0) / 16.59))
    tiS = 23.62 + 1.0 / (0.001416 * e(-(v + 96.52) / 59.05) + 1.780e-8 * e((v + 114.1) / 8.079))
    slower = (1.354 + 1.0e-4 / (e((v - 167.4) / 15.89) + e(-(v - 12.23) / 0.2154))) * (1.0 - 0.5 * _s(-(v + 70.0) / 20.0))
    td = 0.6 + 1.0 / (e(-0.05 * (v + 6.0)) + e(0.09 * (v + 14.0)))
    tff = 7.0 + 1.0 / (0.0045 * e(-(v + 20.0) / 10.0) + 0.0045 * e((v + 20.0) / 10.0))
    tfs = 1000.0 + 1.0 / (0.000035 * e(-(v + 5.0) / 4.0) + 0.000035 * e((v + 5.0) / 6.0))
    tfcaf = 7.0 + 1.0 / (0.04 * e(-(v - 4.0) / 7.0) + 0.04 * e((v - 4.0) / 7.0))
    tfcas = 100.0 + 1.0 / (0.00012 * e(-v / 3.0) + 0.00012 * e(v / 7.0))
    xss = _s((v + 11.60) / 8.932)
    txs1 = 817.3 + 1.0 / (2.326e-4 * e((v + 48.28) / 17.80) + 0.001292 * e(-(v + 210.0) / 230.0))
    txs2 = 1.0 / (0.01 * e((v - 50.0) / 20.0) + 0.0193 * e(-(v + 66.54) / 31.0))
    txk1 = 122.2 / (e(-(v + 127.2) / 20.36) + e((v + 236.8) / 69.33))
    one = np.ones_like(v)
    gates = {
        "m": (_s((v + 39.57) / 9.871), tm),
        "hf": (hss, thf),
        "hs": (hss, ths),
        "j": (hss, tj),
        "hsp": (hssp, 3.0 * ths),
        "jp": (hss, 1.46 * tj),
        "hL": (_s(-(v + 87.61) / 7.488), 200.0 * one),
        "hLp": (_s(-(v + 93.81) / 7.488), 600.0 * one),
        "a": (_s((v - 14.34) / 14.82), ta),
        "iF": (iss, tiF),
        "iS": (iss, tiS),
        "ap": (_s((v - 24.34) / 14.82), ta),
        "iFp": (iss, slower * tiF),
        "iSp": (iss, slower * tiS),
        "d": (_s((v + 3.940) / 4.230), td),
        "ff": (fss, tff),
        "fs": (fss, tfs),
        "fcaf": (fss, tfcaf),
        "fcas": (fss, tfcas),
        "jca": (fss, 75.0 * one),
        "ffp": (fss, 2.5 * tff),
        "fcafp": (fss, 2.5 * tfcaf),
        "xs1": (xss, txs1),
        "xs2": (xss, txs2),
        "mL": (_s((v + 42.85) / 5.264), tm),
        "xk1": (_s((v + 2.5538 * ko + 144.59) / (1.5692 * ko + 3.8115)), txk1),
    }
    x = v * F / (R * T)
    near = np.abs(x) < 1e-9
    safe = np.where(near, 1.0, x)
    U1, U2 = np.where(near, 1.0, safe / np.expm1(safe)), np.where(near, 1.0, 2.0 * safe / np.expm1(2.0 * safe))
    more = {
        "AiF": 1.0 / (1.0 + e((v - 213.6) / 151.2)),
        "Afcaf": 0.3 + 0.6 / (1.0 + e((v - 10.0) / 10.0)),
        "P2": 2.0 * F * U2 * e(2.0 * x),
        "Q2": 2.0 * F * U2 * 0.341 * CAO,
        "P1": F * U1 * e(x),
        "Q1": F * U1,
        "rk1": 1.0 / (1.0 + e((v + 105.8 - 2.6 * ko) / 9.493)),
        "hca": e(0.1670 * x),
        "hna": e(0.5224 * x),
        "Knai": 9.073 * e(-0.1550 * x / 3.0),
        "Knao": 27.78 * e(1.1550 * x / 3.0),
        "xkb": _s((v - 14.48) / 18.34),
    }
    rates = [A * e(B * v) * q ** ((37.0 - 20.0) / 10.0) for A, B, q in HERG.values()]
    columns = [gates[g][0] for g in GATES] + [1.0 / gates[g][1] for g in GATES] + [more[k] for k in MORE] + rates
    return np.ascontiguousarray(np.stack(columns, axis=1))

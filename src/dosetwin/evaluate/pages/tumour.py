"""Tumours against others: closed forms, radiotherapy, the published adaptive therapy, a glioma's front, own curves of dose."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import erf

from dosetwin.declare import Provenance
from dosetwin.evaluate.check import Check, near, table
from dosetwin.loops.tumour import adaptive
from dosetwin.loops.tumour.curate import fitted
from dosetwin.outcomes import scores
from dosetwin.structure import tumour

PAGE = "tumour"
N, N_QUICK, SEED = 2, 1, 0

CLARET = {6: 0.4348, 12: 0.2322, 24: 0.1032, 52: 0.0552}
STEIN = {60: 0.6763, 180: 0.5986, 365: 1.1011}
RIBBA = {12: (8.122, 20.734, 18.43), 24: (16.573, 19.984, 16.707), 60: (56.026, 20.044, 10.956), 100: (69.342, 20.162, 6.8341)}
"""Month -> P, Q, Qp, mm, of the filed model with one course of PCV."""
PSI = {0.3: 0.0154, 0.5: 0.0263, 0.6: 0.0373, 0.7: 0.0585, 0.8: 0.1072, 0.9: 0.2605, 0.95: 0.4806}
ADAPTIVE = {
    "T+ most fit": ((868.64, 791.22, 0.1), 8299.8, 11471, 917.9, (10000, 11952, 13845, 15737)),
    "TP most fit": ((714.97, 792.80, 0.1), 7539.3, 11472, 917.7, (10000, 11959, 13858, 15756)),
}
"""Cells and PSA after 10,000 steps of castration; step T- is the majority under continuous drug and T- at 30,000; drug begins."""
ON_FOR = (95, 91, 91, 91)
OTHER = "a second program of the published equations (own run of the research for this page)"
CODE = "published code of Cunningham and others, its typing error 0598 corrected; run by a second program"


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every check; ``n`` competition matrices of adaptive therapy, nothing is drawn."""
    out = [*_sizes(), *_survival(), *_glioma(), *_radiotherapy()]
    for k, matrix in enumerate(list(ADAPTIVE)[:n]):
        if progress:
            progress(k, n)
        out += _adaptive(matrix)
    return [*out, *_misprint(), *_responses(), *_curves()]


def _sizes() -> list[Check]:
    out = [
        _check(
            f"claret_{t}",
            f"Claret, week {t}",
            "claret",
            "closed form (Claret 2009), KL 0.015, KD E 0.174, lam 0.042 /wk",
            "derived",
            y,
            float(tumour.claret(t, 0.015, 0.058, 0.042, 3.0)),
            6e-5,
            "1",
        )
        for t, y in CLARET.items()
    ]
    out.append(
        _check(
            "claret_regrows",
            "Claret, week of the smallest size",
            "claret",
            "ln(KD E/KL)/lam",
            "derived",
            58.36,
            tumour.claret_regrows(0.015, 0.058, 0.042, 3.0),
            0.006,
            "wk",
        )
    )
    out += [
        _check(
            f"stein_{t}",
            f"shrink and grow, day {t}",
            "shrink_and_grow",
            "closed form (Stein 2008), d 0.01, g 0.002 /d",
            "derived",
            y,
            float(tumour.shrink_and_grow(t, 0.01, 0.002)),
            6e-5,
            "1",
        )
        for t, y in STEIN.items()
    ]
    out.append(
        _check(
            "stein_nadir",
            "shrink and grow, day of the smallest size",
            "shrink_and_grow",
            "ln(d/g)/(d+g)",
            "derived",
            134.12,
            tumour.nadir(0.01, 0.002),
            0.006,
            "d",
        )
    )
    out.append(
        _check(
            "wang",
            "Wang, week 8",
            "shrink_and_progress",
            "closed form (Wang 2009), B 8, SR 0.09, PR 0.11",
            "derived",
            4.774,
            float(tumour.shrink_and_progress(8.0, 8.0, 0.09, 0.11)),
            6e-4,
            "cm",
        )
    )
    return out


def _survival() -> list[Check]:
    """The typical person of the paper's figure: ln of the median is worked by hand from Table 3."""
    by_hand = 6.94 - 6.91 * 0.013 / 0.122 + 26.0 * 0.00366 + (14.0 - 39.9) * 0.0124
    shrink: Any = brentq(lambda d: np.log(d / 0.013) / (d + 0.013) - 14.0, 0.1, 1.0)  # the faster of two rates that turn then
    out = []
    for days in (182, 365, 730):
        z = (by_hand - np.log(days)) / np.exp(-0.331)
        found = float(tumour.survival_lung(days, 74.0, shrink, 0.013))
        out.append(_check(f"survival_{days}", f"alive after {days} d, typical lung cancer", "survival_lung",
                          "log-normal of Struemper 2025, Table 3 as filed in nlmixr2lib, worked by hand", "secondary",
                          0.5 * (1.0 + erf(z / 2**0.5)), found, 1e-6, "1"))  # fmt: skip
    return out


def _glioma() -> list[Check]:
    from scipy.integrate import solve_ivp

    numbers = (0.121, 0.00295, 0.0031, 0.0087, 0.729, 0.24, 100.0)
    run = solve_ivp(
        lambda t, y: tumour.ribba(y, *numbers, filed=True),
        (0.0, 100.0),
        [1.0, 7.13, 41.2, 0.0],
        t_eval=sorted(RIBBA),
        rtol=1e-9,
        atol=1e-11,
    )
    out = [
        _check(
            f"ribba_{m}_{name}",
            f"low-grade glioma, {name} after {m} months",
            "ribba, as filed",
            "BIOMD0000000521 run by another engine",
            "secondary",
            y,
            float(run.y[1 + k, i]),
            1e-3 * y,
            "mm",
            why="the filed model leaves P out of what becomes quiescent; the paper's equation has it",
        )
        for i, (m, row) in enumerate(sorted(RIBBA.items()))
        for k, (name, y) in enumerate(zip(("P", "Q", "Qp"), row, strict=True))
    ]
    D, rho = 0.13, 0.012
    speed = 365.25 * tumour.front_speed(D, rho)
    out.append(
        _check(
            "front", "front of a glioma, white matter slow", "front_speed", "2 sqrt(D rho)", "derived", 28.9, speed, 0.06, "mm/y"
        )
    )
    _, _, seen = tumour.glioma(D, rho, 2400, radius=230.0, cells=920, steps_a_day=2)
    found = (seen[2400] - seen[1800]) / 600.0 * 365.25
    expected = speed - 2.5 * (D / rho) ** 0.5 * np.log(2400 / 1800) / 600.0 * 365.25
    out.append(
        _check(
            "front_solved",
            "the same from the solved equation, year 5 to 7",
            "glioma",
            "2 sqrt(D rho) less 5/2 sqrt(D/rho)/t of a sphere",
            "derived",
            expected,
            found,
            0.03 * expected,
            "mm/y",
        )
    )
    r, u, _ = tumour.glioma(D, 0.0, 200, radius=40.0, cells=160, start=10.0)
    edges = 0.25 * np.arange(161)
    volume = (edges[1:] ** 3 - edges[:-1] ** 3) / 3.0
    kept = float((u * volume).sum() / volume[r < 10.0].sum())
    out.append(_check("mass", "tissue kept without growth", "glioma", "conservation", "derived", 1.0, kept, 1e-8, "1"))
    return out


def _radiotherapy() -> list[Check]:
    out = [
        _check(
            f"psi_{s:g}",
            f"volume after 30 fractions, saturation {s:g}",
            "saturated_radiotherapy",
            OTHER,
            "secondary",
            y,
            float(tumour.saturated_radiotherapy(s, 0.1, 0.25, tumour.weekdays(30))[-1]),
            6e-5,
            "1",
        )
        for s, y in PSI.items()
    ]
    of = scores.load("bed").of
    assert of is not None
    for n, d, ab, bed, eqd2 in ((30, 2.0, 10, 72.0, 60.0), (20, 2.75, 10, 70.125, 58.438), (5, 7.25, 1.5, 211.458, 90.625)):
        said = of({"N": n, "D": d, "AB": ab})
        for key, y in (("BED", bed), ("EQD2", eqd2)):
            out.append(
                _check(
                    f"{key.lower()}_{n}",
                    f"{key}, {n} x {d:g} Gy, alpha/beta {ab:g}",
                    "bed",
                    "linear-quadratic form",
                    "derived",
                    y,
                    float(said[key]),
                    6e-4,
                    "Gy",
                )
            )
    said = of({"N": 30, "D": 2.0, "AB": 10, "ALPHA": 0.3, "CELLS": 1e7})
    out.append(
        _check(
            "tcp",
            "tumour control, 10 million cells, 60 Gy",
            "bed",
            "Poisson",
            "derived",
            99.585,
            100 * float(said["TCP"]),
            6e-4,
            "%",
        )
    )
    late = of({"N": 30, "D": 2.0, "AB": 10, "ALPHA": 0.3, "T": 40, "TK": 28, "TP": 3})
    out.append(
        _check(
            "survives",
            "cells that survive 2 Gy, alpha 0.3, alpha/beta 10",
            "bed",
            "linear-quadratic form",
            "derived",
            48.675,
            100 * float(of({"N": 1, "D": 2.0, "AB": 10, "ALPHA": 0.3})["SURVIVAL"]),
            6e-4,
            "%",
        )
    )
    out.append(
        _check(
            "repopulation",
            "BED with repopulation from day 28",
            "bed",
            "Dale 1985 (recalled)",
            "recalled",
            62.758,
            float(late["BED"]),
            6e-4,
            "Gy",
        )
    )
    return out


def _adaptive(matrix: str) -> list[Check]:
    cells, psa, resists, minus, starts = ADAPTIVE[matrix]
    key = "plus" if matrix.startswith("T+") else "tp"
    before = adaptive.run(adaptive.never, matrix=matrix, steps=adaptive.BEFORE)
    out = [
        _check(f"{key}_{name}", f"{name} after castration, {matrix}", "adaptive", CODE, "secondary", y, float(x), 0.01, "1")
        for name, y, x in zip(("T+", "TP", "T-"), cells, before.cells[-1], strict=True)
    ]
    out.append(
        _check(
            f"{key}_psa", f"PSA after castration, {matrix}", "adaptive", CODE, "secondary", psa, float(before.psa[-1]), 0.1, "1"
        )
    )
    always = adaptive.run(adaptive.always, matrix=matrix)
    out.append(
        _check(
            f"{key}_resists",
            f"step of resistance, continuous drug, {matrix}",
            "adaptive",
            CODE,
            "secondary",
            resists,
            float(always.resistant() or np.inf),
            1.0,
            "steps",
        )
    )
    out.append(
        _check(
            f"{key}_minus",
            f"T- in the end, continuous drug, {matrix}",
            "adaptive",
            CODE,
            "secondary",
            minus,
            float(always.cells[-1, 2]),
            0.1,
            "1",
        )
    )
    held = adaptive.run(adaptive.between(), matrix=matrix)
    cycles = held.cycles
    out.append(
        _check(
            f"{key}_cycles",
            f"cycles of adaptive therapy, {matrix}",
            "adaptive",
            CODE,
            "secondary",
            11,
            float(len(cycles)),
            0.0,
            "1",
        )
    )
    for k, (start, length) in enumerate(zip(starts, ON_FOR, strict=True)):
        out.append(
            _check(
                f"{key}_start_{k + 1}",
                f"begin of cycle {k + 1}, {matrix}",
                "adaptive",
                CODE,
                "secondary",
                start,
                float(cycles[k, 0]),
                1.0,
                "steps",
            )
        )
        out.append(
            _check(
                f"{key}_on_{k + 1}",
                f"drug in cycle {k + 1}, {matrix}",
                "adaptive",
                CODE,
                "secondary",
                length,
                float(cycles[k, 1]),
                1.0,
                "steps",
            )
        )
    out.append(
        _check(
            f"{key}_held",
            f"T- in the end, adaptive, {matrix}",
            "adaptive",
            CODE,
            "secondary",
            10.0,
            float(held.cells[-1, 2]),
            0.2,
            "1",
            why="resistant cells do not grow while others live",
        )
    )
    return out


def _misprint() -> list[Check]:
    """The file's 0598 for 0.598 gives these instead after 30,000 steps without the drug: so a run with it shows."""
    wrong = adaptive.COMPETITION["T+ most fit"].copy()
    wrong[1, 2] = 598.0
    cells = adaptive.run(adaptive.never, competition=wrong).cells[-1]
    return [
        _check(
            f"misprint_{name}",
            f"{name} after 30,000 steps, no drug, with the misprint",
            "adaptive",
            CODE.split(",")[0] + " as filed",
            "secondary",
            y,
            float(x),
            0.1,
            "1",
        )
        for name, y, x in zip(("T+", "TP", "T-"), (803.8, 732.2, 0.1), cells, strict=True)
    ]


def _responses() -> list[Check]:
    """The borders of RECIST 1.1: each pair of sums with its response."""
    rows = scores.load("recist").rows
    assert rows is not None
    pairs = (("nadir 50 to 60 mm", (80, 50, 60), "PD"), ("nadir 20 to 24 mm, 20 % but 4 mm", (40, 20, 24), "PR"),
             ("nadir 30 to 34 mm above 70 %", (40, 30, 34), "SD"), ("30 % less", (100, 70), "PR"), ("29 % less", (100, 71), "SD"),
             ("gone, then 5 mm", (20, 0, 5), "PD"))  # fmt: skip
    out = []
    for k, (text, sizes, response) in enumerate(pairs):
        said = rows([{"ID": "a", "LESION": "x", "TIME": 30.0 * i, "TARGET": 1.0, "SIZE": float(s)} for i, s in enumerate(sizes)])
        out.append(
            _check(
                f"recist_{k + 1}",
                f"RECIST: {text}: {response} (1: so)",
                "recist",
                "Eisenhauer 2009 (recalled)",
                "recalled",
                1.0,
                float(said[-1]["RESPONSE"] == response),
                0.0,
                "1",
            )
        )
    return out


def _curves() -> list[Check]:
    """Three readings of a known parabola give it back, and the dose for a target is its root."""
    doses = (1.0, 2.0, 4.0)
    curve = fitted(doses, [2.0 + 3.0 * d - 0.25 * d * d for d in doses])
    return [
        _check(
            "curate_b2",
            "bend of one patient's own curve",
            "curate",
            "the parabola the readings were made of",
            "derived",
            -0.25,
            curve.b2,
            1e-9,
            "1",
        ),
        _check(
            "curate_dose",
            "dose for a response of 7",
            "curate",
            "root of 0.25 d^2 - 3 d + 5",
            "derived",
            2.0,
            curve.dose_for(7.0),
            1e-9,
            "mg",
        ),
    ]


def _check(name: str, text: str, model: str, source: str, provenance: Provenance, published: float, simulated: float,
           within: float, unit: str, why: str = "") -> Check:  # fmt: skip
    return near(PAGE, f"tumour.{name}", text, model, source, provenance, published, simulated, within, unit, why)


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was compared, one table."""
    return "\n".join(
        [
            "# Tumours against others",
            "",
            f"Written by `dosetwin validate {PAGE}`; do not edit. Nothing is drawn. The glioma filed as BIOMD0000000521 leaves",
            "P out of the flow into quiescent tissue, which the paper multiplies by P: the figures here are the filed model's.",
            "",
            *table(checks),
            "",
        ]
    )

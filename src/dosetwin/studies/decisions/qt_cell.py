"""Drugs whose QT nobody measured here: doses by what a ventricular cell does at a concentration, and by a person's QTc."""

from collections.abc import Callable, Mapping

import numpy as np

from dosetwin.declare import Facts, Goal, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import Reading
from dosetwin.outcomes.repolarisation.beats import DOSES, HIGH_BELOW
from dosetwin.outcomes.repolarisation.drugs import Blocker, row_of, training
from dosetwin.outcomes.repolarisation.interval import (
    LIMITS,
    RESPONSES,
)
from dosetwin.studies.decisions.qt import FACTS, GIVEN, GOALS, MADE, UNSAID, WEEK, by_limits, in_force, remarks

CELL = "FDA/CiPA v1.0, the cell's last of 1,000 beats without drug and at 1 to 4 times the usual free peak (run)"
CONTROL = (0.06967, 291.0)
"""qNet (uC/uF) and APD90 (ms) without drug."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
GAIN, GAIN_SD = 1.0, 0.8
"""ms of QTc for a ms of APD90. The volunteers' rises at their peaks over the cell's at the same free concentration: dofetilide
75 over 41, ranolazine 5 over 22 (free shares recalled), so that this is wide (assumed)."""


def at_peak(of: Blocker) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """qNet (uC/uF) and rise of APD90 (ms) at multiples of the usual free peak: straight lines between 0, 1, 2, 3 and 4, held
    beyond."""
    row = row_of(of.name)
    x = np.array([0.0, *DOSES])
    q = np.array([CONTROL[0], *(float(row[f"qNet_{k:.0f}"]) for k in DOSES)])
    a = np.array([0.0, *(float(row[f"APD90_{k:.0f}"]) - CONTROL[1] for k in DOSES)])
    return lambda times: (np.interp(times, x, q), np.interp(times, x, a))


def _made(of: Blocker) -> Decision:
    cell = at_peak(of)

    def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
        times, share = np.zeros((len(p["BASE"]), len(t))), np.empty(len(t))
        for j, (s, read) in enumerate(in_force(steps, t)):
            times[:, j] = s["CONC"] / of.cmax if read else s["DOSE"] * p["PEAK"]
            share[j] = s["DOSE"]
        qNet, longer = cell(times)
        rise = p["GAIN"][:, None] * longer
        lost = np.broadcast_to(1.0 - np.minimum(share, 1.0), rise.shape)
        return {"QTC": p["BASE"][:, None] + rise, "RISE": rise, "PEAK_CONC": times * of.cmax, "QNET": qNet, "LOST": lost}

    def words(s: Mapping[str, float]) -> str:
        if not s["DOSE"]:
            return f"stop {of.name}, another drug"
        dose = "the usual dose" if s["DOSE"] == 1.0 else f"{s['DOSE']:g} of the usual dose"
        return f"{of.name}, {dose}"

    slip = "total, or in ng/mL? this is free plasma concentration"
    most = 100.0 * of.cmax
    formula = Formula(
        name=f"qt_{of.name}",
        text="QTc by the cell's longer beat at a free concentration, times a gain of one person",
        clock="d",
        step=1.0,
        unknowns=(
            Unknown("BASE", "ms", "QTc without the drug", 405.0, 25.0, "assumed, wide", "plain"),
            Unknown("GAIN", "1", "QTc over the cell's APD90", GAIN, GAIN_SD, "assumed; see the file"),
            Unknown("PEAK", "1", "free peak of the usual dose over CiPA's", 1.0, 0.5, "assumed"),
        ),
        reads=(
            Read("QTC", "QTc (band: at the dose's peak)", "ms", 250.0, 800.0, {"s": 1000.0}, additive=12.0, slip="in s? say so"),
            Read("RISE", "rise over the time without the drug", "ms", -1e4, 1e5, measured=False),
            Read("PEAK_CONC", f"peak concentration of {of.name}, free", "nmol/L", 0.0, most, proportional=0.2,
                 additive=1e-6 * of.cmax, slip=slip),
            Read("QNET", "qNet of the cell at the peak", "uC/uF", -10.0, 10.0, measured=False),
            Read("LOST", "share of the usual dose that is not given", "1", 0.0, 1.0, measured=False),
        ),
        settings=(
            Column("DOSE", "dose over the usual one", "1", 0.0, 2.0, {"%": 0.01}),
            Column("CONC", "free concentration at the reading, nmol/L", "nmol/L", UNSAID, most, slip=slip),
        ),
        now={"DOSE": 0.0, "CONC": UNSAID},
        course=course,
        source=CELL,
        facts=FACTS,
        made=MADE,
    )  # fmt: skip
    therapy = Therapy(
        name=f"qt_{of.name}",
        drug=drug(f"{of.name}_qt", unit="1", measured=False, device=True),
        population=f"adults on {of.name}",
        models=(),
        menu=Settings({}, {("DOSE", "CONC"): tuple((d, UNSAID) for d in SHARES)}),
        goals=(
            *GOALS,
            Goal("margin", Reading("QNET", "at", WEEK, name="qNet"), HIGH_BELOW, None, "uC/uF", 1.0, 0.01,
                 "qNet at the peak above CiPA's border to high risk", "Li 2019 (recalled): of the mean over 1 to 4 peaks"),
            GIVEN,
        ),
        limits=(),
        rules=(by_limits(SHARES),),
        typical={},
        horizon_h=24.0 * 7,
        stale_h=24.0 * 14,
        tie_loss=0.002,
        source=f"{CELL}; {LIMITS}",
        note=f"research and teaching: CiPA's class of {of.name} is {of.risk}; no QT was fitted, a cell's beat stands for it",
    )  # fmt: skip
    return Decision(
        formula, therapy, f"QT on {of.name}", words, ("QTC", "QNET"), 7.0,
        ("The cell's qNet and APD90 at a multiple of the usual free peak; QTc rises by APD90 times a gain that a person's own "
         "readings tell (a factor of 2 either way before).",
         "Where no free concentration is measured the peak is the dose over the usual one, within a factor of 1.6.",
         "Potassium, magnesium and rate are named, not counted."),
        remarks=remarks,
    )  # fmt: skip


DECISIONS = tuple(_made(d) for name, d in training().items() if name not in RESPONSES)

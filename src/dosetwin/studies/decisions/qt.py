"""A drug that prolongs QT: the dose that keeps QTc below 500 ms and within 60 ms of the first one, or another drug."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.errors import Finding
from dosetwin.outcomes.repolarisation.interval import (
    LIMITS,
    MAY_RISE,
    MAY_STOP,
    RESPONSES,
    RISE,
    STOP,
    Response,
    corrected,
    findings,
)

WEEK = At(7.0, "d")
KIDNEY = (
    "The kidney is not in it: the label gives 500 ug twice a day above a creatinine clearance of 60 mL/min, 250 from 40, 125 "
    "from 20 and none below (recalled)."
)
UNSAID = -1.0
A_READING = 1e-6
"""d: a concentration is that of its own moment; a later reading without one is taken for the peak of the dose."""
NOT_BEGUN, BLOCK, WIDE = 440.0, 500.0, 120.0
"""ms: QTc above which dofetilide is not begun, that with a QRS wider than the third (US label; recalled)."""

FACTS = (
    Column("K", "potassium", "mmol/L", 1.5, 9.0, {"mEq/L": 1.0}),
    Column("MG", "magnesium", "mmol/L", 0.2, 3.0, {"mg/dL": 0.411}),
    Column("QRS", "QRS", "ms", 40.0, 250.0, {"s": 1000.0}),
)
MADE = {"QTC": ((Column("QT", "QT", "ms", 150.0, 900.0, {"s": 1000.0}, slip="in s? say so"),
                 Column("RR", "RR interval", "s", 0.25, 3.0, {"ms": 0.001}, slip="in ms? say so; a rate? 60 / rate")),
                corrected)}  # fmt: skip
GOALS = (
    Goal("below_500", Reading("QTC", "at", WEEK, name="QTc"), None, STOP, "ms", 3.0, 60.0, "QTc below 500 ms", LIMITS,
         min_probability=1.0 - MAY_STOP, help="a drug that leaves QT alone; correct potassium and magnesium"),
    Goal("rise", Reading("RISE", "at", WEEK, name="rise"), None, RISE, "ms", 2.0, 60.0, "rise of QTc below 60 ms", LIMITS,
         min_probability=1.0 - MAY_RISE, help="a lower dose, or a drug that leaves QT alone"),
)  # fmt: skip
GIVEN = Goal("lost", Reading("LOST", "at", WEEK, name="share not given"), None, None, "1", 0.5, 1.0,
             "share of the dose not given", "what the drug is given for: weight assumed", joint=False, price=True)  # fmt: skip
"""What every decision by QTc reads beside it, aims at and pays for."""


def in_force(steps: Steps, t: np.ndarray) -> Iterator[tuple[Mapping[str, float], bool]]:
    """At each time (d): what is ordered then, and whether its concentration is a reading of that very moment."""
    edges = [a for a, _ in steps[1:]]
    for when in t:
        begun, s = steps[int(np.searchsorted(edges, when + 1e-9, side="right"))]
        yield s, s["CONC"] >= 0.0 and abs(when - begun) < A_READING


def by_limits(doses: Sequence[float]) -> Rule:
    """The rule by QTc alone, of a drug that comes in these doses: stop, halve or go on."""

    def limits(facts: Facts) -> Sets | str:
        last, first, dose = facts.number("QTC"), facts.number("QTC_FIRST"), facts.number("DOSE") or 0.0
        if last is None or first is None:
            return "the limits need a QTc before and one on the drug"
        if last >= STOP:
            return Sets({"DOSE": 0.0, "CONC": UNSAID}, f"QTc {last:.0f} ms: at or above 500, stop")
        if last - first >= RISE:
            lower = max([d for d in doses if d <= dose / 2.0 + 1e-9], default=0.0)
            return Sets({"DOSE": lower, "CONC": UNSAID}, f"QTc {last - first:.0f} ms over the first: halve, or stop")
        return Sets({"DOSE": dose, "CONC": UNSAID}, f"QTc {last:.0f} ms, {last - first:+.0f} ms: as it is")

    return Rule("qtc_limits", "QTc of 500 ms: stop; 60 ms over the first: halve", LIMITS, "recalled", (), limits,
                ward="QTc limits")  # fmt: skip


def remarks(facts: Facts) -> Sequence[Finding]:
    """What else lengthens QT."""
    return findings(potassium=facts.number("K"), magnesium=facts.number("MG"), qrs=facts.number("QRS"))


def _made(r: Response) -> Decision:
    most = max(r.doses)

    def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
        n = len(p["BASE"])
        conc, dose = np.zeros((n, len(t))), np.empty(len(t))
        for j, (s, read) in enumerate(in_force(steps, t)):
            usual = r.peak / r.dose * s["DOSE"] * r.accumulates * p["PEAK"]
            conc[:, j] = s["CONC"] if read else usual
            dose[j] = s["DOSE"]
        rise = np.where(conc > 0.0, p["LEVEL"][:, None] + p["SLOPE"][:, None] * conc, 0.0)
        lost = np.broadcast_to(1.0 - dose / most, conc.shape)
        return {"QTC": p["BASE"][:, None] + rise, "RISE": rise, "PEAK_CONC": conc, "LOST": lost}

    def words(s: Mapping[str, float]) -> str:
        return f"{r.name} {s['DOSE']:g} {r.dose_unit} {r.often}" if s["DOSE"] else f"stop {r.name}, another drug"

    def possible(s: Mapping[str, float], facts: Facts) -> bool:
        first, last = facts.number("QTC_FIRST"), facts.number("QTC")
        if r.name != "dofetilide" or not s["DOSE"] or facts.number("DOSE") or first is None or last is None:
            return True
        return last <= (BLOCK if (facts.number("QRS") or 0.0) > WIDE else NOT_BEGUN)

    formula = Formula(
        name=f"qt_{r.name}",
        text="QTc by level and slope of one person on a concentration",
        clock="d",
        step=1.0,
        unknowns=(
            Unknown("BASE", "ms", "QTc without the drug", 405.0, 25.0, "assumed, wide", "plain"),
            Unknown("LEVEL", "ms", "rise on the drug that no concentration explains", r.level, r.sds[0], r.source, "plain"),
            Unknown("SLOPE", f"ms/({r.unit})", "rise per concentration", r.slope, r.sds[1], r.source, "plain"),
            Unknown("PEAK", "1", "peak of a dose over the usual", 1.0, r.peak_cv, r.source),
        ),
        reads=(
            Read("QTC", "QTc (band: at the dose's peak)", "ms", 250.0, 800.0, {"s": 1000.0}, additive=r.noise,
                 slip="in s? say so"),
            Read("RISE", "rise over the time without the drug", "ms", -300.0, 600.0, measured=False),
            Read("PEAK_CONC", f"peak concentration of {r.name}, "
            f"total", r.unit, 0.0, r.highest, proportional=0.1, additive=1e-6 * r.peak,
                 slip="free, or in nmol/L? this is total plasma concentration"),
            Read("LOST", "share of the highest dose that is not given", "1", 0.0, 1.0, measured=False),
        ),
        settings=(
            Column("DOSE", f"dose {r.often}, {r.dose_unit}", r.dose_unit, 0.0, 2.0 * most),
            Column("CONC", f"total concentration at the reading, {r.unit}", r.unit, UNSAID, r.highest,
                   slip="free, or in nmol/L? this is total plasma concentration"),
        ),
        now={"DOSE": 0.0, "CONC": UNSAID},
        course=course,
        source=r.source,
        facts=FACTS,
        made=MADE,
    )  # fmt: skip
    therapy = Therapy(
        name=f"qt_{r.name}",
        drug=drug(f"{r.name}_qt", unit="1", measured=False, device=True),
        population=f"adults on {r.name}",
        models=(),
        menu=Settings({}, {("DOSE", "CONC"): tuple((d, UNSAID) for d in (0.0, *r.doses))}),
        goals=(
            *GOALS,
            GIVEN,
        ),
        limits=(),
        rules=(by_limits(r.doses),),
        typical={},
        horizon_h=24.0 * 7,
        stale_h=24.0 * 14,
        tie_loss=0.002,
        source=f"{r.source}; {LIMITS}",
        note="research and teaching: learned from healthy volunteers after one dose; not the ill, no interactions, no delay",
    )  # fmt: skip
    return Decision(
        formula, therapy, f"QT on {r.name}", words, ("QTC",), 7.0,
        ("QTc rises in proportion to total concentration, by a level and a slope of each person; Fridericia's correction.",
         "Doses are judged at the peak of steady state; the peak of a dose differs between "
         "people as in the volunteers.", *((KIDNEY,) if r.name == "dofetilide" else ())),
        remarks=remarks,
        possible=possible,
    )  # fmt: skip


DECISIONS = tuple(_made(r) for r in RESPONSES.values())

"""Ten years of prevention: risk watched by SCORE2, QRISK3 or PREVENT, a statin and drugs for pressure, beside the guideline."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.errors import Finding
from dosetwin.outcomes import scores
from dosetwin.studies.decisions import hypertension
from dosetwin.studies.decisions._years import DAYS, YEARS

DRUG = drug("prevention_drugs", unit="1", measured=False, device=True)
CTT = "CTT 2012, Lancet 380:581: 0.79 per mmol/L of LDL at low risk (recalled)"
LAW = "Law 2003, BMJ 326:1423: atorvastatin 20 and 80 mg (recalled)"
RR_LDL = 0.79
LDL_LEFT: Mapping[float, float] = {0.0: 1.0, 20.0: 0.57, 80.0: 0.45}
"""LDL on mg of atorvastatin over that without."""
NOT_LDL = 0.6
"""mmol/L of cholesterol neither LDL nor HDL: triglycerides of 1.3 over 2.2 (assumed; Friedewald)."""
TABLET = 0.02
"""Weight of a tablet a day: ten years of it are worth one event spared in 200 people (assumed)."""
MUSCLES: Mapping[float, float] = {0.0: 0.0, 20.0: 0.01, 80.0: 0.02}
"""Complaints by a statin (assumed; CTT 2022: about one in a hundred in the first year, recalled)."""
LOWEST = 130.0
"""mmHg: no guideline here begins a drug for pressure below."""
ORDER: tuple[str, ...] = ("CCB", "ACE", "DIURETIC")
MMOL = 1.0 / 0.02586


@dataclass(frozen=True)
class Guided:
    """A score with its answer, and what a guideline does with it: ``says`` (risk %, pressure, age) -> statin mg, drugs for
    pressure, why. ``border`` of the risk (%) and of the ``pressure`` (mmHg) that the years are watched for; ``unit_tc`` the
    score's units of cholesterol in a mmol/L."""

    score: str
    answer: str
    rule: str
    title: str
    source: str
    ward: str
    says: Callable[[float, float, float], tuple[float, float, str]]
    border: Callable[[float], float]
    unit_tc: float = 1.0
    pressure: float = 140.0


def _esc(risk: float, sbp: float, age: float) -> tuple[float, float, str]:
    low, high = (2.5, 7.5) if age < 50 else (5.0, 10.0) if age < 70 else (7.5, 15.0)
    statin = 80.0 if risk >= high else 20.0 if risk >= low else 0.0
    why = "very high" if risk >= high else "high: should be considered" if risk >= low else "low to moderate"
    return statin, 2.0 if sbp >= 140.0 or (sbp >= 130.0 and risk >= 10.0) else 0.0, f"{why} ({low:g} and {high:g} % at this age)"


def _nice(risk: float, sbp: float, age: float) -> tuple[float, float, str]:
    drugs = 1.0 if sbp >= 160.0 or (sbp >= 140.0 and risk >= 10.0) else 0.0
    return (20.0 if risk >= 10.0 else 0.0), drugs, "10 % or more" if risk >= 10.0 else "below 10 %"


def _acc(risk: float, sbp: float, age: float) -> tuple[float, float, str]:
    statin = 80.0 if risk >= 10.0 else 20.0 if risk >= 5.0 else 0.0
    why = "high" if risk >= 10.0 else "intermediate" if risk >= 5.0 else "borderline: to be talked over" if risk >= 3.0 else "low"
    return statin, 0.0, f"{why} (3, 5 and 10 %)"


GUIDED = (
    Guided("score2", "RISK_10Y", "esc_2021", "ESC 2021 and 2024: statin by SCORE2 and age; drugs from 140 mmHg, or 130 at 10 %",
           "Visseren 2021, Eur Heart J 42:3227 (borders read in a summary); McEvoy 2024, Eur Heart J 45:3912 (recalled)", "ESC",
           _esc, lambda age: 2.5 if age < 50 else 5.0 if age < 70 else 7.5),
    Guided("qrisk3", "RISK_10Y", "nice_ng238",
           "NICE NG238 and NG136: atorvastatin 20 mg from 10 %; drugs from 140 mmHg at 10 %, 160",
           "NICE NG238 (its predecessor's line read: 10 %, 20 mg); NG136 (recalled)", "NICE", _nice, lambda age: 10.0),
    Guided("prevent", "ASCVD_10Y", "acc_2026",
           "ACC/AHA 2026 and 2025: statin by PREVENT-ASCVD; drugs from 140 mmHg, or 130 at 7.5 %",
           "ACC/AHA 2026 (categories read at MDCalc; doses of each assumed); ACC/AHA 2025, top things to know (read)", "ACC/AHA",
           _acc, lambda age: 5.0, MMOL),
)  # fmt: skip
NOT_ASKED = ("SBP", "TC", "HDL", "RATIO", "AGE", "BP_TREATED", "STATIN")


def _columns(of: scores.Score) -> tuple[Column, ...]:
    """The score's own columns as facts, but for what is read over the years and for drugs, which are settings."""
    age = next(c for c in of.columns if c.name == "AGE")
    first = Column("AGE", "age at the first reading", "y", age.low, age.high, needed=True, slip=f"{of.name} is for these years")
    hdl = Column("HDL", "HDL cholesterol", "mmol/L", 0.5, 2.6, {"mg/dL": 0.02586}, needed=True, slip="mg/dL? say so in units")
    rest = (
        Column(c.name, c.text, c.unit, c.low, c.high, c.units, c.words, c.needed) for c in of.columns if c.name not in NOT_ASKED
    )
    return (first, hdl, *rest)


@lru_cache(maxsize=32)
def _hazard(g: Guided, facts: tuple[tuple[str, float], ...]) -> tuple[RegularGridInterpolator, tuple[np.ndarray, ...]]:
    """ln of events a year by the score's risk of ten years, on a grid of age, pressure and cholesterol, nobody treated."""
    of, known = scores.load(g.score), dict(facts)
    column = {c.name: c for c in of.columns}
    low, high = (column["SBP"].low, column["SBP"].high)
    hdl = known.pop("HDL")
    tc = (max(3.4, hdl + 0.5), 8.2)
    grid = (np.linspace(column["AGE"].low, column["AGE"].high, 16), np.linspace(low, high, 9), np.linspace(*tc, 5))
    out = np.empty(tuple(map(len, grid)))
    for i, age in enumerate(grid[0]):
        for j, sbp in enumerate(grid[1]):
            for k, c in enumerate(grid[2]):
                out[i, j, k] = np.log(-np.log1p(-risk(g, known | {"HDL": hdl}, float(age), float(sbp), float(c)) / 100.0) / 10.0)
    return RegularGridInterpolator(grid, out), grid


def risk(g: Guided, facts: Mapping[str, float], age: float, sbp: float, tc: float) -> float:
    """The score's risk of ten years (%) at an age, a pressure in mmHg and a cholesterol in mmol/L, without drugs.

    Raises InputError where the score has no answer (diabetes and SCORE2).
    """
    of = scores.load(g.score).of
    assert of is not None
    ratio = min(max(tc / facts["HDL"], 1.0), 11.0)
    v = dict(facts) | {"AGE": age, "SBP": sbp, "TC": tc * g.unit_tc, "HDL": facts["HDL"] * g.unit_tc, "RATIO": ratio}
    return float(of(v | {"BP_TREATED": 0.0, "STATIN": 0.0})[g.answer])


def _asked(g: Guided, facts: Facts) -> tuple[tuple[str, float], ...]:
    names = [c.name for c in _columns(scores.load(g.score)) if c.name != "AGE"]
    return tuple((n, x) for n in names if (x := facts.number(n)) is not None)


def _made(g: Guided) -> Decision:
    of = scores.load(g.score)

    def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
        age0 = facts.number("AGE") or 60.0
        grid = np.unique(np.concatenate([np.arange(0.0, float(t[-1]) + 0.5, 0.5), t]))
        at, edges = np.searchsorted(grid, t), [a for a, _ in steps[1:]]
        sbp0 = p["SBP0"][:, None] + p["DRIFT"][:, None] * grid
        tc0 = np.broadcast_to(p["TC0"][:, None], sbp0.shape)
        sbp, tc, ldl = np.empty_like(sbp0), np.empty_like(sbp0), np.empty_like(sbp0)
        troubled, tablets = np.empty(len(grid)), np.empty(len(grid))
        hdl = facts.number("HDL") or 1.3
        for j, when in enumerate(grid):
            s = steps[int(np.searchsorted(edges, when + 1e-9, side="right"))][1]
            drugs = dict(zip(ORDER, (0.5 * (s["BP_DRUGS"] > k) for k in range(3)), strict=True))
            sbp[:, j] = sbp0[:, j] - p["RESPONSE"] * s["BP_DRUGS"] * hypertension.fall(0.5, sbp0[:, j])
            own = np.maximum(tc0[:, j] - hdl - NOT_LDL, 0.3)
            left = min(LDL_LEFT, key=lambda mg: abs(mg - s["STATIN"]))
            ldl[:, j] = own * (1.0 - np.clip(p["LOWERS"] * (1.0 - LDL_LEFT[left]), 0.0, 0.9))
            tc[:, j] = tc0[:, j] - own + ldl[:, j]
            tablets[j] = s["BP_DRUGS"] + (s["STATIN"] > 0.0)
            troubled[j] = 1.0 - (1.0 - hypertension.complaints(drugs)) * (1.0 - MUSCLES[left])
        spared = RR_LDL ** (tc0 - tc) * hypertension.RR_10 ** ((sbp0 - sbp) / 10.0)

        def hazard(years: np.ndarray) -> np.ndarray:
            f, axes = _hazard(g, _asked(g, facts))
            x = [np.broadcast_to(years, sbp0.shape), sbp0, tc0]
            return np.exp(f(np.stack([np.clip(v, a[0], a[-1]) for v, a in zip(x, axes, strict=True)], axis=-1)))

        rate = hazard(age0 + grid - 5.0) * spared
        steps_y = 0.5 * (rate[:, 1:] + rate[:, :-1]) * np.diff(grid)
        total = np.concatenate([np.zeros((len(rate), 1)), np.cumsum(steps_y, axis=1)], axis=1)[:, at]
        shape = (len(rate), len(t))
        return {
            "SBP": sbp[:, at], "TC": tc[:, at], "RISK": 100.0 * (1.0 - np.exp(-10.0 * (hazard(age0 + grid) * spared)[:, at])),
            "EVENT": 1.0 - np.exp(-(total - total[:, :1])), "COMPLAINTS": np.broadcast_to(troubled[at], shape),
            "TABLETS": np.broadcast_to(tablets[at], shape),
            "AGE_NOW": np.broadcast_to(age0 + t, shape),
        }  # fmt: skip

    def rule(facts: Facts) -> Sets | str:
        sbp, tc, age = (facts.number(n) for n in ("SBP", "TC", "AGE_NOW"))
        if sbp is None or tc is None or age is None:
            return f"{g.rule} needs a pressure and a cholesterol"
        found = risk(g, dict(_asked(g, facts)), _inside(of, "AGE", age), _inside(of, "SBP", sbp), tc)
        statin, drugs, why = g.says(found, sbp, age)
        if g.score == "prevent":
            every = scores.load("prevent").of
            assert every is not None
            known = dict(_asked(g, facts))
            v = known | {"AGE": age, "SBP": _inside(of, "SBP", sbp), "TC": tc * MMOL, "HDL": known["HDL"] * MMOL}
            all_cvd = float(every(v | {"BP_TREATED": 0.0, "STATIN": 0.0})["TOTAL_CVD_10Y"])
            drugs = 2.0 if sbp >= 140.0 else 1.0 if sbp >= 130.0 and all_cvd >= 7.5 else 0.0
        now = facts.number("BP_DRUGS") or 0.0
        kept = min(now + (1.0 if sbp >= g.pressure else 0.0), 3.0) if now else drugs
        return Sets({"STATIN": max(statin, facts.number("STATIN") or 0.0), "BP_DRUGS": kept},
                    f"{g.score} {found:.1f} %: {why}; {sbp:.0f} mmHg")  # fmt: skip

    def possible(s: Mapping[str, float], facts: Facts) -> bool:
        sbp, begun = facts.number("SBP"), facts.number("BP_DRUGS")
        if facts.on("PREGNANT"):
            return not (s["STATIN"] or s["BP_DRUGS"])
        return not s["BP_DRUGS"] or bool(begun) or sbp is None or sbp >= LOWEST

    def remarks(facts: Facts) -> Sequence[Finding]:
        sbp, tc, age = (facts.number(n) for n in ("SBP", "TC", "AGE_NOW"))
        if sbp is None or tc is None or age is None or facts.number("STATIN") or facts.number("BP_DRUGS"):
            return ()
        return _first(g, dict(_asked(g, facts)), age, sbp, tc)

    formula = Formula(
        name=f"prevention_{g.score}",
        text=f"risk by {of.title.split(',')[-1].strip() or g.score}, pressure and cholesterol under a statin and drugs",
        clock="y",
        step=0.5,
        unknowns=(
            Unknown("SBP0", "mmHg", "pressure without drugs when the clock begins", 135.0, 17.0, "middle age (assumed)", "plain"),
            Unknown("DRIFT", "mmHg/y", "rise of it", 0.5, 0.4, "cohorts: 4 to 7 mmHg in ten years (recalled)", "plain"),
            Unknown("TC0", "mmol/L", "total cholesterol without a statin", 5.5, 0.18, "middle age (assumed)"),
            Unknown("RESPONSE", "1", "answer to drugs over the mean", 1.0, 0.3, "spread assumed; mean " + hypertension.LAW),
            Unknown("LOWERS", "1", "answer to a statin over the mean", 1.0, 0.2, "spread assumed; mean " + LAW),
        ),
        reads=(
            Read("SBP", "systolic pressure", "mmHg", 70.0, 260.0, {"kPa": 7.50062}, additive=8.0, slip="kPa? say so in the unit"),
            Read("TC", "total cholesterol", "mmol/L", 2.0, 12.0, {"mg/dL": 0.02586}, proportional=0.07, slip="in mg/dL? say so"),
            Read("RISK", f"risk of ten years by {g.score}, as treated", "%", 0.0, 100.0, measured=False),
            Read("EVENT", "chance of an event so far", "1", 0.0, 1.0, measured=False),
            Read("COMPLAINTS", "chance of complaints by the drugs", "1", 0.0, 1.0, measured=False),
            Read("TABLETS", "tablets a day", "1", 0.0, 9.0, measured=False),
            Read("AGE_NOW", "age", "y", 0.0, 130.0, measured=False),
        ),
        settings=(
            Column("STATIN", "atorvastatin a day (0, 20, 80)", "mg", 0.0, 80.0),
            Column("BP_DRUGS", "drugs for pressure at half a standard dose", "1", 0.0, 3.0),
        ),
        now={"STATIN": 0.0, "BP_DRUGS": 0.0},
        course=course,
        source=f"{of.source}; {hypertension.LAW}; {hypertension.ETTEHAD}; {LAW}; {CTT}",
        facts=(*_columns(of), Column("PREGNANT", "pregnant or may become so", "1", 0.0, 1.0, words={"yes": 1.0, "no": 0.0})),
    )  # fmt: skip
    therapy = Therapy(
        name=f"prevention_{g.score}_years",
        drug=DRUG,
        population="adults without heart attack, stroke or heart failure so far",
        models=(),
        menu=Settings({"STATIN": (0.0, 20.0, 80.0), "BP_DRUGS": (0.0, 1.0, 2.0, 3.0)}),
        goals=(
            Goal("controlled", Reading("SBP", "at", At(365.0, "d"), name="pressure"), None, 140.0, "mmHg", 0.10, 20.0,
                 "pressure below 140 mmHg in a year", "NICE NG136 (recalled)"),
            Goal("low", Reading("SBP", "at", At(365.0, "d"), name="pressure"), 110.0, None, "mmHg", 0.10, 20.0,
                 "pressure not below 110 mmHg", "assumed", help="less of a drug"),
            Goal("event", Reading("EVENT", "at", At(DAYS, "d"), name="event"), None, None, "1", 1.0, 0.25,
                 "chance of an event in ten years", f"{g.score}; {CTT}; {hypertension.ETTEHAD}", joint=False, price=True),
            Goal("complaints", Reading("COMPLAINTS", "at", At(365.0, "d"), name="complaints"), None, None, "1", 0.5, 1.0,
                 "chance of complaints by the drugs", "Law 2003 and assumed; weight assumed", joint=False, price=True),
            Goal("tablets", Reading("TABLETS", "at", At(365.0, "d"), name="tablets"), None, None, "1", TABLET, 1.0,
                 "tablets a day", "one event in 200 people: assumed", joint=False, price=True),
        ),
        limits=(),
        rules=(Rule(g.rule, g.title, g.source, "recalled", (), rule, ward=g.ward),),
        typical={},
        horizon_h=24.0 * DAYS,
        stale_h=24.0 * 365,
        tie_loss=0.002,
        source=f"{of.source}; weights assumed",
        note="research and teaching: no event so far; systolic pressure and cholesterol alone, smoking and weight as they are",
    )  # fmt: skip
    return Decision(
        formula, therapy, f"Ten years of prevention by {g.score.upper()}", _words, ("RISK", "SBP", "TC", "EVENT"), YEARS,
        (
            "Events come at the rate of the score's ten years about each age, at pressure and cholesterol without drugs; drugs "
            "multiply it: 0.79 for each mmol/L of LDL, 0.80 for each 10 mmHg.",
            "A guideline's borders were made for its own score, and are asked of the last readings alone.",
            "Deaths of other causes are not taken out; beyond the score's ages its last one is held.",
        ),
        exact=("AGE_NOW",),
        possible=possible,
        remarks=remarks,
    )  # fmt: skip


def _first(g: Guided, known: Mapping[str, float], age: float, sbp: float, tc: float) -> Sequence[Finding]:
    """Which reading passes its border first without drugs, in which year: pressure rising half a mmHg a year, or the risk."""
    of = scores.load(g.score)
    last = next(c for c in of.columns if c.name == "AGE").high
    for year in range(int(YEARS) + 1):
        if age + year > last:
            break
        found, high = (
            risk(g, known, _inside(of, "AGE", age + year), _inside(of, "SBP", sbp + 0.5 * year), tc),
            g.border(age + year),
        )
        then = sbp + 0.5 * year
        both = (
            (f"pressure {then:.0f} mmHg (border {g.pressure:.0f})", then >= g.pressure),
            (f"{g.score} {found:.1f} % (border {high:g})", found >= high),
        )
        passed = " and ".join(text for text, so in both if so)
        if passed:
            text = f"passes its border first without drugs, {f'in year {year}' if year else 'now'}: {passed}"
            remedy = "read again before then"
            return (Finding("info", "passes_first", g.score, text, None, "borders of the guideline beside", remedy),)
    return ()


def _inside(of: scores.Score, name: str, value: float) -> float:
    """A value within the score's range."""
    c = next(c for c in of.columns if c.name == name)
    return min(max(value, c.low), c.high)


def _words(s: Mapping[str, float]) -> str:
    drugs = f"{s['BP_DRUGS']:g} drug{'s' if s['BP_DRUGS'] != 1.0 else ''} for pressure at half dose" if s["BP_DRUGS"] else ""
    statin = f"atorvastatin {s['STATIN']:g} mg" if s["STATIN"] else ""
    return ", ".join(x for x in (statin, drugs) if x) or "no drug"


DECISIONS = tuple(_made(g) for g in GUIDED)

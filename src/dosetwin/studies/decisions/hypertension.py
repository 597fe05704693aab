"""Ten years of high blood pressure: one to three drugs at half or full dose, what they prevent and the complaints they cost."""

from collections.abc import Mapping, Sequence

import numpy as np

from dosetwin.declare import Facts, Goal, Rule, Sets, Therapy
from dosetwin.declare.drug import drug
from dosetwin.declare.formula import Column, Decision, Formula, Read, Steps, Unknown
from dosetwin.declare.menu import Settings
from dosetwin.declare.reading import At, Reading
from dosetwin.errors import Finding
from dosetwin.outcomes import scores
from dosetwin.studies.decisions._years import DAYS, SEX, YEARS, flag, potassium_forbids

DRUG = drug("pressure_drugs", unit="1", measured=False, device=True)
LAW = "Law 2003, BMJ 326:1427 and 2009, BMJ 338:b1665"
ETTEHAD = "Ettehad 2016, Lancet 387:957 (abstract read)"
RR_10 = 0.80
"""Of major cardiovascular events for 10 mmHg less: 0.77 to 0.83 (Ettehad 2016)."""
KINDS = ("ACE", "CCB", "DIURETIC")
COMPLAINTS: Mapping[str, tuple[float, float]] = {"ACE": (0.039, 0.039), "CCB": (0.016, 0.083), "DIURETIC": (0.020, 0.099)}
"""Share of people with complaints by the drug, at half and at full dose: Law 2003, Table (recalled)."""


def fall(dose: float, before: np.ndarray) -> np.ndarray:
    """mmHg that one drug takes off a pressure that nothing else lowers: 9.1 and 7.1 + 0.10 (P - 154) at full and half dose.

    Law 2009 (recalled); drugs add, each counted from the untreated pressure. Between doses by a straight line.
    """
    full, half = 9.1 + 0.10 * (before - 154.0), 7.1 + 0.10 * (before - 154.0)
    return np.maximum(half * 2.0 * dose if dose <= 0.5 else half + (full - half) * 2.0 * (dose - 0.5), 0.0)


def complaints(s: Mapping[str, float]) -> float:
    """Share of people whom the drugs trouble, drugs taken as independent."""
    free = 1.0
    for k in KINDS:
        half, full = COMPLAINTS[k]
        free *= 1.0 - (2.0 * s[k] * half if s[k] <= 0.5 else half + (full - half) * 2.0 * (s[k] - 0.5))
    return 1.0 - free


def course(p: Mapping[str, np.ndarray], facts: Facts, steps: Steps, t: np.ndarray) -> dict[str, np.ndarray]:
    """Pressure untreated rises by DRIFT; PREVENT's risk of ten years is spread evenly and moved by RR_10 per 10 mmHg; years."""
    grid = np.unique(np.concatenate([np.arange(0.0, float(t[-1]) + 0.25, 0.25), t]))
    untreated = p["SBP0"][:, None] + p["DRIFT"][:, None] * grid
    edges = [a for a, _ in steps[1:]]
    sbp, troubled = np.empty_like(untreated), np.empty(len(grid))
    for j, when in enumerate(grid):
        s = steps[int(np.searchsorted(edges, when + 1e-9, side="right"))][1]
        sbp[:, j] = untreated[:, j] - p["RESPONSE"] * sum(fall(s[k], untreated[:, j]) for k in KINDS)
        troubled[j] = complaints(s)
    hazard = _hazard(facts, p["SBP0"])[:, None] * RR_10 ** (-(sbp - p["SBP0"][:, None]) / 10.0)
    total = np.concatenate(
        [np.zeros((len(sbp), 1)), np.cumsum(0.5 * (hazard[:, 1:] + hazard[:, :-1]) * np.diff(grid), axis=1)], 1
    )
    at = np.searchsorted(grid, t)
    first = total[:, at[:1]]
    return {
        "SBP": sbp[:, at],
        "EVENT": 1.0 - np.exp(-(total[:, at] - first)),
        "COMPLAINTS": np.broadcast_to(troubled[at], (len(sbp), len(t))),
    }


def _hazard(facts: Facts, untreated: np.ndarray) -> np.ndarray:
    """Events a year by PREVENT at the untreated pressure; between tabulated pressures by a straight line."""
    of = scores.load("prevent").of
    assert of is not None
    mg = 1.0 / 0.02586
    known = {
        "AGE": facts.number("AGE"),
        "SEX": facts.number("SEX"),
        "TC": (facts.number("TC") or 0.0) * mg,
        "HDL": (facts.number("HDL") or 0.0) * mg,
        "BMI": facts.number("BMI"),
        "EGFR": facts.number("EGFR"),
        "DIABETES": facts.number("DIABETES"),
        "SMOKER": facts.number("SMOKER"),
        "BP_TREATED": 0.0,
        "STATIN": facts.number("STATIN"),
    }
    at = np.array([90.0, 110.0, 130.0, 150.0, 180.0])
    risk = np.array([float(of({**known, "SBP": x})["TOTAL_CVD_10Y"]) for x in at]) / 100.0  # type: ignore[dict-item]
    return np.interp(np.clip(untreated, 90.0, 180.0), at, -np.log1p(-risk) / 10.0)


FORMULA = Formula(
    name="hypertension",
    text="pressure and its harm under one to three drugs",
    clock="y",
    step=0.25,
    unknowns=(
        Unknown(
            "SBP0",
            "mmHg",
            "pressure without drugs when the clock begins",
            150.0,
            15.0,
            "people treated in trials (assumed)",
            "plain",
        ),
        Unknown("DRIFT", "mmHg/y", "rise of it", 0.5, 0.4, "cohorts: 4 to 7 mmHg in ten years (recalled)", "plain"),
        Unknown("RESPONSE", "1", "answer to drugs over the mean", 1.0, 0.3, "spread assumed; mean " + LAW),
    ),
    reads=(
        Read("SBP", "systolic pressure", "mmHg", 70.0, 260.0, {"kPa": 7.50062}, additive=8.0, slip="kPa? say so in the unit"),
        Read("EVENT", "chance of a heart attack, stroke or heart failure so far", "1", 0.0, 1.0, measured=False),
        Read("COMPLAINTS", "chance of complaints by the drugs", "1", 0.0, 1.0, measured=False),
    ),
    settings=tuple(Column(k, f"{k}, over its standard dose", "1", 0.0, 1.0, {"%": 0.01}) for k in KINDS),
    now=dict.fromkeys(KINDS, 0.0),
    course=course,
    source=f"{LAW}; {ETTEHAD}; PREVENT (Khan 2024)",
    facts=(
        Column("AGE", "age", "y", 30.0, 79.0, needed=True, slip="PREVENT is for 30 to 79 years"),
        SEX,
        Column("TC", "total cholesterol", "mmol/L", 3.36, 8.28, {"mg/dL": 0.02586}, needed=True, slip="mg/dL? say so in units"),
        Column("HDL", "HDL cholesterol", "mmol/L", 0.52, 2.59, {"mg/dL": 0.02586}, needed=True, slip="mg/dL? say so in units"),
        Column("BMI", "body mass index", "kg/m2", 18.5, 39.9999, needed=True),
        Column("EGFR", "filtration", "mL/min/1.73 m2", 15.0, 140.0, needed=True),
        flag("DIABETES", "diabetes"),
        flag("SMOKER", "smokes now"),
        flag("STATIN", "a statin"),
        flag("AFRICAN_CARIBBEAN", "Black African or African-Caribbean family origin", needed=False),
        flag("PREGNANT", "pregnant or may become so", needed=False),
        Column("K", "potassium", "mmol/L", 2.0, 8.0),
    ),
)
NAMES = {"ACE": "ACE inhibitor", "CCB": "calcium-channel blocker", "DIURETIC": "thiazide-like diuretic"}


def words(s: Mapping[str, float]) -> str:
    """``ACE inhibitor half dose, calcium-channel blocker full dose``."""
    on = [
        f"{NAMES[k]} {'full dose' if s[k] == 1.0 else 'half dose' if s[k] == 0.5 else f'{s[k]:g} of a dose'}"
        for k in KINDS
        if s[k]
    ]
    return ", ".join(on) or "no drug"


def _nice(facts: Facts) -> Sets | str:
    sbp = facts.number("SBP")
    if sbp is None:
        return "nice_ng136 needs a pressure"
    now = {k: facts.number(k) or 0.0 for k in KINDS}
    if facts.on("PREGNANT"):
        return "nice_ng136 is not for pregnancy: NICE NG133 names labetalol, nifedipine and methyldopa"
    if sbp < 140.0:
        return Sets(now, f"{sbp:.0f} mmHg is below 140: as it is")
    young = (facts.number("AGE") or 60.0) < 55.0 and not facts.on("AFRICAN_CARIBBEAN")
    first = "ACE" if young or facts.on("DIABETES") else "CCB"
    order = (first, "CCB" if first == "ACE" else "ACE", "DIURETIC")
    step = next((k for k in order if now[k] < 1.0 and possible({**dict.fromkeys(KINDS, 0.0), k: 1.0}, facts)), None)
    if step is None:
        return "nice_ng136: every drug that may be given is at full dose: resistant, ask a specialist"
    rather = ", an angiotensin blocker rather than an ACE inhibitor" if step == "ACE" and facts.on("AFRICAN_CARIBBEAN") else ""
    return Sets({**now, step: 1.0}, f"{sbp:.0f} mmHg: step up by {NAMES[step]}{rather}")


def _esc(facts: Facts) -> Sets | str:
    now = {k: facts.number(k) or 0.0 for k in KINDS}
    if any(now.values()):
        return "esc_2018 begins with two drugs: some are taken"
    return Sets({"ACE": 0.5, "CCB": 0.5, "DIURETIC": 0.0}, "two drugs in one pill from the beginning")


def possible(s: Mapping[str, float], facts: Facts) -> bool:
    """No ACE inhibitor in pregnancy, begun above potassium 5.0 or at 6.0; no diuretic in pregnancy (NICE NG133; recalled)."""
    if facts.on("PREGNANT") and s["DIURETIC"]:
        return False
    begun = (facts.number("ACE") or 0.0) > 0.0
    return not (s["ACE"] and (facts.on("PREGNANT") or potassium_forbids(facts, begun)))


def remarks(facts: Facts) -> Sequence[Finding]:
    """That a pregnancy is not what this plans for."""
    if not facts.on("PREGNANT"):
        return ()
    text = "ten years of tablets are not planned in a pregnancy: events of pre-eclampsia are not in it"
    remedy = "labetalol, nifedipine or methyldopa by whoever leads the pregnancy (NICE NG133; recalled)"
    return (Finding("warning", "pregnant", "hypertension_years", text, 1.0, "not pregnant", remedy),)


NICE = Rule(
    "nice_ng136",
    "NICE NG136: a drug more at 140 mmHg or above",
    "NICE NG136 (recalled; its first step as in CG127, by pdfslide.us, read)",
    "recalled",
    (),
    _nice,
    ward="NICE",
)
ESC = Rule(
    "esc_2018",
    "ESC/ESH 2018: two drugs at low dose to begin with",
    "Williams 2018, Eur Heart J 39:3021 (recalled)",
    "recalled",
    (),
    _esc,
    ward="ESC 2018",
)
ROWS = tuple((a, c, d) for a in (0.0, 0.5, 1.0) for c in (0.0, 0.5, 1.0) for d in (0.0, 0.5, 1.0))

THERAPY = Therapy(
    name="hypertension_years",
    drug=DRUG,
    population="adults of 30 to 79 with high blood pressure and no event so far",
    models=(),
    menu=Settings({}, {KINDS: ROWS}),
    goals=(
        Goal(
            "controlled",
            Reading("SBP", "at", At(365.0, "d"), name="pressure"),
            None,
            140.0,
            "mmHg",
            0.10,
            20.0,
            "pressure below 140 mmHg in a year",
            "NICE NG136 (recalled)",
        ),
        Goal(
            "low",
            Reading("SBP", "at", At(365.0, "d"), name="pressure"),
            110.0,
            None,
            "mmHg",
            0.10,
            20.0,
            "pressure not below 110 mmHg",
            "assumed",
            min_probability=0.90,
            help="less of a drug",
        ),
        Goal(
            "event",
            Reading("EVENT", "at", At(DAYS, "d"), name="event"),
            None,
            None,
            "1",
            1.0,
            0.25,
            "chance of an event in ten years",
            "PREVENT; " + ETTEHAD,
            joint=False,
            price=True,
        ),
        Goal(
            "complaints",
            Reading("COMPLAINTS", "at", At(365.0, "d"), name="complaints"),
            None,
            None,
            "1",
            0.5,
            1.0,
            "chance of complaints by the drugs",
            LAW + " (recalled); weight assumed",
            joint=False,
            price=True,
        ),
    ),
    limits=(),
    rules=(NICE, ESC),
    typical={},
    horizon_h=24.0 * DAYS,
    stale_h=24.0 * 365,
    tie_loss=0.002,
    source=f"{LAW}; {ETTEHAD}; weights assumed",
    note="research and teaching: systolic pressure alone, no event so far, classes taken alike but for complaints",
)

DECISION = Decision(
    FORMULA,
    THERAPY,
    "Ten years of high blood pressure",
    words,
    ("SBP", "EVENT"),
    YEARS,
    (
        "Drugs add what each takes off the untreated pressure (Law 2009): what one leaves is not counted again.",
        "Events: PREVENT at the untreated pressure, spread evenly over ten years, times 0.80 for each 10 mmHg less "
        "(Ettehad 2016; "
        "0.77 to 0.83); age within the ten years is in PREVENT's figure, deaths of other causes are not taken out.",
        "A person's answer to drugs varies by 30 % (assumed); a reading by 8 mmHg from visit to visit (assumed).",
    ),
    possible=possible,
    remarks=remarks,
)

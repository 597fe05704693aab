"""Chronic disease against others: years of type 2 diabetes, risks of heart and kidney, joints, and what a year is worth."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from dosetwin import streams
from dosetwin.declare import Facts, Provenance
from dosetwin.evaluate.check import Check, near, table
from dosetwin.outcomes import scores
from dosetwin.outcomes.diabetes.equations import EVENTS, coefficients, predictor, terms, within_a_year
from dosetwin.outcomes.diabetes.life import Lives, live
from dosetwin.outcomes.diabetes.worth import Worth
from dosetwin.outcomes.scores.qrisk3 import FLAGS
from dosetwin.studies.decisions import arthritis, asthma, hypertension, kidney, prevention
from dosetwin.studies.ten_years.belief import ERROR, NAMES, Belief, Reading

PAGE = "chronic"
N, N_QUICK, SEED = 20_000, 4_000, 1

OM2 = "UKPDS-OM2 (Hayes 2013)"
OWN = "worked by hand from the coefficients by a second program"
MAN: Mapping[str, float] = {
    "AGE_DIAGNOSIS": 52,
    "DURATION": 8,
    "FEMALE": 0,
    "AFRO": 0,
    "INDIAN": 0,
    "ATFIB": 0,
    "BMI": 32,
    "EGFR": 75,
    "HBA1C": 8,
    "HDL": 1.1,
    "LDL": 3.0,
    "MMALB": 1,
    "PVD": 0,
    "SBP": 145,
    "SMOKER": 1,
    "WBC": 7,
    "HB": 14.5,
    "HR": 75,
}
YEAR = {
    "heart_failure": 0.005689,
    "ischaemia": 0.009763,
    "infarction_men": 0.016322,
    "stroke": 0.009335,
    "blindness": 0.002890,
    "ulcer": 0.002276,
    "amputation": 0.001596,
    "renal_failure": 0.001037,
    "death": 0.010005,
}
"""Chance within a year of a man of 60, eight years after diagnosis, nothing happened before."""
SCORE2 = {1: (6.3, 4.3), 2: (8.1, 5.2), 3: (8.8, 7.1), 4: (15.1, 14.1)}
PREVENT = {"TOTAL_CVD": 14.7, "ASCVD": 9.2, "HEART_FAILURE": 8.1, "CHD": 4.4, "STROKE": 5.4}
PREVENT_30 = {"TOTAL_CVD": 53.0, "ASCVD": 35.4, "HEART_FAILURE": 39.0, "CHD": 19.8, "STROKE": 22.1}
PREVENT_MAN = {"TOTAL_CVD": 16.32, "ASCVD": 10.19, "HEART_FAILURE": 10.59, "CHD": 5.57, "STROKE": 5.21}
WOMAN = {
    "SEX": 0,
    "AGE": 50,
    "TC": 200,
    "HDL": 45,
    "SBP": 160,
    "BMI": 35,
    "EGFR": 90,
    "DIABETES": 1,
    "SMOKER": 0,
    "BP_TREATED": 1,
    "STATIN": 0,
}
KFRE = (
    ((1, 60, 30, 300), (8.633, 24.563, 5.863, 20.860)),
    ((0, 70, 25, 50), (4.307, 12.842, 2.903, 10.782)),
    ((1, 45, 50, 1000), (2.305, 7.022, 1.548, 5.864)),
    ((0, 80, 15, 30), (8.188, 23.411, 5.557, 19.858)),
    ((1, 55, 59, 10), (0.086, 0.268, 0.058, 0.223)),
)
EPI = ((1, 60, 1.0, 86.16), (0, 60, 1.0, 64.50), (1, 70, 2.0, 35.24), (0, 40, 0.6, 116.30))
PREVENTED: Mapping[str, float] = {
    "AGE": 57, "SEX": 1, "SMOKER": 1, "HDL": 1.2, "REGION": 2, "BMI": 28, "EGFR": 80, "DIABETES": 0, "SMOKING": 3, "WT": 84,
    "HT": 176, "ETHNICITY": 1, "SBP_SD": 6, "TOWNSEND": 0, **{k: 0.0 for k in FLAGS if k != "BP_TREATED"},
}  # fmt: skip
DAS = {"DAS28_ESR": 5.692, "DAS28_CRP": 5.166, "DAS28_ESR3": 5.400}


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every check; ``n`` lives where lives are drawn."""
    out = [*_year(), *_lived(n, seed), *_worth(), *_scores(), *_told(seed), *_plans()]
    if progress:
        progress(n, n)
    return out


def _year() -> list[Check]:
    of = terms({k: np.array([float(v)]) for k, v in MAN.items()})
    out = [
        _check(
            f"year_{e}",
            f"{e.replace('_', ' ')} within a year",
            OM2,
            OWN,
            "secondary",
            100 * p,
            100 * float(within_a_year(e, predictor(e, of), of)[0]),
            5e-4,
            "%",
        )
        for e, p in YEAR.items()
    ]
    other = terms({k: np.array([float(v)]) for k, v in {**MAN, "AGE_DIAGNOSIS": 62, "EGFR": 50}.items()})
    other["had_amputation"] = np.array([1.0])
    found = float(within_a_year("heart_failure", predictor("heart_failure", other), other)[0])
    out.append(
        _check(
            "cvdm",
            "heart failure within a year, after an amputation",
            OM2,
            "test of the program cvdm (joyceho)",
            "secondary",
            2.7,
            100 * found,
            0.05,
            "%",
        )
    )
    return out


def _lived(n: int, seed: int) -> list[Check]:
    """What is lived against what is written: the share of a first year, and ten years of one equation alone in closed form."""
    people = {k: np.full(n, float(v)) for k, v in MAN.items()}
    found = live(people, years=1, seed=seed)
    of = terms({k: v[:1] for k, v in people.items()})
    out = []
    for event in ("infarction", "ischaemia"):
        equation = "infarction_men" if event == "infarction" else event
        p = float(within_a_year(equation, predictor(equation, of), of)[0])
        error = 100 * (p * (1 - p) / n) ** 0.5
        out.append(
            _check(
                f"lived_{event}",
                f"{event} in the first year of {n} lives",
                "lives",
                "the equation",
                "derived",
                100 * p,
                100 * float(found.share(event)[0]),
                4 * error + 0.1,
                "%",
                error,
                "events of the same year may raise it a little",
            )
        )
    twice = live(people, years=3, seed=seed), live({k: v[: n // 2] for k, v in people.items()}, years=3, seed=seed)
    same = float(np.mean(twice[0].happened[: n // 2] == twice[1].happened))
    out.append(
        _check(
            "alone",
            "lives that stay the same with others in the table",
            "lives",
            "one person, one stream",
            "derived",
            100.0,
            100 * same,
            0.0,
            "%",
        )
    )
    return out


def _worth() -> list[Check]:
    """Ten years without events, and a stroke in the first: sums of a geometric series."""
    nothing = np.zeros((1, 10, len(EVENTS)), dtype=bool)
    stroke = nothing.copy()
    stroke[0, 0, EVENTS.index("stroke")] = True
    before = np.zeros((1, len(EVENTS)), dtype=bool)
    worth, series = Worth(), (1 - 1.035**-10) / (1 - 1 / 1.035)
    return [
        _check(
            "quality",
            "ten quality years without an event",
            "worth",
            "0.785 (1 - r^10)/(1 - r), r = 1/1.035",
            "derived",
            0.785 * series,
            float(worth.qalys(Lives(nothing, np.array([10]), before))[0]),
            1e-9,
            "y",
        ),
        _check(
            "quality_stroke",
            "the same with a stroke in the first",
            "worth",
            "(0.785 - 0.164) of the same series",
            "derived",
            0.621 * series,
            float(worth.qalys(Lives(stroke, np.array([10]), before))[0]),
            1e-9,
            "y",
        ),
        _check(
            "cost_stroke",
            "care of a stroke in the first year",
            "worth",
            "Alva 2015 (UKPDS 84), abstract",
            "paper",
            6805.0,
            float(worth.costs(Lives(stroke, np.array([10]), before))[0]),
            1e-9,
            "GBP",
        ),
        _check(
            "equations",
            "coefficients of 17 equations",
            OM2,
            "COMPAR-EU inputs",
            "secondary",
            168.0,
            float(sum(map(len, coefficients().values()))),
            0.0,
            "1",
        ),
    ]


def _answer(name: str, facts: Mapping[str, float]) -> Mapping[str, float | str]:
    of = scores.load(name).of
    assert of is not None
    return of(facts)


def _scores() -> list[Check]:
    out = []
    for region, pair in SCORE2.items():
        for sex, published in zip((1, 0), pair, strict=True):
            facts = {"AGE": 50, "SMOKER": 1, "SBP": 140, "TC": 6.3, "HDL": 1.4, "REGION": region, "SEX": sex}
            out.append(
                _check(
                    f"score2_{region}_{sex}",
                    f"SCORE2, region {region}, {'man' if sex else 'woman'}",
                    "score2",
                    "supplement of the paper, table 4",
                    "secondary",
                    published,
                    float(_answer("score2", facts)["RISK_10Y"]),
                    0.05,
                    "%",
                )
            )
    said = _answer("prevent", WOMAN)
    out += [
        _check(
            f"prevent_{k.lower()}",
            f"PREVENT, {k.lower().replace('_', ' ')}, ten years",
            "prevent",
            "tests of preventr 0.12.0",
            "secondary",
            p,
            float(said[f"{k}_10Y"]),
            0.05,
            "%",
        )
        for k, p in PREVENT.items()
    ]
    out += [
        _check(f"prevent_30_{k.lower()}", f"PREVENT, {k.lower().replace('_', ' ')}, thirty years", "prevent",
               "tests of preventr 0.12.0", "secondary", p, float(said[f"{k}_30Y"]), 0.05, "%") for k, p in PREVENT_30.items()
    ]  # fmt: skip
    man = _answer("prevent", WOMAN | {"SEX": 1})
    out += [
        _check(
            f"prevent_man_{k.lower()}",
            f"PREVENT, {k.lower().replace('_', ' ')}, ten years, a man",
            "prevent",
            OWN,
            "secondary",
            p,
            float(man[f"{k}_10Y"]),
            0.006,
            "%",
        )
        for k, p in PREVENT_MAN.items()
    ]
    for sex, p in ((1, 18.6), (0, 15.2)):
        facts = {"AGE": 75, "SMOKER": 1, "SBP": 140, "TC": 5.5, "HDL": 1.3, "REGION": 1, "SEX": sex}
        out.append(
            _check(
                f"score2_op_{sex}",
                f"SCORE2-OP, {'man' if sex else 'woman'} of 75",
                "score2",
                "supplement of the paper",
                "secondary",
                p,
                float(_answer("score2", facts)["RISK_10Y"]),
                0.05,
                "%",
            )
        )
    for (sex, age, egfr, acr), figures in KFRE:
        for region in (1, 0):
            got = _answer("kfre", {"SEX": sex, "AGE": age, "EGFR": egfr, "ACR": acr, "NORTH_AMERICA": region})
            for years, p in zip((2, 5), figures[2 * (1 - region) :], strict=False):
                out.append(
                    _check(
                        f"kfre_{age}_{region}_{years}",
                        f"kidney failure in {years} y, {age} y, filtration {egfr}",
                        "kfre",
                        "kfre 0.1.18",
                        "secondary",
                        p,
                        float(got[f"RISK_{years}Y"]),
                        6e-4,
                        "%",
                    )
                )
    for sex, age, scr, egfr in EPI:
        out.append(
            _check(
                f"ckd_epi_{age}_{sex}",
                f"filtration, {age} y, creatinine {scr:g}",
                "ckd_epi",
                "worked example",
                "secondary",
                egfr,
                float(_answer("ckd_epi", {"SEX": sex, "AGE": age, "SCR": scr})["EGFR"]),
                0.006,
                "mL/min/1.73 m2",
            )
        )
    joints = _answer("das28", {"TJC28": 8, "SJC28": 6, "ESR": 40, "CRP": 20, "GH": 60})
    out += [
        _check(k.lower(), k, "das28", "worked example; formulas recalled", "recalled", p, float(joints[k]), 6e-4, "1")
        for k, p in DAS.items()
    ]
    return out


def _told(seed: int, n: int = 200) -> list[Check]:
    """Virtual people the belief has not seen: four readings in three years foretell HbA1c two years on, against the prior."""
    prior = Belief.prior()
    true, taking = prior.draws(n, seed + 1), frozenset({"metformin"})
    noise = streams.normals(seed, "errors of HbA1c", np.arange(n), 5) * ERROR
    before, after, inside = [], [], []
    for i in range(n):
        own = np.array([true[k][i] for k in NAMES])

        def value(year: float, own: np.ndarray = own) -> float:
            return float(Belief.row(year, taking) @ own)

        readings = [Reading(float(-3 + k), min(max(value(-3 + k) + noise[i, k], 3.0), 20.0), taking) for k in range(4)]
        later = value(2.0) + noise[i, 4]
        belief = prior.told(*readings)
        mean, sd = belief.forecast(2.0, taking)
        before.append(prior.forecast(2.0, taking)[0] - later)
        after.append(mean - later)
        inside.append(abs(mean - later) <= 1.645 * sd)
    rmse = [float(np.sqrt(np.mean(np.square(x)))) for x in (before, after)]
    cover = 100 * float(np.mean(inside))
    error = 100 * (0.9 * 0.1 / n) ** 0.5
    return [
        _check(
            "told",
            "error of HbA1c two years on, share of the prior's",
            "belief",
            "four readings of virtual people",
            "derived",
            0.0,
            rmse[1] / rmse[0],
            0.5,
            "1",
            why="half of the prior's error or less (assumed bar)",
        ),
        _check(
            "told_band",
            "virtual people inside the 90 % band",
            "belief",
            "normal theory",
            "derived",
            90.0,
            cover,
            3 * error,
            "%",
            error,
        ),
    ]


def _check(name: str, text: str, model: str, source: str, provenance: Provenance, published: float, simulated: float,
           within: float, unit: str, mc_error: float = 0.0, why: str = "") -> Check:  # fmt: skip
    return near(PAGE, f"chronic.{name}", text, model, source, provenance, published, simulated, within, unit, why, mc_error)


def _plans() -> list[Check]:
    """Published sizes of effects, found again in what each plan of years plays for the typical person."""
    out = []
    out.append(
        _check(
            "full_dose",
            "fall of pressure by a drug at full dose, from 150 mmHg",
            "hypertension_years",
            "Law 2009, 9.1 + 0.10 (P - 154)",
            "recalled",
            8.7,
            float(hypertension.fall(1.0, np.array([150.0]))[0]),
            0.01,
            "mmHg",
        )
    )
    for drugs, fall in ((1, 6.7), (2, 13.3), (3, 19.9)):
        found = sum(float(hypertension.fall(0.5, np.array([150.0]))[0]) for _ in range(drugs))
        out.append(_check(f"half_dose_{drugs}", f"fall of pressure by {drugs} drugs at half dose, from 150 "
        f"mmHg", "hypertension_years",
                          "Law 2003, BMJ 326:1427", "recalled", fall, found, 0.25, "mmHg"))  # fmt: skip
    facts = Facts(AGE=60.0, SEX=1.0, ACR=300.0, TC=5.5, HDL=1.3, BMI=27.0, EGFR=80.0, DIABETES=0.0, SMOKER=0.0, STATIN=0.0)
    for more, slope, source, name, within in (
        ({}, -2.75, "EMPA-KIDNEY, placebo (abstract read)", "placebo", 0.01),
        ({"SGLT2": 1.0}, -1.37, "EMPA-KIDNEY (abstract read)", "sglt2", 0.02),
        ({"ACE": 1.0}, -2.75 * 4.4 / 5.2, "RENAAL: -4.4 against -5.2 a year, of the same slope", "ace", 0.03),
    ):
        at = np.array([1.0, 3.0])
        found = _played(kidney, facts, more, at)["EGFR"][0]
        from_where: Provenance = "secondary" if name != "ace" else "recalled"
        out.append(_check(f"slope_{name}", f"slope of filtration, {name}", "kidney_years", source, from_where, slope,
                          float(found[1] - found[0]) / 2.0, within, "mL/min/1.73 m2/y"))  # fmt: skip
    dip = (
        _played(kidney, facts, {}, np.array([0.5]))["EGFR"][0, 0]
        - _played(kidney, facts, {"SGLT2": 1.0}, np.array([0.0]))["EGFR"][0, 0]
    )
    out.append(_check("dip_sglt2", "dip at the beginning of an SGLT2 "
    "inhibitor", "kidney_years", "EMPA-KIDNEY (abstract read): 1.83 to 2.41",
                      "secondary", 2.12, float(dip) + 0.5 * 2.75, 0.3, "mL/min/1.73 m2"))  # fmt: skip
    p = {u.name: u.of(np.zeros(1), facts) for u in hypertension.FORMULA.unknowns} | {"DRIFT": np.zeros(1)}
    none = [(-np.inf, dict(hypertension.FORMULA.now))]
    drugs = [*none, (0.0, {"ACE": 1.0, "CCB": 0.0, "DIURETIC": 0.0})]
    t = np.array([0.0, 10.0])
    a, b = (hypertension.course(p, facts, s, t) for s in (none, drugs))
    ratio = np.log1p(-b["EVENT"][0, 1]) / np.log1p(-a["EVENT"][0, 1])
    fell = float(a["SBP"][0, 1] - b["SBP"][0, 1])
    out.append(_check("rr_10", "events per 10 mmHg less, ratio of rates", "hypertension_years", "Ettehad 2016 "
    "(abstract read): 0.77 to 0.83",
                      "secondary", 0.80, float(ratio) ** (10.0 / fell), 0.005, "1"))  # fmt: skip
    of = scores.load("prevent").of
    assert of is not None
    known = {k: float(facts.number(k) or 0.0) for k in ("AGE", "SEX", "BMI", "EGFR", "DIABETES", "SMOKER", "STATIN")}
    prevent = float(of({**known, "TC": 5.5 / 0.02586, "HDL": 1.3 / 0.02586, "SBP": 150.0, "BP_TREATED": 0.0})["TOTAL_CVD_10Y"])
    out.append(_check("prevent_again", "ten years without drugs at 150 mmHg", "hypertension_years", "PREVENT itself", "secondary",
                      prevent, 100 * float(a["EVENT"][0, 1]), 0.05, "%"))  # fmt: skip
    for g in prevention.GUIDED:
        d = next(x for x in prevention.DECISIONS if x.formula.name.endswith(g.score))
        who = Facts({k: v for k, v in PREVENTED.items() if k in {c.name for c in d.formula.facts}})
        known = {k: v for k, v in PREVENTED.items() if k != "AGE" and who.number(k) is not None}
        p = {u.name: u.of(np.zeros(1), who) for u in d.formula.unknowns}
        p |= {"DRIFT": np.zeros(1), "SBP0": np.array([140.0]), "TC0": np.array([6.0])}
        none = [(-np.inf, dict(d.formula.now))]
        played = float(d.formula.course(p, who, none, np.array([0.0, 10.0]))["EVENT"][0, 1])
        exact = prevention.risk(g, known, PREVENTED["AGE"], 140.0, 6.0)
        out.append(_check(f"prevention_{g.score}", f"events of ten years without drugs, {g.score}", d.name, "the score itself",
                          "derived", exact, 100 * played, 0.05 * exact, "%",
                          why="the rate follows age within the ten years: 5 %"))  # fmt: skip
    schedule = {"MG": 40.0, "EVERY_D": 14.0, "MTX": 0.0}
    ra = _played(arthritis, Facts(), schedule, np.array([3.0]), ANTI=np.array([3.0]))
    level = 40.0 / 14.0 / 0.32
    out.append(_check("ra_level", "mean level of 40 mg every two "
    "weeks", "arthritis_years", "dose over clearance (Ternant 2015)", "derived",
                      level, float(ra["LEVEL"][0, 0]), 0.01, "mg/L"))  # fmt: skip
    out.append(_check("ra_das28", "DAS28 at that level", "arthritis_years", "5.5 x 11 / (11 + level) (Ternant 2015)", "derived",
                      5.5 * 11.0 / (11.0 + level), float(ra["DAS28"][0, 0]), 0.01, "1"))  # fmt: skip
    rates = [
        float(_played(asthma, Facts(EOS=0.5), {"STEP": s}, np.array([1.0]))["RATE"][0, 0]) for s in (0.0, 1.0, 2.0, 3.0, 4.0)
    ]
    for name, found, published, source in (
        ("as_needed", rates[1] / rates[0], 0.36, "O'Byrne 2018, SYGMA 1"),
        ("low_dose_and_reliever", rates[2] / rates[0], 0.09 / 0.20 * 0.74 * 0.68, "SYGMA 1, Pauwels 1997, Sobieraj 2018"),
        ("biologic", rates[4] / rates[3], 0.83 / 1.74, "Ortega 2014, MENSA"),
    ):
        text = f"severe exacerbations left by {name.replace('_', ' ')}"
        out.append(_check(f"asthma_{name}", text, "asthma_years", source, "secondary", published, found, 0.01, "1"))
    return out


def _played(of: Any, facts: Facts, sets: Mapping[str, float], at: np.ndarray, **other: np.ndarray) -> Mapping[str, np.ndarray]:
    """Of the typical person, ``sets`` from the beginning."""
    p = {u.name: u.of(np.zeros(1), facts) for u in of.FORMULA.unknowns} | other
    begin = dict(of.FORMULA.now)
    return of.course(p, facts, [(-np.inf, begin), (0.0, begin | dict(sets))], at)


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was compared, one table."""
    return "\n".join(
        [
            "# Chronic disease against others",
            "",
            f"Written by `dosetwin validate {PAGE}` ({n} lives, seed {seed}); do not edit. QRISK3 against 48 people scored by",
            "its publisher's program is a test (tests/outcomes/scores). Risk factors move by assumed drifts: the published",
            "equations of progress (Leal 2021) were not available. Coefficients carry no uncertainty of their own.",
            "",
            *table(checks),
            "",
        ]
    )

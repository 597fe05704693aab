"""Models of monitored drugs beside numbers that others published: clearances, half-lives, troughs of ordinary doses.

Closed forms of a typical patient's parameters; nothing is simulated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dosetwin import models
from dosetwin.declare import Provenance
from dosetwin.evaluate.check import Check, table

PAGE = "monitoring"
N, N_QUICK, SEED = 1, 1, 20260101
Patient = Mapping[str, float]
WHY = "the published range, or a fifth to a third either way where only a mean is printed"


def half_life(p: Any) -> float:
    """h of the last phase, of one compartment or two."""
    if hasattr(p, "V"):
        return math.log(2.0) * p.V / p.CL
    out, away, back = p.CL / p.V1, p.Q / p.V1, p.Q / p.V2
    total = out + away + back
    return math.log(2.0) / (0.5 * (total - math.sqrt(total**2 - 4.0 * out * back)))


def trough(p: Any, dose: float, interval: float) -> float:
    """mg/L at the end of an interval of a steady state, one compartment, first-order absorption."""
    k = p.CL / p.V
    left = math.exp(-k * interval) / (1.0 - math.exp(-k * interval))
    late = math.exp(-p.KA * interval) / (1.0 - math.exp(-p.KA * interval))
    return dose * p.KA / (p.V * (p.KA - k)) * (left - late)


def free_share(p: Any, total: float) -> float:
    """Percent of valproate that is free at a total level, mg/L."""
    rest = total - p.BMAX - p.KD
    return 100.0 * 0.5 * (rest + math.sqrt(rest**2 + 4.0 * p.KD * total)) / total


def total_clearance(p: Any, daily: float, WT: float) -> float:
    """mL/h/kg of total valproate at a mean daily dose, mg."""
    free = daily / 24.0 / p.CLU
    return 1000.0 * daily / 24.0 / (free + p.BMAX * free / (p.KD + free)) / WT


@dataclass(frozen=True)
class Figure:
    """One published number: of a model and a patient (or two), how it is read, and the band."""

    name: str
    model: str
    text: str
    of: Patient
    read: Callable[[Any], float]
    published: float
    band: tuple[float, float]
    unit: str
    source: str
    provenance: Provenance
    cause: str = ""
    against: Patient | None = None
    """A second patient: the figure is the ratio of the first to this one."""


MAN = {"WT": 70.0, "AGE": 40.0, "SEX": 1.0}
BABY = {"WT": 1.2, "PNA": 10.0, "GA": 30.0}
GORODISCHER = "Gorodischer 1982, Eur J Clin Pharmacol 22:47 (abstract)"
SLOW = (
    "half-lives of 65 h (Gorodischer), 98 h (SD 32, Le Guennec 1985, read) and 87 h (SD 25, at 35 weeks, 2016, "
    "read) stand in print beside the 130 to 165 h that these two models' own equations make: as published, nothing is left out"
)
KIDNEY = {"WT": 80.424, "AGE": 40.0, "SEX": 1.0}
FIGURES = (
    Figure(
        "caffeine_half_life",
        "caffeine_lee_1997",
        "half-life, 30 weeks, 10 d",
        BABY,
        half_life,
        65.0,
        (48.2, 87.5),
        "h",
        GORODISCHER,
        "paper",
        SLOW,
    ),
    Figure(
        "caffeine_half_life",
        "caffeine_citrate_1998",
        "half-life",
        BABY,
        half_life,
        65.0,
        (48.2, 87.5),
        "h",
        GORODISCHER,
        "paper",
        SLOW,
    ),
    Figure(
        "caffeine_volume",
        "caffeine_citrate_1998",
        "volume per kg",
        BABY,
        lambda p: p.V / 1.2,
        0.78,
        (0.47, 1.01),
        "L/kg",
        GORODISCHER,
        "paper",
    ),
    Figure(
        "phenobarbital_clearance",
        "phenobarbital_voeller_2017",
        "clearance per kg, term, 4.5 d",
        {"WT": 3.0, "BW": 3.0, "PNA": 4.5},
        lambda p: 1000.0 * p.CL / 3.0,
        4.7,
        (3.3, 6.1),
        "mL/h/kg",
        "Grasela and Donn 1985 (recalled)",
        "recalled",
    ),
    Figure(
        "busulfan_dose",
        "busulfan_mccune_2014",
        "AUC of 0.8 mg/kg, man of 70 kg",
        {**MAN, "HT": 175.0},
        lambda p: 56.0 / p.CL,
        4.79,
        (3.83, 5.75),
        "mg.h/L",
        "US label: 1,167 uM.min (recalled)",
        "recalled",
        "",
    ),
    Figure(
        "busulfan_child",
        "busulfan_shukla_2020",
        "clearance, boy of 5 y, 18 kg, against McCune 2014",
        {"WT": 18.0, "HT": 110.0, "AGE": 5.0, "SEX": 1.0},
        lambda p: p.CL,
        4.22,
        (3.4, 5.1),
        "L/h",
        "McCune 2014, computed by hand",
        "derived",
    ),
    Figure(
        "tacrolimus_expresser",
        "tacrolimus_andrews_2019",
        "clearance of carriers of CYP3A5*1 over others",
        {**MAN, "HT": 175.0, "SCR": 1.4, "ALB": 40.0, "HCT": 0.34, "CYP3A5_1": 1.0},
        lambda p: p.CL,
        1.75,
        (1.5, 2.0),
        "1",
        "CPIC 2015: 1.5 to 2 times the dose (recalled)",
        "recalled",
        against={**MAN, "HT": 175.0, "SCR": 1.4, "ALB": 40.0, "HCT": 0.34, "CYP3A5_1": 0.0},
    ),
    Figure(
        "tacrolimus_expresser",
        "tacrolimus_woillard_2011",
        "clearance of carriers of CYP3A5*1 over others",
        {"HCT": 0.35, "CYP3A5_1": 1.0},
        lambda p: p.CL,
        1.75,
        (1.5, 2.0),
        "1",
        "CPIC 2015: 1.5 to 2 times the dose (recalled)",
        "recalled",
        against={"HCT": 0.35, "CYP3A5_1": 0.0},
    ),
    Figure(
        "infliximab_half_life",
        "infliximab_fasanmade_2011",
        "half-life, 65 kg",
        {"WT": 65.0, "ALB": 41.0},
        lambda p: half_life(p) / 24.0,
        8.6,
        (7.7, 9.5),
        "d",
        "US label: 7.7 to 9.5 d (recalled)",
        "recalled",
        "with ulcerative colitis the same authors find about 14 d (Fasanmade 2009, abstract read); the label's is of few late "
        "levels",
    ),
    Figure(
        "infliximab_half_life",
        "infliximab_fasanmade_2009",
        "half-life, man of 77 kg",
        {"WT": 77.0, "ALB": 41.0, "SEX": 1.0},
        lambda p: half_life(p) / 24.0,
        8.6,
        (7.7, 9.5),
        "d",
        "US label: 7.7 to 9.5 d (recalled)",
        "recalled",
        "its own paper says about 14 d (abstract read); the label's is of few late levels",
    ),
    Figure(
        "infliximab_half_life_paper",
        "infliximab_fasanmade_2009",
        "half-life, man of 77 kg",
        {"WT": 77.0, "ALB": 41.0, "SEX": 1.0},
        lambda p: half_life(p) / 24.0,
        14.0,
        (11.2, 16.8),
        "d",
        "Fasanmade 2009, abstract: approximately 14 d",
        "paper",
    ),
    Figure(
        "adalimumab_trough",
        "adalimumab_berends_2018",
        "trough of 40 mg every other week",
        {},
        lambda p: trough(p, 40.0, 336.0),
        7.0,
        (4.2, 9.8),
        "mg/L",
        "US label, Crohn's disease: about 7 mg/L (recalled)",
        "recalled",
    ),
    Figure(
        "adalimumab_trough",
        "adalimumab_ternant_2015",
        "trough of 40 mg every other week",
        {},
        lambda p: trough(p, 40.0, 336.0),
        7.0,
        (4.2, 9.8),
        "mg/L",
        "US label, Crohn's disease: about 7 mg/L (recalled)",
        "recalled",
    ),
    Figure(
        "adalimumab_trough",
        "adalimumab_ternant_ra_2015",
        "trough of 40 mg every other week in rheumatoid arthritis",
        {},
        lambda p: trough(p, 40.0, 336.0),
        8.5,
        (8.0, 9.0),
        "mg/L",
        "US label, with methotrexate: 8 to 9 mg/L (recalled)",
        "recalled",
        "the abstract's clearance and volume make 8.0 in steady state",
    ),
    Figure(
        "adalimumab_das28",
        "adalimumab_ternant_ra_2015",
        "DAS28 at the mean level of 40 mg every other week",
        {},
        lambda p: p.DAS0 * p.IC50 / (p.IC50 + 40.0 / 336.0 / p.CL),
        3.0,
        (2.9, 3.1),
        "1",
        "reference calculation of the same abstract",
        "derived",
    ),
    Figure(
        "adalimumab_trough",
        "adalimumab_nader_2017",
        "trough of 40 mg every week in hidradenitis suppurativa",
        {"WT": 94.0, "CRP": 7.9},
        lambda p: trough(p, 40.0, 168.0),
        9.0,
        (8.0, 10.0),
        "mg/L",
        "US label: 8 to 10 mg/L from week 12 on (recalled)",
        "recalled",
        "the median weight of that study is high, and the label's mean is of all weights",
    ),
    Figure(
        "adalimumab_trough",
        "adalimumab_pan_2026",
        "trough of 40 mg every other week in psoriasis",
        {"WT": 88.7, "SEX": 1.0, "WAIST": 101.0, "ANTIBODY_LEVEL": 76.03},
        lambda p: trough(p, 40.0, 336.0),
        5.0,
        (4.0, 6.0),
        "mg/L",
        "US label, psoriasis: about 5 to 6 mg/L (recalled)",
        "recalled",
    ),
    Figure(
        "meropenem_half_life",
        "meropenem_li_2006",
        "half-life, man of 40 y, 100 mL/min",
        {**KIDNEY, "WT": 72.0, "SCR": 1.0},
        half_life,
        1.0,
        (0.8, 1.3),
        "h",
        "Mouton 1995, Clin Pharmacokinet 28:275 (abstract)",
        "paper",
        "patients, not volunteers, and a deep compartment",
    ),
    Figure(
        "meropenem_volume",
        "meropenem_li_2006",
        "volume at steady state",
        {**MAN, "SCR": 1.0},
        lambda p: p.V1 + p.V2,
        21.0,
        (16.8, 25.2),
        "L",
        "Mouton 1995 (abstract)",
        "paper",
    ),
    Figure(
        "meropenem_kidney",
        "meropenem_li_2006",
        "clearance at 30 over 100 mL/min",
        {**KIDNEY, "WT": 72.0, "SCR": 100.0 / 30.0},
        lambda p: p.CL,
        0.41,
        (0.33, 0.49),
        "1",
        "Burger 2018, J Antimicrob Chemother 73:3413: 59 % lower (abstract)",
        "paper",
        against={**KIDNEY, "WT": 72.0, "SCR": 1.0},
    ),
    Figure(
        "meropenem_kidney",
        "meropenem_gijsen_2022",
        "clearance at 30 over 100 mL/min",
        {**KIDNEY, "WT": 72.0, "SCR": 100.0 / 30.0},
        lambda p: p.CL,
        0.41,
        (0.33, 0.49),
        "1",
        "Burger 2018, J Antimicrob Chemother 73:3413: 59 % lower (abstract)",
        "paper",
        "30 mL/min is outside the cohort",
        against={**KIDNEY, "WT": 72.0, "SCR": 1.0},
    ),
    Figure(
        "voriconazole_poor",
        "voriconazole_kim_2019",
        "steady exposure of poor over normal metabolizers",
        {"WT": 70.0, "CYP2C19": 0.0},
        lambda p: 1.0 / (p.CL0 * p.FLOOR),
        4.0,
        (2.8, 5.2),
        "1",
        "label: four times (recalled)",
        "recalled",
        against={"WT": 70.0, "CYP2C19": 2.0},
    ),
    Figure(
        "digoxin_clearance",
        "digoxin_hirai_2022",
        "clearance at 60 mL/min",
        {"WT": 57.6, "AGE": 65.0, "SCR": 1.0, "SEX": 1.0},
        lambda p: p.CL,
        7.87,
        (5.5, 10.2),
        "L/h",
        "Komatsu 2015, J Pharm Health Care Sci 1:25: (1.21 + 0.0532 CLcr) 1.787",
        "secondary",
    ),
    Figure(
        "digoxin_half_life",
        "digoxin_jelliffe_2014",
        "half-life at 100 mL/min",
        {"WT": 72.0, "AGE": 40.0, "SCR": 1.0, "SEX": 1.0},
        half_life,
        42.0,
        (36.0, 48.0),
        "h",
        "US label: 1.5 to 2 d (recalled)",
        "recalled",
        "its own constants make 48.1 h there, a tenth of an hour above the label's two days",
    ),
    Figure(
        "lithium_clearance",
        "lithium_jermain_1991",
        "clearance, 62 kg, 116 mL/min",
        {"WT": 62.0, "HT": 165.0, "AGE": 35.0, "SCR": 0.7796, "SEX": 1.0},
        lambda p: p.CL,
        0.909,
        (0.68, 1.14),
        "L/h",
        "Jin 2022, Front Pharmacol 13:913935 (at 600 mg a day)",
        "secondary",
    ),
    Figure(
        "lithium_clearance_saudi",
        "lithium_jermain_1991",
        "clearance, 62 kg, 116 mL/min, outpatients",
        {"WT": 62.0, "HT": 165.0, "AGE": 35.0, "SCR": 0.7796, "SEX": 1.0},
        lambda p: p.CL,
        2.0,
        (1.5, 2.5),
        "L/h",
        "Abou-Auda 2008: 1.021 + 0.141 CLcr (abstract)",
        "paper",
        "published clearances of lithium differ by a factor of two",
    ),
    Figure(
        "valproate_free",
        "valproate_label_2020",
        "free at 60 mg/L total",
        {"WT": 70.0, "ALB": 42.0},
        lambda p: free_share(p, 60.0),
        10.0,
        (7.0, 13.0),
        "%",
        "Seizure 2018;59:24: about 10 % from 20 to 60 mg/L (abstract)",
        "paper",
    ),
    Figure(
        "valproate_clearance",
        "valproate_label_2020",
        "clearance of the total on 1,000 mg a day",
        {"WT": 70.0, "ALB": 42.0},
        lambda p: total_clearance(p, 1000.0, 70.0),
        6.76,
        (5.4, 8.1),
        "mL/h/kg",
        "Bowdle 1980, six volunteers (abstract)",
        "paper",
        "the label's free clearance is of another cohort",
    ),
    Figure(
        "theophylline_clearance",
        "theophylline_powell_1978",
        "clearance of a non-smoker per kg",
        {"WT": 70.0},
        lambda p: p.CL / 70.0,
        0.042,
        (0.034, 0.050),
        "L/h/kg",
        "Rovei 1982, Br J Clin Pharmacol 14:769",
        "secondary",
    ),
    Figure(
        "carbamazepine_naive",
        "carbamazepine_autoinduction",
        "half-life of a first dose",
        {"WT": 70.0},
        lambda p: math.log(2.0) * p.V / p.CL0,
        38.0,
        (25.0, 65.0),
        "h",
        "label: 25 to 65 h, then 12 to 17 h",
        "secondary",
    ),
    Figure(
        "carbamazepine_induced",
        "carbamazepine_autoinduction",
        "clearance at 800 mg a day",
        {"WT": 70.0},
        lambda p: p.CL0 * 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * p.SLOPE * 800.0 / 24.0 / p.CL0)),
        4.52,
        (3.6, 5.4),
        "L/h",
        "Graves 1998: 0.0134 WT + 3.58 (abstract)",
        "paper",
        "its slope was chosen near it: hardly independent",
    ),
    Figure(
        "carbamazepine_child",
        "carbamazepine_reith_2001",
        "mean level of 15 mg/kg a day, 25 kg and 0.93 m2",
        {"WT": 25.0, "BSA": 0.93, "AGE": 8.0},
        lambda p: 15.0 * 25.0 / 24.0 / (p.CL0 + 15.0 * p.SLOPE),
        7.5,
        (4.0, 12.0),
        "mg/L",
        "usual maintenance of children, 10 to 20 mg/kg a day (ILAE lectures 2015, read), against the usual range",
        "derived",
    ),
    Figure(
        "carbamazepine_serbia",
        "carbamazepine_graves_1998",
        "clearance of 70 kg",
        {"WT": 70.0, "AGE": 40.0},
        lambda p: p.CL,
        3.43,
        (2.6, 4.3),
        "L/h",
        "Serbian patients 2008, children among them (abstract)",
        "paper",
        "children and lower doses there; in Portuguese adults on it alone 0.069 L/h/kg, 4.8 L/h at 70 kg (1998, abstract read)",
    ),
)


def _found(f: Figure) -> float:
    model = models.load(f.model)

    def read(of: Patient) -> float:
        quiet = {n: 0.0 for n, c in model.covs.items() if c.flag} | dict(of)
        return f.read(model.individual(model.theta(), model.eta(), model.cov(**{n: quiet[n] for n in model.covs})))

    return read(f.of) / (1.0 if f.against is None else read(f.against))


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every figure once; ``n`` and ``seed`` change nothing."""
    found = []
    for done, f in enumerate(FIGURES):
        if progress:
            progress(done, len(FIGURES))
        got = _found(f)
        passed = f.band[0] <= got <= f.band[1]
        found.append(
            Check(
                PAGE,
                f"{PAGE}.{f.name}.{f.model}",
                f.model,
                f.source,
                f.provenance,
                f.published,
                got,
                0.0,
                f.band,
                f.unit,
                passed,
                "" if passed else f.cause or "not yet explained",
                f.text,
                WHY,
            )
        )
    if progress:
        progress(len(FIGURES), len(FIGURES))
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: one table, and why what misses does."""
    missed = [f"- {c.text}, {c.model}: {c.cause}" for c in checks if not c.passed]
    return "\n".join(
        [
            "# Models of monitored drugs beside published numbers",
            "",
            f"Written by `dosetwin validate {PAGE}`; do not edit. Typical patients, closed forms.",
            "",
            *table(checks),
            "",
            "What misses, and why:",
            "",
            *missed,
            "",
        ]
    )

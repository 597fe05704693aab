"""The published figures that `dosetwin validate` compares with: who was studied, how, what was found, the band set in advance.

Bands were written down before any of these cohorts was simulated with this code. (A planning study had run De Cock's equations
through Smits' and Cristea's regimens; the bands of Smits were proposed there.) A band states how far a right model may lie from
the printed figure, given what the paper leaves open (covariates, timing, assay) and its sampling error; ``why`` says which.
Provenance: ``paper`` the figure was read in the paper or abstract, ``secondary`` in a transcription, ``recalled`` from memory.
"""

from dataclasses import dataclass

from dosetwin.declare import Provenance
from dosetwin.evaluate.check import Band
from dosetwin.populations.newborn.draws import Bell, Population, Spread, spread


@dataclass(frozen=True)
class Expected:
    """One published figure. ``check`` is its name, ``band`` what passes, both in ``unit``."""

    check: str
    text: str
    published: float
    unit: str
    band: Band
    why: str
    provenance: Provenance = "paper"


@dataclass(frozen=True)
class Study:
    """One paper: whom it studied (``population``), what was given and measured (``design``), what is ours (``assumed``).

    ``kin``: model name -> why the model is not independent of this study. ``population`` None: single typical babies or adults,
    described in ``design``.
    """

    name: str
    source: str
    design: str
    expected: tuple[Expected, ...]
    assumed: str = ""
    population: Population | None = None
    kin: tuple[tuple[str, str], ...] = ()

    def expect(self, check: str) -> Expected:
        """One of its figures by the last part of its name."""
        return next(e for e in self.expected if e.check == f"{self.name}.{check}")


def around(value: float, share: float) -> Band:
    """A band of ``share`` (0.25 = 25 %) on both sides."""
    return (round(value * (1.0 - share), 10), round(value * (1.0 + share), 10))


SAME_CENTRE = (
    ("amikacin_decock_2012", "same centre, later babies; the dosing rule was derived from this model"),
    ("amikacin_neonate", "calibrated to De Cock 2012 (same centre, earlier babies)"),
)
SAME_BABIES = (
    ("amikacin_decock_2012", "its babies are probably among the 874 of De Cock 2012"),
    ("amikacin_neonate", "calibrated to De Cock 2012, which probably contains these babies"),
    ("amikacin_allegaert_2006", "this is the model's own paper"),
)

SMITS = Study(
    "smits_2015",
    "Smits 2015, AAC 59:6344 (579 babies, 1195 levels); figures from its congress abstract, ADC 2014;99 Suppl 2:A66",
    "dosing rule decock_smits, infusion over 20 min; levels before dose 2 and 1 h after its start, with residual error",
    (
        Expected("smits_2015.peak_above_24", "peaks above 24 mg/L", 90.4, "%", (82.0, 98.0),
                 "90 +- 8: share of babies on ibuprofen or with asphyxia and residual error in the paper unknown"),
        Expected("smits_2015.trough_below_3", "troughs below 3 mg/L", 60.0, "%", (45.0, 75.0),
                 "60 +- 15: the same, and the steepest part of the distribution"),
        Expected("smits_2015.trough_to_5", "troughs up to 5 mg/L", 93.4, "%", (87.0, 99.0), "93 +- 6: the same", "recalled"),
    ),
    "no baby on ibuprofen or with asphyxia; GA uniform and PNA log-uniform between the printed minimum, median and maximum; "
    "birth weights moved up by 0.35 SD of the growth standard to meet the printed median of 2285 g; table of the rule recalled",
    Population("smits_2015", PNA=spread(1.0, 2.0, 30.0, log=True), GA=spread(24.0, 34.0, 41.0), BW=(0.42, 4.85),
               z=Bell(0.35, 1.0, -3.0, 3.0)),
    SAME_CENTRE,
)  # fmt: skip

SMITS_STEADY = Study(
    "smits_2015_steady",
    "Smits 2015, AAC 59:6344, Monte Carlo part (as recalled from its abstract)",
    "dosing rule decock_smits (+ 10 h under ibuprofen); troughs before dose 5, without residual error, in the rule's ten cells "
    "(MC: error of that cell)",
    (
        Expected("smits_2015_steady.weakest", "troughs below 3 mg/L, weakest cell, no ibuprofen", 45.0, "%", (30.0, 60.0),
                 "45 +- 15: the paper's subgroups and the spread of weights within them are unknown", "recalled"),
        Expected("smits_2015_steady.strongest", "troughs below 3 mg/L, strongest cell, no ibuprofen", 96.0, "%", (90.0, 100.0),
                 "96 +- 6: the same", "recalled"),
        Expected("smits_2015_steady.weakest_ibuprofen", "troughs below 3 mg/L, weakest cell, ibuprofen", 78.0, "%",
                 (63.0, 93.0), "78 +- 15: the same", "recalled"),
        Expected("smits_2015_steady.strongest_ibuprofen", "troughs below 3 mg/L, strongest cell, ibuprofen", 100.0, "%",
                 (94.0, 100.0), "100 - 6: the same", "recalled"),
    ),
    "cells with at least 10 babies count; half of the babies younger than 14 d",
    Population("smits_2015_steady", PNA=spread(1.0, 14.0, 28.0), GA=spread(24.0, 32.5, 41.0), BW=(0.42, 4.85)),
    SAME_CENTRE,
)  # fmt: skip

_CRISTEA_WHY = "printed range over the regimens, 5 points wider: weights, ages, dose number not in the abstract"
CRISTEA = Study(
    "cristea_2017",
    "Cristea 2017, AAC 61(12) (abstract)",
    "term babies with asphyxia, cooled; trough before dose 2 above 5 mg/L, without residual error (the paper simulated)",
    (
        Expected("cristea_2017.de_cock_rule", "troughs above 5 mg/L, De Cock rule", 40.0, "%", (35.0, 81.0),
                 _CRISTEA_WHY + " (40-76 %)"),
        Expected("cristea_2017.q24", "troughs above 5 mg/L, 15 mg/kg every 24 h", 76.0, "%", (35.0, 81.0),
                 _CRISTEA_WHY + " (40-76 %)"),
        Expected("cristea_2017.de_cock_rule_plus_12", "troughs above 5 mg/L, De Cock rule + 12 h", 14.0, "%", (9.0, 30.0),
                 _CRISTEA_WHY + " (14-25 %)"),
        Expected("cristea_2017.q24_plus_12", "troughs above 5 mg/L, 15 mg/kg every 36 h", 25.0, "%", (9.0, 30.0),
                 _CRISTEA_WHY + " (14-25 %)"),
    ),
    "GA 36-42 wk, first dose at PNA 1 d; which regimen gave which end of the printed range is our reading",
    Population("cristea_2017", PNA=Spread(((0.0, 1.0), (1.0, 1.5))), GA=spread(36.0, 39.5, 42.0)),
    (("amikacin_neonate", "the fall of clearance by 40.6 % is this paper's; the fractions are not used"),),
)  # fmt: skip

TRELUYER = Study(
    "treluyer_2002",
    "Treluyer 2002, AAC 46:1381, fig. 1 as scanned in the Open Systems Pharmacology database (155 children, Paris)",
    "mean clearance per kg of current weight of term babies at four ages, from individual parameters",
    tuple(
        Expected(f"treluyer_2002.day_{day}", f"clearance per kg at PNA {day} d", value, "L/h/kg", around(value, 0.25),
                 "25 %: a scanned point, few newborns at each age, their size not stated", "secondary")
        for day, value in ((5, 0.053), (15, 0.073), (24, 0.095), (29, 0.106))
    ),
    "GA 37-41 wk, weights from the growth standard",
    Population("treluyer_2002", PNA=spread(5.0, 5.0, 5.0), GA=spread(37.0, 39.5, 41.0)),
)  # fmt: skip

KENYON = Study(
    "kenyon_1990",
    "Kenyon 1990, AAC 34:265 (28 preterm babies, 1.38 +- 0.47 kg, postconceptional age 30.5 +- 2.9 wk)",
    "7.5 mg/kg every 12 h (every 8 h from day 7), infusion over 45 min; on day 3 trough, peak and two samples, "
    "analysed with one compartment as in the paper",
    (
        Expected("kenyon_1990.half_life", "mean half-life", 8.42, "h", around(8.42, 0.25),
                 "25 %: SEM 6 %, postnatal age not printed, sampling times not printed"),
        Expected("kenyon_1990.clearance", "mean clearance per kg", 0.0504, "L/h/kg", around(0.0504, 0.25),
                 "25 %: the same (0.84 mL/min/kg)"),
    ),
    "PNA log-uniform 1-7-28 d; peak 30 min after the infusion, further samples at 40 and 70 % of the interval",
    Population("kenyon_1990", PNA=spread(1.0, 7.0, 28.0, log=True), PMA=Bell(30.5, 2.86, 25.0, 37.0), BW=(0.5, 2.5)),
)  # fmt: skip

BOTHA = Study(
    "botha_1998",
    "Botha 1998, Eur J Clin Pharmacol 53:337 (53 babies, GA 35.1 wk, PNA 3.1 d; abstract)",
    "steady state of 7.5 mg/kg every 12 h; clearance from individual parameters, volume and half-life "
    "from trough and peak with one compartment",
    (
        Expected("botha_1998.clearance", "mean clearance per kg", 0.048, "L/h/kg", around(0.048, 0.25),
                 "25 %: confidence interval 0.045-0.051; weights, ages beyond the mean, and regimen not printed"),
        Expected("botha_1998.volume", "mean volume per kg", 0.434, "L/kg", around(0.434, 0.25), "25 %: the same (0.414-0.453)"),
        Expected("botha_1998.half_life", "mean half-life", 6.4, "h", around(6.4, 0.25), "25 %: the same (6.2-6.6)"),
    ),
    "regimen, infusion over 30 min, peak 1 h after its start; GA normal, SD 3 wk; PNA log-uniform 1-3-8 d",
    Population("botha_1998", PNA=spread(1.0, 2.7, 8.0, log=True), GA=Bell(35.1, 3.0, 28.0, 42.0)),
    (("amikacin_botha_1998", "this is the model's own paper"),),
)  # fmt: skip

HUGHES = Study(
    "hughes_2017",
    "Hughes 2017, J Pediatr Pharmacol Ther 22:33, group 1 (144 babies, GA 34.4 wk, quartiles 30.0 and 37.9, PNA 4 d; abstract)",
    "dosing rule neofax, infusion over 30 min; peak 30 min after the infusion of dose 3, with residual error as measured",
    (
        Expected("hughes_2017.peak_20_35", "peaks 20-35 mg/L", 34.0, "%", (14.0, 54.0),
                 "34 +- 20: rule ('published recommendations'), time and number of the dose not in the abstract"),
        Expected("hughes_2017.peak_above_35", "peaks above 35 mg/L", 65.0, "%", (45.0, 85.0), "65 +- 20: the same"),
    ),
    "the rule is NeoFax, the printed range of GA is read as quartiles; GA 24-41 wk and PNA 1-28 d outside them",
    Population("hughes_2017", PNA=spread(1.0, 4.0, 28.0, log=True),
               GA=Spread(((0.0, 24.0), (0.25, 30.0), (0.5, 34.4), (0.75, 37.9), (1.0, 41.0)))),
)  # fmt: skip

_ALLEGAERT_WHY = "weights at that age not printed; exponents of the size standard recalled"
ALLEGAERT = Study(
    "allegaert_2006",
    "Allegaert 2006, Br J Clin Pharmacol, PMC1884978 (205 babies below 31 wk in the first 72 h, Leuven)",
    "clearance scaled to 70 kg by weight^0.75, geometric mean, from individual parameters; with and without ibuprofen",
    (
        Expected("allegaert_2006.clearance_24", "clearance at postconceptional age 24 wk", 0.486, "L/h/70kg", around(0.486, 0.25),
                 f"25 %: {_ALLEGAERT_WHY}"),
        Expected("allegaert_2006.clearance_30", "clearance at postconceptional age 30 wk", 0.940, "L/h/70kg", around(0.940, 0.25),
                 f"25 %: {_ALLEGAERT_WHY}"),
        Expected("allegaert_2006.nsaid", "fall of clearance under a NSAID", 22.0, "%", (14.0, 30.0),
                 "22 +- 8 points: ibuprofen and aspirin together, first day of life"),
    ),
    "PNA 0.5-3 d",
    Population("allegaert_2006", PNA=spread(0.5, 1.5, 3.0), PMA=spread(24.0, 27.8, 30.0), BW=(0.45, 1.98)),
    SAME_BABIES,
)  # fmt: skip

SGA = Study(
    "allegaert_2007",
    "Allegaert 2007, Ther Drug Monit 29:284 (282 preterm babies on amikacin, 249 on vancomycin; abstract)",
    "log clearance less 0.75 log weight regressed on postmenstrual age and being small for gestational age "
    "(birth weight below the 10th centile), as the paper's model does",
    (
        Expected("allegaert_2007.sga", "fall of clearance in babies small for gestational age", 16.2, "%", (6.0, 26.0),
                 "16 +- 10 points: two drugs, creatinine also in the paper's model, share of small babies not printed"),
    ),
    "GA 24-34 wk, PNA log-uniform 1-3-28 d",
    Population("allegaert_2007", PNA=spread(1.0, 3.0, 28.0, log=True), GA=spread(24.0, 29.0, 34.0)),
    SAME_BABIES[:2],
)  # fmt: skip

WALKER_TIMES = (0.167, 0.333, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
WALKER_MEANS = (40.3, 34.9, 30.3, 22.4, 17.6, 14.0, 9.81, 6.86, 4.74, 3.35, 1.59)
"""h after the start of the injection and mg/L."""
WALKER = Study(
    "walker_1979",
    "Walker 1979 (10 adults, 44.5-82.5 kg), as held in the Open Systems Pharmacology database",
    "500 mg over 4 min; mean profile at eleven times to 8 h. amikacin_burdet_2015, made for the critically ill, expected to "
    "miss: healthy lungs (PaO2/FiO2 450), creatinine clearance 100 mL/min. amikacin_neonate: its structure with adult physiology",
    (
        Expected("walker_1979.profile", "geometric mean fold error of eleven mean levels", 1.0, "fold", (1.0, 1.25),
                 "1.25: the usual bar for a profile predicted without fitting", "secondary"),
        Expected("walker_1979.worst", "largest fold error of the eleven", 1.0, "fold", (1.0, 1.5), "1.5: one level", "secondary"),
    ),
    "weights uniform over the printed range; "
    "adult physiology of the flagship, none of it from Walker: filtration 121 mL/min/70 kg (Rhodin 2009), all amikacin "
    "by filtration (K = 1), extracellular water 0.20 L/kg and blood 0.075 L/kg (textbook, recalled), slow exchange as in "
    "newborns relative to clearance",
)  # fmt: skip

VAN_DONGE_SCR = {
    24: (0.383, 0.876, 0.500, 0.375),
    27: (0.462, 0.830, 0.439, 0.345),
    29: (0.518, 0.807, 0.408, 0.334),
    32: (0.607, 0.772, 0.374, 0.321),
}
"""Typical creatinine, mg/dL, at birth, after day 3, before day 15 and before day 29 (PNA 0, 3, 14, 28 d), by GA."""
VAN_DONGE_BW = {24: 0.62, 27: 0.92, 29: 0.95, 32: 0.95}
"""kg: median for GA, at most 0.95 because the paper's babies weighed 1 kg or less (assumed)."""
VAN_DONGE = Study(
    "van_donge_2021",
    "van Donge 2021, Front Pharmacol, doi 10.3389/fphar.2020.610294, table 2 (babies of 1 kg or less, Leuven)",
    "typical creatinine at PNA 0, 3, 14 and 28 d without ibuprofen, typical baby of each GA",
    tuple(
        Expected(f"van_donge_2021.ga_{GA}", f"creatinine at GA {GA} wk: largest fold error of four times", 1.0, "fold",
                 (1.0, 1.25), "1.25: the fit's own rms is 9 %, the birth weights are ours")
        for GA in VAN_DONGE_SCR
    ),
    "birth weight 0.62, 0.92, 0.95, 0.95 kg",
    kin=(("amikacin_neonate", "creatinine constants were fitted to this table: not a test, a record"),),
)  # fmt: skip

TERM = Population("term_babies", PNA=spread(0.5, 0.5, 0.5), GA=spread(37.0, 39.5, 42.0))
BOER = Study(
    "boer_2010",
    "Boer 2010, Pediatr Nephrol 25:2107 (enzymatic; abstract)",
    "mean creatinine of term babies on day 1 (PNA 0.5 d)",
    (
        Expected("boer_2010.day_1", "mean creatinine on day 1", 55.0, "umol/L", around(55.0, 0.25),
                 "25 %: time of day 1 not stated"),
    ),
    "GA 37-42 wk; the month-2 figure lies beyond the model's 30 d and is not used",
    TERM,
    (("amikacin_neonate", "creatinine constants were fitted to anchors that include this one"),),
)  # fmt: skip

GORDJANI_GROUPS = {"very_preterm": (28.0, 30.5, 32.9), "preterm": (33.0, 35.5, 37.9), "term": (38.0, 40.0, 42.0)}
_GORDJANI = {"very_preterm": (80.0, 73.0), "preterm": (80.0, 53.0), "term": (77.0, 35.0)}
GORDJANI = Study(
    "gordjani_1988",
    "Gordjani 1988, Eur J Pediatr 148:143 (63 healthy babies; abstract)",
    "mean creatinine on day 1 (PNA 0.5 d) and after 10 days, three groups of GA, as a Jaffe assay would read it",
    tuple(
        Expected(f"gordjani_1988.{group}_day_{day}", f"mean creatinine, {group.replace('_', ' ')}, day {day}", value, "umol/L",
                 around(value, 0.25), "25 %: about 20 babies a group, assay assumed to be Jaffe")
        for group, values in _GORDJANI.items()
        for day, value in zip((1, 10), values, strict=True)
    ),
    "assay Jaffe, (IDMS-traceable + 0.254)/1.027 mg/dL: the line by which the product reads Jaffe results (Srivastava 2009)",
)  # fmt: skip

SMEETS = Study(
    "smeets_2022",
    "Smeets 2022, JASN 33:1277 (measured GFR of term babies)",
    "mean filtration per 1.73 m2 of term babies at PNA 1, 5 and 28 d",
    tuple(
        Expected(f"smeets_2022.day_{day}", f"filtration on day {day}", value, "mL/min/1.73m2", around(value, 0.25),
                 "25 %: the paper's own intervals are 9-25 % wide on each side")
        for day, value in ((1, 19.6), (5, 40.6), (28, 59.4))
    ),
    "GA 37-42 wk, median length for age",
    TERM,
    (("amikacin_neonate", "filtration is Wu 2024, whose inulin clearances may be among those pooled here"),),
)  # fmt: skip

LI_WT, LI_PMA, LI_MG_PER_KG = 1.2, 31.0, 12.0
LI_BANDS = {"15_22": (15.0, 22.0), "23_36": (23.0, 36.0), "37_60": (37.0, 60.0)}
_LI = {"15_22": (99.4, 72.0), "23_36": (88.1, 73.0), "37_60": (44.2, 67.7)}
LI = Study(
    "li_2025",
    "Li 2025, BMC Infect Dis 2026;26:43, table 5 (its own simulation), as transcribed in nlmixr2lib",
    "steady state of 12 mg/kg every 24 h over 30 min at 1.2 kg and 31 wk, creatinine uniform within each of three bands; peak "
    "at the end of the infusion, trough 30 min before the next dose, without residual error",
    tuple(
        Expected(f"li_2025.{what}_{band}", f"{text}, creatinine {band.replace('_', '-')} umol/L", value, "%",
                 (max(round(value - 5.0, 1), 0.0), min(round(value + 5.0, 1), 100.0)),
                 "5 points: the paper simulated the very parameters it prints", "secondary")
        for band, values in _LI.items()
        for what, text, value in zip(("trough", "peak"), ("troughs below 5 mg/L", "peaks 20-35 mg/L"), values, strict=True)
    ),
    "the moments of peak and trough are those of the paper's samples, not stated for the table",
    None,
    (("amikacin_li_2025", "the model's own paper"),),
)  # fmt: skip

STUDIES = (
    SMITS, SMITS_STEADY, CRISTEA, TRELUYER, KENYON, BOTHA, HUGHES, ALLEGAERT, SGA, WALKER, VAN_DONGE, BOER, GORDJANI, LI,
    SMEETS,
)  # fmt: skip
"""In the order in which they are reported."""

NOT_USED = (
    ("intramuscular study of 32 neonates (CL 64.6 +- 30.8 mL/h/kg)", "postnatal ages unknown, so clearance cannot be predicted"),
    ("De Cock 2012, abstract", "states that handbook regimens raise the risk of toxicity, without a figure"),
    ("Matcha 2025, attainment", "its dosing table needs creatinine by the paper's own formula, which contradicts physiology"),
    (
        "published creatinine below 26 wk, and of cooled term babies on day 7",
        "seen beside the model from outside, not as a table here: the model reads about 20 % low and a third high there; its "
        "card says so, and nothing was recalibrated to it",
    ),
    ("Prunella 2026", "no numeric result could be read"),
)
"""(what, why not)."""

_AT_DOSE_5 = (
    "the paper's simulation seems to hold age and weight fixed, here a baby ages by four intervals until dose 5 and clears "
    "faster; tried afterwards, with ages frozen at PNA 1-3 d the cells lie between 30 and 41 %, so the figure depends on an"
    " age not printed"
)
_LI_2025 = (
    "the paper's printed parameters do not give its printed table: equations and numbers agree with an independent transcription "
    "(nlmixr2lib), which misses it alike (86 against 53.5 % below 5 mg/L after 10 mg/kg). Unit of creatinine, form of the "
    "covariate, moment of the trough and residual error were looked at and do not explain it; tried afterwards, clearance 35 % "
    "lower and an SD of ln V of 0.27 instead of 0.39 come near all of it (98, 85, 45 %). The paper's observed median trough "
    "(4.07 mg/L on 7 mg/kg every 12 h) lies above its model too: the printed clearance runs fast"
)
CAUSES = {
    "li_2025.trough_23_36": _LI_2025,
    "li_2025.trough_37_60": _LI_2025,
    "li_2025.peak_15_22": _LI_2025,
    "li_2025.peak_23_36": _LI_2025,
    "li_2025.peak_37_60": _LI_2025,
    "gordjani_1988.term_day_10": (
        "creatinine of term babies reads high in the model in the first weeks (its card says so), and a Jaffe line made for "
        "children adds 0.25 mg/dL to values as low as these"
    ),
    "smits_2015.peak_above_24": (
        "residual error: the transcribed 25 % spreads the peaks (see the share without it; its source asks that it be checked), "
        "and the transcribed second compartment (Q 0.415 CL, V2 = V1) lowers them; tried afterwards, 10 % gives about 80 %, one "
        "compartment without residual error 89 %, both together 84 %"
    ),
    "smits_2015.trough_below_3": (
        "several parts: only median and range of postnatal age are printed, and clearance rises 11 % a day (tried afterwards, "
        "ages of 1-3 d give about 75 %); the transcribed second compartment (without it about 76 %); ibuprofen and asphyxia, "
        "which raise troughs, are left out for want of their shares. What remains says that typical clearance may be high here"
    ),
    "smits_2015_steady.weakest": _AT_DOSE_5,
    "smits_2015_steady.strongest": _AT_DOSE_5,
    "cristea_2017.de_cock_rule_plus_12": (
        "number of the dose: before dose 3 the same regimen gives about 27 %; or the lower end of the printed range belongs"
        " to another regimen"
    ),
    "hughes_2017.peak_above_35": (
        "time of the peak: tried afterwards, levels at the end of the infusion give about 73 %; doses of the first group "
        "are not printed in the abstract either"
    ),
    "walker_1979.profile@amikacin_neonate": (
        "filtration of 121 mL/min/70 kg against the paper's amikacin clearance of 85 +- 18 mL/min, and the slow exchange of"
        " newborns, which keeps the last level up"
    ),
    "walker_1979.worst@amikacin_neonate": "the same as for the profile; worst between 3 and 5 h",
    "walker_1979.profile@amikacin_burdet_2015": (
        "volumes of the critically ill: 19 + 21 L, where the first mean level of these healthy adults points to 12 L; "
        "healthy lungs lie outside the range studied for the model"
    ),
    "walker_1979.worst@amikacin_burdet_2015": "the same as for the profile",
    "boer_2010.day_1": (
        "creatinine at birth is capped at 0.65 mg/dL (57 umol/L) from 33 wk on and rises at first, the paper's falls from "
        "day 1 on; the model says of itself that it reads high at term in the first week. Day 1 at term in Gordjani lies "
        "between: the two papers do not agree with each other"
    ),
    "smeets_2022.day_28": "filtration after Wu 2024 runs high at term after two weeks; it was known when the model was built",
}
"""Check, or check@model -> what we suspect behind a miss. Written after the misses were seen: it explains and excuses nothing."""

"""Every number of the synthetic newborns' kidneys, care and wards, as data beside its source.

Provenance in brackets: [P] read in a paper or abstract, [S] read in a transcription, [D] derived by us from published figures,
[R] recalled, [A] assumed. The three truths are A (``Composite``), B (``Reconstruction``) and C (B with ``Injury``). Frozen:
``kidney_frozen.json`` keeps these numbers and their hash, and a changed number is refused until a new record is written.
"""

from dataclasses import dataclass, field

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Composite:
    """Truth A. Filtration of Wu 2024 (Pharm Res 41:637) [S]; balance constants are our fit to enzymatic typical profiles [D]."""

    GFR_birth: float = 1.26  # mL/min at BW_ref [S]
    GFR_max: float = 8.98  # mL/min at BW_ref [S]
    BW_ref: float = 1.75  # kg [S]
    WT_exponent: float = 0.738  # [S]
    PNA50: float = 34.0  # d at GA_ref [S]
    GA_ref: float = 34.0  # wk [S]
    GA_exponent: float = -3.61  # [S]
    hill: float = 1.03  # [S]
    production: float = 10.0  # mg/kg/d at 30 wk [D]
    production_GA: float = 0.14  # exponent [D]
    leak: float = 0.16  # back-leak at birth at 27 wk [D]
    leak_GA: float = 0.20  # 1/wk [D]
    leak_tau: float = 2.8  # d [D]
    leak_max: float = 0.6  # no baby leaks back more than this [A]
    water: float = 0.738  # L/kg at term [P, Young 2021]
    water_GA: float = 0.0144  # L/kg per week before 40 wk [P, Young 2021]
    # between babies: SD of the log; Wu's omegas are printed variances 0.09229, 0.02850, 0.27184, 0.11862 [S]
    sd_birth: float = 0.30379
    sd_max: float = 0.16882
    sd_PNA50: float = 0.52138
    sd_hill: float = 0.34441
    sd_production: float = 0.198  # 20 % CV [A]
    sd_S0: float = 0.246  # 25 % CV [A]
    sd_leak: float = 0.30  # weakly identified, hence wide [A]
    wander_sd: float = 0.12  # SD of log filtration over time [A, 0.10-0.15]
    wander_tau: float = 1.5  # d [A, 1-2]
    ibuprofen: float = 0.0094  # mL/min off creatinine clearance [P, van Donge 2021 Front Pharmacol]
    indomethacin: float = 0.80  # factor; direction [P, Pacifici 2014], size [A]
    cooled: float = 0.80  # factor; direction [P, Keles 2024], size [A]
    asphyxia: float = 0.90  # factor when not (or no longer) cooled [A]
    nephrotoxic: float = 0.92  # factor while vancomycin and an aminoglycoside run together [A]


@dataclass(frozen=True)
class Reconstruction:
    """Truth B. Form of van Donge 2021 with our reconstructed constants [D]; filtration itself matures as in Rhodin 2009 [P].

    Beyond 1 kg and 32 wk it is an extension of ours: production, clearance and volume go with weight to the power one, the
    exponents of GA are kept and the creatinine at birth is capped. Clearance matures with postnatal age alone, volume per kg is
    the same at every age, production follows birth weight and stays constant, nothing leaks back.
    """

    BW_ref: float = 0.83  # kg, median of the study [P]
    GA_ref: float = 27.0  # wk [P]
    production: float = 2.82  # mg/d at BW_ref [D]
    CL_birth: float = 0.233  # L/d at BW_ref and GA_ref [D]
    CL_birth_GA: float = 0.50  # exponent [D]
    CL_rise: float = 0.763  # L/d [D]
    CL_rise_GA: float = -0.14  # exponent [D]
    T50: float = 11.7  # d [D]
    T50_GA: float = -2.33  # exponent [D]
    hill: float = 1.34  # [D]
    volume: float = 0.608 / 0.83  # L/kg [D]
    caesarean_T50: float = 0.90  # caesarean matures faster: direction [P], size [A]
    rhodin_GFR: float = 121.2  # mL/min per 70 kg [P, Pediatr Nephrol 2009;24:67]
    rhodin_exponent: float = 0.75  # [P]
    rhodin_PMA50: float = 47.7  # wk [P]
    rhodin_hill: float = 3.40  # [P]
    sd_CL: float = 0.27  # shared by creatinine clearance and filtration [A]
    sd_T50: float = 0.45  # [A, near Wu]
    sd_production: float = 0.198  # [A]
    sd_S0: float = 0.246  # [A]
    sd_volume: float = 0.10  # [A]
    sd_tubular: float = 0.12  # creatinine clearance alone: creatinine is no perfect mirror of filtration [A]
    wander_sd: float = 0.15  # [A, 0.10-0.15]
    wander_tau: float = 1.0  # d [A, 1-2]
    ibuprofen: float = 0.0135  # L/d at BW_ref, in proportion to birth weight [P; its extension A]
    indomethacin: float = 0.78  # [A]
    cooled: float = 0.75  # [A]
    asphyxia: float = 0.88  # [A]
    nephrotoxic: float = 0.88  # [A]


@dataclass(frozen=True)
class Injury:
    """Truth C: what is added to B in some babies, and told to nobody. All [A]; shares by GA follow AWAKEN's 48/18/37 % [R]."""

    share: tuple[float, float, float] = (0.44, 0.20, 0.38)  # GA < 29, 29 to < 36, >= 36 wk: 30 % in all
    depth: tuple[float, float] = (0.5, 1.8)  # fall of log clearance, uniform
    early: float = 0.70  # starts in the first week: AWAKEN 21 of 30 % [P]
    early_day: tuple[float, float] = (0.3, 6.0)
    late_day: tuple[float, float] = (6.0, 20.0)
    onset_h: tuple[float, float] = (6.0, 30.0)  # time constant of the fall
    plateau_d: tuple[float, float] = (0.5, 4.0)  # from the start to the begin of recovery
    recovery_d: tuple[float, float] = (1.5, 6.0)  # time constant
    stay_after_d: float = 7.0  # nobody goes home within a week of the start


@dataclass(frozen=True)
class Birth:
    """Who is admitted: gestational ages in AWAKEN's shares (273, 916 and 833 of 2,022 [R]), weights of INTERGROWTH-21st."""

    GA: Points = (
        (0.0, 23.0), (0.04, 26.0), (0.135, 29.0), (0.30, 32.0), (0.588, 36.0), (0.75, 38.0), (0.90, 40.0), (1.0, 42.0),
    )  # fmt: skip
    boys: float = 0.54  # [A]
    restricted: float = 0.12  # share whose weight score is lower by restricted_z [A]
    restricted_z: float = -1.2  # [A]
    BW: tuple[float, float] = (0.385, 4.85)  # kg, kept within the ranges of the models
    caesarean: tuple[float, float, float] = (0.65, 0.58, 0.42)  # by GA band [A]
    S0: float = 0.462  # mg/dL at 27 wk [P, van Donge table]
    S0_GA: float = 0.0576  # 1/wk [D]
    S0_max: float = 0.65  # [R, cord blood at term 0.6-0.7]
    S0_asphyxia: float = 1.25  # above the 90th centile at birth [P, Borloo 2021]; size [A]
    loss_sd: float = 0.30  # log SD of the depth of weight loss [A]
    pace_sd: float = 0.15  # log SD of its pace [A]
    growth_sd: float = 0.20  # log SD of later growth [A]
    weighing_sd: float = 0.01  # [A]


@dataclass(frozen=True)
class Care:
    """What is done, by GA band (< 29, 29 to < 36, >= 36 wk). All [A] but the duration of cooling [P] and of ibuprofen [P]."""

    nsaid: Points = ((23.0, 0.60), (26.0, 0.50), (28.0, 0.35), (30.0, 0.12), (32.0, 0.0))  # by GA
    nsaid_first_day: tuple[float, float] = (1.0, 6.0)
    nsaid_h: float = 72.0
    nsaid_again: float = 0.20  # second course, nsaid_gap_h after the first
    nsaid_gap_h: float = 48.0
    cooling_start_h: tuple[float, float] = (2.0, 6.0)
    cooling_h: float = 72.0
    cooling_GA: float = 35.0  # not below [P, trials]
    asphyxia_h: float = 240.0  # its effect on the kidney ends
    severity_sd: float = 0.5  # log SD, between babies, of log effect of asphyxia and cooling
    inotropes: tuple[float, float, float] = (0.25, 0.06, 0.07)
    inotropes_asphyxia: float = 0.40
    inotropes_h: tuple[float, float] = (24.0, 120.0)
    early_sepsis: tuple[float, float, float] = (0.90, 0.65, 0.60)  # aminoglycoside from birth
    early_long: float = 0.30  # treated for a week, the others 48 h
    late_sepsis: tuple[float, float, float] = (0.35, 0.08, 0.01)  # vancomycin
    late_day: tuple[float, float] = (6.0, 20.0)
    late_aminoglycoside: float = 0.5
    short_h: float = 48.0
    long_h: float = 168.0
    stay_term_d: float = 5.5  # median at >= 36 wk
    stay_sd: float = 0.5  # log SD
    home_PMA: float = 36.3  # wk at which the others go home
    home_sd: float = 0.8  # wk
    stay_min_d: float = 3.0
    stay_asphyxia_d: float = 4.0  # stays longer


@dataclass(frozen=True)
class Hospital:
    """Its name, share of the babies, creatinine method and unit, and how often it samples (odds)."""

    name: str
    share: float
    assay: str
    unit: str
    odds: float


@dataclass(frozen=True)
class Hospitals:
    """A group of hospitals with its case mix: asphyxia by GA band, share cooled, indomethacin, wrong gestational age. [A]"""

    sites: tuple[Hospital, ...]
    asphyxia: tuple[float, float, float]
    cooled: float
    indomethacin: float
    wrong_GA: float  # recorded a week too high or too low


HOME = Hospitals(
    (
        Hospital("home-1", 0.35, "enzymatic", "umol/L", 1.0),
        Hospital("home-2", 0.30, "idms", "mg/dL", 1.2),
        Hospital("home-3", 0.20, "jaffe", "mg/dL", 1.0),
        Hospital("home-4", 0.15, "enzymatic-uncalibrated", "umol/L", 0.8),
    ),
    asphyxia=(0.04, 0.04, 0.16),
    cooled=0.72,  # California 59-73 % [P, Kracer 2014]
    indomethacin=0.20,
    wrong_GA=0.05,
)
OUTSIDE = Hospitals(
    (
        Hospital("outside-1", 0.30, "jaffe", "mg/dL", 0.7),
        Hospital("outside-2", 0.20, "jaffe", "umol/L", 0.9),
        Hospital("outside-3", 0.30, "enzymatic", "umol/L", 0.8),
        Hospital("outside-4", 0.20, "idms", "mg/dL", 1.1),
    ),
    asphyxia=(0.06, 0.06, 0.24),
    cooled=0.80,
    indomethacin=0.35,
    wrong_GA=0.15,
)


@dataclass(frozen=True)
class Sampling:
    """When creatinine is drawn: odds per 12-hour slot. [A], scaled so that babies have about 4.4 values [P]."""

    odds: Points = ((0.0, 0.50), (1.0, 0.74), (3.0, 0.50), (5.0, 0.25), (8.0, 0.10), (15.0, 0.045), (28.0, 0.03))  # by PNA, d
    evening: float = 0.25  # factor on the odds of the second slot of a day
    by_GA: tuple[float, float, float] = (3.0, 1.0, 1.0)
    ill: float = 2.0  # factor under inotropes, cooling, ibuprofen, indomethacin, vancomycin or within 3 d of asphyxia
    rising: float = 5.0  # factor after a value that rose by 0.3 mg/dL or half within rising_memory_d
    rising_memory_d: float = 3.0
    high: float = 2.0  # factor after a value above high_value
    high_value: float = 1.2  # mg/dL
    unwell: float = 1.5  # factor while the truth is injured: urine output is seen, its cause is not recorded
    report_limit: float = 0.10  # mg/dL; lower results are reported as this
    step_mg_dL: float = 0.01  # results are rounded to this, or to 1 umol/L


@dataclass(frozen=True)
class Noise:
    """Measurement error: SD = sqrt((proportional x)^2 + additive^2), additive in mg/dL."""

    proportional: float
    additive: float


@dataclass(frozen=True)
class Parameters:
    """All of them, and the days that are observed."""

    A: Composite = Composite()
    B: Reconstruction = Reconstruction()
    C: Injury = Injury()
    birth: Birth = Birth()
    care: Care = Care()
    home: Hospitals = HOME
    outside: Hospitals = OUTSIDE
    sampling: Sampling = Sampling()
    noise: dict[str, Noise] = field(
        # "wu": residual of Wu 2024, variances 0.0198 and 0.00187 [S]; "low" as in a good laboratory [A]
        default_factory=lambda: {"low": Noise(0.05, 0.03), "wu": Noise(0.141, 0.0432)}
    )
    days: int = 28  # observed; the truth is kept for three days more


PARAMETERS = Parameters()
TEST_SEEDS: tuple[int, ...] = tuple(range(900_001, 900_013))
"""For evaluation only. Training and choosing use seeds below FIRST_TEST_SEED."""
FIRST_TEST_SEED = 900_000
CHECK_SEED = 800_001
"""For the comparison with published aggregates."""

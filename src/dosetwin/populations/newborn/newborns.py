"""Virtual newborns for trials: who is treated with amikacin, how they grow, what else happens to them, what infects them.

Time 0 is the first dose, hours; baby i of a seed and setting is the same whatever the size of the cohort or the chunk it is
drawn in. Every number is a field of ``Setting`` beside its source, in brackets: [P] read in a paper or its abstract, [S] in a
transcription, [R] recalled, [D] derived, [A] assumed. Drawn values are facts about a baby; what a truth model makes of them
(clearance, creatinine) is in ``trial.truth``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from dosetwin.errors import InputError, UnknownName
from dosetwin.streams import normals, uniforms
from dosetwin.structure.growth import birth_weights, weight_ratio

NEVER = np.inf
Points = tuple[tuple[float, float], ...]
ORGANISMS = ("e_coli", "klebsiella", "p_aeruginosa", "s_aureus", "cons", "gbs", "enterococcus")
"""Codes of ``Newborns.organism`` in this order; amikacin alone is no treatment of the last two."""
BAND_EDGES = (29.0, 36.0)
"""Weeks that part the bands of gestational age used for frequencies (as in AWAKEN)."""


@dataclass(frozen=True)
class Setting:
    """Who is treated: quantile points (probability, value) and frequencies. Bands: GA < 29, 29 to < 36, >= 36 wk."""

    name: str
    GA: Points = ((0.0, 23.0), (0.05, 25.5), (0.25, 30.0), (0.5, 34.0), (0.75, 37.8), (0.95, 40.5), (1.0, 42.0))
    # median and range of Smits 2015 (34 wk, 24-41) [P]; the quartiles [A]
    PNA_preterm: Points = ((0.0, 0.04), (0.30, 1.0), (0.47, 2.0), (0.65, 5.0), (0.82, 12.0), (0.94, 21.0), (1.0, 28.0))
    PNA_term: Points = ((0.0, 0.04), (0.36, 1.0), (0.56, 2.0), (0.83, 5.0), (0.94, 10.0), (1.0, 28.0))
    # median 2 d, to 30 d (De Cock 2012, Smits 2015) [P]; late-onset treatment mostly in the preterm [A]
    boys: float = 0.54  # [A]
    z_mean: float = 0.20  # births of a European centre lie above INTERGROWTH-21st; Smits' printed median 2285 g [D]
    BW: tuple[float, float] = (0.385, 4.65)  # kg, range of De Cock 2012 [P]
    loss_sd: float = 0.30  # log SD of the depth of weight loss [A]
    pace_sd: float = 0.15  # of its pace [A]
    growth_sd: float = 0.20  # of later growth [A]
    asphyxia: tuple[float, float, float] = (0.04, 0.04, 0.20)  # [A]; Cristea 2017: 56 cooled beside 874 others [P]
    cooled: float = 0.72  # of the asphyxiated from cooling_GA on; California 59-73 % (Kracer 2014) [P]
    cooling_GA: float = 35.0  # wk [P, trials]
    cooling_start_h: tuple[float, float] = (2.0, 6.0)  # after birth [P, trials: within 6 h]
    cooling_h: float = 72.0  # [P]
    ibuprofen: Points = ((23.0, 0.17), (25.0, 0.155), (27.0, 0.093), (29.0, 0.043), (31.0, 0.012), (32.0, 0.0))
    # England and Wales 2010-17, GA < 32 wk: ductus in 70 % at 24-25 wk to 6 % at 31 wk, ibuprofen in 3857 of 58108 (6.6 %) [P];
    # the shape between [A] (BMJ Paediatr Open 2022;6:e001424)
    ibuprofen_day: Points = ((0.0, 1.0), (0.25, 5.0), (0.5, 10.0), (0.75, 16.0), (1.0, 28.0))  # median day 10 [P]; the rest [A]
    ibuprofen_h: tuple[float, float] = (48.0, 96.0)  # 3 (2-4) d [P]
    inotropes: tuple[float, float, float] = (0.178, 0.06, 0.07)  # without asphyxia
    # GA < 29 wk, first week, all: 491 of 2626 (18.7 %, Canada 2010-11) [P]; the rest [A]
    inotropes_asphyxia: float = 0.40  # [A]
    inotropes_h: tuple[float, float] = (24.0, 120.0)  # [A]
    injury: tuple[float, float, float] = (0.0, 0.0, 0.0)  # kidneys that fail for a while; none in this setting
    injury_in_course: float = 0.7  # of those, onset during the course of treatment, the others before it [A]
    injury_depth: tuple[float, float] = (0.5, 1.8)  # fall of log clearance [A, as in truth C of the kidney study]
    injury_fall_h: tuple[float, float] = (6.0, 30.0)  # [A]
    injury_plateau_d: tuple[float, float] = (0.5, 4.0)  # [A]
    injury_recovery_d: tuple[float, float] = (1.5, 6.0)  # [A]
    early_h: float = 72.0  # a course that starts earlier after birth is early onset [P, usual definition]
    early: Mapping[str, float] | None = None  # organism shares
    late: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for which in (self.early, self.late):
            if which is not None:
                if unknown := sorted(set(which) - set(ORGANISMS)):
                    raise UnknownName(
                        "unknown organism", where=f"setting {self.name}", value=unknown[0], allowed=", ".join(ORGANISMS)
                    )
                if abs(sum(which.values()) - 1.0) > 1e-9:
                    raise InputError("organism shares must add up to 1", where=f"setting {self.name}", value=sum(which.values()))


GRAM_NEGATIVE = {"e_coli": 1.0}
# neonIN 2006-08: early GBS 58 %, E. coli 18 %; late CoNS 54 %, Enterobacteriaceae 21 %, S. aureus 18 % (fungi 9 %) [P];
# what is left is given to the others in proportion [D], enterobacteria parted between E. coli and Klebsiella [A]
NEONIN_EARLY = {"gbs": 0.60, "e_coli": 0.20, "cons": 0.09, "s_aureus": 0.05, "klebsiella": 0.03, "enterococcus": 0.03}
NEONIN_LATE = {"cons": 0.55, "e_coli": 0.11, "klebsiella": 0.10, "s_aureus": 0.18, "p_aeruginosa": 0.02, "enterococcus": 0.04}
# low and middle income: Gram-negative 60 %, Klebsiella 38 % of them (Wen 2021) [P]; S. aureus 23 %, CoNS 23 %, E. coli 15 %
# [P], scaled to 1 [D]
LLMIC = {
    "klebsiella": 0.26,
    "e_coli": 0.16,
    "p_aeruginosa": 0.08,
    "s_aureus": 0.23,
    "cons": 0.20,
    "gbs": 0.03,
    "enterococcus": 0.04,
}

SETTINGS: Mapping[str, Setting] = {
    s.name: s
    for s in (
        Setting("nicu", early=GRAM_NEGATIVE, late=GRAM_NEGATIVE),
        Setting("nicu_changing", early=GRAM_NEGATIVE, late=GRAM_NEGATIVE, injury=(0.44, 0.20, 0.38),
                ibuprofen=((23.0, 0.60), (26.0, 0.50), (28.0, 0.35), (30.0, 0.12), (32.0, 0.0)),
                ibuprofen_day=((0.0, 1.0), (0.5, 3.5), (1.0, 8.0))),
        Setting("england", early=NEONIN_EARLY, late=NEONIN_LATE),
        Setting("llmic", early=LLMIC, late=LLMIC),
    )
}  # fmt: skip
"""``nicu``: every baby has an E. coli infection, so that outcomes of infection mean something in everyone. ``nicu_changing``: the
same with kidney injury in AWAKEN's shares (48/18/37 %, [R], scaled to 30 % in all) and early ibuprofen. ``england``, ``llmic``:
organisms as cultured there. All are babies with a proven infection; most babies treated on a ward have none."""

PK = ("GFR", "CL", "V", "PROD", "S0")
"""Order of ``Newborns.pk``: scores of filtration, drug clearance alone, volume, creatinine production, creatinine at birth."""
OCCASIONS = 16
"""Occasions of 24 h with their own scatter of clearance, from time 0."""
WANDER_STEPS = 64
"""Numbers of the slow wander of filtration, one per ``WANDER_H`` hours from birth."""
WANDER_H = 24.0
WT_MAX = 4.78
"""kg; nobody is heavier than the heaviest baby of De Cock 2012 [P]."""
INFECTION = 24
"""Uniform numbers set aside for the infection."""


@dataclass(frozen=True, eq=False)
class Newborns:
    """A cohort as arrays [n]. Hours count from the first dose; what never happens lies at infinity.

    ``number`` the baby's number; GA wk, BW kg, ``male`` 0/1, PNA d at time 0, ``weight_scatter`` [n, 3] (depth, pace, growth);
    ``asphyxia`` bool; ``cooling``, ``ibuprofen``, ``inotropes`` [n, 2] from and to, h; ``injury`` [n, 5]: onset h, depth (fall of
    log clearance), time constant of the fall h, plateau until h, time constant of recovery h; ``pk`` [n, 5] scores (order PK),
    ``occasion`` [n, 16] and ``wander`` [n, 64] scores; ``organism`` [n] index into ORGANISMS; ``infection`` [n, 24] uniforms.
    """

    setting: str
    seed: int
    number: np.ndarray
    GA: np.ndarray
    BW: np.ndarray
    male: np.ndarray
    PNA: np.ndarray
    weight_scatter: np.ndarray
    asphyxia: np.ndarray
    cooling: np.ndarray
    ibuprofen: np.ndarray
    inotropes: np.ndarray
    injury: np.ndarray
    pk: np.ndarray
    occasion: np.ndarray
    wander: np.ndarray
    organism: np.ndarray
    infection: np.ndarray

    def __len__(self) -> int:
        return len(self.GA)

    def take(self, who: Any) -> "Newborns":
        """The babies ``who`` (a slice, mask or index array)."""
        arrays = {f.name: getattr(self, f.name)[who] for f in fields(self) if f.name not in ("setting", "seed")}
        return Newborns(self.setting, self.seed, **arrays)

    def baby(self, i: int) -> "Newborns":
        """Baby ``i`` as a cohort of one."""
        return self.take(slice(i, i + 1 or None))

    def weight(self, hours: np.ndarray | float) -> np.ndarray:
        """True weight, kg, at ``hours`` [T] (or a number, or [n, T]) from the first dose: [n, T]."""
        t = np.atleast_1d(np.asarray(hours, dtype=np.float64))
        age = np.maximum(self.PNA[:, None] + t / 24.0, 0.0)
        depth, pace, growth = (column[:, None] for column in self.weight_scatter.T)
        shape = weight_ratio(self.GA[:, None], age / pace)
        lost = 1.0 - np.clip(depth * (1.0 - shape), 0.0, 0.25)
        WT = self.BW[:, None] * np.where(shape < 1.0, lost, np.maximum(shape, 1.0) ** growth)
        return np.minimum(WT, WT_MAX)

    @cached_property
    def WT(self) -> np.ndarray:
        """Weight at the first dose, kg [n]."""
        return self.weight(0.0)[:, 0]

    @cached_property
    def band(self) -> np.ndarray:
        """0, 1, 2 for GA < 29, 29 to < 36, >= 36 wk."""
        return np.searchsorted(BAND_EDGES, self.GA, side="right")

    def on(self, care: str, hours: np.ndarray | float) -> np.ndarray:
        """Whether ``care`` (cooling, ibuprofen, inotropes) runs at ``hours`` [T]: bool [n, T]."""
        t = np.atleast_1d(np.asarray(hours, dtype=np.float64))
        period = getattr(self, care)
        return (period[:, :1] <= t) & (t < period[:, 1:])

    @property
    def condition(self) -> np.ndarray:
        """One word per baby for subgroups, as the ward knows it at the start: cooled, asphyxia, ibuprofen, inotropes."""
        within = self.ibuprofen[:, 0] < 120.0
        return np.select(
            [
                (self.cooling[:, 1] > 0) & np.isfinite(self.cooling[:, 0]),
                self.asphyxia,
                within & (self.ibuprofen[:, 1] > 0),
                (self.inotropes[:, 0] < 120.0) & (self.inotropes[:, 1] > 0),
            ],
            ["cooled", "asphyxia", "ibuprofen", "inotropes"],
            "no condition",
        )


def _at(points: Points, u: np.ndarray) -> np.ndarray:
    return np.interp(u, [p[0] for p in points], [p[1] for p in points])


def _between(u: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return limits[0] + u * (limits[1] - limits[0])


def setting_named(name: str) -> Setting:
    """A setting by name. Raises UnknownName."""
    if name not in SETTINGS:
        raise UnknownName("unknown setting", where="cohort", value=name, allowed=", ".join(SETTINGS))
    return SETTINGS[name]


def cohort(n: int, seed: int, setting: str | Setting = "nicu", *, first: int = 0) -> Newborns:
    """Babies ``first`` .. ``first + n - 1`` of a seed and setting. Raises InputError when empty, UnknownName for the setting."""
    if n < 1:
        raise InputError("a cohort needs a baby", where="cohort", value=n, allowed=">= 1")
    if first < 0 or seed < 0:
        raise InputError("must not be negative", where="cohort", value=min(first, seed), allowed=">= 0")
    s = setting_named(setting) if isinstance(setting, str) else setting
    who = np.arange(first, first + n)
    u = uniforms(seed, "newborn/birth", who, 4).T
    v = normals(seed, "newborn/size", who, 4).T
    GA = _at(s.GA, u[0])
    term = BAND_EDGES[1] <= GA
    PNA = np.where(term, _at(s.PNA_term, u[1]), _at(s.PNA_preterm, u[1]))
    male = (u[2] < s.boys).astype(np.float64)
    BW = np.clip(birth_weights(GA, male, np.clip(s.z_mean + v[0], -4.0, 4.0)), *s.BW)
    scatter = np.exp(v[1:4].T * np.array([s.loss_sd, s.pace_sd, s.growth_sd]))
    care = _care(s, who, seed, GA, PNA)
    return Newborns(
        s.name, seed, who, GA, BW, male, PNA, scatter,
        pk=normals(seed, "newborn/pk", who, len(PK)),
        occasion=normals(seed, "newborn/occasion", who, OCCASIONS),
        wander=normals(seed, "newborn/wander", who, WANDER_STEPS),
        infection=uniforms(seed, "newborn/infection", who, INFECTION),
        organism=_organism(s, who, seed, PNA),
        **care,
    )  # fmt: skip


def _care(s: Setting, who: np.ndarray, seed: int, GA: np.ndarray, PNA: np.ndarray) -> dict[str, np.ndarray]:
    """Conditions and treatments, h from the first dose."""
    u = uniforms(seed, "newborn/care", who, 10).T
    band = np.searchsorted(BAND_EDGES, GA, side="right")
    born = -24.0 * PNA

    def period(when: np.ndarray, start: np.ndarray, length: np.ndarray | float) -> np.ndarray:
        return np.stack([np.where(when, start, NEVER), np.where(when, start + length, NEVER)], axis=1)

    asphyxia = u[0] < np.array(s.asphyxia)[band]
    cooled = asphyxia & (s.cooling_GA <= GA) & (u[1] < s.cooled)
    ibuprofen = u[3] < np.interp(GA, [p[0] for p in s.ibuprofen], [p[1] for p in s.ibuprofen])
    pressed = u[6] < np.where(asphyxia, s.inotropes_asphyxia, np.array(s.inotropes)[band])
    first_week = 168.0 * u[7] * np.where(asphyxia, 0.1, 1.0)
    return {
        "asphyxia": asphyxia,
        "cooling": period(cooled, born + _between(u[2], s.cooling_start_h), s.cooling_h),
        "ibuprofen": period(ibuprofen, born + 24.0 * _at(s.ibuprofen_day, u[4]), _between(u[5], s.ibuprofen_h)),
        "inotropes": period(pressed, born + first_week, _between(u[8], s.inotropes_h)),
        "injury": _injury(s, who, seed, band, born),
    }


def _injury(s: Setting, who: np.ndarray, seed: int, band: np.ndarray, born: np.ndarray) -> np.ndarray:
    u = uniforms(seed, "newborn/injury", who, 7).T
    hurt = u[0] < np.array(s.injury)[band]
    before = np.maximum(born, -72.0) * u[2]
    onset = np.where(u[1] < s.injury_in_course, 96.0 * u[2], before)
    fall = _between(u[4], s.injury_fall_h)
    plateau = onset + 24.0 * _between(u[5], s.injury_plateau_d) + fall
    recovery = 24.0 * _between(u[6], s.injury_recovery_d)
    return np.stack([
        np.where(hurt, onset, NEVER), np.where(hurt, _between(u[3], s.injury_depth), 0.0), fall,
        np.where(hurt, plateau, NEVER), recovery,
    ], axis=1)  # fmt: skip


def _organism(s: Setting, who: np.ndarray, seed: int, PNA: np.ndarray) -> np.ndarray:
    u = uniforms(seed, "newborn/organism", who, 1)[:, 0]
    found = np.zeros(len(who), dtype=np.int64)
    for shares, chosen in ((s.early, s.early_h > 24.0 * PNA), (s.late, s.early_h <= 24.0 * PNA)):
        table = shares or GRAM_NEGATIVE
        names = list(table)
        place = np.minimum(np.searchsorted(np.cumsum(list(table.values())), u, side="right"), len(names) - 1)
        found = np.where(chosen, np.array([ORGANISMS.index(name) for name in names])[place], found)
    return found

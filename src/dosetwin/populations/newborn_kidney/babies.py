"""Who the synthetic newborns are and what is done to them: birth, weight, hospital, drugs, cooling, stay.

Arrays over babies [n]; hours after birth. Baby i depends on (seed, i) alone: each draw comes from a stream of its own name.
An interval that does not happen starts and ends at infinity.
"""

from dataclasses import dataclass

import numpy as np

from dosetwin.populations.newborn.draws import normals, uniforms
from dosetwin.populations.newborn_kidney.parameters import Birth, Care, Hospitals, Parameters
from dosetwin.structure.growth import birth_weight, weight_ratio

NEVER = np.inf
BANDS = (29.0, 36.0)
"""Weeks that part the three bands of gestational age, as in AWAKEN."""


@dataclass(frozen=True, eq=False)
class Interval:
    """Hours from ``start`` to ``end``, each [n, k]: up to k periods a baby."""

    start: np.ndarray
    end: np.ndarray

    def on(self, who: np.ndarray | slice, t: np.ndarray | float) -> np.ndarray:
        """Whether it runs at ``t`` h, for the babies ``who``: bool [m]."""
        t = np.asarray(t, dtype=float)[..., None]
        return np.any((self.start[who] <= t) & (t < self.end[who]), axis=1)

    def hours(self, who: np.ndarray | slice, t: np.ndarray | float) -> np.ndarray:
        """Hours it has run until ``t`` h: [m]."""
        t = np.asarray(t, dtype=float)[..., None]
        run = np.clip(np.minimum(self.end[who], t), 0.0, None) - np.minimum(self.start[who], t)
        return np.clip(run, 0.0, None).sum(axis=1)


@dataclass(frozen=True, eq=False)
class Babies:
    """Births [n] (``GA_charted`` is what the ward believes), hospital index, scatter of weight [n, 3], ``leaves`` h, and care."""

    GA: np.ndarray
    GA_charted: np.ndarray
    BW: np.ndarray
    z: np.ndarray
    male: np.ndarray
    caesarean: np.ndarray
    hospital: np.ndarray
    asphyxia: np.ndarray
    severity: np.ndarray
    weight_scatter: np.ndarray
    leaves: np.ndarray
    ibuprofen: Interval
    indomethacin: Interval
    cooling: Interval
    inotropes: Interval
    aminoglycoside: Interval
    vancomycin: Interval

    def __len__(self) -> int:
        return len(self.GA)

    @property
    def band(self) -> np.ndarray:
        """0, 1, 2 for GA < 29, 29 to < 36, >= 36 wk."""
        return np.searchsorted(BANDS, self.GA, side="right")

    def weight(self, PNA: float | np.ndarray, who: np.ndarray | slice = slice(None)) -> np.ndarray:
        """True weight, kg, at ``PNA`` d of the babies ``who``."""
        depth, pace, growth = self.weight_scatter[who].T
        shape = weight_ratio(self.GA[who], np.asarray(PNA, dtype=float) / pace)
        lost = 1.0 - np.clip(depth * (1.0 - shape), 0.0, 0.25)
        return self.BW[who] * np.where(shape < 1.0, lost, np.maximum(shape, 1.0) ** growth)


def draw(n: int, seed: int, group: Hospitals, p: Parameters) -> Babies:
    """``n`` babies of a group of hospitals."""
    b, c = p.birth, p.care
    u = uniforms(seed, "kidney/birth", n, 8).T
    v = normals(seed, "kidney/birth-size", n, 5).T
    GA = np.interp(u[0], [x[0] for x in b.GA], [x[1] for x in b.GA])
    band = np.searchsorted(BANDS, GA, side="right")
    male = (u[1] < b.boys).astype(float)
    z = v[0] + np.where(u[2] < b.restricted, b.restricted_z, 0.0)
    BW = np.clip([birth_weight(g, m, s) for g, m, s in zip(GA, male, z, strict=True)], *b.BW)
    hospital = np.searchsorted(np.cumsum([h.share for h in group.sites])[:-1], u[3], side="right")
    asphyxia = u[5] < np.array(group.asphyxia)[band]
    wrong = np.where(u[6] < group.wrong_GA / 2, -1.0, np.where(u[6] < group.wrong_GA, 1.0, 0.0))
    cooled = asphyxia & (c.cooling_GA <= GA) & (u[7] < group.cooled)
    care, leaves = _care(n, seed, GA, band, asphyxia, cooled, group, c)
    return Babies(
        GA=GA,
        GA_charted=GA + wrong,
        BW=BW,
        z=z,
        male=male,
        caesarean=u[4] < np.array(b.caesarean)[band],
        hospital=hospital,
        asphyxia=asphyxia,
        severity=np.exp(c.severity_sd * v[1]),
        weight_scatter=np.exp(v[2:5] * np.array([[b.loss_sd], [b.pace_sd], [b.growth_sd]])).T,
        leaves=leaves,
        **care,
    )


def typical(GA: np.ndarray, BW: np.ndarray, *, ibuprofen: Interval | None = None) -> Babies:
    """Babies without scatter, boys and girls averaged, born vaginally, untreated unless ``ibuprofen`` is given."""
    n = len(GA)
    none = Interval(np.full((n, 1), NEVER), np.full((n, 1), NEVER))
    zero, no = np.zeros(n), np.zeros(n, dtype=bool)
    return Babies(
        GA, GA, BW, zero, zero + 0.5, no, np.zeros(n, dtype=int), no, zero + 1.0, np.ones((n, 3)), zero + NEVER,
        ibuprofen or none, none, none, none, none, none,
    )  # fmt: skip


def _between(u: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    return limits[0] + u * (limits[1] - limits[0])


def _periods(*periods: tuple[np.ndarray, np.ndarray, np.ndarray | float]) -> Interval:
    """Periods (whether, start, length) side by side."""
    start = np.stack([np.where(when, at, NEVER) for when, at, _ in periods], axis=1)
    return Interval(start, np.stack([np.where(when, at + length, NEVER) for when, at, length in periods], axis=1))


def _care(
    n: int, seed: int, GA: np.ndarray, band: np.ndarray, asphyxia: np.ndarray, cooled: np.ndarray, group: Hospitals, c: Care
) -> tuple[dict[str, Interval], np.ndarray]:
    """The intervals of care and the hour of going home, from the stream of that name."""
    u = uniforms(seed, "kidney/care", n, 16).T
    closes = u[0] < np.interp(GA, [x[0] for x in c.nsaid], [x[1] for x in c.nsaid])
    first = 24.0 * _between(u[1], c.nsaid_first_day)
    again = closes & (u[2] < c.nsaid_again)
    second = first + c.nsaid_h + c.nsaid_gap_h
    other = u[3] < group.indomethacin
    pressed = u[4] < np.where(asphyxia, c.inotropes_asphyxia, np.array(c.inotropes)[band])
    early = u[5] < np.array(c.early_sepsis)[band]
    early_h = np.where(u[6] < c.early_long, c.long_h, c.short_h)
    late = u[7] < np.array(c.late_sepsis)[band]
    late_from = 24.0 * _between(u[8], c.late_day)
    both = late & (u[9] < c.late_aminoglycoside)
    late_h = np.where(u[10] < 0.5, c.long_h, c.short_h)
    w = normals(seed, "kidney/stay", n, 1)[:, 0]
    stay = np.where(band == 2, c.stay_term_d * np.exp(c.stay_sd * w), 7.0 * (c.home_PMA + c.home_sd * w - GA))
    stay = np.maximum(stay, c.stay_min_d) + np.where(asphyxia, c.stay_asphyxia_d, 0.0)
    care = {
        "ibuprofen": _periods((closes & ~other, first, c.nsaid_h), (again & ~other, second, c.nsaid_h)),
        "indomethacin": _periods((closes & other, first, c.nsaid_h), (again & other, second, c.nsaid_h)),
        "cooling": _periods((cooled, _between(u[11], c.cooling_start_h), c.cooling_h)),
        "inotropes": _periods((pressed, 24.0 * u[12], _between(u[13], c.inotropes_h))),
        "aminoglycoside": _periods((early, 1.0 + 5.0 * u[14], early_h), (both, late_from, late_h)),
        "vancomycin": _periods((late, late_from, late_h)),
    }
    # nobody goes home on a drip: treatment that would start after going home does not happen, one that runs keeps the baby
    home = 24.0 * stay
    running = np.max([np.max(np.where(i.start < home[:, None], i.end, 0.0), axis=1) for i in care.values()], axis=0)
    return {name: _before(i, home) for name, i in care.items()}, np.maximum(home, running)


def _before(i: Interval, leaves: np.ndarray) -> Interval:
    """The periods that start before ``leaves``."""
    here = i.start < leaves[:, None]
    return Interval(np.where(here, i.start, NEVER), np.where(here, i.end, NEVER))


def birth_creatinine(babies: Babies, b: Birth) -> np.ndarray:
    """Typical creatinine at birth, mg/dL (IDMS): the mother's, higher after asphyxia."""
    S0 = np.minimum(b.S0 * np.exp(b.S0_GA * (babies.GA - 27.0)), b.S0_max)
    return S0 * np.where(babies.asphyxia, b.S0_asphyxia, 1.0)

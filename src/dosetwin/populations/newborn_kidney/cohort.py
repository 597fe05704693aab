"""A synthetic cohort of newborns under truth A, B or C: what the ward sees, and apart from it what is true.

A forecaster is given ``cohort.seen`` and nothing else. Every row of its tables says at which hour it was known (``t_h``), so what
may be used at hour t are the rows with ``t_h <= t``. ``cohort.hidden`` is for scoring.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from dosetwin.errors import InputError
from dosetwin.populations.newborn.draws import normals
from dosetwin.populations.newborn_kidney.babies import Babies, Interval, draw
from dosetwin.populations.newborn_kidney.parameters import PARAMETERS, Hospitals, Parameters
from dosetwin.populations.newborn_kidney.sampling import assay_lines, on_own_assay, sample
from dosetwin.populations.newborn_kidney.truth import luck, solve
from dosetwin.quantities.assays import UMOL_PER_MG_DL

if TYPE_CHECKING:
    import pandas as pd

Truth = Literal["A", "B", "C"]
Table = Mapping[str, np.ndarray]
HORIZONS_H = (24, 48, 72)
FLAGS = ("IBU", "INDO", "COOLING", "ASPHYXIA", "INO", "AMINO", "VANCO")
STATE = ("PNA", "WT", *FLAGS, "days_AMINO", "days_VANCO")
"""What is charted at an hour: ages d, weight kg, 0/1 for what runs then, days of treatment so far."""


@dataclass(frozen=True, eq=False)
class Seen:
    """What a ward sees, as columns of equal length.

    ``babies``: ID, GA (wk, as charted), BW (kg), SEX (1 male), CAESAREAN, HOSPITAL, ASSAY, UNIT.
    ``daily``: ID, t_h (noon of each postnatal day) and ``STATE``. ``measurements``: ID, t_h, ``STATE`` (weight: the last
    charted), VALUE in UNIT by ASSAY as printed, and ``mg_dL``, the same in mg/dL on the same assay.
    ``changes``: ID, t_h, NAME (of ``FLAGS``), VALUE 0 or 1 from that hour on; no row, no drug.
    """

    babies: Table
    daily: Table
    measurements: Table
    changes: Table

    def frames(self) -> "dict[str, pd.DataFrame]":
        """The tables by name, as pandas."""
        import pandas as pd

        names = ("babies", "daily", "measurements", "changes")
        return {name: pd.DataFrame(dict(getattr(self, name))) for name in names}


@dataclass(frozen=True, eq=False)
class Hidden:
    """What is true, for scoring.

    ``latent`` noise-free creatinine on the baby's own assay (mg/dL), ``SCR`` the same by IDMS, ``GFR`` mL/min: [n, H+1] at each
    hour, up to three days after the last observed. ``onset`` h of an injury, infinite without; ``injury`` its fall of log
    clearance [n, H+1]. ``leaves`` h of going home; true ``GA``. ``measurements``: one row per row of ``Seen.measurements``:
    LATENT, SCR, GFR at its hour, LATENT_k and GFR_k k = 24, 48, 72 h later, STAYS_k whether the baby is still on the ward then.
    """

    latent: np.ndarray
    SCR: np.ndarray
    GFR: np.ndarray
    injury: np.ndarray
    onset: np.ndarray
    leaves: np.ndarray
    GA: np.ndarray
    measurements: Table


@dataclass(frozen=True, eq=False)
class KidneyCohort:
    """Babies of one truth, seed and noise level: ``seen`` by the ward, ``hidden`` from it."""

    truth: Truth
    seed: int
    noise: str
    seen: Seen
    hidden: Hidden

    def __len__(self) -> int:
        return len(self.hidden.GA)


def cohort(
    truth: Truth,
    n: int,
    seed: int,
    *,
    noise: str = "low",
    hospitals: Literal["home", "outside"] | None = None,
    parameters: Parameters = PARAMETERS,
) -> KidneyCohort:
    """``n`` babies under truth A, B or C. Baby i depends on (truth, seed, noise, hospitals, i) only, not on n.

    ``hospitals``: A's are at home and B's and C's outside (other assays, fewer samples, more asphyxia, more wrong gestational
    ages) unless given. ``noise``: "low" (5 % and 0.03 mg/dL) or "wu" (14.1 % and 0.043).
    Raises InputError for an unknown truth, noise or group, or fewer than one baby.
    """
    if truth not in ("A", "B", "C"):
        raise InputError("unknown truth", where="kidney cohort", value=truth, allowed="A, B, C")
    if noise not in parameters.noise:
        raise InputError("unknown noise level", where="kidney cohort", value=noise, allowed=", ".join(parameters.noise))
    if hospitals not in (None, "home", "outside"):
        raise InputError("unknown group of hospitals", where="kidney cohort", value=hospitals, allowed="home, outside")
    if n < 1:
        raise InputError("a cohort needs a baby", where="kidney cohort", value=n, allowed=">= 1")
    home = truth == "A" if hospitals is None else hospitals == "home"
    group = parameters.home if home else parameters.outside
    babies = draw(n, seed, group, parameters)
    hours = 24 * parameters.days + max(HORIZONS_H)
    chance = luck(truth, babies, seed, hours, parameters)
    hurt = np.isfinite(chance.onset)
    longer = np.where(hurt, chance.onset + 24.0 * parameters.C.stay_after_d, 0.0)
    babies = replace(babies, leaves=np.maximum(babies.leaves, longer))
    course = solve(truth, babies, chance, parameters)
    leaves = np.minimum(babies.leaves, 24.0 * parameters.days)
    drawn = sample(babies, course, group, parameters.noise[noise], seed, parameters, leaves=leaves)
    latent = on_own_assay(course.SCR, *(line[:, None] for line in assay_lines(babies, group)))

    who, t = drawn.baby, drawn.t_h
    weighed = babies_weighed(babies, seed, parameters)
    scored = {"ID": who, "t_h": t, "LATENT": drawn.latent, "SCR": course.SCR[who, t], "GFR": course.GFR[who, t]}
    for ahead in HORIZONS_H:
        scored |= {
            f"LATENT_{ahead}": latent[who, t + ahead],
            f"GFR_{ahead}": course.GFR[who, t + ahead],
            f"STAYS_{ahead}": t + ahead < leaves[who],
        }
    hidden = Hidden(latent, course.SCR, course.GFR, course.injury, chance.onset, leaves, babies.GA, scored)
    seen = Seen(
        _charted_births(babies, group),
        _days(babies, weighed, leaves, parameters),
        _results(babies, weighed, group, who, t, drawn.printed),
        _changes(babies, leaves),
    )
    return KidneyCohort(truth, seed, noise, seen, hidden)


def babies_weighed(babies: Babies, seed: int, p: Parameters) -> np.ndarray:
    """Weights as charted at noon of each observed day, kg: [n, days]."""
    scatter = normals(seed, "kidney/weighing", len(babies), p.days)
    true = np.stack([babies.weight(day + 0.5) for day in range(p.days)], axis=1)
    return np.round(true * np.exp(p.birth.weighing_sd * scatter), 3)


def _charted_births(babies: Babies, group: Hospitals) -> Table:
    site = np.array([(h.name, h.assay, h.unit) for h in group.sites])[babies.hospital]
    return {
        "ID": np.arange(len(babies)),
        # to the day, as written on a chart
        "GA": np.round(babies.GA_charted * 7.0) / 7.0,
        "BW": np.round(babies.BW, 3),
        "SEX": babies.male.astype(int),
        "CAESAREAN": babies.caesarean.astype(int),
        "HOSPITAL": site[:, 0],
        "ASSAY": site[:, 1],
        "UNIT": site[:, 2],
    }


def _running(babies: Babies) -> dict[str, Interval]:
    return {
        "IBU": babies.ibuprofen, "INDO": babies.indomethacin, "COOLING": babies.cooling, "INO": babies.inotropes,
        "AMINO": babies.aminoglycoside, "VANCO": babies.vancomycin,
    }  # fmt: skip


def _changes(babies: Babies, leaves: np.ndarray) -> Table:
    """Starts and ends of what runs, by baby, hour and name; two courses of one drug that overlap count as one."""
    rows = [(int(i), 0.0, "ASPHYXIA", 1) for i in np.flatnonzero(babies.asphyxia)]
    for name, care in _running(babies).items():
        for i in np.flatnonzero((care.start < leaves[:, None]).any(axis=1)):
            times = np.concatenate([care.start[i], care.end[i]])
            times = np.unique(times[times < leaves[i]])
            on, before = care.on(np.full(len(times), i), times), False
            for t, now in zip(times.tolist(), on.tolist(), strict=True):
                if now != before:
                    rows.append((int(i), t, name, int(now)))
                before = now
    columns = list(zip(*sorted(rows), strict=True)) or [(), (), (), ()]
    kinds = (("ID", int), ("t_h", float), ("NAME", str), ("VALUE", int))
    return {name: np.array(column, dtype=kind) for (name, kind), column in zip(kinds, columns, strict=True)}


def _state(babies: Babies, who: np.ndarray, t: np.ndarray, WT: np.ndarray) -> dict[str, np.ndarray]:
    running = _running(babies)
    state = {name: care.on(who, t).astype(int) for name, care in running.items()}
    state |= {"PNA": t / 24.0, "WT": WT, "ASPHYXIA": babies.asphyxia[who].astype(int)}
    state |= {f"days_{name}": running[name].hours(who, t) / 24.0 for name in ("AMINO", "VANCO")}
    return {name: state[name] for name in STATE}


def _days(babies: Babies, weighed: np.ndarray, leaves: np.ndarray, p: Parameters) -> Table:
    noon = 24.0 * np.arange(p.days) + 12.0
    who, day = np.nonzero(noon[None, :] < leaves[:, None])
    return {"ID": who, "t_h": noon[day], **_state(babies, who, noon[day], weighed[who, day])}


def _results(babies: Babies, weighed: np.ndarray, group: Hospitals, who: np.ndarray, t: np.ndarray, printed: np.ndarray) -> Table:
    last = (t - 12) // 24  # the day whose noon is past; before the first noon the birth weight holds
    WT = np.where(last < 0, np.round(babies.BW[who], 3), weighed[who, np.maximum(last, 0)])
    site = np.array([(h.assay, h.unit) for h in group.sites])[babies.hospital[who]]
    return {
        "ID": who,
        "t_h": t,
        **_state(babies, who, t.astype(float), WT),
        "VALUE": printed,
        "UNIT": site[:, 1],
        "ASSAY": site[:, 0],
        "mg_dL": np.where(site[:, 1] == "umol/L", printed / UMOL_PER_MG_DL, printed),
    }

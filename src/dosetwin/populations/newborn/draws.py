"""Virtual newborns matched to a study's covariates: every baby has its own named random streams.

Baby k of a cohort depends on (seed, cohort, k) only, never on how many babies are drawn, so cohorts of different size share
their first members, and two models or two regimens meet the same babies with the same luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.streams import subject_normals as normals
from dosetwin.streams import subject_stream as stream
from dosetwin.streams import subject_uniforms as uniforms
from dosetwin.structure.growth import birth_weight, weight_after_birth

__all__ = ["Babies", "Bell", "Population", "Spread", "normals", "spread", "stream", "uniforms"]


@dataclass(frozen=True)
class Spread:
    """A covariate's distribution from what papers print: quantiles ``points`` (probability, value), uniform between them.

    ``log``: uniform on the log scale between them. Nothing is assumed beyond the printed quantiles and that scale.
    """

    points: tuple[tuple[float, float], ...]
    log: bool = False

    def at(self, u: np.ndarray) -> np.ndarray:
        """Values at the probabilities ``u``."""
        p = [point[0] for point in self.points]
        v = np.array([point[1] for point in self.points])
        return np.exp(np.interp(u, p, np.log(v))) if self.log else np.interp(u, p, v)


def spread(low: float, median: float, high: float, *, log: bool = False) -> Spread:
    """Median and range, as printed in papers."""
    return Spread(((0.0, low), (0.5, median), (1.0, high)), log)


@dataclass(frozen=True)
class Bell:
    """A normal distribution cut off at a range, from printed mean, SD and range."""

    mean: float
    sd: float
    low: float
    high: float

    def at(self, u: np.ndarray) -> np.ndarray:
        """Values at the probabilities ``u`` (of the cut-off distribution)."""
        normal = NormalDist(self.mean, self.sd)
        lowest, highest = normal.cdf(self.low), normal.cdf(self.high)
        return np.array([normal.inv_cdf(float(lowest + p * (highest - lowest))) for p in np.clip(u, 1e-12, 1 - 1e-12)])


@dataclass(frozen=True)
class Population:
    """Who was studied. Exactly one of ``GA`` and ``PMA`` (wk, at the first dose) is given; ``PNA`` d at the first dose.

    Weights follow from growth standards: birth weight is that of the gestational age, its score ``z`` standard normal unless a
    distribution is given, kept within ``BW`` (kg).
    """

    name: str
    PNA: Spread | Bell
    GA: Spread | Bell | None = None
    PMA: Spread | Bell | None = None
    BW: tuple[float, float] = (0.385, 4.85)
    z: Spread | Bell | None = None
    boys: float = 0.5

    def draw(self, n: int, seed: int) -> "Babies":
        """``n`` babies. Raises InputError unless exactly one of GA and PMA is given."""
        if (self.GA is None) == (self.PMA is None):
            raise InputError("give exactly one of GA and PMA", where=f"population {self.name}")
        u = uniforms(seed, f"{self.name}/covariates", n, 4)
        PNA = self.PNA.at(u[:, 1])
        GA = self.GA.at(u[:, 0]) if self.GA is not None else self.PMA.at(u[:, 0]) - PNA / 7.0  # type: ignore[union-attr]
        GA = np.clip(GA, 23.0, 43.0)
        male = (u[:, 2] < self.boys).astype(float)
        z = (self.z or Bell(0.0, 1.0, -6.0, 6.0)).at(u[:, 3])
        BW = np.array([birth_weight(g, m, s) for g, m, s in zip(GA, male, z, strict=True)])
        return Babies(self.name, seed, GA, np.clip(BW, *self.BW), PNA, male, z)


@dataclass(frozen=True, eq=False)
class Babies:
    """A cohort as arrays [n]: ``GA`` wk, ``BW`` kg, ``PNA`` d at time 0, ``male`` 0/1, ``z`` score of birth weight."""

    name: str
    seed: int
    GA: np.ndarray
    BW: np.ndarray
    PNA: np.ndarray
    male: np.ndarray
    z: np.ndarray
    flags: tuple[tuple[str, float], ...] = ()

    def __len__(self) -> int:
        return len(self.GA)

    def under(self, **flags: float) -> "Babies":
        """The same babies with treatments or conditions (IBU, ASPHYXIA, COOLING = 1) from time 0 on."""
        return replace(self, flags=tuple(flags.items()))

    def aged(self, PNA: float) -> "Babies":
        """The same babies, all observed from ``PNA`` d on."""
        return replace(self, PNA=np.full(len(self), float(PNA)))

    def weight(self, PNA: float | np.ndarray) -> np.ndarray:
        """Weights, kg, at postnatal age(s) ``PNA`` d."""
        ages = np.broadcast_to(np.asarray(PNA, dtype=float), self.GA.shape)
        return np.array([weight_after_birth(b, g, a) for b, g, a in zip(self.BW, self.GA, ages, strict=True)])

    @cached_property
    def WT(self) -> np.ndarray:
        """Weights at time 0, kg."""
        return self.weight(self.PNA)

    @cached_property
    def PMA(self) -> np.ndarray:
        """Postmenstrual ages at time 0, wk."""
        return self.GA + self.PNA / 7.0

    def values(self) -> dict[str, np.ndarray]:
        """Covariates at time 0 by the names models use."""
        found = {"GA": self.GA, "BW": self.BW, "WT": self.WT, "PNA": self.PNA, "PMA": self.PMA, "SEX": self.male}
        return found | {name: np.full(len(self), value) for name, value in self.flags}

    def timeline(self, i: int, doses: Sequence[DoseEvent] = (), *, grow_to: float | None = None) -> Timeline:
        """Baby ``i`` with doses (h from time 0). Weight is that of time 0, or daily up to PNA ``grow_to`` d."""
        pna = float(self.PNA[i])
        known = [Covariate(0.0, "PNA", pna), *(Covariate(0.0, name, value) for name, value in self.flags)]
        if grow_to is None:
            known.append(Covariate(0.0, "WT", float(self.WT[i])))
        else:
            for day in range(int(np.ceil(grow_to)) + 1):
                # the weight at noon stands for the day
                kg = weight_after_birth(float(self.BW[i]), float(self.GA[i]), day + 0.5)
                known.append(Covariate(24.0 * (day - pna), "WT", kg))
        sex = "male" if self.male[i] else "female"
        patient = Patient(f"{self.name}-{i}", sex=sex, GA=float(self.GA[i]), BW=float(self.BW[i]), synthetic=True)
        return Timeline(patient, doses=tuple(doses), covariates=tuple(known))

    def etas(self, model: Model) -> np.ndarray:
        """Random effects [n, n_full] of the babies under a model, one occasion, from the stream ``eta``."""
        omega = model.omega_for(1)
        if not len(omega):
            return np.zeros((len(self), 0))
        z = normals(self.seed, f"{self.name}/eta", len(self), len(omega))
        return z @ np.linalg.cholesky(omega).T

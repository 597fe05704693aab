"""A population of virtual patients: who they are at the start of a course, each patient a function of seed and number alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from dosetwin.quantities import QUANTITIES, traits
from dosetwin.records import Covariate, Patient, Timeline


@dataclass(frozen=True, eq=False)
class People:
    """Patients as arrays: ``number`` [n]; ``values`` name -> [n] at time 0 in canonical units (``SEX`` 1 male, 0 female).

    ``later``: name -> (h [T], values [n, T]) of what changes in a way that a chart shows.
    """

    number: np.ndarray
    values: Mapping[str, np.ndarray]
    later: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.number)

    def facts(self, i: int) -> dict[str, float]:
        """Everything drawn of patient ``i`` of these, by name."""
        return {name: float(v[i]) for name, v in self.values.items()}

    def record(self, i: int, asked: tuple[str, ...] = ()) -> Timeline:
        """What a chart holds of patient ``i`` before the first dose: traits, and the rest as measured at 0 h.

        Only listed quantities and what a model ``asked`` for by name.
        """
        known = {n: v for n, v in self.facts(i).items() if n in QUANTITIES or n in asked}
        sex = {1.0: "male", 0.0: "female"}.get(known.pop("SEX", -1.0))
        fixed = {n: v for n, v in known.items() if n in traits()}
        patient = Patient(f"{int(self.number[i])}", sex, synthetic=True, traits=fixed)  # type: ignore[arg-type]
        first = [Covariate(0.0, n, v, _unit(n)) for n, v in known.items() if n not in fixed]
        more = [
            Covariate(float(t), n, float(v), _unit(n))
            for n, (times, series) in self.later.items()
            for t, v in zip(times, series[i], strict=True)
        ]
        return Timeline(patient, covariates=(*first, *more))


def _unit(name: str) -> str:
    return QUANTITIES[name].unit if name in QUANTITIES else ""


@dataclass(frozen=True, eq=False)
class Population:
    """``made(number [n], seed)`` -> values by name; ``text`` who they are, ``sources`` where the numbers come from."""

    name: str
    text: str
    made: Callable[[np.ndarray, int], People]
    holds: tuple[str, ...]
    sources: tuple[str, ...]

    def people(self, n: int, seed: int, first: int = 0) -> People:
        """Patients ``first`` .. ``first + n - 1``."""
        return self.made(np.arange(first, first + n, dtype=np.int64), seed)

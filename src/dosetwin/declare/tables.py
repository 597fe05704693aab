"""What stands in the tables of a model file: parameters with sources, covariates with ranges, outputs with errors, anchors."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from dosetwin.declare.fields import right_kinds
from dosetwin.errors import InputError, ModelError

Provenance = Literal["paper", "secondary", "recalled", "derived", "assumed"]
"""How a number is known: read in the paper, read in a transcription, from memory, computed by us, chosen by us."""
Missing = Literal["carry", "interpolate", "population", "refuse"]
Solver = Literal["exact", "explicit", "stiff", "auto"]


@dataclass(frozen=True)
class Reference:
    """Where a model comes from."""

    authors: str
    year: int
    where: str
    doi: str = ""
    provenance: Provenance = "paper"
    note: str = ""


@dataclass(frozen=True)
class Theta:
    """A typical value. ``provenance`` None: that of the model's reference."""

    unit: str
    text: str
    provenance: Provenance | None = None
    source: str = ""


@dataclass(frozen=True)
class Eta:
    """A between-subject random effect, given by exactly one of variance, SD or CV (log-normal: var = ln(1 + cv^2)).

    ``told``: the channel (``declare.channels``) that may tell the effect a course over time from outside the model. ``told_sd``:
    SD of the part that the channel tells, where the effect is more than that; the rest stays the model's own.
    """

    text: str = ""
    var: float | None = None
    sd: float | None = None
    cv: float | None = None
    provenance: Provenance | None = None
    source: str = ""
    told: str = ""
    told_sd: float | None = None

    @property
    def variance(self) -> float:
        """omega^2."""
        given = [v for v in (self.var, self.sd, self.cv) if v is not None]
        if len(given) != 1 or given[0] < 0:
            raise ModelError(f"{type(self).__name__} needs exactly one of var, sd, cv, not negative; found {self!r}")
        if self.var is not None:
            return self.var
        if self.sd is not None:
            return self.sd**2
        return math.log1p(given[0] ** 2)


@dataclass(frozen=True)
class Kappa(Eta):
    """A between-occasion random effect: one independent value per occasion, all with this variance."""


@dataclass(frozen=True)
class Correlation:
    """Correlation of two etas."""

    first: str
    second: str
    value: float


@dataclass(frozen=True)
class Covariance:
    """Covariance of two etas."""

    first: str
    second: str
    value: float


@dataclass(frozen=True)
class Cov:
    """A covariate the model reads.

    ``low``, ``high``: range studied; outside it the model warns or refuses. ``missing``: what happens before the first
    value or without any (``carry`` the nearest known value forward, ``interpolate`` linearly between values,
    ``population`` value with a warning, ``refuse``). ``age`` True: advances with time (PNA d, PMA wk) and is computed
    from birth and GA where the record does not give it. ``flag`` True: 0 or 1, 0 before anything is recorded.
    ``fades_h`` of a flag: h over which its value falls from 1 to 0 once what it stands for has ended (0: at once).
    """

    unit: str
    low: float = -math.inf
    high: float = math.inf
    text: str = ""
    loinc: str = ""
    missing: Missing = "carry"
    population: float | None = None
    age: bool = False
    flag: bool = False
    fades_h: float = 0.0

    def __post_init__(self) -> None:
        right_kinds(self, "covariate")
        if not self.low < self.high:
            raise InputError("the low end of the studied range is not below the high one", where="covariate",
                             value=(self.low, self.high))  # fmt: skip


@dataclass(frozen=True)
class Residual:
    """Residual error of one output; make one with ``additive``, ``proportional``, ``combined`` or ``lognormal``.

    ``form`` of a combined error: ``variance`` a^2 + (b F)^2, or ``sd`` (a + b F)^2. The two are different facts.
    """

    kind: Literal["additive", "proportional", "combined", "lognormal"]
    a: float = 0.0
    b: float = 0.0
    form: Literal["variance", "sd"] = "variance"
    provenance: Provenance | None = None
    source: str = ""

    def __post_init__(self) -> None:
        right_kinds(self, "residual error")

    def measured(self, level: np.ndarray, e: np.ndarray) -> np.ndarray:
        """What is read where ``level`` is true, for standard normal ``e`` of the same shape; may be below 0, as the error is."""
        if self.kind == "lognormal":
            return level * np.exp(self.a * e)
        if self.form == "sd":
            return level + (self.a + self.b * np.abs(level)) * e
        return level + np.sqrt(self.a**2 + (self.b * level) ** 2) * e


def additive(sd: float, *, provenance: Provenance | None = None, source: str = "") -> Residual:
    """Y = F + e, SD in the output's unit."""
    return Residual("additive", a=sd, provenance=provenance, source=source)


def proportional(sd: float, *, provenance: Provenance | None = None, source: str = "") -> Residual:
    """Y = F (1 + e)."""
    return Residual("proportional", b=sd, provenance=provenance, source=source)


def combined(
    add: float,
    prop: float,
    *,
    form: Literal["variance", "sd"] = "variance",
    provenance: Provenance | None = None,
    source: str = "",
) -> Residual:
    """Additive and proportional together; ``form`` says how (see Residual)."""
    return Residual("combined", a=add, b=prop, form=form, provenance=provenance, source=source)


def lognormal(sd: float, *, provenance: Provenance | None = None, source: str = "") -> Residual:
    """ln Y = ln F + e."""
    return Residual("lognormal", a=sd, provenance=provenance, source=source)


@dataclass(frozen=True)
class Output:
    """Something the model predicts. ``measures``: the word records use for it (``amikacin``, ``SCR``, ``INR``)."""

    unit: str
    text: str
    measures: str
    residual: Residual


@dataclass(frozen=True)
class Value:
    """An individual parameter as a page shows it: its unit, and what it is of one patient."""

    unit: str = "1"
    text: str = ""


@dataclass(frozen=True)
class Amount:
    """A state of the system, with its unit."""

    unit: str = "mg"
    text: str = ""


@dataclass(frozen=True)
class Anchor:
    """A published number the model must reproduce: a parameter (field of ``individual``'s result) at given covariates."""

    text: str
    parameter: str
    cov: Mapping[str, float]
    value: float
    rtol: float
    source: str


@dataclass(frozen=True)
class Everyday:
    """A dose as it is given on an ordinary day: ``amount`` in ``unit`` (mg or mg/kg) every ``interval_h`` over ``duration_h``.

    What is checked of a model is checked at such doses: above a saturable elimination there is no steady state to compare with.
    """

    amount: float
    unit: Literal["mg", "mg/kg"] = "mg/kg"
    interval_h: float = 24.0
    duration_h: float = 0.5
    source: str = ""

    def __post_init__(self) -> None:
        right_kinds(self, "everyday dose")
        if not self.amount > 0 or not self.interval_h > 0 or not self.duration_h >= 0:
            raise InputError("an everyday dose is above 0, at an interval above 0", where="everyday dose", value=self.amount)

    def mg(self, weight: float) -> float:
        """mg for somebody of ``weight`` kg."""
        return self.amount * weight if self.unit == "mg/kg" else self.amount


ANY_DOSE = Everyday(10.0, source="any dose will do where the answer is proportional to it")


@dataclass(frozen=True)
class Structure:
    """Reusable states and dynamics; a model names one instead of writing its own."""

    name: str
    state: type
    dynamics: Callable[..., Any]
    dose_cmt: str
    equations: str = ""

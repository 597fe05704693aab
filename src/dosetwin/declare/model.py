"""A model as a file declares it: its typed tables and functions collected and checked.

A model file is a Python module of typed tables and pure functions; ``MODEL = model(__name__, ...)`` at its end
collects them. See docs/add_a_drug.md.
"""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, Literal, get_args, get_type_hints

import numpy as np

from dosetwin.declare.channels import CHANNELS
from dosetwin.declare.tables import (
    ANY_DOSE,
    Amount,
    Anchor,
    Correlation,
    Cov,
    Covariance,
    Eta,
    Everyday,
    Kappa,
    Output,
    Reference,
    Solver,
    Structure,
    Theta,
    Value,
)
from dosetwin.errors import ModelError


@dataclass(frozen=True, eq=False)
class Model:
    """One published model, ready for the engine. Order of every vector: the order of the class that declares it.

    ``whole``: the model that this is with an effect told by ``channel`` (``declare.told``); None for a model as it was published.
    """

    name: str
    title: str
    drug: str
    population: str
    reference: Reference
    module: ModuleType
    theta: type
    eta: type
    cov: type
    output: type
    state: type
    individual: Callable[..., Any]
    dynamics: Callable[..., Any]
    observe: Callable[..., Any]
    initial: Callable[..., Any] | None
    solver: Solver
    dose_cmt: str
    thetas: Mapping[str, Theta]
    etas: Mapping[str, Eta]
    covs: Mapping[str, Cov]
    outputs: Mapping[str, Output]
    states: Mapping[str, Amount]
    omega: np.ndarray
    anchors: tuple[Anchor, ...] = ()
    outside: Literal["warn", "refuse"] = "warn"
    rtol: float = 1e-6
    atol: float | tuple[float, ...] = 1e-6
    age_step_h: float = 24.0
    linear_in_dose: bool = False
    dose_unit: str = "mg"
    start: Literal["first_event", "birth"] = "first_event"
    notes: tuple[str, ...] = ()
    equations: str = ""
    everyday: Everyday = ANY_DOSE
    whole: "Model | None" = None
    channel: str = ""

    @property
    def theta_values(self) -> np.ndarray:
        """Typical values, float64 [n_theta]."""
        return np.array(self.theta(), dtype=np.float64)

    @property
    def eta_names(self) -> tuple[str, ...]:
        """Between-subject effects (kappas excluded)."""
        return tuple(n for n, e in self.etas.items() if not isinstance(e, Kappa))

    @property
    def kappa_names(self) -> tuple[str, ...]:
        """Between-occasion effects."""
        return tuple(n for n, e in self.etas.items() if isinstance(e, Kappa))

    def omega_for(self, occasions: int = 1) -> np.ndarray:
        """Covariance of the full vector [etas, kappas of occasion 1, kappas of occasion 2, ...]."""
        kappa = np.diag([self.etas[n].variance for n in self.kappa_names])
        n, k = len(self.eta_names), len(self.kappa_names)
        full = np.zeros((n + occasions * k, n + occasions * k))
        full[:n, :n] = self.omega
        for o in range(occasions):
            s = n + o * k
            full[s : s + k, s : s + k] = kappa
        return full

    @cached_property
    def values(self) -> Mapping[str, Value]:
        """Individual parameters that the file says unit and meaning of (``Annotated[float, Value(...)]``), by name."""
        made = getattr(self.module, "parameters", None)
        found = {} if made is None else _table(made, Value, lambda: None)
        return {name: value for name, value in found.items() if value is not None}

    @property
    def needs_weight(self) -> bool:
        """Whether it reads a weight that a population's does not stand for."""
        return "WT" in self.covs and self.covs["WT"].missing != "population"

    def measured_by(self, measures: str) -> str | None:
        """The output that predicts a measured quantity ("" = the first output, digits = the k-th), None if the model has none."""
        if measures == "":
            return next(iter(self.outputs))
        if measures.isdecimal():
            return dict(enumerate(self.outputs, 1)).get(int(measures))
        return next((n for n, o in self.outputs.items() if measures in (o.measures, n)), None)


def _table(cls: type, kind: type | tuple[type, ...], default: Callable[[], Any] | None = None) -> dict[str, Any]:
    """name -> declaration of a NamedTuple whose fields are ``Annotated[float, declaration]``."""
    if not hasattr(cls, "_fields"):
        raise ModelError(f"{cls.__module__}.{cls.__name__} is no NamedTuple: write class {cls.__name__}(NamedTuple)")
    hints = get_type_hints(cls, include_extras=True)
    table: dict[str, Any] = {}
    for name in cls._fields:  # type: ignore[attr-defined]
        found = [m for m in getattr(hints[name], "__metadata__", ()) if isinstance(m, kind)]
        if not found and default is None:
            raise ModelError(f"{cls.__module__}.{cls.__name__}.{name} has no declaration: write Annotated[float, ...]")
        table[name] = found[0] if found else default()  # type: ignore[misc]
    return table


def _omega(etas: Mapping[str, Eta], pairs: Sequence[Correlation | Covariance]) -> np.ndarray:
    names = [n for n, e in etas.items() if not isinstance(e, Kappa)]
    omega = np.diag([etas[n].variance for n in names])
    for pair in pairs:
        if unknown := [n for n in (pair.first, pair.second) if n not in names]:
            raise ModelError(f"{pair} names {unknown[0]!r}, no random effect; there is: {', '.join(names)}")
        i, j = names.index(pair.first), names.index(pair.second)
        value = pair.value
        if isinstance(pair, Correlation):
            value *= math.sqrt(omega[i, i] * omega[j, j])
        omega[i, j] = omega[j, i] = value
    if len(names) and np.linalg.eigvalsh(omega).min() <= 0:
        raise ModelError(f"omega is not positive definite: {omega.tolist()}")
    return omega


def _check_told(file: str, etas: Mapping[str, Eta], covs: Mapping[str, Cov]) -> None:
    """Refuse effects that cannot be told what they say they can. Raises ModelError."""
    of = [e.told for e in etas.values() if e.told]
    for name, e in etas.items():
        if e.told_sd is not None and not (e.told and 0.0 < e.told_sd < math.sqrt(e.variance)):
            raise ModelError(f"{file}.eta.{name}: told_sd is the SD of the part that is told, above 0 and below the effect's own")
        if not e.told:
            continue
        if e.told not in CHANNELS:
            raise ModelError(f"{file}.eta.{name} may be told {e.told!r}, which nobody can tell; there is: {', '.join(CHANNELS)}")
        if isinstance(e, Kappa) or of.count(e.told) > 1:
            raise ModelError(f"{file}.eta.{name}: one effect between subjects may be told {e.told}, and no effect of an occasion")
        twice = [c for c in covs if c in CHANNELS[e.told].read]
        if twice:
            raise ModelError(
                f"{file}.eta.{name}: {e.told} is told from {twice[0]}, a covariate of this model: it would count twice"
            )


def model(
    module_name: str,
    *,
    drug: str,
    population: str,
    reference: Reference,
    structure: Structure | None = None,
    omega: Sequence[Correlation | Covariance] = (),
    solver: Solver | None = None,
    dose_cmt: str | None = None,
    anchors: Sequence[Anchor] = (),
    outside: Literal["warn", "refuse"] = "warn",
    rtol: float = 1e-6,
    atol: float | tuple[float, ...] = 1e-6,
    age_step_h: float = 24.0,
    linear_in_dose: bool | None = None,
    dose_unit: str = "mg",
    start: Literal["first_event", "birth"] = "first_event",
    notes: Sequence[str] = (),
    equations: str = "",
    everyday: Everyday | None = None,
) -> Model:
    """Collect a module's tables and functions into a Model.

    Parameters
    ----------
    module_name : ``__name__`` of the model file.
    structure : states and dynamics from ``dosetwin.structure``; or the module defines ``state`` and ``dynamics``.
    omega : correlations or covariances of etas; the diagonal comes from their declarations.
    solver : ``exact`` for linear dynamics (default with a structure), ``explicit`` | ``stiff`` | ``auto`` otherwise.
    outside : what happens outside the studied covariate ranges.
    rtol, atol : how exactly outputs are stepped (not used where ``exact``). One ``atol`` is in the outputs' units and shared out
        over the states by what they mean for them; a tuple gives each state its own, in its unit, as it stands.
    age_step_h : time-dependent covariates are held constant over steps of this length (h), at their midpoint value.
    start : a course begins at its first event, or at birth (for states that live before the first dose).
    linear_in_dose : outputs are linear in the dose (default: True for exact solvers).
    everyday : an ordinary dose, at which the model is checked; to be said where the outputs are not linear in it.

    Raises
    ------
    ModelError : something is missing or inconsistent; the message names the file's part.
    """
    module = sys.modules[module_name]

    def part(name: str, needed: bool = True) -> Any:
        found = getattr(module, name, None)
        if found is None and needed:
            raise ModelError(f"model file {module_name} defines no '{name}'")
        return found

    state = structure.state if structure else part("state")
    dynamics = structure.dynamics if structure else part("dynamics")
    for what in ("theta", "eta"):
        if not hasattr(part(what), "_fields"):
            raise ModelError(f"{module_name}.{what} is no NamedTuple: write class {what}(NamedTuple)")
        values = part(what)._field_defaults
        if wrong := [n for n in part(what)._fields if not isinstance(values.get(n), int | float)]:
            raise ModelError(f"{module_name}.{what}.{wrong[0]} has no number: write {wrong[0]}: Annotated[float, ...] = 1.0")
    etas = _table(part("eta"), Eta)
    for what, given, kind in (("reference", reference, Reference), ("everyday", everyday, Everyday | None)):
        if not isinstance(given, kind):
            raise ModelError(f"{module_name}: '{what}' is {given!r}; expected a {what.capitalize()}(...)")
    for what, word in (("drug", drug), ("population", population)):
        if not isinstance(word, str) or not word:
            raise ModelError(f"{module_name}: '{what}' is {word!r}; expected a text")
    for what, given in (("rtol", (rtol,)), ("atol", atol if isinstance(atol, tuple) else (atol,))):
        if not all(isinstance(x, int | float) and x > 0 for x in given):
            raise ModelError(f"{module_name}: {what} is {given!r}; expected a number above 0")
    if not all(isinstance(a, Anchor) for a in anchors):
        raise ModelError(f"{module_name}: anchors are {list(anchors)!r}; expected Anchor(...) each")
    names = list(etas)
    _check_told(module_name, etas, _table(part("cov"), Cov))
    if names != sorted(names, key=lambda n: isinstance(etas[n], Kappa)):
        raise ModelError(f"{module_name}.eta: kappas come after the etas")
    cmt = dose_cmt or (structure.dose_cmt if structure else state._fields[0])
    if cmt not in state._fields:
        raise ModelError(f"{module_name}: dose compartment {cmt!r} is not a state; states: {', '.join(state._fields)}")
    chosen: Solver = solver or ("exact" if structure else "auto")
    if chosen not in get_args(Solver):
        raise ModelError(f"{module_name}: solver {chosen!r}; allowed: {', '.join(get_args(Solver))}")
    linear = chosen == "exact" if linear_in_dose is None else linear_in_dose
    return Model(
        name=module_name.rsplit(".", 1)[-1],
        title=(module.__doc__ or "").strip().splitlines()[0] if module.__doc__ else module_name,
        drug=drug,
        population=population,
        reference=reference,
        module=module,
        theta=part("theta"),
        eta=part("eta"),
        cov=part("cov"),
        output=part("output"),
        state=state,
        individual=part("individual"),
        dynamics=dynamics,
        observe=part("observe"),
        initial=part("initial", needed=False),
        solver=chosen,
        dose_cmt=cmt,
        thetas=_table(module.theta, Theta),
        etas=etas,
        covs=_table(module.cov, Cov),
        outputs=_table(module.output, Output),
        states=_table(state, Amount, Amount),
        omega=_omega(etas, omega),
        anchors=tuple(anchors),
        outside=outside,
        rtol=rtol,
        atol=atol,
        age_step_h=age_step_h,
        linear_in_dose=linear,
        dose_unit=dose_unit,
        start=start,
        notes=tuple(notes),
        equations=equations or (structure.equations if structure else ""),
        everyday=everyday or ANY_DOSE,
    )

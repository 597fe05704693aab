"""A twin: one patient's facts and what is believed from them, immutable; new facts give a new twin."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError, SimulationError
from dosetwin.records import Covariate, DoseEvent, Observation, Regimen, Timeline

if TYPE_CHECKING:
    from dosetwin.infer import Belief
    from dosetwin.simulate import Rule

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Bounds of the central 90 % and 50 % bands around the median."""


@dataclass(frozen=True, eq=False)
class Band:
    """Pointwise quantiles of one output over time, each [n_times]: ``low90 low50 median high50 high90``."""

    low90: np.ndarray
    low50: np.ndarray
    median: np.ndarray
    high50: np.ndarray
    high90: np.ndarray

    def to_json(self) -> dict[str, list[float]]:
        return {name: value.tolist() for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Outlook:
    """What one output will do at ``times`` (h): bands before (``prior``) and after (``updated``) the patient's levels.

    ``typical``, ``mode``: curves of the typical patient and of the most probable one. ``draws`` [K, n_times] are the updated
    curves themselves. The bands hold the uncertainty of the patient's parameters; ``residual`` True: also that of a measurement.
    """

    model: str
    output: str
    unit: str
    times: np.ndarray
    prior: Band
    updated: Band
    typical: np.ndarray
    mode: np.ndarray
    draws: np.ndarray
    residual: bool
    failed: int = 0
    findings: tuple[Finding, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the single draws."""
        return {
            "model": self.model, "output": self.output, "unit": self.unit, "times": self.times.tolist(),
            "prior": self.prior.to_json(), "updated": self.updated.to_json(), "typical": self.typical.tolist(),
            "mode": self.mode.tolist(), "residual": self.residual, "failed": self.failed,
            "findings": [f.to_json() for f in self.findings],
        }  # fmt: skip


def _band(curves: np.ndarray) -> Band:
    return Band(*np.quantile(curves, QUANTILES, axis=0))


@dataclass(frozen=True, eq=False)
class Twin:
    """The present state of one patient under one model. Make one with ``Twin.create``."""

    model: Model
    timeline: Timeline
    belief: "Belief"
    seed: int
    draws: int
    rule: "Rule"
    contradicting: Literal["weigh", "fit"] = "weigh"

    @classmethod
    def create(
        cls,
        model: Model,
        timeline: Timeline,
        *,
        seed: int,
        draws: int = 1000,
        rule: "Rule" = "locf",
        contradicting: Literal["weigh", "fit"] = "weigh",
    ) -> "Twin":
        """Infer the patient's parameters from the timeline.

        Parameters
        ----------
        seed : the same seed, model and facts give the same twin, bit for bit.
        draws : posterior draws kept.
        rule : covariates between records.
        contradicting : whether a far level may be a wrong record (see ``infer.posterior``).

        Raises
        ------
        InputError : a covariate is missing that the model refuses to go without.
        """
        from dosetwin.infer import posterior

        belief = posterior(model, timeline, draws=draws, seed=seed, rule=rule, contradicting=contradicting)
        return cls(model, timeline, belief, seed, draws, rule, contradicting)

    def update(self, *events: DoseEvent | Observation | Covariate) -> "Twin":
        """The twin after further facts: they are appended to the timeline and everything is inferred again."""
        return self._again(self.model, self.timeline.append(*events))

    def under(self, model: Model) -> "Twin":
        """The same patient and facts under another model."""
        return self._again(model, self.timeline)

    def _again(self, model: Model, timeline: Timeline) -> "Twin":
        settings = {"seed": self.seed, "draws": self.draws, "rule": self.rule, "contradicting": self.contradicting}
        return Twin.create(model, timeline, **settings)

    def prior_draws(self) -> np.ndarray:
        """[draws, n_full] random effects before any level, from this twin's own stream."""
        from dosetwin.infer import stream

        rng = stream(self.seed, "twin prior", self.model.name, self.timeline.patient.id)
        # the belief's size tells the occasions, also when the timeline has none
        omega = self.model.omega_for(len(self.timeline.occasions) + 1)
        values, vectors = np.linalg.eigh(omega)
        return rng.standard_normal((self.draws, len(omega))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T

    def predict(
        self,
        times: Sequence[float] | np.ndarray,
        regimen: Regimen | Sequence[DoseEvent] | None = None,
        *,
        output: str | None = None,
        residual: bool = False,
    ) -> Outlook:
        """Curves at ``times`` (h, ascending), under the doses of the timeline plus an optional plan.

        Parameters
        ----------
        regimen : doses that would be added: a Regimen (given until the last time) or single doses.
        output : which output (default the first).
        residual : True adds residual error: where a measured level would lie.

        Raises
        ------
        InputError : unknown output, no times, or times not ascending.
        SimulationError : the simulation failed for the typical patient or the mode, or for all draws.
        """
        from dosetwin.infer import stream
        from dosetwin.simulate import predict, schedule_for

        t = np.asarray(times, dtype=np.float64)
        if len(t) == 0 or not np.isfinite(t).all() or (np.diff(t) < 0).any():
            raise InputError("output times", where="times", allowed="at least one, finite, ascending")
        name = output or next(iter(self.model.outputs))
        if name not in self.model.outputs:
            raise InputError("unknown output", where=self.model.name, value=name, allowed=", ".join(self.model.outputs))
        extra = () if regimen is None else regimen.doses(float(t[-1]) + 1e-6) if isinstance(regimen, Regimen) else tuple(regimen)
        schedule = schedule_for(self.model, self.timeline, t, rule=self.rule, extra_doses=extra)
        single = np.vstack([np.zeros_like(self.belief.mode), self.belief.mode])
        found = predict(self.model, schedule, np.vstack([single, self.prior_draws(), self.belief.draws]))
        curves = found.value[:, :, list(self.model.outputs).index(name)]
        ok_prior, ok_updated = found.ok[2 : 2 + self.draws], found.ok[2 + self.draws :]
        if not (found.ok[:2].all() and ok_prior.any() and ok_updated.any()):
            raise SimulationError(f"{self.model.name}: the simulation failed for patient {self.timeline.patient.id}")
        prior, updated = curves[2 : 2 + self.draws][ok_prior], curves[2 + self.draws :][ok_updated]
        if residual:
            rng = stream(self.seed, "twin residual", self.model.name, self.timeline.patient.id)
            prior, updated = self._measured(prior, name, rng), self._measured(updated, name, rng)
        return Outlook(
            self.model.name, name, self.model.outputs[name].unit, t, _band(prior), _band(updated), curves[0], curves[1], updated,
            residual, int((~ok_prior).sum() + (~ok_updated).sum()), tuple(schedule.findings),
        )  # fmt: skip

    def _measured(self, curves: np.ndarray, name: str, rng: np.random.Generator) -> np.ndarray:
        """Curves with one residual error each point."""
        error = self.model.outputs[name].residual
        noise = rng.standard_normal(curves.shape)
        if error.kind == "lognormal":
            return curves * np.exp(error.a * noise)
        a = 0.0 if error.kind == "proportional" else error.a
        b = 0.0 if error.kind == "additive" else error.b
        if error.kind == "combined" and error.form == "sd":
            return curves + (a + b * np.abs(curves)) * noise
        return curves + np.sqrt(a * a + (b * curves) ** 2) * noise

"""The twin of a patient: facts and what is believed from them, immutable; new facts give a new twin."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import InputError, SimulationError
from dosetwin.records import Covariate, DoseEvent, Every, Observation, Order, Timeline
from dosetwin.twins.kind import Readable
from dosetwin.twins.patient.bands import Band, Outlook
from dosetwin.twins.patient.stored import timeline_from, timeline_json
from dosetwin.twins.trajectory import HOW, Track, Trajectory

if TYPE_CHECKING:
    from dosetwin.infer import Belief
    from dosetwin.simulate import Rule

Fact = DoseEvent | Observation | Covariate
GRID_H = 0.5
"""h between the moments at which a play is kept beside those of its doses and those asked for; more apart in a long one."""
MOMENTS = 4000
"""Of that grid at most."""


@dataclass(frozen=True, eq=False)
class Twin:
    """The present state of one patient under one model. Make one with ``Twin.create``.

    ``first`` and ``heard``: what it was made with, and the facts told since, in an order of their own. ``therapy``: what may be
    ordered, if anybody says it.
    """

    model: Model
    timeline: Timeline
    belief: "Belief"
    seed: int
    draws: int
    rule: "Rule"
    contradicting: Literal["weigh", "fit"] = "weigh"
    first: Timeline | None = None
    heard: tuple[Fact, ...] = ()
    therapy: Any = None

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

    def told(self, *facts: Fact) -> "Twin":
        """The twin that knows these facts too, in whatever order they come; everything is inferred again.

        Raises InputError for anything but a dose, a measurement or a covariate.
        """
        if not facts:
            return self
        if wrong := [f for f in facts if not isinstance(f, Fact)]:
            raise InputError("a patient cannot be told this", where=f"patient {self.timeline.patient.id}",
                             value=type(wrong[0]).__name__, allowed="DoseEvent, Observation, Covariate")  # fmt: skip
        first = self.timeline if self.first is None else self.first
        # records of one moment keep an order that does not depend on who was told first
        heard = tuple(sorted((*self.heard, *facts), key=lambda f: (f.time, type(f).__name__, repr(f))))
        return replace(self._again(self.model, first.append(*heard)), first=first, heard=heard, therapy=self.therapy)

    update = told

    def under(self, model: Model) -> "Twin":
        """The same patient and facts under another model."""
        return replace(self._again(model, self.timeline), first=self.first, heard=self.heard, therapy=self.therapy)

    def _again(self, model: Model, timeline: Timeline) -> "Twin":
        settings = {"seed": self.seed, "draws": self.draws, "rule": self.rule, "contradicting": self.contradicting}
        return Twin.create(model, timeline, **settings)

    def reads(self) -> Mapping[str, Readable]:
        """The model's outputs, by their names."""
        return {n: Readable(n, o.unit, o.text, HOW["curve"], o.measures) for n, o in self.model.outputs.items()}

    def menu(self) -> Any:
        """The therapy's menu."""
        return getattr(self.therapy, "menu", None)

    @property
    def now(self) -> float:
        """h of the last thing known; 0 where nothing is."""
        known = self.timeline
        times = [e.time for d in known.doses for e in d.expanded()] + [o.time for o in known.observations]
        return max([*times, *(c.time for c in known.covariates)], default=0.0)

    def play(
        self, orders: Sequence[Order | Every], until: float, *, draws: int, seed: int, at: Sequence[float] = (),
        after: Trajectory | None = None,
    ) -> Trajectory:  # fmt: skip
        """Every output under every order and posterior draw: at the doses, every half hour, and at the moments ``at``.

        Raises InputError: no order, an end that is not later, moments outside, or an ``after`` of other draws; and
        SimulationError when no draw could be simulated.
        """
        from dosetwin.simulate import predict_courses, schedule_many
        from dosetwin.simulate.settings import with_settings

        begin = self.now if after is None else after.until
        if not orders or draws < 1 or not begin < until < math.inf or any(not begin <= t <= until for t in at):
            raise InputError("cannot be played", where=f"patient {self.timeline.patient.id}", value=(len(orders), draws, until),
                             allowed=f"an order, a draw, an end and moments after {begin:g} h")  # fmt: skip
        if after is not None and (after.orders, after.draws, after.seed) != (len(orders), draws, seed):
            raise InputError("goes on from other draws or orders", where=f"patient {self.timeline.patient.id}",
                             value=(after.orders, after.draws, after.seed), allowed=f"{(len(orders), draws, seed)}")  # fmt: skip
        before: Sequence[tuple[Fact, ...]] = [()] * len(orders) if after is None else after.end
        ahead = [(*past, *_written(order, begin, until, after is not None)) for past, order in zip(before, orders, strict=True)]
        sets = [tuple(f for f in facts if isinstance(f, Covariate)) for facts in ahead]
        known = [with_settings(self.timeline, s, self.model, self.rule) for s in sets]
        times = self._moments(begin, until, ahead, at)
        # the engine integrates states: the area of an output with a part of its own (a baseline) is not its own
        exact, vectors = self.model.solver == "exact" and self.model.linear_in_dose, self._drawn(draws, seed)
        doses = [tuple(f for f in facts if isinstance(f, DoseEvent)) for facts in ahead]
        schedule = schedule_many(self.model, known, [times] * len(orders), rule=self.rule, extra_doses=doses)
        found = predict_courses(self.model, schedule, vectors, auc=exact, since=self.now)
        ok = np.all([f.ok for f in found], axis=0)
        if not ok.any():
            raise SimulationError(f"{self.model.name}: no draw could be played for patient {self.timeline.patient.id}")
        tracks = {
            name: Track("curve", times, np.stack([f.value[ok, :, j] for f in found]),
                        np.stack([f.auc[ok, :, j] for f in found if f.auc is not None]) if exact else None)
            for j, name in enumerate(self.model.outputs)
        }  # fmt: skip
        return Trajectory(tracks, begin, until, len(orders), draws, seed, int((~ok).sum()), tuple(schedule.findings), end=ahead)

    def _drawn(self, draws: int, seed: int) -> np.ndarray:
        """Posterior draws [draws, n_full]: the twin's own where they are asked for."""
        if (draws, seed) == (self.draws, self.seed):
            return self.belief.draws
        from dosetwin.infer import posterior

        return posterior(
            self.model, self.timeline, draws=draws, seed=seed, rule=self.rule, contradicting=self.contradicting
        ).draws

    def _moments(self, begin: float, until: float, ahead: Sequence[Sequence[Fact]], at: Sequence[float]) -> np.ndarray:
        step = GRID_H * max(1, math.ceil((until - begin) / GRID_H / MOMENTS))
        grid = step * np.arange(math.floor(begin / step) + 1, math.ceil(until / step))
        events = [
            t
            for facts in ahead
            for f in facts
            for t in ((f.time, f.time + f.duration) if isinstance(f, DoseEvent) else (f.time,))
        ]
        every = np.unique(np.concatenate([[begin, until], grid, np.array(events), np.array(at)]))
        return every[(every >= begin) & (every <= until)]

    def to_json(self) -> dict[str, Any]:
        first = self.timeline if self.first is None else self.first
        return {
            "kind": "patient", "model": self.model.name, "seed": self.seed, "draws": self.draws, "rule": self.rule,
            "contradicting": self.contradicting, "first": timeline_json(first),
            "heard": timeline_json(Timeline(first.patient).append(*self.heard)),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any], model: Model | None = None, therapy: Any = None) -> "Twin":
        """The twin that ``to_json`` wrote; ``model`` where it is not a listed one."""
        from dosetwin import models

        found = models.load(data["model"]) if model is None else model
        settings = {k: data[k] for k in ("seed", "draws", "rule", "contradicting")}
        heard = timeline_from(data["heard"])
        facts = (*heard.doses, *heard.observations, *heard.covariates)
        first = timeline_from(data["first"])
        if not facts:
            return replace(cls.create(found, first, **settings), therapy=therapy)
        heard = tuple(sorted(facts, key=lambda f: (f.time, type(f).__name__, repr(f))))
        return replace(cls.create(found, first.append(*heard), **settings), first=first, heard=heard, therapy=therapy)

    def prior_draws(self) -> np.ndarray:
        """[draws, n_full] random effects before any level, from this twin's own stream."""
        from dosetwin.streams import stream

        rng = stream(self.seed, "twin prior", self.model.name, self.timeline.patient.id)
        # the belief's size tells the occasions, also when the timeline has none
        omega = self.model.omega_for(len(self.timeline.occasions) + 1)
        values, vectors = np.linalg.eigh(omega)
        return rng.standard_normal((self.draws, len(omega))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T

    def predict(
        self,
        times: Sequence[float] | np.ndarray,
        regimen: Every | Sequence[DoseEvent] | None = None,
        *,
        output: str | None = None,
        residual: bool = False,
    ) -> Outlook:
        """Curves at ``times`` (h, ascending), under the doses of the timeline plus an optional plan.

        Parameters
        ----------
        regimen : doses that would be added: a Every (given until the last time) or single doses.
        output : which output (default the first).
        residual : True adds residual error: where a measured level would lie.

        Raises
        ------
        InputError : unknown output, no times, or times not ascending.
        SimulationError : the simulation failed for the typical patient or the mode, or for all draws.
        """
        from dosetwin.simulate import predict, schedule_for
        from dosetwin.streams import stream

        t = np.asarray(times, dtype=np.float64)
        if len(t) == 0 or not np.isfinite(t).all() or (np.diff(t) < 0).any():
            raise InputError("output times", where="times", allowed="at least one, finite, ascending")
        name = output or next(iter(self.model.outputs))
        if name not in self.model.outputs:
            raise InputError("unknown output", where=self.model.name, value=name, allowed=", ".join(self.model.outputs))
        extra = () if regimen is None else regimen.doses(float(t[-1]) + 1e-6) if isinstance(regimen, Every) else tuple(regimen)
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
            self.model.name, name, self.model.outputs[name].unit, t, Band.of(prior), Band.of(updated), curves[0], curves[1],
            updated, residual, int((~ok_prior).sum() + (~ok_updated).sum()), tuple(schedule.findings),
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


def _written(order: Order | Every, begin: float, until: float, later: bool) -> tuple[Fact, ...]:
    """An order's doses and settings, of one that goes on only those from ``begin`` on; what was set before holds there."""
    doses = tuple(d for d in order.doses(until) if not later or d.time >= begin)
    settings = () if isinstance(order, Every) else order.settings(until)
    return (*doses, *(replace(s, time=max(s.time, begin)) for s in settings))

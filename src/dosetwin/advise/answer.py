"""One answer: the facts of a patient and a question in, the next dose or a refusal with its reasons out."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from dosetwin.advise.core import State, believe
from dosetwin.advise.curves import SAMPLE_DRAWS, Curves, curves_of, curves_of_place, parameters_of
from dosetwin.advise.gate import ask, forbidden_first
from dosetwin.advise.hold import coming_sample, settle
from dosetwin.advise.question import Asked, Question
from dosetwin.advise.rounds import fitted
from dosetwin.advise.sensitivity import sensitivities
from dosetwin.advise.written import write
from dosetwin.decide.recommendation import Recommendation
from dosetwin.declare import Model, Therapy
from dosetwin.forecast.section import Section
from dosetwin.forecast.tells import Believed, Outlook, prior_draws
from dosetwin.records import Choosable, DoseOrder, Observation, Setting, Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief
    from dosetwin.twins.place import BedPool, Place


@dataclass(frozen=True, eq=False)
class Advice:
    """A recommendation and what a report needs beside it.

    ``timeline`` the facts known at ``now``; ``question`` as it was asked, ``models`` those asked in the end; ``beliefs`` and
    ``weights`` one per model; ``regimen`` the chosen plan in h (None: refusal); ``levels`` measured of what is watched;
    ``parameters`` name -> (5, 50, 95 % quantile) of the individual parameters in force at the coming dose, updated belief;
    ``prior_parameters`` the same before any level; ``asked`` the timeline as the models saw it, with every course they
    were told; ``outlooks`` what those who told expect; ``twin`` that was asked of a place, which has no models.
    """

    recommendation: Recommendation
    timeline: Timeline
    question: Question
    models: tuple[Model, ...]
    now: float
    beliefs: "tuple[Belief, ...]"
    weights: tuple[float, ...]
    regimen: Choosable | None
    levels: tuple[Observation, ...]
    asked: Timeline
    outlooks: tuple[Outlook, ...] = ()
    curves: Curves | None = None
    twin: "BedPool | None" = None
    parameters: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    prior_parameters: dict[str, tuple[float, float, float]] = field(default_factory=dict)

    @property
    def therapy(self) -> Therapy:
        """What the drug is for: goals, limits and menu."""
        return self.question.therapy

    @property
    def forecasts(self) -> tuple[Section, ...]:
        """What each forecast that tells a model something says for itself; empty where none is in use."""
        return tuple(o.section(self.timeline, self.now) for o in self.outlooks)

    @property
    def dosed(self) -> DoseOrder | None:
        """The order chosen, of a therapy that gives doses."""
        return None if isinstance(self.regimen, Setting) else cast("DoseOrder | None", self.regimen)

    @property
    def lead(self) -> int:
        """Index of the model with the largest weight."""
        return int(np.argmax(self.weights))

    @property
    def source(self) -> "Model | BedPool":
        """What the readings are of: the leading model, or a place's twin."""
        return self.models[self.lead] if self.twin is None else self.twin

    @property
    def seed(self) -> int:
        """Seed of every random draw."""
        return self.question.seed


@forbidden_first
def advise(facts: "Timeline | Place", question: Question) -> Advice:
    """The next order for a patient or a place, or a refusal with reasons. Pure: the same facts and question give the same answer.

    Facts after the question's moment are not used. The steps of one decision are the lines of its body, in
    their order.

    Raises
    ------
    InputError : the facts have errors (all are listed), a model lacks a covariate it needs, models and therapy are about
        different drugs (or the therapy of no place), who is asked to tell effects is unknown, cannot tell these models anything
        or has damaged weights.

    Examples
    --------
    >>> from importlib.resources import files
    >>> from dosetwin import Question, models, read_case
    >>> from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
    >>> newborn = read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))
    >>> question = Question(AMIKACIN_NEONATE, (models.load("amikacin_neonate"),), now=newborn.as_of, seed=1, sensitivity=False)
    >>> advice = advise(newborn, question)
    >>> advice.recommendation.status
    'recommend'
    """
    asked = ask(facts, question)
    state = believe(asked)
    ahead = outlooks(asked, state)
    settled = settle(asked, state, ahead)
    settled = fitted(asked, state, settled)
    sample = coming_sample(asked, state, settled)
    doubts = sensitivities(asked, state, settled.made)
    recommendation = write(asked, state, ahead, settled, sample, doubts)
    advice = Advice(recommendation, asked.bare, question, asked.models, asked.now, state.beliefs, state.weights,
                    settled.made.regimen, _levels(asked, state), asked.known, ahead, twin=asked.twin)  # fmt: skip
    if question.curves:
        advice = drawn(advice, *_of_lead(state))
    return advice if question.look_ahead is None else foreseen(advice, question.look_ahead)


def outlooks(asked: Asked, state: State) -> tuple[Outlook, ...]:
    """What those who told an effect expect of the coming days."""
    believed = Believed(asked.models, state.beliefs, asked.bare, asked.known, asked.now, asked.question.seed, asked.rule)
    found = (teller.outlook(asked.told[name], believed) for name, teller in asked.tellers.items())
    return tuple(o for o in found if o is not None)


def with_curves(advice: Advice) -> Advice:
    """An advice of one model that was made without curves, with those it would have been made with (the same numbers)."""
    if advice.curves is not None or len(advice.models) != 1:
        return advice
    belief = advice.beliefs[0]
    return drawn(advice, belief.draws, belief.believed().draws)


def _of_lead(state: State) -> tuple[np.ndarray, ...]:
    """Draws of the leading model, and those believed; none where a place is asked about."""
    return (state.pools[state.lead], state.believed[state.lead]) if state.pools else ()


_NONE = np.empty((0, 0))


def drawn(advice: Advice, draws: np.ndarray = _NONE, believed: np.ndarray = _NONE) -> Advice:
    """With curves, and the individual parameters after and before the levels, of the leading model; of a place its curves."""
    if advice.twin is not None:
        return replace(advice, curves=curves_of_place(advice.twin, advice.regimen, advice.question, now=advice.now))
    model, known, seed, rule = advice.models[advice.lead], advice.asked, advice.seed, advice.question.rule
    few = draws[:SAMPLE_DRAWS]
    therapy = advice.therapy
    drawn = curves_of(model, known, advice.regimen, few, now=advice.now, measures=therapy.watched, seed=seed, rule=rule,
                      ahead=therapy.follows_h)  # fmt: skip
    at = advice.regimen.first_at if advice.regimen else advice.now
    after = parameters_of(model, known, believed[:SAMPLE_DRAWS], at=at, rule=rule)
    prior = prior_draws(model, 1 + len(known.occasions), len(few), seed)
    before = parameters_of(model, known, prior, at=at, rule=rule)
    return replace(advice, curves=drawn, parameters=after, prior_parameters=before)


def foreseen(advice: Advice, scenario: str) -> Advice:
    """With what a controller would plan in a scenario of infection."""
    from dosetwin.advise.ahead import plan_ahead

    planned = plan_ahead(advice, scenario=scenario)
    return replace(advice, recommendation=replace(advice.recommendation, look_ahead=planned))


def _levels(asked: Asked, state: State) -> tuple[Observation, ...]:
    """What was measured of the curve that is shown, and nothing of another unit (a level beside a curve of INRs)."""
    seen = asked.known.observations
    if not asked.models:
        return tuple(o for o in seen if o.measures in (asked.therapy.watched, asked.therapy.drug.name, ""))
    model = asked.models[state.lead]
    shown = model.measured_by(asked.therapy.watched) or next(iter(model.outputs))
    return tuple(o for o in seen if model.measured_by(o.measures) == shown)

"""What is remembered of a record (past, beginning) never shows: the answer is that of a process that never saw the patient."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dosetwin import models
from dosetwin.advise import advise
from dosetwin.advise.question import Question
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.infer import beginnings
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import past

DAYS = 27


def baby() -> Timeline:
    """Twenty-seven days of doses, weights, creatinines and some levels."""
    doses = tuple(DoseEvent(float(t), 22.0, 0.5) for t in np.arange(6.0, 24.0 * DAYS, 36.0))
    weights = tuple(Covariate(24.0 * d, "WT", 1.7 + 0.02 * d, "kg") for d in range(DAYS))
    scr = tuple(Observation(24.0 * d + 10.0, "SCR", round(0.9 - 0.01 * d, 2), "mg/dL") for d in range(DAYS))
    levels = tuple(Observation(t, "amikacin", v) for t, v in ((41.0, 3.0), (401.0, 2.5), (617.0, 2.2)))
    return Timeline(Patient("p", "female", GA=32.0, BW=1.7), doses, (*scr, *levels), (*weights, Covariate(0.0, "PNA", 0.0, "d")))


def inserted(t: Timeline, rng: np.random.Generator) -> Timeline:
    at = float(rng.uniform(50.0, 24.0 * DAYS - 1.0))
    new = (Observation(at, "SCR", 0.8, "mg/dL"), Observation(at, "amikacin", 4.0), Covariate(at, "WT", 1.9, "kg"))
    return t.append(new[rng.integers(3)])


def corrected(t: Timeline, rng: np.random.Generator) -> Timeline:
    if rng.random() < 0.5:
        k = int(rng.integers(len(t.doses)))
        return replace(t, doses=(*t.doses[:k], replace(t.doses[k], amount=24.0), *t.doses[k + 1 :]))
    k = int(rng.integers(len(t.observations)))
    other = replace(t.observations[k], value=1.1 * t.observations[k].value)
    return replace(t, observations=(*t.observations[:k], other, *t.observations[k + 1 :]))


def deleted(t: Timeline, rng: np.random.Generator) -> Timeline:
    k = int(rng.integers(len(t.observations)))
    return replace(t, observations=(*t.observations[:k], *t.observations[k + 1 :]))


EDITS: tuple[Callable[[Timeline, np.random.Generator], Timeline], ...] = (inserted, corrected, deleted)


def answered(timeline: Timeline) -> tuple[object, ...]:
    question = Question(
        AMIKACIN_NEONATE, (models.load("amikacin_neonate"),), now=24.0 * DAYS, seed=1, draws=120, sensitivity=False
    )
    found = advise(timeline, question)
    belief = found.beliefs[0]
    return found.recommendation.to_json(), belief.draws.tolist(), belief.levels, belief.explanations


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_remembered_answer_is_that_of_a_record_never_seen_after_any_edits(seed):
    rng, timeline = np.random.default_rng(seed), baby()
    answered(timeline)
    for _ in range(4):
        timeline = EDITS[rng.integers(len(EDITS))](timeline, rng)
        mine = answered(timeline)
        kept = beginnings._kept.copy(), past._kept.copy()
        beginnings.forget()
        past.forget()
        assert mine == answered(timeline)
        beginnings._kept.extend(kept[0])  # and on from all that was remembered
        past._kept.extend(kept[1])

"""One absolute tolerance holds for what a model predicts: shared out over its states by slopes and by what multiplies."""

import numpy as np
import pytest

from dosetwin.models import load
from dosetwin.simulate.tolerances import STEEPEST, absolute, multiplying, steepness
from tests.conftest import ROOT


@pytest.fixture
def grown(make):
    """A tumour fed by nothing but itself, a drug that kills it, and what it sheds."""

    def of(name, growth, volume=5.0, observe="A.central / p.V"):
        return make(
            name, {"K": 0.1, "V": volume, "G": growth}, state=("central", "cells", "shed"), solver="explicit", observe=observe,
            dynamics="-p.K * A.central, (p.G - 0.5 * A.central) * A.cells, A.cells - 0.2 * A.shed",
        )  # fmt: skip

    return of


def test_only_what_multiplies_is_held_by_its_own_size(grown):
    """Not a drug that is gone by itself, not what follows from the population; and no population that can only die."""
    model = grown("growing", 0.3)
    assert multiplying(model) == (1,)
    np.testing.assert_allclose(absolute(model), [1e-6, 1e-6 / STEEPEST, 1e-6])
    assert multiplying(grown("dying", -0.3)) == ()
    assert multiplying(load("warfarin_hamberg_2010")) == ()


def test_populations_that_change_into_each_other_are_one(make):
    """Neither grows without the other: resting cells that wake, awake ones that rest."""
    model = make(
        "resting", {"A": 0.5, "V": 1.0}, state=("awake", "asleep"), solver="explicit", observe="A.awake / p.V",
        dynamics="(0.3 - p.A) * A.awake + 0.4 * A.asleep, p.A * A.awake - 0.4 * A.asleep",
    )  # fmt: skip
    assert multiplying(model) == (0, 1)


def test_steep_outputs_ask_more_of_their_states(grown):
    """A level in a volume of 2 mL: an amount is known to 2e-9 where the level is to be known to 1e-6."""
    np.testing.assert_allclose(steepness(grown("small", -0.3, 0.002)), [500.0, 1.0, 1.0], rtol=1e-6)
    logged = grown("logged", -0.3, observe="math.log10(A.shed + 1e-3)")
    assert steepness(logged)[2] == pytest.approx(434.3, rel=0.01)
    assert steepness(grown("bare", -0.3, observe="math.log10(A.shed)"))[2] == STEEPEST


def test_a_tolerance_per_state_is_taken_as_it_stands(grown):
    np.testing.assert_array_equal(absolute(grown("tuple", 0.3, 0.002), [1e-3, 1e-2, 1e-1]), [1e-3, 1e-2, 1e-1])


def test_the_benchmark_model_is_read():
    model = load(str(ROOT / "benchmarks" / "models" / "bench_nonlinear.py"))
    assert [list(model.states)[k] for k in multiplying(model)] == ["S", "R"]

"""Adaptive therapy and own curves of dose: the rule decides, the floor holds, what was not tried is refused."""

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.loops.tumour import adaptive
from dosetwin.loops.tumour.curate import fitted


def test_adaptive_holds_back_what_continuous_drug_sets_free_with_a_twentieth_of_the_drug() -> None:
    held, always = adaptive.run(adaptive.between()), adaptive.run(adaptive.always)
    assert always.resistant() is not None
    assert held.resistant() is None
    assert held.on.sum() / always.on.sum() < 0.06


def test_cells_never_fall_below_the_floor_and_the_drug_waits_for_its_turn() -> None:
    run = adaptive.run(adaptive.always, steps=12_000)
    assert run.cells.min() >= adaptive.FLOOR
    assert not run.on[: adaptive.BEFORE].any()
    assert run.on[adaptive.BEFORE :].all()


def test_a_rule_that_stops_above_where_it_begins_is_refused() -> None:
    with pytest.raises(InputError, match="stop < start"):
        adaptive.between(1500, 3000)
    with pytest.raises(InputError, match="TP most fit"):
        adaptive.run(adaptive.never, matrix="nobody", steps=1)


def test_a_curve_of_one_s_own_is_solved_within_what_was_tried() -> None:
    doses = np.array([1.0, 2.0, 4.0, 5.0])
    curve = fitted(doses, 2.0 + 3.0 * doses - 0.25 * doses**2)
    assert curve.dose_for(7.0) == pytest.approx(2.0)
    assert curve.residual == pytest.approx(0.0, abs=1e-9)
    with pytest.raises(InputError, match="outside the doses tried"):
        curve.dose_for(10.9)
    with pytest.raises(InputError, match="no dose gives the target"):
        curve.dose_for(50.0)
    line = fitted([1, 2, 3], [2.0, 4.0, 6.0])
    assert line.dose_for(5.0) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("doses", "responses"), [([1, 2], [1, 2]), ([1, 1, 2], [1, 2, 3]), ([1, 2, 3], [1, 2]), ([-1, 2, 3], [1, 2, 3])]
)
def test_too_little_for_a_curve_is_refused(doses: list[float], responses: list[float]) -> None:
    with pytest.raises(InputError):
        fitted(doses, responses)

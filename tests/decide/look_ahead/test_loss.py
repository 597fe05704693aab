"""The declared loss: its borders, what dilutes nothing, and what cannot be gamed."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin import formulary
from dosetwin.decide.control import declared
from dosetwin.decide.look_ahead.loss import EXPOSURE, TERMS, Loss, course_terms, derived, dose_misses, miss
from dosetwin.errors import InputError

DECLARED = declared()
FINE = {"peak": 30.0, "trough": 2.0, "auc24": 200.0}


def total(peak, trough, auc24, interval, erad=1.0, res=0.0, samples=0, loss=DECLARED) -> float:
    return sum(
        course_terms(peak, trough, auc24, interval, p_eradicated=erad, p_resistant=res, samples=samples, loss=loss).values()
    )


@pytest.mark.parametrize(("distance", "expected"), [(-1.0, 0.0), (0.0, 0.0), (1e-12, 0.5), (1.0, 0.75), (2.0, 1.0), (9.0, 1.0)])
def test_a_miss_by_hand(distance: float, expected: float) -> None:
    assert float(miss(np.array(distance), 2.0)) == pytest.approx(expected, abs=1e-9)


def test_a_course_by_hand() -> None:
    terms = course_terms([30.0, 40.0], [2.0, 6.0], [200.0, 70.0], [36.0, 24.0], p_eradicated=0.7, p_resistant=0.2, samples=3,
                         loss=DECLARED)  # fmt: skip
    assert terms == pytest.approx({
        "not_eradicated": 0.3, "resistant": 0.2, "peak": 0.4 * 0.75, "trough_3": 0.4, "trough_5": 0.4 * 2.0 * 0.6,
        "auc_low": 0.4 * 0.5 * 0.75, "auc_high": 0.0, "doses": 0.02, "samples": 0.03,
    })  # fmt: skip
    assert tuple(terms) == TERMS


def test_borders_themselves_are_met_and_everything_inside_costs_nothing() -> None:
    low, high = DECLARED.peak_window
    inside = dose_misses(np.array([low, high, 30.0]), np.array([3.0, 0.0, 2.9]), np.array([140.0, 400.0, 200.0]), DECLARED)
    assert not inside.any()
    outside = dose_misses(np.array([low - 1e-9]), np.array([5.0 + 1e-9]), np.array([139.999]), DECLARED)
    assert dict(zip(EXPOSURE, (outside[0] > 0).tolist(), strict=True)) == {
        "peak": True, "trough_3": True, "trough_5": True, "auc_low": True, "auc_high": False
    }  # fmt: skip


@given(st.integers(2, 6), st.floats(12, 48))
def test_cutting_a_course_into_more_alike_doses_changes_only_the_price_of_a_dose(n: int, every: float) -> None:
    one = total([40.0], [4.0], [120.0], [n * every])
    many = total([40.0] * n, [4.0] * n, [120.0] * n, [every] * n)
    assert many - one == pytest.approx((n - 1) * DECLARED.dose)


@given(st.floats(24, 72), st.floats(1, 48))
def test_a_longer_last_interval_is_not_free(last: float, more: float) -> None:
    """The last dose answers for its whole interval: one that leaves the AUC low costs more the longer it runs."""
    dose_area = 150.0 * 24.0 / 24.0 * 24.0  # mg h/L that one dose gives, whatever follows
    short = total([30.0, 30.0], [1.0, 1.0], [200.0, dose_area / last], [36.0, last])
    long = total([30.0, 30.0], [1.0, 0.5], [200.0, dose_area / (last + more)], [36.0, last + more])
    assert long >= short - 1e-12
    if dose_area / (last + more) < DECLARED.auc_floor:
        assert long > total([30.0, 30.0], [1.0, 0.5], [200.0, 200.0], [36.0, last + more])


def test_every_weight_moves_the_loss_the_way_it_says() -> None:
    base = total(**{k: [v] for k, v in FINE.items()}, interval=[36.0])
    for worse in ({"peak": 23.0}, {"peak": 36.0}, {"trough": 3.1}, {"trough": 5.1}, {"auc24": 139.0}, {"auc24": 401.0}):
        assert total(**{k: [v] for k, v in (FINE | worse).items()}, interval=[36.0]) > base
    assert total(**{k: [v] for k, v in FINE.items()}, interval=[36.0], erad=0.9) > base
    assert total(**{k: [v] for k, v in FINE.items()}, interval=[36.0], res=0.1) > base
    assert total(**{k: [v] for k, v in FINE.items()}, interval=[36.0], samples=1) > base


def test_the_printed_table_names_every_term_with_its_weight() -> None:
    assert tuple(name for name, _, _ in DECLARED.rows()) == TERMS
    assert {name: w for name, w, _ in DECLARED.rows()}["trough_5"] == DECLARED.trough_5


def test_json_and_back() -> None:
    assert Loss.from_json(json.loads(json.dumps(DECLARED.to_json())), DECLARED) == DECLARED
    assert DECLARED.without_infection().not_eradicated == 0.0


@pytest.mark.parametrize(
    ("what", "word"),
    [
        ({"peak": -1.0}, "peak"),
        ({"peak_scale": 0.0}, "peak_scale"),
        ({"auc_floor": 500.0}, "window"),
        ({"peak_window": (35.0, 24.0)}, "window"),
        ({"dose": float("nan")}, "dose"),
        ({"weird": 1.0}, "weird"),
    ],
)
def test_bad_weights_are_named(what: dict, word: str) -> None:
    with pytest.raises(InputError, match=word):
        Loss.from_json(what, DECLARED)


def test_the_flagships_goals_are_the_loss_its_policies_were_tuned_on() -> None:
    """Written out as it stood when tables and controllers were tuned: a goal that is changed changes them all."""
    then = {
        "not_eradicated": 1.0, "resistant": 1.0, "peak": 1.0, "trough_3": 1.0, "trough_5": 2.0, "auc_low": 0.5, "auc_high": 0.25,
        "dose": 0.01, "sample": 0.01, "peak_window": [24.0, 35.0], "peak_scale": 10.0, "trough": 3.0, "trough_scale": 2.0,
        "trough_toxic": 5.0, "trough_toxic_scale": 5.0, "auc_floor": 140.0, "auc_floor_scale": 140.0, "auc_ceiling": 400.0,
        "auc_ceiling_scale": 200.0,
    }  # fmt: skip
    assert DECLARED.to_json() == then


def test_the_loss_is_that_of_the_goals() -> None:
    """Another therapy's borders; a goal it does not have weighs nothing; one the search cannot weigh is named."""
    flagship = formulary.therapy("amikacin_neonate")
    peak, low, toxic, over, floor, _ = flagship.goals
    mine = derived(replace(flagship, goals=(replace(peak, low=20.0, weight=3.0), toxic), control=None))
    assert (mine.peak, mine.peak_window, mine.trough, mine.trough_3) == (3.0, (20.0, 35.0), 5.0, 2.0)
    assert (mine.trough_5, mine.auc_low, mine.auc_high, mine.dose) == (0.0, 0.0, 0.0, 0.01)
    # 36 and 20 are 1 and 0 past the window (1 / 10 of the scale); 6 mg/L is a fifth of the scale past the one trough
    found = dose_misses(np.array([36.0]), np.array([6.0]), np.array([1e5]), mine)
    np.testing.assert_allclose(found, [[3.0 * 0.55, 2.0 * 0.6, 0.0, 0.0, 0.0]])
    assert derived(replace(flagship, goals=(peak, low, toxic, floor))).peak == derived(replace(flagship, goals=(peak, over))).peak
    windowless = replace(flagship, goals=(low, toxic))
    for therapy, word in (formulary.therapy("warfarin_inr"), "cannot weigh"), (windowless, "peak window"):
        with pytest.raises(InputError, match=word):
            derived(therapy)


@pytest.mark.parametrize(("peak", "interval"), [([], []), ([30.0], [36.0, 36.0]), ([30.0], [0.0])])
def test_a_course_without_doses_or_intervals_is_refused(peak: list, interval: list) -> None:
    with pytest.raises(InputError):
        total(peak, [2.0] * len(peak), [200.0] * len(peak), interval)

"""Looking ahead: the arithmetic against the exact engine, the search against brute force, and what it must never do."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta
from tests.decide.babies import baby
from tests.decide.look_ahead.outlooks import WEIGHT, Later, Made

from dosetwin import models
from dosetwin.decide.control import declared
from dosetwin.decide.look_ahead.ahead import Course, Scorer, write_out
from dosetwin.decide.look_ahead.loss import dose_misses
from dosetwin.decide.look_ahead.mpc import bound, look_ahead
from dosetwin.decide.look_ahead.options import Chances, LookAhead, Search, Standard
from dosetwin.decide.look_ahead.outlook import DT, Outlook
from dosetwin.errors import InputError
from dosetwin.simulate import parameters as individual
from dosetwin.simulate import predict, schedule_for

QUICK = Search(
    draws=32, fresh=64, mg_per_kg=(8.0, 12.0, 16.0, 20.0), first_mg_per_kg=(12.0, 15.0, 18.0), intervals=(24.0, 36.0, 48.0),
    decisions=2, beam=3, meet_infection=4, finalists=3,
)  # fmt: skip
STANDARD = Standard(0.0, 15.0 * WEIGHT, 36.0)


def searched(belief: Any, standard: Standard | None, **more: Any) -> LookAhead:
    """The search by the declared loss."""
    return look_ahead(belief, standard, loss=declared(), **more)


def test_levels_and_areas_are_those_of_the_exact_engine() -> None:
    model = models.load("amikacin_decock_2012")
    doses = ((0.0, 27.0), (36.0, 20.0), (60.0, 31.5), (108.0, 15.0))
    timeline = baby(GA=33.0, BW=1.8, PNA=2.0, origin=None, doses=doses)
    eta = np.random.default_rng(4).normal(0, 0.3, (5, 2))
    times = np.arange(0.0, 156.0 + DT, DT)
    exact = predict(model, schedule_for(model, timeline, times), eta, auc=True)
    middle = individual(model, schedule_for(model, timeline, 24.0 * np.arange(7) + 12.0), eta)
    pieces = np.stack([middle[k] for k in ("CL", "V1", "Q", "V2")], axis=2)
    n = len(eta)
    o = Outlook(0.0, 0.0, 27.0, 1.8, pieces, 24.0 * np.arange(7), np.zeros((n, 2)), np.full(n, 1 / n), np.zeros(n), 0.0,
                np.zeros((n, 1)))  # fmt: skip
    course = Course(horizon=108.5, continuation=47.5, continue_mg_per_kg=0.0)
    plans = write_out(o, course, np.array([36.0]), np.array([[20.0, 31.5, 15.0]]), np.array([[24.0, 48.0, 48.0]]))
    scorer = Scorer(o, course, declared())
    found = scorer.levels(plans)[0]
    # the engine reads a level at a border of days with the volume before it, the grid with the volume that begins there
    inner = times % 24.0 > 0
    np.testing.assert_allclose(found[:, inner], exact.value[:, inner, 0], rtol=1e-6, atol=1e-9)
    # and the loss by superposition is that of the engine's own peaks, troughs and areas
    starts, ends = np.array([0.0, 36.0, 60.0, 108.0]), np.array([36.0, 60.0, 108.0, 156.0])
    row = lambda t: np.rint(t / DT).astype(int)  # noqa: E731
    auc24 = (exact.auc[:, row(ends), 0] - exact.auc[:, row(starts), 0]) * 24.0 / (ends - starts)
    cost = dose_misses(exact.value[:, row(starts + 1.0), 0], exact.value[:, row(ends), 0], auc24, declared()).sum(axis=2)
    expected = (cost * (ends - starts)).sum(axis=1) / 156.0 + 4 * declared().dose
    np.testing.assert_allclose(scorer.exposure(plans, each=True)[1][0], expected, rtol=1e-6)


@given(st.integers(0, 10_000), st.sampled_from([12.0, 20.0, 36.0, 48.0]), st.floats(5.0, 40.0))
@settings(max_examples=25)
def test_superposition_equals_stepping(seed: int, every: float, amount: float) -> None:
    o = Later(amount, scenario=None).outlook(4, seed)
    plans = write_out(o, Course(), np.array([every]), np.array([[amount, 0.5 * amount]]), np.array([[every, 24.0]]))
    scorer = Scorer(o, Course(), declared())
    level = scorer.levels(plans)[0]
    total, hours = 0.0, 0.0
    for d in range(int(plans.doses[0])):
        a = int(plans.start[0, d])
        b = int(plans.start[0, d + 1]) if d + 1 < plans.doses[0] else int(plans.end[0])
        fine = np.trapezoid(level[:, a : b + 1], dx=DT, axis=1) * 24.0 / ((b - a) * DT)
        cost = dose_misses(level[:, a + 2], level[:, b], fine, replace(declared(), auc_low=0.0, auc_high=0.0)).sum(axis=1)
        total, hours = total + cost * (b - a) * DT, hours + (b - a) * DT
    blind = Scorer(o, Course(), replace(declared(), auc_low=0.0, auc_high=0.0))
    found = blind.exposure(plans, each=True)[1][0]
    np.testing.assert_allclose(found, total / hours + declared().dose * plans.doses[0], rtol=1e-9)


def test_every_plan_goes_on_alike_after_the_horizon_from_when_its_own_next_dose_is_due() -> None:
    o = Made().outlook(2, 0)
    course = Course()
    plans = write_out(o, course, np.zeros(2), np.full((2, 1), 20.0), np.array([[36.0], [48.0]]))
    for j, every in enumerate((36.0, 48.0)):
        own = [t for t in np.arange(0.0, 200.0, every) if t < 120.0]
        due = own[-1] + every
        later = np.arange(due, 168.0, 36.0)
        k = plans.given[j]
        np.testing.assert_allclose(plans.start[j, :k] * DT, [*own, *later])
        np.testing.assert_allclose(plans.mg[j, :k], [20.0] * len(own) + [15.0 * WEIGHT] * len(later))
        assert plans.end[j] * DT == due


def test_the_search_finds_what_brute_force_finds() -> None:
    belief = Made()
    made = searched(belief, None, earliest=0.0, search=replace(QUICK, fresh=0, decisions=2, beam=50, meet_infection=50))
    o = belief.outlook(QUICK.draws, 0)
    best = np.inf
    for first in QUICK.first_mg_per_kg:
        for t1 in QUICK.intervals:
            for second in QUICK.mg_per_kg:
                for t2 in QUICK.intervals:
                    p = write_out(o, Course(), np.zeros(1), np.array([[first, second]]) * WEIGHT, np.array([[t1, t2]]))
                    best = min(best, float(Scorer(o, Course(), declared()).exposure(p)[0][0, 0]))
    assert made.chosen.loss <= best + 1e-9


def test_the_same_answer_every_time_and_another_stream_another_draw() -> None:
    a, b = (searched(Made("peak_driven"), STANDARD, earliest=0.0, search=QUICK) for _ in range(2))
    assert a.to_json() == b.to_json()
    json.dumps(a.to_json())
    c = searched(Made("peak_driven"), STANDARD, earliest=0.0, search=QUICK, stream=5)
    assert c.chosen.loss != a.chosen.loss


def test_threads_change_nothing() -> None:
    a, b = (searched(Made("peak_driven"), STANDARD, earliest=0.0, search=replace(QUICK, threads=t)) for t in (1, 2))
    assert a.to_json() == b.to_json()


def test_the_standard_rule_is_always_in_the_table_and_wins_ties() -> None:
    made = searched(Made(), STANDARD, earliest=0.0, search=QUICK)
    assert sum(o.standard for o in made.options) == 1
    same = Standard(0.0, made.chosen.amount, made.chosen.plan[1][0] - made.chosen.plan[0][0])
    alone = replace(QUICK, decisions=1)
    best = searched(Made(), None, earliest=0.0, search=alone).chosen
    same = Standard(0.0, best.amount, best.plan[1][0] - best.plan[0][0])
    tied = searched(Made(), same, earliest=0.0, search=alone)
    assert tied.chosen.standard
    assert any(r.code == "standard_rule_tied" for r in tied.reasons)
    generous = searched(Made(), STANDARD, earliest=0.0, search=replace(QUICK, tie=10.0))
    assert generous.chosen.standard


def test_a_large_first_dose_is_not_judged_by_repeating_it() -> None:
    """Behind every amount of the coming dose another may follow, also behind those that exposure alone would not open."""
    made = searched(Made("peak_driven"), None, earliest=0.0, search=replace(QUICK, meet_infection=3, beam=3, finalists=3))
    largest = max(made.options, key=lambda o: o.amount)
    assert largest.mg_per_kg == pytest.approx(18.0)
    assert len({round(a, 6) for _, a in largest.plan}) == 2


def test_an_mic_out_of_reach_is_said_and_told_apart_from_no_effect() -> None:
    fine = searched(Made("peak_driven", mic=1.0), STANDARD, earliest=0.0, search=QUICK)
    assert fine.status == "plan"
    assert not {r.code for r in fine.reasons} & {"target_unreachable", "no_effect", "still_effective"}
    # a small load cleared by a little kill: the target cannot be reached, yet most babies clear
    high = searched(Made("benign", mic=8.0), STANDARD, earliest=0.0, search=QUICK)
    assert high.status == "no_feasible_regimen"
    codes = {r.code for r in high.reasons}
    assert "target_unreachable" in codes
    assert "still_effective" in codes
    assert any("add or change the drug" in r.text for r in high.reasons)
    hopeless = searched(Made("peak_driven", mic=256.0), STANDARD, earliest=0.0, search=QUICK)
    assert {"target_unreachable", "no_effect"} <= {r.code for r in hopeless.reasons}


def test_when_every_plan_breaks_a_constraint_that_is_the_answer() -> None:
    slow = Made(CL=0.004, sd=0.1)
    made = searched(slow, STANDARD, earliest=0.0, search=QUICK)
    assert made.status == "no_feasible_regimen"
    assert any(r.code == "no_feasible_regimen" for r in made.reasons)


@given(st.integers(1, 3000), st.floats(0.0, 1.0))
def test_the_bound_is_clopper_pearsons(n: int, share: float) -> None:
    k = int(share * n)
    expected = 1.0 if k == n else beta.ppf(0.95, k + 1, n - k)
    assert float(bound(k / n, n, 0.95)) == pytest.approx(expected, abs=1e-9)


def test_fewer_draws_make_the_bound_wider() -> None:
    assert bound(0.05, 50, 0.95) > bound(0.05, 2000, 0.95) > 0.05


def test_the_coming_dose_is_never_before_it_may_be_given() -> None:
    for now in (6.0, 13.5, 30.0, 90.0):
        made = searched(Later(now=now), Standard(24.0, 25.0, 24.0), earliest=max(now, 12.0), search=QUICK)
        assert all(o.time >= max(now, 12.0) - 1e-9 for o in made.options)


def test_decisions_end_with_the_horizon() -> None:
    class Over(Made):
        def outlook(self, draws: int, stream: int) -> Outlook:
            o = super().outlook(draws, stream)
            return replace(o, now=120.0, origin=120.0, given=20.0, past=np.zeros((draws, 241)))

    with pytest.raises(InputError, match="horizon"):
        searched(Over(), STANDARD, earliest=132.0, search=QUICK)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Search(draws=0), "positive"),
        (lambda: Search(decisions=5), "decisions"),
        (lambda: Search(intervals=()), "intervals"),
        (lambda: Search(intervals=(24.3,)), "grid"),
        (lambda: Search(mg_per_kg=(-1.0,)), "mg_per_kg"),
        (lambda: Chances(trough_toxic=0.0), "probability"),
        (lambda: Chances(confidence=1.0), "probability"),
        (lambda: Course(horizon=0.0), "grid"),
        (lambda: Course(infusion=0.3), "grid"),
        (lambda: replace(Made().outlook(2, 0), weight=0.0), "weight"),
        (lambda: replace(Made().outlook(2, 0), parameters=np.zeros((2, 8, 4))), "positive"),
        (lambda: replace(Made().outlook(2, 0), amounts=np.zeros((3, 2))), "shape"),
        (lambda: searched(Made(), None, earliest=0.0, search=replace(QUICK, mg_per_kg=(30.0,))), "limits"),
    ],
)  # fmt: skip
def test_bad_settings_are_named(make, word: str) -> None:
    with pytest.raises(InputError, match=word):
        make()


def test_a_plan_that_often_goes_above_the_highest_peak_does_not_fit():
    """The chance constraint on the peak never to be passed (45 mg/L) binds by itself: everything else is fine here."""
    from dosetwin.decide.look_ahead import mpc

    chances = mpc.Chances()
    parts = np.zeros((3, 1 + max(mpc.PRE_5, mpc.NEXT_5, mpc.PEAK_LOW, mpc.PEAK_NEVER, mpc.LOSS_COLUMN)))
    parts[:, mpc.PEAK_NEVER] = (0.0, chances.peak_never / 3.0, 2.0 * chances.peak_never)
    assert mpc._fits(parts, 10_000.0, chances).tolist() == [True, True, False]
    assert chances.peak_never <= 0.10

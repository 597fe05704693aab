"""Exposures by superposition against brute force, and against the engine read by hand."""

import numpy as np
import pytest

from decide.babies import baby, preterm
from dosetwin import models
from dosetwin.decide.facts import facts_at
from dosetwin.decide.plans import ask_rules, enumerate_plans, scored_doses, situation
from dosetwin.decide.readings import _grid, expose
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE as POLICY
from dosetwin.records import Every
from dosetwin.simulate import predict, schedule_for


def draws_of(model, n=40, occasions=1):
    omega = model.omega_for(occasions)
    return np.random.default_rng(3).multivariate_normal(np.zeros(len(omega)), omega, n)


def plans_of(timeline, now, thin=25):
    says, _ = ask_rules(POLICY.rules, facts_at(timeline, now))
    return enumerate_plans(POLICY, situation(timeline, now, facts_at(timeline, now).WT), says, thin=thin)


@pytest.mark.parametrize("name", ["amikacin_decock_2012", "amikacin_neonate"])
def test_superposition_is_brute_force(name):
    model, timeline = models.load(name), preterm(flags=("IBU",), doses=((0.0, 17.5), (24.0, 16.0)))
    known, plans = timeline.until(30.0), plans_of(timeline, 30.0)
    draws = draws_of(model)
    fast, _ = expose(model, known, plans, draws, POLICY)
    slow, _ = expose(model, known, plans, draws, POLICY, brute=True)
    assert fast.values.keys() == slow.values.keys()
    for key in slow.values:
        np.testing.assert_allclose(fast.values[key], slow.values[key], rtol=1e-9, atol=1e-10)


def test_exposures_are_what_the_engine_predicts():
    model, timeline = models.load("amikacin_decock_2012"), preterm()
    plans, draws = plans_of(timeline, 24.0), draws_of(model, 5)
    found, _ = expose(model, timeline, plans, draws, POLICY)
    i = next(k for k, p in enumerate(plans) if p.order.interval == 36.0)
    r = plans[i].order
    dense = np.linspace(r.first_at, r.first_at + 36.0, 20_001)
    schedule = schedule_for(model, timeline, dense, extra_doses=r.doses(r.first_at + 107.0))
    level = predict(model, schedule, draws).value[:, :, 0]
    at = np.searchsorted(dense, [r.first_at + 1.0, r.first_at + 36.0])
    np.testing.assert_allclose(found.values["trough", "pre"][i], level[:, 0], rtol=1e-9)
    np.testing.assert_allclose(found.values["peak", "next"][i], level[:, at[0]], rtol=2e-4)
    np.testing.assert_allclose(found.values["trough", "next"][i], level[:, at[1]], rtol=1e-9)
    area = np.trapezoid(level, dense, axis=1) * 24 / 36
    np.testing.assert_allclose(found.values["auc24", "next"][i], area, rtol=1e-5)


@pytest.mark.parametrize("first_at", [26 + 2 / 3, 26 + 1 / 3, 26.1])
def test_a_trough_is_read_before_its_bolus_whatever_the_clock(first_at):
    """Twenty minutes to three is no round number of hours: rounding it must not move the trough behind the dose."""
    from dosetwin.decide.plans import Plan
    from dosetwin.records import Every

    model, timeline = models.load("amikacin_decock_2012"), preterm()
    plan = Plan(Every(12.0, 24.0, 0.0, first_at), 12.0)
    found, _ = expose(model, timeline, [plan], np.zeros((1, 2)), POLICY)
    before = predict(model, schedule_for(model, timeline, [first_at]), np.zeros((1, 2))).value[:, 0, 0]
    np.testing.assert_allclose(found.values["trough", "pre"][0], before, rtol=1e-7)
    for dose in ("next", "second", "last"):
        assert found.values["trough", dose][0] < 0.6 * found.values["peak", dose][0]


def test_trapezoid_is_good_enough_where_there_is_no_exact_area():
    """The path for models without exact areas, on one that has them."""
    from dataclasses import replace

    model, timeline = models.load("amikacin_decock_2012"), preterm()
    plans, draws = plans_of(timeline, 24.0, thin=60), draws_of(model, 10)
    exact, _ = expose(model, timeline, plans, draws, POLICY)
    stepped, _ = expose(replace(model, solver="explicit"), timeline, plans, draws, POLICY)
    for dose in ("next", "second", "last"):
        np.testing.assert_allclose(stepped.values["auc24", dose], exact.values["auc24", dose], rtol=2e-2)


def test_nothing_before_the_first_dose():
    model, timeline = models.load("amikacin_decock_2012"), baby()
    found, _ = expose(model, timeline, plans_of(timeline, 0.0), draws_of(model, 10), POLICY)
    assert ("trough", "pre") not in found.values
    assert all(np.all(v > 0) for v in found.values.values())


def test_more_drug_means_more_of_everything():
    model, timeline = models.load("amikacin_decock_2012"), preterm()
    plans = plans_of(timeline, 24.0, thin=4)
    found, _ = expose(model, timeline, plans, draws_of(model, 20), POLICY)
    for interval in (24.0, 48.0):
        rows = [i for i, p in enumerate(plans) if p.order.interval == interval]
        for key, value in found.values.items():
            rise = np.diff(value[rows], axis=0)
            assert np.all(np.abs(rise) < 1e-9) if key == ("trough", "pre") else np.all(rise > 0)


def test_every_moment_is_read_where_it_was_put_whatever_the_clock():
    rng = np.random.default_rng(1)
    seconds = rng.integers(0, 30 * 86400, 3000)
    for k, second in enumerate(seconds):
        interval = POLICY.menu.intervals[k % len(POLICY.menu.intervals)]
        grid = _grid(Every(10.0, interval, 0.5, second / 3600.0), POLICY, exact=True)
        for (what, dose), row in grid.rows.items():
            start = second / 3600.0 + (0 if dose == "pre" else scored_doses(interval, POLICY.horizon_h)[dose]) * interval
            wanted = start + {"peak": 1.0, "trough": 0.0 if dose == "pre" else interval}[what]
            assert abs(grid.times[row] - wanted) < 1e-8
        assert all(abs(grid.times[a] - (grid.times[b] - interval)) < 1e-8 for a, b in grid.spans.values())
        assert grid.doses[0].time in grid.times

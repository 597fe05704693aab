"""Ties, infusion ends, lags, steady state, covariate changes: what hurts the users of every such engine."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dosetwin import models
from dosetwin.declare import Cov
from dosetwin.errors import InputError, ModelError
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import parameters, predict, schedule_for, schedule_many, simulate, uniform


def values(model, doses, times, covariates=(), after=None, rule="locf", n_full=1, occasions=()):
    timeline = Timeline(Patient("x"), tuple(doses), (), tuple(covariates), occasions=occasions)
    found = predict(model, schedule_for(model, timeline, times, after=after, rule=rule), np.zeros((1, n_full)))
    assert found.ok.all(), found.code
    return found.value[0, :, 0]


def test_trough_before_and_peak_after_a_dose_at_the_same_time(one):
    got = values(one, [DoseEvent(0, 8.0, ii=12, addl=1)], [12.0, 12.0], after=[False, True])
    np.testing.assert_allclose(got[1] - got[0], 10.0, rtol=1e-12)


def test_covariate_change_applies_before_a_dose_at_the_same_time(oral):
    """mrgsolve issue 1036: bioavailability changed at the time of a dose must act on that dose."""
    # the toy's first parameter carries the covariate: build one whose F does
    covariates = (Covariate(0, "X", 1.0), Covariate(12, "X", 2.0))
    one_dose = values(oral, [DoseEvent(12.0, 100.0)], [13.0], covariates)
    from_start = values(oral, [DoseEvent(12.0, 100.0)], [13.0], (Covariate(0, "X", 2.0),))
    np.testing.assert_allclose(one_dose, from_start, rtol=1e-12)


def test_splitting_an_infusion_changes_nothing(two):
    whole = values(two, [DoseEvent(0, 12.0, 6.0)], [1.0, 3.0, 6.0, 9.0])
    parts = values(two, [DoseEvent(0, 4.0, 2.0), DoseEvent(2, 6.0, 3.0), DoseEvent(5, 2.0, 1.0)], [1.0, 3.0, 6.0, 9.0])
    np.testing.assert_allclose(parts, whole, rtol=1e-12)


def test_simultaneous_and_overlapping_infusions(two):
    both = values(two, [DoseEvent(0, 4.0, 2.0), DoseEvent(0, 6.0, 3.0), DoseEvent(1.5, 5.0, 1.0)], [1.0, 1.75, 4.0])
    each = sum(
        values(two, [d], [1.0, 1.75, 4.0]) for d in (DoseEvent(0, 4.0, 2.0), DoseEvent(0, 6.0, 3.0), DoseEvent(1.5, 5.0, 1.0))
    )
    np.testing.assert_allclose(both, each, rtol=1e-12)


def test_covariate_record_at_the_end_of_an_infusion(one):
    """mrgsolve issue 741: a covariate record at an infusion's end takes effect there, not earlier or later."""
    k, rate = 0.05 / 0.8, 10.0
    at_end = rate / 0.05 * -math.expm1(-k * 2.0)
    got = values(one, [DoseEvent(0, 20.0, 2.0)], [2.0, 5.0], (Covariate(0, "X", 1.0), Covariate(2.0, "X", 3.0)))
    np.testing.assert_allclose(got, [at_end, at_end * math.exp(-3 * k * 3.0)], rtol=1e-12)


def test_addl_equals_written_out(two):
    repeated = values(two, [DoseEvent(3, 10.0, 0.5, ii=12, addl=4)], [20.0, 60.0])
    written = values(two, [DoseEvent(3 + 12 * k, 10.0, 0.5) for k in range(5)], [20.0, 60.0])
    np.testing.assert_allclose(repeated, written, rtol=1e-14)


def test_other_outputs_never_change_a_value(two):
    doses, covariates = [DoseEvent(0, 10.0, 0.5, ii=24, addl=3)], (Covariate(0, "X", 1.0), Covariate(30, "X", 1.5))
    alone = values(two, doses, [37.0], covariates)
    among = values(two, doses, [*np.arange(0, 90.0, 0.37), 90.5], covariates)
    np.testing.assert_allclose(values(two, doses, [*np.arange(0, 37, 1.7), 37.0], covariates)[-1], alone[0], rtol=1e-12)
    assert among.min() >= 0


def test_shifting_all_times_changes_nothing(two):
    covariates = (Covariate(0, "X", 1.0), Covariate(30, "X", 1.5))
    here = values(two, [DoseEvent(0, 10.0, 0.5, ii=24, addl=3)], [37.0, 80.0], covariates)
    there = values(
        two,
        [DoseEvent(1000, 10.0, 0.5, ii=24, addl=3)],
        [1037.0, 1080.0],
        [Covariate(c.time + 1000, c.name, c.value) for c in covariates],
    )
    np.testing.assert_allclose(there, here, rtol=1e-9)


@pytest.mark.parametrize(("duration", "ii"), [(0.0, 8.0), (0.5, 12.0), (12.0, 12.0), (30.0, 12.0), (36.0, 12.0)])
def test_steady_state_equals_many_doses(two, duration, ii):
    """Also infusions as long as, and longer than, the interval."""
    times = np.array([0.25, 1.0, 5.0, 11.0, 20.0, 40.0])
    steady = values(two, [DoseEvent(0, 10.0, duration, ii=ii, ss=True)], times)
    n = 400
    many = values(two, [DoseEvent(-n * ii, 10.0, duration, ii=ii, addl=n)], np.concatenate([[-n * ii], times]))[1:]
    np.testing.assert_allclose(steady, many, rtol=1e-9)


@pytest.mark.parametrize(("duration", "step"), [(12.0, 12.0), (24.0, 24.0)])
def test_area_after_steady_state_when_a_step_repeats_its_last_one(two, duration, step):
    """The search for the steady state needs no areas: the propagator it leaves behind must not serve a step that does."""
    dose = DoseEvent(0, 10.0, duration, ii=24.0, ss=True)
    course = Timeline(Patient("x"), (dose,), (), (Covariate(0, "X", 1.0),))
    whole = predict(two, schedule_for(two, course, [step]), np.zeros((1, 1)), auc=True).auc[0, -1]
    parts = predict(two, schedule_for(two, course, [0.37 * step, step]), np.zeros((1, 1)), auc=True).auc[0, -1]
    assert whole == pytest.approx(parts, rel=1e-11)


def test_nocb_gives_the_first_record_its_own_values(make):
    """A dose and a level at the time of the first record see that record; the next record governs what lies between them."""
    one = make("volume_by_x", {"V": 0.8, "CL": 0.05}, structure="ONE")
    records = (Covariate(0, "X", 1.0), Covariate(10, "X", 2.0))
    own = values(one, [DoseEvent(0, 10.0)], [0.0, 5.0], records, [True, False], "nocb")
    first = values(one, [DoseEvent(0, 10.0)], [0.0], records[:1], [True])
    between = values(one, [DoseEvent(0, 10.0)], [5.0], (Covariate(0, "X", 2.0),))
    assert own[0] == pytest.approx(first[0], rel=1e-12)
    assert own[1] == pytest.approx(between[0], rel=1e-12)


def test_steady_state_with_lag_and_of_a_nonlinear_model(oral, michaelis):
    times = np.array([0.2, 0.5, 1.0, 5.0, 20.0])
    steady = values(oral, [DoseEvent(0, 100.0, ii=8.0, ss=True)], times)
    many = values(oral, [DoseEvent(-800.0, 100.0, ii=8.0, addl=100)], np.concatenate([[-800.0], times]))[1:]
    np.testing.assert_allclose(steady, many, rtol=1e-9)
    long = values(oral, [DoseEvent(0, 100.0, 20.0, ii=8.0, ss=True)], times)
    many = values(oral, [DoseEvent(-800.0, 100.0, 20.0, ii=8.0, addl=100)], np.concatenate([[-800.0], times]))[1:]
    np.testing.assert_allclose(long, many, rtol=1e-9)
    steady = values(michaelis, [DoseEvent(0, 100.0, 1.0, ii=12.0, ss=True)], times)
    many = values(michaelis, [DoseEvent(-6000.0, 100.0, 1.0, ii=12.0, addl=500)], np.concatenate([[-6000.0], times]))[1:]
    np.testing.assert_allclose(steady, many, rtol=2e-5)


def test_a_trough_at_the_time_of_a_dose_at_steady_state_sees_that_state(two):
    times, after = [0.0, 0.0, 12.0], [False, True, False]
    got = values(two, [DoseEvent(0, 10.0, ii=12.0, ss=True)], times, after=after)
    np.testing.assert_allclose(got[0], got[2], rtol=1e-9)
    np.testing.assert_allclose(got[1] - got[0], 10.0 / 0.833, rtol=1e-9)


@pytest.mark.parametrize("lag", [0.45, 8.0, 11.0, 16.0])
def test_steady_state_with_a_lag_as_long_as_the_interval_or_longer(make, lag):
    """Doses already given are still on their way, one of them arriving just now."""
    model = make(f"lag_{lag:g}".replace(".", "_"), {"CL": 4.0, "V": 70.0, "KA": 1.0, "LAG_depot": lag}, structure="ONE_ORAL")
    times = np.array([0.2, 1.0, 5.0, 9.0, 20.0, 30.0])
    steady = values(model, [DoseEvent(0, 100.0, ii=8.0, ss=True)], times)
    many = values(model, [DoseEvent(-800.0, 100.0, ii=8.0, addl=100)], np.concatenate([[-800.0], times]))[1:]
    np.testing.assert_allclose(steady, many, rtol=1e-9)


def test_no_steady_state_is_a_failure_not_a_number(michaelis):
    """More drug than the system can ever eliminate."""
    course = schedule_for(michaelis, Timeline(Patient("x"), (DoseEvent(0, 1e5, 1.0, ii=12.0, ss=True),)), [1.0])
    cohort = simulate(michaelis, course)
    assert not cohort.ok[0]
    assert "steady state" in cohort.failures[0].message
    assert len(cohort.frame()) == 0
    assert np.isnan(cohort.value).all()


def test_lagged_infusion(make):
    model = make("lag_iv", {"CL": 0.05, "V": 0.8, "LAG_central": 0.4}, structure="ONE")
    plain = make("no_lag_iv", {"CL": 0.05, "V": 0.8}, structure="ONE")
    times = np.array([0.2, 0.4, 0.6, 0.9, 3.0])
    got = values(model, [DoseEvent(0, 5.0, 0.5)], times)
    np.testing.assert_allclose(got[2:], values(plain, [DoseEvent(0, 5.0, 0.5)], times[2:] - 0.4), rtol=1e-12)
    assert (got[:2] == 0).all()


def test_ragged_cohort_any_threads_and_order(two):
    """The same subject gives the same bits in any cohort, on any number of threads."""
    rng = np.random.default_rng(1)
    timelines, times = [], []
    for k in range(300):
        n = int(rng.integers(1, 6))
        timelines.append(Timeline(Patient(str(k)), tuple(DoseEvent(12.0 * j, 10 + k % 7, 0.5) for j in range(n))))
        times.append(np.sort(rng.uniform(0, 90, int(rng.integers(1, 9)))))
    etas = rng.normal(0, 0.3, (300, 1))
    together = simulate(two, schedule_many(two, timelines, times), etas, threads=2)
    single = simulate(two, schedule_many(two, timelines, times), etas, threads=1)
    assert np.array_equal(together.value, single.value)
    alone = simulate(two, schedule_many(two, timelines[77:78], times[77:78]), etas[77:78])
    assert np.array_equal(alone.value[:, 0], together.value[together.ptr[77] : together.ptr[78], 0])
    assert together.frame().groupby("ID").ngroups == 300


def test_uniform_equals_schedule_many(two):
    doses, times = [DoseEvent(0, 10.0, 0.5, ii=24, addl=1)], np.array([1.0, 24.0, 30.0])
    factors = np.array([[1.0, 1.5], [0.7, 0.9]])
    fast = simulate(two, uniform(two, doses, times, [0.0, 24.0], factors[:, :, None])).cube()
    slow = schedule_many(
        two,
        [
            Timeline(Patient(str(i)), tuple(doses), (), (Covariate(0, "X", a), Covariate(24, "X", b)))
            for i, (a, b) in enumerate(factors)
        ],
        [times, times],
    )
    np.testing.assert_array_equal(fast, simulate(two, slow).cube())


def test_uniform_honours_steady_state(two):
    dose, times = DoseEvent(0, 10.0, 0.5, ii=12, ss=True), np.array([0.0, 1.0, 12.0])
    fast = simulate(two, uniform(two, [dose], times, [0.0], np.ones((2, 1, 1)))).cube()
    slow = values(two, [dose], times, (Covariate(0, "X", 1.0),))
    np.testing.assert_array_equal(fast[1, :, 0], slow)


def test_bad_doses_and_covariates_are_named(two):
    def timeline(*doses):
        return Timeline(Patient("p7"), doses)

    with pytest.raises(InputError, match=r"unknown compartment.*liver.*central"):
        schedule_for(two, timeline(DoseEvent(0, 1.0, cmt="liver")), [1.0])
    with pytest.raises(InputError, match="SS=1 needs II"):
        schedule_for(two, timeline(DoseEvent(0, 1.0, ss=True)), [1.0])
    with pytest.raises(InputError, match="impossible"):
        schedule_for(two, timeline(DoseEvent(0, math.nan)), [1.0])
    for when in (math.nan, math.inf):
        with pytest.raises(InputError, match="impossible"):
            schedule_for(two, timeline(DoseEvent(when, 1.0)), [1.0])
    with pytest.raises(InputError, match="ascending"):
        schedule_for(two, timeline(DoseEvent(0, 1.0)), [2.0, 1.0])
    with pytest.raises(InputError, match="locf, nocb, linear"):
        schedule_for(two, timeline(DoseEvent(0, 1.0)), [2.0], rule="guess")  # type: ignore[arg-type]


@pytest.mark.parametrize("dynamics", ["-p.CL * A.central * A.central", "-p.CL * A.central * (1.0 + t)"])
def test_an_exact_model_must_be_linear(make, dynamics):
    """Otherwise its dynamics would be read off at one point and be wrong everywhere else."""
    model = make(f"false_exact_{'t' in dynamics.split('(')[-1]}", {"CL": 0.05, "V": 0.8}, state=("central",), dynamics=dynamics)
    with pytest.raises(ModelError, match="linear in the states"):
        values(model, [DoseEvent(0, 1.0)], [1.0])


def test_missing_covariate_follows_the_declared_policy(two):
    course = schedule_for(two, Timeline(Patient("p7"), (DoseEvent(0, 1.0),)), [1.0])
    assert [f.code for f in course.findings] == ["covariate_population_value"]
    late = schedule_for(two, Timeline(Patient("p7"), (DoseEvent(0, 1.0),), (), (Covariate(5, "X", 2.0),)), [1.0])
    assert [f.code for f in late.findings] == ["covariate_carried_back"]
    far = schedule_for(two, Timeline(Patient("p7"), (DoseEvent(0, 1.0),), (), (Covariate(0, "X", 2e6),)), [1.0])
    assert [f.code for f in far.findings] == ["outside_studied_range"]


def test_levels_can_be_covariates_too(two):
    """A quantity recorded as a measurement serves a model that reads it as a covariate."""
    measured = Timeline(Patient("x"), (DoseEvent(0, 10.0),), (Observation(0.0, "X", 2.0, "1"),))
    written = Timeline(Patient("x"), (DoseEvent(0, 10.0),), (), (Covariate(0.0, "X", 2.0),))
    got = [predict(two, schedule_for(two, t, [5.0]), np.zeros((1, 1))).value for t in (measured, written)]
    np.testing.assert_array_equal(*got)


def test_an_age_nobody_knows_takes_the_population_value(make):
    model = make("aged", {"CL": 0.05, "V": 0.8}, structure="ONE")
    aged = replace(model, covs={"X": Cov("d", 0.0, 30.0, "age", age=True, missing="population", population=2.0)})
    course = schedule_for(aged, Timeline(Patient("x"), (DoseEvent(0, 1.0),)), [1.0, 80.0])
    assert set(course.rows[:, 0]) == {2.0}


def test_ages_advance_in_steps_from_birth(make):
    """The midpoint of each day of life, wherever the course begins and whatever else is asked for."""
    model = make("aged", {"CL": 0.05, "V": 0.8}, structure="ONE")
    aged = replace(model, covs={"X": Cov("d", 0.0, 30.0, "age", age=True)})
    known = Timeline(Patient("x"), (DoseEvent(0, 1.0),), (), (Covariate(6.0, "X", 1.5),))
    course = schedule_for(aged, known, [1.0, 40.0])
    # birth was at -30 h, so a new day begins at -6, 18 and 42 h
    np.testing.assert_allclose(course.time[course.kind == 0], [0.0, 18.0])
    np.testing.assert_allclose(course.rows[:, 0], [1.5, 2.5])


def test_parameters_of_no_draws_or_of_a_course_without_outputs_are_none_at_all():
    model = models.load("amikacin_neonate")
    known = {"BW": 1.0, "WT": 1.0, "GA": 29.0, "PNA": 2.0, "IBU": 0.0, "ASPHYXIA": 0.0, "COOLING": 0.0}
    facts = Timeline(Patient("1"), (DoseEvent(0.0, 12.0, 0.5),), (), tuple(Covariate(0.0, n, v, "") for n, v in known.items()))
    for times, draws in (([], 3), ([1.0, 2.0], 0)):
        schedule = schedule_for(model, facts, np.array(times))
        full = len(model.eta_names) + schedule.occasions * len(model.kappa_names)
        assert parameters(model, schedule, np.zeros((draws, full))) == {}

"""Dose and reset records as NONMEM understands them: its own published answers, and closed forms."""

import math
from dataclasses import replace

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

CL, V, KA = 1.1, 20.0, 1.5


@pytest.fixture(scope="module")
def nonmem(make):
    """ADVAN2 TRANS2 with ALAG2, F2, R2 and D2 given by the case; amounts over V/1000 as in the published control stream."""

    values = {"CL": CL, "V": V, "KA": KA, "F_central": 1.0, "LAG_central": 0.0, "R_central": 10.0, "D_central": 2.0}
    model = make("nonmem_dosing", values, structure="ONE_ORAL", observe="A.central / p.V * 1000.0")

    def of(lag=0.0, f=1.0, rate=10.0, duration=2.0):
        # other numbers in the same equations: one compiled kernel
        return model, np.array([CL, V, KA, f, lag, rate, duration])

    return of


def course(doses, resets=(), covariates=()):
    return Timeline(Patient("x"), tuple(doses), (), tuple(covariates), resets=tuple(resets))


def answer(model, timeline, times, after=None):
    """Of a model, or of one with its typical values."""
    model, theta = model if isinstance(model, tuple) else (model, None)
    return predict(model, schedule_for(model, timeline, times, after=after), np.zeros((1, 1)), theta=theta)


def values(model, timeline, times, after=None):
    found = answer(model, timeline, times, after)
    assert found.ok.all(), found.code
    return found.value[0, :, 0]


def given(time, amount, rate=0.0, **more):
    """A record with RATE > 0, or a bolus."""
    return DoseEvent(time, amount, amount / rate if rate else 0.0, infusion="rate" if rate else "duration", **more)


# NONMEM 7.4.3's answers to its users' dosing test (mrgsolve/nmtests run 1001, also in the R package nlmixr2data as `nmtest`);
# the number of the case is that file's ID. Five digits were printed.
TIMES = (1.0, 7.0, 20.0, 53.0, 56.0, 75.0, 100.0)
CASES = {
    "2 lag and F of a bolus": (
        {"lag": 12.13, "f": 2.23}, [given(0, 100, cmt=2, ii=24, addl=3)], (),
        (0, 0, 7232.5, 5586.5, 4736.7, 6587.3, 6323.5)),
    "4 F scales the duration of a given rate": (
        {"f": 0.5}, [given(0, 480, 10, cmt=2)], (), (486.5, 2905, 6064.8, 1351.9, 1146.2, 403.12, 101.92)),
    "5 F scales the rate of a modelled duration": (
        {"f": 0.5, "duration": 48.0}, [DoseEvent(0, 480, cmt=2, infusion="model_duration")], (),
        (243.25, 1452.5, 3032.4, 3206.2, 2718.5, 956.09, 241.74)),
    "8 infusion with lag and F": (
        {"lag": 3.25, "f": 0.412}, [given(0, 100, 10, cmt=2, ii=24, addl=3)], (),
        (0, 1694.3, 920.25, 1545, 2383.2, 838.15, 804.59)),
    "9 the same at steady state": (
        {"lag": 3.16, "f": 0.412}, [given(0, 100, 10, cmt=2, ii=24, addl=3, ss=1)], (),
        (949.08, 2413.1, 1249.5, 1636.6, 2417.5, 850.22, 804.72)),
    "10 infusion longer than II at steady state, F": (
        {"f": 0.812}, [given(0, 100, 2, cmt=2, ii=12, addl=4, ss=1)], (),
        (6081.8, 6191.7, 6152.3, 6277.4, 6152.3, 4907.9, 1794.8)),
    "12 two infusions at once": (
        {}, [given(0, 100, 8.3333, cmt=2, ii=6, addl=12, ss=1)], (), (15152, 15152, 15152, 15152, 15152, 15152, 5401.4)),
    "13 II equals the duration after F": (
        {"f": 0.412}, [given(0, 100, 4.12, cmt=2, ii=10, addl=8, ss=1)], (),
        (3745.5, 3745.5, 3745.5, 3745.5, 3745.5, 3745.5, 2160.9)),
    "19 modelled duration at steady state": (
        {"f": 0.61, "duration": 9.0}, [DoseEvent(0, 100, 0.0, 2, 24, 3, 1, "", "model_duration")], (),
        (1691.3, 2947.8, 1792.5, 2574.1, 3119.8, 2156.9, 1154.5)),
    "26 reset": (
        {}, [given(0, 100, 50, cmt=1, ii=12, addl=3), given(54, 120, cmt=1, ii=16, addl=2)], (50.0,),
        (1181, 3732.4, 5359.6, 0, 5269.5, 6689.8, 4576.1)),
    "28 SS=1, then SS=2 between": (
        {}, [given(0, 100, cmt=1, ii=24, addl=3, ss=1), given(12, 50, cmt=1, ii=24, addl=3, ss=2)], (),
        (5545.1, 4819, 4638.1, 6766.8, 5739.9, 7499.2, 2987.1)),
    "29 constant infusion to steady state": (
        {}, [DoseEvent(0, 100, 1.0, 1, 1.0, 0, 1, "", "constant")], (),
        (88547, 64214, 31413, 5115.2, 4337.1, 1525.3, 385.67)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nonmem_says_the_same(nonmem, case):
    parameters, doses, resets, want = CASES[case]
    np.testing.assert_allclose(values(nonmem(**parameters), course(doses, resets), TIMES), want, rtol=1e-4)


def infused(t, rate, duration):
    """One-compartment level (mg/L x 1000) of an infusion of ``rate`` mg/h over ``duration`` h into the central compartment."""
    k = CL / V
    return 1000 * rate / CL * (1 - math.exp(-k * min(t, duration))) * math.exp(-k * max(t - duration, 0.0))


def test_f_scales_what_was_not_written(nonmem):
    model = nonmem(f=0.37)
    by_rate = values(model, course([given(0, 50, 10, cmt=2)]), [1.0, 4.0])
    by_duration = values(model, course([DoseEvent(0, 50, 5.0, 2)]), [1.0, 4.0])
    np.testing.assert_allclose(by_rate, [infused(t, 10, 5 * 0.37) for t in (1.0, 4.0)], rtol=1e-10)
    np.testing.assert_allclose(by_duration, [infused(t, 10 * 0.37, 5.0) for t in (1.0, 4.0)], rtol=1e-10)


def test_a_modelled_rate_gives_the_duration(nonmem):
    got = values(nonmem(f=0.5, rate=4.0), course([DoseEvent(0, 60, cmt=2, infusion="model_rate")]), [3.0, 10.0])
    np.testing.assert_allclose(got, [infused(t, 4.0, 7.5) for t in (3.0, 10.0)], rtol=1e-10)


@pytest.mark.parametrize("what", ["model_rate", "model_duration"])
def test_a_modelled_input_needs_its_parameter_and_a_positive_value(nonmem, make, what):
    dose = DoseEvent(0, 60, infusion=what, record="t.csv:2")
    plain = make("no_modelled_input", {"CL": CL, "V": V}, structure="ONE")
    letter = "R" if what == "model_rate" else "D"
    with pytest.raises(InputError, match=rf"t.csv:2: RATE -[12] asks for the model's parameter {letter}_central"):
        schedule_for(plain, course([dose]), [1.0])
    found = answer(nonmem(rate=0.0, duration=0.0), course([replace(dose, cmt=2)]), [1.0])
    assert not found.ok[0]
    assert found.code[0] == 6


def test_a_constant_infusion_ends_at_its_record(nonmem):
    """F does not apply to it, as in NONMEM, nor a lag: R/CL, then mono-exponential."""
    model = nonmem(f=0.4, lag=3.0)
    got = values(model, course([DoseEvent(5.0, 7.0, 1.0, 2, 1.0, 0, 1, "", "constant")]), [5.0, 5.0, 9.0], [False, True, False])
    np.testing.assert_allclose(got, 1000 * 7.0 / CL * np.exp(-CL / V * np.array([0, 0, 4.0])), rtol=1e-10)


def test_superposed_steady_states_keep_what_runs_and_what_waits(nonmem):
    """SS=2 during an infusion and inside another dose's lag equals that course plus the steady one alone."""
    model = nonmem(lag=2.0)
    first, second = given(0, 80, 10, cmt=2), given(5, 40, cmt=2, ii=8, ss=1)
    times = [5.5, 7.5, 12.0, 30.0]
    apart = values(model, course([first]), times) + values(model, course([second]), times)
    np.testing.assert_allclose(values(model, course([first, replace(second, ss=2)]), times), apart, rtol=1e-9)


def test_steady_states_of_what_is_not_linear_do_not_add_up(michaelis):
    with pytest.raises(InputError, match="SS=2 adds steady states up"):
        schedule_for(michaelis, course([DoseEvent(0, 10, ii=12, ss=2)]), [1.0])


def test_a_reset_forgets_doses_infusions_and_lags_but_not_what_follows(nonmem):
    """A level at its time is drawn before it; a dose at its time is given after it (EVID 4)."""
    model = nonmem(lag=4.0)
    doses = [given(0, 100, cmt=2), given(8, 100, 10, cmt=2), given(12, 30, cmt=2)]
    got = values(model, course(doses, (12.0,)), [12.0, 12.0, 15.9, 18.0], [False, True, False, False])
    assert got[0] == pytest.approx(1000 * 100 / V * math.exp(-CL / V * 8.0), rel=1e-10)
    assert got[1:3].tolist() == [0.0, 0.0]
    assert got[3] == pytest.approx(1000 * 30 / V * math.exp(-CL / V * 2.0), rel=1e-10)


def test_a_reset_comes_before_a_steady_state_at_its_time(nonmem):
    model = nonmem()
    steady = given(24, 50, cmt=2, ii=12, ss=1)
    alone = values(model, course([steady]), [25.0, 40.0])
    np.testing.assert_allclose(values(model, course([given(0, 500, cmt=2), steady], (24.0,)), [25.0, 40.0]), alone, rtol=1e-12)


def test_a_reset_starts_again_from_the_initial_state(make):
    model = make("with_baseline", {"K": 0.1, "V": 1.0}, state=("central",), dynamics="0.5 - p.K * A.central", initial="8.0")
    got = values(model, course([given(0, 90)], (10.0,)), [10.0, 11.0], [True, False])
    np.testing.assert_allclose(got, [8.0, 5.0 + 3.0 * math.exp(-0.1)], rtol=1e-9)


def test_repeats_have_the_lag_of_their_record(make):
    """The lag is the covariate times 1 h; it grows after the record, and the repeats keep that of their record."""
    model = make("lag_by_x", {"LAG_central": 1.0, "CL": CL, "V": V}, structure="ONE", observe="A.central / p.V * 1000.0")
    doses = [given(0, 100, ii=24, addl=2), given(72, 100)]
    grows = (Covariate(0, "X", 2.0), Covariate(20, "X", 5.0))
    timeline = course(doses, (), grows)
    entered = 100 * 1000 / V

    def level(t):
        return entered * sum(math.exp(-CL / V * (t - at)) for at in (2.0, 26.0, 50.0, 77.0) if at <= t)

    times = [1.9, 3.0, 25.9, 27.0, 49.0, 51.0, 76.0, 80.0]
    want = [level(t) for t in times]
    np.testing.assert_allclose(values(model, timeline, times), want, rtol=1e-10, atol=1e-9)
    # what was known at a time is the same course, repeats cut off there
    np.testing.assert_allclose(values(model, timeline.until(49.5), times[:5]), want[:5], rtol=1e-10, atol=1e-9)


def test_lags_longer_than_the_interval_are_answered_by_the_written_out_doses(nonmem):
    """NONMEM asks for a lag below II at steady state and answers 415 of the same test with 3502.6 at 0 h (lag 28 h, II 24 h)."""
    model = nonmem(lag=28.0, f=0.412)
    steady = values(model, course([given(0, 100, cmt=2, ii=24, addl=2, ss=1)]), TIMES)
    many = values(model, course([given(-2400, 100, cmt=2, ii=24, addl=102)]), [-2400.0, *TIMES])[1:]
    np.testing.assert_allclose(steady, many, rtol=1e-9)


def test_a_lag_longer_than_the_interval_is_said_once(make):
    model = make("long_lag", {"CL": CL, "V": V, "LAG_central": 28.0}, structure="ONE")
    steady = course([given(0, 100, ii=24, addl=2, ss=1, record="t.csv:2"), given(96, 100, ii=24, ss=1, record="t.csv:4")])
    remarks = [f for f in schedule_for(model, steady, [1.0]).findings if f.code == "lag_beyond_interval"]
    assert [(f.record, f.value) for f in remarks] == [("t.csv:2", 28.0)]
    assert not [f for f in schedule_for(model, course([given(0, 100, ii=36, ss=1)]), [1.0]).findings if "lag" in f.code]

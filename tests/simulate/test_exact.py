"""Linear models against closed forms written out here, and against 50-digit matrix exponentials."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mp, mpf

from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for, simulate

TIMES = np.array([0.01, 0.25, 0.5, 1.0, 3.0, 7.5, 12.0, 24.0, 47.9])


def run(model, doses, times=TIMES, covariates=(), **kw):
    course = schedule_for(model, Timeline(Patient("x"), tuple(doses), (), tuple(covariates)), times, **kw)
    found = predict(model, course, np.zeros((1, 1)), auc=True)
    assert found.ok.all()
    return found


def one_compartment(t, dose, duration, CL, V):
    """Closed form of one compartment: bolus, or infusion of ``duration`` h."""
    k = CL / V
    if duration == 0:
        return dose / V * math.exp(-k * t)
    during = min(t, duration)
    return dose / duration / CL * -math.expm1(-k * during) * math.exp(-k * (t - during))


def mammillary(t, dose, duration, K, V):
    """exp of a constant matrix in 50 digits, so that rounding here is none."""
    mp.dps = 50
    n = len(K)
    A = mp.matrix(n + 1)
    for i in range(n):
        for j in range(n):
            A[i, j] = mpf(K[i][j])
    if duration > 0:
        A[0, n] = mpf(dose) / mpf(duration)
    during = min(mpf(t), mpf(duration)) if duration > 0 else mpf(0)
    x = mp.matrix(n + 1, 1)
    x[n] = 1
    if duration == 0:
        x[0] = dose
    x = mp.expm(A * during) * x
    A[0, n] = 0
    return float((mp.expm(A * (mpf(t) - during)) * x)[0] / mpf(V))


@pytest.mark.parametrize("duration", [0.0, 0.5, 24.0])
def test_one_compartment(one, duration):
    got = run(one, [DoseEvent(0, 10.0, duration)]).value[0, :, 0]
    want = [one_compartment(t, 10.0, duration, 0.05, 0.8) for t in TIMES]
    np.testing.assert_allclose(got, want, rtol=1e-12)


@pytest.mark.parametrize("duration", [0.0, 0.5, 24.0])
def test_two_and_three_compartments(two, three, duration):
    k2 = [[-(0.0493 + 0.0205) / 0.833, 0.0205 / 0.7], [0.0205 / 0.833, -0.0205 / 0.7]]
    got = run(two, [DoseEvent(0, 26.4, duration)]).value[0, :, 0]
    np.testing.assert_allclose(got, [mammillary(t, 26.4, duration, k2, 0.833) for t in TIMES], rtol=1e-10)
    a, b, c = (6.21 + 2.15 + 0.271) / 26.5, 2.15 / 21.2, 0.271 / 148
    k3 = [[-a, b, c], [2.15 / 26.5, -b, 0], [0.271 / 26.5, 0, -c]]
    got = run(three, [DoseEvent(0, 500.0, duration)]).value[0, :, 0]
    np.testing.assert_allclose(got, [mammillary(t, 500.0, duration, k3, 26.5) for t in TIMES], rtol=1e-10)


def test_oral_with_lag_and_bioavailability(oral):
    """Bateman function, delayed."""
    got = run(oral, [DoseEvent(0, 100.0)]).value[0, :, 0]
    k = 4.0 / 70.0
    want = [
        0.0 if t <= 0.45 else 0.7 * 100 * 1.0 / (70 * (1.0 - k)) * (math.exp(-k * (t - 0.45)) - math.exp(-(t - 0.45)))
        for t in TIMES
    ]
    np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-12)


def test_transit_chain_with_equal_rates(transit):
    """A defective matrix: the depot-to-central delay is a gamma density."""
    found = run(transit, [DoseEvent(0, 100.0)], [0.5, 2.0, 6.0]).state[0]
    for x, t in zip(found, (0.5, 2.0, 6.0), strict=True):
        z = 1.3 * t
        np.testing.assert_allclose(x[:3], [100 * math.exp(-z) * f for f in (1, z, z * z / 2)], rtol=1e-10)


@settings(max_examples=60)
@given(
    k10=st.floats(1e-5, 50), k12=st.floats(0, 50), k21=st.floats(1e-5, 50), t=st.floats(1e-4, 200),
)  # fmt: skip
def test_two_states_over_the_whole_plane(two, k10, k12, k21, t):
    """Every ratio of rates, also equal ones and no exchange at all, against 50 digits."""
    theta = np.array([k10, 1.0, k12, 1.0 if k12 == 0 else k12 / k21])
    course = schedule_for(two, Timeline(Patient("x"), (DoseEvent(0, 1.0),)), [t])
    found = predict(two, course, np.zeros((1, 1)), theta=theta)
    got = found.value[0, 0, 0]
    if not found.ok[0]:
        # a volume whose reciprocal overflows is no model: a failure, and only there
        assert theta[3] < 1e-307
        assert math.isnan(got)
        return
    back = 0.0 if k12 == 0 else k12 / theta[3]
    want = mammillary(t, 1.0, 0.0, [[-(k10 + k12), back], [k12, -back]], 1.0)
    assert abs(got - want) <= 1e-9 * abs(want) + 1e-15


def test_what_cannot_be_computed_is_a_failure_and_no_number(two):
    """A volume of 0 (as a subnormal rate divided by another gives) makes a rate infinite: neither 0 nor any other level."""
    course = schedule_for(two, Timeline(Patient("x"), (DoseEvent(0, 1.0),)), [1.0])
    theta = np.array([[1.0, 1.0, 5e-324, 5e-324 / 50], [1.0, 1.0, 0.0, 1.0]])
    found = predict(two, course, np.zeros((2, 1)), theta=theta, auc=True)
    assert found.ok.tolist() == [False, True]
    assert np.isnan(found.value[0]).all()
    assert np.isnan(found.state[0]).all()
    assert np.isnan(found.auc[0]).all()
    np.testing.assert_allclose(found.value[1, 0, 0], math.exp(-1.0), rtol=1e-12)
    cohort = simulate(two, course, np.zeros((2, 1)), theta=theta, course=[0, 0])
    assert np.isnan(cohort.value[0]).all()
    assert len(cohort.failures) == 1


def test_areas_against_clearance(two, oral, three, one):
    """The area of one dose is F x dose / CL."""
    for model, CL, F, end in ((one, 0.05, 1, 2e3), (two, 0.0493, 1, 3e3), (three, 6.21, 1, 2e4), (oral, 4.0, 0.7, 3e3)):
        found = run(model, [DoseEvent(0, 10.0, 0.5)], [end])
        np.testing.assert_allclose(found.auc[0, 0, 0], F * 10.0 / CL, rtol=1e-9)


def test_piecewise_covariates(one):
    """Clearance doubles at 10 h under LOCF, over the interval before under NOCB, and on the way under linear."""
    covariates = (Covariate(0, "X", 1.0), Covariate(10, "X", 2.0))
    k = 0.05 / 0.8
    doses = [DoseEvent(0, 8.0)]

    def at20(rule):
        return run(one, doses, [10.0, 20.0], covariates, rule=rule).value[0, :, 0]

    np.testing.assert_allclose(at20("locf"), [10 * math.exp(-10 * k), 10 * math.exp(-30 * k)], rtol=1e-12)
    np.testing.assert_allclose(at20("nocb"), [10 * math.exp(-20 * k), 10 * math.exp(-40 * k)], rtol=1e-12)
    np.testing.assert_allclose(at20("linear"), [10 * math.exp(-15 * k), 10 * math.exp(-35 * k)], rtol=1e-12)


def test_infinity_reaches_states_it_is_not_coupled_to(three):
    """A third volume of 0 makes one rate infinite; no state of that vector is a number, and the other vector is untouched."""
    theta = np.array([[6.21, 26.5, 2.15, 21.2, 0.271, 0.0], [6.21, 26.5, 2.15, 21.2, 0.271, 148.0]])
    course = schedule_for(three, Timeline(Patient("x"), (DoseEvent(0, 1.0),)), [1.0, 24.0])
    cohort = simulate(three, course, np.zeros((2, 1)), theta=theta, course=[0, 0])
    assert cohort.ok.tolist() == [False, True]
    np.testing.assert_allclose(cohort.value[2:], predict(three, course, np.zeros((1, 1))).value[0], rtol=1e-12)

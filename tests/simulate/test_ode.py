"""Adaptive steppers: accuracy against a 1e-12 reference, measured order of convergence, stiffness, failures as values."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dosetwin.records import DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for, simulate
from dosetwin.simulate._globals import work_layout
from dosetwin.simulate.kernel import compiled
from dosetwin.simulate.ode import EXPLICIT_ORDER, STIFF_ORDER

TIMES = np.array([0.3, 1.0, 4.0, 11.0, 24.0, 40.0])
DOSES = (DoseEvent(0.0, 100.0, 1.0), DoseEvent(12.0, 60.0))


def reference(model, times, doses):
    """DOP853 / Radau at 1e-12 on the interpreted model, restarted at every event."""
    p = model.individual(model.theta(), model.eta(0.0), model.cov(1.0))
    start = model.initial(p, model.cov(1.0)) if model.initial else model.state(*([0.0] * len(model.states)))
    x, t, found = np.array(start, float), 0.0, []
    cuts = sorted({*times, *(d.time for d in doses), *(d.time + d.duration for d in doses)})
    for cut in [*cuts]:
        rate = sum(d.rate for d in doses if d.time <= t < d.time + d.duration)

        def f(s, y, rate=rate):
            dy = np.array(model.dynamics(s, model.state(*y), p, model.cov(1.0)))
            dy[0] += rate
            return dy

        if cut > t:
            x = solve_ivp(f, (t, cut), x, method="Radau" if model.solver != "explicit" else "DOP853", rtol=1e-12, atol=1e-15).y[
                :, -1
            ]
            t = cut
        if t in times:
            found.append(model.observe(model.state(*x), p, model.cov(1.0))[0])
        x[0] += sum(d.amount for d in doses if d.duration == 0 and d.time == t)
    return np.array(found)


@pytest.mark.parametrize("rtol", [1e-4, 1e-6, 1e-8])
def test_explicit_is_within_ten_tolerances(michaelis, rtol):
    course = schedule_for(michaelis, Timeline(Patient("x"), DOSES), TIMES)
    got = simulate(michaelis, course, rtol=rtol, atol=rtol).cube()[0, :, 0]
    want = reference(michaelis, TIMES, DOSES)
    assert np.all(np.abs(got - want) <= 10 * (rtol + rtol * np.abs(want)))


def _steps(model, which, n):
    """One fixed-step run over 2 h from a smooth start; returns the end state."""
    kernel = compiled(model)
    p = kernel.parameters(20.0, 4.0, 30.0)
    x, u, N = np.array([50.0, 10.0]), np.zeros(2), 2
    tail = () if which == "advance_stiff" else (False,)
    atol = np.full(2, 1e-6)
    if which == "advance_stiff":
        W = np.zeros((work_layout(N)["WORK_ROWS"], N))
        code, *_ = kernel.advance_stiff(x, u, p, kernel.cov_(1.0), 0.0, 2.0, 2.0 / n, 1e-6, atol, 2.0 / n, W)
    else:
        code, *_ = kernel.advance_explicit(x, u, p, kernel.cov_(1.0), 0.0, 2.0, 2.0 / n, 1e-6, atol, 2.0 / n, *tail)
    assert code == 0
    return x


SATURABLE = ("-p.VMAX * A.central / (p.KM * p.V + A.central) - 0.2 * A.central + 0.1 * A.peripheral + math.sin(3.0 * t), "
             "0.2 * A.central - 0.1 * A.peripheral")  # fmt: skip
PREDATOR = "-0.02 * A.central * A.peripheral + 3.0 * math.sin(3.0 * t), 0.02 * A.central * A.central - 0.5 * A.peripheral"


# a Rosenbrock method gains an order on nearly linear systems: the stiff one is measured on the more nonlinear problem
@pytest.mark.parametrize(
    ("which", "declared", "dynamics"), [("advance_explicit", EXPLICIT_ORDER, SATURABLE), ("advance_stiff", STIFF_ORDER, PREDATOR)]
)
def test_measured_order_equals_declared(make, which, declared, dynamics):
    model = make(
        f"order_{which}", {"VMAX": 20.0, "KM": 4.0, "V": 30.0}, state=("central", "peripheral"), solver="auto", dynamics=dynamics
    )
    fine = _steps(model, "advance_explicit", 3000)  # its error is 1e-6 of the errors measured
    counts = np.array([16, 24, 32])
    errors = np.array([np.linalg.norm(_steps(model, which, int(n)) - fine) for n in counts])
    order = -np.polyfit(np.log(counts), np.log(errors), 1)[0]
    assert abs(order - declared) < 0.35, (order, errors)


@pytest.mark.parametrize("name", ["robertson_stiff", "robertson_auto"])
def test_stiff_problem_chosen_or_detected(name, request):
    """Robertson's kinetics over 1e4 time units: an explicit method alone would need millions of steps."""
    model = request.getfixturevalue(name)
    times = np.array([0.4, 40.0, 4000.0, 1e4])
    course = schedule_for(model, Timeline(Patient("x"), (DoseEvent(0.0, 0.0),)), times)
    got = predict(model, course, np.zeros((1, 1)))
    assert got.ok.all()
    # Hairer & Wanner's table of the Robertson problem (also in CVODE's example output)
    np.testing.assert_allclose(got.value[0, :3, 0], [9.8517e-01, 7.1583e-01, 1.8320e-01], rtol=2e-4)
    want = reference(model, times, ())
    np.testing.assert_allclose(got.value[0, :, 0], want, rtol=1e-5)


def test_explosion_is_a_failure_with_a_reason(make):
    """x' = x^2 leaves every bound at t = 1/x0."""
    model = make("explode", {"K": 1.0, "V": 1.0}, state=("central",), dynamics="p.K * A.central * A.central", solver="explicit")
    course = schedule_for(model, Timeline(Patient("x"), (DoseEvent(0, 1.0),)), [0.5, 2.0])
    cohort = simulate(model, course)
    assert not cohort.ok[0]
    assert cohort.failures[0].code.startswith("solver_")
    assert np.isnan(cohort.value).all()


def test_a_model_output_that_is_not_finite_is_a_failure(make):
    model = make(
        "lognegative", {"K": 1.0, "V": 1.0}, state=("central",), dynamics="-p.K", observe="math.log(A.central)", solver="explicit"
    )
    course = schedule_for(model, Timeline(Patient("x"), (DoseEvent(0, 1.0),)), [0.5, 2.0])
    cohort = simulate(model, course)
    assert not cohort.ok[0]
    assert np.isnan(cohort.value).all()

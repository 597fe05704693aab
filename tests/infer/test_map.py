"""MAP and Laplace against a general optimiser and independent differences."""

import numpy as np
import pytest
from scipy import optimize

from dosetwin.declare import Model
from dosetwin.infer import evidence_for, fit_many, map_estimate
from dosetwin.records import DoseEvent, Observation, Patient, Timeline

from .conftest import simulated


def objective(model: Model, timeline: Timeline):
    """The objective in eta, from its definition."""
    evidence = evidence_for(model, timeline)
    inverse = np.linalg.inv(model.omega_for(evidence.occasions))

    def at(eta: np.ndarray) -> float:
        ll = evidence.log_likelihood(evidence.predict_eta(np.atleast_2d(eta)))[0]
        return -2.0 * ll - evidence.constant + float(eta @ inverse @ eta)

    return at


def numerical_hessian(f, x: np.ndarray, h: float) -> np.ndarray:
    n = len(x)
    out = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            a, b = np.eye(n)[i] * h, np.eye(n)[j] * h
            out[i, j] = (f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b)) / (4 * h * h)
    return out


def test_no_levels_give_exactly_the_prior(bench: Model, occasions: Model) -> None:
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 20.0),), occasions=(24.0,))
    for model in (bench, occasions):
        found = map_estimate(model, timeline)
        assert (found.eta == 0.0).all()
        assert (found.cov == model.omega_for(2)).all()
        assert found.objective == 0.0
        assert found.converged


def test_against_a_general_optimiser(bench: Model, baby: Timeline) -> None:
    f = objective(bench, baby)
    best = optimize.minimize(f, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000})
    found = map_estimate(bench, baby)
    np.testing.assert_allclose(found.eta, best.x, atol=1e-6)
    assert found.objective == pytest.approx(best.fun, abs=1e-8)
    # the Hessian is taken up to SCORING_TOLERANCE prior SDs away from the mode
    np.testing.assert_allclose(found.cov, 2.0 * np.linalg.inv(numerical_hessian(f, best.x, 1e-3)), rtol=3e-3, atol=1e-8)


def test_occasions_share_between_and_within(occasions: Model) -> None:
    rng = np.random.default_rng(5)
    eta = np.array([0.2, -0.1, 0.5, -0.5])
    patient = simulated(occasions, "p", np.array([0.2, -0.1, 0.0]), np.array([1.0, 23.0, 25.0, 47.0]), rng)
    patient = Timeline(patient.patient, patient.doses, patient.observations, occasions=(24.0,))
    f = objective(occasions, patient)
    best = optimize.minimize(f, 0.1 * eta, method="BFGS", options={"gtol": 1e-8})
    found = map_estimate(occasions, patient)
    assert found.eta.shape == (4,)
    np.testing.assert_allclose(found.eta, best.x, atol=1e-5)


def test_adaptive_solver_and_lognormal_error(nonlinear: Model) -> None:
    timeline = Timeline(
        Patient("p"), doses=(DoseEvent(0.0, 20.0),), observations=(Observation(1.0, "", 15.0), Observation(10.0, "", 6.0))
    )
    f = objective(nonlinear, timeline)
    best = optimize.minimize(f, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-11, "maxiter": 2000})
    found = map_estimate(nonlinear, timeline)
    assert found.converged
    np.testing.assert_allclose(found.eta, best.x, atol=1e-4)


def test_below_quantification_informs(bench: Model) -> None:
    doses = (DoseEvent(0.0, 26.4, 0.5),)
    blq = Observation(23.5, "drug", 1.0, loq=1.0, blq=True)
    timeline = Timeline(Patient("p"), doses=doses, observations=(blq,))
    f = objective(bench, timeline)
    best = optimize.minimize(f, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    found = map_estimate(bench, timeline)
    np.testing.assert_allclose(found.eta, best.x, atol=1e-5)
    assert found.eta[0] > 0.1  # cleared faster than the typical patient


def test_extreme_levels_still_converge(bench: Model) -> None:
    """From levels 1,000-fold too low to 100-fold too high; the optimum is that of a patient general optimiser."""
    for factor in (1e-3, 0.01, 0.1, 10.0, 100.0):
        levels = tuple(Observation(t, "drug", factor * v) for t, v in ((1.0, 30.0), (23.5, 7.0)))
        timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4, 0.5),), observations=levels)
        found = map_estimate(bench, timeline)
        f = objective(bench, timeline)
        starts = [np.array([a, b]) for a in (-1.5, 0.0, 1.5) for b in (-1.5, 0.0, 1.5)]
        best = min(optimize.minimize(f, s, method="Nelder-Mead", options={"maxiter": 2000}).fun for s in starts)
        assert found.converged
        assert found.objective <= best + 1e-4


def test_many_patients_do_not_depend_on_threads(bench: Model) -> None:
    rng = np.random.default_rng(1)
    patients = [simulated(bench, str(i), 0.2 * rng.standard_normal(2), np.array([1.0, 23.5, 49.0]), rng) for i in range(12)]
    seen: list[tuple[int, int]] = []
    one = fit_many(bench, patients, threads=1)
    two = fit_many(bench, patients, threads=2, progress=lambda done, total: seen.append((done, total)))
    assert all((a.eta == b.eta).all() and a.objective == b.objective for a, b in zip(one, two, strict=True))
    assert seen[-1] == (12, 12)

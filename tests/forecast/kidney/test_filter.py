"""The filter against exact answers: Bayes by hand, a dense joint Gaussian, and the parameters that made a cohort."""

import json

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.forecast.kidney._filter_kernel import run
from dosetwin.forecast.kidney.carried import Carried
from dosetwin.forecast.kidney.filter import VAN_DONGE, FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.record import ward_record
from dosetwin.forecast.kidney.steps import Steps, steps_for
from dosetwin.forecast.kidney.vandonge import VanDonge
from forecast.kidney.babies import cohort


def course(steps: Steps, z: np.ndarray, sd: np.ndarray, tau: float) -> np.ndarray:
    """Log creatinine at the end of each step for standard normal ``z`` [5 + n_steps]: the model itself, written out again."""
    S = np.log(steps.birth) + sd[0] * z[0]
    wander, out = sd[4] * z[4], []
    for k in range(len(steps.dt)):
        h, share = steps.dt[k], steps.from_birth[k]
        rate = steps.out[k] * np.exp(share * sd[2] * z[2] + (1 - share) * sd[3] * z[3] + wander)
        into = steps.into[k] * np.exp(sd[1] * z[1])
        S = np.log(into / rate + (np.exp(S) - into / rate) * np.exp(-rate * h))
        fade = np.exp(-h / tau)
        wander = wander * fade + sd[4] * np.sqrt(1 - fade**2) * z[5 + k]
        out.append(S)
    return np.array(out)


def test_equals_the_exact_joint_gaussian_where_the_model_is_linear() -> None:
    """With offsets of 0.1 % the balance is linear in them: the recursion must be ordinary conditioning of one big Gaussian."""
    sd, tau, noise = np.array([2.0, 1.0, 1.5, 2.5, 1.2]) * 1e-3, 30.0, 1e-3
    plain = ward_record("a", 27, 0.9, [10.0, 30.0, 31.0, 90.0, 200.0], [0.5, 0.6, 0.6, 0.8, 0.7])
    steps = steps_for(plain, (24.0, 72.0))
    n = 5 + len(steps.dt)
    middle = course(steps, np.zeros(n), sd, tau)
    slope = np.array([(course(steps, np.eye(n)[j], sd, tau) - course(steps, -np.eye(n)[j], sd, tau)) / 2 for j in range(n)]).T
    seen, ahead = slope[steps.seen >= 0], slope[steps.ahead >= 0]
    miss = 1e-3 * np.array([1.0, -2.0, 0.5, 3.0, -1.0])
    gain = ahead @ seen.T @ np.linalg.inv(seen @ seen.T + noise**2 * np.eye(5))
    mean = middle[steps.ahead >= 0] + gain @ miss
    cov = ahead @ ahead.T - gain @ seen @ ahead.T

    record = ward_record("a", 27, 0.9, plain.time, np.exp(middle[steps.seen >= 0] + miss))
    parameters = FilterParameters(sd=tuple(sd), tau=tau, prop=noise, add=0.0)
    state = KalmanFilter(parameters).state(record, (24.0, 72.0))
    assert state.mean[:, 0] - middle[steps.ahead >= 0] == pytest.approx(gain @ miss, rel=0.01)
    assert state.mean[:, 0] == pytest.approx(mean, abs=1e-5)
    assert np.diag(state.cov[:, 0, 0]) == pytest.approx(np.diag(np.diag(cov)), rel=0.01)
    total = seen @ seen.T + noise**2 * np.eye(5)
    exact = 0.5 * (miss @ np.linalg.solve(total, miss) + np.linalg.slogdet(2 * np.pi * total)[1])
    assert KalmanFilter(parameters).negative_log_likelihood([record]) * 5 == pytest.approx(exact, abs=0.02)


def test_is_bayes_rule_when_only_the_start_is_unknown() -> None:
    """No production, known clearance: log creatinine falls on a line, and the posterior of its start is a weighted mean."""
    dt, rate, prior_sd, noise = np.array([5.0, 7.0, 12.0]), 0.02, 0.3, 0.1
    y = np.array([-0.5, -0.9])
    mean, cov = np.zeros((1, 5)), np.zeros((1, 5, 5))
    zero = np.zeros(3)
    run(
        dt, zero, np.full(3, rate), zero, np.zeros((3, 5)), np.array([0, 1, -1]), np.array([-1, -1, 0]), 0.6, y,
        np.zeros(4), np.zeros(5), np.array([prior_sd, 0.0, 0.0, 0.0, 0.0]), 24.0, noise, 0.0, mean, cov,
    )  # fmt: skip
    starts = y + 0.5 * noise**2 + rate * np.array([5.0, 12.0])  # a log of normal errors is half their variance too low
    precision = 1 / prior_sd**2 + 2 / noise**2
    start = (np.log(0.6) / prior_sd**2 + starts.sum() / noise**2) / precision
    assert mean[0, 0] == pytest.approx(start - rate * 24.0, rel=1e-12)
    assert cov[0, 0, 0] == pytest.approx(1 / precision, rel=1e-9)


def test_fit_finds_the_parameters_that_made_the_cohort() -> None:
    sd, tau, prop, add = (0.25, 0.2, 0.3, 0.35, 0.15), 36.0, 0.05, 0.03
    fitted = KalmanFilter.fit([b.record for b in cohort(400, sd=sd, tau=tau, prop=prop, add=add)]).parameters
    assert fitted.sd == pytest.approx(sd, rel=0.35)
    assert fitted.tau == pytest.approx(tau, rel=0.6)
    assert fitted.prop == pytest.approx(prop, abs=0.02)
    assert fitted.add == pytest.approx(add, abs=0.01)
    assert np.abs(fitted.mean).max() < 0.12
    assert FilterParameters.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted


def test_bands_hold_and_the_filter_beats_the_carried_value_on_its_own_truth() -> None:
    train = [b.record for b in cohort(150, start=10_000)]
    rivals = [KalmanFilter.fit(train), Carried.fit(train)]
    error, inside, GFR = {r.name: [] for r in rivals}, [], []
    for b in cohort(100, start=20_000):
        for t in b.record.time[:-1:2]:
            record = b.record.until(t)
            truth = b.scr[int(t) + 24]
            for rival in rivals:
                error[rival.name].append(rival.forecast(record).median[0] - truth)
            latent = rivals[0].forecast(record).latent[0]
            inside.append(latent[0] < np.log(truth) < latent[4])
            state = rivals[0].state(record, [24.0])
            GFR.append(abs(np.log(b.GFR[int(t) + 24]) - state.log_GFR_mean[0]) < 1.645 * state.log_GFR_sd[0])
    rmse = {name: float(np.sqrt(np.mean(np.square(e)))) for name, e in error.items()}
    assert rmse["filter"] < 0.85 * rmse["carried"]
    assert 0.84 < np.mean(inside) < 0.96
    assert 0.80 < np.mean(GFR) < 0.98


def test_a_new_creatinine_moves_and_narrows_the_belief() -> None:
    before = ward_record("a", 26, 0.8, [20.0, 60.0], [0.6, 0.8], now=90.0)
    high = ward_record("a", 26, 0.8, [20.0, 60.0, 90.0], [0.6, 0.8, 1.3])
    f = KalmanFilter()
    a, b = f.state(before, [0.0]), f.state(high, [0.0])
    assert b.mean[0, 0] > a.mean[0, 0]
    assert b.log_GFR_mean[0] < a.log_GFR_mean[0]
    assert b.cov[0, 0, 0] < a.cov[0, 0, 0]
    assert b.log_GFR_sd[0] < a.log_GFR_sd[0]


def test_nothing_to_fit_on_is_an_error() -> None:
    with pytest.raises(InputError, match="no usable record"):
        KalmanFilter.fit([ward_record("a", 27, 0.9)])


def test_on_the_published_balance_a_baby_without_creatinine_follows_the_published_curve():
    """Means are 0 there, so the filter's median without data is van Donge's typical baby, as the reconstruction forecasts it."""
    still = FilterParameters(sd=(1e-3,) * 5, prop=0.05, add=0.03)
    for GA, BW, now in ((25.0, 0.7, 60.0), (29.0, 0.95, 240.0), (36.0, 2.6, 30.0)):
        record = ward_record("a", GA, BW, now=now)
        found = KalmanFilter(still, "second", VAN_DONGE).forecast(record, (24.0, 72.0))
        np.testing.assert_allclose(found.median, VanDonge().forecast(record, (24.0, 72.0)).median, rtol=2e-3)


def test_fitted_on_the_published_balance_it_keeps_the_published_baby_and_explains_better_than_unfitted():
    babies = [b.record for b in cohort(60, 31)]
    fitted = KalmanFilter.fit(babies, structure=VAN_DONGE, max_iterations=15)
    assert fitted.parameters.mean == (0.0, 0.0, 0.0, 0.0)
    assert fitted.structure == VAN_DONGE
    unfitted = KalmanFilter(FilterParameters(prop=0.08), "second", VAN_DONGE)
    assert fitted.negative_log_likelihood(babies) < unfitted.negative_log_likelihood(babies)

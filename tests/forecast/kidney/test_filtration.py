"""Filtration by day: against weighted simulation, closed forms and dense matrices; the fitted filter that ships."""

import json

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.forecast.kidney import fitted
from dosetwin.forecast.kidney.filter import FilterParameters, KalmanFilter
from dosetwin.forecast.kidney.filtration import AHEAD_DAYS, components, filtration_path
from dosetwin.forecast.kidney.record import ward_record
from dosetwin.forecast.kidney.steps import steps_for
from dosetwin.populations.newborn_kidney import frozen

FILTER = fitted.load().filter


def record(scr=(0.75, 0.9, 1.15), **changes):
    given = {"now": 72.0, "flags": {}} | changes
    return ward_record("x", 29.0, 1.1, [24.0 * (k + 1) for k in range(len(scr))], list(scr), **given)


def test_smoothed_days_match_weighted_simulation():
    """100,000 babies drawn from the filter's own equations, weighted by the measured creatinines: no linearisation there."""
    q = FilterParameters(sd=(0.15, 0.12, 0.2, 0.2, 0.08), tau=48.0, prop=0.08, add=0.03)
    r = record((0.72, 0.78, 0.85))
    path = filtration_path(r, KalmanFilter(q), since=0.0)
    steps = steps_for(r, [24.0 * k for k in range(1, AHEAD_DAYS + 1)])
    rng = np.random.default_rng(5)
    n = 100_000
    S = steps.birth * np.exp(q.sd[0] * rng.standard_normal(n))
    P, a, b, w = (sd * rng.standard_normal(n) for sd in q.sd[1:])
    log_weight, total = np.zeros(n), np.zeros((len(path.start), n))
    length = np.zeros(len(path.start))
    for k, dt in enumerate(steps.dt.tolist()):
        if dt > 0:
            offset = steps.from_birth[k] * a + (1 - steps.from_birth[k]) * b + w
            rate = steps.out[k] * np.exp(offset)
            left = np.exp(-rate * dt)
            S = S * left + steps.into[k] * np.exp(P) / rate * (1 - left)
            day = int(np.searchsorted(path.start, steps.middle[k], side="right")) - 1
            total[day] += offset * dt
            length[day] += dt
            fade = np.exp(-dt / q.tau)
            w = w * fade + q.sd[4] * np.sqrt(1 - fade**2) * rng.standard_normal(n)
        if steps.seen[k] >= 0:
            sd = np.hypot(q.prop * S, q.add)
            z = (r.scr[steps.seen[k]] - S) / sd
            log_weight += -0.5 * z**2 - np.log(sd)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    assert 1.0 / np.square(weight).sum() > 5000
    days = total / length[:, None]
    mean = days @ weight
    sd = np.sqrt(np.square(days - mean[:, None]) @ weight)
    assert path.mean == pytest.approx(mean, abs=0.02)
    assert np.sqrt(np.diag(path.cov)) == pytest.approx(sd, rel=0.06)


def test_before_creatinine_the_variance_is_the_declared_one():
    q = FilterParameters(sd=(0.25, 0.2, 0.3, 0.3, 0.12), tau=1e9)
    path = filtration_path(record(()), KalmanFilter(q), since=0.0)
    assert path.mean == pytest.approx(0.0, abs=1e-12)
    # one constant on birth and maturation alike would be 0.3; they are independent, so between 0.3 / sqrt 2 and 0.3
    sd = np.sqrt(np.diag(path.before_cov) - 0.12**2)
    assert ((sd >= 0.3 / np.sqrt(2) - 1e-9) & (sd <= 0.3 + 1e-9)).all()
    assert len(path.start) == 3 + AHEAD_DAYS
    assert path.start[3] == 72.0


def test_what_creatinine_says_on_another_prior_is_the_dense_formula():
    path = filtration_path(record(), FILTER, since=24.0)
    mean, cov = path.under(0.22)
    scale = 0.22 / np.sqrt(np.diag(path.before_cov))
    prior = path.before_cov * np.outer(scale, scale)
    inverse = np.linalg.inv
    dense = inverse(inverse(prior) + inverse(path.cov) - inverse(path.before_cov))
    assert cov == pytest.approx(dense, rel=1e-3, abs=1e-6)
    assert mean == pytest.approx(dense @ inverse(path.cov) @ (path.mean - path.before_mean), abs=1e-4)
    assert (np.diag(cov) < 0.22**2).all()


def test_without_creatinine_it_is_the_models_own_prior():
    path = filtration_path(record(()), FILTER, since=0.0)
    mean, cov = path.under(0.22)
    assert mean == pytest.approx(0.0, abs=1e-9)
    assert np.sqrt(np.diag(cov)) == pytest.approx(0.22, rel=1e-4)


def test_todays_creatinine_corrects_yesterday():
    low, high = (filtration_path(record((0.75, 0.9, last)), FILTER, since=0.0) for last in (0.8, 1.4))
    assert (high.mean < low.mean - 0.03).all()
    assert high.start[0] == 0.0


def test_the_filters_own_forecast_changes_nothing_and_a_higher_one_lowers_filtration():
    from dataclasses import replace

    r = record()
    own = FILTER.forecast(r)
    alone, same = filtration_path(r, FILTER, since=24.0), filtration_path(r, FILTER, since=24.0, forecast=own)
    assert same.mean == pytest.approx(alone.mean, abs=1e-9)
    assert same.cov == pytest.approx(alone.cov, abs=1e-9)
    higher = filtration_path(r, FILTER, since=24.0, forecast=replace(own, latent=own.latent + 0.2))
    assert (higher.mean < alone.mean).all()
    surer = replace(own, latent=own.latent[:, 2:3] + 0.5 * (own.latent - own.latent[:, 2:3]))
    narrow = filtration_path(r, FILTER, since=24.0, forecast=surer)
    assert (np.diag(narrow.cov) <= np.diag(alone.cov) + 1e-12).all()


@pytest.mark.parametrize("flag", ["IBU", "COOLING"])
def test_known_effects_of_ibuprofen_and_cooling_stay_out(flag):
    """Creatinine exactly as expected under the drug is no news about filtration, however strong the known effect."""
    effect = {"IBU": (-0.5, 0, 0, 0, 0), "COOLING": (0, 0, -0.5, 0, 0)}[flag]
    strong = KalmanFilter(FilterParameters(effect=effect, prop=0.05, add=0.01))
    flags = {flag: ((0.0,), (1.0,))}
    scr: list[float] = []
    for k in range(3):
        ahead = ward_record("x", 29.0, 1.1, [24.0 * (j + 1) for j in range(k)], scr, now=24.0 * k, flags=flags)
        scr.append(float(strong.forecast(ahead, [24.0]).median[0]))
    path = filtration_path(record(scr, flags=flags), strong, since=0.0)
    assert path.mean == pytest.approx(0.0, abs=0.03)
    assert path.known == pytest.approx(0.0)
    blind = filtration_path(record(scr), strong, since=0.0)
    assert blind.mean[2] < -0.15


def test_indomethacin_has_no_parameter_of_its_own_on_the_drug_so_its_effect_stays_in():
    q = FilterParameters(effect=(0.0, -0.2, 0.0, 0.0, 0.0))
    path = filtration_path(record(flags={"INDO": ((0.0,), (1.0,))}), KalmanFilter(q), since=0.0)
    assert path.known[0] == pytest.approx(-0.2)


def test_components_keep_every_days_variance():
    path = filtration_path(record(), FILTER, since=0.0)
    loadings = components(path.cov, 3)
    assert np.square(loadings).sum(axis=1) == pytest.approx(np.diag(path.cov), rel=1e-12)
    full = components(path.cov, len(path.cov))
    assert full @ full.T == pytest.approx(path.cov, abs=1e-12)
    assert np.abs(loadings @ loadings.T - path.cov).max() < 0.15 * path.cov.max()
    assert components(path.cov[:1, :1], 3).shape == (1, 3)


# ------------------------------------------------------------------------------------------------- the fitted filter


def test_the_shipped_filter_is_what_its_card_says():
    found = fitted.load()
    assert found.card["truths"] == frozen.recorded()["sha256"]["all"]
    assert found.card["nll_per_creatinine"] < found.card["nll_per_creatinine_unfitted"]
    assert "no real baby" in found.card["data"]


def test_damaged_weights_are_refused_with_both_hashes(tmp_path):
    content = json.loads(fitted.SHIPPED.read_text())
    content["parameters"]["tau"] *= 1.0001
    file = tmp_path / "filter.json"
    file.write_text(json.dumps(content))
    with pytest.raises(InputError) as refused:
        fitted.load(file)
    assert content["sha256"] in str(refused.value)
    assert fitted.sha256_of(content) in str(refused.value)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"sha256": 1, "card": {}, "parameters": {}}', "\xff"])
def test_what_is_no_weights_file_is_refused(tmp_path, text):
    file = tmp_path / "filter.json"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=r"filter\.json"):
        fitted.load(file)
    with pytest.raises(InputError, match="cannot be read"):
        fitted.load(tmp_path / "none.json")


def test_the_command_that_fits_it_works_and_keeps_off_the_test_seeds(tmp_path):
    from dosetwin.calibrate import kidney_filter

    file = tmp_path / "small.json"
    kidney_filter.main(["--babies", "60", "--seed", "811001", "--date", "2026-01-01", "--out", str(file)])
    small = fitted.load(file)
    assert small.card["babies"] <= 60
    assert small.card["nll_per_creatinine"] <= small.card["nll_per_creatinine_unfitted"]
    with pytest.raises(ValueError, match="evaluation"):
        kidney_filter.babies(10, 900_001)
    with pytest.raises(ValueError, match="evaluation"):
        kidney_filter.babies(10, 900_000)

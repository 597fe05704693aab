"""Kinetic GFR: the filtration that made the data comes back out of the creatinines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.forecast.kidney.carried import Carried
from dosetwin.forecast.kidney.filter import KalmanFilter
from dosetwin.forecast.kidney.kinetic import HIGHEST, LOWEST, gfr_from_forecast, kinetic_gfr
from dosetwin.forecast.kidney.record import ward_record
from dosetwin.structure.kidney import balance_step, birth_creatinine, creatinine_balance
from forecast.kidney.babies import baby


def made(GA: float, BW: float, factor: float, times: list[float], more: float = 1.0) -> tuple[list[float], list[float]]:
    """Creatinine mg/dL at ``times`` under ``factor`` times typical filtration, and typical filtration of each quarter hour."""
    plain = ward_record("m", GA, BW)
    S, scr, GFR = birth_creatinine(GA), {0.0: birth_creatinine(GA)}, []
    for k in range(int(max(times) * 4)):
        t = (k + 0.5) / 4
        b = creatinine_balance(GA, BW, plain.weight_at(t), t / 24)
        S = balance_step(S, b.into * more, b.out * factor, 0.25)
        GFR.append(b.GFR)
        scr[(k + 1) / 4] = S
    return [scr[t] for t in times], GFR


@settings(max_examples=15, deadline=None)
@given(st.floats(24, 41), st.floats(0.4, 2.5))
def test_recovers_the_filtration_that_made_the_data(GA: float, factor: float) -> None:
    times = [24.0, 48.0, 96.0, 240.0]
    scr, GFR = made(GA, 1.5, factor, times)
    found = kinetic_gfr(ward_record("a", GA, 1.5, times, scr))
    assert [(g.start, g.end) for g in found] == [(24.0, 48.0), (48.0, 96.0), (96.0, 240.0)]
    for g in found:
        assert g.factor == pytest.approx(factor, rel=0.02)
        assert pytest.approx(factor * np.mean(GFR[int(4 * g.start) : int(4 * g.end)]), rel=0.02) == g.GFR
        assert not g.clamped


def test_its_uncertainty_is_that_of_repeated_measurement() -> None:
    """SD of log factor over measurements with error and babies with their own production, against the printed one."""
    rng = np.random.default_rng(4)
    prop, add = 0.04, 0.01
    factors, printed = [], []
    for _ in range(200):
        scr, _ = made(30, 1.4, 1.0, [48.0, 96.0], np.exp(0.2 * rng.normal()))
        noisy = [s * (1 + prop * rng.normal()) + add * rng.normal() for s in scr]
        (g,) = kinetic_gfr(ward_record("a", 30, 1.4, [48.0, 96.0], noisy), prop=prop, add=add)
        factors.append(np.log(g.factor))
        printed.append(g.log_sd)
    # the value at 48 h carries the baby's own production too, so the two do not quite add up as independent
    assert np.std(factors) == pytest.approx(np.median(printed), rel=0.25)


def test_steeper_than_production_is_clamped_and_says_so() -> None:
    (g,) = kinetic_gfr(ward_record("a", 40, 3.4, [48.0, 72.0], [0.6, 3.0]))
    assert g.clamped
    assert g.factor == LOWEST
    (g,) = kinetic_gfr(ward_record("a", 40, 3.4, [48.0, 72.0], [3.0, 0.2]))
    assert g.clamped
    assert g.factor == HIGHEST


def test_too_few_or_too_close_creatinines_give_nothing() -> None:
    assert kinetic_gfr(ward_record("a", 30, 1.4)) == ()
    assert kinetic_gfr(ward_record("a", 30, 1.4, [24.0], [0.6])) == ()
    assert kinetic_gfr(ward_record("a", 30, 1.4, [24.0, 24.5], [0.6, 0.7])) == ()


def test_filtration_follows_from_a_forecast() -> None:
    """A forecast that is the noise-free truth gives back the truth's filtration; a refusal stays one."""
    scr, GFR = made(28, 1.1, 0.7, [72.0, 96.0, 120.0])
    record = ward_record("a", 28, 1.1, [72.0], scr[:1])
    answer = Carried().forecast(record, (24.0, 48.0))
    exact = np.log(np.array(scr[1:]))[:, None] + 0.01 * np.array([-1.6448536, -0.6744898, 0, 0.6744898, 1.6448536])
    perfect = type(answer)("truth", answer.hours, exact, exact)
    found = gfr_from_forecast(record, perfect)
    expected = np.log(0.7 * np.array([GFR[4 * 96 - 1], GFR[4 * 120 - 1]]))
    assert found.log_GFR[:, 2] == pytest.approx(expected, abs=0.03)
    assert (np.diff(found.log_GFR, axis=1) >= 0).all()
    assert not found.clamped.any()
    refused = gfr_from_forecast(record, Carried().forecast(record, ()))
    assert refused.refusal is not None
    assert refused.log_GFR.size == 0


def test_works_without_any_creatinine() -> None:
    record = ward_record("a", 28, 1.1, now=3.0)
    found = gfr_from_forecast(record, KalmanFilter().forecast(record))
    assert np.isfinite(found.log_GFR).all()
    truth = [creatinine_balance(28, 1.1, record.weight_at(t), t / 24).GFR for t in (27.0, 51.0, 75.0)]
    assert np.exp(found.log_GFR[:, 2]) == pytest.approx(truth, rel=0.15)


def test_a_real_looking_baby_has_filtration_near_the_truth() -> None:
    errors = []
    for seed in range(15):
        b = baby(seed, sd=(0.25, 0.0, 0.3, 0.3, 0.05), noise=False)
        long = (g for g in kinetic_gfr(b.record) if g.end - g.start >= 24)
        errors += [np.log(g.GFR / b.GFR[int(g.start) : int(g.end)].mean()) for g in long]
    assert abs(np.median(errors)) < 0.03
    assert np.std(errors) < 0.15

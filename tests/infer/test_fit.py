"""Per-subject fits: what a table of post-hoc estimates must contain, against the same numbers computed another way."""

import numpy as np
import pytest

from dosetwin.declare import Model
from dosetwin.infer import map_estimate
from dosetwin.infer.fit import fit, fit_one
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

from .conftest import simulated


def test_row_and_records(bench: Model, baby: Timeline) -> None:
    later = baby.append(Covariate(0.0, "COV", 1.0), Covariate(60.0, "COV", 2.0))
    found, estimate = fit_one(bench, later), map_estimate(bench, later)
    assert found.eta == pytest.approx({"CL": estimate.eta[0], "V1": estimate.eta[1]})
    assert found.se == pytest.approx({"CL": estimate.cov[0, 0] ** 0.5, "V1": estimate.cov[1, 1] ** 0.5})
    # individual parameters in force at the last record, where the covariate has doubled clearance
    assert found.parameters["CL"] == pytest.approx(0.0493 * 2.0 * np.exp(estimate.eta[0]))
    times = [o.time for o in later.observations]
    both = predict(bench, schedule_for(bench, later, times), np.vstack([np.zeros(2), estimate.eta])).value[:, :, 0]
    assert [r.PRED for r in found.records] == pytest.approx(both[0].tolist())
    assert [r.IPRED for r in found.records] == pytest.approx(both[1].tolist())
    row = found.row()
    assert list(row)[:4] == ["ID", "N", "OFV", "CONVERGED"]
    assert {"ETA_CL", "SE_V1", "CL", "V2"} <= set(row)


def test_no_levels(bench: Model) -> None:
    found = fit_one(bench, Timeline(Patient("p"), doses=(DoseEvent(0.0, 10.0),)))
    assert found.eta == {"CL": 0.0, "V1": 0.0}
    assert found.se == pytest.approx({"CL": 0.3, "V1": 0.2})
    assert found.records == ()


def test_contradicting_levels_are_fitted_and_named(bench: Model, baby: Timeline) -> None:
    wild = baby.append(Observation(30.0, "drug", 300.0, record="lab 9"))
    found = fit_one(bench, wild)
    assert found.n_levels == 4
    assert [f.record for f in found.findings if f.code == "level_contradicts_model"] == ["lab 9"]


def test_many_in_order(bench: Model) -> None:
    rng = np.random.default_rng(2)
    patients = [simulated(bench, f"s{k}", np.zeros(2), np.array([1.0, 23.5]), rng) for k in range(7)]
    calls: list[tuple[int, int]] = []
    found = fit(bench, patients, threads=2, progress=lambda a, b: calls.append((a, b)))
    assert [f.subject for f in found] == [f"s{k}" for k in range(7)]
    assert calls == [(k, 7) for k in range(1, 8)]
    assert fit(bench, []) == ()

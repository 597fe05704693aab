"""Per-subject fits: what a table of post-hoc estimates must contain, against the same numbers computed another way."""

from dataclasses import replace
from math import nan
from typing import NamedTuple

import numpy as np
import pytest

from dosetwin.declare import Model
from dosetwin.errors import SimulationError
from dosetwin.evaluate.replay import replay
from dosetwin.infer import map_estimate, posterior
from dosetwin.infer.fit import fit, fit_one
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

from .conftest import simulated


class BrokenTheta(NamedTuple):
    VM: float = nan
    KM: float = 5.0
    TVV: float = 1.0


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


def test_predictions_where_the_data_ask_for_them(bench: Model, baby: Timeline) -> None:
    """EVID 2 and MDV 1 records get predictions in time order; asking moves no estimate."""
    asked = replace(
        baby, asked=(Observation(12.0, "", nan), Observation(0.0, "", nan, after_dose=True), Observation(9.0, "SCR", nan))
    )
    found, plain = fit_one(bench, asked), fit_one(bench, baby)
    assert found.eta == plain.eta
    assert [r.time for r in found.records] == [0.0, 1.0, 12.0, 23.5, 25.0]
    assert [r.observed for r in found.records] == [None, 31.0, None, 7.0, 30.0]
    assert found.records[2].percentile is None
    alone = predict(bench, schedule_for(bench, baby, [12.0]), np.zeros((1, 2))).value[0, 0, 0]
    np.testing.assert_allclose(found.records[2].PRED, alone)
    assert [r.IPRED for r in found.records if r.observed] == pytest.approx([r.IPRED for r in plain.records])


def test_a_failed_simulation_is_a_finding_not_a_number(nonlinear: Model) -> None:
    """A rate that is no number cannot be integrated: no prediction, an error that names the patient, no belief."""
    broken = replace(nonlinear, theta=BrokenTheta)
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 20.0),), observations=(Observation(1.0, "", 15.0),))
    found = fit_one(broken, timeline)
    assert found.records[0].IPRED is None
    assert "simulation_failed" in {f.code for f in found.findings}
    with pytest.raises(SimulationError, match="could be simulated"):
        posterior(broken, timeline, seed=1, draws=50)
    result = replay(broken, [timeline], seed=1, draws=50)
    assert result.forecasts == ()
    assert [f.code for f in result.findings] == ["level_not_forecast"]

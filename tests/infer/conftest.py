"""Models and patients the inference tests share."""

from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.declare import Model
from dosetwin.records import DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def bench() -> Model:
    return models.load(str(HERE / "bench_model.py"))


@pytest.fixture(scope="session")
def occasions() -> Model:
    return models.load(str(HERE / "occasion_model.py"))


@pytest.fixture(scope="session")
def nonlinear() -> Model:
    return models.load(str(HERE / "nonlinear_model.py"))


@pytest.fixture(scope="session")
def two_outputs() -> Model:
    return models.load(str(HERE / "two_output_model.py"))


@pytest.fixture
def baby() -> Timeline:
    """Two doses and three levels that suit bench model A."""
    return Timeline(
        Patient("baby"),
        doses=(DoseEvent(0.0, 26.4, 0.5), DoseEvent(24.0, 26.4, 0.5)),
        observations=(Observation(1.0, "drug", 31.0), Observation(23.5, "drug", 7.0), Observation(25.0, "drug", 30.0)),
    )


def simulated(model: Model, name: str, eta: np.ndarray, times: np.ndarray, rng: np.random.Generator) -> Timeline:
    """A patient with known random effects, doses of 26.4 every 24 h, and one noisy level at each time (variance error)."""
    doses = tuple(DoseEvent(24.0 * k, 26.4, 0.5) for k in range(int(times[-1] // 24) + 1))
    empty = Timeline(Patient(name), doses=doses)
    f = predict(model, schedule_for(model, empty, times), eta[None]).value[0, :, 0]
    residual = next(iter(model.outputs.values())).residual
    y = f + np.sqrt(residual.a**2 + (residual.b * f) ** 2) * rng.standard_normal(len(f))
    return empty.append(*(Observation(float(t), "drug", float(v)) for t, v in zip(times, y, strict=True)))

"""Toy models, made once per session."""

import pytest

from tests.simulate.toy import toy


@pytest.fixture(scope="session")
def make(tmp_path_factory):
    """toy(...) into one folder."""
    folder = tmp_path_factory.mktemp("models")
    return lambda name, parameters, **kw: toy(folder, name, parameters, **kw)


@pytest.fixture(scope="session")
def one(make):
    return make("one_bolus", {"CL": 0.05, "V": 0.8}, structure="ONE")


@pytest.fixture(scope="session")
def two(make):
    return make("two_iv", {"CL": 0.0493, "V1": 0.833, "Q": 0.0205, "V2": 0.7}, structure="TWO", observe="A.central / p.V1")


@pytest.fixture(scope="session")
def three(make):
    return make(
        "three_iv", {"CL": 6.21, "V1": 26.5, "Q2": 2.15, "V2": 21.2, "Q3": 0.271, "V3": 148.0}, structure="THREE",
        observe="A.central / p.V1",
    )  # fmt: skip


@pytest.fixture(scope="session")
def oral(make):
    return make(
        "oral_lag", {"CL": 4.0, "V": 70.0, "KA": 1.0, "F_depot": 0.7, "LAG_depot": 0.45}, structure="ONE_ORAL",
    )  # fmt: skip


@pytest.fixture(scope="session")
def transit(make):
    """Three equal transit steps into one compartment: a defective matrix, which diagonalisation cannot do."""
    return make(
        "transit", {"CL": 3.0, "V": 40.0, "KTR": 1.3}, state=("depot", "t1", "t2", "central"),
        dynamics="-p.KTR * A.depot, p.KTR * (A.depot - A.t1), p.KTR * (A.t1 - A.t2), p.KTR * A.t2 - p.CL / p.V * A.central",
    )  # fmt: skip


@pytest.fixture(scope="session")
def michaelis(make):
    """Saturable elimination: nonlinear, not stiff."""
    return make(
        "michaelis", {"VMAX": 20.0, "KM": 4.0, "V": 30.0}, state=("central", "peripheral"), solver="explicit",
        dynamics="-p.VMAX * A.central / (p.KM * p.V + A.central) - 0.2 * A.central + 0.1 * A.peripheral, "
        "0.2 * A.central - 0.1 * A.peripheral", options="rtol=1e-6, atol=1e-6,",
    )  # fmt: skip


def _robertson(solver: str) -> dict:
    return {
        "state": ("a", "central", "c"), "solver": solver, "initial": "1.0, 0.0, 0.0",
        "dynamics": "-p.K * A.a + 1e4 * A.central * A.c, p.K * A.a - 1e4 * A.central * A.c - 3e7 * A.central * A.central, "
        "3e7 * A.central * A.central", "observe": "A.a", "options": "rtol=1e-6, atol=(1e-9, 1e-12, 1e-9),",
    }  # fmt: skip


@pytest.fixture(scope="session")
def robertson_stiff(make):
    return make("robertson_stiff", {"K": 0.04}, **_robertson("stiff"))


@pytest.fixture(scope="session")
def robertson_auto(make):
    return make("robertson_auto", {"K": 0.04}, **_robertson("auto"))

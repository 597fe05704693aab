"""The checks find the mistakes they are for: each is shown a model with exactly one of them."""

from pathlib import Path

import pytest

from conformance import checks
from conformance.dimensions import UnknownDimension, dimensions, scale
from dosetwin import models
from dosetwin.declare import Model
from dosetwin.errors import ModelError

GOOD = '''"""A drug in somebody: one compartment (Nobody, 2000)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Output, Reference, Theta, model, proportional

REFERENCE = Reference("Nobody", 2000, "nowhere", "", "assumed")


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 3.0
    TVV: Annotated[float, Theta("L", "volume")] = 20.0
    WT_REF: Annotated[float, Theta("kg", "weight")] = 70.0


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", sd=0.3)] = 0.0


class cov(NamedTuple):
    WT: Annotated[float, Cov("kg", 40.0, 100.0, "weight", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "concentration", "drug", proportional(0.1))]


class state(NamedTuple):
    central: Annotated[float, Amount("mg", "amount")]


class parameters(NamedTuple):
    CL: float
    V: float


def individual(theta, eta, cov):
    return parameters(CL=theta.TVCL * (cov.WT / theta.WT_REF) ** 0.75 * exp(eta.CL), V=theta.TVV * cov.WT / theta.WT_REF)


def dynamics(t, A, p, cov):
    return state(-p.CL / p.V * A.central)


def observe(A, p, cov):
    return output(Cp=A.central / p.V)


MODEL = model(
    __name__, drug="drug", population="somebody", reference=REFERENCE, solver="exact",
    anchors=[Anchor("clearance", "CL", {"WT": 70.0}, 3.0, 1e-9, "nowhere")],
)
'''

FLOW = "-p.CL / p.V * A.central)"
SATURABLE = "-p.CL / p.V * A.central / (1.0 + 0.01 * A.central))"
MISTAKES = {
    "hidden_unit": (checks.units_scale, "cov.WT / theta.WT_REF) ** 0.75", "cov.WT / 70.0) ** 0.75"),
    "wrong_unit": (checks.units_scale, 'Theta("L", "volume")', 'Theta("L/kg", "volume")'),
    "forgotten_division": (checks.units_scale, "Cp=A.central / p.V", "Cp=A.central"),
    "leak": (checks.mass_is_balanced, FLOW, "-(p.CL / p.V + 0.01) * A.central)"),
    "not_linear": (checks.doses_superpose, "Cp=A.central / p.V", "Cp=(A.central / p.V) ** 1.1"),
    "not_exact": (checks.engine_agrees_with_stepping, FLOW, SATURABLE),
    "wrong_anchor": (checks.anchors_are_reproduced, 'clearance")] = 3.0', 'clearance")] = 3.1'),
    "unknown_source": (checks.anchors_are_reproduced, '1e-9, "nowhere")', '1e-9, "")'),
    "no_range": (checks.metadata_is_complete, 'Cov("kg", 40.0, 100.0', 'Cov("kg", 40.0, float("inf")'),
    "no_meaning": (checks.metadata_is_complete, 'Theta("L", "volume")', 'Theta("L", "")'),
    "negative": (checks.everything_is_finite, "Cp=A.central / p.V)", "Cp=A.central / p.V * (1.0 if cov.WT < 99.0 else -1.0))"),
    "clock": (checks.writing_it_differently_changes_nothing, FLOW, "-p.CL / p.V * A.central * (1.0 if t > 10.0 else 2.0))"),
}  # fmt: skip


def write(folder: Path, name: str, text: str) -> Model:
    file = folder / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    return models.load(str(file))


def test_the_model_without_a_mistake_passes(tmp_path: Path) -> None:
    good = write(tmp_path, "good", GOOD)
    for check, _, _ in MISTAKES.values():
        check(good)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_mistake_is_found(tmp_path: Path, mistake: str) -> None:
    check, right, wrong = MISTAKES[mistake]
    assert GOOD.count(right) == 1
    with pytest.raises((AssertionError, ModelError)):  # the engine itself refuses some
        check(write(tmp_path, mistake, GOOD.replace(right, wrong)))


def test_units_are_a_closed_table() -> None:
    assert dimensions("L/h/kg") == {"volume": 1, "time": -1, "body": -1}
    assert scale("umol/L/wk", {"amount": 2.0, "volume": 4.0, "time": 5.0}) == pytest.approx(0.1)
    for unit in ("L/hr", "L per h", "10^9/L", "kat", ""):
        with pytest.raises(UnknownDimension):
            dimensions(unit)

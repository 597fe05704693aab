"""The whole lung agrees with Riley's by bisection, with the smallest form where they are the same, and with closed mechanics."""

import math

import numpy as np
import pytest

from dosetwin import models
from dosetwin.records import Covariate, Patient, Timeline
from dosetwin.simulate import predict, schedule_for
from dosetwin.structure import gases, ventilation

MAN = {"VT": 420.0, "RR": 20.0, "PEEP": 10.0, "FIO2": 0.5, "HT": 175.0, "SEX": 1.0, "HCO3": 24.0}
PBW = 70.566


def read(model_name: str = "ventilator_lung", /, **changed: float) -> dict[str, float]:
    """Outputs of a typical patient six hours on."""
    model = models.load(model_name)
    known = Timeline(Patient("lung"), covariates=tuple(Covariate(0.0, n, v) for n, v in {**MAN, **changed}.items()))
    found = predict(model, schedule_for(model, known, np.array([6.0])), np.zeros((1, len(model.etas))))
    return dict(zip(model.outputs, found.value[0, 0].tolist(), strict=True))


@pytest.mark.parametrize("settings", [{}, {"FIO2": 0.9}, {"FIO2": 0.35, "VT": 350.0}, {"RR": 32.0, "PEEP": 14.0, "FIO2": 1.0}])
def test_gases_are_those_of_rileys_lung_by_bisection(settings: dict[str, float]) -> None:
    found, s = read(**settings), {**MAN, **settings}
    vco2 = 0.134 * PBW * 22.41
    odds = 0.3 / 0.7 * math.exp(-0.05 * (s["PEEP"] - 10.0))
    va = 0.863 * vco2 / found["PaCO2"]
    blood = gases.riley(s["FIO2"], va, odds / (1 + odds), 0.09 * PBW, hb=10.5, vo2=1.25 * vco2, vco2=vco2)
    assert found["PaO2"] == pytest.approx(blood.PaO2, rel=2e-3)
    assert found["SaO2"] == pytest.approx(blood.SaO2, abs=2e-4)


def test_pressures_and_power_are_the_closed_forms() -> None:
    found = read(RR=30.0)
    C, R, te = 0.5 * PBW / 1000.0, 12.0, 2.0 / 1.5
    v = ventilation.volume_controlled(C, R, 0.42, 0.42 / (2.0 / 3.0), 10.0, te)
    assert [found[k] for k in ("Ppeak", "Pplat", "DP")] == pytest.approx([v.peak, v.plateau, v.driving], rel=1e-6)
    assert found["Power"] == pytest.approx(ventilation.power_simple(30.0, 0.42, v.peak, v.driving), rel=1e-6)


def test_the_smallest_form_is_met_where_both_say_the_same() -> None:
    small, whole = read("ventilator_ards"), read()
    for k in ("DP", "PaCO2", "pH"):
        assert whole[k] == pytest.approx(small[k], rel=1e-6)
    assert whole["SaO2"] == pytest.approx(small["SaO2"], abs=0.03)


def test_more_peep_opens_lung_and_costs_power() -> None:
    low, high = read(PEEP=5.0), read(PEEP=15.0)
    assert high["SaO2"] > low["SaO2"]
    assert high["DP"] < low["DP"]
    assert high["Power"] > low["Power"]

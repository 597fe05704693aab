"""The bundled newborn: marked as made up, complete, and her levels are what data/README.md says they are."""

from importlib.resources import files
from math import log

import numpy as np
import pytest
from scipy.linalg import expm

from dosetwin.checks.record import check
from dosetwin.io.case import read_case


@pytest.fixture(scope="module")
def demo():
    return read_case(str(files("dosetwin") / "data" / "demo_newborn.json"))


def test_complete_and_marked(demo):
    assert demo.patient.synthetic
    assert (demo.patient.GA, demo.patient.BW, demo.as_of, demo.drug) == (29.0, 1.13, 26.0, "amikacin")
    assert (demo.as_of - demo.at(demo.patient.birth)) / 24 == pytest.approx(2.15, abs=0.01)
    assert len(demo.series("amikacin")) == len(demo.series("SCR")) == 2
    assert [v for t, v in demo.series("IBU") if t <= demo.as_of][-1] == 1.0
    assert {f.severity for f in (*demo.findings, *check(demo, demo.as_of))} == {"info"}


def test_levels_are_the_stated_computation_and_noise(demo):
    # De Cock 2012 by the matrix exponential of its two compartments, written out here and not taken from the engine
    BW, WT, PNA, amount, duration = 1.13, 1.10, 1.5, 17.6, 0.5
    typical = 0.0493 * (BW / 1.75) ** 1.34 * (1 + 0.213 * PNA / 2) * 0.838
    V, Q, CL = 0.833 * (WT / 1.76) ** 0.919, 0.415 * typical, 0.75 * typical
    K = np.array([[-(CL + Q) / V, Q / V], [Q / V, -Q / V]])
    filled = np.linalg.solve(K, (expm(K * duration) - np.eye(2)) @ np.array([amount / duration, 0.0]))
    for (time, level), stated in zip(demo.series("amikacin"), (31.2, 10.4), strict=True):
        exact = (expm(K * (time - duration)) @ filled)[0] / V
        assert exact == pytest.approx(stated, abs=0.05)
        assert abs(log(level / exact)) < 2.5 * 0.08

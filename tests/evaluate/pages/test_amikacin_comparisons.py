"""The arithmetic of the comparisons against closed forms."""

import math

import numpy as np
import pytest

from dosetwin.declare import additive, combined, lognormal, proportional
from dosetwin.errors import InputError
from dosetwin.evaluate.pages.amikacin_newborns.comparisons import (
    amikacin,
    as_measured,
    courses,
    creatinine,
    geometric_mean,
    individual,
    mean,
    one_compartment,
    percent,
    ruled,
)
from dosetwin.models import load
from dosetwin.populations.newborn.draws import Population, spread
from dosetwin.records import Every

TERM = Population("t", PNA=spread(2, 3, 20), GA=spread(28, 34, 41))


def test_one_compartment_analysis_finds_what_made_the_levels() -> None:
    k, V, dose, T, tau = np.array([0.08, 0.15]), np.array([0.5, 1.7]), np.array([7.5, 20.0]), 0.75, 12.0
    end = dose / T / (k * V) * (1 - np.exp(-k * T)) / (1 - np.exp(-k * tau))
    t = np.array([[1.25, 5.0, 8.0], [1.25, 5.0, 8.0]])
    c = end[:, None] * np.exp(-k[:, None] * (t - T))
    trough = end * np.exp(-k * (tau - T))
    found_k, found_V = one_compartment(t, c, trough, T, dose)
    np.testing.assert_allclose(found_k, k, rtol=1e-12)
    np.testing.assert_allclose(found_V, V, rtol=1e-12)


def test_levels_of_a_one_compartment_model_follow_its_closed_form() -> None:
    """Trough and peak of dose 2: a level at the time of a dose is drawn before it."""
    model = load("amikacin_botha_1998")
    babies = TERM.draw(60, 5)
    CL, V = individual(model, babies, "CL"), individual(model, babies, "V")
    tau, T = 24.0, 0.5
    doses = [Every(12.0 * float(w), tau, T).doses(1.5 * tau) for w in babies.WT]
    found = amikacin(model, babies, doses, np.tile([tau, tau + 1.0], (60, 1)))
    k = CL / V

    def after(t: float) -> np.ndarray:
        return 12.0 * babies.WT / T / CL * (1 - np.exp(-k * T)) * np.exp(-k * (t - T))

    np.testing.assert_allclose(found[:, 0], after(tau), rtol=1e-9)
    np.testing.assert_allclose(found[:, 1], after(tau + 1.0) + after(1.0), rtol=1e-9)


def test_every_kind_of_residual_error() -> None:
    true, z = np.array([10.0, 10.0]), np.array([1.0, -2.0])
    assert additive(0.5).measured(true, z) == pytest.approx([10.5, 9.0])
    assert proportional(0.1).measured(true, z) == pytest.approx([11.0, 8.0])
    assert combined(3.0, 0.4).measured(true, z) == pytest.approx([15.0, 0.0])
    assert combined(0.2, 0.1, form="sd").measured(true, z) == pytest.approx([11.2, 7.6])
    assert lognormal(0.1).measured(true, z) == pytest.approx(10.0 * np.exp([0.1, -0.2]))
    babies = TERM.draw(3000, 5)
    model = load("amikacin_decock_2012")
    seen = as_measured(model, babies, np.full((3000, 2), 20.0))
    assert seen.std(axis=0) == pytest.approx([math.hypot(0.517, 0.248 * 20)] * 2, rel=0.05)
    assert abs(np.corrcoef(seen.T)[0, 1]) < 0.06


def test_shares_and_means_carry_their_error() -> None:
    assert percent(np.array([True, False, True, True])).value == 75.0
    assert percent(np.ones(400, bool)).mc_error > 0
    assert percent(np.arange(10_000) < 3000).mc_error == pytest.approx(100 * math.sqrt(0.21 / 10_000), rel=0.01)
    assert mean(np.array([1.0, 2.0, 3.0])).mc_error == pytest.approx(1 / math.sqrt(3))
    assert geometric_mean(np.array([1.0, 4.0])).value == pytest.approx(2.0)


def test_rules_become_doses() -> None:
    babies = TERM.draw(40, 5)
    says = ruled(babies, "decock_smits")
    doses, tau = courses(babies, says, 1 / 3, 4, 12.0)
    for i, s in enumerate(says):
        assert len(doses[i]) == 4
        assert tau[i] == s.interval + 12.0
        assert doses[i][1].time == tau[i]
        assert doses[i][0].amount == pytest.approx(s.amount * babies.WT[i])
    assert all(a.interval + 10.0 == b.interval for a, b in zip(says, ruled(babies, "decock_smits", ibuprofen=True), strict=True))
    with pytest.raises(InputError, match="30 d"):
        ruled(babies.aged(31.0), "decock_smits")


def test_creatinine_starts_with_the_mothers_and_needs_a_model_that_predicts_it() -> None:
    babies = TERM.draw(20, 5)
    model = load("amikacin_neonate")
    at_birth = creatinine(model, babies, [0.0, 3.0])[:, 0]
    np.testing.assert_allclose(at_birth, individual(model, babies, "S0"), rtol=1e-12)
    with pytest.raises(InputError, match="does not predict"):
        creatinine(load("amikacin_decock_2012"), babies, [0.0])

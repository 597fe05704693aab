"""Virtual babies: the same baby whatever the size of the cohort, and covariates as the studies print them."""

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.evaluate.pages.amikacin_newborns.studies import BOTHA, KENYON, SMITS, STUDIES
from dosetwin.models import load
from dosetwin.populations.newborn.draws import Bell, Population, Spread, normals, spread, stream, uniforms

POPULATIONS = [s.population for s in STUDIES if s.population is not None]


@pytest.mark.parametrize("population", POPULATIONS, ids=lambda p: p.name)
def test_a_baby_does_not_depend_on_how_many_are_drawn(population: Population) -> None:
    few, many = population.draw(100, 7), population.draw(200, 7)
    for name in ("GA", "BW", "PNA", "male", "z", "WT"):
        np.testing.assert_array_equal(getattr(few, name), getattr(many, name)[:100])
    model = load("amikacin_neonate")
    np.testing.assert_array_equal(few.etas(model), many.etas(model)[:100])
    assert few.timeline(42) == many.timeline(42)


def test_streams_are_named_and_seeded() -> None:
    np.testing.assert_array_equal(uniforms(1, "a", 5, 3), uniforms(1, "a", 9, 3)[:5])
    draws = [stream(*key).random() for key in ((1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1))]
    assert len(set(draws)) == 4
    z = normals(1, "z", 4000, 2)
    assert abs(z.mean()) < 0.05
    assert abs(z.std() - 1.0) < 0.05


def test_random_effects_have_the_models_covariance() -> None:
    model = load("amikacin_neonate")
    etas = SMITS.population.draw(4000, 3).etas(model)  # type: ignore[union-attr]
    np.testing.assert_allclose(np.cov(etas.T), model.omega_for(1), atol=0.006)


def test_smits_babies_match_the_printed_medians_and_ranges() -> None:
    babies = SMITS.population.draw(2000, 20260101)  # type: ignore[union-attr]
    assert np.median(babies.GA) == pytest.approx(34.0, abs=0.3)
    assert np.median(babies.BW) == pytest.approx(2.285, rel=0.03)
    assert np.median(babies.PNA) == pytest.approx(2.0, abs=0.1)
    assert babies.GA.min() >= 24
    assert babies.GA.max() <= 41
    assert babies.BW.min() >= 0.42
    assert babies.BW.max() <= 4.85


def test_kenyon_and_botha_babies_match_the_printed_means() -> None:
    kenyon, botha = (s.population.draw(2000, 20260101) for s in (KENYON, BOTHA))  # type: ignore[union-attr]
    assert kenyon.PMA.mean() == pytest.approx(30.5, abs=0.3)
    assert kenyon.WT.mean() == pytest.approx(1.38, abs=0.12)
    assert kenyon.WT.std() == pytest.approx(0.47, abs=0.08)
    assert botha.GA.mean() == pytest.approx(35.1, abs=0.2)
    assert botha.PNA.mean() == pytest.approx(3.1, abs=0.2)


def test_marginals_keep_their_quantiles() -> None:
    u = np.linspace(0.0, 1.0, 5)
    assert Spread(((0.0, 1.0), (0.5, 2.0), (1.0, 4.0))).at(u) == pytest.approx([1.0, 1.5, 2.0, 3.0, 4.0])
    assert spread(1.0, 2.0, 8.0, log=True).at(u) == pytest.approx([1.0, 2**0.5, 2.0, 4.0, 8.0])
    bell = Bell(10.0, 2.0, 8.0, 14.0).at(np.linspace(0.0, 1.0, 101))
    assert (bell.min(), bell.max()) == pytest.approx((8.0, 14.0), abs=1e-6)
    assert np.all(np.diff(bell) > 0)


def test_treatments_and_age_do_not_change_the_baby() -> None:
    babies = SMITS.population.draw(50, 1)  # type: ignore[union-attr]
    treated = babies.under(IBU=1.0).aged(9.0)
    np.testing.assert_array_equal(treated.BW, babies.BW)
    assert set(treated.PNA) == {9.0}
    known = {c.name: c.value for c in treated.timeline(0).covariates}
    assert known["IBU"] == 1.0
    assert known["WT"] == pytest.approx(treated.WT[0])


def test_population_needs_one_age() -> None:
    with pytest.raises(InputError, match="exactly one"):
        Population("x", PNA=spread(1, 1, 1)).draw(2, 1)

"""Populations that a trial of any therapy draws from: listed, each patient a function of seed and number, shares as published."""

import numpy as np
import pytest

from dosetwin import populations
from dosetwin.errors import InputError, UnknownName
from dosetwin.populations.spread import Spread, declared


@pytest.mark.parametrize("name", populations.names())
def test_every_population_holds_what_it_says_and_any_chunk_of_it_is_the_same(name):
    population = populations.load(name)
    whole, part = population.people(12, 5), population.people(3, 5, first=7)
    assert set(whole.values) == set(population.holds)
    for fact, values in whole.values.items():
        assert np.array_equal(values[7:10], part.values[fact])
        assert np.all(np.isfinite(values))
    assert population.people(12, 6).values["WT"].tolist() != whole.values["WT"].tolist()
    record = whole.record(2)
    assert record.patient.synthetic
    assert record.series("WT")[0] == (0.0, pytest.approx(whole.values["WT"][2]))
    assert all(population.sources)


def test_an_unknown_population_is_named_with_those_there_are():
    with pytest.raises(UnknownName, match=r"'martians'.*adults, newborns"):
        populations.load("martians")


def test_alleles_of_adults_are_as_frequent_as_published_and_in_equilibrium():
    """PMC6562764 table 1; 40,000 patients: an SE of a frequency is below 0.0018."""
    found = populations.load("adults").people(40_000, 1).values
    for name, p in (("CYP2C9_2", 0.124), ("CYP2C9_3", 0.073), ("VKORC1_A", 0.388), ("CYP4F2_3", 0.290)):
        copies = found[name]
        assert copies.mean() / 2 == pytest.approx(p, abs=0.007)
        assert np.mean(copies == 2) == pytest.approx(p * p, abs=0.01)
    assert np.max(found["CYP2C9_2"] + found["CYP2C9_3"]) == 2


def test_adults_are_of_a_believable_size_and_clearance_is_cockcroft_and_gault_by_hand():
    found = populations.load("adults").people(4000, 2).values
    male = found["SEX"] == 1
    assert 0.48 < male.mean() < 0.56
    assert found["HT"][male].mean() - found["HT"][~male].mean() == pytest.approx(13.8, abs=1.0)
    assert found["AGE"].min() >= 20
    assert found["AGE"].max() <= 90
    by_hand = (140 - found["AGE"]) * found["WT"] / (72 * found["SCR"]) * np.where(male, 1.0, 0.85)
    np.testing.assert_allclose(found["CLCR"], by_hand, rtol=1e-12)


def test_spreads_have_the_moments_they_say():
    number = np.arange(50_000)
    normal = Spread("AGE", "normal", mean=50.0, sd=10.0).drawn(number, 1, "a")
    assert (normal.mean(), normal.std()) == (pytest.approx(50.0, abs=0.2), pytest.approx(10.0, abs=0.2))
    log = Spread("SCR", "lognormal", median=1.0, cv=0.3).drawn(number, 1, "b")
    assert (np.median(log), log.std() / log.mean()) == (pytest.approx(1.0, abs=0.01), pytest.approx(0.3, abs=0.01))
    cut = Spread("AGE", "normal", mean=50.0, sd=10.0, low=45.0, high=60.0).drawn(number, 1, "a")
    assert cut.min() >= 45.0
    assert cut.max() <= 60.0
    even = Spread("WT", "uniform", low=2.0, high=4.0).drawn(number, 1, "c")
    assert (even.mean(), even.min() >= 2.0, even.max() <= 4.0) == (pytest.approx(3.0, abs=0.01), True, True)
    two = Spread("VKORC1_A", "alleles", share=0.4).drawn(number, 1, "d")
    assert [np.mean(two == k) for k in range(3)] == [pytest.approx(p, abs=0.01) for p in (0.36, 0.48, 0.16)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"AGE": {"kind": "normal", "mean": 3.0}}, "needs 'sd'"),
        ({"AGE": {"kind": "normal", "mean": 3.0, "sd": -1.0}}, "must be positive"),
        ({"AGE": {"kind": "uniform", "low": 3.0, "high": 1.0}}, "not below"),
        ({"AGE": {"kind": "normal", "mean": "3", "sd": 1.0}}, "wrong kind of value"),
        ({"AGE": {"kind": "fixed", "value": 1.0, "colour": 2.0}}, "unknown key.*'colour'"),
        ({}, "without a fact"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_named(table, said):
    with pytest.raises(InputError, match=said):
        declared("mine", table, "design: population")

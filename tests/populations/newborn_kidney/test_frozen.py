"""The kidney truths are those that were frozen before any training, and a change is noticed."""

from dataclasses import replace
from pathlib import Path

import pytest

from dosetwin.errors import InputError
from dosetwin.populations.newborn_kidney import frozen as kidney_frozen
from dosetwin.populations.newborn_kidney import parameters as kidney_parameters


def test_the_generator_is_the_frozen_one() -> None:
    assert kidney_frozen.verify() == kidney_frozen.recorded()["sha256"]["all"]


def test_the_record_holds_the_parameters_and_at_least_ten_seeds() -> None:
    now, then = kidney_frozen.current(), kidney_frozen.recorded()
    assert then["parameters"] == now["parameters"]
    assert then["test_seeds"] == list(kidney_parameters.TEST_SEEDS)
    assert len(then["test_seeds"]) >= 10


def test_a_changed_number_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    p = kidney_parameters.PARAMETERS
    monkeypatch.setattr(kidney_parameters, "PARAMETERS", replace(p, C=replace(p.C, depth=(0.5, 1.7))))
    with pytest.raises(InputError, match="changed: parameters"):
        kidney_frozen.verify()


def test_a_changed_seed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kidney_parameters, "TEST_SEEDS", kidney_parameters.TEST_SEEDS[1:])
    with pytest.raises(InputError, match="changed: test_seeds"):
        kidney_frozen.verify()


def test_a_changed_equation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    real = kidney_frozen.inspect.getsource

    def edited(part: object) -> str:
        return real(part).replace("1.44", "1.45") if part is kidney_frozen.kidney_truth else real(part)  # type: ignore[arg-type]

    monkeypatch.setattr(kidney_frozen.inspect, "getsource", edited)
    with pytest.raises(InputError, match="kidney_truth"):
        kidney_frozen.verify()


def test_a_library_that_draws_other_numbers_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    record = kidney_frozen.recorded()
    record["babies"]["A/low"]["mg_dL"] *= 1.001
    monkeypatch.setattr(kidney_frozen, "recorded", lambda: record)
    with pytest.raises(InputError, match="a library changed"):
        kidney_frozen.verify()


def test_the_page_names_the_frozen_hash() -> None:
    page = Path(__file__).parents[3] / "docs" / "kidney.md"
    assert kidney_frozen.recorded()["sha256"]["all"] in page.read_text(encoding="utf-8")


def test_a_growth_curve_that_is_shared_must_stay_the_frozen_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kidney_frozen.growth, "LOSS", kidney_frozen.growth.LOSS * (1.0 + 1e-15))
    with pytest.raises(InputError, match="growth curve"):
        kidney_frozen.verify()

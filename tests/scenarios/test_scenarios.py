"""Every bundled scenario still gets the recommendation that was accepted."""

import pytest

from scenarios import runner


@pytest.mark.parametrize("name", runner.names())
def test_scenario(name):
    difference = runner.compare(runner.accepted(name), runner.told(name))
    assert not difference, f"{name}: {difference}\naccept it with: python tests/scenarios/update.py {name}"


def test_a_changed_dose_is_shown():
    old = {"status": "recommend", "regimen": {"amount_mg": 15.0}, "joint": 0.50}
    assert runner.compare(old, {**old, "joint": 0.51}) == ""
    assert '"joint": 0.6' in runner.compare(old, {**old, "joint": 0.6})
    assert "15.0" in runner.compare(old, {**old, "regimen": {"amount_mg": 15.25}})
    assert runner.compare(old, {**old, "status": "refuse", "regimen": None})

"""Limits and rounding."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin import formulary
from dosetwin.declare import Limit, Rounding
from dosetwin.declare.limit import check, numbers
from dosetwin.declare.menu import Situation
from dosetwin.errors import InputError, UnknownName
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE as POLICY
from dosetwin.formulary.amikacin import SYRINGE
from dosetwin.records import Every


@pytest.mark.parametrize(
    ("amount", "nearest"), [(0.01, 0.1), (4.14, 4.1), (4.16, 4.2), (10.12, 10.0), (10.13, 10.25), (33.4, 33.0), (33.5, 34.0)]
)
def test_nearest(amount, nearest):
    assert SYRINGE.rounding.nearest(amount) == nearest


@given(low=st.floats(0.2, 60), span=st.floats(0, 40))
def test_amounts_are_all_measurable_ordered_and_inside(low, span):
    amounts = SYRINGE.rounding.amounts(low, low + span)
    assert np.all(np.diff(amounts) > 0)
    assert all(low - 1e-9 <= a <= low + span + 1e-9 and SYRINGE.rounding.nearest(a) == a for a in amounts)


def test_amounts_leave_no_gap():
    assert SYRINGE.rounding.amounts(9.7, 11.0).tolist() == [9.7, 9.8, 9.9, 10.0, 10.25, 10.5, 10.75, 11.0]


@pytest.mark.parametrize("steps", [(), ((1.0, 0.1),), ((0.0, 0.0),), ((0.0, 0.1), (0.0, 0.2), (-1.0, 0.1))])
def test_wrong_steps(steps):
    with pytest.raises(InputError):
        Rounding(steps, "test")


def broken(regimen, *, weight=1.0, now=0.0, previous=None, last=None):
    where = Situation(now, weight, last, previous)
    found = numbers(regimen, where, POLICY.menu, POLICY.limits)
    return {r.code for r in check(found, POLICY.limits)}


@pytest.mark.parametrize(
    ("regimen", "more", "codes"),
    [
        (Every(15.0, 24, 0.5, 0.0), {}, set()),
        (Every(7.5, 12, 0.5, 0.0), {}, set()),
        (Every(20.0, 48, 0.5, 0.0), {}, set()),
        (Every(7.4, 24, 0.5, 0.0), {}, {"dose_range"}),
        (Every(20.25, 48, 0.5, 0.0), {}, {"dose_range"}),
        (Every(15.0, 11.5, 0.5, 0.0), {}, {"interval_range", "daily_dose"}),
        (Every(15.0, 52, 0.5, 0.0), {}, {"interval_range"}),
        (Every(15.0, 24, 1.5, 0.0), {}, {"infusion_range"}),
        (Every(15.0, 24, 0.5, -0.5), {}, {"not_in_the_past"}),
        (Every(15.0, 24, 0.5, 11.0), {"last": 0.0}, {"gap"}),
        (Every(15.0, 24, 0.5, 24.0), {"previous": 10.0}, set()),
        (Every(15.25, 24, 0.5, 24.0), {"previous": 10.0}, {"change_per_step"}),
        (Every(15.0, 24, 0.5, 24.0), {"previous": 30.5}, {"change_per_step"}),
        (Every(15.1, 24, 0.5, 0.0), {}, {"syringe"}),
        (Every(110.0, 48, 0.5, 0.0), {"weight": 6.0}, {"dose_max"}),
    ],
)
def test_every_limit_is_enforced_at_its_border(regimen, more, codes):
    assert broken(regimen, **more) == codes


def test_a_limit_must_know_its_quantity_and_source():
    with pytest.raises(InputError):
        Limit("x", "dose_mg", None, 1.0, "mg", "x", "here")
    with pytest.raises(InputError):
        Limit("x", "dose", None, 1.0, "mg", "x", "")


def test_a_therapy_survives_json_and_is_told_apart():
    data = json.loads(json.dumps(POLICY.to_json()))
    assert formulary.therapy_from_json(data) is POLICY
    changed = data | {"tie_loss": 0.5}
    other = formulary.therapy_from_json(changed)
    assert other.tie_loss == 0.5
    assert other.to_json() == changed
    # what a list shows and whole courses are dosed by is code, not part of what an answer rests on
    assert replace(other, tie_loss=POLICY.tie_loss, kept=None, control=POLICY.control, listed=POLICY.listed) == POLICY
    with pytest.raises(InputError, match="not a therapy"):
        formulary.therapy_from_json({k: v for k, v in changed.items() if k != "menu"})
    assert formulary.therapy("amikacin_neonate") is POLICY
    with pytest.raises(UnknownName):
        formulary.therapy("amikacin_adult")

"""Bars by a border, also of a number found from several facts."""

import pytest

from dosetwin import formulary
from dosetwin.declare import Bar, Facts
from dosetwin.errors import InputError

LITHIUM = next(b for b in formulary.therapy("lithium_bipolar").bars if b.code == "kidney")
METHOTREXATE = next(b for b in formulary.therapy("methotrexate_high_dose").bars if b.code == "kidney")


@pytest.mark.parametrize(
    ("bar", "facts", "held"),
    [
        (LITHIUM, Facts(WT=70.0, AGE=40.0, SCR=0.9, SEX="male"), None),
        (LITHIUM, Facts(WT=70.0, AGE=75.0, SCR=3.0, SEX="male"), 21.1),
        (LITHIUM, Facts(WT=70.0, SCR=3.0), None),  # not enough is known to say
        (METHOTREXATE, Facts(HT=115.0, SCR=0.35), None),
        (METHOTREXATE, Facts(HT=115.0, SCR=1.05), 45.2),
        (METHOTREXATE, Facts(SCR=1.05), None),
    ],
)
def test_a_bar_below_a_clearance(bar, facts, held):
    found = bar.forbidden(facts)
    assert (None if found is None else found.value) == held


def test_a_bar_has_one_kind_of_border():
    with pytest.raises(InputError, match="one of them"):
        Bar("x", "SCR", "why", "source", above=1.0, below=0.5)


def test_a_border_survives_json_and_what_cannot_is_left_out():
    assert LITHIUM.to_json()["below"] == 30.0
    assert "of" not in LITHIUM.to_json()
    other = formulary.therapy("valproate_epilepsy").bars[0].to_json()
    assert "below" not in other

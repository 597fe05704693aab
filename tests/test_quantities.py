"""Every measurable thing once: whole, without a slip of the pen in a code, and no code that means two."""

import pytest

from dosetwin import formulary
from dosetwin.errors import UnknownName
from dosetwin.quantities import QUANTITIES, quantity

EVERY = [*QUANTITIES.values(), *formulary.levels().values()]


def luhn(body: str) -> int:
    """LOINC's check digit: mod 10, every second digit from the right doubled."""
    total = 0
    for k, c in enumerate(reversed(body)):
        d = int(c) * (2 if k % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return -total % 10


@pytest.mark.parametrize("q", EVERY, ids=lambda q: q.name)
def test_a_quantity_is_whole(q):
    factors = {u: f for u, f in q.units.items() if u not in q.offsets}
    assert q.text
    assert 1.0 in factors.values() or q.unit in q.units
    assert all(f > 0 for f in q.units.values())
    assert q.low <= q.top(True) <= q.high
    assert q.flag == (q.kind == "flag")
    for code in q.loinc:
        body, digit = code.code.split("-")
        assert luhn(body) == int(digit), code


def test_a_code_means_one_thing():
    listed = [c.code for q in EVERY for c in (*q.loinc, *q.conditions)]
    assert len(listed) == len(set(listed))


def test_a_name_nobody_listed_is_told_with_those_there_are():
    with pytest.raises(UnknownName, match="SCR"):
        quantity("scr")


def test_a_gene_is_told_in_its_steps_and_said_in_its_words():
    risk, score = quantity("MT_RNR1"), quantity("CYP2C9_AS")
    assert (risk.said(2), risk.counted) == ("increased", "0 normal, 1 uncertain, 2 increased")
    assert [v for v in (-1, 0, 0.5, 1, 2, 3) if risk.counts(v)] == [0, 1, 2]
    assert [v for v in (0.25, 0.3, 1.5, 2.25) if score.counts(v)] == [0.25, 1.5]
    assert score.counted == "0 to 2 in steps of 0.25"

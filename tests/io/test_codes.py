"""The code tables: no code has a slip of the pen, no code means two things."""

import pytest

from dosetwin.io import codes
from dosetwin.units import CANONICAL

TABLES = (codes.LEVELS, codes.MEASURED, codes.COVARIATES, codes.FIXED)


def luhn(body: str) -> int:
    """LOINC's check digit: mod 10, every second digit from the right doubled."""
    total = 0
    for k, c in enumerate(reversed(body)):
        d = int(c) * (2 if k % 2 == 0 else 1)
        total += d - 9 if d > 9 else d
    return -total % 10


@pytest.mark.parametrize("code", [code for table in TABLES for code in table])
def test_check_digit(code):
    body, digit = code.split("-")
    assert luhn(body) == int(digit)


def test_a_code_means_one_thing():
    listed = [code for table in TABLES for code in table]
    assert len(listed) == len(set(listed))


def test_every_quantity_has_units():
    for table in TABLES:
        assert set(table.values()) <= set(CANONICAL)


def test_every_drug_with_a_level_can_be_chosen():
    assert set(codes.LEVELS.values()) <= set(codes.DRUGS)

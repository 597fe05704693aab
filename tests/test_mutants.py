"""Every deliberate bug of tests/mutants.py can still be made: its place exists once, its tests exist."""

import ast
from collections import Counter

import pytest

from tests.mutants import MUTANTS, ROOT, broken


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: str(m.number))
def test_a_deliberate_bug_can_be_made(mutant):
    ast.parse(broken(mutant))
    for name in mutant.tests:
        assert (ROOT / name).exists(), f"bug {mutant.number} names {name}, which is not there"


def test_numbers_are_unique():
    assert max(Counter(m.number for m in MUTANTS).values()) == 1

"""Cockcroft and Gault by hand."""

import pytest

from dosetwin.structure.creatinine_clearance import cockcroft_gault


@pytest.mark.parametrize(("given", "CLCR"), [((40, 72, 1.0, 1), 100.0), ((40, 72, 1.0, 0), 85.0), ((70, 72, 2.0, 1), 35.0)])
def test_cockcroft_gault(given, CLCR):
    assert cockcroft_gault(*given) == pytest.approx(CLCR)

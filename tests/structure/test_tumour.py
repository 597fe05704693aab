"""Tumours in formulas: what the page does not hold, as properties."""

import numpy as np
import pytest

from dosetwin.evaluate.pages import tumour as page
from dosetwin.structure import tumour


def test_the_page_holds_every_published_figure() -> None:
    found = page.run(n=1)
    assert len(found) == 71
    assert [c.check for c in found if not c.passed] == []
    assert "BIOMD0000000521" in page.markdown(found)


def test_the_smallest_size_is_where_it_is_said_to_be() -> None:
    t = np.linspace(0, 400, 40001)
    assert t[tumour.shrink_and_grow(t, 0.01, 0.002).argmin()] == pytest.approx(tumour.nadir(0.01, 0.002), abs=0.01)
    assert t[tumour.claret(t, 0.015, 0.058, 0.042, 3.0).argmin()] == pytest.approx(
        tumour.claret_regrows(0.015, 0.058, 0.042, 3.0), abs=0.01
    )
    assert tumour.nadir(0.001, 0.002) == 0.0


def test_the_front_is_of_second_order_in_space() -> None:
    """Halving the cells divides the error of the detectable radius by about four."""
    radii = [tumour.glioma(0.13, 0.03, 300, radius=60.0, cells=n, steps_a_day=4)[2][-1] for n in (120, 240, 480)]
    assert abs(radii[1] - radii[0]) / abs(radii[2] - radii[1]) == pytest.approx(4.0, abs=1.6)


def test_no_drug_and_no_growth_leave_the_filed_glioma_s_quiet_tissue_growing_from_nothing() -> None:
    """The fault of the filed model: with no proliferating tissue there still is a flow into quiescence; the paper's has none."""
    numbers = (0.0, 0.00295, 0.0, 0.0, 0.0, 0.24, 100.0)
    assert tumour.ribba((0.0, 0.0, 10.0, 0.0), *numbers)[2] == 0.0
    assert tumour.ribba((0.0, 0.0, 10.0, 0.0), *numbers, filed=True)[2] > 0.0

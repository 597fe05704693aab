"""Our own Sobol points and the t of a wrong record are scipy's, to the bit: drawn numbers are part of every answer."""

import numpy as np
import pytest
from scipy.stats import qmc
from scipy.stats import t as student

from dosetwin.infer.robust import WRONG_DF, _log_below, _log_student
from dosetwin.infer.sobol import MOST, sobol


@pytest.mark.parametrize("d", [1, 2, 7, 20, MOST, MOST + 2])
@pytest.mark.parametrize("n", [2, 2048])
def test_points_are_scipys(d: int, n: int) -> None:
    theirs = qmc.Sobol(d, scramble=True, rng=np.random.default_rng(20260401)).random(n)
    assert np.array_equal(sobol(d, n, 20260401), theirs)
    assert not np.array_equal(sobol(d, n, 1), theirs)


def test_student_is_scipys() -> None:
    u = np.array([-1e5, -40.0, -3.0, 0.0, 0.1, 2.0, 700.0])
    assert np.array_equal(_log_student(u, WRONG_DF), student.logpdf(u, WRONG_DF))
    assert np.allclose(_log_below(u, WRONG_DF), student.logcdf(u, WRONG_DF), rtol=1e-15, atol=1e-16)

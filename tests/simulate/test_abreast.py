"""Courses played abreast: the numbers of the plain loop, and to the bit whatever their neighbours are."""

import numpy as np
import pytest

from dosetwin.records import DoseEvent, Patient, Timeline
from dosetwin.simulate import abreast, engine, schedule_many, simulate

N = 37
TIMES = np.array([0.3, 1.0, 4.0, 11.0, 24.0, 40.0])


@pytest.fixture(scope="module")
def cohort(michaelis):
    """Courses of different lengths: infusions that overlap, boluses, a reset, outputs at doses; one eta that is no number."""
    rng = np.random.default_rng(3)
    lines = []
    for k in range(N):
        doses = (DoseEvent(0.0, 80.0 + k, 1.0 + 0.1 * k), DoseEvent(0.5, 40.0, 2.0), DoseEvent(11.0, 60.0))
        lines.append(Timeline(Patient(str(k)), doses[: 1 + k % 3], resets=(20.0,) if k % 5 == 0 else ()))
    eta = rng.normal(0.0, 0.4, (N, 1))
    eta[9] = np.nan
    return michaelis, schedule_many(michaelis, lines, [TIMES[: 2 + k % 5] for k in range(N)]), eta


def _rows(got):
    return [got.value[got.ptr[k] : got.ptr[k + 1]] for k in range(len(got.ok))]


def test_numbers_are_those_of_the_plain_loop(cohort, monkeypatch):
    model, schedule, eta = cohort
    assert abreast.suits(model, schedule)
    got = simulate(model, schedule, eta)
    monkeypatch.setattr(engine.abreast, "suits", lambda *_: False)
    want = simulate(model, schedule, eta)
    assert got.ok.tolist() == want.ok.tolist() == [k != 9 for k in range(N)]
    assert [f.code for f in got.failures] == [f.code for f in want.failures]
    np.testing.assert_allclose(got.value, want.value, rtol=1e-9, atol=1e-12)


def test_no_bit_depends_on_the_neighbours(cohort):
    model, schedule, eta = cohort
    want = _rows(simulate(model, schedule, eta, threads=1))
    rng = np.random.default_rng(4)
    for size in (1, 2, 15, 16, 17, 33, 70):
        chosen = rng.integers(0, N, size)
        for threads in (1, 2):
            got = _rows(simulate(model, schedule, eta[chosen], course=chosen, threads=threads))
            assert all(np.array_equal(g, want[c], equal_nan=True) for g, c in zip(got, chosen, strict=True))


def test_slopes_that_take_exponentials_have_fewer_lanes(make, michaelis):
    steep = make("steep", {"K": 1.0, "V": 1.0}, state=("central",), dynamics="-math.exp(p.K) * A.central", solver="explicit")
    assert abreast.width(michaelis) == abreast.WIDTH
    assert abreast.width(steep) == abreast.FEWER

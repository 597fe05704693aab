"""Growth standards against the published centiles they stand for."""

from itertools import pairwise

import pytest

from dosetwin.structure.growth import birth_weight, body_surface, length, weight_after_birth

P10, P50, P90 = -1.2815515655, 0.0, 1.2815515655
# INTERGROWTH-21st newborn weight standards: printed 10th, 50th and 90th centiles, kg
BOYS = {24: (0.50, 0.64, 0.82), 28: (0.84, 1.07, 1.37), 32: (1.36, 1.74, 2.23), 33: (1.43, 1.95, 2.52), 35: (1.95, 2.47, 3.03),
        37: (2.38, 2.89, 3.45), 40: (2.88, 3.38, 3.94), 42: (3.12, 3.62, 4.17)}  # fmt: skip
GIRLS = {24: (0.47, 0.60, 0.77), 28: (0.79, 1.01, 1.30), 32: (1.28, 1.64, 2.11), 33: (1.41, 1.86, 2.35), 35: (1.92, 2.38, 2.89),
         37: (2.33, 2.80, 3.32), 40: (2.78, 3.26, 3.80), 42: (2.98, 3.46, 4.01)}  # fmt: skip


@pytest.mark.parametrize(("male", "GA", "printed"), [(m, g, v) for m, t in ((1, BOYS), (0, GIRLS)) for g, v in t.items()])
def test_birth_weight_follows_the_printed_centiles(male: int, GA: int, printed: tuple[float, float, float]) -> None:
    found = [birth_weight(GA, male, z) for z in (P10, P50, P90)]
    assert found == pytest.approx(printed, rel=0.015)


@pytest.mark.parametrize("GA", [24, 30, 40])
def test_weight_falls_is_regained_and_then_grows(GA: int) -> None:
    days = [weight_after_birth(1.0, GA, 0.25 * k) for k in range(121)]
    loss = 0.09 - 0.03 * (GA - 24) / 16
    assert days[0] == 1.0
    assert min(days) == pytest.approx(1.0 - loss, abs=0.006)
    assert weight_after_birth(1.0, GA, 13.0 - 3.5 * (GA - 24) / 16) == pytest.approx(1.0)
    assert days[-1] > 1.1
    assert max(abs(b - a) for a, b in pairwise(days)) < 0.012, "no jumps"


def test_length_and_surface_of_a_term_baby() -> None:
    assert length(40, 1) == pytest.approx(50.3, abs=0.8)
    assert body_surface(3.4, 50.0) == pytest.approx(0.22, abs=0.01)

"""Erlang's forms against printed values and against the sums they abbreviate."""

import math

import pytest

from dosetwin.structure.queues import erlang_b, erlang_c, mean_wait, waits_longer


def test_erlang_b_is_the_truncated_poisson_distribution() -> None:
    for servers, load in (1, 0.3), (5, 3.0), (10, 12.0), (40, 35.5):
        terms = [load**n / math.factorial(n) for n in range(servers + 1)]
        assert erlang_b(servers, load) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


def test_tabulated_loads_lose_one_per_cent() -> None:
    # traffic tables: 10 servers carry 4.46 Erlang at 1 % loss, 20 carry 12.03, 50 carry 37.90
    for servers, load in (10, 4.46), (20, 12.03), (50, 37.90):
        assert erlang_b(servers, load) == pytest.approx(0.01, abs=2e-5)


def test_one_server_is_the_simplest_queue() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert mean_wait(1, 0.7, 2.0) == pytest.approx(0.7 * 2.0 / 0.3)
    assert waits_longer(1, 0.7, 2.0, 5.0) == pytest.approx(0.7 * math.exp(-0.3 * 5.0 / 2.0))


def test_the_mean_wait_is_the_area_under_its_tail() -> None:
    hours = [0.05 * k for k in range(8000)]
    tail = [waits_longer(12, 10.0, 48.0, h) for h in hours]
    assert mean_wait(12, 10.0, 48.0) == pytest.approx(sum(tail) * 0.05 - 0.025 * tail[0], rel=1e-4)


def test_a_load_above_the_servers_waits_for_ever() -> None:
    assert (erlang_c(3, 3.0), waits_longer(3, 4.0, 1.0, 9.0), mean_wait(3, 3.0, 1.0)) == (1.0, 1.0, math.inf)

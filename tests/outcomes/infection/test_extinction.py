"""Extinction: the fast kernel against adaptive integration, closed forms, a published table and infections played by chance."""

from math import exp

import numpy as np
import pytest

from dosetwin.outcomes.infection import neonatal_gentamicin
from dosetwin.outcomes.infection._kernel import COLUMNS
from dosetwin.outcomes.infection.branching import one_type, solve
from dosetwin.outcomes.infection.course import run
from dosetwin.outcomes.infection.draws import Infections, draw_infections
from dosetwin.outcomes.infection.packs import PACKS, pack
from dosetwin.outcomes.infection.stochastic import play
from dosetwin.structure.bacteria import riccati
from outcomes.infection.curves import INFUSION, every, grid, level

MIDDLE = np.full((1, 6), 0.5)


def typical(name: str, mic: float, **changes: float) -> Infections:
    return draw_infections(pack(name).having(**changes), 1, uniforms=MIDDLE, mic=mic)


DORMANT = {"s0": 1e-3, "wake": 0.03, "kd_dormant": 0.03}
CASES = {
    "adaptive resistance": ("peak_driven", 1.0, {}),
    "dormant cells": ("peak_driven", 0.7, {**DORMANT, "load_log10": 7.0}),
    "drug-driven transfer": ("auc_driven", 6.5, {}),
    "near capacity": ("auc_driven", 6.0, {"load_log10": 8.3}),
    "many mutants, little room": ("peak_driven", 2.0, {"load_log10": 4.0, "capacity": 3e4, "net_growth": 0.6, "u": 1e-3}),
    "phagocytes that saturate": ("peak_driven", 2.0, {"kimm": 0.2, "Ksat_per_mL": 1e5}),
    "broth": ("in_vitro", 5.0, {}),
    "drift": ("peak_driven", 1.0, {"drift": 0.01, "revert": 0.002, "load_log10": 7.0}),
    "beta-lactam": ("peak_driven", 4.0, {"partner": 0.2}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_kernel_agrees_with_adaptive_integration(case: str) -> None:
    """The reference knows the smooth curve, the kernel its grid only; the bar is 0.005."""
    dt = 0.25
    name, mic, changes = CASES[case]
    infections = typical(name, mic, **changes)
    for starts, peak in ((every(36.0), 33.0), (every(12.0), 11.0)):
        found = run(grid(starts, peak, dt=dt)[None], dt, infections)
        times = np.unique(np.array([*starts, *(s + INFUSION for s in starts), 120.0]))
        exact = solve(lambda t, starts=starts, peak=peak: level(t, starts, peak), times, infections)
        assert found.p_erad[0] == pytest.approx(exact.p_erad, abs=0.005)
        assert found.p_resistant[0] == pytest.approx(exact.p_resistant, abs=0.005)
        if exact.log10_load > -6.0:
            assert found.log10_load[0] == pytest.approx(exact.log10_load, abs=0.05)


def test_refining_the_grid_converges() -> None:
    infections = typical("peak_driven", 1.0)
    starts = every(24.0)
    exact = solve(
        lambda t: level(t, starts, 24.0), np.unique([*starts, *(s + INFUSION for s in starts), 120.0]), infections
    ).p_erad
    errors = [abs(run(grid(starts, 24.0, dt=dt)[None], dt, infections).p_erad[0] - exact) for dt in (0.5, 0.25, 0.125, 0.0625)]
    assert errors[3] < 2e-4
    assert errors[3] <= errors[0]


def test_one_type_without_drug_by_kendall() -> None:
    """Constant rates: survival of one cell is (b - d)/(b - d exp(-(b - d) T)), a result of 1948."""
    infections = typical("peak_driven", 1.0, load_log10=0.3, u=0.0, capacity=1e18)
    keep = np.array([[1.0, 0.0, 0.0]])
    infections = Infections(**{**infections.__dict__, "N0": infections.N0 * keep})
    b, d, T = 0.35 + 0.179, 0.179, 48.0
    survive = (b - d) / (b - d * exp(-(b - d) * T))
    found = run(np.zeros((1, 193)), 0.25, infections)
    assert found.p_erad[0] == pytest.approx(exp(-infections.N0[0, 0] * survive), rel=1e-9)
    t = np.linspace(0.0, T, 20001)
    closed = one_type(np.full(len(t), b - d), np.full(len(t), d), t, float(infections.N0[0, 0]))
    assert closed == pytest.approx(found.p_erad[0], rel=1e-6)
    assert riccati(1.0, (b - d) * T, b * T) == pytest.approx(survive, rel=1e-12)


@pytest.mark.parametrize("GA", [25, 29, 40])
@pytest.mark.parametrize(("mg_per_kg", "starts"), [(4.0, (0.0, 24.0, 48.0, 72.0)), (5.0, (0.0,)), (4.5, (0.0, 36.0, 72.0))])
def test_the_kernel_gives_the_published_eradication(GA: int, mg_per_kg: float, starts: tuple[float, ...]) -> None:
    """Gentamicin in newborns (Radivoyevitch 2015), the kernel knowing the levels on a grid of 0.02 h only: 5 min infusions."""
    WT = neonatal_gentamicin.WEIGHTS[GA]
    dt = 0.02
    times = np.arange(round(124.0 / dt) + 1) * dt
    conc = neonatal_gentamicin.levels(GA, WT, mg_per_kg, starts, times)
    infections = typical("in_vitro", 2.0, capacity=1e30)
    total = neonatal_gentamicin.INOCULUM * 1000.0 * neonatal_gentamicin.central_volume(GA, WT)
    infections = infections.with_load(np.log10(total)).with_column("kon", 0.0426)
    infections = Infections(**{**infections.__dict__, "EC50": np.full((1, 1), 9.85)})
    found = run(conc[None], dt, infections)
    assert found.p_erad[0] == pytest.approx(neonatal_gentamicin.eradication(GA, mg_per_kg, starts), abs=0.005)


def test_candidates_threads_and_rows_do_not_matter() -> None:
    infections = draw_infections(PACKS["peak_driven"], 40, seed=5)
    cube = np.stack([np.tile(grid(every(tau), peak), (40, 1)) for tau, peak in ((36.0, 33.0), (24.0, 22.0), (48.0, 44.0))])
    together = run(cube, 0.25, infections, threads=1)
    threaded = run(cube, 0.25, infections, threads=3)
    assert np.array_equal(together.p_erad, threaded.p_erad)
    for c in range(3):
        assert np.array_equal(run(cube[c], 0.25, infections).p_resistant, together.p_resistant[c])
    few = infections.take([7, 3])
    assert np.array_equal(run(cube[0][[7, 3]], 0.25, few).p_erad, together.p_erad[0][[7, 3]])


def test_the_share_observed_is_a_generating_function() -> None:
    """observe = theta gives E[exp(-theta N)]: 1 for theta 0, P(extinct) for a large one."""
    infections = draw_infections(PACKS["peak_driven"], 30, seed=2)
    conc = np.tile(grid(every(36.0), 33.0), (30, 1))
    assert run(conc, 0.25, infections, observe=0.0).p_erad == pytest.approx(np.ones(30))
    assert run(conc, 0.25, infections, observe=700.0).p_erad == pytest.approx(run(conc, 0.25, infections).p_erad, abs=1e-12)
    some = [run(conc, 0.25, infections, observe=theta).p_erad for theta in (1e-6, 1e-3, 1.0)]
    assert (some[0] >= some[1] - 1e-12).all()
    assert (some[1] >= some[2] - 1e-12).all()


PLAYED = ("adaptive resistance", "dormant cells", "drug-driven transfer", "many mutants, little room", "phagocytes that saturate")


def played(case: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(kernel's P(erad), P(resistant)) and the shares found among n infections played cell by cell."""
    name, mic, changes = CASES[case]
    infections = typical(name, mic, **changes)
    conc = grid(every(36.0), 33.0)
    found = run(conc[None], 0.25, infections)
    cells = play(np.tile(conc, (n, 1)), 0.25, infections.take(np.zeros(n, dtype=int)), seed=11)[:, 0]
    shares = [(cells.sum(axis=(1, 2)) == 0).mean(), (cells[:, 1:].sum(axis=(1, 2)) > 0).mean()]
    return np.array([found.p_erad[0], found.p_resistant[0]]), np.array(shares)


@pytest.mark.parametrize("case", PLAYED)
def test_the_kernel_agrees_with_chance_itself_roughly(case: str) -> None:
    kernel, shares = played(case, 600)
    assert shares == pytest.approx(kernel, abs=0.005 + 4.0 * 0.0205)


@pytest.mark.slow
@pytest.mark.parametrize("case", PLAYED)
def test_the_kernel_agrees_with_chance_itself(case: str) -> None:
    """0.005 in probability beyond three standard errors; `benchmarks/infection.py chance` does it with 40,000 infections."""
    n = 6_000
    kernel, shares = played(case, n)
    error = np.sqrt(np.maximum(kernel * (1.0 - kernel), 1e-5) / n)
    assert (np.abs(kernel - shares) <= 0.005 + 3.0 * error).all(), (kernel, shares)


def test_columns_are_those_of_the_table() -> None:
    infections = draw_infections(PACKS["peak_driven"], 3, seed=1)
    assert infections.table.shape == (3, len(COLUMNS))
    assert infections.column("koff")[0] == 0.0139

"""Courses of infections: what must hold whatever the numbers, the directions of the packs, and bad input."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dosetwin.errors import InputError, UnknownName
from dosetwin.outcomes.infection.course import run
from dosetwin.outcomes.infection.draws import DRAWS, Infections, draw_infections
from dosetwin.outcomes.infection.organisms import ORGANISMS
from dosetwin.outcomes.infection.packs import PACKS, compare, describe, pack
from dosetwin.streams import row_uniforms
from outcomes.infection.curves import every, grid

CURVES = {tau: grid(every(tau), 1.0) for tau in (12.0, 24.0, 36.0, 48.0)}
MIDDLE = np.full((1, 6), 0.5)

cases = st.fixed_dictionaries({
    "name": st.sampled_from(sorted(PACKS)),
    "tau": st.sampled_from(sorted(CURVES)),
    "peak": st.floats(0.0, 80.0),
    "mic": st.floats(0.05, 200.0),
    "load": st.floats(0.0, 9.0),
})  # fmt: skip


def outcome(name: str, tau: float, peak: float, mic: float, load: float):
    infections = draw_infections(pack(name), 1, uniforms=MIDDLE, mic=mic).with_load(load)
    return run(peak * CURVES[tau][None], 0.25, infections)


@settings(max_examples=60)
@given(cases)
def test_probabilities_are_probabilities(case: dict) -> None:
    found = outcome(**case)
    erad, resistant = float(found.p_erad[0]), float(found.p_resistant[0])
    assert 0.0 <= erad <= 1.0
    assert 0.0 <= resistant <= 1.0
    assert resistant <= 1.0 - erad + 1e-9, "a living resistant bacterium is a living bacterium"
    assert np.isfinite(found.log10_load[0])
    # the expected count bounds the probability of life (Markov)
    assert 1.0 - erad <= 10.0 ** found.log10_load[0] * (1.0 + 1e-6) + 1e-9


@settings(max_examples=60)
@given(cases, st.floats(1.0, 3.0))
def test_more_drug_and_lower_MIC_and_fewer_bacteria_never_hurt(case: dict, factor: float) -> None:
    base = float(outcome(**case).p_erad[0])
    assert float(outcome(**case | {"peak": case["peak"] * factor}).p_erad[0]) >= base - 1e-4
    assert float(outcome(**case | {"mic": case["mic"] / factor}).p_erad[0]) >= base - 1e-4
    assert float(outcome(**case | {"load": case["load"] - np.log10(factor)}).p_erad[0]) >= base - 1e-4


@settings(max_examples=40)
@given(cases, st.floats(0.0, 6.0))
def test_a_resistant_type_never_helps(case: dict, extra: float) -> None:
    infections = draw_infections(pack(case["name"]), 1, uniforms=MIDDLE, mic=case["mic"]).with_load(case["load"])
    if infections.N0.shape[1] == 1:
        return
    conc = case["peak"] * CURVES[case["tau"]][None]
    more = infections.N0.copy()
    more[0, 1] += 10.0**extra
    richer = Infections(**{**infections.__dict__, "N0": more})
    # 0.005: newcomers share the room of the others, which the expected count lets everybody feel
    assert run(conc, 0.25, richer).p_erad[0] <= run(conc, 0.25, infections).p_erad[0] + 0.005
    u = infections.with_column("u", 10.0 * infections.column("u") + 1e-7)
    assert run(conc, 0.25, u).p_erad[0] <= run(conc, 0.25, infections).p_erad[0] + 1e-6


@settings(max_examples=30)
@given(st.integers(0, 2**63 - 1), st.integers(1, 40), st.integers(0, 30))
def test_a_baby_is_the_same_in_any_cohort(seed: int, n: int, first: int) -> None:
    everyone = row_uniforms(seed, "infection", first + n, 4)
    assert np.array_equal(everyone[first:], row_uniforms(seed, "infection", n, 4, first=first))
    assert ((everyone > 0.0) & (everyone < 1.0)).all()


def test_streams_are_uniform_and_unrelated() -> None:
    u = row_uniforms(3, "infection", 40_000, 6)
    assert np.abs(u.mean(axis=0) - 0.5).max() < 0.01
    assert (
        np.abs(
            np.corrcoef(np.hstack([u, row_uniforms(4, "infection", 40_000, 2), row_uniforms(3, "other", 40_000, 2)]).T)
            - np.eye(10)
        ).max()
        < 0.02
    )


def test_rows_of_draws_do_not_depend_on_their_number() -> None:
    a, b = (draw_infections(PACKS["benign"], n, seed=9, organism="klebsiella") for n in (50, 200))
    for name in ("MIC", "table", "N0", "EC50"):
        assert np.array_equal(getattr(a, name), getattr(b, name)[:50])


# ------------------------------------------------------------------------------------------------------- what the packs say
def share(name: str, tau: float, peak: float, hours: float = 168.0) -> tuple[float, float]:
    infections = draw_infections(PACKS[name], 800, seed=1)
    found = run(np.tile(grid(every(tau, 120.0), peak, hours=hours), (800, 1)), 0.25, infections)
    return float(found.p_erad.mean()), float(found.p_resistant.mean())


def test_peak_driven_prefers_one_high_dose_and_auc_driven_does_not() -> None:
    """The same 40 mg/kg in two days: once 20 mg/kg every 48 h, once 5 mg/kg every 12 h."""
    rare, frequent = share("peak_driven", 48.0, 44.0), share("peak_driven", 12.0, 11.0)
    assert rare[0] > frequent[0] + 0.1
    rare, frequent = share("auc_driven", 48.0, 44.0), share("auc_driven", 12.0, 11.0)
    assert abs(rare[0] - frequent[0]) < 0.02
    more = share("auc_driven", 24.0, 33.0)
    assert more[1] < min(rare[1], frequent[1]), "more exposure, fewer resistant lineages"


def test_without_adaptive_resistance_everything_is_easier() -> None:
    infections = draw_infections(PACKS["peak_driven"], 300, seed=1)
    conc = np.tile(grid(every(36.0), 33.0), (300, 1))
    assert (run(conc, 0.25, infections.with_column("AR50", 0.0)).p_erad >= run(conc, 0.25, infections).p_erad - 1e-9).all()


def test_benign_is_cleared_and_untreated_is_not() -> None:
    assert share("benign", 36.0, 33.0)[0] > 0.95
    assert share("peak_driven", 36.0, 0.0)[0] < 1e-3


def test_a_rebound_needs_survivors_and_growth() -> None:
    infections = draw_infections(PACKS["peak_driven"], 200, seed=1)
    found = run(np.tile(grid(every(36.0, 120.0), 33.0, hours=168.0), (200, 1)), 0.25, infections)
    assert (found.rebound <= 1.0 - found.p_erad).all()
    assert found.rebound.mean() > 0.1
    assert (run(np.tile(grid(every(36.0), 33.0), (200, 1)), 0.25, infections).rebound == 0.0).all(), "the grid ends at 120 h"


def test_drift_moves_the_MIC_and_only_then() -> None:
    conc = np.tile(grid(every(36.0), 33.0), (50, 1))
    still = run(conc, 0.25, draw_infections(pack("in_vitro"), 50, seed=1, mic=2.0))
    moved = run(conc, 0.25, draw_infections(pack("in_vitro+drift"), 50, seed=1, mic=2.0))
    assert (still.mic_shift == 0.0).all()
    assert (moved.mic_shift > 0.5).all()
    assert (moved.p_erad <= still.p_erad + 1e-9).all()


def test_the_series_ends_where_the_load_does() -> None:
    infections = draw_infections(PACKS["peak_driven"], 5, seed=1)
    found = run(np.tile(CURVES[24.0] * 30.0, (5, 1)), 0.25, infections, series=True)
    assert found.series is not None
    assert found.series.shape == (5, 481, 2)
    assert np.log10((10.0 ** found.series[:, -1]).sum(axis=1)) == pytest.approx(found.log10_load, abs=1e-9)
    assert np.log10((10.0 ** found.series[:, 0]).sum(axis=1)) == pytest.approx(infections.load_log10, abs=1e-9)


def test_every_number_of_a_pack_says_where_it_is_from() -> None:
    for entry in PACKS.values():
        text, data = describe(entry), entry.to_json()
        for name, number in entry.numbers.items():
            assert number.source
            assert data["numbers"][name]["status"] in ("published", "assumed")
            assert f"| {name} |" in text
    assert PACKS["peak_driven"].numbers["penetration"].status == "assumed"
    assert PACKS["auc_driven"].kill["gram_negative"].numbers["slope"].status == "published"
    assert PACKS["benign"].having(kd=0.2).numbers["kd"].status == "assumed"


def test_the_documentation_shows_the_packs_as_they_are() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "infection.md").read_text(encoding="utf-8")
    assert compare() in text, "print packs.compare() and put it into docs/infection.md"


def test_an_MIC_changed_afterwards_is_the_MIC_drawn_at_once() -> None:
    for name in PACKS:
        a = draw_infections(PACKS[name], 4, seed=3, mic=1.0).with_MIC(3.0)
        b = draw_infections(PACKS[name], 4, seed=3, mic=3.0)
        for field in ("MIC", "table", "EC50", "slope"):
            assert getattr(a, field) == pytest.approx(getattr(b, field), rel=1e-12)


def test_organisms_outside_the_scope_of_amikacin_are_marked() -> None:
    names = ["e_coli", "gbs", "cons", "enterococcus", "p_aeruginosa"]
    infections = draw_infections(PACKS["peak_driven"], 5, seed=1, organism=names)
    assert infections.in_scope.tolist() == [True, False, True, False, True]
    low, high = (run(np.tile(peak * CURVES[24.0], (5, 1)), 0.25, infections) for peak in (0.0, 60.0))
    assert low.p_erad[[1, 3]] == pytest.approx(high.p_erad[[1, 3]])  # the drug does nothing, the beta-lactam what it does
    assert {o.group for o in ORGANISMS.values()} == {"gram_negative", "pseudomonas", "staphylococci", "outside"}


def test_published_resistant_shares_reach_the_draws() -> None:
    infections = draw_infections(PACKS["peak_driven"], 2, seed=1, organism=["p_aeruginosa", "s_aureus"])
    assert np.log10(infections.N0[0, 1] / infections.N0[0].sum()) == pytest.approx(-6.68)
    assert infections.EC50[0, 1] / infections.EC50[0, 0] == pytest.approx(329.0 / 4.88, rel=0.01)
    assert np.log10(infections.N0[1, 1:] / infections.N0[1].sum()) == pytest.approx([-2.57, -4.37, -7.42])


# ------------------------------------------------------------------------------------------------------------- bad input
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_impossible_concentrations(bad: float) -> None:
    conc = np.ones((2, 10))
    conc[1, 3] = bad
    with pytest.raises(InputError, match="concentration"):
        run(conc, 0.25, draw_infections(PACKS["benign"], 2, seed=1))


def test_shapes_and_steps() -> None:
    infections = draw_infections(PACKS["benign"], 2, seed=1)
    for conc in (np.ones((3, 10)), np.ones(10), np.ones((2, 1))):
        with pytest.raises(InputError, match="match"):
            run(conc, 0.25, infections)
    for dt in (0.0, -1.0, 12.0):
        with pytest.raises(InputError, match="time step"):
            run(np.ones((2, 10)), dt, infections)


def test_names_nobody_declared() -> None:
    with pytest.raises(UnknownName, match="peak_driven, auc_driven"):
        pack("lethal")
    with pytest.raises(UnknownName, match="e_coli"):
        draw_infections(PACKS["benign"], 2, seed=1, organism="measles")
    with pytest.raises(InputError, match="klebsiella"):
        draw_infections(PACKS["auc_driven"], 2, seed=1, organism="s_aureus")
    with pytest.raises(UnknownName, match="net_growth"):
        PACKS["benign"].having(growth=1.0)
    with pytest.raises(InputError, match="penetration"):
        PACKS["benign"].having(penetration=-0.1)


@pytest.mark.parametrize("mic", [0.0, -2.0, np.nan, np.inf])
def test_impossible_MICs(mic: float) -> None:
    with pytest.raises(InputError, match="MIC"):
        draw_infections(PACKS["benign"], 2, seed=1, mic=mic)


def test_draws_are_asked_for_properly() -> None:
    with pytest.raises(InputError, match="at least one"):
        draw_infections(PACKS["benign"], 0, seed=1)
    with pytest.raises(InputError, match="exactly one"):
        draw_infections(PACKS["benign"], 2)
    with pytest.raises(InputError, match="uniforms"):
        draw_infections(PACKS["benign"], 2, uniforms=np.zeros((2, len(DRAWS))))
    with pytest.raises(InputError, match="one organism"):
        draw_infections(PACKS["benign"], 2, seed=1, organism=["e_coli"])

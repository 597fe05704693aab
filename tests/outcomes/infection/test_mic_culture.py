"""MICs, microdilution and blood cultures: published shares, what an observation teaches, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.errors import InputError, UnknownName
from dosetwin.outcomes.infection import culture, mic
from dosetwin.outcomes.infection.course import run
from dosetwin.outcomes.infection.culture import Culture
from dosetwin.outcomes.infection.culture_check import BELIEF, TRUTH, check
from dosetwin.outcomes.infection.draws import draw_infections
from dosetwin.outcomes.infection.microdilution import VISIBLE, count_after, ec50_over_MIC, plate
from dosetwin.outcomes.infection.packs import PACKS
from dosetwin.outcomes.infection.stochastic import play
from dosetwin.streams import row_uniforms
from outcomes.infection.curves import every, grid


# ------------------------------------------------------------------------------------------------------------------- MIC
def test_counts_of_the_tables() -> None:
    assert mic.E_COLI.weights.sum() == 28_531
    for limit, share in ((1.0, 0.178), (2.0, 0.727), (4.0, 0.948), (8.0, 0.988), (16.0, 0.995)):
        assert mic.E_COLI.below(limit) == pytest.approx(share, abs=0.001)
    assert mic.P_AERUGINOSA.below(16.0) == pytest.approx(0.924, abs=0.001)
    # within the wild type the quantiles lie near the published log-normal, 2^(0.612 + 0.721 z)
    for z in (-1.0, 0.0, 1.0):
        from scipy.special import ndtr

        assert np.log2(mic.E_COLI.quantile(ndtr(z) * mic.E_COLI.below(8.0))) == pytest.approx(0.612 + 0.721 * z, abs=0.15)


def test_breakpoints_carry_their_version() -> None:
    for limit in mic.BREAKPOINTS:
        assert "EUCAST v" in limit.version
        assert limit.S <= limit.R
    found = mic.breakpoint_of("klebsiella")
    assert found is not None
    assert found.S == 8.0
    assert mic.breakpoint_of("gbs") is None
    assert {row["organism"] for row in mic.summary()} >= {"Escherichia coli"}


@given(st.floats(0.0001, 0.9999), st.sampled_from(sorted(mic.DISTRIBUTIONS)))
def test_quantiles_undo_probabilities(u: float, name: str) -> None:
    of = mic.distribution(name)
    value = float(of.quantile(u))
    edges = np.concatenate(([mic.DILUTIONS[0] / 2.0], mic.DILUTIONS))
    assert np.interp(np.log2(value), np.log2(edges), of.cdf) == pytest.approx(u, abs=1e-9)


def test_a_measured_MIC_moves_the_belief_within_its_error() -> None:
    prior = mic.distribution("e_coli")
    after = prior.updated(8.0)
    assert after.quantile(0.5) > 3.0
    assert float(after.quantile(0.975)) < 16.5
    assert float(after.quantile(0.025)) > 1.5
    again = after.updated(8.0)
    assert float(again.quantile(0.5)) > float(after.quantile(0.5))
    # the likelihood of all readings together is 1
    readings = [mic.reading_likelihood(2.0**k) for k in range(-12, 13)]
    assert np.sum(readings, axis=0) == pytest.approx(np.ones(16), abs=1e-6)


def test_a_report_counts_only_once_it_has_arrived() -> None:
    reports = (mic.MICReport(8.0, 0.0, 48.0),)
    assert mic.known_distribution("e_coli", reports, 47.9).quantile(0.5) == mic.distribution("e_coli").quantile(0.5)
    assert mic.known_distribution("e_coli", reports, 48.0).quantile(0.5) > 3.0


def test_weights_of_draws_agree_with_the_updated_distribution() -> None:
    u = (np.arange(20_000) + 0.5) / 20_000
    drawn = mic.distribution("e_coli").quantile(u)
    w = mic.weights_given(drawn, 4.0)
    order = np.argsort(drawn)
    cumulative = np.cumsum(w[order]) / w.sum()
    median = drawn[order][np.searchsorted(cumulative, 0.5)]
    assert median == pytest.approx(float(mic.distribution("e_coli").updated(4.0).quantile(0.5)), rel=0.05)


def test_settings_draw_their_shares() -> None:
    u = row_uniforms(1, "setting", 50_000, 1)[:, 0]
    names = mic.setting("late_high_income").draw(u)
    assert names.count("cons") / 50_000 == pytest.approx(0.54 / 0.93, abs=0.01)
    tail = mic.setting("low_income").quantile("klebsiella", np.linspace(0.0005, 0.9995, 1000))
    assert (tail > 8.0).mean() == pytest.approx(0.25, abs=0.01)
    with pytest.raises(UnknownName, match="low_income"):
        mic.setting("mars")


def test_bad_MICs() -> None:
    for bad in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="positive"):
            mic.distribution("e_coli").updated(bad)
        with pytest.raises(InputError, match="positive"):
            mic.MICReport(bad, 0.0, 48.0)
        with pytest.raises(InputError, match="MIC"):
            plate(bad)
    with pytest.raises(InputError, match="reported"):
        mic.MICReport(2.0, 10.0, 5.0)
    with pytest.raises(UnknownName, match="e_coli"):
        mic.distribution("measles")
    with pytest.raises(InputError, match="share"):
        mic.distribution("e_coli", 1.5)


@pytest.mark.parametrize("group", PACKS["peak_driven"].kill)
def test_microdilution_returns_the_MIC_it_was_solved_for(group: str) -> None:
    kill = PACKS["peak_driven"].kill[group]
    q = ec50_over_MIC(kill)
    for MIC in (0.5, 4.0):
        value = kill.value
        ends = [
            count_after(
                C, EC50=q * MIC, Emax=value("Emax"), hill=value("hill"), kg=value("kg_broth"), kd=value("kd_broth"),
                capacity=value("capacity_broth"), resting=value("AR50") > 0.0, AR50=value("AR50"), kon=value("kon_MIC") / MIC,
                koff=value("koff"),
            )
            for C in (0.99 * MIC, 1.01 * MIC)
        ]  # fmt: skip
        assert ends[0] > np.log(VISIBLE) > ends[1]
    assert 0.25 < np.log2(q / kill.value("EC50_reported")) < 2.0, "solved q lies above the reported one: see docs/infection.md"


# --------------------------------------------------------------------------------------------------------------- cultures
def test_detection_is_poisson() -> None:
    """Schelonka 1996: 0.5 mL at 4 CFU/mL finds 87 %, at 1 CFU/mL it misses 60 %."""
    infections = draw_infections(PACKS["benign"].having(load_sd=0.0), 2, seed=1)
    density = np.array([4.0, 1.0])
    infections = infections.with_load(np.log10(density * infections.site_mL))
    link = culture.blood_link(infections) / culture.ETA
    p = culture.p_positive(infections, np.zeros((2, 3)), 0.25, 0.0, link, volume=0.5, contaminated=0.0)
    assert p == pytest.approx([1.0 - np.exp(-2.0), 1.0 - np.exp(-0.5)], rel=2e-3)  # a finite volume of blood


def test_times_to_positivity_meet_the_medians() -> None:
    """Jardine 2006: E. coli 11.3 h (10.0-13.5), CoNS 28.9 (20.5-41.2), GBS 9.3 (8.2-11.0); 1 to 50 CFU in the bottle."""
    for name, low, high in (("e_coli", 10.0, 13.5), ("cons", 20.5, 41.2), ("gbs", 8.2, 11.0)):
        times = culture.ttp(np.array([1.0, 5.0, 50.0]), (name,) * 3)
        assert (np.diff(times) < 0.0).all()
        assert low <= times[1] <= high


def test_later_cultures_are_predicted_by_chance_extinction() -> None:
    """Predicted shares of positive cultures against infections played out cell by cell, drawn 12 and 24 h into treatment."""
    n = 3000
    one = draw_infections(PACKS["benign"].having(net_growth_cv=0.0, kimm_cv=0.0), 1, uniforms=np.full((1, 6), 0.5), mic=4.0)
    infections = one.with_load(5.0).take(np.zeros(n, dtype=int))
    conc = np.tile(grid(every(36.0), 15.0, hours=24.0), (n, 1))
    link = culture.blood_link(infections)
    cells = play(conc, 0.25, infections, seed=3, at=np.array([6, 12, 96])).sum(axis=(2, 3))
    for k, hour in enumerate((1.5, 3.0, 24.0)):
        p = culture.p_positive(infections.take([0]), conc[:1], 0.25, hour, link[:1], volume=3.0, contaminated=0.0)[0]
        theta = link[0] * 3.0 * culture.ETA * culture.AFTER_ANTIBIOTICS
        assert p == pytest.approx(float((1.0 - np.exp(-theta * cells[:, k])).mean()), abs=0.01)


def mixed(n: int) -> tuple:
    names = mic.setting("late_high_income").draw(row_uniforms(5, "organisms", n, 1)[:, 0])
    infections = draw_infections(PACKS["benign"], n, seed=5, organism=names)
    return infections, np.zeros((n, 5)), culture.blood_link(infections)


def test_an_early_positive_culture_means_a_high_load_and_a_fast_organism() -> None:
    infections, conc, link = mixed(4000)
    before = culture.organism_probabilities(infections, np.full(4000, 1 / 4000))

    def after(*cultures: Culture, now: float = 100.0) -> np.ndarray:
        return culture.weights(infections, conc, 0.25, cultures, now, link)

    early = after(Culture(0.0, True, 12.0, ttp=9.0))
    late = after(Culture(0.0, True, 36.0, ttp=30.0))
    negative = after(Culture(0.0, False, 48.0))
    assert culture.organism_probabilities(infections, early)["cons"] < 0.1
    assert culture.organism_probabilities(infections, late)["cons"] > 0.9 > before["cons"]
    load = infections.load_log10
    assert early @ load > negative @ load + 1.0
    assert culture.effective_size(early) > 20
    # not yet reported: nothing learned
    assert after(Culture(0.0, True, 12.0, ttp=9.0), now=11.0) == pytest.approx(np.full(4000, 1 / 4000))
    # identified later than flagged
    named = Culture(0.0, True, 12.0, ttp=11.0, organism="e_coli", identified=40.0)
    assert culture.organism_probabilities(infections, after(named, now=30.0))["e_coli"] < 0.9
    assert culture.organism_probabilities(infections, after(named, now=40.0))["e_coli"] > 0.95


def test_deep_sites_meet_the_bacteraemia_of_newborns() -> None:
    """Load and link together give Dietzman's densities: log10 mean 1.88, SD 2.0."""
    infections = draw_infections(PACKS["peak_driven"], 20_000, seed=3)
    density = infections.load_log10 + np.log10(culture.blood_link(infections, row_uniforms(3, "link", 20_000, 1)[:, 0]))
    assert density.mean() == pytest.approx(1.88, abs=0.05)
    assert density.std() == pytest.approx(2.0, abs=0.05)


def test_calibration_of_the_perfect_and_of_the_overconfident() -> None:
    u = row_uniforms(1, "calibration", 20_000, 2)
    p = u[:, 0] ** 3
    y = (u[:, 1] < p).astype(float)
    good = culture.calibration(p, y)
    assert good.error < 0.01
    assert good.skill > 0.2
    bad = culture.calibration(np.where(p > 0.25, 0.99, 0.01), y)
    assert bad.error > 0.05
    assert bad.brier > good.brier
    base = culture.calibration(np.full(20_000, y.mean()), y)
    assert base.skill == pytest.approx(0.0, abs=1e-9)
    assert base.accuracy == pytest.approx(base.accuracy_of_guess), "accuracy says nothing where most results are the same"


def test_bad_cultures() -> None:
    with pytest.raises(InputError, match="volume"):
        Culture(0.0, True, 12.0, volume=0.0)
    with pytest.raises(InputError, match="reported"):
        Culture(10.0, True, 5.0)
    with pytest.raises(InputError, match="positive culture"):
        Culture(0.0, False, 5.0, ttp=4.0)
    with pytest.raises(UnknownName, match="e_coli"):
        Culture(0.0, True, 5.0, organism="measles")
    infections, conc, link = mixed(3)
    with pytest.raises(InputError, match="grid"):
        culture.p_positive(infections, conc, 0.25, 50.0, link)
    for p, y in (([0.5], [0.5]), ([1.5], [1.0]), ([], []), ([0.5, 0.5], [1.0])):
        with pytest.raises(InputError, match="calibration"):
            culture.calibration(np.array(p), np.array(y))
    assert run(conc, 0.25, infections).p_erad.shape == (3,)


def test_predicted_cultures_are_calibrated_where_the_truth_is_as_believed() -> None:
    answers, shares = check(120, 500, truth=BELIEF)
    with_culture = answers["culture at 0 h"]
    assert with_culture.n == 480
    assert with_culture.error < 0.06  # eight bins of 60 results: about 0.03 of it is chance
    assert with_culture.skill > answers["expected count above 1/mL: yes, else no"].skill
    assert shares[72.0] > shares[6.0]
    off = check(120, 500, truth=TRUTH)[0]["culture at 0 h"]
    assert off.error > with_culture.error, "a wrong belief shows"

"""The search on exposures made by hand: attainment, loss, ties, constraints, refusals."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.decide.plans import Plan
from dosetwin.decide.readings import combine
from dosetwin.decide.search import Exposures, binomial_se, choose, score
from dosetwin.declare.reading import DOSES, TROUGHS
from dosetwin.errors import Reason
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE as POLICY
from dosetwin.records import Every

TARGETS = POLICY.goals


def exposures(peak, trough, auc, *, pre=None, weights=None):
    """Every dose index gets the same array [n_plans, n_draws]."""
    peak, trough, auc = (np.atleast_2d(np.asarray(a, dtype=float)) for a in (peak, trough, auc))
    values = {("peak", d): peak for d in DOSES}
    values |= {("trough", d): trough for d in TROUGHS} | {("auc24", d): auc for d in DOSES}
    if pre is not None:
        values["trough", "pre"] = np.atleast_2d(np.asarray(pre, dtype=float))
    n = peak.shape[1]
    return Exposures(values, np.full(n, 1 / n) if weights is None else np.asarray(weights), float(n))


def plan(amount=15.0, interval=24.0, rules=(), violations=()):
    return Plan(Every(amount, interval, 0.5, 24.0), amount, rules, violations)


def constant(peak, trough, auc, n=200):
    return [np.full((len(peak), n), np.array(v)[:, None], dtype=float) for v in (peak, trough, auc)]


def test_probabilities_and_loss_by_hand():
    s = score(exposures([[20, 30, 30, 40]], [[1, 2, 4, 6]], [[200, 200, 100, 500]]), TARGETS)
    assert s.p["peak_window", "next"][0] == 0.5
    assert s.p["trough_low", "last"][0] == 0.5
    assert s.p["trough_toxic", "pre"][0] == 0.75
    assert s.joint[0] == 0.25
    # peak: misses 20 (4 below of scale 10) and 40 (5 above); trough < 3: 4 (1/2), 6 (capped at 1); trough > 5: 6 (1/5), weight 2
    # AUC: 100 (40/140), weight 1/2; 500 (100/200), weight 1/4
    want = (1.4 + 1.5 + 1.5 + 2.0 + 2 * 1.2 + 0.5 * (1 + 40 / 140) + 0.25 * 1.5) / 4
    assert s.loss[0] == pytest.approx(want)
    assert sum(part[0] for part in s.parts.values()) == pytest.approx(want)
    assert ("cmax_mic", "next") not in s.p


def test_mic_is_scored_only_when_known():
    e = exposures([[24.5, 32.0]], [[1, 1]], [[200, 200]])
    assert score(replace(e, facts={"MIC": 4.0}), TARGETS).p["cmax_mic", "next"][0] == 0.5
    assert score(replace(e, facts={"MIC": 3.0}), TARGETS).p["cmax_mic", "next"][0] == 1.0


@given(shift=st.floats(0, 20), seed=st.integers(0, 1000))
def test_more_drug_never_lowers_the_chance_of_a_high_peak_nor_raises_that_of_a_low_trough(shift, seed):
    rng = np.random.default_rng(seed)
    peak, trough = rng.uniform(10, 34, 100), rng.uniform(0, 8, 100)
    s = score(
        replace(exposures([peak, peak + shift], [trough, trough + shift], [peak * 0 + 200] * 2), facts={"MIC": 3.0}), TARGETS
    )
    assert s.p["cmax_mic", "next"][1] >= s.p["cmax_mic", "next"][0]
    assert s.p["trough_toxic", "next"][1] <= s.p["trough_toxic", "next"][0]


def test_monte_carlo_error_is_the_binomial_one_and_never_nothing():
    assert binomial_se(np.array(0.5), 400.0) == pytest.approx(0.025, rel=1e-2)
    assert 0 < binomial_se(np.array(1.0), 400.0) < 0.005
    # against what it stands for: the spread of the estimate over many samples
    rng = np.random.default_rng(1)
    spread = np.std(rng.binomial(250, 0.9, 20_000) / 250)
    assert float(binomial_se(np.array(0.9), 250.0)) == pytest.approx(spread, rel=0.05)


def test_a_tie_goes_to_the_standard_rule():
    e = exposures(*constant([30, 30, 30], [1, 1, 1], [200, 200, 200]))
    plans = [plan(15.0), plan(15.25, rules=("neofax",)), plan(15.5)]
    c = choose(plans, score(e, TARGETS), TARGETS, POLICY.tie_loss)
    assert c.chosen == 1
    assert c.order[0] == 1
    assert c.reasons[0].code == "standard_rule_tied"


def test_among_equals_without_a_rule_a_whole_mg_goes_first_and_the_interval_stays():
    e = exposures(*constant([30, 30, 30, 30], [1, 1, 1, 1], [200, 200, 200, 200]))
    plans = [plan(15.25), plan(15.5), plan(16.0), plan(17.0, interval=36.0)]
    c = choose(plans, score(e, TARGETS), TARGETS, POLICY.tie_loss)
    assert c.best == 0
    assert c.chosen == 2
    assert c.reasons[0].code == "round_amount_tied"
    alone = choose(plans[:1], score(exposures(*constant([30], [1], [200])), TARGETS), TARGETS, POLICY.tie_loss)
    assert alone.reasons[0].code == "lowest_loss"


def test_a_standard_rule_that_is_worse_by_more_than_the_tie_is_not_chosen():
    trough = np.ones((2, 200))
    trough[1, :10] = 4.0  # 5 % above 3 mg/L costs 0.05 * 1.5 > 0.02, and far more than the Monte-Carlo error of nothing else
    e = exposures(np.full((2, 200), 30.0), trough, np.full((2, 200), 200.0))
    c = choose([plan(15.0), plan(16.0, rules=("bnfc",))], score(e, TARGETS), TARGETS, POLICY.tie_loss)
    assert c.chosen == 0
    why_not = next(r for r in c.reasons if r.code.startswith("standard_rule"))
    assert why_not.code == "standard_rule_costs_more"
    assert "trough_low" in why_not.text


def test_a_plan_outside_the_limits_is_never_chosen_however_good():
    e = exposures(*constant([30, 25], [1, 2.9], [200, 150]))
    outside = plan(15.0, rules=("decock_smits",), violations=(Reason("interval_range", 52.0, 48.0, "h", "interval", "x"),))
    c = choose([outside, plan(14.0)], score(e, TARGETS), TARGETS, POLICY.tie_loss)
    assert c.chosen == 1
    assert set(c.order) == {0, 1}
    assert any(r.code == "standard_rule_outside_limits" and r.limit == 48.0 for r in c.reasons)


@pytest.mark.parametrize(("above", "status"), [(19, True), (20, True), (21, False)])
def test_chance_constraint_at_its_border(above, status):
    """10 % of 200 draws may be above 5 mg/L."""
    trough = np.ones((1, 200))
    trough[0, :above] = 5.1
    c = choose([plan()], score(exposures(np.full((1, 200), 30.0), trough, np.full((1, 200), 200.0)), TARGETS), TARGETS, 0.02)
    assert (c.chosen is not None) is status


def test_exactly_as_many_draws_as_asked_are_enough():
    """Half of 100 draws is a chance of 50 %, though a hundredth fifty times adds up to a little less."""
    peak = np.repeat([[30.0, 20.0]], 50, axis=0).reshape(1, 100)
    s = score(exposures(peak, np.full((1, 100), 1.0), np.full((1, 100), 200.0)), TARGETS)
    # what such a sum gives depends on the machine's order of adding: this is the next number below one half
    s = replace(s, p={**s.p, ("peak_window", "next"): np.nextafter([0.5], 0.0)})
    assert choose([plan()], s, TARGETS, 0.02).chosen == 0


def test_a_constraint_binds_around_the_coming_dose_only():
    e = exposures(*constant([30], [1], [200]))
    late = Exposures({**e.values, ("trough", "last"): np.full((1, 200), 6.0)}, e.weights, e.n_eff)
    before = Exposures({**e.values, ("trough", "pre"): np.full((1, 200), 6.0)}, e.weights, e.n_eff)
    assert choose([plan()], score(late, TARGETS), TARGETS, 0.02).chosen == 0
    assert choose([plan()], score(before, TARGETS), TARGETS, 0.02).chosen is None


def test_refusal_names_the_binding_constraint_and_what_would_help():
    e = exposures(*constant([30, 28], [6, 7], [200, 200]))
    c = choose([plan(15.0), plan(14.0)], score(e, TARGETS), TARGETS, 0.02)
    assert c.chosen is None
    reasons = {r.code: r for r in c.reasons}
    assert reasons["binding_constraint"].value == "trough_toxic"
    assert reasons["binding_constraint"].limit == 2
    assert reasons["best_trough_toxic"].value == 0.0
    assert "wait longer" in reasons["what_would_help"].text


def test_refusal_when_the_mic_is_out_of_reach():
    e = exposures(*constant([30, 34], [1, 1], [200, 200]))
    c = choose([plan(15.0), plan(17.0)], score(replace(e, facts={"MIC": 8.0}), TARGETS), TARGETS, 0.02)
    reasons = {r.code: r for r in c.reasons}
    assert c.chosen is None
    assert reasons["binding_constraint"].value == "cmax_mic"
    assert "microbiology" in reasons["what_would_help"].text


def test_refusal_when_every_plan_breaks_a_limit():
    broken = (Reason("change_per_step", 3.0, 1.5, "1", "dose relative to the previous one", "x"),)
    c = choose([plan(violations=broken)], score(exposures(*constant([30], [1], [200])), TARGETS), TARGETS, 0.02)
    assert c.chosen is None
    assert {"no_acceptable_regimen", "limit_change_per_step", "what_would_help"} == {r.code for r in c.reasons}


def test_models_are_combined_by_weight():
    a, b = exposures(*constant([30], [1], [200], n=50)), exposures(*constant([40], [1], [200], n=100))
    mixed = combine([(a, 0.75), (b, 0.25)])
    assert mixed.weights.sum() == pytest.approx(1.0)
    assert score(mixed, TARGETS).p["peak_window", "next"][0] == pytest.approx(0.75)
    assert mixed.n_eff == pytest.approx(1 / (0.75**2 / 50 + 0.25**2 / 100))
    assert combine([(a, 1.0), (b, 0.0)]) is a


def test_a_difference_inside_the_tie_is_none_however_certain():
    """0.01 apart on every draw: far outside one standard error (none), inside the declared tie."""
    e = exposures(*constant([29.0, 29.0], [3.10, 3.12], [200.0, 200.0]))
    s = score(e, TARGETS)
    assert s.difference_se(1, 0) < 1e-9 < float(s.loss[1] - s.loss[0]) < POLICY.tie_loss
    made = choose([plan(15.0), plan(16.0, rules=("neofax",))], s, TARGETS, POLICY.tie_loss)
    assert made.chosen == 1
    assert set(made.tied) == {0, 1}


def test_a_difference_that_the_draws_cannot_tell_is_none_however_large():
    """More than the declared tie apart, but each misses on draws of its own: inside one standard error."""
    peak, trough, auc = constant([29.0, 29.0], [2.0, 2.0], [200.0, 200.0])
    trough[0, :50], trough[1, 100:155] = 3.1, 3.1
    s = score(exposures(peak, trough, auc), TARGETS)
    assert POLICY.tie_loss < float(s.loss[1] - s.loss[0]) < s.difference_se(1, 0)
    made = choose([plan(15.0), plan(16.0, rules=("neofax",))], s, TARGETS, POLICY.tie_loss)
    assert made.chosen == 1
    assert set(made.tied) == {0, 1}


def test_what_breaks_a_constraint_if_a_doubted_record_is_right_is_not_chosen():
    e = exposures(*constant([29.0, 29.0], [1.0, 1.5], [200.0, 200.0]))
    right = exposures(*constant([29.0, 29.0], [8.0, 2.0], [200.0, 200.0]))
    plans = [plan(16.0), plan(15.0)]
    alone = choose(plans, score(e, TARGETS), TARGETS, POLICY.tie_loss)
    both = choose(plans, score(e, TARGETS), TARGETS, POLICY.tie_loss, score(right, TARGETS))
    assert set(alone.tied) == {0, 1}
    assert both.chosen == 1
    assert "if the doubted record is right" in both.unmet[0][0].text

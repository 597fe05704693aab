"""Two levels that stand for each other (peak labelled trough, trough labelled peak): one explanation, weighed beside others."""

import json

import numpy as np
import pytest
from scipy import special, stats

from dosetwin.declare import Model
from dosetwin.infer import Belief, evidence_for, posterior
from dosetwin.infer import explanations as module
from dosetwin.infer.belief import DOUBTED
from dosetwin.infer.explanations import explain
from dosetwin.infer.fit import fit_one
from dosetwin.infer.robust import P_EXCHANGED, P_WRONG, exchangeable
from dosetwin.records import DoseEvent, Observation, Patient, Timeline

from .conftest import simulated
from .test_explanations import baby, clearance, flagship

DOSES = tuple(DoseEvent(24.0 * k, 26.4, 0.5) for k in range(4))


def seen(*levels: tuple[float, float]) -> Timeline:
    return Timeline(Patient("p"), doses=DOSES, observations=tuple(Observation(t, "drug", v) for t, v in levels))


@pytest.mark.parametrize(("peak", "trough"), [(4.0, 31.0), (13.0, 20.0), (16.0, 19.0)])
def test_probabilities_against_quadrature(bench: Model, peak: float, trough: float) -> None:
    """P(exchanged) and what is then believed of clearance, by summing over a fine grid of two effects, from the definitions."""
    evidence = evidence_for(bench, seen((1.0, peak), (23.5, trough)))
    axis = np.linspace(-14, 14, 281)
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    f = evidence.at_levels(evidence.predict(z))
    typical = evidence.at_levels(evidence.predict(np.zeros((1, 2))))[0]
    scales = [np.log(w) + stats.norm.logpdf(z / s).sum(1) - 2 * np.log(s) for w, s in ((0.9, 1), (0.08, 2), (0.02, 4))]

    def told(y: np.ndarray) -> np.ndarray:
        right = stats.norm.logpdf(y, f, np.sqrt(0.3**2 + (0.15 * f) ** 2))
        wrong = stats.t.logpdf(np.log(y / typical), 3) - np.log(y)
        both = np.logaddexp(np.log(1 - P_WRONG) + right, np.log(P_WRONG) + wrong).sum(1)
        return np.logaddexp.reduce([both + s for s in scales])

    as_written = told(evidence.y)
    turned = np.log(P_EXCHANGED / (1 - P_EXCHANGED)) + told(evidence.y[::-1])
    expected = special.expit(special.logsumexp(turned) - special.logsumexp(as_written))
    found = explain(evidence)
    # of the pair exchanged, the closed form counts only what has nothing wrong beside it
    assert found.exchanged.get((0, 1), 0.0) == pytest.approx(expected, abs=0.04)
    weight = special.softmax(np.logaddexp(as_written, turned))
    belief = posterior(bench, seen((1.0, peak), (23.5, trough)), seed=1, draws=2000)
    eta = z @ evidence.root.T
    assert belief.draws[:, 0].mean() == pytest.approx(weight @ eta[:, 0], abs=0.04)


def test_a_swapped_peak_and_trough_are_named_and_read_the_other_way_round() -> None:
    swapped, right = baby((1.0, 2.0), (35.5, 29.0)), baby((1.0, 29.0), (35.5, 2.0))
    beliefs = [posterior(flagship(), swapped, seed=s, draws=300) for s in (1, 2)]
    assert beliefs[0].exchanged == beliefs[1].exchanged, "whatever the seed"
    assert beliefs[0].exchanged[0, 1] > 0.95
    assert all(level.p_wrong > 0.95 for level in beliefs[0].levels), "each is not what its label says"
    meant = clearance(flagship(), right, posterior(flagship(), right, seed=1, draws=300))
    for belief in (beliefs[0], beliefs[0].if_wrong()):
        assert clearance(flagship(), swapped, belief) == pytest.approx(meant, rel=0.05)
    assert clearance(flagship(), swapped, beliefs[0].if_right()) < 0.5 * meant
    (said,) = [f for f in beliefs[0].findings if f.code == "levels_swapped"]
    assert "may have been swapped, level 1 h and level 35.5 h" in said.message
    fitted = fit_one(flagship(), swapped)
    assert fitted.n_doubted == 2
    assert any(f.code == "levels_swapped" for f in fitted.findings)
    data = json.loads(json.dumps(beliefs[0].to_json(), allow_nan=False))
    assert Belief.from_json(data).exchanged == beliefs[0].exchanged


def test_levels_that_agree_are_never_called_swapped(bench: Model) -> None:
    """Forty patients as published and forty unlike them, four true levels each; then troughs that confirm one another."""
    rng = np.random.default_rng(11)
    times = np.array([1.0, 23.5, 25.0, 47.5])
    most = 0.0
    for k in range(80):
        eta = rng.standard_normal(2) * np.sqrt(np.diag(bench.omega_for(1))) * (1.0 if k % 2 else 2.0)
        evidence = evidence_for(bench, simulated(bench, f"p{k}", eta, times, rng))
        most = max(most, *explain(evidence).exchanged.values(), 0.0)
    assert most < DOUBTED
    for levels in (
        ((35.5, 12.0), (47.5, 9.0)),
        ((1.0, 29.0), (35.5, 12.0), (47.5, 9.5), (59.5, 8.0)),
        ((1.0, 29.0), (35.5, 2.0)),
    ):
        assert explain(evidence_for(flagship(), baby(*levels))).exchanged == {}


def test_a_wrong_record_beside_a_swapped_pair_is_named_too(bench: Model) -> None:
    times = ((1.0, 31.0), (23.5, 5.5), (25.0, 34.0), (47.5, 30.0), (49.0, 6.5), (71.5, 400.0))  # the last one is absurd
    found = explain(evidence_for(bench, seen(*times)))
    assert {pair for pair, p in found.exchanged.items() if p > 0.1} == {(3, 4)}
    assert found.doubted.tolist() == [False, False, False, True, True, True]
    assert found.fitted[0].blamed == {3, 4, 5}


def test_any_two_tubes_of_two_times_and_few_fits(bench: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sixteen levels two with another between them; what is fitted does not grow with the pairs there are."""
    doses = tuple(DoseEvent(24.0 * k, 26.4, 0.5) for k in range(8))
    times = np.sort(np.concatenate([24.0 * np.arange(8) + 1.0, 24.0 * np.arange(1, 9) - 0.5]))
    bare = Timeline(Patient("p"), doses=doses, observations=tuple(Observation(float(t), "drug", 1.0) for t in times))
    evidence = evidence_for(bench, bare)
    y = evidence.at_levels(evidence.predict(np.zeros((1, 2))))[0]
    y[[5, 7]] *= 0.8, 1.25
    y[[4, 5]] = y[[5, 4]]
    levels = tuple(Observation(float(t), "drug", float(v)) for t, v in zip(times, y, strict=True))
    evidence = evidence_for(bench, Timeline(Patient("p"), doses=doses, observations=levels))
    assert len(exchangeable(evidence)) == 29
    fits = []
    monkeypatch.setattr(module, "map_of", lambda *a, _real=module.map_of, **k: fits.append(1) or _real(*a, **k))
    found = explain(evidence)
    with_pairs = len(fits)
    monkeypatch.setattr(module, "exchangeable", lambda _: ())
    explain(evidence)
    assert max(found.exchanged, key=lambda pair: found.exchanged[pair]) == (4, 5)
    assert found.exchanged[4, 5] > 0.95
    assert with_pairs - (len(fits) - with_pairs) <= 5 * module.MOST_EXCHANGED


def test_creatinines_and_equal_levels_are_not_exchanged() -> None:
    timeline = baby((1.0, 29.0), (35.5, 2.0), (95.0, 2.0), SCR=((0.0, 0.9), (28.0, 1.5), (46.0, 0.8)))
    evidence = evidence_for(flagship(), timeline)
    named = {(evidence.levels[i].record, evidence.levels[j].record) for i, j in exchangeable(evidence)}
    assert named == {("level 1 h", "level 35.5 h")}, "no laboratory results, none of one value, none more than 48 h apart"

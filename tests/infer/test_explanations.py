"""Two explanations of a far level, weighed: against quadrature, the same for every seed, and monotone in what is believed."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import special, stats

from dosetwin import models
from dosetwin.declare import Model
from dosetwin.infer import Belief, evidence_for, map_estimate, posterior
from dosetwin.infer.explanations import explain
from dosetwin.infer.fit import fit_one
from dosetwin.infer.robust import BOUND, clip_levels, log_bounded
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import parameters, schedule_for

from .conftest import simulated


def baby(*levels: tuple[float, float], SCR: tuple[tuple[float, float], ...] = ()) -> Timeline:
    """34 weeks, 2.2 kg, 33 mg at 0 h on day 1; levels (h, mg/L) and creatinines (h, mg/dL)."""
    facts = {"GA": 34.0, "BW": 2.2, "WT": 2.2, "PNA": 1.0}
    seen = [Observation(t, "amikacin", v, record=f"level {t:g} h") for t, v in levels]
    seen += [Observation(t, "SCR", v, "mg/dL", assay="idms", record=f"creatinine {t:g} h") for t, v in SCR]
    covariates = tuple(Covariate(0.0, n, v) for n, v in facts.items())
    patient = Patient("baby", GA=34, BW=2.2, synthetic=True)
    return Timeline(patient, (DoseEvent(0.0, 33.0, 0.5),), tuple(sorted(seen, key=lambda o: o.time)), covariates, drug="amikacin")


@cache
def flagship() -> Model:
    return models.load("amikacin_neonate")


def clearance(model: Model, timeline: Timeline, belief: Belief) -> float:
    """Median clearance of a belief at the last record, L/h."""
    schedule = schedule_for(model, timeline, [0.0, timeline.observations[-1].time])
    return float(np.median(parameters(model, schedule, belief.draws)["CL"][:, -1]))


@pytest.mark.parametrize("trough", [7.0, 16.0, 22.0, 30.0])
def test_probabilities_against_quadrature(bench: Model, trough: float) -> None:
    """P(record wrong), P(patient unlike) and ln evidence by summing over a fine grid of two effects, from the definitions."""
    levels = (Observation(1.0, "drug", 31.0), Observation(23.5, "drug", trough))
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4, 0.5),), observations=levels)
    evidence = evidence_for(bench, timeline)
    axis = np.linspace(-14, 14, 281)
    z = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    f = evidence.at_levels(evidence.predict(z))
    right = stats.norm.logpdf(evidence.y, f, np.sqrt(0.3**2 + (0.15 * f) ** 2))
    typical = evidence.at_levels(evidence.predict(np.zeros((1, 2))))[0]
    wrong = stats.t.logpdf(np.log(evidence.y / typical), 3) - np.log(evidence.y)
    scales = [np.log(w) + stats.norm.logpdf(z / s).sum(1) - 2 * np.log(s) for w, s in ((0.9, 1), (0.08, 2), (0.02, 4))]
    both = np.logaddexp(np.log(0.98) + right, np.log(0.02) + wrong)
    cell = 2 * np.log(axis[1] - axis[0])
    total = special.logsumexp(both.sum(1)[None] + scales) + cell
    second = special.logsumexp((both[:, 0] + np.log(0.02) + wrong[1])[None] + scales) + cell
    wide = special.logsumexp(both.sum(1)[None] + scales[1:]) + cell
    found = explain(evidence)
    assert found.p_wrong[1] == pytest.approx(np.exp(second - total), abs=0.04)
    assert found.p_unlike == pytest.approx(np.exp(wide - total), abs=0.05)
    assert found.log_evidence == pytest.approx(total, abs=0.1)


def test_twenty_seeds_one_verdict() -> None:
    for trough in (10.0, 11.0, 14.0):
        beliefs = [posterior(flagship(), baby((1.0, 29.0), (35.5, trough)), seed=s, draws=100) for s in range(20)]
        assert len({b.levels for b in beliefs}) == 1
        assert len({b.explanations for b in beliefs}) == 1
        assert len({b.evidence for b in beliefs}) == 1


def test_repeated_agreeing_levels_win() -> None:
    """12 then 9 mg/L, and 12, 9.5, 8 with creatinine 80-140-190 umol/L: the baby is unlike, no record is wrong."""
    typical = clearance(flagship(), baby((1.0, 29.0)), posterior(flagship(), baby((1.0, 29.0)), seed=1))
    two = baby((1.0, 29.0), (35.5, 12.0), (47.5, 9.0))
    scr = ((0.0, 0.9), (28.0, 1.58), (46.0, 2.15))
    three = baby((1.0, 29.0), (35.5, 12.0), (47.5, 9.5), (59.5, 8.0), SCR=scr)
    for timeline in (two, three, baby((35.5, 12.0), (47.5, 9.0))):
        belief = posterior(flagship(), timeline, seed=1, draws=500)
        assert belief.doubted == ()
        assert all(level.used for level in belief.levels)
        assert belief.p_unlike > 0.6
        for b in (belief, belief.believed()):
            assert clearance(flagship(), timeline, b) < 0.45 * typical


def test_a_lone_far_trough_leaves_both_explanations_open() -> None:
    belief = posterior(flagship(), baby((1.0, 29.0), (35.5, 14.0)), seed=1, draws=500)
    (level,) = belief.doubted
    assert 0.2 < level.p_wrong < 0.95
    timeline = baby((1.0, 29.0), (35.5, 14.0))
    right, wrong, mixture = (clearance(flagship(), timeline, b) for b in (belief.if_right(), belief.if_wrong(), belief))
    assert right < 0.55 * wrong
    assert right < mixture < wrong
    assert clearance(flagship(), timeline, belief.believed()) < 0.6 * wrong


def test_many_creatinines_and_one_swapped_sample(bench: Model, two_outputs: Model) -> None:
    """Twenty good markers and one of another patient: that one is named, and the search stays small."""
    rng = np.random.default_rng(4)
    course = simulated(bench, "long", np.zeros(2), np.array([1.0, 23.5, 25.0, 47.5]), rng)
    empty = evidence_for(two_outputs, course.append(*(Observation(2.0 * k + 3.0, "marker", 9.0) for k in range(20))))
    f = empty.at_levels(empty.predict(np.zeros((1, empty.root.shape[0]))))[0]
    levels = [replace(o, value=float(v)) if o.measures == "marker" else o for o, v in zip(empty.levels, f, strict=True)]
    levels[10] = replace(levels[10], value=6.0 * levels[10].value, record="swapped")
    belief = posterior(two_outputs, replace(course, observations=tuple(levels)), seed=1, draws=200)
    assert [level.record for level in belief.doubted] == ["swapped"]
    assert belief.doubted[0].p_wrong > 0.99


def test_a_quiet_patient_is_told_the_same_by_the_search(bench: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the border below which nothing else is fitted, the closed forms and the fits agree: no jump that matters."""
    from dosetwin.infer import explanations

    doses = (DoseEvent(0.0, 26.4, 0.5),)
    for trough in (5.0, 7.0, 9.0, 10.5, 11.5):
        levels = (Observation(1.0, "drug", 31.0), Observation(23.5, "drug", trough))
        evidence = evidence_for(bench, Timeline(Patient("p"), doses=doses, observations=levels))
        short = explain(evidence)
        monkeypatch.setattr(explanations, "QUIET", 0.0)
        full = explain(evidence)
        monkeypatch.undo()
        if short.quiet:
            np.testing.assert_allclose(short.p_wrong, full.p_wrong, atol=0.02)
            assert short.p_unlike == pytest.approx(full.p_unlike, abs=0.04)
            assert short.log_evidence == pytest.approx(full.log_evidence, abs=0.05)


def test_bounded_likelihood_pulls_as_the_level_at_the_bound(bench: Model) -> None:
    """Its slope in the prediction is that of the level clipped to the bound, and never falls as the level rises."""
    doses = (DoseEvent(0.0, 26.4, 0.5),)
    z = np.linspace(-3, 3, 61)[:, None] * np.array([[1.0, 0.0]])
    slopes = []
    for value in (0.5, 2.0, 6.0, 9.0, 15.0, 40.0, 300.0):
        timeline = Timeline(Patient("p"), doses=doses, observations=(Observation(23.5, "drug", value),))
        evidence = evidence_for(bench, timeline)
        f = evidence.at_levels(evidence.predict(z))[:, 0]
        slope = np.gradient(log_bounded(evidence, evidence.predict(z)), f)
        clipped = [float(clip_levels(evidence, evidence.predict(one[None]))[0]) for one in z]
        v = 0.3**2 + (0.15 * f) ** 2
        r = np.array(clipped) - f
        expected = r / v + (r**2 / v - 1) * 0.15**2 * f / v
        np.testing.assert_allclose(slope[2:-2], expected[2:-2], rtol=0.06, atol=0.05 * np.abs(expected).max())
        slopes.append(slope)
    assert (np.diff(slopes, axis=0) > -1e-6 - 0.02 * np.abs(slopes[-1])).all()
    assert BOUND == 2.5


def test_a_belief_of_an_earlier_release_still_opens(bench: Model) -> None:
    timeline = Timeline(Patient("p"), doses=(DoseEvent(0.0, 26.4, 0.5),), observations=(Observation(23.5, "drug", 20.0),))
    belief = posterior(bench, timeline, seed=1, draws=50)
    data = json.loads(json.dumps(belief.to_json(), allow_nan=False))
    assert Belief.from_json(data).to_json() == belief.to_json()
    assert Belief.from_json(data).if_right().draws.tolist() == belief.if_right().draws.tolist()
    for name in ("explanations", "conditionals", "evidence"):
        del data[name]
    for level in data["levels"]:
        del level["p_wrong"]
    old = Belief.from_json(data)
    assert (old.explanations, old.doubted, old.p_unlike) == ((), (), 0.0)
    assert old.if_right() is old
    assert old.believed() is old


def test_fit_follows_the_same_rule(bench: Model) -> None:
    doses = (DoseEvent(0.0, 26.4, 0.5), DoseEvent(24.0, 26.4, 0.5))
    levels = ((1.0, 31.0), (23.5, 6.0), (25.0, 33.0), (47.5, 120.0))
    timeline = Timeline(Patient("p"), doses=doses, observations=tuple(Observation(t, "drug", v) for t, v in levels))
    belief = posterior(bench, timeline, seed=1, draws=50)
    found, plain = fit_one(bench, timeline), fit_one(bench, timeline, prior="normal")
    assert [r.p_wrong for r in found.records] == pytest.approx([p.p_wrong for p in belief.levels])
    assert (found.p_unlike, found.n_doubted) == pytest.approx((belief.p_unlike, 1))
    assert list(found.eta.values()) == pytest.approx(belief.mode.tolist())
    assert list(plain.eta.values()) == pytest.approx(map_estimate(bench, timeline).eta.tolist())
    assert plain.eta["CL"] < found.eta["CL"] - 0.3
    assert {"N_DOUBTED", "P_UNLIKE"} <= set(found.row())


FACTORS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 14.0, 20.0)
"""What a trough is multiplied by for the flagship; for the others every second one, so that the tests end."""


def _typical(model: Model) -> dict[str, float]:
    values = {n: 0.0 if c.flag else 0.5 * (c.low + c.high) for n, c in model.covs.items()}
    return {n: float(np.floor(v)) if model.covs[n].age else v for n, v in values.items()}


@cache
def _rises(name: str, seed: int, factors: tuple[float, ...] = (*FACTORS[::2], FACTORS[-1])) -> dict[str, tuple[float, float]]:
    """While a trough grows twentyfold, alone, after a peak, as a second trough: (largest rise of the believed clearance over its
    lowest value so far, its last value), as fractions of that lowest and of the first."""
    model = models.load(name)
    values = _typical(model)
    covariates = tuple(Covariate(0.0, n, v) for n, v in values.items())
    doses = tuple(DoseEvent(24.0 * k, 10.0 * values.get("WT", values.get("BW", 1.0)), 0.5) for k in range(3))
    base = Timeline(Patient("p"), doses, (), covariates)
    measures = next(iter(model.outputs.values())).measures
    times = (1.0, 23.5, 47.5)
    asked = evidence_for(model, base.append(*(Observation(t, measures, 1.0) for t in times)))
    typical = asked.at_levels(asked.predict(np.zeros((1, asked.root.shape[0]))))[0]
    peak, first, second = (Observation(t, measures, float(v)) for t, v in zip(times, typical, strict=True))
    worst: dict[str, tuple[float, float]] = {}
    for name, before, trough in (("alone", (), first), ("after a peak", (peak,), first), ("second", (peak, first), second)):
        found = []
        for factor in factors:
            timeline = base.append(*before, replace(trough, value=trough.value * factor))
            belief = posterior(model, timeline, seed=seed, draws=4000).believed()
            found.append(clearance(model, timeline, belief))
        worst[name] = float((np.array(found[1:]) / np.minimum.accumulate(found)[:-1]).max()) - 1.0, found[-1] / found[0]
    return worst


LEVEL: dict[str, float] = dict.fromkeys(
    (
        "creatinine_vandonge_2021", "gentamicin_bijleveld_2016", "gentamicin_bijleveld_2017", "phenobarbital_grasela_1985",
        "phenobarbital_voeller_2017", "warfarin_hamberg_2010",
    ), 0.03,
)  # fmt: skip
"""What chance may add (4,000 draws) where a refuted trough leaves clearance level (docs/decisions.md: by 40,000 proposals)."""
CORRELATED = "the published correlation of clearance with V2 (0.49; SD of V2 0.4): a high trough speaks for a large V2, so for CL"


OF = ("amikacin", "gentamicin", "vancomycin", "phenobarbital", "warfarin", "creatinine")
CLEARED = [
    n for n in models.names()
    if models.load(n).drug in OF and "CL" in models.load(n).module.parameters._fields and n != "warfarin_hamberg_2007"
]  # fmt: skip
"""Models of what is cleared (a lung has no clearance), of the drugs that this was looked into for: of others it is not known. Nor
is it of Hamberg 2007, which is stepped: five minutes a seed."""


def _never_rises(name: str, seed: int, most: float, **factors: tuple[float, ...]) -> None:
    found = _rises(name, seed, **factors)
    assert max(rise for rise, _ in found.values()) < most
    assert max(last for _, last in found.values()) < 0.93  # a refuted second trough leaves phenobarbital's at 0.89


def test_believed_clearance_never_rises_with_a_trough_flagship() -> None:
    _never_rises("amikacin_neonate", 1, 0.01, factors=FACTORS)


THRICE = ("amikacin_neonate", "vancomycin_goti_2018", "warfarin_hamberg_2010")
"""Models asked with three seeds; the others were, by hand, and are asked with one so that the tests end."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "seed"), [(n, k) for n in CLEARED for k in ((1, 2, 3) if n in THRICE else (1,)) if (n, k) != ("amikacin_neonate", 1)]
)
def test_believed_clearance_never_rises_with_a_trough(name: str, seed: int) -> None:
    _never_rises(name, seed, LEVEL.get(name, 0.01))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["methotrexate_taylor_2020", "theophylline_powell_1978"])
def test_believed_clearance_of_drugs_added_since_never_rises_either(name: str) -> None:
    """Two for all of them, which were run by hand (docs/decisions.md)."""
    _never_rises(name, 1, 0.01)


@pytest.mark.slow
@pytest.mark.xfail(strict=True, reason=CORRELATED)
def test_believed_clearance_of_tobramycin_never_rises_with_a_trough() -> None:
    _never_rises("tobramycin_hennig_2008", 1, 0.01)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_believed_clearance_of_tobramycin_hardly_rises(seed: int) -> None:
    """Alone or after a peak by 1.3 %, as a second trough by 6.1 %, by 40,000 weighed proposals."""
    found = _rises("tobramycin_hennig_2008", seed)
    assert max(found["alone"][0], found["after a peak"][0]) < 0.03
    assert found["second"][0] < 0.09
    assert max(last for _, last in found.values()) < 1.12

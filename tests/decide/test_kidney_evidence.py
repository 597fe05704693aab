"""The kidney in use by evidence: it foretold this baby's creatinines, and can follow an injury that is warned of."""

from math import log

import numpy as np
import pytest
from scipy.stats import norm

from decide.babies import baby, preterm
from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.forecast.kidney import fitted
from dosetwin.forecast.kidney import teller as kidney
from dosetwin.forecast.kidney.answer import NORMAL_QUANTILES
from dosetwin.forecast.kidney.evidence import FACTOR, STANDS, log_density
from dosetwin.records import Observation, Timeline

FLAGSHIP = models.load("amikacin_neonate")
POLICY = formulary.therapy("amikacin_neonate")
UMOL = 88.4


def creatinines(given: Timeline, *values: tuple[float, float]) -> Timeline:
    """``values``: (h, umol/L)."""
    return given.append(*(Observation(t, "SCR", v / UMOL, "mg/dL", assay="enzymatic", record=f"scr at {t:g}") for t, v in values))


def rising_28_weeks() -> Timeline:
    """28 weeks, 75-80-105-150 umol/L within four days, two levels of one dose of 15 mg."""
    given = baby(GA=28.0, BW=1.0, PNA=4.0, doses=((0.0, 15.0),), levels=((1.0, 30.0), (47.0, 6.5)))
    return creatinines(given, (-48.0, 75.0), (0.0, 80.0), (24.0, 105.0), (56.0, 150.0))


def ask(given: Timeline, now: float, name: str | None = None, seed: int = 1) -> Advice:
    return advise(given, Question(POLICY, (FLAGSHIP,), now=now, seed=seed, draws=200, sensitivity=False, told=name))


def test_a_creatinine_that_doubled_is_not_forecast_to_fall_beside_its_own_warning():
    found = ask(rising_28_weeks(), 60.0)
    told = found.recommendation.told["kidney"]
    assert told["injury"]["warns"] is True
    assert told["used"] == "learned"
    low, _, middle, _, high = (UMOL * v for v in told["creatinine_measured_mg_per_dL"][0])
    assert 140.0 < middle < 200.0
    assert low < 150.0 < high
    assert "foretold the last 3 creatinines" in told["why"]
    assert found.recommendation.provenance["kidney"]["evidence"]["creatinines"] == 3
    assert [f.code for f in found.recommendation.findings].count("kidney_by_evidence") == 1


@pytest.mark.parametrize("umol", [(66.0, 66.0, 132.0), (66.0, 88.0, 132.0), (66.0, 66.0, 97.0)])
def test_an_injury_that_nobody_foretold_is_followed_all_the_same(umol):
    """Before the last result all was calm, so no kidney foretold it; the one in use still may not expect it to go away."""
    given = creatinines(preterm(), *zip((2.0, 12.0, 23.5), umol, strict=True))
    chosen = kidney.choose(None, (FLAGSHIP,), given, 24.0)
    assert chosen.evidence is not None
    assert chosen.evidence.left == STANDS
    assert chosen.evidence.tomorrow is not None
    assert UMOL * chosen.evidence.tomorrow[chosen.used] > 0.95 * umol[-1]
    assert "cannot follow" in chosen.why


@pytest.mark.parametrize("values", [(), ((2.0, 80.0),)], ids=["none", "one"])
def test_with_fewer_than_two_creatinines_the_usual_kidney_stays(values):
    found = ask(creatinines(preterm(), *values), 24.0)
    assert found.recommendation.told["kidney"]["used"] == STANDS
    assert "fewer than two creatinines" in found.recommendation.told["kidney"]["why"]
    assert found.recommendation.candidates == ask(creatinines(preterm(), *values), 24.0, STANDS).recommendation.candidates


def test_a_calm_course_leaves_the_usual_kidney():
    given = creatinines(preterm(), (2.0, 70.0), (22.0, 67.0))
    chosen = kidney.choose(None, (FLAGSHIP,), given, 24.0)
    assert (chosen.used, chosen.asked) == (STANDS, None)
    assert chosen.evidence is not None
    said = chosen.evidence.log_density
    assert said is not None
    assert set(said) == {STANDS, "learned", "filter"}
    assert max(said.values()) - said[STANDS] < log(FACTOR)


def test_a_named_kidney_is_used_whatever_the_evidence_says():
    chosen = kidney.choose("mechanistic", (FLAGSHIP,), rising_28_weeks(), 60.0)
    assert (chosen.used, chosen.evidence, chosen.why) == ("mechanistic", None, "")


def test_a_baby_outside_every_training_keeps_the_usual_kidney_and_says_why():
    given = creatinines(preterm(), (2.0, 70.0), (12.0, 70.0), (23.5, 1200.0))
    chosen = kidney.choose(None, (FLAGSHIP,), given, 24.0)
    assert chosen.used == STANDS
    assert chosen.evidence is not None
    assert chosen.evidence.aside is not None
    assert all("outside its training" in why for why in chosen.evidence.aside.values())


def test_the_density_read_off_normal_quantiles_is_the_normal_one():
    quantiles = 0.3 + 0.2 * NORMAL_QUANTILES
    for scr in (0.4, 1.0, 1.4, 4.0):
        assert log_density(quantiles, scr) == pytest.approx(norm.logpdf(log(scr), 0.3, 0.2) - log(scr), abs=1e-9)


def test_the_mechanistic_evidence_is_the_integral_over_its_random_effects():
    """Against brute force: the marginal likelihoods by sampling the prior."""
    from dosetwin.infer.likelihood import evidence_for

    given = creatinines(preterm(levels=()), (2.0, 70.0), (12.0, 80.0), (22.0, 66.0))
    chosen = kidney.choose(None, (FLAGSHIP,), given, 24.0)
    evidence = evidence_for(FLAGSHIP, given)
    z = np.random.default_rng(3).standard_normal((40_000, evidence.root.shape[0]))

    def log_marginal(n: int) -> float:
        part = evidence.subset(range(n))
        return float(np.log(np.exp(part.log_likelihood(part.predict(z))).mean()))

    assert chosen.evidence is not None
    assert chosen.evidence.log_density is not None
    assert chosen.evidence.log_density[STANDS] == pytest.approx(log_marginal(3) - log_marginal(1), abs=0.05)


def test_two_results_of_one_sample_count_once():
    given = creatinines(preterm(), (2.0, 70.0), (22.0, 67.0))
    twice = creatinines(given, (22.5, 67.0))
    one, two = (kidney.choose(None, (FLAGSHIP,), g, 24.0).evidence for g in (given, twice))
    assert one is not None
    assert two is not None
    assert one.creatinines == two.creatinines == 1
    assert one.log_density == two.log_density


def test_the_filter_foretells_as_its_own_likelihood_says():
    """Two creatinines: the density of the second given the first is what the filter itself reports of the pair."""
    from dosetwin.forecast.kidney.record import from_timeline

    given = creatinines(preterm(levels=()), (2.0, 70.0), (22.0, 80.0))
    chosen = kidney.choose(None, (FLAGSHIP,), given, 24.0)
    found = fitted.load().filter.forecast(from_timeline(given, 2.0), [20.0])
    assert chosen.evidence is not None
    assert chosen.evidence.log_density is not None
    assert chosen.evidence.log_density["filter"] == pytest.approx(log_density(found.measured[0], 80.0 / UMOL), abs=1e-12)

"""Laboratory records: a kidney that fails is no wrong record, an absurd result is one, and good ones beside it stay good."""

import pytest

from dosetwin import models
from dosetwin.infer import posterior
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

UMOL = 88.4


def doubts(*creatinines: tuple[float, float], troughs: tuple[tuple[float, float], ...] = ((35.5, 3.0),)) -> dict[str, float]:
    """Probability of being wrong per record: 34 weeks, 33 mg at 0 h, peak 29 mg/L; creatinines (h, umol/L)."""
    facts = {"GA": 34.0, "BW": 2.2, "WT": 2.2, "PNA": 1.0}
    seen = [Observation(t, "amikacin", v, record=f"level {t:g} h") for t, v in ((1.0, 29.0), *troughs)]
    seen += [Observation(t, "SCR", v / UMOL, "mg/dL", assay="idms", record=f"creatinine {t:g} h") for t, v in creatinines]
    timeline = Timeline(
        Patient("baby", GA=34, BW=2.2, synthetic=True), (DoseEvent(0.0, 33.0, 0.5),), tuple(sorted(seen, key=lambda o: o.time)),
        tuple(Covariate(0.0, n, v) for n, v in facts.items()), drug="amikacin",
    )  # fmt: skip
    belief = posterior(models.load("amikacin_neonate"), timeline, seed=1, draws=100)
    return {level.record: level.p_wrong for level in belief.levels}


@pytest.mark.parametrize(
    "creatinines", [((0.0, 80.0), (28.0, 800.0)), ((0.0, 80.0), (20.0, 800.0), (28.0, 85.0)), ((0.0, 800.0), (28.0, 85.0))]
)
def test_a_tenfold_creatinine_is_doubted_and_the_good_ones_are_not(creatinines: tuple[tuple[float, float], ...]) -> None:
    """The absurd value draws the fit to itself: only taking the good one back out of the set of wrong records clears it."""
    found = doubts(*creatinines)
    (absurd,) = (f"creatinine {t:g} h" for t, v in creatinines if v == 800.0)
    assert found.pop(absurd) > 0.99
    assert max(found.values()) < 0.05


def test_a_lone_tenfold_creatinine_is_doubted() -> None:
    found = doubts((28.0, 800.0))
    assert found.pop("creatinine 28 h") > 0.5
    assert max(found.values()) < 0.05


def test_creatinines_that_agree_with_rising_troughs_are_not_doubted() -> None:
    found = doubts((0.0, 80.0), (28.0, 140.0), (46.0, 190.0), troughs=((35.5, 12.0), (47.5, 9.5), (59.5, 8.0)))
    assert max(found.values()) < 0.02

"""What one drug does to the clearance of another: told from its doses, grown with them, come and gone; no size is guessed."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.advise.curves import parameters_of
from dosetwin.declare.change import Change, combined
from dosetwin.errors import InputError, ModelError
from dosetwin.formulary.warfarin import WARFARIN_INR
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

DAY = 24.0
NOW = 28 * DAY
PLAIN, OWN = "warfarin_hamberg_2010", "warfarin_hamberg_2010_iwpc"
ADULT = {"AGE": 68.0, "VKORC1_A": 1.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0}
WARFARIN = Timeline(
    Patient("together"),
    doses=tuple(DoseEvent(DAY * k, 5.0, drug="warfarin") for k in range(28)),
    observations=(Observation(NOW - 1, "INR", 2.5, "1"),),
    covariates=tuple(Covariate(0.0, n, v) for n, v in ADULT.items()),
    drug="warfarin",
)


def of(drug: str, mg: float, first_d: float, days: int) -> tuple[DoseEvent, ...]:
    return tuple(DoseEvent(DAY * (first_d + k), mg, drug=drug) for k in range(days))


def change(drug: str) -> Change:
    return next(i.change for i in formulary.drug(drug).interactions if i.change is not None)


AMIODARONE, RIFAMPICIN = change("amiodarone"), change("rifampicin")


def ask(facts: Timeline, model: str = PLAIN, **changes) -> Advice:
    question = Question(WARFARIN_INR, (models.load(model),), now=NOW, seed=1, draws=100, sensitivity=False)
    return advise(facts, replace(question, **changes))


def codes(a: Advice) -> set[str]:
    return {f.code for f in a.recommendation.findings if f.code.startswith("interaction")}


def per_week(a: Advice) -> float:
    return float(sum(a.recommendation.to_json()["regimen"]["week"]))


def ratio(change: Change, facts: Timeline, at_d: float, now_d: float = 28.0, planned=()) -> float:
    """Clearance with over without on a day, as the course has it for the median patient."""
    course = change(facts, DAY * now_d, planned)
    return 1.0 if course is None else float(np.exp(course.mean[np.searchsorted(course.start, DAY * at_d, side="right") - 1]))


@pytest.fixture(scope="module")
def alone() -> Advice:
    return ask(WARFARIN)


@pytest.fixture(scope="module")
def with_amiodarone() -> Advice:
    return ask(WARFARIN.append(*of("amiodarone", 200.0, 14, 14)))


def test_nobody_beside_changes_nothing(alone: Advice):
    assert alone.models[0].name == PLAIN
    assert not codes(alone)
    # a drug that does nothing to this one is left out to the last digit
    other = ask(WARFARIN.append(*of("dopamine", 5.0, 14, 14)))
    assert other.recommendation.candidates == alone.recommendation.candidates
    assert np.array_equal(other.beliefs[0].draws, alone.beliefs[0].draws)


def test_amiodarone_beside_warfarin_asks_for_less_and_says_why(alone: Advice, with_amiodarone: Advice):
    assert codes(with_amiodarone) == {"interaction_amiodarone_warfarin", "interaction_told"}
    assert with_amiodarone.models[0].name == f"{PLAIN}_beside"
    assert per_week(with_amiodarone) < per_week(alone)
    a, b = (parameters_of(x.models[0], x.asked, x.beliefs[0].draws, at=NOW + 21 * DAY, rule="locf")["CL"]
            for x in (alone, with_amiodarone))  # fmt: skip
    assert b[1] < 0.85 * a[1]
    # an INR on day 28 has seen half of it: the spread between patients is in the draws
    K1 = with_amiodarone.beliefs[0].draws[:, 0]
    assert 0.5 < np.std(K1) < 1.5


def test_a_flag_of_its_own_name_counts_as_the_usual_dose(with_amiodarone: Advice):
    flagged = ask(WARFARIN.append(Covariate(14 * DAY, "AMIODARONE", 1.0)))
    assert flagged.recommendation.regimen == with_amiodarone.recommendation.regimen


def test_a_plan_of_the_other_drug_is_answered_before_its_first_dose(alone: Advice):
    plan = of("amiodarone", 400.0, 28, 40)
    for model in (PLAIN, OWN):
        before = alone if model == PLAIN else ask(WARFARIN, model)
        under = ask(WARFARIN, model, planned=plan)
        assert "interaction_amiodarone_warfarin" in codes(under)
        assert per_week(under) < per_week(before)
    with pytest.raises(InputError, match="planned dose"):
        ask(WARFARIN, planned=of("warfarin", 5.0, 28, 3))


def test_of_a_flag_of_several_drugs_no_size_is_guessed(alone: Advice):
    induced = ask(WARFARIN.append(Covariate(0.0, "INDUCER", 1.0)))
    assert codes(induced) == {"interaction_size_unknown"}
    assert induced.recommendation.candidates == alone.recommendation.candidates


def test_it_grows_with_dose_and_time_and_fades_after_the_end():
    low, usual, high = (ratio(AMIODARONE, WARFARIN.append(*of("amiodarone", mg, 0, 28)), 80) for mg in (100.0, 200.0, 400.0))
    assert usual == pytest.approx(0.70, abs=0.01), "Sanoski 2002: 30 % less at 200 mg a day"
    assert low == pytest.approx(0.75, abs=0.03), "25 % less at 100 mg"
    assert high == pytest.approx(0.60, abs=0.03), "40 % less at 400 mg"
    given = WARFARIN.append(*of("amiodarone", 200.0, 0, 28))
    stopped = of("amiodarone", 0.0, 28, 1)
    course = [ratio(AMIODARONE, given, d, planned=stopped) for d in (5, 15, 28, 50, 80)]
    assert course[0] > course[1] > course[2] < course[3] < course[4] < 1.0
    assert ratio(AMIODARONE, WARFARIN, 28) == 1.0


def test_induction_comes_and_goes_within_a_month():
    given = WARFARIN.append(*of("rifampicin", 600.0, 0, 30))
    assert ratio(RIFAMPICIN, given, 29, now_d=29) == pytest.approx(2.65, rel=0.06), "Yang 2021: 165 % more at 30 days"
    after = ratio(RIFAMPICIN, given, 29 + 28, now_d=45)
    assert after / ratio(RIFAMPICIN, given, 29, now_d=29) == pytest.approx(1 - 0.67, abs=0.12), "67 % less four weeks after"


def test_what_slows_cyp2c9_moves_the_dose_of_warfarin():
    expected = {("fluconazole", 400.0): 0.305, ("fluconazole", 200.0): 0.467, ("voriconazole", 400.0): 0.41,
                ("metronidazole", 1500.0): 0.65, ("cotrimoxazole", 1920.0): 0.75}  # fmt: skip
    for (drug, mg), size in expected.items():
        change = next(i.change for i in formulary.drug(drug).interactions if i.name == f"{drug}_warfarin")
        assert change is not None
        given, ended = WARFARIN.append(*of(drug, mg, 14, 14)), of(drug, 0.0, 28, 1)
        assert ratio(change, given, 27) == pytest.approx(size, rel=0.02), drug
        assert ratio(change, given, 40, planned=ended) == pytest.approx(1.0, abs=0.05), f"{drug} is gone"
    begun = ask(WARFARIN.append(*of("fluconazole", 400.0, 27, 1)), OWN)
    assert codes(begun) == {"interaction_fluconazole_warfarin", "interaction_told"}
    assert begun.recommendation.status != "refuse", "a step of 20 % would leave the INR above 4: a larger one is open here"
    assert per_week(begun) == pytest.approx(0.3 * 35.0, abs=3.5)
    sample = begun.recommendation.next_sample
    assert sample is not None
    assert sample.worth
    assert sample.after_h <= 72.0
    assert "soon because the dose of a week changes by" in sample.text


def test_several_changes_add_up_each_with_its_own_spread():
    facts = WARFARIN.append(*of("amiodarone", 200.0, 0, 28), *of("rifampicin", 600.0, 14, 14))
    a, b = AMIODARONE(facts, NOW), RIFAMPICIN(facts, NOW)
    assert a is not None
    assert b is not None
    both = combined([a, b])
    assert both.mean[-1] == pytest.approx(a.mean[-1] + b.mean[-1])
    assert both.loadings[-1] == pytest.approx([abs(a.loadings[-1, 0]), b.loadings[-1, 0], 0.0])
    assert combined([a]) is a


def test_a_model_that_cannot_be_told_says_so():
    deaf = replace(models.load(PLAIN), etas={n: replace(e, told="") for n, e in models.load(PLAIN).etas.items()})
    facts = WARFARIN.append(*of("amiodarone", 200.0, 14, 14))
    asked, found, remarks = formulary.tell(facts, (deaf,), "warfarin", NOW, "locf")
    assert (asked, found) == ((deaf,), ())
    assert [r.code for r in remarks] == ["interaction_not_told"]


def test_a_change_without_a_size_cannot_be_declared():
    with pytest.raises(ModelError, match="ratio"):
        replace(AMIODARONE, ratio=1.0)

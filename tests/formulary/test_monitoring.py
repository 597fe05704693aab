"""Drugs whose level is measured: their units at the door, and what a level says by itself."""

import pytest

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.checks.record import check
from dosetwin.decide.limits import broken
from dosetwin.decide.recommendation import Recommendation
from dosetwin.declare import Facts
from dosetwin.declare.menu import Situation
from dosetwin.errors import UnknownUnit
from dosetwin.quantities import QUANTITIES
from dosetwin.quantities.units import convert
from dosetwin.records import Covariate, DoseEvent, Every, Observation, Patient, Timeline


def told(drug: str, dose: float, levels: dict[float, float], duration: float = 0.0) -> dict[str, str]:
    """Code -> message of what is found in one dose at 0 h and levels by hour."""
    seen = tuple(Observation(t, drug, v) for t, v in levels.items())
    known = (Covariate(0.0, "WT", 70.0),)
    return {f.code: f.message for f in check(Timeline(Patient("p"), (DoseEvent(0.0, dose, duration, drug=drug),), seen, known))}


@pytest.mark.parametrize(
    ("drug", "value", "unit", "inside"),
    [("digoxin", 0.9, "ng/mL", 0.9), ("digoxin", 1.2, "nmol/L", 0.937), ("tacrolimus", 8.0, "ng/mL", 8.0),
     ("lithium", 0.7, "meq/L", 0.7), ("methotrexate", 0.4544, "mg/L", 1.0), ("theophylline", 55.5, "umol/L", 10.0),
     ("carbamazepine", 34.0, "umol/L", 8.03), ("valproate", 500.0, "umol/L", 72.1)],
)  # fmt: skip
def test_levels_are_read_in_the_units_laboratories_send(drug, value, unit, inside):
    assert convert(value, unit, formulary.levels()[drug]) == pytest.approx(inside, rel=2e-3)


def test_a_level_of_a_unit_that_is_none_of_its_own_is_refused():
    for drug, unit in (("lithium", "IU/L"), ("infliximab", "nmol/L"), ("digoxin", "{ratio}")):
        with pytest.raises(UnknownUnit):
            convert(1.0, unit, formulary.levels()[drug])


def test_haematocrit_and_albumin_by_either_unit():
    assert convert(34.0, "%", QUANTITIES["HCT"]) == pytest.approx(0.34)
    assert not QUANTITIES["HCT"].holds(34.0)
    assert convert(4.1, "g/dL", QUANTITIES["ALB"]) == pytest.approx(41.0)


def test_micrograms_read_as_milligrams_are_refused():
    assert "dose_implausible" in told("digoxin", 125.0, {})
    assert "level_implausible" in told("digoxin", 0.125, {24.0: 900.0})  # 0.9 ug/L sent as ng/L
    assert "level_implausible" in told("lithium", 450.0, {12.0: 26.0})  # mg of carbonate a litre
    assert not told("digoxin", 0.125, {24.0: 0.9})


@pytest.mark.parametrize(
    ("hour", "level", "codes"),
    [(36.0, 40.0, {"glucarpidase"}), (36.0, 20.0, set()), (42.0, 12.0, {"glucarpidase"}), (42.0, 9.0, set()),
     (48.0, 6.0, {"glucarpidase", "delayed_elimination", "rescue_goes_on"}),
     (48.0, 2.0, {"delayed_elimination", "rescue_goes_on"}),
     (72.0, 0.3, {"rescue_goes_on"}), (72.0, 0.1, set())],
)  # fmt: skip
def test_methotrexate_says_when_rescue_must_change(hour, level, codes):
    assert set(told("methotrexate", 8500.0, {hour: level}, 24.0)) == codes


def test_a_level_soon_after_a_dose_of_digoxin_or_lithium_is_remarked():
    assert "level_early" in told("digoxin", 0.25, {2.0: 1.8})
    assert "level_early" in told("lithium", 450.0, {4.0: 0.9})
    assert set(told("digoxin", 0.25, {8.0: 2.4})) == {"level_toxic"}
    assert not told("digoxin", 0.25, {2.0: 1.8, 24.0: 0.8})  # the last level counts


def test_a_dose_that_names_no_drug_counts():
    known = (Covariate(0.0, "WT", 24.0),)
    seen = (Observation(48.0, "methotrexate", 4.2),)
    found = {f.code for f in check(Timeline(Patient("p"), (DoseEvent(0.0, 4500.0, 24.0),), seen, known))}
    assert {"delayed_elimination", "rescue_goes_on"} <= found


def test_low_potassium_is_remarked_beside_digoxin():
    says = formulary.therapy("digoxin_adult").says[0]
    found = says.remark(Facts(POTASSIUM=3.0), "p")
    assert found is not None
    assert (found.code, found.severity) == ("potassium_low", "warning")
    assert not [k for k in (3.5, 4.2, None) if says.remark(Facts(POTASSIUM=k), "p")]


def test_a_rule_of_valproate_stays_within_its_own_15_mg_per_kg():
    child = formulary.therapy("valproate_child")
    for kg in (11.0, 15.0, 17.0, 23.0):
        facts = Facts(WT=kg, AGE=4.0)
        where = Situation(0.0, kg, facts=facts)
        said = child.rules[0].advise(facts)
        limit = child.limit("start_daily_per_kg")
        assert limit is not None
        order = child.menu.said(said, where, lambda mg, kg=kg, limit=limit: limit.broken_by(2.0 * mg / kg) is not None)
        assert 12.5 < order.amount * 2.0 / kg <= 15.0, kg


@pytest.mark.parametrize(("mg", "allowed"), [(135.0, {504.0}), (72.0, {168.0})])
def test_one_dose_of_cisplatin_keeps_its_schedule(mg: float, allowed: set[float]):
    therapy = formulary.therapy("cisplatin_solid_tumour")
    where = Situation(21 * 24.0, 70.0, 0.0, mg, facts=Facts(BSA=1.8, LAST_DOSE=mg), given=((0.0, mg),))
    orders = [Every(70.0, h, 2.0, 21 * 24.0) for h in (168.0, 504.0)]
    assert {o.interval for o in orders if not any("schedule" in r.code for r in broken(o, therapy, where))} == allowed


def test_more_is_withheld_until_antibodies_are_known() -> None:
    doses = tuple(DoseEvent(336.0 * k, 40.0) for k in range(3))
    low = Observation(1007.0, "adalimumab", 1.5)

    def asked(level: Observation, *facts: Covariate) -> Recommendation:
        who = Timeline(Patient("p", synthetic=True), doses, (level,), facts, drug="adalimumab")
        crohn, told_by = formulary.therapy("adalimumab_crohn"), (models.load("adalimumab_berends_2018"),)
        question = Question(crohn, told_by, now=1008.0, seed=1, draws=100, sensitivity=False)
        return advise(who, question).recommendation

    def weekly(found: Recommendation) -> float:
        regimen = found.to_json()["regimen"]
        return regimen["amount_mg"] * 168.0 / regimen["interval_h"]

    for kept in (asked(low), asked(low, Covariate(0.0, "ANTIBODIES", 0.0)), asked(low, Covariate(1007.0, "ANTIBODIES", 1.0)),
                 asked(Observation(1007.0, "adalimumab", 6.0), Covariate(0.0, "ANTIBODIES", 1.0))):  # fmt: skip
        assert kept.status == "caution"
        assert weekly(kept) <= 20.0
        assert kept.reasons[0].code == "more_withheld"
        assert "measure antibodies" in kept.reasons[0].text
    none = asked(low, Covariate(1007.5, "ANTIBODIES", 0.0))
    assert weekly(none) > 20.0
    assert "more_withheld" not in {r.code for r in none.reasons}

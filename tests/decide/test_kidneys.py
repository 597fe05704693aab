"""The kidneys in advise: what creatinine does to clearance and dose under each, fallbacks, warnings, provenance, bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest

from decide.babies import baby, preterm
from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.advise.curves import parameters_of
from dosetwin.decide.recommendation import Recommendation
from dosetwin.errors import InputError
from dosetwin.forecast.kidney import fitted
from dosetwin.forecast.kidney import teller as kidney
from dosetwin.forecast.kidney.filtration import filtration_path
from dosetwin.forecast.kidney.record import from_timeline
from dosetwin.records import Covariate, Observation, Timeline
from dosetwin.simulate import parameters, schedule_for

FLAGSHIP = models.load("amikacin_neonate")
VARIANT = models.load("amikacin_neonate_kidney")
POLICY = formulary.therapy("amikacin_neonate")
RISING = ((2.0, 0.75), (12.0, 1.0), (23.5, 1.5))
FALLING = ((2.0, 0.75), (12.0, 0.6), (23.5, 0.45))
READERS = ("learned", "filter", "mechanistic")


def with_creatinine(timeline: Timeline, *values: tuple[float, float]) -> Timeline:
    return timeline.append(
        *(Observation(t, "SCR", v, "mg/dL", assay="enzymatic", record=f"creatinine at {t:g}") for t, v in values)
    )


def ask(timeline: Timeline, name: str | None, *, draws: int = 150, **changes) -> Advice:
    return advise(timeline, Question(POLICY, (FLAGSHIP,), 24.0, seed=3, draws=draws, sensitivity=False, told=name, **changes))


def believed(advice: Advice, name: str) -> tuple[float, float, float]:
    """5, 50 and 95 % of a parameter half a day after the decision."""
    draws = advice.beliefs[0].draws
    return parameters_of(advice.models[0], advice.asked, draws, at=36.0, rule=advice.recommendation.provenance["covariates"])[
        name
    ]


def clearance(advice: Advice) -> float:
    return believed(advice, "CL")[1]


def codes(advice: Advice) -> set[str]:
    return {f.code for f in advice.recommendation.findings}


@pytest.mark.parametrize("levels", [(), ((1.0, 29.0), (23.0, 6.1))], ids=["no levels", "two levels"])
@pytest.mark.parametrize("name", READERS)
def test_creatinine_moves_clearance_and_dose(name, levels):
    none, up, down = (ask(with_creatinine(preterm(levels=levels), *v), name) for v in ((), RISING, FALLING))
    assert clearance(up) < 0.95 * clearance(none)
    assert clearance(down) > 1.04 * clearance(none)
    safe, wary = none.recommendation.regimen, up.recommendation.regimen
    assert safe is not None
    # less drug a day, or none that is acceptable
    assert wary is None or wary.amount_mg / wary.interval_h < safe.amount_mg / safe.interval_h


@pytest.mark.parametrize("name", READERS)
def test_a_rising_creatinine_lengthens_the_interval(name):
    """A term baby of ten days, who clears fast enough to have a choice of intervals."""
    given = baby(GA=39.0, BW=3.3, PNA=9.0, doses=((0.0, 50.0),))
    low, high = (ask(with_creatinine(given, (2.0, 0.35), (12.0, a), (23.5, b)), name) for a, b in ((0.35, 0.33), (0.8, 1.3)))
    assert low.regimen is not None
    assert high.regimen is None or high.regimen.interval > low.regimen.interval


def test_under_maturation_creatinine_moves_nothing():
    none, up = (ask(with_creatinine(preterm(), *v), "maturation") for v in ((), RISING))
    assert none.recommendation.candidates == up.recommendation.candidates
    assert believed(none, "CL") == believed(up, "CL")
    assert up.recommendation.told["kidney"]["injury"]["unexpected"] == []


@pytest.mark.parametrize("name", READERS)
def test_without_creatinine_every_kidney_is_maturation(name):
    """Up to Monte Carlo: the same prior is drawn through other random effects."""
    given = preterm(levels=((1.0, 29.0), (23.0, 6.1)))
    blind, other = (ask(given, n, draws=1000) for n in ("maturation", name))
    assert clearance(other) == pytest.approx(clearance(blind), rel=0.03)
    for parameter in ("CL", "GFR"):
        assert believed(other, parameter) == pytest.approx(believed(blind, parameter), rel=0.08)


@pytest.mark.parametrize("levels", [(), ((1.0, 29.0),)], ids=["no level", "a level"])
def test_a_new_creatinine_updates_at_once(levels):
    before = with_creatinine(preterm(levels=levels), *RISING[:2])
    after = with_creatinine(before, (23.5, 1.6))
    assert clearance(ask(after, "filter")) < 0.97 * clearance(ask(before, "filter"))


def test_clearance_changes_from_day_to_day_in_every_draw():
    given = with_creatinine(preterm(levels=()), *RISING)
    told = kidney.choose("filter", (FLAGSHIP,), given, 24.0).tell(given, 24.0, "locf")
    eta = np.random.default_rng(1).standard_normal((300, 6)) * np.sqrt(np.diag(VARIANT.omega_for(1)))
    found = parameters(VARIANT, schedule_for(VARIANT, told.on(given), [1.0, 25.0, 49.0, 145.0]), eta)
    course = np.log(found["CL"])
    assert np.corrcoef(course[:, 0], course[:, 3])[0, 1] < np.corrcoef(course[:, 0], course[:, 1])[0, 1]
    assert np.std(course[:, 3] - course[:, 0]) > 0.03
    # what is told is the path, on the flagship's variance
    path = filtration_path(from_timeline(given, 24.0), fitted.load().filter, since=24.0)
    mean, cov = path.under(0.22)
    rows = np.array([c.value for c in told.covariates]).reshape(-1, 4)
    assert rows[:, 0] == pytest.approx(mean, abs=1e-12)
    assert np.square(rows[:, 1:]).sum(axis=1) == pytest.approx(np.diag(cov))


def test_the_variant_is_the_flagship_with_its_filtration_told():
    rng = np.random.default_rng(8)
    for _ in range(40):
        BW, GA = float(rng.uniform(0.5, 4.5)), float(rng.uniform(23, 43))
        known = {"BW": BW, "WT": BW, "GA": GA, "PNA": float(rng.uniform(0, 30))}
        flags = dict(zip(("IBU", "ASPHYXIA", "COOLING"), rng.integers(0, 2, 3).tolist(), strict=True))
        GFR, CL, V, occ = rng.normal(0, [0.22, 0.15, 0.15, 0.138]).tolist()
        whole = FLAGSHIP.individual(
            FLAGSHIP.theta(), FLAGSHIP.eta(GFR=GFR, CL=CL, V=V, CL_occ=occ), FLAGSHIP.cov(**known, **flags)
        )
        told = VARIANT.cov(**known, **flags, KIDNEY=0.3 * GFR, KIDNEY1=0.5, KIDNEY2=0.2, KIDNEY3=0.0)
        part = VARIANT.individual(VARIANT.theta(), VARIANT.eta(K1=GFR, K2=GFR, K3=9.0, CL=CL, V=V, CL_occ=occ), told)
        for name in part._fields:
            assert getattr(part, name) == pytest.approx(getattr(whole, name), rel=1e-12)


def test_filtration_is_kept_within_limits():
    known = {"BW": 1.75, "WT": 1.76, "GA": 34, "PNA": 2, "IBU": 0, "ASPHYXIA": 0, "COOLING": 0, "KIDNEY2": 0, "KIDNEY3": 0}
    typical, low, high = (
        VARIANT.individual(VARIANT.theta(), VARIANT.eta(K1=k), VARIANT.cov(**known, KIDNEY=0.0, KIDNEY1=1.0)).CL
        for k in (0, -9, 9)
    )
    assert low / typical == pytest.approx(0.2)
    assert high / typical == pytest.approx(3.0)


@pytest.mark.parametrize("flag", ["IBU", "COOLING"])
def test_ibuprofen_and_cooling_act_on_the_drug_by_their_own_factor_only(flag):
    """Without creatinine the flag changes clearance by the drug's factor alone, whatever it does to creatinine."""
    factor = {"IBU": 0.838, "COOLING": 0.594}[flag]
    plain, under = (ask(preterm(levels=(), flags=f), "filter") for f in ((), (flag,)))
    assert clearance(under) / clearance(plain) == pytest.approx(factor, rel=0.01)
    # and with the creatinine that the filter expects under it, nearly so
    expected = fitted.load().filter.forecast(from_timeline(preterm(levels=(), flags=(flag,)), 12.0), [11.5]).median[0]
    seen = ask(with_creatinine(preterm(levels=(), flags=(flag,)), (23.5, float(expected))), "filter")
    assert clearance(seen) / clearance(under) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("rule", ["locf", "nocb", "linear"])
def test_the_course_is_told_under_every_covariate_rule(rule):
    given = with_creatinine(preterm(), *RISING)
    found = ask(given, "filter", rule=rule)
    assert clearance(found) == pytest.approx(clearance(ask(given, "filter")), rel=0.03)
    assert not [f for f in found.recommendation.findings if "KIDNEY" in f.message]


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"GA": 22.1, "BW": 0.45, "doses": ((0.0, 7.0),), "levels": ()}, "gestation"), ({"PNA": 29.0}, "days of age")],
)
def test_outside_its_training_a_kidney_steps_aside_and_says_so(changes, word):
    asked = ask(with_creatinine(preterm(**changes), (2.0, 0.8)), "filter")
    plain = ask(with_creatinine(preterm(**changes), (2.0, 0.8)), "mechanistic")
    assert asked.recommendation.provenance["kidney"]["used"] == "mechanistic"
    assert asked.recommendation.candidates == plain.recommendation.candidates
    found = [f for f in asked.recommendation.findings if f.code == "kidney_falls_back"]
    assert len(found) == 1
    assert word in found[0].message
    assert "mechanistic kidney is used instead" in found[0].message


def test_a_creatinine_outside_its_training_too():
    asked = ask(with_creatinine(preterm(levels=()), (2.0, 0.8), (20.0, 3.9)), "filter")
    assert any("creatinine lies outside" in f.message for f in asked.recommendation.findings)


class Stub:
    """A learned kidney that expects creatinine ``by`` (log) above the filter's."""

    name = "learned"

    def __init__(self, by: float, GA=(22.0, 44.0)):
        self.by = by
        self.card = {"range": {"GA": GA, "PNA": (0, 28), "SCR": (0.1, 5)}, "sha256_of_card": "f" * 64, "date": "2026-01-01"}

    def forecast(self, record, hours):
        own = fitted.load().filter.forecast(record, hours)
        return replace(own, by="learned", latent=own.latent + self.by, measured=own.measured + self.by)


def test_a_learned_forecast_moves_clearance_through_the_balance(monkeypatch):
    given = with_creatinine(preterm(levels=()), *RISING[:2])
    seen = []
    for by in (-0.2, 0.0, 0.2):
        monkeypatch.setattr(kidney, "_learned", lambda by=by: Stub(by))
        seen.append(ask(given, "learned"))
    assert [a.recommendation.provenance["kidney"]["used"] for a in seen] == ["learned"] * 3
    assert seen[0].recommendation.provenance["kidney"]["sha256"] == "f" * 64
    assert clearance(seen[0]) > 1.03 * clearance(seen[1]) > 1.06 * clearance(seen[2])
    assert clearance(seen[1]) == pytest.approx(clearance(ask(given, "filter")), rel=1e-6)


def test_the_learned_kidney_falls_back_to_the_filter_outside_its_own_range(monkeypatch):
    monkeypatch.setattr(kidney, "_learned", lambda: Stub(0.0, GA=(32.0, 44.0)))
    given = with_creatinine(preterm(levels=()), *RISING[:2])
    found = ask(given, "learned")
    assert found.recommendation.provenance["kidney"]["used"] == "filter"
    assert "kidney_falls_back" in codes(found)
    monkeypatch.setattr(kidney, "_learned", lambda: None)
    assert "not part of this installation" in str(ask(given, "learned").recommendation.findings)


def test_what_it_expects_and_the_early_warning():
    calm, hurt = (ask(with_creatinine(preterm(), *v), "filter") for v in (FALLING[:2], RISING))
    assert "kidney_injury_expected" not in codes(calm)
    assert "kidney_injury_expected" in codes(hurt)
    told = hurt.recommendation.told["kidney"]
    assert told["injury"]["warns"] is True
    assert (
        max(told["injury"]["unexpected"])
        >= told["injury"]["warns_from"]
        > max(calm.recommendation.told["kidney"]["injury"]["unexpected"])
    )
    assert told["injury"]["source"].startswith("assumed")
    scr = np.array(told["creatinine_measured_mg_per_dL"])
    assert (np.diff(scr, axis=1) > 0).all()
    assert scr[0, 0] < 1.5 < scr[0, 4] * 1.3
    assert (np.diff(np.array(told["filtration_mL_per_min"]), axis=1) > 0).all()


def test_an_unexpected_creatinine_is_remarked_on():
    odd = ask(with_creatinine(preterm(levels=()), (2.0, 0.7), (12.0, 0.7), (20.0, 2.2)), "filter")
    found = [f for f in odd.recommendation.findings if f.code == "creatinine_unexpected"]
    assert len(found) == 1
    assert "2.20 mg/dL" in found[0].message


def test_json_round_trip_determinism_and_provenance():
    given = with_creatinine(preterm(), *RISING)
    question = Question(POLICY, (FLAGSHIP,), now=24.0, seed=3, draws=150, told="filter")
    first, second = (advise(given, question).recommendation for _ in "ab")
    text = json.dumps(first.to_json(), allow_nan=False)
    assert text == json.dumps(second.to_json(), allow_nan=False)
    assert Recommendation.from_json(json.loads(text)).to_json() == first.to_json()
    said = first.provenance["kidney"]
    assert (said["asked"], said["used"], said["sha256"]) == ("filter", "filter", fitted.load().sha256)
    assert [m["name"] for m in first.provenance["models"]] == ["amikacin_neonate_kidney"]
    assert any(s.code == "creatinine_rises" for s in first.what_would_change_it)
    quick = replace(question, sensitivity=False)
    default, named = (advise(given, replace(quick, told=name)).recommendation for name in (None, kidney.DEFAULT))
    assert default.candidates == named.candidates
    assert default.provenance["kidney"]["used"] == named.provenance["kidney"]["used"] != kidney.DEFAULT == "evidence"


def test_several_models_share_the_kidney_and_those_without_filtration_go_as_they_are():
    given = with_creatinine(preterm(), *RISING)
    decock = models.load("amikacin_decock_2012")
    question = Question(POLICY, (FLAGSHIP, decock), now=24.0, seed=3, draws=150, sensitivity=False, told="filter")
    found = advise(given, question).recommendation
    assert [m["name"] for m in found.provenance["models"]] == ["amikacin_neonate_kidney", "amikacin_decock_2012"]
    assert found.told["kidney"]["used"] == "filter"
    assert not [f for f in found.findings if "KIDNEY" in f.message]


def test_wrong_words_are_refused():
    with pytest.raises(InputError, match=r"unknown kidney.*evidence, learned, filter, mechanistic, maturation"):
        ask(preterm(), "glomerulus")
    decock = models.load("amikacin_decock_2012")
    with pytest.raises(InputError, match=r"no model here has a filtration.*amikacin_neonate"):
        advise(preterm(), Question(POLICY, (decock,), now=24.0, seed=1, told="filter"))
    found = advise(preterm(), Question(POLICY, (decock,), now=24.0, seed=1, draws=100, sensitivity=False))
    assert found.recommendation.provenance["kidney"] is None


def test_damaged_weights_are_refused_not_gone_around(monkeypatch, tmp_path):
    content = json.loads(fitted.SHIPPED.read_text())
    content["parameters"]["prop"] = 0.2
    file = tmp_path / "filter.json"
    file.write_text(json.dumps(content))
    shipped = fitted.load
    monkeypatch.setattr(fitted, "load", lambda: shipped(file))
    with pytest.raises(InputError, match=content["sha256"]):
        ask(preterm(), "filter")


def test_a_case_without_a_calendar_or_birth_goes_by_its_age():
    by_age = with_creatinine(preterm(origin=None), *RISING)
    assert clearance(ask(by_age, "filter")) == pytest.approx(
        clearance(ask(with_creatinine(preterm(), *RISING), "filter")), rel=0.02
    )
    nameless = replace(by_age, covariates=tuple(c for c in by_age.covariates if c.name != "PNA"))
    later = nameless.append(Covariate(0.0, "PNA", 1.0, "d"))
    assert clearance(ask(later, "filter")) == pytest.approx(clearance(ask(by_age, "filter")), rel=1e-9)

"""Harm is judged at the coming dose, by every therapy alike: who is toxic now is given nothing now."""

from functools import cache

import pytest

from dosetwin import formulary, models
from dosetwin.advise import advise
from dosetwin.advise.question import Question
from dosetwin.decide.recommendation import Recommendation, coming_mg
from dosetwin.declare import Therapy
from dosetwin.declare.guard import CODE, border
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline


def toxic(t: Therapy) -> list[tuple[float, str]]:
    """Levels above which its goals say that the drug harms, with what is measured."""
    found = [(b[0], g.reading.what) for g in t.goals if (b := border(g, t.drug, t.sampling.of)) and not g.code.endswith(CODE)]
    return sorted(found) if t.everyday is not None else []


TOXIC = tuple(t.name for t in formulary.therapies() if t.kind == "patient" and toxic(t))


@cache
def told(name: str, factor: float) -> tuple[Recommendation, float, float]:
    """Everyday doses for a week (at least three), and half an hour before the next one is due a level of ``factor`` times
    the lowest border of harm; the answer, the hour at which it is asked and the first hour promised."""
    t = formulary.therapy(name)
    assert t.everyday is not None
    high, what = toxic(t)[0]
    model, facts = models.load(t.models[0]), dict(t.typical)
    sex, WT = facts.get("SEX"), float(facts.get("WT", 70.0))
    facts |= {"BW": WT} if "GA" in facts and "BW" not in facts else {}
    if "PMA" not in facts:
        facts |= {"PMA": 40.0 + 52.0 * float(facts["AGE"])} if "AGE" in facts else {}
    every = t.everyday.interval_h
    n = max(3, min(40, round(168.0 / every)))
    doses = tuple(DoseEvent(k * every, t.everyday.mg(WT), t.everyday.duration_h) for k in range(n))
    seen = Observation(n * every - 0.5, what or t.drug.name, factor * high, record="level")
    known = tuple(Covariate(0.0, k, float(v == "male") if isinstance(v, str) else v) for k, v in facts.items())
    who = Patient("p", sex=next((x for x in ("male", "female") if x == sex), None), synthetic=True)
    now = n * every - 0.25
    timeline = Timeline(who, doses, (seen,), known, drug=t.drug.name)
    found = advise(timeline, Question(t, (model,), now=now, seed=1, draws=100, sensitivity=False))
    return found.recommendation, now, now + 1.0 if found.regimen is None or found.recommendation.hold else found.regimen.first_at


def given(name: str, factor: float) -> tuple[float, float]:
    """When the coming dose is due (h from now) and mg/h from then on; nothing is given where it is held."""
    r, now, first = told(name, factor)
    if r.hold or r.regimen is None:
        return float("inf"), 0.0
    regimen = r.to_json()["regimen"]
    return first - now, max(coming_mg(regimen), regimen["amount_mg"]) / regimen["interval_h"]


def test_every_therapy_with_a_toxic_border_is_among_them() -> None:
    assert {"digoxin_adult", "lithium_bipolar", "tacrolimus_kidney", "theophylline_adult", "valproate_epilepsy",
            "voriconazole_adult", "vancomycin_adult", "meropenem_adult", "warfarin_inr"} <= set(TOXIC)  # fmt: skip
    for name in TOXIC:
        t = formulary.therapy(name)
        assert any(g.forbids_now and g.reading.what == what for g in t.goals for _, what in toxic(t)), name


@pytest.mark.slow
@pytest.mark.parametrize("name", TOXIC)
def test_who_is_toxic_is_given_nothing_now_and_more_never_follows_from_more(name: str) -> None:
    low, above, twice = (given(name, f) for f in (0.3, 1.1, 2.0))
    assert low[0] <= above[0] + 1e-9 <= twice[0] + 2e-9
    assert low[1] >= above[1] - 1e-9 >= twice[1] - 2e-9
    r, _, _ = told(name, 2.0)
    assert twice[0] > 2.0, "the next dose is given now"
    assert r.hold or twice[0] >= 6.0
    assert not r.hold or r.hold_reason.startswith("do not give the next dose now: ")
    assert r.regimen is not None or r.hold or "what_would_help" in {x.code for x in r.reasons}

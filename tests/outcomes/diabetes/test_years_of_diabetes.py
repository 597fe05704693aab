"""Years of type 2 diabetes: the published equations, lives that do not depend on company, and what a year is worth."""

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.evaluate.pages import chronic
from dosetwin.outcomes.diabetes.equations import EVENTS, believable
from dosetwin.outcomes.diabetes.life import live
from dosetwin.outcomes.diabetes.worth import Worth

MAN = {k: np.array([float(v)]) for k, v in chronic.MAN.items()}


def many(n: int, **other: float) -> dict[str, np.ndarray]:
    return {k: np.full(n, float(other[k] if k in other else v[0])) for k, v in MAN.items()}


def test_the_page_holds_every_published_figure() -> None:
    found = chronic.run(n=4000, seed=1)
    assert len(found) == 89
    assert [c.check for c in found if not c.passed] == []
    assert "kidney failure in 5 y" in chronic.markdown(found)


def test_nobody_s_life_depends_on_who_else_is_in_the_table() -> None:
    together, later = live(many(50), seed=3), live(many(10), seed=3, first=20)
    assert (together.happened[20:30] == later.happened).all()
    assert (together.died[20:30] == later.died).all()


def test_the_dead_have_no_events_and_first_events_come_once() -> None:
    lives = live(many(2000, SBP=190, HBA1C=12), seed=2, years=20)
    after = np.arange(20)[None, :] > lives.died[:, None]
    assert not lives.happened[after].any()
    once = [EVENTS.index(e) for e in ("heart_failure", "ischaemia", "blindness", "ulcer", "renal_failure")]
    assert lives.happened[:, :, once].sum(axis=1).max() == 1
    assert lives.happened[:, :, EVENTS.index("infarction")].sum(axis=1).max() > 1


@pytest.mark.parametrize(
    ("factor", "value", "event"),
    [("HBA1C", 11.0, "blindness"), ("SBP", 180.0, "stroke"), ("LDL", 5.0, "infarction"), ("SMOKER", 0.0, "infarction")],
)
def test_a_worse_factor_brings_more_of_its_event_under_the_same_luck(factor: str, value: float, event: str) -> None:
    usual, other = (live(many(3000, **m), seed=1).share(event)[-1] for m in ({}, {factor: value}))
    assert (other < usual) if factor == "SMOKER" else (other > usual)


def test_a_plan_of_a_hundred_years_or_an_event_nobody_knows_is_refused() -> None:
    with pytest.raises(InputError, match="1 to 80"):
        live(MAN, years=100)
    with pytest.raises(InputError, match="heart_failure"):
        live(MAN, had={"flu": np.array([True])})
    with pytest.raises(InputError, match="no such event"):
        Worth(lost={"flu": 0.1})
    with pytest.raises(InputError, match="discount"):
        Worth(discount=1.0)


@pytest.mark.parametrize(
    ("factor", "value", "said"),
    [
        ("HBA1C", 64, "mmol/mol"),
        ("LDL", 116, "38.67"),
        ("HB", 145, "divide by 10"),
        ("FEMALE", 2, "0 to 1"),
        ("EGFR", 0, "1 to 200"),
    ],
)
def test_another_unit_is_asked_about(factor: str, value: float, said: str) -> None:
    with pytest.raises(InputError, match=factor) as found:
        believable({**MAN, factor: np.array([float(value)])})
    assert said in str(found.value)


def test_what_is_missing_is_not_filled_in() -> None:
    with pytest.raises(InputError, match="WBC"):
        believable({k: v for k, v in MAN.items() if k != "WBC"})

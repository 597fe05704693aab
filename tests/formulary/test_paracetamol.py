"""The treatment line as a rule, by its states; acetylcysteine now where glutathione runs out."""

import pytest

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.declare import Facts, Sets
from dosetwin.formulary.paracetamol import PARACETAMOL_OVERDOSE
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

RULE = PARACETAMOL_OVERDOSE.rules[0]


@pytest.mark.parametrize(
    ("hours", "level", "runs"),
    [(4.0, 101.0, 1.0), (4.0, 99.0, 0.0), (8.0, 51.0, 1.0), (8.0, 49.0, 0.0), (24.0, 3.2, 1.0), (24.0, 3.0, 0.0)],
)
def test_the_line(hours: float, level: float, runs: float) -> None:
    found = RULE.advise(Facts(DAY=hours / 24.0, paracetamol=level))
    assert isinstance(found, Sets)
    assert found.values == {"NAC": runs}


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (Facts(DAY=3.0 / 24.0, paracetamol=300.0), "nothing before 4 h"),
        (Facts(DAY=30.0 / 24.0, paracetamol=3.0), "ends 24 h after"),
        (Facts(DAY=0.3), "needs a level"),
        (Facts(paracetamol=100.0), "needs DAY"),
    ],
)
def test_where_the_line_says_nothing(facts: Facts, said: str) -> None:
    assert said in str(RULE.advise(facts))


def test_a_line_once_crossed_does_not_stop_what_runs() -> None:
    found = RULE.advise(Facts(DAY=0.5, paracetamol=1.0, NAC=1.0))
    assert isinstance(found, Sets)
    assert found.values["NAC"] == 1.0


def test_acetylcysteine_is_advised_after_much_and_not_after_little() -> None:
    model = models.load("paracetamol_reddyhoff_2015")
    therapy = formulary.therapy("paracetamol_overdose")
    for mg, level, wanted in ((16_000.0, 180.0, 1.0), (2000.0, 20.0, 0.0)):
        seen = Timeline(
            Patient("1"), (DoseEvent(0.0, mg),), (Observation(4.0, "paracetamol", level),), (Covariate(0.0, "WT", 70.0),)
        )
        answer = advise(seen, Question(therapy, (model,), 5.0, 1, 120, sensitivity=False))
        assert answer.regimen is not None
        assert answer.regimen["NAC"] == wanted

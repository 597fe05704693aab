"""Propofol and remifentanil by target through the whole answer: the pump's order, the rules beside it, what runs."""

from collections.abc import Sequence

import pytest

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.advise.gate import stopped
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

FACTS = {"WT": 80.0, "HT": 175.0, "AGE": 60.0, "SEX": 1.0, "OPIOID": 1.0, "MAP0": 95.0}


def timeline(doses: Sequence[DoseEvent] = (), seen: Sequence[Observation] = ()) -> Timeline:
    known = tuple(Covariate(0.0, k, v) for k, v in FACTS.items() if k != "SEX")
    return Timeline(Patient("1", sex="male"), tuple(doses), tuple(seen), known)


def test_a_new_order_takes_the_place_of_what_runs() -> None:
    cut = stopped(timeline([DoseEvent(0.0, 80.0), DoseEvent(0.05, 400.0, 1.0)]), 0.3).doses
    assert [(d.amount, d.duration) for d in cut] == [(80.0, 0.0), (pytest.approx(100.0), pytest.approx(0.25))]


def test_the_monitor_lowers_the_target_of_a_patient_who_is_deep() -> None:
    therapy, model = formulary.therapy("propofol_tci"), models.load("propofol_eleveld_2018")
    given = [DoseEvent(0.0, 80.0, 1.0 / 60.0), DoseEvent(0.05, 400.0, 1.0)]
    seen = [Observation(t, "BIS", v) for t, v in ((0.12, 35.0), (0.2, 33.0))]
    found = {name: advise(timeline(given, told), Question(therapy, (model,), 0.26, 1, 150, sensitivity=False))
             for name, told in (("before", ()), ("after", seen))}  # fmt: skip
    target = {name: a.regimen.to_json()["target"] for name, a in found.items()}
    assert target["after"] < target["before"]
    rules = {r for c in found["after"].recommendation.candidates for r in c.rules}
    assert rules == {"propofol_label_target", "propofol_ten_eight_six"}

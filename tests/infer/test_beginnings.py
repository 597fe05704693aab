"""A record that goes on from one seen before costs what was added, and is told to the bit what one never seen is told."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin import models
from dosetwin.infer import beginnings
from dosetwin.infer.beginnings import prior_predictive
from dosetwin.infer.likelihood import evidence_for
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

DAYS = 30


def baby(id: str = "p", weight: float = 1.7) -> Timeline:
    """Thirty days of doses, weights and creatinines, and a level whose time is not certain."""
    doses = tuple(DoseEvent(float(t), 22.0, 0.5) for t in np.arange(6.0, 24.0 * DAYS, 36.0))
    weights = tuple(Covariate(24.0 * d, "WT", weight + 0.02 * d, "kg") for d in range(DAYS))
    scr = tuple(Observation(24.0 * d + 10.0, "SCR", 0.9 - 0.01 * d, "mg/dL") for d in range(DAYS))
    levels = (Observation(41.0, "amikacin", 3.0, time_sd=0.25), Observation(400.0, "amikacin", 5.0))
    return Timeline(Patient(id, "female", GA=32.0, BW=1.7), doses, (*scr, *levels), (*weights, Covariate(0.0, "PNA", 0.0, "d")))


@pytest.fixture(autouse=True)
def played(monkeypatch):
    """Events (first, last) of each play of the prior vectors; nothing is remembered at first."""
    beginnings._kept.clear()
    found, real = [], beginnings.predict_between

    def counting(model, schedule, eta, begin, state, end, out):
        found.append((begin, end))
        return real(model, schedule, eta, begin, state, end, out)

    monkeypatch.setattr(beginnings, "predict_between", counting)
    yield found
    beginnings._kept.clear()


def told(timeline: Timeline) -> tuple[np.ndarray, np.ndarray]:
    return prior_predictive(evidence_for(models.load("amikacin_neonate"), timeline))


def never_seen(timeline: Timeline) -> tuple[np.ndarray, np.ndarray]:
    """The same from plays of the whole record, all at once."""
    evidence = evidence_for(models.load("amikacin_neonate"), timeline)
    z, w = beginnings._points(evidence.root.shape[0], beginnings.PRIOR_DRAWS)
    return beginnings._among(evidence, evidence.predict(z), w)


NEW = {
    "nothing": lambda t: t,
    "a level": lambda t: t.append(Observation(725.0, "amikacin", 4.0)),
    "a level of uncertain time": lambda t: t.append(Observation(725.0, "amikacin", 4.0, time_sd=0.3)),
    "a dose and a creatinine": lambda t: t.append(DoseEvent(726.0, 30.0, 0.5), Observation(731.0, "SCR", 0.7, "mg/dL")),
    "a week": lambda t: t.append(*(Observation(720.0 + 24.0 * d, "SCR", 0.7, "mg/dL") for d in range(7))),
    "a result that comes late": lambda t: t.append(Observation(640.0, "SCR", 0.8, "mg/dL")),
    "another value of an old level": lambda t: replace(
        t, observations=tuple(replace(o, value=9.0) if o.time == 41.0 else o for o in t.observations)
    ),
    "another old dose": lambda t: replace(t, doses=(replace(t.doses[0], amount=30.0), *t.doses[1:])),
    "an old dose running longer": lambda t: replace(t, doses=(*t.doses[:3], replace(t.doses[3], duration=1.0), *t.doses[4:])),
    "another old weight": lambda t: t.append(Covariate(30.0, "WT", 1.9, "kg")),
    "fewer levels": lambda t: replace(t, observations=t.observations[:-2]),
}


@pytest.mark.parametrize("what", NEW)
def test_a_record_seen_before_is_told_what_one_never_seen_is(what):
    told(baby())
    then = NEW[what](baby())
    for mine, other in zip(told(then), never_seen(then), strict=True):
        np.testing.assert_array_equal(mine, other)
    for mine, other in zip(told(baby()), never_seen(baby()), strict=True):  # and back again
        np.testing.assert_array_equal(mine, other)


def test_only_what_was_added_is_played(played):
    told(baby())
    whole = played[-1][1]
    assert played[0][0] == 0
    del played[:]
    told(baby())
    assert not played
    told(NEW["a level"](baby()))
    assert min(first for first, _ in played) >= whole - 1
    del played[:]
    told(NEW["a result that comes late"](baby()))
    assert min(first for first, _ in played) > 0.7 * whole
    del played[:]
    told(NEW["another old dose"](baby()))
    assert played[0][0] == 0


def test_whose_record_it_is_does_not_matter_and_what_is_in_it_does(played):
    told(baby())
    del played[:]
    told(baby("another"))
    assert not played
    told(baby(weight=1.8))
    assert played[0][0] == 0


def test_what_is_remembered_is_bounded(monkeypatch):
    for k in range(beginnings.RECORDS + 4):
        prior_predictive(evidence_for(models.load("amikacin_neonate"), baby(weight=1.5 + 0.01 * k)), 16)
    assert len(beginnings._kept) == beginnings.RECORDS
    size = beginnings._kept[0].size
    monkeypatch.setattr(beginnings, "BYTES", 5 * size)
    told(baby())
    assert sum(k.size for k in beginnings._kept) <= max(5 * size, beginnings._kept[-1].size)
    assert len(beginnings._kept) < beginnings.RECORDS


def test_a_record_that_goes_on_takes_the_place_of_what_it_goes_on_from():
    timeline = baby()
    for d in range(5):
        timeline = timeline.append(Observation(721.0 + 12.0 * d, "SCR", 0.7, "mg/dL"))
        told(timeline)
    assert len(beginnings._kept) == 1
    assert len(beginnings._kept[0].states) <= len(beginnings.BACK)


def test_a_short_record_and_one_that_fails_are_played_whole(monkeypatch):
    short = replace(baby(), observations=baby().observations[: beginnings.LONG - 1])
    told(short)
    assert not beginnings._kept
    monkeypatch.setattr(beginnings, "predict_between", lambda *a: None)
    for mine, other in zip(told(baby()), never_seen(baby()), strict=True):
        np.testing.assert_array_equal(mine, other)
    monkeypatch.setattr(beginnings, "predict_between", lambda *a: (np.ones(1000, bool), np.zeros((1000, 7))))
    for mine, other in zip(told(baby()), never_seen(baby()), strict=True):
        np.testing.assert_array_equal(mine, other)
    assert not beginnings._kept

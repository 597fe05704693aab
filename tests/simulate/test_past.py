"""What courses share is played once, and vectors side by side; the numbers are those of a course played alone from its start."""

import numpy as np
import pytest

from dosetwin import models
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.simulate import engine, past, predict, predict_courses, schedule_for, schedule_many
from dosetwin.simulate.covariates import HOURS_PER, _in_segments

NOW = 200.0
FUTURES = ([DoseEvent(203.0, 20.0, 0.5), DoseEvent(227.0, 20.0, 0.5)], [DoseEvent(203.0, 20.0)], [])
TIMES = ([203.0, 204.0, 227.0, 240.0], [203.0, 203.5, 250.0], [201.0, 260.0])
NAMES = ("amikacin_neonate", "amikacin_neonate_kidney", "amikacin_decock_2012", "gentamicin_fuchs_2014")


def baby(last: float = 192.0) -> Timeline:
    """Doses every 36 h, the last one running over NOW where it is given then; weights between them."""
    doses = [DoseEvent(t, 22.0, 0.5) for t in np.arange(10.0, 180.0, 36.0)] + [DoseEvent(last, 22.0, 12.0)]
    weights = [Covariate(t, "WT", 1.7 + 0.001 * t, "kg") for t in (0.0, 30.0, 100.0, 170.0)]
    others = [Covariate(0.0, "PNA", 1.0, "d"), Covariate(0.0, "GA", 32.0, "wk"), Covariate(0.0, "BW", 1.7, "kg")]
    return Timeline(Patient("p", "female", GA=32.0, BW=1.7), tuple(doses), (Observation(30.0, "SCR", 0.7, "mg/dL"),),
                    (*weights, *others, Covariate(0.0, "PMA", 32.0, "wk")))  # fmt: skip


def draws(model, n: int = 40) -> np.ndarray:
    return 0.3 * np.random.default_rng(1).standard_normal((n, len(model.eta_names) + len(model.kappa_names)))


@pytest.fixture(autouse=True)
def nothing_kept():
    past._kept.clear()


@pytest.mark.parametrize("name", NAMES)
def test_courses_from_a_shared_past_are_those_played_from_the_start(name):
    model = models.load(name)
    schedule = schedule_many(model, [baby()] * 3, TIMES, extra_doses=FUTURES)
    alone = [engine._from_start(model, schedule, draws(model), None, c, True, 1) for c in range(3)]
    for since in (None, NOW, NOW):  # the third time from the states that the second kept
        found = predict_courses(model, schedule, draws(model), auc=True, since=since)
        for a, b in zip(found, alone, strict=True):
            assert a.ok.all()
            np.testing.assert_array_equal(a.time, b.time)
            for what in ("value", "state", "auc"):
                # creatinine's area reaches back to birth, a level to the last dose: relative to the largest of its kind
                x, y = getattr(a, what), getattr(b, what)
                np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-13 * float(np.abs(y).max()))


def test_a_past_is_played_once_per_draw_however_often_it_is_asked_for(monkeypatch):
    model, asked = models.load("amikacin_neonate"), []
    kernel = past.compiled(model)

    class Counting:
        signatures = True

        @staticmethod
        def run_lanes(lo, hi, courses, resume, split, *rest):
            asked.append((hi - lo, resume, split))
            return kernel.run_lanes(lo, hi, courses, resume, split, *rest)

    monkeypatch.setattr(past, "compiled", lambda _: Counting)
    schedule = schedule_many(model, [baby()] * 3, TIMES, extra_doses=FUTURES)
    first = predict_courses(model, schedule, draws(model), auc=True, since=NOW, threads=1)
    later = predict(model, schedule_for(model, baby(), [204.0, 300.0]), draws(model), since=NOW, threads=1)
    fewer = predict_courses(model, schedule, draws(model)[:10], since=NOW, threads=1)
    other = predict(model, schedule_for(model, baby(191.0), [204.0]), draws(model), since=NOW, threads=1)
    events = asked[0][2]
    assert asked[0] == (40, 0, events)
    assert events > 10
    assert asked[1:3] == [(40, events, events), (10, events, events)]
    assert asked[3][1] == 0  # another history is another past
    assert later.ok.all()
    assert other.ok.all()
    np.testing.assert_array_equal(fewer[0].value, first[0].value[:10])


def test_a_vector_does_not_feel_its_neighbours():
    model = models.load("amikacin_neonate")
    schedule = schedule_for(model, baby(), [50.0, 199.0])
    eta = draws(model)
    eta[::3] *= 4.0
    whole = predict(model, schedule, eta, threads=1).value
    np.testing.assert_array_equal(predict(model, schedule, eta[5:12], threads=1).value, whole[5:12])
    np.testing.assert_array_equal(predict(model, schedule, eta[::-1], threads=2).value, whole[::-1])


def test_a_vector_that_fails_is_nan_and_alone():
    model = models.load("amikacin_neonate")
    schedule = schedule_for(model, baby(), [50.0, 199.0])
    eta = draws(model)
    good = predict(model, schedule, eta).value
    eta[7] = 1e4
    found = predict(model, schedule, eta)
    assert not found.ok[7]
    assert np.isnan(found.value[7]).all()
    assert np.delete(found.ok, 7).all()
    np.testing.assert_array_equal(np.delete(found.value, 7, axis=0), np.delete(good, 7, axis=0))


def test_what_lanes_are_not_made_for_is_played_the_plain_way(oral, two):
    steady = Timeline(Patient("x"), (DoseEvent(0.0, 10.0, 1.0, ii=12.0, ss=True),))
    schedule = schedule_for(two, steady, [1.0, 13.0])
    assert not past.playable(two, schedule)
    assert not past.playable(oral, schedule_for(oral, Timeline(Patient("x"), (DoseEvent(0.0, 1.0),)), [1.0]))
    eta = np.zeros((20, 1))
    np.testing.assert_array_equal(
        predict(two, schedule, eta, since=0.5).value, engine._from_start(two, schedule, eta, None, 0, False, 1).value
    )


def test_unforeseen_couplings_are_played_the_plain_way(monkeypatch):
    model = models.load("amikacin_neonate")
    schedule = schedule_for(model, baby(), [50.0])
    real = past.compiled(model)

    class Odd:
        signatures = True
        run_lanes = staticmethod(lambda *a: past.lanes.ODD)

    monkeypatch.setattr(past, "compiled", lambda _: Odd)
    assert real is not Odd
    found = predict(model, schedule, draws(model))
    np.testing.assert_array_equal(found.value, engine._from_start(model, schedule, draws(model), None, 0, False, 1).value)


def one_segment(series, c, rule, start, end, middle):
    """The definition, one segment at a time."""
    times = [t for t, _ in series]
    if c.age:
        k = max(int(np.searchsorted(times, middle, side="right")) - 1, 0)
        if not np.isfinite(times[k]):
            return series[k][1]
        return max(0.0, series[k][1] + (middle - times[k]) / HOURS_PER[c.unit])
    if rule == "nocb" and np.isfinite(end):
        return series[min(int(np.searchsorted(times, end - 1e-9, side="left")), len(series) - 1)][1]
    if (rule == "linear" or c.missing == "interpolate") and not c.flag and len(series) > 1 and np.isfinite(times[0]):
        return float(np.interp(0.5 * (start + end) if np.isfinite(end) else times[-1], times, [v for _, v in series]))
    k = int(np.searchsorted(times, start + 1e-9, side="right")) - 1
    if k < 0:
        return 0.0 if c.flag else series[0][1]
    return series[k][1]


@pytest.mark.parametrize("rule", ["locf", "nocb", "linear"])
def test_covariates_of_all_segments_at_once_are_those_of_each(rule):
    covs = models.load("amikacin_neonate").covs
    rng = np.random.default_rng(3)
    start = np.sort(rng.uniform(0.0, 100.0, 30))
    end, middle = np.append(start[1:], np.inf), start + 1.0
    for name in ("PNA", "WT", "IBU"):
        for series in ([(-np.inf, 3.0)], [(20.0, 1.0)], sorted(zip(rng.choice(start, 6), rng.uniform(0, 2, 6), strict=True))):
            got = _in_segments(series, covs[name], rule, start, end, middle)
            want = [one_segment(series, covs[name], rule, *s) for s in zip(start, end, middle, strict=True)]
            np.testing.assert_array_equal(got, want)


def test_courses_that_share_nothing_are_played_each_from_its_start():
    model = models.load("amikacin_neonate")
    late = Timeline(
        Patient("p", "female", GA=32.0, BW=1.7), (), (), (Covariate(0.0, "WT", 1.7, "kg"), Covariate(0.0, "PNA", 1.0, "d"))
    )
    other = Timeline(late.patient, (), (), (Covariate(0.0, "WT", 1.9, "kg"), Covariate(0.0, "PNA", 1.0, "d")))
    schedule = schedule_many(model, [late, other, late], [[1.0, 30.0]] * 3, extra_doses=[[DoseEvent(0.5, 20.0)]] * 3)
    for since in (None, 0.0, 0.5):
        found = predict_courses(model, schedule, draws(model), since=since)
        for c, a in enumerate(found):
            b = engine._from_start(model, schedule, draws(model), None, c, False, 1)
            np.testing.assert_allclose(a.value, b.value, rtol=1e-9)


LATE = 24.0 * 150


def grown(last: float = LATE) -> Timeline:
    """Doses every 36 h and a weight a day for 150 days."""
    doses = [DoseEvent(t, 22.0, 0.5) for t in np.arange(10.0, last - 1.0, 36.0)]
    weights = [Covariate(t, "WT", 1.7 + 0.001 * t, "kg") for t in np.arange(0.0, last, 24.0)]
    return Timeline(
        baby().patient, tuple(doses), (), (*weights, Covariate(0.0, "PNA", 1.0, "d"), Covariate(0.0, "PMA", 32.0, "wk"))
    )


def futures(model, timeline: Timeline):
    schedule = schedule_many(
        model, [timeline] * 2, [[LATE + 5, LATE + 6, LATE + 40]] * 2, extra_doses=[[DoseEvent(LATE, 30.0)], []]
    )
    return predict_courses(model, schedule, draws(model), auc=True, since=LATE)


def test_what_has_faded_is_not_played(monkeypatch):
    model = models.load("amikacin_neonate")
    late = futures(model, grown())
    assert past._kept[0].late
    past.forget()
    monkeypatch.setattr(past, "FADES_H", ())
    whole = futures(model, grown())
    assert not past._kept[0].late
    for a, b in zip(late, whole, strict=True):
        np.testing.assert_allclose(a.value, b.value, rtol=1e-13)
        np.testing.assert_allclose(np.diff(a.auc, axis=1), np.diff(b.auc, axis=1), rtol=1e-8)


def test_what_has_not_faded_is_played(monkeypatch):
    model = models.load("amikacin_neonate")
    monkeypatch.setattr(past, "FADES_H", (12.0,))  # of the last dose much is left
    late = futures(model, grown())
    assert not past._kept[0].late
    monkeypatch.setattr(past, "FADES_H", ())
    past.forget()
    for a, b in zip(late, futures(model, grown()), strict=True):
        np.testing.assert_array_equal(a.value, b.value)


def test_what_is_remembered_moves_no_bit_of_a_long_course():
    model = models.load("amikacin_neonate")
    schedule = schedule_for(model, grown(), [LATE + 5.0])
    shorter = schedule_for(model, grown(), [LATE - 40.0])
    alone = predict(model, schedule, draws(model), since=LATE).value
    past.forget()
    predict(model, shorter, draws(model), since=LATE - 50.0)
    after = predict(model, schedule, draws(model), since=LATE).value
    again = predict(model, schedule, draws(model), since=LATE).value
    np.testing.assert_array_equal(after, alone)
    np.testing.assert_array_equal(again, alone)


def test_only_a_system_in_which_no_state_lowers_another_may_begin_late(monkeypatch):
    model = models.load("amikacin_neonate")
    assert past.lanes.positive(model)
    monkeypatch.setattr(past.lanes, "positive", lambda _: False)
    futures(model, grown())
    assert not past._kept[0].late

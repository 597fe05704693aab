"""One baby's closed-loop course: what is true, what is known when, that arms share their luck, and that belief is sound."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin.decide.look_ahead.loss import course_terms
from dosetwin.errors import InputError, UnknownName
from dosetwin.populations.newborn.newborns import cohort
from dosetwin.populations.newborn.truth import DT
from dosetwin.studies.newborn_sepsis.course import PEAK_H, Ward, run_course
from dosetwin.studies.newborn_sepsis.course_belief import quasi_uniforms
from dosetwin.studies.newborn_sepsis.design import Arm, Design, Sampling

SEED = 5800


def design(*arms: Arm, **changes) -> Design:
    return Design("test", 4, SEED, arms or (Arm("mpc", "mpc", draws=16),), **({"kidney": "maturation"} | changes))


def baby(i: int):
    return cohort(8, SEED).baby(i)


def loss_of(made, d: Design) -> float:
    at = lambda t: round(t / made.dt)  # noqa: E731
    start = made.doses[:, 0]
    end = np.append(start[1:], made.due)
    auc24 = [(made.area[at(b)] - made.area[at(a)]) * 24.0 / (b - a) for a, b in zip(start, end, strict=True)]
    assert made.outcomes is not None
    terms = course_terms(
        [made.conc[at(t + 1.0)] for t in start], [made.conc[at(t)] for t in end], auc24, end - start,
        p_eradicated=float(made.outcomes.p_erad[0]), p_resistant=float(made.outcomes.p_resistant[0]),
        samples=len(made.samples), loss=d.loss,
    )  # fmt: skip
    return sum(terms.values())


def test_a_course_is_consistent_with_itself() -> None:
    d = design()
    made = run_course(baby(0), d.arms[0], d)
    start = made.doses[:, 0]
    assert start[0] == 0.0
    assert np.all(np.diff(start) >= 12.0)
    assert np.all(start < d.horizon_h)
    assert d.horizon_h <= made.due <= d.course.end
    assert np.all(made.continued[:, 0] >= made.due)
    assert len(made.conc) == round(d.course.end / DT) + 1
    assert np.all(made.conc >= 0.0)
    assert np.all(np.diff(made.area) >= 0.0)
    for t, true, measured in made.samples:
        assert made.conc[round(t / made.dt)] == pytest.approx(true, abs=1e-9)
        assert measured >= 0.0
    # before and one hour after dose 2
    np.testing.assert_allclose(made.samples[:2, 0], [start[1], start[1] + PEAK_H])
    assert len(made.reasons) == len(start)


def test_the_same_baby_gives_the_same_course_alone_or_with_others_and_through_a_shared_ward() -> None:
    d = design()
    alone = run_course(cohort(1, SEED, first=3), d.arms[0], d)
    ward = Ward(baby(3), d)
    run_course(baby(3), Arm("other", "one_step", draws=16), d, ward=ward)
    shared = run_course(baby(3), d.arms[0], d, ward=ward)
    for name in ("doses", "samples", "conc", "area"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(shared, name))
    assert alone.outcomes.p_erad == shared.outcomes.p_erad


def test_arms_share_their_luck() -> None:
    d = design(sampling=Sampling(scheme="rich"))
    ward = Ward(baby(1), d)
    a = run_course(baby(1), Arm("a", "rule_adjusted"), d, ward=ward)
    b = run_course(baby(1), Arm("b", "one_step", draws=16), d, ward=ward)

    def noise(made) -> float:
        _, true, measured = made.samples[1]
        return (measured - true) / np.hypot(0.248 * true, 0.517)

    assert noise(a) == pytest.approx(noise(b))


def test_a_result_is_unknown_before_its_turnaround() -> None:
    d = design(sampling=Sampling(turnaround_h=5.0))
    ward = Ward(baby(0), d)
    seen = [(36.0, 41.0, 4.0, False), (37.0, 42.0, 30.0, True)]
    doses = [(0.0, 20.0, 0.5), (36.0, 20.0, 0.5)]
    known = lambda now: [o for o in ward.timeline(now, doses, seen, True).observations if o.measures == "amikacin"]  # noqa: E731
    assert [len(known(t)) for t in (40.9, 41.0, 41.9, 42.0)] == [0, 1, 1, 2]
    assert len(ward.belief(d.arms[0], 41.0, doses, seen).levels) == 1
    scr = lambda now: [o.time for o in ward.timeline(now, [], [], True).observations]  # noqa: E731
    assert scr(0.0) == [0.0]
    assert scr(25.9) == [0.0]
    assert scr(26.0) == [0.0, 24.0]
    assert ward.timeline(26.0, [], [], False).observations == ()


def test_what_has_not_begun_is_not_known_and_the_mic_comes_late() -> None:
    d = design()
    babies = cohort(400, SEED)
    late = int(np.flatnonzero((babies.ibuprofen[:, 0] > 5.0) & (babies.ibuprofen[:, 0] < 100.0))[0])
    ward = Ward(babies.baby(late), d)
    start = float(babies.ibuprofen[late, 0])
    flags = lambda now: {c.name for c in ward.timeline(now, [], [], True).covariates if c.value == 1.0 and c.name == "IBU"}  # noqa: E731
    assert flags(start - 0.1) == set()
    assert flags(start) == {"IBU"}
    before, after = ward.prior("maturation", start - 0.1, True), ward.prior("maturation", start, True)
    piece = int(start // 12.0) + 1
    assert after.CL[piece] == pytest.approx(before.CL[piece] * 0.838)
    assert ward.belief(d.arms[0], 47.9, [], []).MIC is None
    reading = ward.belief(d.arms[0], 48.0, [], []).MIC
    assert reading is not None
    assert np.log2(reading) == pytest.approx(round(np.log2(reading)))
    assert reading == ward.belief(Arm("x", "mpc"), 200.0, [], []).MIC


def test_levels_move_the_belief_towards_the_truth_and_narrow_it() -> None:
    """Posterior of clearance after many precise levels, on a belief that is right about the kind of truth."""
    d = design(sampling=Sampling(scheme="rich"), truth="as_believed")
    closer, narrower = [], []
    for i in range(8):
        ward = Ward(baby(i), d)
        doses = [(36.0 * k, 15.0 * ward.weight(36.0 * k), 0.5) for k in range(4)]
        from dosetwin.studies.newborn_sepsis.course import _true

        conc, _ = _true(ward, doses)
        seen = [(t, t, float(conc[round(t / DT)]), False) for t in (36.0, 37.0, 72.0, 73.0, 108.0)]
        arm = d.arms[0]
        prior = ward.belief(arm, 110.0, doses, []).outlook(256, 0)
        post = ward.belief(arm, 110.0, doses, seen).outlook(256, 0)
        true = np.log(ward.body.CL[0, 60:108].mean())
        spread, miss = [], []
        for o in (prior, post):
            x = np.log(o.parameters[:, 5:9, 0].mean(axis=1))
            mean = o.weights @ x
            spread.append(np.sqrt(o.weights @ (x - mean) ** 2))
            miss.append(abs(mean - true))
        closer.append(miss[1] - miss[0])
        narrower.append(spread[1] / spread[0])
    assert np.mean(closer) < -0.02
    assert np.mean(narrower) < 0.85


def test_without_levels_the_belief_is_the_prior() -> None:
    d = design()
    ward = Ward(baby(2), d)
    o = ward.belief(d.arms[0], 0.0, [], []).outlook(512, 0)
    x = np.log(o.parameters[:, 0, 0])
    np.testing.assert_allclose(o.weights, 1.0 / 512)
    # filtration, the baby's own and the day's: De Cock's 30 %
    assert np.std(x) == pytest.approx(np.sqrt(0.22**2 + 0.15**2 + 0.138**2), rel=0.05)
    assert np.mean(x) == pytest.approx(np.log(ward.prior("maturation", 0.0, True).CL[0]), abs=0.02)
    assert np.std(np.log(o.parameters[:, 0, 1])) == pytest.approx(0.15, rel=0.05)


def test_somebody_who_knows_everything_does_better_than_one_step() -> None:
    d = design()
    gain = []
    for i in range(8):
        ward = Ward(baby(i), d)
        all_known = run_course(baby(i), Arm("p", "mpc", perfect=True), d, ward=ward)
        one = run_course(baby(i), Arm("o", "one_step", draws=32), d, ward=ward)
        gain.append(loss_of(one, d) - loss_of(all_known, d))
    assert np.mean(gain) > 0.05


def test_the_continuation_is_the_same_for_every_arm() -> None:
    d = design()
    ward = Ward(baby(4), d)
    for policy in ("decock_smits", "nomogram", "bnfc"):
        made = run_course(baby(4), Arm(policy, policy), d, ward=ward, infection=False)
        assert made.outcomes is None
        np.testing.assert_allclose(np.diff(made.continued[:, 0]), 36.0)
        assert made.continued[0, 0] == made.due
        np.testing.assert_allclose(made.continued[:, 1], [15.0 * ward.weight(t) for t in made.continued[:, 0]])


def test_quasi_random_numbers_are_shifted_not_redrawn() -> None:
    u, v = quasi_uniforms(64, 5, np.zeros(5)), quasi_uniforms(64, 5, np.full(5, 0.25))
    np.testing.assert_allclose(np.mod(u + 0.25, 1.0), v, atol=1e-8)
    assert np.all((u > 0) & (u < 1))
    assert np.abs(u.mean(axis=0) - 0.5).max() < 0.02


def test_bad_input_is_refused() -> None:
    d = design()
    with pytest.raises(InputError, match="one baby"):
        run_course(cohort(2, SEED), d.arms[0], d)
    with pytest.raises(UnknownName):
        run_course(baby(0), replace(d.arms[0], policy="nonsense"), d)
    with pytest.raises(InputError, match="draws"):
        Ward(baby(0), d).belief(d.arms[0], 0.0, [], []).outlook(0, 0)


@pytest.mark.parametrize("kidney", ["maturation", "creatinine", "mechanistic", "filter"])
def test_every_kidney_gives_a_prior(kidney: str) -> None:
    d = design(kidney=kidney)
    ward = Ward(baby(5), d)
    prior = ward.prior(kidney, 50.0, True)
    assert np.all(prior.CL > 0)
    assert np.all(np.isfinite(prior.loadings))
    told = np.abs(prior.mean).max() > 0
    assert told == (kidney != "maturation")

"""Policies of one interface: what each says for known facts, that none gives too early or outside the limits, and bad input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.decide.babies import baby
from tests.decide.look_ahead.outlooks import WEIGHT, Later, Made

from dosetwin.decide.control import (
    Ahead,
    ByRule,
    LevelAdjusted,
    NextDose,
    Nomogram,
    OneStep,
    amounts_within,
    control,
    controlled,
    last_dose,
    named,
    tuned,
)
from dosetwin.decide.look_ahead.options import TRIAL, TRIAL_CHANCES
from dosetwin.declare.control import Table
from dosetwin.errors import InputError, UnknownName
from dosetwin.records import Observation

SMALL = replace(
    TRIAL, draws=16, first_look=0, mg_per_kg=(8.0, 12.0, 16.0), behind_mg_per_kg=(), intervals=(24.0, 36.0, 48.0),
    behind_intervals=(), first_mg_per_kg=(12.0, 15.0, 18.0), beam=3, meet_infection=3, finalists=3,
)  # fmt: skip


def of_weight(**changes):
    return baby(**{"GA": 33.0, "BW": WEIGHT, "PNA": 2.0, "origin": None, **changes})


def test_a_rule_is_followed_to_the_letter() -> None:
    first = ByRule("decock_smits").next(of_weight(), None, 0.0)
    assert (first.time, first.interval) == (0.0, 36.0)
    assert first.amount == pytest.approx(15.0 * WEIGHT)
    second = ByRule("decock_smits").next(of_weight(doses=((0.0, first.amount),)), None, 6.0)
    assert second.time == 36.0
    # too late already: as soon as possible
    assert ByRule("decock_smits").next(of_weight(doses=((0.0, 26.0),)), None, 40.2).time == 40.2


@pytest.mark.parametrize("name", [r.name for r in controlled().rules])
def test_every_rule_doses_every_baby_even_where_it_is_silent(name: str) -> None:
    for changes in (
        {"GA": 24.0, "BW": 0.6},
        {"GA": 40.0, "BW": 3.5, "PNA": 25.0},
        {"flags": ("COOLING",), "GA": 39.0, "BW": 3.2},
    ):
        said = named(name).next(of_weight(**changes), None, 0.0)
        assert 5.0 < said.amount / changes["BW"] < 25.0
        assert 12.0 <= said.interval <= 72.0


@pytest.mark.parametrize(
    ("trough", "peak", "interval", "factor"),
    [(2.9, 30.0, 36.0, 1.0), (3.1, 30.0, 42.0, 1.0), (5.1, 30.0, 48.0, 1.0), (1.0, 15.0, 36.0, 1.2), (1.0, 60.0, 36.0, 0.8),
     (4.0, 19.0, 42.0, 1.2), (1.0, 40.0, 36.0, 1.0)],
)  # fmt: skip
def test_a_ward_shifts_interval_and_amount_by_what_it_measured(
    trough: float, peak: float, interval: float, factor: float
) -> None:
    timeline = of_weight(doses=((0.0, 26.4), (36.0, 26.4)), levels=((36.0, trough), (37.0, peak)))
    said = LevelAdjusted("decock_smits").next(timeline, None, 41.0)
    assert said.time == 36.0 + interval
    assert said.amount == pytest.approx(15.0 * WEIGHT * factor, rel=1e-6)
    assert len(said.reasons) == 1 + (trough > 3.0) + (factor != 1.0)


def test_a_shift_stays_and_adds_up() -> None:
    timeline = of_weight(doses=((0.0, 26.4), (36.0, 26.4), (78.0, 26.4)), levels=((36.0, 4.0), (78.0, 4.0)))
    assert LevelAdjusted("decock_smits").next(timeline, None, 84.0).interval == 48.0


def test_creatinine_is_no_drug_level() -> None:
    timeline = of_weight(doses=((0.0, 26.4), (36.0, 26.4))).append(Observation(36.0, "SCR", 9.0, "mg/dL"))
    assert LevelAdjusted("decock_smits").next(timeline, None, 41.0).interval == 36.0


@given(st.floats(0.4, 4.7), st.floats(0.0, 28.0), st.booleans())
def test_a_nomogram_answers_for_everybody_and_its_borders_belong_to_the_upper_row(WT: float, PNA: float, sick: bool) -> None:
    for pack in control().nomograms:
        policy = tuned(pack)
        table = policy.table
        timeline = of_weight(BW=WT, PNA=PNA, flags=("ASPHYXIA",) if sick else (), doses=((0.0, 10.0),))
        said = policy.next(timeline, None, 1.0)
        _, _, mg, interval = next(r for r in table.rows if r[0] > PNA + 1.0 / 24.0 and r[1] > WT)
        assert said.amount == pytest.approx(mg * WT)
        assert said.interval == interval + (table.longer if sick else 0.0)
        assert said.time == said.interval


def test_only_the_first_dose_is_the_loading_dose() -> None:
    table = Nomogram("n", Table(((np.inf, np.inf, 15.0, 48.0),), first=18.0))
    assert table.next(of_weight(), None, 0.0).amount == pytest.approx(18.0 * WEIGHT)
    assert table.next(of_weight(doses=((0.0, 30.0),)), None, 5.0).amount == pytest.approx(15.0 * WEIGHT)
    assert tuned("peak_driven+drift") == tuned("peak_driven")


def test_one_step_takes_the_best_dose_for_itself_and_a_loading_dose_as_told() -> None:
    free = OneStep(search=SMALL, chances=TRIAL_CHANCES).next(of_weight(), Made(), 0.0)
    assert free.amount / WEIGHT in SMALL.first_mg_per_kg
    told = OneStep(first=17.0, search=SMALL, chances=TRIAL_CHANCES).next(of_weight(), Made(), 0.0)
    assert told.amount == pytest.approx(17.0 * WEIGHT)
    later = OneStep(first=17.0, search=SMALL, chances=TRIAL_CHANCES).next(of_weight(doses=((0.0, 27.0),)), Later(), 20.0)
    assert later.amount / WEIGHT in [pytest.approx(m) for m in SMALL.mg_per_kg]
    assert later.time in (24.0, 36.0, 48.0)


@given(st.floats(0.5, 47.0), st.floats(0.02, 0.2), st.sampled_from(["one_step", "mpc_pk", "mpc"]))
@settings(max_examples=20)
def test_nothing_is_ever_given_too_early_or_outside_the_limits(now: float, CL: float, which: str) -> None:
    timeline = of_weight(doses=((0.0, 27.0),))
    policy = {
        "one_step": OneStep(search=SMALL, chances=TRIAL_CHANCES),
        "mpc_pk": Ahead("mpc_pk", False, search=SMALL, chances=TRIAL_CHANCES),
        "mpc": Ahead("mpc", True, search=SMALL, chances=TRIAL_CHANCES),
    }[which]
    said: NextDose = policy.next(timeline, Later(now=now, CL=CL, scenario="peak_driven" if which == "mpc" else None), now)
    assert said.time >= max(now, 12.0) - 1e-9
    assert amounts_within(controlled()) == (7.5, 20.0)
    assert 7.5 - 1e-9 <= said.amount / WEIGHT <= 20.0 + 1e-9
    assert abs(said.time / 0.5 - round(said.time / 0.5)) < 1e-9
    assert said.interval > 0


def test_blind_to_the_infection_means_the_infection_changes_nothing() -> None:
    timeline = of_weight()
    blind = Ahead("mpc_pk", False, search=SMALL, chances=TRIAL_CHANCES)
    with_it, without = blind.next(timeline, Made("peak_driven"), 0.0), blind.next(timeline, Made(), 0.0)
    assert (with_it.time, with_it.amount, with_it.interval) == (without.time, without.amount, without.interval)


def test_a_larger_first_dose_where_the_first_peak_decides() -> None:
    search = replace(SMALL, draws=64, first_mg_per_kg=(12.0, 14.0, 16.0, 18.0), meet_infection=4, beam=4)
    eyes = Ahead("mpc", True, search=search, chances=TRIAL_CHANCES).next(of_weight(), Made("peak_driven"), 0.0)
    blind = Ahead("mpc_pk", False, search=search, chances=TRIAL_CHANCES).next(of_weight(), Made("peak_driven"), 0.0)
    assert eyes.amount > blind.amount


@pytest.mark.parametrize("name", ["mpc", "mpc_pk", "one_step", "one_step_loading"])
def test_a_policy_that_needs_a_belief_says_so(name: str) -> None:
    with pytest.raises(InputError, match="belief"):
        named(name).next(of_weight(), None, 0.0)


def test_bad_input_is_named() -> None:
    with pytest.raises(UnknownName, match="mpc_pk"):
        named("nonsense")
    with pytest.raises(InputError, match="everybody"):
        Table(((7.0, np.inf, 15.0, 48.0),))
    weightless = of_weight()
    weightless = replace(weightless, patient=replace(weightless.patient, BW=None), covariates=weightless.covariates[1:])
    for policy in (ByRule("bnfc"), LevelAdjusted("bnfc"), tuned("peak_driven")):
        with pytest.raises(InputError, match="weight"):
            policy.next(weightless, None, 0.0)


def test_the_last_dose_is_the_last_one_given_by_now() -> None:
    timeline = of_weight(doses=((0.0, 20.0), (36.0, 22.0), (72.0, 24.0)))
    assert last_dose(timeline, 40.0) == (36.0, 22.0)
    assert last_dose(of_weight(), 10.0) is None

"""Warfarin's models: steady state at the dose of the IWPC, amiodarone and inducers over time, mass balance."""

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.declare import Facts, Says
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

IWPC = models.load("warfarin_hamberg_2010_iwpc")


def course(model, daily: float, days: int, traits: dict[str, float], *more: Covariate, every_h: float = 6.0) -> np.ndarray:
    """INR of the typical patient [n], every six hours."""
    facts = {"AGE": 65.0, "HT": 175.0, "WT": 80.0}
    record = (*(Covariate(0.0, k, v) for k, v in facts.items()), *more)
    timeline = Timeline(Patient("x", traits=traits), tuple(DoseEvent(24.0 * k, daily) for k in range(days)), (), record)
    run = predict(model, schedule_for(model, timeline, np.arange(0.0, 24.0 * days, every_h)), np.zeros((1, len(model.etas))))
    return run.value[0, :, 1]


@pytest.mark.parametrize("genes", [(0, 0, 0), (1, 0, 1), (2, 1, 1), (2, 0, 2), (1, 2, 0)])
def test_the_iwpcs_dose_leads_to_an_inr_of_two_and_a_half(genes: tuple[int, int, int]) -> None:
    traits = dict(zip(("VKORC1_A", "CYP2C9_2", "CYP2C9_3"), map(float, genes), strict=True))
    said = formulary.rule("iwpc_2009").advise(Facts(AGE=65.0, HT=175.0, WT=80.0, RACE="White", **traits))
    assert isinstance(said, Says)
    last_week = course(IWPC, said.amount / 7.0, 120, traits)[-28:]
    assert last_week.mean() == pytest.approx(2.5, abs=0.04)


def test_hambergs_own_steady_state_asks_for_more_than_patients_take() -> None:
    traits = {"VKORC1_A": 1.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0}
    own = course(models.load("warfarin_hamberg_2010"), 5.2, 90, traits)[-28:].mean()
    calibrated = course(IWPC, 5.2, 90, traits)[-28:].mean()
    assert own < 2.5 < calibrated


def test_amiodarone_comes_over_weeks_and_goes_over_months() -> None:
    traits = {"VKORC1_A": 0.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0}
    day = 24.0
    on, off = Covariate(60 * day, "AMIODARONE", 1.0), Covariate(160 * day, "AMIODARONE", 0.0)
    made = course(IWPC, 6.0, 300, traits, Covariate(0.0, "AMIODARONE", 0.0), on, off)
    without = course(IWPC, 6.0, 300, traits)
    excess = (made / without - 1.0)[:: 4 * 10]  # every ten days
    assert np.all(np.abs(excess[:6]) < 1e-6)
    week_7 = (made / without)[4 * 109] - 1.0
    full = (made / without)[4 * 159] - 1.0
    assert 0.05 < full < 0.4
    assert 0.8 * full < week_7 < full
    assert (made / without)[4 * 68] - 1.0 < 0.35 * full
    assert (made / without)[4 * 220] - 1.0 > 0.3 * full
    always = course(IWPC, 6.0, 300, traits, Covariate(0.0, "AMIODARONE", 1.0))
    assert always[4 * 59] > without[4 * 59] * 1.05


def test_what_leaves_is_clearance_inhibited_and_induced() -> None:
    values = {"AGE": 65.0, "HT": 175.0, "WT": 80.0, "CYP2C9_2": 1.0,
              "CYP2C9_3": 0.0, "VKORC1_A": 1.0, "CYP4F2_3": 1.0, "ASIAN": 0.0,
              "AFRICAN_AMERICAN": 0.0, "AMIODARONE": 1.0, "INDUCER": 1.0}  # fmt: skip
    cov = IWPC.cov(**values)
    p = IWPC.individual(IWPC.theta(), IWPC.eta(), cov)
    A = IWPC.initial(p, cov)._replace(central=3.0)
    CL = p.CL0 * p.INHIBITED * p.INDUCED
    assert IWPC.dynamics(0.0, A, p, cov).central == pytest.approx(-CL * IWPC.observe(A, p, cov).Cs, rel=1e-12)
    assert IWPC.observe(A, p, cov).INR == 1.0
    more = IWPC.individual(IWPC.theta(), IWPC.eta(), IWPC.cov(**{**values, "CYP4F2_3": 2.0}))
    assert pytest.approx(1.10 / 1.05) == more.NEED / p.NEED

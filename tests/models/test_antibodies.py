"""Antibodies against adalimumab in rheumatoid arthritis: by 28 weeks and by three years as two cohorts had them."""

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for

WEEK = 168.0


def chance(weeks: float, methotrexate: float) -> float:
    model = models.load("adalimumab_ternant_ra_2015")
    facts = Timeline(Patient(id="a"), doses=(DoseEvent(0.0, 40.0, ii=336.0, addl=80),), drug="adalimumab",
                     covariates=(Covariate(0.0, "METHOTREXATE", methotrexate), Covariate(0.0, "ANTIBODIES", 0.0)))  # fmt: skip
    found = predict(model, schedule_for(model, facts, [weeks * WEEK]), np.zeros((1, len(model.omega)))).value[0, 0]
    return float(found[list(model.outputs).index("ANTI")])


def test_the_cohorts():
    assert chance(28.0, 0.0) == pytest.approx(10 / 26, rel=0.01)  # Bartelds 2007
    assert chance(28.0, 1.0) == pytest.approx(11 / 95, rel=0.01)
    both = 0.74 * chance(156.0, 1.0) + 0.26 * chance(
        156.0, 0.0
    )  # Bartelds 2011: 28 % by three years; methotrexate assumed in 74 %
    assert both == pytest.approx(0.28, abs=0.02)


def test_hardly_any_left_is_an_alarm():
    (alarm,) = formulary.drug("adalimumab").alarms
    assert alarm.rings(0.6, 326.0)
    assert not alarm.rings(0.6, 24.0)
    assert not alarm.rings(5.0, 326.0)

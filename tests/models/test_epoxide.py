"""Carbamazepine's epoxide: as much of it as 121 samples had, alone and on valproate."""

import numpy as np
import pytest

from dosetwin import models
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for


@pytest.mark.parametrize("name", ["carbamazepine_autoinduction", "carbamazepine_graves_1998"])
@pytest.mark.parametrize(("valproate", "ratio"), [(0.0, 5.85), (1.0, 4.22)])
def test_the_ratio_at_800_mg_a_day(name, valproate, ratio):
    model = models.load(name)
    facts = Timeline(Patient(id="a"), doses=(DoseEvent(0.0, 400.0, ii=12.0, addl=140),), drug="carbamazepine",
                     covariates=(Covariate(0.0, "WT", 70.0), Covariate(0.0, "AGE", 40.0),
                                 Covariate(0.0, "VALPROATE", valproate)))  # fmt: skip
    levels = predict(model, schedule_for(model, facts, list(np.arange(1440.0, 1452.0))), np.zeros((1, len(model.omega)))).value[0]
    assert levels[:, 0].mean() / levels[:, 1].mean() == pytest.approx(ratio, rel=0.06)

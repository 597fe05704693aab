"""Every number of the page on mechanisms agrees, each receptor state with its own."""

import numpy as np
import pytest

from dosetwin.evaluate.pages import mechanism
from dosetwin.structure import glutathione, receptor, renin


def test_every_number_agrees() -> None:
    found = mechanism.run()
    assert [c.check for c in found if not c.passed] == []
    assert {c.check for c in found} >= {"insulin.diabetic.IRi", "insulin.normal.IRS1"}
    assert "**MISS**" not in mechanism.markdown(found)
    assert len(found) == 48


def test_binding_at_its_limits() -> None:
    assert receptor.complex_tight(1e-6, 1.0, 1.0) == pytest.approx(0.5e-6, rel=1e-5)  # trace of ligand: Hill
    assert receptor.complex_tight(5.0, 1.0, 1e-14) == pytest.approx(1.0, rel=1e-12)  # all receptors taken
    assert receptor.occupancy(0.0, 1.0) == 0.0
    assert receptor.operational(1e9, 10.0, 1.0) == pytest.approx(receptor.operational_top(10.0), rel=1e-8)
    assert receptor.active(0.0, 0.2, 50.0, 1.0) == pytest.approx(0.2 / 1.2, rel=1e-15)


def test_acetylcysteine_earlier_saves_more() -> None:
    times = np.linspace(0.0, 2.0, 9)
    bound = [glutathione.course(times, parent=5.0, rescue=(h / 24.0, 13.0))[-1, 4] for h in (4.0, 8.0, 16.0)]
    assert bound == sorted(bound)
    assert bound[-1] < glutathione.course(times, parent=5.0)[-1, 4]


def test_the_compiled_model_of_the_inhibitor_is_the_plain_one() -> None:
    from dosetwin import models
    from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
    from dosetwin.simulate import predict, schedule_for

    model, times = models.load("benazepril_versypt_2017"), np.array([0.5, 2.0, 6.0, 12.0, 23.9])
    who = Timeline(Patient("1"), (DoseEvent(0.0, 5.0),), (), (Covariate(0.0, "MAP0", 110.0),))
    got = predict(model, schedule_for(model, who, times), np.zeros((1, 4))).value[0]
    plain = renin.course(np.concatenate([[0.0], times]), 5.0)
    assert got[:, 0] == pytest.approx(plain["drug"][1:], rel=1e-4)
    assert got[:, 1] == pytest.approx(plain["AII"][1:] / renin.Renin().AII0, rel=1e-4)


def test_an_inhibitor_opens_the_loop_and_nothing_moves_without_it() -> None:
    p = renin.Renin()
    given = renin.course(np.array([0.0, 4.0]), 5.0)
    assert given["AII"][-1] < p.AII0
    assert given["renin"][-1] > p.R0
    # superposition of the acid: at 4 h of 5 mg by the closed form
    C = 5000.0 / p.VF * p.ka / (p.ka - p.ke) * (np.exp(-4 * p.ke) - np.exp(-4 * p.ka))
    assert given["drug"][-1] == pytest.approx(C, rel=1e-12)

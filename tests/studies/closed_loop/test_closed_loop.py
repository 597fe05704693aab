"""The trial of controllers: rows that depend on design and number alone, claims, and mistakes named."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin import studies
from dosetwin.errors import InputError

FEW = """
study = "closed_loop"
name = "few"
n = 6
seed = 5
world = { days = 1 }
arms = [{ name = "own", controller = "basal_bolus" }, { name = "ahead", controller = "mpc" }]
"""


def test_rows_do_not_depend_on_the_chunk() -> None:
    design = studies.read(FEW)
    whole, parts = design.table(0, 6).to_pydict(), [design.table(k, 2).to_pydict() for k in (0, 2, 4)]
    assert all(whole[c] == [x for p in parts for x in p[c]] for c in whole)
    assert whole["arm"] == ["own", "ahead"] * 6
    assert all(0.0 <= x <= 100.0 for x in whole["tir"])


def test_more_that_goes_wrong_is_worse() -> None:
    quiet = replace(studies.read(FEW).world, unannounced=0.0, misjudged=0.0, swing=0.0)
    design = studies.read(FEW)
    calm = replace(design, world=replace(quiet, sensor=replace(quiet.sensor, error=0.0, gaps=0.0, pressed=0.0)))
    wild = replace(design, world=replace(quiet, unannounced=1.0))
    mean = [sum(d.table(0, 6).to_pydict()["tir"]) / 12 for d in (calm, wild)]
    assert mean[0] > mean[1] + 3.0


def test_advised_settings_are_learned_from_other_days_and_keep_to_the_steps() -> None:
    design = studies.read(FEW.replace('"mpc"', '"basal_bolus", advised = true').replace("n = 6", "n = 3"))
    rows = design.table(0, 3).to_pydict()
    own, advised = (np.array(rows["insulin"])[k::2] for k in (0, 1))
    assert (advised != own).any()
    assert (np.abs(np.log(advised / own)) < 0.35).all()


def test_exercise_lowers_glucose_and_who_is_told_gives_less_insulin() -> None:
    arms = 'arms = [{ name = "told", controller = "mpc" }, { name = "untold", controller = "mpc", told = false }]'
    still = studies.read(FEW[: FEW.index("arms")] + arms)
    rows = [replace(still, world=replace(still.world, active=a)).table(0, 6).to_pydict() for a in (0.0, 1.0)]
    mean, insulin = (np.array([r[k] for r in rows]).reshape(2, 6, 2) for k in ("mean", "insulin"))
    assert (insulin[0, :, 0] == insulin[0, :, 1]).all(), "without exercise nothing is told"
    assert mean[1, :, 1].mean() < mean[0, :, 1].mean() - 3.0
    assert insulin[1, :, 0].mean() < insulin[1, :, 1].mean()


@pytest.mark.parametrize(
    ("change", "what"),
    [('"mpc"', "unknown controller"), ("days = 1", "days"), ('"ahead"', "different names"), ("seed = 5", "missing key")],
)
def test_mistakes_of_a_design_are_named(change: str, what: str) -> None:
    wrong = {'"mpc"': '"magic"', "days = 1": "days = 0", '"ahead"': '"own"', "seed = 5": ""}[change]
    with pytest.raises(InputError, match=what):
        studies.read(FEW.replace(change, wrong))

"""From an arm of a design to doses: standard rules in batches, everything that looks at the patient one course at a time."""

from dataclasses import dataclass

import numpy as np

from dosetwin.decide.dosing_policies import _said
from dosetwin.decide.rules import Facts
from dosetwin.trial.batch import Says, follow
from dosetwin.trial.design import Arm
from dosetwin.trial.endpoints import Given
from dosetwin.trial.scoring import World


@dataclass(frozen=True, eq=False)
class Dosed:
    """The courses of the babies that have one: ``who`` [m] of the world, what was ``given``; ``failed``: baby -> why not."""

    who: np.ndarray
    given: Given
    failed: dict[int, str]


def rule_says(name: str) -> Says:
    """A standard rule as the batch asks it."""

    def says(facts: Facts) -> tuple[float, float]:
        said = _said(name, facts)
        return said.mg_per_kg, said.interval

    return says


def dosed(of: World, arm: Arm) -> Dosed:
    """What an arm gives to every baby of a world."""
    return Dosed(np.arange(len(of)), follow(of, rule_says(arm.policy)), {})

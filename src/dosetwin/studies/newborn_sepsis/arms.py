"""From an arm of a design to doses: open-loop tables in batches, everything that looks at the patient one course at a time."""

from dataclasses import dataclass, field

import numpy as np

from dosetwin.decide.control import ByRule, Nomogram, _said, named
from dosetwin.declare import Facts
from dosetwin.errors import DosetwinError, one_line
from dosetwin.studies.newborn_sepsis.batch import Says, follow
from dosetwin.studies.newborn_sepsis.course import Ward, run_course
from dosetwin.studies.newborn_sepsis.design import Arm, fixed
from dosetwin.studies.newborn_sepsis.endpoints import Given
from dosetwin.studies.newborn_sepsis.scoring import World, given_from


@dataclass(frozen=True, eq=False)
class Dosed:
    """The courses of the babies that have one: ``who`` [m] of the world, what was ``given``; ``failed``: baby -> why not."""

    who: np.ndarray
    given: Given | None
    failed: dict[int, str]


@dataclass(frozen=True, eq=False)
class Chunk:
    """A world and the wards of its babies, made once and shared by all arms."""

    of: World
    wards: dict[int, Ward] = field(default_factory=dict)

    def ward(self, i: int) -> Ward:
        """The ward of baby ``i`` of the world."""
        if i not in self.wards:
            self.wards[i] = Ward(self.of.babies.baby(i), self.of.design, self.of.bodies.take(slice(i, i + 1)))
        return self.wards[i]


def open_loop(arm: Arm, pack: str = "peak_driven") -> Says | None:
    """An arm that is a table of what is charted, as the batch asks it; None for one that looks at the patient."""
    regimen = fixed(arm.policy)
    if regimen is not None:
        return lambda facts, first: regimen
    policy = named(arm.policy, pack=pack)
    if isinstance(policy, ByRule):

        def rule_says(facts: Facts, first: bool) -> tuple[float, float]:
            said = _said(policy.rule, facts)
            return said.amount, said.interval

        return rule_says
    return policy.says if isinstance(policy, Nomogram) else None


def dosed(chunk: Chunk, arm: Arm) -> Dosed:
    """What an arm gives to every baby of a chunk. A course that cannot be dosed is a failure with its reason, not an end."""
    of = chunk.of
    says = open_loop(arm, of.design.believed_pack)
    if says is not None:
        return Dosed(np.arange(len(of)), follow(of, says), {})
    courses: list[tuple[list[float], list[float], float, int]] = []
    who: list[int] = []
    failed: dict[int, str] = {}
    for i in range(len(of)):
        try:
            made = run_course(of.babies.baby(i), arm, of.design, ward=chunk.ward(i), infection=False)
        except DosetwinError as error:
            failed[i] = one_line(f"{type(error).__name__}: {error}")
            continue
        who.append(i)
        courses.append((made.doses[:, 0].tolist(), made.doses[:, 1].tolist(), made.due, len(made.samples)))
    return Dosed(np.array(who, dtype=np.int64), given_from(courses, of.design.course) if courses else None, failed)

"""One ruler for every arm: the truth a chunk of babies carries, and the courses they were given scored on it.

An arm only decides doses. True levels, areas and the infection's outcome are computed here from those doses, alike for open-loop
rules and for controllers, with the continuation common to all arms appended.
"""

from dataclasses import dataclass

import numpy as np

from dosetwin.decide.look_ahead.ahead import Course
from dosetwin.outcomes.infection.course import run as run_infection
from dosetwin.outcomes.infection.draws import DRAWS, Infections, draw_infections
from dosetwin.outcomes.infection.packs import pack
from dosetwin.populations.newborn import truth as truths
from dosetwin.populations.newborn.newborns import ORGANISMS, Newborns, cohort
from dosetwin.populations.newborn.truth import DT, Physiology, physiology, truth_named
from dosetwin.streams import normals
from dosetwin.studies.newborn_sepsis.design import Design
from dosetwin.studies.newborn_sepsis.endpoints import DoseValues, Given, score

SHORTEST_H = 6.0
"""h; no course has more doses than its horizon divided by this, plus one."""


@dataclass(frozen=True, eq=False)
class World:
    """Babies of a design and what is true of them: bodies (hourly to the end of the continuation) and infections."""

    design: Design
    babies: Newborns
    bodies: Physiology
    infections: Infections

    def __len__(self) -> int:
        return len(self.babies)


def world(design: Design, first: int, n: int) -> World:
    """The truth of babies ``first`` .. ``first + n - 1`` of a design (numbers within the design, from 0)."""
    babies = cohort(n, design.seed, design.cohort.setting, first=design.cohort.first + first)
    bodies = physiology(babies, int(np.ceil(design.course.end)) + 1, truth_named(design.truth))
    names = [ORGANISMS[o] for o in babies.organism]
    infections = draw_infections(
        pack(design.truth_pack), n, uniforms=babies.infection[:, : len(DRAWS)], organism=names, WT=babies.WT
    )
    return World(design, babies, bodies, infections)


def most_doses(course: Course) -> int:
    """Doses a course is padded to: fixed by the design, so that sums do not depend on who shares a chunk."""
    return int(course.horizon / SHORTEST_H) + 1


def given_from(courses: list[tuple[list[float], list[float], float, int]], course: Course) -> Given:
    """Courses (hours, mg, h at which the next dose is due, samples) as padded arrays. Raises ValueError without a dose."""
    n, K = len(courses), most_doses(course)
    time, mg = np.zeros((n, K)), np.zeros((n, K))
    count, due, samples = np.zeros(n, dtype=np.int64), np.zeros(n), np.zeros(n)
    for i, (at, amounts, then, drawn) in enumerate(courses):
        kept = [(t, a) for t, a in zip(at, amounts, strict=True) if t < course.horizon - 1e-9]
        if not kept or len(kept) > K:
            raise ValueError(f"a course needs 1 to {K} doses inside the horizon, found {len(kept)}")
        count[i] = len(kept)
        time[i, : len(kept)], mg[i, : len(kept)] = zip(*kept, strict=True)
        # the first dose at or after the horizon, if one was already decided, is where the continuation begins
        after = [t for t in at if t >= course.horizon - 1e-9]
        due[i] = min(max(min(after, default=then), kept[-1][0] + SHORTEST_H), course.end)
        samples[i] = drawn
    return Given(time, mg, count, due, samples)


def with_continuation(given: Given, course: Course, babies: Newborns) -> tuple[np.ndarray, np.ndarray]:
    """Grid step (-1: none) and mg [n, K + m] of all doses, continuation included (by the weight charted at each)."""
    m = int(np.ceil(course.continuation / course.continue_every)) + int(np.ceil(course.horizon / course.continue_every))
    later = given.due[:, None] + course.continue_every * np.arange(m)
    amount = course.continue_mg_per_kg * babies.weight(24.0 * np.floor(later / 24.0 + 1e-9))
    steps = np.concatenate([np.where(given.real, given.time, -1.0), np.where(later < course.end - 1e-9, later, -1.0)], axis=1)
    return np.where(steps >= 0, np.rint(steps / DT), -1).astype(np.int64), np.concatenate([given.mg, amount], axis=1)


@dataclass(frozen=True, eq=False)
class Scored:
    """Endpoints [n] by name, values of the doses, and the true levels every DT h [n, T]."""

    endpoints: dict[str, np.ndarray]
    values: DoseValues
    conc: np.ndarray


def scored(of: World, given: Given, who: np.ndarray | None = None) -> Scored:
    """The courses ``given`` to the babies ``who`` (default: all) of a world, on its truth."""
    who = np.arange(len(of)) if who is None else who
    design, babies, bodies = of.design, of.babies.take(who), of.bodies.take(who)
    course, truth = design.course, truth_named(design.truth)
    n, T = len(babies), bodies.CL.shape[1] * round(truths.STEP_H / DT)
    steps, mg = with_continuation(given, course, babies)
    conc, area = np.empty((n, T)), np.empty((n, T))
    truths.levels(bodies.CL, bodies.V1, bodies.Q, steps, mg, course.infusion, conc, area)
    keep = round(course.end / DT) + 1
    conc, area = np.ascontiguousarray(conc[:, :keep]), np.ascontiguousarray(area[:, :keep])
    outcomes = run_infection(conc, DT, of.infections.take(who))
    out_of_scope = ~outcomes.in_scope

    def known(x: np.ndarray) -> np.ndarray:
        return np.where(out_of_scope, np.nan, np.asarray(x, dtype=np.float64))

    endpoints, values = score(
        given, conc, area, dt=DT, horizon=course.horizon, peak_after=course.peak_after, weight=babies.WT,
        p_erad=known(outcomes.p_erad), p_resistant=known(outcomes.p_resistant), mic_shift=known(outcomes.mic_shift),
        rebound=known(outcomes.rebound), noise=normals(design.seed, "trial/measured", babies.number, 2),
        residual=(truth.level_prop, truth.level_add), loss=design.loss,
    )  # fmt: skip
    return Scored(endpoints, values, conc)

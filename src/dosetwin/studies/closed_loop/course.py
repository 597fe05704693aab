"""A course of days under one controller: meals misjudged or not announced, a faulty sensor, insulin every five minutes."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from dosetwin.loops.insulin import CONTROLLERS, Limits, Person, Seen
from dosetwin.loops.insulin.belief import STEP_MIN
from dosetwin.loops.insulin.controllers import FORETOLD
from dosetwin.loops.insulin.learned import Days, learn
from dosetwin.loops.insulin.settings import TARGET, Settings, choose
from dosetwin.populations.type1 import Clinic, advance
from dosetwin.populations.type1.body import NAMES, REST_BPM
from dosetwin.populations.type1.sensor import HIGHEST, LOWEST, Sensor, errors
from dosetwin.streams import normals, uniforms

Array = NDArray[np.float64]
DAY = 1440
MEALS = ((7.0, 1.0, 0.7), (9.5, 0.5, 0.15), (12.0, 1.0, 1.1), (15.0, 0.5, 0.15), (18.0, 1.0, 1.25), (21.5, 0.5, 0.15))
"""Hour, SD in h, share of ``PER_DAY``: three meals and three snacks, a shape assumed after simglucose's scenario."""
PER_DAY = {"adult": 2.6, "adolescent": 3.2, "child": 4.5}
"""g of carbohydrate per kg and day over ``sum of shares`` (assumed)."""
SNACK = 0.5
"""Chance of each snack."""
HYPO, RESCUE_G = 60.0, 15.0
"""mg/dL on the monitor under which a person eats so many g, at most every 20 minutes."""
SESSION = (17.0, 2.0, 30.0, 60.0, 0.35, 0.6)
"""Exercise: hour and SD in h of its begin, least and greatest min, least and greatest share of the reserve of the heart rate; the
reserve is 220 less the age less the rate at rest (a shape assumed)."""
LEAD_MIN = 90
"""min before it at which exercise that is told is told."""


@dataclass(frozen=True)
class World:
    """What may go wrong: ``unannounced`` share of meals, ``misjudged`` SD of ln(carbohydrate said / eaten), ``swing`` of the
    sensitivities over a day (0.3: 30 % up and down, a phase per person), ``rescue`` whether lows are eaten away, ``basal`` by
    what the dose that is right is multiplied in everybody's settings, ``active`` share of days with exercise, ``foretold`` share
    of it that is told ``LEAD_MIN`` before (to an arm that is told)."""

    days: int = 3
    unannounced: float = 0.1
    misjudged: float = 0.2
    swing: float = 0.3
    rescue: bool = True
    basal: float = 1.0
    active: float = 0.0
    foretold: float = 1.0
    sensor: Sensor = field(default_factory=Sensor)


@dataclass(frozen=True)
class Played:
    """``glucose`` mg/dL after each minute [n, days * 1440], ``insulin`` U of every five minutes [n, steps], ``seen`` readings,
    ``rescued`` g eaten beside the meals, to end a low [n], ``states`` of the bodies at the end [n, STATES]."""

    glucose: Array
    insulin: Array
    seen: Array
    rescued: Array
    states: Array


def meals(people: Clinic, number: NDArray[np.int64], seed: int, world: World) -> tuple[Array, Array]:
    """(g eaten from each minute on [n, days * 1440], g announced in each five minutes [n, steps])."""
    n = len(number)
    eaten, said = np.zeros((n, world.days * DAY)), np.zeros((n, world.days * DAY // STEP_MIN))
    total = sum(share for *_, share in MEALS)
    size = np.array([PER_DAY[name.split("_")[0]] for name in people.name]) * people.weight / total
    for day in range(world.days):
        z = normals(seed, f"type1/meals/{day}", number, 3 * len(MEALS)).reshape(n, len(MEALS), 3)
        u = uniforms(seed, f"type1/meals/{day}", number, 2 * len(MEALS), first=64).reshape(n, len(MEALS), 2)
        for m, (hour, sd, share) in enumerate(MEALS):
            happens = (u[:, m, 0] < SNACK) if share < 0.5 else np.ones(n, bool)
            at = np.clip(60.0 * (hour + sd * np.clip(z[:, m, 0], -2, 2)), 0, DAY - 1).astype(int) // STEP_MIN * STEP_MIN
            grams = np.where(happens, size * share * np.exp(0.2 * z[:, m, 1]), 0.0)
            who = np.arange(n)
            eaten[who, day * DAY + at] += grams
            told = grams * np.exp(world.misjudged * z[:, m, 2]) * (u[:, m, 1] >= world.unannounced)
            said[who, (day * DAY + at) // STEP_MIN] += told
    return eaten, said


def sessions(number: NDArray[np.int64], seed: int, world: World) -> tuple[Array, NDArray[np.int64]]:
    """(effort of every five minutes, share of the reserve [n, steps]; the step from which on it is known, the last: never)."""
    n, steps = len(number), world.days * DAY // STEP_MIN
    effort, known = np.zeros((n, steps)), np.full((n, steps), steps)
    hour, sd, short, long, light, hard = SESSION
    for day in range(world.days):
        z = normals(seed, f"type1/exercise/{day}", number, 1)[:, 0]
        u = uniforms(seed, f"type1/exercise/{day}", number, 4, first=64)
        for i in np.flatnonzero(u[:, 0] < world.active):
            first = int((day * DAY + 60.0 * (hour + sd * np.clip(z[i], -2, 2))) // STEP_MIN)
            last = min(first + round((short + (long - short) * u[i, 1]) / STEP_MIN), steps)
            effort[i, first:last] = light + (hard - light) * u[i, 2]
            if u[i, 3] < world.foretold:
                known[i, first:last] = first - LEAD_MIN // STEP_MIN
    return effort, known


def play(people: Clinic, number: NDArray[np.int64], seed: int, world: World, controller: str, limits: Limits | None,
         told: bool = True) -> Played:  # fmt: skip
    """The course of these people from steady state. ``limits`` None: the controller alone (to show what the limits do);
    ``told`` False: it hears of no exercise."""
    n, steps = len(number), world.days * DAY // STEP_MIN
    person = Person(people.weight, people.basal, people.ratio, people.factor)
    decides = CONTROLLERS[controller](person)
    eaten, said = meals(people, number, seed, world)
    effort, known = sessions(number, seed, world)
    reserve = 220.0 - people.age - REST_BPM
    added = errors(number, seed, np.arange(steps, dtype=np.float64) * STEP_MIN, world.sensor)
    phase = 2.0 * np.pi * uniforms(seed, "type1/phase", number, 1)[:, 0]
    parameters, states = people.parameters.copy(), people.steady.copy()
    kp3, Vmx, Vg = (NAMES.index(name) for name in ("kp3", "Vmx", "Vg"))
    glucose, seen, given = np.empty((n, world.days * DAY)), np.empty((n, steps)), np.zeros((n, steps))
    level, rescued, last = states[:, 12] / parameters[:, Vg], np.zeros(n), np.full(n, -99)
    step = people.basal * STEP_MIN / 60.0
    for k in range(steps):
        minute = k * STEP_MIN
        now = slice(minute, minute + STEP_MIN)
        seen[:, k] = np.where(np.isnan(added[:, k]), np.nan, np.clip(level + added[:, k], LOWEST, HIGHEST))
        if world.rescue:
            with np.errstate(invalid="ignore"):
                low = (seen[:, k] < HYPO) & (k - last >= 20 // STEP_MIN)
            eaten[low, minute] += RESCUE_G
            rescued[low] += RESCUE_G
            last[low] = k
        past = given[:, :k] if k else np.repeat(step[:, None], 1, axis=1)
        coming = slice(k, k + FORETOLD)
        hears = np.where(known[:, coming] <= k, effort[:, coming], 0.0) if told and world.active else None
        dose = decides.act(Seen(seen[:, k], seen[:, :k], said[:, k], past, hears))
        if limits is not None:
            bolus = said[:, k] / people.ratio
            dose = limits.within(dose, seen[:, : k + 1], past, bolus, people.basal, people.weight)
        given[:, k] = dose
        if world.swing and minute % 60 == 0:
            moved = 1.0 + world.swing * np.sin(2.0 * np.pi * minute / DAY + phase)
            parameters[:, kp3] = people.parameters[:, kp3] * moved
            parameters[:, Vmx] = people.parameters[:, Vmx] * moved
        glucose[:, now] = advance(parameters, states, eaten[:, now], given[:, k] / STEP_MIN, effort=effort[:, k] * reserve)
        level = glucose[:, minute + STEP_MIN - 1]
    return Played(glucose, given, seen, rescued, states)


OTHER_DAYS = 1_000_003
"""Added to the seed for the days that settings are learned from: none of them is judged."""


def advised(people: Clinic, number: NDArray[np.int64], seed: int, world: World, controller: str) -> Clinic:
    """The people with the settings that are recommended to each after ``world.days`` other days under the present ones.

    Who gets no recommendation keeps them.
    """
    before = seed + OTHER_DAYS
    played = play(people, number, before, world, controller, None)
    said = meals(people, number, before, world)[1]
    found = np.column_stack([people.basal, people.ratio, people.factor])
    for i in range(len(number)):
        now = Settings(*(float(v) for v in found[i]))
        days = Days(played.seen[i], played.insulin[i], said[i])
        weight = float(people.weight[i])
        best = choose(now, days, learn(days, weight=weight, basal=now.basal, target=TARGET), weight=weight).best
        if best is not None:
            found[i] = best.settings.basal, best.settings.ratio, best.settings.factor
    return replace(people, basal=found[:, 0], ratio=found[:, 1], factor=found[:, 2])

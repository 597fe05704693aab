"""Whether what ``advise`` says for a planned run brings fewer lows on the virtual clinic, whose exercise is another model.

``python benchmarks/insulin_run.py [--people N] [--seed S]``: two days under basal and bolus, the third begins with 45 min at half
effort in an hour, with nothing changed, with half the basal dose from now on, and with the plan. Counted until three hours after
its end, on glucose under the skin as it was; nothing is eaten against a low.
"""

import argparse

import numpy as np

from dosetwin.loops.insulin.learned import Days, learn
from dosetwin.loops.insulin.run import Session, planned
from dosetwin.loops.insulin.settings import TARGET
from dosetwin.populations.type1 import Clinic, advance, drawn
from dosetwin.populations.type1.body import REST_BPM
from dosetwin.studies.closed_loop.course import World, meals, play

SESSION, AFTER = Session(60.0, 45.0, 0.5), 180
STEPS = (round(SESSION.begins + SESSION.minutes) + AFTER) // 5


def lived(people: Clinic, states: np.ndarray, share: np.ndarray, grams: np.ndarray) -> np.ndarray:
    """Glucose mg/dL [n, minutes] from now on under a share of the basal dose until the end and g at the start."""
    n, x, out = len(people), states.copy(), []
    heart = SESSION.effort * (220.0 - people.age - REST_BPM)
    for k in range(STEPS):
        minute = 5.0 * k
        eaten, now = np.zeros((n, 5)), SESSION.begins <= minute < SESSION.begins + SESSION.minutes
        if minute == SESSION.begins:
            eaten[:, 0] = grams
        rate = people.basal / 60.0 * (share if minute < SESSION.begins + SESSION.minutes else 1.0)
        out.append(advance(people.parameters, x, eaten, rate, effort=heart * now))
    return np.concatenate(out, axis=1)


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--seed", type=int, default=20261203)
    asked = parser.parse_args()
    number, world = np.arange(asked.people), World(days=2, swing=0.0)
    people = drawn(number, asked.seed)
    played, said = play(people, number, asked.seed, world, "basal_bolus", None), meals(people, number, asked.seed, world)[1]
    plans = []
    for i in number:
        days = Days(played.seen[i], played.insulin[i], said[i])
        weight, basal = float(people.weight[i]), float(people.basal[i])
        learned = learn(days, weight=weight, basal=basal, target=TARGET)
        plans.append(planned(SESSION, days, learned, weight=weight, basal=basal, pen=False))
    one, none = np.ones(len(number)), np.zeros(len(number))
    plan = np.array([r.best.basal for r in plans]), np.array([r.best.grams for r in plans])
    print(
        f"chance of a low foretold: {np.mean([r.usual.below70 for r in plans]):.0%} with nothing changed, "
        f"{np.mean([r.best.below70 for r in plans]):.0%} with the plan; eaten {plan[1].mean():.0f} g"
    )
    for name, share, grams in (("nothing changed", one, none), ("half the basal dose", 0.5 * one, none), ("the plan", *plan)):
        g = lived(people, played.states, share, grams)
        low = (g < 70.0).any(axis=1)
        print(
            f"{name}: low in {low.mean():.0%} of people, below 54 in {(g < 54.0).any(axis=1).mean():.0%}, "
            f"above 180 mg/dL for {100 * (g > 180.0).mean():.0f} % of the time, mean {g.mean():.0f} mg/dL"
        )


if __name__ == "__main__":
    main()

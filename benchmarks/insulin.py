"""Patient-days per core-second of the insulin clinic alone and of each controller in a loop with it.

``python benchmarks/insulin.py [--people N] [--days D]`` prints a line each (processor time of one process, best of three; what
is compiled is compiled before). The loops play what ``dosetwin trial insulin_loops`` plays: meals, monitor, limits.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np

from dosetwin.loops.insulin import CONTROLLERS, Limits
from dosetwin.populations.type1 import advance, drawn
from dosetwin.studies.closed_loop.course import DAY, World, play


def quickest(work: Callable[[], object], tries: int = 3) -> float:
    """The least processor seconds of some tries."""
    times = []
    for _ in range(tries):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--days", type=int, default=2)
    asked = parser.parse_args()
    number = np.arange(asked.people)
    people, world = drawn(number, 1), World(days=asked.days)
    meals, basal = np.zeros((asked.people, asked.days * DAY)), people.basal / 60.0

    def clinic() -> None:
        advance(people.parameters, people.steady.copy(), meals, basal)

    few = number[:2]
    work: dict[str, Callable[[], object]] = {"clinic alone": clinic}
    advance(people.parameters[:2], people.steady[:2].copy(), meals[:2], basal[:2])
    for name in CONTROLLERS:
        play(people.of(few), few, 1, World(days=1), name, Limits())
        work[f"loop, {name}"] = lambda name=name: play(people, number, 1, world, name, Limits())
    for name, of in work.items():
        print(f"{name}: {asked.people * asked.days / quickest(of):,.0f} patient-days a core-second")


if __name__ == "__main__":
    main()

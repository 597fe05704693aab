"""Processor seconds of a day of rhythm: a heart with early beats and its pacemaker, and the published properties on the trace.

``python benchmarks/rhythm.py`` prints one line (bar: 5 s for the day).
"""

import time

from dosetwin.twins.automata import Chance, Conduction, Heart, Pacemaker, Programme, run
from dosetwin.twins.automata.properties import check


def main() -> None:
    """Print the line."""
    heart = Heart(jitter=0.05, pvc_every=30_000.0, va=300.0)
    start = time.process_time()
    trace = run(Conduction(heart, Chance(1)), Pacemaker(Programme().checked()), 24 * 3_600_000.0)
    played = time.process_time()
    held = sum(v.holds is not False for v in check(trace, Programme()))
    print(
        f"{len(trace.ventricles)} beats: {played - start:.1f} s; {held} properties checked: {time.process_time() - played:.1f} s"
    )


if __name__ == "__main__":
    main()

"""Processor seconds to work out an hour of a pump that takes propofol to a target, after a first one.

``python benchmarks/tci_plan.py`` prints one line (bar: 0.2 s).
"""

import time

from dosetwin.declare import Facts
from dosetwin.formulary.propofol import SCHNIDER


def main() -> None:
    """Print the line."""
    patient = Facts(WT=70.0, HT=170.0, AGE=40.0, SEX="male")
    SCHNIDER(4.0, patient, (), 0.0)
    times = []
    for target in (3.9, 3.8, 3.7):
        start = time.process_time()
        SCHNIDER(target, patient, (), 0.0)
        times.append(time.process_time() - start)
    print(f"an hour of a pump: {min(times):.3f} to {max(times):.3f} s")


if __name__ == "__main__":
    main()

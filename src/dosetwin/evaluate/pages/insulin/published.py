"""Runs of the virtual clinic and swings measured by hand that others published, read where the data folder is at hand."""

import csv
from pathlib import Path

import numpy as np

from dosetwin.evaluate.check import Check, judged, near
from dosetwin.io.glucose import read_glucose
from dosetwin.outcomes.glucose import mage
from dosetwin.populations import type1

RUNS = {"adult001": "adult_001", "adolescent003": "adolescent_003", "child005": "child_005"}
BEGINS = (1, 2, 1, 1, 2)
"""In which minute of its row of three each of the five meals begins: what meets the published runs."""
STEP_MIN = 3
SIMGLUCOSE = "simglucose's run of 2017"


def published(folder: Path, page: str) -> list[Check]:
    """Every check on the files of ``folder``: three runs of simglucose, swings of eighteen traces."""
    found = []
    for file, name in RUNS.items():
        off = max_off(folder / f"simglucose_run_{file}.csv", name, gram=1.0)
        found.append(near(page, f"insulin.run_{name}", f"{name.replace('_', ' ')}: largest difference, 24 h, 5 meals", "clinic",
                          SIMGLUCOSE, "secondary", 0.0, off, 2.0, "mg/dL",
                          "the same meals and doses, within 2 mg/dL; grams for milligrams put back (its issue 41)"))  # fmt: skip
    off = by_hand(folder)
    source = "eighteen traces measured by hand (Fernandes 2022; iglu)"
    found.append(judged(page, "insulin.mage_median", "MAGE: median difference from the hand", "metrics", source, "secondary", 0.0,
                        100.0 * float(np.median(off)), (0.0, 2.0), "%", "half of the traces within 2 %"))  # fmt: skip
    found.append(judged(page, "insulin.mage_near", "MAGE: traces within 12 % of the hand", "metrics", source, "secondary", 100.0,
                        100.0 * float(np.mean(off < 0.12)), (80.0, 100.0), "%", "four in five; readers differ too",
                        cause="a wobble near one standard deviation is a swing to the eye and none to the rule"))  # fmt: skip
    return found


def course(path: Path, name: str, gram: float) -> tuple[np.ndarray, np.ndarray]:
    """Glucose of a published run and of ours from the same meals and doses, mg/dL [n], a value every three minutes.

    ``gram``: mg that the stomach remembers of a gram eaten; 1 as the runs were made, 1000 as the equations say.
    """
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    theirs = np.array([float(r["BG"]) for r in rows])
    person, minutes = type1.one(name), iter(BEGINS)
    states, ours = person.steady.copy(), [theirs[0]]
    for r in rows[:-1]:
        eaten = np.zeros((1, STEP_MIN))
        if float(r["CHO"]) > 0.0:
            eaten[0, next(minutes)] = STEP_MIN * float(r["CHO"])
        ours.append(float(type1.advance(person.parameters, states, eaten, np.array([float(r["insulin"])]), gram=gram).mean()))
    return theirs, np.array(ours)


def max_off(path: Path, name: str, gram: float) -> float:
    """Largest difference of ``course``, mg/dL."""
    theirs, ours = course(path, name, gram)
    return float(np.abs(theirs - ours).max())


def by_hand(folder: Path) -> np.ndarray:
    """Relative differences of MAGE from what was measured by hand [18]."""
    courses, _ = read_glucose(folder / "cgm_5_subjects.csv.gz", "mg/dL")
    minutes, values = (np.concatenate([c[i] for c in courses]) for i in (1, 2))
    with (folder / "mage_manual_calculations.csv").open(encoding="utf-8") as file:
        hand = [r for r in csv.DictReader(file) if r["dataset"] == "JHU"]
    parts = [(slice(int(r["start"]) - 1, int(r["end"])), float(r["manual"])) for r in hand]
    return np.array([abs(mage(minutes[p], values[p]) / by - 1.0) for p, by in parts])

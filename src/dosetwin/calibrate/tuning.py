"""Offline tuning of look-ahead's competitors on the same declared loss: the fixed nomogram, the loading dose of one-step.

``python -m dosetwin.calibrate.tuning nomogram --pack peak_driven`` prints a nomogram of the therapy's
``control``; ``... loading`` the table behind its ``loading``. Development babies only: seeds below, never those of a shipped
design.
"""

import argparse

import numpy as np

from dosetwin.studies.newborn_sepsis.arms import Chunk, dosed
from dosetwin.studies.newborn_sepsis.design import Arm, Design
from dosetwin.studies.newborn_sepsis.endpoints import Given
from dosetwin.studies.newborn_sepsis.scoring import World, given_from, scored, world

SEED = 5000
"""Of the development babies."""
WEIGHTS = (1.0, 1.5, 2.0, 2.8, np.inf)
AGES = (3.0, 7.0, 14.0, np.inf)
"""Upper borders of the cells: kg at the start, d."""
DOSES = tuple(np.arange(11.0, 20.01, 1.0).tolist())
INTERVALS = (24.0, 30.0, 36.0, 42.0, 48.0, 54.0, 60.0)
LONGER = (0.0, 6.0, 12.0)
"""h more under ibuprofen, asphyxia or cooling."""
FIRST = (13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0, 20.0)
"""mg/kg of a first dose of its own."""


def fixed_courses(of: World, mg_per_kg: np.ndarray, interval: np.ndarray, first: float | None = None) -> Given:
    """Every baby on its own mg/kg and interval (h) to the horizon."""
    courses = []
    for i, (mg, every) in enumerate(zip(mg_per_kg.tolist(), interval.tolist(), strict=True)):
        times = np.arange(0.0, of.design.course.horizon - 1e-9, every)
        WT = of.babies.baby(i).weight(24.0 * np.floor(times / 24.0))[0]
        amounts = mg * WT
        if first is not None:
            amounts[0] = first * WT[0]
        courses.append((times.tolist(), amounts.tolist(), float(times[-1] + every), 0))
    return given_from(courses, of.design.course)


def tune_nomogram(
    of: World, progress: bool = False
) -> tuple[tuple[tuple[float, float, float, float], ...], float, float | None, float]:
    """Rows (PNA below d, weight below kg, mg/kg, h), hours more under a condition, first dose mg/kg (None: as table), loss."""
    n = len(of)
    loss = np.empty((len(DOSES), len(INTERVALS), n))
    for a, mg in enumerate(DOSES):
        for b, every in enumerate(INTERVALS):
            loss[a, b] = scored(of, fixed_courses(of, np.full(n, mg), np.full(n, every))).endpoints["loss"]
        if progress:
            print(f"  {mg:g} mg/kg done", flush=True)
    # what the chart says at the start of the course: of ibuprofen, only what already runs
    sick = of.babies.asphyxia | of.babies.on("ibuprofen", 0.0)[:, 0] | of.babies.on("cooling", 0.0)[:, 0]
    rows: list[tuple[float, float, float, float]] = []
    chosen: dict[float, tuple[float, list[tuple[float, float, float, float]], np.ndarray, np.ndarray]] = {}
    for longer in LONGER:
        shift = round(longer / 6.0)
        rows, mg_of, every_of, total = [], np.zeros(n), np.zeros(n), 0.0
        for age_low, age in zip((0.0, *AGES[:-1]), AGES, strict=True):
            for low, high in zip((0.0, *WEIGHTS[:-1]), WEIGHTS, strict=True):
                cell = (age_low <= of.babies.PNA) & (age > of.babies.PNA) & (low <= of.babies.WT) & (high > of.babies.WT)
                usable = len(INTERVALS) - shift
                mean = np.zeros((len(DOSES), usable))
                for b in range(usable):
                    mean[:, b] = loss[:, b, cell & ~sick].sum(axis=1) + loss[:, b + shift, cell & sick].sum(axis=1)
                a, b = np.unravel_index(int(np.argmin(mean)), mean.shape)
                rows.append((age, high, DOSES[int(a)], INTERVALS[int(b)]))
                mg_of[cell] = DOSES[int(a)]
                every_of[cell] = INTERVALS[int(b)] + longer * sick[cell]
                total += float(mean[a, b])
        chosen[longer] = (total / n, rows, mg_of, every_of)
    longer = min(chosen, key=lambda k: chosen[k][0])
    best, rows, mg_of, every_of = chosen[longer]
    first: float | None = None
    for candidate in FIRST:
        mean = float(scored(of, fixed_courses(of, mg_of, every_of, candidate)).endpoints["loss"].mean())
        if progress:
            print(f"  first dose {candidate:g} mg/kg: loss {mean:.4f} (table alone {chosen[longer][0]:.4f})", flush=True)
        if mean < best - 1e-4:
            best, first = mean, candidate
    return tuple(rows), longer, first, best


def tune_loading(of: World, first: tuple[float, ...] = FIRST) -> dict[float, float]:
    """Mean loss of one-step with each loading dose, mg/kg."""
    from dosetwin.decide.control import control

    out = {}
    pack = of.design.believed_pack
    loading = control().loading
    was = dict(loading)
    try:
        for mg in first:
            loading[pack] = mg
            made = dosed(Chunk(of), Arm("x", "one_step_loading"))
            assert made.given is not None
            out[mg] = float(scored(of, made.given, made.who).endpoints["loss"].mean())
    finally:
        loading.update(was)
    return out


def main() -> None:
    """Run a tuning and print what belongs into the package."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("nomogram", "loading"))
    parser.add_argument("--pack", default="peak_driven")
    parser.add_argument("--n", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    design = Design("tuning", given.n, given.seed, (Arm("x", "bnfc"),), truth_pack=given.pack, kidney="filter")
    of = world(design, 0, given.n)
    if given.what == "loading":
        for mg, mean in tune_loading(of).items():
            print(f"{mg:g} mg/kg: {mean:.4f}")
        return
    rows, longer, first, mean = tune_nomogram(of, progress=True)
    print(f"loss {mean:.4f}, longer {longer:g} h, first {first}")
    for age, high, mg, every in rows:
        print(f"    ({age:g}, {high:g}, {mg:g}, {every:g}),".replace("inf", "np.inf"))


if __name__ == "__main__":
    main()

"""The infection measured: ``python benchmarks/infection.py [speed|error|chance|culture ...]`` prints the tables of the docs.

``speed``; ``error`` of the probabilities against adaptive integration; ``chance``: against 40,000 infections per case played cell
by cell (some minutes on one core); ``culture``: calibration of predicted cultures, MICs in silico. Errors have their own tests.
"""

import sys
import time
from pathlib import Path

import numpy as np

# in the place of this folder, where this very file would be found as `infection`
sys.path[0] = str(Path(__file__).resolve().parents[1] / "tests")

from dosetwin.infection.branching import solve  # noqa: E402
from dosetwin.infection.course import run  # noqa: E402
from dosetwin.infection.culture_check import BELIEF, TRUTH, check  # noqa: E402
from dosetwin.infection.draws import draw_infections  # noqa: E402
from dosetwin.infection.microdilution import ec50_over_MIC  # noqa: E402
from dosetwin.infection.packs import PACKS  # noqa: E402
from dosetwin.infection.published import PUBLISHED, mic_in_silico  # noqa: E402
from infection.curves import INFUSION, every, grid, level  # noqa: E402
from infection.test_extinction import CASES, played, typical  # noqa: E402


def speed() -> None:
    """Five-day courses per second of processor time on one thread, median of five runs of 4,000."""
    print("| pack | genotypes | dormant | grid step | courses per core-second |\n|---|---|---|---|---|")
    n = 4000
    for name in PACKS:
        for dt in (0.25, 0.5):
            infections = draw_infections(PACKS[name], n, seed=1)
            conc = np.tile(grid(every(36.0), 33.0, dt=dt), (n, 1))
            run(conc, dt, infections)
            taken = []
            for _ in range(5):
                start = time.process_time()
                run(conc, dt, infections)
                taken.append(time.process_time() - start)
            dormant = "yes" if PACKS[name].crowding == "dormancy" else "no"
            print(f"| {name} | {infections.N0.shape[1]} | {dormant} | {dt} h | {n / np.median(taken):,.0f} |")
    start = time.process_time()
    draw_infections(PACKS["peak_driven"], 100_000, seed=1)
    print(f"\nDrawing 100,000 infections: {time.process_time() - start:.2f} s.")


def error() -> None:
    """The kernel on its grid against adaptive integration of the smooth curve; 15 mg/kg every 36 h and 5 mg/kg every 12 h."""
    print("| case | grid step | P(eradication): adaptive | kernel less adaptive | P(resistant) likewise |\n|---|---|---|---|---|")
    for case, (name, mic, changes) in CASES.items():
        infections = typical(name, mic, **changes)
        for starts, peak in ((every(36.0), 33.0), (every(12.0), 11.0)):
            times = np.unique([*starts, *(s + INFUSION for s in starts), 120.0])
            exact = solve(lambda t, starts=starts, peak=peak: level(t, starts, peak), times, infections)
            for dt in (0.25, 0.5):
                found = run(grid(starts, peak, dt=dt)[None], dt, infections)
                a, b = found.p_erad[0] - exact.p_erad, found.p_resistant[0] - exact.p_resistant
                print(f"| {case}, every {starts[1]:.0f} h | {dt} h | {exact.p_erad:.4f} | {a:+.4f} | {b:+.4f} |")


def chance(n: int = 40_000) -> None:
    """The kernel against infections played cell by cell."""
    print("| case | P(eradication): kernel | played | difference | P(resistant) | error |\n|---|---|---|---|---|---|")
    for case in CASES:
        if case == "broth":
            continue
        kernel, shares = played(case, n)
        d = kernel - shares
        se = np.sqrt((kernel * (1.0 - kernel)).max() / n)
        print(f"| {case} | {kernel[0]:.4f} | {shares[0]:.4f} | {d[0]:+.4f} | {d[1]:+.4f} | {se:.4f} |", flush=True)


def culture() -> None:
    """Calibration of predicted cultures, and the MICs in silico."""
    for label, truth in (("truth as believed", BELIEF), ("truth differs", TRUTH)):
        answers, shares = check(1500, 2000, truth=truth, threads=2)
        print(f"\n{label}: positive " + ", ".join(f"{s:.0%} at {h:g} h" for h, s in shares.items()))
        print(
            "| predicted by | Brier | of the base rate | skill | distance | accuracy | guessing |\n|---|---|---|---|---|---|---|"
        )
        for way, c in answers.items():
            print(
                f"| {way} | {c.brier:.3f} | {c.brier_of_rate:.3f} | {c.skill:+.2f} | {c.error:.3f} |"
                f" {c.accuracy:.2f} | {c.accuracy_of_guess:.2f} |"
            )
        for p, y, se, m in answers["culture at 0 h"].bins:
            print(f"    predicted {p:.2f}, observed {y:.2f} +- {se:.2f} (n {m})")
    print("\n| kill set | EC50/MIC solved | reported |\n|---|---|---|")
    for group, kill in PACKS["peak_driven"].kill.items():
        print(f"| {group} | {ec50_over_MIC(kill):.2f} | {kill.value('EC50_reported'):.2f} |")
    print("\n| published set | MIC of the study | in silico, continuous | read |\n|---|---|---|---|")
    for chosen in PUBLISHED.values():
        if chosen.unit == "CFU/mL":
            threshold, read = mic_in_silico(chosen)
            print(f"| {chosen.name} | {chosen.MIC:g} | {threshold:.3g} | {read:g} |")


if __name__ == "__main__":
    parts = {"speed": speed, "error": error, "chance": chance, "culture": culture}
    for name in sys.argv[1:] or parts:
        print(f"\n## {name}\n")
        parts[name]()

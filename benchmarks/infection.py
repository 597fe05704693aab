"""The infection measured: ``python benchmarks/infection.py [speed|error|chance|culture ...]`` prints the tables of the docs.

``speed``; ``error`` of the probabilities against adaptive integration; ``chance``: against 40,000 infections per case played cell
by cell (some minutes on one core); ``culture``: calibration of predicted cultures, MICs in silico. Errors have their own tests.
"""

import sys
import time
from pathlib import Path

import numpy as np
from scipy.special import ndtri

# in the place of this folder, where this very file would be found as `infection`
sys.path[0] = str(Path(__file__).resolve().parents[1] / "tests")

from dosetwin.outcomes.infection.branching import solve  # noqa: E402
from dosetwin.outcomes.infection.course import run  # noqa: E402
from dosetwin.outcomes.infection.culture_check import BELIEF, DT, TRUTH, check, levels  # noqa: E402
from dosetwin.outcomes.infection.draws import draw_infections  # noqa: E402
from dosetwin.outcomes.infection.microdilution import ec50_over_MIC  # noqa: E402
from dosetwin.outcomes.infection.packs import PACKS  # noqa: E402
from dosetwin.outcomes.infection.published import PUBLISHED, mic_in_silico  # noqa: E402
from dosetwin.streams import row_uniforms  # noqa: E402
from outcomes.infection.curves import INFUSION, every, grid, level  # noqa: E402
from outcomes.infection.test_extinction import CASES, played, typical  # noqa: E402


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


REGIMENS = ((20.0, 48.0), (15.0, 36.0), (10.0, 24.0), (5.0, 12.0), (15.0, 24.0), (7.5, 12.0), (25.0, 1000.0))


def regimens(n: int = 2000) -> dict[str, list[tuple[str, float, float, float]]]:
    """P(eradication) and P(resistant alive) after 7 days of 5 days of dosing, E. coli as EUCAST counts them, levels vary."""
    print("| pack | mg/kg, every h | P(eradication) | P(resistant alive) | rebound after day 5 | log2 MIC shift |")
    print("|---|---|---|---|---|---|")
    found: dict[str, list[tuple[str, float, float, float]]] = {}
    spread = ndtri(row_uniforms(4, "regimens", n, 2))
    hours = np.arange(round(168.0 / DT) + 1) * DT
    for name in ("peak_driven", "auc_driven", "benign"):
        infections = draw_infections(PACKS[name], n, seed=4)
        for dose, tau in REGIMENS:
            conc = np.zeros((n, len(hours)))
            one = levels(n, dose, 1e6, 168.0, spread)
            for start in every(tau):
                k = round(start / DT)
                conc[:, k:] += one[:, : len(hours) - k]
            o = run(conc, DT, infections)
            label = f"{dose:g}, {tau:g}" if tau < 500.0 else f"{dose:g}, once"
            row = (label, float(o.p_erad.mean()), float(o.p_resistant.mean()), float(o.rebound.mean()))
            found.setdefault(name, []).append(row)
            print(f"| {name} | {row[0]} | {row[1]:.3f} | {row[2]:.3f} | {row[3]:.3f} | {o.mic_shift.mean():+.1f} |")
    return found


def figures() -> None:
    """docs/img/infection_packs.png and infection_cultures.png."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    folder = Path(__file__).resolve().parents[1] / "docs" / "img"
    folder.mkdir(exist_ok=True)
    found = regimens()
    hours = np.arange(round(168.0 / DT) + 1) * DT
    fig, axes = plt.subplots(2, 2, figsize=(10, 6.2), layout="constrained")
    middle = np.full((1, 6), 0.5)
    for ax, name in zip(axes[0], ("peak_driven", "auc_driven"), strict=True):
        infections = draw_infections(PACKS[name], 1, uniforms=middle, mic=1.5)
        for tau, dose, colour in ((48.0, 20.0, "tab:blue"), (12.0, 5.0, "tab:orange")):
            one = levels(1, dose, 1e6, 168.0)
            conc = np.zeros((1, len(hours)))
            for start in every(tau):
                k = round(start / DT)
                conc[:, k:] += one[:, : len(hours) - k]
            o = run(conc, DT, infections, series=True)
            assert o.series is not None
            label = f"{dose:g} mg/kg every {tau:g} h: P(eradication) {o.p_erad[0]:.2f}"
            ax.plot(hours / 24.0, o.series[0, :, 0], color=colour, label=label)
            ax.plot(hours / 24.0, o.series[0, :, 1], color=colour, ls="--")
        ax.set(title=f"{name}: expected counts, MIC 1.5 mg/L", xlabel="day", ylabel="log10 CFU", ylim=(-4, 10))
        ax.axhline(0.0, color="0.7", lw=0.8)
        ax.legend(fontsize=8, loc="upper right", title="solid: susceptible; dashed: less susceptible", title_fontsize=8)
    for ax, name in zip(axes[1], ("peak_driven", "auc_driven"), strict=True):
        rows = found[name]
        x = np.arange(len(rows))
        ax.bar(x, [r[2] for r in rows], color="tab:red", width=0.6)
        ax.set_xticks(x, [r[0] for r in rows], fontsize=8)
        ax.set(title=f"{name}: P(resistant bacterium alive on day 7)", xlabel="mg/kg, every h (5 days)", ylabel="probability")
    fig.savefig(folder / "infection_packs.png", dpi=100)
    plt.close(fig)

    fig, ax = plt.subplots(figsize=(5, 4.4), layout="constrained")
    ax.plot([0, 1], [0, 1], color="0.7", lw=0.8)
    for label, truth, colour in (("truth as believed", BELIEF, "tab:green"), ("truth differs", TRUTH, "tab:red")):
        answers, _ = check(1500, 2000, truth=truth, threads=2)
        bins = np.array(answers["culture at 0 h"].bins)
        ax.errorbar(bins[:, 0], bins[:, 1], 1.96 * bins[:, 2], color=colour, marker="o", capsize=2, label=label)
    ax.set(xlabel="predicted probability of a positive culture", ylabel="share found positive", xlim=(0, 1), ylim=(0, 1))
    ax.legend(fontsize=8)
    fig.savefig(folder / "infection_cultures.png", dpi=100)
    plt.close(fig)


if __name__ == "__main__":
    parts = {"speed": speed, "error": error, "chance": chance, "culture": culture, "regimens": regimens, "figures": figures}
    for name in sys.argv[1:] or parts:
        print(f"\n## {name}\n")
        parts[name]()

"""``dosetwin kidney evaluate``: every kidney on babies none of them has met, or on a hospital's own measured values."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import at_least, output_path, print_json, progress, terminal, write_whole
from dosetwin.cli.options import Json
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.evaluate.kidney.study import Plan, Seed
    from dosetwin.forecast.kidney.filter import KalmanFilter
    from dosetwin.forecast.kidney.learned import LearnedKidney

TIMED = 200
"""Babies whose forecast is timed."""
TRIES = 3
SEEDS, BABIES = 3, 400
"""Defaults of a quick look; the published evaluation takes 10 and 2,000."""


def kidney_evaluate(
    seeds: Annotated[int, typer.Option("--seeds", help="How many seeds: new babies each, and with --train new networks.")] = 3,
    babies: Annotated[int, typer.Option("--babies", help="Fresh babies of each truth a seed.")] = 400,
    weights: Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Folder of weights. Default: shipped.")] = None,
    train: Annotated[bool, typer.Option("--train", help="Train anew for every seed; needs PyTorch.")] = False,
    training_babies: Annotated[
        int | None, typer.Option("--training-babies", help="With --train: babies the networks are trained on.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DATA", help="Measured values of your own newborns, not synthetic ones.")
    ] = None,
    first: Annotated[int, typer.Option("--first-seed", help="The first test seed.")] = 900_001,
    noise: Annotated[str, typer.Option("--noise", help="Error of synthetic measurements: low or wu.")] = "low",
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="DIR", help="Keep every finished seed here, and go on from those kept.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="OUT", help="Also write a page, OUT.md or OUT.html with figures.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Every kidney on newborns none has met: errors, intervals, injury, filtration, troughs, and the bars, missed ones too."""
    at_least("--seeds", seeds, 1, 100)
    at_least("--babies", babies, 20, 100_000)
    at_least("--training-babies", training_babies, 20, 1_000_000)
    at_least("--first-seed", first, 0)
    if train and weights is not None:
        raise InputError("either new training or given weights", where="--train", remedy="leave one of --train and --weights out")
    inputs = [p for p in (data,) if p is not None]
    target = output_path("--report", report, inputs)
    if target is not None and target.suffix.lower() not in (".md", ".html"):
        raise InputError("unknown kind of report", where=f"--report {report}", value=target.suffix, allowed=".md or .html")
    if data is not None:
        found = _own(data, weights)
    else:
        found = _synthetic(seeds, first, babies, training_babies, weights, train, noise, resume)
    if target is not None:
        from dosetwin.evaluate.kidney.page import html, markdown

        write_whole(target, html(found) if target.suffix.lower() == ".html" else markdown(found, images=None))
    if as_json:
        print_json(found)
    else:
        _show(found)
        if target is not None:
            terminal().print(f"written: {target}")


def _own(data: Path, weights: Path | None) -> dict[str, Any]:
    from dosetwin.cli.kidney_data import read_records
    from dosetwin.evaluate.kidney.bars import own_summary
    from dosetwin.evaluate.kidney.study import LEARNED, cross_fitted
    from dosetwin.forecast.kidney.learned import load

    kidney = load(weights)
    with progress("evaluating on measured values"):
        return own_summary(cross_fitted(read_records(data), {LEARNED: kidney.forecast_many}), source=data.name)


def _synthetic(
    seeds: int, first: int, babies: int, training_babies: int | None, weights: Path | None, train: bool, noise: str,
    resume: Path | None,
) -> dict[str, Any]:  # fmt: skip
    from dosetwin.evaluate.kidney.bars import summary
    from dosetwin.evaluate.kidney.study import ALONE, LEARNED, SECOND, SHIPPED, WIDE, Plan
    from dosetwin.populations.newborn_kidney import frozen as kidney_frozen

    if resume is not None:
        resume.mkdir(parents=True, exist_ok=True)
    from dosetwin.calibrate.kidney_training import BABIES

    taught = f"trained anew for each seed on {training_babies or BABIES:,} babies"
    learner = taught if train else "with the shipped weights" if weights is None else f"with the weights in {weights.name}"
    plan = Plan(babies, noise, learner)
    kept: list[Seed] = []
    with progress("evaluating kidneys", seeds) as tell:
        tell(0, seeds)
        kidney = None
        for k, seed in enumerate(range(first, first + seeds)):
            one, kidney = seed_of(seed, plan, training_babies, weights, train, resume, kidney)
            kept.append(one)
            tell(k + 1, seeds)
    if kidney is None:
        kidney = _load(weights, train, resume, first)
    took = {} if kidney is None else inference_ms(kidney)
    return summary(kept, learned=(LEARNED, WIDE, SECOND, ALONE, SHIPPED), inference_ms=took) | {
        "generator_sha256": kidney_frozen.verify()
    }


def _load(weights: Path | None, train: bool, resume: Path | None, seed: int) -> "LearnedKidney | None":
    from dosetwin.forecast.kidney.learned import load

    if train:
        folder = _weights_of(resume, seed)
        return load(folder) if folder is not None and folder.is_dir() else None
    return load(weights)


def _weights_of(resume: Path | None, seed: int) -> Path | None:
    return None if resume is None else resume / f"weights-{seed}"


def seed_of(
    seed: int, plan: "Plan", training_babies: int | None, weights: Path | None, train: bool, resume: Path | None,
    kidney: "LearnedKidney | None", say: Callable[[str], None] = lambda _: None,
) -> "tuple[Seed, LearnedKidney | None]":  # fmt: skip
    """One seed: kept from before in ``resume``, or trained, fitted, tested and kept there."""
    import tempfile

    from dosetwin.calibrate.kidney_training import BABIES, plain_babies, train_on_truth_A
    from dosetwin.evaluate.kidney.batch import FIT_BABIES, Competitors
    from dosetwin.evaluate.kidney.study import ALONE, LEARNED, SHIPPED, evaluate, store, stored, training_seed
    from dosetwin.forecast.kidney.learned import load
    from dosetwin.populations.newborn_kidney.records import records

    old = stored(resume, seed, plan) if resume is not None else None
    if old is not None:
        return old, kidney
    teaching = training_seed(seed)
    # the first of the plain babies that the network meets: a baby does not depend on how many are made
    few = min(training_babies or BABIES, FIT_BABIES)
    say(f"seed {seed}: fitting competitors")
    competitors = Competitors.fit(records(plain_babies(teaching, few, plan.noise)), time.perf_counter)
    if train:
        with tempfile.TemporaryDirectory() as spare:
            folder = _weights_of(resume, seed) or Path(spare) / "weights"
            kidney = train_on_truth_A(
                folder, seed=teaching, babies=training_babies or BABIES, noise=plan.noise,
                progress=lambda what, done, of: say(f"seed {seed}: {what} {done}/{of}"),
            )  # fmt: skip
    elif kidney is None:
        kidney = load(weights)
    many = {LEARNED: kidney.forecast_many}
    if kidney.second is not None:
        many[ALONE] = kidney.alone().forecast_many
    if train:
        many[SHIPPED] = load().forecast_many
    one = evaluate(seed, competitors, many, plan, say, filters=_parts(kidney))
    if resume is not None:
        store(resume, one)
        one = stored(resume, seed, plan) or one
    return one, kidney


def _parts(kidney: "LearnedKidney") -> "dict[str, KalmanFilter]":
    """The filters of the learner that were fitted on randomised babies."""
    from dosetwin.evaluate.kidney.study import SECOND, WIDE

    return {WIDE: kidney.filters[1]} | ({} if kidney.second is None else {SECOND: kidney.second[0]})


def inference_ms(kidney: "LearnedKidney") -> dict[str, float]:
    """Milliseconds of one forecast of one baby, median and 95th percentile over babies at the middle of their stay.

    The fastest of TRIES each: what else runs on the machine is not the network's doing.
    """
    from dosetwin.populations.newborn_kidney.cohort import cohort
    from dosetwin.populations.newborn_kidney.records import records

    some = [r.until(r.now / 2.0) for r in records(cohort("A", TIMED, 800_002))]
    took = []
    for r in some:
        tries = []
        for _ in range(TRIES):
            start = time.perf_counter()
            kidney.forecast(r)
            tries.append(1000.0 * (time.perf_counter() - start))
        took.append(min(tries))
    took.sort()
    return {"median": took[len(took) // 2], "95th percentile": took[math.ceil(0.95 * len(took)) - 1]}


def _show(found: Mapping[str, Any]) -> None:
    from dosetwin.evaluate.kidney.page import rows_of_bars, rows_of_own, rows_of_rmse

    console = terminal()
    if "bars" not in found:
        _table(console, ("forecaster", "n", "RMSE +24 h", "+48 h", "+72 h", "90 % covers"), rows_of_own(found))
        console.print("measured values, mg/dL on the ward's own assay; competitors fitted on the other half of the babies")
    else:
        head = ("truth", "forecaster", "+24 h", "+48 h", "+72 h")
        _table(console, head, rows_of_rmse(found))
        console.print("RMSE of the noise-free creatinine, mg/dL, right after each measurement")
        _table(console, ("bar", "truth", "against", "wanted", "measured", ""), rows_of_bars(found))
    console.print("Decision support for research and evaluation, not a medical device.")


def _table(console: Any, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in head:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row, style="yellow" if "MISSED" in row else None)
    console.print(table)

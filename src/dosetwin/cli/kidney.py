"""``dosetwin kidney train`` and ``predict``: the learned kidney made from babies, and asked about one."""

import importlib.util
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import at_least, findings_lines, print_json, safe, show_findings, terminal
from dosetwin.cli.options import Json, Seed
from dosetwin.errors import Finding, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dosetwin.forecast.kidney.learned import LearnedKidney
    from dosetwin.forecast.kidney.record import WardRecord
    from dosetwin.forecast.kidney.training.train import Progress

NOTICE = "Decision support for research and evaluation, not a medical device."
NETWORKS = ("lstm", "gru", "lstm-curve", "gru-curve")
"""Recurrence, on the filters' forecast; ``-curve``: on the typical curve, without any filter."""
LEAST = 20
"""Babies on either side of the split below which no training starts."""
HELD_OUT = 5
"""One in this many of a hospital's babies is held out for calibration."""


def kidney_train(
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATA]", help="A long CSV, a FHIR bundle or a folder of bundles (docs/kidney.md).")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder the weights go to.")] = Path("kidney"),
    synthetic: Annotated[bool, typer.Option("--synthetic", help="Train on babies made by the program instead of DATA.")] = False,
    start: Annotated[
        str, typer.Option("--start", metavar="WHERE", help="shipped, none, or a folder of weights to go on from. Default: "
                          "shipped with DATA, none with --synthetic.")
    ] = "auto",
    seed: Seed = 1,
    epochs: Annotated[int | None, typer.Option("--epochs", help="How often every baby is seen.")] = None,
    babies: Annotated[int | None, typer.Option("--babies", help="Synthetic babies to train on.")] = None,
    members: Annotated[int, typer.Option("--members", help="Networks in the ensemble.")] = 5,
    network: Annotated[
        str, typer.Option("--network", help="lstm, gru, or on the typical curve alone: lstm-curve, gru-curve.")
    ] = "lstm",
    noise: Annotated[str, typer.Option("--noise", help="Error of synthetic measurements: low or wu.")] = "low",
    drug: Annotated[str | None, typer.Option("--drug", help="Which drug, where a bundle holds several.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Train the learned kidney on synthetic newborns or on a hospital's own; started again after a kill, it goes on. Needs
    PyTorch."""
    from datetime import UTC, datetime

    date = datetime.now(UTC).date().isoformat()
    if (data is None) == (not synthetic):
        raise InputError(
            "train on what?", where="kidney train", allowed="DATA (a CSV, a bundle, a folder of them) or --synthetic"
        )
    if network not in NETWORKS:
        raise InputError("unknown network", where="--network", value=network, allowed=", ".join(NETWORKS))
    at_least("--seed", seed, 0)
    at_least("--epochs", epochs, 1, 1000)
    at_least("--members", members, 1, 20)
    at_least("--babies", babies, LEAST, 1_000_000)
    begin = _start(start, synthetic)
    if out.exists() and not out.is_dir():
        raise InputError("is not a folder", where=f"-o {out}", allowed="a folder, new or old")
    for package in ("torch", "onnx"):
        if importlib.util.find_spec(package) is None:
            raise InputError(f"training needs {package}", where="kidney train", remedy="pip install 'dosetwin[learn]'")
    from dosetwin.forecast.kidney.training.network import Architecture

    cell, _, base = network.partition("-")
    settings: dict[str, Any] = {"architecture": Architecture(cell=cell, base=base or "filter")}
    settings |= {} if epochs is None else {"epochs": epochs}
    console = terminal(error=as_json)
    console.print(NOTICE, style="dim")
    with _bar() as tell:
        if synthetic:
            from dosetwin.calibrate.kidney_training import BABIES, train_on_truth_A

            kidney = train_on_truth_A(
                out, seed=seed, babies=babies or BABIES, noise=noise, members=members, progress=tell, start=begin, date=date,
                held_out=min(4000, max(LEAST, (babies or BABIES) // 5)), **settings,
            )  # fmt: skip
            left: list[Finding] = []
        else:
            assert data is not None
            kidney, left = _on_records(data, out, seed, begin, members, settings, drug, date, tell)
    if as_json:
        print_json({"folder": str(out), "card": dict(kidney.card), "findings": [f.to_json() for f in left]})
        return
    show_findings(console, left)
    _show_card(console, kidney, out)


def _start(start: str, synthetic: bool) -> Path | None:
    from dosetwin.forecast.kidney.learned import SHIPPED

    if start == "auto":
        return None if synthetic else SHIPPED
    if start == "none":
        return None
    return SHIPPED if start == "shipped" else Path(start)


def _on_records(
    data: Path, out: Path, seed: int, start: Path | None, members: int, settings: dict[str, Any], drug: str | None, date: str,
    tell: "Progress",
) -> "tuple[LearnedKidney, list[Finding]]":  # fmt: skip
    """Train on a hospital's own babies: measured values alone, whole babies held out, going on from ``start``."""
    from dataclasses import replace

    import numpy as np

    from dosetwin.cli.kidney_data import read_records
    from dosetwin.forecast.kidney.learned import sha256_of
    from dosetwin.forecast.kidney.training.loop import ANEW, ONWARD
    from dosetwin.forecast.kidney.training.targets import TrainingBaby, teachable
    from dosetwin.forecast.kidney.training.train import train

    records = read_records(data, drug)
    findings = [f for r in records for f in r.findings]
    kept = [TrainingBaby(r) for r in records if teachable(r) and len(r.time)]
    order = np.random.default_rng([seed, 3]).permutation(len(kept))
    held = set(order[: len(kept) // HELD_OUT].tolist())
    taught, tested = ([b for k, b in enumerate(kept) if (k in held) == side] for side in (False, True))
    if min(len(taught), len(tested)) < LEAST:
        raise InputError(
            "too few usable babies to train and calibrate on", where=data.name, value=len(kept),
            allowed=f">= {LEAST * HELD_OUT} with a creatinine and without errors",
            remedy=findings_lines(findings)[0] if findings else "bring more babies",
        )  # fmt: skip
    files = sorted(data.glob("*.json")) if data.is_dir() else [data]
    told = {
        "source": f"records of {data.name}",
        "synthetic": False,
        "sha256": sha256_of(b"".join(f.read_bytes() for f in files)),
        "left_out": len(records) - len(kept),
    }
    kidney = train(
        taught, tested, out, seed=seed, members=members, settings=replace(ONWARD if start else ANEW, **settings), start=start,
        data=told, date=date, progress=tell,
    )  # fmt: skip
    return kidney, findings


@contextmanager
def _bar() -> "Iterator[Progress]":
    """A progress bar on stderr that says what is being done; nothing where stderr is no terminal."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = terminal(error=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1)
        yield lambda what, done, of: bar.update(task, description=what, completed=done, total=of)


def _show_card(console: Any, kidney: "LearnedKidney", out: Path) -> None:
    card = kidney.card
    data, networks = card["data"], f"{card['members']} networks of {card['parameters_per_member']:,} parameters"
    console.print(f"Learned kidney in {safe(out)}: {networks}", style="bold")
    console.print(f"  data: {safe(data.get('source'))}{' (synthetic)' if data.get('synthetic') else ''}")
    console.print(f"  babies: {card['babies']['training']:,} to train on, {card['babies']['calibration']:,} held out")
    second = card.get("second")
    if second:
        console.print(f"  second structure: {second['structure']}, share {second['share']:g}")
    console.print(f"  SHA-256 of the weights: {card['sha256_of_weights']}")
    for who, metrics in card["metrics_on_calibration_babies"].items():
        console.print(f"  babies {who}:")
        for name, values in metrics.items():
            if None not in values:
                console.print(f"    {name}: {', '.join(f'{v:.3f}' for v in values)} mg/dL at +24, +48, +72 h")


def kidney_predict(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A FHIR bundle (JSON) or a long CSV (docs/kidney.md).")],
    weights: Annotated[Path | None, typer.Option("--weights", metavar="DIR", help="Folder of weights. Default: shipped.")] = None,
    now: Annotated[float | None, typer.Option("--now", metavar="H", help="Hours after birth. Default: the last record.")] = None,
    hours: Annotated[list[float], typer.Option("--hours", help="Hours ahead; repeatable. Default: 24 48 72.")] = [],  # noqa: B006
    baby: Annotated[str | None, typer.Option("--id", help="Which newborn of a CSV.")] = None,
    drug: Annotated[str | None, typer.Option("--drug", help="Which drug, where a bundle holds several.")] = None,
    as_json: Json = False,
) -> int:
    """A newborn's creatinine in the next days with its uncertainty; exit code 3 when the learned kidney declines."""
    from dosetwin.cli.kidney_data import read_records
    from dosetwin.forecast.kidney.answer import HOURS
    from dosetwin.forecast.kidney.learned import load
    from dosetwin.forecast.kidney.warning import injury_risk

    record = _one(read_records(case, drug), case, baby)
    if now is not None:
        if not 0.0 <= now <= 1e5:
            raise InputError("not an age", where="--now", value=now, allowed="hours after birth, >= 0")
        record = record.until(now)
    kidney = load(weights)
    answer = kidney.forecast(record, tuple(sorted(hours)) or HOURS)
    risk = injury_risk(record, answer)
    if as_json:
        body = answer.to_json() | {"patient": record.id, "now_h": record.now, "notice": NOTICE}
        body["probability_of_injury"] = {"criteria": risk.criteria.tolist(), "unexpected": risk.unexpected.tolist()}
        body["weights_sha256"], body["card_sha256"] = kidney.card["sha256_of_weights"], kidney.card["sha256_of_card"]
        print_json(body)
        return 0 if answer.ok else 3
    console = terminal()
    last = "no creatinine yet"
    if len(record.scr):
        last = f"last creatinine {record.scr[-1]:.2f} mg/dL (IDMS) {record.now - record.time[-1]:.0f} h ago"
    who = f"Newborn {safe(record.id)}: GA {record.GA:.1f} wk, {record.BW:.2f} kg, day {record.now / 24:.1f}"
    console.print(f"{who}; {last}", style="bold")
    console.print(NOTICE, style="dim")
    if not answer.ok:
        console.print(safe(answer.refusal.message if answer.refusal else ""), style="bold red")
    else:
        from dosetwin.cli.show import grid

        table = grid(("in", "creatinine mg/dL", "90 % interval", "a laboratory would report", "injury"), (0, 1, 2, 3, 4))
        latent, measured = answer.mg_per_dL(), answer.mg_per_dL(measured=True)
        for k, h in enumerate(answer.hours):
            table.add_row(
                f"{h:g} h", f"{latent[k, 2]:.2f}", f"{latent[k, 0]:.2f} to {latent[k, 4]:.2f}",
                f"{measured[k, 0]:.2f} to {measured[k, 4]:.2f}", f"{100 * risk.criteria[k]:.0f} %",
            )  # fmt: skip
        console.print(table)
        console.print("injury: probability that KDIGO's creatinine criteria (stage 1) are met then", style="dim")
    show_findings(console, answer.findings)
    return 0 if answer.ok else 3


def _one(records: "list[WardRecord]", case: Path, baby: str | None) -> "WardRecord":
    if baby is not None:
        found = [r for r in records if r.id == baby]
        if not found:
            raise InputError("no such newborn", where=case.name, value=baby, allowed=", ".join(r.id for r in records[:10]))
        return found[0]
    if len(records) != 1:
        raise InputError("a case is one newborn", where=case.name, value=len(records), allowed="1", remedy="name one with --id")
    return records[0]

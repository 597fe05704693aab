"""``dosetwin trial``: a design run on virtual patients into a folder: results per chunk, summary, tables, figures, report."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import at_least, plain, print_json, progress, terminal, write_whole
from dosetwin.cli.options import Json
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dosetwin.trial.runner import Run
    from dosetwin.trial.study import Study


PER_TABLE = 6
"""Arms beside each other in the terminal."""


def trial(
    name: Annotated[str, typer.Argument(metavar="DESIGN", help="A design file (./mine.toml) or the name of a shipped one.")],
    out: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT/", help="Folder of the results; run again to continue a run.")
    ],
    n: Annotated[int | None, typer.Option("-n", help="Number of patients, instead of the design's.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed, instead of the design's.")] = None,
    workers: Annotated[int, typer.Option("--workers", help="How many chunks at once.")] = 1,
    by: Annotated[str, typer.Option("--by", help="Workers as threads or processes.")] = "threads",
    cluster: Annotated[
        str, typer.Option("--cluster", metavar="local|ADDRESS", help="On Dask: a local cluster, or a scheduler's address.")
    ] = "",
    as_json: Json = False,
) -> int:
    """Policies compared on virtual patients, as a design says; resumable; exit code 1 when chunks are missing."""
    at_least("--workers", workers, 1, 512)
    at_least("-n", n, 1)
    at_least("--seed", seed, 0)
    from dosetwin import studies
    from dosetwin.trial import analysis, runner

    plan = studies.load(name).with_n(n, seed)
    with progress(f"trial {plan.name}", plan.n) as tell:
        found = runner.run(plan, out, workers=workers, by=by, cluster=cluster, tell=tell)  # type: ignore[arg-type]
    if not any((out / "chunks").glob(f"{plan.who[1]}-*.parquet")):
        raise InputError("no chunk could be run", where=str(out), value="; ".join(sorted(set(found.lost.values()))))
    body = analysis.summary(analysis.results(plan, out))
    told = words(found, len(plan.arms), workers, by, cluster)
    body["run"] = told
    write(out, body, plan, told)
    if as_json:
        print_json(body)
    else:
        show(terminal(), body, plan, out, told)
    return 1 if found.lost else 0


def words(found: "Run", arms: int, workers: int, by: str, cluster: str) -> dict[str, Any]:
    """What the run says of itself, for the report."""
    lost = [{"first": c[0], "last": c[0] + c[1] - 1, "why": why} for c, why in sorted(found.lost.items())]
    where = f"Dask ({cluster})" if cluster else f"{workers} {'worker' if workers == 1 else by}"
    spent = f"{found.ran} chunks run in {found.seconds:.1f} s on {where}, {found.kept} kept from before"
    return {"lost": lost, "chunks": found.kept + found.ran + len(lost), "words": spent, "seconds": found.seconds}


def write(out: Path, body: dict[str, Any], plan: Any, told: dict[str, Any]) -> None:
    """Summary (JSON and Markdown), the design, figures and the report into the folder, each whole."""
    from dosetwin.report.trial_figures import by_group, differences, pareto
    from dosetwin.report.trial_page import trial_page, trial_tables

    # seconds differ from run to run; what was found does not
    lasting = {k: v for k, v in body.items() if k != "run"}
    write_whole(out / "summary.json", json.dumps(plain(lasting), indent=1, allow_nan=False) + "\n")
    write_whole(out / "summary.md", trial_tables(body, plan))
    for name, shown in (
        ("pareto", pareto(body)), ("differences", differences(body, body["reference"])),
        ("subgroups", by_group(body, "loss", body["reference"]) if "loss" in plan.endpoints else None),
    ):  # fmt: skip
        if shown is not None:
            write_whole(out / f"{name}.svg", shown.svg.replace("currentColor", "#1a1d21"))
    write_whole(out / "report.html", trial_page(body, plan, told))


def show(console: "Console", body: dict[str, Any], plan: "Study", out: Path, told: dict[str, Any]) -> None:
    """The short table in the terminal."""
    from rich.table import Table

    from dosetwin.report.trial_figures import number
    from dosetwin.report.trial_page import claim_rows
    from dosetwin.studies import told as of

    _, many, virtual = plan.who
    console.print(f"{body['n']} virtual {virtual} in every arm; {told['words']}", style="bold")
    for arm, count in body["failures"].items():
        if count:
            console.print(f"{arm}: {count} {many} could not be dosed and are left out of every arm", style="yellow")
    arms = list(body["arms"])
    for block in (arms[i : i + PER_TABLE] for i in range(0, len(arms), PER_TABLE)):
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column("mean (MC error)", no_wrap=True)
        for arm in block:
            table.add_column(arm, justify="right", no_wrap=True)
        for e in of(body).main:
            if e in body["arms"][block[0]]:
                cells = (body["arms"][a][e] for a in block)
                table.add_row(e, *(f"{number(c['mean'])} ({number(c['se'])})" for c in cells))
        console.print(table)
    for row in claim_rows(body):
        console.print(
            f"  {row['verdict']}: {row['text']}: {row['found']}", style="bold red" if row["verdict"] == "MISSED" else None
        )
    for lost in told["lost"]:
        console.print(f"  missing: {many} {lost['first']} to {lost['last']}: {lost['why']}", style="bold red")
    console.print(f"report: {out / 'report.html'}")

"""``dosetwin replay``: would the twin have predicted past patients' levels better than the model alone?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import (
    at_least,
    csv_text,
    naming,
    opened,
    output_path,
    print_json,
    progress,
    rule_of,
    show_findings,
    terminal,
    write_whole,
)  # fmt: skip
from dosetwin.cli.options import Covariates, Data, Json, LeaveOut, Map, ModelName, Report, Seed
from dosetwin.cli.place import opened_place, place_therapy
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dosetwin.declare import Therapy
    from dosetwin.evaluate.replay import Replay


def replay(
    model_name: ModelName,
    data: Data,
    seed: Seed = 1,
    draws: Annotated[int, typer.Option("--draws", help="Draws behind the intervals.")] = 1000,
    measures: Annotated[
        str | None, typer.Option("--measures", help="Which quantity is scored. Default: the first output measured.")
    ] = None,
    covariates: Covariates = "locf",
    mapping: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    report: Report = None,
    forecasts: Annotated[
        Path | None, typer.Option("--forecasts", metavar="FILE", help="Also every single forecast, as a table.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Forecast each level of past patients from the data before it: would the twin have known better than the model alone?"""
    rule = rule_of(covariates)
    at_least("--draws", draws, 100, 100_000)
    at_least("--seed", seed, 0)
    page, single = output_path("--report", report, [data]), output_path("--forecasts", forecasts, [data])
    if page is not None and page == single:
        raise InputError("the same file as --report", where=f"--forecasts {forecasts}", remedy="choose another name")
    if (therapy := place_therapy(model_name)) is not None:
        if page is not None or mapping or leave_out:
            raise InputError("not for a place", where="--report, --map and --leave-out", allowed="--forecasts and --json")
        _of_place(therapy, data, seed, draws, measures or "taken", single, as_json)
        return
    table = opened(model_name, data, mapping, leave_out)
    model, timelines = table.model, table.timelines
    from dosetwin.evaluate.replay import replay

    with progress(f"replaying {model.name}", len(timelines)) as tell, naming(data):
        found = replay(model, timelines, seed=seed, draws=draws, rule=rule, measures=measures, progress=tell)
    findings = list(dict.fromkeys((*table.findings, *found.findings)))
    if page is not None:
        from dosetwin.report.replay_page import replay_page

        write_whole(page, replay_page(found, model, source=data.name, data=data.read_bytes(), findings=findings))
    if single is not None:
        write_whole(single, csv_text([dict(vars(f)) for f in found.forecasts]))
    if as_json:
        body = found.to_json(forecasts=single is not None)
        print_json({**body, "unused_columns": list(table.unused), "findings": [f.to_json() for f in findings]})
        return
    console = terminal()
    show(console, found)
    show_findings(console, findings)
    for path, what in ((page, "report"), (single, "every forecast")):
        if path is not None:
            console.print(f"{what}: {path}")


def _of_place(therapy: "Therapy", data: Path, seed: int, draws: int, measures: str, single: Path | None, as_json: bool) -> None:
    """The days of a place foretold, as text or JSON."""
    from dosetwin.evaluate.place import replay_place

    place, _ = opened_place(data, therapy)
    with progress(f"replaying {place.name}", 1) as tell, naming(data):
        found = replay_place(therapy, place, seed=seed, draws=draws, measures=measures, progress=tell)  # type: ignore[arg-type]
    if single is not None:
        write_whole(single, csv_text([dict(vars(f)) for f in found.forecasts]))
    body = found.to_json(forecasts=single is not None)
    if as_json:
        print_json(body)
        return
    console = terminal()
    console.print(
        f"{body['n_days']} days of {found.place}: {body['text']}, {found.therapy}, {found.draws} draws, seed {found.seed}",
        style="bold",
    )
    console.print(
        "Each day is foretold from what was known when it began. A priori: as declared. A posteriori: with what was seen."
    )
    console.print(_errors(body, "people"))
    if single is not None:
        console.print(f"every forecast: {single}")


def _errors(body: dict[str, Any], unit: str) -> "Table":
    """Errors and coverage before and after what was learned."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for title in ("bias MPE %", "MAPE %", f"RMSE {unit}", "within 20 %", "within 30 %", "in 50 % band", "in 90 % band"):
        table.add_column(title, justify="right")
    for title, key in (("a priori", "a_priori"), ("a posteriori", "a_posteriori")):
        table.add_row(title, *_row(body[key]), style="bold" if key == "a_posteriori" else None)
    return table


def show(console: "Console", found: "Replay") -> None:
    """The tables of a replay: before and after the patient's own levels, and by level number."""
    from rich.table import Table

    body = found.to_json()
    console.print(
        f"{body['n_subjects']} patients, {body['n_levels']} levels of {found.measures or 'the first output'} ({found.unit}), "
        f"model {found.model}, covariates {found.rule}, {found.draws} draws, seed {found.seed}",
        style="bold",
    )
    console.print(
        f"Each level is forecast from what was known before it. A priori: typical patient. A posteriori: with the patient's own "
        f"earlier levels. Compared on the {body['n_headline']} {body['headline']}."
    )
    console.print(_errors(body, found.unit))
    if body["n_after_doubt"]:
        after = body["after_doubt"]["a_posteriori"]
        console.print(
            f"{body['n_after_doubt']} forecasts follow a level that may be wrong: MAPE {_text(after['mape'])} %, "
            f"in 90 % band {_text(body['after_doubt']['coverage90'])} %."
        )
    numbers = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("level number", "patients", "a priori MAPE %", "a posteriori MAPE %", "in 90 % band %"):
        numbers.add_column(title, justify="right")
    for line in body["by_level_number"]:
        before, after = line["a_priori"], line["a_posteriori"]
        shown = [_text(before["mape"]), _text(after["mape"]), _text(line["coverage90"])]
        numbers.add_row(str(line["number"]), str(line["n_levels"]), *shown)
    console.print(numbers)


def _text(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _row(errors: dict[str, Any]) -> list[str]:
    rmse = "-" if errors["rmse"] is None else f"{errors['rmse']:.2f}"
    return [_text(errors["mpe"]), _text(errors["mape"]), rmse] + [
        _text(errors[k]) for k in ("f20", "f30", "coverage50", "coverage90")
    ]

"""``dosetwin retro``: a hospital's past patients; how well the twin forecast their levels, what each policy would have said."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import (
    at_least,
    csv_text,
    mapping_of,
    naming,
    output_path,
    print_json,
    progress,
    rule_of,
    show_findings,
    sound,
    terminal,
    write_whole,
)  # fmt: skip
from dosetwin.cli.options import Covariates, Json, LeaveOut, Map, Report, Seed
from dosetwin.errors import Finding, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dosetwin.declare import Goal, Model
    from dosetwin.records import Timeline


def retro(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Past patients: .csv table, FHIR bundle, or folder of bundles.")],
    model_name: Annotated[
        str | None, typer.Option("--model", metavar="MODEL", help="Model of the twins. Default: the therapy's own.")
    ] = None,
    therapy_name: Annotated[
        str | None,
        typer.Option(
            "--therapy",
            metavar="NAME",
            help="Goals and rules: a listed name or a file of your own. Default: the model's drug's own.",
        ),
    ] = None,
    policies: Annotated[
        list[str], typer.Option("--policy", metavar="NAME", help="Policy to compare; repeatable. Default: all and the twin.")
    ] = [],  # noqa: B006
    turnaround: Annotated[float, typer.Option("--turnaround", help="Hours until a level was known.")] = 3.0,
    draws: Annotated[int, typer.Option("--draws", help="Posterior draws behind every prediction.")] = 300,
    seed: Seed = 1,
    covariates: Covariates = "locf",
    mapping: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    report: Report = None,
    rows: Annotated[Path | None, typer.Option("--rows", metavar="FILE", help="Also every dose and policy, as a table.")] = None,
    as_json: Json = False,
) -> None:
    """A hospital's past patients: forecast errors, what each policy would have said, and the predicted difference."""
    rule = rule_of(covariates)
    at_least("--draws", draws, 100, 20_000)
    at_least("--seed", seed, 0)
    if not 0.0 <= turnaround <= 72.0:
        raise InputError("hours until a level is known", where="--turnaround", value=turnaround, allowed="0 to 72")
    page, table = output_path("--report", report, [data]), output_path("--rows", rows, [data])
    from dosetwin import formulary, models

    therapy = formulary.therapy(therapy_name) if therapy_name is not None else None
    if therapy is not None and therapy.kind != "patient":
        remedy = f"of a place: dosetwin replay {therapy.name} TABLE" if therapy.kind == "place" else ""
        raise InputError(
            "past patients are asked about a therapy of patients", where="--therapy", value=therapy.name, remedy=remedy
        )
    if model_name is None:
        therapy = therapy or formulary.therapies()[0]
        model_name = therapy.models[0]
    model = models.load(model_name)
    timelines, remarks, unused = patients(data, mapping, model)
    timelines, more = sound(timelines, model, leave_out)
    from dosetwin.evaluate.replay import replay
    from dosetwin.evaluate.retro import TABLES, TWIN, judged, retro

    therapy = therapy or next(iter(formulary.about(model.drug)), None)
    if therapy is None:
        raise InputError("no therapy for the model's drug", where=model.name, value=model.drug,
                         remedy="give one: --therapy NAME, or a file of your own")  # fmt: skip
    if therapy.drug.name != model.drug:
        raise InputError("model and therapy are about different drugs", where="--therapy", value=therapy.drug.name,
                         allowed=model.drug)  # fmt: skip
    own = [r.name for r in therapy.rules]
    chosen = policies or [*(TABLES if set(own) & set(TABLES) else own), TWIN]
    judged(therapy)
    with progress("forecasting each level", len(timelines)) as tell, naming(data):
        forecast = replay(model, timelines, seed=seed, draws=max(draws, 100), rule=rule, measures=model.drug, progress=tell)
    with progress("asking each policy", len(timelines)) as tell, naming(data):
        found = retro(
            model, timelines, therapy, policies=chosen, turnaround=turnaround, draws=draws, seed=seed, rule=rule, progress=tell
        )
    findings = list(dict.fromkeys((*remarks, *more, *found.findings)))
    body: dict[str, Any] = {"model": model.name, "source": data.name, "turnaround_h": turnaround, "seed": seed, "draws": draws}
    body["therapy"], body["judged"] = therapy.name, _titles(judged(therapy))
    body |= {"forecast": forecast.to_json(), **found.to_json(), "unused_columns": list(unused),
             "findings": [f.to_json() for f in findings]}  # fmt: skip
    if page is not None:
        from dosetwin.report.retro_page import retro_page

        write_whole(page, retro_page(body, model, findings))
    if table is not None:
        write_whole(table, csv_text(body["rows"]))
    if as_json:
        print_json(body)
        return
    console = terminal()
    show(console, body)
    show_findings(console, findings)
    for path, what in ((page, "report"), (table, "every dose and policy")):
        if path is not None:
            console.print(f"{what}: {path}")


def _titles(goals: "tuple[Goal | None, Goal | None, Goal | None]") -> dict[str, str]:
    """What each probability is of, in the words of the therapy's goals."""
    said = {key: g for key, g in zip(("p_peak", "p_trough", "p_toxic"), goals, strict=True) if g is not None}
    titles = {key: f"P({'not ' if key == 'p_toxic' else ''}{g.what} {g.border()})" for key, g in said.items()}
    return titles | {"p_joint": "P(both)" if {"p_peak", "p_trough"} <= set(said) else "P(all)"}


READS = frozenset({"WT", "GA", "PNA", "PMA", "BW", "IBU", "ASPHYXIA", "COOLING"})
"""Columns that dosing tables and policies use beside the model."""


def patients(data: Path, mapping: list[str], model: "Model") -> "tuple[list[Timeline], list[Finding], tuple[str, ...]]":
    """Timelines from a table (CSV), one FHIR bundle (JSON) or a folder of bundles, one patient each. Raises InputError."""
    if data.is_dir():
        from dosetwin.io.case import read_case

        files = sorted(p for p in data.iterdir() if p.suffix.lower() == ".json")
        if not files:
            raise InputError("no bundles in the folder", where=str(data), allowed="FHIR R4 bundles, NAME.json, one patient each")
        read = [read_case(p, model.drug) for p in files]
        return read, [f for t in read for f in t.findings], ()
    if data.suffix.lower() == ".json":
        from dosetwin.io.case import read_case

        one = read_case(data, model.drug)
        return [one], list(one.findings), ()
    from dosetwin.cli.common import read_data

    if mapping_of(mapping) or data.name.lower().endswith((".csv", ".csv.gz")):
        from dosetwin.simulate.measured import bound

        timelines, echo = read_data(data, mapping)
        with naming(data):
            known = bound(model, timelines, echo.columns, unread=echo.unread, header=echo.header, source=data.name, reads=READS)
        return known.timelines, [*echo.findings, *known.findings], known.unused
    raise InputError("not past patients", where=data.name, allowed="a .csv table, a FHIR bundle (.json), or a folder of bundles")


def show(console: "Console", body: dict[str, Any]) -> None:
    """Forecast errors, the comparison by policy and the caveats."""
    from rich.table import Table

    from dosetwin.report.trial_figures import number

    forecast = body["forecast"]
    after, before = forecast["a_posteriori"], forecast["a_priori"]
    console.print(f"{body['patients']} patients, {body['doses']} doses compared, model {body['model']}", style="bold")
    for title, e in (("a priori", before), ("with the patient's own earlier levels", after)):
        if e["mape"] is not None:
            console.print(
                f"forecast {title}: bias {e['mpe']:.1f} %, MAPE {e['mape']:.1f} %, RMSE {e['rmse']:.2f} mg/L, {e['n']} levels"
            )
    table = Table(box=None, pad_edge=False, header_style="bold")
    shown_of = [k for k in body["judged"] if any(k in c for c in body["compared"].values())]
    for title in ("policy", "doses", "silent", *(body["judged"][k] for k in shown_of), "all, minus given (95 %)"):
        table.add_column(title, justify="left" if title == "policy" else "right")
    for name, c in body["compared"].items():
        gap = c.get("p_joint_difference")
        shown = "" if gap is None else f"{number(gap['mean'])} ({number(gap['low'])} to {number(gap['high'])})"
        cells = [number(c[k]["mean"]) if k in c else "" for k in shown_of]
        table.add_row(name, str(c["doses"]), str(c["silent"]), *cells, shown, style="bold" if name == "twin" else None)
    console.print(table)
    for line in body["caveats"]:
        console.print(f"  - {line}", style="dim")

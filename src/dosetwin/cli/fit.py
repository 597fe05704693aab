"""``dosetwin fit``: each subject of a table fitted alone."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import (
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
from dosetwin.cli.options import Covariates, Data, Json, LeaveOut, Map, ModelName
from dosetwin.errors import InputError, UnknownName


def fit(
    model_name: ModelName,
    data: Data,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
    records: Annotated[
        Path | None, typer.Option("--records", metavar="FILE", help="Also PRED and IPRED of every level, as a table.")
    ] = None,
    covariates: Covariates = "locf",
    prior: Annotated[
        str, typer.Option("--prior", help="weighed: as advise weighs levels; normal: the MAP of other programs, every level in.")
    ] = "weighed",
    mapping: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    as_json: Json = False,
) -> None:
    """Each subject's random effects, standard errors, individual parameters, objective value, and records in doubt."""
    rule = rule_of(covariates)
    if prior not in ("weighed", "normal"):
        raise UnknownName("unknown prior", where="--prior", value=prior, allowed="weighed, normal")
    if out is None and not as_json:
        raise InputError("no output named", where="-o", remedy="add -o OUT.csv, or --json")
    target, second = output_path("-o", out, [data]), output_path("--records", records, [data])
    if target is not None and target == second:
        raise InputError("the same file as -o", where=f"--records {records}", remedy="choose another name")
    table = opened(model_name, data, mapping, leave_out)
    model, timelines = table.model, table.timelines
    from dosetwin.infer.fit import fit

    with progress(f"fitting {model.name}", len(timelines)) as tell, naming(data):
        fits = fit(model, timelines, rule=rule, prior=prior, progress=tell)
    if not any(f.n_levels for f in fits):
        allowed = ", ".join(o.measures for o in model.outputs.values())
        raise InputError("the data hold no level the model predicts", where=data.name, allowed=allowed)
    first = next(iter(model.outputs))
    levels = [
        {"ID": f.subject, "TIME": r.time, "MEASURES": model.outputs[model.measured_by(r.measures) or first].measures,
         "DV": r.observed,
         "BLQ": int(r.blq), "PRED": r.PRED, "IPRED": r.IPRED, "PERCENTILE": r.percentile, "P_WRONG": r.p_wrong,
         "RECORD": r.record}
        for f in fits for r in f.records
    ]  # fmt: skip
    if target is not None:
        write_whole(target, csv_text([f.row() for f in fits]))
    if second is not None:
        write_whole(second, csv_text(levels))
    findings = list(dict.fromkeys((*table.findings, *(x for f in fits for x in f.findings))))
    objective = sum(f.objective for f in fits)
    if as_json:
        print_json({
            "model": model.name, "covariates": rule, "prior": prior, "n_subjects": len(fits), "n_levels": len(levels),
            "objective": objective,
            "not_converged": [f.subject for f in fits if not f.converged], "subjects": [f.row() for f in fits], "records": levels,
            "output": None if target is None else str(target), "unused_columns": list(table.unused),
            "findings": [f.to_json() for f in findings],
        })  # fmt: skip
        return
    console = terminal()
    console.print(f"{len(fits)} subjects, {len(levels)} levels fitted with {model.name}, covariates {rule}: {target}")
    if second is not None:
        console.print(f"  PRED and IPRED per level: {second}")
    console.print(f"  sum of the objective values: {objective:.4f} (individual MAP, not a population likelihood)")
    doubted = sum(f.n_doubted for f in fits)
    if doubted and prior == "weighed":
        said = "as advise weighs them; those more probably wrong than not do not count"
        console.print(f"  {doubted} levels are doubted ({said}); --prior normal fits every level", style="bold")
    lost = [f.subject for f in fits if not f.converged]
    if lost:
        console.print(f"  NOT CONVERGED: {', '.join(lost[:20])}", style="bold red")
    show_findings(console, findings)

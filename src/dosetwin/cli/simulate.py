"""``dosetwin simulate``: predictions at the observation records of a table, typical and as percentiles."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

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
from dosetwin.cli.options import Covariates, Data, Json, LeaveOut, Map, ModelName, Seed
from dosetwin.errors import Failure, Finding, InputError

PERCENTILES = (5, 25, 50, 75, 95)


def simulate(
    model_name: ModelName,
    data: Data,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
    draws: Annotated[
        int | None, typer.Option("--draws", help="Also percentiles P05 P25 P50 P75 P95 of what would be measured, from N draws.")
    ] = None,
    individual: Annotated[
        bool, typer.Option("--individual", help="Draws from each subject's posterior instead of the population.")
    ] = False,
    residual: Annotated[
        bool, typer.Option("--residual/--no-residual", help="Percentiles with or without residual error.")
    ] = True,
    seed: Seed = 1,
    covariates: Covariates = "locf",
    mapping: Map = [],  # noqa: B006
    leave_out: LeaveOut = False,
    as_json: Json = False,
) -> None:
    """Predictions at every observation record (and EVID 2 record) of a table: ID, TIME, PRED and every output."""
    rule = rule_of(covariates)
    at_least("--draws", draws, 20, 100_000)
    at_least("--seed", seed, 0)
    if individual and draws is None:
        raise InputError("--individual needs draws", where="--draws", remedy="add --draws 1000")
    if out is None and not as_json:
        raise InputError("no output named", where="-o", remedy="add -o OUT.csv, or --json")
    target = output_path("-o", out, [data])
    read = opened(model_name, data, mapping, leave_out, measure=individual)
    model, timelines = read.model, read.timelines
    with progress(f"simulating {model.name}", len(timelines)) as tell, naming(data):
        rows, failures, findings = table(
            model,
            timelines,
            rule=rule,
            draws=draws,
            individual=individual,
            residual=residual,
            seed=seed,
            source=data.name,
            tell=tell,
        )
    if target is not None:
        write_whole(target, csv_text(rows))
    findings = [*read.findings, *findings]
    findings += [Finding("error", f.code, str(f.subject), f"not simulated: {f.message}") for f in failures]
    settings = {
        "model": model.name, "covariates": rule, "draws": draws, "seed": seed if draws else None,
        "percentiles_of": None if not draws else ("posterior" if individual else "population"),
        "residual_error": residual if draws else None, "n_subjects": len(timelines), "n_rows": len(rows),
    }  # fmt: skip
    if as_json:
        body = {
            **settings,
            "output": None if target is None else str(target),
            "unused_columns": list(read.unused),
            "findings": [f.to_json() for f in findings],
        }
        print_json(body if target is not None else {**body, "rows": rows})
        return
    console = terminal()
    console.print(f"{len(rows)} predictions for {len(timelines)} subjects with {model.name}, covariates {rule}: {target}")
    for name, o in model.outputs.items():
        console.print(f"  {name}: {o.text}" + (f", {o.unit}" if o.unit != "1" else ""))
    if draws:
        whose = "of each subject's posterior" if individual else "of the population"
        error = "with residual error: what would be measured" if residual else "without residual error"
        console.print(f"  P05 ... P95: percentiles {whose}, {draws} draws, seed {seed}, {error}")
    show_findings(console, findings)


def _asked(timeline: Any) -> list[Any]:
    """Observation and EVID 2 records in the order of the file."""
    from dosetwin.simulate.measured import FROM_COLUMN

    both = [*(o for o in timeline.observations if o.assay != FROM_COLUMN), *timeline.asked]
    return sorted(both, key=lambda o: (o.time, o.after_dose, int(o.record.rpartition(":")[2] or 0)))


def table(
    model: Any, timelines: list[Any], *, rule: Any, draws: int | None, individual: bool, residual: bool, seed: int, source: str,
    tell: Callable[[int, int], None],
) -> tuple[list[dict[str, Any]], tuple[Failure, ...], tuple[Finding, ...]]:  # fmt: skip
    """Rows ID, TIME, PRED, percentiles, every output; what could not be simulated; what the covariate policies remarked.

    ``PRED`` (and plain P05 ...) is the output the record measures (its DVID), else the model's first output. Rows of a subject
    that failed are missing values.
    """
    import numpy as np

    from dosetwin.simulate import schedule_many, simulate

    wanted = [_asked(t) for t in timelines]
    if not any(wanted):
        raise InputError(
            "no record to predict at", where=source, allowed="observation records, or EVID 2", remedy="add records with EVID 2"
        )
    names = list(model.outputs)
    for records in wanted:
        for o in records:
            if model.measured_by(o.measures) is None:
                allowed = ", ".join(f"{i} or {x.measures}" for i, x in enumerate(model.outputs.values(), 1))
                raise InputError(
                    "the model predicts no such quantity", where=o.record, value=o.measures, allowed=f"DVID {allowed}"
                )
    schedule = schedule_many(
        model, timelines, [np.array([o.time for o in w], dtype=float) for w in wanted],
        after=[np.array([o.after_dose for o in w], dtype=bool) for w in wanted], rule=rule,
    )  # fmt: skip
    typical = simulate(model, schedule)
    rows: list[dict[str, Any]] = []
    failures = list(typical.failures)
    for c, (timeline, records) in enumerate(zip(timelines, wanted, strict=True)):
        value = typical.value[typical.ptr[c] : typical.ptr[c + 1]]
        quantiles = None
        if draws and typical.ok[c] and records:
            quantiles, failure = _quantiles(
                model, timeline, schedule, c, draws=draws, individual=individual, residual=residual, seed=seed, rule=rule
            )
            failures += failure
        for i, o in enumerate(records):
            own = names.index(model.measured_by(o.measures))
            ok = bool(typical.ok[c])
            row: dict[str, Any] = {"ID": timeline.patient.id, "TIME": o.time, "PRED": float(value[i, own]) if ok else None}
            for k, p in enumerate(PERCENTILES if draws else ()):
                row[f"P{p:02d}"] = None if quantiles is None else float(quantiles[k, i, own])
            for j, name in enumerate(names):
                row[name] = float(value[i, j]) if ok else None
                for k, p in enumerate(PERCENTILES if draws else ()):
                    row[f"{name}_P{p:02d}"] = None if quantiles is None else float(quantiles[k, i, j])
            rows.append(row)
        tell(c + 1, len(timelines))
    return rows, tuple(failures), tuple(schedule.findings)


def _quantiles(model: Any, timeline: Any, schedule: Any, course: int, *, draws: int, individual: bool, residual: bool, seed: int,
               rule: Any) -> tuple[Any, list[Failure]]:  # fmt: skip
    """[percentiles, n_times, n_outputs] of one subject, from a random stream of its own; None and why when all draws failed."""
    import numpy as np

    from dosetwin.decide.sampling_time import noisy
    from dosetwin.infer import posterior
    from dosetwin.simulate import predict
    from dosetwin.streams import stream

    rng = stream(seed, "simulate", model.name, timeline.patient.id)
    if individual:
        eta = posterior(model, timeline, draws=draws, seed=seed, rule=rule).draws
        full = len(model.eta_names) + schedule.occasions * len(model.kappa_names)
        if eta.shape[1] < full:  # occasions that only other subjects have
            extra = model.omega_for(schedule.occasions)[eta.shape[1] :, eta.shape[1] :]
            eta = np.hstack([eta, rng.standard_normal((draws, full - eta.shape[1])) * np.sqrt(np.diag(extra))])
    else:
        omega = model.omega_for(schedule.occasions)
        values, vectors = np.linalg.eigh(omega)
        eta = rng.standard_normal((draws, len(omega))) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T
    found = predict(model, schedule, eta, course=course)
    if not found.ok.any():
        return None, [Failure(timeline.patient.id, "all_draws_failed", "no draw could be simulated")]
    value = found.value[found.ok]
    if residual:
        for j, output in enumerate(model.outputs.values()):
            value[:, :, j] = noisy(value[:, :, j], output.residual, rng)
    failed = int((~found.ok).sum())
    remark = [Failure(timeline.patient.id, "some_draws_failed", f"{failed} of {draws} draws failed")] if failed else []
    return np.quantile(value, [p / 100 for p in PERCENTILES], axis=0), remark

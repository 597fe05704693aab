"""Newborns' kidney records from files: the long CSV of ``trial.kidney_export``, a FHIR bundle, or a folder of bundles."""

from dataclasses import replace
from math import isfinite
from pathlib import Path

from dosetwin.errors import Finding, InputError
from dosetwin.forecast.kidney.record import FLAGS, WardRecord, from_timeline, ward_record
from dosetwin.io.table import MISSING, is_number, read_rows
from dosetwin.io.text import read_bytes
from dosetwin.quantities.assays import ASSAYS, creatinine

NEEDED = ("ID", "TIME", "DV", "UNIT", "GA", "BW")
"""Columns a CSV cannot go without: TIME h after birth, DV creatinine in UNIT, GA wk, BW kg."""


def read_records(path: Path, drug: str | None = None) -> list[WardRecord]:
    """Every newborn of a CSV, a FHIR bundle, or a folder of bundles; ``drug`` as in ``read_bundle``.

    What is wrong with a value is a finding of its baby's record. Raises InputError for a file that cannot be read at all.
    """
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            raise InputError("no FHIR bundle in this folder", where=str(path), remedy="name one with .json bundles, or a CSV")
        return [record for file in files for record in read_records(file, drug)]
    if read_bytes(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        from dosetwin.io.fhir import read_bundle

        timeline = read_bundle(path, drug)
        found = from_timeline(timeline)
        return [replace(found, findings=(*found.findings, *(f for f in timeline.findings if f.severity != "info")))]
    return read_long(path)


def read_long(path: Path) -> list[WardRecord]:
    """Every newborn of a long CSV: one row per charted day or creatinine, columns as in ``trial.kidney_export.COLUMNS``.

    Beyond NEEDED: ASSAY, SEX (1 boys), CAESAREAN, WT kg and the flags, where they exist. A row without a number in DV is a day.
    Raises InputError without the needed columns or with a TIME that is no number.
    """
    table = read_rows(path)
    name, header, rows, lines = table.name, table.header, table.rows, table.lines
    at = {h.upper(): k for k, h in enumerate(header)}
    missing = [column for column in NEEDED if column not in at]
    if missing:
        raise InputError(
            f"no column {', '.join(missing)}", where=f"{name}:1", allowed=f"{', '.join(NEEDED)} and more",
            remedy="TIME in hours after birth, DV creatinine in UNIT; see docs/kidney.md",
        )  # fmt: skip
    babies: dict[str, list[tuple[int, list[str]]]] = {}
    for line, row in zip(lines, rows, strict=True):
        if not is_number(row[at["TIME"]]):
            raise InputError("TIME is not a number", where=f"{name}:{line}", value=row[at["TIME"]], allowed="hours after birth")
        babies.setdefault(row[at["ID"]].strip(), []).append((line, row))
    return [_record(who, some, at, name) for who, some in babies.items()]


def _number(row: list[str], at: dict[str, int], column: str) -> float | None:
    cell = row[at[column]].strip() if column in at else ""
    return float(cell) if is_number(cell) else None


def _record(who: str, rows: list[tuple[int, list[str]]], at: dict[str, int], name: str) -> WardRecord:
    findings: list[Finding] = []
    times, values, assay = [], [], ""
    for line, row in rows:
        cell = row[at["DV"]].strip()
        event = _number(row, at, "EVID")
        if cell in MISSING or (event is not None and event != 0):
            continue
        scr, method, remarks = _creatinine(row, at, f"{name}:{line}")
        findings += remarks
        if scr is not None:
            times.append(float(row[at["TIME"]]))
            values.append(scr)
            assay = method
    charted = [row for _, row in rows if (_number(row, at, "EVID") or 0) != 0] or [row for _, row in rows]
    weights = sorted({float(r[at["TIME"]]): w for r in charted if (w := _number(r, at, "WT")) is not None}.items())
    ordered = sorted((row for _, row in rows), key=lambda r: float(r[at["TIME"]]))
    flags = {flag: series for flag in FLAGS if flag in at and (series := _changes(ordered, at, flag))[0]}

    def first(column: str, default: float) -> float:
        return next((v for _, row in rows if (v := _number(row, at, column)) is not None), default)

    # an assay that nobody states is remarked on once, by the record itself
    findings = [f for f in findings if f.code != "creatinine_assay_unknown" or f.severity == "error"]
    return ward_record(
        who, first("GA", float("nan")), first("BW", float("nan")), times, values, now=float(ordered[-1][at["TIME"]]),
        weight=(tuple(t for t, _ in weights), tuple(w for _, w in weights)), flags=flags, male=first("SEX", 0.5),
        caesarean=first("CAESAREAN", 0.5), assay=assay if times else "idms", findings=tuple(findings),
    )  # fmt: skip


def _creatinine(row: list[str], at: dict[str, int], where: str) -> tuple[float | None, str, list[Finding]]:
    """mg/dL IDMS and assay of a row, or None with the finding that says why."""
    cell, unit = row[at["DV"]].strip(), row[at["UNIT"]].strip()
    assay = row[at["ASSAY"]].strip().lower() if "ASSAY" in at else ""
    assay = "" if assay.upper() in MISSING else assay
    remarks: list[Finding] = []
    if assay not in ("", *ASSAYS):
        text = "creatinine assay not known; taken as enzymatic, IDMS-traceable"
        remarks.append(Finding("warning", "creatinine_assay_unknown", where, text, assay, ", ".join(ASSAYS)))
        assay = ""
    value = float(cell) if is_number(cell) else float("nan")
    if not isfinite(value) or value <= 0:
        text = "creatinine must be a positive number"
        return None, assay, [Finding("error", "creatinine_implausible", where, text, cell, "> 0 to 20 mg/dL", "correct it")]
    try:
        found = creatinine(value, unit, assay, record=where)
    except InputError as error:
        return None, assay, [Finding("error", "unit_unknown", where, error.message, unit, error.allowed, error.remedy)]
    remarks += found.findings
    wrong = any(f.severity == "error" for f in found.findings)
    return (None if wrong else found.value), assay or "unknown", remarks


def _changes(rows: list[list[str]], at: dict[str, int], flag: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """When a charted flag changed: times h and values; empty when it was never up."""
    times: list[float] = []
    values: list[float] = []
    now = 0.0
    for row in rows:
        value = _number(row, at, flag)
        if value is not None and (value > 0.5) != (now > 0.5):
            now = float(value > 0.5)
            times.append(max(float(row[at["TIME"]]), 0.0))
            values.append(now)
    return tuple(times), tuple(values)

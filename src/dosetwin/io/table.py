"""A text table as rows of cells and named columns: strict, and every error names the file and the line."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dosetwin.errors import Finding, InputError, UnknownName
from dosetwin.io.text import number, read_text

STANDARD = (
    "ID",
    "TIME",
    "AMT",
    "RATE",
    "EVID",
    "CMT",
    "II",
    "ADDL",
    "SS",
    "DV",
    "MDV",
    "DVID",
    "OCC",
    "BLQ",
    "LOQ",
    "CENS",
    "LIMIT",
)
MISSING = frozenset({"", ".", "NA"})
MOST_TOLD = 500
"""Of things wrong in one table; the rest is counted."""


def read_rows(source: Any) -> tuple[str, list[str], list[list[str]], list[int], list[Finding]]:
    """Name, header, cells, line number of each row."""
    findings: list[Finding] = []
    if hasattr(source, "to_csv"):
        name, text = "table", source.to_csv(index=False)
    else:
        name, text = Path(source).name, read_text(Path(source))
    first = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = next((d for d in (",", ";", "\t") if d in first), ",")
    if delimiter != ",":
        findings.append(Finding("info", "delimiter", name, f"fields are separated by {delimiter!r}"))
    header: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    uneven: list[InputError] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in reader:
            if not row or row[0].startswith("#") or (len(row) == 1 and not row[0].strip()):
                continue
            if not header:
                header = [cell.strip() for cell in row]
                continue
            if len(row) != len(header):
                place = f"{name}:{reader.line_num}"
                uneven.append(InputError("wrong number of fields", where=place, value=len(row), allowed=str(len(header))))
                continue
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"not readable as CSV ({error})", where=f"{name}:{reader.line_num}") from None
    if not header:
        raise InputError("the file is empty", where=name, allowed="a header line and records")
    if all(is_number(cell) or cell in MISSING for cell in header):
        raise InputError(
            "the header line is missing",
            where=f"{name}:1",
            value=",".join(header)[:60],
            allowed="column names such as ID,TIME,AMT,DV",
        )
    raise_all(uneven)
    if not rows:
        raise InputError("the file has a header but no records", where=name)
    return name, header, rows, lines, findings


def raise_all(found: Sequence[InputError]) -> None:
    """Raise the first error, which then names the others too; nothing where there is none."""
    if found:
        e, *others = found
        if len(found) > MOST_TOLD:
            others = [
                *others[: MOST_TOLD - 1],
                InputError(f"{len(found) - MOST_TOLD} more are wrong", where=e.where.partition(":")[0]),
            ]
        raise InputError(e.message, where=e.where, value=e.value, allowed=e.allowed, remedy=e.remedy, others=others)


def is_number(cell: str) -> bool:
    """Whether a cell is a finite decimal number (Python's ``1_0`` is not)."""
    return number(cell) is not None


def find_columns(name: str, header: list[str], mapping: Mapping[str, str], findings: list[Finding]) -> dict[str, int]:
    """Canonical name -> column index."""
    upper = [h.upper() for h in header]
    for i, h in enumerate(upper):
        if not h:
            raise InputError(f"column {i + 1} has no name", where=f"{name}:1")
        if h in upper[:i]:
            raise InputError("two columns have the same name", where=f"{name}:1", value=header[i])
    where: dict[str, int] = {}
    taken: set[int] = set()
    for wanted, column in mapping.items():
        if column in header:
            index = header.index(column)
        elif column.upper() in upper:
            index = upper.index(column.upper())
        else:
            raise UnknownName(f"no column for {wanted}", where=f"{name}:1", value=column, allowed=", ".join(header))
        key = wanted.upper() if wanted.upper() in STANDARD else wanted
        where[key] = index
        taken.add(index)
        findings.append(Finding("info", "column_mapped", name, f"{key} is column {header[index]}"))
    for index, h in enumerate(header):
        if index in taken:
            continue
        # an all-lower-case covariate column is the model's upper-case name; mixed case is kept as written
        key = h.upper() if h.upper() in STANDARD or h.islower() else h
        if key in where:
            findings.append(
                Finding("info", "column_unused", name, f"column {h} is not used: {key} was mapped to {header[where[key]]}")
            )
            continue
        where[key] = index
    for needed in ("ID", "TIME"):
        if needed not in where:
            raise InputError(
                f"no {needed} column",
                where=f"{name}:1",
                value=",".join(header)[:120],
                remedy=f"name it, or map it: {needed}=<column>",
            )
    if "AMT" not in where and "DV" not in where:
        raise InputError(
            "neither AMT nor DV", where=f"{name}:1", value=",".join(header)[:120], remedy="map them: AMT=<column>, DV=<column>"
        )
    return where

"""A text table as rows of cells and named columns: strict, and every error names the file and the line."""

import csv
import gzip
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dosetwin.errors import Finding, InputError, UnknownName
from dosetwin.io.text import number, read_bytes, text_of

STANDARD = (
    "ID", "TIME", "DATE", "DAT1", "DAT2", "DAT3", "AMT", "RATE", "DUR", "EVID", "CMT", "II", "ADDL", "SS", "DV", "MDV", "DVID",
    "OCC", "BLQ", "LOQ", "CENS", "LIMIT",
)  # fmt: skip
SYNONYMS = {**dict.fromkeys(("DURATION", "TINF", "INFDUR", "INF_DUR", "DURINF", "INFTIME"), "DUR"),
            **dict.fromkeys(("LLOQ", "LLQ"), "LOQ"), **dict.fromkeys(("BLOQ", "BQL", "BLLOQ"), "BLQ"),
            **dict.fromkeys(("YTYPE", "OBSID", "DVTYPE"), "DVID")}  # fmt: skip
"""Other names of a standard column, upper case."""
MISSING = frozenset({"", ".", "NA"})
MOST_TOLD = 500
"""Of things wrong in one table; the rest is counted."""
MOST_BYTES = 1 << 30
"""Of an unpacked table: a guard against a file that unpacks without end."""
_UNIT = re.compile(r"(\w+)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+")


@dataclass
class Rows:
    """A table as text: ``name``, ``header``, cells and line number of each row, and what was left out on the way."""

    name: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    findings: list[Finding]
    unread: list[str] = field(default_factory=list)


def read_rows(source: Any) -> Rows:
    """A file (UTF-8, also packed as .gz) or a data frame; comments and blank columns are left out, and said."""
    findings: list[Finding] = []
    if hasattr(source, "to_csv"):
        name, text = "table", source.to_csv(index=False)
    else:
        name, text = Path(source).name, unpacked_text(Path(source), findings)
    first = next((line for line in text.splitlines() if line.strip() and line[0] not in "#@"), "")
    delimiter = max((",", ";", "\t", "|"), key=first.count)
    if delimiter not in first:
        delimiter = " " if len(first.split()) > 1 else ","
    if delimiter != ",":
        findings.append(Finding("info", "delimiter", name, f"fields are separated by {delimiter!r}"))
    if delimiter == " ":
        text = "\n".join(line.strip() for line in text.splitlines())
    header: list[str] = []
    hidden: list[str] = []
    rows: list[list[str]] = []
    lines: list[int] = []
    comments: list[int] = []
    uneven: list[InputError] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=delimiter == " ")
    try:
        for row in reader:
            if not row or (len(row) == 1 and not row[0].strip()):
                continue
            if row[0].startswith(("#", "@")):
                names = [row[0].lstrip("#@ ").strip(), *(cell.strip() for cell in row[1:])]
                if not header and {"ID", "TIME"} <= {cell.upper() for cell in names}:
                    hidden = names  # #ID,TIME,... as some NONMEM files have it
                comments.append(reader.line_num)
                continue
            if not header and len(row) == len(hidden) and "ID" not in (cell.strip().upper() for cell in row):
                header, comments = hidden, comments[:-1]
            if not header:
                header = [cell.strip() for cell in row]
                continue
            if len(row) > len(header) and not any(cell.strip() for cell in row[len(header) :]):
                row = row[: len(header)]  # blank columns beyond the header, as spreadsheets write them
            if len(row) != len(header):
                place = f"{name}:{reader.line_num}"
                uneven.append(InputError("wrong number of fields", where=place, value=len(row), allowed=str(len(header)),
                                         remedy="write decimal points, or separate by semicolons; quote text"))  # fmt: skip
                continue
            rows.append(row)
            lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"not readable as CSV ({error})", where=f"{name}:{reader.line_num}") from None
    if not header:
        raise InputError("the file is empty", where=name, allowed="a header line and records", remedy="export or save it again")
    if all(is_number(cell) or cell in MISSING for cell in header) and any(header):
        raise InputError(
            "the header line is missing",
            where=f"{name}:1",
            value=",".join(header)[:60],
            allowed="column names such as ID,TIME,AMT,DV",
        )
    raise_all(uneven)
    table = Rows(name, header, rows, lines, findings)
    _say_comments(table, comments, "begin with # or @")
    _without_comments(table)
    if not table.rows:
        raise InputError(
            "the file has a header but no records",
            where=name,
            allowed="a header line and records",
            remedy="write a line for each dose, measurement or change below the header",
        )
    _without_blank_columns(table)
    _decimal_commas(table, delimiter)
    return table


def unpacked_text(path: Path, findings: list[Finding]) -> str:
    """The text of a file, also of one packed with gzip, which is said. Raises InputError naming the file."""
    raw = read_bytes(path)
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.open(io.BytesIO(raw)) as stream:
                raw = stream.read(MOST_BYTES + 1)
        except (OSError, EOFError, ValueError) as error:
            raise InputError(f"not readable as gzip ({error})", where=path.name) from None
        except Exception as error:  # zlib.error is no OSError
            raise InputError(f"not readable as gzip ({type(error).__name__})", where=path.name) from None
        if len(raw) > MOST_BYTES:
            raise InputError("the table is too long when unpacked", where=path.name, allowed=f"{MOST_BYTES >> 30} GiB")
        findings.append(Finding("info", "unpacked", path.name, "the file is packed with gzip"))
    for mark, what in ((b"PK\x03\x04", "a zip or Excel file"), (b"BZh", "packed with bzip2"), (b"\xfd7zXZ", "packed with xz"),
                       (b"\xd0\xcf\x11\xe0", "an Excel file"), (b"PAR1", "a Parquet file")):  # fmt: skip
        if raw.startswith(mark):
            raise InputError(f"the file is {what}", where=path.name, allowed="text (CSV), or text packed as .gz",
                             remedy="save it as CSV UTF-8")  # fmt: skip
    return text_of(raw, path.name)


def _say_comments(table: Rows, lines: Sequence[int], why: str) -> None:
    if lines:
        shown = ", ".join(map(str, lines[:8])) + (", ..." if len(lines) > 8 else "")
        message = f"{len(lines)} lines {why} and are not records: line {shown}"
        table.findings.append(Finding("info", "lines_ignored", table.name, message, len(lines)))


def _without_comments(table: Rows) -> None:
    """Leave out the rows marked in a column C (NONMEM's IGNORE=C), the first column or one that holds nothing but marks."""
    at = next((i for i, h in enumerate(table.header) if h.upper() == "C"), None)
    if at is None:
        return
    marks = {row[at].strip() for row in table.rows} - MISSING
    if not (marks <= {"C", "c", "#", "@"} and (marks or at == 0)):
        return
    marked = [i for i, row in enumerate(table.rows) if row[at].strip() not in MISSING]
    _say_comments(table, [table.lines[i] for i in marked], f"are marked in the column {table.header[at]}")
    keep = [i for i in range(len(table.rows)) if i not in set(marked)]
    table.rows[:] = [table.rows[i][:at] + table.rows[i][at + 1 :] for i in keep]
    table.lines[:] = [table.lines[i] for i in keep]
    del table.header[at]


def _without_blank_columns(table: Rows) -> None:
    blank = [i for i, h in enumerate(table.header) if not h and not any(row[i].strip() for row in table.rows)]
    if blank:
        message = f"{len(blank)} columns have no name and no values"
        table.findings.append(Finding("info", "blank_columns", table.name, message, len(blank)))
        table.header[:] = [h for i, h in enumerate(table.header) if i not in blank]
        table.rows[:] = [[cell for i, cell in enumerate(row) if i not in blank] for row in table.rows]


def _decimal_commas(table: Rows, delimiter: str) -> None:
    """Read ``70,5`` where nothing speaks against it. Raises InputError where a comma could group thousands."""
    commas: list[tuple[int, int]] = []
    point = None
    for i, row in enumerate(table.rows):
        for j, cell in enumerate(row):
            if "," in cell and _DECIMAL_COMMA.fullmatch(cell.strip()):
                commas.append((i, j))
            elif point is None and "." in cell and is_number(cell):
                point = (i, j)
    if not commas:
        return
    i, j = commas[0]
    where = f"{table.name}:{table.lines[i]}"
    if point is not None:
        raise InputError(f"{table.header[j]} has a decimal comma where other cells have a decimal point", where=where,
                         value=table.rows[i][j], remedy=f"write points throughout, as line {table.lines[point[0]]}")  # fmt: skip
    for at in dict.fromkeys(j for _, j in commas):
        cells = [(i, table.rows[i][at].strip()) for i, j in commas if j == at]
        if all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", cell) for _, cell in cells):
            i, cell = cells[0]
            raise InputError(f"{table.header[at]}: the comma may be a decimal or group thousands",
                             where=f"{table.name}:{table.lines[i]}", value=cell, remedy="write a decimal point")  # fmt: skip
        for i, cell in cells:
            table.rows[i][at] = cell.replace(",", ".")
        table.findings.append(
            Finding("warning", "decimal_comma", table.name, f"column {table.header[at]}: the comma is read as the decimal mark",
                    cells[0][1], "", "write a decimal point"))  # fmt: skip


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


def find_columns(table: Rows, mapping: Mapping[str, str]) -> tuple[dict[str, int], dict[str, str]]:
    """Canonical name -> column index, and the unit that a header states (``WT (kg)``) by canonical name."""
    name, header, findings = table.name, table.header, table.findings
    upper = [h.upper() for h in header]
    for i, h in enumerate(upper):
        if not h:
            raise InputError(f"column {i + 1} has no name", where=f"{name}:1")
        if h in upper[:i]:
            raise InputError("two columns have the same name", where=f"{name}:1", value=header[i])
    where: dict[str, int] = {}
    taken: set[int] = set()

    def index_of(wanted: str, column: str) -> int:
        if column in header:
            return header.index(column)
        if column.upper() in upper:
            return upper.index(column.upper())
        raise UnknownName(f"no column for {wanted}", where=f"{name}:1", value=column, allowed=", ".join(header))

    for column in filter(None, mapping.get("IGNORE", "").split(",")):
        taken.add(index_of("IGNORE", column))
        table.unread.append(header[index_of("IGNORE", column)])
    for wanted, column in mapping.items():
        if wanted == "IGNORE":
            continue
        index = index_of(wanted, column)
        key = wanted.upper() if wanted.upper() in STANDARD else wanted
        where[key] = index
        taken.add(index)
        findings.append(Finding("info", "column_mapped", name, f"{key} is column {header[index]}"))
    units: dict[str, str] = {}
    for index, h in enumerate(header):
        if index in taken:
            continue
        found = _UNIT.fullmatch(h)
        word = found[1] if found else h
        # an all-lower-case covariate column is the model's upper-case name; mixed case is kept as written
        key = word.upper() if word.upper() in STANDARD or word.islower() else word
        key = SYNONYMS.get(key.upper(), key)
        if key in where and index not in taken:
            if where[key] not in taken:
                raise InputError(f"two columns mean {key}", where=f"{name}:1", value=f"{header[where[key]]}, {h}",
                                 remedy=f"leave one out: --map IGNORE={h}")  # fmt: skip
            findings.append(
                Finding("info", "column_unused", name, f"column {h} is not used: {key} was mapped to {header[where[key]]}")
            )
            table.unread.append(h)
            continue
        where[key] = index
        if found:
            units[key] = found[2]
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
    dates = [k for k in ("DATE", "DAT1", "DAT2", "DAT3") if k in where]
    if len(dates) > 1:
        raise InputError(
            "two date columns", where=f"{name}:1", value=", ".join(dates), remedy="keep one: --map IGNORE=<the other>"
        )
    return where, units

"""What every command shares: options checked, files written whole or not at all, JSON to stdout, progress to stderr."""

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dosetwin import words
from dosetwin.errors import Finding, InputError, UnknownName, one_line

if TYPE_CHECKING:
    from rich.console import Console

    from dosetwin.declare import Model
    from dosetwin.io.nonmem import Echo
    from dosetwin.records import Timeline

RULES = ("locf", "nocb", "linear")
SHOWN = 12
"""Findings shown one by one in the terminal; the rest is counted (``--json`` and the report give all)."""


def rule_of(name: str) -> Literal["locf", "nocb", "linear"]:
    """A covariate rule by name. Raises UnknownName."""
    if name not in RULES:
        raise UnknownName("unknown rule for covariates", where="--covariates", value=name, allowed=", ".join(RULES))
    return name  # type: ignore[return-value]


def at_least(option: str, value: int | None, least: int, most: int = 10_000_000) -> None:
    """Refuse a count outside ``least``..``most`` (None passes)."""
    if value is not None and not least <= value <= most:
        raise InputError("number not accepted", where=option, value=value, allowed=f"{least} to {most}")


def spoken(language: str) -> None:
    """Refuse a language nobody wrote a catalogue for. Raises InputError."""
    if not words.known(language):
        raise InputError("no such language", where="--language", value=language, allowed=", ".join(words.LANGUAGES))


def mapping_of(words: Sequence[str]) -> dict[str, str]:
    """``["WT=WGT"]`` -> {"WT": "WGT"}: the model's name on the left, the file's column (or code, ``CMT:2``) on the right.

    ``IGNORE`` on the left leaves a column, or observations of a code, out; it may be repeated.
    """
    out: dict[str, str] = {}
    for word in words:
        name, sign, column = word.partition("=")
        name, column = name.strip(), column.strip()
        if not (sign and name and column):
            raise InputError(
                "not a mapping", where="--map", value=word, allowed="NAME=COLUMN, for example WT=WGT, SCR=CMT:2 or IGNORE=WARD"
            )
        if name == "IGNORE" and name in out:
            column = f"{out[name]},{column}"
        elif name in out:
            raise InputError("mapped twice", where="--map", value=name)
        out[name] = column
    return out


def read_data(path: Path, mapping: Sequence[str]) -> "tuple[list[Timeline], Echo]":
    """The subjects of a NONMEM-style table, each with the findings of the record checks that concern it."""
    from dosetwin.io.nonmem import read_table
    from dosetwin.simulate import memory

    if path.is_file():
        memory.enough(
            memory.A_TABLE * path.stat().st_size, "this table", where=path.name, remedy="cut it into files of fewer subjects"
        )
    return read_table(path, mapping_of(mapping))


def needed(model: "Model", timelines: "Sequence[Timeline]", path: Path) -> None:
    """Refuse a table that has no column at all for a covariate the model cannot go without; names file, column and remedy."""
    from dataclasses import fields

    known = {c.name for t in timelines for c in t.covariates if math.isfinite(c.value)} | {
        o.measures for t in timelines for o in t.observations
    }
    known |= {f.name for t in timelines[:1] for f in fields(t.patient) if getattr(t.patient, f.name) is not None}
    for name, cov in model.covs.items():
        if name not in known and cov.missing == "refuse" and not cov.flag and not cov.age:
            raise InputError(
                f"no column for the covariate {name} that {model.name} needs", where=path.name, value=None,
                allowed=f"{name} in {cov.unit}", remedy=f"add it, or map it: --map {name}=<column>",
            )  # fmt: skip


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Put the file's name in front of an error about its content that does not say it."""
    try:
        yield
    except InputError as error:
        if path.name in str(error):
            raise
        raise InputError(str(error), where=path.name) from None


def sound(timelines: "Sequence[Timeline]", model: "Model", leave_out: bool) -> "tuple[list[Timeline], list[Finding]]":
    """The subjects whose records have no errors, and the findings of the record checks.

    A subject with errors (a weight in grams, a level before the first dose, ...) would give a number that looks like any other.
    Raises InputError for the first such error, unless ``leave_out``: then those subjects are left out, and the findings say so.
    """
    from dosetwin.checks.record import check

    # a table may hold undosed subjects, and weights matter to models that use them
    skip = {"no_doses"} | ({"no_weight"} if "WT" not in model.covs else set())
    found = [[f for f in check(t) if f.code not in skip] for t in timelines]
    # a dose odd for this drug (grams for milligrams) is a warning in a table, where a study may have given it on purpose
    odd = [[f for f in check(replace(t, drug=t.drug or model.drug)) if f.code == "dose_implausible"] for t in timelines]
    found = [
        [*few, *(replace(f, severity="warning") for f in more if f.record not in {x.record for x in few if x.code == f.code})]
        for few, more in zip(found, odd, strict=True)
    ]
    # two results of one sample are an error at the bedside and a replicate in a study: a table keeps both, and says so
    found = [[replace(f, severity="warning") if f.code == "conflicting_values" else f for f in few] for few in found]
    errors = [[f for f in few if f.severity == "error"] for few in found]
    if any(errors) and not leave_out:
        first = next(few[0] for few in errors if few)
        more = sum(map(len, errors)) - 1
        raise InputError(
            first.message, where=first.record, value=first.value, allowed=first.allowed,
            remedy="; ".join(filter(None, [first.remedy, f"and {more} more such errors" if more else "",
                                           "correct the records, or add --leave-out to go on without those subjects"])),
        )  # fmt: skip
    kept = [t for t, few in zip(timelines, errors, strict=True) if not few]
    if not kept:
        raise InputError("every subject has errors in its records", where="--leave-out", remedy="correct the records")
    left = [
        Finding("error", "subject_left_out", f"patient {t.patient.id}", "left out because of errors in the records")
        for t, few in zip(timelines, errors, strict=True)
        if few
    ]
    return kept, [*left, *(f for few in found for f in few)]


@dataclass(frozen=True)
class Opened:
    """A table read for a model: sound subjects, remarks of reader, model and checks, and the columns that were not used."""

    model: "Model"
    timelines: "list[Timeline]"
    findings: list[Finding]
    unused: tuple[str, ...]


def opened(
    model_name: str,
    path: Path,
    mapping: Sequence[str],
    leave_out: bool,
    *,
    reads: frozenset[str] = frozenset(),
    measure: bool = True,
) -> Opened:
    """What every command on a table begins with; ``reads`` and ``measure`` as in ``bound``.

    Raises InputError for a table or a model that cannot be used.
    """
    timelines, echo = read_data(path, mapping)
    from dosetwin import models
    from dosetwin.simulate.measured import bound

    model = models.load(model_name)
    with naming(path):
        known = bound(
            model, timelines, echo.columns, unread=echo.unread, header=echo.header, source=path.name, reads=reads, measure=measure
        )
    needed(model, known.timelines, path)
    timelines, remarks = sound(known.timelines, model, leave_out)
    return Opened(model, timelines, [*echo.findings, *known.findings, *remarks], known.unused)


# ------------------------------------------------------------------------------------------------------------- output


def output_path(option: str, path: Path | None, inputs: Iterable[Path] = ()) -> Path | None:
    """Refuse, before any work is done, an output that could not be written or that is one of the inputs."""
    if path is None:
        return None
    where = f"{option} {path}"
    try:
        target = path.resolve()
        if target.is_dir():
            raise InputError("is a folder", where=where, allowed="the name of a file")
        if target.exists() and not target.is_file():
            raise InputError("is not a regular file", where=where, allowed="the name of a file")
        if not target.parent.is_dir():
            raise InputError("the folder does not exist", where=where, remedy=f"make {target.parent} first")
        if not os.access(target.parent, os.W_OK):
            raise InputError("the folder cannot be written to", where=where)
        for source in inputs:
            if source.exists() and (source.resolve() == target or (target.exists() and os.path.samefile(source, target))):
                raise InputError("the output would overwrite the input", where=where, remedy="choose another name")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be used ({getattr(error, 'strerror', None) or error})", where=where) from None
    return target


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all: into a temporary file beside it, then moved into place."""
    temporary = path.with_name(f".{path.name[:80]}.{os.getpid()}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror or error})", where=str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)


def plain(value: Any) -> Any:
    """``value`` as JSON can carry it: numbers that are not finite become null, numpy scalars plain numbers."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_json(data: Any) -> None:
    """One JSON document on stdout and nothing else there."""
    sys.stdout.write(json.dumps(plain(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def cell(value: Any) -> str:
    """A table cell: numbers to 10 digits, nan and None as NONMEM's missing ``.``."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "."
    if isinstance(value, bool):
        return str(int(value))
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; the header is the union of their keys in order of appearance."""
    import csv
    import io

    header = list(dict.fromkeys(key for row in rows for key in row))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([cell(row.get(key)) for key in header] for row in rows)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------------- terminal


def terminal(*, error: bool = False) -> "Console":
    """A console on stdout (or stderr) that is wide enough for the tables when the output goes to a file or a pipe."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    wide = None if stream.isatty() else 120
    return Console(file=stream, width=wide, highlight=False, markup=False, emoji=False)


def safe(text: object) -> str:
    """Text from a record, harmless on a terminal: one line, no control characters."""
    return one_line(str(text))


@contextmanager
def progress(text: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
    """A bar (or a spinner without ``total``) on stderr that goes away when done; nothing where stderr is no terminal.

    Yields ``tell(done, total)``.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = terminal(error=True)
    parts = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    parts += [BarColumn(), MofNCompleteColumn()] if total else []
    with Progress(*parts, TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=total)
        yield lambda done, of: bar.update(task, completed=done, total=of)


def findings_lines(findings: Iterable[Finding]) -> list[str]:
    """Findings for the terminal: worst first, alike ones counted once with their first example."""
    rank = {"error": 0, "warning": 1, "info": 2}
    groups: dict[tuple[str, str], list[Finding]] = {}
    for f in findings:
        groups.setdefault((f.severity, f.code), []).append(f)
    lines = []
    for (_, _), found in sorted(groups.items(), key=lambda item: rank[item[0][0]]):
        more = f"  (and {len(found) - 1} more like it)" if len(found) > 1 else ""
        lines.append(str(found[0]) + more)
    hidden = len(lines) - SHOWN
    return lines if hidden <= 0 else [*lines[:SHOWN], f"... and {hidden} more kinds of findings (see --json)"]


def show_findings(console: "Console", findings: Iterable[Finding]) -> None:
    """Print ``findings_lines`` with the colour of their severity."""
    colours = {"error": "bold red", "warning": "yellow", "info": "dim"}
    for line in findings_lines(findings):
        console.print("  " + line, style=colours.get(line.split(" ", 1)[0], "dim"), soft_wrap=True)

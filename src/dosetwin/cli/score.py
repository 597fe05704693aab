"""``dosetwin score``: a published score on a table of people, a line each, with the reason where it has no answer."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import naming, output_path, print_json, safe, terminal
from dosetwin.cli.lines import deliver, heads
from dosetwin.cli.options import Json, Map
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.io.table import Rows
    from dosetwin.outcomes.scores import Score


def score(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A score; without one they are listed.")] = None,
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATA.csv]", help="A line per person; without it the score's card.")
    ] = None,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
    mapping: Map = [],  # noqa: B006
    ahead: Annotated[int | None, typer.Option("--ahead", metavar="YEARS", help="Watch each person over these years.")] = None,
    border: Annotated[
        list[str], typer.Option("--border", metavar="ANSWER>=VALUE", help="What is watched; repeatable: which passes first?")
    ] = [],  # noqa: B006
    drift: Annotated[
        list[str], typer.Option("--drift", metavar="COLUMN=CHANGE", help="Change a year, in the column's unit; age by itself.")
    ] = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """Published scores: their list, a card, or their answer for each line of a table."""
    from dosetwin.outcomes import scores

    if name is None:
        found = [scores.load(n) for n in scores.names()]
        if as_json:
            print_json([{"name": s.name, "title": s.title, "source": s.source} for s in found])
            return
        for s in found:
            terminal().print(safe(f"{s.name:14} {s.title}"))
        return
    chosen = scores.load(name)
    if data is None:
        _card(chosen, as_json)
        return
    from dosetwin.io.table import read_rows

    target = output_path("--output", out, [data])
    with naming(data):
        table = read_rows(data)
        watched = _watched(chosen, ahead, border, drift)
        header, added, rows = _answered(chosen, table, mapping, watched)
    lines = ([row[h] for h in (*header, *added)] for row in rows)
    deliver([*header, *added], lines, rows, as_json, target)


def _card(s: "Score", as_json: bool) -> None:
    columns = [{"name": c.name, "text": c.text, "unit": c.unit, "low": c.low, "high": c.high, "needed": c.needed,
                "also": [*c.units, *c.words]} for c in s.columns]  # fmt: skip
    if as_json:
        print_json({"name": s.name, "title": s.title, "source": s.source, "provenance": s.provenance, "note": s.note,
                    "labels": list(s.labels), "columns": columns, "answers": dict(s.answers)})  # fmt: skip
        return
    from dosetwin.cli.show import grid

    console = terminal()
    console.print(safe(f"{s.name}: {s.title}"), style="bold")
    console.print(safe(f"Source: {s.source} [{s.provenance}]" + (f"; {s.note}" if s.note else "")))
    if s.labels:
        console.print(safe(f"Labels: {', '.join(s.labels)}"))
    table = grid(("column", "what", "unit", "from", "to", "or"))
    for c in s.columns:
        table.add_row(*map(safe, (c.name + ("" if c.needed else " (optional)"), c.text, c.unit, f"{c.low:g}", f"{c.high:g}",
                                  " ".join([*(f"[{u}]" for u in c.units), *c.words]))))  # fmt: skip
    console.print(table)
    for key, text in s.answers.items():
        console.print(safe(f"{key}: {text}"))


def _watched(
    s: "Score", years: int | None, border: Sequence[str], drift: Sequence[str]
) -> "Callable[[dict[str, Any]], dict[str, Any]] | None":
    """What the options of watching ask of each person; None where they ask nothing. Raises InputError for half of them."""
    from dosetwin.io.table import is_number
    from dosetwin.outcomes.scores.ahead import Border, watch

    if years is None and not border and not drift:
        return None
    if s.of is None:
        raise InputError("this score needs all lines of a table and cannot be watched", where="--ahead", value=s.name)
    if years is None or not border:
        raise InputError("watching needs both", where="--ahead, --border", allowed="--ahead YEARS --border ANSWER>=VALUE")
    borders = [Border.read(word, s) for word in border]
    change = {}
    for word in drift:
        name, sign, number = word.partition("=")
        if not sign or name not in {c.name for c in s.columns} or not is_number(number):
            raise InputError("not a drift", where="--drift", value=word, allowed="COLUMN=CHANGE, of " + ", ".join(
                c.name for c in s.columns))  # fmt: skip
        change[name] = float(number)

    def asked(person: dict[str, Any]) -> dict[str, Any]:
        first, year, ended = watch(s, person, change, borders, years)
        return {"FIRST": first or None, "YEAR": year, "WATCH_ENDED": ended or None}

    return asked


def _answered(
    s: "Score", table: "Rows", mapping: Sequence[str], watched: "Callable[[dict[str, Any]], dict[str, Any]] | None" = None
) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """The table's own columns, those that are added, and a row for each answer."""
    from dosetwin.errors import UnknownUnit
    from dosetwin.io.table import MISSING

    columns = {c.name: c for c in s.columns}
    known = (*columns, *s.labels)
    at: dict[str, tuple[int, float | Callable[[float], float]]] = {}
    meaning = heads(table, mapping, lambda word: next((n for n in known if n in (word, word.upper())), None))
    for i, (head, (key, unit)) in enumerate(zip(table.header, meaning, strict=True)):
        if key not in known:
            continue
        factor: float | Callable[[float], float] = 1.0
        if unit and key in columns and unit != columns[key].unit:
            if unit not in columns[key].units:
                allowed = ", ".join((columns[key].unit, *columns[key].units))
                raise UnknownUnit("unit of a column", where=f"{table.name}: {head}", value=unit, allowed=allowed)
            factor = columns[key].units[unit]
        at[key] = (i, factor)
    if missing := [c.name for c in s.columns if c.needed and c.name not in at]:
        raise InputError("the score needs columns that are not there", where=table.name, value=", ".join(missing),
                         remedy=f"dosetwin score {s.name} shows its card; --map {missing[0]}=COLUMN names another")  # fmt: skip
    read = []
    for row in table.rows:
        values: dict[str, Any] = {label: row[at[label][0]].strip() for label in s.labels if label in at}
        why = ""
        for key, column in columns.items():
            cell_ = row[at[key][0]].strip() if key in at else ""
            if cell_ in MISSING:
                why = why or (f"{key} is missing" if column.needed else "")
                continue
            try:
                values[key] = column.value(cell_, at[key][1])
            except InputError as error:
                why = why or str(error)
        read.append((values, why))
    if s.rows is not None:
        return _of_all(s, table, read)
    added = [*s.answers, *(("FIRST", "YEAR", "WATCH_ENDED") if watched else ()), "WHY_NOT"]
    rows = []
    for row, (values, why) in zip(table.rows, read, strict=True):
        told: Mapping[str, Any] = {}
        if not why:
            assert s.of is not None
            try:
                told = s.of(values)
            except InputError as error:
                why = str(error)
        if watched and not why:
            told = {**told, **watched(values)}
        rows.append(dict(zip(table.header, row, strict=True)) | {k: told.get(k) for k in added} | {"WHY_NOT": why})
    return list(table.header), added, rows


def _of_all(
    s: "Score", table: "Rows", read: Sequence[tuple[dict[str, Any], str]]
) -> tuple[list[str], list[str], list[dict[str, Any]]]:
    """Answers that need all lines: a line that cannot be read stops, since what it says would change another's answer."""
    from dosetwin.io.table import raise_all

    assert s.rows is not None
    raise_all([InputError(why, where=f"{table.name}:{line}") for (_, why), line in zip(read, table.lines, strict=True) if why])
    if lacking := [label for label in s.labels[:2] if any(label not in v for v, _ in read)]:
        raise InputError("the score needs columns that are not there", where=table.name, value=", ".join(lacking))
    rows = s.rows([v for v, _ in read])
    header = [k for k in rows[0] if k not in s.answers and k != "WHY_NOT"]
    return header, [*s.answers, "WHY_NOT"], rows

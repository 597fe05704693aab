"""A table answered a line each (`dosetwin rule`, `dosetwin score`): what its columns mean, and how the answers leave."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from dosetwin.cli.common import cell, mapping_of, print_json, terminal, write_whole
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.io.table import Rows

_UNIT = re.compile(r"(.+?)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")


def heads(table: "Rows", mapping: Sequence[str], meant: Callable[[str], str | None]) -> list[tuple[str, str]]:
    """What each column of ``table`` is called here, and the unit its header states: ``Weight (lb)``; ``("", "")`` where nothing.

    ``mapping`` are the words after ``--map``; ``meant`` tells the name that a header's word has, None for a column that is only
    carried along. Raises InputError for a mapping to a column that is not there, and for two columns of one name.
    """
    pairs = mapping_of(mapping)
    aside = set(pairs.pop("IGNORE", "").split(",")) - {""}
    if missing := sorted({*pairs.values(), *aside} - set(table.header)):
        raise InputError("no such column", where="--map", value=missing[0], allowed=", ".join(table.header))
    names = {column: name for name, column in pairs.items()}
    out: list[tuple[str, str]] = []
    for head in table.header:
        found = _UNIT.fullmatch(head.strip())
        word, unit = (found[1], found[2]) if found else (head.strip(), "")
        name = None if head in aside else names.get(head) or meant(word)
        out.append((name, unit) if name else ("", ""))
    known = [name for name, _ in out if name]
    if twice := sorted({n for n in known if known.count(n) > 1}):
        both = ", ".join(h for h, (n, _) in zip(table.header, out, strict=True) if n == twice[0])
        raise InputError(f"two columns mean {twice[0]}", where=f"{table.name}:1", value=both,
                         remedy="rename one, or --map IGNORE=it")  # fmt: skip
    return out


def deliver(
    header: Sequence[str],
    lines: Iterable[Sequence[Any]],
    answers: Sequence[Mapping[str, Any]],
    as_json: bool,
    target: Path | None,
) -> None:
    """The answers as JSON, or the table (to ``target``, or stdout) and how many of its lines have none (``WHY_NOT``)."""
    if as_json:
        print_json(list(answers))
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([value if isinstance(value, str) else cell(value) for value in line] for line in lines)
    if target is not None:
        write_whole(target, text.getvalue())
    else:
        typer.echo(text.getvalue(), nl=False)
    silent = sum(bool(a["WHY_NOT"]) for a in answers)
    terminal(error=target is None).print(
        f"{len(answers)} line{'' if len(answers) == 1 else 's'}, {silent} without an answer"
        + (f"; written: {target}" if target is not None else "")
    )

"""``dosetwin rule``: a published dosing rule on a table of patients, a line each, with the reason where it has no answer."""

import csv
import io
import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from dosetwin.cli.common import cell, naming, output_path, print_json, terminal, write_whole
from dosetwin.cli.options import Json, Map
from dosetwin.errors import InputError

SAID = ("RULE", "AMOUNT", "PER", "DOSE", "INTERVAL_H", "A_WEEK", "LOADING", "SETTINGS", "TEXT", "WHY_NOT")
"""Columns that are added: the amount and what it is per, the whole dose where that is known, hours, what that makes in a week, a
loading dose in the terms of the amount, settings of a device, what the rule read, and why it has no answer."""
ALSO = {"HEIGHT": "HT", "WEIGHT": "WT"}
"""Names of columns that mean a fact of another name."""
_UNIT = re.compile(r"(\w+)\s*[(\[]\s*([^()\[\]]+?)\s*[)\]]")


def rule(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A rule's name (see 'dosetwin therapies NAME').")],
    data: Annotated[Path, typer.Argument(metavar="DATA.csv", help="A line per patient, a column per fact (WT, AGE, PNA ...).")],
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
    mapping: Map = [],  # noqa: B006
    as_json: Json = False,
) -> None:
    """What a published dosing rule says for each line of a table."""
    from dosetwin import formulary
    from dosetwin.io.table import read_rows

    target = output_path("--output", out, [data])
    chosen = formulary.rule(name)
    renamed = dict(_pair(word) for word in mapping)
    with naming(data):
        table = read_rows(data)
        if missing := sorted(set(renamed.values()) - set(table.header)):
            raise InputError("no such column", where=table.name, value=missing[0], allowed=", ".join(table.header))
        names = {column: fact for fact, column in renamed.items()}
        heads = [(names[h], "") if h in names else _head(h) for h in table.header]
        facts = [fact for fact, _ in heads]
        if twice := sorted({f for f in facts if facts.count(f) > 1}):
            both = ", ".join(h for h, f in zip(table.header, facts, strict=True) if f == twice[0])
            raise InputError(f"two columns mean {twice[0]}", where=f"{table.name}:1", value=both, remedy="rename one")
        said = [_said(chosen, heads, row, f"{table.name}:{line}") for row, line in zip(table.rows, table.lines, strict=True)]
    if as_json:
        print_json([{**dict(zip(table.header, row, strict=True)), **s} for row, s in zip(table.rows, said, strict=True)])
        return
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*table.header, *SAID])
    for row, s in zip(table.rows, said, strict=True):
        writer.writerow([*row, *(cell(s[k]) for k in SAID)])
    if target is not None:
        write_whole(target, text.getvalue())
    else:
        typer.echo(text.getvalue(), nl=False)
    silent = sum(bool(s["WHY_NOT"]) for s in said)
    terminal(error=target is None).print(
        f"{len(said)} line{'' if len(said) == 1 else 's'}, {silent} without an answer"
        + (f"; written: {target}" if target is not None else "")
    )


def _pair(word: str) -> tuple[str, str]:
    fact, sign, column = word.partition("=")
    if not sign or not fact or not column:
        raise InputError("not a pair", where="--map", value=word, allowed="NAME=COLUMN")
    return fact, column


def _head(column: str) -> tuple[str, str]:
    """The fact a column means, and the unit its name states: ``Weight (lb)``. ``TARGET INR`` is read as TARGET_INR."""
    found = _UNIT.fullmatch(column.strip())
    word, unit = (found[1], found[2]) if found else (column.strip(), "")
    name = re.sub(r"[\s-]+", "_", word).upper()
    return ALSO.get(name, name), unit


def _value(fact: str, unit: str, cell: str, where: str) -> float | str:
    from dosetwin import units
    from dosetwin.io.table import is_number
    from dosetwin.quantities import QUANTITIES

    if not is_number(cell):
        return cell
    quantity = QUANTITIES.get(fact)
    return units.convert(float(cell), unit, quantity, where=f"{where} {fact}") if unit and quantity else float(cell)


def _said(rule: Any, heads: list[tuple[str, str]], row: list[str], where: str) -> dict[str, Any]:
    from dosetwin.declare.rule import Facts, Says, Sets
    from dosetwin.io.table import MISSING

    given = ((h, u, v) for (h, u), v in zip(heads, map(str.strip, row), strict=True) if v not in MISSING)
    facts = Facts({h: _value(h, u, v, where) for h, u, v in given})
    out: dict[str, Any] = dict.fromkeys(SAID)
    out["RULE"] = rule.name
    try:
        answer = rule.advise(facts)
        if isinstance(answer, str):
            return out | {"WHY_NOT": answer}
        if isinstance(answer, Sets):
            return out | {"SETTINGS": " ".join(f"{k}={v:g}" for k, v in answer.values.items()), "TEXT": answer.text}
        assert isinstance(answer, Says)
        out |= {"AMOUNT": answer.amount, "PER": answer.per, "INTERVAL_H": answer.interval, "LOADING": answer.loading,
                "TEXT": answer.text}  # fmt: skip
        with suppress(InputError):  # what it is counted per may not be in the table: then the amount alone is the answer
            out["DOSE"] = answer.mg(facts)
            out["A_WEEK"] = out["DOSE"] * 168.0 / answer.interval
        return out
    except InputError as error:
        raise InputError(str(error), where=where) from error

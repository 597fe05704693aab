"""``dosetwin rule``: a published dosing rule on a table of patients, a line each, with the reason where it has no answer."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from dosetwin.cli.common import naming, output_path
from dosetwin.cli.lines import deliver, heads
from dosetwin.cli.options import Json, Map
from dosetwin.errors import InputError

SAID = ("RULE", "AMOUNT", "PER", "DOSE", "INTERVAL_H", "A_WEEK", "LOADING", "SETTINGS", "TEXT", "WHY_NOT")
"""Columns that are added: the amount and what it is per, the whole dose where that is known, hours, what that makes in a week, a
loading dose in the terms of the amount, settings of a device, what the rule read, and why it has no answer."""
ALSO = {"HEIGHT": "HT", "WEIGHT": "WT"}
"""Names of columns that mean a fact of another name."""


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
    with naming(data):
        table = read_rows(data)
        meaning = heads(table, mapping, _meant)
        said = [_said(chosen, meaning, row, f"{table.name}:{line}") for row, line in zip(table.rows, table.lines, strict=True)]
    answers = [{**dict(zip(table.header, row, strict=True)), **s} for row, s in zip(table.rows, said, strict=True)]
    rows = ([*row, *(s[k] for k in SAID)] for row, s in zip(table.rows, said, strict=True))
    deliver([*table.header, *SAID], rows, answers, as_json, target)


def _meant(word: str) -> str:
    """The fact that a column's header means. ``TARGET INR`` is read as TARGET_INR."""
    name = re.sub(r"[\s-]+", "_", word).upper()
    return ALSO.get(name, name)


def _value(fact: str, unit: str, cell: str, where: str) -> float | str:
    from dosetwin.io.table import is_number
    from dosetwin.quantities import QUANTITIES, units

    if not is_number(cell):
        return cell
    quantity = QUANTITIES.get(fact)
    return units.convert(float(cell), unit, quantity, where=f"{where} {fact}") if unit and quantity else float(cell)


def _said(rule: Any, meaning: list[tuple[str, str]], row: list[str], where: str) -> dict[str, Any]:
    from dosetwin.declare.rule import Facts, Says, Sets
    from dosetwin.io.table import MISSING

    given = ((h, u, v) for (h, u), v in zip(meaning, map(str.strip, row), strict=True) if h and v not in MISSING)
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

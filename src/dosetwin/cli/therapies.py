"""``dosetwin therapies``: what drugs and devices are given for, and what each therapy aims at, forbids and compares with."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import print_json, safe, terminal
from dosetwin.cli.options import Json

if TYPE_CHECKING:
    from dosetwin.declare import Therapy


def therapies(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only this one: a listed name, or a file of your own, ./mine.py.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the therapies, or show one: goals with their sources, limits, rules, the menu that is searched."""
    from dosetwin import formulary
    from dosetwin.studies.decisions import decisions

    others = decisions()
    if name is not None:
        found = [others[name].therapy if name in others else formulary.therapy(name)]
    else:
        found = list(formulary.therapies())
    if as_json:
        print_json([_row(t) for t in found])
        return
    console = terminal()
    if name is not None:
        _show(found[0])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("therapy", "drug or device", "for", "models"):
        table.add_column(title, overflow="fold")
    for t in found:
        table.add_row(t.name, t.drug.name, t.population, ", ".join(t.models))
    console.print(table)
    console.print(f"By a formula of one person's own record (docs/tumours.md, qt.md, chronic.md): {', '.join(others)}")
    console.print("One of them: dosetwin therapies NAME", style="dim")


def _row(t: "Therapy") -> dict[str, Any]:
    said = t.to_json()
    kept = ("name", "drug", "kind", "population", "models", "goals", "limits", "bars", "source", "note")
    readings = [{"name": r.words, "key": r.key, "of": r.what or t.drug.name, "how": r.how, "doses": list(r.doses)}
                for r in t.readings]  # fmt: skip
    return {k: said[k] for k in kept} | {"readings": readings, "rules": [r.to_json() for r in t.rules]}


def _show(t: "Therapy") -> None:
    from dosetwin.cli.show import grid
    from dosetwin.report import narrative

    console = terminal()
    console.print(t.name, style="bold")
    console.print(safe(f"{t.drug.name}; {t.population}; models {', '.join(t.models) or 'none of its own'}"))
    console.print(safe(f"Source: {t.source}" + (f"; {t.note}" if t.note else "")))
    for title, heads, rows in (
        ("Goals", ("goal", "wanted", "weight", "at least", "source"),
         [(g.text, "" if g.low is None and g.high is None else narrative.border(g), f"{g.weight:g}",
           narrative.percent(g.min_probability) if g.min_probability is not None else "", g.source) for g in t.goals]),
        ("Limits", ("limit", "lowest", "highest", "unit", "source"),
         [(x.text, *("" if v is None else f"{v:g}" for v in (x.low, x.high)), x.unit, x.source) for x in t.limits]),
        ("Bars", ("nothing is ordered where", "source"), [(b.text, b.source) for b in t.bars]),
        ("Rules compared with", ("rule", "name", "needs", "source"),
         [(r.name, r.ward, ", ".join(r.needs), f"{r.source} [{r.provenance}]") for r in t.rules]),
        ("Taken to be so where not known", ("fact", "value", "why"),
         [(a.name, f"{a.value:g} {a.unit}", f"{a.text} ({a.source})") for a in t.assumed]),
    ):  # fmt: skip
        if rows:
            console.print(f"\n{title}", style="bold")
            table = grid(heads)
            for row in rows:
                table.add_row(*map(safe, row))
            console.print(table)

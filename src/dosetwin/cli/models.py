"""``dosetwin models``: the list of models, and one model's card."""

from typing import Annotated, Any

import typer

from dosetwin.cli.common import print_json, terminal
from dosetwin.cli.options import Json


def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Print this model's card.")] = None,
    as_json: Json = False,
) -> None:
    """List the models, or print one model's card: equations, parameters with sources, where it may be used."""
    from dosetwin import models
    from dosetwin.report.card import card, reference_of

    if name is not None:
        body = card(models.load(name))
        print_json(body) if as_json else _show_card(body)
        return
    found = [models.load(n) for n in models.names()]
    if as_json:
        rows = [{"name": m.name, "drug": m.drug, "population": m.population, "title": m.title, "reference": reference_of(m),
                 "provenance": m.reference.provenance} for m in found]  # fmt: skip
        print_json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("model", "drug", "population", "source known from"):
        table.add_column(title, overflow="fold")
    for m in found:
        table.add_row(m.name, m.drug, m.population, m.reference.provenance)
    console = terminal()
    console.print(table)
    console.print("One model's card: dosetwin models NAME", style="dim")


def _show_card(c: dict[str, Any]) -> None:
    from rich.table import Table

    console = terminal()

    def grid(title: str, rows: list[tuple[str, ...]], heads: tuple[str, ...], right: tuple[int, ...] = ()) -> None:
        if not rows:
            return
        console.print(f"\n{title}", style="bold")
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for i, head in enumerate(heads):
            table.add_column(head, overflow="fold", justify="right" if i in right else "left")
        for row in rows:
            table.add_row(*row)
        console.print(table)

    console.print(c["name"], style="bold")
    console.print(c["title"])
    console.print(f"{c['drug']}; {c['population']}")
    console.print(f"Reference: {c['reference']} [{c['provenance']}]" + (f"; {c['note']}" if c["note"] else ""))
    console.print(f"Equations: {c['equations'] or 'see the model file'}")
    console.print(f"Solved: {c['solver']}; doses in {c['dose_unit']} go to '{c['dose_compartment']}'")
    grid("Parameters (typical values)",
         [(p["name"], f"{p['value']:g}", p["unit"], p["meaning"], p["provenance"], p["source"]) for p in c["parameters"]],
         ("name", "value", "unit", "meaning", "known from", "source"), (1,))  # fmt: skip
    grid("Random effects",
         [(e["name"], e["between"], e["variability"], e["meaning"], e["provenance"], e["source"]) for e in c["random_effects"]],
         ("name", "between", "size", "on", "known from", "source"))  # fmt: skip
    grid("Correlations", [(p["first"], p["second"], f"{p['correlation']:.3f}") for p in c["correlations"]], ("", "", "r"))
    grid("Covariates",
         [(v["name"], v["meaning"], v["studied"], v["without"], v["loinc"]) for v in c["covariates"]],
         ("name", "meaning", "studied", "without a value", "LOINC"))  # fmt: skip
    console.print(f"Outside the studied range: {c['outside_the_studied_range']}", style="dim")
    grid("Outputs and residual error",
         [(o["name"], o["measures"], o["unit"], o["residual"], o["provenance"], o["source"]) for o in c["outputs"]],
         ("name", "measures", "unit", "residual error", "known from", "source"))  # fmt: skip
    grid("Anchors (published numbers the model reproduces, tested)",
         [(a["text"], a["parameter"], f"{a['value']:.5g}", f"{a['tolerance']:g}", a["source"]) for a in c["anchors"]],
         ("what", "parameter", "value", "rel. tolerance", "source"), (2,))  # fmt: skip
    if c["notes"]:
        console.print("\nNotes", style="bold")
        for note in c["notes"]:
            console.print(f"  - {note}")

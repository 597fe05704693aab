"""``dosetwin mechanism``: how a therapy works, from receptor to harm, as one figure that names each stage with its numbers."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import output_path, print_json, safe, terminal, write_whole
from dosetwin.cli.options import Json


def mechanism(
    name: Annotated[str, typer.Argument(metavar="THERAPY", help="A listed therapy, or a file of your own, ./mine.py.")],
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.html", help="Where the page goes.")] = None,
    as_json: Json = False,
) -> None:
    """How a drug works, receptor to toxicity with their numbers, for any therapy that declares its stages."""
    from dosetwin import formulary
    from dosetwin.report.mechanism_page import mechanism_json, mechanism_page, number

    target = output_path("--output", out)
    therapy = formulary.therapy(name)
    said = mechanism_json(therapy)
    if target is not None:
        write_whole(target, mechanism_page(therapy))
    if as_json:
        print_json(said)
        return
    console = terminal()
    for k, stage in enumerate(said, 1):
        console.print(safe(f"{k}. {stage['stage']}: {stage['title']}"), style="bold")
        for n in stage["numbers"]:
            console.print(safe(f"   {n['name']}: {number(n['value'], n['unit'])}"))
        console.print(safe(f"   {stage['source']} ({stage['provenance']})"), style="dim")
    if target is not None:
        console.print(f"written: {target}", markup=False)

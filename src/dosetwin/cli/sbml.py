"""``dosetwin sbml`` runs a model in SBML as a settings file asks; ``dosetwin import`` makes a model file of the house of it."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import output_path, terminal, write_whole
from dosetwin.errors import InputError

MODEL = Annotated[Path, typer.Argument(metavar="MODEL.xml", help="A model in SBML, Level 2 or 3.")]


def sbml(
    model: MODEL,
    settings: Annotated[Path, typer.Option("--settings", metavar="SETTINGS.txt", help="Times, variables and tolerances.")],
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.csv", help="Where the table goes.")] = None,
) -> None:
    """Run a model in SBML. What is not carried is refused by name (exit 3), never left out."""
    from dosetwin.io.sbml import Unsupported, read_sbml
    from dosetwin.io.sbml_settings import read_settings
    from dosetwin.sbml.run import run

    target = output_path("--output", out, [model, settings])
    asked = read_settings(settings)
    try:
        rows = run(read_sbml(model), asked)
    except Unsupported as error:
        raise _refused(error) from None
    except InputError as error:
        if error.where == "variables":
            raise InputError(error.message, where=f"{settings.name}: variables", value=error.value) from None
        raise
    head = ",".join(["time", *asked.variables])
    text = "\n".join([head, *(",".join(f"{v:.15g}" for v in (t, *row)) for t, row in zip(asked.times, rows, strict=True)), ""])
    if target is None:
        typer.echo(text, nl=False)
    else:
        write_whole(target, text)
        terminal().print(f"{len(rows)} rows of {len(asked.variables)} variables; written: {target}", markup=False)


def import_model(
    model: MODEL,
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="MODEL.py", help="Where the model file goes.")] = None,
) -> None:
    """Make a model file of a model in SBML: it runs like any other. What has no place in one is refused by name (exit 3)."""
    from dosetwin.io.sbml import Unsupported, read_sbml
    from dosetwin.sbml.write import model_file

    target = output_path("--output", out, [model])
    try:
        text = model_file(read_sbml(model), model.name)
    except Unsupported as error:
        raise _refused(error) from None
    if target is None:
        typer.echo(text, nl=False)
        return
    write_whole(target, text)
    terminal().print(f"written: {target}; look at it with: dosetwin models {target}", markup=False)


def _refused(error: InputError) -> typer.Exit:
    terminal(error=True).print(f"dosetwin: refused: {error}", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(3)

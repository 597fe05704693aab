"""``dosetwin new model|therapy NAME``: a commented skeleton to fill in; nothing that is there is written over."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import terminal, write_whole
from dosetwin.errors import InputError, UnknownName

KINDS = ("model", "therapy")


def new(
    kind: Annotated[str, typer.Argument(metavar="model|therapy", help="What is to be written.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the file, such as lacosamide_smith_2020.")],
    drug: Annotated[str, typer.Option("--drug", metavar="NAME", help="The drug; else the first word of NAME.")] = "",
    model: Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="The model of a therapy.")] = "",
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where the file goes.")] = Path(),
) -> None:
    """A commented skeleton of a model's or a therapy's file, to fill in."""
    if kind not in KINDS:
        raise UnknownName("nothing of this kind is written", where="dosetwin new", value=kind, allowed=", ".join(KINDS))
    stem = name.removesuffix(".py")
    if not stem.isidentifier() or stem != stem.lower():
        raise InputError("not a name for a file", where="NAME", value=name, allowed="a-z, 0-9 and _, no digit first",
                         remedy="such as lacosamide_smith_2020 (drug_author_year)")  # fmt: skip
    target = folder / f"{stem}.py"
    if target.exists():
        raise InputError("the file is there already", where=str(target), remedy="choose another name, or move it away")
    if not folder.is_dir():
        raise InputError("the folder does not exist", where=str(folder), remedy=f"make {folder} first")
    about = drug or stem.partition("_")[0]
    text = files("dosetwin.cli").joinpath("skeletons", f"{kind}.txt").read_text(encoding="utf-8")
    words = {
        '"""DRUG': f'"""{about.capitalize()}', '"DRUG': f'"{about}', '"NAME': f'"{stem}',
        '"MODEL"': f'"{model or f"./{about}_model.py"}"',
    }  # fmt: skip
    for word, value in words.items():
        text = text.replace(word, value)
    write_whole(target, text)
    console = terminal()
    console.print(f"written: {target}")
    how = f"dosetwin models {target}" if kind == "model" else f"dosetwin advise CASE --therapy {target}"
    console.print(f"Fill in what says FILL IN, then: {how}    (docs/add_a_drug.md)")

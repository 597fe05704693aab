"""Words that several commands share: where data come from, which rule, which seed, what is printed."""

from pathlib import Path
from typing import Annotated

import typer

ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model's name (see 'dosetwin models') or a model file, ./mine.py.")
]
Data = Annotated[Path, typer.Argument(metavar="DATA.csv", help="NONMEM-style table: ID TIME AMT RATE ... DV and covariates.")]
Map = Annotated[
    list[str], typer.Option("--map", metavar="NAME=COLUMN", help="What the model calls NAME stands in COLUMN; repeatable.")
]
LeaveOut = Annotated[
    bool, typer.Option("--leave-out", help="Go on without the subjects whose records have errors, and say which.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout instead of text.")]
Covariates = Annotated[
    str, typer.Option("--covariates", metavar="RULE", help="Covariates between records: locf, nocb or linear.")
]
Seed = Annotated[int, typer.Option("--seed", help="Seed of every random draw; the same seed gives the same answer.")]
Language = Annotated[
    str,
    typer.Option(
        "--language", metavar="CODE", envvar="DOSETWIN_LANGUAGE", help="Language of what people read: en, de, fr, es, it."
    ),
]
Report = Annotated[Path | None, typer.Option("--report", metavar="OUT.html", help="Also write a self-contained HTML report.")]

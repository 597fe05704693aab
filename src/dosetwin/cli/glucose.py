"""``dosetwin glucose``: what a monitor's file of glucose says, per subject."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import naming, print_json, show_findings, terminal
from dosetwin.cli.options import Json

SHOWN = {
    "tir": "in 70-180 mg/dL, %", "below70": "< 70, %", "below54": "< 54, %", "above180": "> 180, %", "gmi": "GMI, %",
    "cv": "CV, %", "lbgi": "LBGI", "hbgi": "HBGI", "gri": "GRI", "mage": "MAGE, mg/dL", "active": "measured, %",
}  # fmt: skip


def glucose(
    data: Annotated[Path, typer.Argument(metavar="FILE", help="Dexcom Clarity, LibreView, Nightscout, or a table time,gl[,id].")],
    unit: Annotated[str, typer.Option("--unit", metavar="UNIT", help="mg/dL or mmol/L, where the file does not say.")] = "",
    as_json: Json = False,
) -> None:
    """Time in range, low and high glucose, variability and risk, a line per subject."""
    from dosetwin.errors import InputError
    from dosetwin.io.glucose import read_glucose
    from dosetwin.outcomes.glucose import glycaemia

    courses, findings = read_glucose(data, unit)
    told = {}
    for course in courses:
        with naming(data):
            try:
                said = glycaemia(course.minutes, course.mg_dl)
            except InputError as error:
                raise InputError(error.message, where=f"{data.name} {course.subject}".strip(), value=error.value,
                                 allowed=error.allowed, remedy=error.remedy) from error  # fmt: skip
        told[course.subject or data.name.split(".")[0]] = {
            k: None if v != v else round(float(v), 6) for k, v in said._asdict().items()
        } | {"first": course.first, "findings": [f"{f.code}: {f.message}" for f in findings]}
    if as_json:
        print_json(told)
        return
    from rich.table import Table

    console = terminal()
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for subject in told:
        table.add_column(subject, justify="right", overflow="fold")
    for key, words in SHOWN.items():
        table.add_row(words, *("-" if t[key] is None else f"{t[key]:.1f}" for t in told.values()))
    console.print(table)
    show_findings(console, findings)

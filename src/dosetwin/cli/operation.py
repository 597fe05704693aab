"""``dosetwin operation``: a planned operation as steps one can vary: drugs, depth, pressure, blood, waking, scores of harm."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import at_least, output_path, print_json, safe, terminal, write_whole
from dosetwin.cli.options import Json


def operation(
    plan: Annotated[Path, typer.Argument(metavar="PLAN.toml", help="Patient, steps with targets, facts of scores.")],
    vary: Annotated[
        list[str], typer.Option("--vary", metavar="STEP.KEY=VALUE", help="The same plan with one step otherwise; more than once.")
    ] = [],  # noqa: B006
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.html", help="Where the page goes.")] = None,
    draws: Annotated[int, typer.Option("--draws", help="Virtual patients like this one.")] = 300,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the virtual patients.")] = 1,
    as_json: Json = False,
) -> None:
    """Try a planned operation on the copy first. No anatomy, no technique: what a plan can vary, and published scores."""
    from dosetwin.outcomes.operation import play, read_plan, varied
    from dosetwin.report.operation_page import operation_page

    at_least("--seed", seed, 0)
    at_least("--draws", draws, 20, 20_000)
    target = output_path("--output", out, [plan])
    usual = read_plan(plan)
    courses = [play(p, draws=draws, seed=seed) for p in (usual, *(varied(usual, words) for words in vary))]
    if target is not None:
        write_whole(target, operation_page(courses))
    if as_json:
        print_json([c.to_json() for c in courses])
        return
    console = terminal()
    for course in courses:
        console.print(safe(course.plan.name), style="bold")
        for what, value in course.rows():
            console.print(safe(f"  {what}: {value}"))
        for remark in course.remarks:
            console.print(safe(f"  remark: {remark}"), style="yellow")
    if target is not None:
        console.print(f"written: {target}", markup=False)

"""``dosetwin diary``: the recommended order as a page for the patient, day by day in tablets, with a pause around a procedure."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.advise import answered, given_moment, moment, opened
from dosetwin.cli.common import at_least, output_path, print_json, spoken, terminal, write_whole
from dosetwin.cli.options import Json, Language, Seed
from dosetwin.errors import InputError
from dosetwin.words import speaking


def diary(
    case: Annotated[Path, typer.Argument(metavar="CASE", help="A FHIR R4 bundle (JSON) or a table (CSV) of one patient.")],
    therapy: Annotated[str, typer.Option("--therapy", metavar="NAME", help="A therapy that has a diary.")],
    out: Annotated[Path | None, typer.Option("-o", "--output", metavar="OUT.html", help="Where the page goes.")] = None,
    now: Annotated[str | None, typer.Option("--now", metavar="T", help="Moment of the decision, as in 'advise'.")] = None,
    tablets: Annotated[str, typer.Option("--tablets", metavar="MG,MG", help="Strengths there are, such as 5,3,1.")] = "",
    procedure: Annotated[str | None, typer.Option("--procedure", metavar="T", help="When a procedure is, as --now.")] = None,
    days: Annotated[int, typer.Option("--days", help="Days on the page.")] = 28,
    start: Annotated[
        str | None, typer.Option("--start", metavar="DATE", help="Date of the coming dose, where the case has no calendar.")
    ] = None,
    seed: Seed = 1,
    draws: Annotated[int, typer.Option("--draws", help="Posterior draws.")] = 500,
    language: Language = "en",
    as_json: Json = False,
) -> None:
    """The next weeks of the recommended order in plain words; exit code 3 when nothing is recommended."""
    from dosetwin.advise.pause import pause
    from dosetwin.report.diary import diary as written
    from dosetwin.report.diary import page

    at_least("--draws", draws, 100, 100_000)
    spoken(language)
    at_least("--days", days, 7, 92)
    target = output_path("--output", out, [case])
    strengths = _strengths(tablets)
    timeline, question = opened(case, (), therapy=therapy, now=now)
    at, _ = moment(timeline, now, case.name)
    advice = answered(case, timeline, replace(question, now=at, seed=seed, draws=draws, sensitivity=False))
    if advice.regimen is None:
        terminal(error=True).print(f"nothing is recommended ({advice.recommendation.status}): see 'dosetwin advise'")
        raise typer.Exit(3)
    stopped = None if procedure is None else pause(advice, given_moment(timeline, procedure, "--procedure"))
    told = written(advice, strengths, stopped, days, _date(start))
    if target is not None:
        with speaking(language):
            write_whole(target, page(told))
    if as_json:
        print_json(told)
        return
    console = terminal()
    for r in told["rows"]:
        dose = f"{r['amount']:g} {r['unit']}" if r["amount"] else "no dose"
        console.print(f"{r['date']} {r['weekday']:<9}  {dose:>8}  {r['tablets']}" + (f"  ({r['note']})" if r["note"] else ""))
    if stopped is not None:
        console.print(f"without a dose for {stopped.advised} days before the procedure; " + "; ".join(
            f"{s.days} d: safe with {s.p_safe:.0%}" for s in stopped.stops))  # fmt: skip
    if target is not None:
        console.print(f"written: {target}")


def _date(word: str | None) -> date | None:
    try:
        return None if word is None else date.fromisoformat(word)
    except ValueError:
        raise InputError("not a date", where="--start", value=word, allowed="YYYY-MM-DD") from None


def _strengths(word: str) -> tuple[float, ...]:
    try:
        found = tuple(float(x) for x in word.split(",") if x.strip())
    except ValueError:
        found = (-1.0,)
    if any(not 0 < x <= 1000 for x in found):
        raise InputError("not strengths of tablets", where="--tablets", value=word, allowed="numbers such as 5,3,1")
    return found

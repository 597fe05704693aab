"""``dosetwin years``: ten years of one person under plans of treatment: diabetes, pressure, kidney, joints, airways."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import at_least, output_path, print_json, safe, terminal, write_whole
from dosetwin.cli.options import Json, Seed
from dosetwin.errors import InputError, UnknownName


def therapy_of(case: Path) -> str | None:
    """The therapy a record names; None: type 2 diabetes. Raises UnknownName for one that has no plan over years."""
    from dosetwin.cli.decision import names
    from dosetwin.io.text import read_json

    data = read_json(case) if case.suffix.lower() == ".json" else None
    named = data.get("therapy") if isinstance(data, dict) else None
    if named in (None, "diabetes_years"):
        return None
    years = [x for x in names() if x.endswith("_years")]
    if named not in years:
        raise UnknownName("no plan over years", where=f"{case.name}: therapy", value=str(named)[:60],
                          allowed=", ".join(["diabetes_years", *years]))  # fmt: skip
    return str(named)


def years(
    case: Annotated[Path, typer.Argument(metavar="CASE.json", help="One person: factors, what is taken, earlier HbA1c.")],
    n: Annotated[int, typer.Option("--years", help="Years ahead.")] = 10,
    draws: Annotated[int, typer.Option("--draws", help="Copies of the person, each with its own luck.")] = 4000,
    gbp: Annotated[float, typer.Option("--gbp", help="What a quality year may cost, GBP.")] = 20000.0,
    seed: Seed = 1,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="OUT.html", help="Also write one page to read and print.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Which plan serves one person best over the coming years: type 2 diabetes, or what the record names as its therapy."""
    from dosetwin.cli import decision

    if (other := therapy_of(case)) is not None:
        unfit = {"--years": n if n != 10 else None, "--gbp": gbp if gbp != 20000.0 else None}
        target = output_path("--report", report, [case])
        raise typer.Exit(decision.answer(case, other, draws=None if draws == 4000 else draws, seed=seed, as_json=as_json,
                                         page=target, unfit=unfit))  # fmt: skip
    from dosetwin.studies.ten_years.answer import answer
    from dosetwin.studies.ten_years.case import read_case
    from dosetwin.studies.ten_years.plans import PLANS
    from dosetwin.studies.ten_years.steps import said as said_of

    at_least("--years", n, 1, 40)
    at_least("--draws", draws, 200, 1_000_000)
    if not 1 <= gbp <= 10_000_000:
        raise InputError("no price of a year", where="--gbp", value=gbp, allowed="1 to 10000000")
    target = output_path("--report", report, [case])
    found = read_case(case)
    said = answer(found.person, found.belief, taking=found.taking, had=found.had, plans=(*PLANS, *found.plans), years=n,
                  draws=draws, seed=seed, gbp=gbp)  # fmt: skip
    told = said.to_json() | {"person": found.name, "years": n, "title": f"{n} years with type 2 diabetes"}
    if target is not None:
        from dosetwin.report.years_page import page

        write_whole(target, page(told))
    if as_json:
        print_json(told)
        return
    console = terminal()
    chosen = next(p for p in told["plans"] if p["plan"] == told["chosen"])
    steps = ", ".join(said_of(s) for s in chosen["at_once"])
    later = ", ".join(said_of(s) for s in chosen["then"])
    console.print(safe(f"{told['chosen']}: {steps}" + (f"; then {later} at HbA1c {chosen['line']:g} %"
                                                      if chosen["then"] else "")), style="bold")  # fmt: skip
    from dosetwin.cli.show import grid

    console.print(f"After {n} years:")
    events = (told["words"][e] for e in told["shown"])
    table = grid(("plan", *events, "death", "quality years", "GBP", "net against guideline"))
    for p in told["plans"]:
        mean, low, high = p["against_guideline"]["net"]
        differs = "-" if p["plan"] == told["guideline"] else f"{mean:+.2f} ({low:+.2f} to {high:+.2f})"
        table.add_row(p["plan"], *(f"{100 * p['events'][e][-1]:.1f} %" for e in told["shown"]),
                      f"{100 * p['dead'][-1]:.1f} %", f"{p['qalys']:.2f}", f"{p['cost']:.0f}", differs)  # fmt: skip
    console.print(table)
    for name, why in told["refused"].items():
        console.print(safe(f"not for this person: {name}: {why}"))
    console.print(safe(" ".join(told["rests_on"])), style="dim")

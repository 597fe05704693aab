"""``dosetwin years``: ten years of type 2 diabetes under plans of treatment, tried on the copy of one person."""

from pathlib import Path
from typing import Annotated

import typer

from dosetwin.cli.common import at_least, output_path, print_json, safe, terminal, write_whole
from dosetwin.cli.options import Json, Seed
from dosetwin.errors import InputError


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
    """Which plan of treatment serves one person with type 2 diabetes best over the coming years, beside the guideline."""
    from dosetwin.studies.ten_years.answer import answer
    from dosetwin.studies.ten_years.case import read_case
    from dosetwin.studies.ten_years.plans import PLANS

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
    steps = ", ".join(s.replace("_", " ") for s in chosen["at_once"])
    later = ", ".join(s.replace("_", " ") for s in chosen["then"])
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

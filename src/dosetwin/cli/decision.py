"""``dosetwin advise CASE --therapy NAME`` for therapies whose twin is a formula: schedules of tumours, plans over years."""

from pathlib import Path
from typing import Any

from dosetwin.cli.common import naming, print_json, safe, terminal, write_whole
from dosetwin.errors import InputError


def names() -> tuple[str, ...]:
    """Names of the therapies whose twin is a formula."""
    from dosetwin.studies.decisions import decisions

    return tuple(decisions())


def refuse(unfit: dict[str, object], name: str) -> None:
    """Raises InputError for an option of the general command that was given and means nothing here."""
    for option, value in unfit.items():
        if value:
            raise InputError(f"{option} means nothing for {name}", where=option, value=str(value)[:60], remedy="leave it out")


def answer(
    case: Path, name: str, *, draws: int | None, seed: int, as_json: bool, page: Path | None, unfit: dict[str, object]
) -> int:
    """Print, and write, the answer; exit code 3 where nothing is acceptable.

    ``unfit``: options of the general command that mean nothing here. Raises InputError for one of them and for a wrong record.
    """
    from dosetwin.advise.decided import decide
    from dosetwin.studies.decisions import decision
    from dosetwin.twins.formula.case import read_case

    refuse(unfit, name)
    what = decision(name)
    with naming(case):
        record = read_case(case, what.formula)
        if record.therapy not in ("", name):
            raise InputError(
                "the record is of another therapy", where=f"{case.name}: therapy", value=record.therapy, allowed=name
            )
        told = decide(what, record, draws=draws, seed=seed).to_json()
    if page is not None:
        from dosetwin.report.decision_page import decision_page

        write_whole(page, decision_page(told, what.therapy.goals))
    if as_json:
        print_json(told)
    else:
        show(told, page)
    return 3 if told["status"] == "nothing_acceptable" else 0


def show(told: dict[str, Any], page: Path | None) -> None:
    """The answer on the terminal: order, guideline, a table of the best."""
    from dosetwin.cli.show import grid
    from dosetwin.errors import percent

    console = terminal()
    head = told["order"] or "nothing acceptable: no order of the menu reaches the goals"
    console.print(safe(f"{told['person']}: {head}"), style="bold")
    if told["guideline"]:
        console.print(safe(f"Guideline ({told['guideline']['title']}): {told['guideline']['order']}"))
    goals = told["goals"]
    table = grid(("order", "rule", *(f"{g['text']} {g['border']}" + (" (mean)" if g["price"] else "") for g in goals)))
    for r in told["rows"][:8]:
        cells = [f"{r['goals'][g['code']]['mean']:.3g}" if g["price"] else percent(r["goals"][g["code"]]["p"]) for g in goals]
        table.add_row(safe(r["order"]), ", ".join(r["rules"]), *cells, style=None if r["acceptable"] else "dim")
    console.print(table)
    for d in told["against_guideline"]:
        unit = "" if d["unit"] == "1" else f" {d['unit']}"
        span = f"{d['q50']:+.3g} ({d['q05']:+.3g} to {d['q95']:+.3g}){unit}"
        console.print(safe(f"  less the guideline: {d['text']}: {span}"), soft_wrap=True)
    for r in (*told["reasons"], *told["silent"]):
        if r["code"] in ("rule_silent", "nothing_acceptable") or r["code"].startswith("chance"):
            console.print(safe(f"  {r['text']}"), soft_wrap=True)
    for f in told["findings"]:
        console.print(safe(f"  {f['severity']}: {f['record']}: {f['message']} ({f['value']})"), style="yellow", soft_wrap=True)
    console.print(safe(f"Scope: {told['note']}"), style="dim", soft_wrap=True)
    if page is not None:
        console.print(f"Report: {page}", markup=False)

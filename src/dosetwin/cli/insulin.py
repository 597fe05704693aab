"""``dosetwin advise CASE --therapy insulin_basal_bolus``: settings and the next bolus of one person on insulin."""

from pathlib import Path
from typing import TYPE_CHECKING

from dosetwin.cli.common import naming, print_json, show_findings, terminal, write_whole
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.loops.insulin.person import Answer

THERAPY = "insulin_basal_bolus"
TEXT = "Decision support for research and evaluation, not a medical device. A clinician decides."


def answer(case: Path, *, seed: int, as_json: bool, page: Path | None, unfit: dict[str, object]) -> int:
    """Print the answer on a table of days, and write its page; exit code 3 where no setting is acceptable.

    ``unfit``: options of the general command that mean nothing here, name -> value. Raises InputError for one of them, and for
    what the reader refuses.
    """
    from dosetwin.io.insulin import read_insulin
    from dosetwin.loops.insulin.person import advised

    for name, value in unfit.items():
        if value:
            raise InputError(f"{name} means nothing for insulin", where=name, value=str(value)[:60], remedy="leave it out")
    with naming(case):
        d = read_insulin(case)
        found, days = advised(d, seed)
    if page is not None:
        from dosetwin.report.insulin_page import insulin_page

        write_whole(page, insulin_page(found, days, source=case.name))
    if as_json:
        print_json(
            {
                **found.to_json(),
                "days": {"first": d.first, "last": d.last, "hours": round(len(d.readings) / 12.0, 1)},
                "seed": seed,
            }
        )
    else:
        _show(found, len(d.readings) / 12.0, page)
    return 3 if found.status == "refuse" else 0


def _show(a: "Answer", hours: float, page: Path | None) -> None:
    from dosetwin.loops.insulin import words

    console = terminal()
    console.print(f"{hours:.0f} h of glucose, insulin and meals")
    console.print(TEXT + "\n")
    now, best = a.chosen.now, a.chosen.best
    console.print(f"Now          {now.settings.words()}")
    console.print(f"Recommended  {words.order(a.chosen)}")
    if best is not None and best is not now:
        for change in words.changes(now.settings, best.settings):
            console.print(f"             {change}")
        console.print(
            f"Expected of such days: {words.percent(now.inside)} -> {words.percent(best.inside)} in 70-180 mg/dL, "
            f"{words.percent(now.below70)} -> {words.percent(best.below70)} below 70"
        )
    if a.bolus is not None:
        console.print(f"Now          {words.bolus(a.bolus)}")
    if a.run is not None:
        console.print(f"Exercise     {words.run(a.run, 0.0 if a.bolus is None else a.bolus.dose)}")
    console.print("\nWhy")
    more = (*(() if a.bolus is None else a.bolus.reasons), *(() if a.run is None else a.run.reasons))
    for r in (*a.chosen.reasons, *more):
        console.print(f"  - {words.said(r)}", soft_wrap=True)
    console.print(f"  - {words.learned(a.learned)}", soft_wrap=True)
    show_findings(console, list(a.findings))
    if page is not None:
        console.print(f"\nReport: {page}", markup=False)

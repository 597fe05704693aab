"""``dosetwin advise CASE --therapy insulin_basal_bolus``: settings and the next bolus of one person on insulin."""

from pathlib import Path
from typing import TYPE_CHECKING

from dosetwin.cli.common import naming, print_json, show_findings, terminal
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.loops.insulin.person import Answer

THERAPY = "insulin_basal_bolus"
TEXT = "Decision support for research and evaluation, not a medical device. A clinician decides."


def answer(case: Path, *, seed: int, as_json: bool, unfit: dict[str, object]) -> int:
    """Print the answer on a table of days; exit code 3 where no setting is acceptable.

    ``unfit``: options of the general command that mean nothing here, name -> value. Raises InputError for one of them, and for
    what the reader refuses.
    """
    from dosetwin.io.insulin import read_insulin
    from dosetwin.loops.insulin.learned import Days
    from dosetwin.loops.insulin.person import advise_person
    from dosetwin.loops.insulin.settings import Settings

    for name, value in unfit.items():
        if value:
            raise InputError(f"{name} means nothing for insulin", where=name, value=str(value)[:60], remedy="leave it out")
    with naming(case):
        d = read_insulin(case)
        found = advise_person(
            Days(d.readings, d.insulin, d.food),
            Settings(d.basal, d.ratio, d.factor),
            weight=d.weight,
            meal=d.meal,
            seed=seed,
            findings=d.findings,
        )
    if as_json:
        print_json(
            {
                **found.to_json(),
                "days": {"first": d.first, "last": d.last, "hours": round(len(d.readings) / 12.0, 1)},
                "seed": seed,
            }
        )
    else:
        _show(found, len(d.readings) / 12.0)
    return 3 if found.status == "refuse" else 0


def _show(a: "Answer", hours: float) -> None:
    console = terminal()
    console.print(f"{hours:.0f} h of glucose, insulin and meals")
    console.print(TEXT + "\n")
    now, best = a.chosen.now, a.chosen.best
    console.print(f"Now          {now.settings.words()}")
    if best is None:
        console.print("Recommended  nothing: no setting within a step is acceptable")
    elif best is now:
        console.print("Recommended  no change")
    else:
        console.print(f"Recommended  {best.settings.words()}")
        console.print(
            f"These days again: {now.inside:.0%} -> {best.inside:.0%} in 70-180 mg/dL, "
            f"{now.below70:.1%} -> {best.below70:.1%} below 70"
        )
    if a.bolus is not None:
        b = a.bolus
        console.print(f"Now {b.dose:.1f} U for {b.meal:.0f} g at {b.level:.0f} mg/dL (ratio and factor ask for {b.usual:.1f} U)")
    console.print("\nWhy")
    for r in (*a.chosen.reasons, *(() if a.bolus is None else a.bolus.reasons)):
        value = "" if r.value is None else f" ({r.value}" + ("" if r.limit is None else f"; {r.limit}") + ")"
        console.print(f"  - {r.text}{value}")
    m = a.learned
    console.print(
        f"  - learned: sensitivity {m.mean(m.sensitivity):.2f} of what the basal dose says, {m.mean(m.eaten):.0%} of the "
        f"carbohydrate counted; five minutes ahead off by {m.error:.0f} mg/dL"
    )
    show_findings(console, list(a.findings))

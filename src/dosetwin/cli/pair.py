"""``dosetwin advise CASE --therapy A --with B``: two orders chosen together, as text or JSON."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.cli.common import naming, print_json, progress, safe, terminal
from dosetwin.cli.genes import with_genes
from dosetwin.errors import InputError, percent

if TYPE_CHECKING:
    from dosetwin.advise.pair import Pair


def answer(
    case: Path, therapy: str | None, beside: str, now: str | None, known: Mapping[str, Any],
    genes: tuple[Path | None, Path | None, str | None], *, as_json: bool, unfit: Mapping[str, object],
) -> int:  # fmt: skip
    """Print the pair; ``known`` of both questions, ``unfit`` options for one therapy alone. Exit code 3 where there is none.

    Raises InputError where no first therapy is named, or an option is given that does not fit.
    """
    from dosetwin.advise.pair import of_doses
    from dosetwin.cli.advise import moment, opened, therapy_of

    for option, value in unfit.items():
        if value:
            raise InputError("not for two therapies at once", where=option, remedy="leave it out, or ask for one therapy")
    if therapy is None:
        raise InputError(
            "which therapy is chosen together with it", where="--with", value=beside, remedy="name it with --therapy"
        )
    for name in (therapy, beside):
        of_doses(therapy_of(name))
    facts, first = opened(case, therapy=therapy, now=now)
    _, second = opened(case, therapy=beside, now=now)
    at, clock = moment(facts, now, case.name)
    facts = with_genes(facts, *genes)
    one, other = (replace(q, now=at, **known) for q in (first, second))
    with progress("asking two twins"), naming(case):
        from dosetwin.advise.pair import advise_pair

        found = advise_pair(facts, one, other)
    if as_json:
        print_json(found.to_json())
    else:
        _printed(found, clock)
    return 3 if found.chosen is None else 0


def _printed(found: "Pair", clock: str) -> None:
    from dosetwin.advise.table import clock as when
    from dosetwin.report import narrative

    console, first = terminal(), found.alone[0]
    made_up = " (made-up patient)" if first.timeline.patient.synthetic else ""
    names = " and ".join(a.therapy.drug.name for a in found.alone)
    lines = [(f"Patient {first.timeline.patient.id}{made_up}: {names}, chosen together", "bold"),
             (f"Decision at {narrative.moment(when(first.timeline, first.now))} ({clock})", "dim")]  # fmt: skip
    if found.chosen is None:
        lines.append(("No pair of orders now", "bold red"))
    else:
        for a, order, other in zip(found.alone, found.chosen.orders, found.differs, strict=True):
            own = f" (by itself: {a.regimen.words()})" if other and a.regimen else ""
            start = narrative.moment(when(a.timeline, order.first_at))
            lines.append((f"{a.therapy.drug.name.capitalize()}: {order.words()}, from {start}{own}", "bold green"))
        lines.append((f"How sure: {percent(found.chosen.joint)} chance of all joint targets of both", ""))
        lines += [(f"{narrative.capital(h.text)}: {percent(found.chosen.harms[h.name])}", "yellow") for h in found.harms]
    lines += [(f"Why: {r.text}", "") for r in found.reasons[:4]]
    grave = sorted((f for f in found.findings if f.severity != "info"), key=lambda f: not f.code.startswith("interaction_"))
    lines += [(f"Look at: {narrative.remark(f)}", "yellow") for f in grave[:2]]
    lines.append((f"{narrative.NOT_A_DEVICE} All of it: --json", "dim"))
    for text, style in lines:
        console.print(safe(text), style=style or None)

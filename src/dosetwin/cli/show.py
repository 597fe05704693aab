"""An advice on the terminal: who, what was measured, what the twin believes, the choice, why, how sure, what would change it."""

from textwrap import fill
from typing import TYPE_CHECKING

from dosetwin.cli.common import safe, show_findings
from dosetwin.report import narrative, readings
from dosetwin.report.page import about, levels, parameters, rests_on, short_list, verdict
from dosetwin.report.who import zero

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dosetwin.advise import Advice


MOST_UNBROKEN = 40
"""Characters of an order up to which it stays on one line of the table."""


def grid(heads: tuple[str, ...], right: tuple[int, ...] = (), fixed: tuple[int, ...] = ()) -> "Table":
    """A table in the house style; ``right`` the columns of numbers, ``fixed`` further ones that are never broken."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i in right else "left", overflow="fold", no_wrap=i in fixed or i in right)
    return table


def show_advice(console: "Console", advice: "Advice", clock: str) -> None:
    """Print everything a reader needs, in the order of the questions asked at the bedside."""
    rec, therapy, patient = advice.recommendation, advice.therapy, advice.timeline.patient
    called = narrative.said_of(therapy)

    def title(text: str) -> None:
        console.print(f"\n{text}", style="bold")

    made_up = " (made-up patient)" if patient.synthetic else ""
    console.print(
        safe(": ".join(filter(None, (f"{called.who} {patient.id}{made_up}", ", ".join(about(advice)))))),
        style="bold",
    )
    names = ", ".join(f"{m.name}" + (f" (weight {narrative.percent(w)})" if len(advice.models) > 1 else "")
                      for m, w in zip(advice.models, advice.weights, strict=True))  # fmt: skip
    prov = rec.provenance
    model = f"model {names}; covariates {prov['covariates']}; " if names else ""
    console.print(safe(f"Decision at {narrative.moment(prov['now'])} ({clock}); {model}"
                       f"{prov['draws']} draws, seed {prov['seed']}"))  # fmt: skip
    console.print(narrative.NOT_A_DEVICE, style="dim")

    title({"Recommended": "Recommendation"}.get(narrative.answer_title(rec), narrative.answer_title(rec)))
    words = narrative.certainty(rec.how_sure.get("joint"))[1] if rec.regimen else ""
    style = {"refuse": "bold red", "bad": "bold red", "warn": "bold yellow"}.get(narrative.tone(rec), "bold green")
    for line in narrative.hold_text(rec):
        console.print(f"  {safe(line)}", style=style)
    if rec.regimen or not rec.hold:
        after = "after the level, if it is as expected: " if rec.hold else ""
        console.print(f"  {after}{narrative.headline(rec, therapy.drug.name)}", style=style)
    if words:
        console.print(f"  {words}: {narrative.percent(rec.how_sure['joint'])} chance of all joint targets", style=style)
    if rec.regimen:
        console.print(f"  {narrative.lowered(called.begins)}: {narrative.moment(rec.regimen.first_at)}", style="bold")
    for line in narrative.given(rec.given):
        console.print(f"  {safe(line)}", style="bold")
    for line in narrative.prepared(rec.given):
        console.print(f"  {safe(line)}", style="dim")
    written = narrative.order_table(rec.order)
    if written is not None:
        table = grid(written[0])
        for row in written[1]:
            table.add_row(*map(safe, row))
        console.print(table)

    title(f"Measured ({zero(advice.timeline)})")
    table = grid(("quantity", "h", "measured", "expected before", "percentile", ""), (1, 4), (0,))
    for x in levels(advice):
        table.add_row(*map(safe, (x["what"], x["time"], x["value"], x["expected"], x["percentile"], x["verdict"])),
                      style="bold red" if x["odd"] else None)  # fmt: skip
    none = f"no {narrative.measurement(therapy.watched)} yet" if advice.twin is None else advice.twin.basis or "nothing seen yet"
    console.print(table if table.row_count else none)

    known = parameters(advice)
    if known:
        counted = ", counting what is in doubt" if any(b.doubted for b in advice.beliefs) else ""
        title(f"What the twin believes, {called.when if rec.regimen else 'now'}{counted}: median (90 % interval)")
        table = grid(("parameter", "unit", narrative.before(therapy), "updated", "change"), (2, 3, 4))
        for x in (x for x in known if x["varies"]):
            table.add_row(f"{x['name']}, {x['text']}".removesuffix(", "), x["unit"], x["before"], x["after"], x["change"])
        console.print(table)

        alike = [f"{x['name']} {x['after']} {x['unit']}".strip() for x in known if not x["varies"]]
        if alike:
            console.print(f"the same for all alike: {', '.join(alike)}", style="dim")

    aside = f"{prov['candidates_acceptable']} acceptable"
    if narrative.contradicted(rec):
        aside = "the contradicting level left out; for comparison only"
    title(f"{narrative.capital(called.many)} ({prov['candidates_considered']} tried, {aside})")
    wide = console.width >= 110
    heads, by_weight = readings.heads(therapy, advice.source), wide and therapy.needs_weight
    aside = ((f"{therapy.drug.unit}/kg",) if by_weight else ()) + (("first dose",) if wide else ())
    first = 2 + len(aside)
    titles = ("rank", called.one, *aside, *(fill(h[0], 12) for h in heads), "all targets", "loss", "")
    numbers = (0, *((2,) if by_weight else ()), *range(first, first + len(heads) + 2))
    brief = max((len(narrative.label(c, rec.candidates)) for c in short_list(rec.candidates)), default=0) <= MOST_UNBROKEN
    # a row wider than the screen would lose the ends of its numbers and the verdict: long orders (a loading dose) are broken
    table = grid(titles, numbers, (*((1,) if brief else ()), *((first - 1,) if wide else ())))
    for c in short_list(rec.candidates):
        chosen = rec.regimen is not None and c.regimen == rec.regimen
        said = verdict(c, chosen, narrative.contradicted(rec))
        table.add_row(
            str(c.rank), narrative.label(c, rec.candidates),
            *((narrative.per_kg(c),) if by_weight else ()), *((narrative.short_moment(c.regimen.first_at),) if wide else ()),
            *readings.medians(c, therapy),
            narrative.percent(c.joint), f"{c.loss:.2f}", f"{narrative.rules(c.rules)}; {said}" if c.rules else said,
            style=("bold green" if rec.status == "recommend" else "bold yellow") if chosen else None if c.acceptable else "dim",
        )  # fmt: skip
    console.print(table)
    units = ", ".join(dict.fromkeys(u for _, u, _ in heads if u))
    said = ", ".join(narrative.lowered(when) if when.startswith(narrative.capital(name)) else f"{name}: {narrative.lowered(when)}"
                     for name, _, when in heads)  # fmt: skip
    legend = f"Medians{f' in {units}' if units else ''}: {said}; loss 0 = every target met."
    console.print(legend, style="dim")

    why, why_not = narrative.split_reasons(narrative.order(rec.reasons) if rec.regimen else rec.reasons)
    _list(console, "Why", [narrative.sentence(r, therapy.goals) for r in why])
    if rec.regimen:
        _list(console, "How sure", readings.how_sure(rec.how_sure, therapy, rests_on(advice), advice.source))
    likely = readings.expected(rec, therapy)
    if likely:
        title("Expected of this order")
        table = grid(("reading", "unit", "median", "90 % interval", "goals met"), (2, 3, 4))
        for x in likely:
            table.add_row(x["name"], x["unit"], x["middle"], x["band"], x["p"])
        console.print(table)
    _list(console, "Why not a standard rule", [narrative.sentence(r, therapy.goals) for r in why_not])
    doubts = [
        f"{'CHANGES' if s.changed else 'stands'}: {narrative.retold(s.text)}: {narrative.effect(s)}"
        for s in rec.what_would_change_it
    ]
    _list(console, "What would make it wrong", doubts)
    for section in advice.forecasts:
        _list(console, section.name, [*section.lines, section.said])
    if rec.look_ahead:
        from dosetwin.advise import ahead

        _list(console, "Looking ahead", ahead.lines(rec.look_ahead))
    if rec.next_sample is not None:
        at = f"{narrative.moment(rec.next_sample.at)}: " if rec.next_sample.worth else ""
        _list(console, f"Next {narrative.measurement(therapy.sampling.of)}", [at + narrative.signs(rec.next_sample.text)])
    if rec.findings:
        title("Remarks on the data")
        show_findings(console, rec.findings)
    if advice.models:
        lead = advice.models[advice.lead]
        title_ = f"About the model {lead.name} [{lead.reference.provenance}]"
        _list(console, title_, [n for n in (lead.reference.note, *lead.notes) if n])


def _list(console: "Console", title: str, lines: list[str]) -> None:
    from rich.table import Table

    if not lines:
        return
    console.print(f"\n{title}", style="bold")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        table.add_row("  -", safe(line))
    console.print(table)

"""An advice on the terminal in at most twelve lines: who, the order, how to give it, when, how sure, what next, one doubt."""

from textwrap import shorten, wrap
from typing import TYPE_CHECKING, NamedTuple

from dosetwin.advise.table import clock
from dosetwin.cli.common import safe
from dosetwin.report import narrative
from dosetwin.report.page import about
from dosetwin.words import said

if TYPE_CHECKING:
    from rich.console import Console

    from dosetwin.advise import Advice

MOST = 12
"""Lines of an answer, on a terminal of 80 columns or more."""
TIMES = 3
"""Clock times of an order that are told."""


class Line(NamedTuple):
    """One thing said; ``cut``: to one line where it is longer; ``drop``: what goes first where there is too much (0: never)."""

    text: str
    style: str = ""
    cut: bool = False
    drop: int = 0


def show_brief(console: "Console", advice: "Advice", told_by: str, written: str = "") -> None:
    """Print the answer; ``told_by`` how the moment of the decision was found, ``written`` where a report stands."""
    lines = [line._replace(text=said(line.text)) for line in _lines(advice, told_by)]
    if written:
        lines.append(Line(f"Report: {written}"))
    width = max(console.width - 1, 40)
    rows = [(line, _rows(line, width)) for line in lines]
    while sum(len(r) for _, r in rows) > MOST and any(line.drop for line, _ in rows):
        rows.remove(max(rows, key=lambda row: row[0].drop))
    for line, texts in rows:
        for text in texts:
            console.print(safe(text), style=line.style or None, no_wrap=True, overflow="ignore", crop=False)


def _rows(line: Line, width: int) -> list[str]:
    text = " ".join(line.text.split())
    return [shorten(text, width, placeholder=" …")] if line.cut else wrap(text, width, subsequent_indent="  ")


def _lines(advice: "Advice", told_by: str) -> list[Line]:
    rec, therapy = advice.recommendation, advice.therapy
    called, patient = narrative.said_of(therapy), advice.timeline.patient
    style = {"refuse": "bold red", "bad": "bold red", "warn": "bold yellow"}.get(narrative.tone(rec), "bold green")
    made_up = " (made-up patient)" if patient.synthetic else ""
    out = [Line(": ".join(filter(None, (f"{called.who} {patient.id}{made_up}", ", ".join(about(advice))))), "bold", cut=True)]
    out.append(Line(f"Decision at {narrative.moment(rec.provenance['now'])} ({told_by})", "dim", cut=True, drop=5))
    hold = narrative.hold_text(rec)
    out += [Line(f"{narrative.answer_title(rec)}: {hold[0]}", style)] if hold else []
    out += [Line(text, style, drop=2) for text in hold[1:]]
    if rec.regimen or not hold:
        title = "After the level, if it is as expected" if hold else narrative.answer_title(rec)
        out.append(Line(f"{title}: {narrative.headline(rec, therapy.drug.name)}", style))
    if rec.regimen:
        out += [Line(f"Give {x}", "bold") for x in narrative.given(rec.given)]
        out.append(Line(f"{called.begins}: {_times(advice)}", "bold"))
        tone, words = narrative.certainty(rec.how_sure.get("joint"))
        chance = f"{narrative.percent(rec.how_sure.get('joint'))} chance of all joint targets"
        out.append(Line(f"How sure: {chance}" + (f", {words}" if words else ""), style if tone else ""))
    if rec.next_sample is not None:
        at = f"{narrative.moment(rec.next_sample.at)}: " if rec.next_sample.worth else ""
        out.append(
            Line(f"Next {narrative.measurement(therapy.sampling.of)}: {at}{narrative.signs(rec.next_sample.text)}", cut=True)
        )
    why, _ = narrative.split_reasons(narrative.order(rec.reasons) if rec.regimen else rec.reasons)
    helps = [] if rec.regimen else [r for r in why if r.code == "what_would_help"]
    out += [
        Line(f"Why: {narrative.sentence(r, therapy.goals)}", cut=bool(rec.regimen), drop=4)
        for r in [r for r in why if r not in helps][: 1 if rec.regimen else 3 - len(helps)]
    ]
    out += [Line(narrative.sentence(r, therapy.goals), style) for r in helps]
    out += [Line(section.said, "bold yellow", drop=1) for section in advice.forecasts if section.warns]
    if (doubt := next((s for s in rec.what_would_change_it if s.changed), None)) is not None:
        out.append(Line(f"Doubt: {narrative.retold(doubt.text)}: {narrative.effect(doubt)}", cut=True, drop=3))
    grave = [f for f in rec.findings if f.severity != "info"]
    if grave:
        worst = next((f for f in grave if f.severity == "error"), grave[0])
        more = f" ({len(grave)} remarks)" if len(grave) > 1 else ""
        out.append(Line(f"Look at{more}: {narrative.remark(worst)}", "yellow", cut=True))
    out += [Line(x, "dim", cut=True, drop=6) for x in narrative.prepared(rec.given)[:1]]
    if told := rec.given.get("rounds"):
        out.append(Line(f"Rounds: {told['words']}", "dim", cut=True, drop=5))
    out.append(Line(f"{narrative.NOT_A_DEVICE} All of it: --full", "dim"))
    return out


def _times(advice: "Advice") -> str:
    """The coming clock times of an order: ``14 Apr 2026 12:00 UTC, then 16 Apr 12:00, 18 Apr 12:00``."""
    order, rec = advice.dosed, advice.recommendation
    assert rec.regimen is not None
    first = narrative.moment(rec.regimen.first_at)
    if order is None:
        return first
    later = [narrative.short_moment(clock(advice.timeline, order.start(k))) for k in range(1, TIMES)]
    return f"{first}, then {', '.join(later)}"

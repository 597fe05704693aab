"""The letter: one page of PDF with who, the order, how sure and why, a line to sign and the moment; as a FHIR document too."""

import base64
import hashlib
import io
import textwrap
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.report.narrative import NOT_A_DEVICE
from dosetwin.serve.web.charts import Chart
from dosetwin.serve.web.first import main_doubt
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from dosetwin.serve.store.facts import Person

A4 = (8.27, 11.69)
"""Inches."""
WIDE = 108
"""Characters of a line of small print."""
REASONS = 7
LOWEST = 0.13
"""Share of the page's height above the line to sign, below which no more reasons are written."""


def lines_of(p: Mapping[str, Any], since: Mapping[str, Any] | None, answered: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """(style, text) of what the letter says: ``big``, ``bold``, ``text`` or ``small``, from top to bottom."""
    first = p["first"]
    sure = f": {first['chance']['text']}, {first['chance']['words']}" if first["chance"] else ""
    out: list[tuple[str, str]] = [("bold", p["title"] + sure)]
    out += [("big", p["hold"][0] if p["hold"] else p["headline"])]
    out += [("bold", text) for text in first["give"]]
    out += [("text", text) for text in p["hold"][1:]]
    if first["times"]:
        out.append(("text", "Next doses: " + ";  ".join(f"{t['at']} ({t['amount']})" for t in first["times"])))
    elif p["regimen"]:
        out.append(("text", f"{p['said']['begins']}: {p['regimen']['first_at_text']}"))
    if p["sample"] and p["sample"]["worth"]:
        out.append(("text", f"Next {p['sampled']}: {p['sample']['day']}, {p['sample']['brief']}"))
    out.append(("bold", f"Main doubt: {main_doubt(p)['text']}"))
    if since is not None:
        out.append(("text", f"{since['text']} {since['why']}"))
    if answered is not None:
        out.append(("bold", f"Decided: {answered['text']} by {answered['by']}, {answered['at']}. {answered['reason']}".strip()))
    out += [("small", f"- {r['text']}") for r in p["why"][:REASONS]]
    return out


def pdf(who: Sequence[str], lines: Sequence[tuple[str, str]], chart: Chart | None, foot: Sequence[str]) -> bytes:
    """One page of A4, the same for the same input. ``who``: lines about the patient; ``foot``: what stands at the bottom."""
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    with mpl.rc_context({"pdf.fonttype": 42, "text.parse_math": False, "font.family": "DejaVu Sans"}):
        figure = Figure(figsize=A4)
        FigureCanvasPdf(figure)
        y = 0.955
        for k, text in enumerate(who):
            y = _write(figure, y, text, 12 if k == 0 else 9, "bold" if k == 0 else "normal", 84 if k == 0 else 104)
        figure.add_artist(_rule(y))
        y -= 0.012
        sizes = {
            "big": (15, "bold", 62),
            "bold": (10, "bold", 82),
            "text": (9.5, "normal", 100),
            "small": (8, "normal", WIDE + 12),
        }
        for style, text in lines:
            if y < LOWEST:  # reasons come last: what does not fit stands on the page
                break
            y = _write(figure, y, text, *sizes[style])
        if chart is not None and y > 0.36:
            _draw(figure, chart, max(y - 0.24, 0.14), y)
        figure.add_artist(_rule(0.085, 0.07, 0.45))
        figure.add_artist(_rule(0.085, 0.55, 0.93))
        for x, text in ((0.07, "Name and signature"), (0.55, "Date and time")):
            figure.text(x, 0.07, text, fontsize=8)
        for k, text in enumerate(foot):
            figure.text(0.07, 0.05 - 0.012 * k, textwrap.shorten(text, WIDE + 20), fontsize=6.5, color="#444444")
        out = io.BytesIO()
        figure.savefig(out, format="pdf", metadata={"CreationDate": None, "Title": "Dosing advice", "Creator": "dosetwin"})
    return out.getvalue()


def _rule(y: float, left: float = 0.07, right: float = 0.93) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([left, right], [y, y], color="black", linewidth=0.8)


def _write(figure: "Figure", y: float, text: str, size: float, weight: str, wide: int) -> float:
    """Text from ``y`` (share of the page) down; returns where the next begins."""
    for line in textwrap.wrap(text, wide) or [""]:
        figure.text(0.07, y, line, fontsize=size, fontweight=weight, va="top")
        y -= size * 1.32 / 72.0 / A4[1]
    return y - 0.004


def _draw(figure: "Figure", chart: Chart, bottom: float, top: float) -> None:
    """The curve with its bands, small."""
    ax = figure.add_axes((0.1, bottom + 0.03, 0.83, top - bottom - 0.05))
    for band in chart.bands:
        colour = "#999999" if band.role.startswith("prior") else "#0072b2"
        ax.fill_between(chart.time, band.low, band.high, color=colour, alpha=0.25, linewidth=0)
    for line in chart.lines:
        ax.plot(chart.time, line.value, color="#777777" if line.role.startswith("prior") else "#0072b2", linewidth=1.0)
    ax.plot([p.time for p in chart.points], [p.value for p in chart.points], "o", color="#e69f00", markersize=3)
    ax.axvline(chart.now, color="black", linewidth=0.6, linestyle=":")
    ax.set_xlim(chart.start, chart.end)
    ax.set_ylim(0.0, chart.top)
    at = [chart.start + k * (chart.end - chart.start) / 5 for k in range(1, 5)]
    ax.set_xticks(at, [chart.zone.clock(chart.origin, h) for h in at])
    ax.tick_params(labelsize=7)
    ax.set_title(f"{chart.title}, {chart.unit} (grey: before levels; blue: updated; dotted: now)", fontsize=7.5, loc="left")


def document(id_: str, patient: str, made: bytes, at: datetime, by: str) -> dict[str, Any]:
    """The letter as a FHIR R4 DocumentReference; ``at`` when it was made, ``by`` whose page it was."""
    return {
        "resourceType": "DocumentReference", "id": id_, "status": "current", "docStatus": "preliminary",
        "type": {"text": "Dosing advice"}, "subject": {"reference": f"Patient/{patient}"},
        "date": at.isoformat(), "author": [{"display": by}], "description": NOT_A_DEVICE,
        "content": [{"attachment": {
            "contentType": "application/pdf", "language": "en", "data": base64.b64encode(made).decode(), "size": len(made),
            "hash": base64.b64encode(hashlib.sha1(made, usedforsecurity=False).digest()).decode(),
            "title": "Dosing advice", "creation": at.isoformat(),
        }}],
    }  # fmt: skip


def about(name: str, person: "Person", p: Mapping[str, Any], zone: Zone, site: str) -> list[str]:
    """The lines that say whom it is about: two identifiers at least where they are on record."""
    known = [person.name, *(f"{k} {v}" for k, v in person.identifiers.items())]
    if person.birth is not None:
        known.append(f"born {zone.local(person.birth):%d %b %Y}")
    facts = "; ".join(f"{label} {text}{f' ({under})' if under else ''}" for label, text, under in p["who"]["facts"])
    return [f"Dosing advice, {site}", f"{name}: {', '.join(k for k in known if k)}", facts, f"Twin as of {p['who']['now']}"]

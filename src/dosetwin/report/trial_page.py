"""A trial as one self-contained HTML page and as Markdown tables: what was asked, what was found, and where it falls short."""

from collections.abc import Mapping
from typing import Any

from dosetwin import __version__
from dosetwin.report import narrative
from dosetwin.report.page import environment, safe_figure
from dosetwin.report.trial_figures import by_group, differences, interval, number, pareto
from dosetwin.studies import told
from dosetwin.trial.study import Study

WORDS = {"at_least": ">=", "at_most": "<=", "above": "interval above", "below": "interval below"}


def claim_rows(body: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each declared claim, what was found, and met, MISSED or not comparable."""
    rows = []
    for c in body["claims"]:
        claim = c["claim"]
        verdict = "not comparable" if c["met"] is None else "met" if c["met"] else "MISSED"
        rows.append({
            "text": claim["text"] or f"{claim['arm']} - {claim['against']}: {claim['endpoint']}",
            "asked": f"{claim['arm']} - {claim['against']}, {claim['endpoint']} {WORDS[claim['kind']]} {claim['value']:+g}"
            + (f" ({claim['group']})" if claim["group"] else ""),
            "found": interval(c["found"], sign=True), "verdict": verdict,
        })  # fmt: skip
    return rows


def trial_page(body: Mapping[str, Any], design: Study, run: Mapping[str, Any]) -> str:
    """The HTML page of a trial from ``analysis.summary`` and what the run says of itself (seconds, workers, lost chunks)."""
    against, of = body["reference"], told(body)
    known = of.endpoints
    main = [e for e in of.main if e in design.endpoints]
    rest = [e for e in design.endpoints if e not in main]

    def table(names: list[str]) -> list[dict[str, Any]]:
        return [
            {
                "name": e, "text": known[e].text, "unit": known[e].unit, "better": known[e].better,
                "cells": [interval(body["arms"][a][e]) for a in body["arms"]],
                "gaps": [interval(body["differences"][a][e], sign=True) for a in body["differences"]],
            }
            for e in names
        ]  # fmt: skip

    figures = [by_group(body, e, against) for e in of.grouped if e in design.endpoints]
    one, many, virtual = design.who
    return environment().get_template("trial.html.j2").render(
        body=body, design=design, run=run, against=against, main=table(main), rest=table(rest), claims=claim_rows(body),
        others=list(body["differences"]), pareto=safe_figure(pareto(body)), forest=safe_figure(differences(body, against)),
        groups=[safe_figure(f) for f in figures if f is not None], one=one, many=many, virtual=virtual, version=__version__,
        not_a_device=narrative.NOT_A_DEVICE, small={n: g["n"] for n, g in body["subgroups"].items() if "differences" not in g},
        how=how(design),
    )  # fmt: skip


def how(design: Study) -> Any:
    """How it was done, as the study lays it out: its template is part of this package, what fills it is escaped."""
    from markupsafe import Markup

    text, values = design.how()
    return Markup(environment().from_string(text).render(**values))


def trial_tables(body: Mapping[str, Any], design: Study) -> str:
    """The summary tables as Markdown: claims, arms, differences to the reference, subgroups."""
    against = body["reference"]
    names = [e for e in told(body).main if e in design.endpoints]
    arms, others = list(body["arms"]), list(body["differences"])
    lines = [f"{body['n']} {design.who[1]}, paired; 95 % intervals; reference {against}.", ""]
    if body["claims"]:
        lines += ["| claim | asked | found | |", "|---|---|---|---|"]
        lines += [f"| {r['text']} | {r['asked']} | {r['found']} | {r['verdict']} |" for r in claim_rows(body)]
        lines.append("")
    lines += ["| | " + " | ".join(arms) + " |", "|---|" + "---|" * len(arms)]
    for e in names:
        cells = (f"{number(body['arms'][a][e]['mean'])} ± {number(1.96 * body['arms'][a][e]['se'])}" for a in arms)
        lines.append(f"| {e} | " + " | ".join(cells) + " |")
    if others:
        lines += ["", f"Difference to {against}:", "", "| | " + " | ".join(others) + " |", "|---|" + "---|" * len(others)]
        for e in names:
            lines.append(f"| {e} | " + " | ".join(interval(body["differences"][a][e], sign=True) for a in others) + " |")
    return "\n".join(lines) + "\n"

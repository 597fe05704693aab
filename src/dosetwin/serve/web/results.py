"""Results of replays and trials, read from the JSON their commands print: shown, never stored."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request, UploadFile
from fastapi.responses import HTMLResponse
from markupsafe import Markup, escape

from dosetwin.drawing import unstyled
from dosetwin.errors import InputError
from dosetwin.report.narrative import number
from dosetwin.report.replay_page import calibration
from dosetwin.report.trial_figures import by_group, differences, pareto
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.web.frame import PageRoute, Reader, Reading, Token, page
from dosetwin.serve.web.replay_bands import by_patient
from dosetwin.serve.web.stored import stored

if TYPE_CHECKING:
    from dosetwin.report.figures import Shown
    from dosetwin.trial.study import Endpoint

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MOST = 8 * 1024 * 1024
Kind = Annotated[str, Path(pattern="^(replay|trial)$")]
MAKE = {
    "replay": "dosetwin replay MODEL DATA.csv --forecasts forecasts.csv --json > replay.json",
    "trial": "dosetwin trial DESIGN -o OUT (the file is OUT/summary.json)",
}
MOST_ROWS = 400
SIDES = ("A priori: the typical patient", "A posteriori: the twin")


@router.get("/results/{kind}")
def choose(request: Request, kind: Kind, reader: Reading) -> HTMLResponse:
    """Choose a file of results."""
    reader.service.reach(reader.who).need("models")
    return _page(request, reader, kind)


@router.post("/results/{kind}")
def show(request: Request, kind: Kind, reader: Reading, file: UploadFile | None = None, token: Token = "") -> HTMLResponse:
    """The results in a file."""
    reader.same_form(token)
    reader.service.reach(reader.who).need("models")
    raw = file.file.read(MOST + 1) if file is not None else b""
    return _shown(request, reader, kind, (file.filename or "results")[:120] if file is not None else "results", raw)


@router.get("/results/{kind}/stored/{key}")
def show_stored(
    request: Request, kind: Kind, key: Annotated[str, Path(pattern="^[0-9a-f]{16}$")], reader: Reading
) -> HTMLResponse:
    """The results in a file of the operator's folder. Raises Problem 404 for a key that is not in the list."""
    reader.service.reach(reader.who).need("models")
    found = next((s for s in stored(reader.service.settings.results_dir, kind) if s.key == key), None)
    if found is None:
        raise Problem(404, "not_found", "no such results here")
    try:
        with found.path.open("rb") as file:
            raw = file.read(MOST + 1)
    except OSError:
        raise Problem(404, "not_found", "these results cannot be read any more") from None
    return _shown(request, reader, kind, found.name[-120:], raw)


def _shown(request: Request, reader: Reader, kind: str, name: str, raw: bytes) -> HTMLResponse:
    """What a file holds, or what is wrong with it."""
    try:
        if not raw or len(raw) > MOST:
            raise ValueError(f"the file is {'empty' if not raw else 'too large'}; allowed: 1 byte to {MOST // 1024} kB")
        body = json.loads(raw.decode("utf-8-sig"))
        found = (replay_view if kind == "replay" else trial_view)(body)
    except (
        InputError, ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError, StopIteration, ArithmeticError
    ) as error:  # fmt: skip
        what = str(error) if type(error) in (ValueError, json.JSONDecodeError) else "something is missing or of another kind"
        problem = {
            "title": f"{name} is not shown",
            "errors": [wrong(name, "", None, f"what this prints: {MAKE[kind]}", f"not the results of a {kind} ({what[:200]})")],
        }
        return _page(request, reader, kind, status=422, problem=problem)
    return _page(request, reader, kind, name=name, view=found)


def _page(
    request: Request,
    reader: Reader,
    kind: str,
    *,
    status: int = 200,
    problem: Any = None,
    name: str = "",
    view: dict[str, Any] | None = None,
) -> HTMLResponse:
    there = stored(reader.service.settings.results_dir, kind)
    return page(request, "results.html.j2", reader, kind, status, kind=kind, wrong=problem, name=name, view=view, make=MAKE[kind],
                stored=there)  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------- replay


def replay_view(body: dict[str, Any]) -> dict[str, Any]:
    """A replay's JSON for the page. Raises KeyError or TypeError for anything else."""
    rows = [("a priori", body["a_priori"]), ("a posteriori", body["a_posteriori"])]
    by = [(f"level {x['number']}", x["a_posteriori"]) for x in body["by_level_number"]]
    forecasts = [f for f in body.get("forecasts", []) if not f["blq"] and f["earlier"] > 0]
    points = [(float(f["observed"]), float(f["prior"]), float(f["updated"])) for f in forecasts]
    return {
        "title": f"Would {body['model']} have predicted these levels?",
        "lead": f"{body['n_subjects']} patients, {body['n_levels']} levels of {body['measures']}; "
        f"compared on the {body['n_headline']} {body['headline']}.",
        "unit": body["unit"],
        "rows": [(n, _errors(e)) for n, e in rows],
        "by": [(n, _errors(e)) for n, e in by],
        "figures": [(SIDES[k - 1], Markup(scatter(points, k, body["unit"]))) for k in (1, 2)] if points else [],
        "inside": _drawn(calibration([(float(f["prior_pit"]), float(f["updated_pit"])) for f in forecasts])),
        "patients": by_patient(body.get("forecasts", []), body["unit"]),
        "forecasts": [
            (f["subject"], f["number"], f"{f['time']:g}", number(f["observed"]), number(f["prior"]), number(f["updated"]))
            for f in forecasts[:MOST_ROWS]
        ],
        "more": max(len(forecasts) - MOST_ROWS, 0),
        "findings": [f"{f['record']}: {f['message']}" for f in body["findings"][:50]],
    }


def _drawn(shown: "Shown | None") -> dict[str, Any] | None:
    """A figure of the reports for a page that allows no inline styles; what this package drew and escaped is markup."""
    return None if shown is None else {"svg": Markup(unstyled(shown.svg)), "head": shown.head, "rows": shown.rows}


def _errors(e: dict[str, Any]) -> list[str]:
    keys = ("n", "mpe", "mape", "rmse", "f20", "f30", "coverage50", "coverage90")
    return ["-" if e[k] is None else f"{e[k]:.0f}" if k == "n" else f"{e[k]:.2f}" if k == "rmse" else f"{e[k]:.1f}" for k in keys]


def scatter(points: list[tuple[float, float, float]], which: int, unit: str) -> str:
    """Forecast against measured as SVG: 1 before, 2 after the patient's own levels."""
    size, left, foot = 340.0, 44.0, 40.0
    top = 1.05 * max(max(p) for p in points)
    name = SIDES[which - 1]

    def x(v: float) -> float:
        return left + (size - left - 8) * v / top

    def y(v: float) -> float:
        return 8 + (size - foot - 8) * (1 - min(v, top) / top)

    out = [
        f'<svg class="chart" viewBox="0 0 {size:g} {size:g}" role="img" '
        f'aria-label="{escape(name)}: forecast against measured, {len(points)} levels">'
    ]
    out.append(
        f'<path class="zone" d="M{x(0):.1f} {y(0):.1f} L{x(top / 1.3):.1f} {y(top):.1f} L{x(top):.1f} {y(top):.1f} '
        f'L{x(top):.1f} {y(0.7 * top):.1f} Z"/>'
    )
    out.append(f'<line class="now" x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(top):.1f}" y2="{y(top):.1f}"/>')
    from dosetwin.serve.web.charts import ticks

    for v in ticks(top, 4):
        out.append(f'<text class="tick" x="{left - 6:g}" y="{y(v) + 4:.1f}" text-anchor="end">{v:g}</text>')
        out.append(f'<text class="tick" x="{x(v):.1f}" y="{size - foot + 18:g}" text-anchor="middle">{v:g}</text>')
    out += [
        f'<circle class="dot {"prior" if which == 1 else "updated"}" cx="{x(p[0]):.1f}" cy="{y(p[which]):.1f}" r="3.2"/>'
        for p in points
    ]
    out.append(f'<text class="tick" x="{size / 2:g}" y="{size - 6:g}" text-anchor="middle">measured, {escape(unit)}</text></svg>')
    return "".join(out)


# ------------------------------------------------------------------------------------------------------------------ trial


def trial_view(body: dict[str, Any]) -> dict[str, Any]:
    """A trial's summary for the page. Raises KeyError or TypeError for anything else."""
    from dosetwin.studies import told

    arms, against = body["arms"], body["reference"]
    names, others = list(arms), list(body["differences"])
    endpoints = list(next(iter(arms.values())))
    of = told(body)
    known, main, (_, many, virtual) = of.endpoints, of.main, of.who
    first = of.shown[0] if of.shown else ""
    return {
        "title": body["design"].get("title") or body["design"]["name"],
        "lead": f"{body['n']} of {body['asked']} virtual {virtual}; arms on the same {many} and the same luck; "
        f"reference: {against}. 95 % intervals.",
        "arms": names,
        "tables": [
            ("Main endpoints", _rows([e for e in endpoints if e in main], names, arms, False, known)),
            ("All other endpoints", _rows([e for e in endpoints if e not in main], names, arms, False, known)),
        ],
        "others": others,
        "differences": [
            ("Main endpoints", _rows([e for e in endpoints if e in main], others, body["differences"], True, known)),
            ("All other endpoints", _rows([e for e in endpoints if e not in main], others, body["differences"], True, known)),
        ],
        "claims": [_claim(c, known) for c in body["claims"]],
        "gaps": _drawn(differences(body, against)),
        "pareto": _drawn(pareto(body)),
        "losers": [_drawn(by_group(body, e, against)) for e in of.grouped if all(e in d for d in body["differences"].values())],
        "against": against,
        "reasons": body.get("failure_reasons", []),
        "hash": body["hash"],
        "front": ", ".join(body["pareto"]["front"]),
        "front_of": f"{body['pareto']['x']} and {body['pareto']['y']}",
        "of": many,
        "virtual": virtual,
        "compared": of.compared,
        "subgroups": [
            {
                "name": n,
                "n": s["n"],
                "cells": [
                    _text(s["arms"][a][first], known.get(first)) if first in s.get("arms", {}).get(a, {}) else None for a in names
                ],
            }
            for n, s in body["subgroups"].items()
        ],
    }


def _text(e: dict[str, Any], what: "Endpoint | None", signed: bool = False) -> dict[str, Any]:
    """A mean, its interval, and the length of its bar where it is a share."""
    mean, low, high = e["mean"], e.get("low"), e.get("high")
    if not isinstance(mean, int | float) or mean != mean:
        return {"value": "-", "range": "", "bar": None}
    share = what is not None and what.kind == "share"
    scale, sign, digits = (100.0, "+" if signed else "", ".1f") if share else (1.0, "+" if signed else "", ".3g")
    band = ""
    if isinstance(low, int | float) and isinstance(high, int | float) and low == low:
        band = f"{scale * low:{sign}{digits}} to {scale * high:{sign}{digits}}"
    return {
        "value": f"{scale * mean:{sign}{digits}}" + (" %" if share else ""),
        "range": band,
        "bar": round(100 * min(max(mean, 0.0), 1.0)) if share and not signed else None,
    }


def _rows(
    endpoints: list[str], arms: list[str], values: dict[str, Any], signed: bool, defined: Mapping[str, "Endpoint"]
) -> list[dict[str, Any]]:
    out = []
    for e in endpoints:
        known = defined.get(e)
        out.append(
            {
                "name": f"{known.text}, {known.unit}" if known and known.unit else known.text if known else e,
                "better": {"high": "higher is better", "low": "lower is better"}.get(known.better if known else "", ""),
                "cells": [_text(values[a][e], known, signed) for a in arms],
            }
        )
    return out


def _claim(c: dict[str, Any], defined: Mapping[str, "Endpoint"]) -> dict[str, str]:
    """A claim in words with its verdict."""
    said = c["claim"]
    endpoint = str(said.get("endpoint", ""))
    known = defined.get(endpoint)
    found = _text(c["found"], known, True)
    value = said.get("value", 0.0)
    limit = f"{100 * value:g} %" if known and known.kind == "share" else f"{value:g}"
    kind = str(said.get("kind", "")).replace("_", " ")
    return {
        "text": f"{said.get('arm')} minus {said.get('against')}, {known.text if known else endpoint}: {kind} {limit}",
        "met": {True: "met", False: "not met", None: "not comparable"}[c["met"]],
        "tone": {True: "good", False: "bad", None: "info"}[c["met"]],
        "found": f"{found['value']} ({found['range']})" if found["range"] else found["value"],
    }

"""The evaluation of the kidneys as a page: bars, tables and figures, the bad ones too."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from dosetwin.report.svg import BLUE, GREEN, GREY, INK, ORANGE, SKY, VERMILLION, canvas, svg

Found = Mapping[str, Any]
SHOWN = (
    "learned", "filter-wide", "filter", "carried+curve", "carried", "gaussian-process", "van-donge-map", "steady-wu",
    "oracle-today", "oracle-future",
)  # fmt: skip
"""Order of the tables; others follow."""
COLOURS = {
    "learned": VERMILLION, "filter-wide": INK, "filter": BLUE, "carried+curve": SKY, "carried": GREY, "gaussian-process": GREEN,
    "van-donge-map": ORANGE,
}  # fmt: skip
BANDS = ("GA < 29", "GA 29 to < 36", "GA >= 36")


def _order(names: Sequence[str]) -> list[str]:
    return [n for n in SHOWN if n in names] + [n for n in names if n not in SHOWN]


def _at(found: Found, metric: str) -> int:
    return list(found["metrics"]).index(metric)


def _n(x: Any, digits: int = 3) -> str:
    return "" if x is None else f"{x:.{digits}f}"


def _span(pair: Sequence[float] | None, digits: int = 1) -> str:
    if pair is None or any(p is None or abs(p) == float("inf") for p in pair):
        return ""
    return f"{pair[0]:.{digits}f} to {pair[1]:.{digits}f}"


def _gain(cell: Found) -> str:
    return f"{cell['gain']:.1f} ({_span(cell['patients'])})"


# -------------------------------------------------------------------------------------------------- rows, also for a terminal


def rows_of_rmse(found: Found, kind: str = "latent") -> list[list[str]]:
    """Truth, forecaster, RMSE at each horizon with its interval over patients."""
    rows = []
    for truth, tables in found["primary"].items():
        for name in _order(list(tables[kind])):
            cells = tables[kind][name]
            if any(c["rmse"] is None for c in cells):
                continue
            rows.append([truth, name, *(f"{c['rmse']:.4f} ({_span(c['patients'], 4)})" for c in cells)])
    return rows


def rows_of_bars(found: Found) -> list[list[str]]:
    """Bar, truth, against whom, wanted, measured with intervals (patients; seeds), met or MISSED."""
    rows = []
    for b in found["bars"]:
        digits = 2 if b["unit"] == "ms" else 1
        text = f"{b['value']:.{digits}f} {b['unit']}"
        spans = [_span(b["interval_over_patients"]), _span(b["interval_over_seeds"])]
        text += f" ({'; '.join(s for s in spans if s)})" if any(spans) else ""
        verdict = "met" if b["met"] else "MISSED"
        rows.append([b["bar"] + (" (stretch)" if b["stretch"] else ""), b["truth"], b["against"], b["wanted"], text, verdict])
    return rows


def rows_of_own(found: Found) -> list[list[str]]:
    """Forecaster, measured targets, RMSE at each horizon, coverage at +24 h: a hospital's own data."""
    rows, n, rmse, cover = [], _at(found, "n"), _at(found, "rmse"), _at(found, "cover90")
    for name in _order(list(found["next"])):
        cells = found["next"][name].get("all")
        if cells:
            rows.append([name, _n(cells[0][n], 0), *(_n(c[rmse]) for c in cells), _n(cells[0][cover], 1)])
    return rows


# ---------------------------------------------------------------------------------------------------------------- tables


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(str(c) for c in row) + " |" for row in rows)])


def _metrics_rows(found: Found, kind: str, at: int, where: str = "measured") -> list[list[str]]:
    """Every metric of every forecaster at one horizon, everybody."""
    rows = []
    for truth in found["truths"]:
        part = found["truths"][truth][where][kind]
        for name in _order(list(part)):
            cells = part[name].get("all")
            if not cells or cells[at][0] is None:
                continue
            c = dict(zip(found["metrics"], cells[at], strict=True))
            rows.append([
                truth, name, _n(c["rmse"], 4), _n(c["mae"], 4), _n(c["rmse_log"]), _n(c["mdape"], 1), _n(c["bias"]),
                _n(c["within20"], 1), _n(c["within30"], 1), _n(c["crps"], 4), _n(c["cover50"], 1), _n(c["width50"]),
                _n(c["cover90"], 1), _n(c["width90"]),
            ])  # fmt: skip
    return rows


METRIC_HEAD = (
    "truth", "forecaster", "RMSE", "MAE", "RMSE of log", "median APE %", "bias", "within 20 %", "within 30 %", "CRPS",
    "50 % covers", "its width", "90 % covers", "its width",
)  # fmt: skip


def _group_rows(found: Found, truth: str) -> list[list[str]]:
    """RMSE at +1 day by group: n, babies, learner, and every hand-built competitor; the lowest of them in bold."""
    part = found["truths"][truth]["measured"]["latent"]
    names = [n for n in _order(list(part)) if not n.startswith("oracle")]
    rmse = _at(found, "rmse")
    rows = []
    for group, cells in part[names[0]].items():
        if not cells[0][0]:
            continue
        values = [part[name][group][0][rmse] for name in names]
        low = min(v for v in values if v is not None)
        rows.append([group, _n(cells[0][0], 0), _n(cells[0][1], 0), *(f"**{v:.3f}**" if v == low else _n(v) for v in values)])
    return [["group", "moments", "babies", *names], *rows]


def _auroc_rows(found: Found) -> list[list[str]]:
    rows = []
    for truth in found["truths"]:
        part = found["truths"][truth]["measured"]["auroc"]
        for name in _order(list(part)):
            cell = part[name]["all"]
            by = [part[name].get(g, {}).get("kdigo") for g in BANDS]
            rows.append([truth, name, _n(cell["kdigo"]), *(_n(x) for x in by), _n(cell["hidden"])])
    return rows


def _gfr_rows(found: Found) -> list[list[str]]:
    rows = []
    for truth in found["truths"]:
        part, trough = found["truths"][truth]["measured"]["gfr"], found["troughs"][truth]["all"]
        for name in _order(list(part)):
            cells, t = part[name]["all"], trough.get(name)
            whole = found["truths"][truth]["measured"]["trough"][name]["all"] if t else None
            rows.append([
                truth, name, *(_n(c[0]) for c in cells), _n(cells[0][1]),
                *(("", "", "") if not t or not whole else (_n(t["rmse"], 2), _n(whole[4], 2), _gain(t))),
            ])  # fmt: skip
        alone = found["truths"][truth]["measured"]["trough"]["maturation"]["all"]
        rows.append([truth, "maturation alone", "", "", "", "", _n(alone[2], 2), _n(alone[4], 2), ""])
    return rows


def _trough_rows(found: Found) -> list[list[str]]:
    rows = []
    for truth, groups in found["troughs"].items():
        for group, cells in groups.items():
            learned = cells.get("learned")
            gain = _gain(learned) if learned else ""
            rows.append([
                truth, group, _n(cells["babies"], 0), _n(cells["maturation"]["rmse"], 2), _n(cells["filter"]["rmse"], 2),
                _n(learned["rmse"], 2) if learned else "", gain,
            ])  # fmt: skip
    return rows


# --------------------------------------------------------------------------------------------------------------- figures


def figures(found: Found) -> dict[str, str]:
    """File name -> SVG: errors by forecaster, coverage, and troughs by condition."""
    return {
        "kidney_rmse.svg": _figure_rmse(found),
        "kidney_coverage.svg": _figure_coverage(found),
        "kidney_trough.svg": _figure_trough(found),
    }


def _figure_rmse(found: Found) -> str:
    truths = list(found["primary"])
    with canvas(9.0, 3.4, 1, ncols=len(truths), squeeze=False, sharey=True) as (figure, axes):
        for axis, truth in zip(axes[0], truths, strict=True):
            tables = found["primary"][truth]["latent"]
            names = [n for n in reversed(_order(list(tables))) if n not in ("steady-wu", "oracle-future")]
            for y, name in enumerate(names):
                for h, cell in enumerate(tables[name]):
                    low, high = cell["patients"]
                    colour = COLOURS.get(name, GREY)
                    axis.plot([low, high], [y - 0.2 * (h - 1)] * 2, color=colour, lw=1.4)
                    axis.plot(cell["rmse"], y - 0.2 * (h - 1), "os^"[h], color=colour, ms=4.5)
            axis.set_yticks(range(len(names)), names)
            axis.set_xlim(left=0.0)
            axis.set_title(f"truth {truth}", fontsize=9.5)
            axis.set_xlabel("RMSE, mg/dL")
        text = "Error of the forecast creatinine at +1 (circle), +2 (square) and +3 days (triangle), by truth and forecaster"
        return svg(figure, "kidney-rmse", text)


def _figure_coverage(found: Found) -> str:
    truths, at = list(found["truths"]), _at(found, "cover90")
    with canvas(9.0, 3.0, 1, ncols=len(truths), squeeze=False, sharey=True) as (figure, axes):
        for axis, truth in zip(axes[0], truths, strict=True):
            part = found["truths"][truth]["measured"]["next"]
            for name in (n for n in _order(list(part)) if n in COLOURS):
                y = [cells[at] for cells in part[name]["all"]]
                axis.plot(found["hours"], y, "o-", color=COLOURS[name], lw=1.3, ms=4, label=name)
            axis.axhline(90.0, color=GREY, lw=0.9, ls="--")
            axis.set_xticks(found["hours"])
            axis.set_title(f"truth {truth}", fontsize=9.5)
            axis.set_xlabel("h ahead")
        axes[0][0].set_ylabel("% of measured values inside")
        axes[0][-1].legend(fontsize=7.5, loc="lower left")
        return svg(
            figure, "kidney-coverage", "Coverage of measured creatinine by the 90 % interval, by truth, forecaster and horizon"
        )


def _figure_trough(found: Found) -> str:
    truths = list(found["troughs"])
    with canvas(9.0, 3.2, 1, ncols=len(truths), squeeze=False, sharey=True) as (figure, axes):
        for axis, truth in zip(axes[0], truths, strict=True):
            groups = [g for g in reversed(found["troughs"][truth]) if found["troughs"][truth][g]["babies"] >= 20]
            for y, group in enumerate(groups):
                cells = found["troughs"][truth][group]
                for name, mark in (("maturation", "x"), ("filter", "s"), ("learned", "o")):
                    if name in cells:
                        axis.plot(cells[name]["rmse"], y, mark, color=COLOURS.get(name, GREY), ms=5.5,
                                  label={"maturation": "maturation alone"}.get(name, name) if not y else None)  # fmt: skip
            axis.set_yticks(range(len(groups)), groups)
            axis.set_xlim(left=0.0)
            axis.set_title(f"truth {truth}", fontsize=9.5)
            axis.set_xlabel("RMSE of the trough, mg/L")
        axes[0][-1].legend(fontsize=7.5)
        return svg(figure, "kidney-trough", "Error of the predicted amikacin trough by group and truth")


# ------------------------------------------------------------------------------------------------------------------ pages

DEFINITIONS = """
Fixed before any network was scored (`trial/kidney_evaluation.py`):
- A seed is new data and a new training. Learner and competitors are trained, calibrated and fitted on babies of truth A
  (training seeds; the learner also on randomised ones); all are tested on fresh babies of A, B and C (test seeds), split by
  baby. B and C are outside hospitals.
- Origin: right after each measurement; apart from it a daily grid (noon; of each baby every third day), where the last value is
  stale or there is none.
- Target at +24, +48, +72 h, in mg/dL on the baby's own assay, while it is on the ward: the noise-free value; apart from it
  the measurement nearest to that hour and within 8 h of it. Point forecast: the median. CRPS: twice the mean pinball loss at
  20 levels, normal scores interpolated between the five quantiles.
- Conditions: ibuprofen or indomethacin, cooling, inotropes: each at the origin or in the 72 h before; hidden injury: in the
  truth, from the origin to 72 h later. A moment can be in several.
- Injury: KDIGO stage 1 on the noise-free course begins within 72 h (moments where it is already met are left out). "Hidden":
  an injury of truth C begins within 72 h; nothing announces it, so nobody can do well.
- Filtration of a kidney that forecasts creatinine: the filter's, moved by its joint belief of creatinine and filtration.
- Amikacin trough: as if started at each origin by the rule decock_smits, before the second dose. Clearance = De Cock 2012 x
  relative filtration (of the truth; of the kidney; 1 for maturation alone); all else is the same.
- Oracles: one knows every hidden value today, not new luck; the other knows the noise-free future.
- Intervals: bootstrap over patients within each seed, and Student over seeds. A bar on a gain is met when the mean reaches it
  and both intervals lie above 0. "Best competitor": lowest mean RMSE at +1 day among the hand-built ones of that truth.
""".strip()


def markdown(found: Found, images: str | None = "img", heading: str = "## Evaluation") -> str:
    """The page. ``images``: folder of the figures as the page names it; None leaves them out."""
    if "bars" not in found:
        return _own_page(found)
    learner = {"trained for each seed": "trained anew for each seed"}.get(found["learner"], found["learner"])
    out = [
        heading, "",
        f"{len(found['seeds'])} seeds ({found['seeds'][0]} to {found['seeds'][-1]}), {found['babies']} fresh babies of each "
        f"truth a seed, noise `{found['noise']}`, network {learner}. Synthetic babies: nothing here is evidence about a real "
        "hospital. "
        "Decision support for research and evaluation, not a medical device.", "",
        DEFINITIONS, "",
        "### Bars", "",
        "Measured: mean over seeds (95 % interval over patients; over seeds).", "",
        table(("bar", "truth", "against", "wanted", "measured", ""), _bold(rows_of_bars(found))), "",
    ]  # fmt: skip
    missed = [b for b in found["bars"] if not b["met"]]
    if missed:
        out += ["Missed, with the cause as far as known:", ""]
        out += [f"- {b['truth']}, {b['bar']}{' (stretch)' if b['stretch'] else ''}: {b['cause']}." for b in missed] + [""]
    best = {t: g["latent"]["best"] for t, g in found["gains"].items()}
    if best:
        rows = []
        for truth, gains in found["gains"].items():
            for kind, text in (("latent", "noise-free"), ("next", "measured"), ("daily", "noise-free, daily grid")):
                for name, cells in gains[kind]["over"].items():
                    if not name.startswith("oracle") and name in ("filter", "filter-wide", "van-donge-map", best[truth]):
                        rows.append([truth, text, name, *map(_gain, cells)])
            per = gains["latent"]["per_seed"]
            rows.append([truth, "noise-free", "best of each seed", f"{per['gain']:.1f} ({_span(per['seeds'])})", "", ""])
        out += ["### Gains of the network, % lower RMSE", "",
                table(("truth", "target", "over", "+24 h", "+48 h", "+72 h"), rows), ""]  # fmt: skip
    if images is not None:
        out += [f"![RMSE by forecaster and truth]({images}/kidney_rmse.svg)", ""]
    rmse_head = ("truth", "forecaster", "+24 h", "+48 h", "+72 h")
    out += ["### RMSE, mg/dL (interval over patients)", "", "Noise-free value, right after each measurement:", "",
            table(rmse_head, rows_of_rmse(found)), "", "Noise-free value, daily grid:", "",
            table(rmse_head, rows_of_rmse(found, "daily")), "", "Next measured value:", "",
            table(rmse_head, rows_of_rmse(found, "next")), ""]  # fmt: skip
    for at, hours in enumerate(found["hours"]):
        out += [f"### All figures at +{hours:g} h, noise-free value, mg/dL", "",
                table(METRIC_HEAD, _metrics_rows(found, "latent", at)), ""]  # fmt: skip
    out += ["### Measured values at +24 h, mg/dL", "", table(METRIC_HEAD, _metrics_rows(found, "next", 0)), ""]
    if images is not None:
        out += [f"![Coverage of measured values]({images}/kidney_coverage.svg)", ""]
    out += ["### By gestational age and condition: RMSE at +24 h, mg/dL", ""]
    for truth in found["truths"]:
        head, *rows = _group_rows(found, truth)
        out += [f"Truth {truth}:", "", table(head, rows), ""]
    events = "; ".join(
        f"{t}: {found['truths'][t]['measured']['events']['kdigo'][0]:.0f} of "
        f"{found['truths'][t]['measured']['events']['kdigo'][1]:.0f} moments at risk" for t in found["truths"]
    )  # fmt: skip
    out += ["### Injury ahead: AUROC", "", f"Onsets of KDIGO stage 1 within 72 h, a seed: {events}.", "",
            table(("truth", "forecaster", "KDIGO", *BANDS, "hidden injury"), _auroc_rows(found)), "",
            "### Filtration and the amikacin trough", "",
            table(("truth", "kidney", "RMSE of log GFR +24 h", "+48 h", "+72 h", "bias +24 h", "trough RMSE mg/L", "bias",
                   "% lower than maturation alone"), _gfr_rows(found)), "",
            table(("truth", "group", "babies", "maturation alone", "filter", "learned", "% lower"), _trough_rows(found)),
            ""]  # fmt: skip
    if images is not None:
        out += [f"![Trough error by group]({images}/kidney_trough.svg)", ""]
    refused = "; ".join(
        f"{t} {100 * found['truths'][t]['measured']['refused'].get('learned', 0.0):.2f} %" for t in found["truths"]
    )
    out += [f"Refused by the network and answered by the filter instead: {refused}.", ""]
    return "\n".join(out).rstrip() + "\n"


def _bold(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[*row[:-1], "**MISSED**" if row[-1] == "MISSED" else row[-1]] for row in rows]


def _own_page(found: Found) -> str:
    gains = [[name, *map(_gain, cells)] for name, cells in found["gains"].items()]
    head = ("forecaster", "n", "RMSE +24 h", "+48 h", "+72 h", "90 % covers (+24 h)")
    return "\n".join([
        "# Kidneys on measured creatinine", "",
        f"{found['source']}: {found['babies']} babies with two creatinines or more, {found['origins']} moments right after a "
        f"measurement; target: the measurement nearest to +24, +48, +72 h and within 8 h, mg/dL on the ward's own assay. "
        f"Competitors are fitted on the other babies ({found['folds']} folds). "
        "Decision support for research and evaluation, not a medical device.",
        "", table(head, rows_of_own(found)), "", "% lower RMSE of the network (95 % over patients):", "",
        table(("over", "+24 h", "+48 h", "+72 h"), gains), "",
    ])  # fmt: skip


def html(found: Found) -> str:
    """The same page on its own, figures inside."""
    text = markdown(found, images=None, heading="## Kidneys evaluated")
    body: list[str] = []
    lines = text.splitlines()
    k = 0
    while k < len(lines):
        line = lines[k]
        if line.startswith("|"):
            block = []
            while k < len(lines) and lines[k].startswith("|"):
                block.append([c.strip() for c in lines[k].strip("|").split("|")])
                k += 1
            rows = [block[0], *block[2:]]
            cells = [
                "".join(f"<{t}>{_inline(c)}</{t}>" for c in r) for r, t in zip(rows, ["th", *["td"] * len(rows)], strict=False)
            ]
            body.append("<table>" + "".join(f"<tr>{c}</tr>" for c in cells) + "</table>")
            continue
        if line.startswith("#"):
            level = min(len(line) - len(line.lstrip("#")), 4)
            body.append(f"<h{level}>{_inline(line.lstrip('# '))}</h{level}>")
        elif line.startswith("- "):
            body.append(f"<p>&bull; {_inline(line[2:])}</p>")
        elif line:
            body.append(f"<p>{_inline(line)}</p>")
        k += 1
    drawn = "".join(f"<figure>{s}</figure>" for s in figures(found).values()) if "bars" in found else ""
    style = (
        "body{font:15px/1.5 sans-serif;max-width:75em;margin:2em auto;padding:0 1em}table{border-collapse:collapse;margin:1em 0}"
    )
    style += "th,td{border:1px solid #999;padding:.15em .5em;text-align:left;font-size:13px}"
    head = f'<meta charset="utf-8"><title>Kidneys evaluated</title><style>{style}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{"".join(body)}{drawn}</body></html>\n'


def _inline(text: str) -> str:
    """Escaped text; ``**bold**`` and `` `code` `` become elements."""
    out = escape(text, quote=False)
    for mark, tag in (("**", "b"), ("`", "code")):
        parts = out.split(mark)
        out = "".join(p if k % 2 == 0 else f"<{tag}>{p}</{tag}>" for k, p in enumerate(parts)) if len(parts) % 2 else out
    return out


def write(found: Found, page: Path, images: Path) -> None:
    """Put the section into ``page`` (replacing the one there) and the figures into ``images``."""
    images.mkdir(parents=True, exist_ok=True)
    for name, drawing in figures(found).items():
        (images / name).write_text(drawing + "\n", encoding="utf-8", newline="\n")
    text = page.read_text(encoding="utf-8")
    section = markdown(found, images=images.name, heading="## Evaluation")
    start = text.find("\n## Evaluation\n")
    if start < 0:
        text = text.rstrip("\n") + "\n\n" + section
    else:
        end = text.find("\n## ", start + 4)
        text = text[: start + 1] + section + ("" if end < 0 else text[end:])
    page.write_text(text, encoding="utf-8", newline="\n")

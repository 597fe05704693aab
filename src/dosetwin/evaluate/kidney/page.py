"""The evaluation of the kidneys as a page: bars, tables and figures, the bad ones too."""

import json
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from dosetwin.evaluate.kidney.figures import Found, at, figures, order

HEADING = "## Evaluation"
"""Of the section in docs/kidney.md."""
LONG = "# The kidneys' evaluation: all tables"
BANDS = ("GA < 29", "GA 29 to < 36", "GA >= 36")


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
        for name in order(list(tables[kind])):
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
    rows, n, rmse, cover = [], at(found, "n"), at(found, "rmse"), at(found, "cover90")
    for name in order(list(found["next"])):
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
        for name in order(list(part)):
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
    names = [n for n in order(list(part)) if not n.startswith("oracle")]
    rmse = at(found, "rmse")
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
        for name in order(list(part)):
            cell = part[name]["all"]
            by = [part[name].get(g, {}).get("kdigo") for g in BANDS]
            rows.append([truth, name, _n(cell["kdigo"]), *(_n(x) for x in by), _n(cell["hidden"])])
    return rows


def _gfr_rows(found: Found) -> list[list[str]]:
    rows = []
    for truth in found["truths"]:
        part, trough = found["truths"][truth]["measured"]["gfr"], found["troughs"][truth]["all"]
        for name in order(list(part)):
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


# ------------------------------------------------------------------------------------------------------------------ pages

NAMES = """
Forecasters: `learned` what was trained for the seed (networks averaged with a filter on van Donge's balance), `shipped` the
same in the package; its parts, fitted on plain and randomised babies and shown, no competitors of the bars: `networks-alone`,
`filter-wide` on which the networks stand, `filter-van-donge`, the second structure. Fitted on plain A: `filter`, `carried` (the
last value stays), `carried+curve` (it moves as the typical curve does), `gaussian-process` (on the log residual to that curve),
`van-donge-map` (reconstruction updated by MAP), `steady-wu` (blind to what was measured); `oracle-today`, `oracle-future`.

**Read B and C with this in mind**: the learner's second structure has the form and the typical baby of truths B and C (so has the
competitor `van-donge-map`); nothing of it was trained on them, but they are no unknown structure to it any more. What averaging
two structures does where *neither* is right is seen on D and E, written before any forecaster met them; no bar was set on them.
""".strip()

DEFINITIONS = """
Fixed before any network was scored (`evaluate/kidney/study.py`):
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
- Truths D and E (added with the second structure): filtration and creatinine of neither structure, E with C's injuries;
  creatinine alone is scored.
- Oracles: one knows every hidden value today, not new luck; the other knows the noise-free future.
- Intervals: bootstrap over patients within each seed, and Student over seeds. A bar on a gain is met when the mean reaches it
  and both intervals lie above 0. "Best competitor": lowest mean RMSE at +1 day among the hand-built ones of that truth.
""".strip()


def markdown(found: Found, images: str | None = "img", heading: str = "## Evaluation", *, whole: bool = True) -> str:
    """The page. ``images``: folder of the figures as the page names it; None leaves them out. Not ``whole``: the main tables."""
    if "bars" not in found:
        return _own_page(found)
    seeds = found["seeds"]
    out = [
        heading, "",
        f"{len(seeds)} seeds ({seeds[0]} to {seeds[-1]}), {found['babies']} fresh babies of each truth a seed, noise "
        f"`{found['noise']}`, network {found['learner']}. Synthetic babies: nothing here is evidence about a "
        "real hospital. Decision support for research and evaluation, not a medical device.", "",
        *([DEFINITIONS, ""] if whole else []),
        *(f"- {note}" for note in found.get("notes", [])), *([""] if found.get("notes") else []),
        NAMES, "", *_bars(found), *_gains(found), *_shipped(found),
    ]  # fmt: skip
    out += _picture(images, "kidney_rmse", "RMSE by forecaster and truth") + _errors(found, whole)
    out += _picture(images, "kidney_coverage", "Coverage of measured values")
    if whole:
        out += ["### By gestational age and condition: RMSE at +24 h, mg/dL", ""]
        for truth in found["truths"]:
            head, *rows = _group_rows(found, truth)
            out += [f"Truth {truth}:", "", table(head, rows), ""]
    out += _injury(found) + _filtration(found, whole) + _picture(images, "kidney_trough", "Trough error by group")
    refused = "; ".join(
        f"{t} {100 * found['truths'][t]['measured']['refused'].get('learned', 0.0):.2f} %" for t in found["truths"]
    )
    out += [f"Refused by the network and answered by the filter instead: {refused}.", ""]
    return "\n".join(out).rstrip() + "\n"


def _picture(images: str | None, name: str, text: str) -> list[str]:
    return [] if images is None else [f"![{text}]({images}/{name}.svg)", ""]


def _bars(found: Found) -> list[str]:
    out = ["### Bars", "", "Measured: mean over seeds (95 % interval over patients; over seeds).", "",
           table(("bar", "truth", "against", "wanted", "measured", ""), _bold(rows_of_bars(found))), ""]  # fmt: skip
    missed: dict[str, list[str]] = {}
    for b in found["bars"]:
        if not b["met"]:
            missed.setdefault(b["cause"], []).append(
                f"{b['truth']}, {b['bar']}{' (stretch)' if b['stretch'] else ''}".lstrip(", ")
            )
    if missed:
        out += ["Missed, with the cause as far as known:", ""]
        out += [f"- {'; '.join(which)}. Cause: {cause}." for cause, which in missed.items()] + [""]
    return out


def _gains(found: Found) -> list[str]:
    rows = []
    for truth, gains in found["gains"].items():
        best = gains["latent"]["best"]
        for kind, text in (("latent", "noise-free"), ("next", "measured"), ("daily", "noise-free, daily grid")):
            over = gains[kind]["over"]
            shown = ("filter", "networks-alone", "filter-wide", "filter-van-donge", "van-donge-map", best)
            names = [n for n in order(list(over)) if n in shown]
            rows += [[truth, text, name, *map(_gain, over[name])] for name in names]
        per = gains["latent"]["per_seed"]
        rows.append([truth, "noise-free", "best of each seed", f"{per['gain']:.1f} ({_span(per['seeds'])})", "", ""])
    if not rows:
        return []
    return ["### Gains of the learner, % lower RMSE", "",
            table(("truth", "target", "over", "+24 h", "+48 h", "+72 h"), rows), ""]  # fmt: skip


def _shipped(found: Found) -> list[str]:
    """The package's own weights, one training, on the same babies: gain, and coverage of measured values."""
    rows, column = [], at(found, "cover90")
    for truth, gains in found.get("shipped", {}).items():
        cover = [cells[column] for cells in found["truths"][truth]["measured"]["next"]["shipped"]["all"]]
        text = "/".join(_n(c, 1) for c in cover)
        names = dict.fromkeys((gains["best"], "filter", "van-donge-map"))
        rows += [[truth, name, *map(_gain, gains["over"][name]), text] for name in names]
    if not rows:
        return []
    head = ("truth", "over", "+24 h", "+48 h", "+72 h", "90 % interval covers (measured, +1/+2/+3 d)")
    return ["### The shipped weights (one training) on the same babies: % lower RMSE", "", table(head, rows), ""]


def _errors(found: Found, whole: bool) -> list[str]:
    head = ("truth", "forecaster", "+24 h", "+48 h", "+72 h")
    out = ["### RMSE, mg/dL (interval over patients)", "", "Noise-free value, right after each measurement:", "",
           table(head, rows_of_rmse(found)), "", "Noise-free value, daily grid:", "",
           table(head, rows_of_rmse(found, "daily")), ""]  # fmt: skip
    if not whole:
        return out
    out += ["Next measured value:", "", table(head, rows_of_rmse(found, "next")), ""]
    for column, hours in enumerate(found["hours"]):
        out += [f"### All figures at +{hours:g} h, noise-free value, mg/dL", "",
                table(METRIC_HEAD, _metrics_rows(found, "latent", column)), ""]  # fmt: skip
    return [*out, "### Measured values at +24 h, mg/dL", "", table(METRIC_HEAD, _metrics_rows(found, "next", 0)), ""]


def _injury(found: Found) -> list[str]:
    events = {t: found["truths"][t]["measured"]["events"]["kdigo"] for t in found["truths"]}
    text = "; ".join(f"{t}: {e[0]:.0f} of {e[1]:.0f} moments at risk" for t, e in events.items())
    note = "`oracle-future` says yes or no at three hours, against the measured past, so it is no upper bound here. "
    note += "Nothing announces a hidden injury: even `oracle-today` does not see it coming."
    return ["### Injury ahead: AUROC", "", f"Onsets of KDIGO stage 1 within 72 h, a seed: {text}. {note}", "",
            table(("truth", "forecaster", "KDIGO", *BANDS, "hidden injury"), _auroc_rows(found)), ""]  # fmt: skip


def _filtration(found: Found, whole: bool) -> list[str]:
    out = ["### Filtration and the amikacin trough", ""]
    if whole:
        head = ("truth", "kidney", "RMSE of log GFR +24 h", "+48 h", "+72 h", "bias +24 h", "trough RMSE mg/L", "bias",
                "% lower than maturation alone")  # fmt: skip
        out += [table(head, _gfr_rows(found)), ""]
    head = ("truth", "group", "babies", "maturation alone", "filter", "learned", "% lower")
    return [*out, "RMSE of the trough, mg/L:", "", table(head, _trough_rows(found)), ""]


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


def write(found: Found, page: Path) -> None:
    """Put the section into ``page`` (replacing the one there), all tables into ``kidney_evaluation.md`` beside it, and the
    figures into ``img``."""
    images = page.parent / "img"
    images.mkdir(parents=True, exist_ok=True)
    for name, drawing in figures(found).items():
        (images / name).write_text(drawing + "\n", encoding="utf-8", newline="\n")
    text = page.read_text(encoding="utf-8")
    section = sections(found)
    start = text.find(f"\n{HEADING}\n")
    if start < 0:
        text = text.rstrip("\n") + "\n\n" + section
    else:
        end = text.find("\n## ", start + 4)
        text = text[: start + 1] + section + ("" if end < 0 else text[end:])
    page.write_text(text, encoding="utf-8", newline="\n")
    whole = markdown(found, heading=LONG)
    (page.parent / "kidney_evaluation.md").write_text(whole, encoding="utf-8", newline="\n")


def sections(found: Found) -> str:
    """The section of docs/kidney.md: the main tables, and where the others are."""
    text = markdown(found, heading=HEADING, whole=False)
    intro = (
        "Definitions, fixed before any network was scored, and all tables: [kidney_evaluation.md](kidney_evaluation.md);\n"
        "figures behind them: [data/kidney_evaluation.json](data/kidney_evaluation.json).\n"
        "Again, in about an hour and a half of one idle core:\n"
        "`dosetwin kidney evaluate --train --seeds 10 --babies 2000 --resume DIR`; on a hospital's own measured values:\n"
        "`dosetwin kidney evaluate --data OUR.csv`.\n"
    )
    return text.replace("\n### Bars\n", f"\n{intro}\n### Bars\n", 1)


def compact(found: Found) -> dict[str, Any]:
    """What the page needs and little more, small enough to keep beside it: of single groups only noise-free values."""
    out = {k: v for k, v in found.items() if k != "truths"}
    out["truths"] = {}
    for truth, sets in found["truths"].items():
        part = out["truths"][truth] = {}
        for kind, tables in sets.items():
            part[kind] = dict(tables) | {"next": {n: {"all": g["all"]} for n, g in tables["next"].items() if "all" in g}}
            if kind != "daily":
                part[kind]["gfr"] = {n: {"all": g["all"]} for n, g in tables["gfr"].items() if "all" in g}
            else:
                part[kind]["latent"] = {n: {"all": g["all"]} for n, g in tables["latent"].items()}
                part[kind] = {k: v for k, v in part[kind].items() if k in ("latent", "next", "names")}
    return _rounded(out)


def _rounded(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: _rounded(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_rounded(v) for v in x]
    if isinstance(x, float):
        return float(f"{x:.4g}") if abs(x) < float("inf") else None
    return x


def main(words: Sequence[str]) -> None:
    """``python -m dosetwin.evaluate.kidney.page FOUND.json PAGE.md``: the page's section and figures from what was found."""
    found, page = Path(words[0]), Path(words[1])
    write(json.loads(found.read_text(encoding="utf-8")), page)


if __name__ == "__main__":
    main(sys.argv[1:])

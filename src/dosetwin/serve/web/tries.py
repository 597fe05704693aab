"""What if, as the page says it: the controls checked, the answer beside the recommendation on the same draws."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise.given import as_given
from dosetwin.decide.recommendation import order
from dosetwin.declare.reading import json_key
from dosetwin.io.text import thousands
from dosetwin.io.text import typed as number
from dosetwin.records import Every
from dosetwin.report import narrative, readings
from dosetwin.serve.web.charts import rounded
from dosetwin.serve.web.entries import TWO_WAYS
from dosetwin.serve.whatif import Tried, hour_of, what_if
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dosetwin.advise import Advice

RANGES = {
    "amount": (0.1, 1000.0, "mg", "dose"),
    "loading": (0.1, 1000.0, "mg", "first dose"),
    "interval": (4.0, 96.0, "h", "interval"),
    "delay": (0.0, 96.0, "h", "hours from now to the first dose"),
    "sample": (0.0, 168.0, "h", "hours from that dose to the next level"),
}
"""What a control accepts: guards against slips, wider than any dosing limit (those are shown, not enforced, here)."""
OPTIONAL = ("loading",)
"""Controls that may stay empty."""


@dataclass(frozen=True)
class Asked:
    """The values of the controls: mg, h, h from now, h after the first dose; ``infusion`` h."""

    amount: float
    interval: float
    delay: float
    sample: float
    infusion: float
    loading: float | None = None

    def regimen(self, now: float) -> Every:
        """As the engine takes it."""
        return Every(self.amount, self.interval, self.infusion, now + self.delay, loading=self.loading)


def asked_of(given: dict[str, str], infusion: float) -> tuple[Asked | None, dict[str, str]]:
    """The controls out of what was sent, and per field what is wrong with it (then None)."""
    values: dict[str, float] = {}
    wrong: dict[str, str] = {}
    for name, (low, high, unit, text) in RANGES.items():
        said = given.get(name, "").strip()
        if name in OPTIONAL and not said:
            continue
        read = number(said)
        value = float("nan") if read is None else read
        if not low <= value <= high:
            asks = f"{text}: found {said or 'nothing'}, allowed {low:g} to {high:g} {unit}"
            wrong[name] = TWO_WAYS.format(value=said) if thousands(said) else asks
        values[name] = value
    if not wrong and values["sample"] > 3 * values["interval"]:
        wrong["sample"] = (
            f"the next level: found {values['sample']:g} h, allowed up to {3 * values['interval']:g} h (three intervals)"
        )
    return (None, wrong) if wrong else (Asked(**values, infusion=infusion), {})


def on_clock(given: dict[str, str], advice: "Advice", zone: Zone) -> tuple[dict[str, str], dict[str, str]]:
    """The controls with ``first`` and ``at``, clock times as typed, turned into the hours ``delay`` and ``sample``; what is wrong
    with them per field. A time left empty is the recommendation's, or the hours where those are there.
    """
    out, wrong = dict(given), {}
    origin = advice.timeline.origin
    asked = {name: given.get(name, "").strip() for name in ("first", "at")}
    if origin is None:
        return out, wrong
    hour: dict[str, float] = {}
    for name, text in asked.items():
        if text:
            read = zone.read(text)
            if read.at is None:
                wrong["delay" if name == "first" else "sample"] = f"{text}: {read.why}"
            else:
                hour[name] = hour_of(advice.timeline, read.at)
    if "first" in hour:
        delay = hour["first"] - advice.now
        out["delay"] = f"{0.0 if -0.25 <= delay < 0.0 else delay:.4f}"
    first = advice.now + (number(out.get("delay", "")) or 0.0)
    if "at" in hour:
        out["sample"] = f"{hour['at'] - first:.4f}"
    elif not out.get("sample", "").strip() and "first" in hour:
        best = advice.recommendation.next_sample
        out["sample"] = f"{24.0 if best is None else best.after_h:g}"
    return out, wrong


def try_out(
    advice: "Advice", asked: Asked, zone: Zone, beside: dict[str, Any] | None = None,
    ask: "Callable[[Tried], dict[str, Any]] | None" = None,
) -> dict[str, Any]:  # fmt: skip
    """What the regimen would do: keys ``text`` (one sentence), ``rows`` (beside the recommended), ``broken``, ``order`` (what
    would be recorded), ``overlay`` (for the chart). ``beside``: what ``recommended`` gave, kept by the caller; ``ask``: who
    answers a what-if, default here.
    """
    regimen = asked.regimen(advice.now)
    sample = regimen.first_at + asked.sample
    found = what_if(advice, Tried(regimen, sample)) if ask is None else ask(Tried(regimen, sample))
    broken = [f"{f['message']} (allowed {f['allowed']})" for f in found["remarks"]]
    broken += [
        f"{r['text']} ({narrative.number(r['value'])}, limit {narrative.measured(r['limit'], r['unit'])})"
        for r in found["violations"]
    ]
    broken += [
        f"{narrative.constraint(r['text'])}: {narrative.percent_against(r['value'], r['limit'])}, "
        f"needs {narrative.percent(r['limit'])}"
        for r in found["unmet"]
    ]
    name = order({"amount_mg": asked.amount, "interval_h": asked.interval, "loading_mg": asked.loading})
    joint = narrative.percent(found["joint"])
    text = f"{name}: not acceptable." if broken else f"{name}: acceptable, {joint} chance of all joint targets."
    other = {name: (value, band) for name, value, band in _rows(advice, beside)} if beside else {}
    rows = [
        *_rows(advice, found),
        (
            f"{narrative.measurement(advice.therapy.sampling.of)} at {zone.clock(found['origin'], sample)}, {found['unit']}",
            *_middle(found["sample"]["level"]),
        ),
    ]
    rows.append(("doubt about the end of the curve that this level removes", narrative.percent(found["sample"]["fall"]), ""))
    none = ("", "")
    return {
        "text": text,
        "rows": [
            {"name": n, "value": v, "range": band, "beside": other.get(n, none)[0], "beside_range": other.get(n, none)[1]}
            for n, v, band in rows
        ],
        "broken": "; ".join(dict.fromkeys(broken)),
        "give": narrative.given(as_given(regimen, advice.therapy)),
        "order": _order(advice, asked, regimen.first_at, zone, name),
        "overlay": _overlay(found, sample),
    }


def _order(advice: "Advice", asked: Asked, first: float, zone: Zone, name: str) -> dict[str, str]:
    """What was tried as an order to be recorded: its fields, and the words of the button."""
    origin = advice.timeline.origin
    when = None if origin is None else zone.at(origin.isoformat(), first)
    return {
        "amount_mg": f"{asked.amount:g}",
        "interval_h": f"{asked.interval:g}",
        "loading_mg": "" if asked.loading is None else f"{asked.loading:g}",
        "first_at": "" if when is None else when.isoformat(),
        "text": name + ("" if when is None else f" from {zone.short(when)}"),
    }


def _middle(q: "Sequence[float]") -> tuple[str, str]:
    low, _, middle, _, high = (narrative.number(v) for v in q)
    return middle, f"{low} to {high}"


def recommended(advice: "Advice") -> dict[str, Any] | None:
    """The same for the regimen that is recommended, None in a refusal."""
    if advice.dosed is None:
        return None
    return what_if(advice, Tried(advice.dosed))


def _rows(advice: "Advice", found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Quantity, value, 90 % interval ("" where there is none)."""
    exposure = found["exposure"]
    lead = advice.models[int(np.argmax(advice.weights))]
    rows = [
        (f"{name}, {unit}".removesuffix(", "), *_middle(exposure[json_key(r.key, d)]))
        for (name, unit, _), (r, d) in zip(readings.heads(advice.therapy, lead), advice.therapy.columns, strict=True)
    ]
    for t in advice.therapy.goals:
        p = [a["p"] for a in found["targets"] if a["target"] == t.code]
        if p and t.brief:
            rows.append((f"P({narrative.aim(t)})", narrative.percent(min(p)), ""))
    return [*rows, ("P(all joint targets)", narrative.percent(found["joint"]), "")]


def _overlay(found: dict[str, Any], sample: float) -> dict[str, Any]:
    """Median and 90 % band from now on, for the chart."""
    kept = [k for k, t in enumerate(found["time_h"]) if t >= found["now_h"] - 1e-6]
    times = rounded([found["time_h"][k] for k in kept], 7)
    low, _, middle, _, high = (rounded([row[k] for k in kept]) for row in found["level"])
    return {
        "bands": [{"name": "what if, 90 %", "role": "whatif90", "low": low, "high": high, "time": times}],
        "lines": [{"name": "what if, median", "role": "whatif", "value": middle, "time": times}],
        "doses": [],
        "sample": sample,
        "end": max(times),
        "top": 1.08 * max(high),
    }

"""Everything a patient's page shows of one advice, as plain data: computed once per state of the twin, then only rendered."""

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.advise.ahead import in_scope
from dosetwin.decide.recommendation import Dosing, Setup
from dosetwin.declare import Repeated, Weekly
from dosetwin.infer.belief import DOUBTED
from dosetwin.quantities import FLAGS, QUANTITIES
from dosetwin.records import Every
from dosetwin.report import narrative, readings
from dosetwin.report.card import card
from dosetwin.report.figures import others
from dosetwin.report.page import levels, parameters, rests_on, short_list, verdict
from dosetwin.report.who import age, patient_line, zero
from dosetwin.serve.web.charts import Chart
from dosetwin.serve.web.curves import level_chart, output_chart, parameter_chart
from dosetwin.serve.web.first import first, order_text, weekday
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dosetwin.advise import Advice
    from dosetwin.decide.recommendation import Candidate, Ordered
    from dosetwin.declare import Goal, Therapy
    from dosetwin.errors import Reason


def picture(advice: "Advice", zone: Zone) -> dict[str, Any]:
    """The page's data. Keys: who, answer, candidates, standards, charts, levels, parameters, doubts, findings, forecasts,
    events, whatif, cards, provenance, therapy."""
    rec, therapy = advice.recommendation, advice.therapy
    why, why_not = narrative.split_reasons(narrative.order(rec.reasons) if rec.regimen else rec.reasons)
    targets, lead = therapy.goals, advice.models[advice.lead]
    forecasts, charts = told(advice, zone)
    curve = level_chart(advice, zone)
    charts = ([curve] if curve else []) + charts
    foretold = {p.name for f in advice.forecasts for p in f.panels}
    beside = [output_chart(advice, lead.outputs[o].measures, zone) for o in others(advice)
              if lead.outputs[o].measures not in foretold]  # fmt: skip
    charts += [c for c in beside if c is not None]
    titles, rows = candidate_rows(advice, zone)
    return {
        "drug": therapy.drug.name,
        "status": rec.status,
        "title": narrative.answer_title(rec),
        "tone": narrative.tone(rec),
        "hold": narrative.hold_text(rec, zone.long),
        "contradicted": narrative.contradicted(rec),
        "doubted": any(d.p_wrong >= DOUBTED for d in rec.doubted_records),
        "who": who(advice, zone),
        "zero": zero(advice.timeline),
        "repeated": therapy.drug.unit if isinstance(therapy.menu, Repeated) else "",
        "weekly": therapy.drug.unit if isinstance(therapy.menu, Weekly) else "",
        "days": narrative.DAYS if advice.timeline.origin is not None else tuple(f"day {k}" for k in range(1, 8)),
        "said": narrative.said_of(therapy)._asdict(),
        "headline": narrative.headline(rec, therapy.drug.name),
        "regimen": None if rec.regimen is None else dosing_of(rec.regimen, zone),
        "certainty": narrative.certainty(rec.how_sure.get("joint")) if rec.regimen else ("", ""),
        "first": first(advice, zone),
        "order_text": order_text(rec.regimen),
        "why": [{"text": sentence(r, targets, zone), "source": narrative.signs(r.source)} for r in why],
        "why_not": [{"text": narrative.sentence(r, targets), "source": narrative.signs(r.source)} for r in why_not],
        "sure": readings.how_sure(rec.how_sure, therapy, rests_on(advice), lead) if rec.regimen else [],
        "sample": sample(advice, zone),
        "titles": titles,
        "candidates": rows,
        "heads": readings.heads(therapy, lead),
        "standards": standards(advice, zone),
        "considered": rec.provenance.get("candidates_considered"),
        "acceptable": rec.provenance.get("candidates_acceptable"),
        "charts": {c.code: c for c in charts},
        "besides": [c.code for c in beside if c is not None],
        "order": narrative.order_table(rec.order),
        "expected": readings.expected(rec, therapy),
        "measurement": narrative.measurement(therapy.watched),
        "sampled": narrative.measurement(therapy.sampling.of),
        "before": narrative.before(therapy),
        "levels": levels(advice, zone.short),
        "parameters": parameters(advice),
        "doubts": [
            {
                "text": zone.retold(s.text),
                "changed": s.changed,
                "effect": narrative.effect(s),
                "regimen": "refusal" if s.regimen is None else narrative.ordered(s.regimen),
            }
            for s in rec.what_would_change_it
        ],
        "findings": [
            {
                "severity": f.severity,
                "code": f.code,
                "text": zone.retold(narrative.remark(f)).replace(f"patient {advice.timeline.patient.id}", "this patient"),
            }
            for f in rec.findings
        ],
        "forecasts": forecasts,
        "scenario": in_scope(therapy),
        "events": events(advice, zone),
        "whatif": whatif(advice, zone),
        "cards": [card(m) for m in advice.models],
        "weights": list(advice.weights),
        "provenance": dict(rec.provenance),
        "therapy": {
            "name": therapy.name,
            "note": therapy.note,
            "targets": [
                {
                    "text": t.text,
                    "wanted": narrative.border(t),
                    "judged": readings.judged(t),
                    "weight": t.weight,
                    "least": t.min_probability,
                    "source": narrative.signs(t.source),
                }
                for t in targets
            ],
            "limits": [x.to_json() for x in therapy.limits],
        },
    }


def sentence(reason: "Reason", targets: "Sequence[Goal]", zone: Zone) -> str:
    """A reason as a sentence; moments in it as the page writes them."""
    if reason.code == "level_low_enough_at" and reason.value is not None:
        need = narrative.percent(float(reason.limit)) if isinstance(reason.limit, int | float) else "enough"
        what = narrative.constraint(reason.text.partition("dose ")[2].partition(" reaches")[0])
        return f"Without a further dose {what} reaches {need} at {zone.long(reason.value)}."
    return zone.retold(narrative.sentence(reason, targets, str))


def dosing_of(r: "Ordered", zone: Zone) -> dict[str, Any]:
    """A regimen with its moment in words."""
    moments = {"first_at": r.first_at, "first_at_text": zone.long(r.first_at), "first_at_short": zone.short(r.first_at)}
    if isinstance(r, Setup):
        return {"settings": dict(r.settings), "text": r.words, **moments}
    return {
        "amount_mg": r.amount_mg,
        "loading_mg": r.loading_mg,
        "loading_interval_h": r.loading_interval_h,
        "interval_h": r.interval_h,
        "infusion_h": r.infusion_h,
        **moments,
        "text": narrative.ordered(r),
    }


def who(advice: "Advice", zone: Zone) -> dict[str, Any]:
    """The banner: who, how old, how heavy, when this was decided."""
    t, now = advice.timeline, advice.now
    p = t.patient
    when = t.when(now)
    latest: dict[str, tuple[float, float]] = {}
    for name in dict.fromkeys([*(c.name for c in t.covariates), *(o.measures for o in t.observations)]):
        known = [(at, v) for at, v in t.series(name) if at <= now + 1e-9] if name in QUANTITIES else []
        if known:
            latest[name] = known[-1]
    days = (when - p.birth).total_seconds() / 86400 if p.birth is not None and when is not None else None
    GA = p.GA if p.GA is not None else latest.get("GA", (0.0, None))[1]
    facts: list[tuple[str, str, str]] = []
    if GA is not None:
        facts.append(("born at", f"{GA:g} wk", ""))
    if days is not None:
        facts.append(("age (PNA)", f"{days:.1f} d", "") if GA is not None else ("age", age(days), ""))
        if GA is not None and days < 365:
            facts.append(("PMA", f"{GA + days / 7.0:.1f} wk", ""))
    elif "AGE" in latest:
        facts.append(("age", f"{latest['AGE'][1]:g} years", ""))
    if "WT" in latest:
        since = zone.clock(t.origin.isoformat() if t.origin else None, latest["WT"][0])
        facts.append(("weight", f"{latest['WT'][1]:g} kg", f"{since}, {_old(now - latest['WT'][0])}"))
    elif p.BW is not None:
        facts.append(("weight", f"{p.BW:g} kg", "at birth"))
    for q in (QUANTITIES[name] for name in latest):
        if q.kind == "laboratory":
            said, _, other = q.said(latest[q.name][1]).partition(" (")
            facts.append((q.text, said, other.removesuffix(")")))
    running = [q.text for q in FLAGS if latest.get(q.name, (0, 0))[1] > 0.5]
    if running:
        facts.append(("running", ", ".join(running), ""))
    return {
        "id": p.id, "label": p.label, "synthetic": p.synthetic, "facts": facts,
        "now": zone.long(advice.recommendation.provenance["now"]), "line": patient_line(t, now),
    }  # fmt: skip


def _old(hours: float) -> str:
    """How old a value is: ``3 h old``, ``2 d old``."""
    return f"{hours:.0f} h old" if hours < 48 else f"{hours / 24:.0f} d old"


def _after(hours: float, dosed: bool) -> str:
    """When a level is taken, beside the coming dose or from now: ``18 h after the start of that dose``."""
    if dosed and hours == 0:
        return "just before that dose"
    size = f"{hours:g} h" if hours < 72 or hours % 24 else f"{hours / 24:g} d"
    return f"{size} after the start of that dose" if dosed else f"{size} from now"


def sample(advice: "Advice", zone: Zone) -> dict[str, Any] | None:
    """The next level worth taking, with what each time considered would bring."""
    s = advice.recommendation.next_sample
    if s is None:
        return None
    options = sorted(s.options, key=lambda o: o.after_h)
    return {
        "worth": s.worth,
        "at": s.at,
        "at_text": zone.long(s.at),
        "day": zone.long(s.at) if isinstance(s.at, int | float) else weekday(datetime.fromisoformat(s.at), zone),
        "brief": _after(s.after_h, advice.dosed is not None),
        "after_h": s.after_h,
        "text": narrative.signs(s.text),
        "options": [
            {
                "after_h": o.after_h,
                "at": o.at,
                "at_text": zone.short(o.at),
                "fall_trough": o.fall_trough,
                "fall_clearance": o.fall_clearance,
            }
            for o in options
        ],
    }


def candidate_rows(advice: "Advice", zone: Zone) -> tuple[list[str], list[dict[str, Any]]]:
    """Titles of the probability columns and the ranked rows."""
    rec = advice.recommendation
    scored = [t for t in advice.therapy.goals if rec.candidates and any(a.target == t.code for a in rec.candidates[0].attainment)]
    briefly = [t for t in scored if t.brief]
    short = {id(c) for c in short_list(rec.candidates)}
    rows = []
    for c in rec.candidates:
        chosen = rec.regimen is not None and c.regimen == rec.regimen
        rows.append(
            {
                "rank": c.rank,
                "short": id(c) in short,
                "recommended": chosen,
                "acceptable": c.acceptable,
                **_numbers(c, zone, advice.therapy),
                "p": [_percent(c.p(t.code)) for t in briefly],
                "verdict": verdict(c, chosen, narrative.contradicted(rec)),
            }
        )
    return [narrative.aim(t) for t in briefly], rows


def _percent(p: float) -> dict[str, Any]:
    """A probability as text, and as whole percent for a bar."""
    return {"text": narrative.percent(p), "bar": round(100 * p)}


def _numbers(c: "Candidate", zone: Zone, therapy: "Therapy") -> dict[str, Any]:
    return {
        **dosing_of(c.regimen, zone),
        "per_kg": narrative.of_weight(c, therapy),
        "rules": narrative.rules(c.rules),
        "joint": _percent(c.joint),
        "loss": f"{c.loss:.2f}",
        "medians": readings.medians(c, therapy),
    }


def standards(advice: "Advice", zone: Zone) -> list[dict[str, Any]]:
    """The twin's regimen and every standard rule that speaks, side by side on the same draws."""
    rec = advice.recommendation
    scored = [t for t in advice.therapy.goals if t.brief and not t.reading.over]
    out = []
    for c in rec.candidates:
        chosen = rec.regimen is not None and c.regimen == rec.regimen
        if chosen or c.rules:
            name = "The twin" if chosen else narrative.rules(c.rules)
            agrees = narrative.rules(c.rules) if chosen and c.rules else ""
            have = {a.target for a in c.attainment}
            out.append(
                {
                    "name": name,
                    "agrees": agrees,
                    "chosen": chosen,
                    "acceptable": c.acceptable,
                    **_numbers(c, zone, advice.therapy),
                    "p": [{"title": narrative.aim(t), **_percent(c.p(t.code))} for t in scored if t.code in have],
                    "verdict": verdict(c, chosen, narrative.contradicted(rec)),
                }
            )
    return sorted(out, key=lambda r: not r["chosen"])


def told(advice: "Advice", zone: Zone) -> tuple[list[dict[str, Any]], list[Chart]]:
    """What each forecast in use says for itself, and its charts; ``turning`` where it warns."""
    out: list[dict[str, Any]] = []
    charts: list[Chart] = []
    for f in advice.forecasts:
        measured = set(QUANTITIES) & {o.measures for m in advice.models for o in (m.whole or m).outputs.values()}
        drawn = [
            output_chart(advice, p.name, zone, p) if p.measured or p.name in measured else parameter_chart(advice, p, zone)
            for p in f.panels
        ]
        found = [c for c in drawn if c is not None]
        charts += found
        out.append({
            "code": f.code, "name": f.name, "used": f.used, "lines": f.lines, "text": f.said, "turning": f.warns, "flag": f.flag,
            "remedy": f.remedy, "head": f.head, "rows": f.rows, "caption": f.caption, "charts": [c.code for c in found],
        })  # fmt: skip
    return out, charts


def events(advice: "Advice", zone: Zone) -> list[dict[str, Any]]:
    """Every fact in the order of time, newest first: doses, measurements, weights, what runs, cultures."""
    t = advice.timeline
    origin = t.origin.isoformat() if t.origin else None
    out: list[dict[str, Any]] = []

    def add(time: float, kind: str, text: str, record: str) -> None:
        out.append(
            {"time": time, "when": zone.clock(origin, time), "hours": f"{time:.1f}", "kind": kind, "text": text, "record": record}
        )

    for d in t.doses:
        for e in d.expanded():
            over = narrative.over(e.duration)
            add(e.time, "dose", f"{e.amount:g} {advice.therapy.drug.unit} {e.drug or advice.therapy.drug.name}{over}", e.record)
    for o in t.observations:
        sign, of = "< " if o.blq else "", QUANTITIES.get(o.measures)
        if of is not None:
            add(o.time, of.text, f"{sign}{of.said(o.value)}", o.record)
        else:
            add(o.time, "level", f"{o.measures or advice.therapy.drug.name} {sign}{o.value:g} {o.unit}", o.record)
    for c in t.covariates:
        (name, unit), of = narrative.named(c.name), QUANTITIES.get(c.name)
        if of is not None and of.flag:
            add(c.time, "drug" if of.runs == "drug" else "state", f"{name} {'on' if c.value else 'off'}", c.record)
        elif of is not None and of.kind == "laboratory":
            add(c.time, of.text, of.said(c.value), c.record)
        else:
            add(c.time, "measure", f"{name} {c.value:g} {unit}".strip(), c.record)
    out += [
        {
            "time": None,
            "when": "",
            "hours": "",
            "kind": "culture" if f.code in ("culture", "microbiology") else "reason",
            "text": str(f.value or f.message),
            "record": f.record,
        }
        for f in advice.recommendation.findings
        if f.code in ("culture", "microbiology", "indication")
    ]
    return sorted(out, key=lambda e: -(e["time"] if e["time"] is not None else -1e9))


def whatif(advice: "Advice", zone: Zone) -> dict[str, Any] | None:
    """Where the what-if controls start and how far they go; None for orders it has no controls for, or without a weight that
    they need."""
    p, therapy = advice.recommendation.provenance, advice.therapy
    weight = p.get("weight_kg")
    r = advice.dosed
    first = advice.recommendation.candidates[0].regimen if advice.recommendation.candidates else None
    best = first if isinstance(first, Dosing) else None
    menu = therapy.menu
    if not isinstance(menu, Repeated) or menu.per == "m2" or (menu.per == "kg" and not weight):
        return None
    scale = float(weight) if menu.per == "kg" and weight else 1.0
    lowest, highest = menu.dose
    interval, most = therapy.limit("interval_h"), therapy.limit("dose")
    top = min(1.5 * highest * scale, *([] if most is None or most.high is None else [most.high]), math.inf)
    start = r.first_at if r else (advice.now if best is None else _hour(advice, best.first_at))
    origin = advice.timeline.origin
    after = advice.recommendation.next_sample.after_h if advice.recommendation.next_sample else 24.0
    amount = r.amount if r else (best.amount_mg if best else 0.5 * (lowest + highest) * scale)
    return {
        "weight": weight if therapy.needs_weight else None,
        "unit": therapy.drug.unit,
        "now": advice.now,
        "amount": amount,
        "loading": r.loading if isinstance(r, Every) else (best.loading_mg if best else None),
        "wait": r.wait if isinstance(r, Every) else None,
        "interval": r.interval if r else (best.interval_h if best else 36.0),
        "infusion": r.duration if r else (best.infusion_h if best else 0.5),
        "first_at": start,
        "origin": origin.isoformat() if origin else None,
        "clock": None if origin is None else [zone.typed(zone.at(origin.isoformat(), h))[0] for h in (start, start + after)],
        "offsets": _offsets(advice, zone),
        "amount_min": menu.rounding.nearest(0.25 * lowest * scale),
        "amount_max": menu.rounding.nearest(top),
        "amount_step": menu.rounding.step(amount),
        "interval_min": float(interval.low) if interval is not None and interval.low else min(menu.intervals),
        "interval_max": 72.0,
        "intervals": list(menu.intervals),
        "allowed": {"dose": list(menu.dose), "interval": [interval.low, interval.high] if interval is not None else [None, None]},
        "sample_after": after,
    }


def _offsets(advice: "Advice", zone: Zone) -> list[list[float | int | str]]:
    origin = advice.timeline.origin
    return zone.offsets(None if origin is None else origin.isoformat(), advice.now - 1.0, advice.now + 200.0)


def _hour(advice: "Advice", at: str | float) -> float:
    return float(at) if isinstance(at, int | float) else advice.timeline.at(datetime.fromisoformat(at))


def charts_json(found: dict[str, Chart]) -> dict[str, Any]:
    """The charts for the script in the page."""
    return {code: chart.to_json() | {"top": chart.top} for code, chart in found.items()}

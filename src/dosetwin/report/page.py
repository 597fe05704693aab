"""The advice as one self-contained HTML page: every number with its unit, meaning and source."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from dosetwin import words
from dosetwin.decide.recommendation import Dosing
from dosetwin.infer.belief import DOUBTED
from dosetwin.quantities import QUANTITIES, many
from dosetwin.report import narrative, readings
from dosetwin.report.card import card
from dosetwin.report.doubt import doubt_of
from dosetwin.report.figures import Shown, beside, compared, concentration, foretold, others
from dosetwin.report.who import patient_line, zero

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.decide.recommendation import Candidate
    from dosetwin.declare import Model

SHORT = 6
"""Best candidates in the short table, beside the best of each interval and the standard rules."""


def environment() -> Any:
    """Jinja with autoescape on for every template: text from records is never markup."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=PackageLoader("dosetwin.report", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    found.filters["percent"] = narrative.percent
    found.filters["num"] = narrative.number
    found.filters["signs"] = narrative.signs
    found.filters["border"] = narrative.border
    found.filters["lowered"] = narrative.lowered
    found.filters["moment"] = narrative.moment
    words.teach(found)
    return found


def safe_figure(shown: Shown | None) -> dict[str, Any] | None:
    """A figure for a template: the SVG, which this package drew and escaped itself, is the only text marked as markup."""
    from markupsafe import Markup

    return None if shown is None else {"svg": Markup(shown.svg), "head": shown.head, "rows": shown.rows}


def short_list(candidates: "tuple[Candidate, ...]") -> "list[Candidate]":
    """The best few, the standard rules and the best of each longer interval: what fits a page."""
    intervals: set[float] = set()
    out = []
    for place, c in enumerate(candidates):
        interval = c.regimen.interval_h if isinstance(c.regimen, Dosing) else 0.0
        first = interval not in intervals
        intervals.add(interval)
        if place < SHORT or c.rules or (first and c.allowed and len(intervals) <= 3):
            out.append(c)
    return out


def verdict(c: "Candidate", recommended: bool, contradicted: bool = False) -> str:
    """Why a row stands where it stands; nothing is called acceptable while a level contradicts the model."""
    if recommended:
        return "recommended"
    if c.violations:
        r = c.violations[0]
        if r.code.startswith("bar_"):
            return f"barred: {r.text}"
        return f"outside limits: {r.text} ({narrative.number(r.value)}, limit {narrative.measured(r.limit, r.unit)})"
    if c.unmet:
        r = min(c.unmet, key=lambda r: float(r.value or 0) - float(r.limit or 0))
        got, need = narrative.percent_against(float(r.value or 0), float(r.limit or 0)), narrative.percent(float(r.limit or 0))
        return f"{narrative.constraint(r.text).removeprefix('the chance of ')}: {got}, needs {need}"
    return "for comparison only" if contradicted else "acceptable"


def candidates(advice: "Advice") -> tuple[list[tuple[str, bool]], list[dict[str, Any]]]:
    """Titles of the probability columns (with: also in the short table), and the rows."""
    rec = advice.recommendation
    scored = [t for t in advice.therapy.goals if rec.candidates and any(a.target == t.code for a in rec.candidates[0].attainment)]
    # an area says little at the bedside: only in the long table
    briefly = [t.brief for t in scored]
    shown = {id(c) for c in short_list(rec.candidates)}
    rows = []
    for c in rec.candidates:
        recommended = rec.regimen is not None and c.regimen == rec.regimen
        rows.append({
            "rank": c.rank, "short": id(c) in shown, "recommended": recommended, "acceptable": c.acceptable,
            "regimen": narrative.label(c, rec.candidates), "per_kg": narrative.of_weight(c, advice.therapy),
            "rules": narrative.rules(c.rules), "first_at": narrative.short_moment(c.regimen.first_at),
            "p": [(narrative.percent(c.p(t.code)), brief) for t, brief in zip(scored, briefly, strict=True)],
            "joint": narrative.percent(c.joint), "loss": f"{c.loss:.2f}",
            "medians": readings.medians(c, advice.therapy),
            "verdict": verdict(c, recommended, narrative.contradicted(rec)),
        })  # fmt: skip
    return [(narrative.aim(t), brief) for t, brief in zip(scored, briefly, strict=True)], rows


def levels(advice: "Advice", said: Callable[[str], str] = narrative.moment) -> list[dict[str, Any]]:
    """Every measurement a model predicts, with its place in what was expected before any level was known; ``said`` writes
    an ISO moment."""
    if advice.twin is not None:
        return []
    lead, model = advice.beliefs[advice.lead], advice.models[advice.lead]
    verdicts = {
        "plausible": "as expected",
        "unusual": "unusual: check time and dose record",
        "contradiction": "far from the model",
    }
    out = []
    for p in lead.levels:
        when = advice.timeline.when(p.time)
        output = model.outputs[model.measured_by(p.measures) or next(iter(model.outputs))]
        unit = narrative.said_unit(output.unit)
        of = QUANTITIES.get(output.measures)
        out.append({
            "what": narrative.named(output.measures)[0], "time": f"{p.time:.2f}", "moment": _moment(when, said),
            "value": ("< " if p.blq else "") + (of.said(p.observed) if of else f"{p.observed:g} {unit}".strip()),
            "expected": f"{narrative.number(p.median)} {unit}".strip(), "percentile": f"{p.percentile:.1f}",
            "verdict": verdicts[p.verdict] + (f"; in doubt: wrong with {narrative.percent(p.p_wrong)} probability"
                                              if p.p_wrong >= DOUBTED else "; believed" if p.verdict == "contradiction" else ""),
            "odd": p.verdict != "plausible" or p.p_wrong >= DOUBTED,
            "record": p.record,
        })  # fmt: skip
    for h in (h for section in advice.forecasts for h in section.heard):
        of = QUANTITIES[h.name]
        out.append({
            "what": of.text, "time": f"{h.time:.2f}", "moment": _moment(advice.timeline.when(h.time), said),
            "value": of.said(h.value), "verdict": h.verdict, "odd": h.odd, "record": h.record,
            "expected": "-" if h.expected is None else f"{narrative.number(h.expected)} {of.unit_shown}".strip(),
            "percentile": "-" if h.percentile is None else f"{h.percentile:.1f}",
        })  # fmt: skip
    return sorted(out, key=lambda row: float(row["time"]))


def _moment(when: Any, said: Callable[[str], str]) -> str:
    return said(when.replace(microsecond=0).isoformat()) if when else ""


def parameters(advice: "Advice") -> list[dict[str, Any]]:
    """What the twin believes of the patient: every parameter of the model before and after the levels, at the coming dose; those
    that can differ between patients first."""
    if advice.twin is not None:
        return []
    model, out = advice.models[advice.lead], []
    for name in advice.parameters.keys() & advice.prior_parameters.keys():
        before, after = advice.prior_parameters[name], advice.parameters[name]
        text, unit = meaning(model, name)
        varies = abs(before[2] - before[0]) > 1e-9 * max(abs(before[1]), 1e-12)
        place = (not varies, list(advice.parameters).index(name))
        row = {
            "name": name,
            "varies": varies,
            "text": text,
            "unit": narrative.said_unit(unit),
            "before": _spread(before, varies),
            "after": _spread(after, varies),
            "change": "the same for all" if not varies else f"{100 * (after[1] / before[1] - 1):+.0f} %" if before[1] else "",
        }
        out.append((place, row))
    return [row for _, row in sorted(out, key=lambda found: found[0])]


def _spread(q: tuple[float, float, float], varies: bool) -> str:
    band = f" ({narrative.number(q[0])} to {narrative.number(q[2])})" if varies else ""
    return f"{narrative.number(q[1])}{band}"


def meaning(model: "Model", name: str) -> tuple[str, str]:
    """Words and unit of an individual parameter: what the model's file says of it, else the field's letters for models of a drug,
    else the random effect of its name; ("", "") where it says nothing. The unit of a typical value counted per kg, per m2 or per
    day is not that of what a patient has, in h, mg and L: then none is said."""
    if name in model.values:
        return model.values[name].text, model.values[name].unit
    theta = next(
        (model.thetas[n] for n in (f"TV{name}", name, f"TV_{name}", f"{name}_TV", f"{name}_POP") if n in model.thetas), None
    )
    counted = theta is not None and any(part in theta.unit for part in ("kg", "m2", "/d"))
    if name in narrative.PARAMETERS and (theta is None or counted or theta.unit == narrative.PARAMETERS[name][1]):
        return narrative.PARAMETERS[name]
    if theta is not None:
        return theta.text.removeprefix("typical "), "" if counted else theta.unit
    return (model.etas[name].text if name in model.etas else ""), ""


def _facts(advice: "Advice") -> dict[str, list[dict[str, str]]]:
    t = advice.timeline

    def when(time: float) -> str:
        moment = t.when(time)
        return f"{time:.2f} h" + (f" · {narrative.moment(moment.replace(microsecond=0).isoformat())}" if moment else "")

    doses = [
        {"when": when(e.time), "record": e.record,
         "what": f"{e.amount:g} {advice.therapy.drug.unit}" + narrative.over(e.duration)}
        for d in t.doses for e in d.expanded()
    ]  # fmt: skip
    covariates = []
    for c in t.covariates:
        name, unit = narrative.named(c.name)
        value = ("on" if c.value else "off") if narrative.is_flag(c.name) else f"{c.value:g} {unit}".strip()
        covariates.append({"when": when(c.time), "what": f"{name}: {value}", "record": c.record})
    return {"doses": doses, "covariates": covariates}


def about(advice: "Advice") -> list[str]:
    """Who or what it is about, in a few words each: what is known of the patient; what is believed of the place."""
    if advice.twin is None:
        return patient_line(advice.timeline, advice.now, advice.models)
    low, middle, high = advice.recommendation.provenance["models"][0]["load"]
    of, number = advice.twin.pool.of, advice.twin.known.open
    is_open = [f"{number:g} {of} open"] if number is not None else []
    return [*is_open, advice.twin.basis or "nothing seen yet", f"load {middle:.3g} {of} ({low:.3g} to {high:.3g})"]


def rests_on(advice: "Advice") -> str:
    """The measurements the belief rests on, in words: ``2 levels and 1 INR``; "" without any."""
    if advice.twin is not None:
        return advice.twin.basis
    k = advice.lead
    model = advice.models[k]
    counted: dict[str, int] = {}
    for p in advice.beliefs[k].levels:
        if p.used:
            measures = model.outputs[model.measured_by(p.measures) or next(iter(model.outputs))].measures
            counted[measures] = counted.get(measures, 0) + 1
    first = sorted(counted, key=lambda m: m != advice.therapy.watched)
    return " and ".join(_counted(counted[m], m) for m in first)


def _counted(n: int, measures: str) -> str:
    what = QUANTITIES[measures].text if measures in QUANTITIES else f"{measures} level"
    return f"{n} {what}{'' if n == 1 else 's'}"


def level_unit(advice: "Advice") -> str:
    """The unit of the drug's level in the leading model."""
    model = advice.models[advice.lead]
    return model.outputs[model.measured_by(advice.therapy.watched) or next(iter(model.outputs))].unit


def _ahead(planned: Mapping[str, Any]) -> list[str]:
    if not planned:
        return []
    from dosetwin.advise import ahead

    return ahead.lines(planned)


def advice_page(advice: "Advice", *, source: str, clock: str) -> str:
    """The HTML page of one advice.

    ``source`` the case file's name; ``clock`` how the moment of the decision was found (printed beside it).
    """
    rec, therapy = advice.recommendation, advice.therapy
    why, why_not = narrative.split_reasons(narrative.order(rec.reasons) if rec.regimen else rec.reasons)
    titles, rows = candidates(advice)
    doubts = [
        {"text": narrative.retold(s.text), "changed": s.changed, "effect": narrative.effect(s),
         "regimen": "refusal" if s.regimen is None else narrative.ordered(s.regimen)}
        for s in rec.what_would_change_it
    ]  # fmt: skip
    return environment().get_template("advice.html.j2").render(
        certainty=narrative.chance(rec.how_sure.get("joint")) if rec.regimen else ("", ""), doubt=doubt_of(advice),
        zero=zero(advice.timeline), contradicted=narrative.contradicted(rec),
        title=narrative.answer_title(rec), tone=narrative.tone(rec), hold=narrative.hold_text(rec),
        drug=therapy.drug.name, said=narrative.said_of(therapy), rec=rec, source=source, clock=clock,
        headline=narrative.headline(rec, therapy.drug.name),
        order=narrative.order_table(rec.order), given=narrative.given(rec.given), prepared=narrative.prepared(rec.given),
        expected=readings.expected(rec, therapy),
        watched=narrative.watched(therapy) if advice.twin is None else f"{advice.twin.pool.of} taken",
        measurement=narrative.measurement(therapy.watched), measurements=many(narrative.measurement(therapy.watched)),
        sampled=narrative.measurement(therapy.sampling.of), before=narrative.before(therapy), known=_known(advice),
        patient=about(advice), patient_id=advice.timeline.patient.id,
        synthetic=advice.timeline.patient.synthetic, not_a_device=narrative.NOT_A_DEVICE,
        why=[(narrative.sentence(r, therapy.goals), narrative.signs(r.source)) for r in why],
        why_not=[(narrative.sentence(r, therapy.goals), narrative.signs(r.source)) for r in why_not],
        sure=readings.how_sure(rec.how_sure, therapy, rests_on(advice), advice.source) if rec.regimen else [],
        titles=titles, heads=readings.heads(therapy, advice.source), rows=rows, doubts=doubts, levels=levels(advice),
        parameters=parameters(advice), facts=_facts(advice),
        goals=[{"text": g.text, "wanted": narrative.border(g), "judged": readings.judged(g), "weight": g.weight,
                "least": g.min_probability, "source": narrative.signs(g.source)} for g in therapy.goals],
        findings=[{"severity": f.severity, "code": f.code, "text": narrative.remark(f)} for f in rec.findings],
        cards=[card(m) for m in advice.models], weights=advice.weights, therapy=therapy,
        prov=rec.provenance, pool=_pool(advice), lead=advice.models[advice.lead] if advice.models else None,
        ahead=_ahead(rec.look_ahead), **_drawn(advice),
    )  # fmt: skip


def _drawn(advice: "Advice") -> dict[str, Any]:
    """The figures in the order of the page, each with its number: ``curve``, ``besides``, ``comparison``, ``forecasts``."""
    n = 0

    def numbered(shown: Shown | None, title: str = "") -> dict[str, Any] | None:
        nonlocal n
        figure = safe_figure(shown)
        if figure is None:
            return None
        n += 1
        return figure | {"number": n, "title": title}

    curve = numbered(concentration(advice))
    comparison = numbered(compared(short_list(advice.recommendation.candidates), advice))
    besides = [numbered(beside(advice, o, f"f2{o}"), _titled(advice, o)) for o in (others(advice) if curve else ())]
    forecasts = [{"of": s, "figure": numbered(foretold(s, f"f4{s.code}"))} for s in advice.forecasts]
    return {"curve": curve, "besides": [f for f in besides if f], "comparison": comparison, "forecasts": forecasts}


def _titled(advice: "Advice", output: str) -> str:
    return narrative.capital(narrative.named(advice.models[advice.lead].outputs[output].measures)[0])


def _pool(advice: "Advice") -> dict[str, Any] | None:
    """What is believed of a place before anything is seen, each with its source; None of a patient."""
    if advice.twin is None:
        return None
    pool = advice.twin.pool
    laws = [(type(law).__name__, {k: v for k, v in vars(law).items() if k not in ("source", "provenance")}, law.source)
            for law in (pool.arrivals, *pool.laws)]  # fmt: skip
    return {"name": pool.name, "title": pool.title, "laws": [
        {"name": name, "values": ", ".join(f"{k} {v:g}" for k, v in values.items()), "source": source}
        for name, values, source in laws
    ]}  # fmt: skip


def _known(advice: "Advice") -> list[str]:
    """Facts that goals divide by or set borders with, each with what it is, or what it is taken to be: ``MIC: not known``."""
    given, assumed = advice.question.facts, {a.name: a for a in advice.therapy.assumed}
    out = []
    read = [n for g in advice.therapy.goals for n in (g.reading.over, g.reading.multiple_of) if n]
    for fact in dict.fromkeys(read):
        unit = next((f" {a.unit}" for a in assumed.values() if a.name == fact), " mg/L")
        if fact in given:
            out.append(f"{fact}: {given[fact]:g}{unit}")
        else:
            out.append(f"{fact}: not known" + (f", taken as {assumed[fact].value:g}{unit}" if fact in assumed else ""))
    return out

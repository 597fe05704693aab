"""A patient's page put together: the twin's answer, what was tried, entered or answered, the record, alerts and history."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup

from dosetwin import words
from dosetwin.forecast.tells import teller_of
from dosetwin.quantities import QUANTITIES
from dosetwin.report.doubt import main_doubt
from dosetwin.report.letter import letter_words, pdf
from dosetwin.report.narrative import NOT_A_DEVICE
from dosetwin.serve.installed import Followed
from dosetwin.serve.live.alerts import alerts_of
from dosetwin.serve.pair import partners
from dosetwin.serve.problems import Problem
from dosetwin.serve.problems import wrong as problem_at
from dosetwin.serve.reasons import OVERRIDE_REASONS
from dosetwin.serve.service import Service
from dosetwin.serve.store.measured import measurement
from dosetwin.serve.sure import waiting
from dosetwin.serve.timeline import in_force
from dosetwin.serve.told import OPTION, PATTERN, turning
from dosetwin.serve.twins import Known, Memory
from dosetwin.serve.wardlist import line
from dosetwin.serve.web import entries, pairs, planning
from dosetwin.serve.web.charts import svg
from dosetwin.serve.web.first import since
from dosetwin.serve.web.frame import Reader, page, without_ids, zone_of
from dosetwin.serve.web.letter import about, lines_of
from dosetwin.serve.web.look import Look, after_clinical, events_of, history_of, look
from dosetwin.serve.web.look import said as fact_said
from dosetwin.serve.web.picture import charts_json
from dosetwin.serve.web.scenario import scenario as scenario_of
from dosetwin.serve.web.tries import asked_of, on_clock, try_out
from dosetwin.serve.web.ward import row
from dosetwin.serve.whatif import Tried
from dosetwin.serve.zone import Zone

PatientId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
Typed = Annotated[str, Form(max_length=60)]
ByTold = Annotated[str, Query(alias=OPTION, pattern=PATTERN)]
ByTherapy = Annotated[str, Form(max_length=100)]
AskedTherapy = Annotated[str, Query(max_length=100)]
ANSWER_FIELDS = ("amount_mg", "interval_h", "loading_mg", "first_at", "reason_code", "reason", "week")
"""What a form about an answer brings, kept as typed where it is refused or asked about."""
KEPT = 64
"""Pages remembered: drawn once per state of a twin."""


def kept_of(request: Request) -> Memory:
    """The pages drawn before, kept with the running application."""
    state = request.app.state
    if not hasattr(state, "pages_drawn"):
        state.pages_drawn = Memory(KEPT)
    return state.pages_drawn


def shown(
    request: Request,
    id_: str,
    reader: Reader,
    *,
    said: str = "",
    doubts: bool = False,
    infection: bool = False,
    given: dict[str, str] | None = None,
    entry: entries.Entry | None = None,
    entry_wrong: dict[str, str] | None = None,
    plan: planning.Plan | None = None,
    plan_wrong: dict[str, str] | None = None,
    problem: dict[str, Any] | None = None,
    override_open: bool = False,
    override: Mapping[str, str] | None = None,
    override_ask: str = "",
    status: int = 200,
    template: str = "patient.html.j2",
    told: str = "",
    therapy: str = "",
    beside: str = "",
) -> HTMLResponse:
    """The page of a patient as the twin stands, with what was just said, tried or typed, and what was wrong with it."""
    service = reader.service
    with service.store.read() as conn:
        known = service.known(conn, service.reach(reader.who), id_)
    names = service.installed.names
    if therapy and therapy not in names:
        raise Problem(404, "not_found", "no such therapy here", [problem_at("patient", "therapy", therapy, ", ".join(names))])
    of, first = service.chosen(known, therapy), service.running(known)[0]
    asked_therapy = "" if of is first else of.name
    usual, by = of.told, teller_of(of.told)
    told = "" if usual is None or told == usual else told
    seen = look(service, reader.who, id_, kept_of(request), doubts=doubts, told=told, therapy=of.name)
    reach, zone = service.reach(reader.who), zone_of(service)
    with service.store.read() as conn:
        rows, answers = reach.advice_of(conn, id_)[:30], reach.answers(conn, id_)
        states = reach.states(conn, id_)
        stored = {r["id"]: reach.advice(conn, r["id"])["answer"] for r in rows[:10]}
        person = reach.person(conn, id_)[1]
        alerts = [a for a in alerts_of(reach.alerts(conn, id_)) if a.ended_at is None]
    history = history_of(rows, answers, stored, zone)
    born = person.birth
    service.audited(reader.who, "read", patient=id_, detail={"what": "page"})
    p = seen.picture
    answered = standing(history, seen, of.name)
    tried, asked = None, dict.fromkeys(("amount", "loading", "interval", "delay", "sample", "first", "at"), "")
    if given and any(given.values()) and p is not None and p["whatif"]:
        asked = asked | given
        tried = tried_on(seen, given, zone)
    now = reach.now
    choices = entries.choices(offered_to(service, seen.known, of.name))
    typed = entry or entries.fresh(now, zone, choices)
    held = waiting(seen.advice.recommendation.to_json(), seen.known.facts) if seen.advice is not None else []
    charts = dict(p["charts"]) if p else {}
    scene = _infection(request, service, seen) if infection and seen.advice is not None else None
    charts |= scene["charts"] if scene else {}
    charts = {code: c.said() for code, c in charts.items()}
    return page(
        request,
        template,
        reader,
        "ward",
        status,
        id=id_,
        name=seen.name,
        p=p,
        state=seen.state,
        state_followed=seen.state_with(usual) if told else seen.state,
        asked_with=told,
        and_asked=(f"&therapy={asked_therapy}" if asked_therapy else "") + (f"&{OPTION}={told}" if told else ""),
        option=OPTION,
        therapy=of.name,
        asked_therapy=asked_therapy,
        therapies=_therapies(service, seen, of, states, zone),
        usual_teller=usual,
        tellers=[{"name": k, "usual": k == usual, "asked": k == (told or usual)} for k in by.names] if by else [],
        failure=[without_ids(text) for text in seen.failure],
        said=said,
        wrong=problem,
        person=person,
        synthetic=bool(seen.row["synthetic"]),
        flags=_flags(seen, now),
        stills={code: Markup(svg(c, height=360.0 if code == "level" else 300.0)) for code, c in charts.items()},
        charts_json=Markup(_json(charts_json(charts))),
        infection=scene,
        answered=answered,
        can_answer=reader.who.may("answer"),
        override_open=override_open,
        override=dict.fromkeys(ANSWER_FIELDS, "") | dict(override or {}),
        reasons=OVERRIDE_REASONS,
        modify_open=bool(tried),
        allergies=_allergies(seen),
        entry_open=bool(entry or entry_wrong or plan),
        override_ask=override_ask,
        tried=tried,
        asked=asked,
        events=events_of(seen.known.facts, now, zone, [h["event"] for h in held]),
        can_record=reader.who.may("record"),
        entry_choices_of=choices,
        entry_chosen=getattr(entries.chosen(typed.kind, choices), "code", ""),
        assays=entries.ASSAYS,
        entry=typed,
        entry_choices=zone.choices(typed.at),
        entry_wrong={"value": "", "at": "", "other": "", "ask": ""} | (entry_wrong or {}),
        plan=plan or planning.fresh(now, zone),
        plan_open=plan is not None,
        plan_wrong=dict.fromkeys(("drug", "start", "amount", "every", "over"), "") | (plan_wrong or {}),
        plan_choices=zone.choices(plan.start) if plan else (),
        plan_drugs=planning.offered(of),
        plans=planning.standing(seen.known.facts, of.drug, zone),
        pair=pairs.asked(service, reader.who, id_, of.name, beside, zone) if beside and p else None,
        pair_with=partners(service, seen.known, of) if p and reader.who.may("ask") else (),
        held=held,
        can_correct=reader.who.may("correct"),
        history=history,
        born="" if born is None else zone.short(born).rpartition(" ")[0] + f" {zone.local(born).year}",
        doubt=main_doubt(p) if p else None,
        since=_since(seen, history, of.name, zone),
        alerts=[_alert(a, zone) for a in alerts],
        can_replay=reader.who.may("replay"),
        doubts_asked=bool(p and p["doubts"]),
    )


def offered_to(service: Service, known: Known, therapy: str = "") -> tuple[Followed, ...]:
    """The therapies whose facts a page offers to type in: the one it shows, the patient's others, then what else is installed."""
    of = service.chosen(known, therapy)
    return tuple(dict.fromkeys((of, *service.running(known), *service.installed.followed)))


def _therapies(
    service: Service, seen: Look, of: Followed, states: Sequence[Mapping[str, Any]], zone: Zone
) -> list[dict[str, Any]]:
    """The patient's therapies, each with its advice in words, and those that could be asked for; empty where there is one."""
    by = {s["therapy"]: line({**seen.row, **s}, seen.now) for s in states}
    running = tuple(dict.fromkeys((*service.running(seen.known), of)))
    out = [
        {"name": f.name, "text": f.words, "drug": f.drug, "here": f is of, "running": True,
         "row": row(by[f.name], seen.now, zone) if f.name in by else None}
        for f in running
    ]  # fmt: skip
    out += [{"name": f.name, "text": f.words, "drug": f.drug, "here": False, "running": False, "row": None}
            for f in service.installed.followed if f not in running]  # fmt: skip
    return out if len(out) > 1 else []


def _alert(a: Any, zone: Zone) -> dict[str, Any]:
    """An open alert in words: its cause, and apart what follows from it, where this service raised it."""
    text = zone.retold(a.text) or a.code.replace("_", " ")
    cause, _, rest = text.partition("; ") if a.ours else (text, "", "")
    return {
        "id": a.id,
        "tone": {"critical": "bad", "warning": "warn"}.get(a.severity, "info"),
        "severity": a.severity,
        "text": cause,
        "rest": rest,
        "ours": a.ours,
        "at": zone.short(a.raised_at),
        "repeats": a.repeats,
        "waiting": a.waiting,
        "by": a.acknowledged_by,
        "reason": a.reason,
    }


def _infection(request: Request, service: Service, seen: Look) -> dict[str, Any]:
    """The research scenario of this state, computed once."""
    key = f"{seen.state}:{seen.question.now.isoformat()}:infection"
    kept = kept_of(request)
    found = kept.get(key)
    if found is None:
        found = service.pool.run(scenario_of, seen.advice, zone_of(service))
        kept.put(key, found)
    return found


def _flags(seen: Look, now: Any) -> list[dict[str, str]]:
    out = []
    p = seen.picture
    if p is None:
        return [{"text": "no twin", "tone": "bad"}]
    if p["doubted"] or p["contradicted"]:
        out.append({"text": "level in doubt", "tone": "bad"})
    if (by := teller_of(seen.question.told)) is not None and turning(by, in_force(seen.known.facts))["turning"]:
        out.append({"text": by.watch.flag, "tone": "warn"})
    out += [{"text": f["flag"], "tone": "bad"} for f in p["forecasts"] if f["turning"]]
    regimen = seen.advice.regimen if seen.advice else None
    origin = seen.advice.timeline.origin if seen.advice else None
    if regimen is not None and origin is not None and origin + timedelta(hours=regimen.first_at) < now:
        out.append({"text": "settings due" if p["first"]["settings"] else "dose due", "tone": "bad"})
    return out


def _allergies(seen: Look) -> list[str]:
    """What the record's allergies are to, as last said: of the classes that bar a therapy here."""
    last: dict[str, float] = {}
    for fact in in_force(seen.known.facts):
        found = measurement(fact)
        if found is not None and found.quantity.startswith("ALLERGY_"):
            last[found.quantity] = found.value
    return [QUANTITIES[name].text.removeprefix("allergy to ") for name, value in last.items() if value]


def standing(history: Sequence[Mapping[str, Any]], seen: Look, therapy: str) -> dict[str, Any] | None:
    """The last answer to an advice of this therapy: it stands until a fact changes the twin."""
    latest = next((h for h in history if h["decision"] and h["therapy"] in ("", therapy)
                   and not after_clinical(seen.known.facts, h["through_seq"])), None)  # fmt: skip
    if latest is None:
        return None
    return {
        "text": latest["answer"], "accepted": latest["decision"] == "accepted", "tone": latest["tone"], "would": latest["would"],
        "advice": latest["text"], "by_whom": latest["by_whom"], "by": latest["decided_by"], "at": latest["decided_at"],
        "reason": latest["reason"],
    }  # fmt: skip


def letter(request: Request, id_: str, reader: Reader, told: str = "", therapy: str = "") -> tuple[bytes, str]:
    """The letter about a patient as one page of PDF, and what the patient is called. Raises Problem where there is no twin."""
    service, zone = reader.service, zone_of(reader.service)
    seen = look(service, reader.who, id_, kept_of(request), told=told, therapy=therapy)
    if seen.picture is None:
        raise Problem(409, "no_twin", "there is no twin to write of: " + "; ".join(without_ids(x) for x in seen.failure))
    of, reach = service.chosen(seen.known, therapy), service.reach(reader.who)
    with service.store.read() as conn:
        rows, answers = reach.advice_of(conn, id_)[:30], reach.answers(conn, id_)
        stored = {r["id"]: reach.advice(conn, r["id"])["answer"] for r in rows[:10]}
        person = reach.person(conn, id_)[1]
    history = history_of(rows, answers, stored, zone)
    service.audited(reader.who, "read", patient=id_, detail={"what": "letter"})
    p = seen.picture
    lines = lines_of(p, _since(seen, history, of.name, zone), standing(history, seen, of.name))
    by = words.as_is(reader.who.name or reader.who.subject)
    foot = [words.say("Made {at} by {by}, dosetwin {version}; facts {hash}", at=zone.long(reach.now), by=by,
                      version=words.as_is(p["provenance"]["dosetwin"]), hash=words.as_is(p["provenance"]["input_hash"][:16])),
            words.said(NOT_A_DEVICE)]  # fmt: skip
    chart = p["charts"].get("level")
    who = about(seen.name, person, p, zone, service.settings.site)
    made = service.pool.run(pdf, who, lines, None if chart is None else chart.said(), foot, letter_words())
    return made, seen.name


def _since(seen: Look, history: Sequence[Mapping[str, Any]], therapy: str, zone: Zone) -> dict[str, Any] | None:
    """What changed since the last advice of this therapy."""
    if seen.picture is None:
        return None
    last = next((h for h in history if h["therapy"] in ("", therapy)), None)
    return since(
        last, seen.picture, seen.known.facts, lambda f: fact_said(f["kind"], f["body"], zone)[1], seen.picture["order_text"]
    )


def _json(data: Any) -> str:
    """JSON for a data block of a page: nothing in it can end the block."""
    import json

    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def tried_on(
    seen: Look, given: dict[str, str], zone: Zone, ask: Callable[[Tried], dict[str, Any]] | None = None
) -> dict[str, Any]:
    """What was tried, or what is wrong with it, for the template; ``ask``: who answers a what-if."""
    assert seen.advice is not None
    assert seen.picture is not None
    infusion = seen.picture["whatif"]["infusion"]
    hours, bad = on_clock(given, seen.advice, zone)
    asked, wrong = asked_of(hours, infusion)
    if asked is None or bad:
        return {"text": "", "rows": [], "broken": "", "overlay": None, "order": None, "give": [], "wrong": wrong | bad}
    return try_out(seen.advice, asked, zone, seen.beside, ask) | {"wrong": {}}


def back(request: Request, to: str) -> RedirectResponse:
    """To a patient's page (id, query and place) after something was done."""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/patient/{to}", 303)

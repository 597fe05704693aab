"""What was ordered instead of an advice, tried on the twin: what it would do, what it breaks, and whether anybody is sure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dosetwin.declare import Weekly
from dosetwin.records import DoseOrder, Every, Week
from dosetwin.report import narrative
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.whatif import DRAWS, first_of, hour_of, judge, remarks

if TYPE_CHECKING:
    from dosetwin.advise import Advice
    from dosetwin.serve.auth.principal import Principal
    from dosetwin.serve.service import Service


def would_do(
    advice: "Advice", amount: float, interval: float, infusion: float, loading: float | None = None, first: float | None = None,
    week: Sequence[float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What a regimen (mg, h, h) would do to targets and limits on the twin's draws, and what of it cannot be believed.

    ``loading`` mg of the first dose where it differs; ``first`` h on the record's clock at which it is given, None: when due.
    ``week``: mg of each day from Monday, in place of one amount. Raises Problem 422 for a week of what is not given by the week.

    Keys of ``whatif.judge`` and ``impossible``, ``unusual``: findings of the record checks on its first two doses.
    """
    lead = int(np.argmax(advice.weights))
    start = first_of(advice, interval) if first is None else first
    one = Every(amount, interval, infusion, start, loading=loading)
    regimen = one if week is None else cast("DoseOrder", _week(advice, week, start))
    found = remarks(advice, regimen)
    impossible = [f for f in found if f.severity == "error"]
    out: dict[str, Any] = {
        "impossible": [f.to_json() for f in impossible],
        "unusual": [f.to_json() for f in found if f.severity != "error"],
    }
    if impossible:
        return out
    return judge(advice, lead, regimen, advice.beliefs[lead].draws[:DRAWS]) | out


def _week(advice: "Advice", week: Sequence[float], start: float) -> Week:
    """A week of tablets from ``start`` (h) on, on the calendar where the record has one."""
    if not isinstance(advice.therapy.menu, Weekly):
        wrongs = [wrong("answer", "given.week", None, "amount_mg and interval_h", f"{advice.therapy.drug.name} has no week")]
        raise Problem(422, "not_accepted", "this is not given by the days of the week; nothing was recorded", wrongs)
    origin, amounts = advice.timeline.origin, tuple(float(a) for a in week)
    if origin is None:
        return Week(amounts, start, 0, False, unit=advice.therapy.menu.unit)
    return Week(amounts, start, (origin + timedelta(hours=start)).weekday(), unit=advice.therapy.menu.unit)


def broken(would: Mapping[str, Any]) -> list[str]:
    """What an order breaks or is unusual in, in words; empty: nothing to ask about."""
    out = [f"{f['message']} (usual: {f['allowed']})" for f in would["unusual"]]
    for r in would.get("violations", ()):
        if str(r["code"]).startswith("bar_"):
            out.append(f"barred: {r['text']}")
            continue
        limit = f"limit {narrative.measured(r['limit'], r['unit'])}"
        out.append(f"outside limits: {r['text']} ({narrative.number(r['value'])}, {limit})")
    return out


def told(would: Mapping[str, Any] | None) -> str:
    """One sentence for a page: what an order would do on the twin; "" where it was not tried."""
    if not would or "joint" not in would:
        return ""
    parts = [f"{narrative.percent(would['joint'])} chance of all joint targets"]
    parts += [
        f"{narrative.constraint(r['text'])} {narrative.percent(r['value'])}, needs {narrative.percent(r['limit'])}"
        for r in would["unmet"][:3]
    ]
    return "On the twin: " + "; ".join(dict.fromkeys([*parts, *broken(would)])) + "."


def tone(body: Mapping[str, Any]) -> str:
    """How an answer is shown: good when the advice was accepted, amber when what was ordered breaks something."""
    if body.get("decision") == "accepted":
        return "good"
    would = body.get("would") or {}
    return "warn" if would.get("violations") or would.get("unmet") or would.get("unusual") else "info"


def answered(advice: "Advice", said: dict[str, Any], *, sure: bool) -> dict[str, Any]:
    """An answer with what its order ``would`` do. Raises Problem 422 for an order that cannot be, 409 for one above the limits
    that nobody is ``sure`` of.
    """
    given = said.get("given")
    if given is None:
        return said
    first = given.get("first_at")
    hour = None if first is None else hour_of(advice.timeline, datetime.fromisoformat(first))
    would = would_do(advice, given["amount_mg"], given["interval_h"], given["infusion_h"], given.get("loading_mg"), hour,
                     given.get("week"))  # fmt: skip
    if would["impossible"]:
        errors = [
            wrong("answer", "given", f["value"], f"{f['allowed']}; {f['remedy']}", f["message"]) for f in would["impossible"]
        ]
        raise Problem(422, "not_accepted", "an order that cannot be; nothing was recorded", errors)
    open_ = broken(would)
    if open_ and not sure:
        raise Problem(409, "not_confirmed", f'are you sure? {"; ".join(open_)}; if so send it again with "confirmed": '
                      '{"reason": "..."}', [wrong("answer", "given", None, "inside the limits, or confirmed", x) for x in open_],
                      would={k: would[k] for k in ("joint", "targets", "violations", "unmet")})  # fmt: skip
    if "week" in given:  # in words, as an advice of a week has them
        start = first_of(advice, given["interval_h"]) if hour is None else hour
        said = said | {"given": given | {"words": _week(advice, given["week"], start).words()}}
    return said | {"would": would}


def of_row(service: "Service", who: "Principal", row: Mapping[str, Any]) -> "Advice":
    """The advice of a stored row, computed again from its facts and question."""
    from dataclasses import replace
    from functools import partial

    from dosetwin.serve.twins import KeptQuestion, Known, answer

    with service.store.read() as conn:
        reach = service.reach(who)
        patient = row["patient_id"]
        version, person = reach.person(conn, patient, row["identity_version"])
        known = Known(patient, reach.facts(conn, patient, through=row["through_seq"]), version, person)
    question = replace(KeptQuestion.from_json(row["inputs"]), sensitivity=False)
    return service.pool.run(partial(answer, curves=False), known, question)

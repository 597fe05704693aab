"""Cards of CDS Hooks 2.0.1 from a recommendation: summary under 140 characters, reasons, the order to take over, ways to say no.

A card that rests on an advice has its id, so that feedback finds it. Cards carry no nulls and no empty values (the specification
forbids them; an empty ``cards`` list is its one exception).
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dosetwin.decide.recommendation import coming_mg
from dosetwin.decide.recommendation import order as said
from dosetwin.quantities.units import code_of, convert
from dosetwin.report.narrative import certainty
from dosetwin.report.narrative import given as by_hand
from dosetwin.serve.fhir.resources import DAYS, DISCLAIMER, Issued, drug_concept, medication_request
from dosetwin.serve.reasons import OVERRIDE_REASONS
from dosetwin.serve.zone import Zone

Indicator = Literal["info", "warning", "critical"]
SUMMARY_MAX = 139
"""Characters; the specification wants fewer than 140."""
_REASON_SYSTEM = "urn:dosetwin:override-reason"
UTC = Zone()
_NAMESPACE = uuid.UUID("5be1b2f4-1a3c-5f0e-9b57-c84c5b9b5d6e")
_SAME_DOSE = 0.05
"""Relative difference of dose and interval below which an order counts as what is advised (assumed)."""


def advice_card(issued: Issued, page: str | None, *, suggest: bool, zone: Zone = UTC) -> dict[str, Any]:
    """The advice as one card. ``page``: absolute URL of the patient's page; ``suggest``: with the draft order to take over;
    ``zone`` in which its moments are told.
    """
    advice = issued.recommendation
    regimen = advice["regimen"]
    if advice.get("hold"):
        card = _card(issued, f"Hold the next {issued.drug} dose: {advice['hold_reason']}", "warning", _detail(advice, zone), page)
        card["overrideReasons"] = _override_reasons()
        return card
    if regimen is None:
        first = advice["reasons"][0]
        barred = first["code"].startswith("bar_")
        lead = f"Do not give {issued.drug}" if barred else f"No acceptable {issued.drug} regimen"
        text = f"{lead}: {first['text'] or first['code'].replace('_', ' ')}"
        card = _card(issued, text, "critical" if barred else "warning", _detail(advice, zone), page)
        card["overrideReasons"] = _override_reasons()
        return card
    what = said(regimen)
    chosen = next((c for c in advice["candidates"] if c["regimen"] == regimen), None)
    joint = f", all targets met with probability {chosen['joint']:.2f}" if chosen else ""
    tone, words = certainty(chosen["joint"]) if chosen else ("", "")
    joint = f", {words}: probability {chosen['joint']:.2f}" if chosen and words else joint
    doubted = tone or advice["status"] == "caution" or any(f["severity"] != "info" for f in advice["findings"])
    indicator: Indicator = "warning" if doubted else "info"
    card = _card(issued, f"{issued.drug}: {what}{joint}", indicator, _detail(advice, zone), page)
    card["overrideReasons"] = _override_reasons()
    if suggest and (order := medication_request(issued)) is not None:
        order.pop("identifier", None)
        card["selectionBehavior"] = "at-most-one"
        card["suggestions"] = [
            {
                "label": f"{issued.drug} {what}",
                "uuid": _uuid(issued, "suggestion"),
                "isRecommended": tone != "bad",
                "actions": [
                    {"type": "create", "description": f"Draft order: {issued.drug} {what}; {DISCLAIMER}", "resource": order}
                ],
            }
        ]
    return card


def order_card(issued: Issued, order: Mapping[str, Any], page: str | None, *, zone: Zone = UTC) -> dict[str, Any] | None:
    """A card about an order that differs from the advice, or None when it agrees within 5 % of dose and interval.

    An order whose dose or interval cannot be read gets a card that says so, never silence.
    """
    regimen = issued.recommendation["regimen"]
    ordered = _ordered(order)
    if ordered is None:
        summary = f"{issued.drug} order not checked: its dose in mg or its interval cannot be read"
        wanted = "The check needs dosageInstruction.doseAndRate.doseQuantity in mg and timing.repeat with period in h or d."
        return _card(issued, summary, "warning", wanted, page)
    if regimen is None or issued.recommendation.get("hold"):
        return advice_card(issued, page, suggest=False, zone=zone)
    dose, interval = ordered["amount_mg"], ordered["interval_h"]
    first, wanted = coming_mg(ordered), coming_mg(regimen)
    pairs = ((dose, regimen["amount_mg"]), (first, wanted), (interval, regimen["interval_h"]))
    if ordered.get("week") or regimen.get("week"):  # weeks of tablets are compared as weeks
        pairs = ((dose / interval, regimen["amount_mg"] / regimen["interval_h"]),)
    if all(abs(found - advised) <= _SAME_DOSE * advised for found, advised in pairs):
        return None
    advised = said(regimen)
    high = dose / interval > 1.5 * regimen["amount_mg"] / regimen["interval_h"] or first > 1.5 * wanted
    summary = f"{issued.drug}: ordered {said(ordered)}, the twin advises {advised}"
    card = _card(issued, summary, "critical" if high else "warning", _detail(issued.recommendation, zone), page)
    card["overrideReasons"] = _override_reasons()
    draft = medication_request(issued)
    assert draft is not None
    draft.pop("identifier", None)
    changed = _without_empty({**order, "dosageInstruction": draft["dosageInstruction"]}) if order.get("id") else draft
    card["selectionBehavior"] = "at-most-one"
    card["suggestions"] = [
        {
            "label": f"Change to {advised}",
            "uuid": _uuid(issued, "change"),
            "actions": [{"type": "update" if order.get("id") else "create", "description": f"{advised}; {DISCLAIMER}",
                         "resource": changed}],
        }
    ]  # fmt: skip
    return card


def cannot_card(drug: str, why: str) -> dict[str, Any]:
    """That no twin can be built for this patient, and why: an ordering screen must not take silence for consent."""
    text = f"{drug}: no advice for this patient"
    return {
        "uuid": str(uuid.uuid5(_NAMESPACE, why)),
        "summary": text[:SUMMARY_MAX],
        "indicator": "info",
        "detail": f"{why}\n\n{DISCLAIMER}",
        "source": {"label": "dosetwin"},
    }


def is_for(drug: str, order: Mapping[str, Any]) -> bool:
    """Whether a MedicationRequest orders the drug: by RxNorm or ATC code, else by its name in the text."""
    concept = order.get("medicationCodeableConcept") or {}
    codes = {(c.get("system"), c.get("code")) for c in concept.get("coding", ())}
    listed = {(c.get("system"), c.get("code")) for c in drug_concept(drug).get("coding", ())}
    texts = [concept.get("text", ""), *(c.get("display", "") for c in concept.get("coding", ()))]
    return bool(codes & listed) or any(drug in (t or "").lower() for t in texts)


def _ordered(order: Mapping[str, Any]) -> dict[str, Any] | None:
    """``amount_mg``, ``interval_h`` and, for a single dose before it, ``loading_mg`` of an order; None: they cannot be read.

    Of an order by the days of the week ``week``, from Monday, and its mean as amount.
    """
    instructions = order.get("dosageInstruction") or []
    if (week := _week(instructions)) is not None:
        mean = sum(week) / 7.0
        words = f"{sum(week):g} mg a week by its days"
        return {"amount_mg": mean, "interval_h": 24.0, "loading_mg": None, "week": week, "words": words} if mean else None
    loading = None
    if len(instructions) == 2 and (loading := _single(instructions[0])) is None:
        return None
    rest = _repeated(instructions[-1]) if 1 <= len(instructions) <= 2 else None
    return None if rest is None else {"amount_mg": rest[0], "interval_h": rest[1], "loading_mg": loading}


def _week(instructions: Any) -> list[float] | None:
    """mg of each day from Monday, of instructions that all say their days of the week; None for others."""
    week = [0.0] * 7
    try:
        for instruction in instructions:
            days, (value, mg) = instruction["timing"]["repeat"]["dayOfWeek"], _quantity(instruction)
            if mg is None or value < 0 or not days:
                return None
            for day in days:
                week[DAYS.index(day)] += value * mg
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return week if instructions else None


def _single(instruction: Any) -> float | None:
    """mg of an instruction that is one dose (``count`` 1), else None."""
    try:
        repeat = instruction["timing"]["repeat"]
        value, mg = _quantity(instruction)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return value * mg if mg is not None and value > 0 and repeat.get("count") == 1 else None


def _quantity(instruction: Any) -> tuple[float, float | None]:
    quantity = instruction["doseAndRate"][0]["doseQuantity"]
    unit = code_of(str(quantity.get("code") or quantity.get("unit") or ""), "amount")
    return float(quantity["value"]), None if unit is None else convert(1.0, unit, "amount")


def _repeated(instruction: Any) -> tuple[float, float] | None:
    """mg and h of an instruction that repeats, None where they cannot be read."""
    try:
        dose, mg = _quantity(instruction)
        repeat = instruction["timing"]["repeat"]
        period, times = float(repeat["period"]), float(repeat.get("frequency", 1))
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    per = code_of(str(repeat.get("periodUnit", "")), "duration")
    if mg is None or per is None or not (dose > 0 and period > 0 and times > 0):
        return None
    return dose * mg, convert(period, per, "duration") / times


def _card(issued: Issued, summary: str, indicator: Indicator, detail: str, page: str | None) -> dict[str, Any]:
    card: dict[str, Any] = {
        "uuid": issued.id,
        "summary": summary if len(summary) <= SUMMARY_MAX else summary[: SUMMARY_MAX - 1].rstrip() + "…",
        "indicator": indicator,
        "detail": detail,
        "source": {
            "label": "dosetwin",
            "topic": {"system": "urn:dosetwin:topic", "code": "dosing", "display": "Model-informed dosing"},
        },
    }
    if page:
        card["links"] = [{"label": "Open the twin", "url": page, "type": "absolute"}]
    return card


def _detail(advice: Mapping[str, Any], zone: Zone) -> str:
    """GitHub-flavoured Markdown: when, reasons, the standard rules beside it, remarks, the disclaimer."""
    regimen = advice["regimen"]
    lines = [] if regimen is None else [f"**First dose of this regimen:** {zone.long(regimen['first_at'])}", ""]
    for text in by_hand(advice.get("given", {})):
        lines += [f"**Give:** {text}", ""]
    if advice.get("hold"):
        lines = [f"**Hold:** {advice['hold_reason']}", "", *lines]
    lines += ["**Why**", ""]
    lines += [f"- {r['text'] or r['code'].replace('_', ' ')}{_number(r)}" for r in advice["reasons"]]
    rules: Sequence[Mapping[str, Any]] = [c for c in advice["candidates"] if c["rules"]]
    if rules:
        lines += ["", "**Standard rules beside it**", ""]
        for c in rules:
            verdict = "acceptable" if c["acceptable"] else "not acceptable" if c["allowed"] else "outside the limits"
            r = c["regimen"]
            lines.append(f"- {', '.join(c['rules'])}: {said(r)} ({verdict})")
    remarks = [f for f in advice["findings"] if f["severity"] != "info"]
    if remarks:
        lines += ["", "**Remarks on the record**", ""]
        lines += [f"- {f['record']}: {f['message']}" for f in remarks]
    return zone.retold("\n".join([*lines, "", DISCLAIMER]))


def _number(reason: Mapping[str, Any]) -> str:
    value = reason["value"]
    return f": {value:.3g}" if isinstance(value, float | int) else ""


def _override_reasons() -> list[dict[str, str]]:
    return [{"code": code, "system": _REASON_SYSTEM, "display": text} for code, text in OVERRIDE_REASONS]


def _without_empty(value: Any) -> Any:
    """What the EHR sent, less what the specification forbids to send back: nulls, empty texts, lists and objects."""
    if isinstance(value, Mapping):
        kept = {k: _without_empty(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v not in (None, "", [], {})}
    if isinstance(value, list):
        return [v for v in map(_without_empty, value) if v not in (None, "", [], {})]
    return value


def _uuid(issued: Issued, kind: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{issued.id}|{kind}"))

"""What is planned for another drug of a patient, entered on the page: it begins or ends at a time, or a plan is withdrawn."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.checks import believable
from dosetwin.io.text import number
from dosetwin.quantities import QUANTITIES, Quantity
from dosetwin.report import narrative
from dosetwin.serve.installed import Followed
from dosetwin.serve.store.facts import PLANNED_WITHIN, NewFact
from dosetwin.serve.timeline import in_force
from dosetwin.serve.twins import model_named
from dosetwin.serve.zone import Zone

ACTIONS = ("begins", "ends")
EVERY = (1.0, 672.0)
"""Hours between two planned doses."""
OVER = (0.0, 48.0)
"""Hours that a planned dose runs; 0: at once, a tablet too."""


@dataclass(frozen=True)
class Plan:
    """What was typed, as typed: ``start`` on the ward's clock, ``amount`` mg, ``every`` h, each ``over`` h."""

    drug: str = ""
    action: str = "begins"
    start: str = ""
    amount: str = ""
    every: str = ""
    over: str = ""
    offset: str = ""


def offered(of: Followed) -> tuple[str, ...]:
    """The other drugs that may be planned: first those that move the one asked about, then the rest by name."""
    drug, models = of.therapy.drug, [model_named(of.model)]
    others = [d for d in formulary.drugs() if d.name != drug.name and not d.device and d.amount.unit == "mg"]
    return tuple(d.name for d in sorted(others, key=lambda d: (not formulary.moves(d, drug, models), d.name)))


def fresh(now: datetime, zone: Zone) -> Plan:
    """An empty form: from the next full hour on."""
    start, offset = zone.typed(now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1))
    return Plan(start=start, offset=offset)


def standing(facts: Sequence[Mapping[str, Any]], drug: str, zone: Zone) -> list[dict[str, str]]:
    """The last plan of each drug beside ``drug`` that was not withdrawn, in words."""
    last = {f["body"]["drug"]: f["body"] for f in in_force(facts) if f["kind"] == "planned" and f["body"]["drug"] != drug}
    return [{"drug": name, "text": told(b, zone.short(b["start"]))} for name, b in last.items() if b["action"] != "withdrawn"]


def told(body: Mapping[str, Any], start: str) -> str:
    """One plan in words."""
    if body["action"] == "withdrawn":
        return f"{body['drug']}: plan withdrawn"
    if body["action"] == "ends":
        return f"{body['drug']} ends {start}"
    over = f" over {narrative.hours(body['infusion_h'])}" if body.get("infusion_h") else ""
    return f"{body['drug']} {narrative.number(body['amount_mg'])} mg{over} every {body['every_h']:g} h begins {start}"


def checked(
    plan: Plan, now: datetime, drugs: Sequence[str], zone: Zone, top: Callable[[Quantity], float]
) -> tuple[NewFact | None, dict[str, str]]:
    """The fact, or per field what is wrong with it. ``top``: the highest that a quantity can be in this patient."""
    wrong: dict[str, str] = {}
    body: dict[str, Any] = {"kind": "planned", "drug": plan.drug, "action": plan.action}
    if plan.drug not in drugs:
        return None, {"drug": "choose a drug of the list"}
    if plan.action not in ACTIONS:
        return None, {"drug": "choose whether it begins or ends"}
    if plan.action == "begins":
        size = believable.one_dose(plan.drug)
        times = top(QUANTITIES["WT"]) if size.per_kg else 1.0
        for field, typed, low, high, unit in (("amount", plan.amount, min(size.low, 0.1), size.high * times, "mg"),
                                              ("every", plan.every, *EVERY, "h"),
                                              ("over", plan.over or "0", *OVER, "h")):  # fmt: skip
            value = number(typed, comma=True)
            if value is None or not low <= value <= high:
                wrong[field] = f"found “{typed}”, allowed {low:g} to {high:.4g} {unit}"
            body[{"amount": "amount", "every": "every_h", "over": "infusion_h"}[field]] = value
        if not wrong and body["infusion_h"] > body["every_h"]:
            wrong["over"] = "a dose cannot run longer than until the next one begins"
    read = zone.read(plan.start, plan.offset)
    if read.at is None:
        wrong["start"] = f"time: {read.why}"
    elif abs(read.at - now) > PLANNED_WITHIN:
        first, last = zone.long(now - PLANNED_WITHIN), zone.long(now + PLANNED_WITHIN)
        wrong["start"] = f"found {zone.long(read.at)}, allowed {first} to {last}"
    if wrong or read.at is None:
        return None, wrong
    return NewFact.model_validate({"at": now, "body": body | {"start": read.at}}), {}

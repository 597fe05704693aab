"""One value entered by hand: what was typed, checked field by field, as a fact; every refusal names value, range and remedy.

What may be typed in follows from the therapies: doses of their drugs, and every quantity that their models, rules and bars read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dosetwin import formulary
from dosetwin.checks import believable
from dosetwin.errors import InputError
from dosetwin.forecast.tells import teller_of
from dosetwin.io.text import thousands
from dosetwin.io.text import typed as number
from dosetwin.quantities import QUANTITIES, Quantity
from dosetwin.quantities.units import code_of, convert
from dosetwin.serve.installed import Followed
from dosetwin.serve.store.facts import COVARIATES, NewFact, measurable
from dosetwin.serve.twins import model_named, named_by
from dosetwin.serve.zone import Zone

ASSAYS = {"": "not stated", "idms": "enzymatic or IDMS-traceable", "jaffe": "Jaffe"}
CALLED = {q.text: q.name for q in QUANTITIES.values()}
"""A quantity may be named by its text too, as in forms of the first release."""


TWO_WAYS = "“{value}” may be a thousand or one with three decimals: write it without the comma, or with a point"
"""What is asked where a comma may part thousands or decimals."""


@dataclass(frozen=True)
class Choice:
    """Something that can be typed in: ``code`` in the form, ``text`` on the screen, ``of`` what it measures.

    ``drug``: of a dose, or of a level. ``group``: ``dose``, ``level``, ``assayed`` or "", what else the form asks beside it.
    """

    code: str
    text: str
    of: Quantity
    drug: str = ""
    group: str = ""
    over_h: float = 0.0

    @property
    def units(self) -> tuple[str, ...]:
        """The units that the form offers, the usual one first."""
        return self.of.offered or (self.of.unit,)

    def range_(self, top: Callable[[Quantity], float]) -> tuple[float, float]:
        """Lowest and highest in the quantity's own unit; ``top`` of a quantity in this patient."""
        if self.group != "dose":
            return self.of.low, top(self.of)
        size = believable.one_dose(self.drug)
        return 0.1, size.high * (top(QUANTITIES["WT"]) if size.per_kg else 1.0)


def choices(followed: Sequence[Followed]) -> tuple[Choice, ...]:
    """What may be typed in for these therapies, in their order: what is watched, doses, then what else is read."""
    found: dict[str, Choice] = {}
    for f in followed:
        for name in (f.therapy.watched, f.drug):
            if name in formulary.levels() and model_named(f.model).measured_by(name) is not None:
                level = Choice(f"level:{name}", f"{name} level", formulary.levels()[name], name, "level")
                found.setdefault(level.code, level)
            elif name in QUANTITIES:
                found.setdefault(name, _measured(name))
        usual = f.therapy.everyday
        by_mouth = f.therapy.drug.routes[:1] in (("mouth",), ("skin",))
        over = 0.0 if by_mouth else 0.5 if usual is None else usual.duration_h
        dose = Choice(f"dose:{f.drug}", f"{f.drug} given", f.therapy.drug.amount, f.drug, "dose", over)
        found.setdefault(dose.code, dose)
    for f in followed:
        model = model_named(f.model)
        by = teller_of(f.told)
        first = [*(() if by is None else (by.watch.of,)), *(("WT",) if f.therapy.needs_weight else ())]
        for name in (*first, *model.covs, *sorted(named_by(f.name)), *model.outputs):
            if name in QUANTITIES and name in measurable():
                found.setdefault(name, _measured(name))
    return tuple(found.values())


def _measured(name: str) -> Choice:
    q = QUANTITIES[name]
    text = f"{q.text} (1 began, 0 ended)" if q.flag else q.text
    return Choice(name, text, q, "", "assayed" if q.assayed else "")


def chosen(code: str, offered: Sequence[Choice]) -> Choice | None:
    """What a form's code means; ``level`` and ``dose`` alone are the first drug's. None for what is not offered."""
    code = CALLED.get(code, code)
    return next((c for c in offered if code in (c.code, c.group) or c.code.casefold() == code.casefold()), None)


@dataclass(frozen=True)
class Entry:
    """What was typed, as typed. ``offset`` (``+02:00``): which of two, where the hour of ``at`` happens twice. ``sure``: why an
    unusual value is right.
    """

    kind: str = "level"
    value: str = ""
    unit: str = "mg/L"
    at: str = ""
    below: bool = False
    assay: str = ""
    offset: str = ""
    sure: str = ""

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def fresh(now: datetime, zone: Zone, offered: Sequence[Choice]) -> Entry:
    """An empty form at this moment, to five minutes."""
    at, offset = zone.typed(now - timedelta(minutes=now.minute % 5))
    return Entry(offered[0].code, unit=offered[0].units[0], at=at, offset=offset)


def checked(
    entry: Entry, now: datetime, offered: Sequence[Choice], zone: Zone, top: Callable[[Quantity], float]
) -> tuple[NewFact | None, dict[str, str]]:
    """The fact, or per field what is wrong with it. What is wrong beside the rest of the record, ``serve.sure`` says.

    ``top``: the highest that a quantity can be in this patient.
    """
    wrong: dict[str, str] = {}
    what = chosen(entry.kind, offered)
    if what is None:
        return None, {"other": f"found “{entry.kind}”, expected one of {', '.join(c.code for c in offered)}"}
    name = "dose" if what.group == "dose" else what.of.text
    entry = replace(entry, unit=code_of(entry.unit, what.of) or entry.unit)
    value = number(entry.value)
    if value is None:
        wrong["value"] = TWO_WAYS.format(value=entry.value.strip()) if thousands(entry.value) else (
            f"{name}: found “{entry.value}”, expected a number, as 7.4"
        )  # fmt: skip
    elif entry.unit not in what.units:
        wrong["other"] = f"unit {entry.unit} does not fit a {name}; choose one of the list"
    else:
        wrong |= _outside(what, entry, value, name, top)
    read = zone.read(entry.at, entry.offset)
    at = read.at
    if at is None:
        wrong["at"] = f"time: {read.why}"
    elif at > now + timedelta(minutes=5):
        wrong["at"] = f"time: found {zone.short(at)}, which is ahead of now ({zone.long(now)}); enter when it was drawn or given"
    if wrong:
        return None, wrong
    confirmed = {"confirmed": {"reason": " ".join(entry.sure.split())}} if len(entry.sure.strip()) >= 3 else {}
    return NewFact.model_validate({"at": at, "body": _body(what, entry, value)} | confirmed), {}


def _outside(what: Choice, entry: Entry, value: float, name: str, top: Callable[[Quantity], float]) -> dict[str, str]:
    """What is wrong with a value of a unit that is offered."""
    try:
        found = value if what.of.flag else convert(value, entry.unit, what.of, where="entry")
    except InputError:
        return {"other": f"unit {entry.unit} cannot be converted; choose another"}
    own, (low, high) = what.of.unit, what.range_(top)
    zero = found == 0 and (entry.below or what.group in ("dose", "assayed"))
    if low <= found <= high and not zero and (what.of.kind not in ("flag", "trait") or (found / what.of.step).is_integer()):
        return {}
    shown = f"{value:g} {entry.unit}" + (f" = {found:.3g} {own}" if entry.unit != own else "")
    return {"value": f"{name}: found {shown}, allowed {low:g} to {high:g} {own}; check value and unit"}


def _body(what: Choice, entry: Entry, value: float | None) -> Mapping[str, Any]:
    if what.group == "dose":
        return {"kind": "dose", "drug": what.drug, "amount": value, "unit": entry.unit, "infusion_h": what.over_h}
    if what.group == "level":
        return {"kind": "level", "drug": what.drug, "value": value, "unit": entry.unit, "below_loq": entry.below}
    if what.group == "assayed":
        return {"kind": what.of.text, "value": value, "unit": entry.unit, "assay": entry.assay if entry.assay in ASSAYS else ""}
    if what.of.name in COVARIATES and not what.of.predicted:
        return {"kind": "covariate", "name": what.of.name, "value": value, "unit": entry.unit}
    return {"kind": "measured", "quantity": what.of.name, "value": value, "unit": entry.unit}

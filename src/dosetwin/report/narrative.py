"""Reasons, regimens and moments as plain sentences: data in, text out, nothing decided here."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from dosetwin import formulary
from dosetwin.decide.recommendation import UNLIKELY, Dosing, Setup
from dosetwin.decide.recommendation import order as ordered
from dosetwin.declare.reading import COURSE
from dosetwin.errors import Finding, Reason, number, percent, percent_against
from dosetwin.quantities import QUANTITIES, many
from dosetwin.quantities.units import plain_unit
from dosetwin.records.doses import DAYS, every, span

if TYPE_CHECKING:
    from dosetwin.decide.recommendation import Candidate, Ordered, Recommendation, Sensitivity
    from dosetwin.declare import Goal, Therapy

NOT_A_DEVICE = "Decision support for research and evaluation, not a medical device. A clinician decides."

DOSES = {
    "pre": "just before the coming dose",
    "next": "the coming dose",
    "second": "the dose after it",
    "last": "the last dose followed",
    "steady": "a dose in steady state",
    COURSE: "the days followed",
}
"""The dose indices of the scored targets, in words."""
INTERVALS = {
    "next": ("its interval", "coming interval"),
    "second": ("the interval after it", "interval after it"),
    "last": ("the last interval followed", "last interval followed"),
    "steady": ("an interval in steady state", "in steady state"),
}
"""The intervals of those doses: at whose end, over which."""


def ward(rule: str) -> str:
    """A published rule by the name it is known by on the ward."""
    found = formulary.rules().get(rule)
    return rule if found is None else found.ward


CERTAINTY = ((UNLIKELY, "bad", "unlikely to meet all targets"), (0.50, "warn", "may well miss a target"))
"""Chance of all joint targets below which an answer is marked, with tone and words (assumed); above the last: no mark."""
FAIR = (0.75, ("info", "more likely than not to meet all targets"), ("good", "likely to meet all targets"))
"""Chance from which it is called likely, and the words below and above it where every answer says how sure it is (assumed)."""

PARAMETERS = {
    "CL": ("clearance of the drug", "L/h"),
    "V": ("volume of distribution", "L"),
    "V1": ("central volume", "L"),
    "V2": ("peripheral volume", "L"),
    "Q": ("exchange between the volumes", "L/h"),
    "KA": ("absorption rate", "1/h"),
    "VMAX": ("fastest elimination", "mg/h"),
    "KM": ("level at half of the fastest elimination", "mg/L"),
}
"""The field's letters, for models of a drug whose file says nothing of them."""


class Said(NamedTuple):
    """What an answer's parts are called: what comes next, one choice and several, whom it is about, when the order begins,
    under what parameters are told."""

    next: str
    one: str
    many: str
    who: str
    begins: str
    when: str


DOSED = Said("the next dose", "regimen", "regimens", "Patient", "First dose of this regimen", "at the coming dose")
SET = Said("the next settings", "setting", "settings", "Patient", "In force from", "under these settings")
OF_PLACE = SET._replace(next="how many to open", who="Place")


def said_of(therapy: "Therapy") -> Said:
    """The words for an order of this therapy: doses of a drug, settings of a device, beds of a place."""
    return OF_PLACE if therapy.kind == "place" else SET if therapy.drug.device else DOSED


def named(name: str) -> tuple[str, str]:
    """A quantity in words, and its unit as people write it; a name nobody listed is itself."""
    of = QUANTITIES.get(name)
    return (name, "") if of is None else (of.named, of.unit_shown)


def is_flag(name: str) -> bool:
    """Whether a quantity is one that runs or does not."""
    return name in QUANTITIES and QUANTITIES[name].flag


def certainty(p: float | None) -> tuple[str, str]:
    """(tone, words) of the chance of all joint targets, ("", "") where it is fair: 4 % must not look like 94 %."""
    return next(((tone, words) for below, tone, words in CERTAINTY if p is not None and p < below), ("", ""))


def chance(p: float | None) -> tuple[str, str]:
    """(tone, words) of any chance of all joint targets, the fair ones too; ("", "") where none is known."""
    if p is None:
        return "", ""
    return certainty(p) if certainty(p)[0] else FAIR[1] if p < FAIR[0] else FAIR[2]


def moment(at: str | float) -> str:
    """``14 Apr 2026 12:00 UTC`` or ``48 h``."""
    if isinstance(at, str):
        when = datetime.fromisoformat(at)
        offset = when.strftime("%z")
        zone = " UTC" if offset in ("+0000", "") else f" UTC{offset[:3]}:{offset[3:]}"
        return f"{when.day} {when:%b %Y %H:%M}{zone}"
    return f"{at:g} h"


def capital(text: str) -> str:
    """With a capital at its beginning, the rest as it is (``INR``)."""
    return text[:1].upper() + text[1:]


def watched(therapy: "Therapy") -> str:
    """What the curve of a therapy shows: its drug, ``INR``; what nobody measures by the words of its goal."""
    goal = therapy.goals[0]
    return goal.text if goal.reading.what and goal.reading.what not in QUANTITIES else named(therapy.watched)[0]


def measurement(of: str) -> str:
    """What is measured, in a word: a drug's ``level``, an ``INR``."""
    return named(of)[0] if of in QUANTITIES else "level"


def before(therapy: "Therapy") -> str:
    """``before levels``, ``before INRs``: what is expected of a patient nobody has measured; of a place that nobody changes."""
    return f"before {many(measurement(therapy.watched))}" if therapy.kind == "patient" else "as it is now"


def hours(h: float) -> str:
    """``30 min`` or ``1.5 h``."""
    return f"{h * 60:.0f} min" if h < 1 else f"{h:g} h"


def regimen(r: "Ordered", mg_per_kg: float | None = None, drug: str = "") -> str:
    """``14.25 mg DRUG (13.0 mg/kg) over 30 min, every 48 h``; nothing about the time of a tablet or a bolus; a loading dose
    goes before it, and is named.
    """
    if isinstance(r, Setup):
        said = [f"{named(n)[0]} {v:g} {named(n)[1]}".strip() for n, v in r.settings.items() if not is_flag(n)]
        switched = [f"{'Give' if v else 'Give no'} {named(n)[0]}" for n, v in r.settings.items() if is_flag(n)]
        return "; ".join([*([f"Set {', '.join(said)}"] if said else []), *switched])
    if r.words:
        return f"{drug} {r.words}".strip()
    rest = f"{r.amount_mg:g} mg {drug}".strip() + f"{_of_weight(mg_per_kg)}{over(r.infusion_h)}, {every(r.interval_h)}"
    if r.loading_mg is None:
        return rest
    loading = None if mg_per_kg is None else mg_per_kg * r.loading_mg / r.amount_mg
    after = r.interval_h if r.loading_interval_h is None else r.loading_interval_h
    first = f"loading dose {r.loading_mg:g} mg {drug}".strip() + _of_weight(loading)
    return f"{first}, after {span(after)} {rest.replace(f' {drug}', '', 1)}"


def _of_weight(value: float | None) -> str:
    return "" if value is None else f" ({_each(value)} mg/kg)"


def _each(value: float) -> str:
    """mg/kg with a decimal, with two digits below 1 (tacrolimus: 0.028)."""
    return f"{value:.1f}" if value >= 0.95 else f"{value:.2g}"


def over(duration: float) -> str:
    """`` over 30 min``, "" for what is given at once."""
    return f" over {hours(duration)}" if duration > 0 else ""


def rules(names: Sequence[str]) -> str:
    """Standard rules by their ward names, joined."""
    return ", ".join(map(ward, names))


def _named(text: str) -> str:
    """``text`` with rule names, dose indices and signs as the reader knows them."""
    for code, rule in formulary.rules().items():
        text = re.sub(rf"\b{re.escape(code)}\b", lambda _, name=rule.ward: name, text)
    text = spelled(text)
    for code, name in DOSES.items():
        text = text.replace(f"at dose '{code}'", name if code == "pre" else f"for {name}").replace(f"dose '{code}'", name)
    return signs(text)


def signs(text: str) -> str:
    """``<=`` and ``>=`` as one sign each, ``mg.h/L`` with its middle dot."""
    return text.replace("<=", "≤").replace(">=", "≥").replace("mg.h/L", "mg·h/L").replace("+-", "±")


def border(target: "Goal") -> str:
    """``24 to 35 mg/L``, ``≤ 5 mg/L``."""
    return signs(target.border()).replace("-", " to ", 1)


def spelled(text: str) -> str:
    """Names of readings as people write them: ``AUC24``, ``Cmax/MIC``."""
    return re.sub(r"\bauc24\b", "AUC24", text).replace("cmax_mic", "Cmax/MIC")


def aim(goal: "Goal") -> str:
    """A goal in a few words: ``peak 24 to 35 mg/L``, ``INR never above 4``."""
    how, words = goal.reading.how, spelled(goal.what)
    if how in ("ever_above", "ever_below"):
        return words.replace(" ever ", " never ", 1) if goal.high is not None else words
    return f"{words} {border(goal)}".strip()


def _chance(reason: Reason, targets: "Sequence[Goal]") -> str:
    need = ""
    if isinstance(reason.limit, int | float):
        need = f" At least {percent(float(reason.limit))} is required around the coming dose."
    what, _, where = reason.text.removeprefix("P(").partition("), lowest over the doses scored: dose ")
    target = next((t for t in targets if f"p_{t.code}" == reason.code), None)
    if target is not None:
        what = f"{target.text}: {border(target)}" if border(target) else target.text
        if COURSE in target.doses:
            need, where = need.replace(" around the coming dose", ""), ""
    else:
        what = _named(what)
    tail = f" (lowest for {DOSES.get(where.strip(chr(39)), where)})" if where else ""
    return f"{percent_against(_float(reason.value), _float(reason.limit))} chance of {what}{tail}.{need}"


def throughout(goals: "Sequence[Goal]") -> str:
    """`` at every dose followed``; nothing where the joint goals are about the days ahead."""
    about_days = all(COURSE in g.doses for g in goals if g.joint) and bool(goals)
    return "" if about_days else " at every dose followed"


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def sentence(reason: Reason, targets: "Sequence[Goal]" = (), said: Callable[[str | float], str] | None = None) -> str:
    """One reason as one sentence; a code nobody wrote a sentence for is shown with its text, value and limit.

    ``targets`` of the policy, so that a probability is told with its target's own words; ``said`` writes a moment.
    """
    value, limit, code = reason.value, reason.limit, reason.code
    if code == "lowest_loss":
        return f"It has the {reason.text} ({number(value)}; 0 would be every target met)."
    if code == "titration_step":
        return f"It is {reason.text.rstrip('.')} ({number(value)}, limit {measured(limit, reason.unit)})."
    if code == "standard_rule_tied":
        name = _named(reason.text.removeprefix("standard rule ").partition(":")[0])
        losses = f"expected loss {number(value)}, the lowest found {number(limit)}"
        return f"It is what {name} says, and nothing is clearly better ({losses}; among equals the standard rule is preferred)."
    if code == "round_amount_tied":
        other = reason.text.partition("(")[2].partition(")")[0]
        return (
            f"Its expected loss equals the lowest ({number(value)}; {number(limit)} for {other.removeprefix('that of ')}; "
            "0 would be every target met), and among equals what is simpler to give goes first (one amount, round)."
        )
    if code == "p_joint":
        return f"{percent(_float(value))} chance that every joint target is met{throughout(targets)}."
    if code.startswith("p_"):
        return _chance(reason, targets)
    if code == "standard_rule_breaks_constraint":
        what, _, why = reason.text.partition(": ")
        found = percent_against(_float(value), _float(limit))
        return f"Not {_named(what)}: {_probability(why)} {found}, {percent(_float(limit))} needed."
    if code == "standard_rule_outside_limits":
        what, _, why = reason.text.partition(": ")
        return f"Not {_named(what)}: {why} ({number(value)}, limit {measured(limit, reason.unit)})."
    if code == "standard_rule_costs_more":
        what, _, why = reason.text.partition(": ")
        for t in targets:
            why = why.replace(t.code, aim(t))
        return f"Not {_named(what)}: {_named(why)} ({number(value)} against {number(limit)})."
    if code == "rule_not_applicable":
        return f"No advice from {ward(str(value))}: {_named(reason.text)}."
    if code.endswith("_unknown") and reason.text.count(": "):
        fact, _, rest = reason.text.partition(" not known: ")
        wanted, _, most = rest.partition(" is not scored; ")
        most = most.removesuffix(f" up to this {fact}")
        return (
            f"The {fact} is not known, so {signs(wanted)} is not scored; {most} up to an {fact} of {number(limit)} {reason.unit}."
        )
    if code == "fact_assumed":
        fact, _, why = reason.text.partition(" not known: ")
        return f"The {fact} is not known and taken as {number(value)} {said_unit(reason.unit)}: {why}."
    if code == "no_acceptable_regimen":
        return f"{reason.text[0].upper()}{reason.text[1:]}; {number(value)} of them lie inside all hard limits."
    if code.startswith("best_"):
        found = percent_against(_float(value), None if limit is None else _float(limit))
        return f"{_named(reason.text[0].upper() + reason.text[1:])}: {found}" + (
            f"; {percent(_float(limit))} needed." if limit is not None else "."
        )
    if code == "binding_constraint":
        return f"What stands in the way: {str(value).replace('_', ' ')} ({reason.text}: {number(limit)})."
    if code == "level_contradicts_every_model":
        return (
            f"A level contradicts what every model expects: {reason.text[0].upper()}{reason.text[1:]} (measured {number(value)})."
        )
    if code in ("level_if_right", "level_if_wrong", "levels_swapped", "patient_unlike"):
        text = retold(f"{reason.text[0].upper()}{reason.text[1:]}", said)
        return f"{text}: {percent(_float(value))} probability." if " is then " not in text else _explained(text, value)
    if code.endswith("_likely"):
        least = f"a warning is given from {percent(_float(limit))}"
        return f"{percent(_float(value))} chance of {_named(reason.text).removesuffix(' is likely')} ({least})."
    if code == "level_low_enough_at":
        return f"{_named(reason.text[0].upper() + reason.text[1:])} ({retold(str(value), said)})."
    if code == "safe_under_neither":
        return f"{reason.text[0].upper()}{reason.text[1:]}."
    if code.startswith("bar_"):
        return f"Nothing of it may be ordered: {reason.text} ({reason.source})."
    if code == "what_would_help":
        return f"What would help: {reason.text}."
    parts = [_named(reason.text) or code.replace("_", " ")]
    if value is not None:
        parts.append(f"found {number(value)} {reason.unit}".strip())
    if limit is not None:
        parts.append(f"expected or allowed {number(limit)} {reason.unit}".strip())
    return "; ".join(parts) + "."


def short_moment(at: str | float) -> str:
    """``14 Apr 12:00``, without year and zone, for tables that name them once."""
    return f"{datetime.fromisoformat(at):%d %b %H:%M}".lstrip("0") if isinstance(at, str) else f"{at:g} h"


def _probability(text: str) -> str:
    """``P(trough <= 5 mg/L) at dose 'next' is too low`` -> ``the chance of trough <= 5 mg/L for the coming dose is only``."""
    return constraint(text) + " is only" if text.startswith("P(") else _named(text)


def constraint(text: str) -> str:
    """``P(trough <= 5 mg/L) at dose 'next' is too low`` -> ``the chance of trough ≤ 5 mg/L for the coming dose``."""
    return _named(text).replace("P(", "the chance of ", 1).replace(")", "", 1).replace(" is too low", "")


WHY_NOT = ("standard_rule_breaks_constraint", "standard_rule_outside_limits", "standard_rule_costs_more", "rule_not_applicable")


def order(reasons: Sequence[Reason]) -> list[Reason]:
    """Reasons without those a reader is told elsewhere."""
    return [r for r in reasons if r.code != "p_joint"]


def split_reasons(reasons: Sequence[Reason]) -> tuple[list[Reason], list[Reason]]:
    """(why this answer, why not the standard rules)."""
    return [r for r in reasons if r.code not in WHY_NOT], [r for r in reasons if r.code in WHY_NOT]


def _explained(text: str, value: object) -> str:
    """An explanation of a record with what follows from it."""
    found = re.match(r"(.*): (\S+ is then .*)$", text, re.DOTALL)
    what, then = found.groups() if found else (text, "")
    return f"{what}: {percent(_float(value))} probability; {then}."


def answer_title(rec: "Recommendation") -> str:
    """What kind of answer it is, in a word or two."""
    if rec.hold:
        return "Hold the next dose"
    if rec.regimen is not None and tone(rec) == "bad":
        return "Best of poor choices"
    return {"recommend": "Recommended", "caution": "Recommended with caution", "refuse": "No recommendation"}[rec.status]


def tone(rec: "Recommendation") -> str:
    """How the answer is coloured: ``refuse``, ``bad``, ``warn`` (amber; every caution at least), or "" for green."""
    if rec.status == "refuse":
        return "refuse"
    of_chance = certainty(rec.how_sure.get("joint"))[0] if rec.regimen is not None else ""
    return of_chance if rec.status == "recommend" or of_chance == "bad" else "warn"


def retold(text: str, said: Callable[[str | float], str] | None = None) -> str:
    """``text`` with every ISO moment in it as a reader writes it; ``said`` writes one."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[+-]\d\d:\d\d|Z)?", lambda m: (said or moment)(m[0]), text)


def hold_text(rec: "Recommendation", said: Callable[[str | float], str] | None = None) -> list[str]:
    """The hold as sentences, the one that says what not to do first; none without a hold."""
    if not rec.hold:
        return []
    parts = [p for p in signs(retold(rec.hold_reason, said)).split("; ") if p]
    return [f"{p[0].upper()}{p[1:]}." for p in parts]


def headline(rec: "Recommendation", drug: str) -> str:
    """The answer in one line."""
    if rec.regimen is None:
        if barred := next((r for r in rec.reasons if r.code.startswith("bar_")), None):
            return f"Do not give {drug}: {barred.text}."
        if rec.hold:
            return "Do not give the next dose now."
        if contradicted(rec):
            return "A level contradicts the model: clear that up first, no regimen is recommended."
        what = "regimen" if not rec.candidates or isinstance(rec.candidates[0].regimen, Dosing) else "setting"
        return f"No {what} is acceptable: none is recommended."
    chosen = rec.candidates[0] if rec.candidates else None
    per_kg = chosen.mg_per_kg if chosen is not None and chosen.regimen == rec.regimen else None
    return regimen(rec.regimen, per_kg, drug)


def lowered(text: str) -> str:
    """A beginning of a sentence within one: ``Mean`` becomes ``mean``, ``INR`` stays."""
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def order_table(order: Mapping[str, Any]) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """(head, rows) of an order that is more than an amount and an interval: amounts by the days of a week, settings with their
    units; None for others."""
    if order.get("kind") == "weekly":
        days = DAYS if order.get("calendar", True) else tuple(f"day {k}" for k in range(1, 8))
        amounts = tuple(f"{a:g}" for a in order["week"])
        return (*days, "week"), [tuple(f"{a} {order['unit']}" for a in (*amounts, f"{sum(order['week']):g}"))]
    if order.get("kind") == "setting":
        return ("set", "to"), [(named(n)[0], f"{v:g} {named(n)[1]}".strip()) for n, v in order["values"].items()]
    return None


def given(told: Mapping[str, Any]) -> list[str]:
    """How hands give the order, a line each: ``2.85 mL of 5 mg/mL over 30 min = 5.7 mL/h``, with which dose it is where there are
    several; none where nobody says how it is prepared."""
    doses = told.get("doses", ())
    alone = len(doses) == 1 and doses[0]["which"] in ("each dose", "each day")
    return [d["words"] if alone else f"{d['which']}: {d['words']}" for d in doses]


def prepared(told: Mapping[str, Any]) -> list[str]:
    """Whose preparation that is, and what rounding to it costs."""
    cost = told.get("rounding", {}).get("words")
    return [f"{capital(x)}." for x in (told.get("said"), cost, told.get("rounds", {}).get("words")) if x]


def effect(s: "Sensitivity") -> str:
    """What a doubt would do to the answer."""
    return re.sub(r"P\(([^()]*)\)", r"the chance of \1", _named(s.effect))


def remark(f: Finding) -> str:
    """A finding as a sentence."""
    parts = [f"{f.record}: {f.message}"]
    if f.value is not None:
        parts.append(f"found {number(f.value)}")
    parts += [f"allowed: {f.allowed}"] if f.allowed else []
    parts += [f.remedy] if f.remedy else []
    return "; ".join(parts)


def label(c: "Candidate", among: "Sequence[Candidate]" = ()) -> str:
    """A candidate in short: ``14.25 mg every 48 h``, with its infusion time where those it stands ``among`` differ in it."""
    if isinstance(c.regimen, Setup):
        return c.regimen.words
    told = over(c.regimen.infusion_h) or " at once"
    several = len({x.regimen.infusion_h for x in among if isinstance(x.regimen, Dosing)}) > 1
    return ordered(c.regimen, told if several else "")


def said_unit(unit: str) -> str:
    """A unit as it is read aloud: none for a ratio."""
    return "" if plain_unit(unit) == "1" else unit


def measured(value: object, unit: str) -> str:
    """``5 mg/L``, ``0.8`` for a ratio."""
    return f"{number(value)} {said_unit(unit)}".rstrip()  # type: ignore[arg-type]


def of_weight(c: "Candidate", therapy: "Therapy") -> str:
    """``13.0 mg/kg``; "" where nothing of the therapy goes by weight."""
    return f"{per_kg(c)} {therapy.drug.unit}/kg" if therapy.needs_weight and c.mg_per_kg is not None else ""


def per_kg(c: "Candidate") -> str:
    """mg/kg of a candidate for a table: ``13.0``, or ``15.6, 12.6`` with a loading dose; a dash where no weight counts."""
    return ", ".join(_each(x) for x in (c.loading_mg_per_kg, c.mg_per_kg) if x is not None) or "-"


def contradicted(rec: "Recommendation") -> bool:
    """Whether it is a refusal because a level contradicts the model: the table is then for comparison only."""
    return rec.regimen is None and any(r.code.startswith("level_contradicts") for r in rec.reasons)

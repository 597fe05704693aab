"""Therapies as stored answers kept them, of today's program and of those before: read, never edited."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dosetwin.declare import Assumed, Bar, Drug, Everyday, Goal, Limit, Reading, Rule, Sampling, Therapy
from dosetwin.declare.menu import Menu, Repeated, Rounding, Targets, menu_from_json
from dosetwin.declare.preparation import Preparation
from dosetwin.declare.reading import AUC24, PEAK, TROUGH, After, End, Interval
from dosetwin.declare.rounds import Rounds
from dosetwin.errors import InputError, UnknownName
from dosetwin.formulary._tci import TciPump

UNNAMED = "amikacin"
"""The drug of facts, requests and forms that name none, and the therapy of a service whose operator names none: as when there
was one of each."""
USUAL = "amikacin_neonate"
_LIMITS = {"dose_mg_per_kg": "dose_per_kg", "dose_mg": "dose", "daily_mg_per_kg": "daily_per_kg", "off_step_mg": "off_step"}
"""What limits bounded, by the names of before."""
_METRICS = {"peak": After, "trough": End, "auc24": Interval, "cmax_mic": After}


def therapy_from_json(data: Mapping[str, Any]) -> Therapy:
    """The therapy that a stored question names: the listed one where it is the same to the letter, else as it was kept.

    Raises InputError for what is no therapy of this program or of one before.
    """
    from dosetwin.formulary import therapies

    listed = next((t for t in therapies() if t.name == data.get("name")), None)
    if listed is not None and listed.to_json() == dict(data):
        return listed
    try:
        found = _of_today(data) if "goals" in data else _of_before(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"not a therapy: {type(error).__name__}: {error}", where="therapy") from error
    return replace(found, kept=dict(data))


def _drug(name: str) -> Drug:
    """A drug that is listed here. A path is none: whoever can write a row must not run a file by it. Raises UnknownName."""
    from dosetwin.formulary import drug, names

    if name not in names():
        raise UnknownName("unknown drug", where="drug", value=str(name)[:100], allowed=", ".join(names()))
    return drug(name)


def _rules(names: Any) -> tuple[Rule, ...]:
    from dosetwin.formulary import rule

    return tuple(rule(n) for n in names)


def _menu(data: Mapping[str, Any]) -> Menu:
    """A menu as it was kept; pumps are the formulary's."""
    if data.get("kind") != "targets":
        return menu_from_json(data)
    pumps = {str(k): TciPump.from_json(p) for k, p in data["pumps"].items()}
    return Targets(tuple(data["targets"]), pumps, data["strength"], data["covers"], data["unit"])


def _of_today(data: Mapping[str, Any]) -> Therapy:
    if data.get("tablets"):
        ward, tablets, halves = data["tablets"]
        plain = _of_today({k: v for k, v in data.items() if k != "tablets"})
        return replace(plain, drug=replace(plain.drug, tablets=tuple(tablets), halves=halves), pieces=ward)
    given: dict[str, Any] = {k: data[k] for k in (
        "name", "population", "kind", "horizon_h", "stale_h", "tie_loss", "table_rows", "note", "source", "typical",
    )}  # fmt: skip
    s = data["sampling"]
    holds, bars = _functions(str(data["name"]))
    return Therapy(
        drug=_drug(data["drug"]), models=tuple(data["models"]), menu=_menu(data["menu"]),
        goals=tuple(Goal.from_json(g) for g in data["goals"]),
        limits=tuple(Limit(**x, holds=holds.get(x["code"])) for x in data["limits"]),
        bars=tuple(Bar(**(b | {"forbids": tuple(b["forbids"])} | bars.get(b["code"], {}))) for b in data["bars"]),
        rules=_rules(data["rules"]),
        everyday=None if data["everyday"] is None else Everyday(**data["everyday"]),
        sampling=Sampling(**{**s, "after_h": tuple(s["after_h"]), "learns": tuple(s["learns"])}),
        assumed=tuple(Assumed(**a) for a in data["assumed"]),
        shown=tuple((Reading.from_json(r), d) for r, d in data["shown"]),
        made_for=tuple((str(flag), str(name)) for flag, name in data.get("made_for", ())),
        preparation=None if data.get("preparation") is None else Preparation.from_json(data["preparation"]),
        rounds=None if data.get("rounds") is None else Rounds.from_json(data["rounds"]), kept=dict(data),
        **given,
    )  # fmt: skip


def _functions(name: str) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What no JSON holds of limits (whom they bind) and bars (how a number is found, what they ask), by code, as the listed
    therapy of this name has it; nothing where there is none."""
    from dosetwin.formulary import therapies

    listed = next((t for t in therapies() if t.name == name), None)
    if listed is None:
        return {}, {}
    return {x.code: x.holds for x in listed.limits}, {b.code: {"of": b.of, "asks": b.asks} for b in listed.bars}


def _of_before(data: Mapping[str, Any]) -> Therapy:
    """A policy with targets, as programs kept it that had one dose, one interval and four metrics."""
    from dosetwin.formulary import therapies

    helps = {g.code: (g.help, g.brief) for t in therapies() if t.name == data["name"] for g in t.goals}
    targets = [_goal(t, data["peak_after_h"], *helps.get(t["code"], ("", t["metric"] != "auc24"))) for t in data["targets"]]
    limits = tuple(
        Limit(code=x["code"], of=str(_LIMITS.get(x["quantity"], x["quantity"])),
              **{k: x[k] for k in ("low", "high", "unit", "text", "source")})
        for x in data["limits"]
    )  # fmt: skip
    dose = next(x for x in limits if x.code == "dose_range")
    menu = Repeated(
        (dose.low or 0.0, float(dose.high or 0.0)), "kg" if dose.of == "dose_per_kg" else "", tuple(data["intervals"]),
        tuple(data["infusions"]), Rounding.from_json(data["rounding"]), tuple(data.get("loading_intervals", ())),
        data["first_at_step_h"], loading="any_time",
    )  # fmt: skip
    others = {g.reading.key: g.reading for g in targets if g.reading.what}
    shown = [(PEAK, "next"), (TROUGH, "next"), (TROUGH, "last"), (AUC24, "last")]
    shown += [(r, d) for r in others.values() for d in r.doses if d in ("next", "last")]
    return Therapy(
        name=data["name"], drug=_drug(data["drug"]), population="", models=(), menu=menu, goals=tuple(targets), limits=limits,
        rules=_rules(data["rules"]), sampling=Sampling(tuple(data["sample_after_h"]), worth=data["sample_worth"]),
        shown=tuple(shown), horizon_h=data["horizon_h"], tie_loss=data["tie_loss"], table_rows=data["table_rows"],
        note=data["note"], kept=dict(data),
    )  # fmt: skip


def _goal(t: Mapping[str, Any], peak_after_h: float, help_: str, brief: bool) -> Goal:
    kind, doses = _METRICS[t["metric"]], tuple(t["doses"])
    when = kind(peak_after_h, doses) if kind is After else kind(doses)
    over = "MIC" if t["metric"] == "cmax_mic" else ""
    how = "auc24" if t["metric"] == "auc24" else "at"
    reading = Reading(t.get("output", ""), how, when, over=over, name=t["metric"])
    return Goal(
        reading=reading, chance_doses=tuple(t["chance_doses"]), brief=brief, help=help_,
        told_as="p_trough_not_toxic" if t["code"] == "trough_toxic" else "",
        first_weight=t.get("first_weight"), first_source=t.get("first_source", ""), **{k: t[k] for k in _SAME},
    )  # fmt: skip


_SAME = ("code", "low", "high", "unit", "weight", "scale", "text", "source", "min_probability", "closed", "joint")
"""Fields of a target that a goal has too."""

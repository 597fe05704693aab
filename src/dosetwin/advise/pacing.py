"""Timing of a pacemaker for one patient: the twin told what was measured, the menu played, the best settings chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise.question import Question
from dosetwin.advise.settings import Chosen, settings_for
from dosetwin.declare import Facts
from dosetwin.errors import InputError
from dosetwin.formulary._pacemaker import PACING_DDD

if TYPE_CHECKING:
    from dosetwin.records import Order
    from dosetwin.twins.automata import PacedHeart

NONE = 1e5
"""ms told to rules of a conduction that does not exist."""


def asked(programme: Mapping[str, Any], intervals: Sequence[tuple[str, float, float]]) -> "tuple[PacedHeart, Facts]":
    """The twin of a record, and the facts rules ask for. Raises InputError for settings and intervals that cannot be."""
    from dosetwin.twins.automata import Interval, PacedHeart, Programme

    settings = {k: float(v) for k, v in programme.items() if k != "mode"}
    set_to = replace(Programme(), mode=str(programme.get("mode", "DDD"))).with_(settings).checked()
    if not set_to.tracks:
        raise InputError("timing is chosen for devices that follow the atria", where="programme: mode", value=set_to.mode,
                         allowed="DDD, DDDR, VDD, VDDR")  # fmt: skip
    facts = [Interval(what, ms, t) for what, ms, t in intervals]  # type: ignore[arg-type]
    twin = PacedHeart(set_to, therapy=PACING_DDD).told(*facts)
    measured = sorted((i.time, i.ms) for i in facts if i.what == "va")
    return twin, Facts(VA=min(measured[-1][1], NONE) if measured else None)


def timing(twin: "PacedHeart", facts: Facts, *, draws: int = 30, seed: int = 1) -> Chosen:
    """AV interval, PVARP and upper rate interval; the settings in force are in the table too."""
    from dosetwin.records import Setting

    def possible(order: "Order") -> bool:
        try:
            twin.set_by(order, twin.now + 1.0)
        except InputError:
            return False
        return True

    p = twin.programme
    now = Setting(AVI=p.AVI, AVI_min=p.AVI_min, PVARP=p.PVARP, URI=p.URI, at=twin.now)
    facts_ = {name: float(v) for name, v in facts.items()}
    question = Question(PACING_DDD, (), now=twin.now, seed=seed, draws=draws, facts=facts_, sensitivity=False)
    return settings_for(twin, question, possible=possible, extra=(now,))


def told_of(name: str, twin: "PacedHeart", found: Chosen, *, draws: int, seed: int) -> dict[str, Any]:
    """The answer as plain data: what is set, the table, reasons, the chosen settings less those as delivered, draw by draw."""
    choice, plans, therapy = found.choice, found.plans, found.therapy
    k, rows = choice.chosen, found.rows()
    order: Any = None if k is None else plans[k].order
    g = next((i for rule in therapy.rules for i, p in enumerate(plans) if rule.name in p.rules), None)
    against = []
    for goal in therapy.goals if k is not None and g is not None else ():
        values = found.exposures.values[goal.reading.key, goal.doses[0]]
        less = values[k] - values[g]
        low, middle, high = np.quantile(less, (0.05, 0.5, 0.95))
        against.append({"code": goal.code, "text": goal.text, "unit": goal.unit, "mean": float(less.mean()), "q05": float(low),
                        "q50": float(middle), "q95": float(high)})  # fmt: skip
    rule = None if g is None else next(r for r in therapy.rules if r.name in plans[g].rules)
    return {
        "patient": name, "person": name, "therapy": therapy.name, "title": "Timing of a pacemaker",
        "status": "nothing_acceptable" if order is None else "recommended",
        "settings": None if order is None else dict(order.values), "order": None if order is None else order.words() + " ms",
        "guideline": None if rule is None or g is None else {"order": plans[g].order.words() + " ms", "rule": rule.name,
                                                             "title": rule.title, "source": rule.source,
                                                             "settings": dict(plans[g].order.values)},  # type: ignore[attr-defined]
        "rows": [{**r, "order": r["order"] + " ms"} for r in rows],
        "goals": [{"code": x.code, "text": x.text, "border": x.border(), "unit": x.unit, "price": x.price,
                   "least": x.min_probability, "source": x.source} for x in therapy.goals],
        "against_guideline": against, "reasons": [r.to_json() for r in choice.reasons],
        "silent": [r.to_json() for r in found.silent],
        "findings": [f.to_json() for f in twin.programme.findings()], "curves": [], "believed": [], "measured": [],
        "scope": [f"{found.left_out} settings of the menu cannot be set together and were left out."], "source": therapy.source,
        "note": therapy.note, "draws": draws, "seed": seed, "clock": "h",
    }  # fmt: skip

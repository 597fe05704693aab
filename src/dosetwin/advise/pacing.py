"""Timing of a pacemaker for one patient: the twin told what was measured, the menu played, the best settings chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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

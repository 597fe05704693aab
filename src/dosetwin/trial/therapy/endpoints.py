"""What a trial of a therapy counts: its goals met, its readings, limits broken, samples, doses; then what the design asks for."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from dosetwin.declare import Goal, Reading
from dosetwin.declare.goal import output_of
from dosetwin.declare.reading import COURSE, SHARES, STEADY
from dosetwin.quantities.units import plain_unit
from dosetwin.trial.study import Endpoint

if TYPE_CHECKING:
    from dosetwin.trial.therapy.design import TherapyDesign

USED = ("limits_broken", "nothing_acceptable", "decisions", "samples", "doses", "amount")
"""Endpoints that every therapy has."""


def value_name(reading: Reading) -> str:
    """The endpoint that is a reading's value: of all doses, of the ``first``, of those after it, or of the ``last``."""
    over = f"_over_{reading.over}" if reading.over else ""
    of = which(reading.doses)
    return "value_" + re.sub(r"\W+", "_", reading.key).strip("_") + over + ("" if of == "all" else f"_{of}")


def which(doses: tuple[str, ...]) -> str:
    """Of the doses of a course those that a reading is about: ``all``, the ``first``, the ``later`` ones, or the ``last``."""
    if doses == (COURSE,):
        return "all"
    if set(doses) <= {"last", STEADY}:
        return "last"
    if "next" not in doses:
        return "later"
    return "first" if set(doses) <= {"pre", "next"} else "all"


def judged(design: "TherapyDesign") -> tuple[Goal, ...]:
    """The goals that can be judged: what they divide by is known or assumed."""
    return tuple(g for g in design.of.goals if not g.reading.over or g.reading.over in design.known)


def readings_of(design: "TherapyDesign") -> dict[str, Reading]:
    """Everything that is read, by the name of its endpoint."""
    found = {value_name(g.reading): g.reading for g in judged(design)}
    return found | {name: reading for name, (reading, _, _) in design.own_readings.items()}


def _unit(design: "TherapyDesign", reading: Reading) -> str:
    output = output_of(reading, design.true_model, design.of.drug.name)
    found = reading.unit(design.true_model.outputs[output].unit) if output else ""
    return "" if plain_unit(found) == "1" else found


OF = {"all": "doses", "first": "first doses", "later": "doses after the first", "last": "last doses"}


def _doses(reading: Reading, how: str = "share") -> str:
    return "" if reading.doses == (COURSE,) else f", {how} of {OF[which(reading.doses)]}"


def endpoints_of(design: "TherapyDesign") -> Mapping[str, Endpoint]:
    """Every endpoint by name, the goals first."""
    found: dict[str, Endpoint] = {}
    for g in judged(design):
        if not g.price:
            text = f"{g.text}: {g.border()}{_doses(g.reading)}"
            found[g.code] = Endpoint(g.code, text, "", "high", "share")
    for name, (reading, low, high) in design.own_readings.items():
        if low is not None or high is not None:
            found[f"met_{name}"] = Endpoint(
                f"met_{name}", f"{reading.label}: as the design asks{_doses(reading)}", "", "high", "share"
            )
    priced = {value_name(g.reading) for g in judged(design) if g.price}
    for name, reading in readings_of(design).items():
        kind = "share" if reading.how in SHARES else "number"
        better = "low" if name in priced else "neither"
        found[name] = Endpoint(name, f"{reading.label}{_doses(reading, 'mean')}", _unit(design, reading), better, kind)
    unit = design.of.drug.unit
    used = (
        Endpoint("limits_broken", "orders given that break a hard limit of the therapy", "", "low"),
        Endpoint("nothing_acceptable", "decisions at which no order was acceptable; what came closest was given", "", "low"),
        Endpoint("decisions", "decisions", "", "neither"),
        Endpoint("samples", f"samples taken for {design.measured}", "", "low"),
        Endpoint("doses", "doses given", "", "neither"),
        Endpoint("amount", "all of them together", unit, "neither"),
    )
    if design.of.drug.device:  # nothing is given
        used = tuple(e for e in used if e.name not in ("doses", "amount"))
    return found | {e.name: e for e in used}

"""What a plan of an operation says: the patient, steps with targets and blood loss, facts of scores; read and checked."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError

RANGES = {
    "age": (18.0, 100.0, "years"), "weight": (35.0, 160.0, "kg"), "height": (140.0, 210.0, "cm"),
    "pressure": (55.0, 140.0, "mmHg"), "haemoglobin": (5.0, 20.0, "g/dL"), "haemoglobin_least": (5.0, 12.0, "g/dL"),
    "minutes": (1.0, 720.0, "min"),
    "propofol": (0.0, 8.0, "ug/mL"), "remifentanil": (0.0, 15.0, "ng/mL"), "blood_loss": (0.0, 10_000.0, "mL"),
}  # fmt: skip
"""What can be, with its unit."""
SLIPS = {"height": "in cm, not m", "haemoglobin": "in g/dL, not g/L", "haemoglobin_least": "in g/dL, not g/L",
         "propofol": "in ug/mL; remifentanil in ng/mL", "minutes": "in minutes, not hours",
         "pressure": "mean pressure in mmHg"}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One step: ``name``, ``minutes``, effect-site targets of ``propofol`` (ug/mL) and ``remifentanil`` (ng/mL), 0 stops the
    pump; ``blood_loss`` mL, evenly over the step."""

    name: str
    minutes: float
    propofol: float = 0.0
    remifentanil: float = 0.0
    blood_loss: float = 0.0

    @property
    def targets(self) -> str:
        """Both targets, as ``TARGETS`` says."""
        return f"{self.propofol:g} / {self.remifentanil:g}"


TARGETS = "propofol ug/mL / remifentanil ng/mL"


@dataclass(frozen=True)
class Operation:
    """A plan: who (``age`` years, ``weight`` kg, ``height`` cm, ``male``, mean ``pressure`` before in mmHg, ``haemoglobin`` and
    the least that is let be, g/dL), the ``parts`` in order, and the facts of each score (name -> column -> value)."""

    name: str
    age: float
    weight: float
    height: float
    male: bool
    parts: tuple[Part, ...]
    pressure: float = 95.0
    haemoglobin: float = 14.0
    haemoglobin_least: float = 8.0
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    @property
    def minutes(self) -> float:
        """From the first step to the end of the last."""
        return sum(p.minutes for p in self.parts)


def _number(where: str, name: str, value: Any) -> float:
    low, high, unit = RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError("not a believable value", where=f"{where}: {name}", value=value, allowed=f"{low:g} to {high:g} {unit}",
                         remedy=SLIPS.get(name, ""))  # fmt: skip
    return float(value)


def _known(where: str, given: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    if unknown := [k for k in given if k not in allowed]:
        raise InputError("unknown key", where=where, value=unknown[0], allowed=", ".join(allowed))


def read_plan(path: Path) -> Operation:
    """The plan of a TOML file. Raises InputError naming the step and key of what cannot be."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"not TOML: {error}", where=path.name) from None
    _known(path.name, data, ("name", "patient", "steps", "scores"))
    who, steps = data.get("patient"), data.get("steps")
    if not isinstance(who, dict) or not isinstance(steps, list) or not steps:
        raise InputError("a plan has a [patient] and at least one [[steps]]", where=path.name)
    keys = ("age", "weight", "height", "pressure", "haemoglobin", "haemoglobin_least")
    _known("patient", who, (*keys, "sex"))
    if missing := [k for k in ("age", "weight", "height") if k not in who]:
        raise InputError("missing", where=f"patient: {missing[0]}", allowed=f"a number of {RANGES[missing[0]][2]}")
    if who.get("sex") not in ("male", "female"):
        raise InputError("not known", where="patient: sex", value=who.get("sex"), allowed="male, female")
    parts = []
    for k, step in enumerate(steps, 1):
        where = f"step {k}"
        _known(where, step, ("name", "minutes", "propofol", "remifentanil", "blood_loss"))
        given = {n: _number(where, n, v) for n, v in step.items() if n != "name"}
        if "minutes" not in given:
            raise InputError("missing", where=f"{where}: minutes", allowed="1 to 720 min")
        parts.append(Part(str(step.get("name", where)), **given))
    numbers = {k: _number("patient", k, who[k]) for k in keys if k in who}
    return Operation(str(data.get("name", path.stem)), male=who["sex"] == "male", parts=tuple(parts),
                     scores=data.get("scores", {}), **numbers)  # fmt: skip


def varied(plan: Operation, words: str) -> Operation:
    """The plan with one step otherwise: ``STEP.KEY=VALUE``, the step by its name or number. Raises InputError."""
    key, sign, value = words.partition("=")
    step, dot, name = key.rpartition(".")
    at = next((k for k, p in enumerate(plan.parts, 1) if step in (p.name, str(k))), None)
    if not sign or not dot or at is None or name not in ("minutes", "propofol", "remifentanil", "blood_loss"):
        raise InputError("not a change of a step", where="--vary", value=words,
                         allowed="STEP.KEY=VALUE, KEY minutes, propofol, remifentanil or blood_loss",
                         remedy=f"steps: {', '.join(p.name for p in plan.parts)}")  # fmt: skip
    try:
        number = float(value)
    except ValueError:
        raise InputError("not a number", where="--vary", value=words) from None
    changed = replace(plan.parts[at - 1], **{name: _number("--vary", name, number)})
    return replace(plan, name=words, parts=(*plan.parts[: at - 1], changed, *plan.parts[at:]))

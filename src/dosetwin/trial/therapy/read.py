"""The design of a trial of a therapy from TOML; an error names the key, what was found and what is allowed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from dosetwin import formulary
from dosetwin.declare import After, Between, End, Interval, Reading
from dosetwin.errors import InputError
from dosetwin.trial.keys import NUMBER, Kinds, only, record, texts
from dosetwin.trial.study import Claim
from dosetwin.trial.therapy.design import POLICIES, Arm, Schedule, TherapyDesign, found_at

TOP: Kinds = {
    "name": str, "title": str, "note": str, "n": int, "seed": int, "first": int, "chunk": int, "therapy": str,
    "population": (str, dict), "horizon_d": NUMBER, "horizon_h": NUMBER, "facts": dict, "truth": dict, "belief": dict,
    "sampling": dict, "arms": list, "readings": list, "endpoints": list, "compare": dict, "claims": list,
}  # fmt: skip
SAMPLING: Kinds = {
    "of": str, "also": list,
    "at_h": list, "at_d": list, "before_doses": list, "after_doses": list, "after_h": NUMBER, "turnaround_h": NUMBER,
    "loq": NUMBER,
}  # fmt: skip
READING: Kinds = {
    "name": str, "what": str, "how": str, "level": (int, float, list), "after_h": NUMBER, "from_h": NUMBER, "to_h": NUMBER,
    "from_d": NUMBER, "to_d": NUMBER, "over": str, "low": NUMBER, "high": NUMBER,
}  # fmt: skip


def read_therapy(given: Mapping[str, Any], where: str, beside: Path | None = None) -> TherapyDesign:
    """The design in ``given``; ``beside``: the folder a therapy's file is looked for from. Raises InputError, UnknownName."""
    only(given, TOP, where)
    for key in ("name", "n", "seed", "therapy", "population"):
        if key not in given:
            raise InputError(
                "missing key", where=f"{where}: {key}", allowed="name, n, seed, therapy and population must be given"
            )
    made: dict[str, Any] = {k: given[k] for k in ("name", "n", "seed", "title", "note", "first", "chunk") if k in given}
    made["therapy"] = found_at(given["therapy"], beside)
    made["population"] = given["population"]
    therapy = formulary.therapy(made["therapy"])
    hours = [float(given[k]) * f for k, f in (("horizon_h", 1.0), ("horizon_d", 24.0)) if k in given]
    if len(hours) > 1:
        raise InputError("the horizon is given twice", where=f"{where}: horizon_h, horizon_d")
    made["horizon_h"] = hours[0] if hours else therapy.horizon_h
    truth, belief, compare = given.get("truth", {}), given.get("belief", {}), given.get("compare", {})
    only(truth, {"model": str, "occasion_h": NUMBER}, f"{where}: [truth]")
    only(belief, {"model": str}, f"{where}: [belief]")
    only(compare, {"reference": str, "groups": dict, "pareto": list}, f"{where}: [compare]")
    made |= {
        "truth": found_at(truth.get("model", ""), beside),
        "belief": found_at(belief.get("model", ""), beside),
        "reference": compare.get("reference", ""),
    }
    made["occasion_h"] = float(truth.get("occasion_h", 24.0))
    if not made["occasion_h"] >= 1.0:
        raise InputError("an occasion", where=f"{where}: truth.occasion_h", value=made["occasion_h"], allowed=">= 1 h")
    made["facts_given"] = {k: float(_number(v, f"{where}: facts.{k}")) for k, v in given.get("facts", {}).items()}
    made["cuts"] = {k: _numbers(v, f"{where}: compare.groups.{k}") for k, v in compare.get("groups", {}).items()}
    made["weighed"] = texts(compare.get("pareto", []), f"{where}: compare.pareto")
    if len(made["weighed"]) not in (0, 2):
        raise InputError("two endpoints", where=f"{where}: compare.pareto", value=made["weighed"])
    made["counted"] = texts(given.get("endpoints", []), f"{where}: endpoints")
    made["schedule"] = _schedule(given.get("sampling"), f"{where}: [sampling]", therapy.sampling.after_h)
    made["arms"] = _arms(given.get("arms"), where, [r.name for r in therapy.rules])
    made["arms"] = tuple(replace(a, model=found_at(a.model, beside)) for a in made["arms"])
    readings = [_reading(r, f"{where}: [[readings]] {i}") for i, r in enumerate(given.get("readings", []), 1)]
    made["own_readings"] = {name: rest for name, *rest in readings}
    made["own_readings"] = {name: (r[0], r[1], r[2]) for name, r in made["own_readings"].items()}
    needed = ("arm", "against", "endpoint", "kind", "value")
    claims = enumerate(given.get("claims", []), 1)
    made["claims"] = tuple(record(c, Claim, f"{where}: [[claims]] {i}", needed) for i, c in claims)
    return TherapyDesign(**made)


def _schedule(given: Mapping[str, Any] | None, where: str, usual: tuple[float, ...]) -> Schedule:
    """What the design says; else at the times that the therapy considers after the first dose, 0 being just before the second."""
    if given is None or not {"at_h", "at_d", "before_doses", "after_doses"} & set(given):
        at, before = tuple(sorted(t for t in usual if t > 0)), (2,) if 0.0 in usual else ()
        only(given or {}, SAMPLING, where)
        made = {k: float(v) for k, v in (given or {}).items() if k not in ("of", "also")}
        also = texts((given or {}).get("also", []), f"{where}: also")
        return replace(Schedule(of=(given or {}).get("of", ""), also=also, at_h=at, before_doses=before), **made)
    only(given, SAMPLING, where)
    hours = [
        *_numbers(given.get("at_h", []), f"{where}: at_h"),
        *(24.0 * d for d in _numbers(given.get("at_d", []), f"{where}: at_d")),
    ]
    made = {k: float(given[k]) for k in ("after_h", "turnaround_h", "loq") if k in given}
    if any(h <= 0 for h in hours) or any(v < 0 for v in made.values()):
        raise InputError("times and limits are positive", where=where, value=(hours, made))
    doses = {k: tuple(int(x) for x in _numbers(given.get(k, []), f"{where}: {k}")) for k in ("before_doses", "after_doses")}
    if any(x < (2 if k == "before_doses" else 1) for k, v in doses.items() for x in v):
        raise InputError(
            "the number of a dose", where=where, value=doses, allowed="before from the second, after from the first on"
        )
    also = texts(given.get("also", []), f"{where}: also")
    plain = Schedule(given.get("of", ""), also, tuple(sorted(hours)), doses["before_doses"], doses["after_doses"])
    return replace(plain, **made)


def _arms(given: Any, where: str, rules: list[str]) -> tuple[Arm, ...]:
    """Arms as tables or as policies in words; default: every published rule, and the twin."""
    if given is None:
        given = [*(f"rule:{r}" for r in rules), "twin"]
    out: list[Arm] = []
    for i, a in enumerate(given, 1):
        if isinstance(a, str):
            out += [_named(f"rule:{r}") for r in rules] if a == "rule:*" else [_named(a)]
        else:
            out.append(record(a, Arm, f"{where}: [[arms]] {i}", ("name", "policy")))
    if not out:
        raise InputError("a trial needs an arm", where=f"{where}: arms", allowed=POLICIES)
    return tuple(out)


def _named(policy: str) -> Arm:
    return Arm(policy.removeprefix("rule:").replace(":", "_").replace("+", "_then_"), policy)


def _reading(given: Any, where: str) -> tuple[str, Reading, float | None, float | None]:
    """A reading of the design's own and the borders it should keep."""
    if not isinstance(given, dict):
        raise InputError("a table", where=where, value=given)
    only(given, READING, where)
    for key in ("name", "how"):
        if key not in given:
            raise InputError("missing key", where=f"{where}: {key}", allowed="name and how must be given")
    level = given.get("level")
    level = _numbers(level, f"{where}: level") if isinstance(level, list) else level
    if "from_d" in given or "from_h" in given:
        unit = "d" if "from_d" in given else "h"
        if f"to_{unit}" not in given:
            raise InputError("missing key", where=f"{where}: to_{unit}", allowed="from and to in one unit")
        when: Any = Between(float(given[f"from_{unit}"]), float(given[f"to_{unit}"]), unit)
    elif given["how"] == "at":
        when = After(float(given["after_h"])) if "after_h" in given else End()
    else:
        when = Interval()
    try:
        reading = Reading(given.get("what", ""), given["how"], when, level, given.get("over", ""))  # type: ignore[arg-type]
    except InputError as e:  # it names the line of this file: the design's is meant
        raise InputError(e.message, where=where, value=e.value, allowed=e.allowed, remedy=e.remedy) from None
    return given["name"], reading, given.get("low"), given.get("high")


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError("wrong kind of value", where=where, value=value, allowed="a number")
    return float(value)


def _numbers(values: Any, where: str) -> tuple[float, ...]:
    if not isinstance(values, list):
        raise InputError("wrong kind of value", where=where, value=values, allowed="a list of numbers")
    return tuple(_number(v, where) for v in values)

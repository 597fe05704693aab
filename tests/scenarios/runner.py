"""Runs a scenario and shows, in words a ward understands, what changed in its recommendation.

A scenario is a folder with ``case.json`` (the facts) and ``recommendation.json`` (what dosetwin said when it was last accepted).
The second is a snapshot of our own output, not a reference: it is there to make every change of advice visible and deliberate.
``python tests/scenarios/update.py [NAME ...]`` writes the present answers and prints the differences.
"""

import difflib
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.advise.pair import Pair, advise_pair
from dosetwin.decide.recommendation import Recommendation
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

FOLDER = Path(__file__).parent
TOLERANCE = 0.02
"""Numbers (probabilities, losses, medians relative to their size) may move this much before it counts as a change."""


def names() -> list[str]:
    return sorted(p.parent.name for p in FOLDER.glob("*/case.json"))


def timeline_of(case: dict[str, Any]) -> Timeline:
    patient = dict(case["patient"])
    if "birth" in patient:
        patient["birth"] = datetime.fromisoformat(patient["birth"])
    return Timeline(
        Patient(id=case["title"], synthetic=True, **patient),
        doses=tuple(DoseEvent(**d, record=f"dose {i + 1}") for i, d in enumerate(case.get("doses", ()))),
        observations=tuple(Observation(**o, record=f"level {i + 1}") for i, o in enumerate(case.get("observations", ()))),
        covariates=tuple(Covariate(**c) for c in case.get("covariates", ())),
        origin=datetime.fromisoformat(case["origin"]) if "origin" in case else None,
    )


def two_answered(name: str) -> Pair:
    """Of a case with a second therapy (``with``: its name and models) the pair of orders."""
    case = _case(name)
    known = {"now": case.get("now"), "seed": case["seed"], "draws": case.get("draws", 500)}
    both = [(case["therapy"], case["models"]), (case["with"]["therapy"], case["with"]["models"])]
    one, other = (Question(formulary.therapy(t), tuple(map(models.load, m)), **known) for t, m in both)
    return advise_pair(timeline_of(case), one, other)


def _case(name: str) -> dict[str, Any]:
    return json.loads((FOLDER / name / "case.json").read_text())


def told(name: str) -> dict[str, Any]:
    """What a reader of the diff needs of a scenario, of one therapy or of two."""
    if "with" not in _case(name):
        return summary(answer(name))
    found = two_answered(name)
    data = found.to_json()
    return {
        "status": data["status"],
        "regimen": data["regimens"],
        "each_alone": data["each_alone"]["orders"],
        **({k: data["chosen"][k] for k in ("joint", "harms")} if data["chosen"] else {}),
        "reasons": [r["code"] for r in data["reasons"]],
        "findings": sorted({f"{f.severity} {f.code}" for f in found.findings}),
    }


def answered(name: str) -> Advice:
    return advise(*asked_of(name))


def asked_of(name: str) -> tuple[Timeline, Question]:
    """The facts of a scenario and its question."""
    case = _case(name)
    chosen = [models.load(m) for m in case["models"]]
    facts = {"MIC": case["mic"]} if case.get("mic") else {}
    question = Question(
        formulary.therapy(case.get("therapy", case.get("policy"))),
        tuple(chosen),
        now=case.get("now"),
        seed=case["seed"],
        draws=case.get("draws", 500),
        facts=facts,
    )
    return timeline_of(case), question


def answer(name: str) -> Recommendation:
    return answered(name).recommendation


def summary(found: Recommendation) -> dict[str, Any]:
    """What a reader of the diff needs, numbers rounded."""
    top = found.candidates[0] if found.regimen is not None else None
    sample = found.next_sample
    data = found.to_json()
    return {
        "status": found.status,
        "regimen": data["regimen"],
        "mg_per_kg": round(top.mg_per_kg, 2) if top and top.mg_per_kg is not None else None,
        "probabilities": {f"{a.target} {a.dose}": round(a.p, 2) for a in top.attainment} if top else {},
        "joint": round(top.joint, 2) if top else None,
        "medians": {k: round(v, 1) for k, v in sorted(top.median.items())} if top else {},
        "reasons": [r.code for r in found.reasons],
        "standard_rules": {
            "+".join(c.rules): f"{c.regimen.words or f'{c.regimen.amount_mg:g} mg every {c.regimen.interval_h:g} h'}: "
            + ("acceptable" if c.acceptable else "not acceptable" if c.allowed else "outside the limits")
            for c in sorted(found.candidates, key=lambda c: c.rules)
            if c.rules
        },
        "findings": sorted({f"{f.severity} {f.code}" for f in found.findings}),
        "next_sample": None if sample is None else {"after_h": sample.after_h, "worth": sample.worth},
        **({"hold": found.hold_reason.partition(";")[0]} if found.hold else {}),
        "changes_if": {s.code: s.changed for s in found.what_would_change_it},
    }


def same(a: Any, b: Any) -> bool:
    """Equal but for numbers within TOLERANCE (absolute below 1, relative above)."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return abs(a - b) <= TOLERANCE * max(1.0, abs(a))
    return a == b


def compare(old: dict[str, Any], new: dict[str, Any]) -> str:
    """Empty when nothing changed; the ordered regimen must be exactly the same, else a diff headed by the two regimens."""
    if old["regimen"] == new["regimen"] and same(old, new):
        return ""
    lines = [json.dumps(d, indent=1, sort_keys=True).splitlines() for d in (old, new)]
    diff = "\n".join(difflib.unified_diff(*lines, "accepted", "now", n=1, lineterm=""))
    return f"{old['status']} {old['regimen']}\n  -> {new['status']} {new['regimen']}\n{diff}"


def accepted(name: str) -> dict[str, Any]:
    path = FOLDER / name / "recommendation.json"
    return json.loads(path.read_text()) if path.exists() else {"status": "none", "regimen": None}

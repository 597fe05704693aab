"""Where an answer came from: versions, model and therapy with their hashes, seed, draws, covariate rule, hash of what went in."""

import hashlib
import json
import platform
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dosetwin import __version__
from dosetwin.advise.core import Decision, State
from dosetwin.advise.question import Asked
from dosetwin.advise.table import clock
from dosetwin.declare import Model
from dosetwin.records import Timeline


def hash_of(data: Any) -> str:
    """SHA-256 (hex) of anything JSON can carry; dates by their ISO form, records by their fields."""
    text = json.dumps(data, sort_keys=True, default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _names(of: Any) -> tuple[str, ...]:
    return tuple(f.name for f in fields(of))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {name: getattr(value, name) for name in _names(type(value))}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def model_card(model: Model, weight: float, ess: float, method: str) -> dict[str, Any]:
    """What identifies a model in an answer; ``hash`` is that of its file."""
    r = model.reference
    path = getattr(model.module, "__file__", None)
    return {
        "name": model.name,
        "title": model.title,
        "reference": f"{r.authors} {r.year}. {r.where}".strip(),
        "doi": r.doi,
        "provenance": r.provenance,
        "hash": hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else "",
        "weight": round(weight, 6),
        "method": method,
        "ess": round(ess, 1),
    }


def facts_of(timeline: Timeline) -> dict[str, Any]:
    """What a timeline says, as plain data. What records learnt to say later stands in it only where it is said: stored answers of
    older programs keep their hash."""
    said: dict[str, Any] = {
        k: [_plain(x) if is_dataclass(x) else x for x in v] if isinstance(v, tuple) else v
        for k, v in _plain(timeline).items() if k != "findings"
    }  # fmt: skip
    p = timeline.patient
    more = {k: v for k, v in p.held if k not in ("SEX", "GA", "BW")}
    said["patient"] = {"id": p.id, "sex": p.sex, "birth": p.birth, "GA": p.GA, "BW": p.BW, "synthetic": p.synthetic,
                       "label": p.label} | ({"traits": more} if more else {})  # fmt: skip
    for dose in said["doses"]:
        if dose["drug"] in ("", timeline.drug):
            del dose["drug"]
    for measured in (*said["observations"], *said["asked"]):
        if not measured["stated"]:
            del measured["stated"]
    return said


def provenance(asked: Asked, state: State, made: Decision) -> dict[str, Any]:
    """Everything needed to get the same answer again, and to know what it rests on."""
    import numba
    import numpy
    import scipy

    q, therapy = asked.question, asked.therapy
    cards = [model_card(m, w, b.ess, b.method) for m, w, b in zip(asked.models, state.weights, state.beliefs, strict=True)]
    if asked.twin is not None:
        cards = [asked.twin.card(q.draws, q.seed)]
    return {
        "dosetwin": __version__,
        "versions": {
            "python": platform.python_version(),
            "numpy": numpy.__version__,
            "scipy": scipy.__version__,
            "numba": numba.__version__,
        },
        "models": cards,
        **{name: teller.provenance() for name, teller in asked.tellers.items()},
        "therapy": {"name": therapy.name, "hash": hash_of(therapy.to_json()), "note": therapy.note},
        "loss": {
            t.code: {"target": t.border(), "weight": t.weight, "scale": t.scale, "doses": list(t.doses)} for t in therapy.goals
        },
        "now": clock(asked.timeline, asked.now),
        "now_h": round(asked.now, 6),
        "seed": q.seed,
        "draws": q.draws,
        "covariates": q.rule,
        "mic_mg_per_L": q.facts.get("MIC"),
        "weight_kg": made.where.weight,
        "candidates_considered": len(made.plans),
        "candidates_acceptable": sum(made.choice.acceptable(p, i) for i, p in enumerate(made.plans)),
        therapy.kind: asked.timeline.patient.id,
        "synthetic": asked.timeline.patient.synthetic,
        "input_hash": q.input_hash or hash_of(facts_of(asked.timeline)),
    }

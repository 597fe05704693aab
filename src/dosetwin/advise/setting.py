"""Advice in settings: a twin of any kind plays the menu once, and what is read of it is scored as any other answer's."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from dosetwin import __version__
from dosetwin.advise.provenance import hash_of
from dosetwin.decide.plans import Plan
from dosetwin.decide.search import Choice, Exposures, choose, score
from dosetwin.decide.setting import SettingAnswer, SettingCandidate, Setup
from dosetwin.declare import Facts, Goal, Reading, Therapy
from dosetwin.declare.menu import Settings, Situation
from dosetwin.declare.reading import COURSE, HOURS, At, Between, json_key
from dosetwin.declare.rule import Sets
from dosetwin.errors import Finding, InputError, Reason
from dosetwin.records import Setting
from dosetwin.twins import Trajectory, Twin
from dosetwin.units import plain_unit


@dataclass(frozen=True, eq=False)
class Ask:
    """What is asked of a twin: its ``therapy`` (a menu of settings), the moment ``now`` (h), what is known then (``facts``), and
    what an answer is told from: ``subject`` (a patient's or place's name), ``origin`` of the clock, the hash of the source."""

    therapy: Therapy
    now: float
    facts: Facts
    draws: int
    seed: int
    subject: str
    origin: datetime | None = None
    input_hash: str = ""
    findings: tuple[Finding, ...] = ()
    models: tuple[Mapping[str, Any], ...] = ()


def advise_setting(twin: Twin, ask: Ask) -> SettingAnswer:
    """The settings of lowest expected loss, or a refusal with reasons; pure, the same arguments give the same answer.

    Raises InputError: the therapy's menu is none of settings, it reads what the twin does not hold or in another unit, or belongs
    to single doses.
    """
    therapy = ask.therapy
    if not isinstance(therapy.menu, Settings):
        raise InputError("orders of doses are advised otherwise", where=f"therapy {therapy.name}")
    _judges(therapy, twin)
    plans, silent = _plans(therapy, therapy.menu, Situation(ask.now, origin=ask.origin, facts=ask.facts))
    moments = [t for r in therapy.readings for t in _window(r, ask.now)]
    played = twin.play([p.order for p in plans], max(moments), draws=ask.draws, seed=ask.seed, at=moments)
    values = {(r.key, COURSE): read(played, twin, r, ask.now) for r in therapy.readings}
    kept = ask.draws - played.failed
    exposures = Exposures(values, np.full(kept, 1.0 / kept), float(kept))
    scores = score(exposures, therapy.goals)
    choice = choose(plans, scores, therapy.goals, therapy.tie_loss)
    chosen = None if choice.chosen is None else plans[choice.chosen].order
    return SettingAnswer(
        status="refuse" if chosen is None else "recommend",
        order=None if chosen is None else _setup(chosen, ask),
        candidates=_table(plans, choice, exposures, ask),
        reasons=(*_said(choice.reasons, therapy), *silent),
        findings=tuple(dict.fromkeys((*ask.findings, *played.findings))),
        provenance=_provenance(plans, choice, ask),
        readings={} if choice.chosen is None else _told(therapy, exposures, choice.chosen, twin),
        how_sure={} if choice.chosen is None else {"joint": round(float(scores.joint[choice.chosen]), 4),
                                                   "joint_se": round(float(scores.joint_se[choice.chosen]), 4)},
    )  # fmt: skip


def _plans(therapy: Therapy, menu: Settings, where: Situation) -> tuple[tuple[Plan, ...], tuple[Reason, ...]]:
    """Every order of the menu once, and what the rules say; why those say nothing that do not."""
    orders = {menu.key(o): o for o in menu.orders(where)}
    said: dict[tuple[float, ...], list[str]] = {}
    silent = []
    for rule in therapy.rules:
        answer = rule.advise(where.facts)
        if not isinstance(answer, Sets):
            silent.append(Reason("rule_not_applicable", rule.name, None, "", str(answer), rule.source))
            continue
        order = menu.said(answer, where, lambda _: False)
        orders.setdefault(menu.key(order), order)
        said.setdefault(menu.key(order), []).append(rule.name)
    barred = tuple(r for b in therapy.bars if (r := b.forbidden(where.facts)) is not None)
    return tuple(Plan(orders[k], None, tuple(said.get(k, ())), barred) for k in sorted(orders)), tuple(silent)  # type: ignore[arg-type]


def read(played: Trajectory, twin: Twin, reading: Reading, now: float) -> np.ndarray:
    """A reading [orders, draws] of what was played from ``now`` (h) on."""
    a, *b = _window(reading, now)
    how = "mean" if reading.how == "auc24" else reading.how
    found = played.read(_name(reading, twin), how, a, *b, level=reading.level)  # type: ignore[arg-type]
    return found * 24.0 if reading.how == "auc24" else found


def _window(reading: Reading, now: float) -> tuple[float, ...]:
    when = reading.when
    if isinstance(when, At):
        return (now + when.t * HOURS[when.unit],)
    if isinstance(when, Between):
        return (now + when.a * HOURS[when.unit], now + when.b * HOURS[when.unit])
    raise InputError("belongs to a dose, and there is none", where=f"reading {reading.key}", value=type(when).__name__,
                     allowed="At, Between")  # fmt: skip


def _name(reading: Reading, twin: Twin) -> str:
    """The name a twin's trajectory has for what is read."""
    reads = twin.reads()
    found = next((n for n, r in reads.items() if reading.what in (n, r.measures)), None) if reading.what else next(iter(reads))
    if found is None:
        raise InputError(
            "the twin does not hold this", where=f"reading {reading.key}", value=reading.what, allowed=", ".join(reads)
        )
    return found


def _judges(therapy: Therapy, twin: Twin) -> None:
    reads = twin.reads()
    for goal in therapy.goals:
        readable = reads[_name(goal.reading, twin)]
        if goal.reading.how not in (*readable.how, "auc24"):
            raise InputError("cannot be read this way", where=f"goal {goal.code}", value=goal.reading.how,
                             allowed=", ".join(readable.how))  # fmt: skip
        expected = goal.reading.unit(readable.unit)
        if plain_unit(goal.unit) != plain_unit(expected):
            raise InputError("the unit is not that of what is judged", where=f"goal {goal.code}", value=goal.unit,
                             allowed=expected or "1", remedy="give the borders in that unit")  # fmt: skip


def _setup(order: Any, ask: Ask) -> Setup:
    assert isinstance(order, Setting)
    at = order.at if ask.origin is None else (ask.origin + timedelta(hours=order.at)).isoformat()
    return Setup(dict(order.values), at, order.words())


def _table(plans: Sequence[Plan], choice: Choice, exposures: Exposures, ask: Ask) -> tuple[SettingCandidate, ...]:
    """The best candidates and every rule, in the order of the choice."""
    therapy, s = ask.therapy, choice.scores
    shown = [i for rank, i in enumerate(choice.order) if rank < therapy.table_rows or plans[i].rules]
    return tuple(
        SettingCandidate(
            rank=rank, order=_setup(plans[i].order, ask), rules=plans[i].rules, loss=round(float(s.loss[i]), 4),
            loss_se=round(float(s.loss_se[i]), 4), joint=round(float(s.joint[i]), 4), joint_se=round(float(s.joint_se[i]), 4),
            attainment=s.attainment(i), allowed=not plans[i].violations, acceptable=choice.acceptable(plans[i], i),
            median={json_key(key, d): _finite(np.median(exposures.values[key, d][i])) for key, d in exposures.values},
            violations=plans[i].violations, unmet=choice.unmet[i],
        )
        for rank, i in enumerate(shown, start=1)
    )  # fmt: skip


def _told(therapy: Therapy, exposures: Exposures, i: int, twin: Twin) -> dict[str, Any]:
    """What is expected under the order chosen: quantiles of every reading, and the chance of its goal."""
    goals: dict[str, Goal] = {g.reading.key: g for g in therapy.goals}
    out = {}
    for reading in therapy.readings:
        values, goal = exposures.values[reading.key, COURSE][i], goals.get(reading.key)
        low, middle, high = (_finite(q) for q in np.quantile(values, (0.05, 0.5, 0.95), method="inverted_cdf"))
        p = None if goal is None or goal.price else round(float(goal.met(values).mean()), 4)
        out[json_key(reading.key, COURSE)] = {"unit": reading.unit(twin.reads()[_name(reading, twin)].unit), "q05": low,
                                              "q50": middle, "q95": high, "p_goal": p}  # fmt: skip
    return out


def _finite(value: Any) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _said(reasons: Sequence[Reason], therapy: Therapy) -> tuple[Reason, ...]:
    """Reasons without the words for doses, and without the chance of a price, which is always paid."""
    priced = {f"p_{g.code}" for g in therapy.goals if g.price}
    aside = (f", lowest over the doses scored: dose '{COURSE}'", f" at dose '{COURSE}'", " around the coming dose")
    out = []
    for reason in reasons:
        text = reason.text
        for words in aside:
            text = text.replace(words, "")
        text = text.replace("acceptable regimens", "acceptable settings").replace(
            "all joint targets at every scored dose", "all goals"
        )
        if reason.code not in priced:
            out.append(replace(reason, text=text))
    return tuple(out)


def _provenance(plans: Sequence[Plan], choice: Choice, ask: Ask) -> dict[str, Any]:
    import numpy
    import scipy

    therapy = ask.therapy
    return {
        "dosetwin": __version__,
        "versions": {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__},
        "models": [dict(m) for m in ask.models],
        "policy": {"name": therapy.name, "hash": hash_of(therapy.to_json()), "note": therapy.note},
        "loss": {g.code: {"target": g.border(), "weight": g.weight, "scale": g.scale} for g in therapy.goals},
        "now": ask.now if ask.origin is None else (ask.origin + timedelta(hours=ask.now)).isoformat(),
        "now_h": round(ask.now, 6), "seed": ask.seed, "draws": ask.draws,
        "facts": dict(sorted(ask.facts.items())),
        "candidates_considered": len(plans),
        "candidates_acceptable": sum(choice.acceptable(p, i) for i, p in enumerate(plans)),
        "subject": ask.subject, "kind": therapy.kind, "input_hash": ask.input_hash,
    }  # fmt: skip

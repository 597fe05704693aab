"""A plan played: what the pumps give, depth and pressure over time with their spread, blood, waking, what the scores say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dosetwin import models
from dosetwin.declare import Facts
from dosetwin.errors import InputError
from dosetwin.formulary.propofol import ELEVELD
from dosetwin.formulary.remifentanil import MINTO
from dosetwin.outcomes import scores
from dosetwin.outcomes.operation.plan import Operation
from dosetwin.records import Covariate, DoseEvent, Patient, Pump, Timeline
from dosetwin.streams import stream

AWAKE = 1.2
"""ug/mL of propofol at the effect site at which half wake (assumed: reports of 1.0 to 1.5, less beside an opioid)."""
BLOOD = (70.0, 65.0)
"""mL/kg of blood, men and women (recalled)."""
SCOPE = ("Waking: propofol at the effect site below 1.2 ug/mL (assumed). Blood: 70 and 65 mL/kg; classes of shock by ATLS "
         "(recalled). Remifentanil changes neither depth nor pressure here.")  # fmt: skip
SHOCK = ((0.15, "I"), (0.30, "II"), (0.40, "III"), (9.9, "IV"))
"""Share of blood lost up to which a class of shock goes: ATLS (recalled)."""
LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Course:
    """What a plan would do. ``time`` min; ``depth``, ``pressure`` [3, n] quantiles over patients like this one; the rest as
    data: ``found`` name -> number or three of them, ``risks`` score -> its answers, ``remarks`` in words."""

    plan: Operation
    time: np.ndarray
    depth: np.ndarray
    pressure: np.ndarray
    found: dict[str, Any]
    risks: dict[str, dict[str, Any]]
    remarks: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        steps = [{"name": p.name, "minutes": p.minutes, "propofol_ug_mL": p.propofol, "remifentanil_ng_mL": p.remifentanil,
                  "blood_loss_mL": p.blood_loss} for p in self.plan.parts]  # fmt: skip
        return {"plan": self.plan.name, "steps": steps, "found": self.found, "risks": self.risks, "remarks": list(self.remarks)}

    def rows(self) -> list[tuple[str, str]]:
        """What a plan comes to, in words, number by number."""
        f = self.found
        low, middle, high = f["wakes_min_after_stop"]
        out = [
            ("duration", f"{f['minutes']:.0f} min"),
            ("propofol", f"{f['propofol_mg']:.0f} mg"),
            ("remifentanil", f"{f['remifentanil_ug']:.0f} ug"),
            ("time at BIS 40 to 60", f"{f['share_of_time_at_depth']:.0%}"),
            ("chance of more than a tenth of it below 65 mmHg", f"{f['chance_of_pressure_below_65_for_a_tenth_of_it']:.0%}"),
            ("wakes after the pump stops", f"{middle:.0f} min (90 % interval {low:.0f} to {_late(high)})"),
            ("blood lost", f"{f['blood_loss_mL']:.0f} mL, {f['share_lost']:.0%}, class {f['class_of_shock']}"),
            ("blood that may be lost", f"{f['allowable_loss_mL']:.0f} mL"),
        ]
        return out + [(f"{name}: {scores.load(name).answers[what]}", f"{v:.3g}" if isinstance(v, float) else str(v))
                      for name, of in self.risks.items() for what, v in of.items()]  # fmt: skip


def _late(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 180.0 else "over 3 h"


def _given(pump: Callable[..., Pump], targets: list[tuple[float, float, float]], facts: Facts) -> tuple[DoseEvent, ...]:
    """Doses of a pump whose target changes: (start h, end h, target); worked out anew every hour."""
    doses: list[DoseEvent] = []
    for start, end, target in targets:
        at = start
        while target > 0 and at < end - 1e-9:
            until = min(end, at + 1.0)
            for d in pump(target, facts, tuple(doses), at).doses(until):
                runs = min(d.duration, until - d.time)
                doses.append(DoseEvent(d.time, d.amount * runs / d.duration, runs))
            at = until
    return tuple(doses)


def play(plan: Operation, *, draws: int = 300, seed: int = 1) -> Course:
    """The plan on ``draws`` patients of these facts, the same for every plan of one seed."""
    from dosetwin.simulate import predict, schedule_for

    facts = Facts(WT=plan.weight, HT=plan.height, AGE=plan.age, SEX=float(plan.male), MAP0=plan.pressure, OPIOID=1.0)
    ends = np.cumsum([p.minutes for p in plan.parts]) / 60.0
    starts = ends - np.array([p.minutes for p in plan.parts]) / 60.0
    spans = list(zip(starts.tolist(), ends.tolist(), strict=True))
    hypnotic = _given(ELEVELD, [(a, b, p.propofol) for (a, b), p in zip(spans, plan.parts, strict=True)], facts)
    opioid = _given(MINTO, [(a, b, p.remifentanil) for (a, b), p in zip(spans, plan.parts, strict=True)], facts)
    if not hypnotic:
        raise InputError("no step has a target of propofol", where=plan.name, allowed="above 0 ug/mL in one of them")
    stops = max(d.time + d.duration for d in hypnotic)
    model = models.load(ELEVELD.model)
    end = float(ends[-1])
    time = np.unique(np.round(np.concatenate([np.linspace(0.02, end, 160), ends, stops + np.arange(0.0, 3.001, 1.0 / 60.0)]), 6))
    known = tuple(Covariate(0.0, n, float(facts[n])) for n in model.covs)
    schedule = schedule_for(model, Timeline(Patient("planned"), hypnotic, (), known), time)
    rng = stream(seed, "operation")
    eta = rng.multivariate_normal(np.zeros(len(model.omega_for(1))), model.omega_for(1), size=draws)
    run = predict(model, schedule, eta)
    value = run.value[run.ok]
    names = list(model.outputs)
    depth, pressure, site = (value[:, :, names.index(n)] for n in ("BIS", "MAP", "Ce"))
    deep = [k for k, p in enumerate(plan.parts) if p.propofol > 0][1:] or [k for k, p in enumerate(plan.parts) if p.propofol > 0]
    inside = np.zeros(len(time), dtype=bool)
    for k in deep:
        inside |= (time >= starts[k] - 1e-9) & (time <= ends[k] + 1e-9)
    late = time >= stops - 1e-6
    woken = site[:, late] <= AWAKE
    wakes = np.where(woken.any(axis=1), np.maximum(time[late][np.argmax(woken, axis=1)] - stops, 0.0) * 60.0, np.inf)
    found, remarks = _blood(plan)
    shown = time <= end + 1e-9
    found |= {
        "minutes": plan.minutes, "propofol_mg": sum(d.amount for d in hypnotic),
        "remifentanil_ug": 1000.0 * sum(d.amount for d in opioid),
        "share_of_time_at_depth": float(((depth >= 40.0) & (depth <= 60.0))[:, inside].mean()),
        "chance_of_pressure_below_65_for_a_tenth_of_it": float(((pressure < 65.0)[:, inside].mean(axis=1) > 0.1).mean()),
        "wakes_min_after_stop": [float(q) for q in np.quantile(np.minimum(wakes, 999.0), LEVELS)],
    }  # fmt: skip
    risks = {name: dict(_risk(name, of)) for name, of in plan.scores.items()}
    quantiles = [np.quantile(x[:, shown], LEVELS, axis=0) for x in (depth, pressure)]
    return Course(plan, time[shown] * 60.0, quantiles[0], quantiles[1], found, risks, remarks)


def _blood(plan: Operation) -> tuple[dict[str, Any], tuple[str, ...]]:
    volume = BLOOD[0 if plan.male else 1] * plan.weight
    lost = sum(p.blood_loss for p in plan.parts)
    allowed = volume * (plan.haemoglobin - plan.haemoglobin_least) / plan.haemoglobin
    share = lost / volume
    said = []
    if lost > allowed:
        said.append(f"blood lost beyond what the haemoglobin allows ({lost:.0f} of {allowed:.0f} mL): transfusion")
    if share > 0.15:
        said.append("more than 15 % of the blood: less propofol is needed and lasts longer, which the models here do not follow")
    found = {"blood_volume_mL": volume, "blood_loss_mL": lost, "allowable_loss_mL": max(allowed, 0.0), "share_lost": share,
             "class_of_shock": next(c for most, c in SHOCK if share <= most)}  # fmt: skip
    return found, tuple(said)


def _risk(name: str, of: Any) -> Any:
    score = scores.load(name)
    if score.of is None:
        raise InputError("a score of tables, not of one person", where=f"scores: {name}")
    columns = {c.name: c for c in score.columns}
    if unknown := [k for k in of if k not in columns]:
        raise InputError("the score does not ask this", where=f"scores: {name}", value=unknown[0], allowed=", ".join(columns))
    if missing := [n for n in columns if n not in of]:
        raise InputError("the score needs this", where=f"scores: {name}", value=None, allowed=missing[0])
    return score.of({k: columns[k].value(str(float(v) if not isinstance(v, bool) else int(v))) for k, v in of.items()})

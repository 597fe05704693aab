"""A hospital's past patients: what each policy would have recommended at each dose, beside what was given, and the predicted gap.

For every dose that was followed by another one, each policy sees what a ward could know then (levels whose result was back) and
says an amount and an interval. What would have come of it is predicted by the twin fitted to *all* of the patient's records (the
best account of this patient there is), and compared with the same twin's prediction for the dose that was given.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np

from dosetwin import formulary
from dosetwin.advise import Question, advise
from dosetwin.decide.control import LevelAdjusted, named
from dosetwin.decide.facts import facts_at
from dosetwin.decide.recommendation import Dosing
from dosetwin.declare import After, End, Goal, Model, Repeated, Says, Therapy
from dosetwin.declare import Rule as DosingRule
from dosetwin.errors import DosetwinError, Finding, InputError
from dosetwin.records import DoseEvent, Timeline
from dosetwin.simulate import Rule
from dosetwin.trial.analysis import Estimate, estimate

TWIN, GIVEN = "twin", "given"
TABLES = ("decock_smits", "neofax", "bnfc", "red_book", "nomogram", "rule_adjusted")
"""Policies beside the twin; those of amikacin in newborns."""
SAME_DOSE_H = 0.05
"""h: a record this close before a dose was known when it was given."""
LONGEST_H = 96.0
"""h: a longer pause between doses ends a course; the dose before it is not compared."""
CAVEATS = (
    "Nothing here was given: there is no outcome of a dose that was not given, only a model's prediction of its levels.",
    "The twin that predicts was fitted to levels that followed the doses actually given; where its model is wrong for a "
    "patient, it is wrong for both sides of the comparison, and not alike.",
    "Doses on the ward depended on how ill the patient was and on what staff saw and did not write down (confounding by "
    "indication); a policy sees the record alone.",
    "The twin's policy and the twin that judges share one model, which favours the twin over rules made for other models.",
    "Every patient counts once, whatever the number of doses; intervals are over patients.",
)


@dataclass(frozen=True)
class Said:
    """What one policy says at one dose: ``amount`` mg at ``time`` h, then ``interval`` h; ``silent``: why it says nothing."""

    amount: float = 0.0
    time: float = 0.0
    interval: float = 0.0
    silent: str = ""


@dataclass(frozen=True)
class Row:
    """One policy at one dose of one patient: what it says, and what the twin fitted to all records predicts of it.

    ``peak`` and ``trough`` in the level's unit, ``auc24`` times h: medians; ``p_peak``, ``p_trough``, ``p_toxic``, ``p_joint``
    probabilities of the therapy's goal for the peak, for the trough, of a trough outside its second goal, and of the first two
    together. nan: the therapy has no such goal, or the model no exact area.
    """

    subject: str
    dose: int
    policy: str
    time: float
    amount: float
    interval: float
    levels_known: int
    peak: float
    trough: float
    auc24: float
    p_peak: float
    p_trough: float
    p_toxic: float
    p_joint: float
    culture: float | None = None


@dataclass(frozen=True, eq=False)
class Retro:
    """The rows, how often each policy was silent, and the patients and doses compared."""

    rows: tuple[Row, ...]
    silent: Mapping[str, int]
    patients: int
    doses: int
    findings: tuple[Finding, ...]

    def compared(self) -> dict[str, dict[str, Any]]:
        """Per policy: means of its own rows and of paired differences to what was given, by patient, with 95 % intervals."""
        given = {(r.subject, r.dose): r for r in self.rows if r.policy == GIVEN}
        out: dict[str, dict[str, Any]] = {}
        for policy in dict.fromkeys(r.policy for r in self.rows):
            own = [r for r in self.rows if r.policy == policy]
            part: dict[str, Any] = {
                "doses": len(own),
                "patients": len({r.subject for r in own}),
                "silent": self.silent.get(policy, 0),
            }
            for name in ("p_peak", "p_trough", "p_toxic", "p_joint", "auc24"):
                if not any(np.isfinite(getattr(r, name)) for r in own):
                    continue  # the therapy has no such goal
                part[name] = _by_patient(own, lambda r, n=name: getattr(r, n)).to_json()
                if policy != GIVEN:
                    gap = _by_patient(own, lambda r, n=name: getattr(r, n) - getattr(given[r.subject, r.dose], n))
                    part[f"{name}_difference"] = gap.to_json()
            part["mg_ratio"] = _by_patient(own, lambda r: r.amount / given[r.subject, r.dose].amount).to_json()
            part["interval_difference_h"] = _by_patient(own, lambda r: r.interval - given[r.subject, r.dose].interval).to_json()
            out[policy] = part
        return out

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary: comparison, caveats and every row."""
        return {
            "patients": self.patients, "doses": self.doses, "compared": self.compared(), "caveats": list(CAVEATS),
            "rows": [asdict(r) for r in self.rows], "findings": [f.to_json() for f in self.findings],
        }  # fmt: skip


def _by_patient(rows: Sequence[Row], value: Callable[[Row], float]) -> Estimate:
    found: dict[str, list[float]] = {}
    for r in rows:
        found.setdefault(r.subject, []).append(value(r))
    return estimate(np.array([float(np.mean(v)) for v in found.values()]))


def known_at(timeline: Timeline, time: float, turnaround: float) -> Timeline:
    """What a ward knew just before the dose at ``time``: earlier doses, charted values, levels drawn ``turnaround`` h before."""
    before = timeline.until(time + SAME_DOSE_H)
    return replace(
        before,
        doses=tuple(d for d in before.doses if d.time < time - SAME_DOSE_H),
        observations=tuple(o for o in before.observations if o.time + turnaround <= time + 1e-9),
    )


def _table_says(name: str, known: Timeline, now: float, rules: "Mapping[str, DosingRule]") -> Said:
    facts = facts_at(known, now)
    if name in rules:
        said = rules[name].advise(facts)
        if not isinstance(said, Says):
            return Said(silent=str(said))
        try:
            return Said(said.mg(facts), now, said.interval)
        except InputError as error:
            return Said(silent=str(error))
    policy = named(name)
    # a wait is asked of a policy by the dose it follows; here the dose at ``now`` is a fact, what is asked is amount and interval
    try:
        made = policy.next(known, None, now)
    except DosetwinError as error:
        return Said(silent=str(error))
    return Said(made.amount, now, made.interval if isinstance(policy, LevelAdjusted) else _interval(policy, known, now))


def _interval(policy: Any, known: Timeline, now: float) -> float:
    facts = facts_at(known, now)
    row = next(r for r in policy.table.rows if r[0] > (facts.PNA or 0.0) and r[1] > (facts.WT or 0.0))
    return row[3] + (policy.table.longer if facts.on(*policy.conditions) else 0.0)


def _twin_says(known: Timeline, question: Question) -> Said:
    try:
        made = advise(known, question).recommendation
    except InputError as error:
        return Said(silent=str(error))
    if made.regimen is None:
        return Said(silent=made.reasons[0].text if made.reasons else "no acceptable regimen")
    r = made.regimen
    assert isinstance(r, Dosing)  # a retro is about doses
    first_at = known.at(datetime.fromisoformat(r.first_at)) if isinstance(r.first_at, str) else r.first_at
    return Said(r.amount_mg if r.loading_mg is None else r.loading_mg, first_at, r.interval_h)


def _predicted(
    model: Model, timeline: Timeline, before: float, plans: Sequence[Said], draws: np.ndarray, therapy: Therapy, rule: Rule
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Peak, trough and AUC24 of each plan under each draw of the twin of all records; doses from ``before`` on replaced."""
    from dosetwin.simulate import predict, schedule_many

    output = list(model.outputs).index(model.measured_by(therapy.drug.name) or next(iter(model.outputs)))
    exact = model.solver == "exact"
    given = tuple(e for d in timeline.doses for e in d.expanded() if e.time < before - SAME_DOSE_H)
    past = replace(timeline, doses=given, observations=(), asked=())
    menu = therapy.menu
    infusion, peak_h = menu.infusions[0] if isinstance(menu, Repeated) else 0.0, peak_of(therapy).h
    grids = [np.unique(np.round([p.time, p.time + peak_h, p.time + p.interval], 9)) for p in plans]
    extra = [(DoseEvent(float(np.round(p.time, 9)), p.amount, infusion, given[-1].cmt if given else None),) for p in plans]
    schedule = schedule_many(model, [past] * len(plans), grids, rule=rule, extra_doses=extra)
    out = []
    for c, plan in enumerate(plans):
        found = predict(model, schedule, draws, course=c, auc=exact)
        value = found.value[found.ok][:, :, output]
        at = np.searchsorted(grids[c], np.round([plan.time, plan.time + peak_h, plan.time + plan.interval], 9))
        area = np.full(len(value), np.nan)
        if found.auc is not None:
            total = found.auc[found.ok][:, :, output]
            area = (total[:, at[2]] - total[:, at[0]]) * 24.0 / plan.interval
        out.append((value[:, at[1]], value[:, at[2]], area))
    return out


def peak_of(therapy: Therapy) -> After:
    """When a therapy's peak is read: that of its first goal after the start of a dose, else an hour after it."""
    found = (g.reading.when for g in therapy.goals)
    return next((w for w in found if isinstance(w, After)), After(1.0))


def judged(therapy: Therapy) -> tuple[Goal | None, Goal | None, Goal | None]:
    """The goals of a dose that are judged: for the peak, for the trough, and a second one for the trough; None: there is none.

    Raises InputError where there is neither of the first two.
    """
    goals = [g for g in therapy.goals if g.reading.how == "at" and not g.reading.over and not g.reading.what]
    peak = next((g for g in goals if isinstance(g.reading.when, After)), None)
    trough = next((g for g in goals if isinstance(g.reading.when, End) and g.joint), None)
    toxic = next((g for g in goals if isinstance(g.reading.when, End) and not g.joint), None)
    if peak is None and trough is None:
        raise InputError("doses are compared by the level before or after them, and the therapy has no goal for either",
                         where=f"therapy {therapy.name}", value=", ".join(g.code for g in therapy.goals),
                         allowed="a goal for PEAK or TROUGH of the drug's level",
                         remedy="forecasts alone: dosetwin replay MODEL DATA.csv")  # fmt: skip
    return peak, trough, toxic


def _chance(goal: Goal | None, value: np.ndarray) -> float:
    return float("nan") if goal is None else float(goal.met(value).mean())


def _both(peak: Goal | None, p: np.ndarray, trough: Goal | None, low: np.ndarray) -> float:
    met = [goal.met(value) for goal, value in ((peak, p), (trough, low)) if goal is not None]
    return float(np.logical_and.reduce(met).mean())


def retro(
    model: Model,
    timelines: Sequence[Timeline],
    therapy: Therapy,
    *,
    policies: Sequence[str] = (*TABLES, TWIN),
    turnaround: float = 3.0,
    draws: int = 300,
    seed: int = 1,
    rule: Rule = "locf",
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Retro:
    """Compare policies on past patients. Covariates ``MIC`` (mg/L) and ``CULTURE`` (1 positive) are used where a record has them.

    Raises InputError for an unknown policy, for a therapy without a goal for the level before or after a dose, or when no dose of
    any patient can be compared.
    """
    rules = formulary.rules() | {r.name: r for r in therapy.rules}
    if unknown := [p for p in policies if p not in (*TABLES, *rules, TWIN)]:
        raise InputError(
            "unknown policy", where="retro", value=unknown[0], allowed=", ".join(dict.fromkeys((*TABLES, *rules, TWIN)))
        )
    from dosetwin.infer import posterior

    asked = Question(therapy, (model,), seed=seed, draws=draws, rule=rule, sensitivity=False)
    peak, trough, toxic = judged(therapy)
    rows: list[Row] = []
    findings: list[Finding] = []
    silent: dict[str, int] = {}
    doses = patients = 0
    for place, t in enumerate(timelines):
        progress(place, len(timelines))
        events = sorted((e for d in t.doses for e in d.expanded() if e.amount > 0), key=lambda e: e.time)
        pairs = [(k, a, b) for k, (a, b) in enumerate(pairwise(events)) if 4.0 <= b.time - a.time <= LONGEST_H]
        try:
            belief = posterior(model, t, draws=draws, seed=seed, rule=rule) if pairs else None
        except DosetwinError as error:
            findings.append(Finding("warning", "not_fitted", f"patient {t.patient.id}", f"left out: {error}"))
            continue
        if belief is None:
            findings.append(Finding("info", "no_pair", f"patient {t.patient.id}", "no dose followed by another within 96 h"))
            continue
        findings += belief.findings
        patients += 1
        for k, a, b in pairs:
            known = known_at(t, a.time, turnaround)
            mic = next((v for at, v in reversed(t.series("MIC")) if at + turnaround <= a.time), None)
            culture = next((v for at, v in reversed(t.series("CULTURE")) if at <= b.time), None)
            says = {GIVEN: Said(a.amount, a.time, b.time - a.time)}
            for name in policies:
                found = (
                    _twin_says(known, replace(asked, now=a.time, facts={} if mic is None else {"MIC": mic}))
                    if name == TWIN
                    else _table_says(name, known, a.time, rules)
                )
                if found.silent or not found.amount > 0 or not found.interval > 0:
                    silent[name] = silent.get(name, 0) + 1
                    continue
                says[name] = found
            doses += 1
            n_known = sum(o.measures != "SCR" for o in known.observations)
            for (name, s), (p, low, area) in zip(
                says.items(), _predicted(model, t, a.time, list(says.values()), belief.draws, therapy, rule), strict=True
            ):
                rows.append(Row(
                    t.patient.id, k + 1, name, s.time, s.amount, s.interval, n_known, float(np.median(p)), float(np.median(low)),
                    float(np.median(area)), _chance(peak, p), _chance(trough, low),
                    1.0 - _chance(toxic, low), _both(peak, p, trough, low), culture,
                ))  # fmt: skip
    progress(len(timelines), len(timelines))
    if not rows:
        raise InputError("no dose of any patient can be compared", where="retro", allowed="doses followed by another within 96 h")
    return Retro(tuple(rows), silent, patients, doses, tuple(dict.fromkeys(findings)))

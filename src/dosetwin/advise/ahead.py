"""Look-ahead beside a recommendation: what a controller would plan over the next decisions in a declared scenario of infection.

A research scenario, marked as such wherever it is shown: the patient is the twin's posterior, the infection a scenario pack whose
constants are partly assumed. The recommendation itself does not depend on it. Models are handed on as two compartments
(``structure.reduced``), every other step is that of ``decide.look_ahead.mpc``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise.question import Question
from dosetwin.decide.control import ByRule, amounts_within, last_dose, shortest
from dosetwin.decide.facts import facts_at
from dosetwin.decide.look_ahead.ahead import Course
from dosetwin.decide.look_ahead.loss import derived
from dosetwin.decide.look_ahead.mpc import look_ahead
from dosetwin.decide.look_ahead.options import LookAhead, Option, Search
from dosetwin.decide.look_ahead.outlook import DT, Outlook
from dosetwin.declare import Model, Therapy
from dosetwin.errors import InputError
from dosetwin.outcomes.infection.draws import DRAWS, draw_infections
from dosetwin.outcomes.infection.mic import distribution
from dosetwin.outcomes.infection.packs import DRUGS, Pack, pack
from dosetwin.records import Timeline
from dosetwin.streams import row_uniforms
from dosetwin.structure.reduced import fast_and_slow, two_compartments

if TYPE_CHECKING:
    from dosetwin.advise import Advice

NOTE = (
    "research scenario: what a controller would plan if the infection behaved as the scenario pack says; "
    "constants of the infection are partly assumed, and the recommendation does not depend on it"
)
HORIZON = 96.0
"""h from the decision over which doses are planned."""
PIECE_H = 12.0
SEARCH = Search(draws=250, fresh=2000, decisions=3, threads=2)


@dataclass(frozen=True, eq=False)
class TwinBelief:
    """The twin's posterior of one patient as a controller sees it; its clock starts at the last dose, else at ``now``."""

    model: Model
    asked: Timeline
    now: float
    origin: float
    given: float
    weight: float
    pack: Pack
    organism: str
    question: Question
    draws: int

    @cached_property
    def _posterior(self) -> np.ndarray:
        from dosetwin.infer import posterior

        return posterior(self.model, self.asked, draws=self.draws, seed=self.question.seed, rule=self.question.rule).draws

    @property
    def back(self) -> int:
        """Grid steps from the first dose of the last days to the last one: what the infection has been through."""
        starts = [e.time for d in self.asked.doses for e in d.expanded() if e.amount > 0 and self.origin - e.time <= 240.0]
        return int(np.ceil((self.origin - min(starts, default=self.origin)) / DT - 1e-9))

    def outlook(self, draws: int, stream: int) -> Outlook:
        """``draws`` of the posterior: the first ones for stream 0, those after them for the next."""
        from dosetwin.simulate import parameters, predict, schedule_for

        first = 0 if stream == 0 else len(self._posterior) - draws
        eta = self._posterior[first : first + draws]
        m = self.back
        past = self.origin - DT * np.arange(m, -1, -1.0)
        # the last dose itself belongs to the plans: what is in the body is read just before it
        found = predict(self.model, schedule_for(self.model, self.asked, past, rule=self.question.rule), eta)
        ends = self.now - self.origin + HORIZON + 60.0
        edges = np.arange(0.0, ends, PIECE_H)
        middles = self.origin + edges + PIECE_H / 2
        inside = parameters(self.model, schedule_for(self.model, self.asked, middles, rule=self.question.rule), eta)
        ok = found.ok
        values = two_compartments(self.model.name, inside)[ok]
        state = found.state[ok, -1]
        fast, slow = fast_and_slow(list(self.model.states))
        amounts = np.stack([state[:, fast].sum(axis=1), state[:, slow].sum(axis=1)], axis=1)
        output = list(self.model.outputs).index(
            self.model.measured_by(self.question.therapy.drug.name) or next(iter(self.model.outputs))
        )
        n = int(ok.sum())
        u = row_uniforms(self.question.seed, f"look-ahead/{stream}", n, len(DRAWS))
        MIC, of = self.question.facts.get("MIC"), distribution(self.organism)
        of = of if MIC is None else of.updated(MIC)
        infections = draw_infections(self.pack, n, uniforms=u, organism=self.organism, mic=of.quantile(u[:, 0]), WT=self.weight)
        level = np.maximum(found.value[ok, :, output], 0.0)
        # the controller's clock: m steps of past, then the last dose
        start = m * DT
        return Outlook(
            start + self.now - self.origin, start, self.given, self.weight, np.ascontiguousarray(values), start + edges, amounts,
            np.full(n, 1.0 / n), np.zeros(n), 0.0, np.ascontiguousarray(level), infections, MIC,
        )  # fmt: skip


def in_scope(therapy: Therapy) -> bool:
    """Whether the scenarios know the infections that a therapy is for."""
    return therapy.drug.name in DRUGS


def plan_ahead(
    advice: "Advice", *, scenario: str = "peak_driven", organism: str = "e_coli", search: Search | None = None
) -> dict[str, Any]:
    """What the controller plans for the facts of an advice, ready for JSON; ``{}`` where the advice found a contradiction.

    Raises InputError for an unknown pack or organism, another drug, or a model that is no compartment model.
    """
    chosen = pack(scenario)
    if not in_scope(advice.therapy):
        raise InputError(
            f"look-ahead knows the infections of {', '.join(DRUGS)} only", where="look-ahead", value=advice.therapy.drug.name
        )
    if any(b.doubted for b in advice.beliefs):
        return {}
    lead = advice.models[int(np.argmax(advice.weights))]
    facts = facts_at(advice.timeline, advice.now)
    if facts.WT is None:
        raise InputError("the weight is needed", where="look-ahead")
    last = last_dose(advice.timeline, advice.now)
    origin, given = (advice.now, 0.0) if last is None else last
    search = search or SEARCH
    many = search.draws + search.fresh
    belief = TwinBelief(lead, advice.asked, advice.now, origin, given, facts.WT, chosen, organism, advice.question, many)
    start = belief.back * DT
    course = replace(Course(), horizon=float(np.ceil((start + advice.now - origin + HORIZON) / DT) * DT))
    standard = ByRule(advice.therapy.rules[0].name).standard(advice.timeline, advice.now)
    wait = max(advice.now - origin, shortest(advice.therapy) if given else 0.0)
    made = look_ahead(
        belief, standard, earliest=start + wait, course=course, loss=derived(advice.therapy), search=search,
        limits=amounts_within(advice.therapy),
    )  # fmt: skip
    return _shown(made, advice, chosen, organism, origin - start, standard.name)


def _shown(made: LookAhead, advice: "Advice", chosen: Pack, organism: str, zero: float, standard: str) -> dict[str, Any]:
    """Clock times of the patient's record in place of the controller's hours."""
    from dosetwin.advise.table import clock

    def shown(o: Option) -> dict[str, Any]:
        return {
            "plan": [{"at": clock(advice.timeline, zero + t), "mg": advice.therapy.menu.measured(a)} for t, a in o.plan[:4]],
            "mg_per_kg": round(o.mg_per_kg, 2), "loss": round(o.loss, 4), "loss_se": round(o.loss_se, 4),
            "exposure_loss": round(o.exposure_loss, 4), "p_eradicated": round(o.p_eradicated, 4),
            "p_resistant": round(o.p_resistant, 4), "p_trough_toxic": round(max(o.p_pre_toxic, o.p_trough_toxic), 4),
            "p_peak_low": round(o.p_peak_low, 4), "p_peak_never": round(o.p_peak_never, 4), "meets_constraints": o.meets,
            "on_pareto_front": o.on_front, "standard_rule": o.standard,
        }  # fmt: skip

    return {
        "note": NOTE,
        "pack": chosen.name,
        "pack_title": chosen.title,
        "organism": organism,
        "MIC": advice.question.facts.get("MIC"),
        "standard_rule": standard,
        "status": made.status,
        "chosen": shown(made.chosen),
        "options": [shown(o) for o in made.options],
        "reasons": [r.to_json() for r in made.reasons],
        "draws": made.draws,
        "loss": [{"term": t, "weight": w, "when": x} for t, w, x in made.loss.rows()],
    }


def lines(ahead: Mapping[str, Any]) -> list[str]:
    """The look-ahead in words, one line each; empty without one."""
    if not ahead:
        return []

    def said(o: Mapping[str, Any]) -> str:
        doses = ", then ".join(
            f"{d['mg']:g} mg at {d['at'] if isinstance(d['at'], str) else format(d['at'], 'g') + ' h'}" for d in o["plan"]
        )
        chances = f"P(eradicated) {o['p_eradicated']:.0%}, P(resistant lineage alive) {o['p_resistant']:.0%}"
        return f"{doses or 'no further dose'}: {chances}, P(trough > 5) {o['p_trough_toxic']:.0%}, loss {o['loss']:.2f}"

    out = [
        f"{ahead['note'][0].upper()}{ahead['note'][1:]}.",
        f"Scenario {ahead['pack']} ({ahead['pack_title']}), {ahead['organism']}",
    ]
    out[-1] += f", MIC {ahead['MIC']:g} mg/L" if ahead["MIC"] else ", MIC not known"
    out.append(f"plans {said(ahead['chosen'])}")
    standard = next((o for o in ahead["options"] if o["standard_rule"]), None)
    if standard is not None and not ahead["chosen"]["standard_rule"]:
        out.append(f"{ahead['standard_rule']} repeated: {said(standard)}")
    out += [r["text"] for r in ahead["reasons"] if r["text"]]
    out.append(f"tried on {ahead['draws']} draws; weights: " + ", ".join(f"{x['term']} {x['weight']:g}" for x in ahead["loss"]))
    return out

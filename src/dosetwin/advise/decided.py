"""A decision of a formula for one record: the twin told it, the menu played, the best settings beside the guideline's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dosetwin.advise.question import Question
from dosetwin.advise.settings import Chosen, settings_for
from dosetwin.declare import Facts
from dosetwin.declare.formula import Decision
from dosetwin.errors import Finding, Reason
from dosetwin.records import Setting
from dosetwin.twins.formula import FormulaTwin
from dosetwin.twins.formula.case import Case

LEVELS = (0.05, 0.5, 0.95)


@dataclass(frozen=True, eq=False)
class Decided:
    """``chosen`` among the menu, on the ``twin``; what was asked with ``draws`` and ``seed``."""

    decision: Decision
    case: Case
    twin: FormulaTwin
    chosen: Chosen
    draws: int
    seed: int
    facts: Mapping[str, float]

    @property
    def order(self) -> Setting | None:
        """What is recommended; None: nothing is acceptable."""
        k = self.chosen.choice.chosen
        return None if k is None else self.chosen.plans[k].order  # type: ignore[return-value]

    @property
    def guideline(self) -> int | None:
        """Which plan the first rule that speaks says."""
        for rule in self.decision.therapy.rules:
            for k, plan in enumerate(self.chosen.plans):
                if rule.name in plan.rules:
                    return k
        return None

    def to_json(self) -> dict[str, Any]:
        """Everything a page or a program needs, as plain data."""
        therapy, c = self.decision.therapy, self.chosen
        spelled = {p.order.words(): self.decision.words(dict(p.order.values)) for p in c.plans}  # type: ignore[attr-defined]

        def said(reasons: Sequence[Reason]) -> list[dict[str, Any]]:
            out = []
            for r in reasons:
                told = r.to_json()
                for raw, words in spelled.items():
                    told["text"] = told["text"].replace(f"({raw})", f"({words})")
                out.append(told)
            return out

        rows = c.rows()
        for row in rows:
            row["order"] = self.decision.words(row["settings"])
        k, g = c.choice.chosen, self.guideline
        curves = self._curves([x for x in dict.fromkeys((k if k is not None else c.choice.order[0], g)) if x is not None])
        believed = _spread(self.twin.drawn(self.draws, self.seed)[0])
        prior = _spread(FormulaTwin(self.decision.formula, self.twin.facts).drawn(self.draws, self.seed)[0])
        return {
            "therapy": therapy.name,
            "title": self.decision.title,
            "person": self.case.name,
            "status": "nothing_acceptable" if k is None else "recommended",
            "settings": None if self.order is None else dict(self.order.values),
            "order": None if self.order is None else self.decision.words(dict(self.order.values)),
            "guideline": None
            if g is None
            else {
                "order": self.decision.words(dict(c.plans[g].order.values)),  # type: ignore[attr-defined]
                "rule": c.plans[g].rules[0],
                "title": next(r.title for r in therapy.rules if r.name == c.plans[g].rules[0]),
                "source": next(r.source for r in therapy.rules if r.name == c.plans[g].rules[0]),
            },
            "against_guideline": self._against(k, g),
            "goals": [
                {
                    "code": x.code,
                    "text": x.text,
                    "border": x.border(),
                    "unit": x.unit,
                    "price": x.price,
                    "least": x.min_probability,
                    "source": x.source,
                }
                for x in therapy.goals
            ],
            "rows": rows,
            "reasons": said(c.choice.reasons),
            "silent": said(c.silent),
            "findings": [f.to_json() for f in self.findings],
            "curves": curves,
            "believed": [
                {
                    "name": u.name,
                    "text": u.text,
                    "unit": u.unit,
                    "told": believed[u.name],
                    "before": prior[u.name],
                    "source": u.source,
                }
                for u in self.decision.formula.unknowns
            ],
            "measured": [[m.time / self.decision.formula.hours, m.what, m.value] for m in self.twin.measured],
            "scope": list(self.decision.scope),
            "source": therapy.source,
            "note": therapy.note,
            "draws": self.draws,
            "seed": self.seed,
            "clock": self.decision.formula.clock,
        }

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the record and the belief remark."""
        _, ess = self.twin.drawn(self.draws, self.seed)
        thin = Finding(
            "warning",
            "belief_thin",
            self.decision.formula.name,
            "few draws explain the readings: quantiles are rough",
            round(ess),
            "at least 50",
            "look for a reading that does not belong",
        )
        return (*self.case.findings, *self.decision.remarks(Facts(dict(self.facts))), *((thin,) if ess < 50 else ()))

    def _against(self, k: int | None, g: int | None) -> list[dict[str, Any]]:
        """Of each goal the chosen order's value less the guideline's on the same draws, with its 90 % interval."""
        if k is None or g is None:
            return []
        out = []
        for goal in self.decision.therapy.goals:
            values = self.chosen.exposures.values[goal.reading.key, goal.doses[0]]
            low, middle, high = np.quantile(values[k] - values[g], LEVELS)
            out.append(
                {
                    "code": goal.code,
                    "text": goal.text,
                    "unit": goal.unit,
                    "q05": float(low),
                    "q50": float(middle),
                    "q95": float(high),
                    "mean": float((values[k] - values[g]).mean()),
                }
            )
        return out

    def _curves(self, which: list[int]) -> list[dict[str, Any]]:
        """Of the orders of ``which`` each read that is drawn: time, and quantiles over draws, from the first reading on."""
        f = self.decision.formula
        until = self.twin.now + self.decision.until * f.hours
        played = self.twin.play([self.chosen.plans[k].order for k in which], until, draws=self.draws, seed=self.seed)
        begin = min([m.time for m in self.twin.measured] + [self.twin.now])
        past: dict[str, Any] = {}
        if begin < self.twin.now:
            values, _ = self.twin.drawn(self.draws, self.seed)
            t = np.linspace(begin, self.twin.now, 60)
            found = f.course(values, self.twin.known, self.twin.steps(), self.twin.clock(t))
            t = t / f.hours
            past = {n: (t.tolist(), np.quantile(found[n], LEVELS, axis=0).tolist()) for n in self.decision.drawn}
        out = []
        for row, k in enumerate(which):
            reads = {}
            for name in self.decision.drawn:
                track = played.tracks[name]
                reads[name] = {
                    "time": (track.time / f.hours).tolist(),
                    "quantiles": np.quantile(track.value[row], LEVELS, axis=0).tolist(),
                    "past": past.get(name),
                }
            out.append(
                {
                    "order": self.decision.words(dict(self.chosen.plans[k].order.values)),  # type: ignore[attr-defined]
                    "reads": reads,
                }
            )
        return out


def _spread(values: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    return {n: [float(q) for q in np.quantile(v, LEVELS)] for n, v in values.items()}


def twin_of(decision: Decision, case: Case) -> FormulaTwin:
    """The twin of a record. Raises InputError for what the formula cannot be told."""
    twin = FormulaTwin(decision.formula, tuple(sorted(case.facts.items())), begin=case.now, therapy=decision.therapy)
    return twin.told(*case.measured, *case.was_set)


def facts_of(decision: Decision, twin: FormulaTwin) -> dict[str, float]:
    """What rules are told: facts, the first (``_FIRST``) and last of each measurement, what is set, and reads that
    nothing unknown moves.
    """
    out = dict(twin.facts)
    for m in sorted(twin.measured):
        out.setdefault(f"{m.what}_FIRST", m.value)
        out[m.what] = m.value
    out |= dict(twin.steps()[-1][1])
    if decision.exact:
        f = decision.formula
        one = {u.name: u.of(np.zeros(1), twin.known) for u in f.unknowns}
        found = f.course(one, twin.known, twin.steps(), np.atleast_1d(twin.clock(twin.now)))
        out |= {name: float(found[name][0, 0]) for name in decision.exact}
    return out


def decide(decision: Decision, case: Case, *, draws: int | None = None, seed: int = 1) -> Decided:
    """The settings of lowest expected loss that meet every chance constraint, beside the guideline's on the same draws."""
    twin, n = twin_of(decision, case), draws or decision.draws
    facts = facts_of(decision, twin)
    known = Facts(dict(facts))

    def possible(order: Any) -> bool:
        return decision.possible(dict(order.values), known)

    question = Question(decision.therapy, (), now=twin.now, seed=seed, draws=n, facts=facts, sensitivity=False)
    return Decided(decision, case, twin, settings_for(twin, question, possible=possible), n, seed, facts)

"""Two orders chosen together: two therapies of one patient, each judged under the other's order, and the harms that they share.

Each menu is cut first to the orders that are acceptable by themselves and differ from each other (``KEPT``); every pair is
then judged, on the same draws for all pairs: both losses add up, and each shared harm with its weight. Where one drug moves the
other's clearance, or switches on a flag that its models read, the other is asked again under every order kept of the first.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from dosetwin import formulary
from dosetwin.advise.answer import Advice, advise, outlooks
from dosetwin.advise.core import Decision, State, believe, decide, judged
from dosetwin.advise.gate import ask, unique
from dosetwin.advise.hold import Settled, settle
from dosetwin.advise.question import Asked, Question
from dosetwin.advise.table import clock, ordered
from dosetwin.decide.plans import Plan
from dosetwin.decide.recommendation import UNLIKELY
from dosetwin.decide.search import Exposures, Scores, jointly, unmet_constraints
from dosetwin.declare import Therapy
from dosetwin.declare.change import AHEAD_D
from dosetwin.declare.drug import Drug
from dosetwin.declare.harm import Harm
from dosetwin.errors import Finding, InputError, Reason, percent
from dosetwin.records import Choosable, Timeline

KEPT = 12
"""Orders kept of each menu."""
MOVED = 4
"""Orders kept of a drug that moves the other, which is asked again under each."""
APART = 1.05
"""Two orders at one interval are as good as one where their amounts differ by less than this."""
ROWS = 10
"""Pairs that are told."""


@dataclass(frozen=True, eq=False)
class _Judged:
    """One of the two therapies under one order of the other: what its orders would do there; ``fine``: inside all limits and
    constraints; ``met`` [n_orders, n_draws] all joint targets; ``shared`` name and draws of what models share."""

    plans: tuple[Plan, ...]
    exposures: Exposures
    scores: Scores
    fine: tuple[bool, ...]
    met: np.ndarray
    shared: tuple[str, np.ndarray | None]


Side = Callable[[int, int, int], tuple[_Judged, int]]
"""Therapy 0 or 1, row of the first's order, row of the second's -> its judgement there and its own row in that."""


@dataclass(frozen=True)
class Row:
    """A pair of orders: ``loss`` of both with the harms, chance ``joint`` of all joint targets of both, ``harms`` name -> chance;
    ``acceptable``: every chance constraint of each holds under the other's order."""

    orders: tuple[Choosable, Choosable]
    loss: float
    loss_se: float
    joint: float
    harms: dict[str, float]
    acceptable: bool


@dataclass(frozen=True, eq=False)
class Pair:
    """Two orders for one patient, or why there are none. ``alone``: the advice on each as if the other were not chosen anew;
    ``rows`` the best pairs, the chosen first; ``harms`` those shared; ``chosen`` None where ``status`` is not ``recommend`` or
    ``caution``."""

    status: str
    alone: tuple[Advice, Advice]
    chosen: Row | None
    rows: tuple[Row, ...]
    harms: tuple[Harm, ...]
    reasons: tuple[Reason, ...]
    findings: tuple[Finding, ...]
    judged: int = 0
    apart: Row | None = None

    @property
    def differs(self) -> tuple[bool, bool]:
        """Which of the two orders is another one than that chosen by itself."""
        if self.chosen is None:
            return False, False
        a, b = (o != x.regimen for o, x in zip(self.chosen.orders, self.alone, strict=True))
        return a, b

    def to_json(self) -> dict[str, Any]:
        """Plain data, ready for ``json.dumps``."""
        timelines = [a.timeline for a in self.alone]

        def told(row: Row | None) -> dict[str, Any] | None:
            if row is None:
                return None
            return {
                "orders": [{"words": o.words(), "first_at": clock(t, o.first_at)}
                           for o, t in zip(row.orders, timelines, strict=True)],
                "loss": round(row.loss, 4), "loss_se": round(row.loss_se, 4), "joint": round(row.joint, 4),
                "harms": {k: round(v, 4) for k, v in row.harms.items()}, "acceptable": row.acceptable,
            }  # fmt: skip

        return {
            "status": self.status,
            "therapies": [a.therapy.name for a in self.alone],
            "chosen": told(self.chosen),
            "regimens": [_regimen(t, o) for t, o in zip(timelines, self.chosen.orders, strict=True)] if self.chosen else None,
            "each_alone": {"orders": [a.recommendation.to_json()["regimen"] for a in self.alone], "together": told(self.apart)},
            "differs": list(self.differs),
            "pairs": [told(r) for r in self.rows],
            "pairs_judged": self.judged,
            "harms": [{"name": h.name, "text": h.text, "weight": h.weight, "source": h.source} for h in self.harms],
            "reasons": [r.to_json() for r in self.reasons],
            "findings": [f.to_json() for f in self.findings],
            "alone": [a.recommendation.to_json() for a in self.alone],
        }  # fmt: skip


def _regimen(timeline: Timeline, order: Choosable) -> dict[str, Any]:
    from dataclasses import asdict

    found = asdict(ordered(timeline, order))
    return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items() if v is not None}


def advise_pair(facts: Timeline, first: Question, second: Question) -> Pair:
    """The pair of orders of lowest expected loss for two therapies of one patient. Pure.

    Raises InputError as ``advise``, and where both therapies are about one drug, the two questions are about two moments, or one
    is of settings.
    """
    _fits(first, second)
    asked = [ask(facts, q) for q in (first, second)]
    states = [believe(a) for a in asked]
    settled = [settle(a, s, outlooks(a, s)) for a, s in zip(asked, states, strict=True)]
    alone = tuple(advise(facts, replace(q, sensitivity=False)) for q in (first, second))
    assert len(alone) == 2
    findings = _once([f for a in alone for f in a.recommendation.findings])
    if why := _not_now(alone, settled):
        return Pair("refuse", alone, None, (), (), why, findings)
    drugs = [q.therapy.drug for q in (first, second)]
    moved = [formulary.moves(drugs[1 - k], drugs[k], (first, second)[k].models) for k in (0, 1)]
    found = _sides(facts, (first, second), [s.made for s in settled], asked, states, moved)
    if found is None:
        text = "one of the two models could not be simulated under an order of the other; ask for each by itself"
        return Pair("refuse", alone, None, (), (), (Reason("pair_not_simulated", text=text),), findings)
    side, firsts, seconds, said = found
    findings = _once((*findings, *said))
    harms = formulary.shared(drugs[0], drugs[1], settled[0].made.facts.number("AGE"))
    rows = _judge(side, firsts, seconds, harms, drugs)
    fine = sorted((r for r in rows if r[0].acceptable), key=lambda r: r[0].loss)
    known = _told(harms, moved, drugs, len(rows))
    if not fine:
        text = f"none of {len(rows)} pairs of orders meets every constraint of both therapies"
        best = tuple(sorted((r for r, _ in rows), key=lambda r: r.loss)[:ROWS])
        why = (Reason("no_acceptable_pair", len(rows), None, "", text), *known)
        return Pair("refuse", alone, None, best, harms, why, findings, len(rows))
    standard = [{p.order for p in s.made.plans if p.rules} for s in settled]
    n = min(side(k, 0, 0)[0].scores.n_eff for k in (0, 1))
    tie = first.therapy.tie_loss + second.therapy.tie_loss
    own = tuple(x.made.regimen for x in settled)
    chosen = _simplest(fine, own, tie, lambda r: sum(o in x for o, x in zip(r.orders, standard, strict=True)), n)
    apart = next((r for r, _ in rows if r.orders == own), None)
    poor = chosen.joint < UNLIKELY or any(a.recommendation.status == "caution" for a in alone)
    status = "caution" if poor else "recommend"
    rest = [r for r, _ in fine if r is not chosen]
    why = (_why(chosen, apart, harms), *known)
    return Pair(status, alone, chosen, (chosen, *rest[: ROWS - 1]), harms, why, findings, len(rows), apart)


def of_doses(therapy: Therapy) -> None:
    """Raise InputError for a therapy of a place, of settings, or without a model: it cannot be chosen together with another."""
    if therapy.kind != "patient" or therapy.drug.device or not therapy.models:
        raise InputError("only doses of two drugs are chosen together", where=f"therapy {therapy.name}", value=therapy.drug.name,
                         allowed="drugs that a model knows", remedy="ask for it alone")  # fmt: skip


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Each remark once; what two drugs do together is said of either, and once is enough."""
    seen: dict[str, Finding] = {}
    for f in findings:
        seen.setdefault(f.code if f.code.startswith("interaction_") else str(f), f)
    return unique(list(seen.values()))


def _fits(first: Question, second: Question) -> None:
    where = f"therapies {first.therapy.name} and {second.therapy.name}"
    if first.therapy.drug.name == second.therapy.drug.name:
        raise InputError("two therapies for one drug", where=where, value=first.therapy.drug.name, allowed="two drugs",
                         remedy="ask for one of them")  # fmt: skip
    for t in (first.therapy, second.therapy):
        if t.kind != "patient" or t.drug.device:
            raise InputError(
                "only doses of two drugs are chosen together", where=where, value=t.name, allowed="drugs of a patient"
            )
    if first.now != second.now:
        raise InputError(
            "two moments of one decision", where=where, value=f"{first.now} and {second.now} h", allowed="one moment"
        )


def _not_now(alone: Sequence[Advice], settled: Sequence[Settled]) -> tuple[Reason, ...]:
    """Why nothing is chosen together: one of the two has no order now, by itself."""
    out: tuple[Reason, ...] = ()
    for a, s in zip(alone, settled, strict=True):
        if s.made.regimen is None or s.plan is not None:
            what = s.hold_reason or "no order of it is acceptable by itself"
            out += (
                Reason("one_alone_first", a.therapy.name, None, "", f"{a.therapy.name}: {what}; settle that first, by itself"),
            )
            out += a.recommendation.reasons[:3]
    return out


def _sides(
    facts: Timeline, questions: Sequence[Question], made: Sequence[Decision], asked: Sequence[Asked], states: Sequence[State],
    moved: Sequence[bool],
) -> tuple[Side, list[Choosable], list[Choosable], tuple[Finding, ...]] | None:  # fmt: skip
    """What either therapy does under each order kept of the other, the orders kept, remarks; None where a draw fails."""

    def under(k: int, order: Choosable) -> tuple[Asked, State]:
        drug, q = questions[1 - k].therapy.drug.name, questions[k]
        doses = tuple(replace(d, drug=drug) for d in order.doses(asked[k].now + AHEAD_D * 24.0))
        there = ask(facts, replace(q, planned=(*(d for d in q.planned if d.drug != drug), *doses)))
        return there, believe(there)

    kept = [_kept(made[k], MOVED if moved[1 - k] else KEPT) for k in (0, 1)]
    known = [[under(k, o) for o in kept[1 - k]] if moved[k] else [(asked[k], states[k])] for k in (0, 1)]
    for k in (0, 1):
        if moved[k]:  # under each order of the other its own best ones are others
            few = [o for a, s in known[k] for o in _kept(decide(a, s), max(KEPT // len(known[k]), 2))]
            kept[k] = list(dict.fromkeys([*kept[k], *few]))
    if moved[0] and moved[1]:  # and so are those of the other, which both are asked under
        known = [[under(k, o) for o in kept[1 - k]] for k in (0, 1)]
    sides = [[_side(a, s, made[k], kept[k]) for a, s in known[k]] for k in (0, 1)]
    if any(x is None for side in sides for x in side):
        return None

    def of(k: int, i: int, j: int) -> tuple[_Judged, int]:
        mine, other = (i, j) if k == 0 else (j, i)
        found = sides[k][other if moved[k] else 0]
        assert found is not None
        return found, mine

    said = tuple(f for k in (0, 1) if moved[k] for a, _ in known[k] for f in a.findings)
    return of, kept[0], kept[1], said


def _kept(made: Decision, most: int) -> list[Choosable]:
    """The best acceptable orders of a decision that differ from each other, at most so many; the chosen one first."""
    out: list[Choosable] = []
    seen: list[tuple[Any, float]] = []
    for i in made.choice.order:
        plan = made.plans[i]
        if not made.choice.acceptable(plan, i):
            continue
        pattern, first = plan.order.pattern, plan.dosed.first
        if any(p == pattern and max(first, a) < APART * min(first, a) for p, a in seen) and not plan.rules:
            continue
        seen.append((pattern, first))
        out.append(plan.order)
        if len(out) == most:
            break
    return out


def _side(asked: Asked, state: State, made: Decision, orders: Sequence[Choosable]) -> _Judged | None:
    found = judged(asked, state, made.where, orders)
    if found is None:
        return None
    plans, exposures, scores = found
    goals = asked.therapy.goals
    unmet = unmet_constraints(scores, goals)
    if state.doubted:
        right = judged(asked, state.under(state.right), made.where, orders)
        unmet = tuple((*a, *b) for a, b in zip(unmet, unmet_constraints(right[2], goals), strict=True)) if right else unmet
    fine = tuple(not p.violations and not u for p, u in zip(plans, unmet, strict=True))
    return _Judged(plans, exposures, scores, fine, jointly(exposures, goals), _shared_course(asked, state))


def _shared_course(asked: Asked, state: State) -> tuple[str, np.ndarray | None]:
    """What of the same patient both models may share, and the draws of it: the effect that a forecast told one model."""
    channel = asked.models[0].channel if len(asked.models) == 1 else ""
    return (channel, state.pools[0][:, 0]) if channel and asked.told else ("", None)


def _judge(side: Side, firsts: Sequence[Choosable], seconds: Sequence[Choosable], harms: Sequence[Harm], drugs: Sequence[Drug]
           ) -> list[tuple[Row, np.ndarray]]:  # fmt: skip
    """Every pair with its loss under every draw."""
    out = []
    for i, j in product(range(len(firsts)), range(len(seconds))):
        (a, x), (b, y) = side(0, i, j), side(1, i, j)
        at_a, at_b, w = _paired(a, b)
        loss = a.scores.draws[x][at_a] + b.scores.draws[y][at_b]
        chances = {}
        for h in harms:
            of, row, at = ((a, x, at_a), (b, y, at_b))[h.of(drugs[0], drugs[1]) or 0]
            seen = None if h.exposed is None else of.exposures.values.get((h.exposed.key, h.at))
            p = h.p(None if seen is None else seen[row][at]) * np.ones_like(w)
            chances[h.name] = float(p @ w)
            loss = loss + h.weight * p
        mean = float(loss @ w)
        spread = float(np.sqrt(max(float(loss**2 @ w) - mean**2, 0.0) / min(a.scores.n_eff, b.scores.n_eff)))
        both = float((a.met[x][at_a] & b.met[y][at_b]) @ w)
        out.append((Row((firsts[i], seconds[j]), mean, spread, both, chances, a.fine[x] and b.fine[y]), loss))
    return out


def _paired(a: _Judged, b: _Judged) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which draws of the two stand for one patient, with weights: where both models are told one course those with the highest of
    it go together, else they are independent."""
    n = min(len(a.scores.weights), len(b.scores.weights))
    at_a, at_b = np.arange(n), np.arange(n)
    (one, first), (other, second) = a.shared, b.shared
    if one and one == other and first is not None and second is not None and len(first) == len(second) == n:
        at_a, at_b = np.argsort(first, kind="stable"), np.argsort(second, kind="stable")
    w = a.scores.weights[at_a] * b.scores.weights[at_b]
    return at_a, at_b, w / w.sum()


def _simplest(
    fine: Sequence[tuple[Row, np.ndarray]], own: tuple[Choosable | None, ...], tie: float, rules: Callable[[Row], int], n: float
) -> Row:  # fmt: skip
    """The best pair; of those within ``tie`` of it the one that leaves most of both as each one's own best, then among those
    that tie with it that with most standard rules, then the simplest and roundest."""
    best, loss = fine[0]

    def equal(row: Row, other: np.ndarray) -> bool:
        return row.loss - best.loss <= max(tie, float(np.sqrt((other - loss).var() / n)))

    def simple(r: Row) -> tuple[float, ...]:
        kept = sum(o == x for o, x in zip(r.orders, own, strict=True)) if r.loss - best.loss <= tie else 0
        return -kept, -rules(r), sum(o.complexity for o in r.orders), sum(o.roundness for o in r.orders), r.loss

    return min((row for row, other in fine if equal(row, other)), key=simple)


def _why(chosen: Row, apart: Row | None, harms: Sequence[Harm]) -> Reason:
    if apart is None or apart is chosen:
        return Reason("each_best_together", round(chosen.loss, 4), None, "", "each therapy's own best order is the best pair too")
    why = [f"all joint targets of both {percent(chosen.joint)} (each one's own best: {percent(apart.joint)})"]
    why += [f"{h.text} {percent(chosen.harms[h.name])} ({percent(apart.harms[h.name])})" for h in harms]
    if not apart.acceptable:
        why.append("each one's own best together break a constraint")
    text = f"the pair of lowest expected loss differs from each one's own best: {', '.join(why)}"
    return Reason("pair_differs", round(chosen.loss, 4), round(apart.loss, 4), "", text)


def _told(harms: Sequence[Harm], moved: Sequence[bool], drugs: Sequence[Drug], pairs: int) -> tuple[Reason, ...]:
    """What was weighed, and that menus were cut."""
    out = [Reason(f"shared_{h.name}", h.weight, None, "", f"{h.text} is weighed for both together", h.source) for h in harms]
    for k in (0, 1):
        if moved[k]:
            text = f"{drugs[1 - k].name} moves {drugs[k].name}, which was asked again under each order of it"
            out.append(Reason("moves", text=text))
    if not harms and not any(moved):
        text = "no size of what one does to the other, or of a harm of both, is declared: each one's own best is the best pair"
        out.append(Reason("nothing_shared", text=text))
    out.append(Reason("menus_cut", pairs, None, "", f"{pairs} pairs were judged, of orders acceptable by themselves"))
    return tuple(out)

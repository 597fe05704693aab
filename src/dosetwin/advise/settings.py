"""Settings of a device chosen with a twin of any kind: every combination of the menu and the rules, played, scored, chosen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.advise.question import Question
from dosetwin.decide.plans import Plan, Situation, ask_rules, enumerate_plans
from dosetwin.decide.played import Played
from dosetwin.decide.search import Choice, Exposures, Scores, choose, score
from dosetwin.declare import Facts, Therapy
from dosetwin.errors import InputError, Reason

if TYPE_CHECKING:
    from dosetwin.records import Order
    from dosetwin.twins import Twin


@dataclass(frozen=True, eq=False)
class Chosen:
    """The settings chosen: ``plans`` that were played with ``scores`` and ``exposures``, the ``choice`` among them, rules that
    were ``silent``, ``left_out`` how many of the menu cannot be set."""

    therapy: Therapy
    plans: tuple[Plan, ...]
    exposures: Exposures
    scores: Scores
    choice: Choice
    silent: tuple[Reason, ...]
    left_out: int

    def rows(self, most: int = 8) -> list[dict[str, Any]]:
        """The best, the chosen first, and every rule's: settings, rules, loss, and of each goal its probability and quantiles."""
        shown = [i for k, i in enumerate(self.choice.order) if k < most or self.plans[i].rules]
        return [self._row(i) for i in shown]

    def _row(self, i: int) -> dict[str, Any]:
        p, s, goals = self.plans[i], self.scores, self.therapy.goals
        out: dict[str, Any] = {
            "order": p.order.words(), "settings": dict(p.order.values),  # type: ignore[attr-defined]
            "rules": list(p.rules), "loss": float(s.loss[i]), "acceptable": self.choice.acceptable(p, i), "goals": {},
        }  # fmt: skip
        for g in goals:
            values = self.exposures.values[g.reading.key, g.doses[0]][i]
            low, mid, high = np.quantile(values, (0.05, 0.5, 0.95))
            out["goals"][g.code] = {"p": None if g.price else float(s.p[g.code, g.doses[0]][i]), "mean": float(values.mean()),
                                    "q05": float(low), "q50": float(mid), "q95": float(high)}  # fmt: skip
        return out


def settings_for(
    twin: "Twin", question: Question, *, possible: "Callable[[Order], bool]" = lambda _: True, extra: "Sequence[Order]" = (),
) -> Chosen:  # fmt: skip
    """The settings of lowest expected loss that meet every chance constraint, or none, with the table they were chosen from.

    Of ``question`` therapy, moment (None: 0 h), draws, seed and facts are read. ``possible``: whether an order of the menu can be
    set at all; ``extra``: orders played too. Raises InputError where none can.
    """
    therapy, now, facts = question.therapy, question.now or 0.0, Facts(dict(question.facts))
    says, silent = ask_rules(therapy.rules, facts)
    every = enumerate_plans(therapy, Situation(now, facts=facts), says, extra)  # type: ignore[arg-type]
    plans = tuple(p for p in every if possible(p.order))
    if not plans:
        raise InputError("nothing of the menu can be set", where=f"therapy {therapy.name}", value=len(every))
    played = Played(twin, therapy, now=now, draws=question.draws, seed=question.seed, facts=question.facts)
    exposures = played.of(plans)
    scores = score(exposures, therapy.goals)
    choice = choose(plans, scores, therapy.goals, therapy.tie_loss, bars=therapy.bars)
    return Chosen(therapy, plans, exposures, scores, choice, silent, len(every) - len(plans))

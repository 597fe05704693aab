"""Decisions of formulas on virtual people: told noisy readings, the twin's order against the guideline's, in truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from dosetwin.advise.decided import decide
from dosetwin.decide.plans import Plan
from dosetwin.decide.played import Played
from dosetwin.decide.search import score
from dosetwin.declare import Facts
from dosetwin.declare.formula import Decision
from dosetwin.records import Setting
from dosetwin.streams import normals, stream
from dosetwin.studies.decisions import decision
from dosetwin.twins.formula import FormulaTwin, Measured
from dosetwin.twins.formula.case import Case


@dataclass(frozen=True)
class History:
    """What is known of everybody in a comparison: ``facts``, what was ``set`` when (formula's clock), what is ``read`` when."""

    of: str
    read: tuple[tuple[str, tuple[float, ...]], ...]
    set: tuple[tuple[float, Mapping[str, float]], ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    ahead: tuple[str, float] = ("", 1.0)
    """What is foretold, and how far ahead (formula's clock)."""


HISTORIES: tuple[History, ...] = (
    History("tumour_radiotherapy", (("SIZE", (0.0, 7.0, 14.0, 21.0)),), ((0.0, {"GY": 2.0, "FRACTIONS": 15.0, "A_DAY": 1.0}),),
            ahead=("SIZE", 21.0)),
    History("tumour_systemic", (("SIZE", (0.0, 42.0, 84.0)),), ((0.0, {"DOSE": 1.0, "ON": 3.0, "OFF": 0.0}),),
            ahead=("SIZE", 84.0)),
    History("prostate_adaptive", (("PSA", (0.0, 28.0, 56.0, 84.0)),), ((0.0, {"ON": 1.0, "STOP_AT": 0.0}),), ahead=("PSA", 84.0)),
    History("qt_dofetilide", (("QTC", (0.0, 1.0, 2.0)),),
            ((0.0, {"DOSE": 0.0, "CONC": 0.0}), (0.5, {"DOSE": 500.0, "CONC": -1.0})), ahead=("QTC", 2.0)),
    History("qt_sotalol", (("QTC", (0.0, 1.0, 2.0)),), ((0.0, {"DOSE": 0.0, "CONC": 0.0}), (0.5, {"DOSE": 1.0, "CONC": -1.0})),
            ahead=("QTC", 2.0)),
    History("prevention_score2_years", (("SBP", (0.0, 1.0, 2.0)), ("TC", (0.0, 1.0, 2.0))), (),
            {"AGE": 55.0, "SEX": 1.0, "SMOKER": 0.0, "HDL": 1.3, "REGION": 2.0}, ("RISK", 3.0)),
    History("hypertension_years", (("SBP", (0.0, 0.1, 0.5, 0.6)),), ((0.2, {"CCB": 0.5}),),
            {"AGE": 60.0, "SEX": 1.0, "TC": 5.5, "HDL": 1.2, "BMI": 28.0, "EGFR": 75.0, "DIABETES": 0.0,
             "SMOKER": 0.0, "STATIN": 0.0},
            ("SBP", 1.0)),
    History("kidney_years", (("EGFR", (0.0, 1.0, 2.0, 3.0)),), ((0.0, {"ACE": 1.0}),), {"AGE": 60.0, "SEX": 1.0, "ACR": 300.0},
            ("EGFR", 2.0)),
    History("arthritis_years", (("DAS28", (0.0, 0.25, 0.5)), ("LEVEL", (0.5,))),
            ((0.0, {"MTX": 1.0}), (0.1, {"MG": 40.0, "EVERY_D": 14.0})), ahead=("DAS28", 1.0)),
    History("asthma_years", (("EXACERBATIONS", (1.0, 2.0, 3.0)),), ((0.0, {"STEP": 2.0}),), {"EOS": 0.4}, ("RATE", 1.0)),
)  # fmt: skip


@dataclass(frozen=True)
class _Sure(FormulaTwin):
    """A twin whose unknowns are known: what would really happen."""

    truth: tuple[tuple[str, float], ...] = ()

    def drawn(self, draws: int, seed: int) -> tuple[dict[str, np.ndarray], float]:
        return {k: np.full(draws, v) for k, v in self.truth}, float(draws)


@dataclass(frozen=True, eq=False)
class Compared:
    """Per person [n]: true loss of the twin's order and of the guideline's (NaN where either has none), error of a forecast
    by the twin and by its prior, whether the 90 % interval held it, whether the orders are the same."""

    twin: np.ndarray
    guideline: np.ndarray
    error: np.ndarray
    prior: np.ndarray
    inside: np.ndarray
    same: np.ndarray

    def difference(self) -> tuple[float, float, int]:
        """Mean true loss of the twin's order less the guideline's, its standard error, and of how many people."""
        d = (self.twin - self.guideline)[~np.isnan(self.twin - self.guideline)]
        return float(d.mean()), float(d.std(ddof=1) / len(d) ** 0.5), len(d)


def compare(history: History, n: int, seed: int = 1, draws: int = 150) -> Compared:
    """``n`` virtual people drawn from the formula's own spread, readings with its own errors."""
    what = decision(history.of)
    rows = [_one(what, history, k, seed, draws) for k in range(n)]
    return Compared(*(np.array(column) for column in zip(*rows, strict=True)))


def _one(what: Decision, h: History, k: int, seed: int, draws: int) -> tuple[float, ...]:
    f = what.formula
    facts = Facts(dict(h.facts))
    z = normals(seed, f"true {what.name}", np.array([k]), len(f.unknowns))
    truth = {u.name: u.of(z[:, i], facts) for i, u in enumerate(f.unknowns)}
    steps = [(-np.inf, dict(f.now))]
    for t, values in h.set:
        steps.append((t, {**steps[-1][1], **values}))
    noise = stream(seed, "readings", what.name, k)
    told, last = [], 0.0
    for name, times in h.read:
        of = f.read(name)
        assert of is not None
        values = f.course(truth, facts, steps, np.array(times))[name][0]
        for t, v in zip(times, values, strict=True):
            if of.counts:
                seen = float(noise.poisson(v))
            else:
                seen = float(v + noise.normal() * np.hypot(of.additive, of.proportional * v))
            told.append(Measured(t * f.hours, name, float(np.clip(seen, of.low, of.high))))
            last = max(last, t * f.hours)
    was_set = tuple(Setting(v, at=t * f.hours) for t, v in h.set)
    case = Case(str(k), dict(h.facts), tuple(told), was_set, last)
    found = decide(what, case, draws=draws, seed=seed)
    order, g = found.chosen.choice.chosen, found.guideline
    sure = _Sure(
        f,
        tuple(sorted(h.facts.items())),
        begin=last,
        therapy=what.therapy,
        truth=tuple((n, float(v[0])) for n, v in truth.items()),
    )
    sure = sure.told(*told, *was_set)
    losses = (np.nan, np.nan)
    if order is not None and g is not None:
        losses = _losses(what, sure, [found.chosen.plans[order], found.chosen.plans[g]], last, found.facts, seed)
    name, ahead = h.ahead
    at = np.atleast_1d(sure.clock(last) + ahead)
    now = list(sure.steps())
    true = float(f.course(truth, facts, now, at)[name][0, 0])
    values, prior = found.twin.drawn(draws, seed)[0], FormulaTwin(f, sure.facts).drawn(draws, seed)[0]
    seen, before = (f.course(v, facts, now, at)[name][:, 0] for v in (values, prior))
    low, middle, high = np.quantile(seen, (0.05, 0.5, 0.95))
    return (
        *losses,
        abs(float(middle) - true),
        abs(float(np.median(before)) - true),
        float(low <= true <= high),
        float(order == g),
    )


def _losses(what: Decision, sure: FormulaTwin, plans: Sequence[Plan], now: float, facts: Mapping[str, float], seed: int
            ) -> tuple[float, float]:  # fmt: skip
    played = Played(sure, what.therapy, now=now, draws=2, seed=seed, facts=facts)
    loss = score(played.of(plans), what.therapy.goals).loss
    return float(loss[0]), float(loss[1])

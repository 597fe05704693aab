"""Would the twin have predicted past patients' levels better than the model alone? Forecast each level from what came before.

For the forecast of a level at time t of a patient, everything later than t is hidden: doses, covariates, levels. Levels at
exactly t are hidden too. ``a_priori`` knows doses and covariates only (typical patient); ``a_posteriori`` also the patient's
earlier levels (median of the draws). The first level of a patient has no earlier level, there the two are the same forecast: the
headline numbers therefore use the levels with at least one earlier level, and ``all`` gives the same numbers on every level.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError, SimulationError
from dosetwin.infer.diagnostics import Errors, coverage, errors_of
from dosetwin.infer.likelihood import evidence_for
from dosetwin.infer.sampling import belief_of
from dosetwin.records import Timeline
from dosetwin.simulate import Rule
from dosetwin.simulate.engine import threads_available
from dosetwin.streams import stream

HEADLINE = "levels with at least one earlier level of the same patient"


@dataclass(frozen=True)
class Forecast:
    """One level and its forecasts. ``number`` 1 for the patient's first level; ``earlier`` how many levels were known.

    ``prior``, ``updated``: point forecasts (typical patient; median of the draws). ``prior_pit``, ``updated_pit``: the predictive
    distribution function at the level, 0..1. ``doubted`` how many of the earlier levels are doubted (``Belief.doubted``). ``blq``
    levels are forecast but enter no error. ``prior_low`` to ``updated_high``: 5 and 95 % of what a measurement then would show,
    its residual error included.
    """

    subject: str
    record: str
    time: float
    measures: str
    number: int
    earlier: int
    observed: float
    blq: bool
    prior: float
    updated: float
    prior_pit: float
    updated_pit: float
    ess: float
    method: str
    doubted: int = 0
    prior_low: float | None = None
    prior_high: float | None = None
    updated_low: float | None = None
    updated_high: float | None = None


@dataclass(frozen=True)
class Summary:
    """Errors and coverage of one set of levels."""

    a_priori: Errors
    a_posteriori: Errors
    a_priori_coverage50: float | None
    a_priori_coverage90: float | None
    coverage50: float | None
    coverage90: float | None

    def to_json(self) -> dict[str, Any]:
        prior = {**self.a_priori.to_json(), "coverage50": self.a_priori_coverage50, "coverage90": self.a_priori_coverage90}
        updated = {**self.a_posteriori.to_json(), "coverage50": self.coverage50, "coverage90": self.coverage90}
        return {
            "n_levels": self.a_priori.n, "a_priori": prior, "a_posteriori": updated,
            "coverage50": self.coverage50, "coverage90": self.coverage90,
        }  # fmt: skip


def summarize(forecasts: Sequence[Forecast]) -> Summary:
    """Errors and coverage of forecasts; levels below the LOQ are left out."""
    f = [x for x in forecasts if not x.blq]
    observed = [x.observed for x in f]
    prior_pit, pit = [x.prior_pit for x in f], [x.updated_pit for x in f]
    return Summary(
        errors_of([x.prior for x in f], observed), errors_of([x.updated for x in f], observed),
        coverage(prior_pit, 0.5), coverage(prior_pit, 0.9), coverage(pit, 0.5), coverage(pit, 0.9),
    )  # fmt: skip


@dataclass(frozen=True)
class Replay:
    """Forecasts of every level of a data set under one model."""

    model: str
    measures: str
    unit: str
    rule: str
    seed: int
    draws: int
    forecasts: tuple[Forecast, ...]
    findings: tuple[Finding, ...]

    @property
    def headline(self) -> Summary:
        """Summary over the levels with at least one earlier level."""
        return summarize([f for f in self.forecasts if f.earlier > 0])

    def to_json(self, *, forecasts: bool = False) -> dict[str, Any]:
        """The machine-readable contract; percentages in %, rmse in ``unit``. ``forecasts`` adds every single forecast."""
        numbers = sorted({f.number for f in self.forecasts})
        head = self.headline.to_json()
        out: dict[str, Any] = {
            "model": self.model, "measures": self.measures, "unit": self.unit, "covariates": self.rule, "seed": self.seed,
            "draws": self.draws, "n_subjects": len({f.subject for f in self.forecasts}), "n_levels": len(self.forecasts),
            "n_after_doubt": sum(f.doubted > 0 for f in self.forecasts),
            "n_blq": sum(f.blq for f in self.forecasts), "headline": HEADLINE, "n_headline": head["n_levels"],
            "a_priori": head["a_priori"], "a_posteriori": head["a_posteriori"],
            "after_doubt": summarize([f for f in self.forecasts if f.doubted > 0]).to_json(),
            "coverage50": head["coverage50"], "coverage90": head["coverage90"],
            "all": summarize(self.forecasts).to_json(),
            "by_level_number": [
                {"number": n, **summarize([f for f in self.forecasts if f.number == n]).to_json()} for n in numbers
            ],
            "findings": [f.to_json() for f in self.findings],
        }  # fmt: skip
        if forecasts:
            out["forecasts"] = [dict(vars(f)) for f in self.forecasts]
        return out


def _output(model: Model, timelines: Sequence[Timeline], measures: str | None) -> str:
    """The output whose levels are scored: the one asked for, else the model's first output that was ever measured."""
    if measures is not None:
        name = model.measured_by(measures)
        if name is None:
            raise InputError("the model predicts no such quantity", where=model.name, value=measures,
                             allowed=", ".join(o.measures for o in model.outputs.values()))  # fmt: skip
        return name
    seen = {model.measured_by(o.measures) for t in timelines for o in t.observations}
    found = next((name for name in model.outputs if name in seen), None)
    if found is None:
        raise InputError("the data hold no level the model predicts", where=model.name,
                         allowed=", ".join(o.measures for o in model.outputs.values()))  # fmt: skip
    return found


def _subject(
    model: Model, timeline: Timeline, name: str, draws: int, seed: int, rule: Rule
) -> tuple[list[Forecast], list[Finding]]:
    forecasts: list[Forecast] = []
    findings: dict[tuple[str, str, str], Finding] = {}
    column = list(model.outputs).index(name)
    scored = [(i, o) for i, o in enumerate(timeline.observations) if model.measured_by(o.measures) == name]
    for number, (index, level) in enumerate(scored, 1):
        label = level.record or f"{timeline.patient.id} level {index + 1}"
        try:
            evidence = evidence_for(model, timeline.until(level.time), rule=rule)
        except InputError as error:
            findings["level_not_forecast", label, ""] = Finding("error", "level_not_forecast", label, str(error))
            continue
        target = next((i for i, k in enumerate(evidence.index) if k == index), None)
        if target is None:  # unusable: evidence_for says why
            findings.update({(f.code, f.record, f.severity): f for f in evidence.findings})
            continue
        known = evidence.subset([i for i, o in enumerate(evidence.levels) if o.time < level.time])
        asked = evidence.subset([target])
        rng = stream(seed, "replay", model.name, timeline.patient.id, number)
        n = evidence.root.shape[0]
        prior_z = rng.standard_normal((draws, n))
        try:
            belief = belief_of(known, draws=draws, rng=rng)
        except SimulationError as error:
            findings["level_not_forecast", label, ""] = Finding("error", "level_not_forecast", label, str(error))
            continue
        root = evidence.root
        vectors = np.vstack([np.zeros((1, n)), belief.mode[None], prior_z @ root.T, belief.draws])
        prediction = evidence.predict_eta(vectors)
        share = asked.cdf(prediction)[:, 0]
        before, after = prediction.ok[2 : draws + 2], prediction.ok[draws + 2 :]
        value = prediction.value[:, evidence.rows[target], column]
        if not (prediction.ok[:2].all() and before.any() and after.any()):
            findings["level_not_forecast", label, ""] = Finding("error", "level_not_forecast", label, "the simulation failed")
            continue
        prior_pit = float(share[2 : draws + 2][before].mean())
        has_levels = belief.n_used > 0
        seen = model.outputs[name].residual.measured(value[2:], rng.standard_normal(2 * draws))
        bands = [np.quantile(x, (0.05, 0.95)).tolist() for x in (seen[:draws][before], seen[draws:][after])]
        (low, high), own = bands[0], bands[1] if has_levels else bands[0]
        forecasts.append(
            Forecast(
                subject=timeline.patient.id, record=label, time=level.time, measures=level.measures, number=number,
                earlier=len(known), observed=level.value, blq=level.blq, prior=float(value[0]),
                updated=float(np.median(value[draws + 2 :][after]) if has_levels else value[0]),
                prior_pit=prior_pit, updated_pit=float(share[draws + 2 :][after].mean()) if has_levels else prior_pit,
                ess=belief.ess, method=belief.method, doubted=len(belief.doubted),
                prior_low=low, prior_high=high, updated_low=own[0], updated_high=own[1],
            )
        )  # fmt: skip
        for finding in belief.findings:
            findings.setdefault((finding.code, finding.record, finding.severity), finding)
    return forecasts, list(findings.values())


def replay(
    model: Model,
    timelines: Sequence[Timeline],
    *,
    seed: int,
    draws: int = 1000,
    rule: Rule = "locf",
    measures: str | None = None,
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Replay:
    """Forecast every level of every patient from the data strictly before it.

    Parameters
    ----------
    timelines : patients; their ids must differ.
    draws : posterior and prior draws behind the intervals.
    measures : the quantity scored (default: the model's first output that the data measure); the belief uses all levels.
    progress : called with (patients done, patients).

    Returns
    -------
    Replay, the same for every number of threads. Levels that cannot be forecast are in its findings.

    Raises
    ------
    InputError : no level the model predicts, or two patients with one id.
    """
    ids = [t.patient.id for t in timelines]
    if len(set(ids)) < len(ids):
        raise InputError("two patients have the same id", where="data set", value=next(i for i in ids if ids.count(i) > 1))
    name = _output(model, timelines, measures)
    forecasts: list[Forecast] = []
    findings: list[Finding] = []

    def one(timeline: Timeline) -> tuple[list[Forecast], list[Finding]]:
        return _subject(model, timeline, name, draws, seed, rule)

    with ThreadPoolExecutor(threads or threads_available()) as pool:
        results = [one(timelines[0])]  # alone: kernels compile once
        for done, (found, remarks) in enumerate(chain(results, pool.map(one, timelines[1:])), 1):
            forecasts += found
            findings += remarks
            if progress:
                progress(done, len(timelines))
    output = model.outputs[name]
    return Replay(model.name, output.measures, output.unit, rule, seed, draws, tuple(forecasts), tuple(findings))


__all__ = ["HEADLINE", "Forecast", "Replay", "Summary", "replay", "summarize"]

"""Each patient of a data set fitted alone: random effects, standard errors, individual parameters, predictions per record."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from dosetwin.declare import Model
from dosetwin.errors import Finding, SimulationError
from dosetwin.infer.belief import DOUBTED, full_names
from dosetwin.infer.explanations import explain
from dosetwin.infer.likelihood import evidence_for
from dosetwin.infer.map import map_of
from dosetwin.infer.plausibility import plausibility, remarks, weighed
from dosetwin.records import Timeline
from dosetwin.simulate import Rule, parameters, predict, schedule_for
from dosetwin.simulate.engine import threads_available

Prior = Literal["weighed", "normal"]


@dataclass(frozen=True)
class RecordFit:
    """A level, or a time at which the data ask for a prediction (``observed``, ``percentile`` None).

    ``PRED`` typical and ``IPRED`` individual prediction in the output's unit, None where the simulation failed; ``percentile``
    and ``p_wrong`` of the level as in Plausibility.
    """

    record: str
    time: float
    measures: str
    observed: float | None
    blq: bool
    PRED: float | None
    IPRED: float | None
    percentile: float | None
    p_wrong: float | None = None


@dataclass(frozen=True)
class SubjectFit:
    """One patient. ``eta``, ``se``: MAP and Laplace standard error by name (kappas as ``name.occasion``).

    ``parameters`` in force at the patient's last record; ``objective``: -2 ln likelihood without the 2 pi constants + eta'
    omega^-1 eta, at the MAP. ``prior`` "weighed": the most probable explanation of the levels (``infer.explanations``), as every
    belief uses it, so that records more probably wrong than not do not count; "normal": the textbook MAP of other programs, every
    level fitted under the published variability. ``p_unlike`` probability that the patient is unlike the published ones. Where
    nobody is in doubt the two are the same numbers.
    """

    subject: str
    n_levels: int
    eta: dict[str, float]
    se: dict[str, float]
    parameters: dict[str, float]
    objective: float
    converged: bool
    records: tuple[RecordFit, ...]
    findings: tuple[Finding, ...]
    p_unlike: float = 0.0
    n_doubted: int = 0
    prior: str = "weighed"

    def row(self) -> dict[str, float | int | str | bool]:
        """One line of the table ``dosetwin fit`` writes: ID, N, OFV, CONVERGED, N_DOUBTED, P_UNLIKE, ETA_*, SE_*, parameters."""
        return {
            "ID": self.subject, "N": self.n_levels, "OFV": self.objective, "CONVERGED": int(self.converged),
            "N_DOUBTED": self.n_doubted, "P_UNLIKE": round(self.p_unlike, 6),
            **{f"ETA_{k}": v for k, v in self.eta.items()}, **{f"SE_{k}": v for k, v in self.se.items()}, **self.parameters,
        }  # fmt: skip


def last_time(timeline: Timeline) -> float:
    """Time (h) of the last record of any kind, ADDL doses included; 0 for an empty timeline."""
    times = [d.time + d.addl * d.ii for d in timeline.doses]
    times += [o.time for o in timeline.observations] + [c.time for c in timeline.covariates]
    return max(times, default=0.0)


def fit_one(model: Model, timeline: Timeline, *, rule: Rule = "locf", prior: Prior = "weighed") -> SubjectFit:
    """MAP of one patient with everything ``SubjectFit`` reports.

    Raises
    ------
    InputError : a covariate is missing that the model refuses to go without.
    """
    evidence = evidence_for(model, timeline, rule=rule)
    usual = map_of(evidence)
    try:
        judged = plausibility(evidence)
    except SimulationError:  # said below, as a finding: one patient must not stop a data set
        judged = ()
    explained = explain(evidence, usual) if judged or not len(evidence) else None
    estimate, p_unlike, exchanged = usual, 0.0, {}
    if explained is not None:
        judged, p_unlike, exchanged = weighed(judged, explained.p_wrong), explained.p_unlike, explained.exchanged
        if prior == "weighed":
            estimate = explained.fitted[0].estimate
    names = full_names(model.eta_names, model.kappa_names, evidence.occasions)

    wanted = [*evidence.levels, *(o for o in timeline.asked if model.measured_by(o.measures) is not None)]
    wanted.sort(key=lambda o: (o.time, o.after_dose))
    share = {id(o): (p.percentile, p.p_wrong) for o, p in zip(evidence.levels, judged, strict=False)}
    times = [o.time for o in wanted] + [max(last_time(timeline), wanted[-1].time if wanted else 0.0)]
    schedule = schedule_for(model, timeline, times, after=[o.after_dose for o in wanted] + [True], rule=rule)
    prediction = predict(model, schedule, np.vstack([np.zeros_like(estimate.eta), estimate.eta]))
    found = parameters(model, schedule, estimate.eta[None])
    outputs, records = list(model.outputs), []
    for i, o in enumerate(wanted):
        column = outputs.index(model.measured_by(o.measures) or outputs[0])
        PRED, IPRED = (float(prediction.value[k, i, column]) if prediction.ok[k] else None for k in (0, 1))
        value = None if math.isnan(o.value) else o.value
        records.append(RecordFit(o.record, o.time, o.measures, value, o.blq, PRED, IPRED, *share.get(id(o), (None, None))))
    failed = () if prediction.ok.all() else (
        Finding("error", "simulation_failed", timeline.patient.id, f"{model.name} could not be simulated for this patient"),
    )  # fmt: skip
    return SubjectFit(
        subject=timeline.patient.id,
        n_levels=len(evidence),
        eta=dict(zip(names, map(float, estimate.eta), strict=True)),
        se=dict(zip(names, map(float, np.sqrt(np.diag(estimate.cov))), strict=True)),
        parameters={name: float(value[0, -1]) for name, value in found.items()},
        objective=estimate.objective,
        converged=estimate.converged,
        records=tuple(records),
        findings=(*evidence.findings, *remarks(model, judged, p_unlike, exchanged), *estimate.findings, *failed),
        p_unlike=p_unlike,
        n_doubted=sum(p.p_wrong >= DOUBTED for p in judged),
        prior=prior,
    )


def fit(
    model: Model,
    timelines: Sequence[Timeline],
    *,
    rule: Rule = "locf",
    prior: Prior = "weighed",
    threads: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[SubjectFit, ...]:
    """``fit_one`` for every patient, on threads, in their order; ``progress`` is called with (done, patients).

    Raises
    ------
    InputError : as ``fit_one``; the message names the patient's record.
    """

    def one(timeline: Timeline) -> SubjectFit:
        return fit_one(model, timeline, rule=rule, prior=prior)

    done: list[SubjectFit] = [one(timelines[0])] if timelines else []  # alone: kernels compile once
    if done and progress:
        progress(1, len(timelines))
    with ThreadPoolExecutor(threads or threads_available()) as pool:
        for found in pool.map(one, timelines[1:]):
            done.append(found)
            if progress:
                progress(len(done), len(timelines))
    return tuple(done)

"""What every model must satisfy. Each check takes a model and raises AssertionError; being listed here is being run."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from conformance.dimensions import DIMENSIONS, dimensions, scale
from conformance.stepped import stepped
from dosetwin.declare import Model, Provenance
from dosetwin.errors import InputError
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import parameters, predict, schedule_for

TIMES = np.array([0.0, 0.5, 1.0, 6.0, 12.0, 23.0, 24.0, 25.0, 36.0, 48.0, 60.0, 72.0])
EXACT, ODE = 1e-9, 2e-4  # relative to the largest value of the output; the engine's own tolerance is 1e-6 per step


def middle(model: Model) -> dict[str, float]:
    """A patient in the middle of the studied ranges (flags 0; ages a whole number of days, so that steps fall on days)."""
    values = {}
    for name, c in model.covs.items():
        value = 0.0 if c.flag else 0.5 * (c.low + c.high)
        if c.age:
            value = math.floor(min(value, c.high - TIMES[-1] / {"d": 24.0, "wk": 168.0}.get(c.unit, math.inf)))
        values[name] = value
    return values


def corner(model: Model, rng: np.random.Generator) -> dict[str, float]:
    """A patient at a random corner or inside point of the studied ranges."""
    where = rng.choice([0.0, 1.0, float(rng.random())], size=len(model.covs))
    values = {n: c.low + w * (c.high - c.low) for (n, c), w in zip(model.covs.items(), where, strict=True)}
    return {n: round(v) if model.covs[n].flag else v for n, v in values.items()}


def patient(values: dict[str, float], *doses: DoseEvent, at: float = 0.0) -> Timeline:
    """A timeline with these covariates known at ``at`` h."""
    return Timeline(Patient("conformance"), doses, (), tuple(Covariate(at, n, v) for n, v in values.items()))


def amount(model: Model, values: dict[str, float]) -> float:
    """An everyday dose, mg; for the linear a weight of 1 kg will do where the model knows none."""
    return model.everyday.mg(values.get("WT", values.get("BW", 1.0)))


def doses(model: Model, values: dict[str, float]) -> tuple[DoseEvent, ...]:
    """A short infusion, a bolus, and a dose into the first compartment."""
    full = amount(model, values)
    return (
        DoseEvent(0.0, full, 0.5),
        DoseEvent(24.0, 0.7 * full, 0.0),
        DoseEvent(30.0, 0.2 * full, 0.0, cmt=next(iter(model.states))),
        DoseEvent(48.0, full, 1.0),
    )


def etas(model: Model, rng: np.random.Generator, size: int, spread: float = 1.0, occasions: int = 1) -> np.ndarray:
    """Random effects from the model's own distribution, [size, n_full]."""
    omega = model.omega_for(occasions)
    return spread * rng.multivariate_normal(np.zeros(len(omega)), omega, size=size)


def answer(model: Model, timeline: Timeline, eta: np.ndarray | None = None, times: np.ndarray = TIMES, theta=None) -> np.ndarray:
    """Outputs [n_times, n_outputs] of one patient through the engine."""
    schedule = schedule_for(model, timeline, times)
    vector = np.zeros((1, len(model.omega_for(1)))) if eta is None else eta[None, :]
    prediction = predict(model, schedule, vector, theta=theta)
    assert prediction.ok.all(), f"engine failed with code {prediction.code}"
    return prediction.value[0]


def same(model: Model, got: np.ndarray, expected: np.ndarray, rtol: float | None = None, size: np.ndarray | None = None) -> None:
    """Equal relative to the largest value of each output, or to ``size`` [n_outputs]."""
    rtol = rtol or (EXACT if model.solver == "exact" else ODE)
    size = np.abs(expected).max(axis=0) if size is None else size
    worst = (np.abs(got - expected) / np.where(size > 0, size, 1.0)).max(axis=0)
    assert (worst < rtol).all(), f"{dict(zip(model.outputs, worst, strict=True))} differ, allowed {rtol:g}"


def metadata_is_complete(model: Model) -> None:
    """Units parse, every number has a meaning and a source, every range is finite."""
    r = model.reference
    file = getattr(model.module, "__file__", None)
    assert file is None or "FILL IN" not in Path(file).read_text(encoding="utf-8"), "something is still to be filled in"
    assert model.title.endswith(".")
    assert all([r.authors, 1950 < r.year < 2100, r.where]), "reference is incomplete"
    assert all([model.drug, model.population])
    assert model.linear_in_dose or model.everyday.source, "not linear in dose: say an ordinary dose with its source, everyday="
    assert model.anchors, "no anchor: give at least one published number the model must reproduce"
    allowed = get_args(Provenance)
    for name, theta in model.thetas.items():
        dimensions(theta.unit)
        assert theta.text, f"theta {name} has no meaning"
        assert (theta.provenance or r.provenance) in allowed
        assert math.isfinite(getattr(model.theta(), name))
    for name, eta in model.etas.items():
        assert eta.text, f"eta {name} has no meaning"
        assert eta.variance > 0
        assert getattr(model.eta(), name) == 0.0, f"eta {name} is not 0 in a typical patient"
    for name, c in model.covs.items():
        dimensions(c.unit)
        assert c.text, f"covariate {name} has no meaning"
        assert -math.inf < c.low < c.high < math.inf, f"{name}: studied range is not finite"
        assert c.missing != "population" or c.population is not None, f"{name}: no population value"
        assert c.population is None or c.low <= c.population <= c.high
        assert not c.flag or (c.low, c.high, c.unit) == (0, 1, "1")
    for name, o in model.outputs.items():
        dimensions(o.unit)
        assert all([o.text, o.measures]), f"output {name} has no meaning"
        assert min(o.residual.a, o.residual.b) >= 0 < max(o.residual.a, o.residual.b), f"output {name} has no residual error"
    for state in model.states.values():
        dimensions(state.unit)


def anchors_are_reproduced(model: Model) -> None:
    """Published numbers come out."""
    for a in model.anchors:
        assert a.source, f"anchor {a.text!r} has no source"
        assert set(a.cov) <= set(model.covs), f"anchor {a.text!r} names an unknown covariate"
        values = {n: 0.0 for n, c in model.covs.items() if c.flag} | dict(a.cov)
        p = model.individual(model.theta(), model.eta(), model.cov(**values))
        assert getattr(p, a.parameter) == pytest.approx(a.value, rel=a.rtol), a.text


def applicability_is_enforced(model: Model) -> None:
    """Inside the studied ranges nothing is said; outside, a finding or a refusal that names the covariate."""
    values = middle(model)
    quiet = schedule_for(model, patient(values, *doses(model, values)), TIMES)
    assert not [f for f in quiet.findings if f.code == "outside_studied_range"]
    for name, c in model.covs.items():
        bad = {**values, name: c.high + max(0.5 * (c.high - c.low), 5.0)}
        timeline = patient(bad, *doses(model, values))
        if model.outside == "refuse":
            with pytest.raises(InputError, match=name):
                schedule_for(model, timeline, TIMES)
        else:
            found = schedule_for(model, timeline, TIMES).findings
            assert [f for f in found if f.code == "outside_studied_range" and name in f.message], f"{name}: no finding"


def missing_covariates_follow_their_policy(model: Model) -> None:
    """Refuse, say that the population value was used, or take a flag as 0; never silently something else."""
    values = middle(model)
    for name, c in model.covs.items():
        left = {n: v for n, v in values.items() if n != name and not (n == "PNA" and name == "PMA")}
        timeline = patient(left, *doses(model, values))
        if c.flag:
            assert not schedule_for(model, timeline, TIMES).findings
        elif c.missing == "population":
            assert "covariate_population_value" in {f.code for f in schedule_for(model, timeline, TIMES).findings}
        else:
            with pytest.raises(InputError, match=name):
                schedule_for(model, timeline, TIMES)


def units_scale(model: Model) -> None:
    """Rescale hours, litres, milligrams and kilograms: every output follows its declared unit (catches hidden units)."""
    rng = np.random.default_rng(11)
    values = middle(model)
    expected = answer(model, patient(values, *doses(model, values)))
    for _ in range(3):
        factors = dict(zip(DIMENSIONS, np.exp(rng.uniform(-0.5, 0.5, len(DIMENSIONS))), strict=True))
        f_time, f_amount = factors["time"], scale(model.dose_unit, factors)
        theta = np.array([v * scale(model.thetas[n].unit, factors) for n, v in zip(model.thetas, model.theta(), strict=True)])
        other = replace(model, age_step_h=model.age_step_h * f_time)
        given = (
            replace(d, time=d.time * f_time, amount=d.amount * f_amount, duration=d.duration * f_time)
            for d in doses(model, values)
        )
        scaled = patient({n: v * scale(model.covs[n].unit, factors) for n, v in values.items()}, *given)
        got = answer(other, scaled, times=TIMES * f_time, theta=theta)
        got = got / np.array([scale(o.unit, factors) for o in model.outputs.values()])
        same(model, got, expected, 1e-8 if model.solver == "exact" else ODE)


def mass_is_balanced(model: Model) -> None:
    """Drug in the states changes only by CL times the concentration; and dose = in the body + eliminated, through the engine.

    Holds for models with a parameter CL (L/h) and a first output in mg/L, states in mg; others must bring their own check.
    """
    rng = np.random.default_rng(5)
    values = middle(model)
    cov = model.cov(**values)
    p = model.individual(model.theta(), model.eta(), cov)
    first = next(iter(model.outputs.values()))
    if not hasattr(p, "CL") or first.unit != "mg/L":
        pytest.skip("no clearance and concentration to balance with")
    drug = [i for i, s in enumerate(model.states.values()) if s.unit == "mg"]
    assert drug
    for _ in range(5):
        A = model.state(*rng.uniform(0.1, 10.0, len(model.states)))
        change = math.fsum(model.dynamics(0.0, A, p, cov)[i] for i in drug)
        assert change == pytest.approx(-p.CL * model.observe(A, p, cov)[0], rel=1e-9)
    if model.solver != "exact" or any(f.startswith("LAG_") for f in p._fields):
        return
    times = np.arange(0.0, 96.1, 1.0)
    full = amount(model, values)
    timeline = patient(values, DoseEvent(0.0, full, 0.5), DoseEvent(30.0, 0.5 * full))
    schedule = schedule_for(model, timeline, times)
    zero = np.zeros((1, len(model.omega_for(1))))
    run = predict(model, schedule, zero, auc=True)
    CL = parameters(model, schedule, zero)["CL"][0]
    assert run.auc is not None
    gone = np.concatenate([[0.0], np.cumsum(CL[:-1] * np.diff(run.auc[0, :, 0]))])
    inside = run.state[0][:, drug].sum(axis=1)
    given = np.where(times >= 0.5, full, times * full / 0.5) + np.where(times > 30.0, 0.5 * full, 0.0)
    given = given * getattr(p, f"F_{model.dose_cmt}", 1.0)
    assert inside + gone == pytest.approx(given, rel=1e-8, abs=1e-8 * full)


def doses_superpose(model: Model) -> None:
    """Outputs less the undosed course are proportional to dose and add up, where the model says it is linear in dose."""
    if not model.linear_in_dose:
        pytest.skip("the model does not claim to be linear in dose")
    values = middle(model)
    given = doses(model, values)
    none = answer(model, patient(values))
    plain = answer(model, patient(values, *given))
    both, size = plain - none, np.abs(plain).max(axis=0)
    double = answer(model, patient(values, *(replace(d, amount=2 * d.amount) for d in given))) - none
    same(model, double, 2 * both, size=size)
    apart = sum(answer(model, patient(values, d)) - none for d in given)
    same(model, np.asarray(apart), both, size=size)


def engine_agrees_with_stepping(model: Model) -> None:
    """Compiled and exact = interpreted and stepped by another solver, with random effects, to 1e-6."""
    rng = np.random.default_rng(3)
    values = middle(model)
    schedule = schedule_for(model, patient(values, *doses(model, values)), TIMES)
    for eta in etas(model, rng, 2):
        same(model, predict(model, schedule, eta[None, :]).value[0], stepped(model, schedule, eta), max(1e-6, 10 * model.rtol))


def parameters_are_the_compiled_ones(model: Model) -> None:
    """Interpreted ``observe`` of the engine's states gives the engine's outputs, bit for bit up to rounding."""
    values = middle(model)
    schedule = schedule_for(model, patient(values, *doses(model, values)), TIMES)
    eta = etas(model, np.random.default_rng(9), 1)
    run = predict(model, schedule, eta)
    n = len(model.eta_names)
    for k, row in enumerate(schedule.rows_at_outputs()):
        cov = model.cov(*map(float, schedule.rows[row]))
        p = model.individual(model.theta(), model.eta(*eta[0, :n], *eta[0, n : n + len(model.kappa_names)]), cov)
        assert run.value[0, k] == pytest.approx(list(model.observe(model.state(*run.state[0, k]), p, cov)), rel=1e-10, abs=1e-12)


def writing_it_differently_changes_nothing(model: Model) -> None:
    """An infusion in two halves, ADDL written out, the whole course at another hour: the same answer."""
    values = middle(model)
    full = amount(model, values)
    expected = answer(model, patient(values, DoseEvent(0.0, full, 1.0, ii=24.0, addl=2)))
    written = [DoseEvent(24.0 * k, full, 1.0) for k in range(3)]
    same(model, answer(model, patient(values, *written)), expected)
    halves = [DoseEvent(24.0 * k + s, full / 2, 0.5) for k in range(3) for s in (0.0, 0.5)]
    same(model, answer(model, patient(values, *halves)), expected)
    for shift in (-1000.25, 17.5):
        moved = [replace(d, time=d.time + shift) for d in written]
        got = answer(model, patient(values, *moved, at=shift), times=TIMES + shift)
        same(model, got, expected, 1e-8 if model.solver == "exact" else ODE)


def steady_state_is_many_doses(model: Model) -> None:
    """A dose with SS=1 finds what many earlier ones would have left, where covariates do not advance with time."""
    if any(c.age for c in model.covs.values()):
        pytest.skip("ages advance: no steady state")
    values = middle(model)
    untreated = answer(model, patient(values), times=np.array([0.5, 2000.0]))
    if not np.allclose(untreated[0], untreated[1], rtol=1e-6, atol=1e-9):
        pytest.skip("what is not treated goes on growing: no steady state")
    full, times, ii = amount(model, values), np.array([0.5, 6.0, 24.0]), model.everyday.interval_h
    at_once = answer(model, patient(values, DoseEvent(0.0, full, 0.5, ii=ii, ss=True)), times=times)
    many = 200 if model.solver != "exact" else 4000  # what is bound for weeks needs more; exact steps cost nothing
    one_by_one = answer(model, patient(values, DoseEvent(0.0, full, 0.5, ii=ii, addl=many)), times=times + many * ii)
    same(model, at_once, one_by_one, 1e-8 if model.solver == "exact" else 5 * ODE)


def everything_is_finite(model: Model) -> None:
    """Corners of the studied ranges times random effects up to three SD: finite, and no concentration below zero."""
    rng = np.random.default_rng(2)
    for _ in range(12):
        values = corner(model, rng)
        schedule = schedule_for(model, patient(values, *doses(model, values)), np.append(TIMES, [240.0, 720.0]))
        three_sd = 3 * np.sqrt(np.diag(model.omega_for(1)))
        eta = np.clip(etas(model, rng, 30, 2.0), -three_sd, three_sd)
        run = predict(model, schedule, eta)
        assert run.ok.all(), f"engine failed at {values}: codes {sorted(set(run.code))}"
        assert np.isfinite(run.value).all()
        floor = -1e-6 * np.abs(run.value).max(axis=(0, 1))
        assert (run.value >= floor).all(), f"negative output at {values}"


def no_data_means_no_update(model: Model) -> None:
    """MAP without levels is the typical patient, with the prior as its covariance."""
    infer = pytest.importorskip("dosetwin.infer")
    values = middle(model)
    found = infer.map_estimate(model, patient(values, *doses(model, values)))
    assert found.converged
    assert found.eta == pytest.approx(np.zeros(len(found.eta)), abs=1e-8)
    assert found.cov == pytest.approx(model.omega_for(1), rel=1e-5, abs=1e-8)


def data_narrow_belief(model: Model) -> None:
    """Over patients drawn from the model and levels with its own error, the variance of the belief falls as levels come.

    A theorem for every model (law of total variance), of the variance itself: that of a Laplace approximation may grow where
    elimination saturates. By weighing draws of the prior; compared with three standard errors of the paired differences.
    """
    from dosetwin.infer.likelihood import evidence_for
    from dosetwin.records import Observation

    rng = np.random.default_rng(8)
    values = middle(model)
    output = next(iter(model.outputs.values()))
    # soon after a dose under the skin there is no level to speak of: two later ones then
    early = answer(model, patient(values, *doses(model, values)))[:, 0]
    read = (2, 7) if output.residual.a < abs(early[7]) else (10, 11)
    left = []
    for eta in etas(model, rng, 12):
        course = patient(values, *doses(model, values))
        seen = output.residual.measured(answer(model, course, eta)[:, 0], rng.standard_normal(len(TIMES)))
        levels = [Observation(float(TIMES[k]), output.measures, float(seen[k])) for k in read if seen[k] > 0]
        among = etas(model, rng, 3000)
        if not levels:  # both below nothing: no level is reported
            continue
        row = [1.0]
        for n in (1, 2):
            evidence = evidence_for(model, course.append(*levels[:n]))
            found = evidence.log_likelihood(evidence.predict_eta(among))
            weight = np.where(np.isfinite(found), np.exp(found - found[np.isfinite(found)].max()), 0.0)
            weight /= weight.sum()
            variance = weight @ among**2 - (weight @ among) ** 2
            row.append(float(np.mean(variance / np.diag(model.omega_for(1)))))
        left.append(row)
    for fewer, more in ((0, 1), (1, 2)):
        change = np.array([row[more] - row[fewer] for row in left])
        assert change.mean() <= 3.0 * change.std(ddof=1) / np.sqrt(len(change)), f"belief widens: {np.mean(left, axis=0)}"
    assert np.mean(left, axis=0)[2] < 1.0


Check = Callable[[Model], None]
CHECKS: tuple[Check, ...] = (
    metadata_is_complete,
    anchors_are_reproduced,
    applicability_is_enforced,
    missing_covariates_follow_their_policy,
    units_scale,
    mass_is_balanced,
    doses_superpose,
    engine_agrees_with_stepping,
    parameters_are_the_compiled_ones,
    writing_it_differently_changes_nothing,
    steady_state_is_many_doses,
    everything_is_finite,
    no_data_means_no_update,
    data_narrow_belief,
)

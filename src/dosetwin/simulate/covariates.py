"""Covariates of a course as piecewise constants, under a chosen rule and the model's declared policies."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.checks import slips
from dosetwin.declare import Cov, Model
from dosetwin.errors import Finding, InputError
from dosetwin.quantities import mosteller
from dosetwin.records import Timeline

Series = Sequence[tuple[float, float]]
"""(time, value) pairs, ascending."""

FADING = 6
"""Steps in which the value of a flag that fades falls."""
HOURS_PER = {"d": 24.0, "wk": 168.0, "y": 24.0 * 365.25, "h": 1.0}


@dataclass(frozen=True, eq=False)
class CovariateTable:
    """``times`` [n] starts of the segments, ``values`` [n, n_cov], ``occasion`` [n] 0-based."""

    begin: float
    times: np.ndarray
    values: np.ndarray
    occasion: np.ndarray
    findings: tuple[Finding, ...]


def _age_series(name: str, unit: str, timeline: Timeline) -> Series:
    """(time, value) of a covariate that advances with time, from the record or from birth and GA."""
    found = timeline.series(name)
    if found:
        return found
    patient = timeline.patient
    GA = next((v for _, v in timeline.series("GA")), patient.GA)
    if name == "PNA" and patient.birth is not None and timeline.origin is not None:
        return ((timeline.at(patient.birth), 0.0),)
    if name == "PMA" and GA is not None:
        PNA = _age_series("PNA", "d", timeline)
        return tuple((t, GA + v / 7.0) for t, v in PNA)
    if name == "AGE" and patient.birth is not None and timeline.origin is not None:
        return ((timeline.at(patient.birth), 0.0),)
    return ()


def _fixed(name: str, timeline: Timeline) -> float | None:
    """Covariates that stand in the patient's record."""
    value = timeline.patient.traits.get(name)
    if isinstance(value, str):  # SEX, in words
        return 1.0 if value == "male" else 0.0
    return value


def _age_at_start(name: str, c: Cov, timeline: Timeline) -> float | None:
    """An age that the model holds constant, at the start of the timeline's clock, from the record or from birth and GA."""
    found = _age_series(name, c.unit, timeline) if name in ("AGE", "PNA", "PMA") and c.unit in HOURS_PER else ()
    return found[0][1] - found[0][0] / HOURS_PER[c.unit] if found else None


def _surfaces(timeline: Timeline) -> Series:
    """(time, m2) of the body surface that follows from length and weight, whichever was recorded last; empty without both."""
    found = {n: timeline.series(n) or _trait(n, timeline) for n in ("HT", "WT")}
    if not all(found.values()):
        return ()
    times = sorted({max(t, max(s[0][0] for s in found.values())) for s in found.values() for t, _ in s})
    now = [{n: [v for at, v in s if at <= t][-1] for n, s in found.items()} for t in times]
    return tuple((t, mosteller(v["HT"], v["WT"])) for t, v in zip(times, now, strict=True))


def _trait(name: str, timeline: Timeline) -> Series:
    value = _fixed(name, timeline)
    return () if value is None else ((-math.inf, value),)


def _series(name: str, c: Cov, timeline: Timeline, model: Model, findings: list[Finding]) -> Series:
    """Known values of one covariate, or what the model's policy puts in their place."""
    who = f"patient {timeline.patient.id}"
    found = _age_series(name, c.unit, timeline) if c.age else timeline.series(name)
    if not found:
        fixed = _fixed(name, timeline)
        if fixed is None and not c.age:
            fixed = _age_at_start(name, c, timeline)
        if fixed is not None:
            return ((-math.inf, float(fixed)),)
    if found:
        return _faded(found, c.fades_h) if c.flag and c.fades_h > 0 else found
    if c.flag:
        return ((-math.inf, 0.0),)
    if name == "WT" and timeline.patient.BW is not None:
        findings.append(Finding("warning", "weight_from_birth_weight", who, "no current weight: the birth weight is used",
                                timeline.patient.BW, remedy="enter a current weight"))  # fmt: skip
        return ((-math.inf, float(timeline.patient.BW)),)
    if name == "BSA" and (found := _surfaces(timeline)):
        findings.append(Finding("info", "body_surface_worked_out", who, "no body surface on record: the root of length (cm) "
                                "times weight (kg) over 3,600 (Mosteller 1987) is used", round(found[-1][1], 2)))  # fmt: skip
        return found
    if c.missing == "population" and c.population is not None:
        unit = "" if c.unit in ("", "1") else f" in {c.unit}"
        findings.append(Finding("warning", "covariate_population_value", who, f"no {name}: the population value is used",
                                c.population, remedy=f"enter {name}{unit}"))  # fmt: skip
        return ((-math.inf, c.population),)
    also = ", or HT and WT" if name == "BSA" else ""
    raise InputError(f"{name} ({c.text}) is missing and {model.name} needs it", where=who,
                     allowed=_range(c), remedy=f"enter {name}{also}, in a column of this name or mapped to it")  # fmt: skip


def _range(c: Cov) -> str:
    """``18 to 95 y``; no unit for a ratio."""
    return f"{c.low:g} to {c.high:g} {'' if c.unit == '1' else c.unit}".rstrip()


def _faded(series: Series, hours: float) -> Series:
    """A flag's values with each end spread over ``hours``: equal steps along a straight line, cut short by what follows."""
    out: list[tuple[float, float]] = []
    for k, (time, value) in enumerate(series):
        before = series[k - 1][1] if k else 0.0
        if not before > value:
            out.append((time, value))
            continue
        following = series[k + 1][0] if k + 1 < len(series) else math.inf
        steps = [(time + hours * j / FADING, value + (before - value) * (1 - (j + 0.5) / FADING)) for j in range(FADING)]
        out += [s for s in (*steps, (time + hours, value)) if s[0] < following]
    return out


def _in_segments(series: Series, c: Cov, rule: str, start: np.ndarray, end: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Values over segments [n]; ``middle``: of the age step each lies in, so that cuts made by other records do not move ages."""
    times, known = np.array([t for t, _ in series]), np.array([v for _, v in series], dtype=np.float64)
    if c.age:
        k = np.maximum(np.searchsorted(times, middle, side="right") - 1, 0)
        # a population value has no date to advance from
        aged = np.where(np.isfinite(times[k]), (middle - times[k]) / HOURS_PER[c.unit], 0.0)
        return np.where(np.isfinite(times[k]), np.maximum(0.0, known[k] + aged), known[k])
    if (rule == "linear" or c.missing == "interpolate") and not c.flag and len(series) > 1 and math.isfinite(times[0]):
        found = np.interp(np.where(np.isfinite(end), 0.5 * (start + end), times[-1]), times, known)
    else:
        k = np.searchsorted(times, start + 1e-9, side="right") - 1
        found = np.where(k < 0, 0.0 if c.flag else known[0], known[np.maximum(k, 0)])
    if rule == "nocb":
        k = np.minimum(np.searchsorted(times, end - 1e-9, side="left"), len(series) - 1)
        found = np.where(np.isfinite(end), known[k], found)
    return found


def covariate_table(model: Model, timeline: Timeline, begin: float, end: float, rule: str) -> CovariateTable:
    """Segments of constant covariates from ``begin`` to ``end`` h, and the findings of the policies.

    Raises InputError where a policy refuses.
    """
    findings: list[Finding] = []
    who = f"patient {timeline.patient.id}"
    series = {name: _series(name, c, timeline, model, findings) for name, c in model.covs.items()}
    if model.start == "birth":
        born = _age_series("PNA", "d", timeline)
        if born:
            begin = min(begin, born[0][0] - 24.0 * born[0][1])
    cuts = {begin}
    moving = False
    anchor = math.nan
    for name, c in model.covs.items():
        known = series[name]
        if c.age or ((rule == "linear" or c.missing == "interpolate") and len(known) > 1 and not c.flag):
            moving = True
            if c.age and math.isfinite(known[0][0]):
                # steps are counted from birth (age 0), so that what is asked or recorded elsewhere never moves them
                anchor = known[0][0] - known[0][1] * HOURS_PER[c.unit]
            elif math.isnan(anchor) and math.isfinite(known[0][0]):
                anchor = known[0][0]
        if not c.age:
            cuts |= {t for t, _ in known if begin < t < math.inf}
            first = known[0][0]
            if (
                math.isfinite(first)
                and first > begin + 1e-9
                and not c.flag
                and first > min((d.time for d in timeline.doses), default=first)
            ):
                findings.append(Finding("info", "covariate_carried_back", who, f"{name} first known at {first:g} h is used "
                                        "before that too", known[0][1]))  # fmt: skip
    step = model.age_step_h
    anchor = begin if math.isnan(anchor) else anchor
    if moving:
        # weeks-old anchors lose digits: bring the anchor near the course first
        anchor += step * math.floor((begin - anchor) / step)
        cuts |= {c for k in range(1, math.ceil((end - anchor) / step) + 2) if begin < (c := anchor + step * k)}
    cuts |= {t for t in timeline.occasions if begin < t}
    times = np.array(sorted(cuts))
    # a sliver between two cuts closer than a millisecond is rounding, not a segment
    times = times[np.concatenate([[True], np.diff(times) > 1e-7])]
    ends = np.append(times[1:], math.inf)
    # A record at the very end governs what is observed there, and the last segment ends where it would in a longer course:
    # what is predicted at a time does not depend on what else is asked for.
    ends, times = ends[times <= end], times[times <= end]
    middles = anchor + step * (np.floor((times - anchor) / step + 1e-9) + 0.5) if moving else times
    values = np.empty((len(times), len(model.covs)))
    for j, (name, c) in enumerate(model.covs.items()):
        values[:, j] = _in_segments(series[name], c, rule, times, ends, middles)
    if rule == "nocb":
        # the next record governs the interval that follows; what happens at the very start has its own record
        at = np.array([begin])
        first = [float(_in_segments(series[name], c, rule, at, at, middles[:1])[0]) for name, c in model.covs.items()]
        if first != values[0].tolist():
            times, values = np.append(begin, times), np.vstack([first, values])
    for j, (name, c) in enumerate(model.covs.items()):
        low, high = float(values[:, j].min()), float(values[:, j].max())
        # an age stands for a step of time: its midpoint may lie half a step beyond the course
        slack = 0.5 * step / HOURS_PER[c.unit] if c.age else 1e-9 * max(abs(c.low) if math.isfinite(c.low) else 0.0, 1.0)
        if low < c.low - slack or high > c.high + slack:
            bad = low if low < c.low - slack else high
            message = f"{name} lies outside the range studied for {model.name}"
            allowed = _range(c)
            slips.refuse(name, c, bad, timeline)
            if model.outside == "refuse":
                raise InputError(message, where=who, value=bad, allowed=allowed, remedy="choose a model studied in such patients")
            findings.append(Finding("warning", "outside_studied_range", who, message, bad, allowed,
                                    "read the result as an extrapolation, or choose another model"))  # fmt: skip
    occasion = (
        np.searchsorted(np.array(timeline.occasions), times + 1e-9, side="right") if timeline.occasions else np.zeros(len(times))
    )
    return CovariateTable(begin, times, values, np.asarray(occasion, np.int64), tuple(findings))

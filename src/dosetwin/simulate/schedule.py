"""From timelines to compiled courses: sorted events, covariates as piecewise constants, ragged arrays.

Order at one time: covariates, (infusion ends,) trough observations, doses, observations after the dose. Under ``nocb``
covariates come last, because the value of a record governs the interval before it.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from dosetwin import formulary
from dosetwin.declare import Model
from dosetwin.errors import Finding, InputError
from dosetwin.records import DoseEvent, Timeline
from dosetwin.simulate.covariates import CovariateTable, covariate_table
from dosetwin.simulate.event_loop import (
    BY_DURATION,
    BY_RATE,
    CONSTANT,
    COVARIATES,
    DOSE,
    DOSE_SS,
    DOSE_SS2,
    MODEL_DURATION,
    MODEL_RATE,
    OUTPUT,
    RESET,
)
from dosetwin.simulate.typical import has_lag, parameter_names, superposes

Rule = Literal["locf", "nocb", "linear"]
RULES: tuple[Rule, ...] = ("locf", "nocb", "linear")
FEW = 1000
"""Events that are looked through one by one sooner than by numpy."""
_MODES = {"duration": BY_DURATION, "rate": BY_RATE, "model_rate": MODEL_RATE, "model_duration": MODEL_DURATION,
          "constant": CONSTANT}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Schedule:
    """Compiled courses of one model. Tables of events are concatenated; table e owns events ptr[e]..ptr[e+1]-1.

    Course c follows the events of ``table[c]``, with the covariate rows these name counted from ``row0[c]``: courses that differ
    in covariates alone share their events (``uniform``); others have a table each.
    ``time`` h, ``kind`` (0 covariates, 1 dose, 2 dose at steady state, 3 output, 4 reset, 5 steady state added), ``index``
    covariate row, or of a dose compartment + n_states * what was written of its input (event_loop), ``amount`` mg, ``duration``
    h, ``ii`` h (of a written-out ADDL dose of a model with lags: minus 1 minus the place of its record in the course);
    ``rows`` [n_rows, n_cov] covariate values, ``occasion`` [n_rows];
    ``begin`` [n_courses] start times; ``out_time`` output times of the tables, ``out_ptr`` [n_tables + 1].
    """

    ids: Sequence
    table: np.ndarray
    row0: np.ndarray
    ptr: np.ndarray
    time: np.ndarray
    kind: np.ndarray
    index: np.ndarray
    amount: np.ndarray
    duration: np.ndarray
    ii: np.ndarray
    rows: np.ndarray
    occasion: np.ndarray
    begin: np.ndarray
    out_time: np.ndarray
    out_ptr: np.ndarray
    occasions: int
    findings: tuple[Finding, ...]
    rule: Rule

    @property
    def n_courses(self) -> int:
        """Number of courses."""
        return len(self.begin)

    @cached_property
    def n_times(self) -> np.ndarray:
        """Output rows of each course."""
        return np.diff(self.out_ptr)[self.table]

    @cached_property
    def kinds(self) -> frozenset[int]:
        """Which kinds of events there are."""
        return frozenset(self.kind.tolist() if len(self.kind) < FEW else np.unique(self.kind).tolist())

    @cached_property
    def highest(self) -> int:
        """The highest ``index`` of an ordinary dose; -1 without any."""
        return int(self.index[self.kind == DOSE].max(initial=-1))

    @cached_property
    def again(self) -> np.ndarray:
        """[n_events] how many outputs follow an output in its table at steps equal to the one before it."""
        step = np.diff(self.time)
        output = self.kind == OUTPUT
        follows = np.zeros(len(self.time) + 1, dtype=bool)
        follows[1:-2] = output[1:-1] & output[2:] & (step[1:] == step[:-1])
        follows[self.ptr[1:] - 1] = follows[self.ptr[:-1]] = False
        place = np.arange(len(follows))
        return np.minimum.accumulate(np.where(follows, len(place), place)[::-1])[::-1][:-1] - place[:-1]

    @property
    def shares(self) -> bool:
        """Whether courses share events."""
        return len(self.table) != len(self.ptr) - 1

    def times_of(self, course: int) -> np.ndarray:
        """Output times of a course."""
        e = self.table[course]
        return self.out_time[self.out_ptr[e] : self.out_ptr[e + 1]]

    def apart(self, courses: Sequence[int]) -> "Schedule":
        """These courses with events of their own."""
        tables = self.table[courses]
        at = np.concatenate([np.arange(int(self.ptr[e]), int(self.ptr[e + 1])) for e in tables])
        index, lengths = self.index[at], np.diff(self.ptr)[tables]
        index[self.kind[at] == COVARIATES] += np.repeat(self.row0[courses], lengths)[self.kind[at] == COVARIATES]
        n = len(tables)
        return replace(
            self, ids=tuple(self.ids[c] for c in courses), table=np.arange(n), row0=np.zeros(n, np.int64),
            ptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), time=self.time[at], kind=self.kind[at], index=index,
            amount=self.amount[at], duration=self.duration[at], ii=self.ii[at], begin=self.begin[courses],
            out_time=np.concatenate([self.times_of(c) for c in courses]),
            out_ptr=np.concatenate([[0], np.cumsum(self.n_times[courses])]).astype(np.int64),
        )  # fmt: skip

    def rows_at_outputs(self, course: int = 0) -> np.ndarray:
        """Index of the covariate row in force at each output of a course."""
        found, row, table = [], 0, self.table[course]
        for e in range(self.ptr[table], self.ptr[table + 1]):
            if self.kind[e] == COVARIATES:
                row = int(self.index[e] + self.row0[course])
            elif self.kind[e] == OUTPUT:
                found.append(row)
        return np.array(found, dtype=np.int64)


def compartment(model: Model, cmt: str | int | None, record: str = "") -> int:
    """Index of the compartment a dose goes into; by name, or 1-based number as in NONMEM files.

    Raises InputError for an unknown one.
    """
    states = list(model.states)
    if cmt is None or cmt == "":
        return states.index(model.dose_cmt)
    if isinstance(cmt, str) and cmt in states:
        return states.index(cmt)
    alike = [k for k, s in enumerate(states) if isinstance(cmt, str) and s.casefold() == cmt.casefold()]
    if len(alike) == 1:
        return alike[0]
    number = int(cmt) if isinstance(cmt, int) or str(cmt).isdigit() else 0
    if not 1 <= number <= len(states):
        raise InputError("dose into an unknown compartment", where=record, value=cmt,
                         allowed=f"{', '.join(states)} or 1-{len(states)}", remedy=f"model {model.name}")  # fmt: skip
    return number - 1


def _written_out(model: Model, doses: Iterable[DoseEvent]) -> list[DoseEvent]:
    """Every single dose, refused before its time orders anything if it is impossible. Raises InputError."""
    doses = [d for given in doses for d in given.expanded()]
    for d in doses:
        where = d.record or f"dose at {d.time} h"
        if not (math.isfinite(d.amount) and math.isfinite(d.time) and d.duration >= 0 and d.amount >= 0):
            raise InputError("dose with an impossible amount, time or duration", where=where,
                             value=(d.amount, d.duration), allowed="finite, not negative")  # fmt: skip
        if d.ss and not d.ii > 0:
            raise InputError("SS=1 needs II > 0", where=where, value=d.ii)
        if d.ss == 2 and not superposes(model):
            raise InputError("SS=2 adds steady states up, which holds for linear kinetics without a baseline only", where=where,
                             value=model.name, remedy="write the earlier doses out")  # fmt: skip
        if d.infusion in ("model_rate", "model_duration"):
            letter, code = ("R", -1) if d.infusion == "model_rate" else ("D", -2)
            needed = f"{letter}_{list(model.states)[compartment(model, d.cmt, d.record)]}"
            if needed not in parameter_names(model):
                raise InputError(f"RATE {code} asks for the model's parameter {needed}, which {model.name} does not have",
                                 where=where, remedy="give AMT/duration as RATE, or the duration as DUR")  # fmt: skip
    return doses


def _events(
    model: Model,
    cov_times: Sequence[float] | np.ndarray,
    doses: Sequence[DoseEvent],
    times: np.ndarray,
    after: np.ndarray,
    rule: Rule,
    resets: Sequence[float] = (),
) -> tuple[np.ndarray, ...]:
    """Events of one course in the order they happen: time, kind, index, amount, duration, ii, each [n_events]."""
    # a dose at steady state is two events: the state it finds, which a trough at its time sees, and the dose itself
    steady = [d for d in doses if d.ss]
    doses = [d for d in doses if d.infusion != "constant"]  # which ends at its time: only the state it leaves
    given = [*steady, *doses]
    n_c, n_s, n_d, n_o, n_r = len(cov_times), len(steady), len(doses), len(times), len(resets)
    time = np.concatenate([cov_times, [d.time for d in given], times, resets])
    kind = np.repeat(np.array([COVARIATES, DOSE_SS, DOSE, OUTPUT, RESET], np.int8), [n_c, n_s, n_d, n_o, n_r])
    kind[n_c : n_c + n_s][[d.ss == 2 for d in steady]] = DOSE_SS2
    into: dict[str | int | None, int] = {}
    for d in given:
        if d.cmt not in into:
            into[d.cmt] = compartment(model, d.cmt, d.record)
    where = [into[d.cmt] + len(model.states) * _MODES[d.infusion] for d in given]
    index = np.concatenate([np.arange(n_c), where, np.arange(n_o), np.zeros(n_r)]).astype(np.int64)
    last = 9 if rule == "nocb" else 0
    # what is found by a dose at steady state is seen by a trough before it, unless a reset stands between them
    found = [4.5 if d.time in resets else 2 for d in steady]
    tie = np.concatenate([np.full(n_c, last), found, np.full(n_d, 5), np.where(after, 7, 3), np.full(n_r, 4)])
    tie[0] = -1  # the first covariate row opens the course under every rule
    pad_c, pad_o = np.zeros(n_c), np.zeros(n_o + n_r)
    amount = np.concatenate([pad_c, [d.amount for d in given], pad_o])
    duration = np.concatenate([pad_c, [d.duration for d in given], pad_o])
    ii = np.concatenate([pad_c, [d.ii if d.ss else 0.0 for d in given], pad_o])
    order = np.lexsort((np.arange(len(time)), tie, time))
    if has_lag(model) and any(d.origin is not None for d in doses):
        place = np.empty(len(order), dtype=np.int64)
        place[order] = np.arange(len(order))
        records = {(d.time, d.cmt): n_c + n_s + k for k, d in enumerate(doses) if d.origin is None}
        for k, d in enumerate(doses):
            record = None if d.origin is None else records.get((d.origin, d.cmt))
            if record is not None:
                ii[n_c + n_s + k] = -1.0 - place[record]
    return time[order], kind[order], index[order], amount[order], duration[order], ii[order]


class _Known:
    """What the courses of one timeline have in common, worked out once: its doses, written out, and its covariates."""

    def __init__(self, model: Model, timeline: Timeline, rule: Rule):
        self.findings: list[Finding] = []
        self.model = model
        self.rule: Rule = rule
        self.timeline = _of_model(model, timeline, self.findings)
        self.doses = _written_out(model, self.timeline.doses)
        self.at = [d.time for d in self.doses] + [o.time for o in self.timeline.observations]
        self.longest = -math.inf
        self.tables: dict[tuple[float, float], CovariateTable] = {}

    def span(self, times: np.ndarray, extra: Sequence[DoseEvent]) -> tuple[float, float]:
        """First and last moment (h) of a course with these output times and further doses."""
        starts = [*self.at, *(d.time for d in extra), *(float(t) for t in times[:1])]
        begin = min(starts, default=0.0)
        return begin, max([*starts, float(times[-1]) if len(times) else begin])

    def covariates(self, begin: float, end: float) -> CovariateTable:
        """The covariates of a course from ``begin`` to ``end``: the beginning of a longer course's where that has them.

        What holds at a time does not depend on what else is asked for; only whether a value lies outside the studied range does,
        so that a course of its own is made where a longer one leaves it.
        """
        longer = self._table(begin, max(end, self.longest))
        if end >= self.longest:
            return longer
        if any(f.code == "outside_studied_range" for f in longer.findings):
            return self._table(begin, end)
        n = int(np.searchsorted(longer.times, end, side="right"))
        return replace(longer, times=longer.times[:n], values=longer.values[:n], occasion=longer.occasion[:n])

    def _table(self, begin: float, end: float) -> CovariateTable:
        if (begin, end) not in self.tables:
            self.tables[begin, end] = covariate_table(self.model, self.timeline, begin, end, self.rule)
        return self.tables[begin, end]


def _course(known: _Known, times: np.ndarray, after: np.ndarray, extra: Sequence[DoseEvent]):
    model, timeline, rule = known.model, known.timeline, known.rule
    doses = [*known.doses, *_written_out(model, extra)] if extra else known.doses
    table = known.covariates(*known.span(times, extra))
    return table.begin, _events(model, table.times, doses, times, after, rule, timeline.resets), table


def _of_model(model: Model, timeline: Timeline, findings: list[Finding]) -> Timeline:
    """The timeline with the doses of the model's drug only; one of a drug that nobody declared is told."""
    others = [d for d in timeline.doses if d.drug and d.drug != model.drug]
    if not others:
        return timeline
    unknown = {d.drug: d for d in reversed(others) if d.drug not in formulary.by_name()}
    findings += [
        Finding("warning", "drug_unknown", d.record or f"dose at {d.time:g} h", "a dose of a drug no file declares; not used",
                d.drug, ", ".join(formulary.followed()), "correct its name, or give the drug's file")
        for d in unknown.values()
    ]  # fmt: skip
    if len(others) == len(timeline.doses) and model.drug in formulary.followed():
        findings.append(Finding("warning", "no_doses_of_drug", f"patient {timeline.patient.id}", f"no dose on record is of "
                                f"{model.drug}, which {model.name} is about", ", ".join(dict.fromkeys(d.drug for d in others)),
                                model.drug))  # fmt: skip
    return replace(timeline, doses=tuple(d for d in timeline.doses if not d.drug or d.drug == model.drug))


def _long_lags(model: Model, timeline: Timeline, table: CovariateTable) -> list[Finding]:
    """A remark where a typical lag is longer than the interval of a steady state: NONMEM asks for a shorter one."""
    found = []
    for d in timeline.doses:
        lag = f"LAG_{list(model.states)[compartment(model, d.cmt, d.record)]}"
        if not d.ss or d.infusion == "constant" or lag not in parameter_names(model):
            continue
        row = max(0, int(np.searchsorted(table.times, d.time, side="right")) - 1)
        p = model.individual(model.theta(), model.eta(*([0.0] * len(model.etas))), model.cov(*table.values[row].tolist()))
        if getattr(p, lag) >= d.ii:
            message = f"{lag} is no shorter than II at steady state: doses on their way are counted, where NONMEM asks for less"
            where = d.record or f"dose at {d.time:g} h"
            found.append(Finding("info", "lag_beyond_interval", where, message, float(getattr(p, lag)), f"< {d.ii:g} h"))
    return found[:1]


def schedule_many(
    model: Model,
    timelines: Sequence[Timeline],
    times: Sequence[Sequence[float] | np.ndarray],
    *,
    after: Sequence[Sequence[bool] | np.ndarray] | None = None,
    rule: Rule = "locf",
    extra_doses: Sequence[Sequence[DoseEvent]] | None = None,
) -> Schedule:
    """Compile several courses: ``times[c]`` ascending output times (h) of course c; ``after[c]`` True where an output at
    the time of a dose is taken after it; ``extra_doses[c]`` doses added to the timeline's.

    Raises
    ------
    InputError : a needed covariate is missing under policy ``refuse``, outside the range of a model that refuses, an
        unknown compartment or rule, times out of order.
    """
    if rule not in RULES:
        raise InputError("unknown covariate rule", where="covariates", value=rule, allowed=", ".join(RULES))
    parts: list[tuple[np.ndarray, ...]] = []
    tables: list[CovariateTable] = []
    begins: list[float] = []
    out_times: list[np.ndarray] = []
    findings: list[Finding] = []
    row = 0
    of = {key: _Known(model, t, rule) for key, t in {id(t): t for t in timelines}.items()}
    wishes = [np.asarray(t, dtype=np.float64) for t in times]
    for c, timeline in enumerate(timelines if len(of) < len(timelines) else ()):
        known = of[id(timeline)]
        known.longest = max(known.longest, known.span(wishes[c], extra_doses[c] if extra_doses else ())[1])
    for c, timeline in enumerate(timelines):
        wanted = wishes[c]
        if len(wanted) and (not np.all(np.isfinite(wanted)) or np.any(np.diff(wanted) < 0)):
            raise InputError("output times must be finite and ascending", where=f"patient {timeline.patient.id}")
        flags = np.zeros(len(wanted), bool) if after is None else np.asarray(after[c], dtype=bool)
        known = of[id(timeline)]
        timeline, told = known.timeline, known.findings
        begin, events, table = _course(known, wanted, flags, extra_doses[c] if extra_doses else ())
        events[2][events[1] == COVARIATES] += row
        row += len(table.times)
        parts.append(events)
        tables.append(table)
        begins.append(begin)
        out_times.append(wanted)
        remarks = _long_lags(model, timeline, table) if has_lag(model) and any(d.ss for d in timeline.doses) else []
        findings += (*told, *table.findings, *remarks)
    lengths = [len(p[0]) for p in parts]
    stacked = parts[0] if len(parts) == 1 else [np.ascontiguousarray(np.concatenate([p[i] for p in parts])) for i in range(6)]
    return Schedule(
        ids=tuple(t.patient.id for t in timelines),
        table=np.arange(len(timelines)),
        row0=np.zeros(len(timelines), np.int64),
        ptr=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        time=stacked[0],
        kind=stacked[1],
        index=stacked[2],
        amount=stacked[3],
        duration=stacked[4],
        ii=stacked[5],
        rows=np.ascontiguousarray(np.concatenate([t.values for t in tables])),
        occasion=np.concatenate([t.occasion for t in tables]).astype(np.int64),
        begin=np.array(begins, dtype=np.float64),  # a record in whole hours would ask for a kernel of its own
        out_time=np.concatenate(out_times),
        out_ptr=np.concatenate([[0], np.cumsum([len(t) for t in out_times])]).astype(np.int64),
        occasions=1 + max((len(t.occasions) for t in timelines), default=0),
        findings=tuple(dict.fromkeys(findings)),
        rule=rule,
    )


def schedule_for(
    model: Model,
    timeline: Timeline,
    times: Sequence[float] | np.ndarray,
    *,
    after: Sequence[bool] | np.ndarray | None = None,
    rule: Rule = "locf",
    extra_doses: Sequence[DoseEvent] = (),
) -> Schedule:
    """Compile one course (see schedule_many).

    Examples
    --------
    >>> from dosetwin import Covariate, DoseEvent, Patient, Timeline, models
    >>> newborn = Timeline(
    ...     Patient("one", BW=1.1), (DoseEvent(0.0, 17.5, 0.5),),
    ...     covariates=(Covariate(0.0, "WT", 1.1, "kg"), Covariate(0.0, "PNA", 3.0, "d")),
    ... )
    >>> schedule_for(models.load("amikacin_decock_2012"), newborn, [1.0, 24.0]).occasions
    1
    """
    return schedule_many(
        model, [timeline], [times], after=None if after is None else [after], rule=rule, extra_doses=[extra_doses]
    )


def uniform(
    model: Model,
    doses: Sequence[DoseEvent],
    times: Sequence[float] | np.ndarray,
    cov_times: Sequence[float] | np.ndarray,
    cov: np.ndarray,
) -> Schedule:
    """A cohort with common doses, output times and covariate times; ``cov`` [n_subjects, n_cov_times, n_cov] per subject."""
    cov = np.asarray(cov, dtype=np.float64)
    n, n_c, _ = cov.shape
    given = _written_out(model, doses)
    wanted = np.asarray(times, dtype=np.float64)
    time, kind, index, amount, duration, ii = _events(model, cov_times, given, wanted, np.zeros(len(wanted), bool), "locf")
    if kind[0] != COVARIATES or index[0] != 0:
        raise InputError("the first covariate time must be the first event", where="schedule", value=float(cov_times[0]))
    return Schedule(
        ids=range(1, n + 1),
        table=np.zeros(n, np.int64),
        row0=np.arange(n, dtype=np.int64) * n_c,
        ptr=np.array([0, len(time)]),
        time=time,
        kind=kind,
        index=index,
        amount=amount,
        duration=duration,
        ii=ii,
        rows=np.ascontiguousarray(cov.reshape(n * n_c, -1)),
        occasion=np.zeros(n * n_c, np.int64),
        begin=np.full(n, float(cov_times[0])),
        out_time=wanted,
        out_ptr=np.array([0, len(wanted)]),
        occasions=1,
        findings=(),
        rule="locf",
    )

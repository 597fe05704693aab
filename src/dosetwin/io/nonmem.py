"""NONMEM-style CSV in and out: one record per line, strict, and every inference echoed.

Columns ``ID TIME AMT RATE EVID CMT II ADDL SS DV MDV`` (also ``DATE DUR DVID OCC BLQ LOQ CENS LIMIT``), any case; every other
numeric column is a covariate. ``.``, an empty cell and ``NA`` are missing. docs/tables.md is the reference.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.errors import Finding, InputError, Severity, UnknownName
from dosetwin.io import unit_columns
from dosetwin.io.table import find_columns, raise_all, read_rows
from dosetwin.quantities import traits
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

if TYPE_CHECKING:
    from pandas import DataFrame

from dosetwin.io.nonmem_columns import _CODE, Columns, OfColumns

TRAITS = frozenset(traits()) - {"SEX"}
"""Columns that belong to the patient where they hold one value; SEX stays a covariate, whose coding is the table's own."""
MOST_ADDL = 10_000
"""More repeats of one dose than anybody is given: a guard against a slip of the pen."""


@dataclass(frozen=True)
class Echo:
    """How a table was understood: which column became what, what was inferred, how much was read.

    ``columns`` canonical name -> header, ``unread`` headers of columns that no record was made of,
    ``header`` all of them in order.
    """

    source: str
    columns: dict[str, str]
    covariates: tuple[str, ...]
    subjects: int
    doses: int
    observations: int
    asked: int
    unread: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        body = {k: v for k, v in self.__dict__.items() if k != "findings"}
        return body | {"findings": [f.to_json() for f in self.findings]}


def read_table(source: "Path | str | DataFrame", map: Mapping[str, str] | None = None) -> tuple[list[Timeline], Echo]:
    """The subjects of a table in file order, and how it was understood.

    Parameters
    ----------
    source : a CSV file (UTF-8, also packed as .gz; comma, or semicolon, tab or blanks throughout), or a pandas DataFrame.
    map : model name -> column name, e.g. ``{"WT": "WGT"}``: what the model calls WT stands in column WGT. Codes of observations
        likewise: ``{"SCR": "CMT:2", "INR": "DVID:pca"}``. ``{"IGNORE": "WARD,CMT:3"}`` leaves a column, or records, out.

    Times are the file's (h); amounts mg and levels mg/L unless the model says otherwise; covariates are not converted.
    A covariate that never changes within a subject is one Covariate at its first record; otherwise one per filled cell.
    Missing cells stay missing. Columns that hold only text are not covariates (warning ``text_column_ignored``).
    Raises InputError (UnknownName for a mapped column that is not there), one line naming file and line.

    >>> import pandas as pd
    >>> rows = pd.DataFrame({"ID": [1, 1], "TIME": [0, 24], "AMT": [17.5, None], "DV": [None, 4.2], "WT": [1.1, 1.1]})
    >>> timelines, _ = read_table(rows)
    >>> timelines[0].observations[0].value
    4.2
    """
    table = read_rows(source)
    columns = {k: v for k, v in (map or {}).items() if k != "IGNORE" and not _CODE.fullmatch(v)}
    left_out = [w for w in (map or {}).get("IGNORE", "").split(",") if w]
    columns["IGNORE"] = ",".join(w for w in left_out if not _CODE.fullmatch(w))
    codes = {v: k for k, v in (map or {}).items() if k != "IGNORE" and _CODE.fullmatch(v)}
    codes |= {w: "" for w in left_out if _CODE.fullmatch(w)}
    where, units = find_columns(table, columns)
    return _Reader(table, where, units, codes).read()


# ------------------------------------------------------------------------------------------------ cells to records


_COUNTED: dict[str, tuple[Severity, str, str]] = {
    "clock_restarted": ("warning", "TIME starts again at a reset: what follows is put one hour after what was before, here and "
                        "in every output", "give hours since the first record of the subject"),
    "additional_doses_cancelled": ("info", "additional doses (ADDL) still to come are cancelled by a reset or steady state", ""),
    "dose_items_unused": ("warning", "RATE, DUR, II, ADDL or SS on a record that gives no dose is not used", "write 0"),
    "ii_unused": ("warning", "II without ADDL or SS is not used", "add ADDL if the dose was repeated"),
    "records_left_out": ("warning", "observations are left out, as --map IGNORE says", ""),
    "dv_below_loq": ("warning", "DV lies below LOQ and is taken as below quantification", "set BLQ to 1, or correct LOQ"),
    "dv_without_observation": ("warning", "DV on a record that is no observation (EVID not 0) is not used",
                               "give the level a line of its own (EVID 0)"),
}  # fmt: skip


@dataclass
class _Subject:
    """What the rows of one ID add up to."""

    doses: list[DoseEvent] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    asked: list[Observation] = field(default_factory=list)
    occasions: list[float] = field(default_factory=list)
    resets: list[float] = field(default_factory=list)
    last_dose: float = -inf
    last: float = -inf
    shift: float = 0.0


class _Reader(OfColumns):
    """The columns of one table while they become records."""

    def read(self) -> tuple[list[Timeline], Echo]:
        columns = self.all()
        ids = self.ids
        self.several = len({*columns.drug} - {""}) > 1
        covariates = self.covariates()
        self.against_rate(columns.amount, columns.rate)
        raise_all([self.unreadable[place] for place in sorted(self.unreadable)])

        out: list[Timeline] = []
        counts = [0, 0, 0]
        start = 0
        while start < self.n:
            stop = start + 1
            while stop < self.n and ids[stop] == ids[start]:
                stop += 1
            of = _Subject()
            for i in range(start, stop):
                if i in self.wrong:  # what else it seems to be wrong about may follow from that
                    continue
                try:
                    self.row(i, i == start, columns, of)
                except InputError as error:
                    self.wrong[i] = error
            patient = self.patient(ids[start], covariates, start, stop)
            known = tuple(c for name, column in covariates for c in self.series(name, column, columns.time, start, stop))
            out.append(Timeline(patient, tuple(of.doses), tuple(of.observations), known, None, tuple(of.occasions), (),
                                tuple(of.asked), resets=tuple(of.resets)))  # fmt: skip
            counts = [a + len(b) for a, b in zip(counts, (of.doses, of.observations, of.asked), strict=True)]
            start = stop
        raise_all([self.wrong[i] for i in sorted(self.wrong)])
        for kind, code in self.codes:
            if (kind, code) not in self.met:
                raise UnknownName(f"no record has {kind} {code}", where=self.name, value=f"{kind}:{code}")
        for code, lines in self.counted.items():
            severity, message, remedy = _COUNTED[code]
            shown = ", ".join(map(str, lines[:5])) + (", ..." if len(lines) > 5 else "")
            self.findings.append(Finding(severity, code, self.name, f"{message}: line {shown}", len(lines), "", remedy))
        used = {key: self.header[index] for key, index in self.where.items() if index not in self.unit_columns.values()}
        names = tuple(name for name, _ in covariates)
        unread = tuple(h for h in self.header if h in self.unread)
        return out, Echo(
            self.name, used, names, len(out), counts[0], counts[1], counts[2], unread, tuple(self.header), tuple(self.findings)
        )

    def row(self, i: int, first: bool, c: "Columns", of: "_Subject") -> None:
        """Add a row to its subject, ``first`` of it or not. Raises InputError."""
        record, kind = f"{self.name}:{self.lines[i]}", c.evid[i]
        if isnan(c.time[i]):
            raise self.fail(i, "TIME is missing")
        if kind in (3, 4) and not first and c.time[i] + of.shift < of.last:
            # the clock starts again: what follows stands one hour after what was before, and the finding says so
            of.shift = of.last + 1.0 - c.time[i]
            self.count("clock_restarted", i)
        t = c.time[i] = c.time[i] + of.shift
        if not first and t < of.last:
            raise self.fail(
                i, f"TIME goes back within ID {self.ids[i]}", t, f">= {of.last:g}", "sort the records, or reset with EVID 3"
            )
        if not first and kind != 2 and self.rows[i] == self.rows[i - 1]:
            raise self.fail(i, "the record repeats the line before it", remedy="remove the duplicate")
        if not first and c.occ[i] != c.occ[i - 1] and not isnan(c.occ[i]):
            of.occasions.append(t)
        of.last = t
        if kind in (3, 4):
            self.reset(i, t, of)
        if kind in (1, 4):
            made = self.dose(i, c, record)
            if made.ss == 1:
                self.cancel(of, t, i)
            of.doses.append(made)
            of.last_dose = t
            return
        if not isnan(c.amount[i]) and c.amount[i] != 0:
            what = "an observation record (EVID 0)" if kind == 0 else f"a record of EVID {kind}"
            raise self.fail(i, f"AMT on {what}", c.amount[i], "0 or .", "set EVID to 1 if this is a dose")
        if c.ss[i] and c.rate[i] > 0:
            raise self.fail(i, "an infusion to steady state on a record that is no dose", c.rate[i], "", "set EVID to 1")
        if any(v != 0 and not isnan(v) for v in (c.rate[i], c.dur[i], c.ii[i], c.addl[i], c.ss[i])):
            self.count("dose_items_unused", i)
        if kind == 3:
            return
        measures = "" if c.dvid[i] is None else str(c.dvid[i])
        if not measures and self.several:
            measures = c.drug[i]  # of two drugs, the level of this one
        cmt = c.cmt[i]
        for code in (("DVID", c.dvid[i]), ("CMT", cmt)):
            if code in self.codes:
                self.met.add(code)  # type: ignore[arg-type]
                measures = self.codes[code]  # type: ignore[index]
                if not measures:
                    self.count("records_left_out", i)
                    return
                if code[0] == "CMT":
                    cmt = None  # said and done
                break
        after = t == of.last_dose
        if c.mdv[i]:
            of.asked.append(Observation(t, measures, nan, after_dose=after, record=record, cmt=cmt))
            return
        value, blq, unit = c.dv[i], c.blq[i], self.stated("DV", i)
        limit = None if isnan(c.loq[i]) else c.loq[i] * (1.0 if i in self.below_dv else self.limit_in(unit, i))
        if limit is not None and limit < 0:
            raise self.fail(i, "LOQ is negative", limit, "> 0")
        if blq and limit is not None and value > limit * (1 + 1e-9):
            raise self.fail(i, "below quantification, but DV lies above LOQ", value, f"<= {limit:g}", "correct BLQ, DV or LOQ")
        if not blq and limit is not None and value < limit:
            self.count("dv_below_loq", i)
            blq = True
        if blq:
            limit = limit if limit is not None else (value if value > 0 else None)
            if limit is None:
                raise self.fail(i, "below quantification, but no limit", remedy="add an LOQ column, or put the limit in DV")
            value = limit
        of.observations.append(Observation(t, measures, value, "", limit, blq, 0.0, after, "", record, cmt, unit))

    def limit_in(self, unit: str, i: int) -> float:
        """What the LOQ of a row is multiplied by to be in the unit of its DV; 1 where LOQ states none of its own."""
        own = self.stated("LOQ", i)
        if not own or own == unit:
            return 1.0
        factor = unit_columns.ratio(own, unit or "mg/L")
        if factor is None:
            raise self.fail(i, "LOQ and DV have units that do not go together", own, unit or "mg/L", "state both in one unit")
        return factor

    def reset(self, i: int, t: float, of: "_Subject") -> None:
        """Set back: pending additional doses are cancelled, as in NONMEM."""
        if of.last_dose == t and t not in of.resets:
            raise self.fail(
                i, "a dose at the time of the reset that follows it would be wiped out", t, "", "put the dose after it"
            )
        self.cancel(of, t, i)
        of.resets.append(t)
        of.last_dose = t

    def cancel(self, of: "_Subject", t: float, i: int) -> None:
        """Additional doses still to come at ``t`` are not given: a reset or a steady state takes their place."""
        for k, d in enumerate(of.doses):
            kept = sum(d.time + n * d.ii < t - 1e-9 for n in range(1, d.addl + 1))
            if kept < d.addl:
                of.doses[k] = replace(d, addl=kept)
                self.count("additional_doses_cancelled", i)

    def dose(self, i: int, c: "Columns", record: str) -> DoseEvent:
        amount, rate, dur, ii, addl, ss = c.amount[i], c.rate[i], c.dur[i], c.ii[i], c.addl[i], c.ss[i]
        given, modelled = rate > 0, rate in (-1, -2)
        if amount < 0:
            raise self.fail(i, "AMT is negative", amount, "> 0")
        if rate < 0 and not modelled:
            raise self.fail(i, "RATE is negative", rate, ">= 0, or -1 or -2 for a modelled rate or duration")
        if dur < 0:
            raise self.fail(i, "DUR is negative", dur, ">= 0")
        if not 0 <= addl <= MOST_ADDL:
            remedy = "a negative ADDL (NONMEM's empirical steady state) is not read: write SS and II" if addl < 0 else ""
            raise self.fail(i, "ADDL not accepted", addl, f"0 to {MOST_ADDL}", remedy)
        if ii < 0:
            raise self.fail(i, "II is negative", ii, ">= 0")
        interval = 0.0 if isnan(ii) else ii
        if (isnan(amount) or amount == 0) and ss and given:
            if interval or addl or dur > 0:
                raise self.fail(
                    i, "AMT 0 with RATE and SS is a constant infusion: no II, ADDL or DUR", interval or addl or dur, "0"
                )
            return DoseEvent(c.time[i], rate, 1.0, c.cmt[i], 1.0, 0, ss, record, "constant", drug=c.drug[i])
        if isnan(amount) or amount == 0:
            raise self.fail(i, "dose without amount", None if isnan(amount) else amount, "AMT > 0", "give AMT, or set EVID to 2")
        if (addl or ss) and not interval > 0:
            raise self.fail(i, f"{'ADDL' if addl else 'SS'} without II", interval, "II > 0")
        if interval and not addl and not ss:
            self.count("ii_unused", i)
        duration = amount / rate if given else 0.0
        if not isfinite(duration):
            raise self.fail(i, "RATE is too small for AMT", rate)
        if dur > 0 and (modelled or (given and abs(duration - dur) > 1e-3 * dur)):
            said = f"AMT/RATE is {duration:.6g} h" if given else f"RATE {rate:g} asks the model"
            raise self.fail(i, f"RATE and DUR contradict each other: {said}", dur, "one of them", "correct one, or leave it out")
        if modelled:
            return DoseEvent(c.time[i], amount, 0.0, c.cmt[i], interval, addl, ss, record,
                             "model_rate" if rate == -1 else "model_duration", drug=c.drug[i])  # fmt: skip
        if not given and dur > 0:
            duration = dur
        how = "rate" if given else "duration"
        return DoseEvent(c.time[i], amount, duration, c.cmt[i], interval, addl, ss, record, how, drug=c.drug[i])

    def series(self, name: str, column: list[float], time: list[float], start: int, stop: int) -> list[Covariate]:
        """The subject's values of one covariate; a constant is one record, whatever rule is used between records."""
        filled = [i for i in range(start, stop) if column[i] == column[i]]
        if not filled:
            return []
        first = column[filled[0]]
        if all(column[i] == first for i in filled):
            filled = filled[:1]
        # records of one time repeat their covariates: that is one value, not a copy of a record
        filled = [
            i for k, i in enumerate(filled) if not k or (time[i], column[i]) != (time[filled[k - 1]], column[filled[k - 1]])
        ]
        return [Covariate(time[i], name, column[i], "", f"{self.name}:{self.lines[i]}") for i in filled]

    @staticmethod
    def patient(identity: str, covariates: list[tuple[str, list[float]]], start: int, stop: int) -> Patient:
        fixed: dict[str, float] = {}
        for name, column in covariates:
            if name in TRAITS:
                known = {v for v in column[start:stop] if not isnan(v)}
                if len(known) == 1:
                    fixed[name] = known.pop()
        return Patient(identity, traits=fixed)

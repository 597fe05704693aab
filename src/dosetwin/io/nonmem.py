"""NONMEM-style CSV in and out: one record per line, strict, and every inference echoed.

Columns ``ID TIME AMT RATE EVID CMT II ADDL SS DV MDV`` (also ``DVID OCC BLQ LOQ CENS LIMIT``), any case; every other
numeric column is a covariate. ``.``, an empty cell and ``NA`` are missing. Lines starting with ``#`` are comments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.errors import Finding, InputError
from dosetwin.io.table import MISSING, STANDARD, find_columns, is_number, raise_all, read_rows
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

if TYPE_CHECKING:
    from pandas import DataFrame

SEX_CODES = {"male": 1.0, "m": 1.0, "female": 0.0, "f": 0.0}
"""Text accepted in a column named SEX: male 1, female 0, said in a finding."""
MOST_ADDL = 10_000
"""More repeats of one dose than anybody is given: a guard against a slip of the pen."""

_UNREADABLE = ("rate -1 and -2 ask for a modelled rate or duration, which models here do not have", "give AMT/duration as RATE")


@dataclass(frozen=True)
class Echo:
    """How a table was understood: which column became what, what was inferred, how much was read."""

    source: str
    columns: dict[str, str]
    covariates: tuple[str, ...]
    subjects: int
    doses: int
    observations: int
    asked: int
    findings: tuple[Finding, ...] = field(default=())

    def to_json(self) -> dict[str, Any]:
        body = {k: v for k, v in self.__dict__.items() if k != "findings"}
        return body | {"findings": [f.to_json() for f in self.findings]}


def read_table(source: "Path | str | DataFrame", map: Mapping[str, str] | None = None) -> tuple[list[Timeline], Echo]:
    """The subjects of a table in file order, and how it was understood.

    Parameters
    ----------
    source : a CSV file (UTF-8; comma, or semicolon or tab throughout), or a pandas DataFrame.
    map : model name -> column name, e.g. ``{"WT": "WGT"}``: what the model calls WT stands in column WGT.

    Times are the file's (h); amounts mg and levels mg/L unless the model says otherwise; covariates are not converted.
    A covariate that never changes within a subject is one Covariate at its first record; otherwise one per filled cell.
    Missing cells stay missing. Columns that hold only text are not covariates (warning ``text_column_ignored``).
    Raises InputError (UnknownName for a mapped column that is not there), one line naming file and line.
    """
    name, header, rows, lines, findings = read_rows(source)
    where = find_columns(name, header, map or {}, findings)
    return _Reader(name, header, rows, lines, where, findings).read()


# ------------------------------------------------------------------------------------------------ cells to records


@dataclass(frozen=True)
class _Columns:
    """The columns every row is read from, one entry a row; nan, None and 0 stand for what is missing."""

    time: list[float]
    amount: list[float]
    dv: list[float]
    evid: list[int]
    mdv: list[bool]
    rate: list[float]
    ii: list[float]
    loq: list[float]
    addl: list[int]
    ss: list[int]
    cmt: list[str | int | None]
    dvid: list[str | int | None]
    blq: list[bool]
    occ: list[float]


@dataclass
class _Subject:
    """What the rows of one ID add up to."""

    doses: list[DoseEvent] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)
    asked: list[Observation] = field(default_factory=list)
    occasions: list[float] = field(default_factory=list)
    last_dose: float = -inf


class _Reader:
    """The columns of one table while they become records."""

    def __init__(
        self,
        name: str,
        header: list[str],
        rows: list[list[str]],
        lines: list[int],
        where: dict[str, int],
        findings: list[Finding],
    ):
        self.name, self.header, self.lines, self.where, self.findings = name, header, lines, where, findings
        self.cells = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
        self.rows = rows
        self.n = len(rows)
        self.unreadable: dict[tuple[int, int], InputError] = {}
        self.wrong: dict[int, InputError] = {}

    def fail(self, row: int, message: str, value: object = None, allowed: str = "", remedy: str = "") -> InputError:
        return InputError(message, where=f"{self.name}:{self.lines[row]}", value=value, allowed=allowed, remedy=remedy)

    def note(self, row: int, message: str, value: object = None, allowed: str = "", remedy: str = "") -> None:
        """Remember what is wrong with a row, the first thing only; ``read`` raises them all together."""
        self.wrong.setdefault(row, self.fail(row, message, value, allowed, remedy))

    def numbers(self, key: str) -> list[float]:
        """A column as floats, nan where missing; also where unreadable, which is remembered for ``read`` to raise."""
        at = self.where[key]
        out = []
        for row, cell in enumerate(self.cells[at]):
            readable = is_number(cell)
            if not readable and cell not in MISSING:
                remedy = "give hours since the first record, not a clock time" if key == "TIME" and ":" in cell else ""
                message = f"{key} is not a finite number"
                self.unreadable[row, at] = self.fail(row, message, cell[:60], "a number, or . for missing", remedy)
            out.append(float(cell) if readable else nan)
        return out

    def has_number(self, key: str) -> bool:
        """Whether any cell is a number; a covariate without any is text."""
        column = self.cells[self.where[key]]
        return any(is_number(cell) for cell in column[:50]) or any(is_number(cell) for cell in column)

    def column(self, key: str) -> list[float] | None:
        return self.numbers(key) if key in self.where else None

    def whole(self, key: str, default: int, allowed: Sequence[int] | None = None) -> list[int]:
        """A column of whole numbers, ``default`` where missing or absent."""
        column = self.column(key)
        if column is None:
            return [default] * self.n
        expected = ", ".join(map(str, allowed)) if allowed else "a whole number"
        out = []
        for i, v in enumerate(column):
            good = not isnan(v) and v == int(v) and (allowed is None or v in allowed)
            if not good and not isnan(v):
                self.note(i, f"{key} not accepted", self.cells[self.where[key]][i], expected)
            out.append(int(v) if good else default)
        return out

    def labels(self, key: str) -> list[str | int | None]:
        """A column of numbers or names (CMT, DVID), None where missing."""
        if key not in self.where:
            return [None] * self.n
        out: list[str | int | None] = []
        for i, cell in enumerate(self.cells[self.where[key]]):
            if cell in MISSING:
                out.append(None)
            elif is_number(cell):
                v = float(cell)
                if v != int(v):
                    self.note(i, f"{key} not accepted", cell, "a whole number or a name")
                out.append(int(v))
            else:
                out.append(cell)
        return out

    def read(self) -> tuple[list[Timeline], Echo]:
        self.ids = ids = self.identities()
        none = [nan] * self.n
        amount, dv = self.column("AMT") or none, self.column("DV") or none
        evid = self.evid(amount)
        columns = _Columns(
            self.numbers("TIME"), amount, dv, evid, self.mdv(evid, dv), self.column("RATE") or none, self.column("II") or none,
            self.column("LOQ") or none, self.whole("ADDL", 0), self.whole("SS", 0, (0, 1)), self.labels("CMT"),
            self.labels("DVID"), self.blq(), self.column("OCC") or none,
        )  # fmt: skip
        covariates = self.covariates()
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
                                tuple(of.asked)))  # fmt: skip
            counts = [a + len(b) for a, b in zip(counts, (of.doses, of.observations, of.asked), strict=True)]
            start = stop
        raise_all([self.wrong[i] for i in sorted(self.wrong)])
        used = {key: self.header[index] for key, index in self.where.items()}
        names = tuple(name for name, _ in covariates)
        echo = Echo(self.name, used, names, len(out), counts[0], counts[1], counts[2], tuple(self.findings))
        return out, echo

    def row(self, i: int, first: bool, c: "_Columns", of: "_Subject") -> None:
        """Add a row to its subject, ``first`` of it or not. Raises InputError."""
        t, record = c.time[i], f"{self.name}:{self.lines[i]}"
        if isnan(t):
            raise self.fail(i, "TIME is missing")
        if not first and t < c.time[i - 1]:
            remedy = "sort the records, or give a new ID after a reset"
            raise self.fail(i, f"TIME goes back within ID {self.ids[i]}", t, f">= {c.time[i - 1]:g}", remedy)
        if not first and c.evid[i] != 2 and self.rows[i] == self.rows[i - 1]:
            raise self.fail(i, "the record repeats the line before it", remedy="remove the duplicate")
        if not first and c.occ[i] != c.occ[i - 1] and not isnan(c.occ[i]):
            of.occasions.append(t)
        if c.evid[i] == 1:
            of.doses.append(self.dose(i, c, record))
            of.last_dose = t
            return
        if c.evid[i] == 0 and not isnan(c.amount[i]) and c.amount[i] != 0:
            raise self.fail(i, "AMT on an observation record (EVID 0)", c.amount[i], "0 or .", "set EVID to 1 if this is a dose")
        measures = "" if c.dvid[i] is None else str(c.dvid[i])
        after = t == of.last_dose
        if c.mdv[i]:
            of.asked.append(Observation(t, measures, nan, after_dose=after, record=record, cmt=c.cmt[i]))
            return
        limit = None if isnan(c.loq[i]) else c.loq[i]
        value = c.dv[i]
        if c.blq[i]:
            limit = limit if limit is not None else (value if value > 0 else None)
            if limit is None:
                raise self.fail(i, "below quantification, but no limit", remedy="add an LOQ column, or put the limit in DV")
            value = limit
        of.observations.append(Observation(t, measures, value, "", limit, c.blq[i], 0.0, after, "", record, c.cmt[i]))

    def identities(self) -> list[str]:
        seen: set[str] = set()
        out: list[str] = []
        column = self.cells[self.where["ID"]]
        for i, cell in enumerate(column):
            if i and cell == column[i - 1]:
                out.append(out[-1])
                continue
            if cell in MISSING:
                raise self.fail(i, "ID is missing")
            identity = cell
            if is_number(cell):
                v = float(cell)
                identity = str(int(v)) if v == int(v) else cell
            if i and identity == out[-1]:
                out.append(identity)
                continue
            if identity in seen:
                raise self.fail(
                    i,
                    f"the records of ID {identity} are not together",
                    identity,
                    "one block of lines per ID",
                    "sort by ID and TIME",
                )
            seen.add(identity)
            out.append(identity)
        return out

    def evid(self, amount: list[float]) -> list[int]:
        if "EVID" not in self.where:
            self.findings.append(
                Finding(
                    "info", "evid_inferred", self.name, "no EVID column: records with AMT > 0 are doses, all others observations"
                )
            )
            for i, a in enumerate(amount):
                if a < 0:
                    self.note(i, "AMT is negative", a, "> 0")
            return [1 if a > 0 else 0 for a in amount]
        column = self.numbers("EVID")
        out: list[int] = []
        for i, v in enumerate(column):
            if isnan(v):
                v = 1.0 if amount[i] > 0 else 0.0
            if v in (3, 4):
                remedy = "give the records after the reset their own ID"
                self.note(i, "EVID 3 and 4 (reset) are not supported", int(v), "0, 1, 2", remedy)
            elif v not in (0, 1, 2):
                self.note(i, "EVID not accepted", v, "0, 1, 2")
            out.append(int(v) if v in (0, 1, 2) else 2)
        if any(isnan(v) for v in column):
            self.findings.append(
                Finding(
                    "info",
                    "evid_inferred",
                    self.name,
                    "empty EVID cells: records with AMT > 0 are doses, all others observations",
                )
            )
        return out

    def mdv(self, evid: list[int], dv: list[float]) -> list[bool]:
        """True where no value was measured."""
        inferred = [e != 0 or isnan(v) for e, v in zip(evid, dv, strict=True)]
        if "MDV" not in self.where:
            self.findings.append(
                Finding(
                    "info", "mdv_inferred", self.name, "no MDV column: records without DV, and EVID 1 or 2, have no measurement"
                )
            )
            return inferred
        given = self.whole("MDV", -1, (0, 1))
        aside = 0
        for i, m in enumerate(given):
            if m == 0 and evid[i] == 0 and isnan(dv[i]):
                self.note(i, "MDV 0 but no DV", remedy="set MDV to 1, or give the value")
            aside += m == 1 and not inferred[i]
        if aside:
            self.findings.append(
                Finding(
                    "info",
                    "mdv_set_aside",
                    self.name,
                    f"{aside} observation records have a DV but MDV 1: predicted, not fitted",
                    aside,
                )
            )
        return [bool(m) if m >= 0 and evid[i] == 0 else inferred[i] for i, m in enumerate(given)]

    def blq(self) -> list[bool]:
        if "BLQ" in self.where:
            return [v == 1 for v in self.whole("BLQ", 0, (0, 1))]
        if "CENS" in self.where:
            if "LIMIT" in self.where:
                self.findings.append(
                    Finding("info", "limit_unused", self.name, "LIMIT is not used: censored values lie between 0 and DV")
                )
            return [v == 1 for v in self.whole("CENS", 0, (0, 1))]
        return [False] * self.n

    def dose(self, i: int, c: "_Columns", record: str) -> DoseEvent:
        amount, rate, ii, addl, ss = c.amount[i], c.rate[i], c.ii[i], c.addl[i], c.ss[i]
        if isnan(amount) or amount == 0:
            raise self.fail(i, "dose without amount", None if isnan(amount) else amount, "AMT > 0", "give AMT, or set EVID to 2")
        if amount < 0:
            raise self.fail(i, "AMT is negative", amount, "> 0")
        if rate < 0:
            raise self.fail(i, "RATE is negative", rate, ">= 0", "; ".join(_UNREADABLE) if rate in (-1, -2) else "")
        if not 0 <= addl <= MOST_ADDL:
            raise self.fail(i, "ADDL not accepted", addl, f"0 to {MOST_ADDL}")
        if ii < 0:
            raise self.fail(i, "II is negative", ii, ">= 0")
        interval = 0.0 if isnan(ii) else ii
        if (addl or ss) and not interval > 0:
            raise self.fail(i, f"{'ADDL' if addl else 'SS'} without II", interval, "II > 0")
        duration = amount / rate if rate > 0 else 0.0
        if not isfinite(duration):
            raise self.fail(i, "RATE is too small for AMT", rate)
        return DoseEvent(c.time[i], amount, duration, c.cmt[i], interval, addl, ss == 1, record)

    def covariates(self) -> list[tuple[str, list[float]]]:
        out: list[tuple[str, list[float]]] = []
        for key, index in self.where.items():
            if key in STANDARD and key != "OCC":
                continue
            column = self.cells[index]
            if not self.has_number(key):
                filled = {cell.lower() for cell in column if cell not in MISSING}
                if not filled:
                    self.findings.append(Finding("warning", "column_empty", self.name, f"column {self.header[index]} is empty"))
                elif key.upper() == "SEX" and filled <= set(SEX_CODES):
                    self.findings.append(
                        Finding("info", "sex_coded", self.name, f"column {self.header[index]}: male is 1, female is 0")
                    )
                    out.append((key, [SEX_CODES.get(cell.lower(), nan) for cell in column]))
                elif any(f.code == "column_mapped" and f.message.startswith(f"{key} is") for f in self.findings):
                    what = self.fail(0, f"{key} is not a number", column[0][:60], "numbers, or . for missing")
                    self.unreadable[0, index] = what
                else:
                    message = f"column {self.header[index]} holds text and is not used"
                    self.findings.append(
                        Finding(
                            "warning", "text_column_ignored", self.name, message, column[0][:60], "numbers", "code it as numbers"
                        )
                    )
                continue
            out.append((key, self.numbers(key)))
        return out

    def series(self, name: str, column: list[float], time: list[float], start: int, stop: int) -> list[Covariate]:
        """The subject's values of one covariate; a constant is one record, whatever rule is used between records."""
        filled = [i for i in range(start, stop) if column[i] == column[i]]
        if not filled:
            return []
        first = column[filled[0]]
        if all(column[i] == first for i in filled):
            filled = filled[:1]
        return [Covariate(time[i], name, column[i], "", f"{self.name}:{self.lines[i]}") for i in filled]

    @staticmethod
    def patient(identity: str, covariates: list[tuple[str, list[float]]], start: int, stop: int) -> Patient:
        fixed: dict[str, float] = {}
        for name, column in covariates:
            if name in ("GA", "BW"):
                known = {v for v in column[start:stop] if not isnan(v)}
                if len(known) == 1:
                    fixed[name] = known.pop()
        return Patient(identity, GA=fixed.get("GA"), BW=fixed.get("BW"))

"""What the columns of a NONMEM-style table say row by row: who, what kind of record, how much, of which drug, covariates."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan

from dosetwin import formulary
from dosetwin.errors import Finding
from dosetwin.io.cells import Cells
from dosetwin.io.table import MISSING, STANDARD, Rows, is_number
from dosetwin.quantities import QUANTITIES
from dosetwin.quantities.units import code_of

SEX_CODES = {"male": 1.0, "m": 1.0, "female": 0.0, "f": 0.0}
"""Text accepted in a column named SEX: male 1, female 0, said in a finding."""
_CODE = re.compile(r"(CMT|DVID):(.+)", re.IGNORECASE)


def code_named(word: str) -> tuple[str, str | int]:
    """``CMT:2`` as a column and the code in it, a whole number where it is one."""
    found = _CODE.fullmatch(word)
    assert found
    code = found[2].strip()
    return found[1].upper(), int(float(code)) if is_number(code) and float(code) == int(float(code)) else code


@dataclass(frozen=True)
class Columns:
    """The columns every row is read from, one entry a row; nan, None and 0 stand for what is missing."""

    time: list[float]
    amount: list[float]
    dv: list[float]
    evid: list[int]
    mdv: list[bool]
    rate: list[float]
    dur: list[float]
    ii: list[float]
    loq: list[float]
    addl: list[int]
    ss: list[int]
    cmt: list[str | int | None]
    dvid: list[str | int | None]
    blq: list[bool]
    occ: list[float]
    drug: list[str]


class OfColumns(Cells):
    """The columns of one table before they become records."""

    def __init__(self, table: Rows, where: dict[str, int], units: dict[str, str], codes: Mapping[str, str]):
        super().__init__(table, where, units)
        self.counted: dict[str, list[int]] = {}
        self.codes = {code_named(word): name for word, name in codes.items()}
        self.met: set[tuple[str, str | int]] = set()
        self.below_dv: dict[int, float] = {}
        self.several = False  # drugs

    def count(self, code: str, row: int) -> None:
        """Remember a row for the finding ``code`` of ``_COUNTED``."""
        self.counted.setdefault(code, []).append(self.lines[row])

    def all(self) -> "Columns":
        """Every column that records are made of."""
        self.ids = self.identities()
        none = [nan] * self.n
        below = self.below_dv = self.below()
        amount, dv = self.column("AMT") or none, self.column("DV") or none
        self.measured = dv
        loq = [below.get(i, v) for i, v in enumerate(self.column("LOQ") or none)]
        evid = self.evid(amount)
        blq = [flag or i in below for i, flag in enumerate(self.blq())]
        return Columns(
            self.times(), amount, dv, evid, self.mdv(evid, dv, blq), self.column("RATE") or none, self.column("DUR") or none,
            self.column("II") or none, loq, self.whole("ADDL", 0), self.whole("SS", 0, (0, 1, 2)), self.labels("CMT"),
            self.labels("DVID"), blq, self.column("OCC") or none, self.drugs(),
        )  # fmt: skip

    def identities(self) -> list[str]:
        """IDs as they are written (1.0 is 1), so that no digit of a long one is lost."""
        seen: dict[str, str] = {}
        out: list[str] = []
        column = self.cells[self.where["ID"]]
        numeric = all(is_number(cell) for cell in column if cell not in MISSING and cell.upper() != "C")
        for i, cell in enumerate(column):
            if i and cell == column[i - 1]:
                out.append(out[-1])
                continue
            if cell in MISSING:
                raise self.fail(i, "ID is missing")
            if numeric and cell.upper() == "C" and any(c.upper() != "C" for c in column):
                raise self.fail(i, "C stands where the other lines have an ID", cell, "", "comment with #, or in a column C")
            if is_number(cell) and re.search(r"\d[eE]", cell):
                raise self.fail(i, "an ID in exponent notation may have lost digits", cell, "all its digits", "format it as text")
            identity = re.sub(r"(?<=\d)\.0*$", "", cell) if is_number(cell) else cell
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
            alike = identity.lstrip("0").casefold()
            if alike in seen.values():
                other = next(k for k, v in seen.items() if v == alike)
                message = f"IDs {other} and {identity} differ only in how they are written: two subjects"
                self.findings.append(Finding("warning", "ids_alike", f"{self.name}:{self.lines[i]}", message, identity))
            seen[identity] = alike
            out.append(identity)
        return out

    def evid(self, amount: list[float]) -> list[int]:
        """What each row is: 0 an observation, 1 a dose, 2 neither, 3 and 4 a reset; said or read from its cells."""
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
            if v not in (0, 1, 2, 3, 4):
                self.note(i, "EVID not accepted", v, "0, 1, 2, 3, 4")
            out.append(int(v) if v in (0, 1, 2, 3, 4) else 2)
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

    def mdv(self, evid: list[int], dv: list[float], blq: list[bool]) -> list[bool]:
        """True where no value was measured."""
        inferred = [e != 0 or (isnan(v) and not b) for e, v, b in zip(evid, dv, blq, strict=True)]
        for i, (e, v) in enumerate(zip(evid, dv, strict=True)):
            if e != 0 and v != 0 and not isnan(v):
                self.count("dv_without_observation", i)
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
            if m == 0 and evid[i] in (1, 4) and not isnan(dv[i]) and dv[i] != 0:
                self.note(i, "MDV 0 and a DV on a dose record", dv[i], "", "give the level a line of its own (EVID 0)")
            if m == 0 and evid[i] == 0 and inferred[i]:
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
        """Whether each row is marked as below quantification."""
        if "BLQ" in self.where:
            self.unread.extend(self.header[self.where[k]] for k in ("CENS", "LIMIT") if k in self.where)
            flags, other = self.whole("BLQ", 0, (0, 1)), self.whole("CENS", -2)
            for i, (a, b) in enumerate(zip(flags, other, strict=True)):
                if b in (-1, 0, 1) and (b == 1) != (a == 1):
                    self.note(i, "BLQ and CENS contradict each other", f"BLQ {a}, CENS {b}", "the same in both",
                              "correct one, or leave it out: --map IGNORE=<its name>")  # fmt: skip
            return [v == 1 for v in flags]
        if "CENS" in self.where:
            if "LIMIT" in self.where:
                self.unread.append(self.header[self.where["LIMIT"]])
                self.findings.append(
                    Finding("info", "limit_unused", self.name, "LIMIT is not used: censored values lie between 0 and DV")
                )
            return [v == 1 for v in self.whole("CENS", 0, (0, 1))]
        if "LIMIT" in self.where:
            self.unread.append(self.header[self.where["LIMIT"]])
        return [False] * self.n

    def drugs(self) -> list[str]:
        """What a column DRUG of names says was given or measured, "" where nothing; a column of numbers is a covariate."""
        if "DRUG" not in self.where or self.has_number("DRUG"):
            return [""] * self.n
        out = []
        unknown: dict[str, list[int]] = {}
        for i, cell in enumerate(self.cells[self.where["DRUG"]]):
            said = "" if cell in MISSING else cell.strip().lower()
            of = formulary.by_name().get(said)
            if said and of is None:
                unknown.setdefault(said, []).append(i)
            out.append(said if of is None else of.name)
        for said, rows in unknown.items():
            message = f"{len(rows)} records of a drug that no file declares; a model of another drug does not use them"
            where, allowed = f"{self.name}:{self.lines[rows[0]]}", ", ".join(formulary.followed())
            remedy = "correct its name, or give the drug's file"
            self.findings.append(Finding("warning", "drug_unknown", where, message, said, allowed, remedy))
        return out

    def covariates(self) -> list[tuple[str, list[float]]]:
        """Every other column of numbers, by what it is called."""
        out: list[tuple[str, list[float]]] = []
        for key, index in self.where.items():
            if (key in STANDARD and key != "OCC") or (key == "DRUG" and not self.has_number(key)):
                continue
            column = self.cells[index]
            if index in self.unit_columns.values():
                continue
            if key in self.units and not formulary.known(key):
                message = f"column {self.header[index]}: the unit is not known here, and nothing is converted"
                self.findings.append(Finding("warning", "unit_unknown", self.name, message, self.units[key]))
            if not self.has_number(key):
                filled = {cell.lower() for cell in column if cell not in MISSING}
                if not filled:
                    self.unread.append(self.header[index])
                    self.findings.append(Finding("warning", "column_empty", self.name, f"column {self.header[index]} is empty"))
                elif key.upper() == "SEX" and filled <= set(SEX_CODES):
                    self.findings.append(
                        Finding("info", "sex_coded", self.name, f"column {self.header[index]}: male is 1, female is 0")
                    )
                    out.append((key, [SEX_CODES.get(cell.lower(), nan) for cell in column]))
                elif any(f.code == "column_mapped" and f.message.startswith(f"{key} is") for f in self.findings):
                    what = self.fail(0, f"{key} is not a number", column[0][:60], "numbers, or . for missing")
                    self.unreadable[0, index] = what
                elif formulary.known(key) and (row := self.with_unit(index)) is not None:
                    what = self.fail(
                        row,
                        f"{key} is not a number",
                        column[row][:60],
                        "a number",
                        "the unit stands in the header, as in WT (kg)",
                    )
                    self.unreadable[row, index] = what
                else:
                    self.against_time(index)
                    self.against_units(index)
                    self.against_words(index)
                    self.unread.append(self.header[index])
                    message = f"column {self.header[index]} holds text and is not used"
                    self.findings.append(
                        Finding(
                            "warning", "text_column_ignored", self.name, message, column[0][:60], "numbers", "code it as numbers"
                        )
                    )
                continue
            out.append((key, self.numbers(key)))
        return out

    def against_rate(self, amount: list[float], rate: list[float]) -> None:
        """Note a RATE without a unit beside an AMT that was converted: the two no longer go together."""
        column = self.unit_columns.get("AMT", self.unit_columns.get(""))
        if "RATE" in self.units or "RATE" in self.unit_columns:
            return
        for i, (a, r) in enumerate(zip(amount, rate, strict=True)):
            unit = self.units.get("AMT", "") if column is None else self.cells[column][i]
            if a > 0 and r > 0 and unit not in MISSING and code_of(unit, "amount") != QUANTITIES["amount"].unit:
                self.note(i, "AMT has a unit of its own, RATE has none", unit, "", "state it in the header, as in RATE (ug/h)")

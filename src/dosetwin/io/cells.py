"""The cells of one table as columns: numbers, whole numbers, labels, times; what cannot be read is remembered, not raised."""

import re
from collections.abc import Sequence
from math import isnan, nan

from dosetwin import formulary
from dosetwin.errors import Finding, InputError
from dosetwin.io import clock, spoken, unit_columns
from dosetwin.io.table import MISSING, STANDARD, Rows, is_number
from dosetwin.quantities import Quantity
from dosetwin.quantities.units import code_of, convert, is_foreign, known

SERIAL_DATES = (30_000.0, 80_000.0)
"""Where a spreadsheet's day numbers of 1982 to 2119 lie: a table whose every TIME lies there counts days."""

_QUANTITY = {"TIME": "time", "II": "duration", "DUR": "duration", "AMT": "amount", "RATE": "rate", "DV": "concentration",
             "LOQ": "concentration", "LIMIT": "concentration"}  # fmt: skip


def _how(key: str, cell: str) -> str:
    """What to write instead of a cell that is no number."""
    if re.search(r"\d[, '\u00a0]\d", cell):
        return "write a decimal point, and nothing between the thousands"
    if re.fullmatch(r"(nan|n/a|null|none|-+|missing|n\.?d\.?)", cell, re.IGNORECASE):
        return "write . where a value is missing"
    if key == "DV" and re.fullmatch(r"<?\s*[lb]*l?o?q|bql|bloq|<.*", cell, re.IGNORECASE):
        return "below quantification is written <LIMIT, or BLQ 1 with the limit in LOQ"
    if key == "DV" and cell.startswith(">"):
        return "a value above a limit is not read: give the diluted result, or set MDV to 1"
    return f"correct it, or leave the column out: --map IGNORE={key}" if key not in STANDARD else "correct the cell"


class Cells:
    """The columns of one table; ``where`` canonical name -> column, ``units`` what a header states."""

    def __init__(self, table: Rows, where: dict[str, int], units: dict[str, str]):
        self.name, self.header, self.lines, self.where, self.findings = (
            table.name,
            table.header,
            table.lines,
            where,
            table.findings,
        )
        self.cells = [[cell.strip() for cell in column] for column in zip(*table.rows, strict=True)]
        self.rows, self.unread, self.units = table.rows, table.unread, units
        self.n = len(self.rows)
        self.unit_columns = unit_columns.found(self.header, where, self.cells)
        self.ids: list[str] = []
        self.unreadable: dict[tuple[int, int], InputError] = {}
        self.wrong: dict[int, InputError] = {}
        self.measured: list[float] = []

    def fail(self, row: int, message: str, value: object = None, allowed: str = "", remedy: str = "") -> InputError:
        """An error that names file and line of a row."""
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
                self.unreadable[row, at] = self.fail(
                    row, f"{key} is not a finite number", cell[:60], "a number, or . for missing", _how(key, cell),
                )  # fmt: skip
            out.append(float(cell) if readable else nan)
        return self.converted(key, out)

    def converted(self, key: str, values: list[float]) -> list[float]:
        """In canonical units where the header or a column of units states another; DV and LOQ as they are (``stated``).

        Raises UnknownUnit naming the header line.
        """
        quantity = _QUANTITY.get(key, key)
        if key in ("DV", "LOQ", "LIMIT") or not formulary.known(quantity):
            return values
        of = formulary.measured(quantity)
        own, unit = of.unit, self.units.get(key, "")
        column = self.unit_columns.get(key, self.unit_columns.get("") if key == "AMT" else None)
        if column is not None:
            said = self.cells[column]
            if unit:
                self.agree(key, unit, of, said)
            out = unit_columns.converted(values, said, of, self.note)
            kinds = {c for v, c in zip(values, said, strict=True) if not isnan(v) and code_of(c, of) not in (None, own)}
            if kinds:
                self.say_converted(key, ", ".join(sorted(kinds)), own)
            return out
        if not unit or code_of(unit, of) == own:
            return values
        place = f"{self.name}:1"
        out = [v if isnan(v) else convert(v, unit, of, where=place) for v in values]
        self.say_converted(key, unit, own)
        return out

    def say_converted(self, key: str, unit: str, own: str) -> None:
        """The finding that numbers were converted."""
        self.findings.append(Finding("info", "unit_converted", self.name, f"{key} is converted from {unit} to {own}"))

    def agree(self, key: str, unit: str, of: Quantity, said: Sequence[str]) -> None:
        """Note rows whose unit is another than the header's."""
        for row, cell in enumerate(said):
            if cell not in MISSING and code_of(cell, of) and code_of(unit, of) != code_of(cell, of):
                self.note(row, f"{key} has one unit in the header and another in the row", cell, unit, "correct one of them")

    def stated(self, key: str, row: int) -> str:
        """The unit of DV or LOQ in a row, "" where nobody says. Raises InputError for what spells no unit, or two."""
        header = self.units.get(key, "")
        column = self.unit_columns.get(key, self.unit_columns.get("") if key == "DV" else None)
        cell = "" if column is None else self.cells[column][row]
        if cell in MISSING:
            if column is not None and any(c not in MISSING for c in self.cells[column]) and not header:
                self.without_unit(key, row, column)
            cell = ""
        for unit in filter(None, (cell, header)):
            if not known(unit):
                raise self.fail(row, f"unknown unit for {key}", unit, "mg/L, ug/mL, mg/dL, umol/L, INR", "write a UCUM unit")
        if cell and header and unit_columns.ratio(cell, header) != 1.0:
            raise self.fail(row, f"{key} has one unit in the header and another in the row", cell, header, "correct one of them")
        return cell or header

    def without_unit(self, key: str, row: int, column: int) -> None:
        """Refuse a measurement without a unit among others that state one which is not canonical."""
        others = {c for i, c in enumerate(self.cells[column]) if c not in MISSING and not isnan(self.measured[i])}
        if any(unit_columns.ratio(c, "mg/L") != 1.0 for c in others):
            raise self.fail(row, f"{key} without a unit, beside others that have one", None, "the unit in every such row",
                            "state its unit")  # fmt: skip

    def times(self) -> list[float]:
        """TIME as hours: as written, or from clock times and dates."""
        dated = next((k for k in clock.DATES if k in self.where), None)
        cells = self.cells[self.where["TIME"]]
        if dated is None and not clock.is_clock(cells):
            found = self.numbers("TIME")
            known = [t for t in found if not isnan(t)]
            if len(known) > 1 and SERIAL_DATES[0] <= min(known) and max(known) <= SERIAL_DATES[1]:
                raise self.fail(0, "TIME looks like a spreadsheet's dates, in days", cells[0], "hours",
                                "give hours since the first record, or moments such as 2024-03-01T08:30")  # fmt: skip
            return found
        at = self.where["TIME"]

        def wrong(row: int, message: str, value: object, allowed: str, remedy: str) -> None:
            self.unreadable[row, at] = self.fail(row, message, value, allowed, remedy)

        dates = None if dated is None else self.cells[self.where[dated]]
        found = clock.hours(cells, dates, dated or "", self.ids, wrong)
        what = "TIME is a clock" if dated is None else f"{dated} ({clock.order_of(dated)}, or as 2024-03-01) and TIME are a clock"
        self.findings.append(
            Finding("info", "clock_read", self.name, f"{what}: hours are counted from each subject's first record")
        )
        return found

    def below(self) -> dict[int, float]:
        """Rows whose DV is written ``<0.5``: the limit, which becomes the cell."""
        found: dict[int, float] = {}
        if "DV" in self.where:
            column = self.cells[self.where["DV"]]
            for row, cell in enumerate(column):
                if cell.startswith("<") and is_number(cell.lstrip("<= ")):
                    column[row] = cell.lstrip("<= ")
                    found[row] = float(column[row])
        return found

    def has_number(self, key: str) -> bool:
        """Whether any cell is a number; a covariate without any is text."""
        column = self.cells[self.where[key]]
        return any(is_number(cell) for cell in column[:50]) or any(is_number(cell) for cell in column)

    def column(self, key: str) -> list[float] | None:
        """``numbers`` of a column, None where the table has none."""
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
                if key == "CMT" and v < 0:
                    self.note(i, "CMT below 0 turns a compartment off, which models here do not have", cell, "1, 2, ...")
                # NONMEM's compartment 0 is the default one
                out.append(None if key == "CMT" and v == 0 else int(v))
            else:
                out.append(cell)
        return out

    def against_units(self, index: int) -> None:
        """Refuse a column of units whose numbers nobody knows, where it says another unit than the one numbers are read in."""
        if "UNIT" not in self.header[index].upper():
            return
        for i, cell in enumerate(self.cells[index]):
            if cell not in MISSING and is_foreign(cell):
                says = f"column {self.header[index]} says a unit, and no column of this table is meant"
                raise self.fail(i, says, cell, "UNIT, DV_UNIT, AMT_UNIT, WT_UNIT, ...", "name it after the column it is about")

    def against_time(self, index: int) -> None:
        """Refuse a column of moments (DATETIME) whose steps are not those of TIME: one of the two is not what it seems."""
        column = self.cells[index]
        moments = clock.moments(column, self.ids)
        times = self.column("TIME") if moments and not clock.is_clock(self.cells[self.where["TIME"]]) else None
        if not moments or times is None or any(k in self.where for k in clock.DATES):
            return
        first: dict[str, tuple[float, float]] = {}
        for i, (moment, time) in enumerate(zip(moments, times, strict=True)):
            if isnan(moment) or isnan(time):
                continue
            began = first.setdefault(self.ids[i], (moment, time))
            by_clock, by_time = moment - began[0], time - began[1]
            if abs(by_clock - by_time) > max(1.0, 0.02 * abs(by_clock)):
                raise self.fail(
                    i, f"{self.header[index]} and TIME disagree: {by_clock:.5g} h and {by_time:.5g} h since the first record",
                    column[i], "TIME in hours since the first record",
                    f"if TIME is right, --map IGNORE={self.header[index]}; else --map TIME={self.header[index]} "
                    "and leave the other out")  # fmt: skip

    def with_unit(self, index: int) -> int | None:
        """The first row of a column of words that holds a number with something behind it (80 kg), None where none does."""
        return next((i for i, cell in enumerate(self.cells[index]) if re.match(r"[-+]?\d+([.,]\d+)?\s*[A-Za-zµ%/]", cell)), None)

    def against_words(self, index: int) -> None:
        """Refuse a dose that a column of words says was not given or works elsewhere; name a level that it speaks against."""
        name, at, level = self.header[index], self.where.get("AMT", -1), self.where.get("DV", -1)
        for i, cell in enumerate(self.cells[index]):
            if at >= 0 and is_number(self.cells[at][i]) and float(self.cells[at][i]) > 0:
                if (wrong := spoken.of_dose(name, cell)) is not None:
                    raise self.fail(i, wrong[0], cell[:60], *wrong[1:])
            elif level >= 0 and is_number(self.cells[level][i]) and spoken.of_level(cell):
                message = f"column {name} speaks against this level; it is used"
                where, remedy = f"{self.name}:{self.lines[i]}", "set MDV to 1 if it is not to be used"
                self.findings.append(Finding("warning", "level_spoken_against", where, message, cell[:60], "", remedy))

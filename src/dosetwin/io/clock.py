"""TIME as a clock: hh:mm, dates beside it (NONMEM's DATE, DAT1, DAT2, DAT3) or ISO moments become hours of each subject."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime

from dosetwin.errors import InputError
from dosetwin.io.table import MISSING, is_number

DATES = {"DATE": "mdy", "DAT1": "dmy", "DAT2": "ymd", "DAT3": "ydm"}
"""The label of a date column says the order of month, day and year (NONMEM Users Guide IV, II.C.2)."""
_WORDS = {"m": "month", "d": "day", "y": "year"}
_CLOCK = re.compile(r"(\d{1,3}):(\d{1,2})(?::(\d{1,2}(?:\.\d+)?))?\s*([AaPp][Mm])?")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}.*")
_NO_YEAR = 2001
LAST20 = 50
"""Years written 00 to this are 20xx, else 19xx (NONMEM's default)."""


def order_of(label: str) -> str:
    """``month day year`` for DATE, and so on."""
    return " ".join(_WORDS[c] for c in DATES[label])


def is_clock(cells: Sequence[str]) -> bool:
    """Whether a TIME column is one of clock times: any cell with a colon."""
    return any(":" in cell for cell in cells)


def hours(
    times: Sequence[str], dates: Sequence[str] | None, label: str, ids: Sequence[str],
    wrong: Callable[[int, str, object, str, str], None],
) -> list[float]:  # fmt: skip
    """Hours since the first record of each subject; nan where a cell cannot be read, which ``wrong`` is told.

    ``wrong(row, message, value, allowed, remedy)``. Exact, where NONMEM rounds to 0.01 h.
    """
    out: list[float] = []
    first: tuple[str, str, float] | None = None
    for row, cell in enumerate(times):
        try:
            kind, days, hour = _moment(cell, None if dates is None else dates[row], label)
        except InputError as error:
            if cell not in MISSING or dates is None or dates[row] not in MISSING:
                wrong(row, error.message, error.value, error.allowed, error.remedy)
            out.append(float("nan"))
            continue
        if first is None or first[0] != ids[row]:
            first, day0, hour0 = (ids[row], kind, 0.0), days, hour
        if kind != first[1]:
            wrong(row, "dates of two kinds in one subject", cell if dates is None else dates[row], "one way of writing", "")
        out.append(round(24.0 * (days - day0) + (hour - hour0), 9))
    return out


def moments(cells: Sequence[str], ids: Sequence[str]) -> list[float]:
    """Hours since each subject's first, of a column that holds nothing but moments (nan where missing); else empty."""
    if not any(_MOMENT.fullmatch(c) for c in cells) or any(c not in MISSING and not _MOMENT.fullmatch(c) for c in cells):
        return []
    wrong: list[int] = []
    out = hours(cells, None, "", ids, lambda row, *_: wrong.append(row))
    return [] if any(cells[row] not in MISSING for row in wrong) else out


def _moment(time: str, day: str | None, label: str) -> tuple[str, float, float]:
    """(how it was written, day number, hour of the day). Raises InputError without a place."""
    if _MOMENT.fullmatch(time):
        if day is not None:
            raise InputError("TIME holds dates, and there is a date column too", value=time[:40], remedy="keep one of them")
        try:
            when = datetime.fromisoformat(time.replace("Z", "+00:00"))
        except ValueError:
            raise InputError("TIME is not a moment", value=time[:40], allowed="2024-03-01T08:30") from None
        offset = when.utcoffset()
        kind = "moment" if offset is None else "moment with offset"
        shift = 0.0 if offset is None else offset.total_seconds() / 3600.0
        return kind, float(when.toordinal()), when.hour + when.minute / 60.0 + when.second / 3600.0 - shift
    hour = _hour(time, day is not None)
    if day is None:
        return "clock", 0.0, hour
    kind, number = _day(day, label)
    return kind, number, hour


def _hour(time: str, dated: bool) -> float:
    found = _CLOCK.fullmatch(time)
    if found:
        hour, minute, second = int(found[1]), int(found[2]), float(found[3] or 0.0)
        if minute < 60 and second < 60 and (not found[4] or 1 <= hour <= 12):
            half = (found[4] or "").lower()
            return (hour % 12 + 12 * (half == "pm") if half else hour) + minute / 60.0 + second / 3600.0
    elif is_number(time):
        if dated and not 0 <= float(time) < 24:
            raise InputError("TIME beside a date is a time of day", value=time, allowed="0 to 24 h",
                             remedy="where TIME counts hours, leave the dates out: --map IGNORE=<the date column>")  # fmt: skip
        return float(time)
    raise InputError("TIME is not a finite number or a time of day", value=time[:40], allowed="14:30, 2024-03-01T08:30, or hours",
                     remedy="give hours since the first record, clock times (dates in a column DATE), or moments")  # fmt: skip


def _day(cell: str, label: str) -> tuple[str, float]:
    allowed = f"{order_of(label)}, or the number of the day"
    wrong = InputError(f"{label} is not a date", value=cell[:40], allowed=allowed, remedy=
                       "DATE month day year, DAT1 day month year, DAT2 year month day, DAT3 year day month")  # fmt: skip
    if re.fullmatch(r"[+-]?\d{1,5}", cell):
        return "day", float(int(cell))
    for form in ("%d-%b-%Y", "%d%b%Y", "%d %b %Y"):
        try:
            return "date", float(datetime.strptime(cell, form).toordinal())
        except ValueError:
            pass
    parts = re.split(r"[-/. ]", cell)
    if not 2 <= len(parts) <= 3 or not all(p.isascii() and p.isdigit() for p in parts):
        raise wrong
    order = DATES[label]
    if len(parts) == 2:
        order = order.replace("y", "")
    elif len(parts[0]) == 4 and order[0] != "y":
        order = "ymd"  # 2024-03-01 can be nothing else
    value = {c: int(p) for c, p in zip(order, parts, strict=True)}
    year = value.get("y", _NO_YEAR)
    if "y" in value and len(parts[order.index("y")]) <= 2:
        year += 2000 if year <= LAST20 else 1900
    try:
        return ("date" if "y" in value else "date without year"), float(date(year, value["m"], value["d"]).toordinal())
    except ValueError:
        raise wrong from None

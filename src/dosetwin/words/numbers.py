"""Numbers and moments by the habits of a language; the digits themselves never change."""

import re
from datetime import datetime
from functools import cache

DIGITS = re.compile(r"\d+")
_DECIMAL = re.compile(r"(?<![\w./:-])([<>+±−-]?\d+)\.(\d+)(?![\w:]|\.\d)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_DATE = re.compile(rf"\b(?:({'|'.join(_DAYS)}) )?(\d{{1,2}}) ({'|'.join(_MONTHS)})\b(?: (\d{{4}}))?(?: (?=\d\d:\d\d))?")
_UNITS = re.compile(r"\b(\d+) (min|h|d)\b")


@cache
def _names(language: str) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(days of the week, months, both short; the decimal sign)."""
    from babel import Locale
    from babel.numbers import get_decimal_symbol

    of = Locale.parse(language)
    return (tuple(of.days["format"]["abbreviated"][k] for k in range(7)),
            tuple(of.months["format"]["abbreviated"][k] for k in range(1, 13)), get_decimal_symbol(of))  # fmt: skip


def decimal_sign(language: str) -> str:
    """``.`` or ``,``."""
    return "." if language == "en" else _names(language)[2]


def localized(text: str, language: str) -> str:
    """``text`` with its decimal signs, its days and its months as the language writes them; 24-hour clocks stay."""
    if language == "en" or not any(c.isdigit() for c in text):
        return text
    days, months, sign = _names(language)

    def date(m: "re.Match[str]") -> str:
        day = f"{days[_DAYS.index(m[1])]} " if m[1] else ""
        number = f"{m[2]}." if language == "de" else m[2]
        year = f" {m[4]}" if m[4] else ""
        return f"{day}{number} {months[_MONTHS.index(m[3])]}{year}" + (" " if m[0].endswith(" ") else "")

    return _DATE.sub(date, _DECIMAL.sub(rf"\1{sign}\2", text))


def same_digits(one: str, other: str) -> bool:
    """Whether two sentences hold the same numbers, in whatever order."""
    return sorted(DIGITS.findall(one)) == sorted(DIGITS.findall(other))


def day_name(when: datetime, language: str) -> str:
    """The day of the week in full."""
    from babel.dates import format_date

    return format_date(when, "EEEE", locale=language)

"""Columns of a table that hold units: whose numbers each is about, and what it says row by row."""

import re
from collections.abc import Callable, Mapping, Sequence

from dosetwin.errors import UnknownUnit
from dosetwin.io.table import MISSING, STANDARD, SYNONYMS, is_number
from dosetwin.quantities import QUANTITIES, Quantity
from dosetwin.quantities.units import code_of, convert, known

_NAMED = re.compile(r"(.+?)[_ .]?UNITS?|UNITS?[_ .](?:OF[_ .])?(.+)|(.+)U")
_ABOUT = {"DOSE": "AMT", "AMOUNT": "AMT", "CONC": "DV", "LEVEL": "DV", "VALUE": "DV", "RESULT": "DV", "CONCENTRATION": "DV"}
BARE = frozenset({"UNIT", "UNITS", "UOM"})
"""A column of units that names nothing is about AMT where a dose is given and about DV where something was measured."""


def found(header: Sequence[str], where: Mapping[str, int], cells: Sequence[Sequence[str]]) -> dict[str, int]:
    """Canonical name of what is measured ("" for a bare UNIT) -> the column that holds its units.

    Only columns of text, at least half of whose different cells spell a unit: a UNIT of wards (ICU, C, NICU) is none.
    """
    out: dict[str, int] = {}
    upper = {key.upper(): key for key in where}
    for key, index in where.items():
        filled = {c for c in cells[index] if c not in MISSING}
        if key in STANDARD or not filled or any(is_number(c) for c in filled) or 2 * sum(known(c) for c in filled) < len(filled):
            continue
        name = header[index].strip().upper()
        if name in BARE:
            out.setdefault("", index)
            continue
        of = _NAMED.fullmatch(name)
        word = "" if of is None else of[1] or of[2] or of[3]
        about = _ABOUT.get(word) or SYNONYMS.get(word) or upper.get(word)
        if about is not None and about in where and (of is None or not of[3] or all(known(c) for c in filled)):
            out.setdefault(about, index)
    return out


def converted(
    values: Sequence[float], said: Sequence[str], quantity: Quantity, wrong: Callable[[int, str, object, str, str], None]
) -> list[float]:
    """``values`` in the quantity's canonical unit; a value without a unit is taken as canonical only if none says another.

    ``wrong(row, message, value, allowed, remedy)`` is told what cannot be converted. nan stays nan.
    """
    own = quantity.unit
    held = [c for v, c in zip(values, said, strict=True) if v == v and v != 0 and c not in MISSING]
    other = any(code_of(c, quantity) != own for c in held)
    out = []
    for row, (value, unit) in enumerate(zip(values, said, strict=True)):
        if value != value:
            out.append(value)
            continue
        if unit in MISSING:
            if other and value != 0:
                wrong(row, "a value without a unit, beside others that have one", value, own, "state its unit")
            out.append(value)
        elif code_of(unit, quantity) is None:
            convertible(row, unit, quantity, wrong)
            out.append(value)
        else:
            out.append(convert(value, unit, quantity))
    return out


def convertible(row: int, unit: str, quantity: Quantity, wrong: Callable[[int, str, object, str, str], None]) -> bool:
    """Whether a unit is one of the quantity's; ``wrong`` is told where it is not."""
    try:
        convert(1.0, unit, quantity)
    except UnknownUnit as error:
        wrong(row, error.message, error.value, error.allowed, error.remedy)
        return False
    return True


def ratio(unit: str, to: str) -> float | None:
    """What a number in ``unit`` is multiplied by to be in ``to``; None where no quantity has both."""
    if unit == to:
        return 1.0
    for quantity in QUANTITIES:
        if code_of(unit, quantity) is not None and code_of(to, quantity) is not None and quantity != "TEMP":
            return convert(1.0, unit, quantity) / convert(1.0, to, quantity)
    return None

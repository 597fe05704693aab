"""What a column of words says about a record of a table: not given, by another way, not to be used."""

import re

from dosetwin.io import routes
from dosetwin.io.codes import Coded

_NOT_GIVEN = re.compile(
    r"(?:was |were )?(?:not[ -](?:given|done|administered)|omitted|refused|withheld|held|cancell?ed|missed|skipped"
    r"|entered[ -]in[ -]error|on[ -]hold|nicht gegeben|abgesetzt|verweigert)(?: by (?:the )?\w+)?",
    re.IGNORECASE,
)
_NO_RESULT = re.compile(
    r"cancell?ed|entered[ -]in[ -]error|rejected|discard(?:ed)?|invalid|wrong (?:patient|tube)|(?:from|through) the line"
    r"|contaminated|h(?:ae|e)mol[iy][sz]ed|h(?:ä|ae)molytisch|do not use|not valid",
    re.IGNORECASE,
)
_REMEDY = "take the line out, or set EVID to 2 and AMT to ."
ROUTE = frozenset({"ROUTE", "ROA", "ADMROUTE", "EXROUTE"})


def of_dose(column: str, cell: str) -> tuple[str, str, str] | None:
    """(What is wrong, what is allowed, the remedy) where ``cell`` of ``column`` says that a dose was none, else None."""
    if _NOT_GIVEN.fullmatch(cell.strip(" .!")):
        return (
            f"column {column} says that this dose was not given",
            "doses that were given",
            "take the line out, or set EVID to 2",
        )
    if column.upper() in ROUTE:
        route = routes.route_of([Coded("", cell, cell)])
        if route.kind == "elsewhere":
            said = f"column {column} says {route.name}: such a dose works where it is put"
            return said, "routes that reach the blood", _REMEDY
        if route.name == "contradictory":
            return f"column {column} names two routes", "one route", "correct the cell"
    return None


def of_level(cell: str) -> bool:
    """Whether ``cell`` says of a level that it is none, or not to be trusted."""
    return _NO_RESULT.search(cell) is not None

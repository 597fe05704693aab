"""Where a declaration stands, file and line, so that what is wrong with it can be pointed at."""

import sys
from pathlib import Path
from typing import Any

_OURS = (str(Path(__file__).parent), "dataclasses.py")


def here() -> str:
    """``my_therapy.py:12``: the nearest line outside this room that is being run."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_OURS[0]) and not name.endswith(_OURS[1]) and not name.startswith("<"):
            return f"{Path(name).name}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def stamp(record: Any) -> None:
    """Write into a frozen record's field ``at`` where it was declared, unless it says so already (a changed copy keeps it)."""
    if not record.at:
        object.__setattr__(record, "at", here())


def placed(record: Any, what: str) -> str:
    """``what`` with the place of the record behind it, for a message."""
    return f"{what} ({record.at})" if record.at else what

"""What a curve is judged by, as a figure draws it: bands to be inside of, lines not to pass."""

from typing import TYPE_CHECKING, NamedTuple

from dosetwin.declare import After, End
from dosetwin.report import narrative

if TYPE_CHECKING:
    from dosetwin.declare import Therapy


class Mark(NamedTuple):
    """A band from ``low`` to ``high``, or a line at ``high`` (``low`` None)."""

    text: str
    low: float | None
    high: float


def marks(therapy: "Therapy", what: str = "") -> tuple[list[Mark], list[Mark]]:
    """(bands, lines) of the goals about one curve, by default the one that a therapy watches; one line at one height."""
    what = what or therapy.watched
    about = [g for g in therapy.goals if (g.reading.what or therapy.drug.name) == what and not g.reading.over]
    bands, lines = [], []
    for goal in about:
        reading, word = goal.reading, narrative.border(goal)
        if reading.how == "share_within" and isinstance(reading.level, tuple):
            low, high = reading.level
            bands.append(Mark(f"{what} {low:g} to {high:g}", low, high))
        elif reading.how == "at" and isinstance(reading.when, After) and goal.low is not None and goal.high is not None:
            bands.append(Mark(f"{goal.what} target {word}", goal.low, goal.high))
        elif reading.how == "at" and isinstance(reading.when, End) and goal.low is None and goal.high is not None:
            lines.append(Mark(f"{goal.what} target {word}", None, goal.high))
        elif reading.how == "at" and goal.low is not None and goal.high is not None:
            bands.append(Mark(f"{goal.what} target {word}", goal.low, goal.high))
        elif reading.how == "ever_above" and isinstance(reading.level, float | int):
            lines.append(Mark(f"never above {reading.level:g}", None, float(reading.level)))
    return list(dict.fromkeys(bands)), list({m.high: m for m in reversed(lines)}.values())[::-1]

"""No dose while the level is above what harms: what every goal about harm says of the level just before the coming dose."""

from collections.abc import Iterable

from dosetwin.declare.drug import Drug
from dosetwin.declare.goal import Goal
from dosetwin.declare.reading import End, Reading
from dosetwin.quantities import QUANTITIES

CODE = "_now"
"""What the code of a guard ends with; before it stands that of the goal it follows from."""


def border(goal: Goal, drug: Drug, sampled: str = "") -> tuple[float, str] | None:
    """The level (and its unit) above which a goal says that the drug harms; None: it says no such thing.

    Such a goal has a high border alone and a chance that it must hold with, and is about the drug's own level (total or free) or
    what is measured in its place (``sampled``: INR). A day whose area must not pass 24 times a level begins below that level.
    """
    reading = goal.reading
    own = reading.what in ("", drug.name) or reading.what.endswith(f" {drug.name}")
    if goal.low is not None or goal.high is None or goal.min_probability is None or goal.price or reading.over:
        return None
    if not own and reading.what != sampled:
        return None
    if reading.how in ("at", "max", "mean"):
        return goal.high, goal.unit
    unit = (
        (drug.level.unit if drug.level else "mg/L")
        if own
        else QUANTITIES[reading.what].unit
        if reading.what in QUANTITIES
        else "1"
    )
    if reading.how == "ever_above" and isinstance(reading.level, int | float):
        return float(reading.level), unit
    return (goal.high / 24.0, unit) if reading.how == "auc24" else None


def guards(goals: Iterable[Goal], drug: Drug, sampled: str = "") -> tuple[Goal, ...]:
    """Goals that forbid the coming dose while the level before it harms, one for each thing measured whose goals do not do so by
    themselves: of the lowest border, with that goal's chance, at no cost beside it."""
    goals = tuple(goals)
    held = {g.reading.what for g in goals if g.forbids_now and g.high is not None and g.low is None}
    lowest: dict[str, tuple[float, str, Goal]] = {}
    for goal in goals:
        found, what = border(goal, drug, sampled), goal.reading.what
        if found is not None and what not in held and (what not in lowest or found[0] < lowest[what][0]):
            lowest[what] = (*found, goal)
    return tuple(
        Goal(
            f"{g.code}{CODE}", Reading(what, "at", End(("pre",)), name=_name(what, sampled)), None, float(f"{high:.3g}"), unit,
            0.0, g.scale, f"{what or 'level'} before the coming dose", g.source, min_probability=g.min_probability, closed=True,
            joint=False, chance_doses=("pre",), brief=False, help=g.help,
        )
        for what, (high, unit, g) in lowest.items()
    )  # fmt: skip


def _name(what: str, sampled: str) -> str:
    """How it is called: a trough of the drug, a value of what is measured in its place."""
    return "value" if what and what == sampled else "trough"

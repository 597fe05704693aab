"""Which orders of a menu are looked at where every one costs a simulation: some of them, those around the best, and what ties."""

from collections.abc import Callable, Collection, Sequence

from dosetwin.decide.plans import Plan
from dosetwin.decide.search import Choice, Exposures
from dosetwin.records import Every

COARSE = 6
"""The menu is first looked at in at most so many steps of amount (at each interval), then between the best one's neighbours."""


def looked_at(plans: Sequence[Plan], chosen: Callable[[Sequence[int]], Choice | None], always: Collection[int] = ()) -> list[int]:
    """Indices of the plans worth a look, ascending, whose choice is taken for that among all of them.

    Each interval's amounts lie in the menu's order, in which what a dose costs falls and rises again. Orders outside the limits
    are left out; rules and ``always`` are looked at whatever they say. Then the steps between the best acceptable one and its
    neighbours are halved, and the neighbours of all that tie with it are looked at, unless a rule is among those. Where nothing
    is acceptable every plan is looked at: nothing is refused for an order that nobody tried.

    Parameters
    ----------
    chosen : the choice among the plans of these indices (ascending; ``Choice`` counts them from 0); None where there is none.
    """
    rows: dict[tuple[float, ...], list[int]] = {}
    for i, p in enumerate(plans):
        if not p.violations:
            rows.setdefault((p.order.duration, p.order.interval) if isinstance(p.order, Every) else (), []).append(i)
    at = {i: (row, k) for row in rows.values() for k, i in enumerate(row)}
    steps = {id(row): -(-len(row) // COARSE) for row in rows.values()}
    looked = {*always, *(i for i, p in enumerate(plans) if p.rules)}
    for row in rows.values():
        looked |= {*row[:: steps[id(row)]], row[-1]}
    half = max(steps.values(), default=1)
    while True:
        seen = sorted(looked)
        found = chosen(seen) if seen else None
        if found is None or found.best is None:
            return list(range(len(plans)))
        best = seen[found.best]
        tied = [seen[i] for i in found.tied]
        half = max(half // 2, 1)
        around = [best] if any(plans[i].rules for i in tied) or half > 1 else tied
        more = {row[j] for row, k in (at[i] for i in {best, *around}) for j in (k - half, k + half) if 0 <= j < len(row)}
        if half == 1 and not more - looked:
            return seen
        looked |= more


class Remembered:
    """What every plan does, each simulated once however often it is asked; None where a later question fails under a draw that
    answered earlier ones."""

    def __init__(self, plans: Sequence[Plan], exposed: Callable[[Sequence[Plan]], Exposures | None]) -> None:
        self._plans, self._exposed = plans, exposed
        self._kept: Exposures | None = None
        self._place: dict[int, int] = {}

    def of(self, rows: Sequence[int]) -> Exposures | None:
        """Exposures of the plans of these indices, in this order."""
        new = [i for i in rows if i not in self._place]
        if new or self._kept is None:
            found = self._exposed([self._plans[i] for i in new])
            if found is None:
                return None
            self._kept = found if self._kept is None else self._kept.joined(found)
            self._place |= {i: len(self._place) + k for k, i in enumerate(new)}
        where = [self._place[i] for i in rows]
        if self._kept is None or where == list(range(len(self._place))):
            return self._kept
        return self._kept.only(where)

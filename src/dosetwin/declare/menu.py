"""What may be ordered: amounts that can be measured at every interval, tablets by the days of the week, settings of a device,
targets of a pump."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, Literal, Protocol, get_args

import numpy as np

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.rule import Aims, Facts, Per, Says, Sets, Steps, size_of
from dosetwin.errors import InputError, Reason
from dosetwin.records import Choosable, DoseEvent, DoseOrder, Every, Pump, Setting, Week

WEEK_H = 168.0
DAY_H = 24.0
AFRESH_H = 14 * DAY_H
"""Without a dose for so long a course begins anew: an old dose is then nothing to go on from (assumed)."""
LATELY = 3.0
"""Longest intervals of a menu without a dose after which a loading dose is thought of again (assumed)."""
Loading = Literal["new_course", "any_time", "never"]
"""When a first dose larger than the later ones is tried: where no dose was given lately, whenever, never."""


@dataclass(frozen=True)
class Situation:
    """What the border of a choice depends on: ``now`` h, ``weight`` kg (None: not known), the last dose started by now, calendar
    ``origin``, all doses ``given`` (h, amount), the facts; ``barred``: why nothing may be ordered at all; ``ran``: the same doses
    with how long each runs."""

    now: float
    weight: float | None = None
    last_dose: float | None = None
    previous_amount: float | None = None
    origin: datetime | None = None
    facts: Facts = field(default_factory=Facts)
    given: tuple[tuple[float, float], ...] = ()
    barred: tuple[Reason, ...] = ()
    ran: tuple[DoseEvent, ...] = ()

    @property
    def first(self) -> bool:
        """Whether the coming dose is the first of the course: none is on record."""
        return self.last_dose is None

    def size(self, per: Per) -> float:
        """What an amount is multiplied with. Raises InputError where that is not known."""
        return size_of(per, self.weight, self.facts.number("BSA"))

    @property
    def afresh(self) -> bool:
        """Whether a course begins: no dose is on record, or none for two weeks."""
        return self.last_dose is None or self.now - self.last_dose > AFRESH_H

    def daily(self, at: float, interval: float) -> float | None:
        """Mean dose per day in force at ``at`` h, where the course is younger than that the one it began with: what was given
        within the day before the last dose by then, of rarer doses that one by the time since the one before. ``interval`` h
        stands for that time where there was one dose only. None: there was none."""
        doses = sorted(self.given)
        if not doses:
            return None
        known = [d for d in doses if d[0] <= at + 1e-6] or doses[:2]
        last, amount = known[-1]
        if len(known) < 2:
            return amount * DAY_H / interval
        gap = last - known[-2][0]
        if gap >= DAY_H - 1.0 or gap <= 0 or last - known[0][0] < DAY_H - 1.0:
            return amount * DAY_H / (gap or interval)
        return sum(a for t, a in known if t > last - DAY_H + 1.0)

    def week(self) -> float | None:
        """Amount of the last seven days; None before a week has been given."""
        start = min((t for t, _ in self.given), default=self.now)
        if self.now - start < WEEK_H - 24.0:
            return None
        return sum(a for t, a in self.given if t > self.now - WEEK_H + 1e-6) or None


def first_at(where: Situation, interval: float, step: float) -> float:
    """Start (h) of the coming dose: one interval after the last dose; if that is past, ``now`` rounded up to the next ``step``.

    The step is counted on the wall clock where the record has a calendar, else from the last dose (or from now).
    """
    due = where.now if where.last_dose is None else where.last_dose + interval
    if due > where.now + 1e-9 or step <= 0:
        return max(due, where.now)
    if where.origin is not None:
        moment = where.origin + timedelta(hours=where.now)
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        hours = (moment - midnight).total_seconds() / 3600.0
        return where.now + math.ceil(hours / step - 1e-6) * step - hours
    anchor = where.now if where.last_dose is None else where.last_dose
    return anchor + math.ceil((where.now - anchor) / step - 1e-6) * step


@dataclass(frozen=True)
class Rounding:
    """Amounts that can be measured: ``steps`` are (from, step), ascending; from there up multiples of the step count. Nothing
    below ``least`` can be."""

    steps: tuple[tuple[float, float], ...]
    source: str
    least: float = 0.0

    def __post_init__(self) -> None:
        right_kinds(self, "rounding")
        starts = [s for s, _ in self.steps]
        if not self.steps or starts != sorted(starts) or starts[0] != 0 or any(step <= 0 for _, step in self.steps):
            raise InputError("rounding steps must ascend from 0 with positive steps", where="rounding", value=self.steps)

    def step(self, amount: float) -> float:
        """Step in force at ``amount``."""
        return [step for start, step in self.steps if amount >= start - 1e-9][-1]

    def nearest(self, amount: float) -> float:
        """The measurable amount nearest to ``amount``, never 0."""
        step = self.step(amount)
        return round(max(math.floor(amount / step + 0.5), 1, math.ceil(self.least / step - 1e-9)) * step, 6)

    def amounts(self, low: float, high: float) -> np.ndarray:
        """Every measurable amount from ``low`` to ``high`` inclusive, ascending; float64 [n], may be empty."""
        found: set[float] = set()
        for i, (start, step) in enumerate(self.steps):
            top = self.steps[i + 1][0] if i + 1 < len(self.steps) else math.inf
            first = math.ceil(max(low, start, step, self.least) / step - 1e-9)
            last = math.floor(min(high, top) / step + 1e-9)
            found.update(round(k * step, 6) for k in range(first, last + 1))
        return np.array(sorted(found), dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        return {"steps": [list(s) for s in self.steps], "source": self.source} | ({"least": self.least} if self.least else {})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Rounding":
        return cls(tuple((float(a), float(b)) for a, b in data["steps"]), data["source"], float(data.get("least", 0.0)))


class Menu(Protocol):
    """What may be ordered, as a twin or a choice asks for it."""

    def orders(self, where: Situation, thin: int = 1) -> Sequence[Choosable]:
        """Every order on the grid, in a fixed order; ``thin`` k: only every k-th amount."""
        ...

    def key(self, order: Any) -> tuple[float, ...]:
        """What makes two orders of this menu the same, sortable."""
        ...

    def said(self, says: Any, where: Situation, breaks: Callable[[float], bool]) -> Choosable:
        """What a rule says as an order of this menu; ``breaks(amount)``: whether that dose at that interval is over a limit."""
        ...

    def anew(self, order: Any, where: Situation) -> Choosable:
        """The same order from its next possible moment on."""
        ...

    def measured(self, amount: float) -> float:
        """The nearest amount that can be given."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain data with a key ``kind``."""
        ...


@dataclass(frozen=True)
class Repeated:
    """One amount every so often: ``dose`` lowest and highest (``per`` kg, m2 or "": the whole dose) at ``intervals`` h, running
    for ``infusions`` h.

    ``loading_intervals`` h, longer ones that only the interval after the loading dose of a new course may have; ``step_h`` clock
    step of a dose already due. ``rate``: unit per min; with it each dose runs for the shortest of ``infusions`` at which it is
    not faster, without it every one of them is tried. ``loading``: when a larger first dose is tried. ``slower``: a rate for
    some patients, from their facts (None: theirs is ``rate``).
    """

    dose: tuple[float, float]
    per: Per
    intervals: tuple[float, ...]
    infusions: tuple[float, ...]
    rounding: Rounding
    loading_intervals: tuple[float, ...] = ()
    step_h: float = 0.5
    unit: str = "mg"
    rate: float | None = None
    loading: Loading = "new_course"
    slower: Callable[[Facts], float | None] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        right_kinds(self, "menu")
        if self.loading not in get_args(Loading):
            raise InputError(
                "when a loading dose is tried", where="menu", value=self.loading, allowed=", ".join(get_args(Loading))
            )
        if not self.intervals or min(self.intervals) <= 0 or not self.infusions or min(self.infusions) < 0:
            raise InputError("intervals and infusion times must be positive", where="menu", value=self.intervals)
        if not 0 <= self.dose[0] < self.dose[1] < math.inf:
            raise InputError("the doses of a menu need a lowest and a highest", where="menu", value=self.dose)

    def amounts(self, where: Situation) -> np.ndarray:
        """Every measurable dose."""
        scale = where.size(self.per)
        return self.rounding.amounts(self.dose[0] * scale, self.dose[1] * scale)

    def every(self, amount: float, interval: float, infusion: float, where: Situation) -> Every:
        """An order at its next possible moment."""
        return Every(amount, interval, infusion, first_at(where, interval, self.step_h), unit=self.unit)

    def orders(self, where: Situation, thin: int = 1) -> tuple[Every, ...]:
        """Every amount at every interval and infusion time."""
        amounts = self.amounts(where)[::thin].tolist()
        if self.rate is not None:
            return tuple(self.every(a, i, self.runs(a, where.facts), where) for i, a in product(sorted(self.intervals), amounts))
        grid = product(sorted(self.intervals), sorted(self.infusions), amounts)
        return tuple(self.every(a, interval, infusion, where) for interval, infusion, a in grid)

    def runs(self, amount: float, facts: Facts) -> float:
        """h a dose runs: the shortest infusion that is not too fast for whom these facts are of, the longest where all are."""
        if self.rate is None:
            return self.infusions[0]
        slow = None if self.slower is None else self.slower(facts)
        most = 60.0 * (self.rate if slow is None else min(slow, self.rate))
        return next((h for h in sorted(self.infusions) if amount <= most * h + 1e-9), max(self.infusions))

    def loads(self, where: Situation) -> bool:
        """Whether a first dose larger than the later ones is tried."""
        if self.loading != "new_course":
            return self.loading == "any_time"
        return where.last_dose is None or where.now - where.last_dose > LATELY * max(self.intervals)

    def loaded(self, order: Every, loading: float, wait: float | None, facts: Facts) -> Every:
        """An order with a loading dose before it, both running as long as the larger needs."""
        duration = order.duration if self.rate is None else max(order.duration, self.runs(loading, facts))
        return replace(order, loading=loading, wait=wait, duration=duration)

    def key(self, order: Every) -> tuple[float, ...]:
        """Interval, infusion time, amount; a loading dose and the interval after it."""
        return (order.interval, order.duration, order.amount, order.loading or 0.0, order.wait or 0.0)

    def said(self, says: Says, where: Situation, breaks: Callable[[float], bool]) -> Every:
        """A rule's dose as it can be measured: the nearest step, but never one over a limit that the rule itself keeps."""
        size = where.size(says.per)
        amount = self._kept(says.amount * size, breaks)
        order = self.every(amount, says.interval, self.runs(amount, where.facts), where)
        if says.loading is None or not (where.first or self.loading == "any_time"):
            return order
        return self.loaded(order, self.rounding.nearest(says.loading * size), says.loading_interval, where.facts)

    def anew(self, order: Every, where: Situation) -> Every:
        """The same doses, the first one when it is due."""
        return replace(order, first_at=first_at(where, order.interval, self.step_h))

    def _kept(self, exact: float, breaks: Callable[[float], bool]) -> float:
        amount = self.rounding.nearest(exact)
        if breaks(amount) and not breaks(exact):
            below = [a for a in self.rounding.amounts(0.5 * exact, exact) if not breaks(float(a))]
            return float(below[-1]) if below else amount
        return amount

    def measured(self, amount: float) -> float:
        """The nearest amount that can be given."""
        return self.rounding.nearest(amount)

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "repeated", "dose": list(self.dose), "per": self.per, "intervals": list(self.intervals),
            "infusions": list(self.infusions), "rounding": self.rounding.to_json(),
            "loading_intervals": list(self.loading_intervals), "step_h": self.step_h, "unit": self.unit, "rate": self.rate,
            "loading": self.loading,
        }  # fmt: skip


@dataclass(frozen=True)
class Weekly:
    """Tablets once a day by the days of the week: amounts of a day from ``daily`` lowest to highest in steps of ``step`` (half a
    tablet), a week of at most two neighbouring amounts.

    Weeks are at least ``apart`` (a ratio) apart, those of one amount always among them; ``step_h`` clock step of a dose already
    due. ``days``: amounts of a day that a ward's tablets make, ascending, where these are not all steps.
    """

    daily: tuple[float, float]
    step: float
    apart: float = 1.04
    step_h: float = 0.5
    unit: str = "mg"
    days: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        right_kinds(self, "menu")
        low, high = self.daily
        if not 0 <= low < high < math.inf or not self.step > 0 or not self.apart >= 1:
            raise InputError("not a menu of tablets", where="menu", value=(self.daily, self.step))
        if list(self.days) != sorted(set(self.days)) or any(d <= 0 for d in self.days):
            raise InputError("amounts of a day ascend", where="menu", value=self.days)

    def week(self, total: float) -> tuple[float, ...]:
        """Seven days of ``total`` together: the amounts of two days differ by a step at most, the higher ones spread evenly."""
        if self.days:
            return min(self._weeks(), key=lambda w: (abs(sum(w) - total), len(set(w))))
        steps = round(total / self.step)
        usual, more = divmod(steps, 7)
        return tuple(round((usual + (d in _spread(more))) * self.step, 6) for d in range(7))

    def _weeks(self) -> list[tuple[float, ...]]:
        """Every week of two neighbouring amounts of ``days`` (0 below the first), ascending."""
        found = [
            tuple(high if d in _spread(more) else low for d in range(7))
            for low, high in zip((0.0, *self.days), self.days, strict=False)
            for more in range(1, 8)
        ]
        return sorted(found, key=sum)

    def orders(self, where: Situation, thin: int = 1) -> tuple[Week, ...]:
        """Every week on the grid, ascending."""
        if self.days:
            return tuple(self.ordered(week, where) for week in self._apart()[::thin])
        low, high = (round(x * 7 / self.step) for x in self.daily)
        totals, last = [], 0.0
        for steps in range(max(low, 1), high + 1):
            if steps % 7 == 0 or steps >= self.apart * last:
                totals.append(steps * self.step)
                last = float(steps)
        return tuple(self.ordered(self.week(total), where) for total in totals[::thin])

    def _apart(self) -> list[tuple[float, ...]]:
        """Weeks of ``days`` within ``daily``, apart from each other."""
        out: list[tuple[float, ...]] = []
        last = 0.0
        for week in self._weeks():
            total = sum(week)
            if self.daily[0] * 7 - 1e-9 <= total <= self.daily[1] * 7 + 1e-9 and (
                len(set(week)) == 1 or total >= self.apart * last
            ):
                out.append(week)
                last = total
        return out

    def ordered(self, week: tuple[float, ...], where: Situation) -> Week:
        """A week of tablets from its next possible day on."""
        at = first_at(where, 24.0, self.step_h)
        if where.origin is None:
            return Week(week, at, 0, False, unit=self.unit)
        return Week(week, at, (where.origin + timedelta(hours=at)).weekday(), unit=self.unit)

    def key(self, order: Week) -> tuple[float, ...]:
        """The seven amounts, behind their sum."""
        return (order.total, *order.week)

    def said(self, says: Says, where: Situation, breaks: Callable[[float], bool]) -> Week:
        """A rule's mean daily dose as a week of tablets."""
        daily = says.amount * where.size(says.per) * 24.0 / says.interval
        return self.ordered(self.week(max(round(daily * 7 / self.step), 1) * self.step), where)

    def anew(self, order: Week, where: Situation) -> Week:
        """The same tablets, the first ones when they are due."""
        return replace(order, first_at=first_at(where, order.interval, self.step_h))

    def measured(self, amount: float) -> float:
        """The nearest amount of a day that tablets make."""
        if self.days:
            return min(self.days, key=lambda d: abs(d - amount))
        return round(max(round(amount / self.step), 1) * self.step, 6)

    def to_json(self) -> dict[str, Any]:
        return {"kind": "weekly", "daily": list(self.daily), "step": self.step, "apart": self.apart, "step_h": self.step_h,
                "unit": self.unit, **({"days": list(self.days)} if self.days else {})}  # fmt: skip


def _spread(more: int) -> set[int]:
    """Which days of a week have the higher amount, of which there are ``more``: as evenly as they go."""
    return {round((k + 0.5) * 7 / more - 0.5) for k in range(more)} if more else set()


@dataclass(frozen=True)
class Settings:
    """Settings of a device or a place: every combination of the values in ``grids``.

    ``tied``: settings that are moved together, names -> rows of values. ``per``: settings whose values are per something of the
    patient (per kg predicted weight), name -> that number from the facts; ``steps``: name -> step the result is rounded to.
    """

    grids: Mapping[str, tuple[float, ...]]
    tied: Mapping[tuple[str, ...], tuple[tuple[float, ...], ...]] = field(default_factory=dict)
    per: Mapping[str, Callable[[Facts], float]] = field(default_factory=dict)
    steps: Mapping[str, float] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """What is set."""
        return (*self.grids, *(n for names in self.tied for n in names))

    def orders(self, where: Situation, thin: int = 1) -> tuple[Setting, ...]:
        """Every combination, from ``now`` on."""
        alone = [[(v,) for v in values] for values in self.grids.values()]
        rows = [sum(parts, ()) for parts in product(*alone, *self.tied.values())]
        made = (self.ordered(dict(zip(self.names, row, strict=True)), where) for row in rows[::thin])
        return tuple(dict.fromkeys(made))  # rows may be the same once they are rounded

    def ordered(self, values: Mapping[str, float], where: Situation) -> Setting:
        """Values in the menu's terms as an order from ``now`` on."""
        return self._rounded({n: v * self.per[n](where.facts) if n in self.per else v for n, v in values.items()}, where)

    def _rounded(self, values: Mapping[str, float], where: Situation) -> Setting:
        return Setting(
            {n: round(round(v / s) * s, 9) if (s := self.steps.get(n)) else v for n, v in values.items()}, at=where.now
        )

    def key(self, order: Setting) -> tuple[float, ...]:
        """The values."""
        return tuple(order[name] for name in self.names)

    def said(self, says: Says | Sets, where: Situation, breaks: Callable[[float], bool]) -> Setting:
        """What a rule about settings says, in its own units. Raises InputError for a rule about doses or other settings."""
        if not isinstance(says, Sets) or set(says.values) != set(self.names):
            raise InputError("a rule about settings says every one of them", where="menu", value=says.text,
                             allowed=", ".join(self.names))  # fmt: skip
        return self._rounded(says.values, where)

    def anew(self, order: Setting, where: Situation) -> Setting:
        """The same values from now on."""
        return Setting(dict(order.values), at=where.now)

    def measured(self, amount: float) -> float:
        """As it is."""
        return amount

    def to_json(self) -> dict[str, Any]:
        tied = [{"names": list(names), "rows": [list(r) for r in rows]} for names, rows in self.tied.items()]
        return {"kind": "settings", "grids": {k: list(v) for k, v in self.grids.items()}, "tied": tied, "per": sorted(self.per),
                "steps": dict(self.steps)}  # fmt: skip


class Plans(Protocol):
    """A pump as a menu asks it: the order that takes a patient of these facts and doses to a target from ``now`` on."""

    def __call__(self, target: float, facts: Facts, ran: Sequence[DoseEvent], now: float) -> Pump: ...

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Targets:
    """Concentrations that a pump is to reach and hold: the ``targets`` of the first of ``pumps`` (name -> how it works out what
    it gives); rules may name another. A rule may also say rates (``Steps``), worked out for ``covers`` h."""

    targets: tuple[float, ...]
    pumps: Mapping[str, Plans]
    strength: float
    covers: float = 1.0
    unit: str = "mg"

    def orders(self, where: Situation, thin: int = 1) -> tuple[Pump, ...]:
        """Every target, ascending."""
        pump = next(iter(self.pumps.values()))
        return tuple(pump(t, where.facts, where.ran, where.now) for t in sorted(self.targets)[::thin])

    def key(self, order: Pump) -> tuple[float, ...]:
        """The target (0: rates), then what is given."""
        return (order.target or 0.0, *(x for step in order.plan for x in step))

    def said(self, says: Any, where: Situation, breaks: Callable[[float], bool]) -> Pump:
        """What a rule says as a pump's order. Raises InputError for a rule about something else or a pump there is none of."""
        if isinstance(says, Aims) and says.pump in self.pumps:
            return self.pumps[says.pump](says.target, where.facts, where.ran, where.now)
        if not isinstance(says, Steps):
            raise InputError("a rule about a pump says a target of one of them, or rates", where="menu", value=says.text,
                             allowed=", ".join(self.pumps))  # fmt: skip
        size, at = where.size(says.per), 0.0
        plan = [(0.0, says.bolus * size, 0.0)] if says.bolus else []
        for minutes, rate in says.rates:
            hours = min(minutes / 60.0, self.covers - at)
            if hours > 0:
                plan.append((at, rate * size * hours, hours))
            at += hours
        return Pump(tuple(plan), self.covers, says.text, where.now, None, "", self.strength, unit=self.unit)

    def anew(self, order: Pump, where: Situation) -> Pump:
        """The same target from now on, worked out for what is in the patient now."""
        if order.target is None:
            return order.moved(where.now)
        return next(iter(self.pumps.values()))(order.target, where.facts, where.ran, where.now)

    def measured(self, amount: float) -> float:
        """As it is: a pump gives anything."""
        return amount

    def to_json(self) -> dict[str, Any]:
        pumps = {name: pump.to_json() for name, pump in self.pumps.items()}
        return {"kind": "targets", "targets": list(self.targets), "pumps": pumps, "strength": self.strength,
                "covers": self.covers, "unit": self.unit}  # fmt: skip


def menu_from_json(data: Mapping[str, Any]) -> Menu:
    """The menu that its ``to_json`` wrote. Raises InputError for a kind that is none."""
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k != "kind"}
    if data.get("kind") == "repeated":
        given["rounding"] = Rounding.from_json(data["rounding"])
        given.setdefault("loading", "any_time")  # as menus were before they could say
        return Repeated(**given)
    if data.get("kind") == "weekly":
        return Weekly(**given)
    if data.get("kind") == "settings" and not data.get("per"):
        tied = {tuple(t["names"]): tuple(tuple(r) for r in t["rows"]) for t in data.get("tied", ())}
        return Settings({k: tuple(v) for k, v in data["grids"].items()}, tied, {}, data.get("steps", {}))
    raise InputError("unknown kind of menu", where="menu", value=data.get("kind"), allowed="repeated, weekly, settings")


__all__ = [
    "DoseOrder", "Loading", "Menu", "Plans", "Repeated", "Rounding", "Settings", "Situation", "Targets", "Weekly", "first_at",
    "menu_from_json",
]  # fmt: skip

"""Orders of doses: every so many hours (with a loading dose before them or none), once, by the days of the week."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from dosetwin.errors import InputError
from dosetwin.records.covariate import Covariate
from dosetwin.records.dosing import DoseEvent
from dosetwin.records.order import Choosable, Order

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_H = 24.0


@runtime_checkable
class DoseOrder(Choosable, Protocol):
    """An order whose doses can be counted: dose ``k`` (0: the first) starts at ``start(k)`` h, the first one at ``first_at``.

    ``amount`` of the doses that go on, ``first`` of the first one; ``interval`` h between them, ``first_interval`` h after the
    first; ``duration`` h each dose runs, 0: at once. ``amounts`` in words: ``8 mg, then 6.6 mg``.
    """

    @property
    def amount(self) -> float:
        """Of the doses that go on."""
        ...

    @property
    def first(self) -> float:
        """Of the first dose."""
        ...

    @property
    def interval(self) -> float:
        """h from one dose to the next."""
        ...

    @property
    def first_interval(self) -> float:
        """h from the first dose to the second."""
        ...

    @property
    def duration(self) -> float:
        """h each dose runs."""
        ...

    def start(self, k: int) -> float:
        """h at which dose ``k`` starts."""
        ...


def span(h: float) -> str:
    """``36 h``, ``2 weeks``: whole weeks as people say them."""
    weeks = h / 168.0
    if weeks < 1.0 or abs(weeks - round(weeks)) > 1e-9:
        return f"{h:g} h"
    return f"{weeks:.0f} week{'s' if weeks > 1.5 else ''}"


def every(h: float) -> str:
    """``every 36 h``, ``every week``, ``every 3 weeks``."""
    return f"every {span(h).removeprefix('1 week') or 'week'}"


def roundness(amount: float) -> int:
    """0 for whole units, 1 for halves, 2 for anything else."""
    return next((k for k, step in enumerate((1.0, 0.5)) if abs(amount / step - round(amount / step)) < 1e-6), 2)


class _Given:
    """What every order of doses shares: doses one after the other, no settings."""

    def settings(self, until: float) -> tuple[Covariate, ...]:
        """None: doses set nothing."""
        return ()


@dataclass(frozen=True)
class Every(_Given):
    """``amount`` over ``duration`` h every ``interval`` h, first given at ``first_at`` h.

    ``loading``: the amount of the first dose where it differs; ``wait`` h: from the first dose to the second where it differs
    from ``interval``; None: as the others.
    """

    amount: float
    interval: float
    duration: float
    first_at: float = 0.0
    cmt: str | int | None = None
    loading: float | None = None
    wait: float | None = None
    unit: str = field(default="mg", kw_only=True)

    @property
    def first(self) -> float:
        """Amount of the first dose."""
        return self.amount if self.loading is None else self.loading

    @property
    def first_interval(self) -> float:
        """h from the first dose to the second."""
        return self.interval if self.wait is None else self.wait

    def start(self, k: int) -> float:
        """h at which dose ``k`` (0: the first) starts."""
        return self.first_at + (self.first_interval + (k - 1) * self.interval if k else 0.0)

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """The doses given before ``until`` (h, exclusive)."""
        out: list[DoseEvent] = []
        k = 0
        while self.start(k) < until - 1e-9:
            out.append(DoseEvent(self.start(k), self.amount if k else self.first, self.duration, self.cmt))
            k += 1
        return tuple(out)

    @property
    def pattern(self) -> tuple[float, ...]:
        """Interval and duration."""
        return (self.interval, self.duration)

    @property
    def complexity(self) -> int:
        """0: one amount; 1: a loading dose before it; 2: a loading dose with an interval of its own."""
        return (self.loading is not None) + (self.wait is not None)

    @property
    def roundness(self) -> int:
        """Summed over a loading and a maintenance dose."""
        return roundness(self.amount) + (roundness(self.loading) if self.loading is not None else 0)

    @property
    def amounts(self) -> str:
        """``8 mg`` or ``8 mg, then 6.6 mg``."""
        rest = f"{self.amount:g} {self.unit}"
        return rest if self.loading is None else f"{self.loading:g} {self.unit}, then {rest}"

    def words(self) -> str:
        """``15 mg every 36 h``, ``loading dose 8 mg, after 60 h 6.6 mg every 48 h``."""
        rest = f"{self.amount:g} {self.unit} {every(self.interval)}"
        if self.loading is None:
            return rest
        return f"loading dose {self.loading:g} {self.unit}, after {span(self.first_interval)} {rest}"

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "every", "amount": self.amount, "unit": self.unit, "interval_h": self.interval, "infusion_h": self.duration,
            "first_at_h": self.first_at, "loading": self.loading,
            "loading_interval_h": None if self.loading is None else self.first_interval,
        }  # fmt: skip


@dataclass(frozen=True)
class Once(_Given):
    """One dose: ``amount`` over ``duration`` h at ``first_at`` h; ``interval`` h later the next order is expected."""

    amount: float
    duration: float = 0.0
    first_at: float = 0.0
    interval: float = DAY_H
    unit: str = field(default="mg", kw_only=True)

    @property
    def first(self) -> float:
        """The amount."""
        return self.amount

    @property
    def first_interval(self) -> float:
        """h after which the next order is expected."""
        return self.interval

    def start(self, k: int) -> float:
        """h at which dose ``k`` would start: only the first one does."""
        return self.first_at + k * self.interval

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """The dose, if it is given before ``until`` (h, exclusive)."""
        return (DoseEvent(self.first_at, self.amount, self.duration),) if self.first_at < until - 1e-9 else ()

    @property
    def pattern(self) -> tuple[float, ...]:
        """How long it runs."""
        return (self.duration,)

    @property
    def complexity(self) -> int:
        """0: one amount."""
        return 0

    @property
    def roundness(self) -> int:
        """0 for whole units, 1 for halves, 2 for anything else."""
        return roundness(self.amount)

    @property
    def amounts(self) -> str:
        """``15 mg``."""
        return f"{self.amount:g} {self.unit}"

    def words(self) -> str:
        """``15 mg once``."""
        return f"{self.amount:g} {self.unit} once"

    def to_json(self) -> dict[str, Any]:
        return {"kind": "once", "amount": self.amount, "unit": self.unit, "infusion_h": self.duration,
                "first_at_h": self.first_at, "interval_h": self.interval}  # fmt: skip


@dataclass(frozen=True)
class Week(_Given):
    """A dose a day by the days of the week: ``week`` seven amounts from Monday, the first one at ``first_at`` h on day ``day``.

    ``calendar`` False: the record has no calendar, and the days are counted from the first (``day`` 0).
    Raises InputError for anything but seven amounts of which one is given.
    """

    week: tuple[float, ...]
    first_at: float = 0.0
    day: int = 0
    calendar: bool = True
    unit: str = field(default="mg", kw_only=True)

    def __post_init__(self) -> None:
        if len(self.week) != 7 or not all(a >= 0 for a in self.week) or not any(self.week) or not 0 <= self.day < 7:
            raise InputError("a week is seven amounts, one at least given", where="order", value=self.week)

    @property
    def total(self) -> float:
        """Amount of a week."""
        return float(sum(self.week))

    @property
    def amount(self) -> float:
        """Mean amount of a day."""
        return self.total / 7.0

    @property
    def first(self) -> float:
        """Amount of the first day."""
        return self.week[self.day]

    interval = first_interval = property(lambda self: DAY_H, doc="h between doses: a day.")
    duration = property(lambda self: 0.0, doc="h a dose runs: given at once.")

    def start(self, k: int) -> float:
        """h at which day ``k`` (0: the first) begins."""
        return self.first_at + k * DAY_H

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """The doses given before ``until`` (h, exclusive); none on a day without one."""
        days = max(int(-(-(until - 1e-9 - self.first_at) // DAY_H)), 0)
        amounts = [(self.start(k), self.week[(self.day + k) % 7]) for k in range(days)]
        return tuple(DoseEvent(t, a, 0.0) for t, a in amounts if a > 0)

    @property
    def pattern(self) -> tuple[float, ...]:
        """A day."""
        return (DAY_H,)

    @property
    def complexity(self) -> int:
        """0: the same every day; 1: not."""
        return int(len(set(self.week)) > 1)

    @property
    def roundness(self) -> int:
        """The worst of its amounts."""
        return max(roundness(a) for a in self.week)

    @property
    def amounts(self) -> str:
        """The whole order."""
        return self.words()

    def words(self) -> str:
        """``5 mg daily``, ``5 mg daily, 2.5 mg on Mon and Thu``."""
        usual = max(set(self.week), key=lambda a: (self.week.count(a), a))
        days = DAYS if self.calendar else tuple(f"day {k}" for k in range(1, 8))
        rest = [
            f"{a:g} {self.unit} on " + " and ".join(", ".join(of).rsplit(", ", 1))
            for a in sorted(set(self.week) - {usual}, reverse=True)
            if (of := [d for d, b in zip(days, self.week, strict=True) if b == a])
        ]
        return ", ".join([f"{usual:g} {self.unit} daily", *rest])

    def to_json(self) -> dict[str, Any]:
        return {"kind": "weekly", "week": list(self.week), "unit": self.unit, "total": round(self.total, 6),
                "first_at_h": self.first_at, "day": self.day, "calendar": self.calendar}  # fmt: skip


@dataclass(frozen=True)
class Then:
    """One order until ``until`` h, then another: a loading scheme and what follows it."""

    before: Order
    after: Order
    until: float

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """The doses given before ``until`` (h, exclusive)."""
        return (*self.before.doses(min(until, self.until)), *self.after.doses(until))

    def settings(self, until: float) -> tuple[Covariate, ...]:
        """The settings in force before ``until`` (h, exclusive)."""
        return (*self.before.settings(min(until, self.until)), *self.after.settings(until))

    def words(self) -> str:
        """Both, with ``then`` between them."""
        return f"{self.before.words()}, then {self.after.words()}"

    def to_json(self) -> dict[str, Any]:
        return {"kind": "then", "before": self.before.to_json(), "after": self.after.to_json(), "until_h": self.until}


def order_from_json(data: Mapping[str, Any]) -> Order:
    """The order that its ``to_json`` wrote. Raises InputError for a kind that is none."""
    from dosetwin.records.order import Setting
    from dosetwin.records.pump import Pump

    kind = data.get("kind")
    if kind == "every":
        wait = data["loading_interval_h"]
        return Every(data["amount"], data["interval_h"], data["infusion_h"], data["first_at_h"], loading=data["loading"],
                     wait=None if wait == data["interval_h"] else wait, unit=data["unit"])  # fmt: skip
    if kind == "once":
        return Once(data["amount"], data["infusion_h"], data["first_at_h"], data["interval_h"], unit=data["unit"])
    if kind == "weekly":
        return Week(tuple(data["week"]), data["first_at_h"], data["day"], data["calendar"], unit=data["unit"])
    if kind == "then":
        return Then(order_from_json(data["before"]), order_from_json(data["after"]), data["until_h"])
    if kind == "setting":
        return Setting.from_json(data)
    if kind == "pump":
        return Pump.from_json(data)
    raise InputError("unknown kind of order", where="order", value=kind, allowed="every, once, weekly, then, setting, pump")

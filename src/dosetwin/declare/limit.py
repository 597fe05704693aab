"""Hard limits and bars: what an order must never be, checked last and independently of how the order was found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dosetwin.declare.fields import right_kinds
from dosetwin.declare.menu import Situation
from dosetwin.declare.place import placed, stamp
from dosetwin.declare.rule import Facts
from dosetwin.errors import Finding, InputError, Reason, UnknownUnit
from dosetwin.quantities import QUANTITIES, predicted_weight
from dosetwin.quantities.units import plain_unit
from dosetwin.records import DoseOrder, Week


@dataclass(frozen=True)
class Bounded:
    """A number of an order: its unit ({} that of a dose), what it is, how it is found from an order, the situation and the menu
    (None: there is none)."""

    unit: str
    text: str
    of: Callable[[DoseOrder, Situation, Any], float | None]


def _per(size: float | None, amount: float) -> float | None:
    return amount / size if size else None


def _surface(where: Situation) -> float | None:
    return where.facts.number("BSA")


def adjusted_weight(facts: Facts) -> float | None:
    """Adjusted weight, kg: Devine's ideal weight (1974) and four tenths of what is above it; None up to a fifth above it, and
    where weight, height or sex is not known."""
    kg, cm, sex = facts.number("WT"), facts.number("HT"), facts.SEX
    if kg is None or cm is None or sex is None:
        return None
    ideal = predicted_weight(cm, sex in ("male", 1.0))
    return ideal + 0.4 * (kg - ideal) if kg > 1.2 * ideal > 0.0 else None


def _weekly(order: DoseOrder, where: Situation) -> float | None:
    before = where.week()
    return order.amount * 168.0 / order.interval / before if before else None


def _rise(order: DoseOrder, where: Situation, weeks: float = 1.0) -> float | None:
    before = None if where.afresh else where.daily(where.now - 168.0 * weeks, order.interval)
    return None if before is None else _daily(order) - before


def _daily(order: DoseOrder) -> float:
    return order.amount * 24.0 / order.interval


def _gap(where: Situation) -> float | None:
    times = sorted(t for t, _ in where.given)
    return times[-1] - times[-2] if len(times) > 1 else None


def _cumulative(order: DoseOrder, where: Situation) -> float:
    return sum(a for _, a in where.given) + order.first


def _most(order: DoseOrder) -> float:
    return max(order.week) if isinstance(order, Week) else order.amount


OF: Mapping[str, Bounded] = {
    "dose": Bounded("{}", "one dose", lambda o, w, m: _most(o)),
    "dose_per_kg": Bounded("{}/kg", "one dose per kg of current weight", lambda o, w, m: _per(w.weight, _most(o))),
    "dose_per_m2": Bounded("{}/m2", "one dose per m2 of body surface", lambda o, w, m: _per(_surface(w), _most(o))),
    "dose_per_adjusted_kg": Bounded("{}/kg", "one dose per kg of adjusted weight, of whom is a fifth above the ideal weight",
                                    lambda o, w, m: _per(adjusted_weight(w.facts), _most(o))),
    "daily": Bounded("{}/d", "mean dose per day", lambda o, w, m: o.amount * 24.0 / o.interval),
    "daily_per_kg": Bounded("{}/kg/d", "mean dose per day and kg of current weight",
                            lambda o, w, m: o.amount / w.weight * 24.0 / o.interval if w.weight else None),
    "later_daily": Bounded("{}/d", "mean dose per day of the doses that go on, a loading dose left out",
                           lambda o, w, m: _daily(o)),
    "start_daily": Bounded("{}/d", "mean dose per day of a course that begins",
                           lambda o, w, m: _daily(o) if w.afresh else None),
    "start_daily_per_kg": Bounded("{}/kg/d", "mean dose per day and kg of a course that begins",
                                  lambda o, w, m: _per(w.weight, _daily(o)) if w.afresh else None),
    "daily_rise": Bounded("{}/d", "mean dose per day above that of a week before", lambda o, w, m: _rise(o, w)),
    "fortnight_rise": Bounded("{}/d", "mean dose per day above that of two weeks before", lambda o, w, m: _rise(o, w, 2.0)),
    "daily_rise_per_kg": Bounded("{}/kg/d", "mean dose per day and kg above that of a week before",
                                 lambda o, w, m: None if (r := _rise(o, w)) is None else _per(w.weight, r)),
    "interval_h": Bounded("h", "from one dose to the next", lambda o, w, m: o.interval),
    "interval_ratio": Bounded("1", "interval over that between the last two doses", lambda o, w, m: _per(_gap(w), o.interval)),
    "loading_interval_h": Bounded("h", "from a loading dose to the next", lambda o, w, m: None),
    "infusion_h": Bounded("h", "time a dose runs", lambda o, w, m: o.duration),
    "rate": Bounded("{}/min", "dose over the time it runs", lambda o, w, m: _per(o.duration * 60.0, _most(o))),
    "amount_ratio": Bounded("1", "dose over the previous dose",
                            lambda o, w, m: o.amount / w.previous_amount if w.previous_amount else None),
    "weekly_change": Bounded("1", "dose of a week over that of the week before", lambda o, w, m: _weekly(o, w)),
    "gap_h": Bounded("h", "start of the previous dose to the coming one",
                     lambda o, w, m: None if w.last_dose is None else o.first_at - w.last_dose),
    "delay_h": Bounded("h", "from now to the coming dose", lambda o, w, m: o.first_at - w.now),
    "off_step": Bounded("{}", "distance to the nearest amount that can be measured",
                        lambda o, w, m: abs(o.amount - m.measured(o.amount))),
    "cumulative": Bounded("{}", "all doses so far and the coming one", lambda o, w, m: _cumulative(o, w)),
    "cumulative_per_m2": Bounded("{}/m2", "all doses so far and the coming one per m2 of body surface",
                                 lambda o, w, m: _per(_surface(w), _cumulative(o, w))),
}  # fmt: skip
"""What a limit may bound. ``loading_interval_h`` is only asked of an order with a loading dose (without a limit on it that
interval is held to ``interval_h``), ``rate`` not of what is given at once, ``weekly_change`` once a week has been given."""
PER_KG = ("dose_per_kg", "daily_per_kg", "start_daily_per_kg", "daily_rise_per_kg")
"""Bounded numbers that need a body weight."""
STEPS = ("start_daily", "start_daily_per_kg", "daily_rise", "fortnight_rise", "daily_rise_per_kg")
"""Bounded numbers of drugs that are titrated: what is beyond them is not forbidden for good but only now."""


@dataclass(frozen=True)
class Limit:
    """``low <= of <= high`` (None: no border), in ``unit``; ``holds``: of whom (None: of everybody; not of whom that is not "
    "known)."""

    code: str
    of: str
    low: float | None
    high: float | None
    unit: str
    text: str = ""
    source: str = ""
    at: str = field(default="", compare=False, repr=False)
    holds: Callable[[Facts], bool] | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"limit {self.code}")
        where = placed(self, f"limit {self.code}")
        if self.of not in OF:
            raise InputError("unknown number of an order", where=where, value=self.of, allowed=", ".join(OF))
        if self.low is None and self.high is None:
            raise InputError("a limit needs a low or a high border", where=where)
        if not self.text:
            object.__setattr__(self, "text", OF[self.of].text)
        if not self.source:
            raise InputError("a limit must name its source", where=where, remedy='write source="..."')

    def fits(self, unit: str) -> None:
        """Raise UnknownUnit where its unit is not that of what it bounds, for doses in ``unit`` (mg)."""
        expected = OF[self.of].unit.format(unit)
        if plain_unit(self.unit.replace("/day", "/d")) != plain_unit(expected):
            raise UnknownUnit(
                "the unit is not that of what is bounded", where=placed(self, f"limit {self.code}"), value=self.unit,
                allowed=f"{expected} ({self.of})", remedy="give the borders in that unit",
            )  # fmt: skip

    def broken_by(self, value: float) -> Reason | None:
        """The reason why ``value`` is outside, None if it is inside (1e-9 of slack for rounding)."""
        if (self.low is None or value >= self.low) and (self.high is None or value <= self.high):
            return None
        slack = 1e-9 * max(1.0, abs(value))
        if self.low is not None and value < self.low - slack:
            return Reason(self.code, round(value, 4), self.low, self.unit, f"{self.text}: below the lowest allowed", self.source)
        if self.high is not None and value > self.high + slack:
            return Reason(
                self.code, round(value, 4), self.high, self.unit, f"{self.text}: above the highest allowed", self.source
            )
        return None

    def binds(self, facts: Facts) -> bool:
        """Whether it is of somebody of these facts."""
        if self.holds is None:
            return True
        try:
            return bool(self.holds(facts))
        except TypeError:  # a fact it asks for is not known
            return False

    def to_json(self) -> dict[str, Any]:
        return {k: v for k, v in asdict(self).items() if k not in ("at", "holds")}


def numbers(order: DoseOrder, where: Situation, menu: Any, limits: Sequence[Limit]) -> dict[str, float]:
    """What the limits bound, of an order whose doses are all alike; a number that there is none of is left out."""
    found: dict[str, float] = {}
    for of in {limit.of for limit in limits}:
        if (value := OF[of].of(order, where, menu)) is not None:
            found[of] = value
    return found


def check(found: Mapping[str, float], limits: Sequence[Limit]) -> tuple[Reason, ...]:
    """Every limit the numbers break, as reasons; empty: allowed."""
    broken = [limit.broken_by(found[limit.of]) for limit in limits if limit.of in found]
    return tuple([reason for reason in broken if reason is not None])


@dataclass(frozen=True)
class Asks:
    """What a bar asks while nobody knows its fact: ``says``, in the ward's words, a text or how it is found from the facts (None:
    these call for no question; "": made from the fact's name and the bar). ``first``: only before a first dose."""

    says: str | Callable[[Facts], str | None] = ""
    severity: Literal["info", "warning"] = "warning"
    first: bool = False


@dataclass(frozen=True)
class Bar:
    """Nothing of this therapy is ordered while ``fact`` says so: an allele, an allergy, a pregnancy.

    ``forbids``: the values that forbid; for a number that may be any above a border, ``above``, or under one, ``below``. ``of``:
    how a number is found that is no fact itself (a clearance from ``fact`` and others). ``help``: what to do instead. ``asks``:
    what is asked while that is not known, which is never taken for a no.
    """

    code: str
    fact: str
    text: str
    source: str
    forbids: tuple[float | str, ...] = ()
    above: float | None = None
    help: str = ""
    at: str = field(default="", compare=False, repr=False)
    below: float | None = None
    of: Callable[[Facts], float | None] | None = field(default=None, compare=False, repr=False)
    asks: Asks = field(default=Asks(), compare=False, repr=False)

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"bar {self.code}")
        where = placed(self, f"bar {self.code}")
        if bool(self.forbids) + (self.above is not None) + (self.below is not None) != 1:
            raise InputError("a bar forbids by values, above or below a border, one of them", where=where, value=self.forbids)
        if not self.source:
            raise InputError("a bar must name its source", where=where, remedy='write source="..."')

    def value(self, facts: Facts) -> float | str | None:
        """What these facts say; None: it is not known."""
        if self.of is None:
            return facts.get(self.fact)
        try:
            found = self.of(facts)
        except TypeError:  # a fact it counts with is not known
            return None
        return None if found is None else round(found, 1)

    def asked(self, facts: Facts, begun: bool) -> Finding | None:
        """The question for what nobody wrote of somebody of these facts, ``begun`` where a first dose was given; None: none."""
        if self.value(facts) is not None or (begun and self.asks.first):
            return None
        of = QUANTITIES.get(self.fact)
        text = self.asks.says(facts) if callable(self.asks.says) else self.asks.says
        if text is None:
            return None
        text = text or f"not known: {of.text if of else self.fact}; it may forbid this ({self.text})"
        return Finding(self.asks.severity, f"{self.code}_not_known", self.fact, text)

    def forbidden(self, facts: Facts) -> Reason | None:
        """The reason why nothing may be ordered for these facts; None: the bar does not hold, or the fact is not known (which
        ``asked`` says)."""
        value = self.value(facts)
        number = None if isinstance(value, str) else value
        if value is None:
            return None
        over = self.above is not None and number is not None and number > self.above
        under = self.below is not None and number is not None and number < self.below
        bad = over or under or value in self.forbids
        limit = next((x for x in (self.above, self.below) if x is not None), ", ".join(map(str, self.forbids)))
        return Reason(f"bar_{self.code}", value, limit, "", self.text, self.source) if bad else None

    def to_json(self) -> dict[str, Any]:
        made = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items() if k not in ("at", "of", "asks")}
        return {k: v for k, v in made.items() if v or k not in ("help", "below")}

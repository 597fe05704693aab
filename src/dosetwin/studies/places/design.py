"""A trial of a place as data, and its rows: which promises, what demand is true, which arms."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin import formulary
from dosetwin.errors import InputError, UnknownName
from dosetwin.populations import wards
from dosetwin.populations.wards import Demand
from dosetwin.studies.places.endpoints import WHO, endpoints_of
from dosetwin.trial.keys import NUMBER, Kinds, only, record
from dosetwin.trial.study import Claim, Endpoint, rows_hash
from dosetwin.trial.therapy.endpoints import value_name

if TYPE_CHECKING:
    import pyarrow as pa

    from dosetwin.declare import Therapy
    from dosetwin.declare.pool import Pool

TOP: Kinds = {"name": str, "title": str, "note": str, "n": int, "seed": int, "first": int, "chunk": int, "therapy": str,
              "watch_days": NUMBER, "periods": int, "demand": dict, "arms": list, "claims": list, "reference": str}  # fmt: skip
RANGES, NUMBERS = ("per_day", "stay_h", "sd"), ("day", "week", "growth")
CLAIM = ("arm", "against", "endpoint", "kind", "value")
POLICIES = "rule:NAME of the therapy's rules, fixed:BEDS, twin"


@dataclass(frozen=True)
class Arm:
    """``policy``: a rule, a fixed number or the twin with so many ``draws``."""

    name: str
    policy: str
    draws: int = 100

    @property
    def fixed(self) -> float | None:
        """The number of beds of ``fixed:14``; None of another policy."""
        found = re.fullmatch(r"fixed:(\d{1,4})", self.policy)
        return None if found is None else float(found[1])


@dataclass(frozen=True)
class PlaceDesign:
    """A whole trial: ``n`` wards from number ``first`` on, watched for ``watch_days`` and then decided about ``periods`` times,
    each for as long as the therapy's readings look ahead. What is true of them (``demand``) is more than their twin believes.
    """

    name: str
    n: int
    seed: int
    therapy: str
    arms: tuple[Arm, ...]
    demand: Demand = field(default_factory=Demand)
    watch_days: float = 28.0
    periods: int = 4
    title: str = ""
    note: str = ""
    first: int = 0
    chunk: int = 10
    reference: str = ""
    claims: tuple[Claim, ...] = ()

    def __post_init__(self) -> None:
        where = f"design {self.name}"
        if self.n < 1 or self.seed < 0 or self.first < 0 or not 1 <= self.chunk <= 100_000:
            raise InputError("n >= 1, seed and first not negative, chunk 1 to 100000", where=where,
                             value=(self.n, self.seed, self.first, self.chunk))  # fmt: skip
        if not 7 <= self.watch_days <= 366 or not 1 <= self.periods <= 100:
            raise InputError("watch_days 7 to 366, periods 1 to 100", where=where, value=(self.watch_days, self.periods))
        if self.of.kind != "place" or self.of.pool is None:
            raise InputError("virtual wards have orders of a place", where=f"{where}: therapy", value=self.therapy)
        names = [a.name for a in self.arms]
        if not names or len(set(names)) < len(names):
            raise InputError("a trial needs arms of different names", where=f"{where}: arms", value=names)
        rules = [f"rule:{r.name}" for r in self.of.rules]
        for arm in self.arms:
            if arm.policy != "twin" and arm.fixed is None and arm.policy not in rules:
                raise UnknownName("unknown policy", where=f"{where}: arm {arm.name}", value=arm.policy,
                                  allowed=f"{POLICIES} ({', '.join(rules)})")  # fmt: skip
            if not 100 <= arm.draws <= 5000:
                raise InputError("draws of a twin", where=f"{where}: arm {arm.name}", value=arm.draws, allowed="100 to 5000")
        for x in (self.reference, *(c.arm for c in self.claims), *(c.against for c in self.claims)):
            if x and x not in names:
                raise UnknownName("unknown arm", where=where, value=x, allowed=", ".join(names))
        for c in self.claims:
            if c.endpoint not in self.defined:
                raise UnknownName("unknown endpoint", where=where, value=c.endpoint, allowed=", ".join(self.defined))

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to a worker: the design as data; the therapy is read again there."""
        return {k: v for k, v in self.__dict__.items() if k in self.__dataclass_fields__}

    @cached_property
    def of(self) -> "Therapy":
        """The therapy."""
        return formulary.therapy(self.therapy)

    @property
    def pool(self) -> "Pool":
        """What its twin believes before anything is seen."""
        assert self.of.pool is not None
        return self.of.pool

    @property
    def watch_h(self) -> float:
        """h that a ward is watched before the first decision."""
        return 24.0 * self.watch_days

    @cached_property
    def defined(self) -> Mapping[str, Endpoint]:
        """What every endpoint is."""
        return endpoints_of(self.of)

    def value(self, key: str) -> str:
        """The endpoint that is the value of the reading with that key."""
        return next(value_name(r) for r in self.of.readings if r.key == key)

    endpoints = property(lambda self: tuple(self.defined))
    main = endpoints
    key = property(lambda self: tuple(n for n, e in self.defined.items() if e.better != "neither"))
    always = property(lambda self: ())
    pareto = property(lambda self: self.key[:1] + tuple(n for n in self.key if self.defined[n].better == "low")[:1])
    subgroups = property(lambda self: ("size",))
    kinds = subgroups
    who = property(lambda self: WHO)
    facts = property(lambda self: ("ward", "per_day", "stay_h", "sd", "load"))
    first_arm = property(lambda self: self.reference or self.arms[0].name)

    def groups(self, facts: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
        """Small and large wards apart."""
        large = facts["load"] >= 10.0
        return {f"load below 10 {self.pool.of}": ~large, f"load of 10 {self.pool.of} and more": large}

    def table(self, first: int, n: int) -> "pa.Table":
        """Every arm of ``n`` wards: one row per ward and arm, by ward, then arm."""
        import pyarrow as pa

        from dosetwin.studies.places.course import follow

        until = self.watch_h + self.periods * self.of.follows_h
        rows: list[dict[str, Any]] = []
        for k in range(self.first + first, self.first + first + n):
            ward = wards.drawn(k, self.seed, self.demand, until)
            who = {"ward": k, "per_day": ward.per_day, "stay_h": ward.stay_h, "sd": ward.sd, "load": ward.load}
            rows += [{**who, "arm": a.name, "failure": "", **follow(self, ward, a)} for a in self.arms]
        return pa.Table.from_pylist(rows)

    def told(self) -> dict[str, Any]:
        """What endpoints are, and what is shown first."""
        return {"endpoints": {n: asdict(e) for n, e in self.defined.items()}, "main": list(self.main), "shown": list(self.key),
                "who": list(WHO[:2])}  # fmt: skip

    def how(self) -> tuple[str, dict[str, Any]]:
        """What each arm does, and what is true of the wards, for the page."""
        d, days = self.demand, self.of.follows_h / 24.0
        said = [
            f"{self.n} wards: {d.per_day[0]:g} to {d.per_day[1]:g} arrivals a day, mean stays of {d.stay_h[0]:g} to "
            f"{d.stay_h[1]:g} h, log-normal with an SD of the log of {d.sd[0]:g} to {d.sd[1]:g}.",
            f"Arrivals swing by {100 * d.day:g} % over the day, are {100 * d.week:g} % fewer at the weekend, and grow or shrink "
            f"by {100 * d.growth:g} % (SD) in four weeks; the twin knows nothing of it.",
            f"Each is watched for {self.watch_days:g} days with 1.1 to 1.5 times its load open, then decided about "
            f"{self.periods} times for {days:g} days. Rules are told the load and the mean stay that the twin believes.",
        ]
        rules = {f"rule:{r.name}": f"{r.title} ({r.source})" for r in self.of.rules}
        arms = [(a.name, rules.get(a.policy, f"{a.fixed:g} {self.pool.of} throughout" if a.fixed is not None else
                                   f"the twin's advice on {a.draws} draws")) for a in self.arms]  # fmt: skip
        page = resources.files("dosetwin.trial.therapy") / "how.html.j2"
        return page.read_text(encoding="utf-8"), {"arms": arms, "said": said}

    def with_n(self, n: int | None = None, seed: int | None = None) -> "PlaceDesign":
        """The same design with another number of wards or seed."""
        return replace(self, n=self.n if n is None else n, seed=self.seed if seed is None else seed)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary with every default written out."""
        return json.loads(json.dumps(asdict(self))) | {"study": "places", "declared": self.of.to_json()}

    @property
    def hash(self) -> str:
        """SHA-256 of everything that can change a ward's rows."""
        return rows_hash(self.to_json())


def read(given: Mapping[str, Any], where: str) -> PlaceDesign:
    """The design in ``given``. Raises InputError, UnknownName with the key and what is allowed."""
    only(given, TOP, where)
    if missing := [k for k in ("name", "n", "seed", "therapy", "arms") if k not in given]:
        raise InputError("missing key", where=f"{where}: {missing[0]}", allowed="name, n, seed, therapy and arms must be given")
    demand = given.get("demand", {})
    only(demand, {**dict.fromkeys(RANGES, (list,)), **dict.fromkeys(NUMBERS, NUMBER)}, f"{where}: [demand]")
    for name in RANGES:
        if name in demand and not (len(demand[name]) == 2 and all(isinstance(x, int | float) for x in demand[name])):
            raise InputError("lowest and highest", where=f"{where}: demand.{name}", value=demand[name])
    given_of: dict[str, Any] = {k: tuple(map(float, v)) if k in RANGES else float(v) for k, v in demand.items()}
    drawn = Demand(**given_of)
    made = {k: v for k, v in given.items() if k not in ("demand", "arms", "claims")}
    return PlaceDesign(
        **made, demand=drawn, arms=tuple(record(a, Arm, f"{where}: arms", ("name", "policy")) for a in given["arms"]),
        claims=tuple(record(c, Claim, f"{where}: claims", CLAIM) for c in given.get("claims", [])),
    )  # fmt: skip

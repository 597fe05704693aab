"""A trial of controllers of insulin as data, and its rows."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.errors import InputError, UnknownName
from dosetwin.loops.insulin import CONTROLLERS, Limits
from dosetwin.outcomes.glucose import glycaemia
from dosetwin.populations import type1
from dosetwin.populations.type1.sensor import Sensor
from dosetwin.studies.closed_loop.course import World, advised, play
from dosetwin.studies.closed_loop.endpoints import ENDPOINTS, MAIN, SHOWN, WHO
from dosetwin.trial.keys import NUMBER, Kinds, only, record
from dosetwin.trial.study import Claim, Endpoint, rows_hash

if TYPE_CHECKING:
    import pyarrow as pa

TOP: Kinds = {"name": str, "title": str, "note": str, "n": int, "seed": int, "first": int, "chunk": int, "group": str,
              "world": dict, "sensor": dict, "arms": list, "claims": list, "reference": str}  # fmt: skip
WORLD: Kinds = {"days": int, "unannounced": NUMBER, "misjudged": NUMBER, "swing": NUMBER, "rescue": bool, "basal": NUMBER,
               "active": NUMBER, "foretold": NUMBER}  # fmt: skip
SENSOR: Kinds = dict.fromkeys(("error", "gaps", "gap_min", "pressed", "fall", "press_min"), NUMBER)
CLAIM = ("arm", "against", "endpoint", "kind", "value")
SHARES = ("unannounced", "swing", "pressed", "gaps", "active", "foretold")


@dataclass(frozen=True)
class Arm:
    """``controller`` by name; ``limits`` False: without the limits outside of it; ``advised``: under the settings that ``advise``
    recommends after as many days under those of everybody; ``told`` False: it hears of no exercise."""

    name: str
    controller: str
    limits: bool = True
    advised: bool = False
    told: bool = True


@dataclass(frozen=True)
class LoopDesign:
    """A whole trial: ``n`` people from number ``first`` on, of a ``group`` (adult, adolescent, child; "" all) of the clinic."""

    name: str
    n: int
    seed: int
    arms: tuple[Arm, ...]
    world: World = field(default_factory=World)
    title: str = ""
    note: str = ""
    first: int = 0
    chunk: int = 25
    group: str = ""
    reference: str = ""
    claims: tuple[Claim, ...] = ()

    def __post_init__(self) -> None:
        where = f"design {self.name}"
        if self.n < 1 or self.seed < 0 or self.first < 0 or not 1 <= self.chunk <= 100_000:
            raise InputError("n >= 1, seed and first not negative, chunk 1 to 100000", where=where,
                             value=(self.n, self.seed, self.first, self.chunk))  # fmt: skip
        if not self.arms or len({a.name for a in self.arms}) < len(self.arms):
            raise InputError("a trial needs arms of different names", where=f"{where}: arms", value=[a.name for a in self.arms])
        for arm in self.arms:
            if arm.controller not in CONTROLLERS:
                raise UnknownName("unknown controller", where=f"{where}: arm {arm.name}", value=arm.controller,
                                  allowed=", ".join(CONTROLLERS))  # fmt: skip
        if not 1 <= self.world.days <= 60:
            raise InputError("days", where=f"{where}: world.days", value=self.world.days, allowed="1 to 60")
        for name in SHARES:
            value = getattr(self.world, name, getattr(self.world.sensor, name, 0.0))
            if not 0.0 <= value <= 1.0:
                raise InputError("a share", where=f"{where}: {name}", value=value, allowed="0 to 1")
        for x in (self.reference, *(c.arm for c in self.claims), *(c.against for c in self.claims)):
            if x and x not in {a.name for a in self.arms}:
                raise UnknownName("unknown arm", where=where, value=x, allowed=", ".join(a.name for a in self.arms))
        for c in self.claims:
            if c.endpoint not in ENDPOINTS:
                raise UnknownName("unknown endpoint", where=where, value=c.endpoint, allowed=", ".join(ENDPOINTS))
        type1.drawn(np.arange(1), self.seed, self.group)

    endpoints = property(lambda self: tuple(ENDPOINTS))
    main = property(lambda self: MAIN)
    key = property(lambda self: SHOWN)
    always = property(lambda self: ())
    pareto = property(lambda self: ("tir", "below70"))
    subgroups = property(lambda self: ("group",))
    kinds = subgroups
    who = property(lambda self: WHO)
    facts = property(lambda self: ("person", "adult", "adolescent", "weight", "basal"))
    first_arm = property(lambda self: self.reference or self.arms[0].name)

    @property
    def defined(self) -> Mapping[str, Endpoint]:
        """What every endpoint is."""
        return ENDPOINTS

    def groups(self, facts: Mapping[str, np.ndarray], kind: str) -> dict[str, np.ndarray]:
        """Adults, adolescents and children apart."""
        adult, young = facts["adult"] > 0, facts["adolescent"] > 0
        return {"adults": adult, "adolescents": young, "children": ~(adult | young)}

    def table(self, first: int, n: int) -> "pa.Table":
        """Every arm of ``n`` people: one row per person and arm, by person, then arm."""
        import pyarrow as pa

        number = np.arange(self.first + first, self.first + first + n)
        people = type1.drawn(number, self.seed, self.group)
        people = replace(people, basal=people.basal * self.world.basal)
        k = len(self.arms)
        data: dict[str, Any] = {
            "person": np.repeat(number, k),
            "adult": np.repeat([float(name.startswith("adult")) for name in people.name], k),
            "adolescent": np.repeat([float(name.startswith("adolescent")) for name in people.name], k),
            "weight": np.repeat(people.weight, k), "basal": np.repeat(people.basal, k),
            "arm": [a.name for _ in number for a in self.arms], "failure": [""] * (n * k),
        }  # fmt: skip
        found = [self._counted(people, number, arm) for arm in self.arms]
        for e in ENDPOINTS:
            data[e] = np.column_stack([f[e] for f in found]).ravel()
        return pa.table(data)

    def _counted(self, people: type1.Clinic, number: np.ndarray, arm: Arm) -> dict[str, np.ndarray]:
        if arm.advised:
            people = advised(people, number, self.seed, self.world, arm.controller)
        played = play(people, number, self.seed, self.world, arm.controller, Limits() if arm.limits else None, arm.told)
        every = np.arange(4, played.glucose.shape[1], 5)
        said = [glycaemia(every.astype(float), np.clip(g[every], 10.0, 1500.0)) for g in played.glucose]
        out = {e: np.array([getattr(s, e) for s in said]) for e in ENDPOINTS if hasattr(said[0], e)}
        out["all_targets"] = ((out["tir"] > 70.0) & (out["below70"] < 4.0) & (out["below54"] < 1.0)).astype(float)
        out["insulin"] = played.insulin.sum(axis=1) / self.world.days
        out["rescued"] = played.rescued / self.world.days
        return out

    def told(self) -> dict[str, Any]:
        """What endpoints are, and what is shown first."""
        return {
            "endpoints": {n: asdict(e) for n, e in ENDPOINTS.items()},
            "main": list(MAIN),
            "shown": list(SHOWN),
            "who": list(WHO[:2]),
        }

    def how(self) -> tuple[str, dict[str, Any]]:
        """What each arm does, and what may go wrong, as ``how.html.j2`` lays them out."""
        w, s, who = self.world, self.world.sensor, f" ({self.group} only)" if self.group else ""
        said = [
            f"{self.n} people drawn from the thirty of the virtual clinic{who}, {w.days} days each.",
            f"{100 * w.unannounced:g} % of meals are not announced, carbohydrate is misjudged by {100 * w.misjudged:g} % (SD), "
            f"sensitivity swings by {100 * w.swing:g} % over the day.",
            f"The monitor errs ({s.error:g} times the published errors), has {s.gaps:g} gaps a day and {s.pressed:g} falls by "
            "pressure a night; what is counted is glucose as it was.",
            *(
                []
                if not w.active
                else [
                    f"On {100 * w.active:g} % of days there is exercise of 30 to 60 minutes, in {100 * w.foretold:g} % "
                    "of them told 90 minutes before."
                ]
            ),
            *([] if w.basal == 1.0 else [f"Everybody's basal dose is {w.basal:g} times the one that holds glucose level."]),
        ]
        arms = [
            (
                a.name,
                f"{CONTROLLERS[a.controller].__doc__}".split(".")[0]
                + ("" if a.limits else "; without limits")
                + ("; settings as advised after as many other days" if a.advised else "")
                + ("" if a.told else "; hears of no exercise"),
            )
            for a in self.arms
        ]
        page = resources.files("dosetwin.trial.therapy") / "how.html.j2"
        return page.read_text(encoding="utf-8"), {"arms": arms, "said": said}

    def with_n(self, n: int | None = None, seed: int | None = None) -> "LoopDesign":
        """The same design with another number of people or seed."""
        return replace(self, n=self.n if n is None else n, seed=self.seed if seed is None else seed)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary with every default written out."""
        return json.loads(json.dumps(asdict(self))) | {"study": "closed_loop", "limits": asdict(Limits())}

    @property
    def hash(self) -> str:
        """SHA-256 of everything that can change a person's rows."""
        return rows_hash(self.to_json())


def read(given: Mapping[str, Any], where: str) -> LoopDesign:
    """The design in ``given``. Raises InputError, UnknownName with the key and what is allowed."""
    only(given, TOP, where)
    if missing := [k for k in ("name", "n", "seed", "arms") if k not in given]:
        raise InputError("missing key", where=f"{where}: {missing[0]}", allowed="name, n, seed and arms must be given")
    world, sensor = given.get("world", {}), given.get("sensor", {})
    only(world, WORLD, f"{where}: [world]")
    only(sensor, SENSOR, f"{where}: [sensor]")
    made = {k: v for k, v in given.items() if k not in ("world", "sensor", "arms", "claims")}
    return LoopDesign(
        **made, world=World(**world, sensor=Sensor(**sensor)),
        arms=tuple(record(a, Arm, f"{where}: arms", ("name", "controller")) for a in given["arms"]),
        claims=tuple(record(c, Claim, f"{where}: claims", CLAIM) for c in given.get("claims", [])),
    )  # fmt: skip

"""The design of a trial of a therapy as data: which therapy, who is treated, what is true, what is measured when, which arms."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin import formulary, models, populations
from dosetwin.declare import Model, Reading, Therapy
from dosetwin.declare.menu import Settings
from dosetwin.declare.rule import Rule, Says
from dosetwin.errors import InputError, UnknownName
from dosetwin.populations.population import Population
from dosetwin.populations.spread import declared
from dosetwin.trial.study import CLAIMS, Claim, Endpoint, rows_hash
from dosetwin.trial.therapy.endpoints import endpoints_of, readings_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

FIXED = re.compile(r"fixed:(\d+(?:\.\d+)?)(?:_per_(kg|m2))?_q(\d+(?:\.\d+)?)")
"""``fixed:5_q24``, ``fixed:15_per_kg_q12``: the same amount for everybody, every so many hours."""
POLICIES = "rule:NAME of the therapy, rule:FIRST+LATER, twin, fixed:AMOUNT_qHOURS, fixed:AMOUNT_per_kg_qHOURS"


@dataclass(frozen=True)
class Schedule:
    """What is measured when. ``of`` what ("" what the therapy samples), ``also`` what else with it; ``at_h`` h after the first
    order; ``before_doses`` just before these doses, ``after_doses`` ``after_h`` h after the start of these (the first dose is
    1); a result is known ``turnaround_h`` h after it was drawn; below ``loq`` it is only known to be below (0: no such border).
    """

    of: str = ""
    also: tuple[str, ...] = ()
    at_h: tuple[float, ...] = ()
    before_doses: tuple[int, ...] = ()
    after_doses: tuple[int, ...] = ()
    after_h: float = 1.0
    turnaround_h: float = 3.0
    loq: float = 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing is measured."""
        return not (self.at_h or self.before_doses or self.after_doses)


@dataclass(frozen=True)
class Arm:
    """One arm. Of a twin: ``draws`` the posterior draws that orders are scored on, ``model`` what it believes ("" the design's),
    ``sampled`` False: it sees no measurement (the model's typical belief for the patient's facts)."""

    name: str
    policy: str
    draws: int = 200
    model: str = ""
    sampled: bool = True

    def looks_in(self, design: "TherapyDesign") -> bool:
        """Whether it looks at what is measured, and is asked again when a result is known: a twin, or a rule that needs it (of
        settings every rule does: a protocol moves them by what was measured)."""
        rules = self.rules_of(design.of)
        looks = any(design.measured in r.needs for r in rules) or (bool(rules) and design.of.drug.device)
        return self.sampled and (self.policy == "twin" or looks)

    def rules_of(self, therapy: Therapy) -> tuple[Rule, ...]:
        """The rules that a policy ``rule:FIRST`` or ``rule:FIRST+LATER`` follows: the first order, and those after it."""
        kind, _, names = self.policy.partition(":")
        known = {r.name: r for r in therapy.rules}
        return tuple(known[n] for n in names.split("+") if n in known) if kind == "rule" else ()

    @property
    def fixed(self) -> Says | None:
        """What a fixed order says; None for any other policy."""
        found = FIXED.fullmatch(self.policy)
        if found is None:
            return None
        return Says(float(found[1]), float(found[3]), "the same for everybody", found[2] or "")  # type: ignore[arg-type]


@dataclass(frozen=True)
class TherapyDesign:
    """A whole trial.

    ``therapy`` a listed name or a file; ``population`` a listed name or the facts' spreads; ``truth`` and ``belief`` names of
    models ("" the therapy's first); ``occasion_h`` h of one occasion where the truth varies between them; ``facts_given`` what
    readings are divided by (``MIC``); ``own_readings`` (with the borders they should keep) counted beside the therapy's; ``cuts``
    fact -> borders of its subgroups.
    """

    name: str
    n: int
    seed: int
    therapy: str
    arms: tuple[Arm, ...]
    horizon_h: float
    population: str | Mapping[str, Any]
    schedule: Schedule
    title: str = ""
    note: str = ""
    first: int = 0
    truth: str = ""
    belief: str = ""
    occasion_h: float = 24.0
    facts_given: Mapping[str, float] = field(default_factory=dict)
    own_readings: Mapping[str, tuple[Reading, float | None, float | None]] = field(default_factory=dict)
    counted: tuple[str, ...] = ()
    reference: str = ""
    cuts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    weighed: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    chunk: int = 20

    def __post_init__(self) -> None:
        where = f"design {self.name}"
        if self.n < 1 or self.seed < 0 or self.first < 0 or not 1 <= self.chunk <= 100_000:
            raise InputError("n >= 1, seed and first not negative, chunk 1 to 100000", where=where,
                             value=(self.n, self.seed, self.first, self.chunk))  # fmt: skip
        if not 0.0 < self.horizon_h <= 24.0 * 366:
            raise InputError(
                "how long patients are followed", where=f"{where}: horizon", value=self.horizon_h, allowed="up to a year"
            )
        therapy = self.of
        if therapy.kind != "patient":
            raise InputError("virtual patients have no orders of a place", where=f"{where}: therapy", value=therapy.name)
        if not self.arms:
            raise InputError("a trial needs an arm", where=f"{where}: arms", allowed=POLICIES)
        names = [a.name for a in self.arms]
        if len(set(names)) < len(names):
            raise InputError(
                "two arms of one name", where=f"{where}: arms", value=sorted({x for x in names if names.count(x) > 1})
            )
        for arm in self.arms:
            self._fits(arm, where)
        for x in (self.reference, *(c.arm for c in self.claims), *(c.against for c in self.claims)):
            if x:
                _known(x, names, f"{where}: arm of a comparison or claim")
        for e in (*self.counted, *self.weighed, *(c.endpoint for c in self.claims)):
            _known(e, self.defined, f"{where}: endpoint")
        for c in self.claims:
            _known(c.kind, CLAIMS, f"{where}: claim: kind")
        for fact in self.cuts:
            _known(fact, self.drawn_from.holds, f"{where}: compare.groups")
        self._reaches(where)

    def _fits(self, arm: Arm, where: str) -> None:
        """Refuse an arm that cannot be followed."""
        told = f"{where}: arm {arm.name}: policy"
        kind, _, rule = arm.policy.partition(":")
        if kind == "rule":
            for name in rule.split("+"):
                _known(name, [r.name for r in self.of.rules], told)
            if rule.count("+") > 1:
                raise InputError("one rule for the first order and one for those after it", where=told, value=arm.policy)
        elif arm.policy != "twin" and (arm.fixed is None or isinstance(self.of.menu, Settings)):
            raise UnknownName("unknown policy", where=told, value=arm.policy, allowed=POLICIES)
        if not 20 <= arm.draws <= 5000:
            raise InputError("draws of a twin", where=f"{where}: arm {arm.name}", value=arm.draws, allowed="20 to 5000")
        for model in (self.true_model, self.believed(arm)):
            missing = [n for n, c in model.covs.items() if c.missing == "refuse" and n not in self.drawn_from.holds]
            if missing:
                raise InputError(f"the population holds no {missing[0]}, and {model.name} needs it", where=f"{where}: population",
                                 allowed=", ".join(self.drawn_from.holds), remedy="choose or declare another")  # fmt: skip
            for k, of in enumerate((self.measured, *self.schedule.also)):
                if model.measured_by(of) is None:
                    raise UnknownName(f"{model.name} predicts nothing of what is measured",
                                      where=f"{where}: sampling.{'also' if k else 'of'}", value=of,
                                      allowed=", ".join(model.outputs))  # fmt: skip
        noise, read = (m.outputs[m.measured_by(self.measured) or ""].residual for m in (self.true_model, self.believed(arm)))
        if (
            arm.policy == "twin"
            and arm.sampled
            and noise.kind != "lognormal"
            and read.kind == "lognormal"
            and not self.schedule.loq > 0
        ):
            raise InputError("what is measured may be 0 or less, which the belief cannot read", where=f"{where}: sampling.loq",
                             remedy="say below which value the laboratory gives no number")  # fmt: skip

    def _reaches(self, where: str) -> None:
        """Refuse a horizon before the end of what is read."""
        for name, reading in readings_of(self).items():
            end = max((getattr(reading.when, "b", 0.0), getattr(reading.when, "t", 0.0))) * 24.0
            end /= 1.0 if getattr(reading.when, "unit", "h") == "d" else 24.0
            if end > self.horizon_h + 1e-9:
                raise InputError("patients are not followed to the end of what is read", where=f"{where}: {name}",
                                 value=f"{self.horizon_h:g} h", allowed=f">= {end:g} h", remedy="a longer horizon")  # fmt: skip

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to a worker: the design as data; therapy and models are read again there."""
        return {k: v for k, v in self.__dict__.items() if k in self.__dataclass_fields__}

    # ------------------------------------------------------------------------------------------- what the names stand for

    @cached_property
    def of(self) -> Therapy:
        """The therapy."""
        return formulary.therapy(self.therapy)

    @cached_property
    def true_model(self) -> Model:
        """What is true of the patients."""
        return models.load(self.truth or self.of.models[0])

    def believed(self, arm: Arm) -> Model:
        """What a twin believes."""
        name = arm.model or self.belief or self.of.models[0]
        if name not in self._loaded:
            self._loaded[name] = models.load(name)
        return self._loaded[name]

    @cached_property
    def _loaded(self) -> dict[str, Model]:
        """Models by name, each read once: a file of one's own would be run again each time."""
        return {}

    @cached_property
    def drawn_from(self) -> Population:
        """Who is treated."""
        if isinstance(self.population, str):
            return populations.load(self.population)
        asked = {c for m in (self.true_model, *(models.load(n) for n in self.of.models)) for c in m.covs}
        return declared(self.name, self.population, f"design {self.name}: population", tuple(sorted(asked)))

    @property
    def asked(self) -> tuple[str, ...]:
        """Facts that models ask for, listed quantities or not."""
        found = [self.true_model, *(self.believed(a) for a in self.arms)]
        return tuple(dict.fromkeys(c for m in found for c in m.covs))

    @property
    def measured(self) -> str:
        """What is measured, as the models name it."""
        return self.schedule.of or self.of.sampling.of or self.of.drug.name

    @property
    def known(self) -> dict[str, float]:
        """What readings are divided by."""
        return self.of.facts(self.facts_given)

    # ------------------------------------------------------------------------------------------------ as a study is asked

    @property
    def defined(self) -> Mapping[str, Endpoint]:
        """What every endpoint is: from the therapy's goals and readings, then the design's own."""
        return self._defined

    @cached_property
    def _defined(self) -> Mapping[str, Endpoint]:
        return endpoints_of(self)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """What is counted; default: everything."""
        return self.counted or tuple(self.defined)

    @property
    def main(self) -> tuple[str, ...]:
        """All of them: there are few."""
        return self.endpoints

    @property
    def key(self) -> tuple[str, ...]:
        """The goals, and what it takes."""
        return tuple(n for n in self.endpoints if self.defined[n].better != "neither")

    @property
    def always(self) -> tuple[str, ...]:
        """None beside what is counted."""
        return ()

    @property
    def pareto(self) -> tuple[str, str]:
        """As the design says; else the first two endpoints of which more or less is better."""
        if self.weighed:
            return (self.weighed[0], self.weighed[1])
        good = [n for n, e in self.defined.items() if e.better != "neither"]
        return (good[0], good[1])

    @property
    def subgroups(self) -> tuple[str, ...]:
        """Facts that patients are parted by."""
        return tuple(self.cuts)

    kinds = subgroups

    @property
    def first_arm(self) -> str:
        """The arm the others are compared with: as the design says, else the first published rule, else the first."""
        rules = [a.name for a in self.arms if a.policy.startswith("rule:")]
        return self.reference or (rules or [self.arms[0].name])[0]

    @property
    def facts(self) -> tuple[str, ...]:
        """Number and facts of a patient."""
        return ("patient", *self.drawn_from.holds)

    @property
    def who(self) -> tuple[str, str, str]:
        """One and many of those who are treated, and what they are called when virtual."""
        return ("patient", "patients", "patients")

    def groups(self, facts: "Mapping[str, np.ndarray]", kind: str) -> "dict[str, np.ndarray]":
        """Patients parted at the borders of a fact."""
        cuts, x = self.cuts[kind], facts[kind]
        parts = {f"{kind} < {cuts[0]:g}": x < cuts[0]}
        parts |= {f"{kind} {a:g} to < {b:g}": (x >= a) & (x < b) for a, b in pairwise(cuts)}
        return parts | {f"{kind} >= {cuts[-1]:g}": x >= cuts[-1]}

    def table(self, first: int, n: int) -> "pa.Table":
        """Every arm of ``n`` patients: one row per patient and arm."""
        from dosetwin.trial.therapy.rows import table

        return table(self, first, n)

    def told(self) -> dict[str, Any]:
        """What endpoints are, and what is shown first."""
        shown = [n for n in self.key if n in self.endpoints][:6]
        return {"endpoints": {n: asdict(self.defined[n]) for n in dict.fromkeys((*self.endpoints, *self.pareto))},
                "main": list(self.main), "shown": shown, "who": list(self.who[:2]), "therapy": self.of.name}  # fmt: skip

    def how(self) -> tuple[str, dict[str, Any]]:
        """What each arm does, and how the trial is done, as ``how.html.j2`` lays them out."""
        from dosetwin.trial.therapy.words import arms, sentences

        text = resources.files("dosetwin.trial.therapy").joinpath("how.html.j2").read_text(encoding="utf-8")
        return text, {"arms": arms(self), "said": sentences(self)}

    def with_n(self, n: int | None = None, seed: int | None = None) -> "TherapyDesign":
        """The same design with another number of patients or seed."""
        return replace(self, n=self.n if n is None else n, seed=self.seed if seed is None else seed)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary with every default written out, and the therapy as it was."""
        body = self.__getstate__()
        plain = {k: [asdict(x) for x in v] if k in ("arms", "claims") else v for k, v in body.items() if k != "own_readings"}
        plain["therapy"] = self.of.name
        # said only where it is so: runs of before keep their hash
        plain["schedule"] = {k: v for k, v in asdict(self.schedule).items() if v or k != "also"}
        plain["own_readings"] = {n: [r.to_json(), low, high] for n, (r, low, high) in self.own_readings.items()}
        plain["truth"], plain["belief"] = self.true_model.name, self.belief or self.of.models[0]
        return json.loads(json.dumps(plain | {"as_it_was": self.of.to_json()}, default=list))

    @property
    def hash(self) -> str:
        """SHA-256 of everything that can change a patient's rows: not their number, chunks, texts or comparisons."""
        return rows_hash(self.to_json(), "weighed", "cuts", "counted")


def _known(value: str, allowed: Any, where: str) -> None:
    if value not in allowed:
        raise UnknownName("unknown name", where=where, value=value, allowed=", ".join(allowed))


def found_at(name: str, beside: Path | None) -> str:
    """A listed name as it is; a file's path made absolute, from where the design lies. Raises InputError."""
    file, sign, part = name.partition(".py:")
    if not sign and not name.endswith(".py"):
        return name
    path = Path(f"{file}.py" if sign else name)
    at = path if path.is_absolute() or beside is None else beside / path
    if not at.is_file():
        raise InputError("no such file", where="design", value=name, allowed="a listed name, or the path of a file")
    return f"{at.resolve()}{':' + part if sign else ''}"

"""A therapy: everything a choice depends on that is not the patient or the model, as a file a ward's pharmacist can read."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from math import gcd
from typing import Any, Literal

from dosetwin.declare.control import Control
from dosetwin.declare.diary import Diary, in_tablets
from dosetwin.declare.doubt import Doubted, Sentence
from dosetwin.declare.drug import Drug
from dosetwin.declare.fields import right_kinds
from dosetwin.declare.goal import Goal
from dosetwin.declare.guard import guards
from dosetwin.declare.limit import PER_KG, Bar, Limit
from dosetwin.declare.mechanism import Stage
from dosetwin.declare.menu import Menu, Repeated, Rounding, Weekly
from dosetwin.declare.place import placed, stamp
from dosetwin.declare.pool import Pool
from dosetwin.declare.preparation import Preparation
from dosetwin.declare.reading import COURSE, HOURS, At, Between, Reading
from dosetwin.declare.rounds import Rounds
from dosetwin.declare.rule import Facts, Rule
from dosetwin.declare.tables import Everyday
from dosetwin.errors import InputError, UnknownName

Kind = Literal["patient", "place", "population", "loop"]


@dataclass(frozen=True)
class Sampling:
    """When the next measurement is worth taking, and of what.

    ``after_h`` times that are considered, from the start of the coming dose (0: just before it); ``of`` what is measured ("" the
    drug's level); ``learns`` individual parameters it should tell of, by name; ``worth`` smallest expected fall in variance
    that is worth a sample. ``sharp``: where a week's dose changes by more than this share, the measurement is always worth it and
    comes within ``soon_h`` (None: asked of no change), by ``soon_source``.
    """

    after_h: tuple[float, ...]
    of: str = ""
    learns: tuple[str, ...] = ("CL",)
    worth: float = 0.10
    sharp: float | None = None
    soon_h: float = 0.0
    soon_source: str = ""

    def __post_init__(self) -> None:
        right_kinds(self, "sampling")


@dataclass(frozen=True)
class Assumed:
    """A fact that is taken to be so where nobody knows it, and said: ``name`` (``MIC``), ``value`` in ``unit``, why."""

    name: str
    value: float
    unit: str
    text: str
    source: str

    def __post_init__(self) -> None:
        right_kinds(self, f"assumed {self.name}")


@dataclass(frozen=True)
class Fits:
    """Of whom a model was made, beside the ranges of what it reads: ``of`` a number found from the facts (a function, or a fact's
    name), from ``low`` to ``high`` in ``unit``. A number that is not known speaks against nothing."""

    model: str
    of: str | Callable[[Facts], float]
    text: str
    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise InputError("whom a model was made of needs a low or a high border", where=f"fits {self.model}")

    def broken_by(self, facts: Facts) -> str | None:
        """Why the model is not about somebody of these facts; None: nothing speaks against it."""
        try:
            value = facts.number(self.of) if isinstance(self.of, str) else self.of(facts)
        except TypeError:  # a fact it counts with is not known
            value = None
        if value is None:
            return None
        border = self.low if self.low is not None and value < self.low else self.high
        if border is None or not (border == self.low or value > border):
            return None
        side = "at least" if border == self.low else "at most"
        return f"{self.text} {value:.3g}, it was made of {side} {border:g} {self.unit} ({self.source})"


@dataclass(frozen=True)
class Therapy:
    """Goals, limits, the menu that is searched and how a choice is made, for one drug in one population.

    Parameters
    ----------
    goals : what is aimed at; what those about harm say of the level before the coming dose is added (``declare.guard``).
    models : names of the models that know the drug in this population, the usual one first.
    rules : published rules that are always in the table.
    everyday : a dose as it is given on an ordinary day.
    typical : facts of an ordinary patient, by name: what the menu is tried on when the therapy is loaded.
    horizon_h : the repeats of an order are followed at least that long (and for three doses).
    stale_h : a record that ends longer before the decision gets a warning.
    tie_loss : losses closer than this are equal, and then a published rule is preferred.
    table_rows : how many of the best candidates the table shows beside the rules and the best of each interval.
    listed : quantities that a list of patients shows beside the answer, by name.
    shown : readings told of the order that is recommended, each with the dose it is told at; default: those of the goals.
    assumed : facts that are taken to be so where nobody knows them.
    control : what the policies that dose whole courses of it know; None: it is in no such trial.
    made_for : conditions and the model made of patients under them: while the flag is on, that model is the usual one.
    fits : of whom models were made, beside the ranges of what they read.
    averages : where nobody names a model, all that are about the patient are asked, not the first of them.
    diary : what its patient takes home; None: nothing.
    mechanism : how it works, stage after stage; () where nobody has written it.
    pool : of a place, what is believed of it before anything is seen there; it stands where a patient's ``models`` do.
    doubts : what could be otherwise of its records beside what is asked of every record.
    says : sentences of its own, said beside the answer where the facts call for them.
    preparation : how its doses are made ready where they are liquid; the menu's amounts are those it can measure.
    rounds : of the ward that gives it; None: of no ward.
    pieces : the ward whose tablets are the drug's; "": those of the drug's file.
    """

    name: str
    drug: Drug
    population: str
    models: tuple[str, ...]
    menu: Menu
    goals: tuple[Goal, ...]
    limits: tuple[Limit, ...]
    rules: tuple[Rule, ...]
    everyday: Everyday | None = None
    typical: Mapping[str, float | str] = field(default_factory=dict)
    sampling: Sampling = Sampling((0.0,))
    bars: tuple[Bar, ...] = ()
    assumed: tuple[Assumed, ...] = ()
    shown: tuple[tuple[Reading, str], ...] = ()
    control: Control | None = None
    kind: Kind = "patient"
    pool: Pool | None = None
    made_for: tuple[tuple[str, str], ...] = ()
    fits: tuple[Fits, ...] = ()
    averages: bool = False
    horizon_h: float = 96.0
    stale_h: float = 7 * 24.0
    tie_loss: float = 0.02
    table_rows: int = 12
    note: str = ""
    source: str = ""
    at: str = field(default="", compare=False, repr=False)
    listed: tuple[str, ...] = ()
    diary: Diary | None = None
    mechanism: tuple[Stage, ...] = ()
    kept: Mapping[str, Any] | None = field(default=None, compare=False, repr=False)
    preparation: Preparation | None = None
    doubts: tuple[Doubted, ...] = ()
    says: tuple[Sentence, ...] = ()
    rounds: Rounds | None = None
    pieces: str = ""

    def __post_init__(self) -> None:
        stamp(self)
        right_kinds(self, f"therapy {self.name}")
        where = placed(self, f"therapy {self.name}")
        if (self.pool is not None) != (self.kind == "place"):
            raise InputError("a pool and the kind 'place' go together", where=where, value=self.kind,
                             remedy='write kind="place" and pool=Pool(...), or neither')  # fmt: skip
        if self.pool is not None and self.models:
            raise InputError("a place has no models, its pool stands for them", where=where, value=self.models[0],
                             remedy="write models=()")  # fmt: skip
        if not self.goals:
            raise InputError("a therapy needs a goal", where=where)
        if self.kind == "patient" and isinstance(self.menu, Repeated | Weekly) and self.kept is None:
            object.__setattr__(self, "goals", (*self.goals, *guards(self.goals, self.drug, self.sampling.of)))
        for what in ("goals", "limits", "bars", "rules", "doubts", "says"):
            codes = [getattr(x, "code", None) or x.name for x in getattr(self, what)]
            if twice := sorted({c for c in codes if codes.count(c) > 1}):
                raise InputError(f"two {what} of one name", where=where, value=twice[0])
        for limit in self.limits:
            limit.fits(self.drug.unit)
        if self.preparation is not None:
            measured = self.menu.rounding.steps if isinstance(self.menu, Repeated) else ()
            if measured != self.preparation.rounding.steps:
                raise InputError(
                    "the menu's amounts are not those that the preparation measures", where=where, value=measured,
                    allowed=f"{self.preparation.rounding.steps}", remedy="write the preparation's rounding into the menu",
                )  # fmt: skip
        if not self.shown:
            chosen = {(g.reading.key, d): (_plainly(g.reading), d) for g in self.goals for d in g.doses if d in SHOWN}
            object.__setattr__(self, "shown", tuple(chosen.values()))

    @property
    def readings(self) -> tuple[Reading, ...]:
        """Everything that is read, each once: what the goals judge and what is shown, not yet divided by any fact."""
        found: dict[str, Reading] = {}
        for r in (*(g.reading for g in self.goals), *(r for r, _ in self.shown)):
            found[r.key] = _plainly(r) if r.key not in found else found[r.key].also_at(r.doses)
        return tuple(found.values())

    @property
    def follows_h(self) -> float:
        """h of an order that its readings follow, beside those of single doses; 0: they are all about doses."""
        spans = [r.when for r in self.readings if isinstance(r.when, Between | At)]
        return max(((w.b if isinstance(w, Between) else w.t) * HOURS[w.unit] for w in spans), default=0.0)

    @property
    def columns(self) -> tuple[tuple[Reading, str], ...]:
        """What a table of orders shows: of what is told, the coming dose or the course."""
        return tuple((r, d) for r, d in self.shown if d in ("next", COURSE))

    @property
    def watched(self) -> str:
        """What a curve shows: what the first goal is about, the drug itself where it names nothing else."""
        return self.goals[0].reading.what or self.drug.name

    def model(self, facts: Facts) -> str:
        """Name of the usual model for these facts. Raises InputError where the therapy has none."""
        if not self.models:
            raise InputError("no model is the default for this drug", where="--model", value=self.drug.name, remedy="name one")
        return next((name for flag, name in self.made_for if facts.on(flag)), self.models[0])

    @property
    def needs_weight(self) -> bool:
        """Whether menu, limits or rules are per kg: what is not dosed by weight needs none."""
        per_kg = isinstance(self.menu, Repeated) and self.menu.per == "kg"
        return per_kg or any("WT" in r.needs for r in self.rules) or any(x.of in PER_KG for x in self.limits)

    def prepared(self, by: Preparation) -> "Therapy":
        """The same as a ward gives it that prepares it so: its orders are those that can be measured there. Raises InputError
        where its doses are no liquid."""
        if not isinstance(self.menu, Repeated) or self.preparation is None:
            raise InputError("nothing of it is diluted", where=f"therapy {self.name}", value=by.ward, remedy="leave it out")
        limits = tuple(replace(x, source=by.source) if x.of == "off_step" else x for x in self.limits)
        return replace(self, menu=replace(self.menu, rounding=by.rounding), limits=limits, preparation=by, kept=None)

    def in_pieces(self, ward: str, tablets: tuple[float, ...], halves: bool) -> "Therapy":
        """The same of a ward that has these ``tablets`` (in the drug's unit): its orders are those that they make.

        Raises InputError where its doses are no tablets, or where no dose of its menu can be made of them.
        """
        where, drug = f"{ward}.{self.drug.name}.tablets", replace(self.drug, tablets=tablets, halves=halves)
        if not self.drug.tablets or not isinstance(self.menu, Repeated | Weekly):
            raise InputError("nothing of it comes in whole pieces", where=where, value=list(tablets), remedy="leave it out")
        if not self.drug.tablets[0] / FAR < max(tablets) < self.drug.tablets[0] * FAR:
            raise InputError("so far from the usual tablets that their unit must be another", where=where, value=list(tablets),
                             allowed=f"like {self.drug.tablets[0]:g} {drug.unit}")  # fmt: skip
        least = min(tablets) * (0.5 if halves else 1.0)
        if isinstance(self.menu, Weekly):
            steps = range(1, round(self.menu.daily[1] / (menu_step := _common(tablets, halves))) + 1)
            days = tuple(d for k in steps if in_tablets(d := round(k * menu_step, 6), tablets, halves) is not None)
            menu: Menu = replace(self.menu, step=least, days=days)
            nothing = not days
        else:
            if any(abs(t / least - round(t / least)) > 1e-9 for t in tablets):
                raise InputError("these tablets make no even steps", where=where, value=list(tablets),
                                 allowed=f"multiples of {least:g} {drug.unit}", remedy="name those that go together")  # fmt: skip
            said = f"{drug.piece}s that {ward} has"
            menu, nothing = replace(self.menu, rounding=Rounding(((0.0, least),), said)), False
        if nothing:
            raise InputError("no dose can be made of these tablets", where=where, value=list(tablets))
        return replace(self, drug=drug, menu=menu, pieces=ward, kept=None)

    def limit(self, of: str) -> Limit | None:
        """The first limit on that number of an order; None: there is none."""
        return next((x for x in self.limits if x.of == of), None)

    def goal(self, code: str) -> Goal:
        """The goal with that code. Raises UnknownName."""
        for goal in self.goals:
            if goal.code == code:
                return goal
        raise UnknownName("no such goal", where=f"therapy {self.name}", value=code, allowed=", ".join(g.code for g in self.goals))

    def facts(self, known: Mapping[str, float]) -> dict[str, float]:
        """The known facts, with what is assumed of those that are not."""
        return {a.name: a.value for a in self.assumed} | dict(known)

    def to_json(self) -> dict[str, Any]:
        """What identifies it, for a record of where an answer came from; tables of rules are code, and named."""
        if self.kept is not None:
            return dict(self.kept)
        return {
            "name": self.name, "drug": self.drug.name, "kind": self.kind, "population": self.population,
            "models": list(self.models), "menu": self.menu.to_json(), "goals": [g.to_json() for g in self.goals],
            "limits": [x.to_json() for x in self.limits], "bars": [b.to_json() for b in self.bars],
            "rules": [r.name for r in self.rules],
            "everyday": None if self.everyday is None else asdict(self.everyday), "typical": dict(self.typical),
            "sampling": {"after_h": list(self.sampling.after_h), "of": self.sampling.of, "learns": list(self.sampling.learns),
                         "worth": self.sampling.worth,
                         **({} if self.sampling.sharp is None else
                            {k: getattr(self.sampling, k) for k in ("sharp", "soon_h", "soon_source")})},
            "assumed": [{"name": a.name, "value": a.value, "unit": a.unit, "text": a.text, "source": a.source}
                        for a in self.assumed],
            "shown": [[r.to_json(), d] for r, d in self.shown], "horizon_h": self.horizon_h, "stale_h": self.stale_h,
            "tie_loss": self.tie_loss, "table_rows": self.table_rows, "note": self.note, "source": self.source,
            **({"made_for": [list(x) for x in self.made_for]} if self.made_for else {}),
            **({"doubts": [d.code for d in self.doubts]} if self.doubts else {}),
            **({"says": [x.code for x in self.says]} if self.says else {}),
            **({} if self.preparation is None else {"preparation": self.preparation.to_json()}),
            **({} if self.rounds is None else {"rounds": self.rounds.to_json()}),
            **({"tablets": [self.pieces, list(self.drug.tablets), self.drug.halves]} if self.pieces else {}),
        }  # fmt: skip


FAR = 100.0
"""Tablets that many times stronger or weaker than the formulary's are a slip of the unit (assumed)."""


def _common(tablets: tuple[float, ...], halves: bool) -> float:
    """The largest step of which all these tablets (or their halves) are multiples."""
    sizes = [round(t * (0.5 if halves else 1.0) * 1e6) for t in tablets]
    return gcd(*sizes) / 1e6


SHOWN = ("next", "last", COURSE)
"""Of the doses a reading is judged at, those that are told of where a therapy does not say otherwise."""


def _plainly(reading: Reading) -> Reading:
    """A reading before it is divided by anything."""
    if not reading.over:
        return reading
    return Reading(reading.what, reading.how, reading.when, reading.level, at=reading.at)

"""The vocabulary of a drug's file: names, codes, unit, what of a dose and a level can be believed, routes.

A drug file is ``formulary/NAME.py`` with ``DRUG = drug("NAME", ...)``. Ranges are guards against slips of the pen and ours unless
a source stands beside them; they are no dosing limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal, get_args

from dosetwin.declare.interaction import Interaction
from dosetwin.declare.preparation import Vial
from dosetwin.errors import ModelError
from dosetwin.quantities import Code, Quantity
from dosetwin.quantities.plain import MG, mg_per_L

Route = Literal["vein", "mouth", "skin"]
"""``skin``: under the skin, at once, and absorbed from there as the drug's models have it."""
ASSUMED = "assumed: a guard against slips of the pen, wide on purpose"
UNKNOWN_LEVEL = 10_000.0
"""mg/L that no drug here reaches: the guard where a drug's file says none."""
_AMOUNTS = {"mg": MG, "[IU]": {"[IU]": 1.0, "m[IU]": 1e-3, "k[IU]": 1000.0}, "[U]": {"[U]": 1.0}, "mmol": {"mmol": 1.0},
            "mL": {"mL": 1.0, "L": 1000.0}, "1": {"1": 1.0}}  # fmt: skip
"""Units a dose may be written in, by the unit it is counted in, with their factors."""
_OFFERED = {"mg/L": ("mg/L", "ug/mL", "umol/L"), "ug/L": ("ug/L", "ng/mL", "nmol/L"), "umol/L": ("umol/L", "mg/L"),
            "mmol/L": ("mmol/L", "meq/L")}  # fmt: skip
"""Units a form offers for a level, by the level's own."""


@dataclass(frozen=True)
class OneDose:
    """What one dose can be (``low`` to ``high``), usually is, and is in newborns; ``unit`` per kg or not (mg/kg, mg)."""

    low: float
    high: float
    unit: str
    usual: tuple[float, float]
    newborn: tuple[float, float] | None = None
    source: str = ASSUMED

    @property
    def per_kg(self) -> bool:
        """Whether the weight is needed to judge a dose."""
        return self.unit.endswith("/kg")

    def usually(self, newborn: bool) -> tuple[float, float]:
        """The usual size."""
        return self.newborn if newborn and self.newborn is not None else self.usual


@dataclass(frozen=True)
class Raises:
    """A flag (name of a quantity) that a drug switches on while it is given and for ``after_h`` h after."""

    flag: str
    after_h: float
    source: str = "assumed"


@dataclass(frozen=True)
class Alarm:
    """What a level says by itself, whatever a model makes of it: told of the last level of a drug as a warning named ``code``.

    ``above`` or ``below`` in the level's unit (both None: any level); ``after_h`` to ``until_h``: h from the start of the dose
    before it to the sample for which it holds. ``text`` what it means, ``remedy`` what to do, ``source`` of both.
    ``withholds``: a flag (name of a quantity): on record, or where the alarm rings and nothing later says no, the present order
    is the most.
    """

    code: str
    above: float | None
    text: str
    remedy: str
    source: str
    after_h: float = 0.0
    until_h: float = inf
    below: float | None = None
    withholds: str = ""

    def rings(self, level: float, hours: float) -> bool:
        """Whether it holds for a level drawn ``hours`` after the start of the dose before it."""
        out = (self.above is None or level > self.above) and (self.below is None or level < self.below)
        return out and self.after_h - 1e-6 <= hours < self.until_h


@dataclass(frozen=True, eq=False)
class Drug:
    """A drug as a thing. Make one with ``drug``.

    ``unit`` in which its doses are counted, ``amount`` the same as a quantity with the units a dose may be written in; ``level``
    its level as a quantity, None where nobody measures one. ``rxnorm`` ingredient, ``atc`` and ``snomed`` codes, each known as
    ``known`` says; ``synonyms`` other names (lower case). ``routes`` that its models are about; ``remarked`` routes that count
    all the same, with a remark. ``longest_h``, ``long_h``: infusions that cannot be, and unusual ones. ``shortest_h`` h between
    two equal doses below which one of them may be a copy. ``raises`` flags that models read.
    ``device``: ordered in settings and never given. ``interactions`` with classes of other drugs. ``alarms`` what a level
    says by itself. On the shelf: ``vials``; ``tablets`` strengths of what is swallowed or put under the skin in whole pieces
    (``halves``: or halves of them), each called a ``piece``.
    """

    name: str
    text: str
    unit: str
    amount: Quantity
    level: Quantity | None = None
    rxnorm: str = ""
    atc: tuple[str, ...] = ()
    snomed: str = ""
    known: str = "recalled"
    synonyms: tuple[str, ...] = ()
    one_dose: OneDose | None = None
    routes: tuple[Route, ...] = ("vein",)
    remarked: tuple[Route, ...] = ()
    longest_h: float = 96.0
    long_h: float = 72.0
    shortest_h: float = 4.0
    raises: tuple[Raises, ...] = ()
    followed: bool = True
    device: bool = False
    interactions: tuple[Interaction, ...] = ()
    tablets: tuple[float, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    halves: bool = True
    piece: str = "tablet"
    vials: tuple[Vial, ...] = ()
    gives_way: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Every name a text may call it by, in lower case."""
        return (self.name.lower(), *self.synonyms)


def drug(
    name: str,
    *,
    text: str = "",
    unit: str = "mg",
    measured: bool = True,
    level_unit: str = "mg/L",
    molar_mass: float | None = None,
    loinc: Sequence[Code] = (),
    words: Sequence[str] = (),
    level_high: float = UNKNOWN_LEVEL,
    rxnorm: str = "",
    atc: Sequence[str] = (),
    snomed: str = "",
    known: str = "recalled",
    synonyms: Sequence[str] = (),
    one_dose: tuple[float, float, str] | None = None,
    usual: tuple[float, float] | None = None,
    newborn: tuple[float, float] | None = None,
    dose_source: str = ASSUMED,
    routes: Sequence[Route] = ("vein",),
    remarked: Sequence[Route] = (),
    longest_h: float = 96.0,
    long_h: float = 72.0,
    shortest_h: float = 4.0,
    raises: Sequence[Raises] = (),
    followed: bool = True,
    device: bool = False,
    interactions: Sequence[Interaction] = (),
    tablets: Sequence[float] = (),
    alarms: Sequence[Alarm] = (),
    halves: bool = True,
    piece: str = "tablet",
    vials: Sequence[Vial] = (),
    gives_way: bool = False,
) -> Drug:
    """A drug, checked.

    Parameters
    ----------
    unit : what doses are counted in: mg, [IU], [U], mmol, mL, 1.
    measured : False where nobody measures a level; then no level fact of it is taken.
    level_unit, molar_mass : of its level; with the molar mass (g/mol, one substance only) molar units are read too, of an
        ion with one charge (``level_unit`` mmol/L) meq/L as well.
    loinc : codes of the level, mass concentration in serum or plasma. words : by which a text without code names the level.
    level_high : the highest level that can be.
    one_dose : lowest and highest dose that can be, with the unit (``mg/kg``, ``mg``). usual, newborn : what it usually is.
    followed : False for what is given beside (its doses switch flags; no twin is made of it).
    device : True for what is ordered in settings and never given (a ventilator, the beds of a ward): no record's dose names it.
    gives_way : a file of somebody's own, or of a package, with a drug of this name takes its place, which answers say.

    Raises ModelError naming the drug where something does not fit together.
    """
    if not name or name != name.lower():
        raise ModelError(f"drug {name!r}: a name in lower case")
    if unit not in _AMOUNTS:
        raise ModelError(f"drug {name}: unit {unit!r}; allowed: {', '.join(_AMOUNTS)}")
    for what, pair in (("one_dose", one_dose), ("usual", usual), ("newborn", newborn)):
        if pair is not None and not 0 < pair[0] < pair[1]:
            raise ModelError(f"drug {name}: {what} is {pair!r}; expected (low, high), 0 < low < high")
    if one_dose is not None and one_dose[2] not in (unit, f"{unit}/kg"):
        raise ModelError(f"drug {name}: one_dose in {one_dose[2]!r}; allowed: {unit}, {unit}/kg")
    if isinstance(routes, str) or (strange := [r for r in (*routes, *remarked) if r not in get_args(Route)]):
        raise ModelError(f"drug {name}: route {routes if isinstance(routes, str) else strange[0]!r}; allowed: "
                         f"{', '.join(map(repr, get_args(Route)))}; a tuple of one is written (x,)")  # fmt: skip
    level = None
    if measured:
        known_units = mg_per_L(molar_mass)
        offered = tuple(u for u in _OFFERED.get(level_unit, ()) if u in known_units)
        factors = {level_unit: 1.0}
        if level_unit in known_units:
            factors = {u: f / known_units[level_unit] for u, f in known_units.items()} | factors
        if level_unit == "mmol/L":
            factors["meq/L"] = 1.0
        level = Quantity(name, f"{name} level", level_unit, "level", factors, loinc=tuple(loinc),
                         words=tuple(words) or ((name,) if loinc else ()), low=0.0, high=level_high, predicted=True,
                         in_blood=True, offered=offered)  # fmt: skip
    elif loinc or molar_mass is not None:
        raise ModelError(f"drug {name}: codes of a level that is not measured")
    size = None
    if one_dose is not None:
        size = OneDose(one_dose[0], one_dose[1], one_dose[2], usual or one_dose[:2], newborn, dose_source)
    return Drug(
        name, text or name, unit, Quantity("amount", f"amount of {name}", unit, "plain", _AMOUNTS[unit]), level, rxnorm,
        tuple(atc), snomed, known, tuple(s.lower() for s in synonyms), size, tuple(routes), tuple(remarked), longest_h, long_h,
        shortest_h, tuple(raises), followed and not device, device, tuple(interactions),
        tuple(tablets),
        tuple(alarms), halves, piece, tuple(vials), gives_way,
    )  # fmt: skip

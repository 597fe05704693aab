"""How a ward makes a dose ready: the dilution, the marks of its syringes, bags, vials, tablets; from a dose to millilitres."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import floor
from typing import TYPE_CHECKING, Any

from dosetwin.declare.diary import in_tablets
from dosetwin.declare.fields import right_kinds
from dosetwin.declare.menu import Rounding
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.declare.drug import Drug


@dataclass(frozen=True)
class Vial:
    """A vial or ampoule as it stands on the shelf (a powder: once it is dissolved): ``amount`` in the drug's unit in ``mL``."""

    amount: float
    mL: float
    source: str = "recalled"

    def __post_init__(self) -> None:
        right_kinds(self, "vial")
        if not (self.amount > 0 and self.mL > 0):
            raise InputError("a vial holds an amount in a volume", where="vial", value=(self.amount, self.mL), allowed="both > 0")

    @property
    def per_mL(self) -> float:
        """Drug's unit per mL."""
        return self.amount / self.mL


@dataclass(frozen=True)
class Preparation:
    """A liquid as it is given: ``per_mL`` the drug's unit in a mL of what is drawn up.

    ``marks`` (from mL, step mL), ascending from 0: what the syringes measure there; ``least_mL`` the smallest volume that is
    measured at all. ``bags`` mL of the bags a dose is run in, ascending (none: it is run from the syringe), of which the smallest
    is taken in which a mL holds no more than ``strongest``. ``vials`` of this ward; none: those of the drug's file. ``ward`` that
    prepares so; "": nobody's own, the formulary's usual one, also for the ward ``lacking`` one of its own.
    """

    per_mL: float
    marks: tuple[tuple[float, float], ...]
    source: str
    least_mL: float = 0.0
    bags: tuple[float, ...] = ()
    strongest: float | None = None
    vials: tuple[Vial, ...] = ()
    ward: str = ""
    lacking: str = ""

    def __post_init__(self) -> None:
        right_kinds(self, "preparation")
        where = f"preparation {self.ward}".strip()
        if not self.per_mL > 0:
            raise InputError("a dilution holds something", where=where, value=self.per_mL, allowed="> 0 per mL")
        starts = [start for start, _ in self.marks]
        if not self.marks or starts != sorted(set(starts)) or starts[0] != 0 or any(step <= 0 for _, step in self.marks):
            raise InputError("the marks of syringes ascend from 0 mL with positive steps", where=where, value=self.marks)
        for (_, step), (end, _) in zip(self.marks, self.marks[1:], strict=False):
            if step > end + 1e-9:
                raise InputError(
                    "the syringe's step is larger than the volume it measures", where=where,
                    value=f"steps of {step:g} mL up to {end:g} mL", remedy="name a syringe with finer marks",
                )  # fmt: skip
        if self.least_mL < 0:
            raise InputError("a smallest volume is not negative", where=where, value=self.least_mL)
        if list(self.bags) != sorted(self.bags) or any(b <= 0 for b in self.bags):
            raise InputError("bags ascend", where=where, value=self.bags, allowed="mL > 0, ascending")

    @property
    def rounding(self) -> Rounding:
        """Amounts that can be measured of it."""
        steps = tuple((round(start * self.per_mL, 9), round(step * self.per_mL, 9)) for start, step in self.marks)
        return Rounding(steps, self.source, round(self.least_mL * self.per_mL, 9))

    def step_mL(self, mL: float) -> float:
        """Step of the marks in force at a volume."""
        return [step for start, step in self.marks if mL >= start - 1e-9][-1]

    def bag(self, amount: float) -> float | None:
        """mL of the bag a dose is run in; None: it runs from the syringe. The largest one where all are too strong."""
        fits = (b for b in self.bags if self.strongest is None or amount <= self.strongest * b + 1e-9)
        return next(fits, self.bags[-1]) if self.bags else None

    def to_json(self) -> dict[str, Any]:
        plain = asdict(self)
        return plain | {"marks": [list(m) for m in self.marks], "bags": list(self.bags), "vials": list(plain["vials"])}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Preparation":
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        given["marks"] = tuple((float(a), float(b)) for a, b in data["marks"])
        given["vials"] = tuple(Vial(**v) for v in data["vials"])
        return cls(**given)


@dataclass(frozen=True)
class Given:
    """One dose as hands give it. ``amount`` ordered and ``dose`` really given, in ``unit``.

    Of a liquid: ``volume_mL`` to draw up at ``per_mL`` (unit/mL), in a bag of ``bag_mL`` (None: from the syringe), at
    ``rate_mL_per_h`` (None: at once). ``vials`` (how many, amount, mL of each). ``tablets`` (how many, strength of each), each a
    ``piece``. ``words`` for whoever gives it.
    """

    amount: float
    dose: float
    unit: str
    volume_mL: float | None = None
    per_mL: float | None = None
    bag_mL: float | None = None
    rate_mL_per_h: float | None = None
    vials: tuple[tuple[int, float, float], ...] = ()
    tablets: tuple[tuple[float, float], ...] = ()
    piece: str = ""
    words: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; what is not there is left out."""
        plain = asdict(self) | {"vials": [list(v) for v in self.vials], "tablets": [list(t) for t in self.tablets]}
        return {k: v for k, v in plain.items() if v not in (None, [], "")}


def given(amount: float, hours: float, drug: "Drug", prepared: Preparation | None) -> Given | None:
    """One dose of ``amount`` (the drug's unit) over ``hours`` (0: at once) as hands give it; None where nobody says how.

    Raises InputError where its volume cannot be measured, or where tablets cannot make it.

    Examples
    --------
    >>> from dosetwin.formulary import drug
    >>> given(14.25, 0.5, drug("amikacin"), Preparation(5.0, ((0.0, 0.05),), "assumed")).words
    '2.85 mL of 5 mg/mL over 30 min = 5.7 mL/h, from 1 vial of 500 mg/2 mL'
    >>> given(7.5, 0.0, drug("warfarin"), None).words
    '1½ tablets of 5 mg'
    """
    if prepared is not None:
        return _liquid(amount, hours, drug, prepared)
    if not drug.tablets:
        return None
    found = in_tablets(amount, drug.tablets, drug.halves)
    if found is None:
        raise InputError(f"these {drug.piece}s cannot make the dose", where=drug.name, value=f"{amount:g} {drug.unit}",
                         allowed=", ".join(f"{s:g}" for s in drug.tablets) + (", halves too" if drug.halves else ""))  # fmt: skip
    return Given(amount, amount, drug.unit, tablets=found, piece=drug.piece, words=in_pieces(found, drug.unit, drug.piece))


def _liquid(amount: float, hours: float, drug: "Drug", by: Preparation) -> Given:
    exact = amount / by.per_mL
    step = by.step_mL(exact)
    mL = round(max(floor(exact / step + 0.5), 1) * step, 6)
    found = f"{exact:.3g} mL of {by.per_mL:g} {drug.unit}/mL"
    if exact < by.least_mL - 1e-9:
        raise InputError("too small a volume to measure", where=drug.name, value=found, allowed=f">= {by.least_mL:g} mL",
                         remedy="dilute it further")  # fmt: skip
    if step > 2 * exact + 1e-9:
        raise InputError("the syringe's step is larger than the volume", where=drug.name, value=f"{found}, steps of {step:g}",
                         remedy="a syringe with finer marks, or dilute it further")  # fmt: skip
    bag = by.bag(amount)
    run = mL if bag is None else bag
    rate = None if hours <= 0 else round(run / hours, 1)
    vials = needed(amount, by.vials or drug.vials)
    words = f"{mL:g} mL of {by.per_mL:g} {drug.unit}/mL"
    if bag is not None:
        words += f" in a bag of {bag:g} mL,"
    if rate is not None:
        words += f" over {_time(hours)} = {rate:g} mL/h"
    elif bag is not None:
        words = words.removesuffix(",")
    if vials:
        words += ", from " + " and ".join(f"{n} vial{'' if n == 1 else 's'} of {a:g} {drug.unit}/{v:g} mL" for n, a, v in vials)
    return Given(amount, round(mL * by.per_mL, 6), drug.unit, mL, by.per_mL, bag, rate, vials, words=words)


def needed(amount: float, vials: Sequence[Vial]) -> tuple[tuple[int, float, float], ...]:
    """(how many, amount, mL) of vials that hold a dose: full ones of the largest, and the smallest that holds the rest."""
    if not vials:
        return ()
    by_size = sorted(vials, key=lambda v: v.amount)
    largest = by_size[-1]
    full = int(amount / largest.amount + 1e-9)
    rest = amount - full * largest.amount
    counts: dict[Vial, int] = {largest: full} if full else {}
    if rest > 1e-9:
        last = next(v for v in by_size if v.amount >= rest - 1e-9)
        counts[last] = counts.get(last, 0) + 1
    return tuple((n, v.amount, v.mL) for v, n in counts.items())


_HALVES = {0.5: "half a {}", 1.0: "1 {}", 1.5: "1½ {}s"}


def in_pieces(found: Sequence[tuple[float, float]], unit: str, piece: str = "tablet") -> str:
    """``1 tablet of 3 mg and half a tablet of 1 mg``."""
    number = lambda n: _HALVES[n].format(piece) if n in _HALVES else f"{n:g} {piece}s".replace(".5", "½")  # noqa: E731
    return " and ".join(f"{number(n)} of {s:g} {unit}" for n, s in found)


def _time(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:g} h"

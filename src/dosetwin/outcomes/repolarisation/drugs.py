"""Drugs that block the currents of the ventricular cell: the twelve training drugs of CiPA, and what a drug file may say."""

import csv
import math
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Literal

from dosetwin.errors import InputError

Risk = Literal["low", "intermediate", "high"]
RISKS: tuple[Risk, ...] = ("low", "intermediate", "high")
BLOCKED = ("ICaL", "INaL", "INa", "IKs", "IK1", "Ito")
SOURCE = "FDA/CiPA v1.0: hERG dynamic parameters and optimal IC50 (READ); classes: CiPA's training set"


@dataclass(frozen=True)
class Blocker:
    """A drug as the cell meets it; concentrations are free and in nmol/L.

    ``cmax`` usual peak; ``block`` channel -> (IC50 nmol/L, Hill); a channel that is not there is not blocked. hERG: binding to
    the
    open channel at Kmax Ku D^n / (D^n + halfmax) per ms, unbinding Ku, ``Vhalf`` (mV) of trapping. ``risk`` CiPA's class, if any.
    """

    name: str
    cmax: float
    block: dict[str, tuple[float, float]] = field(default_factory=dict)
    Kmax: float = 0.0
    Ku: float = 0.0
    n: float = 1.0
    halfmax: float = 1.0
    Vhalf: float = -1.0
    risk: Risk | None = None

    def __post_init__(self) -> None:
        where = f"drug {self.name}"
        for what in ("cmax", "Kmax", "Ku", "n", "halfmax"):
            value = getattr(self, what)
            if not (isinstance(value, int | float) and 0.0 <= value < math.inf) or (
                what in ("cmax", "n", "halfmax") and value == 0
            ):
                raise InputError("cannot be", where=f"{where}: {what}", value=value, allowed="a finite number, >= 0")
        for channel, (ic50, h) in self.block.items():
            if channel not in BLOCKED:
                raise InputError("unknown current", where=where, value=channel, allowed=", ".join(BLOCKED))
            if not ic50 > 0.0 or not math.isfinite(ic50):
                raise InputError("no IC50", where=f"{where}: {channel}", value=ic50, allowed="> 0 nmol/L",
                                 remedy="a current that is not blocked (NA) is left out, not 0")  # fmt: skip
            if not 0.0 < h < 10.0:
                raise InputError("no Hill coefficient", where=f"{where}: {channel}", value=h, allowed="above 0, below 10")

    def left(self, channel: str, D: float) -> float:
        """Share of a current that is left at ``D`` nmol/L free."""
        if channel not in self.block or D == 0.0:
            return 1.0
        ic50, h = self.block[channel]
        return 1.0 / (1.0 + (D / ic50) ** h)

    def on(self, D: float) -> float:
        """Binding to the open hERG channel, per ms."""
        if D == 0.0 or self.Kmax == 0.0:
            return 0.0
        return self.Kmax * self.Ku * D**self.n / (D**self.n + self.halfmax)

    def believable(self, D: float) -> None:
        """Refuse a concentration far from what patients have: total for free, ng/mL for nmol/L. Raises InputError."""
        if not 0.0 <= D <= 100.0 * self.cmax:
            raise InputError("not a free concentration in nmol/L of this drug", where=f"drug {self.name}", value=D,
                             allowed=f"0 to {100.0 * self.cmax:g} nmol/L (usual peak {self.cmax:g})",
                             remedy="total? times the free share; ng/mL? times 1000 over the molar mass")  # fmt: skip


def row_of(name: str) -> dict[str, str]:
    """A line of the table of training drugs, with the run of FDA's own program beside it."""
    return _rows()[name]


@lru_cache(maxsize=1)
def _rows() -> dict[str, dict[str, str]]:
    text = (resources.files("dosetwin.outcomes.repolarisation") / "training.csv").read_text(encoding="utf-8")
    return {row["drug"]: row for row in csv.DictReader(text.splitlines())}


@lru_cache(maxsize=1)
def training() -> dict[str, Blocker]:
    """The twelve training drugs by name."""
    return {name: _blocker(row) for name, row in _rows().items()}


def _blocker(row: dict[str, str]) -> Blocker:
    block = {c: (float(row[f"{c}_IC50"]), float(row[f"{c}_h"])) for c in BLOCKED if row[f"{c}_IC50"]}
    return Blocker(row["drug"], float(row["cmax_nM"]), block, *(float(row[k]) for k in ("Kmax", "Ku", "n", "halfmax", "Vhalf")),
                   risk=RISKS[int(row["risk"])])  # fmt: skip


def drug(name: str) -> Blocker:
    """A training drug by name. Raises UnknownName."""
    from dosetwin.errors import UnknownName

    if name not in training():
        raise UnknownName(
            "no such drug among those with published currents", where="drug", value=name, allowed=", ".join(training())
        )
    return training()[name]

"""Hard limits as declared objects, checked last and independently of how a regimen was found."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from dosetwin.errors import InputError, Reason, UnknownUnit
from dosetwin.records import Regimen

QUANTITIES = (
    "dose_mg_per_kg", "dose_mg", "daily_mg_per_kg", "interval_h", "infusion_h", "amount_ratio", "gap_h", "delay_h", "off_step_mg",
    "loading_interval_h",
)  # fmt: skip
UNITS = dict(zip(QUANTITIES, ("mg/kg", "mg", "mg/kg/d", "h", "h", "1", "h", "h", "mg", "h"), strict=True))
"""What a limit may bound, each with its unit. ``amount_ratio`` dose over the previous dose; ``gap_h`` start of the previous
dose to the coming one; ``delay_h`` from now to the coming dose; ``off_step_mg`` distance to the nearest measurable amount;
``loading_interval_h`` from a loading dose to the next (without a limit on it that interval is held to ``interval_h``)."""
PER_KG = ("dose_mg_per_kg", "daily_mg_per_kg")
"""Quantities that need a body weight."""


@dataclass(frozen=True)
class Limit:
    """``low <= quantity <= high`` (None: no border), in ``unit``."""

    code: str
    quantity: str
    low: float | None
    high: float | None
    unit: str
    text: str
    source: str

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise InputError("unknown quantity", where=f"limit {self.code}", value=self.quantity, allowed=", ".join(QUANTITIES))
        if (self.unit or "1").replace("/day", "/d") != UNITS[self.quantity]:
            raise UnknownUnit(
                "the unit is not that of what is bounded", where=f"limit {self.code}", value=self.unit,
                allowed=f"{UNITS[self.quantity]} ({self.quantity})", remedy="give the borders in that unit",
            )  # fmt: skip
        if not self.source:
            raise InputError("a limit must name its source", where=f"limit {self.code}")

    def broken_by(self, value: float) -> Reason | None:
        """The reason why ``value`` is outside, None if it is inside (1e-9 of slack for rounding)."""
        slack = 1e-9 * max(1.0, abs(value))
        if self.low is not None and value < self.low - slack:
            return Reason(self.code, round(value, 4), self.low, self.unit, f"{self.text}: below the lowest allowed", self.source)
        if self.high is not None and value > self.high + slack:
            return Reason(
                self.code, round(value, 4), self.high, self.unit, f"{self.text}: above the highest allowed", self.source
            )
        return None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Rounding:
    """Amounts a syringe can measure: ``steps`` are (from mg, step mg), ascending; from there up multiples of the step count."""

    steps: tuple[tuple[float, float], ...]
    source: str

    def __post_init__(self) -> None:
        starts = [s for s, _ in self.steps]
        if not self.steps or starts != sorted(starts) or starts[0] != 0 or any(step <= 0 for _, step in self.steps):
            raise InputError("rounding steps must ascend from 0 with positive steps", where="rounding", value=self.steps)

    def step(self, amount: float) -> float:
        """Step (mg) in force at ``amount`` mg."""
        return [step for start, step in self.steps if amount >= start - 1e-9][-1]

    def nearest(self, amount: float) -> float:
        """The measurable amount (mg) nearest to ``amount``, never 0."""
        step = self.step(amount)
        return round(max(math.floor(amount / step + 0.5), 1) * step, 6)

    def amounts(self, low: float, high: float) -> np.ndarray:
        """Every measurable amount (mg) from ``low`` to ``high`` inclusive, ascending; float64 [n], may be empty."""
        found: set[float] = set()
        for i, (start, step) in enumerate(self.steps):
            top = self.steps[i + 1][0] if i + 1 < len(self.steps) else math.inf
            first = math.ceil(max(low, start, step) / step - 1e-9)
            last = math.floor(min(high, top) / step + 1e-9)
            found.update(round(k * step, 6) for k in range(first, last + 1))
        return np.array(sorted(found), dtype=np.float64)


def quantities(
    regimen: Regimen,
    *,
    weight: float | None,
    now: float,
    rounding: Rounding,
    previous_amount: float | None = None,
    last_dose: float | None = None,
) -> dict[str, float]:
    """The bounded quantities of a regimen (keys of ``QUANTITIES``), all doses alike; those about a previous dose only when there
    is one. ``broken`` asks for a loading dose too.
    """
    found = {
        "dose_mg": regimen.amount,
        "interval_h": regimen.interval,
        "infusion_h": regimen.duration,
        "delay_h": regimen.first_at - now,
        "off_step_mg": abs(regimen.amount - rounding.nearest(regimen.amount)),
    }
    if weight:
        found["dose_mg_per_kg"] = regimen.amount / weight
        found["daily_mg_per_kg"] = regimen.amount / weight * 24.0 / regimen.interval
    if previous_amount:
        found["amount_ratio"] = regimen.amount / previous_amount
    if last_dose is not None:
        found["gap_h"] = regimen.first_at - last_dose
    return found


def check(found: Mapping[str, float], limits: Sequence[Limit]) -> tuple[Reason, ...]:
    """Every limit the quantities break, as reasons; empty: allowed."""
    broken = (limit.broken_by(found[limit.quantity]) for limit in limits if limit.quantity in found)
    return tuple(reason for reason in broken if reason is not None)


def broken(
    regimen: Regimen,
    limits: Sequence[Limit],
    *,
    weight: float | None,
    now: float,
    rounding: Rounding,
    previous_amount: float | None = None,
    last_dose: float | None = None,
) -> tuple[Reason, ...]:
    """Every limit a regimen breaks. A loading dose is held to all of them by itself (against the dose before it), and so is the
    maintenance dose (against the loading dose); reasons about the loading dose say so.
    """
    if regimen.loading is None:
        alike = quantities(regimen, weight=weight, now=now, rounding=rounding, previous_amount=previous_amount,
                           last_dose=last_dose)  # fmt: skip
        return check(alike, limits)
    first = replace(regimen, amount=regimen.loading, interval=regimen.first_interval, loading=None, wait=None)
    then = replace(regimen, first_at=regimen.start(1), loading=None, wait=None)
    loading = quantities(first, weight=weight, now=now, rounding=rounding, previous_amount=previous_amount, last_dose=last_dose)
    if any(limit.quantity == "loading_interval_h" for limit in limits):
        loading["loading_interval_h"] = loading.pop("interval_h")
    after = quantities(then, weight=weight, now=now, rounding=rounding, previous_amount=first.amount, last_dose=first.first_at)
    found = tuple(replace(r, text=f"loading dose: {r.text}") for r in check(loading, limits))
    return found + tuple(r for r in check(after, limits) if r.code not in {x.code for x in found})


SYRINGE = Rounding(
    ((0.0, 0.1), (10.0, 0.25), (30.0, 1.0)),
    "assumed: a 5 mg/mL dilution in a 1 mL syringe (0.02 and 0.05 mL), larger doses to the mg; a site sets its own",
)

AMIKACIN_NEONATE = (
    Limit("dose_range", "dose_mg_per_kg", 7.5, 20.0, "mg/kg", "dose per kg of current weight",
          "lowest: BNFc 2011 and US label 7.5 mg/kg; highest: De Cock/Smits 20 mg/kg"),
    Limit("dose_max", "dose_mg", None, 100.0, "mg", "single dose",
          "assumed: 20 mg/kg at 5 kg; a newborn's dose above it is a typing error"),
    Limit("daily_dose", "daily_mg_per_kg", None, 20.4, "mg/kg/d", "mean dose per day",
          "17 mg/kg every 20 h, the densest of the De Cock/Smits table"),
    Limit("interval_range", "interval_h", 12.0, 48.0, "h", "interval",
          "shortest: US label; longest: NeoFax, De Cock/Smits and the Nelson table"),
    Limit("loading_interval", "loading_interval_h", 12.0, 60.0, "h", "interval after a loading dose",
          "the longest interval printed, 48 h, and the 12 h that Cristea 2017 adds where clearance is low"),
    Limit("infusion_range", "infusion_h", 0.33, 1.0, "h", "infusion time",
          "30 min in NeoFax and Nelson; 20 min Leuven (recalled); 60 min assumed: longer, and a 1 h peak falls into it"),
    Limit("change_per_step", "amount_ratio", 0.5, 1.5, "1", "dose relative to the previous one",
          "assumed: more than half up or down at once is not proposed without a human decision"),
    Limit("gap", "gap_h", 12.0, None, "h", "start of the previous dose to the coming one",
          "the shortest interval allowed"),
    Limit("not_in_the_past", "delay_h", 0.0, None, "h", "time until the coming dose", "a dose cannot be given before now"),
    Limit("syringe", "off_step_mg", None, 1e-6, "mg", "distance to an amount the syringe can measure", SYRINGE.source),
)  # fmt: skip
"""Limits of amikacin in newborns."""

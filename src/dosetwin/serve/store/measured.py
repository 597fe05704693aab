"""What a stored fact measured, whatever kind it has: facts of older kinds are read through this table and never edited."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from dosetwin.quantities import ASSAYED, QUANTITIES, Quantity


@dataclass(frozen=True)
class Measurement:
    """A value in its quantity's own unit. ``below``: the value is a limit that the result lies below; ``time_sd_h`` h."""

    quantity: str
    value: float
    unit: str
    below: bool = False
    after_dose: bool = False
    time_sd_h: float = 0.0
    assay: str = ""
    findings: tuple[Mapping[str, Any], ...] = ()


def _level(b: Mapping[str, Any]) -> Measurement:
    return Measurement(b["drug"], b["mg_per_L"], "mg/L", b["below_loq"], b["after_dose"], b["time_sd_h"])


def assayed_in(of: Quantity) -> str:
    """Key of the canonical value in a fact about a quantity with assays: ``mg_per_dL``."""
    return of.unit.replace("/", "_per_")


def _assayed(of: Quantity, b: Mapping[str, Any]) -> Measurement:
    found = tuple(b.get("findings", ()))
    return Measurement(of.name, b[assayed_in(of)], of.unit, assay=b.get("assay", ""), findings=found)


def _covariate(b: Mapping[str, Any]) -> Measurement:
    return Measurement(b["name"], b["canonical_value"], b["canonical_unit"])


def _measured(b: Mapping[str, Any]) -> Measurement:
    return Measurement(b["quantity"], b["canonical_value"], b["canonical_unit"], b["below_limit"], b["after_dose"],
                       b["time_sd_h"], b["assay"], tuple(b["findings"]))  # fmt: skip


READ: Mapping[str, Callable[[Mapping[str, Any]], Measurement]] = MappingProxyType(
    {
        "measured": _measured,
        "level": _level,
        **{kind: partial(_assayed, of) for kind, of in ASSAYED.items()},
        "covariate": _covariate,
    }
)
"""Kind of a fact -> how its stored body is read."""


def called(name: str) -> str:
    """What a quantity is called to people: one with assays by its text, any other as records call it."""
    return QUANTITIES[name].text if name in QUANTITIES and QUANTITIES[name].assayed else name


def measurement(fact: Mapping[str, Any]) -> Measurement | None:
    """What a fact measured, None for one of another sort (a dose, a culture)."""
    read = READ.get(fact["kind"])
    return None if read is None else read(fact["body"])

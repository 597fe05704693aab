"""What a stored fact measured, whatever kind it has: facts of older kinds are read through this table and never edited."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any


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


def _creatinine(b: Mapping[str, Any]) -> Measurement:
    return Measurement("SCR", b["mg_per_dL"], "mg/dL", assay=b.get("assay", ""), findings=tuple(b.get("findings", ())))


def _covariate(b: Mapping[str, Any]) -> Measurement:
    return Measurement(b["name"], b["canonical_value"], b["canonical_unit"])


def _measured(b: Mapping[str, Any]) -> Measurement:
    return Measurement(b["quantity"], b["canonical_value"], b["canonical_unit"], b["below_limit"], b["after_dose"],
                       b["time_sd_h"], b["assay"], tuple(b["findings"]))  # fmt: skip


READ: Mapping[str, Callable[[Mapping[str, Any]], Measurement]] = MappingProxyType(
    {"measured": _measured, "level": _level, "creatinine": _creatinine, "covariate": _covariate}
)
"""Kind of a fact -> how its stored body is read."""


def measurement(fact: Mapping[str, Any]) -> Measurement | None:
    """What a fact measured, None for one of another sort (a dose, a culture)."""
    read = READ.get(fact["kind"])
    return None if read is None else read(fact["body"])

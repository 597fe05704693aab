"""What a laboratory's assay of creatinine reads, and what an IDMS-traceable one would have read."""

from dataclasses import dataclass
from types import MappingProxyType

from dosetwin.errors import Finding, InputError
from dosetwin.quantities.laboratory import UMOL_PER_MG_DL
from dosetwin.quantities.quantity import Quantity
from dosetwin.quantities.units import convert

ASSAYS = MappingProxyType(
    {
        "idms": (1.0, 0.0),
        # enzymatic methods on the market are calibrated to IDMS: taken as they are (assumed)
        "enzymatic": (1.0, 0.0),
        # Srivastava 2009, Pediatr Res 65:113: enzymatic = 1.05 Jaffe - 0.112; IDMS-enzymatic = 1.027 Jaffe - 0.254 (mg/dL)
        "jaffe": (1.027, -0.254),
        # the first of the two formulas undone, then the second: an enzymatic method known not to be IDMS-calibrated
        "enzymatic-uncalibrated": (1.027 / 1.05, 1.027 * 0.112 / 1.05 - 0.254),
    }
)
"""Assay -> (slope, intercept mg/dL) to IDMS-traceable enzymatic creatinine. Provenance of the Jaffe line: secondary."""

SCR_FLOOR = 0.1
"""mg/dL; the assay lines go below zero at low Jaffe values, so the result is floored (a declared choice)."""


@dataclass(frozen=True)
class Creatinine:
    """``value`` mg/dL IDMS-traceable, the assay it came from, and what there is to remark."""

    value: float
    assay: str
    findings: tuple[Finding, ...] = ()


def idms_to_jaffe(value: float) -> float:
    """What a Jaffe assay reads, mg/dL, where IDMS-traceable creatinine is ``value``: ``ASSAYS["jaffe"]`` undone."""
    slope, intercept = ASSAYS["jaffe"]
    return (value - intercept) / slope


def creatinine(value: float, unit: str, assay: str = "", *, record: str = "creatinine") -> Creatinine:
    """Serum creatinine in mg/dL, IDMS-traceable enzymatic, from any listed unit and assay ("" = not stated).

    Findings: ``creatinine_unit_suspect`` (error) when the value would be ordinary had the unit been confused by 88.4,
    ``creatinine_assay_unknown`` (warning), ``creatinine_floored`` (warning).
    Raises UnknownUnit, and InputError for an assay that is not listed or a value that is not a positive number.
    """
    key = assay.strip().lower()
    if key and key not in ASSAYS:
        raise InputError("unknown creatinine assay", where=record, value=assay, allowed=", ".join(ASSAYS))
    raw = convert(value, unit, "SCR", where=record)
    if raw <= 0:
        raise InputError("creatinine must be positive", where=record, value=value, allowed="> 0")
    found: list[Finding] = []
    suspect = suspect_creatinine_unit(raw)
    if suspect:
        allowed_range = "0.1 to 20 mg/dL (9 to 1768 umol/L)"
        message = f"creatinine {value:g} {unit} {suspect}"
        remedy = "check the unit at the laboratory"
        found.append(Finding("error", "creatinine_unit_suspect", record, message, value, allowed_range, remedy))
    if not key:
        message = "creatinine assay not stated; taken as enzymatic, IDMS-traceable"
        remedy = "state the assay (Observation.method)"
        found.append(Finding("warning", "creatinine_assay_unknown", record, message, None, ", ".join(ASSAYS), remedy))
    slope, intercept = ASSAYS[key or "idms"]
    converted = slope * raw + intercept
    if converted < SCR_FLOOR and not suspect:
        found.append(
            Finding(
                "warning",
                "creatinine_floored",
                record,
                f"creatinine {converted:.3g} mg/dL after assay conversion, set to {SCR_FLOOR}",
                value,
            )
        )
    return Creatinine(max(converted, SCR_FLOOR), key or "unknown", tuple(found))


def by_assay(of: Quantity, value: float, unit: str, assay: str = "", *, record: str = "") -> Creatinine:
    """A result of a quantity whose assays read differently (``Quantity.assayed``; creatinine is the only one), in its own unit.

    Findings and errors as ``creatinine``."""
    if of.name != "SCR":
        raise InputError("no assays are known of this", where=record, value=of.name, allowed="SCR")
    return creatinine(value, unit, assay, record=record or of.text)


def suspect_creatinine_unit(mg_per_dL: float) -> str:
    """Why a creatinine (mg/dL) looks like the other unit, "" when it does not."""
    if mg_per_dL < 0.09:
        return f"is {mg_per_dL:.3g} mg/dL: it looks like mg/dL labelled as umol/L"
    if mg_per_dL > 20:
        return f"is {mg_per_dL:.3g} mg/dL: it looks like umol/L labelled as mg/dL"
    return ""


__all__ = [
    "ASSAYS",
    "SCR_FLOOR",
    "UMOL_PER_MG_DL",
    "Creatinine",
    "by_assay",
    "creatinine",
    "idms_to_jaffe",
    "suspect_creatinine_unit",
]

"""Units at the border: a closed table from (quantity, UCUM unit) to canonical units; what is not listed is refused.

UCUM is looked up, never parsed: a general parser reads ``10*9/L`` as 90 per litre. How people and laboratory systems write
those units (``MG/L``, ``hrs``, ``lb``) stands in one more closed table, ``SPELLINGS``, for every door alike. Inside dosetwin
values are plain floats in h, mg, L, kg, mg/L; GA and PMA weeks, PNA days, creatinine mg/dL (IDMS-traceable).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import isfinite
from types import MappingProxyType
from unicodedata import normalize

from dosetwin.errors import Finding, InputError, UnknownUnit

UMOL_PER_MG_DL = 88.4
"""µmol/L of creatinine in 1 mg/dL (molar mass 113.12 g/mol, rounded as laboratories do)."""

_HOURS = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "d": 24.0, "wk": 168.0}
_DAYS = {"d": 1.0, "h": 1 / 24, "wk": 7.0, "min": 1 / 1440}
_WEEKS = {"wk": 1.0, "d": 1 / 7}
_MG = {"mg": 1.0, "g": 1000.0, "ug": 1e-3, "ng": 1e-6}
_KG = {"kg": 1.0, "g": 1e-3, "[lb_av]": 0.45359237, "[oz_av]": 0.028349523125}
_LITRES = {"L": 1.0, "mL": 1e-3, "dL": 0.1, "uL": 1e-6}
_MG_PER_L = {
    "mg/L": 1.0, "ug/mL": 1.0, "mg/dL": 10.0, "ug/L": 1e-3, "ng/mL": 1e-3, "g/L": 1000.0, "mg/mL": 1000.0, "ug/dL": 0.01,
}  # fmt: skip
_PER_HOUR = {"mg/h": 1.0, "mg/min": 60.0, "ug/h": 1e-3, "ug/min": 0.06, "g/h": 1000.0, "mg/d": 1 / 24}
_CREATININE = {
    "mg/dL": 1.0, "umol/L": 1 / UMOL_PER_MG_DL, "mmol/L": 1000 / UMOL_PER_MG_DL, "mg/L": 0.1, "ug/mL": 0.1,
}  # fmt: skip
_ONE = {"{INR}": 1.0, "1": 1.0, "{ratio}": 1.0}
_SCORE = {"{score}": 1.0, "1": 1.0}

# g/mol; only for drugs that are one substance (gentamicin is a mixture: molar units have no meaning for it)
_MOLAR_MASS = {"amikacin": 585.6, "phenobarbital": 232.24, "vancomycin": 1449.3, "tobramycin": 467.5, "warfarin": 308.33}

_DRUGS = ("amikacin", "gentamicin", "vancomycin", "tobramycin", "phenobarbital", "warfarin")


def _level(molar_mass: float | None) -> dict[str, float]:
    """mg/L per listed concentration unit, molar units included where the molar mass (g/mol) is known."""
    molar = {} if molar_mass is None else {"umol/L": molar_mass / 1000, "mmol/L": molar_mass}
    return {**_MG_PER_L, **molar}


CANONICAL = MappingProxyType(
    {
        "time": "h", "duration": "h", "amount": "mg", "rate": "mg/h", "volume": "L", "concentration": "mg/L",
        "amikacin": "mg/L", "gentamicin": "mg/L", "vancomycin": "mg/L", "tobramycin": "mg/L", "phenobarbital": "mg/L",
        "warfarin": "mg/L", "WT": "kg", "BW": "kg", "GA": "wk", "PMA": "wk", "PNA": "d", "SCR": "mg/dL", "HT": "cm", "HC": "cm",
        "TEMP": "Cel", "INR": "1", "APGR": "{score}", "APGR1": "{score}", "ALB": "g/L", "GFR": "mL/min",
    }
)  # fmt: skip
"""The canonical unit of every quantity this module knows."""

_TABLE: dict[str, dict[str, float]] = {
    "time": _HOURS, "duration": _HOURS, "amount": _MG, "rate": _PER_HOUR, "volume": _LITRES, "concentration": _MG_PER_L,
    **{drug: _level(_MOLAR_MASS.get(drug)) for drug in _DRUGS},
    "WT": _KG, "BW": _KG, "GA": _WEEKS, "PMA": _WEEKS, "PNA": _DAYS, "SCR": _CREATININE,
    "HT": {"cm": 1.0, "m": 100.0, "mm": 0.1, "[in_i]": 2.54}, "HC": {"cm": 1.0, "mm": 0.1, "[in_i]": 2.54},
    "TEMP": {"Cel": 1.0, "[degF]": 5 / 9, "K": 1.0}, "INR": _ONE, "APGR": _SCORE, "APGR1": _SCORE,
    "ALB": {"g/L": 1.0, "g/dL": 10.0}, "GFR": {"mL/min": 1.0, "L/h": 1000 / 60},
}  # fmt: skip
_OFFSET = {("TEMP", "[degF]"): -160 / 9, ("TEMP", "K"): -273.15}

SPELLINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "kg": ("kgs", "kilo", "kilos", "kilogram", "kilograms", "kilogramme", "kilogrammes"),
        "g": ("gm", "gms", "gram", "grams", "gramme", "grammes"),
        "mg": ("mgs", "milligram", "milligrams", "milligramme", "milligrammes"),
        "ug": ("mcg", "mcgs", "microgram", "micrograms", "microgramme", "microgrammes"),
        "ng": ("nanogram", "nanograms"),
        "[lb_av]": ("lb", "lbs", "pound", "pounds"),
        "[oz_av]": ("oz", "ounce", "ounces"),
        "umol": ("mcmol", "micromol", "micromole", "micromoles"),
        "mmol": ("millimol", "millimole", "millimoles"),
        "umol/L": ("um",),
        "mmol/L": ("mm",),
        "L": ("liter", "liters", "litre", "litres"),
        "dL": ("deciliter", "deciliters", "decilitre", "decilitres", "100ml"),
        "mL": ("mls", "milliliter", "milliliters", "millilitre", "millilitres", "cc", "cm3"),
        "uL": ("mcl", "microliter", "microliters", "microlitre", "microlitres"),
        "g/dL": ("g%", "gm%"),
        "mg/dL": ("mg%",),
        "wk": ("w", "wks", "week", "weeks"),
        "d": ("day", "days", "24h"),
        "h": ("hr", "hrs", "hour", "hours"),
        "min": ("mins", "minute", "minutes"),
        "s": ("sec", "secs", "second", "seconds"),
        "m": ("meter", "meters", "metre", "metres"),
        "cm": ("cms", "centimeter", "centimeters", "centimetre", "centimetres"),
        "mm": ("millimeter", "millimeters", "millimetre", "millimetres"),
        "[in_i]": ("in", "inch", "inches"),
        "Cel": ("c", "\u00b0c", "oc", "degc", "degreec", "degreesc", "celsius", "degreecelsius", "degreescelsius"),
        "[degF]": ("f", "\u00b0f", "of", "degreef", "degreesf", "fahrenheit", "degreefahrenheit", "degreesfahrenheit"),
        "K": ("kelvin",),
        "{INR}": ("inr",),
        "{score}": ("score", "point", "points"),
        "1": ("", "ratio"),
    }
)
"""UCUM unit -> other ways to write it, in lower case and without blanks; a quotient may be spelled part by part. Case apart,
UCUM's own upper-case forms (``MG/DL``, ``UG/ML``, ``HR``, ``[LB_AV]``) included: read so, ``MG`` is no megagram, which no
dose or level here is measured in. No unit at all is the unit of a ratio or a score, and of nothing else."""

AMBIGUOUS: Mapping[str, str] = MappingProxyType({
    "m": "min for minutes, mo for months, m for metres", "gr": "g for grams; grains are not read",
    "grs": "g for grams; grains are not read",
})  # fmt: skip
"""Spellings that mean two things, and what to write instead."""
_OVER = re.compile(r"([^\s./*\u00b7]+)[\s.*\u00b7]+([^\s./*\u00b7]+?)\^?-1")


def _written(unit: str) -> str:
    """``unit`` as ``SPELLINGS`` has it: one micro sign, lower case, no blanks, ``/`` where ``per`` or ``-1`` stands."""
    text = normalize("NFKC", unit).casefold().replace("\u03bc", "u").replace("\u2212", "-").strip()
    text = re.sub(r"\s+per\s+", "/", text.rstrip("."))
    over = _OVER.fullmatch(text)
    return re.sub(r"\s+", "", f"{over[1]}/{over[2]}" if over else text)


@lru_cache(maxsize=256)
def _spelled(quantity: str) -> dict[str, str]:
    """Every listed way to write a unit of ``quantity`` -> the unit of the table."""
    units = _TABLE[quantity]
    out: dict[str, str] = {}
    for unit in units:
        parts = [(p.casefold(), *SPELLINGS.get(p, ())) for p in unit.split("/")]
        ways = {"/".join(way) for way in product(*parts)} | set(SPELLINGS.get(unit, ()))
        for way in ways:
            if units[out.setdefault(way, unit)] != units[unit]:
                raise ValueError(f"{way} means {out[way]} and {unit} of {quantity}")
    return out


@lru_cache(maxsize=4096)
def code_of(unit: str, quantity: str) -> str | None:
    """The unit of ``quantity``'s table that ``unit`` spells, None where it is none of them or may mean two things.

    Raises UnknownUnit for a quantity that is not in the table.
    """
    units = allowed(quantity)
    exact = unit.replace("\u00b5", "u").replace("\u03bc", "u")
    if exact in units:
        return exact
    return _spelled(quantity).get(_written(unit))


def two_meanings(unit: str) -> str:
    """What to write instead of a spelling that may mean two units; "" for any other."""
    return AMBIGUOUS.get(_written(unit), "")


def known(unit: str) -> bool:
    """Whether ``unit`` spells a unit of any quantity."""
    return any(code_of(unit, quantity) is not None for quantity in _TABLE)


@lru_cache(maxsize=1024)
def plain_unit(unit: str) -> str:
    """``unit`` in one spelling: the same factor written otherwise (``ug/mL`` is ``mg/L``, ``{INR}`` is 1, ``mg*h/L`` and
    ``h.mg/L`` are ``mg.h/L``) compares equal, and nothing else does."""
    key = unit.replace("\u00b5", "u").replace("\u03bc", "u").replace("·", ".").replace("*", ".").replace(" ", "")
    above, sign, below = key.partition("/")
    hours = "h" in (parts := [*above.split("."), *(below.split(".")[1:])]) and len(parts) > 1
    if hours:
        above, below = ".".join(p for p in above.split(".") if p != "h"), ".".join(p for p in below.split(".") if p != "h")
    one = f"{above}{sign}{below}"
    one = {"mg/l": "mg/L", "ug/mL": "mg/L", "ug/ml": "mg/L", "mcg/mL": "mg/L", "ng/mL": "ug/L", "ng/ml": "ug/L", "mg/dl": "mg/dL",
           "umol/l": "umol/L", "{INR}": "1", "{ratio}": "1", "INR": "1", "": "1"}.get(one, one)  # fmt: skip
    return one + ".h" if hours else one


def is_foreign(unit: str) -> bool:
    """Whether ``unit`` is one of this module's, but the canonical unit of nothing: a number beside it needs converting."""
    own = {plain_unit(u) for u in CANONICAL.values()}
    meant = {plain_unit(code) for quantity in _TABLE if (code := code_of(unit, quantity)) is not None}
    return bool(meant) and not meant & own


def allowed(quantity: str) -> tuple[str, ...]:
    """The UCUM units accepted for a quantity. Raises UnknownUnit for a quantity that is not in the table."""
    if quantity not in _TABLE:
        raise UnknownUnit("no unit table for this quantity", value=quantity, allowed=", ".join(sorted(_TABLE)))
    return tuple(_TABLE[quantity])


def convert(value: float, unit: str, quantity: str, *, where: str = "") -> float:
    """``value`` in the quantity's canonical unit (see CANONICAL).

    ``unit`` is UCUM or one of ``SPELLINGS``; nothing else is interpreted.
    Raises UnknownUnit when (quantity, unit) is not listed and InputError when the value is not a finite number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise InputError(f"{quantity} is not a finite number", where=where, value=value)
    units = allowed(quantity)
    key = code_of(unit, quantity) if isinstance(unit, str) else None
    if key is None:
        two = two_meanings(unit) if isinstance(unit, str) else ""
        raise UnknownUnit(
            f"unit with two meanings for {quantity}" if two else f"unknown unit for {quantity}",
            where=where,
            value=unit,
            allowed=", ".join(units),
            remedy=f"write {two}" if two else "convert it at the source; a unit is never guessed",
        )
    factor = _TABLE[quantity][key]
    # dividing by 1000 is exact where multiplying by 0.001 is not: 1130 g is 1.13 kg
    scaled = value / (1.0 / factor) if factor < 1 else value * factor
    return scaled + _OFFSET.get((quantity, key), 0.0)


# ---------------------------------------------------------------------------------------------- creatinine assay

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


def suspect_creatinine_unit(mg_per_dL: float) -> str:
    """Why a creatinine (mg/dL) looks like the other unit, "" when it does not."""
    if mg_per_dL < 0.09:
        return f"is {mg_per_dL:.3g} mg/dL: it looks like mg/dL labelled as umol/L"
    if mg_per_dL > 20:
        return f"is {mg_per_dL:.3g} mg/dL: it looks like umol/L labelled as mg/dL"
    return ""

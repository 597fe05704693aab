"""Units at the border: a value in a unit that its quantity accepts becomes one in the quantity's own; no other unit is read.

UCUM is looked up, never parsed: a general parser reads ``10*9/L`` as 90 per litre. How people and laboratory systems write
those units (``MG/L``, ``hrs``, ``lb``) stands in one more closed table, ``SPELLINGS``, for every door alike. Inside dosetwin
values are plain floats in h, mg, L, kg, mg/L; GA and PMA weeks, PNA days, creatinine mg/dL (IDMS-traceable).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import product
from math import isfinite
from types import MappingProxyType
from unicodedata import normalize

from dosetwin.errors import InputError, UnknownUnit
from dosetwin.quantities import QUANTITIES, Quantity

Measured = str | Quantity
"""A quantity, or the name of one of ``QUANTITIES``; a drug's level stands with its drug (``formulary.measured``)."""

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
        "a": ("y", "yr", "yrs", "year", "years"),
        "mo": ("month", "months"),
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
def _spelled(quantity: Quantity) -> dict[str, str]:
    """Every listed way to write a unit of ``quantity`` -> the unit of the table."""
    units = quantity.units
    out: dict[str, str] = {}
    for unit in units:
        parts = [(p.casefold(), *SPELLINGS.get(p, ())) for p in unit.split("/")]
        ways = {"/".join(way) for way in product(*parts)} | set(SPELLINGS.get(unit, ()))
        for way in ways:
            if units[out.setdefault(way, unit)] != units[unit]:
                raise ValueError(f"{way} means {out[way]} and {unit} of {quantity.name}")
    return out


@lru_cache(maxsize=4096)
def code_of(unit: str, quantity: Measured) -> str | None:
    """The unit of ``quantity``'s table that ``unit`` spells, None where it is none of them or may mean two things.

    Raises UnknownUnit for a quantity that is not in the table.
    """
    of = _of(quantity)
    exact = unit.replace("\u00b5", "u").replace("\u03bc", "u")
    return exact if exact in of.units else _spelled(of).get(_written(unit))


def two_meanings(unit: str) -> str:
    """What to write instead of a spelling that may mean two units; "" for any other."""
    return AMBIGUOUS.get(_written(unit), "")


def known(unit: str) -> bool:
    """Whether ``unit`` spells a unit of any quantity."""
    return any(code_of(unit, quantity) is not None for quantity in QUANTITIES)


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
    """Whether ``unit`` is one of this module's, but the canonical unit of nothing that is measured or given: a number beside it
    needs converting. What is set on a machine does not count: a target in ug/L makes no level in ug/L ordinary."""
    own = {plain_unit(u) for u in (q.unit for q in QUANTITIES.values() if q.kind != "setting")}
    meant = {plain_unit(code) for quantity in QUANTITIES if (code := code_of(unit, quantity)) is not None}
    return bool(meant) and not meant & own


def _of(quantity: Measured) -> Quantity:
    if isinstance(quantity, Quantity):
        return quantity
    if quantity not in QUANTITIES:
        raise UnknownUnit("no unit table for this quantity", value=quantity, allowed=", ".join(sorted(QUANTITIES)))
    return QUANTITIES[quantity]


def allowed(quantity: Measured) -> tuple[str, ...]:
    """The UCUM units accepted for a quantity. Raises UnknownUnit for a quantity that is not in the table."""
    return tuple(_of(quantity).units)


def convert(value: float, unit: str, quantity: Measured, *, where: str = "") -> float:
    """``value`` in the quantity's own unit.

    ``unit`` is UCUM or one of ``SPELLINGS``; nothing else is interpreted.
    Raises UnknownUnit when (quantity, unit) is not listed and InputError when the value is not a finite number.
    """
    of = _of(quantity)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise InputError(f"{of.name} is not a finite number", where=where, value=value)
    key = code_of(unit, of) if isinstance(unit, str) else None
    if key is None:
        two = AMBIGUOUS.get(_written(unit)) if isinstance(unit, str) else None
        raise UnknownUnit(
            f"unknown unit for {of.name}" if two is None else f"unit with two meanings for {of.name}",
            where=where,
            value=unit,
            allowed=", ".join(of.units),
            remedy=f"write {two}" if two else "convert it at the source; a unit is never guessed",
        )
    factor = of.units[key]
    # dividing by 1000 is exact where multiplying by 0.001 is not: 1130 g is 1.13 kg
    scaled = value / (1.0 / factor) if factor < 1 else value * factor
    return scaled + of.offsets.get(key, 0.0)

"""Units of model files as powers of dimensions, so that a whole model can be rescaled and watched.

A closed grammar, factors joined by "/": "L/h/kg", "mg/dL", "1/h", "1". Time units scale together (so 24 h/d stays a
number), volumes together, amounts of drug and of creatinine together (so 88.4 umol per L per mg/dL stays a number); the
kilogram is body weight and nothing else.
"""

from collections import Counter

ATOMS = {
    "1": "",
    "h": "time", "d": "time", "wk": "time", "min": "time", "y": "time",
    "L": "volume", "mL": "volume", "dL": "volume",
    "g": "amount", "mg": "amount", "ug": "amount", "umol": "amount", "mmol": "amount",
    "kg": "body",
    "mmHg": "pressure", "cmH2O": "pressure",
    "cm": "length", "mm": "length",
    "m2": "surface",
    "10*9": "cells",
    "J": "energy",
}  # fmt: skip
DIMENSIONS = ("time", "volume", "amount", "body", "pressure", "length", "surface", "cells", "energy")


class UnknownDimension(ValueError):
    """A unit outside the grammar."""


def dimensions(unit: str) -> Counter[str]:
    """Powers of the dimensions of a unit, e.g. L/h/kg -> volume 1, time -1, body -1."""
    powers: Counter[str] = Counter()
    for place, atom in enumerate(unit.split("/")):
        if atom not in ATOMS:
            raise UnknownDimension(f"{atom!r} in unit {unit!r}; known: {', '.join(ATOMS)}")
        if ATOMS[atom]:
            powers[ATOMS[atom]] += 1 if place == 0 else -1
    return powers


def scale(unit: str, factors: dict[str, float]) -> float:
    """What a number in ``unit`` is multiplied by when each dimension is multiplied by its factor."""
    result = 1.0
    for dimension, power in dimensions(unit).items():
        result *= factors[dimension] ** power
    return result

"""How one fact is spread over patients: a few distributions, as a design's table or a population's file says them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from dosetwin.errors import InputError, UnknownName
from dosetwin.populations.population import People, Population
from dosetwin.quantities import QUANTITIES
from dosetwin.streams import uniforms

KINDS: Mapping[str, tuple[str, ...]] = {
    "fixed": ("value",), "uniform": ("low", "high"), "normal": ("mean", "sd"), "lognormal": ("median", "cv"),
    "share": ("share",), "alleles": ("share",),
}  # fmt: skip
"""What each kind must say. ``share``: 1 in that share of patients, else 0; ``alleles``: how many of two carry it."""


@dataclass(frozen=True)
class Spread:
    """One fact. ``low`` and ``high`` cut a normal or log-normal off (the rest is drawn from what is left). ``cv`` a share of the
    median: SD of the log is sqrt(ln(1 + cv^2)). Raises InputError, UnknownName."""

    name: str
    kind: str
    value: float | None = None
    mean: float | None = None
    sd: float | None = None
    median: float | None = None
    cv: float | None = None
    share: float | None = None
    low: float | None = None
    high: float | None = None
    source: str = "assumed"

    def __post_init__(self) -> None:
        where = f"population: {self.name}"
        if self.kind not in KINDS:
            raise UnknownName("unknown kind of spread", where=where, value=self.kind, allowed=", ".join(KINDS))
        for needed in KINDS[self.kind]:
            if getattr(self, needed) is None:
                raise InputError(f"a {self.kind} spread needs '{needed}'", where=where, allowed=", ".join(KINDS[self.kind]))
        low, high = self.low, self.high
        if low is not None and high is not None and not low < high:
            raise InputError("low is not below high", where=where, value=(low, high))
        if self.share is not None and not 0.0 <= self.share <= 1.0:
            raise InputError("a share", where=where, value=self.share, allowed="0 to 1")
        for name in ("sd", "median", "cv"):
            v = getattr(self, name)
            if v is not None and not v > 0.0:
                raise InputError(f"'{name}' must be positive", where=where, value=v)

    def drawn(self, number: np.ndarray, seed: int, stream: str) -> np.ndarray:
        """[n] values of patients ``number`` from the stream of that name."""
        u = uniforms(seed, stream, number, 2)
        if self.kind == "fixed":
            return np.full(len(number), float(self.value or 0.0))
        if self.kind == "share":
            return (u[:, 0] < (self.share or 0.0)).astype(np.float64)
        if self.kind == "alleles":
            return (u < (self.share or 0.0)).sum(axis=1).astype(np.float64)
        if self.kind == "uniform":
            low, high = float(self.low or 0.0), float(self.high or 0.0)
            return low + (high - low) * u[:, 0]
        log = self.kind == "lognormal"
        middle = np.log(self.median or 1.0) if log else float(self.mean or 0.0)
        sd = np.sqrt(np.log1p((self.cv or 1.0) ** 2)) if log else float(self.sd or 1.0)

        def below(border: float | None, other: float) -> float:
            if border is None or (log and border <= 0.0):
                return other
            return float(ndtr(((np.log(border) if log else border) - middle) / sd))

        a, b = below(self.low, 0.0), below(self.high, 1.0)
        x = middle + sd * ndtri(np.clip(a + (b - a) * u[:, 0], 1e-12, 1.0 - 1e-12))
        return np.exp(x) if log else x


def declared(name: str, table: Mapping[str, Any], where: str, asked: tuple[str, ...] = ()) -> Population:
    """A population from a design's table: fact -> its spread. Facts are listed quantities or what a model ``asked`` for.

    Raises InputError, UnknownName with the key.
    """
    kinds = {f.name for f in fields(Spread)} - {"name"}
    spreads = []
    for fact, given in table.items():
        if fact not in QUANTITIES and fact not in asked:
            raise UnknownName("unknown fact", where=where, value=fact, allowed=", ".join([*QUANTITIES, *asked]))
        if not isinstance(given, Mapping):
            given = {"kind": "fixed", "value": given}
        if unknown := sorted(set(given) - kinds):
            raise UnknownName("unknown key", where=f"{where}.{fact}", value=unknown[0], allowed=", ".join(sorted(kinds)))
        for key, v in given.items():
            if (key in ("kind", "source")) != isinstance(v, str) or isinstance(v, bool):
                raise InputError("wrong kind of value", where=f"{where}.{fact}.{key}", value=v)
        spreads.append(Spread(fact, **{"kind": "", **given}))
    if not spreads:
        raise InputError("a population without a fact", where=where, remedy='give one: [population.AGE] kind = "normal" ...')

    def made(number: np.ndarray, seed: int) -> People:
        return People(number, {s.name: s.drawn(number, seed, f"population/{s.name}") for s in spreads})

    return Population(name, "as the design says", made, tuple(s.name for s in spreads),
                      tuple(f"{s.name}: {s.source}" for s in spreads))  # fmt: skip

"""Virtual people with type 1 diabetes: the thirty of the published clinic, and as many more as are drawn between them."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from dosetwin.errors import InputError, UnknownName
from dosetwin.populations.type1.body import NAMES, PMOL_PER_U, STATES, advance
from dosetwin.streams import uniforms

__all__ = ["Clinic", "advance", "clinic", "drawn", "names"]
GROUPS = ("adolescent", "adult", "child")


@dataclass(frozen=True)
class Clinic:
    """n people: ``parameters`` [n, len(NAMES)], ``steady`` states [n, STATES] under ``basal`` U/h [n]; ``ratio`` g/U, ``factor``
    mg/dL per U, ``age`` y, ``weight`` kg, all [n]: what they know of themselves."""

    name: tuple[str, ...]
    parameters: NDArray[np.float64]
    steady: NDArray[np.float64]
    basal: NDArray[np.float64]
    ratio: NDArray[np.float64]
    factor: NDArray[np.float64]
    age: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.name)

    @property
    def weight(self) -> NDArray[np.float64]:
        """kg [n]."""
        return self.parameters[:, NAMES.index("BW")]

    def of(self, which: NDArray[np.int64]) -> "Clinic":
        """The people at these places, in this order."""
        arrays = (a[which] for a in (self.parameters, self.steady, self.basal, self.ratio, self.factor, self.age))
        return Clinic(tuple(self.name[int(i)] for i in which), *arrays)


@cache
def clinic() -> Clinic:
    """The thirty, in the order of the file. Their source and licence stand at its head."""
    text = (files(__name__) / "patients.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))

    def column(name: str) -> NDArray[np.float64]:
        return np.array([float(r[name]) for r in rows])

    states = np.zeros((len(rows), STATES))
    for i in range(13):
        states[:, i] = column(f"x{i + 1}")
    return Clinic(
        tuple(r["name"] for r in rows), np.column_stack([column(n) for n in NAMES]), states,
        60.0 * column("u2ss") * column("BW") / PMOL_PER_U, column("CR"), column("CF"), column("age"),
    )  # fmt: skip


def names() -> tuple[str, ...]:
    """Names of the thirty."""
    return clinic().name


def one(name: str) -> Clinic:
    """One of the thirty by name. Raises UnknownName."""
    if name not in names():
        raise UnknownName("unknown virtual person", where="person", value=name, allowed=", ".join(names()))
    return clinic().of(np.array([names().index(name)]))


def drawn(number: NDArray[np.int64], seed: int, group: str = "") -> Clinic:
    """People of these numbers, each one of the thirty (or of a group: adolescent, adult, child) drawn by seed and number alone.

    Raises InputError for an unknown group.
    """
    if group and group not in GROUPS:
        raise InputError("unknown group of people", where="group", value=group, allowed=", ".join(GROUPS))
    able = np.array([i for i, n in enumerate(names()) if n.startswith(group)])
    return clinic().of(able[(uniforms(seed, "type1/person", number, 1)[:, 0] * len(able)).astype(np.int64)])

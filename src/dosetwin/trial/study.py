"""What the runner, the analysis and the page need of a trial, whoever it treats with whatever."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. ``better`` says which way is good; ``kind``: a share or probability, or a number in ``unit``.

    ``given``: it only means something unless that other endpoint (a probability) has happened, and is weighted accordingly.
    """

    name: str
    text: str
    unit: str
    better: Literal["high", "low", "neither"]
    kind: Literal["share", "number"] = "number"
    given: str = ""


@dataclass(frozen=True)
class Claim:
    """A bar declared before the run: ``arm`` minus ``against`` on ``endpoint``, met when the whole statement holds.

    ``at_least`` / ``at_most``: the difference itself reaches ``value``; ``above`` / ``below``: its interval excludes ``value``.
    ``group``: only in this subgroup, as ``Study.groups`` names it (``WT < 70``).
    """

    arm: str
    against: str
    endpoint: str
    kind: str
    value: float
    text: str = ""
    group: str = ""


CLAIMS = ("at_least", "at_most", "above", "below")


TOLD = ("n", "chunk", "title", "note", "claims", "reference")
"""Keys of a design that change nobody's rows: how many, in what pieces, texts and comparisons."""


def rows_hash(design: Mapping[str, Any], *more: str) -> str:
    """SHA-256 of everything in a design's plain dictionary that can change somebody's rows: all but ``TOLD`` and ``more``."""
    body = {k: v for k, v in design.items() if k not in (*TOLD, *more)}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


class Named(Protocol):
    """An arm, as far as the runner and the analysis look at it."""

    @property
    def name(self) -> str:
        """What it is called in rows, tables and claims."""
        ...


class Study(Protocol):
    """A trial as data. Patients are numbered from 0 within it; a patient's rows depend on the design and that number alone."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def title(self) -> str:
        """The same in words."""
        ...

    @property
    def note(self) -> str:
        """What a reader should know."""
        ...

    @property
    def n(self) -> int:
        """Patients."""
        ...

    @property
    def chunk(self) -> int:
        """Patients per file."""
        ...

    @property
    def hash(self) -> str:
        """SHA-256 of everything that can change a patient's rows."""
        ...

    @property
    def arms(self) -> Sequence[Named]:
        """In the order of the rows."""
        ...

    @property
    def first_arm(self) -> str:
        """The arm that the others are compared with."""
        ...

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Names of what is counted."""
        ...

    @property
    def defined(self) -> Mapping[str, Endpoint]:
        """What every endpoint is."""
        ...

    @property
    def main(self) -> tuple[str, ...]:
        """Endpoints of short tables."""
        ...

    @property
    def key(self) -> tuple[str, ...]:
        """Endpoints that subgroups are compared on."""
        ...

    @property
    def always(self) -> tuple[str, ...]:
        """Endpoints that are read whether or not they are counted."""
        ...

    @property
    def pareto(self) -> tuple[str, str]:
        """The two endpoints that arms are weighed on at once."""
        ...

    @property
    def claims(self) -> tuple[Claim, ...]:
        """Bars declared before the run."""
        ...

    @property
    def subgroups(self) -> tuple[str, ...]:
        """Kinds of subgroups that are compared."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """All kinds of subgroups there are, for claims."""
        ...

    @property
    def facts(self) -> tuple[str, ...]:
        """Columns of the rows that say who a patient is; the first one is the number."""
        ...

    @property
    def who(self) -> tuple[str, str, str]:
        """One and many of those who are treated, and what they are called when virtual."""
        ...

    def groups(self, facts: "Mapping[str, np.ndarray]", kind: str) -> "dict[str, np.ndarray]":
        """Masks of a kind of subgroups by name, from the patients' facts [n]."""
        ...

    def table(self, first: int, n: int) -> "pa.Table":
        """Every arm of ``n`` patients from number ``first`` on: one row per patient and arm, by patient, then arm."""
        ...

    def told(self) -> dict[str, Any]:
        """What a summary says beside the numbers, so that it can be read without the design; may be empty."""
        ...

    def how(self) -> tuple[str, dict[str, Any]]:
        """How the trial is done, for its page: a template's text and what fills it."""
        ...

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary with every default written out."""
        ...

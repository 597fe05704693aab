"""Who tells a model's effect a course over time: a folder of ``forecast`` with a ``teller.py`` is one physiology foretold.

``teller.TELLS`` says which channel it tells and by which names it may be asked for; an answer loops over those listed here and
names none. Everything it says comes back as records for the model, remarks, and an outlook with its own words.
"""

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from dosetwin.declare import Model
from dosetwin.declare.channels import Channel
from dosetwin.declare.told import effect_told
from dosetwin.errors import Finding, InputError, Reason
from dosetwin.forecast.section import Section
from dosetwin.records import Covariate, Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief
    from dosetwin.simulate.schedule import Rule


@dataclass(frozen=True, eq=False)
class Told:
    """What is said of the facts at one moment: ``covariates`` for the model (none: nothing is said)."""

    covariates: tuple[Covariate, ...] = ()

    def on(self, timeline: Timeline) -> Timeline:
        """The facts with the course among them."""
        return timeline.append(*self.covariates) if self.covariates else timeline


@dataclass(frozen=True, eq=False)
class Believed:
    """What is believed once everybody has told: ``models`` with a belief each, ``bare`` the facts as recorded, ``known`` the same
    with every course; ``now`` h, ``seed`` and covariate ``rule`` of the question."""

    models: tuple[Model, ...]
    beliefs: "tuple[Belief, ...]"
    bare: Timeline
    known: Timeline
    now: float
    seed: int
    rule: "Rule"


@dataclass(frozen=True)
class Worry:
    """What makes an answer a caution and the next dose wait for a level: a ``reason``, and ``why`` within a sentence."""

    reason: Reason
    why: str


class Outlook(Protocol):
    """What is expected of the coming days."""

    @property
    def name(self) -> str:
        """Key of its part of an answer."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Remarks, its warning among them."""
        ...

    @property
    def worry(self) -> Worry | None:
        """What it warns of; None: nothing."""
        ...

    def section(self, timeline: Timeline, now: float) -> Section:
        """Everything a page says of it."""
        ...

    def to_json(self) -> dict[str, Any]: ...


class Teller(Protocol):
    """One that was chosen for models and facts. ``used`` "": it has nothing to tell them."""

    @property
    def used(self) -> str:
        """Which of its kinds is in use."""
        ...

    @property
    def models(self) -> tuple[Model, ...]:
        """Those to ask in place of the ones given."""
        ...

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Why another kind is used than was asked for."""
        ...

    @property
    def reads(self) -> tuple[str, ...]:
        """Quantities it reads for models that do not predict them any more."""
        ...

    def tell(self, timeline: Timeline, now: float, rule: "Rule") -> Told:
        """What it says of the facts known at ``now`` h. Raises InputError where they allow no forecast."""
        ...

    def remarks(self, told: Told, who: str) -> tuple[Finding, ...]:
        """Findings about the measurements it was told."""
        ...

    def answers(self, finding: Finding) -> bool:
        """Whether a model remarks on what this does for it."""
        ...

    def outlook(self, told: Told, believed: Believed) -> Outlook | None:
        """What it expects; None where it says nothing."""
        ...

    def provenance(self) -> dict[str, Any] | None:
        """What identifies it in an answer; None where it is not in use."""
        ...


@dataclass(frozen=True)
class Watch:
    """What a record itself shows of it: ``why`` (h, value of quantity ``of``; oldest first) -> in words why it turns, "" where it
    does not. ``title`` of those it turns in, on a list; ``flag`` the same of one patient; ``note`` what that means.
    ``feared`` the code of the finding that warns of it ahead, and ``fear`` that in words.
    """

    of: str
    why: Callable[[Sequence[tuple[float, float]]], str]
    title: str
    flag: str
    feared: str
    fear: str
    note: str


@dataclass(frozen=True, eq=False)
class Tells:
    """``name`` of its part of an answer and of the option that asks for it; the ``channel`` it tells; ``names`` it may be asked
    by, ``default`` the one where nobody asks; ``choose`` (asked or None, models, facts, now h, covariate rule) -> who tells.

    ``inside``: asked by this name it leaves a model as it is, as before there was a choice. ``uses``: name -> those of which one
    will be in use, where that follows from the facts. ``weights`` (name) -> hashes of what it was trained to, None where that
    cannot be loaded. ``watch``: what a record itself shows of it.
    """

    name: str
    channel: Channel
    names: tuple[str, ...]
    default: str
    choose: "Callable[[str | None, Sequence[Model], Timeline, float, Rule], Teller]"
    inside: str
    weights: Callable[[str], list[str] | None]
    watch: Watch
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def able(self, model: Model) -> bool:
        """Whether a model has an effect that this could tell."""
        return effect_told(model, self.channel.name) is not None


@lru_cache(maxsize=1)
def listed() -> Mapping[str, Tells]:
    """Name -> all there are, one per folder of ``forecast`` with a ``teller.py``, in alphabetical order."""
    import dosetwin.forecast as room

    found = []
    for folder in sorted(m.name for m in pkgutil.iter_modules(room.__path__) if m.ispkg):
        inside = importlib.import_module(f"{room.__name__}.{folder}")
        if any(m.name == "teller" for m in pkgutil.iter_modules(inside.__path__)):
            found.append(importlib.import_module(f"{inside.__name__}.teller").TELLS)
    return {t.name: t for t in found}


def teller_of(name: str | None) -> Tells | None:
    """The one that may be asked by this name."""
    return next((t for t in listed().values() if name in t.names), None)


def asked(name: str | None) -> Mapping[str, str | None]:
    """Each of those listed -> what it is asked for. Raises InputError for a name by which none may be asked."""
    there = listed()
    if name is not None and not any(name in t.names for t in there.values()):
        raise InputError(f"unknown {' or '.join(there)}", where=" or ".join(there), value=name,
                         allowed=", ".join(n for t in there.values() for n in t.names))  # fmt: skip
    return {key: name if name in t.names else None for key, t in there.items()}


def prior_draws(model: Model, occasions: int, draws: int, seed: int) -> np.ndarray:
    """Draws of the random effects before any level, [draws, n_full]."""
    omega = model.omega_for(occasions)
    root = np.linalg.cholesky(omega + 1e-15 * np.eye(len(omega)))
    return np.random.default_rng([seed, 7]).standard_normal((draws, len(omega))) @ root.T

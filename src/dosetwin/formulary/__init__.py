"""One file per drug or device as a ward knows it: ``NAME.py`` with ``DRUG = drug(...)`` and the therapies it is given in.

A file in this folder is listed. Other packages add theirs by the entry point group ``dosetwin.formulary`` (a module), a file of
your own is given by its path (``./my_drug.py``).
"""

import importlib
import pkgutil
from functools import lru_cache
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

from dosetwin.declare.drug import Drug
from dosetwin.declare.own_file import run_file
from dosetwin.declare.packages import installed, opened, where_of
from dosetwin.errors import InputError, UnknownName
from dosetwin.formulary._allergies import allergic_flag, allergic_to, related_to
from dosetwin.formulary._genetics import genetics, recommendations
from dosetwin.formulary._harms import shared
from dosetwin.formulary._stored import UNNAMED, USUAL, therapy_from_json
from dosetwin.formulary._therapies import about, checked, listed_therapy, rule, rules, therapies, therapy
from dosetwin.formulary._together import hidden, interactions, moves, raised, tell, together
from dosetwin.quantities import QUANTITIES, Quantity

__all__ = [
    "UNNAMED", "USUAL", "about", "allergic_flag", "allergic_to", "checked", "drug", "drugs", "files", "followed",
    "genetics", "hidden", "include", "interactions", "known", "levels", "list_anew", "listed_therapy", "measured",
    "module", "moves", "names", "raised", "recommendations", "related_to", "replaced", "rule", "rules", "shared",
    "tell", "therapies", "therapy", "therapy_from_json", "together",
]  # fmt: skip
GROUP = "dosetwin.formulary"


_given: dict[str, Drug] = {}
"""Drugs of files that were given by path, for the length of this process."""


def names() -> tuple[str, ...]:
    """Names of the files in this folder, of installed packages and of drugs given by path, in alphabetical order."""
    return tuple(sorted({*_own(), *_installed(), *_given}))


@lru_cache(maxsize=1)
def _own() -> tuple[str, ...]:
    return tuple(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


@lru_cache(maxsize=1)
def _installed() -> dict[str, EntryPoint]:
    return installed(GROUP, _own(), "drugs", _gives_way)


def _gives_way(name: str) -> bool:
    """Whether the drug of a listed file leaves its name to a file of somebody's own."""
    return importlib.import_module(f"{__name__}.{name}").DRUG.gives_way


def replaced(name: str) -> bool:
    """Whether a drug is one of somebody's own file or package that took the place of a listed one."""
    return name in _own() and (name in _given or name in _installed())


def module(name: str) -> ModuleType:
    """A file of the formulary by its name, or by the path of a file of your own.

    Raises UnknownName with the names there are, and InputError naming the file for one that cannot be imported.
    """
    if name.endswith(".py"):
        return run_file(Path(name), "drug")
    if name in _own() and name not in _installed():
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _installed():
        raise UnknownName("unknown drug", where="drug", value=name[:100], allowed=", ".join(names()))
    entry = _installed()[name]
    found = opened(entry)
    if not isinstance(found, ModuleType):
        raise InputError("not a module", where=where_of(entry), value=type(found).__name__, allowed="a module with a DRUG")
    return found


def drug(name: str) -> Drug:
    """A drug by its name, or by the path of its file; one given by path is listed from then on.

    Raises UnknownName and InputError as ``module`` does, and InputError for a file without a drug or with a name that is taken.
    """
    if name in _given:
        return _given[name]
    found = getattr(module(name), "DRUG", None)
    if not isinstance(found, Drug):
        raise InputError("a drug's file without DRUG = drug(...)", where=name, remedy='write DRUG = drug("NAME", ...)')
    if not name.endswith(".py"):
        if found.name != name:
            raise InputError("a drug's file has the drug's name", where=name, value=found.name, allowed=name)
        return found
    return include(found, name)


def include(found: Drug, where: str) -> Drug:
    """List a drug of a file of your own for the length of this process. Raises InputError where its name is taken."""
    if (found.name in _own() and not _gives_way(found.name)) or found.name in _installed():
        raise InputError("two drugs of one name", where=where, value=found.name, allowed="a name not taken",
                         remedy="give your drug another name")  # fmt: skip
    _given[found.name] = found
    list_anew()
    return found


def list_anew() -> None:
    """Forget what was made of the list of drugs: it has changed."""
    for kept in (drugs, by_name, followed, levels):
        kept.cache_clear()


def files() -> tuple[str, ...]:
    """Names of the files in this folder and of installed packages, without those a file of somebody's own took the place of."""
    return tuple(sorted({*(n for n in _own() if n not in _given), *_installed()}))


@lru_cache(maxsize=1)
def drugs() -> tuple[Drug, ...]:
    """Every drug listed, in alphabetical order; what is ordered in settings is none."""
    return tuple(d for n in names() if not (d := drug(n)).device)


@lru_cache(maxsize=1)
def by_name() -> dict[str, Drug]:
    """Every drug by each of its names, synonyms included."""
    return {name: d for d in drugs() for name in d.names}


@lru_cache(maxsize=1)
def followed() -> tuple[str, ...]:
    """Names of the drugs a twin can be made of: all but those that are only given beside."""
    return tuple(d.name for d in drugs() if d.followed)


@lru_cache(maxsize=1)
def levels() -> dict[str, Quantity]:
    """Name of each drug whose level is measured -> its level."""
    return {d.name: d.level for d in drugs() if d.level is not None}


def measured(name: str, where: str = "") -> Quantity:
    """What a record's name measures: a quantity, or the level of a drug. Raises UnknownName with the names there are."""
    found = QUANTITIES.get(name) or levels().get(name)
    if found is None:
        raise UnknownName("unknown quantity", where=where, value=name, allowed=", ".join((*QUANTITIES, *levels())))
    return found


def known(name: str) -> bool:
    """Whether ``name`` is a quantity or a drug whose level is measured."""
    return name in QUANTITIES or name in levels()

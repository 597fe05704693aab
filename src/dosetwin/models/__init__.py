"""One file per published model, named drug_author_year (or drug_population for our own composites).

A file in this folder is listed. Other packages add theirs by the entry point group ``dosetwin.models`` (a module with ``MODEL``,
or the model itself), a file of your own is given by its path (``./my_model.py``).
"""

import importlib
import pkgutil
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import EntryPoint
from pathlib import Path

from dosetwin.declare import Model
from dosetwin.declare.channels import CHANNELS
from dosetwin.declare.own_file import GUIDE, run_file
from dosetwin.declare.own_file import told as told_mistake
from dosetwin.declare.packages import installed, opened, where_of
from dosetwin.declare.told import effect_told, told
from dosetwin.declare.tried import tried
from dosetwin.errors import InputError, UnknownName

GROUP = "dosetwin.models"


def names() -> tuple[str, ...]:
    """Names of the models in this package and of installed packages, in alphabetical order."""
    return tuple(sorted({*_own(), *_installed()}))


@lru_cache(maxsize=1)
def _own() -> tuple[str, ...]:
    return tuple(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


@lru_cache(maxsize=1)
def _installed() -> dict[str, EntryPoint]:
    return installed(GROUP, _own(), "models")


def load(name: str) -> Model:
    """A model by name (listed here or by an installed package), or by the path of a model file of your own (``./my_model.py``).

    ``NAME_kidney`` is a listed model whose filtration is told (``told.told``); any channel's ``by`` serves.

    Raises
    ------
    UnknownName : no such model; the message lists the names.
    InputError : a file that cannot be imported.

    >>> load("amikacin_decock_2012").drug
    'amikacin'
    """
    if name.endswith(".py"):
        return _load_file(Path(name))
    for channel in CHANNELS.values():
        base = name.removesuffix(f"_{channel.by}")
        if name not in names() and base in names() and effect_told(load(base), channel.name):
            return told(load(base), channel.name)
    if name not in names():
        near = [n for n in names() if n.startswith(name.lower())] if name else []
        near = near or get_close_matches(name.lower(), names(), 5, 0.7)
        raise UnknownName(
            "unknown model", where="model", value=name, allowed=", ".join(near or names()), remedy="see 'dosetwin models'"
        )
    return _of_package(name) if name in _installed() else importlib.import_module(f"{__name__}.{name}").MODEL


def _tried(found: object, where: str, path: Path) -> Model:
    """What a module calls MODEL, its functions called once. Raises InputError, ModelError naming file and line."""
    if not isinstance(found, Model):
        raise InputError("a model's file without MODEL = model(...)", where=where,
                         value=None if found is None else type(found).__name__,
                         remedy=f"end it with MODEL = model(__name__, ...); {GUIDE}")  # fmt: skip
    try:
        tried(found)
    except Exception as error:
        raise told_mistake(error, path, "model file fails") from error
    return found


def _load_file(path: Path) -> Model:
    return _tried(getattr(run_file(path, "model"), "MODEL", None), str(path), path)


def _of_package(name: str) -> Model:
    entry = _installed()[name]
    where, module = where_of(entry), opened(entry)
    found = _tried(getattr(module, "MODEL", module), where, Path(getattr(module, "__file__", None) or name))
    if found.name != name:
        raise InputError("a model's file has the model's name", where=where, value=found.name, allowed=name)
    return found

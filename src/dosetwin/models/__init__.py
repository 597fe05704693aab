"""One file per published model, named drug_author_year (or drug_population for our own composites)."""

import importlib
import importlib.util
import pkgutil
import sys
from pathlib import Path

from dosetwin.declare import Model
from dosetwin.declare.channels import CHANNELS
from dosetwin.declare.told import effect_told, told
from dosetwin.errors import InputError, ModelError, UnknownName


def names() -> tuple[str, ...]:
    """Names of the models in this package, in alphabetical order: a file in this folder is a listed model."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")))


def load(name: str) -> Model:
    """A model by name, or by the path of a model file of your own (``./my_model.py``).

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
        raise UnknownName("unknown model", where="model", value=name, allowed=", ".join(names()), remedy="see 'dosetwin models'")
    return importlib.import_module(f"{__name__}.{name}").MODEL


def _load_file(path: Path) -> Model:
    if not path.is_file():
        raise InputError("no such model file", where=str(path))
    name = f"dosetwin_user_model.{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError("not a Python file", where=str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        return module.MODEL
    except ModelError:
        raise
    except Exception as error:  # whatever a user's file does wrong is an input error of that file
        raise InputError(f"model file fails: {type(error).__name__}: {error}", where=str(path)) from error

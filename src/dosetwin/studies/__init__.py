"""Trials by name: designs that ship, files of one's own, and what a summary's endpoints are, whoever was treated.

A design that names a therapy and no study is a trial of that therapy (``trial.therapy``). Any other is of a study with a room of
its own here, ``study = "NAME"``: a folder whose ``design.py`` has ``read`` (tables -> ``Study``) and whose ``endpoints.py`` has
``ENDPOINTS``, ``MAIN``, ``SHOWN``, ``GROUPED``, ``WHO`` and ``COMPARED``. It may look at what is true of its patients and at
single outcomes; the machinery it runs on (``trial``) knows none of them.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.errors import InputError, UnknownName

if TYPE_CHECKING:
    from dosetwin.trial.study import Endpoint

BEFORE = "newborn_sepsis"
"""The study of designs and summaries that name neither therapy nor study: all of them, once."""


@cache
def names() -> tuple[str, ...]:
    """Studies with a room of their own."""
    return tuple(sorted(p.name for p in resources.files(__name__).iterdir() if p.joinpath("design.py").is_file()))


def shipped() -> tuple[str, ...]:
    """Names of the designs in this package."""
    folder = resources.files(__name__) / "designs"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load(name: str) -> Any:
    """A design (a ``Study``) from a file (``./mine.toml``) or by the name of a shipped one. Raises InputError."""
    if name in shipped():
        return read((resources.files(__name__) / "designs" / f"{name}.toml").read_text(encoding="utf-8"), f"{name}.toml")
    path = Path(name)
    if not name.endswith(".toml") or not path.is_file():
        raise InputError("no such design", where="trial", value=name, allowed="a .toml file, or one of: " + ", ".join(shipped()))
    try:
        return read(path.read_text(encoding="utf-8"), path.name, path.resolve().parent)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", where=str(path)) from None


def read(text: str, where: str = "design", beside: Path | None = None) -> Any:
    """A design from TOML; ``beside``: the folder that a therapy's file is looked for from.

    Raises InputError (UnknownName for names) with the key and what is allowed."""
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not TOML: {error}", where=where) from None
    if "therapy" in given and "study" not in given:
        from dosetwin.trial.therapy.read import read_therapy

        return read_therapy(given, where, beside)
    study = given.pop("study", BEFORE)
    if study not in names():
        raise UnknownName("no such study", where=f"{where}: study", value=study, allowed=", ".join(names()))
    return import_module(f"{__name__}.{study}.design").read(given, where)


@dataclass(frozen=True)
class Told:
    """What a summary is of: every endpoint, those of short tables, those ``shown`` in figures and ``grouped`` by subgroup.

    ``who``: one and many of those treated, and what they are called when virtual; ``compared`` what subgroups are compared on.
    """

    endpoints: "Mapping[str, Endpoint]"
    main: tuple[str, ...]
    shown: tuple[str, ...]
    grouped: tuple[str, ...]
    who: tuple[str, str, str]
    compared: str


def told(body: Mapping[str, Any]) -> Told:
    """As a summary says itself, else as the study its design is of."""
    from dosetwin.trial.study import Endpoint

    if "endpoints" not in body:
        study = body["design"].get("study", BEFORE)
        if study not in names():
            raise UnknownName("no such study", where="summary: design: study", value=study, allowed=", ".join(names()))
        of = import_module(f"{__name__}.{study}.endpoints")
        return Told(of.ENDPOINTS, of.MAIN, of.SHOWN, of.GROUPED, of.WHO, of.COMPARED)
    known = {name: Endpoint(**e) for name, e in body["endpoints"].items()}
    shown = tuple(body.get("shown", ()))
    one, many = body.get("who", ("patient", "patients"))[:2]
    return Told(known, tuple(body.get("main", known)), shown, shown, (one, many, many), known[shown[0]].text if shown else "")

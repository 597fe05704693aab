"""A place's record from the command line: its facts and the moment of a decision about it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dosetwin.cli.common import naming
from dosetwin.errors import InputError

if TYPE_CHECKING:
    from dosetwin.declare import Therapy
    from dosetwin.declare.pool import Pool
    from dosetwin.twins.place import Place


def opened_place(case: Path, therapy: "Therapy") -> "tuple[Place, str]":
    """The facts of a place's file and the SHA-256 of it. Raises InputError for a wrong file, or a therapy of no place."""
    import hashlib

    from dosetwin.io.place import read_place
    from dosetwin.io.text import read_bytes
    from dosetwin.records import Setting
    from dosetwin.twins.place import Place, Seen, Watched

    of = pool_of(therapy).of
    with naming(case):
        record = read_place(case, of)
        facts: list[Any] = [Seen(n, w, t) for n, w, t in record.visits]  # type: ignore[arg-type]
        facts += [Watched(a, b) for a, b in record.watched]
        facts += [Setting({of: n}, at=t) for t, n in record.open]
    return Place(record.name, tuple(facts), record.origin, record.now), hashlib.sha256(read_bytes(case)).hexdigest()


def pool_of(therapy: "Therapy") -> "Pool":
    """The pool of a therapy of a place. Raises InputError for another therapy."""
    if therapy.kind != "place" or therapy.pool is None:
        raise InputError("the therapy is of no place", where=f"therapy {therapy.name}", value=therapy.kind, allowed="place")
    return therapy.pool


def place_therapy(name: str) -> "Therapy | None":
    """The therapy of a place with that name, listed or in a file of one's own; None where it is a model's name, or nothing's."""
    from dosetwin import formulary

    if not name.endswith(".py"):
        return next((t for t in formulary.therapies() if t.name == name and t.kind == "place"), None)
    try:
        found = formulary.therapy(name)
    except InputError:  # a model's file, and what is wrong with it is said where models are read
        return None
    return found if found.kind == "place" else None


def place_moment(place: "Place", word: str | None, where: str) -> tuple[float, str]:
    """The moment of the decision (h on the place's clock) and how it was found, in words. Raises InputError."""
    from dosetwin.io.place import hours

    if word is not None:
        try:
            given: Any = float(word)
        except ValueError:
            given = word
        return hours(given, place.origin, "--now"), "given with --now"
    if place.now is not None:
        return place.now, f"the moment {where} was written"
    if place.last is None:
        raise InputError("nothing is recorded", where=where, allowed="visits, watched, or how many are open")
    return place.last, f"the last record of {where}"

"""Keys and values of a design's tables: refused where nobody declared them, read as what they are."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from dosetwin.errors import InputError, UnknownName

Kinds = dict[str, type | tuple[type, ...]]
NUMBER = (int, float)
WORDS: dict[tuple[type, ...], str] = {
    (str,): "text", (int,): "a whole number", NUMBER: "a number", (bool,): "true or false", (dict,): "a table", (list,): "a list",
    (str, dict): "a name or a table", (int, float, list): "a number or a list",
}  # fmt: skip


def only(given: Mapping[str, Any], allowed: Mapping[str, type | tuple[type, ...]], where: str) -> None:
    """Refuse keys nobody declared and values of the wrong kind."""
    for key, value in given.items():
        if key not in allowed:
            raise UnknownName("unknown key", where=where, value=key, allowed=", ".join(allowed))
        kind = allowed[key]
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            raise InputError("wrong kind of value", where=f"{where}: {key}", value=value, allowed=WORDS[wanted])


def kinds_of(record: Any) -> dict[str, type | tuple[type, ...]]:
    """The keys of a record as a table, and the kind of each."""
    kinds: dict[Any, Any] = {str: str, int: int, float: NUMBER, bool: bool, "str": str, "int": int, "float": NUMBER, "bool": bool}
    return {f.name: kinds[f.type] for f in fields(record)}


def texts(values: list[Any], where: str) -> tuple[str, ...]:
    """A list of names. Raises InputError."""
    if not all(isinstance(v, str) for v in values):
        raise InputError("a list of names", where=where, value=values)
    return tuple(values)


def floats(given: Mapping[str, Any], record: Any) -> dict[str, Any]:
    """The same with numbers where the record has them (1 for 1.0)."""
    number = {f.name for f in fields(record) if f.type in (float, "float")}
    return {k: float(v) if k in number else v for k, v in given.items()}


def record(given: Any, kind: Any, where: str, needed: tuple[str, ...]) -> Any:
    """A record of that kind from a table. Raises InputError for keys that are unknown, missing or of the wrong kind."""
    if not isinstance(given, dict):
        raise InputError("a table", where=where, value=given)
    only(given, kinds_of(kind), where)
    for key in needed:
        if key not in given:
            raise InputError("missing key", where=f"{where}: {key}", allowed=", ".join(needed))
    return kind(**floats(given, kind))

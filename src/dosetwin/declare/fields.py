"""Are the fields of a declaration of the kind they should be? A slip such as ``models=("x")`` is told where it stands."""

import collections.abc
import math
import types
from dataclasses import fields
from functools import lru_cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from dosetwin.declare.place import placed
from dosetwin.errors import InputError

_WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "True or False", type(None): "None"}


@lru_cache(maxsize=64)
def _hints(cls: type) -> dict[str, Any]:
    return {f.name: h for f in fields(cls) if (h := get_type_hints(cls)[f.name]) is not None}


def right_kinds(record: Any, what: str) -> None:
    """Raise InputError naming the field, what was found and what is allowed, for the first that is of another kind.

    ``what`` the record is, in words; the line where it was declared is added where the record knows it.
    """
    for name, hint in _hints(type(record)).items():
        value = getattr(record, name)
        if not _fits(value, hint):
            one = get_origin(hint) is tuple and not isinstance(value, tuple)
            where = placed(record, what) if hasattr(record, "at") else what
            shown = value if isinstance(value, str | float | int | tuple | None) else type(value).__name__
            raise InputError(f"'{name}' is of the wrong kind", where=where, value=shown, allowed=words(hint),
                             remedy="a tuple of one is written (x,)" if one else "")  # fmt: skip


def _fits(value: Any, hint: Any) -> bool:
    origin, args = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin is Literal:
        return value in args
    if origin in (Union, types.UnionType):
        return any(_fits(value, a) for a in args)
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        if len(args) == 2 and args[1] is Ellipsis:
            return all(_fits(v, args[0]) for v in value)
        return len(value) == len(args) and all(_fits(v, a) for v, a in zip(value, args, strict=True))
    if origin is collections.abc.Mapping:
        return isinstance(value, collections.abc.Mapping) and all(
            _fits(k, args[0]) and _fits(v, args[1]) for k, v in value.items()
        )
    if origin is collections.abc.Callable:
        return callable(value)
    if hint is float:
        return isinstance(value, int | float) and not math.isnan(value)
    if getattr(hint, "_is_protocol", False):
        return all(hasattr(value, m) for m in vars(hint) if not m.startswith("_"))
    return isinstance(value, hint) if isinstance(hint, type) else True


def words(hint: Any) -> str:
    """A type as a reader would say it."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return ", ".join(repr(a) for a in args)
    if origin in (Union, types.UnionType):
        return " or ".join(words(a) for a in args)
    if origin is tuple:
        return f"a tuple of {words(args[0])} each" if args[-1] is Ellipsis else f"({', '.join(words(a) for a in args)})"
    if origin is collections.abc.Mapping:
        return f"{{{words(args[0])}: {words(args[1])}}}"
    if origin is collections.abc.Callable:
        return "a function"
    return _WORDS.get(hint) or f"a {getattr(hint, '__name__', hint)}"

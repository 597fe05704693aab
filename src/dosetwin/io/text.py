"""A file's text, or one line saying why not; and the one reading of a number from text that every door uses."""

import csv
import json
import re
from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


def number(text: str, *, comma: bool = False) -> float | None:
    """The finite decimal number that ``text`` is, whole and without blanks inside; None for everything else.

    Only the digits 0 to 9, one point, a sign and an exponent: Python's ``1_0``, ``nan``, ``inf`` and digits of other scripts
    are none. ``comma``: a single decimal comma is read as well (typed by a person into a form, never from a feed).
    """
    said = text.strip()
    if comma and said.count(",") == 1 and "." not in said:
        said = said.replace(",", ".")
    if _NUMBER.fullmatch(said) is None:
        return None
    value = float(said)
    return value if isfinite(value) else None


def typed(text: str) -> float | None:
    """The number that a person typed into a form, with a decimal point or comma; None for none, and where it would have to be
    guessed (``thousands``)."""
    return None if thousands(text) else number(text, comma=True)


def thousands(text: str) -> bool:
    """Whether a sign in a number may part thousands as well as decimals: ``1,000`` is a thousand to some and one to others."""
    return _THOUSANDS.fullmatch(text.strip()) is not None


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises InputError naming the file."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({getattr(error, 'strerror', None) or error})", where=path.name or str(path)) from None


def read_text(path: Path) -> str:
    """UTF-8 text without its byte order mark. Raises InputError naming the file and the line that is no text."""
    return text_of(read_bytes(path), path.name)


def text_of(raw: bytes, name: str) -> str:
    """Bytes of the file ``name`` as ``read_text`` gives them. Raises InputError."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError("the file is UTF-16", where=name, allowed="UTF-8", remedy="save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            "the file is not UTF-8 text", where=f"{name}:{line}", allowed="UTF-8", remedy="save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("the file holds NUL characters", where=f"{name}:{line}", allowed="text")
    return text


def numbered(lines: Iterable[str], name: str, delimiter: str = ",", before: int = 0) -> Iterator[tuple[str, list[str]]]:
    """(``name:line``, cells) of a table's lines, ``before`` them others. Raises InputError naming the line that is none."""
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for row in reader:
            yield f"{name}:{before + reader.line_num}", row
    except csv.Error as error:
        where = f"{name}:{before + reader.line_num + 1}"
        raise InputError(f"not a line of a table ({error})", where=where) from None


def rows_of(lines: Iterable[str], name: str, delimiter: str = ",") -> Iterator[list[str]]:
    """``numbered``, the cells alone."""
    return (row for _, row in numbered(lines, name, delimiter))


def read_json(path: Path) -> Any:
    """A JSON file; NaN and Infinity are refused. Raises InputError naming the file, and the line where it breaks."""
    text = read_text(path)
    try:
        return parse_json(text)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg})", where=f"{path.name}:{error.lineno}") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
        raise InputError(f"not usable JSON ({reason})", where=path.name) from None


def parse_json(text: str) -> Any:
    """JSON without NaN, Infinity, or a name twice in one object (the last would win unseen). Raises ValueError."""
    return json.loads(text, parse_constant=_constant, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)[:40]!r} stands twice in one object")
    return out


def _constant(token: str) -> float:
    raise ValueError(f"{token} is not a JSON number")

"""A file's text, or one line saying why not."""

import json
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError


def read_bytes(path: Path) -> bytes:
    """A file's bytes. Raises InputError naming the file."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be read ({getattr(error, 'strerror', None) or error})", where=path.name or str(path)) from None


def read_text(path: Path) -> str:
    """UTF-8 text without its byte order mark. Raises InputError naming the file and the line that is no text."""
    raw = read_bytes(path)
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError("the file is UTF-16", where=path.name, allowed="UTF-8", remedy="save it as UTF-8")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise InputError(
            "the file is not UTF-8 text", where=f"{path.name}:{line}", allowed="UTF-8", remedy="save it as UTF-8"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise InputError("the file holds NUL characters", where=f"{path.name}:{line}", allowed="text")
    return text


def read_json(path: Path) -> Any:
    """A JSON file; NaN and Infinity are refused. Raises InputError naming the file, and the line where it breaks."""
    text = read_text(path)
    try:
        return json.loads(text, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise InputError(f"not JSON ({error.msg})", where=f"{path.name}:{error.lineno}") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:80]
        raise InputError(f"not usable JSON ({reason})", where=path.name) from None


def _constant(token: str) -> float:
    raise ValueError(f"{token} is not a JSON number")

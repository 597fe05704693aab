"""Finished replays and trials in the operator's folder: listed by name, read by a key of the list, never by a path."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

MOST = 200
"""Files listed of each kind, by name."""


@dataclass(frozen=True)
class Stored:
    """One file: ``key`` for its address, ``name`` inside the folder."""

    key: str
    name: str
    path: Path


def stored(folder: Path | None, kind: str) -> tuple[Stored, ...]:
    """The folder's JSON files of a kind (trials end in ``summary.json``, all others are replays), in it or one folder below.

    Links are left out, files that lead elsewhere with them; none where no folder is set or it cannot be read.
    """
    if folder is None:
        return ()
    try:
        found = sorted(p for pattern in ("*.json", "*/*.json") for p in folder.glob(pattern) if _inside(p, folder))
    except OSError:
        return ()
    names = [(p, p.relative_to(folder).as_posix()) for p in found if p.name.endswith("summary.json") == (kind == "trial")]
    return tuple(Stored(sha256(name.encode()).hexdigest()[:16], name, p) for p, name in names[:MOST])


def _inside(path: Path, folder: Path) -> bool:
    return path.is_file() and path.resolve() == folder.resolve() / path.relative_to(folder)

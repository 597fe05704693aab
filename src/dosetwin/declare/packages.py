"""Files that other packages bring by an entry point: listed by name, opened, and their mistakes told as what they are."""

from collections.abc import Callable, Collection
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dosetwin.errors import DosetwinError, InputError


def installed(
    group: str, own: Collection[str], kind: str, gives_way: Callable[[str], bool] = lambda _: False
) -> dict[str, EntryPoint]:  # fmt: skip
    """Name -> entry point of a group of ``kind`` (``models``). Raises InputError for a name given twice or among our ``own``, but
    for one of ours that ``gives_way``."""
    found: dict[str, EntryPoint] = {}
    for e in entry_points(group=group):
        if e.name in found or (e.name in own and not gives_way(e.name)):
            raise InputError(f"two {kind} of one name", where=f"entry point {group}", value=f"{e.name} = {e.value}",
                             allowed="a name not taken", remedy="uninstall one of the two packages")  # fmt: skip
        found[e.name] = e
    return found


def where_of(entry: EntryPoint) -> str:
    """An entry point as a message names it."""
    return f"entry point {entry.group}: {entry.name} = {entry.value}"


def opened(entry: EntryPoint) -> Any:
    """What an entry point leads to. Raises InputError where another package's file fails."""
    try:
        return entry.load()
    except DosetwinError:
        raise
    except Exception as error:
        raise InputError(f"cannot be loaded: {type(error).__name__}: {error}", where=where_of(entry)) from error

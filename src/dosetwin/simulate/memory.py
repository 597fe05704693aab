"""How much memory there is, so that work that cannot fit is refused before it starts."""

from pathlib import Path

from dosetwin.errors import InputError

SHARE = 0.8
"""Of what is free: the rest is for everything that is not counted."""
A_TABLE = 40
"""Bytes of records and their checks per byte of a table (measured: 4,000 subjects with 11 lines each, 1.2 MB of text, 48 MB)."""


def available() -> float | None:
    """Bytes this process can still have: of the machine, or of the container it runs in; None where the system does not say."""
    found = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found += [1024.0 * float(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            found.append(float(limit) - float(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError, IndexError):
        pass
    return min(found, default=None)


def enough(needed: float, what: str, *, where: str, remedy: str, free: float | None = None) -> None:
    """Raise InputError where ``needed`` bytes are more than there is; ``free`` in place of ``available()``."""
    free = available() if free is None else free
    if free is not None and needed > SHARE * free:
        raise InputError(f"{what} does not fit in memory", where=where, value=f"{needed / 1e9:.3g} GB needed",
                         allowed=f"{SHARE * free / 1e9:.3g} GB are free", remedy=remedy)  # fmt: skip

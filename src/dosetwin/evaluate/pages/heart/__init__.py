"""The heart: pacemaker timing, drug-induced QT and circulation, against closed forms and the runs of others."""

from collections.abc import Callable, Sequence

from dosetwin.evaluate.check import Check, table
from dosetwin.evaluate.pages.heart import circulation, pacing, qt

PAGE = "heart"
N, N_QUICK, SEED = 100, 50, 1
PARTS = (pacing, qt, circulation)


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every part; ``n`` beats where a part counts beats, ``seed`` where it draws."""
    found: list[Check] = []
    for done, part in enumerate(PARTS):
        if progress:
            progress(done, len(PARTS))
        found += part.run(n=n, seed=seed)
    if progress:
        progress(len(PARTS), len(PARTS))
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: a section of each part with its table, and the causes of misses."""
    lines = ["# Heart", "", f"Written by `dosetwin validate {PAGE}`; do not edit.", ""]
    for part in PARTS:
        own = [c for c in checks if c.check.startswith(part.NAME + ".")]
        if own:
            lines += [f"## {part.TITLE}", "", part.TEXT, "", *table(own), ""]
            lines += [f"- {c.text}: {c.cause}" for c in own if not c.passed]
    return "\n".join([*lines, ""])

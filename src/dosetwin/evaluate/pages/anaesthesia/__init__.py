"""Anaesthesia against numbers of others: models, targeting, depth and response, scores, virtual patients."""

from collections.abc import Callable, Sequence

from dosetwin.evaluate.check import Check, table
from dosetwin.evaluate.pages.anaesthesia import numbers, patients

PAGE = "anaesthesia"
N, N_QUICK, SEED = 60, 50, 20260101


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every number of the models and of targeting, then ``n`` virtual patients under rates by hand and by target."""
    found = numbers.checks()
    if progress:
        progress(1, 2)
    found += patients.checks(n, seed)
    if progress:
        progress(2, 2)
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was compared, one table."""
    recalled = sum(c.provenance == "recalled" for c in checks)
    return "\n".join([
        "# Anaesthesia against others' numbers", "",
        f"Written by `dosetwin validate {PAGE}`; do not edit. {sum(c.passed for c in checks)} of {len(checks)} inside their",
        f"band, {recalled} of them against a number from memory (recalled). What is derived was computed independently from the",
        f"published equations, what is secondary is another program's own test. Virtual patients: {n} of Eleveld's model, seed",
        f"{seed}; they are no evidence about real ones.", "",
        *table(checks), "",
    ])  # fmt: skip

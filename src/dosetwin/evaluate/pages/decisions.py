"""Decisions beside their guidelines on virtual people: loss in truth, and whether readings foretell better than the prior."""

from collections.abc import Callable, Sequence

import numpy as np

from dosetwin.evaluate.check import Check, judged, table
from dosetwin.evaluate.decided import HISTORIES, compare

PAGE = "decisions"
N, N_QUICK, SEED = 60, 10, 1
OWN = "virtual people of the formula's own spread"


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Three checks a decision, each with ``n`` people: not worse than the guideline, nearer than the prior, band of 90 % held."""
    out = []
    for k, h in enumerate(HISTORIES):
        if progress:
            progress(k, len(HISTORIES))
        c = compare(h, n, seed)
        loss, se, m = c.difference()
        low, high, same = loss - 1.96 * se, loss + 1.96 * se, 100 * c.same.mean()
        text = f"{h.of}: true loss, twin less guideline (95 % {low:+.3f} to {high:+.3f}; {m} people, {same:.0f} % the same order)"
        out.append(judged(PAGE, f"{PAGE}.{h.of}.loss", text, h.of, OWN, "derived", 0.0, loss, (-99.0, 2.0 * se), "1",
                          "goals' own weights; two standard errors are left to chance", se,
                          "the belief is too wide or too sure at these readings"))  # fmt: skip
        ratio = float(c.error.mean() / c.prior.mean())
        text = f"{h.of}: error of a forecast over the prior's"
        out.append(judged(PAGE, f"{PAGE}.{h.of}.told", text, h.of, OWN, "derived", 1.0, ratio, (0.0, 0.95), "1",
                          "a twin that learns beats its prior", cause="these readings tell little of what comes"))  # fmt: skip
        p = float(c.inside.mean())
        se = float(np.sqrt(0.9 * 0.1 / n))
        out.append(judged(PAGE, f"{PAGE}.{h.of}.band", f"{h.of}: 90 % intervals that held what came", h.of, OWN, "derived", 90.0,
                          100 * p, (100 * (0.9 - 3 * se), 100.0), "%", "three standard errors", 100 * se))  # fmt: skip
    return out


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was compared, one table."""
    return "\n".join(
        [
            "# Decisions beside their guidelines",
            "",
            f"Written by `dosetwin validate {PAGE}`; do not edit. {n} virtual people each (seed {seed}), drawn from "
            f"each formula's own",
            "spread, read with its own errors: no evidence about patients. Loss is that of the therapy's goals with "
            "its own weights,",
            "in what would really follow from the order; a guideline that weighs otherwise is judged by ours.",
            "",
            *table(checks),
            "",
        ]
    )

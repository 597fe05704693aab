"""What people call a thing that was measured: common words for a level, a creatinine, an INR become the word records use."""

import re

from dosetwin.quantities import QUANTITIES

LEVEL = "level"
"""The level of whatever drug is followed."""
_LEVEL = (
    "level", "levels", "lvl", "drug level", "conc", "concs", "concentration", "concentrations", "drug conc", "drug concentration",
    "drug", "cp", "cobs", "pk", "plasma", "plasma conc", "plasma concentration", "serum conc", "serum concentration",
    "serum level", "peak", "trough", "tdm",
)  # fmt: skip
_MEANT = dict.fromkeys(_LEVEL, LEVEL) | {word: q.name for q in QUANTITIES.values() for word in q.called}


def meant(word: str) -> str:
    """``SCR``, ``INR`` or ``LEVEL`` for a common word of one, in any case; any other word as it is."""
    return _MEANT.get(re.sub(r"[\s_.-]+", " ", word.casefold()).strip(), word)

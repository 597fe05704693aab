"""What people call a thing that was measured: common words for a level, a creatinine, an INR become the word records use."""

import re
from collections.abc import Mapping
from types import MappingProxyType

LEVEL = "level"
"""The level of whatever drug is followed."""
_WORDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        LEVEL: ("level", "levels", "lvl", "drug level", "conc", "concs", "concentration", "concentrations", "drug conc",
                "drug concentration", "drug", "cp", "cobs", "pk", "plasma", "plasma conc", "plasma concentration", "serum conc",
                "serum concentration", "serum level", "peak", "trough", "tdm"),
        "SCR": ("scr", "s cr", "creat", "crea", "creatinine", "creatinin", "kreatinin", "serum creatinine", "plasma creatinine",
                "s creatinine", "scre", "screa"),
        "INR": ("inr", "pt inr", "pt/inr", "international normalised ratio", "international normalized ratio"),
    }
)  # fmt: skip
_MEANT = {word: name for name, words in _WORDS.items() for word in words}


def meant(word: str) -> str:
    """``SCR``, ``INR`` or ``LEVEL`` for a common word of one, in any case; any other word as it is."""
    return _MEANT.get(re.sub(r"[\s_.-]+", " ", word.casefold()).strip(), word)

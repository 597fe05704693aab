"""A sentence taken apart: from its English words back to the key it was made of and the values in it."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from dosetwin.words.catalogue import ANY, KINDS, PLACE, english


class Recalled(NamedTuple):
    """The ``key`` of a sentence and the ``values`` in it, by name; ``several`` whether it is the wording for several."""

    key: str
    values: dict[str, str]
    several: bool = False


class _Pattern(NamedTuple):
    key: str
    several: bool
    names: tuple[str, ...]
    sign: str
    """The longest run of its own words: what lacks it is not this sentence."""
    fits: "re.Pattern[str]"
    weight: int


@lru_cache(1)
def _patterns() -> tuple[_Pattern, ...]:
    """The sentences with places, those with most words of their own first."""
    out = []
    for entry in english().values():
        for several, text in enumerate((entry.key, entry.counted)):
            if not text or not PLACE.search(text):
                continue
            words = PLACE.split(text)
            names, seen, parts = tuple(words[1::2]), set(), [re.escape(words[0])]
            for name, after in zip(names, words[2::2], strict=True):
                parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{KINDS.get(name.rstrip('0123456789'), ANY)})")
                parts.append(re.escape(after))
                seen.add(name)
            own = words[::2]
            out.append(_Pattern(entry.key, bool(several), names, max(own, key=len), re.compile("".join(parts), re.S),
                                sum(len(w) for w in own)))  # fmt: skip
    return tuple(sorted(out, key=lambda p: (-p.weight, p.key)))


def recalled(text: str) -> Iterator[Recalled]:
    """Every way a sentence can be read as one that is listed, the likeliest first: word for word, then those with most words of
    their own. None for what nobody listed.
    """
    if text in english():
        yield Recalled(text, {})
    for p in _patterns():
        if p.sign in text and (found := p.fits.fullmatch(text)):
            yield Recalled(p.key, found.groupdict(), p.several)

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


class TooMuch(ValueError):
    """A text that would take more to be read than any sentence of ours does: it is nobody's listed sentence."""


class Effort:
    """What may still be spent on reading one text: ``steps`` of trying what fits, ``depth`` of sentences within sentences.

    Texts from outside stand among ours (an alert's words, a cell of a file); one of them could hold a page for hours otherwise.
    """

    __slots__ = ("depth", "steps")

    def __init__(self, steps: int = 200_000, depth: int = 20) -> None:
        self.steps, self.depth = steps, depth

    def enter(self) -> None:
        """One sentence within another. Raises TooMuch where they lie too deep."""
        self.depth -= 1
        if self.depth < 0:
            raise TooMuch

    def spend(self, steps: int) -> None:
        """Raises TooMuch where no more is left."""
        self.steps -= steps
        if self.steps < 0:
            raise TooMuch


class _Pattern(NamedTuple):
    key: str
    several: bool
    names: tuple[str, ...]
    own: tuple[str, ...]
    """Its own words: before, between and behind the places."""
    kinds: "tuple[tuple[re.Pattern[str], bool], ...]"
    """What may stand in each place, and whether as little of it as possible."""
    twice: frozenset[str]
    """Places that stand more than once, and hold the same each time."""
    sign: str
    """The longest run of its own words: what lacks it is not this sentence."""
    weight: int

    def values(self, text: str, effort: Effort) -> dict[str, str] | None:
        """What stands in the places of ``text``; None where it is not this sentence. No way is tried twice."""
        if not (text.startswith(self.own[0]) and text.endswith(self.own[-1])):
            return None
        at = len(self.own[0])
        for own in self.own[1:]:  # in this order, each behind a place: what most texts fail at
            at = text.find(own, at + 1)
            if at < 0:
                return None
            at += len(own)
        found, dead = dict[str, str](), set[tuple[int, int, tuple[str, ...]]]()
        return found if self._from(0, len(self.own[0]), text, found, dead, effort) else None

    def _from(
        self, k: int, pos: int, text: str, found: dict[str, str], dead: set[tuple[int, int, tuple[str, ...]]], effort: Effort
    ) -> bool:
        if k == len(self.names):
            return pos == len(text)
        state = (k, pos, tuple(found[n] for n in self.names[:k] if n in self.twice))
        if state in dead:
            return False
        name, before = self.names[k], found.get(self.names[k])
        for end in self._ends(k, pos, text, effort) if before is None else (pos + len(before),):
            if text[pos:end] == (before or text[pos:end]) and text.startswith(self.own[k + 1], end):
                found[name] = text[pos:end]
                if self._from(k + 1, end + len(self.own[k + 1]), text, found, dead, effort):
                    return True
                if before is None:
                    del found[name]
        dead.add(state)
        return False

    def _ends(self, k: int, pos: int, text: str, effort: Effort) -> Iterator[int]:
        """Where a place that begins at ``pos`` may end, the likeliest first."""
        after, (kind, little) = self.own[k + 1], self.kinds[k]
        ends: Iterator[int]
        if k + 1 == len(self.names):
            ends = iter((len(text) - len(after),))
        elif little:
            ends = _places(after, text, pos + 1)
        else:
            run = kind.match(text, pos)
            ends = iter(range(run.end() if run else pos, pos, -1))
        for end in ends:
            effort.spend(1)
            if end > pos and text.startswith(after, end):
                effort.spend((end - pos) // 20)
                if kind.fullmatch(text, pos, end):
                    yield end


def _places(word: str, text: str, since: int) -> Iterator[int]:
    """Where ``word`` stands, from ``since`` on."""
    at = text.find(word, since)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


@lru_cache(1)
def _patterns() -> tuple[_Pattern, ...]:
    """The sentences with places, those with most words of their own first."""
    out = []
    for entry in english().values():
        for several, text in enumerate((entry.key, entry.counted)):
            if not text or not PLACE.search(text):
                continue
            words = PLACE.split(text)
            names, own = tuple(words[1::2]), tuple(words[::2])
            said = [KINDS.get(name.rstrip("0123456789"), ANY) for name in names]
            out.append(_Pattern(entry.key, bool(several), names, own, tuple((re.compile(s, re.S), s.endswith("?")) for s in said),
                                frozenset(n for n in names if names.count(n) > 1), max(own, key=len),
                                sum(len(w) for w in own)))  # fmt: skip
    return tuple(sorted(out, key=lambda p: (-p.weight, p.key)))


def recalled(text: str, effort: Effort) -> Iterator[Recalled]:
    """Every way a sentence can be read as one that is listed, the likeliest first: word for word, then those with most words of
    their own. None for what nobody listed. Raises TooMuch where that would take more ``effort`` than is left.
    """
    if text in english():
        yield Recalled(text, {})
    for p in _patterns():
        if p.sign in text and (found := p.values(text, effort)) is not None:
            yield Recalled(p.key, found, p.several)

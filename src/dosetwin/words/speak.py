"""Saying a sentence in the language in force; what cannot be said stays English and is counted."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from dosetwin.words.catalogue import ENGLISH, LANGUAGES, PLACE, catalogue, english
from dosetwin.words.numbers import localized, same_digits
from dosetwin.words.recall import Effort, TooMuch, recalled

log = logging.getLogger("dosetwin.words")
_language: ContextVar[str] = ContextVar("language", default=ENGLISH)
_missing: dict[tuple[str, str], None] = {}
_lock = Lock()
MOST_KEPT = 500
"""Sentences without a translation that are remembered, for those who run the service."""
LONGEST_KEPT = 300
SPLITS = ("; ", ". ", ": ", ", ")
"""Where a text nobody listed as a whole may be a list of sentences, clauses or names."""
_SIGNS = re.compile(
    r"\S*[/_]\S*|\b(?:mmHg|cmH2O|[munµ]?mol|kPa|wk|min)\b|\b\d{1,2} [A-Z][a-z]{2}\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d"
)
"""Units, names of models and dates: no words."""
_WORD = re.compile(r"[^\W\d_]+")
_WORDS = re.compile(r"[a-z]{3,}|[A-Z][a-z]{3,}")


class Verbatim(str):
    """Somebody's own words, a name or an id: never said in another way."""

    __slots__ = ()


def as_is(value: Any) -> Any:
    """``value`` as somebody's own words, which no language changes."""
    return Verbatim(value) if type(value) is str else value


def language() -> str:
    """The language in force."""
    return _language.get()


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Within: this language is in force. An unknown one is English."""
    token = _language.set(name if name in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _language.reset(token)


def wanted(accept: str, usual: str = ENGLISH) -> str:
    """The first language of an ``Accept-Language`` header that there is, by its weights; ``usual`` where none is."""
    asked = []
    for place, part in enumerate(accept.split(",")[:20]):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=") or 1.0)
        except ValueError:
            continue
        if weight > 0.0:
            asked.append((-weight, place, tag.strip().lower().partition("-")[0]))
    return next((name for _, _, name in sorted(asked) if name in LANGUAGES), usual if usual in LANGUAGES else ENGLISH)


def wording(key: str) -> str:
    """The wording of a sentence in the language in force, its places left open."""
    entry = catalogue(_language.get()).entries.get(key)
    if entry is None and _language.get() != ENGLISH:
        _miss(_language.get(), key)
    return key if entry is None else entry.said[-1]


def teach(environment: Any) -> None:
    """Give a Jinja environment the words: ``_("...")`` for its own sentences, ``|said`` for those made elsewhere, ``|as_is``."""
    environment.globals |= {"_": say_markup, "language": language}
    environment.filters |= {"said": said, "as_is": as_is}


def unsaid(name: str = "") -> list[tuple[str, str]]:
    """(language, English) of what had to stay English so far, oldest first."""
    with _lock:
        return [m for m in _missing if not name or m[0] == name]


def say(key: str, *, several: str = "", **values: Any) -> str:
    """A sentence in the language in force; ``several``: its wording for ``n`` other than one. Values that are sentences
    themselves are said too.
    """
    text, made = _made(key, several, values)
    return PLACE.sub(lambda m: str(made[m[1]]), text)


def say_markup(key: str, *, several: str = "", **values: Any) -> Any:
    """``say`` for a template: its words as markup, its values escaped."""
    from markupsafe import Markup, escape

    text, made = _made(key, several, values)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&#34;")
    return Markup(PLACE.sub(lambda m: str(escape(made[m[1]])), text))


def _made(key: str, several: str, values: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The wording in the language in force, and its values said in it."""
    name, n = _language.get(), values.get("n")
    if name == ENGLISH:
        return several if several and n != 1 else key, values
    entry = catalogue(name).entries.get(key)
    if entry is None:
        _miss(name, key)
    text = (several if several and n != 1 else key) if entry is None else entry.form(n if several else None, _plural(n, name))
    return text, {k: said_value(v, name) for k, v in values.items()}


def _plural(n: Any, name: str) -> int:
    """The place of the form that a number takes: French has one form for none and one."""
    return 0 if n == 1 or (n == 0 and name == "fr") else 1


def said_value(value: Any, name: str) -> Any:
    """A value in a language: a sentence said again, a number by the language's habits."""
    if isinstance(value, float):
        return localized(f"{value:g}", name)
    plain = isinstance(value, str) and not isinstance(value, Verbatim) and not hasattr(value, "__html__")
    return _whole_text(value, name)[0] if plain else value


def said(value: Any) -> Any:
    """A sentence that was made in English, said in the language in force; what is no text, or somebody's own, as it is."""
    name = _language.get()
    if name == ENGLISH or not isinstance(value, str) or isinstance(value, Verbatim) or hasattr(value, "__html__"):
        return value if name == ENGLISH else said_value(value, name)
    out, complete = _whole_text(value, name)
    if not complete:
        _miss(name, value)
    return out


def _miss(name: str, text: str) -> None:
    text = text[:LONGEST_KEPT]
    with _lock:
        if (name, text) not in _missing and len(_missing) < MOST_KEPT:
            _missing[name, text] = None
            log.warning("no words of %s for: %.120s", name, masked(text))


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(w.lower() for key in english() for w in _WORD.findall(PLACE.sub(" ", key)))


def masked(text: str) -> str:
    """A text for the log, which may be about somebody: words that no sentence of ours uses, and digits, are not written."""
    return _WORD.sub(lambda m: m[0] if m[0].lower() in _vocabulary() else "…", re.sub(r"\d", "0", " ".join(text.split())))


LONGEST = 4000
"""Characters of a text that is read as sentences at all."""
_effort: ContextVar[Effort] = ContextVar("effort")


@lru_cache(8192)
def _whole_text(text: str, name: str) -> tuple[str, bool]:
    """``text`` in a language, and whether all of it could be said; a text that takes more to read than ours do stays English."""
    if len(text) > LONGEST:
        return text, False
    token = _effort.set(Effort())
    try:
        return _again(text, name)
    except TooMuch:
        return localized(text, name), False
    finally:
        _effort.reset(token)


@lru_cache(32768)
def _again(text: str, name: str) -> tuple[str, bool]:
    """``text`` in a language, and whether all of it could be said. Its numbers are held against the English ones: a sentence that
    would change one stays English. Raises TooMuch."""
    effort = _effort.get()
    effort.enter()
    found = _best(text, name)
    effort.depth += 1
    if found is None:
        return localized(text, name), not _WORDS.search(_SIGNS.sub("", text))
    if not same_digits(text, found[0]):
        log.error("a sentence of %s would change a number, English is used: %.120s", name, masked(text))
        return text, False
    return found


def _best(text: str, name: str) -> tuple[str, bool] | None:
    """The first reading of a text that can be said to its last word: as one sentence, as several in a row; else the likeliest."""
    partly = None
    for said, complete in _whole(text, name):
        if complete:
            return said, True
        partly = partly or said
    return _listed(text, name) or (None if partly is None else (partly, False))


def _whole(text: str, name: str) -> Iterator[tuple[str, bool]]:
    """A text read as one sentence, but for its first letter or last stop."""
    entries = catalogue(name).entries
    for form, restore in _forms(text):
        for found in recalled(form, _effort.get()):
            entry = entries.get(found.key)
            if entry is None or (form.endswith(".") and found.key.endswith("}")):
                continue  # the stop is the sentence's, not its last value's: the form without it says the same
            n = int(found.values["n"]) if "n" in found.values else None
            pattern = entry.form(n if entry.counted else None, _plural(n, name) if n is not None else int(found.several))
            said = {k: (v, True) if k == "source" else _again(v, name) for k, v in found.values.items()}
            made = PLACE.sub(lambda m, said=said: said[m[1]][0] if m[1] in said else m[0], pattern)
            yield restore(localized(made, name)), all(complete for _, complete in said.values())


def _forms(text: str) -> Iterator[tuple[str, Any]]:
    """A text as it stands and as it may be listed: without its capital, without its last stop, without both."""
    low = text[:1].lower() + text[1:]
    if low != text and text not in english():
        yield low, _capital
    yield text, lambda s: s
    if low != text and text in english():
        yield low, _capital
    if text.endswith(".") and not text.endswith(".."):
        yield text[:-1], lambda s: s + "."
        if low != text:
            yield low[:-1], lambda s: _capital(s) + "."
    if text[:1].islower():
        yield _capital(text), lambda s: s
    if text[:1].isupper() and not text.endswith("."):
        yield text + ".", lambda s: s.removesuffix(".")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _listed(text: str, name: str) -> tuple[str, bool] | None:
    """A text that is several known ones in a row; None where none of them is known."""
    for split in SPLITS:
        if split in text:
            made = [_again(part, name) for part in text.split(split)]
            if all(complete for _, complete in made):
                return split.join(s for s, _ in made), True
    return None

"""The catalogues: one gettext file per language, read once; the English sentence is the key."""

import logging
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from io import BytesIO

log = logging.getLogger("dosetwin.words")
ENGLISH = "en"
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano"}
"""The languages there are, each by its own name."""
MARKED = (".j2", "scripts")
"""Where sentences are said by their key: nobody has to recognise those."""
PLACE = re.compile(r"\{(\w+)\}")
"""A named place for a value in a sentence."""
ANY = r".+?"
KINDS = {
    "n": r"\d+",
    "p": r"(?:[<>] )?[\d.]+ %",
    "num": r"[+-]?\d[\d.]*",
    "word": r"\S+",
    "unit": r"\S+",
    "order": r"[^()]+?",
    "source": r".+",
}
"""What may stand in a place, by the beginning of its name; anything in others."""


@dataclass(frozen=True)
class Entry:
    """One sentence: ``key`` in English, how it is said for one and for several (the same where nothing is counted)."""

    key: str
    said: tuple[str, ...]
    counted: str = ""
    """The English for several, of a sentence that counts."""

    def form(self, n: int | None, plural: int) -> str:
        """The wording for ``n``; ``plural`` the place of the form that the language takes for it."""
        return self.said[0] if n is None or len(self.said) == 1 else self.said[min(plural, len(self.said) - 1)]


@dataclass(frozen=True)
class Catalogue:
    """A language's sentences by their English key; ``wrong`` why the file could not be read, "" where it could."""

    language: str
    entries: dict[str, Entry] = field(default_factory=dict)
    wrong: str = ""


def known(language: str) -> bool:
    """Whether there is a language of this name."""
    return language in LANGUAGES


@cache
def there() -> dict[str, str]:
    """The languages that can be offered: English, and those whose catalogue can be read."""
    return {k: name for k, name in LANGUAGES.items() if k == ENGLISH or catalogue(k).entries}


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of a language. One that is missing or cannot be read is empty, and says so in the log: English stands in."""
    try:
        return read(language, files("dosetwin.words").joinpath("locales", f"{language}.po").read_bytes())
    except Exception as error:
        log.error("the words of %s cannot be read (%s): English is used", language, type(error).__name__)
        return Catalogue(language, wrong=f"{type(error).__name__}: {error}"[:200])


def read(language: str, body: bytes) -> Catalogue:
    """A catalogue out of a gettext file. Sentences without a translation, doubtful ones (fuzzy) and those whose places differ
    from the key's are left out. Raises babel's PoFileError where the file is broken.
    """
    from babel.messages.pofile import read_po

    entries, left_out = {}, []
    for m in read_po(BytesIO(body), locale=language, abort_invalid=True):
        one, *several = (m.id,) if isinstance(m.id, str) else tuple(m.id)
        said = (m.string,) if isinstance(m.string, str) else tuple(m.string or ("",))
        if not one or m.fuzzy or not all(said) or (language != ENGLISH and not agrees((one, *several), said)):
            left_out += [one] if one else []
            continue
        entries[one] = Entry(one, said, several[0] if several else "")
    if left_out:
        log.warning("%d sentences of %s are left out, English is used; the first: %.60r", len(left_out), language, left_out[0])
    return Catalogue(language, entries)


def agrees(keys: tuple[str, ...], said: tuple[str, ...]) -> bool:
    """Whether every wording has the places of its key; a wording for one may leave its number out."""
    wanted = set(PLACE.findall(keys[-1]))
    return all(set(PLACE.findall(s)) == wanted for s in said[1:] or said) and all(set(PLACE.findall(s)) <= wanted for s in said)


@cache
def english() -> dict[str, Entry]:
    """Every sentence that is made elsewhere than in a template or a script, by its key, out of the template of the catalogues."""
    body = files("dosetwin.words").joinpath("locales", "dosetwin.pot").read_bytes()
    from babel.messages.pofile import read_po

    out = {}
    for m in read_po(BytesIO(body)):
        one, *several = (m.id,) if isinstance(m.id, str) else tuple(m.id)
        marked = all(where.endswith(MARKED) for where in ", ".join(m.auto_comments).split(", "))
        if one and not (marked and PLACE.search(one)):
            out[one] = Entry(one, (one, *several), several[0] if several else "")
    return out

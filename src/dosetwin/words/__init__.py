"""What people read, in their language.

A sentence is made in English where it is known (advise, report, checks, formulary), stored in English, and said again in the
reader's language where it is shown (templates, letters, mails, the terminal): ``say`` for the words of a template, ``said`` for a
sentence made elsewhere, which is taken apart into its key and its values first. What no catalogue knows stays English.
"""

from dosetwin.words.catalogue import ENGLISH, LANGUAGES, known, there
from dosetwin.words.speak import as_is, language, said, say, speaking, teach, unsaid, wanted, wording

__all__ = [
    "ENGLISH",
    "LANGUAGES",
    "as_is",
    "known",
    "language",
    "said",
    "say",
    "speaking",
    "teach",
    "there",
    "unsaid",
    "wanted",
    "wording",
]

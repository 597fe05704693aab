"""What a condition's words say of the thing they name: that it is so, that it is not, that it is in doubt, or somebody else's.

A cue ("without", "mother", "suspected") counts where it reaches the term: up to a full stop, a semicolon, a bracket or "but",
and forwards or backwards as the cue itself does, in the manner of NegEx (Chapman 2001, J Biomed Inform 34:301) and ConText
(Harkema 2009). Where a comma, "and" or "with" lies between and the cue could be about something else, nothing is decided.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

Verdict = Literal["so", "over", "not", "in doubt", "somebody else's", "unclear"]
TERMS = {
    "ASPHYXIA": re.compile(
        r"\b(?:(?:peri|neo|ante)natal |birth |intrapartum )?asphyxia(?: neonatorum| at birth| of (?:the )?newborn)?"
    ),
    "COOLING": re.compile(
        r"\b(?:(?:therapeutic|induced|whole[- ]body|total[- ]body|selective|head|body) )*(?:hypothermia|cooling)"
    ),
}
_NEUTRAL = re.compile(
    r"\bnot (?:otherwise |elsewhere )?(?:specified|classified|stated)\b|\bwithout mention of [\w-]+"
    r"|\b(?:\w*chorionic |\w*zygotic )*(?:twin|triplet|multiple) (?:pregnancy|gestation|birth|delivery)\b"
    r"|\b(?:infant|newborn|baby|child|neonate|son|daughter|born) (?:of|to) (?:[\w-]+ ){0,4}mother\b|\bno other\b"
)
_HARD = re.compile(r"[.;()\[\]\n]|\b(?:but|however|although|though|yet|aber)\b")
_SOFT = re.compile(r",|/|&|\+|\b(?:and|or|with|plus|due to|after|following|from|und|mit|oder)\b")
_DENIED = (r"not (?:been )?(?:yet )?(?:present|confirmed|found|seen|diagnosed|evident|indicated|done|given|needed|required|"
           r"performed|started|established|proven|known|likely|suspected)")  # fmt: skip
_FORWARD = (r"no evidence (?:of|for)|no signs? of|no|non|without|w/o|absence of|negative for|denies|free of|never|kein\w*|ohne|"
            r"nicht|sans|pas de|pas|sin|senza|nessun\w*|geen|not")  # fmt: skip
_BACKWARD = r"ruled?[- ]out|excluded|exclud\w*|absent|absence|negative|neg|refuted|denied|unlikely|rejected|none|ausgeschlossen"
_DOUBT = (r"\?|at risk|risk|suspect\w*|susp|possib\w*|query|question\w*|screen\w*|history of|h/o|prevention|consider\w*|"
          r"evaluat\w*|"
          r"work-?up|concern\w*|presum\w*|probabl\w*|unconfirmed|declined|contraindicat\w*|planned|verdacht|v\.a\.|rather than|"
          r"rule out|r/o|to be (?:excluded|confirmed)|differential|vs|versus")  # fmt: skip
_PERSON = (r"family history(?: of)?|family|(?:the )?mother(?:'s)?|maternal|father\w*|paternal|sibling\w*|brother\w*|sister\w*|"
           r"parent\w*|co-?twin|other twin|twin (?:brother|sister)|cousin\w*|relative\w*|twins?|triplets?")  # fmt: skip
_CUES = re.compile(
    rf"(?<!\w)(?:(?P<over>resolved|recovered|abklungen)|(?P<denied>{_DENIED})|(?P<doubt>{_DOUBT})|(?P<back>{_BACKWARD})|"
    rf"(?P<person>{_PERSON})|(?P<fore>{_FORWARD}))(?!\w)|(?P<mark>\?)"
)
_FILLER = re.compile(
    r"\b(?:was|is|were|has been|been|being|be|to|the|a|an|of|in|for|situation|disorder|finding|status|possibly)\b"
)
_SAYS: dict[str, Verdict] = {"over": "over", "denied": "not", "doubt": "in doubt", "back": "not", "person": "somebody else's",
                             "fore": "not", "mark": "in doubt"}  # fmt: skip


class Said(NamedTuple):
    """What a text says of a term, and the word that says so ("" where nothing speaks against it)."""

    verdict: Verdict
    cue: str = ""


def said_of(flag: str, texts: Iterable[str]) -> Said:
    """What texts (each display, the text) together say of a flag of ``TERMS``; the least sure one counts."""
    found = [_one(TERMS[flag], text) for text in texts if text.strip()]
    order: tuple[Verdict, ...] = ("not", "somebody else's", "in doubt", "unclear", "over", "so")
    return min(found, key=lambda s: order.index(s.verdict), default=Said("so"))


def _one(term: re.Pattern[str], text: str) -> Said:
    plain = _NEUTRAL.sub(lambda m: "_" * len(m[0]), text.lower())
    cues = [m for m in _CUES.finditer(plain) if not term.fullmatch(m[0])]
    if not cues:
        return Said("so")
    spots = list(term.finditer(plain))
    if not spots:
        alone = next((m for m in cues if not _words(plain[: m.start()] + plain[m.end() :])), None)
        return Said(_SAYS[_kind(alone)], alone[0]) if alone is not None else Said("unclear", cues[0][0])
    first: Said | None = None
    for m in cues:
        for spot in spots:
            verdict = _reach(plain, m, spot)
            if verdict not in (None, "unclear", "over"):
                return Said(verdict, m[0].strip())
            if verdict is not None and (first is None or first.verdict == "over"):
                first = Said(verdict, m[0].strip())
    return first or Said("so")


def _kind(m: re.Match[str]) -> str:
    return str(m.lastgroup)


def _words(text: str) -> list[str]:
    return re.findall(r"[a-zäöüß]{2,}", _FILLER.sub(" ", text))


def _reach(text: str, m: re.Match[str], spot: re.Match[str]) -> Verdict | None:
    """What one cue says of the term at one place; None where it is about something else."""
    kind = _kind(m)
    if m.end() <= spot.start():
        return _before(text, m, kind, text[m.end() : spot.start()])
    if m.start() >= spot.end():
        return _after(text, m, kind, text[spot.end() : m.start()])
    return "unclear"


def _before(text: str, m: re.Match[str], kind: str, gap: str) -> Verdict | None:
    if _HARD.search(gap):
        alone = not _words(_piece(text, m, _HARD)) and not _words(_HARD.sub(" ", gap))
        return _SAYS[kind] if alone else None
    if kind == "person" and m[0].startswith(("twin", "triplet")) and " " not in m[0]:
        return "unclear"
    if kind == "person":
        gap = re.sub(r"^\s*(?:with|had|has|having|who had)\b", " ", gap)
    if kind == "fore" and re.search(r"\b(?:or|nor|oder)\b", gap) and not re.search(r"\b(?:and|with)\b", gap):
        return "not"
    if not _SOFT.search(gap):
        # "HIE absent perinatal asphyxia" is nobody's way of writing; "maternal sepsis perinatal asphyxia" may be two things
        return "unclear" if kind in ("person", "back", "denied", "over") and _words(gap) else _SAYS[kind]
    if kind in ("back", "denied", "over") and _words(_piece(text, m, _SOFT)) and "," in gap:
        return None
    return "unclear"


def _after(text: str, m: re.Match[str], kind: str, gap: str) -> Verdict | None:
    rest = _HARD.split(text[m.end() :])[0]
    if _HARD.search(gap):
        alone = not _words(_piece(text, m, _HARD)) and not _words(_HARD.sub(" ", gap))
        return _SAYS[kind] if alone else None
    if kind == "fore":
        return None if _words(rest) else "not"
    if kind == "person":
        if re.fullmatch(r"\s*(?:in|of)(?: the| a| her| his)?\s*", gap):
            return "unclear" if m[0].startswith("twin") and " " not in m[0] else "somebody else's"
        return None if _SOFT.search(gap) or re.search(r"\b(?:in|of|by|under)\b", gap) else "unclear"
    if not _SOFT.search(gap):
        return _SAYS[kind]
    own = _words(_piece(text, m, _SOFT))
    if not own:
        return _SAYS[kind]
    return None if "," in gap or _words(_SOFT.split(rest)[0]) else "unclear"


def _piece(text: str, m: re.Match[str], ends: re.Pattern[str]) -> str:
    """The part of the text a cue stands in, up to the next boundaries, without the cue."""
    before, after = ends.split(text[: m.start()])[-1], ends.split(text[m.end() :])[0]
    return f"{before} {after}"

"""Is this message about the patient its number names: name, sex and birth date compared with what is on record.

A number alone can be mistyped, reused or swapped between twins. What a message says about the person must not contradict the
record; what it does not say, or what somebody is called who has no name yet (``checks.unnamed``), contradicts nothing.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dosetwin.checks.unnamed import PLACEHOLDERS
from dosetwin.serve.store.facts import Person
from dosetwin.serve.zone import Zone

_MARKERS = frozenset(["a", "b", "c", "d", "i", "ii", "iii", "iv", "1", "2", "3", "4"])


@dataclass(frozen=True)
class Claim:
    """What a message says about its patient: each name as (family, given), the date of birth as HL7 writes it, sex F or M."""

    names: tuple[tuple[str, str], ...] = ()
    birth: str = ""
    sex: str = ""


def contradiction(claim: Claim, person: Person, sex: str | None, zone: str | None) -> tuple[str, str] | None:
    """(field, what) in which a message contradicts the record; None where it does not. ``zone``: the feed's, for the date."""
    known = {"female": "F", "male": "M"}.get(sex or "")
    if known and claim.sex in ("F", "M") and claim.sex != known:
        return "PID-8", "the sex is not that of the patient with this number"
    if person.birth is not None and claim.birth and not _born(claim.birth, person.birth, zone):
        return "PID-7", "the date of birth is not that of the patient with this number"
    if person.name and claim.names and not any(_alike(family, given, person.name) for family, given in claim.names):
        return "PID-5", "the name is not that of the patient with this number"
    return None


def _born(said: str, birth: datetime, zone: str | None) -> bool:
    """Whether a date of birth, as far as it is told, is the day of ``birth`` on a clock the sender may have used."""
    digits = re.match(r"\d*", said)
    told = digits[0][:8] if digits else ""
    if len(told) not in (4, 6, 8):
        return False
    moments = [Zone(zone).local(birth)] if zone else [birth.astimezone(UTC) + timedelta(hours=h) for h in range(-12, 15)]
    return any(m.strftime("%Y%m%d").startswith(told) for m in moments)


def _alike(family: str, given: str, known: str) -> bool:
    """Whether two names can be one person's: a family name in common, no other given name, no other twin."""
    first, there = _words(given), _words(known)
    last = _words(family) - PLACEHOLDERS - _MARKERS
    if last and not last & there:
        return False
    own, others = first - PLACEHOLDERS - _MARKERS, there - last - PLACEHOLDERS - _MARKERS
    if own and others and not any(a.startswith(b) or b.startswith(a) for a in own for b in others):
        return False
    markers, theirs = (first | _words(family)) & _MARKERS, there & _MARKERS
    return not markers or not theirs or bool(markers & theirs)


def _words(text: str) -> set[str]:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c)).casefold()
    return set(re.findall(r"\w+", plain))

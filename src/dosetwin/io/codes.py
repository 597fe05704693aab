"""What a source's codes mean: LOINC for measurements, RxNorm and ATC for drugs, SNOMED and ICD-10 for conditions.

The codes stand with what they mean, in ``quantities`` and ``formulary``. They are matched exactly; a code that is not listed is
reported, never guessed.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from dosetwin import formulary
from dosetwin.declare.drug import Drug
from dosetwin.quantities import FLAGS, QUANTITIES, Quantity

LOINC_SYSTEM = "http://loinc.org"
UCUM_SYSTEM = "http://unitsofmeasure.org"
RXNORM_SYSTEM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC_SYSTEM = "http://www.whocc.no/atc"
SNOMED_SYSTEM = "http://snomed.info/sct"
ICD_SYSTEM = "http://hl7.org/fhir/sid/icd-10"
"""All editions of ICD-10, diagnoses and procedures, are this one here: the codes listed below mean the same in each."""

_SYSTEMS = MappingProxyType(
    {
        LOINC_SYSTEM: ("urn:oid:2.16.840.1.113883.6.1", "LN", "LOINC"),
        UCUM_SYSTEM: ("urn:oid:2.16.840.1.113883.6.8", "UCUM"),
        RXNORM_SYSTEM: ("urn:oid:2.16.840.1.113883.6.88", "RXNORM"),
        ATC_SYSTEM: ("urn:oid:2.16.840.1.113883.6.73", "WC", "ATC"),
        SNOMED_SYSTEM: ("urn:oid:2.16.840.1.113883.6.96", "SCT", "SNM"),
        ICD_SYSTEM: (
            "http://hl7.org/fhir/sid/icd-10-cm", "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
            "http://hl7.org/fhir/sid/icd-10-pcs", "http://www.cms.gov/Medicare/Coding/ICD10", "urn:oid:2.16.840.1.113883.6.3",
            "urn:oid:2.16.840.1.113883.6.4", "urn:oid:2.16.840.1.113883.6.90", "I10", "I10C", "I10P",
        ),
    }
)  # fmt: skip
"""Canonical name of a code system -> its other names: OIDs, and the short names of HL7 v2 (table 0396)."""
_NAMES = {name.lower(): canonical for canonical, names in _SYSTEMS.items() for name in (canonical, *names)}


def system(name: str) -> str:
    """The canonical name of a code system called by its URL, OID or HL7 v2 name; a name that is not listed is itself."""
    said = name.strip().rstrip("/").partition("|")[0]
    key = said.lower().replace("https://", "http://", 1)
    return _NAMES.get(key) or _NAMES.get(f"urn:oid:{key}") or said


BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"

INDICATIONS = ("P36", "91302008", "A41")
"""Neonatal sepsis (ICD-10, with subdivisions), sepsis (SNOMED, recalled), other sepsis (ICD-10)."""


_OTHER_FLUID = re.compile(
    r"\b(csf|cerebrospinal\w*|liquor|spinal|urine|urinary|ur|urn|urin|pleural|peritoneal|dialysate|dialysis fluid|sputum|"
    r"tracheal|bal|bronch\w*|amniotic|synovial|drain\w*|wound|saliva|stool|meconium|breast milk|aspirate)\b",
    re.IGNORECASE,
)
"""Words for specimens that are no blood."""


def other_fluid(text: str) -> str:
    """The first word of a text that names a specimen other than blood; "" when there is none."""
    found = _OTHER_FLUID.search(text)
    return found[0] if found else ""


def words_of(text: str) -> frozenset[str]:
    """The words of a text, lower case, without punctuation."""
    return frozenset("".join(c if c.isalnum() else " " for c in text.lower()).split())


class Coded(NamedTuple):
    """One way in which a source names something: code system (any of its names), code, and the words beside them."""

    system: str
    code: str
    text: str = ""


class Meant(NamedTuple):
    """What a source's codes and words mean: ``name`` "" for nothing listed; ``by_text`` only words said so; ``also`` other listed
    meanings that the same source names: then it contradicts itself."""

    name: str
    by_text: bool = False
    also: str = ""


def medication(said: Iterable[Coded], text: str = "") -> Meant:
    """The listed drug that codings and ``text`` mean: codes count in their own system only, words as whole words."""
    said = list(said)
    coded = [d.name for c in said for d in formulary.drugs()
             if c.code and ((system(c.system) == RXNORM_SYSTEM and c.code == d.rxnorm)
                            or (system(c.system) == ATC_SYSTEM and c.code in d.atc)
                            or (system(c.system) == SNOMED_SYSTEM and c.code == d.snomed))]  # fmt: skip
    words = words_of(" ".join([*(c.text for c in said), text]))
    named = [d.name for d in formulary.drugs() if words & set(d.names)]
    if coded:
        others = [n for n in (*coded, *named) if n != coded[0]]
        if (others and coded[0] not in named) or any(n != coded[0] for n in coded):
            return Meant(coded[0], also=next(iter(others), ""))
        return Meant(coded[0])
    return Meant(named[0], by_text=True) if len(named) == 1 else Meant("")


def loinc() -> Mapping[str, Quantity]:
    """LOINC code -> what it means: a quantity, or a drug's level."""
    return _loinc(formulary.drugs())


@lru_cache(maxsize=4)
def _loinc(drugs: tuple[Drug, ...]) -> Mapping[str, Quantity]:
    levels = [d.level for d in drugs if d.level is not None]
    return MappingProxyType({c.code: q for q in (*levels, *QUANTITIES.values()) for c in q.loinc})


def quantity(said: Iterable[Coded]) -> Meant:
    """What a measurement's LOINC codes mean: a drug (its level), SCR, WT, ..."""
    known = loinc()
    names = list(dict.fromkeys(known[c.code].name for c in said if system(c.system) == LOINC_SYSTEM and c.code in known))
    return Meant(names[0], also=next(iter(names[1:]), "")) if names else Meant("")


def out_of_system(said: Iterable[Coded]) -> str:
    """A code that would be a listed measurement if its code system were LOINC; "" when there is none."""
    return next((c.code for c in said if c.code in loinc() and system(c.system) != LOINC_SYSTEM), "")


def needed(text: str) -> bool:
    """Whether a text (lower case) names something that is read when it comes with a listed code."""
    return any(word in text for q in (*QUANTITIES.values(), *formulary.levels().values()) for word in q.words)


def condition(codes: Iterable[str]) -> str:
    """The flag that codes of a condition or procedure mean, also with subdivisions of an ICD-10 code; "" for none."""
    return next((flag for code in codes if (flag := _CONDITIONS.get(code) or _CONDITIONS.get(code[:3]))), "")


def condition_spoken(text: str) -> str:
    """The flag that the words of a condition (lower case) mean, where no code is listed; "" for none."""
    said = text.replace("-", " ")
    return next((q.name for q in FLAGS for word in q.condition_words if word.replace("-", " ") in said), "")


_CONDITIONS = {c.code: q.name for q in FLAGS for c in q.conditions}

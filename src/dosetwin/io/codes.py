"""Which codes mean which quantity: LOINC for measurements, RxNorm and ATC for drugs, SNOMED and ICD-10 for conditions.

Read = seen with this meaning in a laboratory's catalogue, a published value set or public data; recalled = from memory,
its check digit verified by a test. Codes are matched exactly; a code that is not listed is reported, never guessed.
"""

import re
from collections.abc import Iterable
from types import MappingProxyType
from typing import NamedTuple

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

LEVELS = MappingProxyType(
    {
        "3319-1": "amikacin",  # peak; read
        "3320-9": "amikacin",  # recalled
        "3321-7": "amikacin",  # trough; read
        "35669-1": "amikacin",  # read
        "3663-2": "gentamicin",  # peak; read
        "3664-0": "gentamicin",  # read
        "3665-7": "gentamicin",  # trough; read
        "35668-3": "gentamicin",  # read
        "4057-6": "tobramycin",  # peak; recalled
        "4058-4": "tobramycin",  # read
        "4059-2": "tobramycin",  # trough; recalled
        "35670-9": "tobramycin",  # read
        "4090-7": "vancomycin",  # peak; recalled
        "4091-5": "vancomycin",  # recalled
        "4092-3": "vancomycin",  # trough; read
        "20578-1": "vancomycin",  # read
        "3948-7": "phenobarbital",  # read
    }
)
"""LOINC -> drug: mass concentration in serum or plasma."""

MEASURED = MappingProxyType(
    {
        "2160-0": "SCR",  # serum or plasma, mass; read
        "38483-4": "SCR",  # blood, mass; read
        "14682-9": "SCR",  # serum or plasma, moles; read
        "6301-6": "INR",  # read
        "34714-6": "INR",  # read
        "46418-0": "INR",  # capillary; read
    }
)
"""LOINC -> quantity recorded as an Observation."""

COVARIATES = MappingProxyType(
    {
        "29463-7": "WT",  # read
        "3141-9": "WT",  # measured; recalled
        "8302-2": "HT",  # read
        "89269-5": "HT",  # length at birth; recalled
        "9843-4": "HC",  # read
        "8310-5": "TEMP",  # read
        "9274-2": "APGR",  # five minutes; read
        "9272-6": "APGR1",  # one minute; read
        "1751-7": "ALB",  # serum or plasma; recalled
    }
)
"""LOINC -> quantity recorded as a Covariate from its time on."""

FIXED = MappingProxyType(
    {
        "8339-4": "BW",  # read
        "11884-4": "GA",  # estimated; read
        "11885-1": "GA",  # from the last menstrual period; read
        "76516-4": "GA",  # at birth; read
        "18185-9": "GA",  # recalled
    }
)
"""LOINC -> quantity that belongs to the patient, not to a time."""

DRUGS = MappingProxyType(
    {
        "amikacin": ("641", ("J01GB06",)),  # read; the skin and eye codes are other routes
        "gentamicin": ("1596450", ("J01GB03",)),  # read
        "tobramycin": ("10627", ("J01GB01",)),  # recalled
        "vancomycin": ("11124", ("J01XA01",)),  # recalled
        "phenobarbital": ("8134", ("N03AA02",)),  # recalled
        "warfarin": ("11289", ("B01AA03",)),  # read
    }
)
"""Drugs that can be the subject of a twin: name -> (RxNorm ingredient, ATC codes)."""

COMEDICATION = MappingProxyType(
    {
        "ibuprofen": ("5640", ("C01EB16", "M01AE01"), ("IBU",)),  # C01EB16 read, the rest recalled
        "indomethacin": ("5781", ("C01EB03", "M01AB01"), ("INDO",)),  # recalled
        "indometacin": ("", (), ("INDO",)),
        "dopamine": ("3628", ("C01CA04",), ("DOPA", "INO")),  # recalled
        "dobutamine": ("3616", ("C01CA07",), ("INO",)),  # recalled
        "milrinone": ("52769", ("C01CE02",), ("INO",)),  # recalled
        "norepinephrine": ("7512", ("C01CA03",), ("INO",)),  # recalled
        "epinephrine": ("3992", ("C01CA24",), ("INO",)),  # recalled
    }
)
"""Other drugs that models ask about: name -> (RxNorm ingredient, ATC codes, flags switched on)."""

CONDITIONS = MappingProxyType(
    {
        "P21": "ASPHYXIA",  # ICD-10, with its subdivisions
        "28314004": "ASPHYXIA",  # SNOMED, perinatal asphyxia
        "6A4Z0ZZ": "COOLING",  # ICD-10-PCS hypothermia, single; recalled
        "6A4Z1ZZ": "COOLING",  # ICD-10-PCS hypothermia, multiple; recalled
    }
)
"""Code -> flag covariate, from Condition and Procedure."""

INDICATIONS = ("P36", "91302008", "A41")
"""Neonatal sepsis (ICD-10, with subdivisions), sepsis (SNOMED, recalled), other sepsis (ICD-10)."""

CONDITION_WORDS = MappingProxyType(
    {
        "therapeutic hypothermia": "COOLING",
        "induced hypothermia": "COOLING",
        "whole body hypothermia": "COOLING",
        "head cooling": "COOLING",
        "total body cooling": "COOLING",
        "whole body cooling": "COOLING",
        "whole-body hypothermia": "COOLING",
        "perinatal asphyxia": "ASPHYXIA",
        "birth asphyxia": "ASPHYXIA",
        "neonatal asphyxia": "ASPHYXIA",
        "intrapartum asphyxia": "ASPHYXIA",
        "asphyxia neonatorum": "ASPHYXIA",
        "asphyxia at birth": "ASPHYXIA",
        "asphyxia of newborn": "ASPHYXIA",
        "asphyxia of the newborn": "ASPHYXIA",
    }
)
"""Words accepted in a condition's text when no code is listed; a warning says that the text was relied on."""

NEEDED_WORDS = (
    "amikacin",
    "gentamicin",
    "tobramycin",
    "vancomycin",
    "phenobarb",
    "creatinin",
    "gestational age",
    "birth weight",
    "body weight",
)
"""A measurement whose text holds one of these but whose code is not listed gets a warning, not a remark."""

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
    coded = [n for c in said for n, (rxnorm, atc) in _MEDICINES.items()
             if c.code and ((system(c.system) == RXNORM_SYSTEM and c.code == rxnorm)
                            or (system(c.system) == ATC_SYSTEM and c.code in atc))]  # fmt: skip
    words = words_of(" ".join([*(c.text for c in said), text]))
    named = list(dict.fromkeys(_SPELT.get(n, n) for n in _MEDICINES if n in words))
    if coded:
        others = [n for n in (*coded, *named) if n != coded[0]]
        if (others and coded[0] not in named) or any(n != coded[0] for n in coded):
            return Meant(coded[0], also=next(iter(others), ""))
        return Meant(coded[0])
    return Meant(named[0], by_text=True) if len(named) == 1 else Meant("")


def quantity(said: Iterable[Coded]) -> Meant:
    """What a measurement's LOINC codes mean: a drug (its level), SCR, WT, ..."""
    names = list(dict.fromkeys(_QUANTITIES[c.code] for c in said if system(c.system) == LOINC_SYSTEM and c.code in _QUANTITIES))
    return Meant(names[0], also=next(iter(names[1:]), "")) if names else Meant("")


def out_of_system(said: Iterable[Coded]) -> str:
    """A code that would be a listed measurement if its code system were LOINC; "" when there is none."""
    return next((c.code for c in said if c.code in _QUANTITIES and system(c.system) != LOINC_SYSTEM), "")


_MEDICINES = {n: v[:2] for table in (DRUGS, COMEDICATION) for n, v in table.items()}
_SPELT = {"indometacin": "indomethacin"}
_QUANTITIES = {**LEVELS, **MEASURED, **COVARIATES, **FIXED}

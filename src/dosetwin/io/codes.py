"""Which codes mean which quantity: LOINC for measurements, RxNorm and ATC for drugs, SNOMED and ICD-10 for conditions.

Read = seen with this meaning in a laboratory's catalogue, a published value set or public data; recalled = from memory,
its check digit verified by a test. Codes are matched exactly; a code that is not listed is reported, never guessed.
"""

from types import MappingProxyType

LOINC_SYSTEM = "http://loinc.org"
UCUM_SYSTEM = "http://unitsofmeasure.org"
RXNORM_SYSTEM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC_SYSTEMS = frozenset({"http://www.whocc.no/atc", "urn:oid:2.16.840.1.113883.6.73"})
SNOMED_SYSTEM = "http://snomed.info/sct"
ICD_SYSTEMS = frozenset(
    {
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10-pcs",
        "http://www.cms.gov/Medicare/Coding/ICD10",
    }
)
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
        "whole body cooling": "COOLING",
        "whole-body hypothermia": "COOLING",
        "perinatal asphyxia": "ASPHYXIA",
        "birth asphyxia": "ASPHYXIA",
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

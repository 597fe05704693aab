"""Codes of a source mean what quantities and drugs say they mean, in their own system only."""

from dosetwin import formulary
from dosetwin.io import codes
from dosetwin.io.codes import Coded


def test_every_listed_code_is_found_in_its_own_system_only():
    for code, of in codes.loinc().items():
        assert codes.quantity([Coded(codes.LOINC_SYSTEM, code)]).name == of.name
        assert codes.quantity([Coded(codes.SNOMED_SYSTEM, code)]).name == ""
        assert codes.out_of_system([Coded(codes.SNOMED_SYSTEM, code)]) == code
    for d in formulary.drugs():
        assert codes.medication([Coded(codes.RXNORM_SYSTEM, d.rxnorm)]).name == d.name
        for code in d.atc:
            assert codes.medication([Coded(codes.ATC_SYSTEM, code)]).name == d.name


def test_a_drug_is_known_by_each_of_its_names():
    assert codes.medication([], "Indometacin 0.2 mg").name == "indomethacin"
    assert codes.medication([], "amikacin and vancomycin").name == ""


def test_a_condition_by_code_subdivision_and_words():
    assert codes.condition(["P21.1"]) == "ASPHYXIA"
    assert codes.condition(["6A4Z0ZZ"]) == "COOLING"
    assert codes.condition_spoken("whole-body cooling") == "COOLING"
    assert codes.condition_spoken("sepsis") == ""

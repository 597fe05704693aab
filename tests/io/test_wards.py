"""A ward's own dilutions: what is read, what falls back and says so, what cannot be and is refused by name."""

import json

import pytest

from dosetwin import formulary
from dosetwin.errors import InputError
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.io.wards import concentration, read_wards
from dosetwin.serve.installed import install
from dosetwin.serve.settings import Settings
from dosetwin.serve.twins import therapy_of

NICU = """
[NICU.amikacin]
dilution = "5000 ug/mL"
syringes = [[1, 0.01], [3, 0.1], [10, 0.2]]
least_mL = 0.1
vials = ["0.5 g/2 mL"]
"""


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "wards.toml"
        path.write_text(text)
        return path

    return written


def test_a_wards_dilution_makes_the_menu(write):
    found = read_wards(write(NICU))["NICU"].therapy(AMIKACIN_NEONATE)
    assert found.preparation.per_mL == 5.0
    assert found.preparation.vials[0].per_mL == 250.0
    assert found.menu.rounding.steps == ((0.0, 0.05), (5.0, 0.5), (15.0, 1.0))  # 5 mg/mL: 0.01, 0.1, 0.2 mL from 0, 1, 3 mL
    assert found.menu.rounding.least == 0.5
    assert next(x for x in found.limits if x.of == "off_step").source == "as NICU prepares it"
    kept = json.loads(json.dumps(found.to_json()))
    assert formulary.therapy_from_json(kept).preparation == found.preparation


def test_a_missing_dilution_falls_back_and_says_so(write):
    found = read_wards(write('[NICU.gentamicin]\ndilution = "2 mg/mL"'))["NICU"].therapy(AMIKACIN_NEONATE)
    assert found.menu.rounding.steps == AMIKACIN_NEONATE.menu.rounding.steps
    assert found.preparation.source.startswith("NICU names no dilution of amikacin: the formulary's usual one is taken")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[A.amikacin]\ndilution = "5000 mg/mL"', "a dilution is stronger than the vial"),
        ('[A.amikacin]\ndilution = "5 ug/mL"', "its unit must be another"),
        ('[A.amikacin]\ndilution = "500 mg"', "a content without its volume is no dilution"),
        ('[A.amikacin]\ndilution = "0 mg/mL"', "a dilution holds something"),
        ('[A.amikacin]\ndilution = "5 mg/kg"', "unknown unit for volume"),
        ('[A.amikacin]\ndilution = "U-500"', "unknown unit for amount"),
        ("[A.amikacin]\ndilution = 5", "not an amount"),
        ("[A.amikacin]\nsyringes = [[1, 2]]", "the syringe's step is larger than the volume"),
        ("[A.amikacin]\nsyringes = [[10, 0.2], [1, 0.01]]", "syringes ascend"),
        ('[A.amikacin]\nvials = ["500 mg"]', "a vial without its volume"),
        ("[A.amikacin]\nconcentration = 5", "unknown key"),
        ("[A.amikacine]\n", "neither a drug nor a therapy"),
        ('[A.warfarin]\ndilution = "5 mg/mL"', "nothing of it is diluted"),
        ("[A", "not TOML"),
    ],
)
def test_what_cannot_be_is_refused_by_name(write, text, said):
    with pytest.raises(InputError, match=said):
        read_wards(write(text))


def test_u_100_is_units_per_mL_of_what_is_counted_in_units():
    from dosetwin.declare.drug import drug

    insulin = drug("insulin", unit="[IU]", measured=False).amount
    assert concentration("U-100", insulin, "") == 100.0
    assert concentration("U-500", insulin, "") == 500.0


def test_a_service_asks_as_the_patients_ward_prepares(write, tmp_path):
    installed = install(Settings(demo=True, data_dir=tmp_path, wards=write(NICU)))
    born = {"kind": "patient_created", "at": None, "body": {"ward": "NICU"}}
    (here,), (elsewhere,) = installed.running([born]), installed.running([{**born, "body": {"ward": "MED"}}])
    assert here.therapy.preparation.ward == "NICU"
    assert elsewhere.therapy is installed.first.therapy
    assert installed.on_ward(installed.first, [born]) is here
    assert therapy_of(json.loads(json.dumps(here.policy))) == here.therapy

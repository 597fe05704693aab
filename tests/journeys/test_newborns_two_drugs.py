"""One newborn's FHIR bundle with two drugs: each is advised by its own therapy, each answer warns of both; a kidney is heard."""

import json
from pathlib import Path
from typing import Any

import pytest

from dosetwin.cli import run

from ..io.bundles import RXNORM, given, newborn, observation

VANCOMYCIN = {"coding": [{"system": RXNORM, "code": "11124", "display": "vancomycin"}]}
GENTAMICIN = {"coding": [{"system": RXNORM, "code": "1596450", "display": "gentamicin"}]}
CREATININES = (
    observation("cr1", "2160-0", 0.80, "mg/dL", "2026-03-02T10:00:00Z"),
    observation("cr2", "2160-0", 1.05, "mg/dL", "2026-03-03T08:00:00Z"),
)
BOTH = newborn(
    *CREATININES,
    given("v1", "2026-03-02T14:00:00Z", "2026-03-02T15:00:00Z", 16, medicationCodeableConcept=VANCOMYCIN),
    given("v2", "2026-03-03T02:00:00Z", "2026-03-03T03:00:00Z", 16, medicationCodeableConcept=VANCOMYCIN),
    observation("v-level", "4092-3", 9.5, "mg/L", "2026-03-03T01:30:00Z"),
)


def asked(capsys: pytest.CaptureFixture[str], case: Path, *words: str) -> dict[str, Any]:
    assert run(["advise", str(case), "--json", "--draws", "200", *words]) in (0, 3)
    return json.loads(capsys.readouterr().out)


def test_two_therapies_and_one_warning_on_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "both.json"
    case.write_text(json.dumps(BOTH))
    for therapy, drug, other in (
        ("amikacin_neonate", "amikacin", "vancomycin"), ("vancomycin_neonate", "vancomycin", "amikacin"),
    ):  # fmt: skip
        page = tmp_path / f"{drug}.html"
        body = asked(capsys, case, "--drug", drug, "--therapy", therapy, "--report", str(page))
        assert therapy in json.dumps(body["provenance"]["therapy"])
        said = [f["message"] for f in body["findings"] if f["code"] == "interaction_nephrotoxic"]
        assert len(said) == 1
        assert said[0].startswith(f"{drug} and {other} are given together")
        assert "both can harm the kidney" in page.read_text()


def test_gentamicin_of_a_bundle_hears_a_learned_kidney(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "gentamicin.json"
    body = newborn(*CREATININES, observation("g-level", "3664-0", 2.9, "mg/L", "2026-03-03T06:00:00Z"))
    entries = [e for e in body["entry"] if e["resource"]["id"] != "level"]
    for e in entries:
        if e["resource"]["id"] == "d1":
            e["resource"] |= {"medicationCodeableConcept": GENTAMICIN} | {"dosage": given(mg=5.5)["dosage"]}
    case.write_text(json.dumps(body | {"entry": entries}))
    learned = asked(capsys, case, "--therapy", "gentamicin_neonate", "--kidney", "learned")
    deaf = asked(capsys, case, "--therapy", "gentamicin_neonate", "--kidney", "maturation")
    assert learned["provenance"]["models"][0]["name"].startswith("gentamicin_fuchs_2014")
    assert learned["provenance"]["kidney"]["used"] == "learned"
    rising, plain = (x["readings"]["trough_next"]["q50"] for x in (learned, deaf))
    assert rising > plain, "a creatinine that rises tells of a slower kidney"

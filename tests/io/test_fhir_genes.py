"""Genotypes and phenotypes of the genomics reporting guide become traits; what does not exist is a finding and no trait."""

import json
from pathlib import Path
from typing import Any

import pytest

from dosetwin.io.fhir import read_bundle

from .bundles import LOINC, newborn

Json = dict[str, Any]
TBD = "http://hl7.org/fhir/uv/genomics-reporting/CodeSystem/tbd-codes-cs"


def studied(gene: str, hgnc: str = "") -> Json:
    coding = {"system": "http://www.genenames.org", "code": hgnc or gene, **({} if hgnc else {"display": gene})}
    return {"code": {"coding": [{"system": LOINC, "code": "48018-6"}]}, "valueCodeableConcept": {"coding": [coding]}}


def genotype(display: str, *components: Json, identity: str = "g", **more: Any) -> Json:
    return {
        "resourceType": "Observation", "id": identity, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": LOINC, "code": "84413-4"}]}, "effectiveDateTime": "2026-03-01",
        "valueCodeableConcept": {"coding": [{"system": "http://www.pharmvar.org", "code": "x", "display": display}]},
        "component": list(components), **more,
    }  # fmt: skip


def implication(phenotype: str, *components: Json, **more: Any) -> Json:
    effect = {"code": {"coding": [{"system": TBD, "code": "therapeutic-implication"}]},
              "valueCodeableConcept": {"coding": [{"system": LOINC, "code": "LA0", "display": phenotype}]}}  # fmt: skip
    return {
        "resourceType": "Observation", "id": "t", "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": TBD, "code": "therapeutic-implication"}]}, "effectiveDateTime": "2026-03-01",
        "component": [effect, *components], **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("resources", "traits"),
    [
        ([genotype("MT-RNR1 m.1555A>G", studied("MT-RNR1"))], {"MT_RNR1": 2.0}),
        ([genotype("m.1494C>T", studied("MT-RNR1", "HGNC:7470"))], {"MT_RNR1": 2.0}),
        ([genotype("CYP2C19 *1/*2", studied("", "HGNC:2621"))], {"CYP2C19": 1.0}),
        ([genotype("CYP2D6 *1/*1")], {"CYP2D6_AS": 2.0}),
        ([genotype("HLA-B*15:02/*40:01", studied("HLA-B"))], {"HLA_B_1502": 1.0, "HLA_B_5701": 0.0, "HLA_B_5801": 0.0}),
        ([implication("Rapid metabolizer", studied("CYP2C19"))], {"CYP2C19": 3.0}),
        ([genotype("TPMT *1/*3A", studied("TPMT")), implication("Intermediate metabolizer",
                                                                derivedFrom=[{"reference": "Observation/g"}])], {"TPMT": 1.0}),
        ([genotype("UGT1A1 *1/*28", studied("UGT1A1"))], {}),
        ([genotype("CYP2C9 *4/*35B", studied("CYP2C9"))], {}),
        ([genotype("CYP2C9 *1/*2", studied("CYP2C9"), status="preliminary")], {}),
    ],
)  # fmt: skip
def test_what_a_report_says_of_genes(resources, traits):
    found = read_bundle(newborn(*resources))
    assert {k: v for k, v in found.patient.traits.items() if k not in ("GA", "BW", "SEX")} == traits
    codes = {f.code for f in found.findings}
    assert ("gene_not_understood" in codes) == ("*35B" in json.dumps(resources))
    assert ("status" in codes) == ("preliminary" in json.dumps(resources))
    assert not [f for f in found.findings if f.severity == "error"]


def test_two_reports_that_differ_are_an_error():
    two = [genotype("TPMT *1/*3A", studied("TPMT")), genotype("TPMT *1/*1", studied("TPMT"), identity="h")]
    errors = [f for f in read_bundle(newborn(*two)).findings if f.severity == "error"]
    assert [f.code for f in errors] == ["conflicting_values"]


def test_a_report_bars_the_first_dose(tmp_path: Path, capsys: pytest.CaptureFixture):
    from dosetwin.cli import REFUSAL, run

    path = tmp_path / "baby.json"
    path.write_text(json.dumps(newborn(genotype("m.1555A>G", studied("MT-RNR1")))))
    assert run(["advise", str(path), "--model", "amikacin_neonate", "--draws", "100", "--json"]) == REFUSAL
    assert "bar_mt_rnr1" in {r["code"] for r in json.loads(capsys.readouterr().out)["reasons"]}

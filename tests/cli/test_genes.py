"""``dosetwin genes`` and genotypes told to ``advise``: the expected calls, and what follows for a drug."""

import json
from pathlib import Path

import pytest

from dosetwin import formulary, models
from dosetwin.cli import BAD_INPUT, OK, REFUSAL, run
from dosetwin.cli.genes import with_genes
from dosetwin.decide.facts import facts_at
from dosetwin.declare import Facts
from dosetwin.quantities import QUANTITIES
from dosetwin.records import Patient, Timeline

from ..io.vcfs import cyp3a5, vcf

EXPECTED = {
    "NUDT15_refref": ("NUDT15", ["*1/*1"], "Normal Metabolizer"),
    "NUDT15_s3ref": ("NUDT15", ["*1/*3"], "Intermediate Metabolizer"),
    "TPMT_het3a": ("TPMT", ["*1/*3A", "*3B/*3C"], "Intermediate Metabolizer or Poor Metabolizer"),
    "TPMT_s1s1": ("TPMT", ["*1/*1"], "Normal Metabolizer"),
    "TPMT_s3as3b": ("TPMT", ["*3A/*3B"], "Poor Metabolizer"),
    "TPMT_unexpected.allele": ("TPMT", [], None),
    "VKORC1_-1639A-1639A": ("VKORC1", ["rs9923231 variant (T)/rs9923231 variant (T)"], "-1639 AA"),
    "VKORC1_-1639G-1639A": ("VKORC1", ["rs9923231 reference (C)/rs9923231 variant (T)"], "-1639 AG"),
    "cyp2c9_s1s1": ("CYP2C9", ["*1/*1"], "Normal Metabolizer"),
    "cyp2c9_s1s61": ("CYP2C9", ["*1/*61"], "Intermediate Metabolizer"),
    "cyp2c9_s2s3": ("CYP2C9", ["*2/*3"], "Poor Metabolizer"),
    "cyp2c9_s2s24only": ("CYP2C9", [], None),
    "cyp3a5_s1s1": ("CYP3A5", ["*1/*1"], "Normal Metabolizer"),
    "cyp3a5_s1s1rs776746missing": ("CYP3A5", ["*1/*1"], None),
    "cyp3a5_s1s7": ("CYP3A5", ["*1/*7"], "Intermediate Metabolizer"),
    "cyp3a5_s3s9": ("CYP3A5", ["*3/*9"], "Indeterminate"),
    "cyp4f2_s1s1": ("CYP4F2", ["*1/*1"], None),
}
"""File -> what its name says; *2 on one copy and *24 on both is no pair of named alleles, the unexpected base is none's."""


def said(words: list[str], capsys: pytest.CaptureFixture, code: int = OK) -> dict:
    assert run(words) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", EXPECTED)
def test_the_expected_calls(name, shared, capsys):
    gene, diplotypes, phenotype = EXPECTED[name]
    found = said(["genes", str(shared / f"data/pgx/vcf/{name}.vcf"), "--json"], capsys)[gene]
    assert (found["diplotypes"], found["phenotype"]) == (diplotypes, phenotype)
    assert ("rs776746" in found["missing"]) == name.endswith("rs776746missing")


def test_the_whole_example_and_its_report(shared, capsys):
    folder = shared / "data/pgx/vcf"
    found = said(["genes", str(folder / "example.vcf"), "--outside", str(folder / "example.outsideCall.tsv"), "--json"], capsys)
    rows = [line.split("\t") for line in (folder / "example.report.tsv").read_text().splitlines()[2:]]
    theirs = {r[0]: (r[1], r[2] or None, float(r[3]) if r[3] else None) for r in rows}
    common = sorted(set(theirs) & set(found) - {"MT-RNR1", "HLA-B", "HLA-A"})
    assert len(common) == 8
    for gene in common:
        ours = found[gene]
        assert (ours["diplotypes"], ours["phenotype"], ours["activity"]) == ([theirs[gene][0]], *theirs[gene][1:]), gene
        assert ours["missing"] == []
    assert found["MT-RNR1"]["diplotypes"] == ["m.1555A>G"]
    assert {r["drug"] for r in found["MT-RNR1"]["recommendations"]} >= {"amikacin", "gentamicin", "tobramycin"}
    assert all(r["bars"] and "McDermott 2022" in r["source"] for r in found["MT-RNR1"]["recommendations"])
    assert set(found) == {
        "CYP2C9",
        "CYP2C19",
        "CYP2D6",
        "VKORC1",
        "CYP4F2",
        "CYP3A5",
        "TPMT",
        "NUDT15",
        "HLA-A",
        "HLA-B",
        "MT-RNR1",
    }
    assert all({"diplotypes", "phenotype", "activity", "missing", "source"} <= set(g) for g in found.values())


def test_text_says_what_was_not_read_and_what_follows(tmp_path, capsys):
    assert run(["genes", str(cyp3a5(tmp_path, "0/0", "0/0", "0/0", "", "0/0"))]) == OK
    text = " ".join(capsys.readouterr().out.split())
    assert "core_position_missing] CYP3A5: not read: rs776746" in text
    assert run(["genes", str(vcf(tmp_path, "chrM 1555 . A G 1"))]) == OK
    text = " ".join(capsys.readouterr().out.split())
    assert "amikacin, gentamicin, tobramycin, other aminoglycosides: a variant of MT-RNR1" in text
    assert "strong, level A; McDermott 2022" in text


def test_sources_that_contradict_are_a_refusal_and_the_rest_is_answered(tmp_path, capsys):
    outside = tmp_path / "calls.tsv"
    outside.write_text("CYP3A5\t*1/*1\nCYP2D6\t*1/*1\n")
    path = cyp3a5(tmp_path, "0/0", "0/0", "0/0", "1/1", "0/0")
    found = said(["genes", str(path), "--outside", str(outside), "--json"], capsys, REFUSAL)
    assert found["CYP3A5"]["phenotype"] is None
    assert found["CYP2D6"]["activity"] == 2.0


@pytest.mark.parametrize("words", [["genes", "no_such.vcf"], ["genes", "x.vcf", "--outside"]])
def test_wrong_words_are_one_line(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(words) == BAD_INPUT
    assert capsys.readouterr().err.count("\n") == 1


# ------------------------------------------------------------------------------------------------------ genotypes in advice


NEWBORN = "ID,TIME,AMT,EVID,WT,GA,PNA,BW{}\n1,0,,2,2.2,34,0.5,2.2{}\n"


def newborn(folder: Path, head: str = "", cell: str = "") -> str:
    path = folder / "newborn.csv"
    path.write_text(NEWBORN.format(head, cell))
    return str(path)


def test_a_risk_variant_bars_the_first_dose(tmp_path, capsys):
    """Before anything is given, from a VCF and from a column alike: no order, why, and what to give instead."""
    risk = vcf(tmp_path, "chrM 1555 . A G 1")
    ways = ([newborn(tmp_path), "--genes", str(risk)], [newborn(tmp_path, ",MT_RNR1", ",2")])
    for way in ways:
        found = said(["advise", *way, "--model", "amikacin_neonate", "--draws", "100", "--json"], capsys, REFUSAL)
        assert found["status"] == "refuse"
        reasons = {r["code"]: r for r in found["reasons"]}
        assert "m.1555A>G" in reasons["bar_mt_rnr1"]["text"]
        assert "PMID 34032273" in reasons["bar_mt_rnr1"]["source"]
        assert "another class" in reasons["what_would_help"]["text"]
        assert "no safe and effective alternative" in reasons["what_would_help"]["text"]


def test_a_bar_is_told_where_nothing_else_can_be(tmp_path, capsys):
    """Without a birth weight the model does not run: what forbids the drug is said all the same, and first."""
    case = tmp_path / "newborn.csv"
    case.write_text("ID,TIME,AMT,EVID,WT,GA,PNA,MT_RNR1\n1,0,,2,2.2,34,0.5,2\n")
    assert run(["advise", str(case), "--model", "amikacin_neonate"]) == BAD_INPUT
    said = capsys.readouterr().err
    assert said.index("nothing of amikacin may be ordered: a variant of MT-RNR1") < said.index("BW (birth weight) is missing")
    assert "give an antibiotic of another class" in said


def test_a_genotype_that_the_case_contradicts_is_refused(tmp_path, capsys):
    words = ["advise", newborn(tmp_path, ",MT_RNR1", ",0"), "--genes", str(vcf(tmp_path, "chrM 1555 . A G 1"))]
    assert run([*words, "--model", "amikacin_neonate"]) == BAD_INPUT
    assert "say different things of MT_RNR1" in capsys.readouterr().err


def test_warfarins_model_and_rule_are_told_by_a_vcf(tmp_path):
    """What the model needs and refuses without, and what the equations of Gage read."""
    model, timeline = models.load("warfarin_hamberg_2010"), Timeline(Patient("one"))
    lines = [f"chr10 {p} . {r} {a} 0/0" for p, r, a in ((94942290, "C", "T"), (94949281, "GA", "G"), (94981301, "C", "G"),
                                                        (94942309, "G", "A"), (94981224, "C", "T"))]  # fmt: skip
    genes = vcf(tmp_path, "chr16 31096368 . C T 0/1", "chr10 94981296 . A C 0/1", *lines, "chr19 15879621 . C T 0/1")
    known = with_genes(timeline, genes)
    assert known.patient.traits == {"CYP2C9_2": 0, "CYP2C9_3": 1, "CYP2C9_AS": 1, "CYP4F2_3": 1, "VKORC1_A": 1}
    assert {n for n in model.covs if QUANTITIES[n].kind == "trait"} <= set(known.patient.traits)
    facts = facts_at(known, 0.0).but(AGE=68.0, BSA=1.9)
    assert formulary.rule("gage_2008").advise(facts) == formulary.rule("gage_2008").advise(
        Facts(AGE=68.0, BSA=1.9, VKORC1_A=1.0, CYP2C9_2=0.0, CYP2C9_3=1.0))  # fmt: skip
    assert [f.code for f in formulary.genetics(known, "warfarin")] == ["cpic_vkorc1_a", "cpic_cyp4f2_3"]

"""Other programs' calls: what they may say, what does not exist, and what contradicts a VCF."""

from pathlib import Path

import pytest

from dosetwin.errors import InputError
from dosetwin.io.gene_calls import genes_of, others, traits_of
from dosetwin.structure.genes import GeneCall

from .vcfs import cyp3a5, vcf


def calls(folder: Path, text: str, vcf_: Path | None = None) -> dict[str, GeneCall]:
    path = folder / "calls.tsv"
    path.write_text(text.replace(" | ", "\t"))
    return genes_of(vcf_, path)


@pytest.mark.parametrize(
    ("line", "phenotype", "traits"),
    [
        ("CYP2D6 | *1/*3", "Intermediate Metabolizer", {"CYP2D6_AS": 1.0}),
        ("CYP2D6 | CYP2D6*4.024/CYP2D6*10", "Intermediate Metabolizer", {"CYP2D6_AS": 0.25}),
        ("CYP2D6 | *1x2/*2", "Ultrarapid Metabolizer", {"CYP2D6_AS": 3.0}),
        ("CYP2D6 | *1/*36+*10", "Normal Metabolizer", {"CYP2D6_AS": 1.25}),
        ("CYP2D6 | *1/*2xN", "Indeterminate", {}),
        ("CYP2C9 |  |  | 2.0", "Normal Metabolizer", {"CYP2C9_AS": 2.0}),
        ("CYP2C19 |  | likely cyp2c19 poor metaboliser", "Likely Poor Metabolizer", {"CYP2C19": 0.0}),
        ("CYP2C19 |  | EM", "Normal Metabolizer", {"CYP2C19": 2.0}),
        ("CYP2C19 | *2/*17", "Intermediate Metabolizer", {"CYP2C19": 1.0}),
        ("MT-RNR1 | 1555A>G", "increased risk of aminoglycoside-induced hearing loss", {"MT_RNR1": 2.0}),
        ("MT-RNR1 | m.930G>A", "uncertain risk of aminoglycoside-induced hearing loss", {"MT_RNR1": 1.0}),
        ("MT-RNR1 | Reference", "normal risk of aminoglycoside-induced hearing loss", {"MT_RNR1": 0.0}),
        ("HLA-B | *15:02:01/*57:01", "*15:02 positive, *57:01 positive, *58:01 negative",
         {"HLA_B_1502": 1.0, "HLA_B_5701": 1.0, "HLA_B_5801": 0.0}),
        ("HLA-B |  | *57:01 positive", "*57:01 positive", {"HLA_B_5701": 1.0}),
        ("HLA-A | *31:01", "*31:01 positive", {"HLA_A_3101": 1.0}),
        ("HLA-B | *15/*57:01", None, {}),
        ("VKORC1 | -1639G/-1639A", "-1639 AG", {"VKORC1_A": 1.0}),
    ],
)  # fmt: skip
def test_what_a_line_says(tmp_path, line, phenotype, traits):
    call = calls(tmp_path, line)[line.split()[0]]
    assert call.source == "outside"
    if phenotype is not None:
        assert call.phenotype == phenotype
    if line.endswith("*15/*57:01"):
        assert "HLA_B_1502" not in (call.traits or {})
        assert "low_resolution" in {f.code for f in call.findings}
    else:
        assert call.traits == traits


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("CYP2C9 | *1/*99", r"calls.tsv:1: no such allele of CYP2C9; found '\*99'"),
        ("CYP2D6 | *1/*999", "no such allele of CYP2D6"),
        ("CYP2D6 | *1", "not a diplotype"),
        ("MT-RNR1 | 1555A>C", "no such allele of MT-RNR1"),
        ("HLA-B | B15", "no such allele of HLA-B"),
        ("CYP2C19 |  | superb", "no such phenotype of CYP2C19"),
        ("CYP2C9 |  |  | 0.3", "no such activity score"),
        ("TPMT |  |  | 1.0", "TPMT has no activity score"),
        ("CYP2C9", "not a call"),
        ("CYP2C9 | *1/*1\nCYP2C9 | *1/*2", "calls.tsv:2: a gene that was called before"),
    ],
)
def test_what_does_not_exist_is_refused_with_its_line(tmp_path, line, says):
    with pytest.raises(InputError, match=says):
        calls(tmp_path, line)


@pytest.mark.parametrize(
    "line", ["CYP2C9 | *1/*1 | Poor Metabolizer", "CYP2C9 | *1/*1 |  | 1.0", "CYP2D6 |  | Normal Metabolizer | 0.5"]
)
def test_a_line_that_contradicts_itself_is_not_answered(tmp_path, line):
    call = calls(tmp_path, line)[line.split()[0]]
    assert (call.diplotypes, call.phenotype, call.traits) == ((), None, None)
    assert [f.code for f in call.findings] == ["call_contradicts_itself"]


def test_a_vcf_and_a_call_that_agree_are_one_and_that_differ_are_none(tmp_path):
    path = cyp3a5(tmp_path, "0/0", "0/0", "0/0", "1/1", "0/0")
    agreed = calls(tmp_path, "CYP3A5 | *3/*3", path)["CYP3A5"]
    assert (agreed.diplotypes, agreed.source) == (("*3/*3",), "outside")
    against = calls(tmp_path, "CYP3A5 | *1/*3\nCYP2D6 | *1/*1", path)
    assert (against["CYP3A5"].diplotypes, against["CYP3A5"].phenotype, against["CYP3A5"].traits) == ((), None, None)
    [error] = [f for f in against["CYP3A5"].findings if f.severity == "error"]
    assert (error.code, error.value, error.allowed) == ("genes_contradict", "*1/*3", "*3/*3")
    assert traits_of(against) == {"CYP2D6_AS": 2.0}
    words = calls(tmp_path, "CYP3A5 |  | Normal Metabolizer", path)["CYP3A5"]
    assert words.phenotype is None


def test_a_call_may_know_the_position_that_a_vcf_does_not(tmp_path):
    path = cyp3a5(tmp_path, "0/0", "0/0", "0/0", "./.", "0/0")
    call = calls(tmp_path, "CYP3A5 | *1/*3", path)["CYP3A5"]
    assert (call.diplotypes, call.phenotype, call.missing) == (("*1/*3",), "Intermediate Metabolizer", ("rs776746",))
    mito = vcf(tmp_path, "chrM 1555 . A G 1")
    against = calls(tmp_path, "MT-RNR1 | Reference", mito)["MT-RNR1"]
    assert against.phenotype is None
    assert any(f.code == "genes_contradict" for f in against.findings)


def test_genes_nobody_asks_for_are_named(tmp_path):
    calls(tmp_path, "UGT1A1 | *28/*28\nCYP2D6 | *1/*1\n# remark\n")
    assert others(tmp_path / "calls.tsv") == ("UGT1A1",)

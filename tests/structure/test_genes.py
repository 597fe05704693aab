"""Tables of genes: made of CPIC's files, whole, and what a diplotype means the same as theirs, one by one."""

import json
from pathlib import Path

import pytest

from dosetwin.calibrate import gene_tables
from dosetwin.quantities import QUANTITIES
from dosetwin.structure.genes import GENES, Genotype, gene, told
from dosetwin.structure.genes.call import copies, meaning
from dosetwin.structure.genes.match import match
from dosetwin.structure.genes.table import HLA
from dosetwin.structure.genes.traits import step

TABLES = [g for g in GENES if g not in HLA]
SHARED = {"CYP2C9", "CYP3A5", "CYP4F2", "NUDT15", "TPMT", "VKORC1", "MT-RNR1"}


@pytest.mark.parametrize("name", sorted(SHARED))
def test_a_table_is_made_of_cpics_files(name, shared):
    file = f"{name.replace('-', '_')}.json"
    definition, phenotype = shared / "data/pgx/definition" / file, shared / "data/pgx/phenotype" / file
    read = [json.loads(p.read_text()) if p.is_file() else None for p in (definition, phenotype)]
    made = json.loads(gene_tables.written(gene_tables.table(name, *read)))
    from dosetwin.structure import genes

    held = json.loads((Path(genes.__file__).parent / file).read_text())
    assert held == made


@pytest.mark.parametrize("name", sorted(SHARED - {"CYP4F2", "MT-RNR1"}))
def test_every_diplotype_means_what_cpic_says(name, shared):
    rows = json.loads((shared / "data/pgx/phenotype" / f"{name}.json").read_text())["diplotypes"]
    of = gene(name)
    for row in rows:
        pair = [n for n, k in row["diplotypekey"].items() for _ in range(k)]
        found = meaning(of, pair)
        score = row["activityScore"]
        assert found.phenotype == row["phenotype"], row["diplotype"]
        assert found.activity == (None if score in (None, "n/a") else float(score)), row["diplotype"]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_names_its_source_and_its_core_positions(name):
    of = gene(name)
    assert of.version
    assert "CC0" in of.licence
    assert set(of.core) <= {p.label for p in of.positions}
    assert of.reference in of.alleles
    assert all(i < len(of.positions) for a in of.alleles.values() for i in a.at)


@pytest.mark.parametrize("name", [n for n in TABLES if gene(n).positions and not gene(n).mitochondrial])
def test_every_allele_is_found_again_beside_the_reference(name):
    """Whole genotypes of each allele with the reference: it is among the answers, and alone where it is phased."""
    of = gene(name)
    for a in of.alleles.values():
        read = {}
        for i, p in enumerate(of.positions):
            said = a.at.get(i, p.ref)
            base = {"R": "A", "Y": "C", "M": "A", "S": "C"}.get(said, said)
            read[i] = Genotype((p.ref, base), "whole")
        pair = tuple(sorted((of.reference, a.name), key=of.natural))
        found = match(of, read)
        assert pair in found.pairs, a.name
        assert found.missing == ()


def test_traits_of_a_diplotype():
    assert told("CYP2C9", "*2", "*3").traits == {"CYP2C9_2": 1.0, "CYP2C9_3": 1.0, "CYP2C9_AS": 0.5}
    assert told("CYP2C9", "*1", "*8").traits == {"CYP2C9_AS": 1.5}  # a model of *2 and *3 knows nothing of *8
    assert told("CYP2C9", "*1", "*7").traits == {}
    assert told("CYP4F2", "*3", "*4").traits == {"CYP4F2_3": 2.0}
    assert told("CYP2C19", "*2", "*17").traits == {"CYP2C19": 1.0}
    assert told("CYP2C19", "*17", "*17").traits == {"CYP2C19": 4.0}
    assert told("CYP3A5", "*1", "*3").traits == {"CYP3A5_1": 1.0}
    assert told("CYP2D6", "*4", "*10").traits == {"CYP2D6_AS": 0.25}
    names = {n for a in ("CYP2C9", "VKORC1", "TPMT") for n in told(a, *[gene(a).reference] * 2).traits or {}}
    assert all(QUANTITIES[n].kind == "trait" for n in names)


def test_an_allele_of_unknown_function_concludes_nothing():
    call = told("CYP2C9", "*1", "*7")
    assert (call.phenotype, call.activity) == ("Indeterminate", None)
    assert [f.code for f in call.findings] == ["function_unknown"]


def test_words_of_a_status_and_of_copies():
    said = ("Likely Poor Metabolizer", "Possible Intermediate Metabolizer", "Indeterminate", None)
    assert [step(w) for w in said] == [0, 1, None, None]
    known = {"*4": ("*4", 1), "*2x3": ("*2", 3), "*1≥3": ("*1", 3), "*1x≥3": ("*1", 3), "*2xN": ("*2", None)}
    assert {n: copies(n) for n in known} == known

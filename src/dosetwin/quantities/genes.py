"""What never changes beside the birth: sex, and what the genes say, as numbers of alleles, activity scores or a status in steps.

A trait of a gene is held only where the whole genotype is told; what is not known is not there, and never the usual allele.
"""

from collections.abc import Mapping

from dosetwin.quantities.quantity import Quantity

METABOLIZER: Mapping[float, str] = {0: "poor", 1: "intermediate", 2: "normal", 3: "rapid", 4: "ultrarapid"}
"""Metabolizer status as CPIC names it, in steps."""
GENOTYPE, GENE_STUDIED, EFFECT = "84413-4", "48018-6", "53040-2"
"""LOINC codes of a report: a genotype, the gene it is of, and what a genotype does."""


def _alleles(name: str, text: str) -> Quantity:
    return Quantity(name, text, "1", "trait", low=0, high=2, shown="")


def _score(name: str, text: str, high: float) -> Quantity:
    return Quantity(name, text, "1", "trait", low=0, high=high, shown="", step=0.25)


def _status(name: str, text: str, means: Mapping[float, str]) -> Quantity:
    return Quantity(name, text, "1", "trait", low=0, high=max(means), shown="", means=means)


GENES = (
    Quantity("SEX", "sex", "1", "trait", low=0, high=1, shown=""),
    _alleles("CYP2C9_2", "CYP2C9*2 alleles"),
    _alleles("CYP2C9_3", "CYP2C9*3 alleles"),
    _alleles("VKORC1_A", "VKORC1 -1639 A alleles"),
    _alleles("CYP4F2_3", "CYP4F2 433Met (*3) alleles"),
    _alleles("CYP3A5_1", "CYP3A5*1 alleles"),
    _alleles("HLA_A_3101", "HLA-A*31:01 alleles"),
    _alleles("HLA_B_1502", "HLA-B*15:02 alleles"),
    _alleles("HLA_B_5701", "HLA-B*57:01 alleles"),
    _alleles("HLA_B_5801", "HLA-B*58:01 alleles"),
    _score("CYP2C9_AS", "CYP2C9 activity score", 2),
    _score("CYP2D6_AS", "CYP2D6 activity score", 20),
    _status("CYP2C19", "CYP2C19 metabolizer status", METABOLIZER),
    _status("TPMT", "TPMT metabolizer status", {k: METABOLIZER[k] for k in (0, 1, 2)}),
    _status("NUDT15", "NUDT15 metabolizer status", {k: METABOLIZER[k] for k in (0, 1, 2)}),
    _status("MT_RNR1", "MT-RNR1 risk of hearing loss by aminoglycosides", {0: "normal", 1: "uncertain", 2: "increased"}),
)

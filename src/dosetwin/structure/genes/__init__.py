"""From what was read of a genome to star alleles, phenotypes and traits: CPIC's tables as data, and nothing assumed beside
them."""

from dosetwin.structure.genes.call import GeneCall, called, told
from dosetwin.structure.genes.match import Genotype
from dosetwin.structure.genes.table import GENES, Gene, gene

__all__ = ["GENES", "Gene", "GeneCall", "Genotype", "called", "gene", "told"]

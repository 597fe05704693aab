"""Organisms: to which group of kill curves each belongs, and whether amikacin alone can be expected to work on it."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dosetwin.errors import UnknownName
from dosetwin.outcomes.infection.packs import Group


@dataclass(frozen=True)
class Organism:
    """One organism. ``group`` ``outside``: intrinsically not susceptible to amikacin alone; the beta-lactam covers it."""

    name: str
    text: str
    group: Group


ORGANISMS: Mapping[str, Organism] = MappingProxyType({
    o.name: o
    for o in (
        Organism("e_coli", "Escherichia coli", "gram_negative"),
        Organism("klebsiella", "Klebsiella pneumoniae and oxytoca", "gram_negative"),
        Organism("enterobacter", "Enterobacter, Citrobacter, Serratia", "gram_negative"),
        Organism("acinetobacter", "Acinetobacter baumannii (kill curve of E. coli: assumed)", "gram_negative"),
        Organism("p_aeruginosa", "Pseudomonas aeruginosa", "pseudomonas"),
        Organism("s_aureus", "Staphylococcus aureus", "staphylococci"),
        Organism("cons", "coagulase-negative staphylococci (kill curve of S. aureus: assumed)", "staphylococci"),
        Organism("gbs", "Streptococcus agalactiae", "outside"),
        Organism("enterococcus", "Enterococcus", "outside"),
    )
})  # fmt: skip


def organism(name: str) -> Organism:
    """An organism by name. Raises UnknownName naming those there are."""
    if name not in ORGANISMS:
        raise UnknownName("no organism of this name", where="organism", value=name, allowed=", ".join(ORGANISMS))
    return ORGANISMS[name]

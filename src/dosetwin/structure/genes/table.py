"""The table of a gene: its positions, its alleles by the bases there, what each allele does, as CPIC has it.

The files beside this one were made by ``calibrate/gene_tables.py`` and name their source, version and licence. GRCh38
coordinates; MT-RNR1 those of the revised Cambridge sequence.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from dosetwin.errors import UnknownName

GENES = ("CYP2C9", "CYP2C19", "CYP2D6", "VKORC1", "CYP4F2", "CYP3A5", "TPMT", "NUDT15", "HLA-A", "HLA-B", "MT-RNR1")
"""Genes that are answered, in the order of reports."""
OUTSIDE = ("CYP2D6", "HLA-A", "HLA-B")
"""Genes that need copy numbers or typing of their own: taken from other programs' calls, never from single variants."""
HLA = ("HLA-A", "HLA-B")

IUPAC = {"R": "AG", "Y": "CT", "M": "AC", "K": "GT", "S": "CG", "W": "AT", "N": "ACGT"}
"""What a letter of a definition stands for, where it is no base."""


@dataclass(frozen=True)
class Position:
    """One position that alleles differ at: ``at`` (1-based), reference and alternate bases as a VCF writes them, left-most.

    ``label``: its rsID, else ``chr10:94938803``; ``hgvs`` of an insertion or deletion, right-most.
    """

    at: int
    label: str
    ref: str
    alts: tuple[str, ...]
    hgvs: str = ""

    @property
    def indel(self) -> bool:
        """Whether anything is inserted or deleted here."""
        return any(len(a) != len(self.ref) for a in self.alts)


@dataclass(frozen=True)
class Allele:
    """A named allele: what it does ("" where CPIC has not said), its activity value, and the bases that define it."""

    name: str
    function: str
    activity: float | None
    at: Mapping[int, str]
    """Index of a position -> bases; positions that are not here are as in the reference."""

    @property
    def known(self) -> bool:
        """Whether CPIC says what it does."""
        return bool(self.function) and not self.function.lower().startswith(("unknown", "uncertain"))


@dataclass(frozen=True, eq=False)
class Gene:
    """One gene's table. ``core``: labels of the positions without which nothing is concluded; ``score``: whether its activity
    is a sum of numbers."""

    name: str
    chromosome: str
    positions: tuple[Position, ...]
    alleles: Mapping[str, Allele]
    phenotypes: Mapping[str, str]
    reference: str
    core: tuple[str, ...]
    core_source: str
    version: str
    source: str
    licence: str

    @property
    def mitochondrial(self) -> bool:
        """Whether there is one copy that comes from the mother."""
        return self.chromosome == "chrM"

    @property
    def score(self) -> bool:
        """Whether its alleles have activity values."""
        return any(a.activity is not None for a in self.alleles.values())

    @cached_property
    def bases(self) -> Mapping[int, str]:
        """Bases of the reference that the table itself tells: position -> base. An insertion or deletion written left-most by
        its VCF form and right-most by its HGVS name says that its unit repeats in between."""
        known: dict[int, str] = {}
        for p in self.positions:
            text = p.ref
            if p.indel:
                alt = max((*p.alts, p.ref), key=len)
                unit = len(alt) - min(len(x) for x in (*p.alts, p.ref))
                repeat, last = alt[1:], _right_end(p)
                while unit and len(text) - 1 < last - p.at and "ins" not in p.hgvs:
                    text += repeat[(len(text) - 1) % unit]
            known |= {p.at + k: base for k, base in enumerate(text)}
        return known

    def natural(self, name: str) -> tuple[tuple[int, str], ...]:
        """What alleles are sorted by: *2 before *10, *3A before *3B."""
        return tuple((int(n or 0), word) for n, word in re.findall(r"(\d*)(\D*)", name))


def _right_end(p: Position) -> int:
    """The last base of the run that an insertion or deletion may be anywhere in, by its HGVS name."""
    last = max((int(n) for n in re.findall(r"(\d{3,})", p.hgvs)), default=p.at)
    if repeats := re.findall(r"([ACGT]+)\[(\d+)\]", p.hgvs):  # named alternates: one copy of the unit less is the first of them
        last += len(repeats[0][0]) * (min(int(n) for _, n in repeats) + 1) - 1
    return last


@lru_cache(maxsize=16)
def gene(name: str) -> Gene:
    """The table of a gene that has one. Raises UnknownName."""
    path = Path(__file__).parent / f"{name.replace('-', '_')}.json"
    if name not in GENES or name in HLA or not path.is_file():
        raise UnknownName("no table of this gene", value=name, allowed=", ".join(g for g in GENES if g not in HLA))
    raw = json.loads(path.read_text(encoding="utf-8"))
    positions = tuple(
        Position(p[0], p[1] or f"{raw['chromosome']}:{p[0]}", p[2], tuple(p[3].split(",")), p[4] if len(p) > 4 else "")
        for p in raw["positions"]
    )
    alleles = {n: Allele(n, a[0], a[1], {int(i): b for i, b in a[2].items()}) for n, a in raw["alleles"].items()}
    return Gene(
        raw["gene"], raw["chromosome"], positions, alleles, raw["phenotypes"], raw["reference"], tuple(raw["core"]),
        raw["core_source"], raw["version"], raw["source"], raw["licence"],
    )  # fmt: skip

"""Which pairs of named alleles explain the genotypes that were read, positions that were not read left out.

A pair explains them where at every position read its two bases are the two that were read, and where phased positions fit one
arrangement. Pairs are ordered by how many positions that were read define them, as in PharmCAT's NamedAlleleMatcher. Kept are the
best of that order, and every other pair all of whose own positions were read: what is unphased may be any of them. An allele with
a position that was not read is kept where nothing explains the genotypes better, and is else named as not excluded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from dosetwin.structure.genes.table import IUPAC, Allele, Gene


@dataclass(frozen=True)
class Genotype:
    """What was read at one position: the bases of each copy, and what they are phased with.

    ``bases`` as the table writes them (one or two entries); ``block`` the same for positions that are phased together, None where
    the order says nothing; ``share`` of the reads that show the alternate, of mitochondrial DNA.
    """

    bases: tuple[str, ...]
    block: str | None = None
    share: float | None = None


@dataclass(frozen=True)
class Match:
    """Pairs of alleles that explain what was read, best defined first; ``possible`` with what core positions that were not read
    allow (empty where all were read); ``missing`` labels of positions not read; ``open`` alleles not excluded for want of
    their positions; ``strange`` what was read that no allele has; ``sure`` the pairs all of whose own positions were read, all of
    them where there is none such: a rare allele that was not looked for does not undo what was found."""

    pairs: tuple[tuple[str, str], ...]
    possible: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]
    open: tuple[str, ...]
    strange: tuple[str, ...] = ()
    sure: tuple[tuple[str, str], ...] = ()


def match(gene: Gene, read: Mapping[int, Genotype]) -> Match:
    """The pairs of one gene; ``read``: index of a position -> what was read there."""
    missing = tuple(p.label for i, p in enumerate(gene.positions) if i not in read)
    strange = tuple(
        f"{p.label} {'/'.join(read[i].bases)}" for i, p in enumerate(gene.positions)
        if i in read and any(b not in (p.ref, *p.alts) for b in read[i].bases)
    )  # fmt: skip
    lost = {a.name: {j for j in a.at if _differs(gene, a, j) and j not in read} for a in gene.alleles.values()}
    silent = {a.name for a in gene.alleles.values() if a.at and not any(i in read for i in a.at)}
    if strange or not read:
        return Match((), (), missing, tuple(n for n in gene.alleles if n in silent), strange)
    found = _pairs(gene, [a for a in gene.alleles.values() if a.name not in silent], read)
    best = max(found.values(), default=0)
    pairs = tuple(p for p, score in found.items() if score == best or not any(lost[n] for n in p))
    sure = tuple(p for p in pairs if not any(lost[n] for n in p))
    pairs = tuple(sorted(pairs, key=lambda p: (-found[p], p not in sure)))
    open_ = silent | {n for p in found for n in p if lost[n]}
    lacking = {i for i, p in enumerate(gene.positions) if p.label in gene.core and i not in read}
    possible: tuple[tuple[str, str], ...] = ()
    if lacking:
        also = [a for a in gene.alleles.values() if lost[a.name] <= lacking]
        possible = tuple(dict.fromkeys((*(sure or pairs), *_pairs(gene, also, read))))
    return Match(pairs, possible, missing, tuple(n for n in gene.alleles if n in open_), sure=sure or pairs)


def _differs(gene: Gene, a: Allele, i: int) -> bool:
    return a.at[i] != gene.alleles[gene.reference].at.get(i, gene.positions[i].ref)


def _bases(gene: Gene, a: Allele, i: int) -> frozenset[str]:
    """What an allele may show at a position."""
    said = a.at.get(i) or gene.positions[i].ref
    return frozenset(IUPAC[said]) if said in IUPAC else frozenset((said,))


def _pairs(gene: Gene, alleles: Sequence[Allele], read: Mapping[int, Genotype]) -> dict[tuple[str, str], int]:
    """Every pair that explains what was read, with the number of positions read that define it, highest first."""
    shows = {a.name: {i: _bases(gene, a, i) for i in read} for a in alleles}
    fit = [a for a in alleles if all(shows[a.name][i] & set(g.bases) for i, g in read.items())]
    score = {a.name: len(read) if a.name == gene.reference else sum(i in read for i in a.at) for a in fit}
    found: dict[tuple[str, str], int] = {}
    for a, b in combinations_with_replacement(fit, 2):
        if _explain(shows[a.name], shows[b.name], read):
            one, two = sorted((a.name, b.name), key=gene.natural)
            found[one, two] = score[one] + score[two]
    return dict(sorted(found.items(), key=lambda item: (-item[1], [gene.natural(n) for n in item[0]])))


def _explain(a: Mapping[int, frozenset[str]], b: Mapping[int, frozenset[str]], read: Mapping[int, Genotype]) -> bool:
    """Whether two copies show what was read, in one arrangement of everything that is phased together."""
    ways: dict[str, list[bool]] = {}
    for i, g in read.items():
        x, y = g.bases
        way = [x in a[i] and y in b[i], y in a[i] and x in b[i]]
        if g.block is None or x == y:
            if not any(way):
                return False
            continue
        kept = ways.setdefault(g.block, [True, True])
        kept[0] &= way[0]
        kept[1] &= way[1]
        if not any(kept):
            return False
    return True

"""One gene answered: diplotypes, what they mean, what was not read, and the traits that models and bars ask for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dosetwin.errors import Finding
from dosetwin.structure.genes.match import Genotype, match
from dosetwin.structure.genes.table import HLA, Gene, gene
from dosetwin.structure.genes.traits import traits

CYP2D6_SCORES = ((0.0, "Poor Metabolizer"), (1.0, "Intermediate Metabolizer"), (2.25, "Normal Metabolizer"))
"""Highest score of each phenotype; above the last one ultrarapid (Caudle 2020, Clin Transl Sci 13:116: 0, up to 1, up to
2.25)."""
MOST_PAIRS = 12
"""Diplotypes of one gene that are listed; more are none told apart."""


@dataclass(frozen=True)
class Meaning:
    """What one diplotype means: CPIC's phenotype, and the activity score of genes that have one (None: no number)."""

    phenotype: str | None
    activity: float | None


@dataclass(frozen=True)
class GeneCall:
    """What is known of one gene.

    ``diplotypes`` those that explain what was read, best first (of MT-RNR1 the one copy); ``means`` each with its meaning;
    ``possible`` diplotypes where core positions were not read; ``missing`` positions not read; ``open`` alleles that were not
    excluded; ``source`` ``vcf``, ``outside``, ``fhir`` or "" where nothing is known; ``traits`` by the name of their quantity.
    """

    gene: str
    diplotypes: tuple[str, ...] = ()
    phenotype: str | None = None
    activity: float | None = None
    missing: tuple[str, ...] = ()
    source: str = ""
    means: Mapping[str, Meaning] | None = None
    possible: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    traits: Mapping[str, float] | None = None
    findings: tuple[Finding, ...] = ()
    share: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, the contract's keys first."""
        table = None if self.gene in HLA else gene(self.gene)
        return {
            "diplotypes": list(self.diplotypes), "phenotype": self.phenotype, "activity": self.activity,
            "missing": list(self.missing), "source": self.source or None,
            "means": {d: {"phenotype": m.phenotype, "activity": m.activity} for d, m in (self.means or {}).items()},
            "possible": list(self.possible), "not_excluded": list(self.open), "traits": dict(self.traits or {}),
            **({} if self.share is None else {"share": round(self.share, 4)}),
            "data": "" if table is None else f"{table.source}, version {table.version}, {table.licence}",
            "findings": [f.to_json() for f in self.findings],
        }  # fmt: skip


def called(name: str, read: Mapping[int, Genotype], findings: Sequence[Finding] = ()) -> GeneCall:
    """A gene from what was read at its positions (index -> genotype)."""
    of = gene(name)
    if of.mitochondrial:
        return _mitochondrial(of, read, findings)
    found = match(of, read)
    notes = list(findings)
    if found.strange:
        notes.append(Finding("warning", "allele_undocumented", name, "bases that no named allele has: the gene is not called",
                             ", ".join(found.strange), "", "ask the laboratory"))  # fmt: skip
    elif read and not found.pairs:
        notes.append(Finding("warning", "no_diplotype", name, "no pair of named alleles explains the genotypes: not called",
                             _read(of, read), "", "ask the laboratory"))  # fmt: skip
    pairs = found.pairs
    if len(pairs) > MOST_PAIRS:
        notes.append(Finding("warning", "diplotypes_many", name, f"{len(pairs)} diplotypes explain what was read; the first "
                             f"{MOST_PAIRS} are listed", None, "", "phase the genotypes, or read the missing "
                                                                   "positions"))  # fmt: skip
    source = "vcf" if read else ""
    return _concluded(of, pairs, found.sure, found.possible, found.missing, found.open, source, notes)


def told(name: str, one: str, two: str, source: str = "outside", findings: Sequence[Finding] = ()) -> GeneCall:
    """A gene from a diplotype that another program called; both alleles are in the table."""
    of = gene(name)
    pair: tuple[str, str] = tuple(sorted((one, two), key=of.natural))  # type: ignore[assignment]
    return _concluded(of, (pair,), (pair,), (), (), (), source, list(findings))


def _concluded(
    of: Gene, pairs: Sequence[tuple[str, str]], sure: Sequence[tuple[str, str]],
    possible: Sequence[tuple[str, str]], missing: tuple[str, ...],
    open_: tuple[str, ...], source: str, notes: list[Finding],
) -> GeneCall:  # fmt: skip
    means = {"/".join(p): meaning(of, p) for p in pairs[:MOST_PAIRS]}
    may = possible or sure
    every = list(dict.fromkeys(meaning(of, p).phenotype or "" for p in may))
    phenotype = activity = None
    if len(every) == 1 or not possible:
        phenotype = " or ".join(p for p in every if p) or None
    scores = {meaning(of, p).activity for p in may}
    if len(scores) == 1 and pairs:
        activity = scores.pop()
    core = [label for label in missing if label in of.core]
    if pairs and core:
        notes.append(Finding(
            "warning", "core_position_missing", of.name, "not read: " + ", ".join(core) + ", where common alleles differ"
            + ("; nothing is concluded" if phenotype is None else ""), None, "",
            "read it, or send reference calls too (a gVCF)"))  # fmt: skip
    elif source == "vcf" and pairs and open_:
        notes.append(Finding("info", "rare_alleles_not_read", of.name, f"{len(missing)} positions were not read; rare alleles "
                                                                       f"are "
                             f"not excluded: {', '.join(open_[:8])}" + (" ..." if len(open_) > 8 else "")))  # fmt: skip
    if len(every) > 1 and not possible:
        notes.append(Finding("warning", "diplotype_ambiguous", of.name, "more than one diplotype explains the genotypes, and "
                                                                        "they "
                             "differ in meaning", "; ".join(f"{d} {m.phenotype}" for d, m in means.items()), "",
                             "phase the genotypes, or measure the enzyme"))  # fmt: skip
    unknown = (
        sorted({n for p in pairs for n in p if not of.alleles[n].known}, key=of.natural) if of.phenotypes or of.score else []
    )
    if unknown:
        notes.append(Finding("warning", "function_unknown", of.name, "CPIC has no settled function for an allele",
                             ", ".join(unknown), "", "nothing is concluded from it"))  # fmt: skip
    return GeneCall(
        of.name, tuple(means), phenotype, activity, missing, source, means, tuple("/".join(p) for p in possible), open_,
        traits(of, may) if pairs else {}, tuple(notes),
    )  # fmt: skip


def meaning(of: Gene, pair: Sequence[str]) -> Meaning:
    """What a diplotype means by CPIC's tables; an activity score is the sum of the copies' values."""
    a, b = (of.alleles[n] for n in pair)
    score = None if a.activity is None or b.activity is None else a.activity + b.activity
    if not a.function or not b.function:
        return Meaning("Indeterminate" if of.phenotypes or of.score else None, score)
    if of.name == "CYP2D6":
        return Meaning(by_score(score), score)
    return Meaning(of.phenotypes.get(" + ".join(sorted((a.function, b.function)))), score)


def by_score(score: float | None) -> str:
    """CYP2D6's phenotype from its activity score."""
    if score is None:
        return "Indeterminate"
    return next((word for top, word in CYP2D6_SCORES if score <= top), "Ultrarapid Metabolizer")


def _read(of: Gene, read: Mapping[int, Genotype]) -> str:
    """What was read beside the reference, and the alleles all of whose bases were."""
    seen = [
        f"{p.label} {'/'.join(read[i].bases)}" for i, p in enumerate(of.positions) if i in read and set(read[i].bases) != {p.ref}
    ]
    own = [a.name for a in of.alleles.values() if a.at and all(i in read and b in read[i].bases for i, b in a.at.items())]
    return (", ".join(seen) or "all as in the reference") + (f" (bases of {', '.join(own)})" if own else "")


# ------------------------------------------------------------------------------------------------------------ mitochondrial DNA

RISKS = ("normal", "uncertain", "increased")


def risk(of: Gene, name: str) -> int:
    """0 normal, 1 uncertain, 2 increased risk of hearing loss, of an allele of MT-RNR1."""
    return RISKS.index(of.alleles[name].function.split()[0].lower())


def _mitochondrial(of: Gene, read: Mapping[int, Genotype], findings: Sequence[Finding]) -> GeneCall:
    """MT-RNR1: every variant seen counts, in however few of the copies (heteroplasmy: assumed, the ear's share is not known)."""
    notes = list(findings)
    seen = [a.name for a in of.alleles.values() if a.at and all(i in read and base in read[i].bases for i, base in a.at.items())]
    strange = [f"{p.label} {'/'.join(read[i].bases)}" for i, p in enumerate(of.positions)
               if i in read and any(b not in (p.ref, *p.alts) for b in read[i].bases)]  # fmt: skip
    missing = tuple(p.label for i, p in enumerate(of.positions) if i not in read)
    if strange:
        notes.append(Finding("warning", "allele_undocumented", of.name, "bases that CPIC's list does not have: they say nothing",
                             ", ".join(strange), "", "ask the laboratory"))  # fmt: skip
    shares = [share for n in seen for i in of.alleles[n].at if (share := read[i].share) is not None]
    mixed = [n for n in seen for i in of.alleles[n].at if len(set(read[i].bases)) > 1 or (read[i].share or 1.0) < 0.95]
    if mixed:
        notes.append(Finding("warning", "heteroplasmy", of.name, "not in all copies of mitochondrial DNA; counted as if it "
                                                                 "were, for "
                             "blood does not tell the share in the inner ear "
                             "(assumed)", ", ".join(dict.fromkeys(mixed))))  # fmt: skip
    core = [label for label in missing if label in of.core]
    worst = max((risk(of, n) for n in seen), default=0)
    decided = bool(read) and (worst == 2 or not (core or strange))
    if read and core and worst < 2:
        notes.append(Finding("warning", "core_position_missing", of.name, "not read: " + ", ".join(core) + ", variants that CPIC "
                             "calls a risk; nothing is concluded", None, "", "read them, or send reference calls too (a "
                                                                             "gVCF)"))  # fmt: skip
    whole = " + ".join(seen) if seen else of.reference
    phenotype = f"{RISKS[worst]} risk of aminoglycoside-induced hearing loss" if decided else None
    return GeneCall(
        of.name, (whole,) if read and (seen or not strange) else (), phenotype, None, missing, "vcf" if read else "",
        {whole: Meaning(phenotype, None)} if decided else {}, (), (), {"MT_RNR1": float(worst)} if decided else {}, tuple(notes),
        max(shares, default=None),
    )  # fmt: skip


def told_mitochondrial(name: str, source: str = "outside", findings: Sequence[Finding] = ()) -> GeneCall:
    """MT-RNR1 from the name of its allele, which is in the table."""
    of = gene("MT-RNR1")
    phenotype = f"{RISKS[risk(of, name)]} risk of aminoglycoside-induced hearing loss"
    return GeneCall(of.name, (name,), phenotype, None, (), source, {name: Meaning(phenotype, None)}, (), (),
                    {"MT_RNR1": float(risk(of, name))}, tuple(findings))  # fmt: skip


def copies(name: str) -> tuple[str, float | None]:
    """A CYP2D6 allele with its number of copies: ``*2x3`` is ``*2`` and 3, ``*4`` is 1; an unknown number (``xN``) None."""
    found = re.fullmatch(r"(.*?)(?:x?\s*(?:≥|>=)\s*(\d+)|x(\d+|N))", name)
    if found is None:
        return name, 1.0
    return found[1], None if found[3] == "N" else float(found[2] or found[3])

"""Star alleles against PharmCAT's test files, whose names are the expected calls: the same genotypes written as VCFs and read
again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from dosetwin.evaluate.check import Check, table
from dosetwin.io.gene_calls import genes_of
from dosetwin.structure.genes import GeneCall, Genotype, gene
from dosetwin.structure.genes.match import match
from dosetwin.structure.genes.table import IUPAC, OUTSIDE, Gene

PAGE = "genes"
N, N_QUICK, SEED = 2, 1, 0
SOURCE = "PharmCAT 5431bf11, test files (MPL-2.0); genotypes as facts"
TABLES = "CPIC data of 2025-11-05"
WHY = "a call is right or wrong"
_TPMT = (3, 4, 10, 13, 15, 18, 26, 28, 29, 31, 32, 35, 39)
_2C9 = (1, 4, 5, 11, 19, 21, 22, 27, 29, 30, 34, 38, 41, 42, 43, 48, 52, 53, 55, 59, 61, 67, 72, 73, 74, 75, 76, 79)


@dataclass(frozen=True)
class Case:
    """One file: its name, its gene, what it says beside the reference, which positions (by index) it does not have, and the call
    its name means; "" where no pair of named alleles is it. ``open``: the position whose absence must leave the phenotype
    open."""

    name: str
    gene: str
    call: str
    seen: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[int, ...] = ()
    open: str = ""


CASES = (
    Case("NUDT15 refref", "NUDT15", "*1/*1", {}, (14,)),
    Case("NUDT15 s3ref", "NUDT15", "*1/*3", {"rs116855232": "C/T"}, (14,)),
    Case("TPMT het3a", "TPMT", "*1/*3A", {"rs1142345": "T/C", "rs1800460": "C/T"}, _TPMT),
    Case("TPMT s1s1", "TPMT", "*1/*1", {}, _TPMT),
    Case("TPMT s3as3b", "TPMT", "*3A/*3B", {"rs1142345": "T/C", "rs1800460": "T/T"}, _TPMT),
    Case("TPMT unexpected.allele", "TPMT", "", {"rs72552740": "T/T"}, _TPMT),
    Case("VKORC1 -1639A-1639A", "VKORC1", "rs9923231 variant (T)/rs9923231 variant (T)", {"rs9923231": "T/T"}),
    Case("VKORC1 -1639G-1639A", "VKORC1", "rs9923231 reference (C)/rs9923231 variant (T)", {"rs9923231": "C/T"}),
    Case("cyp2c9 s1s1", "CYP2C9", "*1/*1", {}, (1, 4, 5, 11, 21, 22, 29, 30, 38, 41, 42, 43, 52, 53, 61, 72, 73)),
    Case("cyp2c9 s1s61", "CYP2C9", "*1/*61", {"rs1799853": "C/T", "rs202201137": "A/G"}, (*_2C9, 69)),
    Case("cyp2c9 s2s24only", "CYP2C9", "", {"rs1799853": "C/T", "rs749060448": "A/A"}, (*_2C9, 69)),
    Case("cyp2c9 s2s3", "CYP2C9", "*2/*3", {"rs1799853": "C/T", "rs1057910": "A/C"}, _2C9),
    Case("cyp3a5 s1s1", "CYP3A5", "*1/*1"),
    Case("cyp3a5 s1s1rs776746missing", "CYP3A5", "*1/*1", {}, (3,), "rs776746"),
    Case("cyp3a5 s1s7", "CYP3A5", "*1/*7", {"rs41303343": "T/TA"}),
    Case("cyp3a5 s3s9", "CYP3A5", "*3/*9", {"rs28383479": "C/T", "rs776746": "T/C"}),
    Case("cyp4f2 s1s1", "CYP4F2", "*1/*1", {}, (0, 1, 2, 3, 4, *range(6, 19))),
)
"""*2 on one copy and *24 on both is no pair of named alleles, and a base nobody has is none's: both must not be called."""


def run(*, n: int = N, seed: int = SEED, progress: Callable[[int, int], None] | None = None) -> list[Check]:
    """Every file's call, and every named allele of every table beside the reference; ``n`` and ``seed`` change nothing."""
    found = [_case(case, _called(case)) for case in CASES]
    names = [g for g in ("CYP2C9", "CYP2C19", "CYP3A5", "CYP4F2", "NUDT15", "TPMT", "VKORC1") if g not in OUTSIDE]
    for done, name in enumerate(names):
        if progress:
            progress(done, len(names))
        of = gene(name)
        total, right = len(of.alleles), sum(_again(of, allele) for allele in of.alleles)
        text = f"{name}: alleles found again, each beside the reference, phased"
        found.append(_check(f"{name}_alleles", name, text, total, right, TABLES))
    if progress:
        progress(len(names), len(names))
    return found


def markdown(checks: Sequence[Check], *, n: int = N, seed: int = SEED) -> str:
    """The page: what was compared, one table."""
    passed = sum(c.passed for c in checks)
    return "\n".join([
        "# Genes against expected calls", "",
        f"Written by `dosetwin validate {PAGE}`; do not edit. {passed} of {len(checks)} agree. The name of a test file of "
        f"PharmCAT",
        "is its expected call; 1 is agreement. Two files must not be called: a base that no allele has, and *2 on one copy "
        "with *24",
        "on both. The file without rs776746 must name it and leave the phenotype open.", "", *table(checks), "",
    ])  # fmt: skip


def _called(case: Case) -> GeneCall:
    """The gene of a case, written as a VCF and read as any other."""
    of = gene(case.gene)
    rows = [
        "##fileformat=VCFv4.2",
        "##reference=GRCh38",
        "\t".join(["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", "ONE"]),
    ]
    for i, p in enumerate(of.positions):
        if i in case.unread:
            continue
        bases = case.seen.get(p.label, f"{p.ref}/{p.ref}").split("/")
        alts = tuple(dict.fromkeys((*p.alts, *(b for b in bases if b != p.ref))))
        gt = "/".join(str((p.ref, *alts).index(b)) for b in bases)
        rows.append("\t".join((of.chromosome, str(p.at), ".", p.ref, ",".join(alts), ".", "PASS", ".", "GT", gt)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "case.vcf"
        path.write_text("\n".join(rows) + "\n")
        return genes_of(path)[case.gene]


def _case(case: Case, call: GeneCall) -> Check:
    right = call.diplotypes[:1] == ((case.call,) if case.call else ())
    if case.open:
        right &= case.open in call.missing and call.phenotype is None
    said = case.call or "not called"
    code = case.name.replace(" ", "_")
    also = f" (also {', '.join(call.diplotypes[1:])})" if len(call.diplotypes) > 1 else ""
    return _check(code, case.gene, f"{case.name}: {said}{also}", 1, int(right), SOURCE)


def _again(of: Gene, name: str) -> bool:
    """Whether an allele beside the reference, phased and whole, is among the answers."""
    read = {}
    for i, p in enumerate(of.positions):
        said = of.alleles[name].at.get(i, p.ref)
        read[i] = Genotype((p.ref, IUPAC[said][0] if said in IUPAC else said), "whole")
    return tuple(sorted((of.reference, name), key=of.natural)) in match(of, read).pairs


def _check(code: str, name: str, text: str, published: int, found: int, source: str) -> Check:
    return Check(
        PAGE, code, name, source, "paper", float(published), float(found), 0.0, (float(published), float(published)), "1",
        found == published, "" if found == published else "see the call", text, WHY,
    )  # fmt: skip

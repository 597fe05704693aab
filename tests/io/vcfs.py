"""Small VCFs written for tests: a header of GRCh38, and lines of ``CHROM POS ID REF ALT GT``."""

from pathlib import Path

HEAD = "##fileformat=VCFv4.2\n##reference=GRCh38\n"
COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT"


def vcf(folder: Path, *lines: str, head: str = HEAD, samples: str = "ONE", name: str = "one.vcf") -> Path:
    """A file of these lines: ``chrom pos id ref alt genotype``, and optionally FILTER, INFO, FORMAT."""
    rows = []
    for line in lines:
        chrom, pos, id_, ref, alt, gt, *more = line.split()
        filter_, info, form = (*more, *("PASS", ".", "GT")[len(more) :])
        rows.append("\t".join((chrom, pos, id_, ref, alt, ".", filter_, info, form, gt)))
    path = folder / name
    path.write_text(head + COLUMNS + f"\t{samples}\n" + "".join(f"{r}\n" for r in rows))
    return path


CYP3A5 = ("chr7 99652770 . T TA {}", "chr7 99660516 . C T {}", "chr7 99665212 . C T {}", "chr7 99672916 . T C {}",
          "chr7 99676198 . G A {}")  # fmt: skip


def cyp3a5(folder: Path, *genotypes: str, name: str = "one.vcf") -> Path:
    """CYP3A5 whole: genotypes at the positions of *7, *9, *6, *3, *8."""
    return vcf(folder, *(line.format(gt) for line, gt in zip(CYP3A5, genotypes, strict=True) if gt), name=name)

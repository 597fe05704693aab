"""A VCF read for the positions of the gene tables: text, gzip or bgzip, with gVCF blocks; what is not written is not known.

Read as text on purpose: htslib ends at a line it cannot parse as if the file ended there, and a position that is silently lost
would be a wrong genotype. GRCh38 only: the build is taken from the header (its words, its contig lengths), else from the rsIDs.
"""

import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from dosetwin.errors import Finding, InputError
from dosetwin.io.vcf_sites import Record, other_base, sites
from dosetwin.structure.genes import GENES, Genotype, gene
from dosetwin.structure.genes.table import OUTSIDE

READ = tuple(g for g in GENES if g not in OUTSIDE)
"""Genes that single variants tell."""
MARGIN = 60
"""Bases beside a gene's positions within which a record may still be about one of them."""
LONGEST = 1_000_000
"""Characters of a line that is no damage."""
LENGTHS = {
    "1": (248956422, 249250621), "6": (170805979, 171115067), "7": (159345973, 159138663), "10": (133797422, 135534747),
    "13": (114364328, 115169878), "16": (90338345, 90354753), "19": (58617616, 59128983), "22": (50818468, 51304566),
}  # fmt: skip
"""Chromosome -> its length in GRCh38 and in GRCh37."""
DAMAGED = 0.1
"""Share of records whose reference base may be another before the whole file is doubted (assumed): of a wrong build it is 3 in
4."""
RCRS = 16569
"""Length of the revised Cambridge sequence; hg19's chrM has 16,571 bases and other positions."""
_38 = re.compile(r"grch38|hg38|\bb38\b|hs38", re.IGNORECASE)
_OTHER = re.compile(r"grch37|hg19|\bb37\b|hs37|hg18|grch36|ncbi36|human_g1k_v37|t2t|chm13|hs1\b", re.IGNORECASE)
_ACCESSION = {"NC_000010.11": "10", "NC_000016.10": "16", "NC_000019.10": "19", "NC_000007.14": "7", "NC_000006.12": "6",
              "NC_000013.11": "13", "NC_012920.1": "M"}  # fmt: skip
_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that ends a file of bgzip."""


@dataclass(frozen=True)
class Sample:
    """What one sample's file tells of each gene: index of a position -> genotype, and what was remarked."""

    name: str
    read: Mapping[str, Mapping[int, Genotype]]
    findings: Mapping[str, Sequence[Finding]]


@dataclass
class _Header:
    words: list[str] = field(default_factory=list)
    lengths: dict[str, int] = field(default_factory=dict)
    samples: list[str] = field(default_factory=list)


def read_vcf(path: Path, sample: str | None = None) -> Sample:
    """The genotypes of one sample at the positions of the gene tables.

    ``sample``: its column, where there are several. Raises InputError naming file and line for a file that is no VCF of GRCh38,
    is damaged, whose reference bases are others, or that holds several samples of which none is named.
    """
    name = path.name
    wanted = [(g, gene(g)) for g in READ]
    near: dict[str, tuple[int, int]] = {}
    for _, of in wanted:
        low, high = min(p.at for p in of.positions) - MARGIN, max(p.at for p in of.positions) + MARGIN
        a, b = near.get(key := of.chromosome.removeprefix("chr"), (low, high))
        near[key] = (min(a, low), max(b, high))
    header, column, records = _Header(), -1, []
    for number, line in _lines(path):
        if line.startswith("#"):
            if column >= 0:
                raise InputError("a header line among the records", where=f"{name}:{number}", value=line[:60])
            if line.startswith("#CHROM"):
                column = _column(line, header, sample, name, number)
                _right_build(header, name)
            else:
                _meta(line, header, name, number)
            continue
        if column < 0:
            raise InputError("not a VCF: no #CHROM line before the first record", where=f"{name}:{number}", value=line[:60])
        if not line.strip():
            continue
        if (record := _record(line, near, column, name, number)) is not None:
            records.append(record)
    if column < 0:
        raise InputError("not a VCF: no #CHROM line", where=name, allowed="a VCF with genotypes (text, gzip or bgzip)")
    _said_build(header, records, name)
    mine = {n: [r for r in records if r.chromosome == of.chromosome.removeprefix("chr")] for n, of in wanted}
    both = [(of, r) for n, of in wanted for r in mine[n] if any(r.pos + k in of.bases for k in range(len(r.ref)))]
    _right_bases([(other_base(of, r), r.where) for of, r in both])
    read, findings = {}, {}
    for gene_name, of in wanted:
        read[gene_name], findings[gene_name] = sites(of, mine[gene_name])
    return Sample(header.samples[column - 9], read, findings)


# ------------------------------------------------------------------------------------------------------------ the file's lines


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines with their numbers. Raises InputError where the file cannot be read, is cut off or is no text."""
    try:
        with path.open("rb") as raw:
            yield from _text(raw, path.name)
    except OSError as error:
        if isinstance(error, gzip.BadGzipFile):
            raise InputError("the compressed file is damaged", where=path.name) from None
        raise InputError(f"cannot be read ({error.strerror or error})", where=path.name or str(path)) from None
    except (EOFError, zlib.error):
        raise InputError("the compressed file is cut off or damaged", where=path.name, remedy="copy it again") from None


def _text(raw: IO[bytes], name: str) -> Iterator[tuple[int, str]]:
    head = raw.read(4)
    packed = head[:2] == b"\x1f\x8b"
    if head == b"PK\x03\x04":
        raise InputError("a zip archive", where=name, allowed="a VCF as text, gzip or bgzip", remedy="unpack it")
    if packed and head[3] & 4:
        raw.seek(0, io.SEEK_END)
        size = raw.tell()
        raw.seek(max(0, size - len(_END)))
        if raw.read() != _END:
            raise InputError("the bgzip file is cut off: its end mark is missing", where=name, remedy="copy it again")
    raw.seek(0)
    stream: Any = gzip.GzipFile(fileobj=raw) if packed else raw
    number = 0
    while chunk := stream.readline(LONGEST):
        number += 1
        if number == 1 and (chunk[:5] == b"BCF\x02\x02" or chunk[:3] == b"BCF"):
            raise InputError("a BCF file", where=name, allowed="a VCF", remedy="bcftools view FILE.bcf -o FILE.vcf.gz -O z")
        if len(chunk) >= LONGEST:
            raise InputError("a line without an end", where=f"{name}:{number}", allowed=f"< {LONGEST} characters")
        try:
            yield number, chunk.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise InputError("not text", where=f"{name}:{number}", allowed="a VCF as text, gzip or bgzip") from None


def _meta(line: str, header: _Header, name: str, number: int) -> None:
    if number == 1 and not line.startswith("##fileformat=VCF"):
        raise InputError("not a VCF: it does not begin with ##fileformat=VCF", where=f"{name}:1", value=line[:40])
    if line.startswith("##contig="):
        key = re.search(r"ID=([^,>]+)", line)
        length = re.search(r"length=(\d+)", line)
        if key and length:
            header.lengths[chromosome(key[1])] = int(length[1])
        header.words += re.findall(r"assembly=\"?([^,\">]+)", line)
    elif line.lower().startswith(("##reference", "##assembly", "##genome")):
        header.words.append(line.partition("=")[2])


def chromosome(text: str) -> str:
    """``10`` of chr10, 10 or its RefSeq accession; ``M`` of MT, M, chrM, chrMT."""
    said = _ACCESSION.get(text, text)
    said = said[3:] if said.lower().startswith("chr") else said
    return "M" if said.upper() in ("M", "MT") else said


def _column(line: str, header: _Header, sample: str | None, name: str, number: int) -> int:
    cells = line.split("\t")
    header.samples = cells[9:]
    where = f"{name}:{number}"
    if cells[:8] != ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]:
        raise InputError("not the columns of a VCF, separated by tabs", where=where, value=line[:60])
    if not header.samples:
        raise InputError("the VCF has no genotypes", where=where, allowed="FORMAT and at least one sample")
    if len(set(header.samples)) < len(header.samples):
        raise InputError("two samples of one name", where=where, value=", ".join(header.samples)[:80])
    if sample is None and len(header.samples) > 1:
        raise InputError("several samples", where=where, value=len(header.samples), allowed=", ".join(header.samples)[:200],
                         remedy="name one with --sample")  # fmt: skip
    if sample is not None and sample not in header.samples:
        raise InputError("no such sample", where=f"{name} --sample", value=sample, allowed=", ".join(header.samples)[:200])
    return 9 + (0 if sample is None else header.samples.index(sample))


# ----------------------------------------------------------------------------------------------------------------- the build

_SEND = "send the VCF on GRCh38 (or lift it over, e.g. with Picard LiftoverVcf)"


def _right_build(header: _Header, name: str) -> None:
    """Refuse a header that says another build than GRCh38."""
    other = next((w for w in header.words if _OTHER.search(w) and not _38.search(w)), None)
    if other is not None:
        raise InputError("the genome build is not GRCh38", where=name, value=other[:80], allowed="GRCh38 (hg38)", remedy=_SEND)
    for key, length in header.lengths.items():
        if key in LENGTHS and length != LENGTHS[key][0]:
            what = "GRCh37 (hg19)" if length == LENGTHS[key][1] else "neither GRCh38 nor GRCh37"
            raise InputError("the genome build is not GRCh38: the length of a chromosome is another", where=name,
                             value=f"chromosome {key} of {length} bases, {what}", allowed=f"{LENGTHS[key][0]} bases",
                             remedy=_SEND)  # fmt: skip
        if key == "M" and length != RCRS:
            raise InputError("its mitochondrial DNA is not counted along the revised Cambridge sequence", where=name,
                             value=f"{length} bases", allowed=f"{RCRS} bases (NC_012920.1)", remedy=_SEND)  # fmt: skip


def _said_build(header: _Header, records: Sequence[Record], name: str) -> None:
    """Refuse a file that gives no sign of its build: neither words, nor lengths, nor rsIDs at their GRCh38 positions."""
    if any(_38.search(w) for w in header.words) or any(k in header.lengths for k in (*LENGTHS, "M")):
        return
    at = {p.label: p.at for g in READ for p in gene(g).positions}
    known = [r for r in records if r.id in at]
    moved = next((r for r in known if abs(r.pos - at[r.id]) > MARGIN), None)
    if moved is not None or (records and not known) or not records:
        raise InputError(
            "the genome build is not said", where=name,
            value=None if moved is None else f"{moved.id} at {moved.pos}, which is {at[moved.id]} in GRCh38",
            allowed="a header with ##reference=GRCh38, or ##contig lines with their lengths", remedy=_SEND,
        )  # fmt: skip


def _right_bases(compared: Sequence[tuple[tuple[str, str] | None, str]]) -> None:
    """Refuse a file of which more than ``DAMAGED`` of the reference bases are others: it is of another build or strand."""
    wrong = [(other, where) for other, where in compared if other is not None]
    if len(wrong) > DAMAGED * len(compared):
        (found, ours), where = wrong[0]
        raise InputError(f"the reference base is another ({len(wrong)} of {len(compared)} records): the file is of another "
                         f"genome "
                         "build, or of the other strand", where=where, value=found, allowed=ours,
                         remedy="send the VCF on GRCh38, forward strand")  # fmt: skip


# ----------------------------------------------------------------------------------------------------------------- a record


def _record(line: str, near: Mapping[str, tuple[int, int]], column: int, name: str, number: int) -> Record | None:
    """One line that may be about a position of a table; None for all others."""
    cells = line.split("\t")
    key = chromosome(cells[0])
    if key not in near:
        return None
    where = f"{name}:{number}"
    if len(cells) <= column or len(cells) < 8:
        raise InputError("a record with too few columns", where=where, value=len(cells), remedy="copy the file again")
    if not cells[1].isdecimal():
        raise InputError("POS is not a whole number", where=where, value=cells[1][:40])
    pos, ref = int(cells[1]), cells[3].upper()
    low, high = near[key]
    end = re.search(r"(?:^|;)END=(\d+)", cells[7])
    last = max(pos + len(ref) - 1, int(end[1]) if end else 0)
    if last < low or pos > high:
        return None
    if re.fullmatch("[ACGTN]+", ref) is None:
        raise InputError("REF is not bases", where=where, value=cells[3][:40], allowed="A, C, G, T, N")
    alts = tuple(a.upper() for a in cells[4].split(",") if a not in (".", ""))
    if bad := next((a for a in alts if re.fullmatch(r"[ACGTN]+|\*|<.*>|.*[\[\]].*", a) is None), None):
        raise InputError("ALT is not bases", where=where, value=bad[:40], allowed="A, C, G, T, N, * or a symbol")
    said = dict(zip(cells[8].split(":"), cells[column].split(":"), strict=False))
    return Record(key, pos, last, cells[2], ref, alts, cells[6], said, where)

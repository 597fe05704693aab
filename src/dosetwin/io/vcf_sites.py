"""From a VCF's records to the genotype at each position of a gene's table: trimmed, left-aligned, split, blocks opened.

A position is known where a record covers it and calls both copies. Everything else is missing, with its reason where there is
one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dosetwin.errors import Finding, InputError
from dosetwin.structure.genes.match import Genotype
from dosetwin.structure.genes.table import Gene, Position

LEAST_GQ = 20.0
"""Genotype quality (phred) below which a call is none: an error of 1 in 100 (assumed, the usual border)."""
SHOWS = 0.03
"""Share of mitochondrial reads from which an allele is there (assumed): below it lies the noise of sequencing."""

Atom = tuple[int, str, str]
"""One change in its shortest, left-most form: position, reference bases, alternate bases."""


@dataclass(frozen=True)
class Record:
    """One line of a VCF: 1-based ``pos`` to ``last``, the sample's fields in ``said``, ``where`` it stands."""

    chromosome: str
    pos: int
    last: int
    id: str
    ref: str
    alts: tuple[str, ...]
    filter: str
    said: Mapping[str, str]
    where: str


def sites(of: Gene, records: Sequence[Record]) -> tuple[dict[int, Genotype], list[Finding]]:
    """Genotypes at the positions of a gene (index -> genotype), and why others that were written are not known."""
    notes: list[Finding] = []
    good = []
    for r in records:
        if (other := other_base(of, r)) is None:
            good.append(r)
        else:
            notes.append(Finding("warning", "reference_differs", r.where, f"{of.name}: the reference base is another; the "
                                                                          f"record is "
                                 "not used", other[0], other[1], "ask the laboratory"))  # fmt: skip
    seen = [(r, _atoms(of, r)) for r in good]
    out: dict[int, Genotype] = {}
    for i, p in enumerate(of.positions):
        known = {atom: alt for alt in p.alts for atom in normalised(of, p.at, p.ref, alt)}
        about = [(r, atoms) for r, atoms in seen if _covers(p, r, atoms, known)]
        found = [(r, g) for r, atoms in about if (g := _genotype(of, p, r, atoms, known, notes)) is not None]
        if len(found) < len(about) and not found:
            continue
        merged = _merged(of, p, found, notes)
        if merged is not None:
            out[i] = merged
    return out, list(dict.fromkeys(notes))


def normalised(of: Gene, pos: int, ref: str, alt: str) -> tuple[Atom, ...]:
    """A change in its shortest, left-most form, several bases replaced by as many taken one by one; () where nothing changes.

    It is moved left as far as the table tells the reference's bases.
    """
    if ref == alt:
        return ()
    while (ref and alt and ref[-1] == alt[-1]) or not ref or not alt:
        if ref and alt and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        if not ref or not alt:
            before = of.bases.get(pos - 1)
            if before is None:
                break
            pos, ref, alt = pos - 1, before + ref, before + alt
    while len(ref) > 1 and len(alt) > 1 and ref[0] == alt[0]:
        pos, ref, alt = pos + 1, ref[1:], alt[1:]
    if len(ref) == len(alt):
        return tuple((pos + k, a, b) for k, (a, b) in enumerate(zip(ref, alt, strict=True)) if a != b)
    return ((pos, ref, alt),)


def _atoms(of: Gene, r: Record) -> tuple[tuple[Atom, ...] | None, ...]:
    """Changes of each allele of a record, the reference first (none); None for an allele that is a symbol."""
    plain = re.compile("[ACGTN]+")
    return ((), *(normalised(of, r.pos, r.ref, a) if plain.fullmatch(a) else None for a in r.alts))


def other_base(of: Gene, r: Record) -> tuple[str, str] | None:
    """The first reference base of a record that is another than the table's, and the table's; None where they agree."""
    for k, base in enumerate(r.ref):
        ours = of.bases.get(r.pos + k)
        if ours is not None and base not in (ours, "N"):
            return f"{base} at {of.chromosome}:{r.pos + k}", f"{ours} ({'rCRS' if of.mitochondrial else 'GRCh38'})"
    return None


Atoms = Sequence[tuple[Atom, ...] | None]
"""Changes of each allele of a record."""
Known = Mapping[Atom, str]
"""Changes that the table has at a position, each with the alternate it is."""


def _covers(p: Position, r: Record, atoms: Atoms, known: Known) -> bool:
    return r.pos <= p.at <= r.last or any(a in known for each in atoms if each for a in each)


def _genotype(of: Gene, p: Position, r: Record, atoms: Atoms, known: Known, notes: list[Finding]) -> Genotype | None:
    """What a record that covers a position says of it; None, with a finding, where it calls nothing that can be used."""

    def no(code: str, text: str, value: object = None) -> None:
        notes.append(Finding("warning", code, r.where, f"{of.name} {p.label}: {text}; the position counts as not read", value))

    if r.filter not in (".", "", "PASS"):
        return no("filtered", "the caller's filter rejects the record", r.filter[:40])
    gt = r.said.get("GT", ".")
    parts = re.split(r"[/|]", gt)
    if any(x != "." and not x.isdecimal() for x in parts):
        raise InputError("not a genotype", where=r.where, value=gt[:40], allowed="0/1, 1|1, ./.")
    if any(x != "." and int(x) >= len(atoms) for x in parts):
        raise InputError("a genotype of an allele that the record does not have", where=r.where, value=gt[:40],
                         allowed=f"0 to {len(atoms) - 1}")  # fmt: skip
    if all(x == "." for x in parts):
        return None
    low = next((f"{key} below {least:g}" for key, least in (("DP", 1.0), ("MIN_DP", 1.0), ("GQ", LEAST_GQ))
                if re.fullmatch(r"\d+(\.\d+)?", said := r.said.get(key, ".")) and float(said) < least), "")  # fmt: skip
    if of.mitochondrial:
        found = _haploid(p, r, parts, atoms, known)
        # a variant that is seen is a risk however well it was read; the reference is not
        return no("low_quality", low, gt) if low and found is not None and set(found.bases) == {p.ref} else found
    if "." in parts:
        return no("half_called", "only one copy is called", gt)
    if len(parts) != 2:
        return no("copies", f"{len(parts)} copies are called of a gene of two", gt)
    if low:
        return no("low_quality", low, gt)
    bases = [_base(p, atoms[int(x)], known) for x in parts]
    if None in bases:
        return no("symbol", "the allele is a symbol, not bases", ",".join(r.alts)[:40])
    block = None
    if "|" in gt:
        block = r.said.get("PS", "") or "whole"
    return Genotype(tuple(b for b in bases if b is not None), block)


def _haploid(p: Position, r: Record, parts: Sequence[str], atoms: Atoms, known: Known) -> Genotype | None:
    """Mitochondrial DNA: every allele that is called or that at least ``SHOWS`` of the reads have, with the share of the
    alternate."""
    called = {int(x) for x in parts if x != "."}
    shares = _shares(r, len(atoms))
    called |= {k for k, share in shares.items() if k and share >= SHOWS and atoms[k] is not None}
    bases = sorted({b for k in called if (b := _base(p, atoms[k], known)) is not None}, key=lambda b: (b != p.ref, b))
    if not bases:
        return None
    alternate = [share for k, share in shares.items() if k and _base(p, atoms[k], known) not in (None, p.ref)]
    return Genotype(tuple(bases), None, sum(alternate) if alternate else None)


def _shares(r: Record, alleles: int) -> dict[int, float]:
    """Share of the reads of each allele, from AF, else from AD."""
    af = r.said.get("AF", ".").split(",")
    if len(af) == alleles - 1 and all(re.fullmatch(r"\d*\.?\d+([eE]-?\d+)?", x) for x in af):
        return {k + 1: float(x) for k, x in enumerate(af)}
    ad = r.said.get("AD", ".").split(",")
    if len(ad) == alleles and all(x.isdecimal() for x in ad) and sum(map(int, ad)):
        return {k: int(x) / sum(map(int, ad)) for k, x in enumerate(ad)}
    return {}


def _base(p: Position, atoms: Sequence[Atom] | None, known: Known) -> str | None:
    """What a copy with these changes shows at a position; None where that cannot be said."""
    if atoms is None:
        return None
    for atom in atoms:
        if atom in known:
            return known[atom]
    for pos, ref, alt in atoms:
        if pos == p.at and (len(ref) != len(alt)) == p.indel:
            return alt if not p.indel else f"{ref}>{alt}"
        if not p.indel and len(ref) > len(alt) and pos < p.at < pos + len(ref):
            return "-"
    return p.ref


def _merged(of: Gene, p: Position, found: Sequence[tuple[Record, Genotype]], notes: list[Finding]) -> Genotype | None:
    """One genotype of all records that speak of a position: alternates of one site may stand in several lines."""
    calls = list(dict.fromkeys(g for _, g in found))
    plain = (p.ref,) * 2
    if of.mitochondrial:
        bases = {b for g in calls for b in g.bases}
        seen = [g.share for g in calls if g.share is not None and set(g.bases) != {p.ref}]
        first = any(set(g.bases) == {p.ref} for g in calls) and len(bases) > 1
        if first and all(g.share is None for g in calls):
            bases -= {p.ref}  # a block of the reference beside a called variant
        return Genotype(tuple(sorted(bases, key=lambda b: (b != p.ref, b))), None, max(seen, default=None)) if bases else None
    other = [g for g in calls if g.bases != plain]
    if len({tuple(sorted(g.bases)) for g in other}) <= 1:
        if len({r.alts for r, g in found if r.alts and p.at == r.pos}) == 1 and other and len(other) < len(calls):
            rows = [r.where for r, g in found if r.alts]
            if len(rows) > 1:
                return _against(of, p, rows, notes)
        return other[0] if other else calls[0] if calls else None
    spoken = [b for g in other for b in g.bases if b != p.ref]
    if len(spoken) > 2 or len(set(spoken)) < len(spoken):
        return _against(of, p, [r.where for r, _ in found], notes)
    slots = [tuple(next((g.bases[k] for g in other if g.bases[k] != p.ref), p.ref) for k in (0, 1))]
    if all(g.block for g in other) and sum(b != p.ref for b in slots[0]) == 2:
        return Genotype(slots[0], other[0].block)
    return Genotype((spoken[0], spoken[1]), None)


def _against(of: Gene, p: Position, rows: Sequence[str], notes: list[Finding]) -> None:
    notes.append(Finding("warning", "records_contradict", of.name, f"{p.label}: records of one site say different things; the "
                         "position counts as not read", ", ".join(rows)[:120]))  # fmt: skip

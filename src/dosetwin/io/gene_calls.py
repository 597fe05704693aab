"""What other programs called (a tab-separated file as PharmCAT reads it), put beside what a VCF says; contradictions are refused.

Columns: gene, diplotype or allele, phenotype, activity score; any of the last three may be empty, not all.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from dosetwin.errors import Finding, InputError
from dosetwin.io.text import number, read_text
from dosetwin.io.vcf import READ, read_vcf
from dosetwin.structure.genes import GENES, GeneCall, called, gene, told
from dosetwin.structure.genes.call import Meaning, by_score, copies, meaning, told_mitochondrial
from dosetwin.structure.genes.table import HLA
from dosetwin.structure.genes.traits import step

HLA_RISKS = {"HLA-A": ("31:01",), "HLA-B": ("15:02", "57:01", "58:01")}
"""Alleles that drugs here ask for, by gene."""
PLACES = ("line", "column 2", "column 3", "column 4")


@dataclass(frozen=True)
class Outside:
    """One line of calls: the gene, and what was written of it; "" for nothing."""

    gene: str
    diplotype: str
    phenotype: str
    activity: str
    where: str


def read_outside(path: Path) -> tuple[Outside, ...]:
    """The lines of a file of calls. Raises InputError naming every line that cannot be read, and a gene that stands twice."""
    found: dict[str, Outside] = {}
    wrong: list[InputError] = []
    for k, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        where = f"{path.name}:{k}"
        cells = [c.strip() for c in line.split("\t")]
        if len(cells) < 2 or len(cells) > 4 or not any(cells[1:]):
            wrong.append(InputError("not a call", where=where, value=line[:60],
                                    allowed="gene, diplotype, phenotype, activity score, separated by tabs"))  # fmt: skip
            continue
        name, *rest = (*cells, "", "", "")[:4]
        if name in found:
            wrong.append(InputError("a gene that was called before", where=where, value=name, allowed="one line for a gene"))
            continue
        found[name] = Outside(name, *rest, where)  # type: ignore[arg-type]
    if wrong:
        first = wrong[0]
        raise InputError(first.message, where=first.where, value=first.value, allowed=first.allowed, others=wrong[1:])
    return tuple(found.values())


def genes_of(vcf: Path | None, outside: Path | None = None, sample: str | None = None) -> dict[str, GeneCall]:
    """Every gene that is answered, from a VCF and from the calls of other programs.

    Raises InputError for files that cannot be read and for alleles, phenotypes or scores that do not exist. What the two say
    differently of one gene is no error of either: that gene is not answered, with a finding.
    """
    calls = {
        name: GeneCall(name, missing=() if name not in READ else tuple(p.label for p in gene(name).positions)) for name in GENES
    }
    if vcf is not None:
        sample_ = read_vcf(vcf, sample)
        calls |= {name: called(name, read, sample_.findings[name]) for name, read in sample_.read.items()}
    for line in () if outside is None else read_outside(outside):
        if line.gene not in GENES:
            continue
        theirs = understood(line)
        ours = calls[line.gene]
        calls[line.gene] = theirs if not ours.source else together(ours, theirs, line.where)
    return calls


def others(outside: Path | None) -> tuple[str, ...]:
    """Genes of a file of calls that nothing here asks for."""
    return () if outside is None else tuple(line.gene for line in read_outside(outside) if line.gene not in GENES)


def understood(line: Outside, source: str = "outside") -> GeneCall:
    """One line as a gene's answer. Raises InputError for what does not exist."""
    if line.gene in HLA:
        return _hla(line, source)
    if line.gene == "MT-RNR1":
        return _mitochondrial(line, source)
    of = gene(line.gene)
    out = GeneCall(line.gene, source=source)
    score = None
    if line.activity:
        score = _score(line)
    if line.diplotype:
        out = _diplotype(line, source)
    said = phenotype(line.phenotype, line.gene, line.where) if line.phenotype else None
    if line.phenotype or line.activity:
        out = _beside(of.name, out, said, score, line)
    return out


# ------------------------------------------------------------------------------------------------------------------ diplotypes


def _diplotype(line: Outside, source: str) -> GeneCall:
    of = gene(line.gene)
    names = [n.strip() for n in line.diplotype.split("/")]
    if len(names) != 2:
        raise InputError("not a diplotype", where=line.where, value=line.diplotype, allowed="two alleles, as *1/*2")
    plain, many = [], False
    for text in names:
        found = _allele(of.name, text, line.where)
        many |= isinstance(found, Meaning)
        plain.append(found)
    if not many:
        return told(of.name, plain[0], plain[1], source)
    parts = [p if isinstance(p, Meaning) else Meaning(None, of.alleles[p].activity) for p in plain]
    score = None if any(p.activity is None for p in parts) else sum(p.activity for p in parts)  # type: ignore[misc]
    whole = "/".join(names)
    means = Meaning(by_score(score), score)
    notes = () if score is not None else (Finding("warning", "function_unknown", of.name, "CPIC has no settled function for this "
                                                  "number of copies", whole, "", "nothing is concluded from it"),)  # fmt: skip
    traits = {} if score is None else {"CYP2D6_AS": score}
    return GeneCall(of.name, (whole,), means.phenotype, score, (), source, {whole: means}, (), (), traits, notes)


def _allele(name: str, text: str, where: str) -> "str | Meaning":
    """An allele of the table by its name, or what several copies of CYP2D6 on one chromosome do. Raises InputError."""
    of = gene(name)
    said = re.sub(rf"^{re.escape(name)}\s*", "", text)
    if name == "VKORC1":
        said = {"C": "rs9923231 reference (C)", "T": "rs9923231 variant (T)", "-1639G": "rs9923231 reference (C)",
                "-1639A": "rs9923231 variant (T)", "G": "rs9923231 reference (C)",
                "A": "rs9923231 variant (T)"}.get(said, said)  # fmt: skip
    if said in of.alleles:
        return said
    if name == "CYP2D6":
        said = re.sub(r"(\*\d+)\.\d+", r"\1", said)
        if said in of.alleles:
            return said
        parts = [copies(p.strip()) for p in said.strip("[]").split("+")]
        if all(star in of.alleles for star, _ in parts):
            values = [None if n is None or of.alleles[star].activity is None else n * of.alleles[star].activity  # type: ignore[operator]
                      for star, n in parts]  # fmt: skip
            return Meaning(None, None if None in values else sum(values))  # type: ignore[arg-type]
    raise InputError(f"no such allele of {name}", where=where, value=text[:60],
                     allowed=f"alleles of {of.source}, version {of.version}: {', '.join(list(of.alleles)[:4])} ...",
                     remedy="correct the call, or ask the laboratory for the allele's present name")  # fmt: skip


def _mitochondrial(line: Outside, source: str) -> GeneCall:
    of = gene("MT-RNR1")
    if line.diplotype:
        said = line.diplotype.removeprefix("MT-RNR1").strip()
        said = said if said.startswith("m.") or said == of.reference else f"m.{said}"
        name = next((n for n in of.alleles if n.lower() == said.lower()), None)
        if name is None:
            raise InputError("no such allele of MT-RNR1", where=line.where, value=line.diplotype[:60],
                             allowed=", ".join(of.alleles), remedy="one variant, as m.1555A>G, or Reference")  # fmt: skip
        return told_mitochondrial(name, source)
    words = line.phenotype.lower().split()
    steps = {"normal": 0.0, "uncertain": 1.0, "increased": 2.0}
    if not words or words[0] not in steps:
        raise InputError("no such phenotype of MT-RNR1", where=line.where, value=line.phenotype,
                         allowed="normal, uncertain or increased risk of aminoglycoside-induced hearing loss")  # fmt: skip
    whole = f"{words[0]} risk of aminoglycoside-induced hearing loss"
    return GeneCall("MT-RNR1", (), whole, source=source, traits={"MT_RNR1": steps[words[0]]})


def _hla(line: Outside, source: str) -> GeneCall:
    """HLA by typing: two fields count; a group (one field) of an allele that is asked for leaves that one open."""
    traits: dict[str, float] = {}
    notes: list[Finding] = []
    if m := re.fullmatch(r"(?:HLA-[AB])?\s*\*?(\d+:\d+)\s+(positive|negative)", line.phenotype, re.IGNORECASE):
        for key in HLA_RISKS[line.gene]:
            if key == m[1]:
                traits[_trait(line.gene, key)] = float(m[2].lower() == "positive")
        return GeneCall(line.gene, (), f"*{m[1]} {m[2].lower()}", source=source, traits=traits)
    text = line.diplotype
    if not text:
        raise InputError(f"not a call of {line.gene}", where=line.where, value=line.phenotype or line.activity,
                         allowed="*15:02/*57:01, or *15:02 positive in the third column")  # fmt: skip
    names = []
    for part in text.split("/"):
        found = re.fullmatch(rf"(?:{line.gene})?\s*\*?(\d+)(?::(\d+))?((?::\d+)*[A-Z]?)", part.strip())
        if found is None or len(text.split("/")) > 2:
            raise InputError(f"no such allele of {line.gene}", where=line.where, value=part[:40], allowed="as *15:02")
        names.append((found[1], found[2]))
    for key in HLA_RISKS[line.gene]:
        group, field = key.split(":")
        sure = float(sum(n == (group, field) for n in names))
        vague = any(n == (group, None) for n in names)
        if (len(names) == 2 and not vague) or sure:
            traits[_trait(line.gene, key)] = sure
        if vague:
            notes.append(Finding("warning", "low_resolution", line.where, f"a group of alleles, of which *{key} is one: it is "
                                                                          f"neither "
                                 "found nor excluded", text, "two fields, as *15:02", "ask for typing of high "
                                                                                      "resolution"))  # fmt: skip
    whole = "/".join(f"*{a}" + (f":{b}" if b else "") for a, b in names)
    said = ", ".join(f"*{key} {'positive' if traits[_trait(line.gene, key)] else 'negative'}" for key in HLA_RISKS[line.gene]
                     if _trait(line.gene, key) in traits)  # fmt: skip
    return GeneCall(line.gene, (whole,), said or None, source=source, traits=traits, findings=tuple(notes))


def _trait(name: str, allele: str) -> str:
    return f"{name.replace('-', '_')}_{allele.replace(':', '')}"


# ----------------------------------------------------------------------------------------------- phenotypes and scores as told


_SHORT = {"PM": "Poor", "IM": "Intermediate", "NM": "Normal", "EM": "Normal", "RM": "Rapid", "UM": "Ultrarapid"}


def phenotype(text: str, name: str, where: str) -> str:
    """CPIC's word for a phenotype however it is spelt. Raises InputError."""
    of = gene(name)
    known = set(of.phenotypes.values())
    if name == "CYP2D6":
        known = {*(f"{word} Metabolizer" for word in ("Poor", "Intermediate", "Normal", "Ultrarapid")), "Indeterminate"}
    if text in known:
        return text
    said = re.sub(r"metaboli[sz]ers?", "metabolizer", text.lower()).replace("extensive", "normal")
    for word in sorted(known, key=len, reverse=True):  # "likely poor" before "poor", words between them or not
        if set(word.lower().split()) <= set(said.split()) or word.lower() in said:
            return word
    if (short := _SHORT.get(text.strip().upper())) and f"{short} Metabolizer" in known:
        return f"{short} Metabolizer"
    raise InputError(f"no such phenotype of {name}", where=where, value=text[:60], allowed=", ".join(sorted(known)) or "none")


def _score(line: Outside) -> float:
    of = gene(line.gene)
    value = number(re.sub(r"^(≥|>=)\s*", "", line.activity))
    if not of.score:
        raise InputError(f"{line.gene} has no activity score", where=line.where, value=line.activity)
    if value is None or value < 0 or value > 20 or not (value * 4).is_integer():
        raise InputError("no such activity score", where=line.where, value=line.activity, allowed="a multiple of 0.25, 0 to 20")
    return value


def _beside(name: str, out: GeneCall, said: str | None, score: float | None, line: Outside) -> GeneCall:
    """A phenotype or score told beside a diplotype, or alone; refused where they do not go together."""
    of = gene(name)
    own = said
    if score is not None:
        pairs = (((a.name, b.name), a.activity + b.activity) for a in of.alleles.values() for b in of.alleles.values()
                 if a.activity is not None and b.activity is not None)  # fmt: skip
        by = by_score(score) if name == "CYP2D6" else next((meaning(of, p).phenotype for p, s in pairs if s == score), None)
        if by is None:
            raise InputError(f"no such activity score of {name}", where=line.where, value=line.activity)
        if said is not None and said != by:
            return _refused(name, line.where, f"activity score {score:g} is {by}, not {said}")
        own = by
    if out.diplotypes:
        if (own and out.phenotype and own != out.phenotype) or (score is not None and out.activity not in (None, score)):
            what = " ".join(x for x in (said, "" if score is None else f"score {score:g}") if x)
            return _refused(name, line.where, f"{out.diplotypes[0]} is {out.phenotype}, not {what}")
        return out
    traits: dict[str, float] = {}
    if name in ("CYP2C9", "CYP2D6") and score is not None:
        traits[f"{name}_AS"] = score
    elif name in ("CYP2C19", "TPMT", "NUDT15") and (value := step(own)) is not None:
        traits[name] = value
    elif name == "CYP3A5" and (value := step(own)) is not None and not str(own).startswith("Possible"):
        traits["CYP3A5_1"] = value
    elif name == "VKORC1" and own:
        traits["VKORC1_A"] = float(own.split()[-1].count("A"))
    return replace(out, phenotype=own, activity=score, traits=traits)


def _refused(name: str, where: str, text: str) -> GeneCall:
    note = Finding("error", "call_contradicts_itself", where, f"{name}: {text}; the gene is not answered", None, "",
                   "ask the laboratory which holds")  # fmt: skip
    return GeneCall(name, source="outside", findings=(note,))


def together(ours: GeneCall, theirs: GeneCall, where: str) -> GeneCall:
    """A VCF's answer and another program's of one gene: theirs where they agree (it may know copies), neither where not."""
    notes = (*ours.findings, *theirs.findings)
    if any(f.severity == "error" for f in theirs.findings) or not (theirs.diplotypes or theirs.phenotype):
        return replace(theirs, findings=notes)
    may = set(ours.possible or ours.diplotypes)
    if theirs.diplotypes:
        agree = not may or bool(set(theirs.diplotypes) & may) or _only_open(ours, theirs)
    else:
        agree = ours.phenotype is None or theirs.phenotype is None or theirs.phenotype in ours.phenotype.split(" or ")
    if agree:
        return replace(theirs, missing=ours.missing, findings=(*ours.findings, *theirs.findings))
    told_ = theirs.diplotypes[0] if theirs.diplotypes else str(theirs.phenotype)
    read = " or ".join(ours.diplotypes) or str(ours.phenotype)
    note = Finding("error", "genes_contradict", where, f"{ours.gene}: the file of calls says {told_}, the VCF says {read}; the "
                                                       f"gene is "
                   "not answered", told_, read, "find out whose sample it is, and which holds")  # fmt: skip
    return GeneCall(ours.gene, missing=ours.missing, findings=(*notes, note))


def _only_open(ours: GeneCall, theirs: GeneCall) -> bool:
    """Whether a told diplotype differs from one that was read only by alleles that reading did not exclude."""
    told_ = theirs.diplotypes[0].split("/")
    return any(all(t == o or t in ours.open for t, o in zip(told_, pair, strict=False)) for d in ours.diplotypes
               for pair in (d.split("/"), d.split("/")[::-1]))  # fmt: skip


def traits_of(calls: Mapping[str, GeneCall]) -> dict[str, float]:
    """Traits of every gene that is known, by the name of their quantity."""
    return {name: value for call in calls.values() for name, value in (call.traits or {}).items()}


def remarks(calls: Mapping[str, GeneCall]) -> Iterator[Finding]:
    """What is to be said of all genes that are answered or refused."""
    for call in calls.values():
        yield from call.findings

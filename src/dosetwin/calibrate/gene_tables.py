"""How the tables of ``structure/genes`` were made: CPIC's allele definitions and functions, packed small.

    python -m dosetwin.calibrate.gene_tables DEFINITIONS PHENOTYPES OUT [CYP2D6.csv]

``DEFINITIONS`` holds ``GENE.json`` or ``GENE_translation.json``, ``PHENOTYPES`` ``GENE.json``, both as PharmCAT carries CPIC's
data. Thousands of diplotypes become one line for each pair of functions; where a pair of functions had two phenotypes, it stops.
"""

import csv
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dosetwin.errors import InputError

DATA = "CPIC and PharmVar, as packed by ClinPGx in PharmCAT 5431bf11"
LICENCE = "CC0 1.0 (CPIC data, cpicpgx.org)"
TIER_1 = "Association for Molecular Pathology, tier 1: the alleles every test must look for (J Mol Diagn; recalled)"

CORE: Mapping[str, tuple[str, ...]] = {
    "CYP2C9": ("rs1799853", "rs1057910", "rs28371686", "rs9332131", "rs7900194", "rs28371685"),
    "CYP2C19": ("rs4244285", "rs4986893", "rs12248560"),
    "CYP3A5": ("rs776746", "rs10264272", "rs41303343"),
    "CYP4F2": ("rs2108622",),
    "NUDT15": ("rs116855232",),
    "TPMT": ("rs1800462", "rs1800460", "rs1142345"),
    "VKORC1": ("rs9923231",),
}
"""Positions without which nothing is concluded: those of the alleles *2 *3 *5 *6 *8 *11, *2 *3 *17, *3 *6 *7, *3, *3, *2 *3A *3B
*3C."""
MT_CORE = ("m.1095T>C", "m.1494C>T", "m.1555A>G")
"""The three variants of MT-RNR1 that CPIC calls a risk."""
RUN = (955, "ACCCCCTCCCC")
"""Bases of the revised Cambridge sequence (NC_012920.1) from 955 on, where MT-RNR1 has its deletions."""


def table(gene: str, definition: Mapping[str, Any] | None, phenotype: Mapping[str, Any] | None) -> dict[str, Any]:
    """The packed table of one gene. Raises InputError where the sources do not fit together."""
    known = {a["name"]: a for a in (phenotype or {}).get("namedAlleles", ())}
    if gene == "MT-RNR1":
        assert phenotype is not None
        return _mitochondrial(known, phenotype["version"])
    assert definition is not None
    positions = [
        [v["position"], v["rsid"] or "", v["ref"], ",".join(v["alts"])]
        + ([v["chromosomeHgvsName"]] if len(v["ref"]) > 1 or any(len(a) > 1 for a in v["alts"]) else [])
        for v in definition["variants"]
    ]
    alleles = {}
    for a in definition["namedAlleles"]:
        at = {} if a["reference"] else {str(i): base for i, base in enumerate(a["alleles"]) if base}
        function = known.get(a["name"], {})
        alleles[a["name"]] = [function.get("functionValue", ""), _number(function.get("activityValue")), at]
    return {
        "gene": gene, "chromosome": definition["chromosome"], "build": "GRCh38", "sequence": definition["refSeqChromosomeId"],
        "version": definition["version"], "source": DATA, "licence": LICENCE,
        "reference": next(a["name"] for a in definition["namedAlleles"] if a["reference"]),
        "core": list(CORE[gene]), "core_source": TIER_1, "positions": positions, "alleles": alleles,
        "phenotypes": {} if phenotype is None else _phenotypes(gene, phenotype, known),
    }  # fmt: skip


def _number(text: str | None) -> float | None:
    return None if text in (None, "n/a", "N/A") else float(text)


def _phenotypes(gene: str, phenotype: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    """Phenotype by the pair of functions, ``Normal function + No function``."""
    out: dict[str, str] = {}
    for d in phenotype["diplotypes"]:
        pair = " + ".join(sorted(known[name]["functionValue"] for name, n in d["diplotypekey"].items() for _ in range(n)))
        if out.setdefault(pair, d["phenotype"]) != d["phenotype"]:
            raise InputError("two phenotypes for one pair of functions", where=gene, value=pair)
    return out


def _mitochondrial(known: Mapping[str, Any], version: str) -> dict[str, Any]:
    """MT-RNR1, whose alleles are named by what they change: the position is in the name."""
    positions: list[list[Any]] = []
    alleles: dict[str, Any] = {}
    first, run = RUN
    for name, a in known.items():
        at: dict[str, str] = {}
        if found := re.fullmatch(r"m\.(\d+)([ACGT])>([ACGT]|del)", name):
            position, ref, alt = int(found[1]), found[2], found[3]
            if alt == "del":
                k = position - first
                while run[k - 1] == ref:
                    k -= 1
                position, ref, alt = first + k - 1, run[k - 1 : k + 1], run[k - 1]
            row = next((p for p in positions if p[0] == position and p[2] == ref), None)
            if row is None:
                row = [position, name, ref, alt, *([name] if len(ref) > 1 else [])]
                positions.append(row)
            else:
                row[3] += f",{alt}"
            at = {f"{position}{ref}": alt}
        elif name not in ("Reference", "m.961T>del+Cn"):
            raise InputError("an allele whose name says no position", where="MT-RNR1", value=name)
        alleles[name] = [a["functionValue"], None, at]
    positions.sort(key=lambda p: p[0])
    index = {f"{p[0]}{p[2]}": str(i) for i, p in enumerate(positions)}
    for row in alleles.values():
        row[2] = {index[key]: base for key, base in row[2].items()}
    return {
        "gene": "MT-RNR1", "chromosome": "chrM", "build": "rCRS", "sequence": "NC_012920.1", "version": version, "source": DATA,
        "licence": LICENCE, "reference": "Reference", "core": list(MT_CORE),
        "core_source": "the variants CPIC calls a risk (McDermott 2022)", "positions": positions, "alleles": alleles,
        "phenotypes": {a["functionValue"]: a["functionValue"][0].lower() + a["functionValue"][1:] for a in known.values()},
    }  # fmt: skip


def outside_only(rows: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """CYP2D6, called by other programs: the functions and activity values of its alleles."""
    mine = [r for r in rows if r["Gene"] == "CYP2D6"]
    alleles = {r["StarAllele"]: [r["Function"].capitalize(), _number(r["ActivityScore"]), {}] for r in mine}
    return {
        "gene": "CYP2D6", "chromosome": "chr22", "build": "GRCh38", "sequence": "NC_000022.11", "version": "pypgx 0.27.0",
        "source": "CPIC allele functions, as packed in pypgx 0.27.0 (MIT)", "licence": LICENCE, "reference": "*1", "core": [],
        "core_source": "", "positions": [], "alleles": alleles, "phenotypes": {},
    }  # fmt: skip


def written(made: Mapping[str, Any]) -> str:
    """A table as text, one line for each position and allele."""
    lines = []
    for key, value in made.items():
        if isinstance(value, list | dict) and value and key != "core":
            rows = [json.dumps(v) for v in value] if isinstance(value, list) else [
                f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]  # fmt: skip
            a, b = "[]" if isinstance(value, list) else "{}"
            body = ",\n  ".join(rows)
            lines.append(f"{json.dumps(key)}: {a}\n  {body}\n {b}")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(value)}")
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def main(args: Sequence[str]) -> None:
    """Write every table that the folders hold."""
    definitions, phenotypes, out = (Path(a) for a in args[:3])
    for gene in (*CORE, "MT-RNR1"):
        file = gene.replace("-", "_")
        where = next((p for p in (definitions / f"{file}.json", definitions / f"{file}_translation.json") if p.is_file()), None)
        means = phenotypes / f"{file}.json"
        if where is None and gene != "MT-RNR1":
            continue
        made = table(gene, where and json.loads(where.read_text()), json.loads(means.read_text()) if means.is_file() else None)
        (out / f"{file}.json").write_text(written(made))
    if len(args) > 3:
        with open(args[3], newline="") as file_:
            (out / "CYP2D6.json").write_text(written(outside_only(list(csv.DictReader(file_)))))


if __name__ == "__main__":
    main(sys.argv[1:])

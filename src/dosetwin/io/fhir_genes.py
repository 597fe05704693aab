"""What a FHIR Observation of the genomics reporting guide says of a gene: a genotype, or its effect on a drug's metabolism.

A genotype is LOINC 84413-4 with the gene in a component (48018-6); a phenotype stands in a therapeutic implication that is
derived from a genotype or names the gene itself. HGNC's numbers are read beside the name; two of them in the guide's examples,
the others recalled.
"""

import re
from typing import Any

from dosetwin.errors import InputError
from dosetwin.io import codes
from dosetwin.io.fhir_facts import Facts, understood
from dosetwin.io.fhir_parts import coded, label
from dosetwin.io.fhir_refs import Entry, same
from dosetwin.io.gene_calls import Outside
from dosetwin.io.gene_calls import understood as meant
from dosetwin.quantities.genes import EFFECT, GENE_STUDIED, GENOTYPE
from dosetwin.structure.genes import GENES

IMPLICATION = "therapeutic-implication"
HGNC = {
    "2621": "CYP2C19", "2625": "CYP2D6", "2623": "CYP2C9", "23663": "VKORC1", "2645": "CYP4F2", "2638": "CYP3A5", "12014": "TPMT",
    "23063": "NUDT15", "4931": "HLA-A", "4932": "HLA-B", "7470": "MT-RNR1",
}  # fmt: skip
USABLE = {"final", "amended", "corrected"}


def read_gene(e: Entry, facts: Facts) -> bool:
    """Read what an observation says of a gene into the patient's traits; False where it is about none.

    What does not exist, what is preliminary or whose gene nobody names is a finding, and no trait.
    """
    o = e.body
    genotype = _is(o, GENOTYPE)
    effects = [c for c in o.component or [] if _is(c, EFFECT) or any(x.code == IMPLICATION for x in coded(c.code))]
    if not genotype and not effects and not _is(o, EFFECT):
        return False
    if not understood(e, e.record, "a gene", facts.notes, "warning"):
        return True
    gene = gene_of(o) or next((g for g in (gene_of(x.body) for x in _derived(e, facts)) if g), "")
    if not gene:
        facts.unread["genes that are not asked for"] += 1
        return True
    if o.status not in USABLE:
        facts.notes.add("warning", "status", e.record, f"a result of {gene} with this status is not used", o.status,
                        ", ".join(sorted(USABLE)))  # fmt: skip
        return True
    for said in [o] if genotype or not effects else effects:
        text = _said(said)
        if not text:
            facts.notes.add("warning", "value_missing", e.record, f"no value for {gene}; the record is not used")
            continue
        text = re.sub(rf"^{re.escape(gene)}[ _]*", "", text)
        line = Outside(gene, text if genotype else "", "" if genotype else text, "", e.record)
        try:
            call = meant(line, "fhir")
        except InputError as error:
            facts.notes.add("warning", "gene_not_understood", e.record, f"{error.message}; the record is not used", error.value,
                            error.allowed, error.remedy)  # fmt: skip
            continue
        facts.notes.found.extend(call.findings)
        for name, value in (call.traits or {}).items():
            _trait(name, value, e.record, facts)
    return True


def gene_of(o: Any) -> str:
    """The gene an observation names: in its component, else as the beginning of its value; "" for none that is answered."""
    for c in o.component or []:
        if _is(c, GENE_STUDIED):
            texts = [*(x for x in (_said(c),) if x), *(k.code for k in coded(c.valueCodeableConcept) if c.valueCodeableConcept)]
            named = [HGNC.get(t.removeprefix("HGNC:"), t) for t in texts]
            return next((g for g in named if g in GENES), "")
    return next((g for g in GENES if re.match(rf"{re.escape(g)}(?![0-9A-Za-z])", _said(o))), "")


def _is(part: Any, loinc: str) -> bool:
    return any(c.code == loinc and codes.system(c.system) == codes.LOINC_SYSTEM for c in coded(part.code))


def _said(part: Any) -> str:
    """The value in words: a coding's display, its code or the text."""
    held = part.valueCodeableConcept
    if held is None:
        return str(part.valueString or "").strip()
    return next((t.strip() for c in coded(held) for t in (c.text, c.code) if t), "") or label(held)


def _derived(e: Entry, facts: Facts) -> list[Entry]:
    wanted = [str(r.reference or "") for r in e.body.derivedFrom or []]
    return [x for x in facts.entries if x.kind == "Observation" and any(same(w, x, e) for w in wanted)]


def _trait(name: str, value: float, record: str, facts: Facts) -> None:
    if name in facts.fixed and facts.fixed[name] != value:
        facts.notes.add("error", "conflicting_values", record, f"{name} differs from an earlier record", value,
                        f"{facts.fixed[name]:g}", "find out whose sample it is, and which holds")  # fmt: skip
    facts.fixed.setdefault(name, value)

"""``dosetwin genes``: star alleles and phenotypes from a VCF and from other programs' calls, what was not read, what follows."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dosetwin.cli.common import naming, print_json, show_findings, terminal
from dosetwin.cli.options import Json
from dosetwin.errors import Finding, InputError

if TYPE_CHECKING:
    from rich.console import Console

    from dosetwin.records import Patient, Timeline
    from dosetwin.structure.genes import GeneCall

Outside = Annotated[
    Path | None,
    typer.Option("--outside", metavar="CALLS.tsv", help="Calls of other programs (CYP2D6, HLA): gene, diplotype, phenotype, "
                 "activity score, separated by tabs."),
]  # fmt: skip
SampleName = Annotated[str | None, typer.Option("--sample", metavar="NAME", help="Which sample, where a VCF holds several.")]


def genes(
    vcf: Annotated[Path, typer.Argument(metavar="FILE.vcf", help="A VCF on GRCh38, also gzipped, reference calls included.")],
    outside: Outside = None,
    sample: SampleName = None,
    as_json: Json = False,
) -> None:
    """Star alleles, phenotypes and CPIC's recommendations; exit code 3 where two sources contradict each other."""
    from dosetwin.formulary import recommendations
    from dosetwin.io.gene_calls import genes_of, others

    with naming(vcf):
        calls = genes_of(vcf, outside, sample)
    unused = others(outside)
    told = {name: [r.to_json() for r in recommendations(call.traits or {}, name)] for name, call in calls.items()}
    if as_json:
        print_json({name: call.to_json() | {"recommendations": told[name]} for name, call in calls.items()})
    else:
        _show(calls, told, terminal())
    if unused:
        note = Finding(
            "info", "genes_not_used", outside.name if outside else "", "genes that no drug here asks for", ", ".join(unused)
        )
        show_findings(terminal(error=True), [note])
    refused = any(f.severity == "error" for call in calls.values() for f in call.findings)
    raise typer.Exit(3 if refused else 0)


def with_genes(timeline: "Timeline", vcf: Path | None, outside: Path | None = None, sample: str | None = None) -> "Timeline":
    """The facts with the traits and remarks that genotypes tell.

    Raises InputError where the case says another genotype, or where sources contradict each other.
    """
    from dosetwin.io.gene_calls import genes_of, remarks, traits_of

    if vcf is None and outside is None:
        if sample is not None:
            raise InputError("a sample without a VCF", where="--sample", value=sample, remedy="name the VCF with --genes")
        return timeline
    with naming(vcf or outside or Path()):
        calls = genes_of(vcf, outside, sample)
    where = (vcf or outside or Path()).name
    known = {c.name: c.value for c in timeline.covariates} | dict(timeline.patient.traits)
    traits = traits_of(calls)
    for name, value in traits.items():
        if name in known and known[name] != value:
            raise InputError(f"the case and the genotypes say different things of {name}", where=where, value=value,
                             allowed=f"{known[name]} (the case)", remedy="find out whose sample it is, and which "
                                                                         "holds")  # fmt: skip
    noted = [f for f in remarks(calls) if f.severity != "info"]
    return replace(timeline, patient=replace_traits(timeline.patient, traits), findings=(*timeline.findings, *noted))


def replace_traits(patient: "Patient", traits: "Mapping[str, float]") -> "Patient":
    """The patient with these traits beside the others."""
    from dosetwin.records import Patient

    return Patient(patient.id, birth=patient.birth, synthetic=patient.synthetic, label=patient.label, held=patient.held,
                   traits=traits)  # fmt: skip


def _show(calls: "dict[str, GeneCall]", told: dict[str, list[dict[str, Any]]], console: "Console") -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("gene", "diplotypes", "phenotype", "activity", "not read", "from"):
        table.add_column(title, overflow="fold")
    for name, call in calls.items():
        of = "-" if call.phenotype is None else call.phenotype
        if call.phenotype is None and call.possible:
            of = "not concluded; possible: " + ", ".join(call.possible[:4]) + (" ..." if len(call.possible) > 4 else "")
        lost = ", ".join(call.missing[:3]) + (f" and {len(call.missing) - 3} more" if len(call.missing) > 3 else "")
        table.add_row(name, " or ".join(call.diplotypes) or "-", of, "-" if call.activity is None else f"{call.activity:g}",
                      lost or "-", call.source or "nowhere")  # fmt: skip
    console.print(table)
    findings = [f for call in calls.values() for f in call.findings]
    if findings:
        console.print("\nRemarks", style="bold")
        show_findings(console, findings)
    if any(told.values()):
        console.print("\nCPIC recommends", style="bold")
    alike: dict[tuple[str, ...], list[str]] = {}
    for r in (r for rows in told.values() for r in rows):
        alike.setdefault((r["text"], r["strength"], r["level"], r["source"]), []).append(r["drug"])
    for (text, strength, level, source), drugs in alike.items():
        console.print(f"  {', '.join(drugs)}: {text}", soft_wrap=True, markup=False)
        console.print(f"    {strength}, level {level}; {source}", style="dim", soft_wrap=True, markup=False)

"""CPIC's recommendations by gene, as drugs' files declare them: what to do in our words, strength, level, citation, data version.

Read in CPIC's guidelines and in its data of 2025-11-05 as PharmCAT and pypgx 0.27.0 carry them, where not marked otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dosetwin.declare.genetic import Genetic
from dosetwin.declare.limit import Asks
from dosetwin.errors import Finding
from dosetwin.records import Timeline

DATA = "CPIC data of 2025-11-05"

# ------------------------------------------------------------------------------------------------------------- aminoglycosides

MT_RNR1 = f"McDermott 2022, Clin Pharmacol Ther 111:366, doi 10.1002/cpt.2309, PMID 34032273; {DATA}"

AMINOGLYCOSIDES = (
    Genetic(
        "MT-RNR1", "MT_RNR1", (2.0,),
        "a variant of MT-RNR1 (m.1555A>G, m.1494C>T or m.1095T>C): a high risk of lasting hearing loss after any dose of an "
        "aminoglycoside, at any level",
        "avoid all aminoglycosides, unless the severity of the infection outweighs the hearing loss and no safe and effective "
        "alternative is there; give an antibiotic of another class, by the likely pathogen and local resistance (in suspected "
        "neonatal sepsis such as cefotaxime, or piperacillin-tazobactam or meropenem where resistance asks for it: the names are "
        "ours, ask infectious diseases). Where it cannot be avoided: hearing tested often, the lowest dose, the shortest course, "
        "levels, hydration, no other ototoxic drug. The variant is the mother's: her other children carry it too",
        "strong", "A", MT_RNR1, bars=True,
        asks=Asks("nobody knows MT-RNR1: ask whether on the mother's side anybody lost hearing after an antibiotic, and "
                  "test where that is so or courses will follow; a first dose in suspected sepsis does not wait for the test",
                  "info", first=True),
    ),
    Genetic("MT-RNR1", "MT_RNR1", (0.0,), "no variant of MT-RNR1 that raises the risk",
            "usual doses, the shortest feasible course, levels; hearing loss by dose and length of the course remains possible",
            "strong", "A", MT_RNR1),
    Genetic("MT-RNR1", "MT_RNR1", (1.0,), "a variant of MT-RNR1 whose risk is not known",
            "usual doses, the shortest feasible course, levels", "optional", "A", MT_RNR1),
)  # fmt: skip

# -------------------------------------------------------------------------------------------- carbamazepine and phenytoin: HLA

HLA_CARBAMAZEPINE = f"Phillips 2018, Clin Pharmacol Ther 103:574, doi 10.1002/cpt.1004, PMID 29392710; {DATA}"
HLA_PHENYTOIN = f"Karnes 2021, Clin Pharmacol Ther 109:302, doi 10.1002/cpt.2008, PMID 32779747; {DATA}"
_LATE = "; after more than three months of use without a skin reaction it may be considered with caution (optional)"

CARBAMAZEPINE = (
    Genetic(
        "HLA-B", "HLA_B_1502", (1.0, 2.0),
        "HLA-B*15:02: a high risk of Stevens-Johnson syndrome and toxic epidermal necrolysis under carbamazepine",
        "no carbamazepine in who never had it, and no oxcarbazepine; other aromatic anticonvulsants (phenytoin, lamotrigine, "
        "eslicarbazepine, phenobarbital) only with caution" + _LATE, "strong", "A", HLA_CARBAMAZEPINE, bars=True,
        asks=Asks("nobody knows HLA-B*15:02, which forbids a first dose of carbamazepine: test those whose ancestry makes it "
                  "common (most of Asia; US label) before the first dose", first=True),
    ),
    Genetic(
        "HLA-A", "HLA_A_3101", (1.0, 2.0),
        "HLA-A*31:01: a high risk of Stevens-Johnson syndrome, DRESS and maculopapular rash under carbamazepine",
        "no carbamazepine in who never had it where another drug will do; else with frequent looks at the skin, stopped at the "
        "first sign" + _LATE, "strong", "A", HLA_CARBAMAZEPINE, bars=True,
        asks=Asks("nobody knows HLA-A*31:01, which forbids a first dose of carbamazepine where another drug will do: ask for "
                  "the test before the first dose", first=True),
    ),
)  # fmt: skip

PHENYTOIN = (
    Genetic(
        "HLA-B", "HLA_B_1502", (1.0, 2.0),
        "HLA-B*15:02: a raised risk of Stevens-Johnson syndrome and toxic epidermal necrolysis under phenytoin",
        "no phenytoin or fosphenytoin in who never had it, whatever CYP2C9 is; no carbamazepine or oxcarbazepine either" + _LATE,
        "strong", "A", HLA_PHENYTOIN, bars=True,
        asks=Asks("nobody knows HLA-B*15:02, which forbids a first dose of phenytoin: test those whose ancestry makes it common "
                  "(most of Asia); a loading dose in an emergency does not wait for the test", "info", first=True),
    ),
    Genetic("CYP2C9", "CYP2C9_AS", (0.0, 0.5), "CYP2C9 poor metabolizer",
            "the usual loading dose, then a maintenance dose half of the usual; levels, response and side effects guide the next",
            "strong", "A", HLA_PHENYTOIN),
    Genetic("CYP2C9", "CYP2C9_AS", (1.0,), "CYP2C9 intermediate metabolizer of score 1",
            "the usual loading dose, then a maintenance dose a quarter below the usual; levels, response and side effects guide "
            "the next", "moderate", "A", HLA_PHENYTOIN),
    Genetic("CYP2C9", "CYP2C9_AS", (1.5, 2.0), "CYP2C9 activity score of 1.5 or 2", "no change of the dose; levels guide the "
                                                                                    "next",
            "strong", "A", HLA_PHENYTOIN),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------------------- other drugs

CYP2C19_VORICONAZOLE = f"Moriyama 2017, Clin Pharmacol Ther 102:45, doi 10.1002/cpt.583, PMID 27981572; {DATA}"
_OTHER = "an agent that CYP2C19 does not clear (isavuconazole in adults, liposomal amphotericin B, posaconazole)"

VORICONAZOLE = (
    Genetic("CYP2C19", "CYP2C19", (4.0,), "CYP2C19 ultrarapid metabolizer: target levels are unlikely at usual doses of "
                                          "voriconazole",
            f"{_OTHER} instead", "moderate", "A", CYP2C19_VORICONAZOLE),
    Genetic("CYP2C19", "CYP2C19", (3.0,), "CYP2C19 rapid metabolizer: target levels of voriconazole are often missed",
            f"in adults {_OTHER} instead; in children the usual doses, with levels to reach the target", "moderate", "A",
            CYP2C19_VORICONAZOLE),
    Genetic("CYP2C19", "CYP2C19", (0.0,), "CYP2C19 poor metabolizer: high levels of voriconazole and more harm at usual doses",
            f"{_OTHER} instead; where voriconazole is the best choice all the same, less than the usual dose, by levels",
            "moderate", "A", CYP2C19_VORICONAZOLE),
    Genetic("CYP2C19", "CYP2C19", (1.0, 2.0), "CYP2C19 normal or intermediate metabolizer", "the usual doses", "strong", "A",
            CYP2C19_VORICONAZOLE),
)  # fmt: skip
"""None of them is a bar: CPIC's advice is of moderate strength, and levels guide voriconazole where nothing else will do."""

CYP3A5_TACROLIMUS = f"Birdwell 2015, Clin Pharmacol Ther 98:19, doi 10.1002/cpt.113, PMID 25801146; {DATA}"

TACROLIMUS = (
    Genetic("CYP3A5", "CYP3A5_1", (1.0, 2.0), "CYP3A5 expresser: troughs of tacrolimus too low at usual doses",
            "1.5 to 2 times the usual first dose, not above 0.3 mg/kg a day, then by levels; of a transplanted liver the donor's "
            "gene counts too", "strong", "A", CYP3A5_TACROLIMUS),
    Genetic("CYP3A5", "CYP3A5_1", (0.0,), "CYP3A5 not expressed", "the usual first dose of tacrolimus, then by levels", "strong",
            "A", CYP3A5_TACROLIMUS),
)  # fmt: skip

WARFARIN_GENES = f"Johnson 2017, Clin Pharmacol Ther 102:397, doi 10.1002/cpt.668, PMID 28198005; {DATA}"

WARFARIN = (
    Genetic("VKORC1", "VKORC1_A", (0.0, 1.0, 2.0), "VKORC1 is known",
            "where CYP2C9 is known too, a published equation with both genes gives the first dose (Gage, IWPC); in African "
            "ancestry only where *5 *6 *8 *11 of CYP2C9 were looked for", "strong", "A", WARFARIN_GENES),
    Genetic("CYP4F2", "CYP4F2_3", (1.0, 2.0), "CYP4F2*3", "a dose 5 to 10 % higher may be needed (not in African ancestry)",
            "optional", "A", WARFARIN_GENES),
    Genetic("CYP2C9", "CYP2C9_AS", (0.0, 0.5), "CYP2C9 poor metabolizer",
            "a much smaller dose and more weeks to steady state; another anticoagulant may be considered", "strong", "A",
            WARFARIN_GENES),
)  # fmt: skip

THIOPURINE = f"Relling 2019, Clin Pharmacol Ther 105:1095, doi 10.1002/cpt.1304, PMID 30447069; {DATA}"


def _thiopurine(gene: str) -> tuple[Genetic, ...]:
    tenth = "a tenth of the usual dose" + (" on three days a week" if gene == "TPMT" else "")
    return (
        Genetic(gene, gene, (0.0,), f"{gene} poor metabolizer: a life-threatening lack of white cells at usual doses of "
                                    f"thiopurines",
                f"outside of cancer another immunosuppressant; in cancer {tenth}, then by blood "
                f"counts", "strong", "A", THIOPURINE),
        Genetic(gene, gene, (1.0,), f"{gene} intermediate metabolizer",
                "begin with 30 to 80 % of the usual dose, 2 to 4 weeks between steps, by blood "
                "counts", "strong", "A", THIOPURINE),
        Genetic(gene, gene, (2.0,), f"{gene} normal metabolizer", "the usual dose, as far as this gene goes", "strong", "A",
                THIOPURINE),
    )  # fmt: skip


THIOPURINES = (*_thiopurine("TPMT"), *_thiopurine("NUDT15"))

BY_DRUG: Mapping[str, tuple[Genetic, ...]] = {
    **dict.fromkeys(("amikacin", "gentamicin", "tobramycin", "other aminoglycosides"), AMINOGLYCOSIDES),
    "carbamazepine": CARBAMAZEPINE, **dict.fromkeys(("phenytoin", "fosphenytoin"), PHENYTOIN), "voriconazole": VORICONAZOLE,
    "tacrolimus": TACROLIMUS, "warfarin": WARFARIN,
    **dict.fromkeys(("azathioprine", "mercaptopurine", "thioguanine"), THIOPURINES),
}  # fmt: skip
"""Drug -> what CPIC recommends for it by gene, of drugs that have a file here and of those that have none."""


@dataclass(frozen=True)
class Recommended:
    """A recommendation that holds for a patient: the drug, the patient's status in words, and the recommendation."""

    drug: str
    status: str
    of: Genetic

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary."""
        g = self.of
        return {"drug": self.drug, "gene": g.gene, "status": self.status, "text": g.said,
                "strength": g.strength, "level": g.level, "bars": g.bars, "source": g.source}  # fmt: skip


def recommendations(traits: Mapping[str, float | str], gene: str = "", drug: str = "") -> tuple[Recommended, ...]:
    """What CPIC recommends for these traits, of one gene and one drug where they are named."""
    return tuple(
        Recommended(name, g.status(value), g)
        for name, known in BY_DRUG.items() if drug in ("", name)
        for g in known if gene in ("", g.gene) and isinstance(value := traits.get(g.trait), float | int) and g.holds(value)
    )  # fmt: skip


def genetics(timeline: Timeline, drug: str) -> tuple[Finding, ...]:
    """What CPIC recommends for ``drug`` by the patient's genes before its first dose, as remarks; from then on what was measured
    says more. What forbids the drug is a bar, which speaks and asks for itself."""
    if any((d.drug or timeline.drug) in (drug, "") for d in timeline.doses):
        return ()
    known: dict[str, float | str] = {c.name: c.value for c in timeline.covariates}
    return tuple(
        Finding("info", f"cpic_{r.of.trait.lower()}", r.of.gene, f"{drug}: {r.of.said} ({r.of.strength}, CPIC level "
                                                                 f"{r.of.level}; "
                f"{r.of.source})", r.status)
        for r in recommendations({**timeline.patient.traits, **known}, drug=drug) if not r.of.bars
    )  # fmt: skip

"""Classes of drugs within which an allergy to one forbids the others, the flag that says so of a patient, and the bar."""

from dosetwin.declare.limit import Asks, Bar
from dosetwin.declare.rule import Facts

CLASSES = {"aminoglycoside": ("amikacin", "gentamicin", "tobramycin"), "glycopeptide": ("vancomycin",),
           "barbiturate": ("phenobarbital",), "coumarin": ("warfarin",)}  # fmt: skip
"""Word for a class of drugs -> its drugs here."""
RELATED = {"neomycin": "aminoglycoside", "streptomycin": "aminoglycoside", "kanamycin": "aminoglycoside",
           "netilmicin": "aminoglycoside", "teicoplanin": "glycopeptide"}  # fmt: skip
"""Other members of a class, by the stem of their name."""
_SOURCES = {
    "aminoglycoside": "US labels: allergy to one aminoglycoside may forbid every other (cross-sensitivity; recalled)",
    "glycopeptide": "US label of vancomycin: known hypersensitivity (recalled)",
    "barbiturate": "US label of phenobarbital: known hypersensitivity to barbiturates (recalled)",
    "coumarin": "US label of warfarin: hypersensitivity to it (recalled)",
}


def allergic_to(text: str, drug: str) -> str:
    """The class that an allergy is about, by the lower-case words of a record and the drug they mean ("" for none); "" else."""
    words = set(text.split())
    return next((c for c, drugs in CLASSES.items() if c in text or drug in drugs or words & set(drugs)), "")


def related_to(text: str) -> str:
    """The class of a drug that is none here, by the lower-case words of a record; "" for none."""
    return next((c for stem, c in RELATED.items() if stem in text), "")


def allergic_flag(of: str) -> str:
    """The quantity that says of a patient that an allergy to this class is on record; ``of`` a class or one of its drugs, "" for
    a drug of no class."""
    found = next((c for c, drugs in CLASSES.items() if of == c or of in drugs), "")
    return f"ALLERGY_{found.upper()}" if found else ""


def _asks(of: str) -> Asks:
    def says(facts: Facts) -> str | None:
        days = facts.number("PNA")
        if days is not None and days < 28.0:
            return None
        return f"nobody wrote whether there is an allergy to {of}s: ask before the first dose"

    return Asks(says, "info", first=True)


def allergy(of: str) -> Bar:
    """The bar of a class: nothing is ordered while the allergy stands on record. It is asked for before a first dose, but
    not of a newborn (who was given nothing yet)."""
    return Bar("allergy", allergic_flag(of), f"an allergy to {of}s is on record", _SOURCES[of], forbids=(1.0,),
               help="a person decides: another drug, or the allergy taken back at its source (or recorded as ended)",
               asks=_asks(of))  # fmt: skip

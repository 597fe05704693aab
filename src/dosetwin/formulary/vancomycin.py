"""Vancomycin: what it is called, how it is given, what of a dose and a level can be. Swallowed, it stays in the gut."""

from dosetwin.declare.drug import Raises, drug
from dosetwin.declare.interaction import Interaction
from dosetwin.quantities import Code

DRUG = drug(
    "vancomycin",
    molar_mass=1449.3,
    loinc=(Code("4090-7", "peak", "recalled"), Code("4091-5", "", "recalled"), Code("4092-3", "trough"), Code("20578-1")),
    level_high=500.0,
    rxnorm="11124",
    atc=("J01XA01",),
    one_dose=(2.0, 60.0, "mg/kg"),
    usual=(5.0, 40.0),
    newborn=(5.0, 30.0),
    longest_h=96.0,
    long_h=26.0,
    raises=(Raises("VANCO", 24.0, "assumed: a day per dose"),),
    interactions=(
        Interaction(
            "nephrotoxic",
            "J01G",  # aminoglycosides
            48.0,
            "both can harm the kidney, and the harm of the two may add up; creatinine rises a day or two after it",
            "measure creatinine every day and urine output, and ask whether both are still needed",
            "both product labels warn of it (recalled); how much more often in newborns: not found; 48 h: assumed",
        ),
    ),
)

"""Gentamicin: what it is called, how it is given, what of a dose and a level can be. A mixture: it has no molar mass."""

from dosetwin.declare.drug import Raises, drug
from dosetwin.quantities import Code

DRUG = drug(
    "gentamicin",
    loinc=(Code("3663-2", "peak"), Code("3664-0"), Code("3665-7", "trough"), Code("35668-3")),
    level_high=300.0,
    rxnorm="1596450",
    atc=("J01GB03",),
    known="read",
    one_dose=(0.5, 15.0, "mg/kg"),
    usual=(1.5, 8.0),
    newborn=(2.0, 8.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
)

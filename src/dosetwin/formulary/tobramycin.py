"""Tobramycin: what it is called, how it is given, what of a dose and a level can be."""

from dosetwin.declare.drug import Raises, drug
from dosetwin.quantities import Code

DRUG = drug(
    "tobramycin",
    molar_mass=467.5,
    loinc=(Code("4057-6", "peak", "recalled"), Code("4058-4"), Code("4059-2", "trough", "recalled"), Code("35670-9")),
    level_high=300.0,
    rxnorm="10627",
    atc=("J01GB01",),
    one_dose=(0.5, 15.0, "mg/kg"),
    usual=(1.5, 12.0),
    newborn=(2.0, 8.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
)

"""Amikacin: what it is called, how it is given, what of a dose and a level can be."""

from dosetwin.declare.drug import Raises, drug
from dosetwin.quantities import Code

DRUG = drug(
    "amikacin",
    molar_mass=585.6,
    loinc=(Code("3319-1", "peak"), Code("3320-9", "", "recalled"), Code("3321-7", "trough"), Code("35669-1")),
    level_high=500.0,
    rxnorm="641",
    atc=("J01GB06",),  # the skin and eye codes are other routes
    known="read",
    one_dose=(1.0, 40.0, "mg/kg"),
    usual=(5.0, 30.0),
    newborn=(5.0, 25.0),
    longest_h=24.0,
    long_h=4.0,
    raises=(Raises("AMINO", 24.0, "assumed: a day per dose"),),
)

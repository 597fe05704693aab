"""Phenobarbital: what it is called, how it is given, what of a dose and a level can be. Swallowed, it comes in whole."""

from dosetwin.declare.drug import drug
from dosetwin.quantities import Code

DRUG = drug(
    "phenobarbital",
    molar_mass=232.24,
    loinc=(Code("3948-7"),),
    words=("phenobarb",),
    level_high=500.0,
    rxnorm="8134",
    atc=("N03AA02",),
    one_dose=(0.5, 50.0, "mg/kg"),
    usual=(1.0, 40.0),
    routes=("vein",),
    remarked=("mouth",),
    longest_h=24.0,
    long_h=4.0,
)

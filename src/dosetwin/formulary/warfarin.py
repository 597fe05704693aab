"""Warfarin: what it is called, how it is given, what of a dose and a level can be. Tablets; its effect is measured as INR."""

from dosetwin.declare.drug import drug

DRUG = drug(
    "warfarin",
    molar_mass=308.33,
    level_high=30.0,
    rxnorm="11289",
    atc=("B01AA03",),
    known="read",
    one_dose=(0.005, 2.0, "mg/kg"),
    usual=(0.005, 0.5),
    routes=("mouth",),
    longest_h=1.0,
    long_h=1.0,
)

"""Filgrastim: given beside cytotoxic drugs; counts under it are not those that the marrow models foretell."""

from dosetwin.declare.drug import drug
from dosetwin.formulary._harms import growth_factor

DRUG = drug(
    "filgrastim",
    measured=False,
    followed=False,
    rxnorm="68442",
    atc=("L03AA02",),
    one_dose=(0.03, 1.2, "mg"),
    usual=(0.2, 0.6),
    routes=("skin",),
    remarked=("vein",),
    interactions=(growth_factor("filgrastim", 5),),
)

"""Pegfilgrastim: one dose a cycle beside cytotoxic drugs; counts under it are not those that the marrow models foretell."""

from dosetwin.declare.drug import drug
from dosetwin.formulary._harms import growth_factor

DRUG = drug(
    "pegfilgrastim",
    measured=False,
    followed=False,
    rxnorm="338036",
    atc=("L03AA13",),
    one_dose=(0.5, 12.0, "mg"),
    usual=(6.0, 6.5),
    routes=("skin",),
    interactions=(growth_factor("pegfilgrastim", 14),),
)

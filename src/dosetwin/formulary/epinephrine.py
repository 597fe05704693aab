"""Epinephrine (adrenaline): given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "epinephrine",
    measured=False,
    followed=False,
    rxnorm="3992",
    atc=("C01CA24",),
    raises=(Raises("INO", 24.0, "assumed: one dosing interval of ibuprofen"),),
)

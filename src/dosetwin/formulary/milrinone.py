"""Milrinone: given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "milrinone",
    measured=False,
    followed=False,
    rxnorm="52769",
    atc=("C01CE02",),
    raises=(Raises("INO", 24.0, "assumed: one dosing interval of ibuprofen"),),
)

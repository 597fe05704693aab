"""Dobutamine: given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "dobutamine",
    measured=False,
    followed=False,
    rxnorm="3616",
    atc=("C01CA07",),
    raises=(Raises("INO", 24.0, "assumed: one dosing interval of ibuprofen"),),
)

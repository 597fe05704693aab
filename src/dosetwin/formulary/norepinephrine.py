"""Norepinephrine (noradrenaline): given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "norepinephrine",
    measured=False,
    followed=False,
    rxnorm="7512",
    atc=("C01CA03",),
    raises=(Raises("INO", 24.0, "assumed: one dosing interval of ibuprofen"),),
)

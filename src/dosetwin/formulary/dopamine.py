"""Dopamine: given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "dopamine",
    measured=False,
    followed=False,
    rxnorm="3628",
    atc=("C01CA04",),
    raises=(
        Raises("DOPA", 24.0, "assumed: one dosing interval of ibuprofen"),
        Raises("INO", 24.0, "assumed: one dosing interval of ibuprofen"),
    ),
)

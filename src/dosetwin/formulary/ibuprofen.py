"""Ibuprofen: given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "ibuprofen",
    measured=False,
    followed=False,
    rxnorm="5640",
    atc=(
        "C01EB16",
        "M01AE01",
    ),  # C01EB16 read, the rest recalled
    raises=(Raises("IBU", 24.0, "assumed: one dosing interval of ibuprofen"),),
)

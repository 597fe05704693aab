"""Indometacin (indomethacin): given beside; what models ask of it is whether it runs."""

from dosetwin.declare.drug import Raises, drug

DRUG = drug(
    "indomethacin",
    measured=False,
    followed=False,
    rxnorm="5781",
    atc=(
        "C01EB03",
        "M01AB01",
    ),
    synonyms=("indometacin",),
    raises=(Raises("INDO", 24.0, "assumed: one dosing interval of ibuprofen"),),
)

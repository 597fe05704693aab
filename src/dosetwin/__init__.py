"""dosetwin: digital twins for drug dosing. Importing the package is cheap; numba and friends load when first used."""

__version__ = "0.1.0"

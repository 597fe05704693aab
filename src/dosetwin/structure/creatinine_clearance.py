"""Creatinine clearance of an adult from age, weight, creatinine and sex, as models and dosing rules ask for it.

Plain functions of plain numbers (``math`` only), in the units their arguments name.
Source: Cockcroft & Gault, Nephron 1976;16:31: (140 - age) weight / (72 creatinine), 15 % less in women (recalled; the same in
every calculator in use).
"""

YEARS, DIVISOR, WOMEN = 140.0, 72.0, 0.85
"""y, kg y mg/dL per mL/min, 1."""


def cockcroft_gault(AGE, WT, SCR, male, years=YEARS, per=1.0 / DIVISOR, women=WOMEN):
    """mL/min from ``AGE`` y, ``WT`` kg, ``SCR`` mg/dL, ``male`` 1 or 0; the last three are the equation's own numbers."""
    return per * (years - AGE) * WT / SCR * women ** (1.0 - male)

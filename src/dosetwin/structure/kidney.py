"""The newborn kidney: filtration that matures after birth, and the creatinine balance it leaves in blood.

Plain functions of plain numbers (``math`` only), in the units their arguments name.
Sources: Wu et al., Pharm Res 2024;41:637 (filtration); van Donge et al., Pediatr Nephrol 2021 (production exceeds elimination
in the first days, explained by tubular back-leak).
"""

from math import exp

ML_PER_MIN_TO_L_PER_H = 0.06
HOURS_PER_DAY = 24.0
DL_PER_L = 10.0


def sigmoid(x, half, hill):
    """Hill function x^hill / (half^hill + x^hill); 0 at x = 0."""
    return 0.0 if x <= 0.0 else 1.0 / (1.0 + (half / x) ** hill)


def filtration_wu(birth, grown, PNA, PNA50, hill):
    """Glomerular filtration rate: rises from ``birth`` to ``grown`` (any unit) with postnatal age ``PNA`` d (Wu 2024)."""
    return birth + (grown - birth) * sigmoid(PNA, PNA50, hill)


def back_leak(R0, PNA, tau):
    """Fraction of filtered creatinine that leaks back through immature tubules at ``PNA`` d; time constant ``tau`` d."""
    return R0 * exp(-PNA / tau)

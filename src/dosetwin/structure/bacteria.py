"""Bacteria under a drug: rates of growth, kill, adaptation, immune clearance and dormancy, as plain functions.

Rates in 1/h, concentrations mg/L, times h. The forms are those of the published sets in ``outcomes/infection/published.py``; the
fast kernel of ``outcomes/infection/_kernel.py`` writes the same formulas out again (a test compares the two).
"""

from math import exp, log, log1p


def emax_kill(C: float, Emax: float, EC50: float, hill: float) -> float:
    """Kill rate of a saturable drug effect (sigmoid Emax), 1/h."""
    if C <= 0.0:
        return 0.0
    x = exp(hill * log(C / EC50))
    return Emax * x / (1.0 + x)


def slope_kill(C: float, slope: float, MIC: float) -> float:
    """Kill rate linear in C/MIC, 1/h; ``slope`` 1/h per C/MIC (Hernandez-Lozano et al., 2025)."""
    return slope * max(C, 0.0) / MIC


def adapted_share(AR: float, AR50: float) -> float:
    """What adaptive resistance leaves of the kill, 0-1: AR50/(AR50 + AR) (Mohamed et al., 2012). AR50 <= 0: no adaptation."""
    return AR50 / (AR50 + AR) if AR50 > 0.0 else 1.0


def adaptation_rate(AR: float, C: float, kon: float, koff: float) -> float:
    """d(AR)/dt, 1/h: adaptive resistance switches on with the drug (``kon`` L/(mg h)) and fades (``koff`` 1/h)."""
    return kon * max(C, 0.0) * (1.0 - AR) - koff * AR


def adapted_share_over(AR: float, AR50: float, C: float, kon: float, koff: float, h: float) -> tuple[float, float]:
    """Mean of ``adapted_share`` over ``h`` hours of constant C, and AR at their end: exact, as AR relaxes exponentially."""
    if AR50 <= 0.0:
        return 1.0, 0.0
    k = kon * max(C, 0.0) + koff
    if k * h < 1e-12:
        return adapted_share(AR, AR50), AR
    plateau = kon * max(C, 0.0) / k
    A, B, e = AR50 + plateau, AR - plateau, exp(-k * h)
    return AR50 / A * (1.0 + log((A + B * e) / (A + B)) / (k * h)), plateau + B * e


def logistic_room(B: float, capacity: float) -> float:
    """Share of the growth rate left when ``B`` bacteria share ``capacity`` (0-1)."""
    return max(1.0 - B / capacity, 0.0)


def crowding_rate(B: float, capacity: float, kg: float, kd: float) -> float:
    """Rate, 1/h, at which growing cells turn dormant as the place fills: (kg - kd) B/Bmax (Nielsen et al., 2007)."""
    return max(kg - kd, 0.0) * B / capacity


def immune_clearance(B: float, kmax: float, Ksat: float) -> float:
    """Clearance rate by phagocytes, 1/h, which saturate: kmax/(1 + B/Ksat); B and Ksat in the same unit."""
    return kmax / (1.0 + B / Ksat)


def regoes(C: float, psi_max: float, psi_min: float, zMIC: float, k: float) -> float:
    """Net growth in the unit of psi (log10 CFU/h) at concentration C: zero at zMIC (Regoes et al., 2004)."""
    if C <= 0.0:
        return psi_max
    x = exp(k * log(C / zMIC))
    return psi_max - (psi_max - psi_min) * x / (x - psi_min / psi_max)


def riccati(p: float, growth: float, births: float) -> float:
    """Survival probability of one lineage one step further back: dp/ds = g p - b p^2 over a step.

    ``growth`` and ``births`` are the integrals of g and b over the step (b, g in constant proportion within it).
    """
    e = exp(growth)
    mean = (e - 1.0) / growth if abs(growth) > 1e-8 else 1.0 + 0.5 * growth
    return p * e / (1.0 + p * births * mean)


def drifted(ln_shift: float, C: float, MIC: float, rate: float, revert: float) -> float:
    """d(ln MIC)/dt, 1/h, of the phenomenological drift: up with exposure C/(C + MIC), back to the first MIC at ``revert``."""
    up = rate * C / (C + MIC) if C > 0.0 else 0.0
    return up - revert * (1.0 - exp(-ln_shift))


def doublings(frequency: float) -> float:
    """How often a lineage doubles before a mutant of this frequency is expected (used in explanations only)."""
    return log1p(1.0 / frequency) / log(2.0)

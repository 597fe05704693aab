"""What a drug does at its receptor: closed forms of binding and of what binding brings about.

Plain functions of plain numbers; concentrations in any one unit, the constants in the same.
Sources: Hill 1909; Morrison 1969 (tight binding); Black and Leff 1983 (operational model); Monod 1965 (two states);
Arunlakshana and Schild 1959. As textbooks give them (recalled); each is checked against its own limits.
"""

from math import exp, sqrt


def occupancy(L, KD, hill=1.0):
    """Share of receptors taken at equilibrium by free ligand ``L``."""
    if L <= 0.0:
        return 0.0
    return 1.0 / (1.0 + (KD / L) ** hill)


def occupied_after(L, kon, koff, t):
    """Share taken ``t`` after the ligand came, at constant free ``L``: kon per concentration and time, koff per time."""
    return kon * L / (kon * L + koff) * (1.0 - exp(-(kon * L + koff) * t))


def complex_tight(L0, R0, KD):
    """Concentration of the complex where the ligand is not in excess: the smaller root of a quadratic, without cancellation."""
    total = L0 + R0 + KD
    return 2.0 * L0 * R0 / (total + sqrt(total * total - 4.0 * L0 * R0))


def operational(A, tau, KA, n=1.0):
    """Share of the largest effect by an agonist of efficacy ``tau``."""
    if A <= 0.0:
        return 0.0
    return (tau * A) ** n / ((KA + A) ** n + (tau * A) ** n)


def operational_top(tau, n=1.0):
    """The largest share that agonist reaches."""
    return tau**n / (1.0 + tau**n)


def operational_half(tau, KA, n=1.0):
    """Concentration of half of what it reaches."""
    return KA / ((2.0 + tau**n) ** (1.0 / n) - 1.0)


def active(A, L0, alpha, KA):
    """Share of receptors in the active state: ``L0`` active over inactive without a drug, ``alpha`` how much better it binds the
    active (above 1 an agonist, 1 neutral, below 1 an inverse agonist)."""
    bound = L0 * (1.0 + alpha * A / KA)
    return bound / (1.0 + A / KA + bound)


def dose_ratio(B, KB):
    """How many times more agonist does the same beside a competitive antagonist ``B``."""
    return 1.0 + B / KB

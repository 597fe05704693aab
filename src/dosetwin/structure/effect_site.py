"""Three compartments and the sites where a drug acts: concentrations that follow the plasma's at rates of their own.

Parameters read by name: CL Q2 Q3 L/h, V1 V2 V3 L, KE0 1/h; of the structure with two further sites KE1 and KE2 1/h.
A site takes nothing from the plasma: it is a concentration, and no drug is missing for it.
"""

from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Structure


class Effect(NamedTuple):
    central: Annotated[float, Amount("mg", "amount in the central compartment")]
    shallow: Annotated[float, Amount("mg", "amount in the first peripheral compartment")]
    deep: Annotated[float, Amount("mg", "amount in the second peripheral compartment")]
    site: Annotated[float, Amount("mg/L", "concentration at the effect site")]


class Effects(NamedTuple):
    central: Annotated[float, Amount("mg", "amount in the central compartment")]
    shallow: Annotated[float, Amount("mg", "amount in the first peripheral compartment")]
    deep: Annotated[float, Amount("mg", "amount in the second peripheral compartment")]
    site: Annotated[float, Amount("mg/L", "concentration at the effect site")]
    second: Annotated[float, Amount("mg/L", "concentration at a second effect site")]
    third: Annotated[float, Amount("mg/L", "concentration at a third effect site")]


def one_site(t, A, p, cov):
    """dA/dt of three compartments and an effect site."""
    level = A.central / p.V1
    flow2 = p.Q2 * (level - A.shallow / p.V2)
    flow3 = p.Q3 * (level - A.deep / p.V3)
    return Effect(-p.CL * level - flow2 - flow3, flow2, flow3, p.KE0 * (level - A.site))


def three_sites(t, A, p, cov):
    """dA/dt of three compartments and three effect sites."""
    level = A.central / p.V1
    flow2 = p.Q2 * (level - A.shallow / p.V2)
    flow3 = p.Q3 * (level - A.deep / p.V3)
    return Effects(
        -p.CL * level - flow2 - flow3, flow2, flow3, p.KE0 * (level - A.site), p.KE1 * (level - A.second),
        p.KE2 * (level - A.third),
    )  # fmt: skip


_THREE = "dA1/dt = -CL/V1 A1 - Q2 (A1/V1 - A2/V2) - Q3 (A1/V1 - A3/V3); dAi/dt = Qi (A1/V1 - Ai/Vi); dCe/dt = ke0 (Cp - Ce)"
THREE_SITE = Structure("three compartments and an effect site", Effect, one_site, "central", _THREE)
THREE_SITES = Structure(
    "three compartments and three effect sites", Effects, three_sites, "central", _THREE + "; dCk/dt = kk (Cp - Ck), k = 1, 2",
)  # fmt: skip

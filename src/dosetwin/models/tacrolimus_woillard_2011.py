"""Tacrolimus in adults after kidney transplantation: Erlang absorption, two compartments, CYP3A5, haematocrit (Woillard 2011)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Anchor, Cov, Eta, Output, Reference, Theta, Value, combined, model

REFERENCE = Reference(
    "Woillard JB et al.",
    2011,
    "Br J Clin Pharmacol 71:391-402",
    "10.1111/j.1365-2125.2010.03837.x",
    "secondary",
    note="values for twice-daily capsules as transcribed in nlmixr2lib; ranges of haematocrit assumed",
)


class theta(NamedTuple):
    TVKTR: Annotated[float, Theta("1/h", "transit rate of twice-daily capsules: 3.34 times 1.53")] = 5.1102
    TVCL: Annotated[float, Theta("L/h", "apparent clearance at HCT_REF, no CYP3A5*1 allele")] = 21.2
    HCT_CL: Annotated[float, Theta("1", "exponent of haematocrit")] = -1.14
    HCT_REF: Annotated[float, Theta("1", "reference haematocrit")] = 0.35
    CYP3A5: Annotated[float, Theta("1", "factor of carriers of CYP3A5*1")] = 2.00
    TVV1: Annotated[float, Theta("L", "apparent central volume of twice-daily capsules: 486 times 0.29")] = 140.94
    TVQ: Annotated[float, Theta("L/h", "apparent intercompartmental clearance")] = 79.0
    TVV2: Annotated[float, Theta("L", "apparent peripheral volume")] = 271.0
    UG: Annotated[float, Theta("ug/mg", "micrograms in a milligram", "derived")] = 1000.0


class eta(NamedTuple):
    KTR: Annotated[float, Eta("transit rate", cv=0.24)] = 0.0
    CL: Annotated[float, Eta("clearance", cv=0.28, told="clearance")] = 0.0
    V1: Annotated[float, Eta("central volume", cv=0.31)] = 0.0
    Q: Annotated[float, Eta("intercompartmental clearance", cv=0.54)] = 0.0
    V2: Annotated[float, Eta("peripheral volume", cv=0.60)] = 0.0


class cov(NamedTuple):
    HCT: Annotated[float, Cov("1", 0.15, 0.55, "haematocrit", "4544-3", missing="refuse")]
    CYP3A5_1: Annotated[float, Cov("1", 0, 2, "number of CYP3A5*1 alleles", missing="population", population=0.0)]


class output(NamedTuple):
    Cp: Annotated[float, Output("ug/L", "whole-blood concentration", "tacrolimus", combined(0.71, 0.113))]


class state(NamedTuple):
    gut1: Annotated[float, Amount("mg", "swallowed")]
    gut2: Annotated[float, Amount("mg", "first transit")]
    gut3: Annotated[float, Amount("mg", "second transit")]
    gut4: Annotated[float, Amount("mg", "third transit")]
    central: Annotated[float, Amount("mg", "in the central compartment")]
    peripheral: Annotated[float, Amount("mg", "in the peripheral compartment")]


class parameters(NamedTuple):
    KTR: Annotated[float, Value("1/h", "transit rate of absorption")]
    CL: float
    V1: float
    Q: float
    V2: float
    UG: Annotated[float, Value("ug/mg", "micrograms in a milligram")]


def individual(theta, eta, cov):
    """Parameters of one patient."""
    expresses = theta.CYP3A5 if cov.CYP3A5_1 > 0.5 else 1.0
    return parameters(
        KTR=theta.TVKTR * exp(eta.KTR),
        CL=theta.TVCL * (cov.HCT / theta.HCT_REF) ** theta.HCT_CL * expresses * exp(eta.CL),
        V1=theta.TVV1 * exp(eta.V1),
        Q=theta.TVQ * exp(eta.Q),
        V2=theta.TVV2 * exp(eta.V2),
        UG=theta.UG,
    )


def dynamics(t, A, p, cov):
    """Three transits at one rate into two compartments."""
    flow = p.Q * (A.central / p.V1 - A.peripheral / p.V2)
    return state(
        gut1=-p.KTR * A.gut1,
        gut2=p.KTR * (A.gut1 - A.gut2),
        gut3=p.KTR * (A.gut2 - A.gut3),
        gut4=p.KTR * (A.gut3 - A.gut4),
        central=p.KTR * A.gut4 - p.CL / p.V1 * A.central - flow,
        peripheral=flow,
    )


def observe(A, p, cov):
    """What is measured."""
    return output(Cp=p.UG * A.central / p.V1)


MODEL = model(
    __name__,
    reference=REFERENCE,
    drug="tacrolimus",
    population="adults after kidney transplantation on twice-daily capsules (with once-daily ones 73 patients)",
    solver="exact",
    dose_cmt="gut1",
    anchors=[
        Anchor("clearance at the reference", "CL", {"HCT": 0.35, "CYP3A5_1": 0}, 21.2, 1e-9, "Woillard 2011"),
        Anchor("of a carrier of CYP3A5*1", "CL", {"HCT": 0.35, "CYP3A5_1": 1}, 42.4, 1e-9, "Woillard 2011"),
    ],
    equations="three transits at KTR; dA1/dt = KTR Ag - CL/V1 A1 - Q (A1/V1 - A2/V2); dA2/dt = Q (A1/V1 - A2/V2)",
)

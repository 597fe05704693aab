"""Benchmark model B: model A's drug acting on three bacterial states with adaptation; invented parameters, no physiology."""

from math import exp, log10, sqrt
from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Cov, Eta, Output, Reference, Theta, additive, combined, model


class theta(NamedTuple):
    TVCL: Annotated[float, Theta("L/h", "clearance")] = 0.0493
    TVV1: Annotated[float, Theta("L", "central volume")] = 0.833


class eta(NamedTuple):
    CL: Annotated[float, Eta(var=0.09)] = 0.0
    V1: Annotated[float, Eta(var=0.04)] = 0.0


class cov(NamedTuple):
    COV: Annotated[float, Cov("1", 0.0, 100.0, "clearance factor of the day")]


class output(NamedTuple):
    CP: Annotated[float, Output("mg/L", "concentration", "drug", combined(0.3, 0.15))]
    LOGN: Annotated[float, Output("1", "log10 count", "count", additive(0.5))]


class parameters(NamedTuple):
    CL: float
    V1: float


class state(NamedTuple):
    central: Annotated[float, Amount("mg")]
    peripheral: Annotated[float, Amount("mg")]
    S: Annotated[float, Amount("1")]
    P: Annotated[float, Amount("1")]
    R: Annotated[float, Amount("1")]
    ar_off: Annotated[float, Amount("1")]
    ar_on: Annotated[float, Amount("1")]
    auc: Annotated[float, Amount("mg.h/L")]


def individual(theta, eta, cov):
    return parameters(CL=theta.TVCL * cov.COV * exp(eta.CL), V1=theta.TVV1 * exp(eta.V1))


def initial(p, cov):
    return state(0.0, 0.0, 1e6, 0.0, 10.0, 1.0, 0.0, 0.0)


def dynamics(t, A, p, cov):
    C = max(A.central, 0.0) / p.V1
    N = A.S + A.P + A.R
    adapted = 1.0 - A.ar_on / (A.ar_on + 0.3)
    xs = (C / 4.0) * sqrt(C / 4.0)
    xr = (C / 40.0) * sqrt(C / 40.0)
    to_rest = (1.2 - 0.179) * N / 1e9 * A.S
    flow = 0.0205 * (A.central / p.V1 - A.peripheral / 0.833)
    switch = 0.01 * C * A.ar_off - 0.03 * A.ar_on
    return state(
        -p.CL * A.central / p.V1 - flow,
        flow,
        1.2 * A.S - (0.179 + 6.0 * adapted * xs / (1.0 + xs)) * A.S - to_rest,
        to_rest - 0.179 * A.P,
        0.96 * A.R * (1.0 - N / 1e9) - (0.179 + 6.0 * xr / (1.0 + xr)) * A.R,
        -switch,
        switch,
        C,
    )


def observe(A, p, cov):
    return output(CP=A.central / p.V1, LOGN=log10(max(A.S + A.P + A.R, 0.0) + 1e-3))


MODEL = model(
    __name__, drug="none", population="benchmark", solver="explicit", dose_cmt="central", rtol=1e-6, atol=1e-6,
    reference=Reference("dosetwin", 2026, "benchmark model", provenance="assumed"),
)  # fmt: skip

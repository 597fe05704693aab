"""Mammillary compartment models: states and dynamics. Parameters are read by name: CL V, CL V1 Q V2, CL V1 Q2 V2 Q3 V3, KA."""

from typing import Annotated, NamedTuple

from dosetwin.declare import Amount, Structure


class State1(NamedTuple):
    central: Annotated[float, Amount("mg", "amount in the body")]


class State2(NamedTuple):
    central: Annotated[float, Amount("mg", "amount in the central compartment")]
    peripheral: Annotated[float, Amount("mg", "amount in the peripheral compartment")]


class State3(NamedTuple):
    central: Annotated[float, Amount("mg", "amount in the central compartment")]
    shallow: Annotated[float, Amount("mg", "amount in the first peripheral compartment")]
    deep: Annotated[float, Amount("mg", "amount in the second peripheral compartment")]


class State1Oral(NamedTuple):
    depot: Annotated[float, Amount("mg", "amount at the site of absorption")]
    central: Annotated[float, Amount("mg", "amount in the body")]


class State2Oral(NamedTuple):
    depot: Annotated[float, Amount("mg", "amount at the site of absorption")]
    central: Annotated[float, Amount("mg", "amount in the central compartment")]
    peripheral: Annotated[float, Amount("mg", "amount in the peripheral compartment")]


def one_compartment(t, A, p, cov):
    """dA/dt of one compartment; p.CL L/h, p.V L."""
    return State1(-p.CL / p.V * A.central)


def two_compartment(t, A, p, cov):
    """dA/dt of two compartments; p.CL, p.Q L/h, p.V1, p.V2 L."""
    flow = p.Q * (A.central / p.V1 - A.peripheral / p.V2)
    return State2(-p.CL / p.V1 * A.central - flow, flow)


def three_compartment(t, A, p, cov):
    """dA/dt of three compartments; p.CL, p.Q2, p.Q3 L/h, p.V1, p.V2, p.V3 L."""
    flow2 = p.Q2 * (A.central / p.V1 - A.shallow / p.V2)
    flow3 = p.Q3 * (A.central / p.V1 - A.deep / p.V3)
    return State3(-p.CL / p.V1 * A.central - flow2 - flow3, flow2, flow3)


def one_compartment_oral(t, A, p, cov):
    """First-order absorption into one compartment; p.KA 1/h, p.CL L/h, p.V L."""
    absorbed = p.KA * A.depot
    return State1Oral(-absorbed, absorbed - p.CL / p.V * A.central)


def two_compartment_oral(t, A, p, cov):
    """First-order absorption into two compartments; p.KA 1/h, p.CL, p.Q L/h, p.V1, p.V2 L."""
    absorbed = p.KA * A.depot
    flow = p.Q * (A.central / p.V1 - A.peripheral / p.V2)
    return State2Oral(-absorbed, absorbed - p.CL / p.V1 * A.central - flow, flow)


ONE = Structure("one compartment", State1, one_compartment, "central", "dA/dt = -CL/V A")
TWO = Structure(
    "two compartments", State2, two_compartment, "central",
    "dA1/dt = -CL/V1 A1 - Q (A1/V1 - A2/V2); dA2/dt = Q (A1/V1 - A2/V2)",
)  # fmt: skip
THREE = Structure(
    "three compartments", State3, three_compartment, "central",
    "dA1/dt = -CL/V1 A1 - Q2 (A1/V1 - A2/V2) - Q3 (A1/V1 - A3/V3); dAi/dt = Qi (A1/V1 - Ai/Vi)",
)  # fmt: skip
ONE_ORAL = Structure(
    "one compartment, first-order absorption", State1Oral, one_compartment_oral, "depot",
    "dA0/dt = -KA A0; dA1/dt = KA A0 - CL/V A1",
)  # fmt: skip
TWO_ORAL = Structure(
    "two compartments, first-order absorption", State2Oral, two_compartment_oral, "depot",
    "dA0/dt = -KA A0; dA1/dt = KA A0 - CL/V1 A1 - Q (A1/V1 - A2/V2); dA2/dt = Q (A1/V1 - A2/V2)",
)  # fmt: skip

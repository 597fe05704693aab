"""A strange therapy for the tests, as a user's files: tablets, one laboratory goal, one fact, no weight, no level, no MIC."""

from pathlib import Path

MODEL = '''"""A tablet that lowers one laboratory value (made up)."""

from math import exp
from typing import Annotated, NamedTuple

from dosetwin.declare import Anchor, Cov, Eta, Everyday, Output, Reference, Theta, model, proportional
from dosetwin.structure.compartments import ONE_ORAL

REFERENCE = Reference("Nobody", 2026, "made up for tests", "", "assumed")


class theta(NamedTuple):
    CL: Annotated[float, Theta("L/h", "clearance")] = 5.0
    V: Annotated[float, Theta("L", "volume")] = 100.0
    KA: Annotated[float, Theta("1/h", "absorption")] = 1.0
    BASE: Annotated[float, Theta("g/L", "value without the drug")] = 50.0
    SLOPE: Annotated[float, Theta("g/mg", "fall per level")] = 100.0
    SLOW: Annotated[float, Theta("1", "share of clearance lost with each allele")] = 0.25


class eta(NamedTuple):
    CL: Annotated[float, Eta("clearance", sd=0.4)] = 0.0


class cov(NamedTuple):
    CYP2C9_3: Annotated[float, Cov("1", 0, 2, "alleles", missing="refuse")]


class output(NamedTuple):
    Cp: Annotated[float, Output("mg/L", "level", "warfarin", proportional(0.1))]
    VALUE: Annotated[float, Output("g/L", "laboratory value", "ALB", proportional(0.05))]


class parameters(NamedTuple):
    CL: float
    V: float
    KA: float
    BASE: float
    SLOPE: float


def individual(theta, eta, cov):
    """Parameters."""
    CL = theta.CL * (1.0 - theta.SLOW * cov.CYP2C9_3) * exp(eta.CL)
    return parameters(CL, theta.V, theta.KA, theta.BASE, theta.SLOPE)


def observe(A, p, cov):
    """Level and value."""
    return output(A.central / p.V, p.BASE - p.SLOPE * A.central / p.V)


MODEL = model(
    __name__, drug="warfarin", population="made up", reference=REFERENCE, structure=ONE_ORAL, linear_in_dose=False,
    everyday=Everyday(10.0, "mg", source="made up"),
    anchors=[Anchor("clearance", "CL", {"CYP2C9_3": 1}, 3.75, 1e-9, "by hand")],
)
'''
THERAPY = '''"""Tablets by one laboratory value (made up)."""

from dosetwin.declare import Between, Everyday, Goal, Limit, Reading, Rule, Sampling, Says, Therapy, Weekly
from dosetwin.formulary.warfarin import DRUG

STRANGE = Therapy(
    "strange_tablets", DRUG, "made up", ("strange_model.py",), Weekly((1.0, 30.0), 1.0, apart=1.1),
    goals=(Goal("value", Reading("ALB", "share_within", Between(3, 7, "d"), level=(25.0, 45.0)), 0.8, None, "",
                text="value where it should be", source="made up", closed=True),),
    limits=(Limit("daily", "dose", None, 25.0, "mg", source="made up"),),
    rules=(Rule("ten", "10 mg for everybody", "made up", "assumed", (), lambda facts: Says(10.0, 24.0, "all", "")),
           Rule("thirty", "30 mg, over the limit", "made up", "assumed", (), lambda facts: Says(30.0, 24.0, "all", "")),
           Rule("half", "half with the allele", "made up", "assumed", ("CYP2C9_3",),
                lambda facts: "nothing" if facts.CYP2C9_3 > 1 else Says(10.0 - 5.0 * facts.CYP2C9_3, 24.0, "by allele", ""))),
    everyday=Everyday(10.0, "mg", source="made up"), typical={"CYP2C9_3": 0.0},
    sampling=Sampling((24.0, 72.0), of="ALB"), horizon_h=168.0, source="made up",
)
'''
DESIGN = """
name = "strange"
n = 6
seed = 3
chunk = 4
therapy = "strange_therapy.py"
horizon_d = 14
arms = ["rule:ten", "rule:half", "fixed:15_q24", "twin"]

[population.CYP2C9_3]
kind = "share"
share = 0.4

[sampling]
at_d = [1, 3, 7]
turnaround_h = 5

[[readings]]
name = "second_week"
what = "ALB"
how = "mean"
from_d = 7
to_d = 14
low = 25
high = 45
"""


def files(folder: Path, design: str = DESIGN) -> str:
    """The three files in a folder; the path of the design."""
    (folder / "strange_model.py").write_text(MODEL, encoding="utf-8")
    (folder / "strange_therapy.py").write_text(THERAPY, encoding="utf-8")
    (folder / "strange.toml").write_text(design, encoding="utf-8")
    return str(folder / "strange.toml")

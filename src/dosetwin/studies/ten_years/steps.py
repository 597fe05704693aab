"""The steps of treatment a plan is made of, and how much each moves what the years are judged by.

Effects are of the drug beside what is taken already, as the mean of trials; each is recalled and stands here once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dosetwin.errors import UnknownName


@dataclass(frozen=True)
class Step:
    """``hba1c`` fall in percentage points; ``sbp`` fall in mmHg; ``ldl`` share of LDL taken away; ``bmi`` fall in kg/m2; ``cost``
    GBP a year (assumed); ``low`` hypoglycaemia is to be expected; ``bars`` what forbids it, each a name of ``forbidden``.
    """

    name: str
    hba1c: float = 0.0
    sbp: float = 0.0
    ldl: float = 0.0
    bmi: float = 0.0
    cost: float = 0.0
    low: bool = False
    least_egfr: float = 0.0
    source: str = ""


GLUCOSE = "placebo-controlled falls as listed by ADA's Standards of Care (recalled)"
LAW = "Law 2003, BMJ 326:1423 (recalled)"
PRESSURE = "Law 2009, BMJ 338:b1665: a standard dose from 150 mmHg (recalled)"

STEPS: Mapping[str, Step] = MappingProxyType({s.name: s for s in (
    Step("metformin", hba1c=1.1, cost=30.0, least_egfr=30.0, source=GLUCOSE),
    Step("sulfonylurea", hba1c=1.0, bmi=-0.7, cost=40.0, low=True, source=GLUCOSE + "; weight assumed"),
    Step("dpp4_inhibitor", hba1c=0.6, cost=400.0, source=GLUCOSE),
    Step("sglt2_inhibitor", hba1c=0.7, sbp=4.0, bmi=0.7, cost=450.0, least_egfr=20.0, source=GLUCOSE + "; pressure recalled"),
    Step("glp1_agonist", hba1c=1.3, sbp=2.0, bmi=1.2, cost=900.0, least_egfr=15.0, source=GLUCOSE + "; rest recalled"),
    Step("basal_insulin", hba1c=1.2, bmi=-0.9, cost=600.0, low=True, source=GLUCOSE + "; weight recalled"),
    Step("statin", ldl=0.43, cost=25.0, source=LAW + ": atorvastatin 20 mg"),
    Step("strong_statin", ldl=0.55, cost=30.0, source=LAW + ": atorvastatin 80 mg; instead of statin"),
    Step("pressure_1", sbp=8.7, cost=20.0, source=PRESSURE),
    Step("pressure_2", sbp=7.6, cost=20.0, source=PRESSURE + ", on what the first has left"),
    Step("pressure_3", sbp=6.9, cost=20.0, source=PRESSURE + ", on what two have left"),
)})  # fmt: skip
SPREAD = 0.35
"""Share by which people differ in what a step does to their HbA1c (SD; assumed)."""
LEAST_HBA1C = 5.5
"""% below which no plan brings anybody (assumed)."""


WORDS: Mapping[str, str] = MappingProxyType({
    "pressure_1": "one pressure drug", "pressure_2": "a second pressure drug", "pressure_3": "a third pressure drug",
    "dpp4_inhibitor": "DPP-4 inhibitor", "sglt2_inhibitor": "SGLT2 inhibitor", "glp1_agonist": "GLP-1 agonist",
    "strong_statin": "high-dose statin",
})  # fmt: skip
"""Steps whose name is no word."""


def said(name: str) -> str:
    """A step in words."""
    return WORDS.get(name, name.replace("_", " "))


def step(name: str) -> Step:
    """A step by name. Raises UnknownName."""
    if name not in STEPS:
        raise UnknownName("unknown step of treatment", where="plan", value=name, allowed=", ".join(STEPS))
    return STEPS[name]

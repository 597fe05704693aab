"""Something known about the patient at a time that a model may depend on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Covariate:
    """One covariate value from ``time`` (h) on, in canonical units (WT kg, SCR mg/dL, GA PMA wk, PNA d; flags 0/1)."""

    time: float
    name: str
    value: float
    unit: str = ""
    record: str = ""

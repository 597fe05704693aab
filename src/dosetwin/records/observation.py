"""Something measured that a model may predict: a drug level, a creatinine, an INR."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Observation:
    """One measurement in canonical units.

    ``measures`` names the quantity (``amikacin``, ``SCR``, ``INR``; models name the same word in their outputs).
    ``blq`` True: below ``loq``, ``value`` is then the LOQ. ``time_sd`` h: uncertainty of the sampling time.
    ``after_dose`` breaks a tie with a dose at the same time: False = drawn before it (a trough), True = after.
    ``measures`` "" is the model's first output, digits its k-th (a numeric DVID); ``cmt`` is what the data file said.
    ``stated``: the unit a table states for ``value`` and ``loq``, not yet converted, because what is measured is not yet known.
    """

    time: float
    measures: str
    value: float
    unit: str = "mg/L"
    loq: float | None = None
    blq: bool = False
    time_sd: float = 0.0
    after_dose: bool = False
    assay: str = ""
    record: str = ""
    cmt: str | int | None = None
    stated: str = ""

"""The patient: what does not change from one hour to the next."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Sex = Literal["female", "male"]


@dataclass(frozen=True)
class Patient:
    """One patient.

    ``GA`` gestational age at birth, weeks; ``BW`` birth weight, kg; ``birth`` moment of birth (aware datetime).
    ``synthetic`` marks made-up data, and every report says so.
    """

    id: str
    sex: Sex | None = None
    birth: datetime | None = None
    GA: float | None = None
    BW: float | None = None
    synthetic: bool = False
    label: str = ""

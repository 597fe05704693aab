"""Doses given."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Infusion = Literal["duration", "rate", "model_rate", "model_duration", "constant"]
"""What was written about the input of a dose: see DoseEvent."""


@dataclass(frozen=True)
class DoseEvent:
    """A dose. Times in h on the timeline's clock, amount in mg (or the model's amount unit).

    ``duration`` 0 is a bolus; ``cmt`` a compartment's name or 1-based number, None the model's default.
    ``addl`` further doses every ``ii`` h; ``ss`` 1: the dose finds the steady state of doses every ``ii`` h; 2: that state is
    added to what is there (linear kinetics only).
    ``infusion`` says which of the two was written, and so what a bioavailability F changes (as in NONMEM): ``duration``: it
    stays, F scales the rate; ``rate``: it stays, F scales the duration; ``model_rate``, ``model_duration``: the model's
    ``R_`` or ``D_`` parameter of the compartment gives it; ``constant``: steady state of ``amount`` mg/h (written with
    ``duration`` 1 and ``ii`` 1), which ends at ``time``; F does not apply.
    ``origin`` h: of a written-out ADDL dose, the time of its record, whose lag it has.
    ``drug`` what was given; "" the timeline's drug.
    """

    time: float
    amount: float
    duration: float = 0.0
    cmt: str | int | None = None
    ii: float = 0.0
    addl: int = 0
    ss: int = 0
    record: str = ""
    infusion: Infusion = "duration"
    origin: float | None = field(default=None, compare=False)
    drug: str = ""

    @property
    def rate(self) -> float:
        """Infusion rate in mg/h, 0 for a bolus."""
        return self.amount / self.duration if self.duration > 0 else 0.0

    def expanded(self) -> Iterator["DoseEvent"]:
        """The dose and its ADDL repeats, each written out."""
        if not (self.addl or self.ss or self.ii):
            yield self
            return
        for k in range(self.addl + 1):
            first = k == 0
            yield DoseEvent(
                self.time + k * self.ii, self.amount, self.duration, self.cmt,
                self.ii if first and self.ss else 0.0, 0, self.ss if first else 0, self.record, self.infusion,
                self.origin if first else self.time, self.drug,
            )  # fmt: skip

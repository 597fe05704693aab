"""Doses given, and regimens that could be given."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class DoseEvent:
    """A dose. Times in h on the timeline's clock, amount in mg (or the model's amount unit).

    ``duration`` 0 is a bolus; ``cmt`` a compartment's name or 1-based number, None the model's default.
    ``addl`` further doses every ``ii`` h; ``ss`` the dose finds the steady state of doses every ``ii`` h.
    """

    time: float
    amount: float
    duration: float = 0.0
    cmt: str | int | None = None
    ii: float = 0.0
    addl: int = 0
    ss: bool = False
    record: str = ""

    @property
    def rate(self) -> float:
        """Infusion rate in mg/h, 0 for a bolus."""
        return self.amount / self.duration if self.duration > 0 else 0.0

    def expanded(self) -> Iterator["DoseEvent"]:
        """The dose and its ADDL repeats, each written out."""
        for k in range(self.addl + 1):
            first = k == 0
            yield DoseEvent(
                self.time + k * self.ii, self.amount, self.duration, self.cmt,
                self.ii if first and self.ss else 0.0, 0, first and self.ss, self.record,
            )  # fmt: skip


@dataclass(frozen=True)
class Regimen:
    """A plan: ``amount`` mg over ``duration`` h every ``interval`` h, first given at ``first_at`` h."""

    amount: float
    interval: float
    duration: float
    first_at: float = 0.0
    cmt: str | int | None = None

    def doses(self, until: float) -> tuple[DoseEvent, ...]:
        """The doses given before ``until`` (h, exclusive)."""
        out: list[DoseEvent] = []
        k = 0
        while self.first_at + k * self.interval < until - 1e-9:
            out.append(DoseEvent(self.first_at + k * self.interval, self.amount, self.duration, self.cmt))
            k += 1
        return tuple(out)

"""Pumps that work out their rates with a published model: of a target and a patient, an order (``structure.tci``)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from dosetwin.declare import Facts
from dosetwin.errors import InputError
from dosetwin.records import DoseEvent, Pump
from dosetwin.structure import tci

STEPS = ((10.0 / 3600.0, 60), (60.0 / 3600.0, 50))
"""h: every 10 s for ten minutes, then every minute up to an hour."""
MOST_ML_H = 1200.0
"""mL/h that syringe pumps give at most (recalled)."""


@dataclass(frozen=True)
class TciPump:
    """A pump of one model, as a menu asks it.

    ``model`` its name, ``called`` in words, ``site`` it aims at; ``strength`` of the syringe mg/mL; ``unit`` and ``per_mg_L``:
    the target's unit and how many of it one mg/L is; ``most`` the highest target it takes; ``top_bmi`` (men, women) above which
    the lean mass it counts with turns down (None: it does not).
    """

    model: str
    called: str
    strength: float
    unit: str
    most: float
    per_mg_L: float = 1.0
    site: Literal["effect", "plasma"] = "effect"
    youngest: float = 1.0
    top_bmi: tuple[float, float] | None = None
    fastest: float = MOST_ML_H

    def __call__(self, target: float, facts: Facts, ran: Sequence[DoseEvent], now: float) -> Pump:
        """The order that takes this patient to ``target`` from ``now`` (h) on, for an hour.

        Raises InputError for a target the pump does not take, a patient it does not know or a fact that is missing.
        """
        if not 0 < target <= self.most:
            raise InputError("not a target of this pump", where=f"target of {self.called}", value=target,
                             allowed=f"above 0, at most {self.most:g} {self.unit}",
                             remedy="is it ug/mL where ng/mL is meant, or the other way?")  # fmt: skip
        d = self.patient(facts)
        given = tuple(tci.Given(e.time, e.amount, e.duration) for e in ran)
        state = tci.state_after(d, given, now) if given else np.zeros(4)
        rates = tci.rates(d, target / self.per_mg_L, state, STEPS, site=self.site, most=self.fastest * self.strength)
        plan, at = [], 0.0
        for hours, rate in rates:
            if rate > 0:
                plan.append((round(at, 9), rate * hours, hours))
            at += hours
        says = f"{self.site if self.site == 'plasma' else 'effect site'} {target:g} {self.unit} ({self.called})"
        return Pump(tuple(plan), round(at, 9), says, now, target, f"{self.site} by {self.model}", self.strength)

    def to_json(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "TciPump":
        """The pump that ``to_json`` wrote."""
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**given)

    def patient(self, facts: Facts) -> tci.Disposition:
        """The model's typical patient of these facts. Raises InputError for one it does not know."""
        from dosetwin import models

        m = models.load(self.model)
        values: dict[str, float] = {}
        for name, c in m.covs.items():
            found = {"male": 1.0, "female": 0.0}.get(str(facts.SEX)) if name == "SEX" and isinstance(facts.SEX, str) else None
            found = facts.number(name) if found is None else found
            if found is None:
                found = c.population
            if found is None:
                raise InputError("the pump needs this of the patient", where=self.called, value=None, allowed=name,
                                 remedy=f"record {name}")  # fmt: skip
            values[name] = found
        self._known(values)
        p = m.individual(m.theta(), m.eta(), m.cov(**values))
        return tci.Disposition(p.CL, p.V1, p.Q2, p.V2, p.Q3, p.V3, p.KE0)

    def _known(self, values: dict[str, float]) -> None:
        age, tall = values.get("AGE"), values.get("HT")
        if age is not None and age < self.youngest:
            raise InputError("the pump's model does not know so young a patient", where=self.called, value=age,
                             allowed=f"{self.youngest:g} years and older", remedy="a pump of another model")  # fmt: skip
        if tall is not None and tall < 3.0:
            raise InputError("a height in metres", where="HT", value=tall, allowed="cm", remedy=f"{tall * 100:g} cm?")
        if self.top_bmi is not None and tall:
            index = values["WT"] / (tall / 100.0) ** 2
            top = self.top_bmi[0] if values["SEX"] > 0.5 else self.top_bmi[1]
            if index > top:
                raise InputError("the lean mass this pump counts with turns down in obesity", where=self.called,
                                 value=f"body-mass index {index:.1f}", allowed=f"at most {top:g}",
                                 remedy="a pump of another model")  # fmt: skip


JAMES = (42.0, 35.0)
"""kg/m2 up to which James' lean mass still rises (it turns at 43 in men, 36 in women)."""

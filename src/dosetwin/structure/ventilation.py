"""Mechanics of a ventilated lung: pressures and volumes of one compartment, trapped gas, mechanical power, recruitment.

Pressures in cmH2O, volumes in L, flows in L/s, compliance L/cmH2O, resistance cmH2O/(L/s), power J/min.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from dosetwin import quantities
from dosetwin.errors import InputError


def predicted_weight(cm: float, male: bool) -> float:
    """kg: 50 (women 45.5) + 0.91 (cm - 152.4): ARDSNet 2000. Raises InputError for a height that is no adult's in cm."""
    if not 120.0 <= cm <= 230.0:
        raise InputError("not a height in cm", where="height", value=cm, allowed="120 to 230 cm", remedy="in m? times 100")
    return quantities.predicted_weight(cm, male)


@dataclass(frozen=True)
class Pressures:
    """What a volume-controlled breath of constant flow reads at the airway."""

    peak: float
    plateau: float
    driving: float
    auto: float


def volume_controlled(C: float, R: float, VT: float, flow: float, peep: float, te: float = math.inf) -> Pressures:
    """Peak, plateau and driving pressure; ``te`` s of expiration (inf: all is breathed out)."""
    auto = trapped(C, R, VT, te) / C
    plateau = peep + auto + VT / C
    return Pressures(plateau + R * flow, plateau, VT / C, auto)


def pressure_controlled(C: float, R: float, dP: float, ti: float) -> float:
    """L of a breath at ``dP`` above PEEP for ``ti`` s."""
    return C * dP * (1.0 - math.exp(-ti / (R * C)))


def trapped(C: float, R: float, VT: float, te: float) -> float:
    """L above the volume at PEEP at the end of expiration, breath after breath: VT e / (1 - e), e = exp(-te / RC)."""
    e = math.exp(-te / (R * C)) if R > 0.0 else 0.0
    return VT * e / (1.0 - e)


def power_gattinoni(RR: float, VT: float, E: float, R: float, ie: float, peep: float) -> float:
    """J/min: Gattinoni 2016, Intensive Care Med 42:1567; ``E`` cmH2O/L, ``ie`` inspiration over expiration."""
    return 0.098 * RR * (VT * VT * (0.5 * E + RR * (1.0 + ie) / (60.0 * ie) * R) + VT * peep)


def power_simple(RR: float, VT: float, peak: float, driving: float) -> float:
    """J/min of volume-controlled breaths from what the ventilator shows."""
    return 0.098 * RR * VT * (peak - 0.5 * driving)


def power_becher(RR: float, VT: float, dP: float, peep: float) -> float:
    """J/min of pressure-controlled breaths (Becher 2019, Intensive Care Med 45:1321; recalled)."""
    return 0.098 * RR * VT * (dP + peep)


@dataclass(frozen=True, eq=False)
class Recruited:
    """Lung units in layers: opening (``top``) and closing (``tcp``) pressures [layers, units], which are ``open`` now, and
    ``volume`` L
    of a unit fully stretched; ``k`` 1/cmH2O of Salazar and Knowles. Superimposed pressure 0.5 cmH2O a layer (Hickling 1998;
    recalled).
    """

    top: np.ndarray
    tcp: np.ndarray
    open: np.ndarray
    volume: float
    k: float = 0.05

    @classmethod
    def make(
        cls, seed: int, layers: int = 30, units: int = 100, mean: float = 20.0, sd: float = 5.0, litres: float = 3.5
    ) -> "Recruited":
        """A lung that is closed: opening pressures normal, closing pressures even from 0 to 4."""
        from dosetwin.streams import stream

        draw = stream(seed, "recruitment")
        top = draw.normal(mean, sd, (layers, units)).clip(0.0, None)
        return cls(top, draw.uniform(0.0, 4.0, (layers, units)), np.zeros((layers, units), dtype=bool), litres / (layers * units))

    def at(self, P: float) -> "Recruited":
        """The lung at an airway pressure of ``P``: units above their opening pressure open, those below their closing one
        close."""
        local = P - 0.5 * np.arange(len(self.top))[:, None]
        return replace(self, open=(local > self.top) | (self.open & (local > self.tcp)))

    def litres(self, P: float) -> float:
        """L at ``P`` of the units that are open."""
        local = np.maximum(P - 0.5 * np.arange(len(self.top))[:, None], 0.0)
        return float((self.open * self.volume * (1.0 - np.exp(-self.k * local))).sum())

    def breath(self, peep: float, dP: float) -> tuple["Recruited", float]:
        """One breath from ``peep`` up by ``dP`` and back: the lung after it, and its compliance in L/cmH2O on the way back."""
        high = self.at(peep + dP)
        top = high.litres(peep + dP)
        low = high.at(peep)
        return low, (top - low.litres(peep)) / dP

"""A specimen of every kind of twin for the suite: something to be told, orders to play, and the same in other units."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dosetwin import models
from dosetwin.records import Covariate, DoseEvent, Every, Observation, Patient, Setting, Timeline
from dosetwin.twins import Twin
from dosetwin.twins.patient import Twin as PatientTwin
from dosetwin.twins.place import Arrivals, BedPool, Lognormal, Pool, Seen, Watched


@dataclass(frozen=True)
class Specimen:
    """One twin and what the suite does with it.

    ``start`` the twin; ``facts`` to tell it; ``orders`` to play from then ``until`` h, ``half`` h between; ``rescaled``: the twin
    told the same, and the same orders, in other units, with the factor of h and the factor of each quantity read.
    """

    start: Twin
    facts: tuple[Any, ...]
    orders: tuple[Any, ...]
    half: float
    until: float
    stored: Callable[[dict[str, Any]], Twin]
    rescaled: "tuple[Twin, tuple[Any, ...], float, Mapping[str, float]]"
    stranger: Any
    wrong_order: Any


def patient() -> Specimen:
    """A two-compartment drug with two levels and a weight."""
    model = models.load(str(Path(__file__).parent / "twin_model.py"))

    def facts(k: float) -> tuple[Any, ...]:
        return (
            DoseEvent(0.0, 26.4 * k, 0.5), Observation(1.0, "drug", 38.0 * k), DoseEvent(24.0, 30.0 * k, 0.5),
            Observation(23.5, "drug", 6.0 * k), Covariate(0.0, "COV", 1.0), Covariate(12.0, "COV", 1.2),
        )  # fmt: skip

    def orders(k: float) -> tuple[Any, ...]:
        return (Every(20.0 * k, 12.0, 0.5, 36.0), Every(35.0 * k, 24.0, 0.5, 48.0))

    start = PatientTwin.create(model, Timeline(Patient("specimen")), seed=4, draws=60)
    return Specimen(
        start, facts(1.0), orders(1.0), 55.0, 96.0, lambda data: PatientTwin.from_json(data, model),
        (start.told(*facts(7.0)), orders(7.0), 1.0, dict.fromkeys(model.outputs, 7.0)),
        Watched(0.0, 1.0), Setting(beds=3),
    )  # fmt: skip


def place() -> Specimen:
    """A ward with people in bed, people waiting and a day's history, hour by hour."""

    def facts(k: float) -> tuple[Any, ...]:
        seen = [
            *(Seen("a", "asked", -90.0 * k), Seen("a", "admitted", -90.0 * k), Seen("a", "left", 10.0 * k)),
            *(Seen("b", "asked", 1.0 * k), Seen("b", "admitted", 1.5 * k), Seen("b", "left", 40.0 * k)),
            *(Seen("c", "asked", 3.0 * k), Seen("c", "admitted", 5.0 * k), Seen("e", "asked", 44.0 * k)),
            *(Seen("d", "asked", 20.0 * k), Seen("d", "admitted", 31.0 * k)),
            *(Seen("f", "asked", 30.0 * k), Seen("f", "refused", 30.0 * k)),
        ]
        return (*seen, Setting(beds=3, at=0.0), Watched(0.0, 30.0 * k), Watched(24.0 * k, 48.0 * k))

    def pool(k: float) -> Pool:
        return Pool("specimen", "A ward.", Arrivals(4.0 / k, 5.0 * k), Lognormal(30.0 * k, 0.8, 0.3, 0.2), room=4)

    def orders(k: float) -> tuple[Any, ...]:
        return Setting(beds=3, at=48.0 * k), Setting(beds=6, at=48.0 * k), Setting(beds=2, at=70.0 * k)

    read = {"wait": 24.0, "refused": 1.0, "occupancy": 1.0, "taken": 1.0, "waiting": 1.0, "beds": 1.0}
    start = BedPool(pool(1.0))
    return Specimen(
        start, facts(1.0), orders(1.0), 100.0, 200.0, BedPool.from_json,
        (BedPool(pool(24.0)).told(*facts(24.0)), orders(24.0), 24.0, read), Observation(0.0, "INR", 2.0), Every(1.0, 24.0, 0.0),
    )  # fmt: skip


SPECIMENS: Mapping[str, Callable[[], Specimen]] = {"patient": patient, "place": place}

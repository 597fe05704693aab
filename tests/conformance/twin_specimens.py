"""A specimen of every kind of twin for the suite: something to be told, orders to play, and the same in other units."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dosetwin import models
from dosetwin.declare.formula import Column, Formula, Read, Unknown
from dosetwin.records import Covariate, DoseEvent, Every, Observation, Patient, Setting, Timeline
from dosetwin.twins import Twin
from dosetwin.twins.automata import Interval, PacedHeart, Prior, Programme
from dosetwin.twins.formula import FormulaTwin, Measured
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


def automata() -> Specimen:
    """A paced heart that was looked at in clinic, through a quarter of a minute; the other unit is a half of each ms."""

    def facts(k: float) -> tuple[Any, ...]:
        return (
            Interval("sinus", 640.0 * k, 0.5 * k), Interval("ante", 190.0 * k, 0.5 * k), Setting(PVARP=240.0 * k, at=0.25 * k),
            Interval("sinus", 700.0 * k, 1.0 * k), Interval("peak", 420.0 * k, 0.75 * k), Interval("va", 260.0 * k, 1.0 * k),
        )  # fmt: skip

    def start(k: float) -> PacedHeart:
        times = {n: v * k for n, v in vars(Programme()).items() if n != "mode" and not n.endswith(("count", "beats", "pairs"))}
        usual = Prior()
        course = tuple((t * k, x) for t, x in ((0.0, 0.0), (4_000.0, 1.0), (15_000.0, 1.0)))
        prior = Prior({n: v * k for n, v in usual.medians.items()}, jitter=0.04, pvc_every=3_000.0 * k, course=course,
                      erp=(200.0 * k, 250.0 * k, 280.0 * k), escape=usual.escape * k)  # fmt: skip
        return PacedHeart(Programme("DDD", **times), prior)

    def orders(k: float) -> tuple[Any, ...]:
        return Setting(AVI=120.0 * k, at=k), Setting(AVI=220.0 * k, PVARP=200.0 * k, at=k), Setting(LRI=800.0 * k, at=k)

    half, until = 1.0 + 7.0 / 3600.0, 1.0 + 16.0 / 3600.0
    return Specimen(
        start(1.0), facts(1.0), orders(1.0), half, until, PacedHeart.from_json,
        (start(2.0).told(*facts(2.0)), orders(2.0), 2.0, {"interval": 2.0, "paced": 1.0}), Observation(0.0, "INR", 2.0),
        Every(1.0, 24.0, 0.0),
    )  # fmt: skip


def formula() -> Specimen:
    """A tumour that grows, and shrinks while a drug is on; the same in cm."""

    def made(scale: float) -> Formula:
        def course(p: Any, facts: Any, steps: Any, t: Any) -> dict[str, Any]:
            on = [
                np.clip(np.minimum(t, b) - a, 0.0, None) * s["ON"]
                for (a, s), b in zip(steps, [x for x, _ in steps[1:]] + [np.inf], strict=True)
                if a > -np.inf
            ]
            drug = sum(on) if on else 0.0 * t
            return {
                "SIZE": p["BASE"][:, None] * np.exp(p["GROW"][:, None] * t - p["KILL"][:, None] * drug),
                "DRUG": np.broadcast_to(drug, (len(p["BASE"]), len(t))),
            }

        return Formula(
            "specimen",
            "grows, shrinks under a drug",
            "d",
            1.0,
            (
                Unknown("BASE", "mm", "first size", 20.0 * scale, 0.5, "made up"),
                Unknown("GROW", "1/d", "rate", 0.01, 0.4, "made up"),
                Unknown("KILL", "1/d", "rate", 0.03, 0.4, "made up"),
            ),
            (
                Read("SIZE", "size", "mm", 0.0, 1000.0, additive=1.0 * scale, proportional=0.05),
                Read("DRUG", "days on", "d", 0.0, 1e4),
            ),
            (Column("ON", "drug on", "1", 0.0, 1.0),),
            {"ON": 0.0},
            course,
            "made up",
        )

    def facts(k: float) -> tuple[Any, ...]:
        return (
            Measured(0.0, "SIZE", 22.0 * k),
            Setting(ON=1.0, at=24.0),
            Measured(240.0, "SIZE", 19.0 * k),
            Setting(ON=0.0, at=480.0),
            Measured(480.0, "SIZE", 15.0 * k),
        )

    orders = (Setting(ON=1.0, at=480.0), Setting(ON=0.0, at=480.0))
    mm, cm = made(1.0), made(0.1)
    return Specimen(
        FormulaTwin(mm),
        facts(1.0),
        orders,
        720.0,
        1200.0,
        lambda data: FormulaTwin.from_json(data, mm),
        (FormulaTwin(cm).told(*facts(0.1)), orders, 1.0, {"SIZE": 0.1}),
        Observation(1.0, "size", 2.0),
        Every(5.0, 24.0, 0.0, 480.0),
    )


SPECIMENS: Mapping[str, Callable[[], Specimen]] = {
    "automata": automata, "formula": formula, "patient": patient, "place": place,
}  # fmt: skip

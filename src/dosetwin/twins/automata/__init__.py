"""Timed automata: a heart's conduction and the device that paces it, event by event, with properties that must hold of both."""

from dosetwin.twins.automata.belief import Interval, Known, Prior
from dosetwin.twins.automata.device import Device, Pacemaker
from dosetwin.twins.automata.heart import Chance, Conduction, Heart
from dosetwin.twins.automata.programme import Programme
from dosetwin.twins.automata.run import Trace, run
from dosetwin.twins.automata.twin import PacedHeart

__all__ = [
    "Chance", "Conduction", "Device", "Heart", "Interval", "Known", "PacedHeart", "Pacemaker", "Prior", "Programme", "Trace",
    "run",
]  # fmt: skip

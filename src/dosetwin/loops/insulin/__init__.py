"""Insulin every five minutes: what a person is believed to hold, who decides, and what no decision may pass."""

from dosetwin.loops.insulin.belief import Belief
from dosetwin.loops.insulin.controllers import CONTROLLERS, Controller, Person, Seen
from dosetwin.loops.insulin.limits import Limits

__all__ = ["CONTROLLERS", "Belief", "Controller", "Limits", "Person", "Seen"]

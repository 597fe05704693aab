"""The whole product in one pure call: facts, a model and a policy in, the next dose with its reasons out."""

from dosetwin.advise.answer import Advice, advise, advise_full, with_curves
from dosetwin.advise.curves import LEVELS, Curves

__all__ = ["LEVELS", "Advice", "Curves", "advise", "advise_full", "with_curves"]

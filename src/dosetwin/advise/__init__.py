"""The whole product in one pure call: a patient's facts and a question in, the next dose with its reasons out."""

from dosetwin.advise.answer import Advice, advise, with_curves
from dosetwin.advise.curves import LEVELS, Curves
from dosetwin.advise.question import Question

__all__ = ["LEVELS", "Advice", "Curves", "Question", "advise", "with_curves"]

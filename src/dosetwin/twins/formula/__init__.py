"""Formulas as twins: what follows is a function of numbers nobody measures; those are believed by weighing draws of them."""

from dosetwin.twins.formula.twin import FormulaTwin, Measured

__all__ = ["FormulaTwin", "Measured"]

"""Amikacin in newborns against published cohorts."""

from dosetwin.evaluate.pages.amikacin_newborns.page import FEWEST, N_QUICK, PAGE, SEED, N, markdown, run

__all__ = ["FEWEST", "N_QUICK", "PAGE", "SEED", "N", "markdown", "run"]

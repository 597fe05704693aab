"""Amikacin in newborns as trials of whole courses dose it: what levels shift, and tables tuned on virtual newborns.

The best fixed nomogram is a table tuned once on the declared loss, on development babies, and never changed by a level. Made by
``python -m dosetwin.calibrate.tuning nomogram`` (2,500 babies of setting ``nicu``, seed 5000, truth ``as_believed``; every mg/kg
from 11 to 20 and every interval from 24 to 60 h in 20 cells of age and weight, then hours added under a condition, then a first
dose of its own). It is a competitor in trials, not advice: derived from this package's own virtual newborns.
"""

from dosetwin.declare.control import ByLevels, Control, Table

SOURCE = "derived: tuned on the declared loss, development seed 5000"
inf = float("inf")

PEAK_DRIVEN = Table(
    (
        (3, 1, 15, 54), (3, 1.5, 16, 54), (3, 2, 15, 54), (3, 2.8, 15, 48), (3, inf, 15, 42),
        (7, 1, 16, 54), (7, 1.5, 16, 48), (7, 2, 17, 42), (7, 2.8, 16, 42), (7, inf, 15, 36),
        (14, 1, 16, 42), (14, 1.5, 17, 42), (14, 2, 17, 42), (14, 2.8, 16, 36), (14, inf, 15, 30),
        (inf, 1, 18, 42), (inf, 1.5, 17, 42), (inf, 2, 17, 30), (inf, 2.8, 17, 30), (inf, inf, 17, 24),
    ),
    longer=6.0,
    first=18.0,
    source=SOURCE,
)  # fmt: skip

AUC_DRIVEN = Table(
    (
        (3, 1, 14, 54), (3, 1.5, 15, 54), (3, 2, 15, 48), (3, 2.8, 14, 42), (3, inf, 14, 42),
        (7, 1, 16, 54), (7, 1.5, 16, 48), (7, 2, 15, 42), (7, 2.8, 15, 42), (7, inf, 15, 36),
        (14, 1, 16, 42), (14, 1.5, 15, 36), (14, 2, 16, 42), (14, 2.8, 15, 36), (14, inf, 15, 30),
        (inf, 1, 16, 42), (inf, 1.5, 16, 36), (inf, 2, 17, 30), (inf, 2.8, 17, 30), (inf, inf, 16, 24),
    ),
    longer=6.0,
    source=SOURCE,
)  # fmt: skip

CONTROL = Control(
    rule="decock_smits",
    behind=("decock_smits", "bnfc"),
    last=(15.0, 24.0),
    conditions=("IBU", "ASPHYXIA", "COOLING"),
    by_levels=ByLevels(((5.0, 12.0), (3.0, 6.0)), (20.0, 40.0), 29.5,
                       "assumed; the best of seven such variants on 400 development babies; aims at the middle of 24 to 35 mg/L"),
    nomograms={"peak_driven": PEAK_DRIVEN, "auc_driven": AUC_DRIVEN},
    usual="peak_driven",
    # under peak_driven 17 to 19 differ by less than 0.001 in loss (300 babies, development seed 5000)
    loading={"peak_driven": 18.0, "auc_driven": 15.0},
    source=SOURCE,
)  # fmt: skip

"""The best fixed nomogram: a table tuned once on the declared loss, on development babies, and never changed by a level.

Made by ``python -m dosetwin.calibrate.tuning nomogram`` (2,500 babies of setting ``nicu``, seed 5000, truth ``as_believed``;
every mg/kg from 11 to 20 and every interval from 24 to 60 h in 20 cells of age and weight, then hours added under a condition,
then a first dose of its own). It is a competitor in trials, not advice: derived from this package's own virtual newborns.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from dosetwin.decide.dosing_policies import Nomogram
from dosetwin.errors import UnknownName

SOURCE = "derived: tuned on the declared loss, development seed 5000"

PEAK_DRIVEN = Nomogram(
    "nomogram",
    (
        (3, 1, 15, 54), (3, 1.5, 16, 54), (3, 2, 15, 54), (3, 2.8, 15, 48), (3, np.inf, 15, 42),
        (7, 1, 16, 54), (7, 1.5, 16, 48), (7, 2, 17, 42), (7, 2.8, 16, 42), (7, np.inf, 15, 36),
        (14, 1, 16, 42), (14, 1.5, 17, 42), (14, 2, 17, 42), (14, 2.8, 16, 36), (14, np.inf, 15, 30),
        (np.inf, 1, 18, 42), (np.inf, 1.5, 17, 42), (np.inf, 2, 17, 30), (np.inf, 2.8, 17, 30), (np.inf, np.inf, 17, 24),
    ),
    longer=6.0,
    first=18.0,
    source=SOURCE,
)  # fmt: skip

AUC_DRIVEN = Nomogram(
    "nomogram",
    (
        (3, 1, 14, 54), (3, 1.5, 15, 54), (3, 2, 15, 48), (3, 2.8, 14, 42), (3, np.inf, 14, 42),
        (7, 1, 16, 54), (7, 1.5, 16, 48), (7, 2, 15, 42), (7, 2.8, 15, 42), (7, np.inf, 15, 36),
        (14, 1, 16, 42), (14, 1.5, 15, 36), (14, 2, 16, 42), (14, 2.8, 15, 36), (14, np.inf, 15, 30),
        (np.inf, 1, 16, 42), (np.inf, 1.5, 16, 36), (np.inf, 2, 17, 30), (np.inf, 2.8, 17, 30), (np.inf, np.inf, 16, 24),
    ),
    longer=6.0,
    source=SOURCE,
)  # fmt: skip

TUNED: Mapping[str, Nomogram] = MappingProxyType({"peak_driven": PEAK_DRIVEN, "auc_driven": AUC_DRIVEN})
"""By the scenario pack it was tuned under."""


def tuned(pack: str) -> Nomogram:
    """The nomogram tuned under a pack (a drifting one: under the pack that drifts; one without its own: peak_driven's)."""
    base = pack.partition("+")[0]
    if not base:
        raise UnknownName("no pack", where="nomogram", value=pack, allowed=", ".join(TUNED))
    return TUNED.get(base, PEAK_DRIVEN)

"""Synthetic babies as a forecaster meets them: the ward's tables of a cohort turned into ward records."""

import numpy as np

from dosetwin.forecast.kidney.record import FLAGS, WardRecord, ward_record
from dosetwin.populations.newborn_kidney.cohort import KidneyCohort, Table
from dosetwin.quantities.assays import ASSAYS, SCR_FLOOR


def _rows(table: Table, n: int) -> np.ndarray:
    """Where each baby's rows begin in a table sorted by baby: [n + 1]."""
    return np.searchsorted(table["ID"], np.arange(n + 1))


def records(cohort: KidneyCohort) -> list[WardRecord]:
    """Every baby's whole stay, creatinine in mg/dL IDMS by its own assay's line; ``.until(t)`` is what was known at ``t`` h.

    ``now`` is the last charted hour. Nothing of ``cohort.hidden`` is used.
    """
    seen, n = cohort.seen, len(cohort.seen.babies["ID"])
    births, daily, results, changes = seen.babies, seen.daily, seen.measurements, seen.changes
    day, result, change = (_rows(table, n) for table in (daily, results, changes))
    found = []
    for i in range(n):
        d, r, c = (slice(at[i], at[i + 1]) for at in (day, result, change))
        slope, intercept = ASSAYS[str(births["ASSAY"][i])]
        times = results["t_h"][r].astype(np.float64)
        scr = np.maximum(slope * results["mg_dL"][r] + intercept, SCR_FLOOR)
        names = changes["NAME"][c]
        flags = {
            name: (changes["t_h"][c][names == name].tolist(), changes["VALUE"][c][names == name].astype(float).tolist())
            for name in FLAGS
            if (names == name).any()
        }
        weight = (tuple(daily["t_h"][d].tolist()), tuple(daily["WT"][d].tolist()))
        last = max([*times[-1:].tolist(), *daily["t_h"][d][-1:].tolist()], default=0.0)
        found.append(
            ward_record(
                str(births["ID"][i]), float(births["GA"][i]), float(births["BW"][i]), times.tolist(), scr.tolist(), now=last,
                weight=weight, flags={k: (tuple(t), tuple(v)) for k, (t, v) in flags.items()}, male=float(births["SEX"][i]),
                caesarean=float(births["CAESAREAN"][i]), assay=str(births["ASSAY"][i]),
            )
        )  # fmt: skip
    return found

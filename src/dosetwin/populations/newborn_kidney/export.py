"""What the ward sees of a cohort as one CSV in NONMEM's manner, and the truth beside it in a file of its own.

One row per charted day (EVID 2, MDV 1) and per creatinine (EVID 0, MDV 0), sorted by ID and TIME; "." where there is no value.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from dosetwin.populations.newborn_kidney.cohort import HORIZONS_H, STATE, KidneyCohort

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("ID", "TIME", "EVID", "MDV", "DV", "UNIT", "ASSAY", "GA", "BW", "SEX", "CAESAREAN", "HOSPITAL", *STATE)
"""TIME h after birth, DV creatinine in UNIT by ASSAY as printed, GA wk as charted, BW and WT kg, SEX 1 for boys, PNA d."""


def long_csv(cohort: KidneyCohort) -> str:
    """The ward's record as CSV text, columns ``COLUMNS``."""
    import pandas as pd

    seen = cohort.seen.frames()
    births = seen["babies"].set_index("ID")
    results = seen["measurements"].assign(EVID=0, MDV=0, DV=lambda f: f["VALUE"].map("{:.12g}".format))
    days = seen["daily"].assign(EVID=2, MDV=1, DV=".", UNIT=".", ASSAY=".")
    rows = pd.concat([days, results], ignore_index=True).rename(columns={"t_h": "TIME"})
    rows = rows.join(births[["GA", "BW", "SEX", "CAESAREAN", "HOSPITAL"]], on="ID")
    rows = rows.sort_values(["ID", "TIME", "EVID"], ascending=[True, True, False], kind="stable")
    return _text(rows, COLUMNS)


def truth_csv(cohort: KidneyCohort) -> str:
    """What is true at each creatinine and one, two and three days later: rows match the EVID 0 rows of ``long_csv``."""
    import pandas as pd

    rows = pd.DataFrame(dict(cohort.hidden.measurements)).rename(columns={"t_h": "TIME"})
    rows["ONSET"] = cohort.hidden.onset[rows["ID"]]
    for ahead in HORIZONS_H:
        rows[f"STAYS_{ahead}"] = rows[f"STAYS_{ahead}"].astype(int)
    return _text(rows, tuple(rows.columns))


def write(cohort: KidneyCohort, data: Path, truth: Path | None = None) -> None:
    """Write ``data`` (what a forecaster may have) and, when named, ``truth``, a different file."""
    data.write_text(long_csv(cohort), encoding="utf-8", newline="\n")
    if truth is not None:
        truth.write_text(truth_csv(cohort), encoding="utf-8", newline="\n")


def _text(rows: "pd.DataFrame", columns: tuple[str, ...]) -> str:
    out = io.StringIO()
    rows.to_csv(out, columns=list(columns), index=False, float_format="%.6g", lineterminator="\n")
    return out.getvalue()

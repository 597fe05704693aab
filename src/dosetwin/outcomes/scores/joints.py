"""Rheumatoid arthritis: DAS28 by sedimentation or C-reactive protein."""

import math
from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Column, Score


def _activity(v: Mapping[str, float]) -> dict[str, float | str]:
    joints = 0.56 * math.sqrt(v["TJC28"]) + 0.28 * math.sqrt(v["SJC28"])
    out: dict[str, float | str] = {}
    if "ESR" in v:
        blood = joints + 0.70 * math.log(v["ESR"])
        out |= {"DAS28_ESR": blood + 0.014 * v["GH"]} if "GH" in v else {}
        out["DAS28_ESR3"] = 1.08 * blood + 0.16
    if "CRP" in v:
        blood = joints + 0.36 * math.log(v["CRP"] + 1.0)
        out |= {"DAS28_CRP": blood + 0.014 * v["GH"] + 0.96} if "GH" in v else {}
        out["DAS28_CRP3"] = 1.10 * blood + 1.15
    if not out:
        raise InputError("neither sedimentation nor C-reactive protein", where="ESR", allowed="one of ESR and CRP")
    first = next(float(out[k]) for k in ("DAS28_ESR", "DAS28_CRP", "DAS28_ESR3", "DAS28_CRP3") if k in out)
    state = "remission" if first < 2.6 else "low" if first <= 3.2 else "moderate" if first <= 5.1 else "high"
    return out | {"ACTIVITY": state}


SCORES = (
    Score(
        "das28", "Disease activity of rheumatoid arthritis in 28 joints",
        "Prevoo 1995, Arthritis Rheum 38:44; with C-reactive protein as in Wells 2009 (recalled)", "recalled",
        (
            Column("TJC28", "tender joints", "", 0.0, 28.0, whole=True),
            Column("SJC28", "swollen joints", "", 0.0, 28.0, whole=True),
            Column("ESR", "sedimentation in the first hour", "mm/h", 1.0, 200.0, False),
            Column("CRP", "C-reactive protein", "mg/L", 0.0, 600.0, False, units={"mg/dL": 10.0}),
            Column("GH", "general health by the patient", "mm", 0.0, 100.0, False, units={"cm": 10.0}),
        ),
        {"DAS28_ESR": "by sedimentation", "DAS28_ESR3": "by sedimentation without general health", "DAS28_CRP": "by CRP",
         "DAS28_CRP3": "by CRP without general health", "ACTIVITY": "2.6, 3.2 and 5.1 part remission, low, moderate, high"},
        _activity,
    ),
)  # fmt: skip

"""Before an operation: the revised cardiac risk index and P-POSSUM."""

from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Column, Score, logistic, yes
from dosetwin.quantities import UMOL_PER_MG_DL

LEE = (0.4, 0.9, 6.6, 11.0)
POOLED = (3.9, 6.0, 10.1, 15.0)
"""Major cardiac events, %, with 0, 1, 2 and more points: Lee 1999, and as pooled in Canada in 2017 (both recalled)."""
POINTS = (1.0, 2.0, 4.0, 8.0)


def _rcri(v: Mapping[str, float]) -> dict[str, float | str]:
    flags = ("HIGH_RISK_SURGERY", "ISCHAEMIC", "HEART_FAILURE", "STROKE", "INSULIN")
    points = int(sum(v[f] for f in flags) + (v["SCR"] > 2.0))
    k = min(points, 3)
    return {"POINTS": float(points), "RISK_LEE": LEE[k], "RISK_POOLED": POOLED[k]}


def _possum(v: Mapping[str, float]) -> dict[str, float | str]:
    ps, os = v["PS"], v["OS"]
    if ps + os != round(ps + os):
        raise InputError("scores are whole", where="PS", value=ps)
    return {
        "MORTALITY": 100.0 * logistic(-9.065 + 0.1692 * ps + 0.1550 * os),
        "POSSUM_MORBIDITY": 100.0 * logistic(-5.91 + 0.16 * ps + 0.19 * os),
        "POSSUM_MORTALITY": 100.0 * logistic(-7.04 + 0.13 * ps + 0.16 * os),
    }


SCORES = (
    Score(
        "rcri", "Cardiac events around an operation that is not on the heart, revised cardiac risk index",
        "Lee 1999, Circulation 100:1043; pooled figures of Duceppe 2017, Can J Cardiol 33:17 (recalled)", "recalled",
        (
            yes("HIGH_RISK_SURGERY", "inside the belly or chest, or of vessels above the groin"),
            yes("ISCHAEMIC", "ischaemic heart disease"),
            yes("HEART_FAILURE", "heart failure"), yes("STROKE", "stroke or transient attack"), yes("INSULIN", "insulin"),
            Column("SCR", "serum creatinine", "mg/dL", 0.1, 25.0, units={"umol/L": 1.0 / UMOL_PER_MG_DL}),
        ),
        {"POINTS": "points of 6", "RISK_LEE": "risk of the first paper, %", "RISK_POOLED": "pooled risk of 2017, %"}, _rcri,
    ),
    Score(
        "p_possum", "Death and morbidity after an operation, P-POSSUM and POSSUM",
        "Prytherch 1998, Br J Surg 85:1217; Copeland 1991, Br J Surg 78:355 (recalled)", "recalled",
        (
            Column("PS", "physiological score: twelve items of 1, 2, 4 or 8", "", 12.0, 88.0, whole=True),
            Column("OS", "operative score: six items of 1, 2, 4 or 8", "", 6.0, 48.0, whole=True),
        ),
        {"MORTALITY": "death by P-POSSUM, %", "POSSUM_MORBIDITY": "morbidity by POSSUM, %",
         "POSSUM_MORTALITY": "death by POSSUM, %"}, _possum,
        note="three equations that are not to be mixed",
    ),
)  # fmt: skip

"""Radiotherapy by the linear-quadratic form: biologically effective dose, the same in 2 Gy, survival of cells, tumour control."""

import math
from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Column, Score


def _bed(v: Mapping[str, float]) -> dict[str, float | str]:
    n, d, ab = v["N"], v["D"], v["AB"]
    bed = n * d * (1.0 + d / ab)
    days = [k for k in ("T", "TK", "TP", "ALPHA") if k in v]
    if "T" in v and len(days) < 4:
        raise InputError("repopulation needs T, TK, TP and ALPHA", where="T", value=", ".join(days))
    if len(days) == 4:
        bed -= math.log(2.0) * max(v["T"] - v["TK"], 0.0) / (v["ALPHA"] * v["TP"])
    out: dict[str, float | str] = {"BED": bed, "EQD2": bed / (1.0 + 2.0 / ab)}
    if "ALPHA" in v:
        survives = math.exp(-v["ALPHA"] * bed)
        out["SURVIVAL"] = survives
        if "CELLS" in v:
            out["TCP"] = math.exp(-v["CELLS"] * survives)
    return out


SCORES = (
    Score(
        "bed", "Biologically effective dose of a fractionated course",
        "Fowler 1989, Br J Radiol 62:679; Dale 1985 (recalled)", "recalled",
        (
            Column("N", "fractions", "", 1.0, 100.0, whole=True),
            Column("D", "dose of a fraction", "Gy", 0.1, 40.0, units={"cGy": 0.01}),
            Column("AB", "alpha over beta", "Gy", 0.5, 30.0), Column("ALPHA", "alpha", "1/Gy", 0.001, 2.0, False),
            Column("T", "whole time", "d", 0.0, 200.0, False), Column("TK", "day repopulation begins", "d", 0.0, 200.0, False),
            Column("TP", "doubling time", "d", 0.5, 200.0, False), Column("CELLS", "clonogenic cells", "", 1.0, 1e12, False),
        ),
        {"BED": "biologically effective dose, Gy", "EQD2": "the same in fractions of 2 Gy",
         "SURVIVAL": "share of cells that survive", "TCP": "chance of tumour control"}, _bed,
    ),
)  # fmt: skip

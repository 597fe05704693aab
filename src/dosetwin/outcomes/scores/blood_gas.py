"""Oxygen in blood: saturation from tension and back, by Severinghaus 1979 and Ellis 1989."""

import math
from collections.abc import Mapping

from dosetwin.errors import InputError
from dosetwin.outcomes.scores.score import Column, Score


def saturation(po2: float) -> float:
    """Share of haemoglobin that carries oxygen at a tension in mmHg (pH 7.4, 37 degrees)."""
    return 1.0 / (23400.0 / (po2**3 + 150.0 * po2) + 1.0) if po2 > 0.0 else 0.0


def tension(share: float) -> float:
    """mmHg at a saturation between 0 and 1, the exact inverse."""
    a = 11700.0 / (1.0 / share - 1.0)
    b = math.sqrt(50.0**3 + a * a)
    return (b + a) ** (1.0 / 3.0) - (b - a) ** (1.0 / 3.0)


def _gas(v: Mapping[str, float]) -> dict[str, float | str]:
    if ("PO2" in v) == ("SO2" in v):
        raise InputError("one of tension and saturation is asked for, the other given", where="PO2", allowed="PO2 or SO2")
    if "PO2" in v:
        return {"SO2_OUT": 100.0 * saturation(v["PO2"]), "PO2_OUT": v["PO2"]}
    return {"SO2_OUT": v["SO2"], "PO2_OUT": tension(v["SO2"] / 100.0)}


SCORES = (
    Score(
        "severinghaus", "Oxygen saturation from tension, and back",
        "Severinghaus 1979, J Appl Physiol 46:599; inverse of Ellis 1989, 67:902 (secondary)", "secondary",
        (
            Column("PO2", "oxygen tension", "mmHg", 0.0, 700.0, False, units={"kPa": 7.50062}),
            Column("SO2", "oxygen saturation", "%", 0.0001, 99.9999, False),
        ),
        {"SO2_OUT": "saturation, %", "PO2_OUT": "tension, mmHg"}, _gas, note="pH 7.4, 37 degrees, adult haemoglobin",
    ),
)  # fmt: skip

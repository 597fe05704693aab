"""What a monitor under the skin adds to glucose: correlated errors, gaps, and falls by pressure.

Errors as in simglucose (Breton and Kovatchev 2008, J Diabetes Sci Technol 2:853): every 15 minutes an autoregressive normal
number, shaped by Johnson's SU curve, joined smoothly. Gaps and falls are assumed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from dosetwin.streams import normals, uniforms

APART_MIN = 15
PACF, GAMMA, LAMBDA, DELTA, XI = 0.7, -0.5444, 15.9574, 1.6898, -5.47
LOWEST, HIGHEST = 39.0, 600.0
"""mg/dL, of the Dexcom model of simglucose."""


@dataclass(frozen=True)
class Sensor:
    """``error`` scales the errors (0: none); ``gaps`` a day of ``gap_min`` min in the mean; ``pressed`` falls a night of ``fall``
    mg/dL for ``press_min`` min."""

    error: float = 1.0
    gaps: float = 0.3
    gap_min: float = 45.0
    pressed: float = 0.2
    fall: float = 45.0
    press_min: float = 25.0


def errors(number: NDArray[np.int64], seed: int, minutes: NDArray[np.float64], sensor: Sensor) -> NDArray[np.float64]:
    """What is added to glucose, mg/dL [n, len(minutes)] at ``minutes`` from the start; nan where nothing was sent."""
    n, knots = len(number), int(minutes[-1] // APART_MIN) + 3
    noise = normals(seed, "type1/sensor", number, knots)
    e = np.empty((n, knots))
    e[:, 0] = noise[:, 0]
    for k in range(1, knots):
        e[:, k] = PACF * (e[:, k - 1] + noise[:, k])
    shaped = XI + LAMBDA * np.sinh((e - GAMMA) / DELTA)
    out = sensor.error * CubicSpline(np.arange(knots) * float(APART_MIN), shaped, axis=1)(minutes)
    days = int(minutes[-1] // 1440) + 1
    for name, a_day, length, fall in (
        ("gap", sensor.gaps, sensor.gap_min, np.nan),
        ("press", sensor.pressed, sensor.press_min, -sensor.fall),
    ):
        u = uniforms(seed, f"type1/{name}", number, 3 * days).reshape(n, days, 3)
        for day in range(days):
            happens = u[:, day, 0] < a_day
            clock = u[:, day, 1] * (1440.0 if name == "gap" else 300.0)  # pressure while asleep: the first five hours of a day
            long = -length * np.log(u[:, day, 2]) if name == "gap" else np.full(n, length)
            start = day * 1440.0 + clock
            hit = happens[:, None] & (minutes >= start[:, None]) & (minutes < (start + long)[:, None])
            out = np.where(hit, out + fall, out)
    return out

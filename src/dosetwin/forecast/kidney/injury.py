"""A kidney injury heard in the drug's levels: clearance far below what gestation, age, weight and treatment explain.

A drug that only the kidney clears measures filtration. Its clearance now, relative to that of the typical baby with the same
covariates, is believed from levels and creatinine together; an injury is called likely when it lies below BELOW and below what
usual babies spread over. How likely that is weighs both explanations of a doubted level: one that is all but certainly wrong
makes no injury. What follows if the level is right stands beside it, so that no page shows a clearance down by half beside a bare
"no injury". How likely an injury is on the whole is the higher of this and of what creatinine forecasts: both speak of the same
kidney, so they are not added up.
"""

from typing import TYPE_CHECKING

import numpy as np

from dosetwin.declare import Model
from dosetwin.forecast.kidney.outlook import ClearanceFall
from dosetwin.records import Timeline

if TYPE_CHECKING:
    from dosetwin.infer.belief import Belief
    from dosetwin.simulate.schedule import Rule

BELOW = 0.5
"""Clearance over that expected: at or below it the kidney counts as injured (pRIFLE "injury": clearance down by 50 %,
Akcan-Arikan 2007, Kidney Int 71:1028, recalled; that a drug's clearance stands for creatinine's is assumed)."""
USUAL_SD = 1.96
"""A ratio within that many SDs of the variability between babies is usual, whatever BELOW says (two-sided 95 %)."""


def clearance_fall(
    model: Model, bare: Timeline, facts: Timeline, belief: "Belief", *, now: float, rule: "Rule"
) -> ClearanceFall | None:
    """How far clearance has fallen under ``belief``; None for a model without clearance.

    ``bare`` the facts as recorded (of them the typical baby is made), ``facts`` the same with a kidney's course, if one tells it.
    """
    from dosetwin.simulate import parameters, schedule_for

    at = schedule_for(model, bare, [now], rule=rule)
    n, step = belief.draws.shape[1], 1e-3
    points = np.vstack([np.zeros((1, n)), step * np.eye(n), -step * np.eye(n)])
    typical = parameters(model, at, points).get("CL")
    if typical is None:
        return None
    logs = np.log(typical[:, 0])
    slope = (logs[1 : n + 1] - logs[n + 1 :]) / (2.0 * step)
    omega = model.omega_for((n - len(model.eta_names)) // max(len(model.kappa_names), 1))
    sd = float(np.sqrt(slope @ omega @ slope))
    below = min(BELOW, float(np.exp(-USUAL_SD * sd)))
    told = schedule_for(model, facts, [now], rule=rule)

    def ratio(draws: np.ndarray) -> np.ndarray:
        return parameters(model, told, draws)["CL"][:, 0] / typical[0, 0]

    believed = ratio(belief.believed().draws)
    low, middle, high = np.quantile(believed, (0.05, 0.5, 0.95))
    doubt = any(x.measures != "SCR" for x in belief.doubted)
    # where nothing is in doubt the two are one belief, and the figure beside the ratio is read from the same draws
    p = float(((ratio(belief.draws) if doubt else believed) <= below).mean())
    p_if_right = float((ratio(belief.if_right().draws) <= below).mean()) if doubt else None
    return ClearanceFall((float(low), float(middle), float(high)), p, below, sd, p_if_right)

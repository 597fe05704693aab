"""Insulin at a fat cell: from its receptor to the transporters at the surface, in health and in type 2 diabetes.

Brannmark et al. 2013, J Biol Chem 288:9867, as curated (BioModels 448 and 449, CC0 as recalled); the part behind mTORC1 (S6K, S6)
is left out: nothing comes back from it. Percent of each protein; time in min, insulin in nmol/L.
"""

from typing import Any

import numpy as np

RATES = {
    "k1a": 0.6331,
    "k1basal": 0.03683,
    "k1c": 0.8768,
    "k1d": 31.01,
    "k1f": 1840.0,
    "k1g": 1944.0,
    "k1r": 0.5471,
    "k2a": 3.227,
    "k2c": 5759.0,
    "k2basal": 0.04228,
    "k2b": 3424.0,
    "k2d": 280.8,
    "k2f": 2.913,
    "k2g": 0.2671,
    "k3a": 0.001377,
    "k3b": 0.09876,
    "k4a": 5790.0,
    "k4b": 34.8,
    "k4c": 4.456,
    "k4e": 42.84,
    "k4f": 143.6,
    "k4h": 0.5361,
    "k5a1": 1.842,
    "k5a2": 0.05506,
    "k5b": 24.83,
    "k5d": 1.06,
    "k5c": 0.08575,
    "k6f1": 2.652,
    "k6f2": 36.93,
    "km6": 30.54,
    "n6": 2.137,
    "k6b": 65.18,
    "k7f": 50.98,
    "k7b": 2286.0,
}
NORMAL = {
    "IR": 99.8737104842408, "IRp": 0.00186253217635894, "IRins": 0.0, "IRip": 0.0188430465801578, "IRi": 0.105583925473107,
    "IRS1": 82.9671997523599, "IRS1p": 0.00119481841136737, "IRS1p307": 0.327454355438396, "IRS1307": 16.7041510257561,
    "X": 99.9983336594667, "Xp": 0.00166634053318549, "PKB": 68.1806649661901, "PKB308p": 13.2964849666951,
    "PKB473p": 16.8171941560617, "PKB308p473p": 1.70566051030056, "mTORC1": 86.5002472240273, "mTORC1a": 13.4997527759726,
    "mTORC2": 99.8478148461591, "mTORC2a": 0.152185153840861, "AS160": 83.8141018591099, "AS160p": 16.1858981408903,
    "GLUT4m": 26.523878746229, "GLUT4": 73.476121253771,
}  # fmt: skip
"""Where each stands without insulin."""
DIABETIC = {
    "IR": 49.9344643421136, "IRp": 0.000931221500588088, "IRins": 0.0, "IRip": 0.011815001204792, "IRi": 0.0527894351383809,
    "IRS1": 86.2418960059256, "IRS1p": 0.00095272377217019, "IRS1p307": 0.00891531075576947, "IRS1307": 13.7482359094757,
    "X": 99.9986712896423, "Xp": 0.00132871035763352, "PKB": 78.0219322115859, "PKB308p": 12.2197372437326,
    "PKB473p": 9.6963389945784, "PKB308p473p": 0.061992532897245, "mTORC1": 96.927052256569, "mTORC1a": 3.07294774343092,
    "mTORC2": 99.9045223943705, "mTORC2a": 0.0954776056294795, "AS160": 95.4699007486273, "AS160p": 4.53009925137289,
    "GLUT4m": 4.5880858350243, "GLUT4": 45.4119141649757,
}  # fmt: skip
"""The same in type 2 diabetes: half the receptors and transporters."""
FEEDBACK = {"normal": 1.0, "diabetic": 0.15}
"""Strength of the feedback from mTORC1 to the receptor's substrate."""


def changes(x: dict[str, float], insulin: float, feedback: float) -> dict[str, float]:
    """d/dt of every protein."""
    k = RATES
    d = dict.fromkeys(x, 0.0)

    def flow(a: str, b: str, rate: float) -> None:
        d[a] -= rate
        d[b] += rate

    flow("IR", "IRins", x["IR"] * k["k1a"] * insulin)
    flow("IR", "IRp", x["IR"] * k["k1basal"])
    flow("IRins", "IRp", x["IRins"] * k["k1c"])
    flow("IRp", "IRip", x["IRp"] * k["k1d"])
    flow("IRip", "IRi", x["IRip"] * k["k1f"] * x["Xp"])
    flow("IRp", "IR", x["IRp"] * k["k1g"])
    flow("IRi", "IR", x["IRi"] * k["k1r"])
    flow("IRS1", "IRS1p", x["IRS1"] * k["k2a"] * x["IRip"])
    flow("IRS1p", "IRS1", x["IRS1p"] * k["k2b"])
    flow("IRS1p", "IRS1p307", x["IRS1p"] * k["k2c"] * x["mTORC1a"] * feedback)
    flow("IRS1p307", "IRS1p", x["IRS1p307"] * k["k2d"])
    flow("IRS1p307", "IRS1307", x["IRS1p307"] * k["k2f"])
    flow("IRS1", "IRS1307", x["IRS1"] * k["k2basal"])
    flow("IRS1307", "IRS1", x["IRS1307"] * k["k2g"])
    flow("X", "Xp", x["X"] * k["k3a"] * x["IRS1p"])
    flow("Xp", "X", x["Xp"] * k["k3b"])
    flow("PKB", "PKB308p", x["PKB"] * k["k4a"] * x["IRS1p"])
    flow("PKB308p", "PKB", x["PKB308p"] * k["k4b"])
    flow("PKB308p", "PKB308p473p", x["PKB308p"] * k["k4c"] * x["mTORC2a"])
    flow("PKB473p", "PKB308p473p", x["PKB473p"] * k["k4e"] * x["IRS1p307"])
    flow("PKB308p473p", "PKB473p", x["PKB308p473p"] * k["k4f"])
    flow("PKB473p", "PKB", x["PKB473p"] * k["k4h"])
    flow("mTORC1", "mTORC1a", x["mTORC1"] * (k["k5a1"] * x["PKB308p473p"] + k["k5a2"] * x["PKB308p"]))
    flow("mTORC1a", "mTORC1", x["mTORC1a"] * k["k5b"])
    flow("mTORC2", "mTORC2a", x["mTORC2"] * k["k5c"] * x["IRip"])
    flow("mTORC2a", "mTORC2", x["mTORC2a"] * k["k5d"])
    p = max(x["PKB473p"], 0.0) ** k["n6"]
    flow("AS160", "AS160p", x["AS160"] * (k["k6f1"] * x["PKB308p473p"] + k["k6f2"] * p / (k["km6"] ** k["n6"] + p)))
    flow("AS160p", "AS160", x["AS160p"] * k["k6b"])
    flow("GLUT4", "GLUT4m", x["GLUT4"] * k["k7f"] * x["AS160p"])
    flow("GLUT4m", "GLUT4", x["GLUT4m"] * k["k7b"])
    return d


def course(times: np.ndarray, state: str = "normal", insulin: float = 10.0) -> dict[str, np.ndarray]:
    """Every protein [n_times] at ascending ``times`` (min) after ``insulin`` nmol/L came; ``state`` normal or diabetic."""
    from scipy.integrate import solve_ivp

    start: dict[str, Any] = NORMAL if state == "normal" else DIABETIC
    names = list(start)

    def f(_: float, y: np.ndarray) -> np.ndarray:
        d = changes(dict(zip(names, y, strict=True)), insulin, FEEDBACK[state])
        return np.array([d[n] for n in names])

    found = solve_ivp(f, (0.0, float(times[-1])), list(start.values()), "LSODA", t_eval=times, rtol=1e-8, atol=1e-9)
    return dict(zip(names, found.y, strict=True))

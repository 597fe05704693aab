"""The QT interval: corrected for rate, its limits, how it answers to a concentration, learned from volunteers and one patient.

A response is linear in concentration, with a level and a slope of each person (normal, correlated), fitted by maximum likelihood
(EM). One person's readings then move the two in closed form.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dosetwin.errors import Finding, InputError
from dosetwin.streams import normals

FORMULAS = ("fridericia", "bazett", "framingham", "hodges")
STOP, RISE, E14 = 500.0, 60.0, 10.0
LIMITS = (
    "QTc of 500 ms or 60 ms over baseline: stop or reduce (AHA/ACC 2010, recalled); ICH E14 2005: upper bound of 10 ms (recalled)"
)
VOLUNTEERS = (
    "Johannesen 2014, Clin Pharmacol Ther 96:549 (PhysioNet ECGRDVQ 1.0.0): 22 healthy volunteers, one dose each; fitted by us"
)


def corrected(qt: float, rr: float, formula: str = "fridericia") -> float:
    """QTc (ms) of a QT in ms at an RR interval in s.

    Raises InputError for a QT or RR that cannot be (seconds for ms), and for an unknown formula.
    """
    if not 150.0 <= qt <= 900.0:
        raise InputError("not a QT interval", where="QT", value=qt, allowed="150 to 900 ms", remedy="in s? times 1000")
    if not 0.25 <= rr <= 3.0:
        raise InputError(
            "not an RR interval", where="RR", value=rr, allowed="0.25 to 3 s", remedy="in ms? over 1000; a rate? 60 / rate"
        )
    if formula == "fridericia":
        return qt / rr ** (1.0 / 3.0)
    if formula == "bazett":
        return qt / math.sqrt(rr)
    if formula == "framingham":
        return qt + 154.0 * (1.0 - rr)
    if formula == "hodges":
        return qt + 1.75 * (60.0 / rr - 60.0)
    raise InputError("unknown correction", where="QTc", value=formula, allowed=", ".join(FORMULAS))


@dataclass(frozen=True)
class Response:
    """How QTc (ms) answers to a concentration (``unit``): QTc = baseline + level + slope x C, each normal over people.

    ``sds`` of level and slope, their ``corr``, ``noise`` SD of one reading; ``peak`` mean peak concentration of ``dose`` and
    ``peak_cv`` between people; ``accumulates`` peak of steady state over that of one dose; ``doses`` that can be ordered,
    one every ``every_h`` h.
    """

    name: str
    unit: str
    level: float
    slope: float
    sds: tuple[float, float]
    corr: float
    noise: float
    dose: float
    dose_unit: str
    peak: float
    peak_cv: float
    doses: tuple[float, ...]
    accumulates: float = 1.0
    highest: float = math.inf
    source: str = VOLUNTEERS
    every_h: float = 12.0

    @property
    def often(self) -> str:
        """``twice a day``."""
        return "twice a day" if self.every_h == 12.0 else f"every {self.every_h:g} h"

    def covariance(self) -> np.ndarray:
        """[2, 2] of level and slope over people."""
        a, s = self.sds
        return np.array([[a * a, self.corr * a * s], [self.corr * a * s, s * s]])


def fitted(groups: Sequence[tuple[np.ndarray, np.ndarray]], steps: int = 300) -> tuple[np.ndarray, np.ndarray, float, np.ndarray]:
    """Mean [2], covariance between people [2, 2], SD of noise and covariance of the mean [2, 2] of level and slope.

    ``groups``: concentrations and changes of QTc (ms) of each person. Maximum likelihood by EM, ``steps`` of it.
    """
    data = [(np.stack([np.ones(len(c)), c], axis=1), y) for c, y in groups]
    b = np.linalg.lstsq(np.vstack([X for X, _ in data]), np.concatenate([y for _, y in data]), rcond=None)[0]
    W, s2, A = np.diag([50.0, (0.3 * abs(b[1])) ** 2]), 100.0, np.eye(2)
    for _ in range(steps):
        A, c = np.zeros((2, 2)), np.zeros(2)
        for X, y in data:
            V = np.linalg.inv(X @ W @ X.T + s2 * np.eye(len(y)))
            A, c = A + X.T @ V @ X, c + X.T @ V @ y
        b = np.linalg.solve(A, c)
        S, left, n = np.zeros((2, 2)), 0.0, 0
        for X, y in data:
            P = np.linalg.inv(np.linalg.inv(W) + X.T @ X / s2)
            u = P @ (X.T @ (y - X @ b)) / s2
            r = y - X @ b - X @ u
            S, left, n = S + P + np.outer(u, u), left + float(r @ r + np.trace(X @ P @ X.T)), n + len(y)
        W, s2 = S / len(data), left / n
    return b, W, math.sqrt(s2), np.linalg.inv(A)


RESPONSES = {
    "dofetilide": Response(
        "dofetilide", "ng/mL", -10.4, 28.4, (0.6, 5.9), 0.0, 12.7, 500.0, "ug", 2.72, 0.10, (125.0, 250.0, 500.0), 1.45, 6.0
    ),
    "ranolazine": Response(
        "ranolazine",
        "ng/mL",
        -4.93,
        0.00419,
        (6.5, 0.0030),
        0.0,
        7.3,
        1500.0,
        "mg",
        1948.0,
        0.5,
        (375.0, 500.0, 750.0, 1000.0),
        1.5,
        10000.0,
    ),
    "quinidine": Response(
        "quinidine", "ng/mL", -6.6, 0.0447, (6.4, 0.0115), -0.2, 13.9, 400.0, "mg sulfate", 1794.0, 0.22, (200.0, 300.0, 400.0),
        2.1, 10000.0, VOLUNTEERS.replace("22", "21"), 6.0,
    ),
    "verapamil": Response(
        "verapamil", "ng/mL", -7.4, 0.062, (9.6, 0.064), -0.66, 5.8, 120.0, "mg", 130.0, 0.53, (40.0, 80.0, 120.0), 1.2, 2000.0,
        every_h=8.0,
    ),
}  # fmt: skip
"""Change from the reading before the dose (no placebo taken off). Peaks: means of the same volunteers; accumulation at 12 h:
dofetilide from its fall between 12 and 24 h in them, ranolazine assumed; of quinidine every 6 h and verapamil every 8 h the mean
levels of one dose laid over each other (verapamil saturates its first pass: too low). Doses recalled."""


@dataclass(frozen=True)
class QTPatient:
    """One person on a drug: ``baseline`` QTc (ms) and readings (concentration, QTc) told so far. Immutable."""

    of: Response
    baseline: float
    readings: tuple[tuple[float, float], ...] = ()
    peaks: tuple[tuple[float, float], ...] = ()

    def told(self, *readings: tuple[float, float], peak: tuple[float, float] | None = None) -> "QTPatient":
        """Knowing these (concentration, QTc) too, and ``peak``: (dose, peak concentration) once measured. In any order.

        Raises InputError for a concentration or a QTc that cannot be.
        """
        for c, q in readings:
            if not 0.0 <= c <= self.of.highest:
                raise InputError("not a concentration of this drug", where=f"{self.of.name}, {self.of.unit}", value=c,
                                 allowed=f"0 to {self.of.highest:g} {self.of.unit} (total)",
                                 remedy="free or in nmol/L? this response is of total plasma concentration")  # fmt: skip
            if not 250.0 <= q <= 800.0:
                raise InputError("not a QTc", where="QTc", value=q, allowed="250 to 800 ms")
        more = () if peak is None else (peak,)
        return replace(self, readings=tuple(sorted({*self.readings, *readings})), peaks=tuple(sorted({*self.peaks, *more})))

    def posterior(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and covariance of level and slope."""
        r, W = self.of, np.linalg.inv(self.of.covariance() + 1e-12 * np.eye(2))
        m = np.array([r.level, r.slope])
        if not self.readings:
            return m, r.covariance()
        X = np.array([[1.0, c] for c, _ in self.readings])
        y = np.array([q - self.baseline for _, q in self.readings])
        P = np.linalg.inv(W + X.T @ X / r.noise**2)
        return P @ (W @ m + X.T @ y / r.noise**2), P

    def factor(self) -> tuple[float, float]:
        """Mean and SD of the log of this person's peak per dose over the usual one; a measured peak has 10 % error."""
        r = self.of
        w = 1.0 / r.peak_cv**2 + len(self.peaks) / 0.1**2
        logs = [math.log(c / d / (r.peak / r.dose)) for d, c in self.peaks]
        return sum(logs) / 0.1**2 / w, math.sqrt(1.0 / w)

    def play(
        self, dose: float, *, draws: int = 2000, seed: int = 1, steady: bool = True, peak: float | None = None
    ) -> np.ndarray:
        """[draws] QTc (ms, without the noise of a reading) at the peak of ``dose``; ``peak``: at this concentration instead."""
        m, P = self.posterior()
        z = normals(seed, "qt", np.arange(draws), 3)
        beta = m + z[:, :2] @ np.linalg.cholesky(P + 1e-15 * np.eye(2)).T
        if dose == 0.0 and peak is None:
            return np.full(draws, self.baseline)
        centre, sd = self.factor()
        usual = self.of.peak / self.of.dose * dose * (self.of.accumulates if steady else 1.0)
        C = usual * np.exp(centre + sd * z[:, 2]) if peak is None else np.full(draws, peak)
        return self.baseline + beta[:, 0] + beta[:, 1] * C


MAY_STOP, MAY_RISE = 0.05, 0.10
"""Chances of passing 500 ms, and of rising by more than 60 ms, that a dose may have (assumed)."""


def doses(of: QTPatient, *, draws: int = 2000, seed: int = 1) -> list[dict[str, Any]]:
    """Every dose, none first: QTc at its peak (5, 50, 95 %), chances of the limits, whether it is acceptable."""
    out = []
    for dose in (0.0, *of.of.doses):
        q = of.play(dose, draws=draws, seed=seed)
        low, mid, high = np.quantile(q, (0.05, 0.5, 0.95))
        p500, p60 = float((q >= STOP).mean()), float((q - of.baseline >= RISE).mean())
        out.append(
            {
                "dose": dose,
                "unit": of.of.dose_unit,
                "q05": float(low),
                "q50": float(mid),
                "q95": float(high),
                "p_500": p500,
                "p_60": p60,
                "acceptable": p500 <= MAY_STOP and p60 <= MAY_RISE,
            }
        )
    return out


def rule(of: QTPatient, dose: float) -> tuple[float, str]:
    """What the limits say of the last reading alone: the dose that follows from them, and why."""
    last = max((q for _, q in of.readings), default=of.baseline)
    lower = max([d for d in of.of.doses if d <= dose / 2.0 + 1e-9], default=0.0)
    if last >= STOP:
        return 0.0, f"QTc {last:.0f} ms: at or above 500, stop"
    if last - of.baseline >= RISE:
        return lower, f"QTc {last - of.baseline:.0f} ms over baseline: 60 or more, {'halve' if lower else 'stop'}"
    return dose, f"QTc {last:.0f} ms, {last - of.baseline:+.0f} ms: within limits"


def findings(
    *, potassium: float | None = None, magnesium: float | None = None, rr: float | None = None, qrs: float | None = None
) -> list[Finding]:
    """What beside the drug prolongs QT or spoils its reading. Potassium and magnesium in mmol/L, RR in s, QRS in ms."""
    out: list[Finding] = []
    if potassium is not None and not 1.5 <= potassium <= 9.0:
        raise InputError("potassium", where="potassium", value=potassium, allowed="1.5 to 9 mmol/L")
    if magnesium is not None and not 0.2 <= magnesium <= 3.0:
        raise InputError("magnesium", where="magnesium", value=magnesium, allowed="0.2 to 3 mmol/L", remedy="mg/dL? times 0.411")
    if potassium is not None and potassium < 4.0:
        out.append(Finding("warning", "potassium_low", "potassium", "prolongs QT and makes block of hERG worse", potassium,
                           "4.0 to 5.0 mmol/L (recalled)", "correct it before the next dose"))  # fmt: skip
    if magnesium is not None and magnesium < 0.7:
        out.append(
            Finding(
                "warning",
                "magnesium_low",
                "magnesium",
                "torsades are likelier",
                magnesium,
                "0.7 to 1.1 mmol/L (recalled)",
                "correct it before the next dose",
            )
        )
    if rr is not None and not 0.6 <= rr <= 1.2:
        out.append(Finding("warning", "rate_far_from_60", "RR", "corrections differ most here; Bazett's overcorrects", rr,
                           "0.6 to 1.2 s", "read Fridericia's, and repeat at rest"))  # fmt: skip
    if qrs is not None and qrs > 120.0:
        out.append(
            Finding("warning", "qrs_wide", "QRS", "a wide QRS lengthens QT by itself", qrs, "at most 120 ms", "use JT, or 550 ms")
        )
    return out

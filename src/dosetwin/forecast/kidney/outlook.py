"""What a kidney expects of the coming days, as data: creatinine, filtration, how probable an injury is, what clearance says."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dosetwin.errors import Finding, Reason, percent
from dosetwin.forecast.kidney.answer import QUANTILES
from dosetwin.forecast.kidney.filtration import Innovation
from dosetwin.forecast.kidney.warning import INJURY_SOURCE, INJURY_WARNING
from dosetwin.forecast.tells import Worry
from dosetwin.records import Timeline

if TYPE_CHECKING:
    from dosetwin.forecast.section import Section

SOURCE = "pRIFLE: clearance down by half (Akcan-Arikan 2007, recalled); the drug's clearance for the kidney's is assumed"


@dataclass(frozen=True)
class ClearanceFall:
    """``ratio`` (5, 50, 95 % quantile) of clearance now over that expected for this baby, as parameters are believed (every level
    counted); ``p`` 0..1 the probability that it is at or below ``below``, both explanations of doubted levels weighed;
    ``p_if_right`` the same if every level is right, None where none is in doubt; ``usual_sd`` SD of its log between babies
    (before any level)."""

    ratio: tuple[float, float, float]
    p: float
    below: float
    usual_sd: float
    p_if_right: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "ratio": [round(v, 4) for v in self.ratio], "p": round(self.p, 4), "below": round(self.below, 4),
            "usual_sd": round(self.usual_sd, 4), "source": SOURCE,
            "p_if_right": None if self.p_if_right is None else round(self.p_if_right, 4),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class KidneyOutlook:
    """What ``used`` (asked for as ``asked``) expects ``hours`` [3] ahead.

    ``creatinine`` [3, 5] quantiles (answer.QUANTILES) in mg/dL IDMS of what the laboratory would report; ``hours_GFR`` [4] from
    now and ``GFR`` [4, 5] mL/min (mean of the day that starts there) under all that is known, drug levels included;
    ``criteria`` and ``unexpected`` [3] the probability of KDIGO stage 1 or more, by the criteria alone and against the curve
    expected for gestation and age (empty: not judged). ``seen`` each creatinine a kidney outside the model was told, beside what
    it expected (times on the timeline's clock). ``why`` it is used, where nobody asked for it by name; ``clearance``
    what the drug's levels say of the kidney.
    """

    asked: str | None
    used: str
    sha256: str
    hours: np.ndarray
    creatinine: np.ndarray
    hours_GFR: np.ndarray
    GFR: np.ndarray
    criteria: np.ndarray
    unexpected: np.ndarray
    seen: tuple[Innovation, ...] = ()
    findings: tuple[Finding, ...] = ()
    why: str = ""
    clearance: ClearanceFall | None = None

    @property
    def name(self) -> str:
        """Key of its part of an answer."""
        return "kidney"

    @property
    def injury(self) -> float | None:
        """Probability of a kidney injury, the higher of the two that are judged; None where neither is."""
        said = [float(p) for p in self.unexpected]
        if self.clearance is not None:
            said.append(self.clearance.p)
        return max(said) if said else None

    @property
    def warns(self) -> bool:
        """Whether the probability of an unexpected injury crosses INJURY_WARNING."""
        return self.injury is not None and self.injury >= INJURY_WARNING

    @property
    def worry(self) -> Worry | None:
        """The injury that is likely; None where it does not warn."""
        if not self.warns:
            return None
        text = "a kidney injury beyond what gestation, age and weight explain is likely"
        reason = Reason("kidney_injury_likely", round(self.injury or 0.0, 4), INJURY_WARNING, "1", text, INJURY_SOURCE)
        return Worry(reason, f"a kidney injury is likely ({percent(self.injury or 0.0)})")

    def section(self, timeline: Timeline, now: float) -> "Section":
        """Everything a page says of it."""
        from dosetwin.forecast.kidney.words import section

        return section(self, timeline, now)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "asked": self.asked,
            "used": self.used,
            "why": self.why,
            "sha256": self.sha256,
            "quantiles": list(QUANTILES),
            "hours": self.hours.tolist(),
            "creatinine_measured_mg_per_dL": np.round(self.creatinine, 4).tolist(),
            "filtration_hours": self.hours_GFR.tolist(),
            "filtration_mL_per_min": np.round(self.GFR, 4).tolist(),
            "injury": {
                "by_criteria": np.round(self.criteria, 4).tolist(),
                "unexpected": np.round(self.unexpected, 4).tolist(),
                "by_clearance": None if self.clearance is None else self.clearance.to_json(),
                "p": None if self.injury is None else round(self.injury, 4),
                "warns_from": INJURY_WARNING,
                "source": INJURY_SOURCE,
                "warns": self.warns,
            },
        }

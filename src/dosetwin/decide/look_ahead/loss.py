"""What a course of treatment costs: one loss by the goals of its therapy, the same for all policies, tuned and scored by it.

A course is a row of doses inside the horizon and a continuation that is common to all policies. Each dose answers for the time
until the next one, so its misses count with the share of the treated time that it covers: neither many doses nor long
intervals dilute a bad one, and an interval that runs past the horizon is scored to its end. The infection is judged at the end
of the continuation.

    L = w_erad (1 - P_erad) + w_res P_res + sum_k share_k (peak_k + trough3_k + trough5_k + low_k + high_k)
        + w_dose n + w_sample m

where each of the five is ``weight * miss`` and a miss rises from a half at the border to 1 at ``scale`` beyond it. No term looks
at a level that was measured: true levels (of a virtual patient) or predicted ones (of a posterior draw).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from dosetwin.declare import Goal, Therapy
from dosetwin.declare.control import Prices
from dosetwin.declare.reading import AUC24, PEAK, TROUGH
from dosetwin.errors import InputError

EXPOSURE = ("peak", "trough_3", "trough_5", "auc_low", "auc_high")
"""The misses of a dose, in the order of the last axis of ``dose_misses``."""
TERMS = ("not_eradicated", "resistant", *EXPOSURE, "doses", "samples")
"""Every part of the loss, in the order it is printed."""


@dataclass(frozen=True)
class Loss:
    """Weights and borders of a course, printed with every result; ``derived`` reads them from a therapy.

    ``peak_window`` mg/L, 1 h after the start of a dose, from the first dose on; ``trough`` and ``trough_toxic`` mg/L at the end
    of a dose's interval; ``auc_floor`` and ``auc_ceiling`` mg h/L over 24 h of the interval; ``..._scale`` distance at which a
    miss counts fully.
    """

    not_eradicated: float
    resistant: float
    peak: float
    trough_3: float
    trough_5: float
    auc_low: float
    auc_high: float
    dose: float
    sample: float
    peak_window: tuple[float, float]
    peak_scale: float
    trough: float
    trough_scale: float
    trough_toxic: float
    trough_toxic_scale: float
    auc_floor: float
    auc_floor_scale: float
    auc_ceiling: float
    auc_ceiling_scale: float

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            low = value[0] if isinstance(value, tuple) else value
            if not np.all(np.isfinite(value)) or low < 0 or (f.name.endswith("scale") and low <= 0):
                allowed = "> 0" if f.name.endswith("scale") else ">= 0, finite"
                raise InputError("not a weight or border", where=f"loss {f.name}", value=value, allowed=allowed)
        if not (self.peak_window[0] < self.peak_window[1] and self.auc_floor < self.auc_ceiling):
            raise InputError("a window needs its lower border below its upper", where="loss", value=self.peak_window)

    def without_infection(self) -> "Loss":
        """The same loss with no eye for the infection."""
        return Loss(**{**asdict(self), "not_eradicated": 0.0, "resistant": 0.0})

    def numbers(self) -> np.ndarray:
        """Weights and borders as float64 [17], in the order ``two_compartments.plan_losses`` reads them."""
        return np.array([
            self.peak, self.trough_3, self.trough_5, self.auc_low, self.auc_high, *self.peak_window, self.peak_scale, self.trough,
            self.trough_scale, self.trough_toxic, self.trough_toxic_scale, self.auc_floor, self.auc_floor_scale, self.auc_ceiling,
            self.auc_ceiling_scale, self.dose,
        ])  # fmt: skip

    def rows(self) -> tuple[tuple[str, float, str], ...]:
        """The table that is printed: term, weight, when it is paid."""
        low, high = self.peak_window
        return (
            ("not_eradicated", self.not_eradicated, "1 - P(every bacterium dead at the end of the continuation)"),
            ("resistant", self.resistant, "P(any resistant lineage alive then)"),
            ("peak", self.peak, f"1 h after the start of a dose outside {low:g}-{high:g} mg/L, first dose included"),
            ("trough_3", self.trough_3, f"level at the end of a dose's interval above {self.trough:g} mg/L"),
            ("trough_5", self.trough_5, f"the same above {self.trough_toxic:g} mg/L"),
            ("auc_low", self.auc_low, f"AUC over 24 h of a dose's interval below {self.auc_floor:g} mg h/L"),
            ("auc_high", self.auc_high, f"the same above {self.auc_ceiling:g} mg h/L"),
            ("doses", self.dose, "each dose given inside the horizon"),
            ("samples", self.sample, "each blood sample for a drug level"),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary, ready for ``json.dumps``."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_json(cls, given: Mapping[str, Any], of: "Loss") -> "Loss":
        """What ``to_json`` wrote, or a part of it, the rest being that ``of`` another. Raises InputError for an unknown key."""
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(given) - known):
            raise InputError("unknown key", where="loss", value=unknown[0], allowed=", ".join(sorted(known)))
        plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
        return replace(of, **plain)


def derived(therapy: Therapy) -> Loss:
    """The loss of a course by the goals of its therapy: a peak window, up to two troughs, a floor and a ceiling of the area, each
    with its goal's weight and scale; what it names none of weighs nothing. Prices beside goals are those of its control.

    A goal that divides by a fact (peak over MIC) is left out: the infection is looked at itself. Raises InputError for one about
    anything else, and for a therapy without a peak window.
    """
    where = f"therapy {therapy.name}"
    found: dict[str, list[Goal]] = {"peak": [], "trough": [], "floor": [], "ceiling": []}
    for g in therapy.goals:
        r = g.reading
        if r.over or g.price:
            continue
        if r.key == PEAK.key and g.low is not None and g.high is not None:
            found["peak"].append(g)
        elif r.key == TROUGH.key and g.low is None:
            found["trough"].append(g)
        elif r.key == AUC24.key and (g.low is None) != (g.high is None):
            found["ceiling" if g.low is None else "floor"].append(g)
        else:
            raise InputError("the look-ahead cannot weigh this goal", where=where, value=g.code,
                             allowed="a peak window, a highest trough, a floor or ceiling of the AUC over 24 h")  # fmt: skip
    trough = sorted(found["trough"], key=_high)
    if len(found["peak"]) != 1 or len(trough) > 2 or len(found["floor"]) > 1 or len(found["ceiling"]) > 1:
        raise InputError("the look-ahead needs one peak window, at most two troughs, a floor and a ceiling", where=where,
                         value=", ".join(g.code for goals in found.values() for g in goals))  # fmt: skip
    (peak,), floor, ceiling = found["peak"], (*found["floor"], None)[0], (*found["ceiling"], None)[0]
    low, toxic = (*trough, None, None)[:2]
    price = Prices() if therapy.control is None else therapy.control.prices
    assert peak.low is not None
    return Loss(
        not_eradicated=price.not_eradicated, resistant=price.resistant, dose=price.dose, sample=price.sample,
        peak=peak.weight, peak_window=(peak.low, _high(peak)), peak_scale=peak.scale,
        trough_3=_weight(low), trough=_high(low), trough_scale=_scale(low),
        trough_5=_weight(toxic), trough_toxic=_high(toxic), trough_toxic_scale=_scale(toxic),
        auc_low=_weight(floor), auc_floor=0.0 if floor is None or floor.low is None else floor.low, auc_floor_scale=_scale(floor),
        auc_high=_weight(ceiling), auc_ceiling=_high(ceiling), auc_ceiling_scale=_scale(ceiling),
    )  # fmt: skip


NEVER = 1e9
"""mg/L or mg h/L: a border that nothing passes, of a goal that there is not."""


def _high(goal: Goal | None) -> float:
    return NEVER if goal is None or goal.high is None else goal.high


def _weight(goal: Goal | None) -> float:
    return 0.0 if goal is None else goal.weight


def _scale(goal: Goal | None) -> float:
    return 1.0 if goal is None else goal.scale


def miss(distance: np.ndarray, scale: float) -> np.ndarray:
    """0 inside (distance <= 0), then from 1/2 just outside to 1 at ``scale`` beyond; any shape."""
    d = np.asarray(distance, dtype=np.float64)
    return np.where(d > 0.0, 0.5 + 0.5 * np.minimum(d / scale, 1.0), 0.0)


def dose_misses(peak: np.ndarray, trough: np.ndarray, auc24: np.ndarray, loss: Loss) -> np.ndarray:
    """Weighted misses [..., 5] (order of EXPOSURE) of doses: ``peak``, ``trough`` mg/L and ``auc24`` mg h/L of the same shape."""
    low, high = loss.peak_window
    peak, trough, auc24 = (np.asarray(x, dtype=np.float64) for x in (peak, trough, auc24))
    return np.stack(
        [
            loss.peak * miss(np.maximum(low - peak, peak - high), loss.peak_scale),
            loss.trough_3 * miss(trough - loss.trough, loss.trough_scale),
            loss.trough_5 * miss(trough - loss.trough_toxic, loss.trough_toxic_scale),
            loss.auc_low * miss(loss.auc_floor - auc24, loss.auc_floor_scale),
            loss.auc_high * miss(auc24 - loss.auc_ceiling, loss.auc_ceiling_scale),
        ],
        axis=-1,
    )


def course_terms(
    peak: np.ndarray,
    trough: np.ndarray,
    auc24: np.ndarray,
    interval: np.ndarray,
    *,
    p_eradicated: float,
    p_resistant: float,
    samples: int,
    loss: Loss,
) -> dict[str, float]:
    """Every part of one course's loss, keys of TERMS, already weighted; ``sum(...values())`` is the total.

    Parameters
    ----------
    peak, trough, auc24 : [n_doses] of each dose given inside the horizon, the trough at the end of the dose's own interval.
    interval : [n_doses] h from each dose to the next, the last one to the first dose of the common continuation.

    Raises InputError for a course without doses, or arrays that differ in length.
    """
    given = [np.atleast_1d(np.asarray(x, dtype=np.float64)) for x in (peak, trough, auc24, interval)]
    if len({len(x) for x in given}) != 1 or not len(given[0]):
        raise InputError(
            "a course needs doses, each with peak, trough, AUC and interval", where="loss", value=[len(x) for x in given]
        )
    if not np.all(given[3] > 0):
        raise InputError("intervals must be positive", where="loss", value=given[3].tolist())
    share = given[3] / given[3].sum()
    exposure = share @ dose_misses(given[0], given[1], given[2], loss)
    return {
        "not_eradicated": loss.not_eradicated * (1.0 - p_eradicated),
        "resistant": loss.resistant * p_resistant,
        **dict(zip(EXPOSURE, exposure.tolist(), strict=True)),
        "doses": loss.dose * len(given[0]),
        "samples": loss.sample * samples,
    }

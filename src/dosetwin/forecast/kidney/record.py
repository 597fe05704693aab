"""The irregular record a ward sees of one newborn's kidney: creatinines, weights, drugs and illness, in hours after birth."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite, log
from types import MappingProxyType

import numpy as np

from dosetwin import formulary
from dosetwin.errors import Finding
from dosetwin.quantities import QUANTITIES, UMOL_PER_MG_DL
from dosetwin.quantities.assays import ASSAYS, SCR_FLOOR
from dosetwin.records import Timeline
from dosetwin.structure.growth import birth_weight, weight_after_birth

GA_RANGE = (QUANTITIES["GA"].low, QUANTITIES["GA"].high)
"""Weeks."""
SCR_MAX = QUANTITIES["SCR"].high
"""mg/dL."""
FLAGS = ("IBU", "INDO", "COOLING", "ASPHYXIA", "INO", "AMINO", "VANCO")
"""Ibuprofen, indomethacin, cooling, asphyxia, inotropes, aminoglycoside days, vancomycin days: 0 or 1 from a time on."""
DRUG_DAYS = MappingProxyType({d.name: r.flag for d in formulary.drugs() if d.followed for r in d.raises if r.flag in FLAGS})
"""Drugs whose doses raise a flag for 24 h each."""
COURSE = MappingProxyType({name: hours for name in FLAGS if (hours := QUANTITIES[name].runs_h) is not None})
"""h that a treatment usually lasts (three daily doses; the cooling protocol): what a forecast expects of one that is running."""
FEATURES = (
    "log_scr", "hours_since", "measured", "PNA", "PMA", "WT", "change_from_BW", *FLAGS, "days_AMINO", "days_VANCO",
)  # fmt: skip
"""Columns of ``WardRecord.daily``."""

Series = tuple[tuple[float, ...], tuple[float, ...]]
"""Times, h after birth, and values that hold from then on."""


@dataclass(frozen=True, eq=False)
class WardRecord:
    """What is known of one newborn up to ``now``. Build one with ``ward_record`` or ``from_timeline``, which check it.

    ``now`` h after birth; ``time`` h and ``scr`` mg/dL (IDMS) the usable creatinines, ascending; ``weight`` (h, kg) as measured;
    ``flags`` per name of FLAGS; ``male`` 1, 0 or 0.5 (unknown); ``caesarean`` 1, 0 or 0.5; ``assay`` of the last creatinine.
    ``findings``: an error among them makes every forecast a refusal.
    """

    id: str
    GA: float
    BW: float
    now: float
    time: np.ndarray
    scr: np.ndarray
    weight: Series = ((), ())
    flags: Mapping[str, Series] = field(default_factory=dict)
    male: float = 0.5
    caesarean: float = 0.5
    assay: str = "idms"
    findings: tuple[Finding, ...] = ()

    def until(self, now: float) -> "WardRecord":
        """The record as it was at ``now`` h after birth."""
        seen = self.time <= now + 1e-9
        weight = _cut(self.weight, now)
        flags = {name: _cut(series, now) for name, series in self.flags.items()}
        return replace(self, now=now, time=self.time[seen], scr=self.scr[seen], weight=weight, flags=MappingProxyType(flags))

    def weight_at(self, time: float) -> float:
        """Weight, kg, at ``time`` h: the last one measured by then, carried on along the typical course of loss and growth."""
        times, values = self.weight
        k = _index(times, time)
        since, known = (0.0, self.BW) if k < 0 else (times[k], values[k])
        usual = weight_after_birth(1.0, self.GA, since / 24.0)
        return known * weight_after_birth(1.0, self.GA, time / 24.0) / usual

    def flag_at(self, name: str, time: float) -> float:
        """A flag at ``time`` h: what was last recorded by then, 0 before anything was."""
        times, values = self.flags.get(name, ((), ()))
        k = _index(times, time)
        return 0.0 if k < 0 else values[k]

    def expected_flag(self, name: str, time: float) -> float:
        """A flag at ``time`` h as far as ``now`` can tell: a treatment running then ends after its usual COURSE, all else stays.

        One that has already lasted longer is expected to go on.
        """
        value = self.flag_at(name, min(time, self.now))
        if time <= self.now or not value or name not in COURSE:
            return value
        times, values = self.flags[name]
        k = _index(times, self.now)
        while k > 0 and values[k - 1]:
            k -= 1
        end = times[k] + COURSE[name]
        return 0.0 if self.now < end <= time else value

    def daily(self) -> np.ndarray:
        """What was known at each whole day up to ``now``, and at ``now``: float64 [n, len(FEATURES)].

        ``log_scr`` 0 and ``hours_since`` the age while nothing was measured; ``measured`` 1: a creatinine in the 24 h before.
        """
        days = [24.0 * d for d in range(int(self.now // 24.0) + 1)]
        rows = []
        for t in [*days, self.now] if not days or days[-1] < self.now - 1e-9 else days:
            k = int(np.searchsorted(self.time, t + 1e-9, side="right")) - 1
            WT = self.weight_at(t)
            flags = [self.flag_at(name, t) for name in FLAGS]
            since = t - self.time[k] if k >= 0 else t
            rows.append([
                log(self.scr[k]) if k >= 0 else 0.0, since, float(k >= 0 and since < 24.0), t / 24.0, self.GA + t / 168.0, WT,
                WT / self.BW - 1.0, *flags, self._days("AMINO", t), self._days("VANCO", t),
            ])  # fmt: skip
        return np.array(rows, dtype=np.float64)

    def _days(self, name: str, time: float) -> float:
        """Days up to ``time`` during which a flag was up."""
        times, values = self.flags.get(name, ((), ()))
        ends = [*times[1:], time]
        return sum(max(0.0, min(end, time) - t) * v for t, v, end in zip(times, values, ends, strict=False)) / 24.0


def _index(times: Sequence[float], time: float) -> int:
    """Of the last of ascending ``times`` that is not after ``time``, -1: none."""
    return bisect_right(times, time + 1e-9) - 1


def _cut(series: Series, now: float) -> Series:
    k = _index(series[0], now) + 1
    return series[0][:k], series[1][:k]


def _error(code: str, record: str, message: str, value: object, allowed: str, remedy: str) -> Finding:
    return Finding("error", code, record, message, value, allowed, remedy)


def ward_record(
    id: str,
    GA: float,
    BW: float,
    time: Sequence[float] | np.ndarray = (),
    scr: Sequence[float] | np.ndarray = (),
    *,
    now: float | None = None,
    weight: Series = ((), ()),
    flags: Mapping[str, Series] | None = None,
    male: float = 0.5,
    caesarean: float = 0.5,
    assay: str = "idms",
    findings: tuple[Finding, ...] = (),
) -> WardRecord:
    """A checked record from plain numbers: ``time`` h after birth, ``scr`` mg/dL IDMS, ``now`` h (default: the last creatinine).

    Impossible values are left out of ``time``, ``scr`` and ``weight`` and named in ``findings``: ``creatinine_implausible``,
    ``before_birth``, ``gestational_age_implausible``, ``weight_implausible``, ``no_weight``, ``creatinine_assay_unknown``.
    Raises ValueError when ``time`` and ``scr`` differ in length or a flag is unknown.
    """
    if len(time) != len(scr):
        raise ValueError(f"{len(time)} times for {len(scr)} creatinines")
    unknown = set(flags or {}) - set(FLAGS)
    if unknown:
        raise ValueError(f"unknown flags {sorted(unknown)}; known: {', '.join(FLAGS)}")
    found = list(findings)
    low, high = GA_RANGE
    if not low <= GA <= high:
        message = "gestational age outside the possible range"
        remedy = f"{GA / 7:.3g} weeks if these are days" if isfinite(GA) and GA > 150 else "correct it"
        found.append(_error("gestational_age_implausible", f"patient {id}", message, GA, f"{low:g} to {high:g} weeks", remedy))
    if not isfinite(BW) or BW <= 0:
        found.append(_error("no_weight", f"patient {id}", "no birth weight", BW, "birth weight, kg", "send it with its unit"))
    elif not 0.2 <= BW <= 10.0:
        remedy = f"{BW / 1000:g} kg?" if BW > 100 else "correct it"
        found.append(_error("weight_implausible", f"patient {id}", "impossible birth weight", BW, "0.2 to 10 kg", remedy))
    kept: list[tuple[float, float]] = []
    for t, s in zip(time, scr, strict=True):
        record = f"SCR at {t:g} h"
        if not isfinite(s) or not 0.0 < s <= SCR_MAX:
            remedy = f"{s / UMOL_PER_MG_DL:.3g} mg/dL if these are umol/L" if s > SCR_MAX else "correct it"
            message = "creatinine outside the possible range"
            found.append(_error("creatinine_implausible", record, message, float(s), f"> 0 to {SCR_MAX:g} mg/dL", remedy))
        elif not isfinite(t) or t < -1e-9:
            remedy = "correct the time or the date of birth"
            found.append(_error("before_birth", record, f"a creatinine {-t:g} h before birth", float(t), ">= 0 h", remedy))
        else:
            if s < SCR_FLOOR * 0.9:
                message = f"creatinine {s:.3g} mg/dL looks like mg/dL labelled as umol/L; set to {SCR_FLOOR}"
                found.append(Finding("warning", "creatinine_unit_suspect", record, message, float(s), f">= {SCR_FLOOR} mg/dL"))
            kept.append((max(float(t), 0.0), max(float(s), SCR_FLOOR)))
    kept.sort()
    heavy: list[tuple[float, float]] = []
    for t, w in sorted(zip(*weight, strict=True)):
        if not isfinite(w) or not 0.2 <= w <= 10.0:
            found.append(_error("weight_implausible", f"WT at {t:g} h", "impossible weight", w, "0.2 to 10 kg", "correct it"))
        elif t < -1e-9:
            found.append(
                _error("before_birth", f"WT at {t:g} h", f"a weight {-t:g} h before birth", t, ">= 0 h", "correct the time")
            )
        else:
            heavy.append((t, w))
    key = assay.strip().lower()
    if key not in ASSAYS:
        message = "creatinine assay not known; taken as enzymatic, IDMS-traceable"
        found.append(Finding("warning", "creatinine_assay_unknown", f"patient {id}", message, assay or None, ", ".join(ASSAYS)))
        key = "idms"
    end = now if now is not None else (kept[-1][0] if kept else 0.0)
    if not isfinite(end) or end < 0:
        found.append(_error("before_birth", f"patient {id}", "asked about a time before birth", end, ">= 0 h", "correct now"))
        end = 0.0
    past = [(t, s) for t, s in kept if t <= end + 1e-9]
    if len(past) < len(kept):
        message = f"{len(kept) - len(past)} creatinines after now; not used"
        found.append(Finding("warning", "future_data", f"patient {id}", message, None, f"<= {end:g} h", "ask for a later now"))
    series = {n: (tuple(map(float, t)), tuple(map(float, v))) for n, (t, v) in (flags or {}).items()}
    times, values = np.array([t for t, _ in past]), np.array([s for _, s in past])
    for array in (times, values):
        array.setflags(write=False)
    weights = (tuple(t for t, _ in heavy), tuple(w for _, w in heavy))
    return WardRecord(
        id, float(GA), float(BW), float(end), times, values, _cut(weights, end),
        MappingProxyType({n: _cut(s, end) for n, s in series.items()}), male, caesarean, key, tuple(found),
    )  # fmt: skip


def birth_hour(timeline: Timeline) -> float | None:
    """Birth on the timeline's clock, h: from the date of birth, else from the first recorded PNA; None when neither is known."""
    if timeline.patient.birth is not None and timeline.origin is not None:
        return timeline.at(timeline.patient.birth)
    for time, PNA in timeline.series("PNA"):
        return time - 24.0 * PNA
    return None


def from_timeline(timeline: Timeline, now: float | None = None) -> WardRecord:
    """The ward's record of a patient at ``now`` (h on the timeline's clock; default: its last record).

    Creatinine in the timeline is mg/dL IDMS already (the importers convert it). Doses of drugs in DRUG_DAYS raise their flag
    for 24 h. What is missing (time of birth, gestational age, birth weight) is a finding, never an exception.
    """
    patient = timeline.patient
    who = f"patient {patient.id}"
    found: list[Finding] = []
    last = max([r.time for r in (*timeline.observations, *timeline.covariates, *timeline.doses)], default=0.0)
    known = timeline.until(last if now is None else now)
    GA = next((v for _, v in timeline.series("GA")), patient.GA)
    born = birth_hour(timeline)
    if born is None:
        found.append(_error("birth_unknown", who, "neither date of birth nor postnatal age", None, "birth or PNA", "enter one"))
    birth = born or 0.0
    weights = known.series("WT")
    BW = next((v for _, v in timeline.series("BW")), patient.BW)
    if BW is None and weights:
        BW = weights[0][1]
        found.append(
            Finding("warning", "birth_weight_from_weight", who, "no birth weight: the first weight is used", BW, "", "enter it")
        )
    flags: dict[str, list[tuple[float, float]]] = {}
    for name in FLAGS:
        # a flag recorded before birth (asphyxia, a mother's drug) holds from birth on
        values = [(max(t - birth, 0.0), float(v > 0.5)) for t, v in known.series(name)]
        if values:
            flags[name] = values
    for flag in dict.fromkeys(DRUG_DAYS.values()):
        doses = [e for d in known.doses if DRUG_DAYS.get(d.drug or timeline.drug) == flag for e in d.expanded()]
        if flag in flags or not (doses or DRUG_DAYS.get(timeline.drug) == flag):
            continue
        events: list[tuple[float, float]] = []
        for dose in sorted(doses, key=lambda d: d.time):
            at = max(dose.time - birth, 0.0)
            if events and events[-1][0] >= at:
                events.pop()
            events += [(at, 1.0), (at + 24.0, 0.0)]
        flags[flag] = events
    scr = [o for o in known.observations if o.measures == "SCR"]
    series = known.series("SCR")
    assay = next((o.assay for o in reversed(scr) if o.assay), "") or "unknown"
    record = ward_record(
        patient.id, float("nan") if GA is None else GA, float("nan") if BW is None else BW,
        [t - birth for t, _ in series], [v for _, v in series],
        now=(last if now is None else now) - birth,
        weight=(tuple(t - birth for t, _ in weights), tuple(v for _, v in weights)),
        flags={n: (tuple(t for t, _ in s), tuple(v for _, v in s)) for n, s in flags.items()},
        male={"male": 1.0, "female": 0.0}.get(patient.sex or "", 0.5), assay=assay if series else "idms", findings=tuple(found),
    )  # fmt: skip
    return record


def log_weight_z(record: WardRecord) -> float:
    """Birth weight as a z-score for gestation, of its log (SD 0.193 of the very preterm throughout: a feature, not a centile)."""
    return log(record.BW / birth_weight(record.GA, record.male, 0.0)) / 0.1931911

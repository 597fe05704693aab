"""One virtual baby's course under one policy, closed loop: truth, samples with turnaround, belief, decisions, doses, outcome.

The policy sees a timeline of what a ward knows at the time: weights of the day, treatments that have begun, creatinine and levels
whose results are back, the MIC once it is reported. It is asked for the first dose at time 0 and, after each dose, when the
results around that dose are back (``review``); its answer is carried out. True levels are exact; the infection is judged on them
at the end of the continuation that all arms share.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil, log2

import numpy as np

from dosetwin.decide.control import DosingPolicy, NextDose, named
from dosetwin.decide.look_ahead.ahead import Course as Plan
from dosetwin.decide.look_ahead.outlook import DT as GRID
from dosetwin.errors import InputError, Reason
from dosetwin.models import load
from dosetwin.outcomes.infection.course import Outcomes, run
from dosetwin.outcomes.infection.draws import DRAWS, Infections, draw_infections
from dosetwin.outcomes.infection.mic import ASSAY_SD
from dosetwin.outcomes.infection.packs import Pack, pack
from dosetwin.populations.newborn.newborns import ORGANISMS, Newborns
from dosetwin.populations.newborn.truth import BELIEVED, DT, Physiology, Truth, levels, physiology, truth_named
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.streams import normals
from dosetwin.structure.growth import weight_after_birth
from dosetwin.studies.newborn_sepsis.course_belief import PIECE_H, Believed, CourseBelief, Omniscient, Prior
from dosetwin.studies.newborn_sepsis.design import Arm, Design

PEAK_H = 1.0
"""h after the start of a dose at which its peak is sampled."""
REVIEW_LATEST = 12.0
"""h after a dose at which the next one is decided at the latest, results or none (the shortest interval)."""
BELIEF = Believed()
SUSPECTED = "e_coli"
"""The organism assumed until it is reported: every pack covers it."""


@dataclass(frozen=True, eq=False)
class Course:
    """What happened. ``doses`` [k, 3]: h, mg, infusion h, those inside the horizon; ``due`` h of the first of the continuation.

    ``continued`` [j, 3] its doses; ``samples`` [m, 3]: h, true and measured mg/L; ``conc`` and ``area`` [T] true mg/L and mg h/L
    since time 0 every ``dt`` h to the end of the continuation; ``outcomes`` of the infection (None: not asked for); ``reasons``
    per dose.
    """

    doses: np.ndarray
    due: float
    continued: np.ndarray
    samples: np.ndarray
    dt: float
    conc: np.ndarray
    area: np.ndarray
    outcomes: Outcomes | None
    reasons: tuple[tuple[Reason, ...], ...]


class Ward:
    """One baby in one design: its true body, what is measured of it, and what a kidney makes of that; shared by the arms.

    ``body`` [1, hours] as ``truth.physiology`` gives it (default: made here), at least to the end of the continuation.
    """

    def __init__(self, baby: Newborns, design: Design, body: Physiology | None = None) -> None:
        if len(baby) != 1:
            raise InputError("one baby at a time", where="course", value=len(baby), allowed="1")
        self.baby, self.design = baby, design
        self.truth: Truth = truth_named(design.truth)
        self.hours = ceil(design.course.end) + 1
        self.body = physiology(baby, self.hours, self.truth) if body is None else body
        self.number, self.seed = baby.number, baby.seed
        self.organism = ORGANISMS[int(baby.organism[0])]
        self.PNA, self.GA, self.BW = float(baby.PNA[0]), float(baby.GA[0]), float(baby.BW[0])
        self._weights: dict[int, float] = {}
        self._paths: dict[tuple[str, int], tuple[np.ndarray, np.ndarray]] = {}
        self._infection: dict[str, Infections] = {}
        self._scr: tuple[Observation, ...] | None = None
        self._noise: list[float] = []
        days = range(int(self.hours // 24) + 1)
        self.weights = tuple((24.0 * d, float(w)) for d, w in zip(days, baby.weight(24.0 * np.array(days))[0], strict=True))
        self.patient = Patient(
            f"newborn-{int(baby.number[0])}", sex="male" if baby.male[0] else "female", GA=self.GA, BW=self.BW, synthetic=True
        )
        flags = [Covariate(-24.0 * self.PNA, "ASPHYXIA", 1.0)] if baby.asphyxia[0] else []
        for name, period in (("COOLING", baby.cooling[0]), ("IBU", baby.ibuprofen[0]), ("INO", baby.inotropes[0])):
            if np.isfinite(period[0]):
                flags += [Covariate(float(period[0]), name, 1.0), Covariate(float(period[1]), name, 0.0)]
        facts = [Covariate(0.0, "PNA", self.PNA), *(Covariate(t, "WT", w, "kg") for t, w in self.weights), *flags]
        self.covariates = tuple(sorted(facts, key=lambda c: c.time))

    @property
    def creatinines(self) -> tuple[Observation, ...]:
        """Creatinines as measured, drawn from time 0 on."""
        if self._scr is None:
            every = self.design.sampling.creatinine_every_h
            times = np.arange(0.0, self.design.horizon_h, every) if every > 0 else np.zeros(0)
            z = normals(self.seed, "course/scr", self.number, max(len(times), 1))[0]
            found = []
            for t, e in zip(times, z, strict=False):
                true = float(self.body.SCR[0, int(t)])
                sd = float(np.hypot(self.truth.scr_prop * true, self.truth.scr_add))
                found.append(Observation(float(t), "SCR", max(true + sd * float(e), 0.05), "mg/dL"))
            self._scr = tuple(found)
        return self._scr

    def known_creatinines(self, now: float) -> tuple[Observation, ...]:
        """Those whose result is back; the one of time 0 was drawn before treatment, so it is."""
        late = self.design.sampling.creatinine_turnaround_h
        return tuple(o for o in self.creatinines if o.time + late <= now + 1e-9 or o.time <= 0.0)

    def noise(self, dose: int, which: int) -> float:
        """Standard normal score of the level before (0) or after (1) the start of a dose: the same in every arm."""
        if not self._noise:
            self._noise = normals(self.seed, "course/level", self.number, 64)[0].tolist()
        return self._noise[(2 * dose + which) % len(self._noise)]

    def weight(self, now: float) -> float:
        """Weight of the day, kg."""
        return next(w for t, w in reversed(self.weights) if t <= now + 1e-9)

    def infection(self, name: str) -> Infections:
        """The baby's own infection under a scenario pack."""
        if name not in self._infection:
            u = self.baby.infection[:, : len(DRAWS)]
            self._infection[name] = draw_infections(_pack(name), 1, uniforms=u, organism=self.organism, WT=self.baby.WT)
        return self._infection[name]

    def MIC_reading(self) -> float:
        """The MIC a plate shows, mg/L: the doubling dilution at or above the true one, with the assay's error."""
        error = ASSAY_SD * float(normals(self.seed, "course/mic", self.number, 1)[0, 0])
        return float(2.0 ** np.clip(ceil(log2(float(self.infection(self.design.truth_pack).MIC[0])) + error - 1e-9), -6, 9))

    def timeline(
        self, now: float, doses: list[tuple[float, float, float]], seen: list[tuple[float, float, float, bool]], scr: bool
    ) -> Timeline:
        """What the ward knows at ``now``: ``seen`` levels as (drawn, reported, mg/L, after the dose)."""
        levels_back = [Observation(t, "amikacin", v, after_dose=after) for t, back, v, after in seen if back <= now + 1e-9]
        return Timeline(
            self.patient,
            doses=tuple(DoseEvent(t, mg, h) for t, mg, h in doses),
            observations=(*levels_back, *(self.known_creatinines(now) if scr else ())),
            covariates=tuple(c for c in self.covariates if c.time <= now + 1e-9),
            drug="amikacin",
        )

    # ------------------------------------------------------------------------------------------------ what can be believed

    def prior(self, kidney: str, now: float, scr: bool) -> Prior:
        """Clearance and volume by piece as believed at ``now``, before levels; ``kidney`` as in ``design.KIDNEYS``."""
        s = ceil(self.design.course.end / PIECE_H)
        t = PIECE_H * (np.arange(s) + 0.5)
        theta = _theta()
        age = self.PNA + t / 24.0
        ibuprofen, cooled = self._expected("ibuprofen", t, now), self._expected("cooling", t, now)
        drug = np.where(ibuprofen, theta["IBU_CL"], 1.0)
        condition = np.where(cooled, theta["PATH_CL"], theta["PATH_CL"] * theta["REWARM_CL"] if self.baby.asphyxia[0] else 1.0)
        TVCL = theta["TVCL"] * (self.BW / theta["BW_REF"]) ** theta["BW_CL"] * (1.0 + theta["PNA_CL"] * age / theta["PNA_REF"])
        V = theta["TVV1"] * (self._expected_weight(t, now) / theta["WT_REF"]) ** theta["WT_V1"]
        mean, filtration = self._path(kidney if scr else "maturation", now, t)
        day = (t / 24.0).astype(np.int64)
        between = BELIEF.day_sd * (day[:, None] == np.arange(day[-1] + 1)[None, :])
        loadings = np.concatenate([filtration, np.full((s, 1), BELIEF.CL_sd), between], axis=1)
        return Prior(TVCL * drug * condition, V, theta["Q_CL"] * TVCL * drug, mean, np.ascontiguousarray(loadings), BELIEF.V_sd,
                     between.shape[1])  # fmt: skip

    def _expected(self, care: str, t: np.ndarray, now: float) -> np.ndarray:
        """Whether a treatment runs at ``t`` as far as ``now`` can tell: what runs ends after its usual 72 h, or goes on."""
        start, end = getattr(self.baby, care)[0]
        if start > now:
            return np.zeros(len(t), dtype=bool)
        if end > now:
            end = start + 72.0 if start + 72.0 > now else np.inf
        return (start <= t) & (t < end)

    def _expected_weight(self, t: np.ndarray, now: float) -> np.ndarray:
        known = [(at, w) for at, w in self.weights if at <= now + 1e-9]
        last_at, last = known[-1]
        usual = weight_after_birth(1.0, self.GA, self.PNA + last_at / 24.0)
        ahead = np.array([weight_after_birth(1.0, self.GA, self.PNA + x / 24.0) for x in t])
        past = np.interp(t, [at for at, _ in known], [w for _, w in known])
        return np.where(t <= last_at, past, last * ahead / usual)

    def _path(self, kidney: str, now: float, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean [s] and loadings [s, q] of log filtration over typical at ``t``."""
        known = self.known_creatinines(now)
        if kidney == "maturation" or not known:
            return np.zeros(len(t)), np.full((len(t), 1), BELIEF.GFR_sd)
        key = (kidney, len(known))
        if key not in self._paths:
            self._paths[key] = self._told(kidney, known, t)
        return self._paths[key]

    def _told(self, kidney: str, known: tuple[Observation, ...], t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from dosetwin.forecast.kidney.answer import HOURS
        from dosetwin.forecast.kidney.filtration import components, filtration_path
        from dosetwin.forecast.kidney.record import from_timeline

        at = known[-1].time + (self.design.sampling.creatinine_turnaround_h if known[-1].time > 0 else 0.0)
        facts = tuple(c for c in self.covariates if c.time <= at + 1e-9)
        record = from_timeline(Timeline(self.patient, observations=known, covariates=facts), at)
        forecast = _learned().forecast(record, HOURS) if kidney == "learned" else None
        if forecast is not None and not forecast.ok:
            forecast = None
        path = filtration_path(record, _filter(kidney), since=24.0 * self.PNA, forecast=forecast)
        mean, cov = path.under(BELIEF.GFR_sd)
        cell = np.maximum(np.searchsorted(path.start - 24.0 * self.PNA, t, side="right") - 1, 0)
        return np.clip(mean, -2.5, 1.5)[cell], components(cov, 3)[cell]

    def belief(
        self, arm: Arm, now: float, doses: list[tuple[float, float, float]], seen: list[tuple[float, float, float, bool]]
    ) -> CourseBelief | Omniscient:
        """The belief an arm may have at ``now``."""
        d = self.design
        MIC = self.MIC_reading() if 0 <= d.sampling.mic_known_h <= now + 1e-9 else None
        levels_back = np.array([(t, v) for t, back, v, _ in seen if back <= now + 1e-9], dtype=np.float64).reshape(-1, 2)
        order = np.argsort(levels_back[:, 0], kind="stable")
        kidney = arm.kidney or d.kidney
        belief = CourseBelief(
            self.prior(kidney, now, arm.creatinine), BELIEF, d.course, d.loss, now, self.weight(now),
            np.array([(t, mg) for t, mg, _ in doses], dtype=np.float64).reshape(-1, 2), levels_back[order],
            _pack(d.believed_pack), self.organism if MIC is not None else SUSPECTED, MIC,
            int(self.seed * 1_000_003 + self.number[0]),
        )  # fmt: skip
        if not arm.perfect:
            return belief
        return Omniscient(belief, self.body.CL[0], self.body.V1[0], self.body.Q[0], self.infection(d.truth_pack))


def run_course(baby: Newborns, arm: Arm, design: Design, *, ward: Ward | None = None, infection: bool = True) -> Course:
    """The course of one baby (a cohort of one) in one arm. Every random number belongs to the baby and its seed.

    ``ward``: the same baby's, made once for several arms. ``infection`` False: its outcome is left to the caller.
    Raises InputError for a policy or kidney nobody declared.
    """
    w = Ward(baby, design) if ward is None else ward
    policy: DosingPolicy = named(
        arm.policy, course=design.course, loss=design.loss, draws=arm.draws, decisions=arm.decisions, pack=design.believed_pack
    )
    scheme = (arm.scheme or design.sampling.scheme) if policy.uses_levels else "none"
    plan, late = design.course, design.sampling.turnaround_h
    doses: list[tuple[float, float, float]] = []
    seen: list[tuple[float, float, float, bool]] = []
    samples: list[tuple[float, float, float]] = []
    reasons: list[tuple[Reason, ...]] = []
    now = 0.0
    while True:
        timeline = w.timeline(now, doses, seen, arm.creatinine)
        belief = w.belief(arm, now, doses, seen) if policy.uses_belief else None
        made: NextDose = policy.next(timeline, belief, now)
        time = round(ceil(max(made.time, now) / GRID - 1e-9) * GRID, 6)
        if time >= plan.horizon - 1e-9:
            due = min(time, plan.end)
            break
        reasons.append(made.reasons)
        _take(w, scheme, time, doses, (made.amount, made.infusion), seen, samples, late)
        now = min(ceil((time + PEAK_H + late) / GRID - 1e-9) * GRID, time + REVIEW_LATEST)
    on = _continuation(w, plan, due)
    conc, area = _true(w, [*doses, *on])
    outcomes = run(conc[None], DT, w.infection(design.truth_pack)) if infection else None
    return Course(
        np.array(doses),
        due,
        np.array(on).reshape(-1, 3),
        np.array(samples).reshape(-1, 3),
        DT,
        conc,
        area,
        outcomes,
        tuple(reasons),
    )


def _take(
    w: Ward, scheme: str, time: float, doses: list[tuple[float, float, float]], dose: tuple[float, float],
    seen: list[tuple[float, float, float, bool]], samples: list[tuple[float, float, float]], late: float,
) -> None:  # fmt: skip
    """Draw the samples around a dose, and give it. ``practice``: before and 1 h after dose 2, then before every second dose."""
    k = len(doses)
    before = k > 0 and (scheme == "rich" or (scheme == "practice" and k % 2 == 1))
    after = scheme == "rich" or (scheme == "practice" and k == 1)
    doses.append((time, dose[0], dose[1]))
    if not (before or after):
        return
    conc, _ = _true(w, doses)
    for which, take, at in ((0, before, time), (1, after, time + PEAK_H)):
        if take:
            true = float(conc[round(at / DT)])
            sd = float(np.hypot(w.truth.level_prop * true, w.truth.level_add))
            measured = max(true + sd * w.noise(k, which), 0.0)
            seen.append((at, at + late, measured, which == 1))
            samples.append((at, true, measured))


def _true(w: Ward, doses: list[tuple[float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """True levels and areas [T] under some doses, every DT h to the end of the continuation."""
    steps = round(w.design.course.end / DT) + 1
    conc, area = np.empty((1, w.hours * 4)), np.empty((1, w.hours * 4))
    at = np.array([[round(t / DT) for t, _, _ in doses]], dtype=np.int64)
    mg = np.array([[mg for _, mg, _ in doses]])
    body = w.body
    levels(body.CL[:, : w.hours], body.V1[:, : w.hours], body.Q[:, : w.hours], at, mg, w.design.course.infusion, conc, area)
    return conc[0, :steps], area[0, :steps]


def _continuation(w: Ward, plan: Plan, due: float) -> list[tuple[float, float, float]]:
    """The doses every arm goes on with, from when its own next one would be due."""
    times = np.arange(due, plan.end - 1e-9, plan.continue_every)
    return [(float(t), plan.continue_mg_per_kg * w.weight(float(t)), plan.infusion) for t in times]


@lru_cache(maxsize=16)
def _pack(name: str) -> Pack:
    return pack(name)


@lru_cache(maxsize=1)
def _theta() -> dict[str, float]:
    model = load(BELIEVED)
    return dict(zip(model.thetas, model.theta_values.tolist(), strict=True))


@lru_cache(maxsize=8)
def _filter(kidney: str):
    from dosetwin.forecast.kidney import fitted
    from dosetwin.forecast.kidney.filter import KalmanFilter

    given = fitted.load().filter
    if kidney in ("filter", "learned"):
        return given
    # one constant deviation of filtration: the composite balance of creatinine without a wander
    p = given.parameters
    return KalmanFilter(replace(p, sd=(*p.sd[:4], 0.01)), name="mechanistic")


@lru_cache(maxsize=1)
def _learned():
    from dosetwin.forecast.kidney import learned

    return learned.load()

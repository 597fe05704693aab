"""The kidneys judged on babies they have never met: definitions fixed in advance, one seed at a time, so that a kill loses one.

Written before any network was scored.

- **Split.** By baby. A seed stands for new data and a new training: the learner is trained and calibrated, and every competitor
  fitted, on babies of truth A of a training seed below 900000; all are then tested on fresh babies of A, B and C of a test seed.
  B and C are outside hospitals (other assays, sampling and case mix) and C has injuries nobody is told about.
- **Origins.** ``measured``: right after each measurement. ``daily``: noon of days on the ward, where the last value goes stale
  and, early on, there is none; every third day of a baby, the first by its number, so that all days are met.
- **Targets** at +24, +48 and +72 h, in mg/dL on the baby's own assay, while the baby is still on the ward: the noise-free value
  (``latent``), and apart from it the measurement nearest to that hour and within 8 h of it (``next``).
- **Point forecast** = median. Intervals: the central 50 and 90 %, of the noise-free value for ``latent`` and of a measured value
  for ``next``. CRPS from the five quantiles (``kidney_evaluation_scores.LEVELS``).
- **Groups**: charted gestational age below 29, 29 to below 36, 36 weeks and more; condition: ibuprofen or indomethacin, cooling,
  inotropes, each when it ran at the origin or in the 72 h before; hidden injury when the truth has one (fall of log clearance
  above 0.1) at any hour from the origin to 72 h later; none of these. A moment can be in several.
- **Injury**: KDIGO stage 1 by creatinine, judged on the noise-free hourly course (IDMS), begins within 72 h; moments at which it
  is already met are left out. The score is the highest of the three horizons' probabilities of ``forecast/warning``, by the
  criteria alone. In C also: the hidden injury begins within 72 h, scored by the probability beyond the expected curve.
- **Filtration** ahead: the filter's own; for every other kidney the filter's, moved by its own joint belief of creatinine and
  filtration as far as the other's creatinine differs (the filter being the one fitted on the same A); typical for the steady
  state. Error of its log. **Trough**: ``kidney_evaluation_truth``.
- **A refusal** of the learner (outside its training range) is answered by the filter, as in the product, and counted.
- **Other structures** (added with the learner's second structure, before it met them): truths D and E of ``kidney_neither``, of
  neither form that the learner stands on, E with injuries; creatinine alone, no bars.
- **Oracles**: ``oracle-today`` knows every hidden value at the origin, the treatments to come and the course of an injury that
  has begun; ``oracle-future`` knows the noise-free future, so its error against ``next`` is what measurement alone makes.
- **Best competitor** of a truth: the hand-built one, fitted on plain A, with the lowest RMSE at +1 day there, averaged over the
  seeds. The van Donge reconstruction keeps its published typical baby; widths and error of measurement are fitted.
- **Intervals**: over patients (bootstrap of babies within every seed, gains averaged over seeds), and over seeds (Student).
  A bar on a gain is met when the mean reaches it and both intervals lie above 0.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from dosetwin.errors import InputError
from dosetwin.evaluate.kidney import kernel, scores
from dosetwin.evaluate.kidney.batch import (
    Answers,
    Competitors,
    Moments,
    answers,
    by_forecaster,
    filter_answers,
    moments,
    normal_answers,
)
from dosetwin.evaluate.kidney.origins import CONDITIONS, GA_BANDS, HOURS, Origins, of_cohort, of_records
from dosetwin.evaluate.kidney.truth import (
    Courses,
    Told,
    courses,
    log_relative,
    oracle_filtration,
    oracle_today,
    told,
)
from dosetwin.forecast.kidney.answer import CreatinineForecast
from dosetwin.forecast.kidney.filter import KalmanFilter
from dosetwin.forecast.kidney.record import WardRecord
from dosetwin.populations.newborn_kidney.cohort import cohort
from dosetwin.populations.newborn_kidney.neither import neither
from dosetwin.populations.newborn_kidney.parameters import FIRST_TEST_SEED, TEST_SEEDS

TRUTHS = ("A", "B", "C")
OTHERS = ("D", "E")
"""Truths of neither structure: shown beside the others, no bar was set on them."""
LEARNED, MATURATION = "learned", "maturation"
WIDE = "filter-wide"
"""The filter fitted on the network's randomised babies: part of the learner, shown beside it, no competitor of the bars."""
SECOND = "filter-van-donge"
"""The filter on van Donge's balance, fitted on the same randomised babies: the learner's second structure, shown beside it."""
ALONE = "networks-alone"
"""The learner without its second structure."""
SHIPPED = "shipped"
"""The weights in the package, one training, on the same babies as the networks trained anew."""
ORACLES = ("oracle-today", "oracle-future")
SEEDS = TEST_SEEDS[:10]
BABIES = 2000
GROUPS_DAILY = ("all", *GA_BANDS, *CONDITIONS)
"""Groups of the daily grid: the crossed ones are left out."""
Many = Callable[[Sequence[WardRecord]], Sequence[CreatinineForecast]]


@dataclass(frozen=True)
class Plan:
    """What is evaluated: ``babies`` of each truth a seed, ``noise`` of the laboratories; ``learner`` says what forecasts."""

    babies: int = BABIES
    noise: str = "low"
    learner: str = "as shipped"


def training_seed(seed: int) -> int:
    """The seed of the training data that belongs to a test seed: 101 for 900001 and so on; 1000 and more for other seeds."""
    return 100 + seed - FIRST_TEST_SEED if seed in TEST_SEEDS else 1000 + seed % 10_000


@dataclass(frozen=True, eq=False)
class Seed:
    """One seed: ``found`` every figure, ready for JSON; ``sums`` per-baby sums of squares and counts, for the bootstrap."""

    found: dict[str, Any]
    sums: dict[str, np.ndarray]


def evaluate(
    seed: int,
    competitors: Competitors,
    learned: Mapping[str, Many],
    plan: Plan,
    tell: Callable[[str], None] = lambda _: None,
    *,
    filters: Mapping[str, KalmanFilter] = MappingProxyType({}),
) -> Seed:
    """Everything on fresh babies of all truths of ``seed``. ``learned``: name -> forecasts of many records at HOURS; ``filters``:
    further filters, shown beside the competitors."""
    found: dict[str, Any] = {"seed": seed, **asdict(plan), "truths": {}, "others": {}}
    sums: dict[str, np.ndarray] = {}
    for truth in TRUTHS:
        made = cohort(truth, plan.babies, seed, noise=plan.noise)  # type: ignore[arg-type]
        about = told(made)
        found["truths"][truth] = {}
        for name, origins in of_cohort(made).items():
            tell(f"seed {seed}: {truth}, {name}")
            m = moments(origins)
            answered = everybody(m, competitors, learned) | {k: filter_answers(m, f) for k, f in filters.items()}
            mean, variance = oracle_today(made, about, origins)
            noise = competitors.filter.parameters.prop, competitors.filter.parameters.add
            now = normal_answers(mean, variance, *noise, oracle_filtration(made, about, origins))
            log_idms = np.log(origins.latent * origins.line[:, None, 0] + origins.line[:, None, 1])
            after = normal_answers(log_idms, np.zeros_like(log_idms), *noise, np.log(origins.GFR))
            answered |= dict(zip(ORACLES, (now, after), strict=True))
            part, own = score(origins, m, answered, daily=name == "daily")
            course = courses(made, about, origins)
            more, own_trough = trough_scores(m, about, course, answered)
            found["truths"][truth][name] = {**part, "trough": more}
            sums |= {f"{truth}/{name}/{key}": value for key, value in (own | own_trough).items()}
    for truth in OTHERS:
        made = neither(plan.babies, seed, injured=truth == "E", noise=plan.noise)
        found["others"][truth] = {}
        for name, origins in of_cohort(made).items():
            tell(f"seed {seed}: {truth}, {name}")
            m = moments(origins)
            answered = everybody(m, competitors, learned) | {k: filter_answers(m, f) for k, f in filters.items()}
            part, own = score(origins, m, answered, daily=name == "daily")
            covers = {k: np.asarray(v["all"])[:, scores.METRICS.index("cover90")] for k, v in part["next"].items()}
            found["others"][truth][name] = {"names": part["names"], "cover90": covers}
            sums |= {f"{truth}/{name}/{key}": value for key, value in own.items()}
    return Seed(found, sums)


def everybody(m: Moments, competitors: Competitors, learned: Mapping[str, Many]) -> dict[str, Answers]:
    """Competitors and learners at every moment."""
    found = answers(m, competitors)
    if learned:
        known = m.origins.records()
        instead = found[competitors.filter.name]
        found |= {name: by_forecaster(m, many(known), instead, competitors.filter) for name, many in learned.items()}
    return found


def score(
    origins: Origins, m: Moments, answered: Mapping[str, Answers], *, daily: bool = False
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Figures of every forecaster at the moments (for JSON), and per-baby sums [names, babies, 3, 2] of squared errors."""
    group = {k: v for k, v in origins.group.items() if not daily or k in GROUPS_DAILY}
    n = len(origins.stays)
    out: dict[str, Any] = {"latent": {}, "next": {}, "gfr": {}, "auroc": {}, "refused": {}}
    sums: dict[str, list[np.ndarray]] = {"latent": [], "next": []}
    limits = kernel.kdigo_limits(m.begin, m.n_seen, m.time, m.scr, m.curve_seen, m.curve, origins.now, np.array(HOURS))
    for name, a in answered.items():
        for kind, target, quantiles in (("latent", origins.latent, a.latent), ("next", origins.measured, a.measured)):
            each = scores.per_moment(target, quantiles, origins.line)
            out[kind][name] = scores.by_group(each, origins.baby, group)
            sums[kind].append(np.stack(scores.per_baby(each["se"], origins.baby, n), axis=-1))
        miss = np.asarray(a.log_GFR - np.log(origins.GFR))
        out["gfr"][name] = {
            g: [_rmse_bias(miss[member, h]) for h in range(len(HOURS))] for g, member in group.items() if member.any()
        }
        risk = [np.nanmax(_above(a.latent, limits[..., k]), axis=1) for k in (0, 1)]
        out["auroc"][name] = {
            g: {"kdigo": scores.auroc(risk[0][group[g]], origins.onset[group[g]]),
                "hidden": scores.auroc(risk[1][group[g]], origins.injury[group[g]])}
            for g in ("all", *GA_BANDS) if g in group
        }  # fmt: skip
        out["refused"][name] = float(a.refused.mean()) if len(a.refused) else 0.0
    out["events"] = {
        "kdigo": [int(np.nansum(origins.onset == 1)), int(np.isfinite(origins.onset).sum())],
        "hidden": [int(np.nansum(origins.injury == 1)), int(np.isfinite(origins.injury).sum())],
    }
    out["names"] = list(answered)
    return out, {kind: np.stack(rows).astype(np.float32) for kind, rows in sums.items()}


def _above(latent: np.ndarray, limit: np.ndarray) -> np.ndarray:
    known = np.all(np.isfinite(latent), axis=-1)
    found = scores.above(np.where(known[..., None], latent, 0.0), limit)
    # where nobody is on the ward any more the oracle of the future has no answer: no risk then
    return np.where(known, found, 0.0)


def _rmse_bias(miss: np.ndarray) -> list[float]:
    x = miss[np.isfinite(miss)]
    return [float(np.sqrt(np.mean(x**2))), float(x.mean())] if len(x) else [float("nan"), float("nan")]


TROUGH = ("n", "babies", "rmse", "mae", "bias", "rmse_log")
"""Figures of the trough, mg/L but for the last."""


def trough_scores(
    m: Moments, about: Told, course: Courses, answered: Mapping[str, Answers]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """TROUGH of every kidney by GA band and by condition, and per-baby sums [names, babies, groups, 2]."""
    o = m.origins
    group = {k: v for k, v in o.group.items() if k in GROUPS_DAILY}
    # a course that outlasts the stay is no course
    here = np.where(np.isfinite(o.latent[:, 0]), course.trough, np.nan)
    factors = {MATURATION: np.zeros_like(o.latent)} | {name: log_relative(m, a) for name, a in answered.items()}
    hour = o.now.astype(np.int64)[:, None] + np.array(HOURS, dtype=np.int64)
    at = np.minimum(hour, about.typical.shape[1] - 1)
    typical = np.log(about.typical[o.baby[:, None], at])
    # an oracle knows the truth's own typical baby as well
    factors |= {name: answered[name].log_GFR - typical for name in ORACLES if name in answered}
    out: dict[str, Any] = {"names": list(factors)}
    sums = []
    for name, factor in factors.items():
        # where the future is not known (home by then) the last known factor holds
        filled = np.where(np.isfinite(factor), factor, np.nan)
        for h in (1, 2):
            filled[:, h] = np.where(np.isfinite(filled[:, h]), filled[:, h], filled[:, h - 1])
        predicted = course.predicted(np.nan_to_num(filled))
        miss, log_miss = predicted - here, np.log(predicted / here)
        rows = {}
        for g, member in group.items():
            known = member & np.isfinite(miss)
            if known.any():
                e = miss[known]
                rows[g] = [int(known.sum()), len(np.unique(o.baby[known])), float(np.sqrt(np.mean(e**2))),
                           float(np.abs(e).mean()), float(e.mean()), float(np.sqrt(np.mean(log_miss[known] ** 2)))]  # fmt: skip
        out[name] = rows
        inside = np.stack([np.where(member, miss**2, np.nan) for member in group.values()], axis=1)
        sums.append(np.stack(scores.per_baby(inside, o.baby, len(o.stays)), axis=-1))
    out["groups"] = list(group)
    return out, {"trough": np.stack(sums).astype(np.float32)}


# ------------------------------------------------------------------------------------------- seeds kept one by one on disk


def _plain(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        return _plain(x.tolist())
    if isinstance(x, dict):
        return {str(k): _plain(v) for k, v in x.items()}
    if isinstance(x, list | tuple):
        return [_plain(v) for v in x]
    if isinstance(x, float | np.floating):
        return float(f"{float(x):.6g}") if np.isfinite(x) else None
    return int(x) if isinstance(x, np.integer) else x


def store(folder: Path, one: Seed) -> None:
    """Keep a seed in ``folder``: the sums first, the figures last, so that figures on disk mean a whole seed."""
    name = f"seed-{one.found['seed']}"
    with (folder / f"{name}.npz.part").open("wb") as file:
        np.savez_compressed(file, **one.sums)  # type: ignore[arg-type]
    (folder / f"{name}.npz.part").replace(folder / f"{name}.npz")
    (folder / f"{name}.json.part").write_text(json.dumps(_plain(one.found)), encoding="utf-8")
    (folder / f"{name}.json.part").replace(folder / f"{name}.json")


def stored(folder: Path, seed: int, plan: Plan) -> Seed | None:
    """A seed kept in ``folder``, None when it is not there. Raises InputError when it was made by another plan."""
    figures, sums = folder / f"seed-{seed}.json", folder / f"seed-{seed}.npz"
    if not figures.is_file() or not sums.is_file():
        return None
    found = json.loads(figures.read_text(encoding="utf-8"))
    other = {k: found.get(k) for k, v in asdict(plan).items() if found.get(k) != v}
    if other:
        raise InputError(
            "this folder holds seeds of another evaluation", where=str(figures), value=other, allowed=str(asdict(plan)),
            remedy="name another folder",
        )  # fmt: skip
    with np.load(sums) as kept:
        return Seed(found, dict(kept))


# ----------------------------------------------------------------------------------------------------- a hospital's own data


def cross_fitted(stays: Sequence[WardRecord], learned: Mapping[str, Many], folds: int = 2) -> dict[str, Any]:
    """Measured values alone, on anybody's records: each baby is forecast by competitors fitted on the other fold's babies.

    Babies are dealt to the folds in turn. Raises InputError below 20 babies a fold with two creatinines.
    """
    usable = [r for r in stays if len(r.time) >= 2 and not any(f.severity == "error" for f in r.findings)]
    if len(usable) < 20 * folds:
        raise InputError(
            "too few babies with two creatinines to fit on some and test on others", where="--data", value=len(usable),
            allowed=f">= {20 * folds}",
        )  # fmt: skip
    parts = []
    for k in range(folds):
        test = [r for i, r in enumerate(usable) if i % folds == k]
        fitted = Competitors.fit([r for i, r in enumerate(usable) if i % folds != k])
        origins = of_records(test)
        parts.append((origins, everybody(moments(origins), fitted, learned)))
    origins = joined([o for o, _ in parts])
    answered = {
        name: Answers(*(np.concatenate([getattr(a[name], field.name) for _, a in parts]) for field in fields(Answers)))
        for name in parts[0][1]
    }  # fmt: skip
    out: dict[str, Any] = {"babies": len(usable), "origins": len(origins), "folds": folds, "next": {}, "refused": {}}
    for name, a in answered.items():
        each = scores.per_moment(origins.measured, a.measured, origins.line)
        out["next"][name] = _plain(scores.by_group(each, origins.baby, origins.group))
        out["refused"][name] = float(a.refused.mean())
        out.setdefault("sums", {})[name] = np.stack(scores.per_baby(each["se"], origins.baby, len(origins.stays)), axis=-1)
    return out


def joined(parts: Sequence[Origins]) -> Origins:
    """Moments of several groups of babies as one."""
    stays = [r for o in parts for r in o.stays]
    shift = np.concatenate([[0], np.cumsum([len(o.stays) for o in parts])])
    baby = np.concatenate([o.baby + s for o, s in zip(parts, shift, strict=False)])
    group = {g: np.concatenate([o.group[g] for o in parts]) for g in parts[0].group}
    now, latent, measured, line, GFR, onset, injury = (
        np.concatenate([getattr(o, name) for o in parts])
        for name in ("now", "latent", "measured", "line", "GFR", "onset", "injury")
    )
    return Origins(stays, baby, now, latent, measured, line, group, GFR, onset, injury)

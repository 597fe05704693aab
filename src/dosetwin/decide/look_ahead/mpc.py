"""Look ahead: search the next two to four dose and interval decisions on posterior draws of the patient and the infection.

1. Every stationary policy (wait, amount, interval) is scored for exposure on all draws: cheap, by superposition.
2. A spread of (wait, amount) pairs is opened: every next (interval, amount, interval) behind each; so again for a third and a
   fourth decision.
3. The best plan behind every larger amount and every wait meets the infection, on the same draws (common random numbers): what
   more a larger dose kills is invisible to exposure.
4. Finalists and the standard rule are tried on fresh draws; chance constraints must hold with a confidence bound; the standard
   rule wins ties.

The search is open-loop (later decisions do not yet depend on later levels) and is repeated at every decision with what
is known then.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dosetwin.decide.look_ahead.ahead import Course, Plans, Scorer, write_out
from dosetwin.decide.look_ahead.loss import Loss
from dosetwin.decide.look_ahead.options import (
    LOSS_COLUMN,
    NEXT_5,
    PEAK_LOW,
    PEAK_NEVER,
    PRE_5,
    Chances,
    LookAhead,
    Option,
    Search,
    Standard,
)
from dosetwin.decide.look_ahead.outlook import DT, Belief, Outlook
from dosetwin.errors import InputError, Reason


def bound(p: np.ndarray | float, n: float, confidence: float) -> np.ndarray:
    """Clopper-Pearson upper bound of a probability estimated as ``p`` from ``n`` draws (weighted ones: the effective number)."""
    from scipy.special import betaincinv

    p = np.asarray(p, dtype=np.float64)
    k = np.minimum(p * n, n)
    return np.where(k >= n, 1.0, betaincinv(k + 1.0, np.maximum(n - k, 1e-9), confidence))


def look_ahead(
    belief: Belief,
    standard: Standard | None,
    *,
    earliest: float,
    course: Course | None = None,
    loss: Loss,
    search: Search | None = None,
    chances: Chances | None = None,
    limits: tuple[float, float] = (7.5, 20.0),
    stream: int = 0,
) -> LookAhead:
    """The next dose, searched ahead.

    Parameters
    ----------
    standard : always a candidate, and preferred when losses are equal.
    earliest : h on the course's clock before which the coming dose cannot be given.
    limits : mg/kg of current weight that a dose must keep.
    stream : of the draws; the final test uses the next one.

    Raises InputError when nothing is left of the horizon.
    """
    course, search, chances = course or Course(), search or Search(), chances or Chances()
    outlook = belief.outlook(search.draws, stream)
    scorer = Scorer(outlook, course, loss, chances.never)
    plans = _survivors(scorer, search, earliest, limits)
    if standard is not None:
        plans = _joined(plans, _standard_plan(scorer, standard, earliest, plans.amount.shape[1]))
    plans, total, parts = _met(scorer, plans, loss, search, standard is not None)
    order = np.argsort(np.where(_fits(parts, _effective(outlook), chances), 0.0, 10.0) + total.mean_, kind="stable")
    last = len(plans) - 1
    keep = list(order[: search.finalists])
    if standard is not None and last not in keep:
        keep.append(last)
    index = np.array(keep)
    finalists, tested = plans.take(index), outlook
    if search.fresh:
        tested = belief.outlook(search.fresh, stream + 1)
        scorer = Scorer(tested, course, loss, chances.never)
        total, parts = _full(scorer, finalists, loss, search)
    else:
        total, parts = total.take(index), parts[index]
    return _answer(
        scorer, finalists, total, parts, chances, search, standard is not None and int(np.flatnonzero(index == last)[0])
    )


@dataclass(frozen=True, eq=False)
class _Total:
    """Loss of every draw [c, n] and its parts' means [c]."""

    each: np.ndarray
    weights: np.ndarray
    exposure: np.ndarray
    eradicated: np.ndarray
    resistant: np.ndarray

    @property
    def mean_(self) -> np.ndarray:
        return self.each @ self.weights

    def take(self, index: np.ndarray) -> "_Total":
        return _Total(self.each[index], self.weights, self.exposure[index], self.eradicated[index], self.resistant[index])

    def se(self, difference: np.ndarray) -> float:
        """Standard error of a weighted mean of per-draw values [n]."""
        mean = difference @ self.weights
        return float(np.sqrt(np.sum((self.weights * (difference - mean)) ** 2)))


def _effective(outlook: Outlook) -> float:
    return float(1.0 / np.sum(outlook.weights**2))


def _full(scorer: Scorer, plans: Plans, loss: Loss, search: Search) -> tuple[_Total, np.ndarray]:
    """The whole loss of every draw, and the scores of exposure."""
    parts, each = scorer.exposure(plans, each=True)
    if _blind(scorer, loss):
        return _total(scorer, parts, each, np.ones_like(each), np.zeros_like(each), loss), parts
    erad, res = scorer.infection(plans, threads=search.threads, every=search.infection_every)
    return _total(scorer, parts, each, erad, res, loss), parts


def _blind(scorer: Scorer, loss: Loss) -> bool:
    return scorer.outlook.infections is None or (loss.not_eradicated == 0 and loss.resistant == 0)


def _total(scorer: Scorer, parts: np.ndarray, each: np.ndarray, erad: np.ndarray, res: np.ndarray, loss: Loss) -> _Total:
    w = scorer.outlook.weights
    whole = each + loss.not_eradicated * (1.0 - erad) + loss.resistant * res
    return _Total(whole, w, parts[:, LOSS_COLUMN], erad @ w, res @ w)


def _met(scorer: Scorer, plans: Plans, loss: Loss, search: Search, keep_last: bool) -> tuple[Plans, _Total, np.ndarray]:
    """Plans with the whole loss: those behind the best by two standard errors after ``first_look`` draws are left out."""
    m, n = search.first_look, len(scorer.outlook)
    if _blind(scorer, loss) or not 0 < m < n or len(plans) <= 2:
        return plans, *_full(scorer, plans, loss, search)
    parts, each = scorer.exposure(plans, each=True)
    how = {"threads": search.threads, "every": search.infection_every}
    erad, res = scorer.infection(plans, rows=slice(0, m), **how)
    w = scorer.outlook.weights[:m] / scorer.outlook.weights[:m].sum()
    # exposure is known on all draws: only what the infection adds is uncertain yet
    adds = loss.not_eradicated * (1.0 - erad) + loss.resistant * res
    mean = parts[:, LOSS_COLUMN] + adds @ w
    best = int(np.argmin(mean))
    gap = adds - adds[best]
    se = np.sqrt(np.sum((w * (gap - (gap @ w)[:, None])) ** 2, axis=1))
    keep = mean - mean[best] <= np.maximum(2.0 * se, search.tie)
    keep[-1] |= keep_last
    left = plans.take(np.flatnonzero(keep))
    more = scorer.infection(left, rows=slice(m, n), **how)
    erad, res = (np.concatenate([a[keep], b], axis=1) for a, b in zip((erad, res), more, strict=True))
    return left, _total(scorer, parts[keep], each[keep], erad, res, loss), parts[keep]


def _fits(parts: np.ndarray, n: float, chances: Chances) -> np.ndarray:
    toxic = bound(np.maximum(parts[:, PRE_5], parts[:, NEXT_5]), n, chances.confidence) <= chances.trough_toxic
    low = bound(parts[:, PEAK_LOW], n, chances.confidence) <= chances.peak_low
    return toxic & low & (bound(parts[:, PEAK_NEVER], n, chances.confidence) <= chances.peak_never)


def waits(outlook: Outlook, earliest: float, intervals: Sequence[float]) -> np.ndarray:
    """h from the origin to a coming dose: 0 for a first dose, else every interval still possible, or as soon as possible."""
    if outlook.given <= 0:
        return np.zeros(1)
    soonest = np.ceil((earliest - outlook.origin) / DT - 1e-9) * DT
    possible = [t for t in intervals if t >= soonest - 1e-9]
    return np.array(possible if possible else [max(soonest, DT)])


def _survivors(scorer: Scorer, search: Search, earliest: float, limits: tuple[float, float]) -> Plans:
    """Stages 1 and 2: exposure only; for every amount of the coming dose its best plan, the best ``meet_infection`` of them."""
    o = scorer.outlook
    first = o.given <= 0
    grid = np.array([m for m in (search.first_mg_per_kg if first else search.mg_per_kg) if limits[0] <= m <= limits[1]])
    later = np.array([m for m in search.mg_per_kg if limits[0] <= m <= limits[1]])
    if not len(grid) or not len(later):
        raise InputError(
            "no amount inside the limits", where="search", value=search.mg_per_kg, allowed=f"{limits[0]:g} to {limits[1]:g}"
        )
    intervals = np.array(search.intervals)
    then = later if not search.behind_mg_per_kg else np.array([m for m in search.behind_mg_per_kg if limits[0] <= m <= limits[1]])
    at_last = np.array(search.behind_intervals or search.intervals)
    wait, amount, interval = (
        x.ravel() for x in np.meshgrid(waits(o, earliest, search.intervals), grid, intervals, indexing="ij")
    )
    plans = write_out(o, scorer.course, wait, (amount * o.weight)[:, None], interval[:, None])
    score = scorer.exposure(plans)[0]
    for stage in range(1, search.decisions):
        chosen = _openings(plans, score, stage, search.beam)
        c, size = len(chosen), len(intervals) * len(then) * len(at_last)
        # behind each opening: interval of its last decided dose, then a new amount and its interval
        old_wait, old_amount, old_interval = plans.wait[chosen] * DT, plans.amount[chosen], plans.interval[chosen] * DT
        one, two, three = (x.ravel() for x in np.meshgrid(intervals, then * o.weight, at_last, indexing="ij"))
        new_amount = np.concatenate([np.repeat(old_amount[:, :stage], size, axis=0), np.tile(two, c)[:, None]], axis=1)
        new_interval = np.concatenate(
            [np.repeat(old_interval[:, : stage - 1], size, axis=0), np.tile(one, c)[:, None], np.tile(three, c)[:, None]], axis=1
        )
        more = write_out(o, scorer.course, np.repeat(old_wait, size), new_amount, new_interval)
        keep = _best_per_opening(more, scorer.exposure(more)[0], stage)
        plans = _joined(_widened(plans, stage + 1), more.take(keep))
        score = scorer.exposure(plans)[0]
    return plans.take(_spread(plans, score, search.meet_infection))


def _spread(plans: Plans, score: np.ndarray, many: int) -> np.ndarray:
    """Who meets the infection: not the best by exposure alone, whose like would fill every place, but the best of every kind.

    The best plan of all; the best behind each larger amount of the coming dose, evenly up to the largest (what more a larger dose
    kills is invisible to exposure); the best behind each wait; then the next best.
    """
    best = _best_per_opening(plans, score, 1)
    order = best[np.argsort(score[best, LOSS_COLUMN], kind="stable")]
    by_amount, by_wait = {}, {}
    for i in order:
        by_amount.setdefault(float(plans.amount[i, 0]), int(i))
        by_wait.setdefault(int(plans.wait[i]), int(i))
    top = float(plans.amount[order[0], 0])
    larger = sorted(a for a in by_amount if a > top)
    room = max(many - 1 - min(len(by_wait) - 1, many // 2), 1)
    if len(larger) > room:
        larger = [larger[round(k)] for k in np.linspace(0, len(larger) - 1, room)]
    chosen = [int(order[0]), *(by_amount[a] for a in larger), *by_wait.values(), *(int(i) for i in order)]
    return np.array(list(dict.fromkeys(chosen))[:many])


def _keys(plans: Plans, stage: int) -> np.ndarray:
    """What was decided before the open question of a stage: wait, amounts and all but the last interval."""
    return np.concatenate([plans.wait[:, None], plans.amount[:, :stage], plans.interval[:, : stage - 1]], axis=1)


def _openings(plans: Plans, score: np.ndarray, stage: int, beam: int) -> np.ndarray:
    """Whose next decision is searched: a spread as well, else a large first dose would be judged by repeating it for ever."""
    if stage == 1:
        return _spread(plans, score, beam)
    best = _best_per_opening(plans, score, stage)
    order = best[np.argsort(score[best, LOSS_COLUMN], kind="stable")]
    first: dict[tuple[float, float], int] = {}
    for i in order:
        first.setdefault((float(plans.wait[i]), float(plans.amount[i, 0])), int(i))
    return np.array(list(dict.fromkeys([*first.values(), *(int(i) for i in order)]))[:beam])


def _best_per_opening(plans: Plans, score: np.ndarray, stage: int) -> np.ndarray:
    """Index of the best plan of every distinct opening."""
    order = np.argsort(score[:, LOSS_COLUMN], kind="stable")
    keys = np.round(_keys(plans, stage)[order], 6)
    _, first = np.unique(keys, axis=0, return_index=True)
    return order[np.sort(first)]


def _widened(plans: Plans, m: int) -> Plans:
    """The same plans with their last decision repeated to ``m`` columns."""
    more = m - plans.amount.shape[1]
    if more <= 0:
        return plans
    amount = np.concatenate([plans.amount, np.repeat(plans.amount[:, -1:], more, axis=1)], axis=1)
    interval = np.concatenate([plans.interval, np.repeat(plans.interval[:, -1:], more, axis=1)], axis=1)
    return Plans(plans.wait, amount, interval, plans.start, plans.mg, plans.doses, plans.given, plans.end, plans.coming)


def _joined(a: Plans, b: Plans) -> Plans:
    m = max(a.amount.shape[1], b.amount.shape[1])
    a, b = _widened(a, m), _widened(b, m)
    k = max(a.start.shape[1], b.start.shape[1])

    def pad(x: np.ndarray) -> np.ndarray:
        return np.pad(x, ((0, 0), (0, k - x.shape[1])))

    return Plans(
        *(np.concatenate([getattr(a, f), getattr(b, f)]) for f in ("wait", "amount", "interval")),
        *(np.concatenate([pad(getattr(a, f)), pad(getattr(b, f))]) for f in ("start", "mg")),
        *(np.concatenate([getattr(a, f), getattr(b, f)]) for f in ("doses", "given", "end")),
        coming=a.coming,
    )


def _standard_plan(scorer: Scorer, standard: Standard, earliest: float, m: int) -> Plans:
    o = scorer.outlook
    wait = 0.0 if o.given <= 0 else max(standard.wait, np.ceil((earliest - o.origin) / DT - 1e-9) * DT)
    wait, interval = round(wait / DT) * DT, round(standard.interval / DT) * DT
    return write_out(o, scorer.course, np.array([wait]), np.full((1, m), standard.amount), np.full((1, m), interval))


def _answer(
    scorer: Scorer, plans: Plans, total: _Total, parts: np.ndarray, chances: Chances, search: Search, standard: int | bool
) -> LookAhead:
    o = scorer.outlook
    fits = _fits(parts, _effective(o), chances)
    mean = total.mean_
    at = -1 if standard is False else int(standard)
    best = int(np.argmin(np.where(fits, mean, mean + 10.0)))
    chosen, reasons = best, []
    if at >= 0 and at != best and fits[at] >= fits[best]:
        difference = total.each[at] - total.each[best]
        gap = float(mean[at] - mean[best])
        if gap <= max(search.tie, search.tie_se * total.se(difference)):
            chosen = at
            reasons.append(Reason("standard_rule_tied", round(gap, 4), search.tie, "", "equal losses go to the standard rule"))
    front = _front(plans, total, parts)
    order = np.argsort(mean, kind="stable").tolist()
    options = [_option(scorer, plans, total, parts, i, bool(fits[i]), bool(front[i]), i == at) for i in order]
    pick = options[order.index(chosen)]
    reasons += _out_of_reach(scorer, plans, total, pick)
    status = "plan" if fits.any() and not any(r.code == "target_unreachable" for r in reasons) else "no_feasible_regimen"
    if not fits.any():
        reasons.append(Reason("no_feasible_regimen", text="no plan keeps the chance constraints: the least bad one is shown"))
    return LookAhead(status, pick, tuple(options), len(o), tuple(reasons), scorer.loss)


def _front(plans: Plans, total: _Total, parts: np.ndarray) -> np.ndarray:
    """Not beaten in every respect: exposure loss, eradication, resistance, doses."""
    costs = np.stack([total.exposure, -total.eradicated, total.resistant, plans.doses.astype(float)], axis=1)
    return np.array([not np.any(np.all(costs <= c, axis=1) & np.any(costs < c, axis=1)) for c in costs])


def _option(
    scorer: Scorer, plans: Plans, total: _Total, parts: np.ndarray, i: int, meets: bool, front: bool, standard: bool
) -> Option:
    o, k = scorer.outlook, plans.coming
    later = [(float(o.origin + plans.start[i, d] * DT), float(plans.mg[i, d])) for d in range(k, plans.doses[i])]
    time, amount = later[0] if later else (float(o.origin + plans.wait[i] * DT), float(plans.amount[i, 0]))
    return Option(
        time=time, amount=amount, mg_per_kg=amount / o.weight, plan=tuple(later), loss=float(total.mean_[i]),
        loss_se=total.se(total.each[i]), exposure_loss=float(total.exposure[i]), p_eradicated=float(total.eradicated[i]),
        p_resistant=float(total.resistant[i]), p_peak_low=float(parts[i, PEAK_LOW]), p_peak_never=float(parts[i, PEAK_NEVER]),
        p_pre_toxic=float(parts[i, PRE_5]), p_trough_toxic=float(parts[i, NEXT_5]), doses=int(plans.doses[i]),
        meets=meets, on_front=front, standard=standard,
    )  # fmt: skip


REACH, REACH_PROBABILITY = 8.0, 0.5
"""Peak over MIC aimed at (Sherwin 2009, Treluyer 2002), and the probability below which it is out of reach (assumed)."""
NO_EFFECT = 0.05
"""P(eradicated) that treatment must add over none, else it has no effect (assumed)."""


def _out_of_reach(scorer: Scorer, plans: Plans, total: _Total, chosen: Option) -> list[Reason]:
    """Two different answers about a high MIC: the target cannot be reached at an accepted peak; treatment does nothing."""
    o = scorer.outlook
    if o.infections is None:
        return []
    # the target is about the MIC a plate shows: as reported, else the doubling dilution at or above each draw's
    drawn = 2.0 ** np.ceil(np.log2(np.asarray(o.infections.MIC, dtype=np.float64)) - 1e-9)
    MIC = drawn if o.MIC is None else np.full(len(o), o.MIC)
    high = scorer.loss.peak_window[1]
    reachable = float(o.weights @ (high / MIC >= REACH))
    if reachable >= REACH_PROBABILITY:
        return []
    text = (
        f"no feasible regimen of this drug: a peak of {REACH:g} x MIC needs more than {high:g} mg/L with a probability of "
        f"{1 - reachable:.0%}: add or change the drug"
    )
    found = [Reason("target_unreachable", round(reachable, 3), REACH_PROBABILITY, "1", text, "Sherwin 2009, Treluyer 2002")]
    nothing = plans.take(np.zeros(1, dtype=np.int64))
    untreated = Plans(
        nothing.wait, nothing.amount, nothing.interval, nothing.start, np.zeros_like(nothing.mg), nothing.doses, nothing.given,
        nothing.end, nothing.coming,
    )  # fmt: skip
    without = float(scorer.infection(untreated)[0][0] @ o.weights)
    gain = chosen.p_eradicated - without
    if gain < NO_EFFECT:
        text = f"P(eradicated) {chosen.p_eradicated:.0%} with the drug, {without:.0%} without further doses: no effect expected"
        found.append(Reason("no_effect", round(gain, 3), NO_EFFECT, "1", text))
    else:
        text = (
            f"target unreachable is not no effect: P(eradicated) {chosen.p_eradicated:.0%}, {without:.0%} without further doses"
        )
        found.append(Reason("still_effective", round(gain, 3), NO_EFFECT, "1", text))
    return found

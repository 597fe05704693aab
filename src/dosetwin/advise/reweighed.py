"""The answer if a record were otherwise, from what was played already: the main belief's draws weighed anew, orders as they did.

A level drawn a quarter of an hour earlier, a laboratory value that comes back: all other records and all facts stand, so belief
and consequences are the main answer's under other weights. Where the weights would not carry it, where a record comes near to
being in doubt or who tells effects reads what changed, there is no answer here and the belief is made anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dosetwin.advise.core import Decision, State
from dosetwin.advise.question import Asked
from dosetwin.decide.facts import facts_at
from dosetwin.decide.plans import enumerate_plans, situation
from dosetwin.decide.search import Exposures, choose, score
from dosetwin.infer.belief import DOUBTED
from dosetwin.infer.reweighing import TRUSTED_SHAPE, Changed, Ratio, ratios, smoothed
from dosetwin.records import Choosable, Timeline

LEAST = 150.0
"""Effective draws that the weights must leave; a belief made anew for a doubt has ``sensitivity.DRAWS`` and 100 at the least."""
NEAR_DOUBT = 0.5 * DOUBTED
"""Probability of being wrong from which a changed record's explanations are weighed in full (by Laplace, without chance)."""


def weighed(
    asked: Asked, state: State, made: Decision, changes: Sequence[Changed], timelines: Sequence[Timeline], thin: int
) -> list[Decision | None]:
    """The decision under each change of records, on the draws of ``made``; None where the belief must be made anew.

    ``timelines``: the facts with each change, and what was told of them as it stands; ``thin`` as in ``decide``.
    """
    none: list[Decision | None] = [None] * len(changes)
    uncertain = state.doubted or any(b.exchanged for b in state.beliefs)
    if not changes or uncertain or len(made.exposures.weights) != sum(map(len, state.pools)):
        return none
    found = [
        ratios(model, asked.known, pool, changes, rule=asked.rule) if len(pool) else None
        for model, pool in zip(asked.models, state.pools, strict=True)
    ]
    out, place, played = none, {_key(p.order): i for i, p in enumerate(made.plans)}, {}
    for i, known in enumerate(timelines):
        parts = [f[i] for f in found if f is not None]
        whole = [r for r in parts if r is not None]
        if len(whole) == len(parts) and (w := _weights(state, made, whole)) is not None:
            out[i] = _decided(replace(asked, known=known), made, place, played, w, thin)
    return out


def _weights(state: State, made: Decision, parts: Sequence[Ratio]) -> np.ndarray | None:
    """Weights of all models' draws, or None where they cannot be trusted or a record may be in doubt under them."""
    before = made.exposures.weights
    w, shape = smoothed(np.concatenate([r.log_w for r in parts]) + np.log(before))
    if not shape < TRUSTED_SHAPE or 1.0 / np.square(w).sum() < LEAST:
        return None
    wrong = w @ np.concatenate([r.wrong for r in parts])
    # the mean of what is nowhere negative rises by the largest ratio of weights at most
    others = max((x.p_wrong for x in state.levels), default=0.0) * float((w / before).max())
    return None if max(wrong.max(initial=0.0), others) >= NEAR_DOUBT else w


def _key(order: Choosable) -> tuple[Any, ...]:
    return type(order), *order.__dict__.values()


def _decided(
    asked: Asked, made: Decision, place: Mapping[tuple[Any, ...], int], played: dict[tuple[int, ...], Exposures], w: np.ndarray,
    thin: int,
) -> Decision | None:  # fmt: skip
    """The choice among plans that were played (order -> ``place`` in ``made``; ``played``: those asked so far), under other
    weights; None where one was not."""
    therapy = replace(asked.therapy, rules=())
    facts = facts_at(asked.known, asked.now)
    where = situation(asked.known, asked.now, facts.WT, therapy)
    extra = [] if made.regimen is None else [made.regimen]
    plans = enumerate_plans(therapy, where, {}, extra, thin)
    rows = tuple(place.get(_key(p.order), -1) for p in plans)
    if min(rows, default=-1) < 0:
        return None
    if rows not in played:
        played[rows] = made.exposures.only(rows)
    exposures = replace(played[rows], weights=w, n_eff=made.exposures.n_eff / (len(w) * float(np.square(w).sum())))
    scores = score(exposures, therapy.goals, first=where.first)
    choice = choose(plans, scores, therapy.goals, therapy.tie_loss, None, therapy.bars, therapy.limits)
    return Decision(facts, where, plans, (), exposures, choice, made.findings)

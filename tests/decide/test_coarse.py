"""Where every order costs a simulation some of the menu is looked at: the choice is that of the whole menu."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from dosetwin.decide.coarse import looked_at
from dosetwin.decide.plans import Plan
from dosetwin.decide.search import Choice
from dosetwin.errors import Reason
from dosetwin.records import Every

BROKEN = (Reason("limit_dose", text="made up"),)


def menu(n: int, intervals: tuple[float, ...] = (12.0, 24.0), rule: int = -1, broken_from: int = 10_000) -> list[Plan]:
    return [
        Plan(Every(10.0 + k, h, 0.0, 0.0), None, ("said",) if j == 0 and k == rule else (), BROKEN if k >= broken_from else ())
        for j, h in enumerate(intervals)
        for k in range(n)
    ]


def choice(plans: list[Plan], loss: np.ndarray, fine: np.ndarray, tie: float, asked: set[int]) -> Any:
    def chosen(rows) -> Choice:
        asked.update(rows)
        ok = [i for i, r in enumerate(rows) if fine[r] and not plans[r].violations]
        best = min(ok, key=lambda i: loss[rows[i]], default=None)
        tied = [] if best is None else [i for i in ok if loss[rows[i]] - loss[rows[best]] <= tie]
        return cast("Choice", SimpleNamespace(best=best, tied=tuple(tied)))

    return chosen


@pytest.mark.parametrize("seed", range(20))
def test_the_best_and_all_that_tie_with_it_are_looked_at(seed):
    rng = np.random.default_rng(seed)
    plans, asked = menu(60), set()
    x = np.arange(60.0)
    loss = np.concatenate([0.01 * (x - rng.uniform(5, 55)) ** 2 + 1.0, 0.01 * (x - rng.uniform(5, 55)) ** 2 + 2.0])
    fine = np.tile(x < rng.uniform(15, 60), 2)
    rows = looked_at(plans, choice(plans, loss, fine, 0.05, asked))
    best = loss[fine].min()
    assert set(np.flatnonzero(fine & (loss <= best + 0.05))) <= set(rows)
    assert rows == sorted(asked)
    assert len(rows) < 50


def test_rules_and_named_plans_are_looked_at_and_plans_outside_the_limits_are_not():
    plans, asked = menu(40, (24.0,), rule=35, broken_from=30), set()
    rows = looked_at(plans, choice(plans, np.arange(40.0), np.ones(40, bool), 0.5, asked), [33])
    assert {0, 33, 35} <= set(rows)
    assert not {30, 31, 32, 34, 36, 37, 38, 39} & set(rows)


def test_nothing_is_refused_for_an_order_that_nobody_tried():
    plans, asked = menu(40), set()
    fine = np.zeros(80, bool)
    fine[17] = True
    assert looked_at(plans, choice(plans, np.arange(80.0), fine, 0.0, asked)) == list(range(80))

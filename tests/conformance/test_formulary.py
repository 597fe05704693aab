"""Every check on every listed therapy; a file of your own joins through DOSETWIN_THERAPIES=my_therapy.py (";" between files)."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.declare import Facts, Says, Settings, Therapy
from dosetwin.declare.limit import OF, check, numbers
from dosetwin.declare.menu import Situation, Targets, menu_from_json
from dosetwin.records import DoseOrder, order_from_json

OWN = tuple(p for p in os.environ.get("DOSETWIN_THERAPIES", "").split(";") if p)
LISTED = tuple(t.name for t in formulary.therapies())


def ordinary(t: Therapy) -> Situation:
    facts = Facts(dict(t.typical))
    return Situation(0.0, facts.number("WT"), facts=facts)


def everything_names_its_source(t: Therapy) -> None:
    assert t.source
    assert t.population
    assert all(x.source and x.text for x in (*t.goals, *t.limits, *t.bars))
    assert all(r.source and r.provenance and r.title and r.ward for r in t.rules)


def it_survives_json(t: Therapy) -> None:
    data = json.loads(json.dumps(t.to_json(), allow_nan=False))
    assert formulary.therapy_from_json(data) is t
    if not isinstance(t.menu, Settings | Targets):  # what settings are per is code, and pumps are the formulary's
        assert menu_from_json(data["menu"]) == t.menu


def stored_under_another_number_it_stays_what_it_was(t: Therapy) -> None:
    if t.kind != "patient" or isinstance(t.menu, Settings):
        return
    data = json.loads(json.dumps(t.to_json())) | {"tie_loss": 0.123}
    kept = formulary.therapy_from_json(data)
    assert kept.tie_loss == 0.123
    assert kept.to_json() == data
    assert kept.goals == t.goals
    assert kept.readings == t.readings


def its_models_predict_what_it_judges(t: Therapy) -> None:
    for name in t.models:
        model = models.load(name)
        for goal in t.goals:
            assert goal.judged_by(model, t.drug.name) in model.outputs


def the_menu_lists_each_order_once_and_in_one_order(t: Therapy) -> None:
    where = ordinary(t)
    orders = t.menu.orders(where)
    keys = [t.menu.key(o) for o in orders]
    assert len(set(keys)) == len(keys) > 1
    assert [t.menu.key(o) for o in t.menu.orders(where)] == keys
    for order in orders[:: max(len(orders) // 7, 1)]:
        assert order_from_json(json.loads(json.dumps(order.to_json()))).words() == order.words()


def an_ordinary_patient_may_be_given_something(t: Therapy) -> None:
    if isinstance(t.menu, Settings):
        return
    where = ordinary(t)
    limits = [x for x in t.limits if x.binds(where.facts)]
    assert any(not check(numbers(o, where, t.menu, limits), limits) for o in t.menu.orders(where) if isinstance(o, DoseOrder))


def a_rule_says_an_order_of_the_menu_or_why_not(t: Therapy) -> None:
    for facts in (Facts(dict(t.typical)), Facts()):
        where = ordinary(t)
        for rule in t.rules:
            said = rule.advise(facts)
            if isinstance(said, str):
                assert len(said) > 10
            elif isinstance(said, Says):
                assert min(said.amount, said.interval) > 0
                assert said.text
                assert t.menu.said(said, where, lambda amount: False).words()


def readings_have_keys_words_and_units(t: Therapy) -> None:
    keys = [r.key for r in t.readings]
    assert len(set(keys)) == len(keys)
    assert all(r.words for r in t.readings)
    assert {g.reading.key for g in t.goals} <= set(keys)
    for goal in t.goals:
        if goal.low is not None or goal.high is not None:
            values = np.array([-1e9, *(b for b in (goal.low, goal.high) if b is not None), 1e9])
            assert ((goal.miss(values) == 0) == goal.met(values)).all()


def limits_bound_numbers_that_exist(t: Therapy) -> None:
    assert {x.of for x in t.limits} <= set(OF)


CHECKS: tuple[Callable[[Therapy], None], ...] = (
    everything_names_its_source, it_survives_json, stored_under_another_number_it_stays_what_it_was,
    its_models_predict_what_it_judges, the_menu_lists_each_order_once_and_in_one_order,
    an_ordinary_patient_may_be_given_something, a_rule_says_an_order_of_the_menu_or_why_not,
    readings_have_keys_words_and_units, limits_bound_numbers_that_exist,
)  # fmt: skip


@pytest.mark.parametrize("check_", CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", [*LISTED, *OWN], ids=lambda n: Path(n).stem)
def test_therapy(name: str, check_: Callable[[Therapy], None]) -> None:
    check_(formulary.therapy(name))

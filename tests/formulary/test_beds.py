"""Rules of thumb for beds, and a price beside borders."""

import numpy as np
import pytest

from dosetwin.declare import Facts, Goal, Sets
from dosetwin.declare.menu import Situation
from dosetwin.declare.reading import Between, Reading
from dosetwin.errors import InputError
from dosetwin.formulary._therapies import therapy
from dosetwin.structure.queues import waits_longer


@pytest.mark.parametrize(("load", "root", "eighty_five"), [(10.0, 15, 12), (40.0, 49, 48), (3.2, 6, 4), (0.2, 3, 2)])
def test_the_rules_of_thumb(load: float, root: int, eighty_five: int) -> None:
    says = [rule.advise(Facts(LOAD=load)) for rule in therapy("bed_pool").rules]
    assert [s.values["beds"] for s in says if isinstance(s, Sets)] == [root, eighty_five]


@pytest.mark.parametrize(("load", "stay"), [(10.0, 48.0), (3.2, 20.0), (40.0, 96.0)])
def test_erlangs_rule_is_the_smallest_number_that_keeps_the_promise(load: float, stay: float) -> None:
    says = next(r for r in therapy("bed_pool").rules if r.name == "erlang_c").advise(Facts(LOAD=load, STAY=stay))
    assert isinstance(says, Sets)
    beds = int(says.values["beds"])
    assert waits_longer(beds, load, stay, 4.0) <= 0.05 < waits_longer(beds - 1, load, stay, 4.0)


def test_they_need_to_know_the_load() -> None:
    assert all("needs LOAD" in str(rule.advise(Facts())) for rule in therapy("bed_pool").rules)


def test_the_menu_spans_the_load() -> None:
    t = therapy("bed_pool")
    beds = sorted({o["beds"] for o in t.menu.orders(Situation(5.0, facts=Facts(LOAD=20.0)))})  # type: ignore[attr-defined]
    assert (beds[0], beds[-1]) == (14.0, 46.0)
    assert set(np.diff(beds)) == {1.0}


def test_a_price_is_paid_for_each_unit_and_always_met() -> None:
    goal = therapy("bed_pool").goal("beds_open")
    beds = np.array([0.0, 10.0, 200.0])
    assert goal.met(beds).all()
    np.testing.assert_allclose(goal.weight * goal.miss(beds), beds / 50.0)
    assert goal.border() == "as little as possible"
    assert Goal.from_json(goal.to_json()) == goal
    reading = Reading("beds", "mean", Between(0, 1, "d"))
    with pytest.raises(InputError, match="a price has no border"):
        Goal("x", reading, None, 3.0, "1", source="here", joint=False, price=True)
    with pytest.raises(InputError, match="needs a low or a high border"):
        Goal("x", reading, unit="1", source="here")

"""Orders of doses: when each dose is given, in words, and back from JSON."""

import json

import pytest

from dosetwin.errors import InputError
from dosetwin.records import DoseOrder, Every, Once, Order, Setting, Then, Week, order_from_json

ORDERS = (
    Every(15.0, 36.0, 0.5, 2.0),
    Every(6.6, 48.0, 0.5, 2.0, loading=8.0),
    Every(6.6, 48.0, 0.5, 2.0, loading=8.0, wait=60.0),
    Once(500.0, 1.0, 3.0),
    Week((5.0, 2.5, 5.0, 5.0, 2.5, 5.0, 5.0), 8.0, 2),
    Then(Once(10.0, 0.0, 0.0), Week((5.0,) * 7, 24.0), 24.0),
    Setting(PEEP=5.0),
)


@pytest.mark.parametrize("order", ORDERS, ids=lambda o: o.words())
def test_every_order_is_one_and_survives_json(order):
    assert isinstance(order, Order)
    back = order_from_json(json.loads(json.dumps(order.to_json())))
    assert back.doses(200.0) == order.doses(200.0)
    assert back.settings(200.0) == order.settings(200.0)
    assert back.words() == order.words()


def test_doses_are_given_where_they_are_ordered():
    load = Every(6.6, 48.0, 0.5, 2.0, loading=8.0, wait=60.0)
    assert [(d.time, d.amount) for d in load.doses(120.0)] == [(2.0, 8.0), (62.0, 6.6), (110.0, 6.6)]
    assert [d.time for d in Every(15.0, 36.0, 0.5, 2.0).doses(38.0)] == [2.0]
    assert Once(500.0, 1.0, 3.0).doses(3.0) == ()
    both = Then(Once(10.0), Week((5.0,) * 7, 24.0), 24.0)
    assert [(d.time, d.amount) for d in both.doses(60.0)] == [(0.0, 10.0), (24.0, 5.0), (48.0, 5.0)]


def test_a_week_follows_the_calendar():
    week = Week((5.0, 0.0, 5.0, 5.0, 2.5, 5.0, 5.0), 8.0, 1)  # the first day is a Tuesday: nothing
    assert isinstance(week, DoseOrder)
    assert [(d.time, d.amount) for d in week.doses(8.0 + 4 * 24.0)] == [(32.0, 5.0), (56.0, 5.0), (80.0, 2.5)]
    assert week.first == 0.0
    assert week.words() == "5 mg daily, 2.5 mg on Fri, 0 mg on Tue"
    assert Week((5.0,) * 7).words() == "5 mg daily"
    assert Week((5.0, 5.0, 2.5, 5.0, 5.0, 2.5, 5.0), calendar=False).words() == "5 mg daily, 2.5 mg on day 3 and day 6"


@pytest.mark.parametrize("week", [(5.0,) * 6, (0.0,) * 7, (5.0,) * 6 + (-1.0,)])
def test_what_is_no_week_is_refused(week):
    with pytest.raises(InputError):
        Week(week)


def test_an_order_of_another_kind_is_refused():
    with pytest.raises(InputError, match="unknown kind of order"):
        order_from_json({"kind": "monthly"})


def test_whole_weeks_are_said_as_people_say_them():
    said = [Every(40.0, h, 0.0, 0.0).words() for h in (36.0, 168.0, 504.0, 250.0)]
    assert said == ["40 mg every 36 h", "40 mg every week", "40 mg every 3 weeks", "40 mg every 250 h"]
    assert Every(40.0, 336.0, 0.0, 0.0, loading=160.0).words() == "loading dose 160 mg, after 2 weeks 40 mg every 2 weeks"

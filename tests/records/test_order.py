"""Orders of settings: equal when they set the same, in force from their time on, never half a number."""

import json
import math

import pytest

from dosetwin.errors import InputError
from dosetwin.records import Order, Setting


def test_a_setting_is_an_order_in_force_from_its_time_on() -> None:
    order = Setting(VT=0.42, PEEP=10, at=3.0)
    assert isinstance(order, Order)
    assert [(c.time, c.name, c.value) for c in order.settings(4.0)] == [(3.0, "PEEP", 10.0), (3.0, "VT", 0.42)]
    assert order.settings(3.0) == ()
    assert order.doses(100.0) == ()
    assert order["VT"] == 0.42
    assert order.words() == "PEEP 10, VT 0.42"


def test_equal_settings_are_equal_orders() -> None:
    assert Setting(a=1, b=2) == Setting(b=2.0, a=1.0) == Setting({"b": 2, "a": 1})
    assert len({Setting(beds=3), Setting(beds=3.0), Setting(beds=3, at=1.0)}) == 2


def test_json_round_trip() -> None:
    order = Setting(beds=12, at=-2.5)
    assert Setting.from_json(json.loads(json.dumps(order.to_json()))) == order


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "12", None, True])
def test_no_half_number(wrong: object) -> None:
    with pytest.raises(InputError, match="not a number"):
        Setting(beds=wrong)  # type: ignore[arg-type]


def test_nothing_set_is_no_setting() -> None:
    with pytest.raises(InputError, match="sets something"):
        Setting()

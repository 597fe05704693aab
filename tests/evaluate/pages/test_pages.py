"""Every listed page says what it compares, reproducibly; the beds agree with Erlang, and a wrong pool would not."""

import math

import pytest

from dosetwin.errors import UnknownName
from dosetwin.evaluate import pages
from dosetwin.evaluate.pages import beds
from dosetwin.twins.place import Exponential


def test_pages_are_listed_by_being_there() -> None:
    assert {"amikacin_newborns", "beds"} <= set(pages.names())
    for name in pages.names():
        page = pages.load(name)
        assert name == page.PAGE
        assert page.N_QUICK <= page.N
    with pytest.raises(UnknownName, match=r"amikacin_newborns, .*beds, "):
        pages.load("nonsense")


def test_beds_agree_with_erlang() -> None:
    found = beds.run(n=40, seed=5)
    assert len(found) == 14
    assert [c.check for c in found if not c.passed] == []
    assert all(c.page == "beds" and c.mc_error > 0 for c in found)
    text = beds.markdown(found, n=40, seed=5)
    assert "share refused, 8 beds, log-normal stays" in text


def test_a_pool_with_longer_stays_would_be_found_out() -> None:
    """The check can fail: stays of 53 h where 48 are said."""
    found = beds._waiting(12, Exponential(53.0, math.inf), 40, 5)
    assert [c.passed for c in found] == [False, False, False]


def test_warfarin_settles_at_the_iwpcs_dose_and_its_slow_fall_is_printed_as_a_miss() -> None:
    from dosetwin.evaluate.pages import warfarin

    settled = warfarin._settled("warfarin_hamberg_2010_iwpc", "A/G *1/*3", warfarin.GENES["A/G *1/*3"])
    assert settled.passed
    fall = warfarin._stopped("warfarin_hamberg_2010")
    assert [c.passed for c in fall] == [False, False]
    assert "slower" in warfarin.markdown([settled, *fall])

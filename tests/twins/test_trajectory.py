"""Readings of the three shapes of track, by hand; and settings advised only where the twin can be judged."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dosetwin.advise import Question, advise
from dosetwin.declare import Goal
from dosetwin.declare.reading import After, Between, Reading
from dosetwin.errors import InputError
from dosetwin.formulary import therapy
from dosetwin.records import Setting
from dosetwin.twins import Track
from dosetwin.twins.place import Place

CURVE = Track("curve", np.array([0.0, 1.0, 3.0]), np.array([[[0.0, 2.0, 6.0]]]))
STEPS = Track("steps", np.array([[[0.0, 2.0, 5.0, np.nan]]]), np.array([[[1.0, 4.0, 2.0, 0.0]]]))
EVENTS = Track("events", np.array([[[1.0, 2.0, 4.0, np.nan], [np.nan] * 4]]), np.array([[[0.0, 3.0, 9.0, 0.0], [0.0] * 4]]))


@pytest.mark.parametrize(
    ("track", "how", "window", "level", "expected"),
    [
        (CURVE, "at", (1.0,), None, [2.0]),
        (CURVE, "at", (2.0,), None, [4.0]),
        (CURVE, "auc", (0.0, 3.0), None, [9.0]),
        (CURVE, "mean", (0.5, 2.0), None, [(0.5 * 1.5 + 1.0 * 3.0) / 1.5]),
        (CURVE, "max", (0.5, 2.0), None, [4.0]),
        (CURVE, "share_within", (0.0, 3.0), (1.0, 4.0), [0.5]),
        (CURVE, "ever_above", (0.0, 2.0), 4.0, [0.0]),
        (CURVE, "ever_above", (0.0, 3.0), 4.0, [1.0]),
        (STEPS, "at", (2.0,), None, [4.0]),
        (STEPS, "mean", (1.0, 6.0), None, [(1.0 + 3 * 4.0 + 2.0) / 5]),
        (STEPS, "min", (2.0, 4.0), None, [4.0]),
        (STEPS, "share_within", (0.0, 10.0), (2.0, 4.0), [0.8]),
        (STEPS, "ever_below", (0.0, 10.0), 2.0, [1.0]),
        (EVENTS, "mean", (0.0, 4.0), None, [1.5, 0.0]),
        (EVENTS, "count", (0.0, 5.0), None, [3.0, 0.0]),
        (EVENTS, "share_within", (0.0, 5.0), (0.0, 3.0), [2 / 3, 1.0]),
        (EVENTS, "max", (0.0, 5.0), None, [9.0, 0.0]),
    ],
)
def test_readings_by_hand(track: Track, how: Any, window: tuple[float, ...], level: Any, expected: list[float]) -> None:
    np.testing.assert_allclose(track.read(how, *window, level=level)[0], expected)


def test_what_cannot_be_read_is_said() -> None:
    for track, how, window, word in (
        (CURVE, "count", (0.0, 1.0), "this way"), (CURVE, "at", (4.0,), "outside"), (EVENTS, "at", (1.0,), "this way"),
        (STEPS, "at", (-1.0,), "outside"), (STEPS, "mean", (2.0, 2.0), "window"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=word):
            track.read(how, *window)  # type: ignore[arg-type]


def asked(*goals: Goal, **other: Any) -> Any:
    t = replace(therapy("bed_pool"), goals=goals, shown=(), **other)
    return advise(Place("a ward", (Setting(beds=3),)), Question(t, (), draws=100, seed=1))


DAY = Between(0.0, 1.0, "d")


@pytest.mark.parametrize(
    ("reading", "unit", "word"),
    [
        (Reading("wait", "mean", DAY), "1", "unit is not that"),
        (Reading("INR", "mean", DAY), "1", "does not hold"),
        (Reading("wait", "auc", DAY), "h.h", "this way"),
        (Reading("beds", "at", After(1.0)), "1", "belongs to a dose"),
    ],
)
def test_a_goal_a_place_cannot_be_judged_by(reading: Reading, unit: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        asked(Goal("wrong", reading, None, 4.0, unit, source="a test"))


def test_a_place_is_given_no_doses() -> None:
    with pytest.raises(InputError, match="of no place"):
        advise(Place("a ward", (Setting(beds=3),)), Question(therapy("amikacin_neonate"), (), draws=100))

"""One suite for every kind of twin: the laws of the protocol, kept by whatever stands in the folder of kinds."""

import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from functools import cache

import numpy as np
import pytest

from conformance.twin_specimens import SPECIMENS, Specimen
from dosetwin import twins
from dosetwin.errors import InputError, UnknownName
from dosetwin.simulate import engine
from dosetwin.twins import Trajectory, Twin
from dosetwin.twins.trajectory import HOW

every_kind = pytest.mark.parametrize("kind", twins.kinds())
DRAWS, SEED = 60, 4


@cache
def specimen(kind: str) -> Specimen:
    return SPECIMENS[kind]()


@cache
def told(kind: str) -> Twin:
    s = specimen(kind)
    return s.start.told(*s.facts)


def played(twin: Twin, s: Specimen, until: float | None = None, **more) -> Trajectory:
    return twin.play(s.orders, s.until if until is None else until, draws=DRAWS, seed=SEED, **more)


def arrays(found: Trajectory) -> list[np.ndarray]:
    return [a for t in found.tracks.values() for a in (t.time, t.value) if a is not None]


def same(a: Trajectory, b: Trajectory) -> bool:
    return all(np.array_equal(x, y, equal_nan=True) for x, y in zip(arrays(a), arrays(b), strict=True))


def test_every_kind_has_a_specimen() -> None:
    assert set(SPECIMENS) == set(twins.kinds())


@every_kind
def test_the_protocol_is_kept(kind: str) -> None:
    twin = told(kind)
    assert isinstance(twin, Twin)
    with pytest.raises(FrozenInstanceError):
        twin.therapy = None  # type: ignore[attr-defined]
    found = played(twin, specimen(kind))
    reads = twin.reads()
    assert list(reads) == list(found.tracks)
    for name, track in found.tracks.items():
        r = reads[name]
        assert (r.name, r.how) == (name, HOW[track.shape])
        assert r.text
        assert track.value.shape[:2] == (len(specimen(kind).orders), DRAWS - found.failed)
    assert found.orders == len(specimen(kind).orders)
    assert twin.menu() is None  # no therapy says what may be ordered


@every_kind
def test_nothing_told_changes_nothing(kind: str) -> None:
    twin = told(kind)
    assert twin.told() is twin
    assert same(played(twin, specimen(kind)), played(twin.told(), specimen(kind)))


@every_kind
def test_the_order_in_which_facts_are_told_does_not_matter(kind: str) -> None:
    s, whole = specimen(kind), played(told(kind), specimen(kind))
    shuffler = random.Random(1)
    for cut in (1, len(s.facts) // 2):
        facts = list(s.facts)
        shuffler.shuffle(facts)
        a, b = facts[:cut], facts[cut:]
        for first, second in itertools.permutations((a, b)):
            assert same(played(s.start.told(*first).told(*second), s), whole)
    assert not same(played(s.start.told(*s.facts[:-2]), s), whole), "the last facts make no difference: a check that cannot fail"


@every_kind
def test_telling_leaves_the_twin_it_was_told_to_alone(kind: str) -> None:
    s = specimen(kind)
    before = s.start.to_json()
    s.start.told(*s.facts)
    assert s.start.to_json() == before


@every_kind
def test_playing_to_t_and_on_is_playing_through(kind: str) -> None:
    s, twin = specimen(kind), told(kind)
    moments = sorted({s.half + (s.until - s.half) * k / 7 for k in range(8)} | {s.half, s.until})
    through = played(twin, s, at=moments)
    first = played(twin, s, s.half)
    on = played(twin, s, at=moments, after=first)
    assert (first.until, on.begin, on.until) == (s.half, s.half, s.until)
    for name, r in twin.reads().items():
        for how in r.how:
            level = {"share_within": (0.5, 4.0), "ever_above": 3.0, "ever_below": 3.0}.get(how)
            window = (moments[2], None if how == "at" else moments[5], level)
            np.testing.assert_allclose(
                on.read(name, how, *window), through.read(name, how, *window), rtol=1e-9, atol=1e-9, err_msg=f"{name} {how}"
            )
    # from what was told instead of from the end of the first half it is something else
    again = twin.told().play(s.orders, s.until, draws=DRAWS, seed=SEED + 1, at=moments)
    assert not np.allclose(again.read("", "mean", moments[2], moments[5]), on.read("", "mean", moments[2], moments[5]))


@every_kind
def test_same_seed_same_answer_for_any_number_of_workers(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s, twin = specimen(kind), told(kind)
    alone = played(twin, s)
    for workers in (2, 4):
        with ThreadPoolExecutor(workers) as pool:
            for found in pool.map(lambda _: played(twin, s), range(2 * workers)):
                assert same(found, alone)
    for threads in (1, 3):
        monkeypatch.setattr(engine, "threads_available", lambda n=threads: n)
        assert same(played(twin, s), alone)
    other = twin.play(s.orders, s.until, draws=DRAWS, seed=SEED + 1)
    assert not all(np.array_equal(x, y, equal_nan=True) for x, y in zip(arrays(other)[1::2], arrays(alone)[1::2], strict=True))


@every_kind
def test_an_order_is_played_the_same_whoever_else_is(kind: str) -> None:
    s, twin = specimen(kind), told(kind)
    together = played(twin, s, at=(s.half, s.until))
    alone = twin.play(s.orders[1:2], s.until, draws=DRAWS, seed=SEED, at=(s.half, s.until))
    for name in twin.reads():
        how = "mean"
        a, b = together.read(name, how, s.half, s.until)[1], alone.read(name, how, s.half, s.until)[0]
        # a curve without exact areas is read between other moments
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12, err_msg=name)


@every_kind
def test_json_round_trip(kind: str) -> None:
    s, twin = specimen(kind), told(kind)
    again = s.stored(json.loads(json.dumps(twin.to_json(), allow_nan=False)))
    assert again.to_json() == twin.to_json()
    assert same(played(again, s), played(twin, s))
    # and goes on being told as the first one would
    assert s.stored(s.start.to_json()).told(*s.facts).to_json() == twin.to_json()


@every_kind
def test_units_rescaled_follow(kind: str) -> None:
    s = specimen(kind)
    twin, orders, hours, factors = s.rescaled
    base = played(told(kind), s, at=(s.half, s.until))
    other = twin.play(orders, s.until * hours, draws=DRAWS, seed=SEED, at=(s.half * hours, s.until * hours))
    for name, factor in factors.items():
        a, b = (f.read(name, "mean", s.half * h, s.until * h) for f, h in ((base, 1.0), (other, hours)))
        assert a.std() > 0
        np.testing.assert_allclose(b, a * factor, rtol=1e-6, atol=1e-9, err_msg=name)


@every_kind
def test_no_clock_and_no_global_randomness_is_read(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s = specimen(kind)
    expected = played(told(kind), s)

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a twin asked for the time, or for global randomness")

    for name in ("time", "time_ns", "localtime", "gmtime"):
        monkeypatch.setattr(time, name, forbidden)
    for name in ("random", "uniform", "gauss", "expovariate", "seed"):
        monkeypatch.setattr(random, name, forbidden)
    for name in ("random", "rand", "randn", "normal", "seed"):
        monkeypatch.setattr(np.random, name, forbidden)
    assert same(played(s.start.told(*s.facts), s), expected)


@every_kind
def test_what_cannot_be_told_or_played_is_refused_by_name(kind: str) -> None:
    s, twin = specimen(kind), told(kind)
    with pytest.raises(InputError, match="cannot be told this"):
        twin.told(s.stranger)
    for orders, until, draws in (
        ((), s.until, DRAWS),
        (s.orders, -1e6, DRAWS),
        (s.orders, s.until, 0),
        (s.orders, float("nan"), 5),
    ):
        with pytest.raises(InputError, match="cannot be played"):
            twin.play(orders, until, draws=draws, seed=SEED)
    with pytest.raises(InputError):
        twin.play((s.wrong_order,), s.until, draws=DRAWS, seed=SEED)
    first = played(twin, s, s.half)
    with pytest.raises(InputError, match="goes on from other"):
        twin.play(s.orders[:1], s.until, draws=DRAWS, seed=SEED, after=first)
    found = played(twin, s)
    with pytest.raises(UnknownName, match="does not hold"):
        found.read("nothing of this name", "mean", s.half, s.until)
    with pytest.raises(InputError, match="needs a window"):
        found.read("", "mean", s.until)
    with pytest.raises(InputError, match="needs a level"):
        found.read("", "share_within", s.half, s.until)

"""A trial of a place: its truth against Erlang, its record as a ward would have it, honest designs, the whole command."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosetwin.cli import run as command
from dosetwin.errors import InputError
from dosetwin.populations import wards
from dosetwin.populations.wards import Demand
from dosetwin.records import Setting
from dosetwin.structure.queues import erlang_b
from dosetwin.studies import load, read
from dosetwin.studies.places.course import decided, follow, played, seen
from dosetwin.studies.places.design import Arm, PlaceDesign
from dosetwin.twins.place import Seen, Watched

SAME = Demand((5.0, 5.0), (48.0, 48.0), (0.8, 0.8))


@pytest.fixture(scope="module")
def design() -> PlaceDesign:
    found = load("bed_pool")
    assert isinstance(found, PlaceDesign)
    return found


def test_who_comes_is_what_the_demand_says() -> None:
    """The mean rate, its swing over day and week, the mean stay; the same people however far is asked."""
    demand = replace(SAME, day=0.5, week=0.4)
    found = [wards.drawn(k, 1, demand, 70 * 24.0) for k in range(40)]
    come = np.concatenate([w.come for w in found])
    weekend, afternoon = come % 168.0 >= 120.0, (come % 24.0 >= 12.0) & (come % 24.0 < 18.0)
    days = 40 * 70
    assert (~weekend).sum() / (days * 5 / 7) == pytest.approx(5.0, abs=4 * math.sqrt(5.0 / (days * 5 / 7)))
    assert weekend.sum() / (days * 2 / 7) == pytest.approx(3.0, abs=4 * math.sqrt(3.0 / (days * 2 / 7)))
    # the mean of 1 + 0.5 cos over the six hours around the busiest: 1 + 0.5 sin(pi/4) / (pi/4), of a quarter of the day
    assert afternoon.mean() == pytest.approx(0.25 * (1 + 0.5 * math.sin(math.pi / 4) * 4 / math.pi), abs=0.02)
    stay = np.concatenate([w.stay for w in found])
    assert stay.mean() == pytest.approx(48.0, abs=4 * stay.std() / math.sqrt(len(stay)))
    early = wards.drawn(3, 1, demand, 100.0)
    np.testing.assert_array_equal(early.come, found[3].come[found[3].come < 100.0])
    np.testing.assert_array_equal(early.stay, found[3].stay[: len(early.stay)])


def test_a_fixed_number_without_room_to_wait_loses_what_erlang_says(design: PlaceDesign) -> None:
    """Erlang B for any distribution of stays: log-normal here. Twelve long courses of one arm, four standard errors."""
    no_room = replace(design, demand=SAME, watch_days=28, periods=12)
    pool = replace(no_room.pool, room=0)
    object.__setattr__(no_room, "of", replace(no_room.of, pool=pool))
    until = no_room.watch_h + no_room.periods * no_room.of.follows_h
    found = [follow(no_room, wards.drawn(k, 2, SAME, until), Arm("ten", "fixed:10")) for k in range(12)]
    lost = np.array([f["value_mean_0_14d_of_refused"] for f in found])
    assert abs(lost.mean() - erlang_b(10, 10.0)) < 4 * lost.std(ddof=1) / math.sqrt(len(lost))
    assert found[0]["value_mean_0_14d_of_beds"] == 10.0
    assert {f["changes"] for f in found} <= {0.0, 1.0}


def test_a_record_holds_what_was_seen_by_then_and_nothing_later(design: PlaceDesign) -> None:
    ward, now = wards.drawn(1, 7, SAME, 1000.0), 500.0
    plan = [(0.0, 9.0), (300.0, 7.0)]
    facts = seen(ward, played(design, ward, plan, now), plan, now).facts
    times = [f.time for f in facts if isinstance(f, Seen)]
    assert max(times) <= now
    assert Watched(0.0, now) in facts
    assert [f["beds"] for f in facts if isinstance(f, Setting)] == [9.0, 7.0]
    asked = [f.time for f in facts if isinstance(f, Seen) and f.what == "asked"]
    np.testing.assert_array_equal(asked, ward.come[ward.come < now])
    # played on, nobody's admission moves: what was seen stays seen
    later = seen(ward, played(design, ward, plan, 900.0), plan, 900.0).facts
    assert {f for f in facts if isinstance(f, Seen)} <= {f for f in later if isinstance(f, Seen)}


def test_arms_decide_as_they_are_called(design: PlaceDesign) -> None:
    ward, now = wards.drawn(0, 1, SAME, 672.0), 672.0
    place = seen(ward, played(design, ward, [(0.0, 14.0)], now), [(0.0, 14.0)], now)
    beds = {a: decided(design, Arm(a, a), place, now).beds
            for a in ("rule:square_root_staffing", "rule:occupancy_85", "rule:erlang_c", "fixed:3", "twin")}  # fmt: skip
    assert beds["fixed:3"] == 3.0
    assert beds["rule:occupancy_85"] < beds["rule:square_root_staffing"] <= beds["rule:erlang_c"] <= beds["twin"] <= 30


def test_the_whole_command(design: PlaceDesign, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["trial", "bed_pool", "-n", "2", "-o", str(tmp_path / "out")]) == 0
    told = capsys.readouterr().out
    assert "2 virtual wards in every arm" in told
    assert "less is lost than by Erlang's formula" in told
    body = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert list(body["arms"]) == ["square_root", "occupancy_85", "erlang_c", "twin"]
    assert body["endpoints"]["wait"]["text"].startswith("share of those who come that lie in a bed within 4 h")
    assert "virtual wards" in (tmp_path / "out" / "report.html").read_text()
    # a ward's rows do not depend on the chunk it is in
    whole, part = design.table(0, 2).to_pylist(), design.table(1, 1).to_pylist()
    assert whole[4:] == part


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('policy = "rule:guess"', "rule:erlang_c"),
        ('policy = "fixed:many"', "fixed:BEDS"),
        ('policy = "twin"\ndraws = 3', "100 to 5000"),
    ],
)
def test_designs_that_cannot_be(change: str, said: str) -> None:
    text = f'study = "places"\nname = "x"\ntherapy = "bed_pool"\nn = 2\nseed = 1\n[[arms]]\nname = "a"\n{change}\n'
    with pytest.raises(InputError, match=said):
        read(text, "x.toml")


def test_a_patients_therapy_is_none_of_a_place() -> None:
    text = 'study = "places"\nname = "x"\ntherapy = "warfarin_inr"\nn = 2\nseed = 1\n[[arms]]\nname = "a"\npolicy = "twin"\n'
    with pytest.raises(InputError, match="orders of a place"):
        read(text, "x.toml")
    with pytest.raises(InputError, match=r"demand\.sd"):
        read(text.replace("warfarin_inr", "bed_pool") + "[demand]\nsd = [2, 1]\n", "x.toml")

"""The ward's time zone: both changes of the clocks, zones without letters or with half hours, and texts read back."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.serve.zone import Zone

BERLIN, UTC_ = Zone("Europe/Berlin"), Zone()
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "Pacific/Apia")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_moments_are_said_on_the_wards_clock() -> None:
    assert UTC_.short(at("2026-04-14T12:00:00+00:00")) == "14 Apr 12:00"
    assert UTC_.long("2026-04-14T12:00:00+00:00") == "14 Apr 2026 12:00 UTC"
    assert BERLIN.long("2026-04-14T12:00:00+00:00") == "14 Apr 2026 14:00 CEST"
    assert BERLIN.long("2026-12-31T23:30:00+00:00") == "1 Jan 2027 00:30 CET"
    assert Zone("America/Sao_Paulo").long("2026-04-14T12:00:00+00:00") == "14 Apr 2026 09:00 UTC-03:00"
    assert BERLIN.named(at("2026-04-14T12:00:00+00:00")) == "Europe/Berlin (now CEST, UTC+02:00)"
    assert BERLIN.short(7.25) == BERLIN.long(7.25) == "7.25 h"
    said = "no dose since it was due at 2026-04-14T12:00:00+00:00, seen 2026-01-14T12:00:00Z"
    assert BERLIN.retold(said) == "no dose since it was due at 14 Apr 2026 14:00 CEST, seen 14 Jan 2026 13:00 CET"


def test_the_hour_that_happens_twice_says_which_one() -> None:
    first, second = at("2026-10-25T00:30:00+00:00"), at("2026-10-25T01:30:00+00:00")
    assert (BERLIN.short(first), BERLIN.short(second)) == ("25 Oct 02:30 CEST", "25 Oct 02:30 CET")
    assert BERLIN.short(at("2026-10-25T02:00:00+00:00")) == "25 Oct 03:00"
    assert BERLIN.typed(second) == ("2026-10-25T02:30", "+01:00")
    assert BERLIN.typed(at("2026-10-24T12:00:00+00:00")) == ("2026-10-24T14:00", "")


def test_hours_of_a_record_are_hours_that_passed() -> None:
    origin = "2026-10-24T22:00:00+00:00"  # midnight in Berlin, the night the clocks go back
    assert [BERLIN.clock(origin, h) for h in (0, 2, 3, 4, 24, 25)] == [
        "25 Oct 00:00", "25 Oct 02:00 CEST", "25 Oct 02:00 CET", "25 Oct 03:00", "25 Oct 23:00", "26 Oct 00:00",
    ]  # fmt: skip
    spring = "2026-03-28T23:00:00+00:00"
    assert [BERLIN.clock(spring, h) for h in (0, 1, 2, 3)] == ["29 Mar 00:00", "29 Mar 01:00", "29 Mar 03:00", "29 Mar 04:00"]
    assert BERLIN.clock(None, 3.5) == "3.5 h"


def test_what_is_typed_is_read_on_the_wards_clock() -> None:
    assert BERLIN.read("2026-04-14T14:00").at == at("2026-04-14T12:00:00+00:00")
    assert BERLIN.read("2026-04-14T14:00:00+05:00").at == at("2026-04-14T09:00:00+00:00"), "an offset of its own goes first"
    assert BERLIN.read("yesterday").at is None
    gap = BERLIN.read("2026-03-29T02:30")
    assert gap.at is None
    assert not gap.choices
    assert "did not exist in Europe/Berlin: the clocks were put forward from CET to CEST" in gap.why
    twice = BERLIN.read("2026-10-25T02:30")
    assert twice.at is None
    assert twice.choices == (("+02:00", "CEST (UTC+02:00)"), ("+01:00", "CET (UTC+01:00)"))
    assert "happened twice" in twice.why
    assert BERLIN.read("2026-10-25T02:30", "+01:00").at == at("2026-10-25T01:30:00+00:00")
    assert BERLIN.read("2026-10-25T02:30", "+02:00").at == at("2026-10-25T00:30:00+00:00")
    assert BERLIN.read("2026-10-25T02:30", "+07:00").at is None
    assert BERLIN.read("2026-10-25T04:30", "+02:00").at == at("2026-10-25T03:30:00+00:00"), "a choice about another time"


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from(ZONES))
def test_what_is_shown_is_read_back_as_the_same_moment(moment: datetime, name: str) -> None:
    when = moment.replace(tzinfo=UTC, second=0, microsecond=0)
    zone = Zone(name)
    assert zone.read(*zone.typed(when)).at == when


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), st.sampled_from(ZONES), st.floats(0, 24 * 200))
def test_the_offsets_for_a_script_are_those_of_the_zone(moment: datetime, name: str, hour: float) -> None:
    origin, zone = moment.replace(tzinfo=UTC, microsecond=0).isoformat(), Zone(name)
    found = zone.offsets(origin, -10.0, 24 * 220.0)
    minutes = [m for h, m, _ in found if float(h) <= hour][-1]
    when = datetime.fromisoformat(origin) + timedelta(hours=hour)
    assert zone.local(when).utcoffset() == timedelta(minutes=int(minutes))


def test_berlins_year_has_two_changes() -> None:
    found = BERLIN.offsets("2026-01-01T00:00:00+00:00", 0, 365 * 24)
    assert [(m, a) for _, m, a in found] == [(60, "CET"), (120, "CEST"), (60, "CET")]
    assert found[1][0] == pytest.approx((at("2026-03-29T01:00:00+00:00") - at("2026-01-01T00:00:00+00:00")) / timedelta(hours=1))

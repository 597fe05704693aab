"""A place's record: hours or moments, each mistake named with its entry."""

import json
from pathlib import Path
from typing import Any

import pytest

from dosetwin.errors import InputError
from dosetwin.io.place import is_place, read_place

GOOD: dict[str, Any] = {
    "place": "Ward 7", "now": 720, "watched": [[0, 720]], "beds": [[0, 12]],
    "visits": [{"name": "v1", "asked": 3.5, "admitted": 4, "left": 51}, {"name": "v2", "asked": 9, "refused": 9}],
}  # fmt: skip


def write(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def test_hours_as_they_are(tmp_path: Path) -> None:
    found = read_place(write(tmp_path / "ward.json", GOOD))
    assert (found.name, found.now, found.watched, found.open) == ("Ward 7", 720.0, ((0.0, 720.0),), ((0.0, 12.0),))
    assert found.visits == (
        ("v1", "asked", 3.5),
        ("v1", "admitted", 4.0),
        ("v1", "left", 51.0),
        ("v2", "asked", 9.0),
        ("v2", "refused", 9.0),
    )


def test_moments_of_the_calendar(tmp_path: Path) -> None:
    data = {
        "origin": "2026-03-01T00:00+01:00",
        "visits": [{"name": "a", "asked": "2026-03-02T06:30:00+01:00", "admitted": "2026-03-02T06:00:00Z"}],
    }
    assert read_place(write(tmp_path / "w.json", data)).visits == (("a", "asked", 30.5), ("a", "admitted", 31.0))


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"visits": {}}, "not a place's record"),
        ({"wards": 3}, "unknown key"),
        ({"visits": [{"asked": 3}]}, "name of its own"),
        ({"visits": [{"name": "a", "came": 3}]}, r"visits\[0\]: unknown key"),
        ({"visits": [{"name": "a", "asked": "soon"}]}, "without an origin"),
        ({"visits": [{"name": "a", "asked": True}]}, r"visits\[0\].asked: not a number"),
        ({"origin": "2026-03-01"}, "not a moment"),
        ({"origin": "2026-03-01T00:00Z", "now": "later"}, "now: not a moment"),
        ({"watched": [[0]]}, "not a list of pairs"),
        ({"beds": [[0, "many"]]}, r"beds\[0\]: not a number"),
        ({"now": [1]}, "not a number"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    with pytest.raises(InputError, match=word):
        read_place(write(tmp_path / "ward.json", {**GOOD, **change}))


def test_a_bundle_is_no_place(tmp_path: Path) -> None:
    assert is_place(write(tmp_path / "a.json", GOOD))
    assert not is_place(write(tmp_path / "b.json", {"resourceType": "Bundle", "visits": []}))
    assert not is_place(tmp_path / "c.csv")


def test_a_table_of_arrivals_is_watched_from_its_first_moment_to_its_last(tmp_path: Path) -> None:
    path = tmp_path / "ward.csv"
    path.write_text("VISIT,ASKED,ADMITTED,LEFT,REFUSED,BEDS\na,3.5,4,51,.,12\nb,9,,,9,12\nc,20,21,,,14\n")
    found = read_place(path)
    assert (found.name, found.now, found.watched) == ("ward", 51.0, ((3.5, 51.0),))
    assert found.open == ((3.5, 12.0), (20.0, 14.0))
    assert ("b", "refused", 9.0) in found.visits
    path.write_text("visit;admitted;left\na;2026-03-02T06:30:00+01:00;2026-03-03T06:30:00+01:00\n")
    found = read_place(path)
    assert found.visits == (("a", "admitted", 6.5), ("a", "left", 30.5))
    assert str(found.origin) == "2026-03-02 00:00:00+01:00"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("VISIT,LEFT\na,3\n", "not a table of arrivals"),
        ("VISIT,ASKED,WARD\na,3,x\n", "unknown column"),
        ("VISIT,ASKED\n.,3\n", r"t\.csv:2: a visit needs a name|a visit needs a name"),
        ("VISIT,ASKED,BEDS\na,3,many\n", "not a number"),
        ("VISIT,ASKED\na,soon\n", "not a moment"),
        ("VISIT,ASKED\na,.\n", "nobody is in the table"),
    ],
)
def test_each_mistake_of_a_table_is_named(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=word):
        read_place(path)

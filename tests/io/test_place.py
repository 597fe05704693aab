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
    assert (found.name, found.now, found.watched, found.beds) == ("Ward 7", 720.0, ((0.0, 720.0),), ((0.0, 12.0),))
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

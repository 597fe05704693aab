"""A repeated answer is the same to what arithmetic can promise, and no further."""

import pytest

from dosetwin.serve.alike import differs

THEN = {"status": "recommend", "loss": 1.343095324349846, "n": 3, "hold": False, "why": ["CL is then 0.0121 L/h"], "at": None}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"loss": 1.3430953566935084},
        {"why": ["CL is then 0.0122 L/h"]},
        {"since": "said in a later program"},
    ],
)
def test_rounding_and_what_is_said_since_make_no_other_answer(change: dict) -> None:
    assert list(differs(THEN, THEN | change)) == []


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"status": "caution"}, ".status"),
        ({"loss": 1.34310}, ".loss"),
        ({"loss": None}, ".loss"),
        ({"n": 4}, ".n"),
        ({"hold": True}, ".hold"),
        ({"hold": 0}, ".hold"),
        ({"at": 0.0}, ".at"),
        ({"why": ["CL is then 0.0124 L/h"]}, ".why[0]"),
        ({"why": ["V is then 0.0121 L/h"]}, ".why[0]"),
        ({"why": []}, ".why"),
    ],
)
def test_anything_else_is_told_with_its_place(change: dict, where: str) -> None:
    assert [d.partition(":")[0] for d in differs(THEN, THEN | change)] == [where]
    lost = {k: v for k, v in THEN.items() if k != "n"}
    assert [d.partition(":")[0] for d in differs(THEN, lost)] == [".n"]


def test_whole_numbers_in_words_are_names_and_must_be_equal() -> None:
    assert list(differs("advice 12 of bed 3", "advice 12 of bed 4"))

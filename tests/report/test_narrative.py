"""Reasons become sentences: every code the choice can give has one, and no number loses its meaning."""

import ast
from pathlib import Path

import pytest

import dosetwin.decide.search
from dosetwin.decide.recommendation import Sensitivity
from dosetwin.errors import Reason, percent_against
from dosetwin.formulary.amikacin import GOALS as AMIKACIN_NEONATE
from dosetwin.report import narrative


@pytest.mark.parametrize(
    ("p", "text"),
    [
        (0.0, "< 1 %"),
        (0.0099, "< 1 %"),
        (0.01, "1 %"),
        (0.5, "50 %"),
        (0.99, "99 %"),
        (0.9901, "> 99 %"),
        (1.0, "> 99 %"),
        (None, "-"),
    ],
)
def test_percent_never_claims_certainty(p: float | None, text: str) -> None:
    assert narrative.percent(p) == text


@pytest.mark.parametrize(
    ("p", "limit", "text"),
    [(0.896, 0.9, "89.6 %"), (0.8996, 0.9, "89.96 %"), (0.88, 0.9, "88 %"), (0.9, 0.9, "90 %"), (0.995, 0.992, "> 99 %"),
     (0.5, None, "50 %"), (None, 0.9, "-")],
)  # fmt: skip
def test_a_chance_that_misses_its_limit_never_looks_like_it(p: float | None, limit: float | None, text: str) -> None:
    assert percent_against(p, limit) == text


@pytest.mark.parametrize(
    ("at", "text"),
    [
        ("2026-04-14T12:00:00+00:00", "14 Apr 2026 12:00 UTC"),
        ("2026-04-04T09:05:00+02:00", "4 Apr 2026 09:05 UTC+02:00"),
        (48.0, "48 h"),
    ],
)
def test_moment(at: str | float, text: str) -> None:
    assert narrative.moment(at) == text


@pytest.mark.parametrize(("value", "text"), [(0.0287, "0.0287"), (1234.5, "1234"), (3.0, "3"), (0, "0"), (12345678, "12345678")])
def test_number(value: float, text: str) -> None:
    assert narrative.number(value) == text


def test_a_chance_names_target_requirement_and_dose() -> None:
    target = next(t for t in AMIKACIN_NEONATE if t.code == "trough_toxic")
    text = f"P({target.text} {target.border()}), lowest over the doses scored: dose 'next'"
    said = narrative.sentence(Reason("p_trough_toxic", 0.953, 0.9, "1", text), AMIKACIN_NEONATE)
    for part in ("95 % chance", "≤ 5 mg/L", "the coming dose", "90 % is required"):
        assert part in said
    assert "next" not in said


def test_why_not_a_rule_names_it_as_the_ward_does() -> None:
    reason = Reason(
        "standard_rule_breaks_constraint",
        0.0,
        0.9,
        "1",
        "bnfc (15 mg/kg every 24 h): P(trough <= 5 mg/L) at dose 'pre' is too low",
    )
    said = narrative.sentence(reason)
    assert said == (
        "Not BNF for Children (15 mg/kg every 24 h): the chance of trough ≤ 5 mg/L just before the coming dose is only < 1 %, "
        "90 % needed."
    )


def codes() -> list[str]:
    """Every literal code that decide/search.py gives a Reason."""
    tree = ast.parse(Path(dosetwin.decide.search.__file__).read_text(encoding="utf-8"))
    found = {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason" and node.args
        and isinstance(node.args[0], ast.Constant)
    }  # fmt: skip
    return sorted(found)


def test_the_list_of_codes_is_found() -> None:
    assert "standard_rule_tied" in codes()


@pytest.mark.parametrize("code", codes())
def test_every_reason_becomes_a_sentence(code: str) -> None:
    said = narrative.sentence(Reason(code, 0.5, 0.9, "1", "neofax (x): some text"))
    assert said.endswith(".")
    assert said[0].isupper() or said[0].isdigit()
    # the fallback would repeat the raw text: a sentence of its own does more, or the code is new
    assert said != narrative.sentence(Reason("nobody_knows", 0.5, 0.9, "1", "neofax (x): some text")), f"{code} has no sentence"
    assert (
        narrative.sentence(Reason("nobody_knows", 6.1, 5.0, "mg/L", "too high"))
        == "too high; found 6.1 mg/L; expected or allowed 5 mg/L."
    )


def test_an_effect_closes_no_bracket_it_did_not_open() -> None:
    said = narrative.effect(Sensitivity("x", "y", True, None, "not acceptable (P(trough <= 5 mg/L) at dose 'pre' is too low)"))
    assert said == "not acceptable (the chance of trough ≤ 5 mg/L just before the coming dose is too low)"

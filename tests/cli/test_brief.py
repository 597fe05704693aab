"""The answer on a terminal: at most twelve lines of 80 columns or more, the order never cut, the rest with --full."""

from io import StringIO

import pytest
from rich.console import Console

from dosetwin.cli.brief import MOST, show_brief
from scenarios.runner import answered


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize(
    "name", ["first_dose", "vancomycin_adult_day_1", "contradictory_level", "high_trough", "lithium_week_one", "mic_out_of_reach"]
)
def test_twelve_lines_and_the_order_whole(name: str, width: int, answers: dict[str, object]) -> None:
    if name not in answers:
        answers[name] = answered(name)
    advice = answers[name]
    out = StringIO()
    show_brief(Console(file=out, width=width), advice, "given with --now")  # type: ignore[arg-type]
    lines = out.getvalue().splitlines()
    assert len(lines) <= MOST
    assert all(len(line) <= width for line in lines)
    said = " ".join(" ".join(lines).split())
    rec = advice.recommendation  # type: ignore[attr-defined]
    if rec.regimen is not None:
        assert f"{rec.regimen.amount_mg:g} mg" in said
        assert all(d["words"] in said for d in rec.given["doses"])
        assert "How sure:" in said
    else:
        assert "What would help:" in said
    assert "--full" in said


def test_of_whom_nothing_is_known_there_is_no_blank_after_a_colon(answers: dict[str, object], monkeypatch) -> None:
    advice = answers.setdefault("first_dose", answered("first_dose"))
    monkeypatch.setattr("dosetwin.cli.brief.about", lambda _: [])
    out = StringIO()
    show_brief(Console(file=out, width=140), advice, "given with --now")  # type: ignore[arg-type]
    assert out.getvalue().splitlines()[0].rstrip()[-1] != ":"


@pytest.fixture(scope="module")
def answers() -> dict[str, object]:
    return {}

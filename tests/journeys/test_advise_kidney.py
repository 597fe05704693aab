"""A pharmacist asks for the demo newborn under each kidney, on the terminal, as JSON and as a page."""

import json
from importlib.resources import files

import pytest

from dosetwin.cli import BAD_INPUT, OK, run
from dosetwin.forecast.kidney import fitted

DEMO = str(files("dosetwin") / "data" / "demo_newborn.json")


def test_the_filter_on_the_demo_newborn(tmp_path, capsys):
    page = tmp_path / "report.html"
    assert run(["advise", DEMO, "--kidney", "filter", "--draws", "200", "--full", "--report", str(page)]) == OK
    text = " ".join(capsys.readouterr().out.split())
    assert "Kidney used: filter" in text
    assert "Creatinine expected in 24 h" in text
    assert "No early warning" in text
    assert "mg amikacin" in text
    html = page.read_text()
    assert "The kidney, and what it expects" in html
    assert "The numbers behind figure 3" in html
    assert fitted.load().sha256 in html
    assert html.count("not a medical device") == 1


def test_as_json_it_names_kidney_and_weights(capsys):
    assert run(["advise", DEMO, "--kidney", "filter", "--draws", "200", "--json"]) == OK
    data = json.loads(capsys.readouterr().out)
    assert data["provenance"]["kidney"]["sha256"] == fitted.load().sha256
    assert data["kidney"]["used"] == "filter"
    assert data["kidney"]["hours"] == [24.0, 48.0, 72.0]


@pytest.mark.parametrize("name", ["learned", "mechanistic", "maturation"])
def test_every_kidney_answers(name, capsys):
    assert run(["advise", DEMO, "--kidney", name, "--draws", "100", "--full"]) == OK
    assert "Kidney used:" in capsys.readouterr().out


def test_an_unknown_kidney_is_one_line(capsys):
    assert run(["advise", DEMO, "--kidney", "pronephros"]) == BAD_INPUT
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "learned, filter, mechanistic, maturation" in said

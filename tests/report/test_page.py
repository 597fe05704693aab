"""The report as a document: self-contained, safe against what records say, the same for the same input, complete."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest

from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.io.case import read_case
from dosetwin.report.page import advice_page
from dosetwin.report.replay_page import replay_page

ATTACK = '<script>alert("x")</script>\'"><img src=x onerror=alert(1)>{{ 7 * 7 }}'
VOID = {"meta", "br", "img", "link", "hr", "input", "path", "use"}


class Document(HTMLParser):
    """Elements, attributes, text and balance of a page."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="module")
def advice() -> Advice:
    timeline = read_case(Path(str(files("dosetwin") / "data" / "demo_newborn.json")))
    chosen = models.load("amikacin_neonate")
    return advise(
        timeline, Question(formulary.therapy("amikacin_neonate"), (chosen,), timeline.as_of, seed=1, draws=200, curves=True)
    )


@pytest.fixture(scope="module")
def page(advice: Advice) -> str:
    return advice_page(advice, source="demo_newborn.json", clock="the timestamp")


def test_it_is_self_contained(page: str) -> None:
    """No script, and nothing that would be fetched."""
    document = Document(page)
    assert not document.open
    assert not document.all("script", "link", "iframe", "img", "object", "embed", "base", "form")
    for attrs in (a for _, a in document.tags):
        assert not [k for k in attrs if k.startswith("on")]
        for key in ("src", "href", "xlink:href"):
            assert (attrs.get(key) or "#").startswith("#")
    addresses = set(re.findall(r"https?://[^\s\"'<)]+", page)) - {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not addresses
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_it_holds_what_a_reader_asks_for(advice: Advice, page: str) -> None:
    text = " ".join(Document(page).text.split())
    rec = advice.recommendation
    assert rec.regimen is not None
    for part in (
        "made-up patient", "born at 29 weeks", "weight now 1.1 kg", "ibuprofen running", f"{rec.regimen.amount_mg:g} mg amikacin",
        "14 Apr 2026", "NeoFax", "BNF for Children", "De Cock/Smits", "AAP table", "What would make it wrong", "Best taken at",
        "33.5 mg/L", "9.7 mg/L", "Observation/amikacin-level-1", "MIC is not known", "rule locf", "SHA-256", "De Cock 2012",
        "clearance of the drug", "Creatinine over time", rec.provenance["input_hash"], rec.provenance["models"][0]["hash"],
        rec.provenance["therapy"]["hash"], "seed 1", "200 draws",
    ):  # fmt: skip
        assert part in text, part
    assert text.count("not a medical device") == 1


def test_it_answers_first_and_folds_the_rest(page: str) -> None:
    """The order, when, the next level, how sure and one doubt; then one figure; everything else is behind closed folds."""
    text = " ".join(Document(page).text.split())
    parts = (
        "First dose of this regimen",
        "Next level",
        "How sure",
        "Main doubt",
        "Figure 1",
        "Why",
        "Regimens, ranked",
        "Assumptions",
    )
    places = [text.index(f" {part} ") if part == "Why" else text.index(part) for part in parts]
    assert places == sorted(places)
    folds = [attrs for attrs in Document(page).all("details") if attrs.get("class") == "fold"]
    assert len(folds) >= 8
    assert ["open" in attrs for attrs in folds] == [True] + [False] * (len(folds) - 1)


def test_figures_are_described_and_their_numbers_given(page: str) -> None:
    document = Document(page)
    drawings = document.all("svg")
    assert len(drawings) == 4
    for attrs in drawings:
        assert attrs["role"] == "img"
        assert len(attrs["aria-label"] or "") > 60
        assert "viewbox" in attrs
        assert "width" not in attrs
    assert page.count("The numbers behind figure") == 4
    # text in the figures is text
    assert "<text" in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
    assert set(used) <= set(ids)


def test_headings_descend_one_step_at_a_time(page: str) -> None:
    levels = [int(tag[1]) for tag, _ in Document(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert not [a for a in Document(page).all("th") if a.get("scope") not in ("col", "row")]


def test_the_same_input_gives_the_same_file(advice: Advice, page: str) -> None:
    assert advice_page(advice, source="demo_newborn.json", clock="the timestamp") == page


def test_text_from_records_is_never_markup(advice: Advice) -> None:
    """Names, ids and record texts that try to be HTML, attributes or templates come out as text."""
    timeline = advice.timeline
    hostile = replace(
        timeline,
        patient=replace(timeline.patient, id=ATTACK, label=ATTACK),
        observations=tuple(replace(o, record=ATTACK) for o in timeline.observations),
        doses=tuple(replace(d, record=ATTACK) for d in timeline.doses),
        covariates=tuple(replace(c, record=ATTACK) for c in timeline.covariates),
        findings=tuple(replace(f, record=ATTACK, message=ATTACK, value=ATTACK) for f in timeline.findings),
    )
    model = models.load("amikacin_neonate")
    attacked = advise(hostile, replace(advice.question, models=(model,), draws=100, sensitivity=False))
    document = Document(advice_page(attacked, source=ATTACK, clock=ATTACK))
    assert not document.all("script", "img")
    assert not [a for _, a in document.tags if any(k.startswith("on") for k in a)]
    assert document.text.count(ATTACK) >= 6
    assert "49" not in re.findall(r"onerror=alert\(1\)>(\S+)", document.text)


def test_a_hold_has_a_page(advice: Advice) -> None:
    levels = tuple(replace(o, value=o.value * 12) if o.measures == "amikacin" else o for o in advice.timeline.observations)
    odd = replace(advice.timeline, observations=levels)
    refused = advise(odd, advice.question)
    assert refused.recommendation.regimen is None
    text = " ".join(Document(advice_page(refused, source="x", clock="y")).text.split())
    assert "Hold the next dose Do not give the next dose now" in text
    assert "far from the model; in doubt: wrong with" in text
    assert "is right and this patient unlike most" in text
    assert "is wrong (sample, time, dose record or patient)" in text
    assert "First dose of this regimen" not in text


def test_a_patient_without_levels_has_a_page(advice: Advice) -> None:
    alone = replace(advice.timeline, observations=())
    found = advise(alone, advice.question)
    text = " ".join(Document(advice_page(found, source="x", clock="y")).text.split())
    assert "No level yet" in text


def test_a_model_without_creatinine_and_a_case_without_a_calendar(advice: Advice) -> None:
    timeline = advice.timeline
    given = timeline.covariates
    from dosetwin.records import Covariate

    plain = replace(timeline, origin=None, patient=replace(timeline.patient, birth=None), as_of=None,
                    covariates=(*given, Covariate(0.0, "PNA", 1.0, "d")))  # fmt: skip
    found = advise(plain, replace(advice.question, models=(models.load("amikacin_decock_2012"),), now=26.0))
    document = Document(advice_page(found, source="x", clock="y"))
    assert len(document.all("svg")) == 2
    assert "Creatinine over time" not in document.text


def test_a_replay_has_a_page() -> None:
    from dosetwin.evaluate.replay import replay
    from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

    model = models.load("phenobarbital_grasela_1985")
    timelines = [
        Timeline(Patient(f"<b>{k}</b>"), (DoseEvent(0.0, 25.0),),
                 tuple(Observation(t, "phenobarbital", 17.0 - t / 20 + k) for t in (2.0, 24.0, 48.0)),
                 (Covariate(0.0, "WT", 1.4), Covariate(0.0, "APGR", 7.0)))
        for k in range(3)
    ]  # fmt: skip
    found = replay(model, timelines, seed=1, draws=100)
    text = replay_page(found, model, source="<i>data</i>.csv", data=b"x", findings=[])
    document = Document(text)
    assert not document.all("b", "i", "script")
    assert "<b>0</b>" in document.text
    assert len(document.all("svg")) == 2


def test_calibration_counts_the_levels_inside() -> None:
    from dosetwin.report.replay_page import calibration

    assert calibration([]) is None
    shown = calibration([(0.5, 0.5), (0.01, 0.3), (0.99, 0.7), (0.98, 0.05)])
    assert shown is not None
    inside = {row[0]: row[1:] for row in shown.rows}
    assert inside["0"] == ("25", "25")
    assert inside["40"] == ("25", "75"), "0.3 and 0.7 bound the middle 40 %"
    assert inside["90"] == ("25", "100")
    assert inside["100"] == ("100", "100")

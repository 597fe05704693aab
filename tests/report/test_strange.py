"""A strange therapy through report, terminal and page: tablets, one laboratory goal, no weight, no MIC. What strangers were once
told by mistake is listed here, and gone."""

import io
import re
from dataclasses import replace
from typing import Any

import pytest

from dosetwin import formulary, models
from dosetwin.advise import Advice, Question, advise
from dosetwin.cli.show import show_advice
from dosetwin.declare import Between, End, Everyday, Goal, Limit, Reading, Rule, Sampling, Says, Therapy, Weekly
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.report import narrative, readings
from dosetwin.report.figures import others
from dosetwin.report.marks import marks
from dosetwin.report.page import advice_page, levels, meaning, parameters, rests_on
from dosetwin.report.who import patient_line, person
from dosetwin.serve.web.picture import charts_json, picture
from dosetwin.serve.zone import Zone

WARFARIN = models.load("warfarin_hamberg_2010")
MEAN = Reading("INR", "mean", Between(7, 14, "d"))
HIGH = Reading("INR", "ever_above", Between(0, 14, "d"), level=5.0)
LEVEL = Reading("S-warfarin", "at", End(("next", "last")), name="level")
STRANGE = Therapy(
    "strange", formulary.drug("warfarin"), "made up", (WARFARIN.name,), Weekly((1.0, 9.0), 1.0, apart=1.08),
    (Goal("inr", MEAN, 2.0, 3.0, "1", source="made up"),
     Goal("never", HIGH, None, 0.5, "", source="made up", min_probability=0.5, joint=False)),
    (Limit("daily", "dose", None, 8.0, "mg", source="made up"),),
    (Rule("three", "3 mg", "made up", "assumed", (), lambda facts: Says(3.0, 24.0, "everybody", ""), "three a day"),),
    everyday=Everyday(3.0, "mg"), sampling=Sampling((24.0, 72.0), of="INR", learns=("EC50",)), source="made up",
)  # fmt: skip
TABLETS = tuple(DoseEvent(24.0 * k, 5.0) for k in range(4))
GENES = {"VKORC1_A": 1.0, "CYP2C9_2": 0.0, "CYP2C9_3": 0.0}
ADULT = Timeline(
    Patient("adult", sex="female", traits=GENES), TABLETS, (Observation(71.0, "INR", 1.6, record="lab-1"),),
    (Covariate(0.0, "AGE", 70.0), Covariate(0.0, "WT", 71.0)),
)  # fmt: skip
FLAGSHIP = re.compile(
    r"amikacin|gentamicin|newborn|neonat|\bbab(y|ies)\b|\bgirl|kidney|creatinine|filtration|\bMIC\b|Cmax|mg/kg|\btrough|\bpeak\b|"
    r"gestation|ibuprofen|cooling|over 0 min|true weight|microbiology|sepsis|bacteri|\blevels?\b of this patient|last level",
    re.IGNORECASE,
)
"""What only the flagship says."""


def asked(timeline: Timeline = ADULT, therapy: Therapy = STRANGE, **more: Any) -> Advice:
    return advise(timeline, Question(therapy, (WARFARIN,), now=72.0, seed=2, draws=120, curves=True, **more))


@pytest.fixture(scope="module")
def answer() -> Advice:
    return asked()


@pytest.fixture(scope="module")
def page(answer: Advice) -> str:
    text = advice_page(answer, source="case.csv", clock="the last record")
    return " ".join(re.sub(r"<[^>]*>", " ", text[text.index("<body") :]).split())


def printed(answer: Advice, width: int = 120) -> str:
    from rich.console import Console

    out = io.StringIO()
    show_advice(Console(file=out, width=width, markup=False), answer, "the last record")
    return out.getvalue()


def told(page: str) -> str:
    """A page without the card of the model and the file names of programs, which speak for themselves."""
    return page.partition(" Model ")[0].replace("warfarin_hamberg_2010", "")


def test_nothing_of_the_flagship_is_on_the_page(page: str) -> None:
    assert {m[0] for m in FLAGSHIP.finditer(told(page))} == set()


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_of_the_flagship_is_on_the_terminal(answer: Advice, width: int) -> None:
    text = printed(answer, width).partition("About the model")[0]
    assert {m[0] for m in FLAGSHIP.finditer(text)} == set()
    assert "Next INR" in text
    assert "before INRs" in text


def test_what_was_measured_has_its_name_and_unit(answer: Advice) -> None:
    (row,) = levels(answer)
    assert (row["what"], row["value"]) == ("INR", "1.6")
    assert row["expected"] == row["expected"].strip()
    assert not row["expected"].endswith(" 1")
    assert rests_on(answer) == "1 INR"
    two = replace(ADULT, observations=(*ADULT.observations, Observation(47.0, "INR", 1.3)))
    assert rests_on(asked(two, sensitivity=False)) == "2 INRs"


def test_the_belief_is_told_of_every_parameter_in_the_models_own_words(answer: Advice) -> None:
    rows = parameters(answer)
    assert {r["name"] for r in rows} == set(WARFARIN.module.parameters._fields)
    assert [r["name"] for r in rows if r["varies"]] == ["CL", "V", "EC50"]
    assert all(r["change"] == "the same for all" for r in rows if not r["varies"])
    found = {r["name"]: (r["text"], r["unit"]) for r in rows}
    assert found["EC50"] == ("level of half the effect", "mg/L")
    assert found["CL"] == ("clearance of S-warfarin", "L/h")


@pytest.mark.parametrize("name", models.names())
def test_no_parameter_is_called_by_another_models_word(name: str) -> None:
    model = models.load(name)
    for parameter in model.module.parameters._fields:
        text, unit = meaning(model, parameter)
        if parameter in model.values:
            assert (text, unit) == (model.values[parameter].text, model.values[parameter].unit)
        elif parameter in narrative.PARAMETERS:
            assert unit == narrative.PARAMETERS[parameter][1]


def test_the_order_is_a_week_of_tablets(answer: Advice, page: str) -> None:
    rec = answer.recommendation
    table = narrative.order_table(rec.order)
    assert table is not None
    head, ((*days, week),) = table
    assert head == (*(f"day {k}" for k in range(1, 8)), "week")
    assert week == f"{sum(rec.order['week']):g} mg"
    assert [float(d.removesuffix(" mg")) for d in days] == rec.order["week"]
    assert narrative.headline(rec, "warfarin") == f"warfarin {rec.order['words']}"
    assert f"warfarin {rec.order['words']}" in page
    assert "every 24 h" not in told(page)


def test_settings_and_beds_are_written_with_their_units() -> None:
    table = narrative.order_table({"kind": "setting", "values": {"PEEP": 10.0, "FIO2": 0.5}, "at": 0.0})
    assert table is not None
    assert [row[1].split()[0] for row in table[1]] == ["10", "0.5"]
    assert "cmH2O" in table[1][0][1] or "cm" in table[1][0][1]
    assert narrative.order_table({"kind": "every", "amount": 5.0}) is None


def test_what_is_expected_is_told_reading_by_reading(answer: Advice, page: str) -> None:
    rows = {r["name"]: r for r in readings.expected(answer.recommendation, STRANGE)}
    mean = rows["Mean INR from day 7 to 14"]
    found = answer.recommendation.readings[MEAN.key]
    assert mean["middle"] == narrative.number(found["q50"])
    assert mean["unit"] == ""
    assert mean["p"] == narrative.percent(found["p_goal"])
    assert rows["INR ever above 5 from day 0 to 14"]["middle"] == "-"
    assert "Mean INR from day 7 to 14" in page


def test_goals_say_their_unit_and_where_they_are_judged() -> None:
    inr, never, now = STRANGE.goals
    assert narrative.aim(inr) == "mean INR 2 to 3"
    assert narrative.aim(never) == "INR never above 5"
    assert (now.high, now.doses) == (5.0, ("pre",))
    assert readings.judged(inr) == "the days followed"
    flagship = formulary.therapy("amikacin_neonate").goal("peak_window")
    assert narrative.aim(flagship) == "peak 24 to 35 mg/L"
    assert readings.judged(flagship).endswith("its chance counts at the coming dose")


def test_the_curve_is_what_the_therapy_watches(answer: Advice, page: str) -> None:
    assert answer.curves is not None
    assert answer.regimen is not None
    assert answer.curves.output == "INR"
    assert "Figure 1. INR over time" in page
    assert answer.curves.time[-1] >= answer.regimen.first_at + 14 * 24.0 - 1.0
    bands, lines = marks(STRANGE)
    assert [m.text for m in lines] == ["never above 5"]
    assert not bands


def test_a_goal_about_another_output_has_a_figure_of_its_own() -> None:
    more = replace(STRANGE, goals=(*STRANGE.goals, Goal("level", LEVEL, None, 3.0, "mg/L", source="made up")), shown=())
    answer = asked(therapy=more, sensitivity=False)
    assert others(answer) == ["Cs"]
    assert [m.high for m in marks(more, "S-warfarin")[1]] == [3.0]
    page = advice_page(answer, source="x", clock="y")
    assert "Figure 3. S-warfarin over time" in page
    assert page.count("<svg") == 3
    assert picture(answer, Zone("UTC"))["besides"] == ["swarfarin"]


def test_it_is_compared_with_rules_by_their_ward_names(answer: Advice, page: str) -> None:
    assert any("three" in c.rules for c in answer.recommendation.candidates)
    assert narrative.rules(("red_book",)) == "AAP table (Nelson)"
    labels = [narrative.label(c, answer.recommendation.candidates) for c in answer.recommendation.candidates]
    assert len(set(labels)) == len(labels)


def test_doubts_are_about_what_is_measured(answer: Advice) -> None:
    texts = {s.code: s.text for s in answer.recommendation.what_would_change_it}
    assert texts["levels_not_hers"] == "the INRs are not this patient's (as if there were none)"
    assert texts["sampled_earlier"] == "the last INR was drawn 15 min earlier than recorded"
    assert texts["dose_not_taken"] == "the dose of 5 mg at 72 h was not taken"
    assert not {"weight_higher", "weight_lower", "creatinine_rises"} & set(texts)


def test_a_doubted_result_is_told_in_its_own_words() -> None:
    wild = replace(ADULT, observations=(Observation(23.0, "INR", 1.2), Observation(71.0, "INR", 14.0, record="lab-2")))
    rec = asked(wild).recommendation
    text = " ".join([rec.hold_reason, *(narrative.sentence(r, STRANGE.goals) for r in rec.reasons)])
    assert "the INR of 14 at" in text.replace("The INR", "the INR")
    assert "EC50 is then" in text
    assert "clearance" not in text
    assert "mg/L of" not in text
    assert not FLAGSHIP.search(text)
    assert "level" not in rec.hold_reason


def test_no_part_of_the_page_is_there_for_what_this_therapy_has_not(answer: Advice) -> None:
    data = picture(answer, Zone("UTC"))
    assert data["forecasts"] == []
    assert data["scenario"] is False
    assert data["whatif"] is None
    assert list(data["charts"]) == ["level"]
    assert data["charts"]["level"].title == "INR"
    assert ("age", "70 years", "") in data["who"]["facts"]
    assert [f[0] for f in data["who"]["facts"] if f[0] in ("born at", "PMA", "creatinine")] == []
    said = [e["text"] for e in data["events"]]
    assert "5 mg warfarin" in said
    assert "1.6" in said
    assert not FLAGSHIP.search(str([data["why"], data["sure"], data["doubts"], data["candidates"], data["sample"]]))
    assert charts_json(data["charts"])["level"]["unit"] == ""


def test_the_patient_is_told_of_by_age_and_genes(answer: Advice) -> None:
    line = patient_line(answer.timeline, answer.now, answer.models)
    assert line[:2] == ["woman", "70 years old"]
    assert "last INR 1.6" in line
    assert "VKORC1 -1639 A alleles: 1" in line
    assert person("male", 3.0) == "boy"
    assert person("male", None) == "male"


def test_nothing_measured_is_said_so() -> None:
    answer = asked(replace(ADULT, observations=()), sensitivity=False)
    assert "no INR yet" in printed(answer)
    assert "No INR yet" in advice_page(answer, source="x", clock="y")
    assert rests_on(answer) == ""

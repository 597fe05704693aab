"""Therapies whose twin is a formula: each is its published curve, reads records with units, answers beside its guideline."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.advise.decided import decide, facts_of, twin_of
from dosetwin.cli.program import app
from dosetwin.declare import Facts, Sets
from dosetwin.errors import InputError
from dosetwin.loops.tumour import adaptive
from dosetwin.outcomes.repolarisation import interval
from dosetwin.outcomes.scores.qrisk3 import FLAGS
from dosetwin.records import Setting
from dosetwin.structure import tumour
from dosetwin.studies.decisions import decision, decisions, prevention, prostate, radiotherapy, systemic
from dosetwin.twins.formula import FormulaTwin
from dosetwin.twins.formula.case import read_case

NOTHING = (-np.inf, {"GY": 0.0, "FRACTIONS": 0.0, "A_DAY": 1.0})
LESIONS = """ID,TIME [d],LESION,TARGET,SIZE [mm],GY,FRACTIONS,A_DAY
P1,-7,a,target,32,,,
P1,-7,b,target,20,,,
P1,0,a,target,34,2,10,1
P1,0,b,target,21,,,
P1,13,a,target,29,,,
P1,13,b,target,18,,,
"""


def written(tmp_path: Path, text: str, name: str = "case.csv") -> Path:
    out = tmp_path / name
    out.write_text(text, encoding="utf-8")
    return out


def said(*words: str) -> dict:
    done = CliRunner().invoke(app, ["advise", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.mark.parametrize("saturation", [0.5, 0.9])
def test_thirty_fractions_are_the_published_recursion(saturation: float) -> None:
    kill = 0.25
    alpha = -np.log1p(-kill) / (2.0 * (1.0 + 2.0 / radiotherapy.TUMOUR))
    p = {"SIZE0": np.array([40.0]), "SATURATION": np.array([saturation]), "GROWTH": np.array([0.1]), "ALPHA": np.array([alpha])}
    days = tumour.weekdays(30)
    found = radiotherapy.course(
        p, Facts(), [NOTHING, (0.0, {"GY": 2.0, "FRACTIONS": 30.0, "A_DAY": 1.0})], np.array([days[-1] + 1e-6])
    )
    published = tumour.saturated_radiotherapy(saturation, 0.1, kill, days)[-1]
    assert (found["SIZE"][0, 0] / 40.0) ** 3 == pytest.approx(published, rel=1e-5)
    assert found["BED3"][0, 0] == pytest.approx(100.0)


def test_full_dose_is_steins_curve_and_pauses_give_less() -> None:
    p = {"BASE": np.array([70.0]), "GROWTH": np.array([0.002]), "KILL": np.array([0.01])}
    t = np.array([60.0, 180.0, 365.0])
    full = [(-np.inf, {"DOSE": 0.0, "ON": 3.0, "OFF": 0.0}), (0.0, {"DOSE": 1.0, "ON": 3.0, "OFF": 0.0})]
    assert systemic.course(p, Facts(), full, t)["SIZE"][0] == pytest.approx(70.0 * tumour.shrink_and_grow(t, 0.01, 0.002))
    paused = [full[0], (0.0, {"DOSE": 1.0, "ON": 2.0, "OFF": 2.0})]
    less = systemic.course(p, Facts(), paused, t)
    assert (less["SIZE"] > systemic.course(p, Facts(), full, t)["SIZE"]).all()
    assert less["GIVEN"][0] == pytest.approx(t / 2)
    assert (less["DEAD"] > systemic.course(p, Facts(), full, t)["DEAD"]).all()


def test_continuous_drug_is_the_published_run_of_the_competition() -> None:
    days = np.array([0.0, 30.0, 95.0, 1000.0])
    p = {"PSA0": np.array([8299.8]), "MINUS0": np.array([0.1]), "RATE": np.array([1.0])}
    found = prostate.course(p, Facts(), [(-np.inf, {"ON": 0.0, "STOP_AT": 0.0}), (0.0, {"ON": 1.0, "STOP_AT": 0.0})], days)
    run = adaptive.run(adaptive.always, steps=11_001)
    k = 10_000 + days.astype(int)
    assert found["PSA"][0] == pytest.approx(run.psa[k], rel=1e-3)
    assert found["RESISTANT"][0] == pytest.approx(run.cells[k, 2] / run.cells[k].sum(axis=1), rel=1e-3)


def test_sizes_of_lesions_move_the_belief_and_the_answer_stands_beside_the_guideline(tmp_path: Path) -> None:
    told = said(str(written(tmp_path, LESIONS)), "--therapy", "tumour_radiotherapy", "--report", str(tmp_path / "rt.html"))
    assert told["guideline"]["order"] == "20 fractions of 2 Gy (40 Gy)"
    assert told["status"] == "recommended"
    assert told["rows"][0]["goals"]["late"]["q50"] <= radiotherapy.BED_LATE
    first = told["believed"][0]
    assert first["told"][2] - first["told"][0] < 0.3 * (first["before"][2] - first["before"][0])
    less = next(d for d in told["against_guideline"] if d["code"] == "left")
    assert less["mean"] < 0
    page = (tmp_path / "rt.html").read_text(encoding="utf-8")
    assert "Guideline" in page
    assert "<svg" in page


def test_cells_with_another_unit_and_a_longer_answer_are_the_same_patient(tmp_path: Path) -> None:
    cm = LESIONS.replace("SIZE [mm]", "SIZE [cm]")
    for mm in ("32", "34", "29", "20", "21", "18"):
        cm = cm.replace(f",{mm},", f",{float(mm) / 10:g},")
    what = decision("tumour_radiotherapy")
    a, b = (read_case(written(tmp_path, text), what.formula) for text in (LESIONS, cm))
    assert [m.value for m in a.measured] == pytest.approx([m.value for m in b.measured])
    assert facts_of(what, twin_of(what, a))["GY_GIVEN"] == 20.0


def test_dots_semicolons_and_decimal_commas_are_read_as_in_every_table(tmp_path: Path) -> None:
    dotted = "\n".join(",".join(c or "." for c in line.split(",")) for line in LESIONS.splitlines())
    german = dotted.replace(",", ";").replace(";32;", ";32,5;")
    what = decision("tumour_radiotherapy").formula
    a, b, c = (read_case(written(tmp_path, text), what) for text in (LESIONS, dotted, german))
    assert (a.measured, a.was_set) == (b.measured, b.was_set)
    assert a.was_set == c.was_set
    assert c.measured[0].value == pytest.approx(a.measured[0].value + 0.5)
    assert "decimal_comma" in {f.code for f in c.findings}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (("SIZE [mm]", "SIZE [inch]"), "unit of a column"),
        (("P1,13,b,target,18", "P2,13,b,target,18"), "more than one person"),
        (("P1,13,b,target,18", "P1,13,a,target,18"), "one lesion twice"),
        (("P1,13,b,target,18", "P1,13,b,target,18000"), "cannot be this"),
        (("P1,13,b,target,18", "P1,13,b,target,<5"), "not a number"),
        (("GY,FRACTIONS", "GRAY,FRACTIONS"), "unknown column"),
        (("34,2,10,1", "34,200,10,1"), "cGy"),
    ],
)
def test_a_record_that_cannot_be_is_refused_by_name(tmp_path: Path, change: tuple[str, str], match: str) -> None:
    assert change[0] in LESIONS
    with pytest.raises(InputError, match=match):
        read_case(written(tmp_path, LESIONS.replace(*change)), decision("tumour_radiotherapy").formula)


@pytest.mark.parametrize("cell", ["1_0", "١٢", "nan", "1e999"])
def test_only_plain_numbers_are_read(tmp_path: Path, cell: str) -> None:
    path = tmp_path / "psa.csv"
    path.write_text(f"TIME,PSA\n0,{cell}\n", encoding="utf-8")
    with pytest.raises(InputError):
        read_case(path, prostate.DECISION.formula)


def test_sizes_in_cm_without_their_unit_are_a_named_remark(tmp_path: Path) -> None:
    bare = LESIONS.replace(" [mm]", "")
    for mm in ("32", "34", "29", "20", "21", "18"):
        bare = bare.replace(f",{mm},", f",{float(mm) / 10:g},")
    what = decision("tumour_radiotherapy")
    found = decide(what, read_case(written(tmp_path, bare), what.formula), draws=60)
    assert "size_unit" in {f.code for f in found.findings}


def test_a_target_that_was_not_measured_is_a_named_remark(tmp_path: Path) -> None:
    case = read_case(written(tmp_path, LESIONS.replace("P1,13,b,target,18,,,\n", "")), decision("tumour_radiotherapy").formula)
    assert [f.code for f in case.findings] == ["lesion_missing"]
    assert len(case.measured) == 2


def test_adaptive_abiraterone_holds_resistance_back_where_continuous_drug_does_not(tmp_path: Path) -> None:
    table = written(tmp_path, "TIME [d],PSA [ng/mL],ON\n0,32,on\n30,20,\n60,14,\n90,9.5,\n")
    what = decision("prostate_adaptive")
    told = decide(what, read_case(table, what.formula), draws=100).to_json()
    by = {rule: r for r in told["rows"] for rule in r["rules"]}
    assert by["zhang_2017"]["goals"]["resistant"]["p"] > 0.9
    assert by["continuous"]["goals"]["resistant"]["p"] < 0.3
    assert told["guideline"]["order"] == "drug without a pause"
    assert told["order"] not in ("drug without a pause", "no drug")


PEOPLE = {
    "hypertension_years": {
        "facts": {"AGE": 62, "SEX": "f", "TC": 220, "HDL": 50, "BMI": 29, "EGFR": 70, "DIABETES": "no", "SMOKER": "yes",
                  "STATIN": "no"},
        "units": {"TC": "mg/dL", "HDL": "mg/dL"},
        "readings": [{"TIME": -1, "SBP": 164}, {"TIME": -0.9, "SBP": 160, "CCB": 0.5}, {"TIME": 0, "SBP": 150}]},
    "kidney_years": {
        "facts": {"AGE": 58, "SEX": "m", "ACR": 60}, "units": {"ACR": "mg/mmol"},
        "readings": [{"TIME": -3, "EGFR": 62, "ACE": "yes"}, {"TIME": -1, "EGFR": 54}, {"TIME": 0, "EGFR": 48}]},
    "arthritis_years": {
        "readings": [{"TIME": -0.6, "DAS28": 5.6, "MTX": "yes"}, {"TIME": -0.5, "DAS28": 5.0, "MG": 40, "EVERY_D": 14},
                     {"TIME": 0, "DAS28": 2.4, "LEVEL": 8.5}]},
    "asthma_years": {
        "facts": {"EOS": 450}, "units": {"EOS": "/uL"},
        "readings": [{"TIME": -2, "STEP": 2, "EXACERBATIONS": 2}, {"TIME": 0, "EXACERBATIONS": 2}]},
}  # fmt: skip


@pytest.mark.parametrize("name", list(PEOPLE))
def test_ten_years_are_planned_beside_the_guideline_by_both_commands(tmp_path: Path, name: str) -> None:
    case = written(tmp_path, json.dumps({"therapy": name, **PEOPLE[name]}), "case.json")
    told = said(str(case), "--therapy", name, "--draws", "100")
    assert told["guideline"] is not None
    done = CliRunner().invoke(app, ["years", str(case), "--draws", "200", "--json"])
    assert done.exit_code == 0, done.output
    again = json.loads(done.stdout)
    assert again["guideline"] == told["guideline"]
    assert again["curves"][0]["reads"]
    for b in told["believed"]:
        assert b["told"][2] - b["told"][0] <= 1.3 * (b["before"][2] - b["before"][0])


@pytest.mark.parametrize(
    ("name", "change", "match"),
    [
        ("hypertension_years", {"TC": 5.7}, "cannot be this"),
        ("hypertension_years", {"AGE": 29}, "30 to 79"),
        ("hypertension_years", {"SEX": "x"}, "not a number"),
        ("kidney_years", {"ACR": -1}, "cannot be this"),
        ("asthma_years", {"EOS": 0.45e6}, "cannot be this"),
    ],
)  # fmt: skip
def test_a_slip_of_a_fact_is_refused_by_name(tmp_path: Path, name: str, change: dict, match: str) -> None:
    person = {**PEOPLE[name], "facts": {**PEOPLE[name]["facts"], **change}}
    with pytest.raises(InputError, match=match):
        read_case(written(tmp_path, json.dumps(person), "case.json"), decision(name).formula)


def test_what_is_barred_is_not_on_the_menu() -> None:
    both = {"ACE": 1.0, "SGLT2": 1.0}
    possible = decision("kidney_years").possible
    assert possible(both, Facts(EGFR=45.0))
    assert not possible(both, Facts(EGFR=45.0, K=5.1)), "NG203: not begun above 5.0"
    assert possible(both, Facts(EGFR=45.0, K=5.0))
    assert possible(both, Facts(EGFR=45.0, K=5.9, ACE=1.0)), "NG203: stopped at 6.0"
    assert not possible(both, Facts(EGFR=45.0, K=6.0, ACE=1.0))
    assert not possible(both, Facts(EGFR=15.0))
    assert possible(both, Facts(EGFR=15.0, SGLT2=1.0))
    assert not decision("asthma_years").possible({"STEP": 4.0}, Facts(STEP=3.0, EOS=0.1))
    assert not decision("hypertension_years").possible({"ACE": 0.5, "CCB": 0.0, "DIURETIC": 0.0}, Facts(PREGNANT=1.0))
    assert not decision("hypertension_years").possible({"ACE": 0.0, "CCB": 0.0, "DIURETIC": 0.5}, Facts(PREGNANT=1.0))
    begin = decision("qt_dofetilide").possible
    assert not begin({"DOSE": 125.0}, Facts(QTC_FIRST=455.0, QTC=455.0, DOSE=0.0))
    assert begin({"DOSE": 125.0}, Facts(QTC_FIRST=455.0, QTC=455.0, DOSE=0.0, QRS=140.0))
    assert begin({"DOSE": 125.0}, Facts(QTC_FIRST=420.0, QTC=470.0, DOSE=250.0))


def test_a_guideline_says_what_is_left_where_a_part_of_it_is_barred() -> None:
    nice, kdigo = decision("hypertension_years").therapy.rules[0], decision("kidney_years").therapy.rules[0]
    stepped, left = nice.advise(Facts(SBP=150.0, AGE=50.0, K=5.8)), kdigo.advise(Facts(EGFR=30.0, ACR=600.0, TYPE_1=1.0))
    assert isinstance(stepped, Sets)
    assert isinstance(left, Sets)
    assert stepped.values == {"ACE": 0.0, "CCB": 1.0, "DIURETIC": 0.0}
    for facts, first in (({"AGE": 50.0}, "ACE"), ({"AGE": 55.0}, "CCB"), ({"AGE": 50.0, "AFRICAN_CARIBBEAN": 1.0}, "CCB"),
                         ({"AGE": 70.0, "AFRICAN_CARIBBEAN": 1.0, "DIABETES": 1.0}, "ACE")):  # fmt: skip
        begun = nice.advise(Facts(facts | {"SBP": 150.0}))
        assert isinstance(begun, Sets)
        assert begun.values == {"ACE": 0.0, "CCB": 0.0, "DIURETIC": 0.0, first: 1.0}, facts
    assert "NG133" in str(nice.advise(Facts(SBP=165.0, AGE=34.0, PREGNANT=1.0)))
    assert left.values == {"ACE": 1.0, "SGLT2": 0.0}
    assert [f.code for f in decision("hypertension_years").remarks(Facts(PREGNANT=1.0))] == ["pregnant"]
    told = decision("arthritis_years").remarks
    assert [f.code for f in told(Facts(LEVEL=0.3, MG=40.0))] == ["antibodies_likely"]
    assert not told(Facts(LEVEL=8.0, MG=40.0))


def test_without_albuminuria_no_trial_says_that_an_ace_inhibitor_flattens_the_fall() -> None:
    p = {"SLOPE": np.array([-3.0]), "EGFR0": np.array([50.0]), "RAS": np.array([0.85]), "SGLT": np.array([0.5])}

    def left(acr: float, ace: float) -> float:
        steps = [(-np.inf, {"ACE": ace, "SGLT2": 0.0})]
        return float(
            decision("kidney_years").formula.course(p, Facts(ACR=acr, AGE=60.0, SEX=1.0), steps, np.array([5.0]))["EGFR"][0, 0]
        )

    assert left(300.0, 1.0) == pytest.approx(50.0 - 5 * 3.0 * 0.85)
    assert left(10.0, 1.0) == left(10.0, 0.0) == pytest.approx(35.0)


def test_albuminuria_measured_on_a_drug_is_not_lowered_by_it_again() -> None:
    def risk(acr: float, now: float, plan: float) -> float:
        twin = FormulaTwin(decision("kidney_years").formula, (("ACR", acr), ("AGE", 60.0), ("SEX", 1.0)))
        twin = twin.told(Setting({"ACE": now, "SGLT2": 0.0}, at=0.0))
        p = {"SLOPE": np.array([-3.0]), "EGFR0": np.array([40.0]), "RAS": np.array([0.85]), "SGLT": np.array([0.5])}
        steps = twin.steps(((0.0, {"ACE": plan}),))
        return float(twin.formula.course(p, twin.known, steps, np.array([0.0, 1.0]))["KFRE_5Y"][0, 0])

    assert risk(210.0, 1.0, 1.0) == pytest.approx(risk(300.0, 0.0, 1.0), rel=1e-9), "210 on the drug are 300 without"
    assert risk(210.0, 1.0, 1.0) == pytest.approx(risk(210.0, 0.0, 0.0), rel=1e-9)
    assert risk(210.0, 1.0, 0.0) > risk(210.0, 1.0, 1.0)


QT = "TIME [d],QT [ms],RR [ms],CONC,DOSE,K\n0,400,950,0,500,3.4\n1,455,980,2.6,,\n2,470,960,2.9,,\n"


def test_qt_halves_the_dose_where_the_limits_do_and_names_low_potassium(tmp_path: Path) -> None:
    told = said(str(written(tmp_path, QT)), "--therapy", "qt_dofetilide", "--report", str(tmp_path / "qt.html"))
    assert told["settings"]["DOSE"] == 250.0
    assert told["guideline"]["order"] == "dofetilide 250 ug twice a day"
    assert [f["code"] for f in told["findings"]] == ["potassium_low"]
    by = {r["settings"]["DOSE"]: r for r in told["rows"]}
    response = interval.RESPONSES["dofetilide"]
    qtc = [(c, interval.corrected(q, rr)) for q, rr, c in ((400, 0.95, 0.0), (455, 0.98, 2.6), (470, 0.96, 2.9))]
    exact = interval.QTPatient(response, qtc[0][1]).told(*qtc[1:])
    rows = {r["dose"]: r for r in interval.doses(exact)}
    for dose in (125.0, 250.0):
        assert by[dose]["goals"]["below_500"]["q50"] == pytest.approx(rows[dose]["q50"], abs=6.0)
    assert not by[500.0]["acceptable"]
    high = QT.replace("2,470,960,2.9,,", "2,520,960,2.9,,")
    assert decide(decision("qt_dofetilide"), read_case(written(tmp_path, high), decision("qt_dofetilide").formula)).to_json()[
        "guideline"]["order"] == "stop dofetilide, another drug"  # fmt: skip
    for change, match in ((("2,470,960", "2,470,"), "a part is missing"), (("2,470,960", "2,0.47,960"), "in s"),
                          (("960,2.9", "960,2900"), "nmol")):  # fmt: skip
        with pytest.raises(InputError, match=match):
            read_case(written(tmp_path, QT.replace(*change)), decision("qt_dofetilide").formula)


@pytest.mark.parametrize(("drug", "dose", "conc"), [("quinidine", 400, 0), ("sotalol", 1, 0), ("ondansetron", 1, 0)])
def test_qt_of_other_drugs_is_told_by_readings_at_the_peak(tmp_path: Path, drug: str, dose: float, conc: float) -> None:
    table = f"TIME [d],QT [ms],RR [ms],CONC,DOSE\n0,405,950,{conc},{dose}\n1,QT1,960,,\n3,QT2,970,,\n"
    what = decision(f"qt_{drug}")
    answers = []
    for rise in (10, 30, 75, 130):
        text = table.replace("QT1", str(405 + rise)).replace("QT2", str(407 + rise))
        told = decide(what, read_case(written(tmp_path, text), what.formula), draws=200).to_json()
        kept = next(r for r in told["rows"] if r["settings"]["DOSE"] == dose)
        q = kept["goals"]["below_500"]
        assert q["q50"] == pytest.approx(412 + rise, abs=12), "a blank concentration is the peak, not the one before the drug"
        answers.append((told["guideline"]["order"], told["settings"] and told["settings"]["DOSE"]))
    assert [d for _, d in answers] == sorted([d for _, d in answers], reverse=True)
    assert answers[0][0] != answers[2][0]
    assert answers[3][1] is None or answers[3][1] < dose
    assert "stop" in answers[3][0]


PREVENTED = {
    "score2": {"SMOKER": "yes", "REGION": "moderate"},
    "prevent": {"SMOKER": "yes", "BMI": 28, "EGFR": 80, "DIABETES": "no"},
    "qrisk3": {"SMOKING": "light", "WT": 84, "HT": 176, "ETHNICITY": "white", "SBP_SD": 6, "TOWNSEND": 0,
               **dict.fromkeys((k for k in FLAGS if k != "BP_TREATED"), "no")},
}  # fmt: skip


@pytest.mark.parametrize(("score", "age", "statin", "drugs"), [
    ("score2", 57, 80.0, 2.0), ("score2", 41, 20.0, 0.0), ("prevent", 57, 20.0, 1.0), ("prevent", 41, 0.0, 0.0),
    ("qrisk3", 57, 20.0, 0.0), ("qrisk3", 41, 0.0, 0.0),
])  # fmt: skip
def test_prevention_follows_each_score_and_its_guideline(
    tmp_path: Path, score: str, age: int, statin: float, drugs: float
) -> None:
    name = f"prevention_{score}_years"
    case = {"facts": {"AGE": age, "SEX": "m", "HDL": 1.2, **PREVENTED[score]},
            "readings": [{"TIME": -1, "SBP": 134, "TC": 6.2}, {"TIME": 0, "SBP": 134, "TC": 6.4}]}  # fmt: skip
    what = decision(name)
    found = decide(what, read_case(written(tmp_path, json.dumps({"therapy": name, **case}), "case.json"), what.formula), draws=60)
    rule = what.therapy.rules[0].advise(Facts(dict(found.facts)))
    assert isinstance(rule, Sets)
    assert rule.values == {"STATIN": statin, "BP_DRUGS": drugs}, rule
    g = next(x for x in prevention.GUIDED if x.score == score)
    known = {k: v for k, v in found.twin.facts if k != "AGE"}
    exact = prevention.risk(g, known, age + 1.0, 134.0, 6.4)
    assert f"{exact:.1f} %" in rule.text
    p = {"SBP0": np.array([134.0]), "TC0": np.array([6.4]), "DRIFT": np.zeros(1), "RESPONSE": np.ones(1), "LOWERS": np.ones(1)}
    played = what.formula.course(p, found.twin.known, [(-np.inf, what.formula.now)], np.array([1.0, 11.0]))
    assert played["RISK"][0, 0] == pytest.approx(exact, rel=0.01)
    if age > 50:  # the score's youngest is held below its range
        assert 100 * played["EVENT"][0, 1] == pytest.approx(exact, rel=0.1)
    drugged = what.formula.course(p, found.twin.known, [(-np.inf, {"STATIN": 20.0, "BP_DRUGS": 0.0})], np.array([1.0]))
    lowered = 0.43 * (6.4 - 1.2 - prevention.NOT_LDL)
    assert np.log1p(-drugged["RISK"][0, 0] / 100) / np.log1p(-played["RISK"][0, 0] / 100) == pytest.approx(0.79**lowered)
    assert found.findings[0].code == "passes_first"


def test_they_are_listed_and_shown_as_therapies_are() -> None:
    listed = CliRunner().invoke(app, ["therapies"])
    shown = CliRunner().invoke(app, ["therapies", "kidney_years"])
    assert all(name in " ".join(listed.stdout.split()) for name in decisions())
    assert "KDIGO 2024" in shown.stdout


def test_a_record_of_a_therapy_without_years_is_refused(tmp_path: Path) -> None:
    case = written(tmp_path, json.dumps({"therapy": "amikacin", "readings": []}), "case.json")
    done = CliRunner().invoke(app, ["years", str(case)])
    assert "no plan over years" in str(done.exception)


@pytest.mark.parametrize("name", list(decisions()))
def test_every_one_declares_what_it_rests_on(name: str) -> None:
    d = decision(name)
    assert d.scope
    assert d.therapy.rules, "a decision is shown beside its guideline"
    assert all(u.source for u in d.formula.unknowns)
    assert {r.name for r in d.formula.reads} >= set(d.drawn)
    z = np.zeros(1)
    facts = Facts({c.name: c.low if c.words else (c.low + c.high) / 2 for c in d.formula.facts if c.needed})
    p = {u.name: u.of(z, facts) for u in d.formula.unknowns}
    steps = [(-np.inf, dict(d.formula.now)), (0.0, dict(d.formula.now))]
    found = d.formula.course(p, facts, steps, np.array([0.0, 0.5 * d.until]))
    assert set(found) == {r.name for r in d.formula.reads}
    assert all(np.isfinite(v).all() and v.shape == (1, 2) for v in found.values())

"""Past patients: what was known when, what is predicted of a dose that was not given, formats, and bad input."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.cli import app
from dosetwin.cli.retro import patients
from dosetwin.errors import InputError
from dosetwin.evaluate.retro import GIVEN, Said, _predicted, known_at, retro
from dosetwin.formulary.amikacin import AMIKACIN_NEONATE
from dosetwin.models import load
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

MODEL = load("amikacin_decock_2012")


def patient(i: int, peak: float = 30.0, trough: float = 2.0) -> Timeline:
    """Three doses of 15 mg/kg every 36 h at 2 kg, a trough before and a peak after the second."""
    return Timeline(
        Patient(f"P{i}", GA=33.0, BW=1.9, synthetic=True),
        doses=tuple(DoseEvent(t, 30.0, 0.5) for t in (0.0, 36.0, 72.0)),
        observations=(Observation(36.0, "amikacin", trough), Observation(37.0, "amikacin", peak, after_dose=True)),
        covariates=(
            Covariate(0.0, "WT", 2.0), Covariate(0.0, "PNA", 2.0), Covariate(30.0, "MIC", 2.0), Covariate(30.0, "CULTURE", 1.0),
        ),
        drug="amikacin",
    )  # fmt: skip


def test_only_what_was_known_is_shown():
    t = patient(1)
    known = known_at(t, 36.0, 3.0)
    assert [d.time for d in known.doses] == [0.0]
    assert known.observations == ()
    known = known_at(t, 72.0, 3.0)
    assert [o.time for o in known.observations] == [36.0, 37.0]
    assert [d.time for d in known.doses] == [0.0, 36.0]
    assert known_at(t, 38.0, 3.0).observations == ()
    # whatever comes later changes nothing
    later = t.append(Observation(100.0, "amikacin", 50.0), DoseEvent(108.0, 99.0, 0.5))
    assert known_at(later, 72.0, 3.0) == known_at(t, 72.0, 3.0)


def test_the_prediction_of_the_given_dose_is_the_model_s_own():
    from dosetwin.simulate import predict, schedule_for

    t = patient(1)
    draws = np.zeros((1, 2))
    [(peak, trough, area)] = _predicted(MODEL, t, 36.0, [Said(30.0, 36.0, 36.0)], draws, AMIKACIN_NEONATE, "locf")
    times = np.array([36.0, 37.0, 72.0])
    direct = predict(MODEL, schedule_for(MODEL, replace(t, observations=()), times), draws, auc=True)
    assert direct.auc is not None
    assert peak[0] == pytest.approx(direct.value[0, 1, 0], rel=1e-9)
    assert trough[0] == pytest.approx(direct.value[0, 2, 0], rel=1e-9)
    assert area[0] == pytest.approx((direct.auc[0, 2, 0] - direct.auc[0, 0, 0]) * 24 / 36, rel=1e-9)
    # linear: twice the dose over nothing else
    [(first, _, _)] = _predicted(MODEL, t, 0.0, [Said(30.0, 0.0, 36.0)], draws, AMIKACIN_NEONATE, "locf")
    [(double, _, _)] = _predicted(MODEL, t, 0.0, [Said(60.0, 0.0, 36.0)], draws, AMIKACIN_NEONATE, "locf")
    assert double[0] == pytest.approx(2 * first[0], rel=1e-9)


def test_policies_beside_what_was_given():
    found = retro(
        MODEL, [patient(1), patient(2, 34.0, 4.0)], AMIKACIN_NEONATE, policies=["decock_smits", "bnfc", "smits_path"], draws=100
    )
    assert (found.patients, found.doses) == (2, 4)
    body = found.compared()
    assert set(body) == {GIVEN, "decock_smits", "bnfc"}
    # 15 mg/kg every 36 h is the rule for these babies up to 2 kg; BNFc gives the same dose every 24 h
    assert body["bnfc"]["mg_ratio"]["mean"] == pytest.approx(1.0)
    assert body["bnfc"]["interval_difference_h"]["mean"] == pytest.approx(-12.0)
    assert body["bnfc"]["p_trough_difference"]["mean"] < 0
    assert body["bnfc"]["auc24_difference"]["mean"] > 0
    assert found.silent == {"smits_path": 4}
    row = next(r for r in found.rows if r.policy == "bnfc" and r.dose == 2)
    assert (row.culture, row.levels_known) == (1.0, 0)
    given = next(r for r in found.rows if r.policy == GIVEN and r.dose == 2)
    assert given.p_peak == pytest.approx(row.p_peak)
    assert given.p_trough > row.p_trough


def test_the_twin_is_asked_with_what_was_known():
    found = retro(MODEL, [patient(1, 22.0, 6.5)], AMIKACIN_NEONATE, policies=["twin"], draws=200)
    body = found.compared()
    assert body["twin"]["doses"] + body["twin"]["silent"] == 2
    assert body["twin"]["p_toxic_difference"]["mean"] <= 0.0


def test_patients_without_a_pair_of_doses_are_named():
    single = replace(patient(3), doses=patient(3).doses[:1])
    found = retro(MODEL, [patient(1), single], AMIKACIN_NEONATE, policies=["neofax"], draws=100)
    assert any(f.code == "no_pair" and "P3" in f.record for f in found.findings)
    with pytest.raises(InputError, match="no dose of any patient"):
        retro(MODEL, [single], AMIKACIN_NEONATE, policies=["neofax"], draws=100)
    with pytest.raises(InputError, match=r"unknown policy.*'oracle'.*twin"):
        retro(MODEL, [patient(1)], AMIKACIN_NEONATE, policies=["oracle"])


TABLE = """ID,TIME,AMT,RATE,DV,EVID,MDV,WT,PNA,GA,BW
1,0,30,60,.,1,1,2.0,2,33,1.9
1,36,.,.,2.1,0,0,2.0,3.5,33,1.9
1,36,30,60,.,1,1,2.0,3.5,33,1.9
1,37,.,.,29,0,0,2.0,3.54,33,1.9
1,72,30,60,.,1,1,2.0,5,33,1.9
2,0,24,48,.,1,1,1.6,2,31,1.5
2,36,.,.,3.4,0,0,1.6,3.5,31,1.5
2,36,24,48,.,1,1,1.6,3.5,31,1.5
2,72,24,48,.,1,1,1.6,5,31,1.5
"""


def test_the_command_on_a_table_writes_a_report(tmp_path):
    data = tmp_path / "past.csv"
    data.write_text(TABLE)
    words = ["retro", str(data), "--policy", "neofax", "--policy", "rule_adjusted", "--draws", "100", "--model", MODEL.name]
    out = CliRunner().invoke(app, [*words, "--report", str(tmp_path / "r.html"), "--rows", str(tmp_path / "r.csv"), "--json"])
    assert out.exit_code == 0
    body = json.loads(out.stdout)
    assert (body["patients"], body["doses"]) == (2, 4)
    assert set(body["compared"]) == {"given", "neofax", "rule_adjusted"}
    assert len(body["caveats"]) >= 4
    page = (tmp_path / "r.html").read_text()
    assert "confounding" in page
    assert "not a medical device" in page
    assert (tmp_path / "r.csv").read_text().count("\n") == 4 * 3 + 1


def test_fhir_bundles_are_read_alone_and_from_a_folder(tmp_path):
    from importlib import resources

    bundle = (resources.files("dosetwin") / "data" / "demo_newborn.json").read_text()
    (tmp_path / "one.json").write_text(bundle)
    model = load("amikacin_neonate")
    (alone, *_), (folder, *_) = patients(tmp_path / "one.json", [], model), patients(tmp_path, [], model)
    assert alone == folder
    assert alone[0].doses
    # its single dose has no interval yet: said, not guessed
    out = CliRunner().invoke(app, ["retro", str(tmp_path), "--policy", "neofax", "--draws", "100"])
    assert "no dose of any patient can be compared" in str(out.exception)


def test_bad_input_is_refused(tmp_path):
    def refused(*words: str) -> str:
        out = CliRunner().invoke(app, ["retro", *words])
        return f"{out.exit_code} {out.exception}"

    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "past.csv").write_text(TABLE)
    assert "no bundles in the folder" in refused(str(tmp_path / "empty"))
    assert "not past patients" in refused(str(tmp_path / "a.txt"))
    assert "--turnaround" in refused(str(tmp_path / "past.csv"), "--turnaround", "-1")
    assert "unknown model" in refused(str(tmp_path / "past.csv"), "--model", "nobody")

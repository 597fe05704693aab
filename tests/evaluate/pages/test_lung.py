"""The lung's page is met, finds a wrong lung out, and refuses readings that cannot be."""

import pytest

from dosetwin.errors import InputError
from dosetwin.evaluate.pages import lung
from dosetwin.outcomes import scores
from dosetwin.structure import gases, ventilation


def test_every_number_of_the_page_is_met() -> None:
    found = lung.run(n=8)
    assert [c.check for c in found if not c.passed] == []
    assert len(found) > 60
    assert {c.provenance for c in found if "kelman" in c.check} == {"recalled"}
    assert "# Lung" in lung.markdown(found, n=8)


def test_a_wrong_curve_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gases, "saturation", lambda p: p**2.7 / (p**2.7 + 26.8**2.7))
    missed = {c.check for c in lung.run(n=2) if not c.passed}
    assert {"lung.severinghaus_40", "lung.severinghaus_100"} <= missed


def answer(name: str, **values: float) -> dict:
    of = scores.load(name).of
    assert of is not None
    return dict(of(values))


def test_scores_of_the_ventilated() -> None:
    assert answer("ventilatory_ratio", VE=9.0, PACO2=50.0, PBW=70.0)["VR"] == pytest.approx(1.714, abs=0.001)
    assert answer("rox", SPO2=92.0, FIO2=0.5, RR=28.0)["ROX"] == pytest.approx(6.571, abs=0.001)
    found = answer("oxygenation", PAO2=70.0, FIO2=0.6, PEEP=10.0, MAP=15.0)
    assert found["BERLIN"] == "moderate"
    assert found["OI"] == pytest.approx(12.86, abs=0.005)
    power = answer("mechanical_power", RR=20.0, VT=420.0, PPEAK=34.0, PPLAT=24.0, PEEP=10.0)
    assert power["POWER"] == pytest.approx(22.226, abs=0.001)
    ready = {"RR": 22.0, "VT": 400.0, "PEEP": 5.0, "FIO2": 0.4, "PAO2": 85.0, "PH": 7.38, "EFFORT": 1.0, "PRESSORS": 0.0}
    assert answer("weaning", **ready)["READY"] == 1.0
    assert answer("weaning", **{**ready, "RR": 45.0})["NOT_MET"] == "RSBI"
    assert answer("weaning", **{**ready, "PEEP": 10.0, "PRESSORS": 1.0})["NOT_MET"] == "PEEP, circulation"


def test_readings_that_cannot_be_are_refused_with_a_remedy() -> None:
    columns = {c.name: c for c in scores.load("shunt").columns}
    for cell, name, said in (("40", "FIO2", r"FIO2 \[%\]"), ("8.5", "PAO2", r"PAO2 \[kPa\]"), ("120", "HB", r"HB \[g/L\]")):
        with pytest.raises(InputError, match=said):
            columns[name].value(cell)
    with pytest.raises(InputError, match="pH"):
        next(c for c in scores.load("weaning").columns if c.name == "PH").value("74")
    with pytest.raises(InputError, match="times 100"):
        ventilation.predicted_weight(1.75, True)
    with pytest.raises(InputError, match="wrong order"):
        answer("mechanical_power", RR=20.0, VT=420.0, PPEAK=20.0, PPLAT=24.0, PEEP=10.0)
    with pytest.raises(InputError, match="shunt below 0"):
        answer("shunt", FIO2=0.21, PACO2=40.0, PAO2=140.0, HB=12.0)
    with pytest.raises(InputError, match="contradict"):
        gases.shunt(19.0, 20.0, 15.0)
    with pytest.raises(InputError, match="more oxygen is used"):
        gases.riley(0.21, 4.0, 0.7, 2.0, hb=6.0)

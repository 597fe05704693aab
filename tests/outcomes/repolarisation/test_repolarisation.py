"""The ventricular cell against FDA's program, classes of twelve drugs, and QT intervals of real volunteers; what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from dosetwin.cli import run as cli
from dosetwin.errors import InputError
from dosetwin.evaluate.pages.heart import qt
from dosetwin.outcomes.repolarisation import beats as cell
from dosetwin.outcomes.repolarisation import interval
from dosetwin.outcomes.repolarisation.drugs import Blocker, training


def test_the_page_of_qt_is_met(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOSETWIN_SHARED", raising=False)
    found = qt.run(n=100, seed=1)
    assert [c.check for c in found if not c.passed] == []
    assert {"qt.classes", "qt.control_qNet", "qt.quinidine_qNet", "qt.halved_qNet"} <= {c.check for c in found}


def test_quinidine_is_high_by_its_failure_though_its_last_beat_looks_safe() -> None:
    quinidine = training()["quinidine"]
    worst = cell.run(quinidine, 4 * quinidine.cmax, cell.JUDGED, start=cell.stored("quinidine", 4.0))
    assert "no_repolarisation" in worst.flags
    assert max(worst.qNets) > 0.09
    assert worst.qNet < -0.1


def test_low_potassium_lengthens_and_a_small_dose_does_not_break_logarithms() -> None:
    dofetilide = training()["dofetilide"]
    usual, low = (cell.run(dofetilide, 2.0, 3, ko=k) for k in (5.4, 4.0))
    assert low.APD90 > usual.APD90
    none, bare = cell.run(dofetilide, 0.0, 2), cell.run(None, 0.0, 2)
    assert none.qNets == bare.qNets


def test_volunteers_and_that_a_persons_own_readings_help(shared: Path) -> None:
    found = qt.volunteers(shared / "data" / "heart")
    assert [c.check for c in found if not c.passed] == []
    shipped = interval.RESPONSES["dofetilide"]
    b, W, noise, _ = interval.fitted([(p["c"], p["d"]) for p in qt.dofetilide(shared / "data" / "heart")], 200)
    assert b == pytest.approx([shipped.level, shipped.slope], abs=0.2)
    assert np.sqrt(W[1, 1]) == pytest.approx(shipped.sds[1], abs=0.5)
    assert noise == pytest.approx(shipped.noise, abs=0.2)


def test_readings_in_any_order_know_the_same() -> None:
    start = interval.QTPatient(interval.RESPONSES["dofetilide"], 400.0)
    one, other = start.told((1.0, 420.0)).told((2.0, 470.0)), start.told((2.0, 470.0), (1.0, 420.0))
    assert one == other
    assert one.posterior()[1][1, 1] < start.posterior()[1][1, 1]
    assert one.posterior()[0] == pytest.approx(other.posterior()[0])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Blocker("x", 10.0, {"IKs": (0.0, 1.0)}), "NA"),
        (lambda: Blocker("x", 10.0, {"IKs": (5.0, -1.0)}), "Hill"),
        (lambda: training()["dofetilide"].believable(2630.0), "free"),
        (lambda: cell.run(None, 0.0, 1, cycle=100.0), "300 to 5000"),
        (lambda: interval.corrected(0.4, 0.8), "times 1000"),
        (lambda: interval.corrected(400.0, 800.0), "over 1000"),
        (lambda: interval.corrected(400.0, 0.8, "x"), "unknown correction"),
        (lambda: interval.findings(magnesium=19.0), "mg/dL"),
        (lambda: interval.QTPatient(interval.RESPONSES["dofetilide"], 400.0).told((50.0, 420.0)), "nmol/L"),
    ],
)
def test_what_cannot_be_is_refused_with_its_remedy(wrong, said: str) -> None:
    with pytest.raises(InputError, match=said):
        wrong()


def test_the_commands_class_a_drug_and_choose_a_dose(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["qt", "class", "dofetilide", "--beats", "4", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["risk"] == found["risk_published"] == "high"
    assert found["qNet_mean"] == pytest.approx(0.0518, abs=0.0005)
    case = tmp_path / "qt.json"
    readings = [{"qt": 400, "rr": 0.95, "conc": 0}, {"qt": 455, "rr": 0.98, "conc": 2.6, "peak": True}]
    case.write_text(json.dumps({"drug": "dofetilide", "dose": 500, "readings": readings, "potassium": 3.4}))
    assert cli(["qt", "advise", str(case), "--json"]) == 0
    out = json.loads(capsys.readouterr().out)
    assert out["dose"] == 250.0
    assert [f["code"] for f in out["findings"]] == ["potassium_low"]
    readings[1]["qt"] = 505
    case.write_text(json.dumps({"drug": "dofetilide", "dose": 500, "readings": readings}))
    assert cli(["qt", "advise", str(case), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["guideline"]["dose"] == 0.0
    readings[0]["qt"] = 0.4
    case.write_text(json.dumps({"drug": "dofetilide", "dose": 500, "readings": readings}))
    assert cli(["qt", "advise", str(case)]) == 2
    assert "times 1000" in capsys.readouterr().err


@pytest.mark.slow
def test_a_thousand_beats_from_rest_reach_the_stored_state() -> None:
    ondansetron = training()["ondansetron"]
    long = cell.run(ondansetron, ondansetron.cmax, 1000)
    short = cell.run(ondansetron, ondansetron.cmax, 4, start=cell.stored("ondansetron", 1.0))
    assert long.qNet == pytest.approx(short.qNet, abs=5e-5)

"""Plans over ten years on one person: an exact belief, the same luck under every plan, the guideline where nothing beats it."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from dosetwin.cli.program import app
from dosetwin.errors import InputError
from dosetwin.evaluate.pages.chronic import MAN
from dosetwin.studies.ten_years.answer import answer
from dosetwin.studies.ten_years.belief import Belief, Reading
from dosetwin.studies.ten_years.case import read_case
from dosetwin.studies.ten_years.plans import GUIDELINE, HEART_FIRST, Plan

METFORMIN = frozenset({"metformin"})
A, B = Reading(-1.0, 7.8, METFORMIN), Reading(0.0, 8.0, METFORMIN)


def test_told_twice_is_told_together_in_any_order() -> None:
    one, two = Belief.prior().told(A).told(B), Belief.prior().told(B, A)
    assert one.mean == pytest.approx(two.mean, abs=1e-9)
    assert one.cov == pytest.approx(two.cov, abs=1e-9)
    assert np.array_equal(Belief.prior().told().mean, Belief.prior().mean)
    assert (np.linalg.eigvalsh(Belief.prior().cov - one.cov) > -1e-12).all()


def test_the_belief_agrees_with_least_squares_where_readings_are_many() -> None:
    """Sixty exact readings on two treatments leave level less effect, drift and the difference of effects."""
    both = METFORMIN | {"sglt2_inhibitor"}
    readings = [
        Reading(y, 9.0 + 0.2 * y - 1.5 - (0.5 if k % 2 else 0.0), both if k % 2 else METFORMIN)
        for k, y in enumerate(np.linspace(-10, 0, 60))
    ]
    found = Belief.prior().told(*readings)
    assert found.forecast(0.0, METFORMIN)[0] == pytest.approx(7.5, abs=0.05)
    assert found.forecast(0.0, both)[0] == pytest.approx(7.0, abs=0.05)
    assert found.mean[1] == pytest.approx(0.2, abs=0.01)


def test_a_plan_that_is_the_guideline_differs_by_nothing_and_does_not_beat_it() -> None:
    twin = Plan("twin", GUIDELINE.at_once, GUIDELINE.then)
    found = answer(MAN, Belief.prior().told(A, B), taking=("metformin",), plans=(twin,), draws=400)
    assert found.to_json()["plans"][1]["against_guideline"]["qalys"] == [0.0, 0.0, 0.0]
    assert found.chosen.plan is GUIDELINE


def test_lower_pressure_prevents_strokes_and_a_filtration_too_low_forbids_the_plan() -> None:
    low = Plan("pressure", (*GUIDELINE.at_once, "pressure_1", "pressure_2"), GUIDELINE.then)
    told = answer({**MAN, "SBP": 170.0}, Belief.prior().told(A, B), plans=(low,), draws=2000).to_json()
    stroke = {p["plan"]: p["events"]["stroke"][-1] for p in told["plans"]}
    assert stroke["pressure"] < stroke["guideline"]
    own = Plan("none", ("statin",), ("dpp4_inhibitor",))
    found = answer({**MAN, "EGFR": 18.0}, Belief.prior(), plans=(HEART_FIRST, own), guideline=own, draws=200)
    assert "filtration of 30" in found.refused["heart and kidney first"]
    with pytest.raises(InputError, match="the guideline's plan cannot be given"):
        answer({**MAN, "EGFR": 18.0}, Belief.prior(), draws=200)


def test_plans_and_readings_nobody_can_mean_are_refused() -> None:
    with pytest.raises(InputError, match="taken twice"):
        Plan("x", ("statin",), ("statin",))
    with pytest.raises(InputError, match="mmol/mol"):
        Plan("x", line=58.0)
    with pytest.raises(InputError, match="unknown step"):
        Plan("x", ("aspirin",))
    with pytest.raises(InputError, match="mmol/mol"):
        Reading(0.0, 64.0)


@pytest.fixture
def case(tmp_path: Path) -> Path:
    path = tmp_path / "person.json"
    person = {**MAN, "HBA1C": 64, "LDL": 116}
    path.write_text(
        json.dumps(
            {
                "name": "A man of 60",
                "person": person,
                "units": {"HBA1C": "mmol/mol", "LDL": "mg/dL"},
                "taking": ["metformin"],
                "readings": [{"year": -1, "hba1c": 61, "taking": ["metformin"]}],
                "plans": [{"name": "my own", "at_once": ["metformin"], "then": ["sulfonylurea"]}],
            }
        )
    )
    return path


def test_units_a_file_states_are_used(case: Path) -> None:
    found = read_case(case)
    assert found.person["HBA1C"] == pytest.approx(8.006, abs=0.001)
    assert found.person["LDL"] == pytest.approx(3.0, abs=0.001)
    assert [round(r.value, 2) for r in found.readings] == [7.73, 8.01]


def test_the_command_says_the_plan_first_and_writes_a_page(case: Path) -> None:
    out = case.with_suffix(".html")
    done = CliRunner().invoke(app, ["years", str(case), "--draws", "400", "--report", str(out), "--json"])
    told = json.loads(done.stdout)
    assert {p["plan"] for p in told["plans"]} == {
        "guideline",
        "guideline and pressure",
        "heart and kidney first",
        "early and together",
        "my own",
    }
    page = out.read_text()
    assert page.index("Best of the plans tried") < page.index("After 10 years")
    assert "not a medical device" in page
    assert CliRunner().invoke(app, ["years", str(case), "--draws", "400"]).stdout.startswith(told["chosen"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"units": {"HBA1C": "stones"}}, "mmol/mol"),
        ({"colour": 1}, "colour"),
        ({"had": ["flu"]}, "flu"),
        ({"taking": "metformin"}, "taking"),
        ({"readings": [{"year": 0}]}, r"readings\[0\]"),
        ({"person": {"HBA1C": 7}}, "AGE_DIAGNOSIS"),
        ({"plans": [{"at_once": []}]}, r"plans\[0\]"),
    ],
)
def test_a_wrong_file_says_where(case: Path, change: dict[str, object], said: str) -> None:
    case.write_text(json.dumps({**json.loads(case.read_text()), **change}))
    done = CliRunner().invoke(app, ["years", str(case), "--draws", "200"])
    assert isinstance(done.exception, InputError)
    with pytest.raises(InputError, match=said):
        raise done.exception

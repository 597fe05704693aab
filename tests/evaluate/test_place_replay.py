"""Past days of a place foretold: calibrated where the truth is what is believed, nothing later seen, the whole command."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosetwin import formulary
from dosetwin.cli import run as command
from dosetwin.errors import InputError
from dosetwin.evaluate.place import replay_place
from dosetwin.populations import wards
from dosetwin.populations.wards import Demand
from dosetwin.studies import load
from dosetwin.studies.places.course import played, seen
from dosetwin.twins.place import Place, Seen

DEMAND, DAYS = Demand((9.0, 9.0), (60.0, 60.0), (0.9, 0.9)), 60


@pytest.fixture(scope="module")
def place() -> Place:
    """Sixty days of a ward that is busier than its pool believes (5 arrivals a day)."""
    ward = wards.drawn(0, 3, DEMAND, DAYS * 24.0)
    plan = [(0.0, 40.0)]
    return seen(ward, played(load("bed_pool"), ward, plan, DAYS * 24.0), plan, DAYS * 24.0)


@pytest.mark.parametrize("measures", ["arrivals", "taken"])
def test_what_was_learned_foretells_better_and_is_calibrated(place: Place, measures: str) -> None:
    found = replay_place(formulary.therapy("bed_pool"), place, seed=1, draws=120, measures=measures)  # type: ignore[arg-type]
    body = found.to_json()
    assert body["n_days"] == DAYS - 1
    # in the first days both are near the declared belief; then what was learned is better, by far where it is all that counts:
    # who lies there in the evening is mostly who lay there in the morning
    late = [f for f in found.forecasts if f.number > 10]
    error = [math.sqrt(np.mean([(getattr(f, of) - f.observed) ** 2 for f in late])) for of in ("prior", "updated")]
    assert error[1] < {"arrivals": 0.8, "taken": 1.0}[measures] * error[0]
    inside = np.mean([abs(f.updated_pit - 0.5) <= 0.45 for f in late])
    assert inside == pytest.approx(0.9, abs=4 * math.sqrt(0.09 / len(late)))
    assert body["a_posteriori"]["n"] == DAYS - 1
    # the arrivals are those of the truth, day by day
    if measures == "arrivals":
        asked = np.array([f.time for f in place.facts if isinstance(f, Seen) and f.what == "asked"])
        assert [f.observed for f in found.forecasts] == np.bincount((asked // 24).astype(int), minlength=DAYS)[1:].tolist()


def test_a_day_is_foretold_from_what_came_before(place: Place) -> None:
    """Whatever happens later, the forecasts of the first ten days are the same."""
    therapy = formulary.therapy("bed_pool")
    short = replay_place(therapy, replace(place.until(11 * 24.0), now=None), seed=1, draws=100)
    long = replay_place(therapy, place.until(20 * 24.0), seed=1, draws=100)
    assert short.forecasts == long.forecasts[: len(short.forecasts)]
    assert len(short.forecasts) == 10


def test_on_a_table_of_arrivals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "ward.csv"
    rows = [f"v{k},{8 * k},{8 * k + 1},{'.' if k > 28 else 8 * k + 30},{12 if k < 15 else 14}" for k in range(32)]
    table.write_text("visit,asked,admitted,left,beds\n" + "\n".join(rows) + "\n")
    single = tmp_path / "days.csv"
    assert command(["replay", "bed_pool", str(table), "--draws", "100", "--forecasts", str(single), "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["n_days"] == 9
    assert single.read_text().count("\n") == 10
    assert command(["replay", "bed_pool", str(table), "--draws", "100", "--measures", "arrivals"]) == 0
    assert "people who come in the day" in capsys.readouterr().out
    for words, said in ((["--measures", "INR"], "taken, arrivals"), (["--report", str(tmp_path / "x.html")], "not for a place")):
        assert command(["replay", "bed_pool", str(table), *words]) == 2
        assert said in capsys.readouterr().err


def test_a_place_is_no_past_patient(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ward.csv").write_text("VISIT,ASKED\na,1\n")
    assert command(["retro", str(tmp_path / "ward.csv"), "--therapy", "bed_pool"]) == 2
    assert "dosetwin replay bed_pool" in capsys.readouterr().err


def test_what_cannot_be_foretold(place: Place) -> None:
    therapy = formulary.therapy("bed_pool")
    with pytest.raises(InputError, match="no day could be foretold"):
        replay_place(therapy, place.until(30.0), seed=1)
    with pytest.raises(InputError, match="how many beds were open"):
        replay_place(therapy, replace(place, facts=tuple(f for f in place.facts if type(f).__name__ != "Setting")), seed=1)
    with pytest.raises(InputError, match="of no place"):
        replay_place(formulary.therapy("warfarin_inr"), place, seed=1)

"""A device and a place from the command line: the same answer as for any drug, honest about what it rests on."""

import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from dosetwin import cli
from dosetwin.decide.recommendation import Recommendation
from dosetwin.serve.fhir.resources import Issued, bundle
from dosetwin.structure.queues import waits_longer

DAYS, BEDS = 40, 14


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty days of a ward with 14 beds, 5 arrivals a day and exponential stays of 48 h: a load of 10."""
    rng = np.random.default_rng(5)
    asked = np.cumsum(rng.exponential(24 / 5, 400))
    asked = asked[asked < DAYS * 24]
    leaves: list[float] = []
    visits = []
    for k, t in enumerate(asked):
        busy = sorted(x for x in leaves if x > t)
        start = float(t) if len(busy) < BEDS else busy[len(busy) - BEDS]
        end = start + rng.exponential(48.0)
        leaves.append(end)
        seen = {"name": f"v{k}", "asked": float(t), "admitted": start, "left": end}
        visits.append({n: v for n, v in seen.items() if n == "name" or v <= DAYS * 24})
    path = tmp_path_factory.mktemp("ward") / "ward7.json"
    path.write_text(json.dumps({"place": "Ward 7", "watched": [[0, DAYS * 24]], "beds": [[0, BEDS]], "visits": visits}))
    return path


@pytest.fixture
def lung(tmp_path: Path) -> Path:
    """Two hours of a ventilated man: a plateau of 31 and a pH of 7.28 at 6.8 mL/kg."""
    path = tmp_path / "lung.csv"
    path.write_text(
        "ID,TIME,EVID,AMT,VT,RR,PEEP,FIO2,HT,SEX,HCO3,PPLAT,PACO2,PH,SAO2\n"
        "1,0,2,.,480,18,8,0.5,175,1,24,.,.,.,.\n"
        "1,2,2,.,480,18,8,0.5,175,1,24,31,52,7.28,0.90\n"
    )
    return path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert cli.run(["advise", *words, "--json"]) == code, capsys.readouterr()
    return json.loads(capsys.readouterr().out)


@pytest.mark.slow
def test_beds_for_a_ward(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = run(capsys, str(ward), "--therapy", "bed_pool", "--draws", "200")
    assert body["status"] == "recommend"
    beds = body["order"]["values"]["beds"]
    assert body["order"]["kind"] == "setting"
    assert body["order"]["words"] == f"beds {beds:g}"
    # what was learned: a load of 10, and not the 10 of the prior alone
    low, middle, high = body["provenance"]["models"][0]["load"]
    assert low < 10 < high
    assert high - low < 5
    assert 8 < middle < 12.5
    # the promise is kept with the chance asked, and by at least the beds of Erlang's formula for the load believed
    wait = body["readings"]["share_within_0_4_0_14d of wait"]
    assert wait["p_goal"] >= 0.8
    assert wait["q05"] <= wait["q50"] <= wait["q95"] <= 1
    steady = min(c for c in range(8, 40) if c > middle and waits_longer(c, middle, 48.0, 4.0) <= 0.05)
    assert steady - 1 <= beds <= steady + 6
    named = {r: c for c in body["candidates"] for r in c["rules"]}
    assert set(named) == {"square_root_staffing", "occupancy_85", "erlang_c"}
    assert [c["rank"] for c in body["candidates"]] == list(range(1, len(body["candidates"]) + 1))
    assert any(r["code"] == "p_wait" for r in body["reasons"])
    assert not any(w in r["text"] for r in body["reasons"] for w in ("dose", "regimen"))
    assert Recommendation.from_json(body).to_json() == body
    assert run(capsys, str(ward), "--therapy", "bed_pool", "--draws", "200") == body
    # as FHIR: a draft about the place, and nothing a pharmacy could mistake for a dose
    resources = [
        e["resource"] for e in bundle(Issued("a1", "2026-01-01T08:00:00+00:00", "beds", "Location/7", body, "h"))["entry"]
    ]
    draft = next(r for r in resources if r["resourceType"] == "ServiceRequest")
    ServiceRequest.model_validate(draft)
    assert draft["quantityQuantity"]["value"] == beds
    assert draft["code"]["text"] == f"beds: beds {beds:g}"
    assert not any(r["resourceType"] == "MedicationRequest" for r in resources)


def test_an_answer_may_be_no(ward: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Sixty people wait already: no number of beds of the menu keeps the promise, and the answer says so with exit code 3."""
    data = json.loads(ward.read_text())
    data["visits"] = [v for v in data["visits"] if "left" in v][:50]
    data["visits"] += [{"name": f"q{k}", "admitted": 900.0} for k in range(60)] + [
        {"name": f"w{k}", "asked": 950.0} for k in range(60)
    ]
    data["watched"] = [[0, 890]]
    path = tmp_path / "full.json"
    path.write_text(json.dumps({**data, "now": 960}))
    body = run(capsys, str(path), "--therapy", "bed_pool", "--draws", "100", code=3)
    assert body["regimen"] is None
    assert body["order"] == {}
    assert "no_acceptable_regimen" in {r["code"] for r in body["reasons"]}
    assert any(r["code"] == "what_would_help" and "more beds" in r["text"] for r in body["reasons"])


def test_what_is_later_than_now_is_not_used(ward: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = run(capsys, str(ward), "--therapy", "bed_pool", "--draws", "100", "--now", "240")
    assert early["provenance"]["now_h"] == 240
    assert early["provenance"]["models"][0]["watched_h"] == 240
    assert early["provenance"]["models"][0]["visits"] < 90


def test_a_lung_and_what_was_measured_of_it(lung: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = run(capsys, str(lung), "--therapy", "ventilator_ards", "--draws", "300")
    assert body["status"] == "caution", "less than one chance in four of every target"
    order, readings = body["order"]["values"], body["readings"]
    assert set(order) == {"VT", "RR", "PEEP", "FIO2"}
    assert order["VT"] < 430  # below 6.1 mL/kg: the plateau was 31 at 6.8
    assert order["RR"] > 18  # and faster, since pH was low
    assert readings["at_1h of PPLAT"]["p_goal"] >= 0.9
    assert readings["at_1h of PPLAT"]["unit"] == "cmH2O"
    # compliance was told: 480 mL over 23 cmH2O; the plateau expected follows
    expected = order["PEEP"] + order["VT"] / (480 / 23)
    assert readings["at_1h of PPLAT"]["q50"] == pytest.approx(expected, abs=1.0)
    assert any("ardsnet" in c["rules"] for c in body["candidates"])
    assert body["provenance"]["models"][0]["name"] == "ventilator_ards"
    assert all(math.isfinite(c["loss"]) for c in body["candidates"])


def test_in_words(ward: Path, lung: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On the terminal and as a page: what to set, from when, why; no word of doses, and figures of what is followed."""
    page = tmp_path / "page.html"
    for case, name, words, figure in (
        (ward, "bed_pool", "Set beds", "Beds taken over time"),
        (lung, "ventilator_ards", "Set inspired oxygen", "Plateau pressure over time"),
    ):
        assert cli.run(["advise", str(case), "--therapy", name, "--draws", "100", "--full", "--report", str(page)]) == 0
        out, drawn = capsys.readouterr().out, page.read_text()
        for part in (words, "goals met", "not a medical device", "Why", "in force from"):
            assert part in out, part
        for part in (words, figure, "In force from", "Settings, ranked", "Assumptions"):
            assert part in drawn, part
        for text in (out, re.sub(r"<svg.*?</svg>", "", drawn, flags=re.DOTALL)):
            assert not re.search(r"\bmg\b|regimen|the next dose|First dose", text), name


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "ventilator_ards"), "no model to choose"),
        (("--now", "soon"), "origin"),
        (("--now", "-1"), "nothing is recorded"),
    ],
)
def test_wrong_words(ward: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    assert cli.run(["advise", str(ward), "--therapy", "bed_pool", *words]) == 2
    assert said in capsys.readouterr().err


MINE = """
from dataclasses import replace
from dosetwin.declare import Goal
from dosetwin.declare.reading import Reading
from dosetwin.formulary.beds import BED_POOL, DAYS, POOL

SMALL = replace(
    BED_POOL, name="no_waiting", pool=replace(POOL, name="emergency", room=0), shown=(),
    goals=(Goal("refused", Reading("refused", "mean", DAYS), None, 0.05, UNIT, 1.0, 0.5, "share sent away", "our own promise",
                min_probability=0.5, closed=True), BED_POOL.goal("beds_open")),
)
"""


def test_a_hospitals_own_promise(ward: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A therapy of one's own in a file: nobody waits, who finds no bed is sent away, one in twenty at most."""
    mine = tmp_path / "my_beds.py"
    mine.write_text(MINE.replace("UNIT", '"1"'))
    body = run(capsys, str(ward), "--therapy", str(mine), "--draws", "100")
    assert body["provenance"]["therapy"]["name"] == "no_waiting"
    assert body["readings"]["mean_0_14d of refused"]["p_goal"] >= 0.5
    assert body["readings"]["mean_0_14d of refused"]["q50"] <= 0.05
    wrong = tmp_path / "wrong_beds.py"
    wrong.write_text(MINE.replace("UNIT", '"h"').replace("no_waiting", "wrong"))
    assert cli.run(["advise", str(ward), "--therapy", str(wrong)]) == 2
    assert "the unit is not that of what is judged" in capsys.readouterr().err


def test_a_patient_is_no_place(lung: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["advise", str(lung), "--therapy", "bed_pool"]) == 2
    assert "lung.csv" in capsys.readouterr().err

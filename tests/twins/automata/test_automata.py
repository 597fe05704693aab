"""The pacemaker on virtual hearts: closed forms, eight properties that can fail, devices of others, settings."""

import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from dosetwin.cli import run as cli
from dosetwin.errors import InputError
from dosetwin.evaluate.pages import heart as page
from dosetwin.evaluate.pages.heart import pacing
from dosetwin.twins.automata import Chance, Conduction, Heart, Interval, PacedHeart, Pacemaker, Programme, run, under_test
from dosetwin.twins.automata.examine import coverage, examine
from dosetwin.twins.automata.properties import check
from dosetwin.twins.automata.scenarios import LIBRARY
from dosetwin.twins.automata.under_test import Process, UnderTest, from_file

VVI = Path(__file__).with_name("vvi.py")
INF = float("inf")


def test_the_page_of_timing_is_met_and_written() -> None:
    found = pacing.run(n=100, seed=1)
    assert [c.check for c in found if not c.passed] == []
    assert {c.check for c in found} >= {"pacing.loop_200_100", "pacing.loop_300_150", "pacing.two_to_one_151", "pacing.coverage"}
    assert "## Pacemaker" in page.markdown(found)


def test_coverage_names_what_no_scenario_took() -> None:
    share, never = coverage(examine(names=("sinus_rhythm",)))
    assert share < 0.5
    assert "MS:off>on" in never


def mutated(name: str, programme: Programme) -> Pacemaker:
    """A device that was built for other settings than it is judged by: one fault each."""
    wrong = {
        "VRP": {"VRP": 20.0, "noise": 0.0}, "PVARP": {"PVARP": 60.0, "PMT_pairs": 0, "PMT_PVARP": 60.0}, "AEI": {"LRI": 900.0},
        "AVI": {"AVI": 90.0, "safety": 0.0}, "URI": {"URI": 330.0, "PVARP": 200.0}, "LRI": {"LRI": 1100.0},
    }[name]  # fmt: skip
    return Pacemaker(replace(programme, **wrong))


FAULTS = {
    "VRP": Heart(noise_v=((3_000.0, 20_000.0, 90.0),)), "PVARP": Heart(sinus=((0.0, 1500.0),), block=True, va=120.0),
    "AEI": Heart(sinus=((0.0, 1500.0),), block=True), "AVI": Heart(block=True), "URI": Heart(sinus=((0.0, 420.0),), block=True),
    "LRI": Heart(sinus=((0.0, 1900.0),), block=True),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_each_property_finds_its_fault_and_shows_it(name: str) -> None:
    programme = Programme(MS_ms=0.0)
    good = run(Conduction(FAULTS[name], Chance(1)), Pacemaker(programme.checked()), 30_000.0)
    assert all(v.holds is not False for v in check(good, programme))
    bad = run(Conduction(FAULTS[name], Chance(1)), mutated(name, programme), 30_000.0)
    verdict = next(v for v in check(bad, programme) if v.name == name)
    assert verdict.holds is False
    assert verdict.first is not None
    assert verdict.first.found != verdict.first.limit
    assert verdict.first.marks[-1][0] <= verdict.first.at
    json.dumps(verdict.to_json(), allow_nan=False)


def test_a_device_that_stops_is_stuck_and_one_that_stops_time_is_refused() -> None:
    def silent(t: float, event: str) -> dict:
        return {"marks": []}

    heart = Heart(escape=INF, sinus=((0.0, 900.0),), block=True, fibrillation=())
    still = replace(heart, sinus=((0.0, 1e9),))
    trace = run(Conduction(still, Chance(1)), UnderTest(silent), 5_000.0)
    assert next(v for v in check(trace, Programme()) if v.name == "LRI").holds is False
    with pytest.raises(InputError, match="lets no time pass"):
        run(Conduction(heart, Chance(1)), UnderTest(lambda t, e: {"marks": [], "wake": t}), 5_000.0)


def test_somebody_elses_device_as_a_file_and_as_a_process() -> None:
    names = [s for s in LIBRARY if LIBRARY[s].programme.mode == "VVI"]
    own = examine(from_file(VVI), names)
    assert not any(e.broken for e in own)
    assert all(e.seen for e in own if not e.scenario.extra)
    with Process(f"{sys.executable} {VVI}") as make:
        again = examine(make, names)
    assert [e.trace.marks for e in again] == [e.trace.marks for e in own]
    with Process(f"{sys.executable} {VVI} 20") as late:
        found = examine(late, ["block_VVI"])[0]
    assert [v.name for v in found.broken] == ["LRI"]


@pytest.mark.parametrize(
    ("logic", "said"),
    [
        (lambda t, e: {"marks": ["XX"], "wake": t + 100.0}, "no marker"),
        (lambda t, e: {"marks": [], "wake": t - 5.0}, "has passed"),
        (lambda t, e: {"marks": [], "wake": "soon"}, "no time"),
        (lambda t, e: None, "no answer"),
        (lambda t, e: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_answers_that_are_none_are_refused_by_name(logic, said: str) -> None:
    with pytest.raises(InputError, match=said):
        run(Conduction(Heart(), Chance(1)), UnderTest(logic), 5_000.0)


def test_a_process_that_is_gone_or_silent_is_refused() -> None:
    with Process(f"{sys.executable} -c pass") as make, pytest.raises(InputError, match=r"gone|no line"):
        make(Programme())
    with (
        Process(f"{sys.executable} -c 'import sys; sys.stdin.read()'", 0.3) as make,
        pytest.raises(InputError, match="no answer"),
    ):
        make(Programme())
    with pytest.raises(InputError, match="cannot be started"):
        Process("no_such_program_of_ours")
    with pytest.raises(InputError, match="not a command"):
        Process("echo 'without an end")


ANSWER = 'import sys; [print("{\\"marks\\": []}", flush=True) '


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (ANSWER + "for line in sys.stdin for _ in range(2)]", "without being asked"),
        ("while True: print('x' * 1000, end='')", "without being asked|talks without end"),
        ("import sys; input(); print('[' * 50000, flush=True); sys.stdin.read()", "not a line of JSON"),
        ("raise SystemExit('the lead is broken')", "gone: the lead is broken"),
        (ANSWER + "for line in sys.stdin if not __import__('time').sleep(0.02)]", "too slow"),
    ],
)
def test_a_process_that_babbles_crashes_or_dawdles_is_named(program: str, said: str) -> None:
    def test(make: Process) -> None:
        device = make(Programme())
        for k in range(20):
            device.sense(float(k), "V")

    # an answer too many may be heard only when the process is ended
    with pytest.raises(InputError, match=said), Process(f"{sys.executable} -c {shlex.quote(program)}", 2.0, 0.05) as make:
        test(make)


def test_a_file_whose_device_never_returns_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "hung.py"
    file.write_text("def make(programme):\n    def logic(t, event):\n        while True:\n            pass\n    return logic\n")
    monkeypatch.setattr(under_test, "PATIENCE_S", 0.1)
    make = from_file(file)
    with pytest.raises(InputError, match="no answer"):
        make(Programme())


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"LRI": 60.0}, "LRI_range"), ({"AVI": 1200.0}, "LRI_below_AVI"), ({"PVARP": 900.0}, "TARP_over_LRI"),
        ({"URI": 1500.0}, "URI_over_LRI"), ({"VRP": 600.0}, "VRP_over_URI"), ({"AVI": -10.0}, "setting_impossible"),
        ({"PVAB": 300.0}, "PVAB_over_PVARP"), ({"SAV_offset": 150.0}, "SAV_negative"), ({"AVI_min": 200.0}, "AVI_min_over_AVI"),
        ({"safety": 30.0}, "safety_in_blanking"), ({"AVI": float("nan")}, "setting_impossible"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_code(settings: dict, code: str) -> None:
    with pytest.raises(InputError, match=code):
        Programme().with_(settings).checked()


def test_an_upper_rate_over_two_to_one_is_said() -> None:
    assert [f.code for f in Programme(PVARP=350.0, AVI=200.0, URI=400.0).findings()] == ["URL_over_two_to_one"]
    assert Programme(PVARP=250.0, AVI=150.0).two_to_one == pytest.approx(150.0)


def test_a_twin_told_intervals_knows_them_better_than_its_prior() -> None:
    start = PacedHeart()
    told = start.told(Interval("va", 300.0, 0.1), Interval("va", 290.0, 0.2))
    before, after = (t.believed(400, 1)["va"] for t in (start, told))
    finite = before[before < INF]
    assert abs(after - 295.0).mean() < 0.3 * abs(finite - 295.0).mean()
    assert (after < INF).all()
    assert (start.told(Interval("va", INF)).believed(50, 1)["va"] == INF).all()
    with pytest.raises(InputError, match="rate in /min"):
        Interval("sinus", 10.0)


def test_timing_is_advised_against_loops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = tmp_path / "case.json"
    case.write_text(
        json.dumps({"patient": "P1", "programme": {"PMT_pairs": 0}, "intervals": [["va", 290], ["ante", None], ["peak", 480]]})
    )
    page = tmp_path / "timing.html"
    assert cli(["pacemaker", "advise", str(case), "--draws", "10", "--json", "--report", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["against_guideline"][0]["mean"] < 0.0, "fewer events in a loop than as delivered"
    assert page.read_text(encoding="utf-8").count("<svg") == 2
    assert cli(["advise", str(case), "--therapy", "pacing_ddd", "--mic", "4", "--model", "x"]) == 2
    assert "means nothing for pacing_ddd" in capsys.readouterr().err
    assert found["settings"]["PVARP"] > 290.0
    nominal = next(r for r in found["rows"] if "nominal" in r["rules"])
    assert not nominal["acceptable"]
    assert nominal["goals"]["no_loop"]["p"] < 0.5
    for wrong, said in (({"programme": {"PVARP": 990}}, "TARP_over_LRI"), ({"intervals": [["va", "x"]]}, "not a number"),
                        ({"programme": {"mode": "VVI"}}, "follow the atria"), ({"extra": 1}, "unknown key")):  # fmt: skip
        case.write_text(json.dumps(wrong))
        assert cli(["pacemaker", "advise", str(case)]) == 2
        assert said in capsys.readouterr().err


def test_the_command_tests_shows_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["pacemaker", "test", "--mode", "VVI", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["summary"][0]["broken"] == 0
    late = tmp_path / "late.py"
    late.write_text(VVI.read_text().replace('programme["LRI"] + LATE', 'programme["LRI"] + 20.0'))
    assert cli(["pacemaker", "test", "--mode", "VVI", "--device", str(late)]) == 3
    assert "counter-example, block_VVI, LRI: 1020.0 ms against 1000.0" in capsys.readouterr().out
    svg = tmp_path / "strip.svg"
    assert cli(["pacemaker", "show", "pvc_long_retrograde", "--from", "5", "--for", "5", "--svg", str(svg)]) == 0
    assert "retrograde" in capsys.readouterr().out
    assert svg.read_text().startswith("<svg")
    assert cli(["pacemaker", "test", "--scenario", "nothing"]) == 2


@pytest.mark.slow
def test_a_day_of_rhythm_keeps_every_property() -> None:
    heart = Heart(jitter=0.05, pvc_every=30_000.0, va=300.0)
    trace = run(Conduction(heart, Chance(1)), Pacemaker(Programme().checked()), 24 * 3_600_000.0)
    assert len(trace.ventricles) > 90_000
    assert all(v.holds is not False for v in check(trace, Programme()))

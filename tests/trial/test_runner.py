"""Running a trial: the same rows for any workers and chunks, nothing lost or doubled after a kill, dying workers named."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dosetwin.errors import InputError
from dosetwin.studies import load
from dosetwin.studies.newborn_sepsis.arms import Chunk, dosed
from dosetwin.studies.newborn_sepsis.course import run_course
from dosetwin.studies.newborn_sepsis.design import Arm
from dosetwin.studies.newborn_sepsis.scoring import scored, world
from dosetwin.trial import analysis, runner

QUICK = load("quick")
MIXED = replace(
    QUICK,
    n=11,
    chunk=4,
    arms=(Arm("neofax", "neofax"), Arm("adjusted", "rule_adjusted"), Arm("one", "one_step")),
    reference="neofax",
)
"""With arms that look at the patient, and a last chunk that is smaller."""


def rows(out, design):
    return runner.read(out, design)


def test_open_loop_arms_in_batches_are_the_courses_one_by_one():
    of = world(QUICK, 3, 12)
    chunk = Chunk(of)
    for policy in ("decock_smits", "neofax", "bnfc", "red_book", "smits_path", "nomogram"):
        arm = Arm(policy, policy)
        given = dosed(chunk, arm).given
        assert given is not None
        found = scored(of, given)
        for i in range(len(of)):
            c, k = run_course(of.babies.baby(i), arm, QUICK), given.count[i]
            assert np.array_equal(c.doses[:, 0], given.time[i, :k])
            assert np.allclose(c.doses[:, 1], given.mg[i, :k], rtol=1e-12)
            assert c.due == given.due[i]
            assert np.allclose(c.conc, found.conc[i], rtol=1e-9, atol=1e-12)
            assert c.outcomes is not None
            assert c.outcomes.p_erad[0] == pytest.approx(found.endpoints["p_eradicated"][i], abs=1e-10)


def test_the_rows_do_not_depend_on_chunks_or_workers(tmp_path):
    tables = []
    for k, (size, workers, by) in enumerate(((4, 1, "threads"), (11, 1, "threads"), (3, 3, "threads"))):
        out = tmp_path / str(k)
        design = replace(MIXED, chunk=size)
        found = runner.run(design, out, workers=workers, by=by)
        assert (found.kept, found.lost) == (0, {})
        tables.append(rows(out, design))
    assert tables[0].num_rows == 33
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    assert tables[0]["baby"].to_pylist() == [i for i in range(11) for _ in range(3)]
    assert tables[0]["arm"].to_pylist() == ["neofax", "adjusted", "one"] * 11
    assert set(tables[0]["failure"].to_pylist()) == {""}
    assert max(tables[0]["samples"].to_pylist()) > 0


@pytest.mark.slow
def test_processes_give_the_same_rows_as_threads(tmp_path):
    runner.run(MIXED, tmp_path / "a")
    runner.run(MIXED, tmp_path / "b", workers=2, by="processes")
    assert rows(tmp_path / "a", MIXED).equals(rows(tmp_path / "b", MIXED))


def test_a_baby_is_the_same_in_a_larger_trial(tmp_path):
    small, large = replace(QUICK, n=5), replace(QUICK, n=13)
    runner.run(small, tmp_path / "a")
    runner.run(large, tmp_path / "b")
    assert rows(tmp_path / "b", large).slice(0, 20).equals(rows(tmp_path / "a", small))
    # a finished run grows: full chunks are kept, and the smaller last one is not read twice
    grown = runner.run(large, tmp_path / "a")
    assert grown.ran == 2
    assert rows(tmp_path / "a", large).equals(rows(tmp_path / "b", large))


@pytest.mark.slow
def test_kill_9_in_the_middle_loses_and_doubles_nothing(tmp_path):
    design = replace(QUICK, n=600, chunk=10)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    code = (
        "import sys\nfrom dataclasses import replace\nfrom pathlib import Path\nfrom dosetwin.trial import runner\n"
        "from dosetwin.studies import load\n"
        "runner.run(replace(load('quick'), n=600, chunk=10), Path(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(killed)])
    try:
        deadline = time.monotonic() + 120
        while len(list(killed.glob("chunks/babies-*.parquet"))) < 7:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    before = len(list(killed.glob("chunks/babies-*.parquet")))
    assert 7 <= before < 60
    # what a killed writer leaves behind is not taken for a result
    half = killed / "chunks" / ".babies-000000590-000000599.parquet.1.2.tmp"
    half.write_bytes(b"half a file")
    os.utime(half, (1.0, 1.0))
    young = killed / "chunks" / ".babies-000000580-000000589.parquet.3.4.tmp"
    young.write_bytes(b"another runner's")
    found = runner.run(design, killed)
    assert (found.kept, found.ran) == (before, 60 - before)
    runner.run(design, whole)
    assert rows(killed, design).equals(rows(whole, design))
    assert young in killed.glob("chunks/.*")
    assert half not in killed.glob("chunks/.*")


def test_a_chunk_that_is_no_whole_file_is_run_again(tmp_path):
    runner.run(QUICK, tmp_path)
    path = runner.chunk_path(tmp_path, (8, 8), "babies")
    whole = rows(tmp_path, QUICK)
    path.write_bytes(path.read_bytes()[:500])
    found = runner.run(QUICK, tmp_path)
    assert (found.kept, found.ran) == (2, 1)
    assert rows(tmp_path, QUICK).equals(whole)


def test_results_of_another_design_are_not_mixed_in(tmp_path):
    runner.run(QUICK, tmp_path)
    with pytest.raises(InputError, match="another design"):
        runner.run(QUICK.with_n(seed=12), tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        runner.run(QUICK, tmp_path / "other")
    (tmp_path / "trial.json").write_text("{}")
    with pytest.raises(InputError, match="not the state of a trial"):
        runner.run(QUICK, tmp_path)
    with pytest.raises(InputError, match="workers"):
        runner.run(QUICK, tmp_path / "new", workers=0)


class Mortal(ThreadPoolExecutor):
    """A pool whose workers die on some chunks, as processes that the system kills."""

    deaths: dict[int, int] = {}  # noqa: RUF012

    def submit(self, fn, design, chunk, out):  # type: ignore[override]
        if self.deaths.get(chunk[0], 0) > 0:
            self.deaths[chunk[0]] -= 1
            future: Future = Future()
            future.set_exception(BrokenProcessPool("killed"))
            return future
        return super().submit(fn, design, chunk, out)


def test_a_dead_worker_s_chunk_is_tried_again_then_named(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_processes", lambda workers: Mortal(workers))
    monkeypatch.setattr(Mortal, "deaths", {8: 1})
    found = runner.run(QUICK, tmp_path / "once", workers=2, by="processes")
    assert found.lost == {}
    runner.run(QUICK, tmp_path / "calm")
    assert rows(tmp_path / "once", QUICK).equals(rows(tmp_path / "calm", QUICK))
    monkeypatch.setattr(Mortal, "deaths", {8: 99})
    found = runner.run(QUICK, tmp_path / "always", workers=2, by="processes")
    assert list(found.lost) == [(8, 8)]
    assert "died 3 times" in found.lost[8, 8]
    assert rows(tmp_path / "always", QUICK).num_rows == 64


@pytest.mark.slow
def test_a_worker_process_that_is_really_killed(tmp_path):
    # the worker of the second chunk kills itself every time; the others finish
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from dosetwin.trial import runner\nfrom dosetwin.studies import load\n"
        "first = runner.write_chunk\n"
        "def mortal(design, chunk, out):\n"
        "    if chunk[0] == 8: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return first(design, chunk, out)\n"
        "runner.write_chunk = mortal\n"
        "if __name__ == '__main__':\n"
        "    found = runner.run(load('quick'), Path(sys.argv[1]), workers=2, by='processes')\n"
        "    print(found.ran, sorted(found.lost.items()))\n"
    )
    script = tmp_path / "mortal.py"
    script.write_text(code)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    said = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "out")], capture_output=True, text=True, timeout=240, env=environment
    )
    assert said.stdout.strip() == "2 [((8, 8), 'its worker died 3 times')]", said.stderr[-2000:]


@pytest.mark.slow
def test_dask_gives_the_same_rows(tmp_path):
    distributed = pytest.importorskip("distributed")
    runner.run(QUICK, tmp_path / "plain")
    found = runner.run(QUICK, tmp_path / "local", workers=1, cluster="local")
    assert (found.ran, found.lost) == (3, {})
    with distributed.LocalCluster(
        n_workers=1, processes=False, protocol="tcp://", dashboard_address="127.0.0.1:0", host="127.0.0.1"
    ) as scheduler:
        found = runner.run(QUICK, tmp_path / "address", cluster=scheduler.scheduler_address)
    assert (found.ran, found.lost) == (3, {})
    for name in ("local", "address"):
        assert rows(tmp_path / name, QUICK).equals(rows(tmp_path / "plain", QUICK))


def test_a_scheduler_that_does_not_answer_is_said(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    def nobody(*_, **__):
        raise OSError("timed out")

    monkeypatch.setattr(distributed, "Client", nobody)
    with pytest.raises(InputError, match=r"no scheduler answers.*tcp://host:port"):
        runner.run(QUICK, tmp_path, cluster="tcp://127.0.0.1:1")


def test_a_lost_dask_worker_is_named(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    class Future:
        def __init__(self, chunk, design, out):
            self.died = chunk[0] == 8
            if not self.died:
                runner.write_chunk(design, chunk, out)

        def exception(self):
            return distributed.KilledWorker("chunk", None, 3) if self.died else None

        def result(self):
            return 0.1

    class Client:
        def __init__(self, *_, **__):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def submit(self, fn, design, chunk, out, **_):
            return Future(chunk, design, Path(out))

    monkeypatch.setattr(distributed, "Client", Client)
    monkeypatch.setattr(distributed, "as_completed", lambda futures: futures)
    found = runner.run(QUICK, tmp_path, cluster="tcp://elsewhere:8786")
    assert found.ran == 2
    assert "died" in found.lost[8, 8]


def test_analysis_by_hand(tmp_path):
    design = replace(QUICK, n=24, reference="decock_smits")
    runner.run(design, tmp_path)
    r = analysis.results(design, tmp_path)
    frame = rows(tmp_path, design).to_pandas().pivot(index="baby", columns="arm", values="loss")
    gap = frame["bnfc"] - frame["decock_smits"]
    found = r.difference("bnfc", "decock_smits", "loss")
    assert found.mean == pytest.approx(gap.mean())
    assert found.se == pytest.approx(gap.std(ddof=1) / np.sqrt(24))
    assert found.high - found.mean == pytest.approx(2.0687 * found.se, rel=1e-4)  # Student's t, 23 degrees of freedom
    survive = 1 - r.column("bnfc", "p_eradicated")
    assert r.mean("bnfc", "mic_shift").mean == pytest.approx(np.average(r.column("bnfc", "mic_shift"), weights=survive))
    assert r.difference("bnfc", "bnfc", "loss").mean == 0.0
    body = analysis.summary(r)
    assert json.loads(json.dumps(body))["n"] == 24
    assert sum(g["n"] for g in body["subgroups"].values() if g["kind"] == "GA") == 24
    assert sum(g["n"] for g in body["subgroups"].values() if g["kind"] == "condition") == 24


def test_weighted_and_paired_estimates():
    x, w = np.array([1.0, 2.0, 4.0]), np.array([1.0, 1.0, 2.0])
    assert analysis.estimate(x, w).mean == pytest.approx(2.75)
    assert analysis.estimate(np.array([1.0, np.nan, 3.0])).n == 2
    assert analysis.estimate(np.zeros(0)).n == 0
    # with equal weights the weighted difference is the plain one, error included
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=50), rng.normal(size=50)
    plain, weighted = analysis.paired(a, b), analysis.paired(a, b, np.full(50, 0.3), np.full(50, 0.3))
    assert (weighted.mean, weighted.se) == (pytest.approx(plain.mean), pytest.approx(plain.se))


def test_intervals_hold_what_they_promise():
    rng = np.random.default_rng(7)
    inside = 0
    for _ in range(1000):
        e = analysis.estimate(rng.exponential(size=60))
        inside += e.low <= 1.0 <= e.high
    assert 0.91 < inside / 1000 < 0.97


def test_failures_are_counted_and_left_out(tmp_path, monkeypatch):
    def fails_for_five(baby, arm, design, **rest):
        if int(baby.number[0]) == 5:
            raise InputError("no dose can be given", where="policy one")
        return run_course(baby, arm, design, **rest)

    monkeypatch.setattr("dosetwin.studies.newborn_sepsis.arms.run_course", fails_for_five)
    runner.run(MIXED, tmp_path)
    r = analysis.results(MIXED, tmp_path)
    assert r.n == 10
    assert r.failures == {"neofax": 0, "adjusted": 1, "one": 1}
    assert "no dose can be given" in r.reasons[0]
    assert rows(tmp_path, MIXED).num_rows == 33


@pytest.mark.slow
def test_the_command_writes_summary_figures_and_report(tmp_path):
    from typer.testing import CliRunner

    from dosetwin.cli import app

    out = tmp_path / "out"
    said = CliRunner().invoke(app, ["trial", "quick", "-o", str(out)], catch_exceptions=False)
    assert said.exit_code == 0
    assert "24 virtual newborns" in said.stdout
    names = {
        "chunks",
        "trial.json",
        "summary.json",
        "summary.md",
        "report.html",
        "pareto.svg",
        "differences.svg",
        "subgroups.svg",
    }
    assert {p.name for p in out.iterdir()} == names
    page = (out / "report.html").read_text()
    assert "not a medical device" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    before = (out / "summary.json").read_text()
    again = CliRunner().invoke(app, ["trial", "quick", "-o", str(out), "--json"], catch_exceptions=False)
    assert json.loads(again.stdout)["n"] == 24
    assert (out / "summary.json").read_text() == before

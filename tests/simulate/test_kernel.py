"""Generated kernels: cached by content, never trusted when changed, refused with a reason when they cannot be written."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dosetwin.errors import ModelError
from dosetwin.models import load, names
from dosetwin.simulate.kernel import source
from tests.simulate.toy import toy

CODE = """
import numpy as np
from dosetwin.models import load
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline
from dosetwin.simulate import predict, schedule_for
m = load("phenobarbital_grasela_1985")
t = Timeline(Patient("x"), (DoseEvent(0, 20.0),), (), (Covariate(0, "WT", 1.0), Covariate(0, "APGR", 8.0)))
print(predict(m, schedule_for(m, t, [1.0]), np.zeros((1, 2))).value.item())
"""


def answer(cache: Path | str, **env: str) -> tuple[float, str]:
    """The level one hour after a dose, from a new process with its own kernel cache, and what it said."""
    given = {**os.environ, "DOSETWIN_CACHE": str(cache), **env}
    done = subprocess.run([sys.executable, "-c", CODE], env=given, capture_output=True, text=True, check=True)
    return float(done.stdout), done.stderr


@pytest.mark.slow
def test_a_changed_or_damaged_cache_is_written_again(tmp_path):
    """The kernel's text, what numba made of it, and numba's list of that; said once, in one line."""
    first, said = answer(tmp_path)
    assert said == ""
    (file,) = tmp_path.glob("kernel_*.py")
    (code,), (index,) = tmp_path.rglob("*.nbc"), tmp_path.rglob("*.nbi")
    file.write_text("raise SystemExit('tampered')", encoding="utf-8")
    code.write_bytes(code.read_bytes()[:100])
    index.write_bytes(index.read_bytes()[:100])
    again, said = answer(tmp_path)
    assert again == first
    assert said.count("\n") <= 1
    for path in (*tmp_path.rglob("*.nbc"), *tmp_path.rglob("*.nbi")):
        path.write_bytes(path.read_bytes()[:100])
    again, said = answer(tmp_path)
    assert again == first
    assert said.count("\n") == 1
    assert "made anew" in said
    assert "Traceback" not in said
    assert answer(tmp_path) == (first, "")


@pytest.mark.slow
def test_without_a_writable_cache_it_still_runs(tmp_path):
    """Neither the folder nor numba's own can be made: the same answer, and one line that says why it took longer."""
    good, _ = answer(tmp_path / "good")
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    value, said = answer(blocked / "kernels")
    assert value == pytest.approx(good, rel=1e-15)
    assert said.count("\n") == 1
    assert "DOSETWIN_CACHE" in said
    shutil.rmtree(tmp_path / "good" / "__pycache__")
    (tmp_path / "good" / "__pycache__").write_text("")  # its text is there, and nothing more can be written
    value, said = answer(tmp_path / "good", HOME=str(blocked), XDG_CACHE_HOME=str(blocked))
    assert value == pytest.approx(good, rel=1e-15)
    assert said.count("\n") == 1
    assert "nothing can be written" in said


@pytest.mark.parametrize("name", names())
def test_kernels_are_self_contained(name):
    """Only math, numpy and numba are imported: what a kernel needs stands in its file."""
    imports = [line for line in source(load(name)).splitlines() if line.startswith(("import ", "from "))]
    assert {line.split()[1].split(".")[0] for line in imports} <= {"math", "collections", "numba", "numpy"}


def test_what_cannot_be_compiled_is_named(tmp_path):
    model = toy(tmp_path, "odd", {"CL": 1.0, "V": 1.0}, state=("central",), dynamics="OPEN * A.central", solver="explicit",
                before="OPEN = 1.0")  # fmt: skip
    model.dynamics.__globals__["OPEN"] = "a string"
    with pytest.raises(ModelError, match="'OPEN', a str: only numbers, NamedTuples, math"):
        source(model)

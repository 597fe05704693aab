"""The package as it is given away: built from the source archive, installed where nothing else of it is, run from there."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from dosetwin import __version__

pytest.importorskip("hatchling", reason="hatchling is not installed (extra dev)")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def run(*words: str | Path, cwd: Path) -> str:
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([str(w) for w in words], cwd=cwd, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_wheel_and_source_archive_hold_everything_and_run(tmp_path: Path):
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path / "dist", cwd=ROOT)
    archive = tmp_path / "dist" / f"dosetwin-{__version__}.tar.gz"
    with tarfile.open(archive) as file:
        file.extractall(tmp_path / "src", filter="data")
    source = tmp_path / "src" / f"dosetwin-{__version__}"
    for name in ("dev.py", "deploy/Dockerfile", "docs/service.md", "tests/conftest.py", "CHANGELOG.md"):
        assert (source / name).exists(), name
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=source)
    wheel = next((tmp_path / "dist").glob("*.whl"))
    with zipfile.ZipFile(wheel) as file:
        packed = {n for n in file.namelist() if ".dist-info/" not in n}
        licences = [n for n in file.namelist() if n.endswith("LICENSE")]
    ours = {p.relative_to(ROOT / "src").as_posix() for p in (ROOT / "src" / "dosetwin").rglob("*")
            if p.is_file() and "__pycache__" not in p.parts and p.suffix not in (".nbi", ".nbc")}  # fmt: skip
    assert ours - packed == set(), "files of the source that the wheel lacks"
    assert licences
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", "--quiet", wheel, cwd=tmp_path)
    # what it depends on comes from here; a plain path, so that the development install beside it is not seen
    there = next((home / "lib").glob("python*/site-packages"))
    (there / "needs.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    assert __version__ in run(home / "bin" / "dosetwin", "--version", cwd=tmp_path)
    said = run(python, "-c", "import dosetwin, importlib.resources as r; print(dosetwin.__file__); "
               "print(len(r.files('dosetwin').joinpath('data', 'demo_newborn.json').read_bytes()))", cwd=tmp_path)  # fmt: skip
    assert str(home) in said.splitlines()[0]
    assert int(said.splitlines()[1]) > 1000
    assert run(home / "bin" / "dosetwin", "store", "new-key", cwd=tmp_path).strip()
    assert "amikacin" in run(home / "bin" / "dosetwin", "therapies", cwd=tmp_path)

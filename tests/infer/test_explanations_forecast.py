"""The weighed rule against always fitting and always setting aside, a small run of ``benchmarks/explanations.py``."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks/explanations.py"


@pytest.mark.slow
def test_forecasts_beat_both_simple_rules() -> None:
    """30 unlike and 30 corrupted virtual patients; the full figures stand in docs/decisions.md."""
    spec = importlib.util.spec_from_file_location("benchmark_explanations", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    benchmark = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = benchmark
    spec.loader.exec_module(benchmark)
    setting = next(s for s in benchmark.SETTINGS if s.model == "gentamicin_fuchs_2014")
    found = benchmark.study(setting, 30, 201)
    figures = {kind: {name: benchmark.figures(v) for name, v in arms.items()} for kind, arms in found.items()}
    mixture = figures["mixture"]
    for other in ("always fit", "always set aside"):
        assert mixture["weighed"][0] < mixture[other][0]
    # on the log scale always fitting is as good (docs/decisions.md): a tie within the noise of 60 patients
    assert mixture["weighed"][1] < 1.05 * min(mixture["always fit"][1], mixture["always set aside"][1])
    for kind in ("unlike", "corrupted"):
        n = len(found[kind]["weighed"])
        # 85-95 % with two binomial standard errors of so few levels
        slack = 200 * np.sqrt(0.09 / n)
        assert 85 - slack < figures[kind]["weighed"][2] < 95 + slack
    assert mixture["weighed"][2] > mixture["always fit"][2]

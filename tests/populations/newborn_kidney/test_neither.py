"""Truths D and E: of neither structure, the same babies until an injury, plausible, and never trained on."""

import ast
from pathlib import Path

import numpy as np
import pytest

import dosetwin
from dosetwin.errors import InputError
from dosetwin.populations.newborn_kidney.neither import neither
from dosetwin.populations.newborn_kidney.records import records


def test_a_baby_does_not_depend_on_how_many_are_made():
    few, many = neither(5, 840_001), neither(12, 840_001)
    np.testing.assert_array_equal(few.hidden.SCR, many.hidden.SCR[:5])
    some = many.seen.measurements["ID"] < 5
    np.testing.assert_array_equal(few.seen.measurements["VALUE"], many.seen.measurements["VALUE"][some])


def test_injured_babies_are_the_same_until_they_are_injured():
    calm, hurt = neither(60, 840_001), neither(60, 840_001, injured=True)
    onset = hurt.hidden.onset
    assert 0.1 < np.isfinite(onset).mean() < 0.5
    for k in range(60):
        until = int(min(onset[k], calm.hidden.SCR.shape[1] - 1))
        np.testing.assert_array_equal(calm.hidden.SCR[k, :until], hurt.hidden.SCR[k, :until])
        if np.isfinite(onset[k]):
            assert (hurt.hidden.SCR[k] - calm.hidden.SCR[k]).max() > 0.0


def test_its_typical_creatinine_lies_where_newborns_do():
    """Within a third of van Donge's table (27 wk: 0.83, 0.44 mg/dL) and Boer's (term: 0.62, 0.25): another truth, not absurd."""
    made = neither(3000, 840_002)
    for low, high, day, published in ((26, 28, 3, 0.83), (26, 28, 14, 0.44), (38, 42, 1, 0.62), (38, 42, 28, 0.25)):
        group = (low <= made.hidden.GA) & (high > made.hidden.GA)
        assert np.median(made.hidden.SCR[group, 24 * day]) == pytest.approx(published, rel=1 / 3)


def test_a_ward_record_comes_of_it_and_bad_words_are_refused():
    assert all(not any(f.severity == "error" for f in r.findings) for r in records(neither(20, 840_003)))
    with pytest.raises(InputError, match="unknown noise"):
        neither(5, 1, noise="loud")
    with pytest.raises(InputError, match="needs a baby"):
        neither(0, 1)


def test_only_the_evaluation_meets_it():
    """No code that fits, trains or tunes may import it."""
    source = Path(dosetwin.__file__).parent
    meets = set()
    for file in source.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "dosetwin.populations.newborn_kidney.neither":
                meets.add(file.relative_to(source).as_posix())
    assert meets == {"evaluate/kidney/study.py"}

"""Model files of earlier programs, kept here as they were: today's models give their numbers to the last digit."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from dosetwin import models
from dosetwin.declare import Model
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.serve.earlier import GENERATIONS, same_file
from dosetwin.simulate import parameters, predict, schedule_for

KEPT = Path(__file__).parent / "earlier"
NAMES = ("amikacin_neonate", "amikacin_neonate_kidney")
TIMES = [1.0, 5.0, 24.0, 36.5, 37.0, 60.0, 72.0, 73.0, 100.0, 140.0]


def course(with_filtration: bool) -> Timeline:
    """Six days of a cooled preterm baby with ibuprofen, a falling weight, and filtration that changes every day."""
    rng = np.random.default_rng(1)
    known = [("PNA", 0.0, 2.0), ("WT", 0.0, 1.1), ("WT", 50.0, 1.05), ("IBU", 30.0, 1.0), ("IBU", 60.0, 0.0),
             ("ASPHYXIA", 0.0, 1.0), ("COOLING", 0.0, 1.0), ("COOLING", 40.0, 0.0)]  # fmt: skip
    if with_filtration:
        columns = ("KIDNEY", "KIDNEY1", "KIDNEY2", "KIDNEY3")
        known += [(c, 24.0 * d, v) for d in range(6) for c, v in zip(columns, rng.normal(0.0, 0.3, 4).tolist(), strict=True)]
    doses = tuple(DoseEvent(t, a, 0.5) for t, a in ((0.0, 16.0), (36.0, 16.0), (72.0, 20.0)))
    levels = (Observation(35.0, "amikacin", 3.1, "mg/L"), Observation(71.0, "amikacin", 4.4, "mg/L"))
    return Timeline(Patient("x", "female", GA=29.0, BW=1.1), doses, levels, tuple(Covariate(t, n, v) for n, t, v in known))


def both(name: str) -> tuple[Model, Model]:
    return models.load(str(KEPT / f"{name}.py")), models.load(name)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_lists_the_files_that_are_kept(name: str) -> None:
    sha256 = hashlib.sha256((KEPT / f"{name}.py").read_bytes()).hexdigest()
    assert same_file(name, sha256)
    assert [files[name] for files in GENERATIONS] == [sha256]
    assert not same_file(name, "0" * 64)


@pytest.mark.parametrize("name", NAMES)
def test_today_gives_their_numbers_to_the_last_digit(name: str) -> None:
    then, now = both(name)
    assert list(then.etas) == list(now.etas)
    assert list(then.covs) == list(now.covs)
    np.testing.assert_array_equal(then.omega, now.omega)
    timeline = course("KIDNEY" in now.covs)
    eta = np.random.default_rng(2).normal(0.0, 1.0, (200, len(now.etas))) * np.sqrt(np.diag(now.omega_for(1)))
    for since in (None, 50.0):
        a, b = (predict(m, schedule_for(m, timeline, TIMES), eta, auc=True, since=since) for m in (then, now))
        assert b.ok.all()
        for what in ("value", "state", "auc"):
            # two compilations of one kernel may round otherwise (about 1e-12)
            np.testing.assert_allclose(getattr(a, what), getattr(b, what), rtol=1e-11, atol=1e-13)
    a, b = (parameters(m, schedule_for(m, timeline, TIMES), eta) for m in (then, now))
    assert list(a) == list(b)
    for parameter in b:
        np.testing.assert_allclose(a[parameter], b[parameter], rtol=1e-12)
    for n, o in then.outputs.items():
        assert (o.residual.a, o.residual.b, o.residual.kind) == tuple(
            getattr(now.outputs[n].residual, k) for k in ["a", "b", "kind"]
        )


def test_a_changed_number_would_be_seen(tmp_path: Path) -> None:
    text = (KEPT / "amikacin_neonate.py").read_text().replace("] = 0.0493\n", "] = 0.0493000001\n", 1)
    other = tmp_path / "amikacin_neonate.py"
    other.write_text(text)
    timeline, eta = course(False), np.zeros((1, 6))
    a, b = (
        predict(m, schedule_for(m, timeline, TIMES), eta).value
        for m in (models.load(str(other)), models.load("amikacin_neonate"))
    )
    assert (a != b).any()

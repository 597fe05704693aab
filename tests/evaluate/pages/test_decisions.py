"""Decisions beside their guidelines: the twin's order is judged in what would really follow, and the page is the same twice."""

import numpy as np
import pytest

from dosetwin.evaluate import decided
from dosetwin.evaluate.pages import decisions as page
from dosetwin.studies.decisions import decisions


def test_every_decision_but_a_second_drug_of_qt_has_a_history() -> None:
    # of several made by one function, the first
    alike = {n for n in decisions() if n.startswith("qt_") and n not in ("qt_dofetilide", "qt_sotalol")}
    alike |= {"prevention_qrisk3_years", "prevention_prevent_years"}
    assert {h.of for h in decided.HISTORIES} == set(decisions()) - alike


def test_people_are_the_same_twice_and_others_under_another_seed() -> None:
    h = next(x for x in decided.HISTORIES if x.of == "hypertension_years")
    a, b, other = (decided.compare(h, 3, seed, draws=60) for seed in (1, 1, 2))
    assert np.array_equal(a.twin, b.twin)
    assert not np.array_equal(a.twin, other.twin)
    assert (a.twin <= a.guideline + 1e-9).mean() >= 2 / 3


def test_the_page_says_loss_learning_and_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "HISTORIES", [x for x in decided.HISTORIES if x.of == "kidney_years"])
    found = page.run(n=4)
    assert [c.check.rsplit(".", 1)[1] for c in found] == ["loss", "told", "band"]
    assert found[0].simulated == 0.0, "KDIGO's order is the twin's"
    assert "no evidence about patients" in page.markdown(found, n=4)

"""Phenytoin by vein: how much at once, how fast, and for whom less."""

from dataclasses import replace

import pytest

from dosetwin.decide.limits import broken
from dosetwin.declare import Facts, Repeated, Says
from dosetwin.declare.menu import Situation
from dosetwin.formulary.phenytoin import PHENYTOIN_LOADING, corrected


def test_phenytoin_is_loaded_by_level_weight_and_heart():
    rule, menu = PHENYTOIN_LOADING.rules[0], PHENYTOIN_LOADING.menu
    assert isinstance(menu, Repeated)

    def loading(**facts: float) -> float | str | None:
        says = rule.advise(Facts({"AGE": 40.0, "SEX": "female", **facts}))
        return says.loading if isinstance(says, Says) else str(says)

    assert loading(WT=70.0) == pytest.approx(1260.0), "18 mg/kg"
    assert loading(WT=120.0) == 2000.0, "the guide's most"
    ideal = 45.5 + 0.91 * (165 - 152.4)
    assert loading(WT=130.0, HT=165.0) == pytest.approx(20.0 * (ideal + 0.4 * (130 - ideal))), "20 mg/kg of adjusted weight"
    assert loading(WT=70.0, DAY=5.0, phenytoin=6.0) == pytest.approx((20 - 6) * 0.7 * 70), "the guide's top-up"
    assert loading(WT=70.0, DAY=5.0, phenytoin=6.0, ALB=20.0) == pytest.approx((20 - 12) * 0.7 * 70), "6 / (0.2 x 2 + 0.1)"
    assert corrected(Facts({"free phenytoin": 1.1, "phenytoin": 6.0})) == pytest.approx(11.0)
    assert loading(WT=70.0, DAY=5.0, phenytoin=19.5) is None
    assert "level first" in str(loading(WT=70.0, DAY=5.0))
    for facts, hours in (({"AGE": 40.0}, 0.5), ({"AGE": 75.0}, 1.0), ({"AGE": 40.0, "HEART_FAILURE": 1.0}, 1.0)):
        assert menu.runs(1250.0, Facts(facts)) == hours, "50 mg/min, 25 in the old and with a failing heart"
        where = Situation(0.0, 70.0, facts=Facts(facts | {"WT": 70.0}))
        fast = replace(menu.every(1400.0, 8.0, 0.5, where), loading=1400.0, amount=100.0)
        assert ("rate_slow" in {r.code for r in broken(fast, PHENYTOIN_LOADING, where)}) == (hours == 1.0)

"""ARDSNet's protocol as a table of states, and a menu whose tidal volumes are per predicted weight."""

import itertools
from typing import Any

import pytest

from dosetwin import formulary
from dosetwin.declare import Facts, Rule, Sets
from dosetwin.declare.menu import Situation, menu_from_json
from dosetwin.errors import InputError
from dosetwin.formulary._therapies import therapy
from dosetwin.formulary.ventilator import ARDSNET, TABLE, predicted_weight
from dosetwin.records import Setting

START = {"HT": 175.0, "SEX": "male", "VT": 420.0, "RR": 20.0, "PEEP": 8.0, "FIO2": 0.5}
KG = 70.566


def says(**more: float | str) -> dict[str, float]:
    found = ARDSNET.advise(Facts({**START, **more}))
    assert isinstance(found, Sets), found
    return {k: round(v, 3) for k, v in found.values.items()}


def test_predicted_weight() -> None:
    # 175 cm: men 70.57, women 66.07 kg; 160 cm: 56.92 and 52.42
    for cm, male, female in (175.0, 70.57, 66.07), (160.0, 56.92, 52.42), (190.0, 84.22, 79.72):
        assert predicted_weight(Facts(HT=cm, SEX="male")) == pytest.approx(male, abs=0.006)
        assert predicted_weight(Facts(HT=cm, SEX="female")) == pytest.approx(female, abs=0.006)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, {"VT": 420.0, "RR": 20.0, "PEEP": 8.0, "FIO2": 0.5}),
        ({"VT": 8 * KG}, {"VT": 7 * KG}),  # towards 6 mL/kg by 1
        ({"VT": 6.5 * KG}, {"VT": 6 * KG}),
        ({"VT": 6 * KG, "PPLAT": 31.0}, {"VT": 5 * KG}),
        ({"VT": 4 * KG, "PPLAT": 36.0}, {"VT": 4 * KG}),  # not below 4
        ({"VT": 5 * KG, "PPLAT": 24.0}, {"VT": 6 * KG}),
        ({"VT": 5 * KG, "PPLAT": 27.0}, {"VT": 5 * KG}),
        ({"PH": 7.25}, {"RR": 24.0}),
        ({"PH": 7.25, "RR": 34.0}, {"RR": 35.0}),
        ({"PH": 7.10}, {"RR": 35.0}),
        ({"PH": 7.50}, {"RR": 16.0}),
        ({"PH": 7.38}, {"RR": 20.0}),
        ({"SAO2": 0.85}, {"PEEP": 10.0, "FIO2": 0.5}),
        ({"SAO2": 0.98}, {"PEEP": 8.0, "FIO2": 0.4}),
        ({"SAO2": 0.91}, {"PEEP": 8.0, "FIO2": 0.5}),
        ({"SAO2": 0.80, "PEEP": 24.0, "FIO2": 1.0}, {"PEEP": 24.0, "FIO2": 1.0}),
        ({"PEEP": 12.0, "FIO2": 0.4}, {"PEEP": 12.0, "FIO2": 0.7}),  # off the table: the first row that gives neither less
    ],
)  # fmt: skip
def test_states_of_the_protocol(facts: dict[str, float], expected: dict[str, float]) -> None:
    found = says(**facts)
    assert {k: found[k] for k in expected} == pytest.approx(expected, abs=0.01)


def test_it_says_why_it_says_nothing() -> None:
    assert "needs HT" in str(ARDSNET.advise(Facts(SEX="male")))
    assert "needs SEX" in str(ARDSNET.advise(Facts(HT=170.0)))
    assert "adults" in str(ARDSNET.advise(Facts(HT=110.0, SEX="female")))


def test_the_table_never_steps_back() -> None:
    assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(TABLE))


def test_the_menu_is_per_predicted_weight_and_moves_peep_with_oxygen() -> None:
    t = therapy("ventilator_ards")
    where = Situation(3.0, facts=Facts(START))
    orders: Any = t.menu.orders(where)
    assert len(orders) == len({t.menu.key(o) for o in orders}) == 5 * 7 * len(TABLE)
    assert {o["VT"] for o in orders} == {round(k * KG / 5) * 5 for k in (4, 5, 6, 7, 8)}
    assert {(o["PEEP"], o["FIO2"]) for o in orders} == set(TABLE)
    assert {o.at for o in orders} == {3.0}
    said = t.menu.said(ARDSNET.advise(Facts(START)), where, lambda _: False)  # type: ignore[arg-type]
    assert said == Setting(VT=420.0, RR=20.0, PEEP=8.0, FIO2=0.5, at=3.0)


def test_a_rule_about_other_things_is_refused() -> None:
    t = therapy("ventilator_ards")
    wrong = Rule("wrong", "Wrong", "a source", "assumed", (), lambda _: Sets({"VT": 400.0}, "half a rule"))
    with pytest.raises(InputError, match="every one of them"):
        t.menu.said(wrong.advise(Facts()), Situation(0.0), lambda _: False)  # type: ignore[arg-type]


def test_a_plain_menu_of_settings_survives_json() -> None:
    from dosetwin.declare.menu import Settings

    menu = Settings({"beds": (1.0, 2.0)}, {("a", "b"): ((1.0, 2.0), (3.0, 4.0))}, {}, {"beds": 1.0})
    assert menu_from_json(menu.to_json()) == menu


def test_it_is_listed() -> None:
    assert "ventilator_ards" in {t.name for t in formulary.therapies()}
    assert formulary.drug("ventilator").device
    assert "ventilator" not in {d.name for d in formulary.drugs()}  # no dose on record can name it

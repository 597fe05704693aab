"""Targeting is exact: the effect site reaches its target as soon as it can and never passes it, whatever is in the patient."""

import numpy as np
import pytest

from dosetwin.declare import Facts
from dosetwin.errors import InputError
from dosetwin.formulary.propofol import ELEVELD, MARSH, SCHNIDER
from dosetwin.formulary.remifentanil import MINTO
from dosetwin.records import DoseEvent, Pump, order_from_json
from dosetwin.structure import tci
from dosetwin.structure.anaesthesia import lean_mass

MAN = Facts(WT=70.0, HT=170.0, AGE=40.0, SEX="male")


def course(d: tci.Disposition, order: Pump, before: tuple[tci.Given, ...] = (), at: float = 0.0) -> np.ndarray:
    given = (*before, *(tci.Given(e.time, e.amount, e.duration) for e in order.doses(at + 1.0)))
    return tci.concentrations(d, given, list(at + np.linspace(0.0, 0.3, 109)[1:]))


@pytest.mark.parametrize("pump", [SCHNIDER, ELEVELD, MINTO], ids=lambda p: p.called)
def test_the_effect_site_never_passes_its_target_from_nothing_or_from_what_is_there(pump) -> None:
    d, unit = pump.patient(MAN), pump.per_mg_L
    first = course(d, pump(3.0, MAN, (), 0.0))[:, 1] * unit
    assert first.max() <= 3.0 * 1.0001
    assert first[-1] == pytest.approx(3.0, rel=2e-3)
    ran = pump(3.0, MAN, (), 0.0).doses(0.3)
    more = pump(4.0, MAN, ran, 0.3)
    cut = [tci.Given(e.time, e.amount, e.duration) for e in ran]
    assert course(d, more, tuple(cut), 0.3)[:, 1].max() * unit <= 4.0 * 1.0001
    less = pump(2.0, MAN, ran, 0.3)
    assert less.plan[0][0] > 0.0  # nothing runs until there is room


def test_plasma_targeting_holds_the_plasma() -> None:
    plasma = course(MARSH.patient(MAN), MARSH(4.0, MAN, (), 0.0))[10:, 0]
    assert plasma.max() <= 4.0 * 1.0001
    assert plasma.min() >= 4.0 * 0.99


def test_state_after_is_what_stepping_gives() -> None:
    d = SCHNIDER.patient(MAN)
    given = [tci.Given(0.0, 60.0), tci.Given(0.1, 100.0, 0.2), tci.Given(0.2, 30.0)]
    x, t, n = np.zeros(4), 0.0, 20_000
    x[0] = 60.0
    for _ in range(n):
        x = x + 0.4 / n * (d.matrix() @ x + np.array([500.0 * (0.1 <= t + 1e-12 < 0.3), 0, 0, 0]))
        x[0] += 30.0 if t < 0.2 <= t + 0.4 / n else 0.0
        t += 0.4 / n
    assert tci.state_after(d, given, 0.4) == pytest.approx(x, rel=2e-3)
    assert tci.concentrations(d, given, [0.4])[0, 1] == pytest.approx(tci.state_after(d, given, 0.4)[3], rel=1e-9)


def test_waking_is_when_the_effect_site_has_fallen() -> None:
    d = SCHNIDER.patient(MAN)
    given = [tci.Given(0.0, 600.0, 1.0)]
    state = tci.state_after(d, given, 1.0)
    wakes = tci.time_to(d, state, 1.0)
    assert tci.advance(d, state, wakes)[3] == pytest.approx(1.0, rel=1e-6)
    assert tci.time_to(d, state, 100.0) == 0.0


def test_lean_mass_never_falls_with_weight() -> None:
    """James' parabola turns down in obesity: 150 kg would count as leaner than 125."""
    assert lean_mass(70.0, 170.0, 1.0, 1.0, 1.0) == pytest.approx(77.0 - 128.0 * (70.0 / 170.0) ** 2, rel=1e-12)
    for male, kg in ((1.0, 130.0), (0.0, 110.0)):
        top = lean_mass(kg, 170.0, male, 1.0, 1.0)
        assert lean_mass(kg + 40.0, 170.0, male, 1.0, 1.0) == pytest.approx(top, rel=1e-3)
        assert lean_mass(kg + 40.0, 170.0, male, 1.0, 1.0) >= top


@pytest.mark.parametrize(
    ("pump", "target", "facts", "said"),
    [
        (SCHNIDER, 12.0, MAN, "at most 8 ug/mL"),
        (SCHNIDER, -1.0, MAN, "above 0"),
        (MINTO, 3000.0, MAN, "at most 15 ng/mL"),
        (SCHNIDER, 3.0, MAN.but(WT=150.0), "body-mass index 51.9"),
        (SCHNIDER, 3.0, MAN.but(HT=1.7), "170 cm?"),
        (SCHNIDER, 3.0, MAN.but(AGE=0.5), "18 years and older"),
        (ELEVELD, 3.0, MAN.but(AGE=0.0), "1 years and older"),
        (ELEVELD, 3.0, MAN.but(SEX=None), "SEX"),
    ],
)
def test_what_a_pump_refuses(pump, target: float, facts: Facts, said: str) -> None:
    with pytest.raises(InputError) as error:
        pump(target, facts, (), 0.0)
    assert said in str(error.value)


def test_an_order_of_a_pump_reads_back_and_says_its_rates() -> None:
    order = SCHNIDER(4.0, MAN, (), 2.0)
    assert order_from_json(order.to_json()) == order
    assert order.doses(2.0 + 1e-6)[0] == DoseEvent(2.0, *order.plan[0][1:])
    # 1200 mL/h of 1 % is the fastest the pump runs; twice as strong is half as many mL/h
    assert order.mL_per_h(0.0) == pytest.approx(1200.0)
    assert Pump(order.plan, order.covers, "2 %", strength=20.0).mL_per_h(0.0) == pytest.approx(600.0)
    # 1200 mL/h of 10 mg/mL in 70 kg: 12,000 mg/h, 200 mg/min
    assert order.ug_per_kg_min(0.0, 70.0) == pytest.approx(200_000.0 / 70.0)
    assert order.to_json()["mL_per_h"][0] == [0.0, 1200.0]
    label = Pump(((0.0, 0.015 * 70.0, 1.0),), 1.0, "remifentanil", strength=0.05)
    assert label.ug_per_kg_min(0.5, 70.0) == pytest.approx(0.25)
    assert label.mL_per_h(0.5) == pytest.approx(21.0)
    assert sum(e.amount for e in order.doses(10.0)) == pytest.approx(order.amount)
    assert order.words().startswith("effect site 4 ug/mL (Schnider): ")
    with pytest.raises(InputError, match="go forwards"):
        Pump(((0.1, 5.0, 0.1), (0.0, 5.0, 0.1)), 1.0, "back")

"""From a dose to millilitres, vials and tablets, held against sums done by hand; what cannot be given is refused by name."""

import pytest

from dosetwin import formulary
from dosetwin.declare.preparation import Preparation, Vial, given
from dosetwin.errors import InputError

AMIKACIN, WARFARIN, DIGOXIN = formulary.drug("amikacin"), formulary.drug("warfarin"), formulary.drug("digoxin")
FIVE = Preparation(5.0, ((0.0, 0.02), (2.0, 0.05), (6.0, 0.2)), "assumed")


def test_a_dose_in_a_syringe():
    found = given(14.25, 0.5, AMIKACIN, FIVE)
    assert (found.volume_mL, found.rate_mL_per_h, found.dose) == (2.85, 5.7, 14.25)  # 14.25 / 5; 2.85 / 0.5
    assert found.vials == ((1, 100.0, 2.0),)


def test_a_dose_between_the_marks_is_really_given_at_the_nearest():
    found = given(14.32, 0.5, AMIKACIN, FIVE)  # 2.864 mL; marks of 0.05 mL there
    assert (found.amount, found.volume_mL, found.dose) == (14.32, 2.85, 14.25)


def test_a_dose_in_a_bag():
    by = Preparation(50.0, ((0.0, 5.0),), "assumed", bags=(100.0, 250.0, 500.0), strongest=5.0,
                     vials=(Vial(500.0, 10.0), Vial(1000.0, 20.0)))  # fmt: skip
    found = given(1250.0, 1.5, formulary.drug("vancomycin"), by)
    assert (found.volume_mL, found.bag_mL) == (25.0, 250.0)  # 1250 / 250 = 5 mg/mL, in 100 mL it were 12.5
    assert found.rate_mL_per_h == pytest.approx(250.0 / 1.5, abs=0.05)
    assert found.vials == ((1, 1000.0, 20.0), (1, 500.0, 10.0))
    assert by.bag(1251.0) == 500.0


@pytest.mark.parametrize(
    ("amount", "wanted"), [(600.0, ((1, 500.0, 2.0), (1, 100.0, 2.0))), (100.0, ((1, 100.0, 2.0),)), (101.0, ((1, 500.0, 2.0),))]
)
def test_vials_hold_the_dose(amount, wanted):
    assert given(amount, 0.5, AMIKACIN, FIVE).vials == wanted


def test_tablets_halved_and_whole():
    assert given(4.5, 0.0, WARFARIN, None).tablets == ((1.5, 3.0),)
    assert given(0.1875, 0.0, DIGOXIN, None).tablets == ((1.0, 0.125), (1.0, 0.0625))  # not halves of 125 micrograms
    with pytest.raises(InputError, match="these tablets cannot make the dose"):
        given(0.1, 0.0, DIGOXIN, None)


@pytest.mark.parametrize(
    ("amount", "by", "said"),
    [
        (14.0, Preparation(250.0, ((0.0, 0.5),), "undiluted"), "the syringe's step is larger than the volume"),
        (14.0, Preparation(50.0, ((0.0, 0.01),), "undiluted", least_mL=0.5), "too small a volume to measure"),
    ],
)
def test_what_cannot_be_measured_is_refused(amount, by, said):
    with pytest.raises(InputError, match=said):
        given(amount, 0.5, AMIKACIN, by)


@pytest.mark.parametrize(
    ("per_mL", "marks", "said"),
    [
        (0.0, ((0.0, 0.1),), "a dilution holds something"),
        (5.0, ((0.0, 1.0), (0.5, 2.0)), "larger than the volume it measures"),
        (5.0, ((0.0, 0.0),), "positive steps"),
    ],
)
def test_a_preparation_that_cannot_be(per_mL, marks, said):
    with pytest.raises(InputError, match=said):
        Preparation(per_mL, marks, "assumed")


def test_the_smallest_volume_bounds_the_amounts_on_the_menu():
    amounts = Preparation(5.0, ((0.0, 0.02),), "assumed", least_mL=0.5).rounding
    assert amounts.amounts(0.0, 2.8).tolist() == [2.5, 2.6, 2.7, 2.8]
    assert amounts.nearest(1.0) == 2.5


@pytest.mark.parametrize("therapy", [t for t in formulary.therapies() if t.kind == "patient" and not t.drug.device])
def test_every_amount_on_a_menu_can_be_given(therapy):
    """Of what a file declares: no order on the menu is one that its own preparation cannot measure or its tablets cannot make."""
    if therapy.preparation is None and not therapy.drug.tablets:
        pytest.skip("nobody says how it is prepared")
    menu = therapy.menu
    top = {"kg": 5.0 if "newborn" in therapy.population else 70.0, "m2": 1.8}.get(getattr(menu, "per", ""), 1.0)
    low, high = getattr(menu, "dose", None) or menu.daily
    amounts = menu.rounding.amounts(low * top, high * top) if hasattr(menu, "rounding") else [menu.step, 7 * menu.step, high]
    assert len(amounts)
    for amount in amounts:
        found = given(float(amount), 0.5, therapy.drug, therapy.preparation)
        assert found.dose == pytest.approx(float(amount), abs=1e-6)

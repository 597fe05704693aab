"""The two models of a ventilated lung: what both hold is one number, though each file stands by itself."""

from dosetwin import models


def test_what_both_hold_is_one_number() -> None:
    small, whole = (models.load(n).theta()._asdict() for n in ("ventilator_ards", "ventilator_lung"))
    both = set(small) & set(whole) - {"DISS"}  # as saturation in the one, as content in the other
    assert len(both) >= 20
    assert {k: (small[k], whole[k]) for k in both if small[k] != whole[k]} == {}

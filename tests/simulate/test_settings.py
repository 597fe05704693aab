"""What an order sets stands in place of what was recorded of it at that moment, be it higher or lower."""

import pytest

from dosetwin import models
from dosetwin.errors import InputError
from dosetwin.records import Covariate, Patient, Setting, Timeline
from dosetwin.simulate.settings import with_settings

FOUND = {"VT": 480.0, "RR": 18.0, "PEEP": 8.0, "FIO2": 0.5, "HT": 175.0, "SEX": 1.0}
KNOWN = Timeline(Patient("1"), covariates=tuple(Covariate(2.0, k, v) for k, v in FOUND.items()))


@pytest.mark.parametrize(("VT", "PEEP"), [(355.0, 10.0), (560.0, 5.0)])
def test_a_setting_replaces_what_was_found_at_its_moment(VT: float, PEEP: float) -> None:
    model = models.load("ventilator_ards")
    later = KNOWN.append(Covariate(5.0, "PEEP", 20.0))
    told = with_settings(later, Setting(VT=VT, PEEP=PEEP, at=2.0).settings(9.0), model, "locf")
    assert (told.series("VT"), told.series("PEEP")) == (((2.0, VT),), ((2.0, PEEP),))
    assert told.series("RR") == ((2.0, 18.0),)
    assert with_settings(KNOWN, Setting(VT=VT, at=3.0).settings(9.0), model, "locf").series("VT") == ((2.0, 480.0), (3.0, VT))


def test_what_cannot_be_set_is_named() -> None:
    model = models.load("ventilator_ards")
    with pytest.raises(InputError, match="nothing to set"):
        with_settings(KNOWN, Setting(beds=3, at=2.0).settings(9.0), model, "locf")
    with pytest.raises(InputError, match="from its time on"):
        with_settings(KNOWN, Setting(VT=300, at=2.0).settings(9.0), model, "nocb")

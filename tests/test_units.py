"""Units at the border: listed pairs convert, everything else is refused by name."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.errors import InputError, UnknownUnit
from dosetwin.units import (
    ASSAYS,
    CANONICAL,
    SCR_FLOOR,
    allowed,
    convert,
    creatinine,
    idms_to_jaffe,
    suspect_creatinine_unit,
)


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "expected"),
    [
        (1130, "g", "WT", 1.13),
        (1.1, "kg", "BW", 1.1),
        (30, "min", "duration", 0.5),
        (2, "d", "time", 48.0),
        (33.5, "ug/mL", "amikacin", 33.5),
        (0.9, "mg/dL", "gentamicin", 9.0),
        (100, "umol/L", "phenobarbital", 23.224),
        (203, "d", "GA", 29.0),
        (98.6, "[degF]", "TEMP", 37.0),
        (310.15, "K", "TEMP", 37.0),
        (2.5, "{INR}", "INR", 2.5),
        (7, "{score}", "APGR", 7.0),
        (88.4, "umol/L", "SCR", 1.0),
        (88.4, "\u00b5mol/L", "SCR", 1.0),
        (88.4, "\u03bcmol/L", "SCR", 1.0),
        (17600, "ug", "amount", 17.6),
    ],
)
def test_listed_pairs(value, unit, quantity, expected):
    assert convert(value, unit, quantity) == pytest.approx(expected, rel=1e-12)


def test_grams_convert_without_rounding_noise():
    assert convert(1130, "g", "WT") == 1.13


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        ("10*9/L", "amikacin"),
        ("MG/L", "amikacin"),
        ("mg", "WT"),
        ("", "WT"),
        ("umol/L", "gentamicin"),
        ("mL", "amount"),
        ("mg/kg", "amount"),
        ("d", "amount"),
    ],
)
def test_unlisted_pairs_name_what_is_allowed(unit, quantity):
    with pytest.raises(UnknownUnit) as error:
        convert(90, unit, quantity)
    assert allowed(quantity)[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_ucum_count_is_never_read_as_a_number():
    for quantity in CANONICAL:
        with pytest.raises(UnknownUnit):
            convert(1.0, "10*9/L", quantity)


def test_unknown_quantity():
    with pytest.raises(UnknownUnit, match="amikacin"):
        convert(1.0, "mg", "mystery")


@pytest.mark.parametrize("value", [nan, inf, -inf, True, "3", None])
def test_only_finite_numbers(value):
    with pytest.raises(InputError):
        convert(value, "kg", "WT")


@pytest.mark.parametrize("quantity", sorted(CANONICAL))
def test_the_canonical_unit_is_listed_and_is_one(quantity):
    assert convert(3.25, CANONICAL[quantity], quantity) == 3.25


@given(st.sampled_from(sorted(CANONICAL)), st.floats(0.01, 1e4), st.floats(0.01, 1e4), st.data())
def test_conversion_is_straight(quantity, a, b, data):
    unit = data.draw(st.sampled_from(allowed(quantity)))
    offset = convert(0.0, unit, quantity)
    slope = convert(1.0, unit, quantity) - offset
    assert slope > 0
    assert convert(a + b, unit, quantity) == pytest.approx(offset + slope * (a + b), rel=1e-9, abs=1e-9)


def test_srivastava_lines_at_a_hand_calculated_point():
    # Srivastava 2009: 0.60 mg/dL Jaffe is 1.027 x 0.60 - 0.254 = 0.3622 IDMS-enzymatic, and 1.05 x 0.60 - 0.112 = 0.518 enzymatic
    assert creatinine(0.60, "mg/dL", "jaffe").value == pytest.approx(0.3622)
    assert idms_to_jaffe(creatinine(0.60, "mg/dL", "jaffe").value) == pytest.approx(0.60)
    assert creatinine(0.518, "mg/dL", "enzymatic-uncalibrated").value == pytest.approx(0.3622)


@pytest.mark.parametrize("assay", ["idms", "enzymatic", "IDMS"])
def test_calibrated_assays_are_taken_as_they_are(assay):
    result = creatinine(61.88, "umol/L", assay)
    assert result.value == pytest.approx(0.7)
    assert result.findings == ()


def test_assay_not_stated_is_a_warning():
    result = creatinine(0.7, "mg/dL")
    assert [(f.severity, f.code) for f in result.findings] == [("warning", "creatinine_assay_unknown")]
    assert result.assay == "unknown"


def test_low_jaffe_is_floored_and_said():
    result = creatinine(0.2, "mg/dL", "jaffe")
    assert result.value == SCR_FLOOR
    assert [f.code for f in result.findings] == ["creatinine_floored"]


@pytest.mark.parametrize(("value", "unit"), [(62, "mg/dL"), (0.7, "umol/L")])
def test_units_mixed_up_by_88_4(value, unit):
    result = creatinine(value, unit, "idms")
    assert [(f.severity, f.code) for f in result.findings] == [("error", "creatinine_unit_suspect")]


@pytest.mark.parametrize(("value", "unit"), [(0.15, "mg/dL"), (12, "umol/L"), (15, "mg/dL"), (1300, "umol/L")])
def test_extreme_but_possible_creatinine_is_not_suspected(value, unit):
    assert not suspect_creatinine_unit(convert(value, unit, "SCR"))


def test_creatinine_refuses():
    with pytest.raises(InputError, match="assay"):
        creatinine(0.7, "mg/dL", "guess")
    with pytest.raises(InputError, match="positive"):
        creatinine(0, "mg/dL", "idms")
    with pytest.raises(UnknownUnit):
        creatinine(0.7, "10*9/L", "idms")


def test_every_assay_rises_with_the_value():
    for assay in ASSAYS:
        assert creatinine(2.0, "mg/dL", assay).value > creatinine(1.0, "mg/dL", assay).value

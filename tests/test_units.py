"""Units at the border: listed pairs convert, everything else is refused by name."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin import formulary
from dosetwin.errors import InputError, UnknownUnit
from dosetwin.quantities import QUANTITIES
from dosetwin.quantities.assays import ASSAYS, SCR_FLOOR, creatinine, idms_to_jaffe, suspect_creatinine_unit
from dosetwin.quantities.units import SPELLINGS, allowed, code_of, convert

EVERY = {**QUANTITIES, **formulary.levels()}


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
    assert convert(value, unit, EVERY[quantity]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("value", "unit", "quantity", "expected"),
    [
        # HL7's upper case, UCUM's case-insensitive forms among it
        (33.5, "MG/L", "amikacin", 33.5),
        (33.5, "UG/ML", "amikacin", 33.5),
        (0.9, "MG/DL", "SCR", 0.9),
        (3.2, "KG", "WT", 3.2),
        (1130, "G", "WT", 1.13),
        (10, "[LB_AV]", "WT", 4.5359237),
        (2, "HR", "time", 2.0),
        # micro in both code points, as mc, and in capitals (what upper() makes of it)
        (33.5, "\u00b5g/ml", "amikacin", 33.5),
        (33.5, "\u03bcg/mL", "amikacin", 33.5),
        (33.5, "mcg/mL", "amikacin", 33.5),
        (33.5, "\u039cG/ML", "amikacin", 33.5),
        (88.4, "\u00b5mol/l", "SCR", 1.0),
        (88.4, "umol/l", "SCR", 1.0),
        (88.4, "\u00b5M", "SCR", 1.0),
        # words
        (1130, "grams", "WT", 1.13),
        (1130, "gm", "WT", 1.13),
        (10, "lb", "WT", 4.5359237),
        (10, "Pounds", "WT", 4.5359237),
        (29, "weeks", "GA", 29.0),
        (203, "days", "GA", 29.0),
        (3, "Days", "PNA", 3.0),
        (30, "mins.", "duration", 0.5),
        (12, "hrs", "time", 12.0),
        (15, "mg/hr", "rate", 15.0),
        (240, "mg per day", "rate", 10.0),
        (33.5, "milligrams per litre", "amikacin", 33.5),
        (33.5, "mg.L-1", "amikacin", 33.5),
        (33.5, "mg \u00b7 L\u207b\u00b9", "amikacin", 33.5),
        (0.9, "mg/100 mL", "SCR", 0.9),
        (0.9, "mg%", "SCR", 0.9),
        (3.5, "g%", "ALB", 35.0),
        (37, "\u00b0C", "TEMP", 37.0),
        (98.6, "\u00b0F", "TEMP", 37.0),
        (2.5, "INR", "INR", 2.5),
        (2.5, "", "INR", 2.5),
        (7, "", "APGR", 7.0),
    ],
)
def test_spellings(value, unit, quantity, expected):
    assert convert(value, unit, EVERY[quantity]) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "quantity", "remedy"), [("m", "duration", "min for minutes"), ("M", "time", "mo for months"), ("gr", "WT", "grams")]
)
def test_spellings_of_two_meanings_are_refused_with_both(unit, quantity, remedy):
    with pytest.raises(UnknownUnit, match=remedy):
        convert(30, unit, EVERY[quantity])


@pytest.mark.parametrize("quantity", sorted(EVERY))
def test_no_spelling_means_two_units_of_one_quantity(quantity):
    for unit in allowed(EVERY[quantity]):
        assert code_of(unit, EVERY[quantity]) == unit
        assert convert(2.0, unit.upper(), EVERY[quantity]) == convert(2.0, unit, EVERY[quantity])
        assert convert(2.0, f" {unit} ", EVERY[quantity]) == convert(2.0, unit, EVERY[quantity])


def test_every_spelling_is_of_a_listed_unit():
    for unit, others in SPELLINGS.items():
        assert any(unit in {*allowed(EVERY[q]), *(p for u in allowed(EVERY[q]) for p in u.split("/"))} for q in EVERY), unit
        assert all(other == other.casefold() and " " not in other for other in others)


def test_grams_convert_without_rounding_noise():
    assert convert(1130, "g", "WT") == 1.13


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        ("10*9/L", "amikacin"),
        ("MG", "amikacin"),
        ("lb", "amount"),
        ("mo", "PNA"),
        ("mL/min/1.73m2", "GFR"),
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
        convert(90, unit, EVERY[quantity])
    assert allowed(EVERY[quantity])[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_ucum_count_is_never_read_as_a_number():
    for quantity in EVERY:
        with pytest.raises(UnknownUnit):
            convert(1.0, "10*12/L", EVERY[quantity])


def test_unknown_quantity():
    with pytest.raises(UnknownUnit, match="SCR"):
        convert(1.0, "mg", "mystery")


@pytest.mark.parametrize("value", [nan, inf, -inf, True, "3", None])
def test_only_finite_numbers(value):
    with pytest.raises(InputError):
        convert(value, "kg", "WT")


@pytest.mark.parametrize("quantity", sorted(EVERY))
def test_the_canonical_unit_is_listed_and_is_one(quantity):
    assert convert(3.25, EVERY[quantity].unit, EVERY[quantity]) == 3.25


@given(st.sampled_from(sorted(EVERY)), st.floats(0.01, 1e4), st.floats(0.01, 1e4), st.data())
def test_conversion_is_straight(quantity, a, b, data):
    unit = data.draw(st.sampled_from(allowed(EVERY[quantity])))
    offset = convert(0.0, unit, EVERY[quantity])
    slope = convert(1.0, unit, EVERY[quantity]) - offset
    assert slope > 0
    assert convert(a + b, unit, EVERY[quantity]) == pytest.approx(offset + slope * (a + b), rel=1e-9, abs=1e-9)


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

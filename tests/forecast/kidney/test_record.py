"""The ward's record: built from a timeline or from plain numbers, checked, cut at any time, never changed."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from dosetwin.forecast.kidney.record import FEATURES, WardRecord, from_timeline, log_weight_z, ward_record
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.structure.growth import birth_weight, weight_after_birth

BORN = datetime(2024, 3, 1, 12, tzinfo=UTC)


def timeline(**other) -> Timeline:
    """Born 36 h before the clock's origin; two creatinines, a weight, ibuprofen for a day, two doses of amikacin."""
    given = {
        "patient": Patient("p", "male", BORN, GA=27.0, BW=0.95),
        "origin": BORN + timedelta(hours=36),
        "drug": "amikacin",
        "doses": (DoseEvent(0.0, 12.0, 0.5), DoseEvent(48.0, 12.0, 0.5)),
        "observations": (
            Observation(-12.0, "SCR", 0.7, "mg/dL", assay="enzymatic"),
            Observation(20.0, "SCR", 0.9, "mg/dL", assay="jaffe"),
            Observation(47.0, "amikacin", 3.0),
        ),
        "covariates": (Covariate(12.0, "WT", 0.9), Covariate(0.0, "IBU", 1.0), Covariate(24.0, "IBU", 0.0)),
    } | other  # fmt: skip
    return Timeline(**given)


def codes(record: WardRecord) -> list[str]:
    return [f.code for f in record.findings]


def test_a_timeline_becomes_hours_after_birth() -> None:
    r = from_timeline(timeline(), now=50.0)
    assert (r.GA, r.BW, r.male, r.now, r.assay) == (27.0, 0.95, 1.0, 86.0, "jaffe")
    assert r.time.tolist() == [24.0, 56.0]
    assert r.scr.tolist() == [0.7, 0.9]
    assert r.weight == ((48.0,), (0.9,))
    assert [r.flag_at("IBU", t) for t in (35.0, 36.0, 59.0, 60.0)] == [0.0, 1.0, 1.0, 0.0]
    assert [r.flag_at("AMINO", t) for t in (35.0, 40.0, 70.0, 85.0)] == [0.0, 1.0, 0.0, 1.0]
    assert not codes(r)


def test_only_the_past_is_in_it() -> None:
    r = from_timeline(timeline(), now=10.0)
    assert r.time.tolist() == [24.0]
    assert r.weight == ((), ())
    later = from_timeline(timeline(), now=50.0).until(46.0)
    assert later.time.tolist() == r.time.tolist()
    assert later.weight == r.weight
    assert later.flag_at("IBU", 80.0) == 1.0  # nobody knows yet that it will stop


def test_birth_is_found_from_postnatal_age() -> None:
    facts = (Covariate(6.0, "PNA", 2.0), Covariate(6.0, "WT", 1.0))
    r = from_timeline(timeline(patient=Patient("p", GA=27.0), origin=None, covariates=facts), now=20.0)
    assert r.time.tolist() == [30.0, 62.0]
    assert (r.now, r.BW, r.male) == (62.0, 1.0, 0.5)
    assert codes(r) == ["birth_weight_from_weight"]


def test_what_is_missing_is_named_not_raised() -> None:
    r = from_timeline(Timeline(Patient("p"), observations=(Observation(1.0, "SCR", 0.7, "mg/dL"),)))
    assert {"birth_unknown", "gestational_age_implausible", "no_weight", "creatinine_assay_unknown"} <= set(codes(r))
    assert {"birth_unknown", "gestational_age_implausible", "no_weight"} <= set(codes(from_timeline(Timeline(Patient("p")))))


def test_a_creatinine_before_birth_is_named() -> None:
    r = from_timeline(timeline(observations=(Observation(-37.0, "SCR", 0.7, "mg/dL", assay="idms"),)), now=5.0)
    assert codes(r) == ["before_birth"]
    assert not len(r.time)


def test_impossible_values_are_left_out_and_named() -> None:
    r = ward_record("a", 28, 1.0, [10.0, 20.0, 30.0, 40.0], [0.6, 0.0, 62.0, 0.05], weight=((5.0, 6.0), (950.0, 0.95)))
    assert codes(r) == ["creatinine_implausible", "creatinine_implausible", "creatinine_unit_suspect", "weight_implausible"]
    assert r.scr.tolist() == [0.6, 0.1]
    assert "0.701 mg/dL if these are umol/L" in str(r.findings[1])
    assert r.weight == ((6.0,), (0.95,))


def test_values_after_now_are_left_out_and_named() -> None:
    r = ward_record("a", 28, 1.0, [10.0, 50.0], [0.6, 0.7], now=20.0)
    assert codes(r) == ["future_data"]
    assert r.time.tolist() == [10.0]


def test_programming_errors_are_raised() -> None:
    with pytest.raises(ValueError, match="1 times for 2"):
        ward_record("a", 28, 1.0, [1.0], [0.6, 0.7])
    with pytest.raises(ValueError, match="unknown flags"):
        ward_record("a", 28, 1.0, flags={"IBUPROFEN": ((0.0,), (1.0,))})


def test_it_cannot_be_changed() -> None:
    r = from_timeline(timeline(), now=50.0)
    with pytest.raises(FrozenInstanceError):
        r.GA = 30.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        r.scr[0] = 1.0
    with pytest.raises(TypeError):
        r.flags["IBU"] = ((), ())  # type: ignore[index]


def test_weight_is_carried_on_along_the_typical_course() -> None:
    r = ward_record("a", 27, 0.95, weight=((240.0,), (0.9,)), now=300.0)
    assert r.weight_at(0.0) == pytest.approx(0.95)
    assert r.weight_at(120.0) == pytest.approx(weight_after_birth(0.95, 27, 5))
    assert r.weight_at(240.0) == pytest.approx(0.9)
    assert r.weight_at(480.0) == pytest.approx(0.9 * weight_after_birth(1, 27, 20) / weight_after_birth(1, 27, 10))


def test_a_running_treatment_is_expected_to_end_with_its_course() -> None:
    flags = {"COOLING": ((6.0, 30.0), (1.0, 1.0)), "INO": ((6.0,), (1.0,)), "IBU": ((0.0, 20.0, 24.0), (1.0, 0.0, 1.0))}
    r = ward_record("a", 39, 3.3, now=40.0, flags=flags)
    assert [r.expected_flag("COOLING", t) for t in (5.0, 40.0, 77.9, 78.0)] == [0.0, 1.0, 1.0, 0.0]
    assert [r.expected_flag("IBU", t) for t in (10.0, 22.0, 95.0, 96.0)] == [1.0, 0.0, 1.0, 0.0]  # the second course counts
    assert r.expected_flag("INO", 500.0) == 1.0
    late = ward_record("a", 39, 3.3, now=90.0, flags=flags)
    assert late.expected_flag("COOLING", 120.0) == 1.0
    assert r.expected_flag("AMINO", 50.0) == 0.0


def test_daily_table_by_hand() -> None:
    r = from_timeline(timeline(), now=50.0)  # birth + 86 h
    table = r.daily()
    column = {name: table[:, k] for k, name in enumerate(FEATURES)}
    assert table.shape == (5, len(FEATURES))
    assert column["PNA"] == pytest.approx([0, 1, 2, 3, 86 / 24])
    assert column["PMA"] == pytest.approx(27 + column["PNA"] / 7)
    assert column["log_scr"] == pytest.approx([0, np.log(0.7), np.log(0.7), np.log(0.9), np.log(0.9)])
    assert column["hours_since"] == pytest.approx([0, 0, 24, 16, 30])
    assert column["measured"] == pytest.approx([0, 1, 0, 1, 0])
    assert column["IBU"] == pytest.approx([0, 0, 1, 0, 0])
    assert column["days_AMINO"] == pytest.approx([0, 0, 0.5, 1, 1 + 2 / 24])
    assert column["WT"][2] == pytest.approx(0.9)
    assert column["change_from_BW"] == pytest.approx(column["WT"] / 0.95 - 1)


def test_birth_weight_score_is_zero_for_the_median() -> None:
    assert log_weight_z(ward_record("a", 30, birth_weight(30, 1, 0), male=1.0)) == pytest.approx(0)
    assert log_weight_z(ward_record("a", 30, birth_weight(30, 1, -2), male=1.0)) == pytest.approx(-2)


def test_each_drugs_doses_raise_their_own_flag():
    from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

    doses = (DoseEvent(0.0, 15.0, 0.5), DoseEvent(30.0, 10.0, 1.0, drug="vancomycin"))
    known = (Covariate(0.0, "PNA", 2.0), Covariate(0.0, "WT", 1.0))
    record = from_timeline(Timeline(Patient("p", GA=28.0, BW=1.0), doses, (Observation(40.0, "SCR", 0.8, "mg/dL"),), known,
                                    drug="amikacin"))  # fmt: skip
    assert [record.flag_at("AMINO", 48.0 + h) for h in (1.0, 31.0)] == [1.0, 0.0]
    assert [record.flag_at("VANCO", 48.0 + h) for h in (1.0, 31.0)] == [0.0, 1.0]

"""Findings on a timeline: each fault alone gives its own named finding, a sound record gives none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dosetwin.checks.held import held_back
from dosetwin.checks.record import HELD, check
from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline

ORIGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOUND = Timeline(
    Patient("p", "female", ORIGIN - timedelta(hours=30), 29.0, 1.13),
    doses=(DoseEvent(0.0, 16.0, 0.5), DoseEvent(36.0, 16.0, 0.5)),
    observations=(Observation(1.0, "amikacin", 30.0), Observation(22.0, "amikacin", 5.0), Observation(-2.0, "SCR", 0.7, "mg/dL")),
    covariates=(Covariate(-3.0, "WT", 1.1, "kg"),),
    origin=ORIGIN,
    drug="amikacin",
)


def codes(timeline, **options):
    return {(f.severity, f.code) for f in check(timeline, **options)}


def test_a_sound_record_has_no_findings():
    assert check(SOUND) == ()
    assert check(SOUND, now=40.0) == ()


def with_level(*levels):
    return replace(SOUND, observations=(*SOUND.observations, *levels))


def with_cov(*covariates):
    return replace(SOUND, covariates=(*SOUND.covariates, *covariates))


def with_dose(*doses):
    return replace(SOUND, doses=(*SOUND.doses, *doses))


FAULTS = {
    "no_doses": ("error", replace(SOUND, doses=(), observations=())),
    "no_weight": ("error", replace(SOUND, patient=replace(SOUND.patient, BW=None), covariates=())),
    "before_birth": ("error", with_cov(Covariate(-31.0, "TEMP", 37.0))),
    "duplicate_dose": ("error", with_dose(DoseEvent(36.0, 16.0, 0.5))),
    "doses_together": ("warning", with_dose(DoseEvent(36.0, 8.0, 0.5))),
    "duplicate_record": ("warning", with_level(Observation(22.0, "amikacin", 5.0))),
    "conflicting_values": ("error", with_level(Observation(22.0, "amikacin", 6.0))),
    "level_before_first_dose": ("error", with_level(Observation(-1.0, "amikacin", 2.0))),
    "level_during_infusion": ("warning", with_level(Observation(36.25, "amikacin", 12.0))),
    "level_negative": ("error", with_level(Observation(23.0, "amikacin", -1.0))),
    "blq_without_loq": ("error", with_level(Observation(35.0, "amikacin", 0.0, blq=True))),
    "weight_in_grams": ("error", with_cov(Covariate(5.0, "WT", 1100.0))),
    "weight_implausible": ("error", with_cov(Covariate(5.0, "WT", 0.0011))),
    "creatinine_implausible": ("error", with_level(Observation(20.0, "SCR", 62.0, "mg/dL"))),
    "dose_implausible": ("error", with_dose(DoseEvent(48.0, 160.0, 0.5))),
    "dose_without_amount": ("error", with_dose(DoseEvent(48.0, 0.0, 0.5))),
    "not_finite": ("error", with_cov(Covariate(5.0, "TEMP", float("nan")))),
    "birth_after_records": ("error", replace(SOUND, patient=replace(SOUND.patient, birth=ORIGIN + timedelta(days=9)))),
    "level_implausible": ("error", with_level(Observation(23.0, "amikacin", 800.0))),
    "infusion_implausible": ("error", with_dose(DoseEvent(72.0, 16.0, 30.0))),
    "infusion_unusual": ("warning", with_dose(DoseEvent(72.0, 16.0, 0.0))),
    "dose_unusual": ("warning", with_dose(DoseEvent(72.0, 4.0, 0.5))),
    "doses_close": ("warning", with_dose(DoseEvent(36.75, 8.0, 0.5))),
    "weight_jump": ("warning", with_cov(Covariate(20.0, "WT", 1.65))),
    "temp_implausible": ("error", with_cov(Covariate(5.0, "TEMP", 99.0, "Cel"))),
    "stop_without_start": ("warning", with_cov(Covariate(5.0, "IBU", 0.0, record="end of x"), Covariate(9.0, "IBU", 1.0))),
    "far_in_time": (
        "warning",
        replace(
            SOUND,
            patient=replace(SOUND.patient, birth=None),
            origin=None,
            doses=(
                *(replace(d, time=d.time + k * 72) for k in range(3) for d in SOUND.doses),
                DoseEvent(8760.0 + 108.0, 16.0, 0.5),
            ),
        ),
    ),
    "gestational_age_implausible": ("error", replace(SOUND, patient=replace(SOUND.patient, GA=203.0))),
}


@pytest.mark.parametrize("code", FAULTS)
def test_each_fault_alone_gives_its_own_finding(code):
    severity, timeline = FAULTS[code]
    found = check(timeline)
    assert [(f.severity, f.code) for f in found] == [(severity, code)]
    assert found[0].record
    assert "\n" not in str(found[0])


def test_all_faults_are_listed_errors_first():
    worst = replace(
        SOUND,
        doses=(*SOUND.doses, DoseEvent(48.0, 160.0, 0.5)),
        observations=(Observation(36.25, "amikacin", 9.0), Observation(-1, "amikacin", 2.0)),
    )
    assert [f.severity for f in check(worst)] == ["error", "error", "warning"]


def test_the_future_is_a_warning_and_is_not_checked_further():
    late = with_level(Observation(22.0 + 24, "amikacin", -5.0))
    assert codes(late, now=40.0) == {("warning", "future_data")}
    assert ("error", "level_negative") in codes(late)


def test_the_known_end_of_a_flag_is_not_future_data():
    flags = with_cov(Covariate(-1.0, "IBU", 1.0), Covariate(47.0, "IBU", 0.0))
    assert check(flags, now=40.0) == ()


def test_repeats_of_a_dose_are_seen():
    repeated = replace(SOUND, doses=(DoseEvent(0.0, 16.0, 0.5, ii=36.0, addl=1),))
    assert check(repeated) == ()
    drawn = replace(repeated, observations=(Observation(36.25, "amikacin", 9.0),))
    assert codes(drawn) == {("warning", "level_during_infusion")}


def test_the_first_dose_can_be_asked_for():
    nothing_yet = replace(SOUND, doses=(), observations=())
    assert check(nothing_yet, first_dose=True) == ()


def test_a_trough_at_the_moment_of_the_first_dose():
    assert ("error", "level_before_first_dose") in codes(with_level(Observation(0.0, "amikacin", 3.0)))
    steady = replace(SOUND, doses=(DoseEvent(0.0, 16.0, 0.5, ii=36.0, ss=True),))
    assert check(replace(steady, observations=(Observation(0.0, "amikacin", 3.0),))) == ()


def test_one_dose_sent_twice_is_remarked_on_but_a_split_infusion_is_not():
    twice = replace(SOUND, doses=(DoseEvent(0.0, 16.0, 0.5), DoseEvent(5 / 60, 16.0, 0.5)), observations=())
    assert codes(twice) == {("warning", "dose_repeated_soon")}
    split = replace(SOUND, doses=(DoseEvent(0.0, 8.0, 0.25), DoseEvent(0.25, 8.0, 0.25)), observations=())
    assert check(split) == ()


def test_an_infusion_in_progress_counts_to_its_end_only():
    assert check(with_level(Observation(36.5, "amikacin", 30.0))) == ()


def test_an_adult_is_no_newborn():
    adult = Timeline(
        Patient("a", birth=ORIGIN - timedelta(days=20000)),
        (DoseEvent(0, 1000.0),),
        (),
        (Covariate(0, "WT", 80.0),),
        ORIGIN,
        drug="amikacin",
    )
    assert check(adult) == ()
    assert codes(replace(adult, covariates=(Covariate(0, "WT", 80000.0),))) >= {("error", "weight_in_grams")}


def test_a_weight_in_grams_names_what_was_meant():
    found = next(f for f in check(with_cov(Covariate(5.0, "WT", 1100.0))) if f.code == "weight_in_grams")
    assert found.remedy == "1.1 kg?"


# ------------------------------------------------------------------------------------------------- weights over time


@pytest.mark.parametrize(
    ("weights", "odd"),
    [
        (((0, 1.10), (24, 1.05), (48, 1.02), (72, 1.04)), []),  # early loss, then growth
        (((0, 1.10), (24, 1.65)), [1.65]),
        (((0, 1.10), (24, 0.70)), [0.70]),
        (((0, 1.10), (24, 11.0)), []),  # impossible: told as such, not as a jump
        (((0, 1.10), (24, 1.65), (48, 1.12)), [1.65]),  # the slip of the pen alone, not the return to what was
        (((0, 1.10), (24, 1.65), (48, 1.67)), [1.65]),  # said twice: believed from the second on
        (((0, 1.10), (24 * 14, 1.45)), []),  # two weeks of growth
    ],
)
def test_a_weight_is_judged_by_the_last_believed_one(weights, odd):
    timeline = replace(SOUND, covariates=tuple(Covariate(t, "WT", w, "kg") for t, w in weights))
    assert [f.value for f in check(timeline) if f.code == "weight_jump"] == odd


def test_a_first_weight_far_from_the_birth_weight_is_remarked_on():
    far = replace(SOUND, covariates=(Covariate(-3.0, "WT", 2.2, "kg"),))
    found = next(f for f in check(far) if f.code == "weight_jump")
    assert "the birth weight (1.13 kg" in found.message


def test_what_an_amount_may_have_meant_is_said():
    grams = next(f for f in check(with_dose(DoseEvent(72.0, 0.016, 0.5))) if f.code == "dose_implausible")
    assert grams.remedy == "16 mg if 0.016 was g"
    heavy = replace(SOUND, patient=replace(SOUND.patient, BW=3.5), covariates=(Covariate(-3.0, "WT", 3.5, "kg"),))
    per_kg = next(f for f in check(replace(heavy, doses=(DoseEvent(0.0, 15.0, 0.5),))) if f.code == "dose_unusual")
    assert per_kg.remedy == "52.5 mg if 15 was mg/kg"


# ------------------------------------------------------------------------------------------------- what a twin leaves out


@pytest.mark.parametrize("code", sorted(c for c in FAULTS if c in HELD or FAULTS[c][0] == "error"))
def test_what_cannot_be_believed_is_left_out_and_named(code):
    alone = {"no_doses", "no_weight", "birth_after_records", "gestational_age_implausible"}
    _, faulty = FAULTS[code]
    kept = held_back(faulty)
    left = [f for f in kept.findings if f.code == "held_back"]
    assert len(left) == (0 if code in alone else 1)
    if code not in alone:
        assert left[0].value == code
        assert not [f for f in check(kept) if f.severity == "error" or f.code in HELD]
        assert len(kept.doses) + len(kept.observations) + len(kept.covariates) >= 5
        assert held_back(kept) == kept, "twice is once"


def test_what_somebody_answered_for_is_used():
    faulty = with_cov(Covariate(20.0, "WT", 1.65, record="w"))
    assert [c.record for c in held_back(faulty, {"w"}).covariates][-1] == "w"
    impossible = with_cov(Covariate(20.0, "WT", 1650.0, record="w"))
    assert "w" not in [c.record for c in held_back(impossible, {"w"}).covariates]


def test_a_dose_is_judged_by_the_weight_that_is_believed():
    """A weight in grams must not take the doses with it."""
    both = replace(SOUND, covariates=(Covariate(-3.0, "WT", 1100.0, record="grams"),))
    kept = held_back(both)
    assert [f.record for f in kept.findings] == ["grams"]
    assert kept.doses == SOUND.doses


def test_a_sound_record_is_told_as_it_is():
    assert held_back(SOUND) == SOUND


@pytest.mark.parametrize(
    ("name", "fits", "cannot", "code"),
    [
        ("FIO2", 0.4, 40.0, "fio2_implausible"),
        ("PH", 7.31, 74.0, "ph_implausible"),
        ("SAO2", 0.93, 93.0, "sao2_implausible"),
        ("BIS", 50.0, 350.0, "bis_implausible"),
    ],
)
def test_vitals_settings_and_scores_without_a_unit_are_judged(name: str, fits: float, cannot: float, code: str) -> None:
    """A table's column says no unit, and these have none: a percentage or a slip is seen all the same."""
    assert ("error", code) not in codes(with_cov(Covariate(1.0, name, fits)))
    assert ("error", code) in codes(with_cov(Covariate(1.0, name, cannot)))
    measured = replace(with_cov(), observations=(Observation(1.0, name, cannot),))
    assert ("error", code) in codes(measured)


def test_a_quantity_with_a_unit_is_not_judged_where_none_is_said() -> None:
    """TEMP of a study may be in Fahrenheit: without its unit nothing is held against it."""
    assert ("error", "pplat_implausible") not in codes(with_cov(Covariate(1.0, "PPLAT", 900.0)))

"""Findings on a timeline: each fault alone gives its own named finding, a sound record gives none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dosetwin.records import Covariate, DoseEvent, Observation, Patient, Timeline
from dosetwin.records.checks import check

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

"""A device on virtual patients: its protocol and the twin set it, what was true is read by hand, what is not is refused."""

from dataclasses import replace

import numpy as np
import pytest

from dosetwin.declare import Facts, Sets
from dosetwin.errors import UnknownName
from dosetwin.formulary.ventilator import ARDSNET
from dosetwin.studies import load
from dosetwin.trial.therapy.course import counted, follow
from dosetwin.trial.therapy.design import Arm, TherapyDesign
from dosetwin.trial.therapy.truth import patients


@pytest.fixture(scope="module")
def design() -> TherapyDesign:
    found = load("ventilator_ards")
    assert isinstance(found, TherapyDesign)
    return found


def test_a_protocol_is_asked_again_with_what_was_measured(design: TherapyDesign) -> None:
    patient = patients(design, 0, 1)[0]
    made = follow(patient, design.arms[0])
    facts = {c.name: c.value for c in patient.record.covariates} | dict(patient.record.patient.traits)
    first = ARDSNET.advise(Facts(facts))
    assert isinstance(first, Sets)
    at_first = {c.name: c.value for c in made.sets if c.time == 0.0}
    assert at_first["VT"] == pytest.approx(first.values["VT"], abs=2.5)  # to the step of the menu
    assert at_first["PEEP"] == first.values["PEEP"]
    assert {o.measures for o in made.measured} == {"PACO2", "PH", "SAO2", "PPLAT"}
    assert [t for t, _ in made.orders][1] == 1.25  # an hour after the first order, and a quarter for the result
    assert made.given == []
    # what was true: plateau = PEEP + VT / C, with this patient's own compliance
    kg = 45.5 + 4.5 * (facts["SEX"] == "male") + 0.91 * (float(facts["HT"]) - 152.4)
    C = 0.5 * kg * np.exp(patient.effects[list(design.true_model.eta_names).index("C")])
    found = counted(patient, made)
    assert found["value_at_1h_of_PPLAT"] == pytest.approx(at_first["PEEP"] + at_first["VT"] / C, rel=1e-6)
    last = {c.name: c.value for c in made.sets}
    assert found["driving_later"] == pytest.approx(last["VT"] / C, rel=1e-6)
    assert found["samples"] == 3


def test_a_twin_sets_it_too_and_no_fixed_dose_does(design: TherapyDesign) -> None:
    once = replace(design, schedule=replace(design.schedule, at_h=(1.0,)), arms=(Arm("twin", "twin", draws=20),), reference="")
    patient = patients(once, 1, 1)[0]
    made = follow(patient, once.arms[0])
    assert made.decisions == 2
    assert {c.name for c in made.sets} == set(once.of.menu.names)  # type: ignore[attr-defined]
    assert 0.0 <= counted(patient, made)["met_plateau_later"] <= 1.0
    with pytest.raises(UnknownName, match="policy"):
        replace(design, arms=(Arm("five", "fixed:5_q24"),))
    with pytest.raises(UnknownName, match="nothing of what is measured"):
        replace(design, schedule=replace(design.schedule, also=("INR",)))

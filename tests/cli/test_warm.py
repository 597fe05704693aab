"""``dosetwin warm`` asks about a made-up patient of every therapy, so that real first answers do not compile."""

import json

import pytest
from typer.testing import CliRunner

from dosetwin import formulary, models
from dosetwin.advise import Question
from dosetwin.advise.gate import ask
from dosetwin.cli import app
from dosetwin.cli.warm import ASKED_H, made_up
from dosetwin.decide.facts import facts_at
from dosetwin.simulate import schedule_for

PATIENTS = [t for t in formulary.therapies() if t.kind == "patient"]


@pytest.mark.parametrize("therapy", PATIENTS, ids=lambda t: t.name)
def test_the_made_up_patient_has_all_that_the_question_needs(therapy) -> None:
    timeline = made_up(therapy)
    model = models.load(therapy.model(facts_at(timeline, ASKED_H)) if therapy.made_for else therapy.models[0])
    asked = ask(timeline, Question(therapy, (model,), now=ASKED_H, seed=1))
    assert not [f for f in asked.findings if f.severity == "error"]
    assert asked.known.patient.synthetic
    assert schedule_for(model, asked.known, [ASKED_H]).n_courses == 1  # which refuses where a covariate is missing


def test_a_therapy_by_name_is_made_ready_and_an_unknown_one_is_named() -> None:
    done = CliRunner().invoke(app, ["warm", "ventilator_ards", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["ventilator_ards"] >= 0.0
    assert CliRunner().invoke(app, ["warm", "bed_pool"]).exit_code == 0  # a place has no patient and no model
    assert CliRunner().invoke(app, ["warm", "no_such_therapy"]).exit_code != 0

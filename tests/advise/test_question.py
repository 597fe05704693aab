"""One question, built once: what it refuses; a fact is no parameter of the house, and nobody passes the parts on by hand."""

import ast
from dataclasses import fields, replace
from pathlib import Path

import pytest
from tests.decide.babies import preterm

from dosetwin import formulary, models
from dosetwin.advise import Question, advise
from dosetwin.errors import InputError

SRC = Path(__file__).parents[2] / "src" / "dosetwin"
QUESTION = Question(
    formulary.therapy("amikacin_neonate"), (models.load("amikacin_decock_2012"),), now=26.0, seed=1, draws=200, sensitivity=False
)
CARRIED = {f.name for f in fields(Question)} - {"draws"}
FILES = sorted([*(SRC / "advise").glob("*.py"), *(SRC / "decide").glob("*.py")])
MOST = 3
"""Parts of a question that a function may take one by one; who needs more takes the question."""


def parameters_of(file: Path) -> list[tuple[str, list[str]]]:
    functions = [n for n in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(n, ast.FunctionDef)]
    return [(f.name, [a.arg for a in (*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs)]) for f in functions]


@pytest.mark.parametrize("file", FILES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_a_fact_and_the_parts_of_a_question_are_no_parameters(file: Path) -> None:
    for name, parameters in parameters_of(file):
        assert not {"mic", "MIC"} & set(parameters), f"{name} takes the MIC: it is a fact by its name"
        taken = CARRIED & set(parameters) if file.parent.name == "advise" else set()
        assert len(taken) <= MOST, f"{name} takes {', '.join(sorted(taken))}: hand it the question"


@pytest.mark.parametrize(
    ("change", "part"),
    [({"models": ()}, "needs a model"), ({"facts": {"MIC": -1.0}}, "MIC must be a positive number"), ({"draws": 99}, "draws"),
     ({"told": "wizard"}, "unknown kidney"), ({"told": "filter"}, "filtration")],
)  # fmt: skip
def test_what_it_refuses(change: dict, part: str) -> None:
    with pytest.raises(InputError, match=part):
        advise(preterm(), replace(QUESTION, **change))


def test_its_moment_is_the_last_record_where_it_names_none() -> None:
    last = max(o.time for o in preterm().observations)
    named, unnamed = (advise(preterm(), replace(QUESTION, now=now)) for now in (last, None))
    assert unnamed.now == last
    assert named.recommendation == unnamed.recommendation


def test_the_advice_carries_it_and_a_known_fact_moves_the_answer() -> None:
    known = advise(preterm(), replace(QUESTION, facts={"MIC": 2.0}))
    assert known.question.facts == {"MIC": 2.0}
    assert known.recommendation.provenance["mic_mg_per_L"] == 2.0
    judged = {a.target for a in known.recommendation.candidates[0].attainment}
    assert judged - {a.target for a in advise(preterm(), QUESTION).recommendation.candidates[0].attainment} == {"cmax_mic"}

"""A trial of any therapy: a strange one through everything, its truth by hand, the same for any chunks, honest designs."""

import json
import pickle
import re
from dataclasses import replace

import numpy as np
import pytest

from dosetwin import formulary, models
from dosetwin.cli import run as command
from dosetwin.errors import InputError
from dosetwin.studies import load
from dosetwin.trial import analysis, runner
from dosetwin.trial.therapy import words
from dosetwin.trial.therapy.course import counted, follow
from dosetwin.trial.therapy.design import TherapyDesign
from dosetwin.trial.therapy.truth import patients
from trial.therapy.strange_tablets import DESIGN, files

FLAGSHIP = re.compile(r"amikacin|newborn|\bbab(y|ies)\b|\bGA\b|\bMIC\b|infection|kidney|trough|peak|eradicat", re.IGNORECASE)


@pytest.fixture(scope="module")
def design(tmp_path_factory) -> TherapyDesign:
    found = load(files(tmp_path_factory.mktemp("strange")))
    assert isinstance(found, TherapyDesign)
    return found


def test_a_strange_therapy_goes_through_a_whole_trial(design, tmp_path, capsys):
    where = files(tmp_path)
    out = tmp_path / "out"
    assert command(["trial", where, "-o", str(out)]) == 0
    told = capsys.readouterr().out
    assert "6 virtual patients in every arm" in told
    body = json.loads((out / "summary.json").read_text())
    assert list(body["arms"]) == ["ten", "half", "fixed_15_q24", "twin"]
    assert body["reference"] == "ten"
    assert body["endpoints"]["value"]["text"] == "value where it should be: >= 80 %"
    assert body["endpoints"]["met_second_week"]["better"] == "high"
    assert body["endpoints"]["second_week"]["unit"] == "g/L"
    assert body["arms"]["twin"]["samples"]["mean"] == 3
    assert body["arms"]["ten"]["samples"]["mean"] == 0
    assert body["arms"]["ten"]["amount"]["mean"] == 140
    assert all("low" in d["value"] for d in body["differences"].values())
    for text in (told, (out / "summary.md").read_text(), (out / "report.html").read_text()):
        shown = re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]*>", " ", text, flags=re.DOTALL)
        assert not FLAGSHIP.findall(shown)
    assert "Trial on virtual patients" in (out / "report.html").read_text()
    from dosetwin.serve.web.results import trial_view

    view = trial_view(body)
    assert "virtual patients" in view["lead"]
    assert not FLAGSHIP.findall(json.dumps(view["tables"]))


def test_what_was_true_by_hand(design):
    """Tablets of a fixed order by superposition of the textbook's curve, random effect and allele included."""
    patient = patients(design, 0, 6)[2]
    arm = design.arms[2]
    made = follow(patient, arm)
    assert [d.time for d in made.given] == [24.0 * k for k in range(14)]
    assert {d.amount for d in made.given} == {15.0}
    CL = 5.0 * (1.0 - 0.25 * patient.record.patient.number("CYP2C9_3")) * np.exp(patient.effects[0])
    t = np.linspace(0.0, 336.0, 336 * 20 + 1)
    k, KA, level = CL / 100.0, 1.0, np.zeros(len(t))
    for d in made.given:
        s = np.maximum(t - d.time, 0.0)
        level += d.amount / 100.0 * KA / (KA - k) * (np.exp(-k * s) - np.exp(-KA * s))
    value = 50.0 - 100.0 * level
    found = counted(patient, made)
    inside = (t >= 72.0) & (t <= 168.0)
    share = np.mean((value[inside] >= 25.0) & (value[inside] <= 45.0))
    assert found["value_share_within_25_45_3_7d_of_ALB"] == pytest.approx(share, abs=5e-3)
    assert found["value"] == float(share >= 0.8)
    second = t >= 168.0
    mean = np.trapezoid(value[second], t[second]) / 168.0
    assert found["second_week"] == pytest.approx(mean, rel=2e-3)
    assert found["met_second_week"] == float(25.0 <= mean <= 45.0)


def test_a_result_is_known_when_it_is_back_and_carries_the_residual_error(design):
    patient = patients(design, 0, 6)[1]
    made = follow(patient, design.arms[3])
    assert [o.time for o in made.measured] == [24.0, 72.0, 168.0]
    assert made.decisions == 4
    assert {t for t, _ in made.orders} <= {0.0, 29.0, 77.0, 173.0}
    for k, o in enumerate(made.measured):
        level = patient.true([d for d in made.given if d.time < o.time], np.array([o.time]))[0][0, 1]
        assert o.value == pytest.approx(level * (1.0 + 0.05 * patient.noise[k]), rel=1e-12)
        assert (o.measures, o.unit) == ("ALB", "g/L")
    days = np.array([d.time for d in made.given])
    assert np.all(np.diff(days) >= 24.0 - 1e-9)


def test_a_twin_that_sees_nothing_decides_once_and_rules_that_break_limits_are_counted(design):
    blind = replace(design.arms[3], name="blind", sampled=False)
    over = replace(design.arms[0], name="thirty", policy="rule:thirty")
    other = replace(design, arms=(*design.arms, blind, over))
    patient = patients(other, 0, 1)[0]
    seen, unseen = follow(patient, other.arms[3]), follow(patient, blind)
    assert (unseen.decisions, len(unseen.measured)) == (1, 0)
    assert seen.orders[0] == unseen.orders[0]
    found = counted(patient, follow(patient, over))
    assert (found["limits_broken"], found["amount"]) == (1, 14 * 30.0)
    assert counted(patient, seen)["limits_broken"] == 0


def test_a_rule_that_says_nothing_is_a_failure_with_its_reason(design):
    everybody = replace(design, population={"CYP2C9_3": 2.0})
    table = everybody.table(0, 2).to_pandas()
    half = table[table.arm == "half"]
    assert all("no order to begin with" in x for x in half.failure)
    assert set(table[table.arm != "half"].failure) == {""}


def test_rows_do_not_depend_on_chunks_or_workers(design, tmp_path):
    tables = []
    for k, (size, workers) in enumerate(((4, 1), (6, 1), (1, 3))):
        made = replace(design, chunk=size)
        assert runner.run(made, tmp_path / str(k), workers=workers, by="threads").lost == {}
        tables.append(runner.read(tmp_path / str(k), made))
    assert tables[0].num_rows == 24
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    again = runner.run(design, tmp_path / "0")
    assert (again.kept, again.ran) == (2, 0)
    later = replace(design, first=3, n=2)
    assert later.table(0, 2).slice(0, 8).equals(tables[0].slice(12, 8).combine_chunks())
    found = analysis.results(design, tmp_path / "0")
    assert found.n == 6


@pytest.mark.slow
def test_processes_give_the_same_rows(design, tmp_path):
    runner.run(design, tmp_path / "a")
    runner.run(design, tmp_path / "b", workers=2, by="processes")
    assert runner.read(tmp_path / "a", design).equals(runner.read(tmp_path / "b", design))


def test_the_hash_is_of_what_can_change_a_row(design):
    assert replace(design, n=9, chunk=2, title="x", reference="twin", cuts={"CYP2C9_3": (1.0,)}).hash == design.hash
    assert replace(design, seed=4).hash != design.hash
    assert replace(design, horizon_h=400.0).hash != design.hash
    assert pickle.loads(pickle.dumps(design)).hash == design.hash


def test_a_wrong_model_is_true_and_another_believed(tmp_path):
    text = DESIGN.replace('name = "strange"', 'name = "wrong"') + '\n[truth]\nmodel = "other_model.py"\n'
    where = files(tmp_path, text)
    (tmp_path / "other_model.py").write_text((tmp_path / "strange_model.py").read_text().replace("= 5.0", "= 9.0"))
    found = load(where)
    assert isinstance(found, TherapyDesign)
    assert found.true_model.theta_values[0] == 9.0
    assert found.believed(found.arms[3]).theta_values[0] == 5.0
    assert "other_model" in " ".join(found.how()[1]["said"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('therapy = "strange_therapy.py"', 'therapy = "nothing"', "unknown therapy.*'nothing'"),
        ('therapy = "strange_therapy.py"', 'therapy = "none.py"', "no such file.*'none.py'"),
        ('"rule:ten"', '"rule:nine"', "arm nine: policy.*'nine'.*ten, thirty, half"),
        ('"twin"', '"oracle"', "unknown policy.*'oracle'.*rule:NAME"),
        ('"twin"', '"twin", "twin"', "two arms of one name"),
        ("horizon_d = 14", "horizon_d = 5", "not followed to the end.*>= 168 h"),
        ("horizon_d = 14", "horizon_d = 14\nhorizon_h = 3", "given twice"),
        ("at_d = [1, 3, 7]", "at_d = [-1]", "positive"),
        ("at_d = [1, 3, 7]", 'of = "SCR"\nat_d = [1]', "predicts nothing of what is measured.*'SCR'"),
        ("[population.CYP2C9_3]", "[population.AGE]", "holds no CYP2C9_3, and strange_model needs it"),
        ("[population.CYP2C9_3]", "[population.SHOE]", "unknown fact.*'SHOE'"),
        ("share = 0.4", "share = 1.4", "a share.*1.4"),
        ('kind = "share"', 'kind = "odd"', "unknown kind of spread.*'odd'"),
        ("share = 0.4", "", "needs 'share'"),
        ("seed = 3", "seed = 3\nbabies = 2", "unknown key.*'babies'"),
        ("[sampling]", "[compare]\nreference = \"none\"\n[sampling]", "'none'"),
        ('how = "mean"', 'how = "median"', "readings.. 1: 'how' is of the wrong kind.*'median'"),
    ],
)  # fmt: skip
def test_every_mistake_is_named(tmp_path, old, new, said):
    assert old in DESIGN
    with pytest.raises(InputError, match=said):
        load(files(tmp_path, DESIGN.replace(old, new)))


def test_an_arm_may_follow_one_rule_for_the_first_order_and_another_after_it(design):
    both = replace(design, arms=(replace(design.arms[0], name="both", policy="rule:ten+half"), *design.arms))
    patient = next(p for p in patients(both, 0, 6) if p.record.patient.number("CYP2C9_3") == 1)
    made, ten, half = (follow(patient, arm) for arm in both.arms[:3])
    assert made.given[0].amount == ten.given[0].amount != half.given[0].amount
    assert [d.amount for d in made.given[1:]] == [d.amount for d in half.given[1:]]
    assert "; after the first order " in dict(words.arms(both))["both"]
    with pytest.raises(InputError, match="one rule for the first order"):
        replace(both, arms=(replace(both.arms[0], policy="rule:ten+half+ten"),))


def test_places_are_refused(design):
    place = next(t.name for t in formulary.therapies() if t.kind == "place")
    with pytest.raises(InputError, match="no orders of a place"):
        replace(design, therapy=place)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["warfarin_gage", "vancomycin_auc", "gentamicin_newborns"])
def test_the_shipped_designs_of_therapies_run_on_twenty(name, tmp_path, capsys):
    assert command(["trial", name, "-n", "20", "-o", str(tmp_path / "out"), "--workers", "2"]) == 0
    body = json.loads((tmp_path / "out" / "summary.json").read_text())
    plan = load(name)
    assert isinstance(plan, TherapyDesign)
    assert body["n"] >= 15
    for arm in plan.arms:
        found = body["arms"][arm.name]
        known = {g.code for g in plan.of.goals if not g.reading.over or g.reading.over in plan.known}
        assert {g.code for g in plan.of.goals} & set(found) == known  # nobody knows an MIC: what divides by it is left out
        for goal in (g for g in plan.of.goals if g.code in known):
            assert 0.0 <= found[goal.code]["mean"] <= 1.0
        if arm.policy == "twin":
            assert found["limits_broken"]["mean"] == 0
        assert (found["samples"]["mean"] > 0) == arm.looks_in(plan)
    assert models.load(plan.of.models[0]).name in " ".join(plan.how()[1]["said"])
    print(capsys.readouterr().out)

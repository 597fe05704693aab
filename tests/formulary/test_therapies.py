"""Therapies: found by name, path and entry point; each half-written one a named error with file and line; rules on a table."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dosetwin import formulary
from dosetwin.cli import run
from dosetwin.decide.plans import Plan, enumerate_plans, situation
from dosetwin.declare import Bar, Facts, Says
from dosetwin.errors import InputError, UnknownName
from dosetwin.formulary.vancomycin import VANCOMYCIN_ADULT
from dosetwin.formulary.warfarin import WARFARIN_INR
from dosetwin.records import Covariate, DoseEvent, Patient, Timeline

FILE = '''"""Warfarin by a rule of our own."""

from dosetwin.declare import Everyday, Goal, Limit, Reading, Between, Rule, Says, Therapy, Weekly
from dosetwin.formulary.warfarin import DRUG

MINE = Therapy(
    "mine", DRUG, "adults", ("warfarin_hamberg_2010",), Weekly((1, 10), 0.5),
    goals=(
        Goal("inr", Reading("INR", "mean", Between(7, 14, "d")), 2, 3, source="x"),
    ),
    limits=(Limit("dose", "dose", 1, 10, "mg", source="x"),),
    rules=(Rule("mine_five", "5 mg", "x", "assumed", ("AGE",), lambda facts: Says(5, 24, "all", "")),),
    everyday=Everyday(5, "mg"), typical={"AGE": 60}, source="x",
)
'''
LINE = FILE.splitlines().index("MINE = Therapy(") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (', source="x",\n)', ",\n)", rf"therapy mine \(mine.py:{LINE}\): a therapy needs a source"),
        ("rules=(Rule(", "rules=() and (Rule(", "a therapy needs a rule"),
        ("everyday=Everyday(5, \"mg\"), ", "", "a therapy needs an everyday dose"),
        ('2, 3, source="x"', '2, 3, "mg/L", source="x"', r"goal inr \(mine.py:9\).*unit is not that"),
        ('2, 3, source="x"', "2, 3", r"goal inr \(mine.py:9\).*name its source"),
        ('Reading("INR"', 'Reading("PT"', r"goal inr \(mine.py:9\).*predicts nothing.*'PT'"),
        ('("AGE",)', '("SHOE_SIZE",)', r"rule mine_five \(mine.py:12\).*unknown trait.*'SHOE_SIZE'"),
        ('"dose", 1, 10, "mg"', '"dose", 20, 30, "mg"', r"mine.py:6.*holds no order within the limits"),
        ('"dose", 1, 10, "mg"', '"dose", 1, 10, "g"', r"limit dose \(mine.py:11\).*unit is not that"),
        ('"dose", 1, 10, "mg"', '"height", 1, 10, "mg"', r"limit dose \(mine.py:11\).*unknown number.*'height'"),
        ('"mine", DRUG', '"warfarin_inr", DRUG', "two therapies of one name"),
        ("MINE = Therapy(", "MINE = print(", "drug file fails"),
        ("warfarin_hamberg_2010", "amikacin_neonate", r"mine.py:6.*about different drugs"),
    ],
)  # fmt: skip
def test_a_half_written_file_is_told_its_line(tmp_path: Path, old: str, new: str, said: str):
    file = tmp_path / "mine.py"
    assert old in FILE
    file.write_text(FILE.replace(old, new))
    with pytest.raises(InputError, match=said):
        formulary.therapy(str(file))


def test_a_file_is_found_by_its_path_and_its_name_in_it(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(FILE + '\nfrom dataclasses import replace\n\nOTHER = replace(MINE, name="other")\n')
    with pytest.raises(InputError, match=r"several therapies.*mine, other"):
        formulary.therapy(str(file))
    assert formulary.therapy(f"{file}:other").name == "other"
    with pytest.raises(UnknownName, match="mine, other"):
        formulary.therapy(f"{file}:third")


def test_unknown_names_list_those_there_are():
    with pytest.raises(UnknownName, match=r"amikacin_neonate.*warfarin_inr"):
        formulary.therapy("nope")
    with pytest.raises(UnknownName, match="decock_smits"):
        formulary.rule("nope")


def test_gage_by_hand():
    """65 years, 1.9 m2, one A, no *2 or *3, INR 2.5: exp(0.9751 - 0.3238 + 0.4317 x 1.9 - 0.00745 x 65 + 0.2029 x 2.5)."""
    facts = Facts(AGE=65.0, BSA=1.9, VKORC1_A=1.0, CYP2C9_2=0.0, CYP2C9_3=0.0)
    said = formulary.rule("gage_2008").advise(facts)
    assert isinstance(said, Says)
    assert (said.amount / 7.0, said.interval) == (pytest.approx(4.4569, abs=1e-3), 168.0)
    fewer = formulary.rule("gage_2008").advise(facts.but(VKORC1_A=2.0))
    assert isinstance(fewer, Says)
    assert fewer.amount == pytest.approx(said.amount * 0.72338, rel=1e-4)


def adult(*more: Covariate, doses: tuple[DoseEvent, ...] = ()) -> Timeline:
    facts = {"AGE": 60.0, "WT": 70.0, "SCR": 0.9, **{c.name: c.value for c in more}}
    return Timeline(Patient("adult", sex="male"), doses, (), tuple(Covariate(0.0, k, v) for k, v in facts.items()))


def plans(timeline: Timeline, therapy=VANCOMYCIN_ADULT, now: float = 0.0) -> tuple[Plan, ...]:
    from dosetwin.decide.facts import facts_at
    from dosetwin.decide.plans import ask_rules

    says, _ = ask_rules(therapy.rules, facts_at(timeline, now))
    return enumerate_plans(therapy, situation(timeline, now, None, therapy), says)


def test_an_infusion_runs_as_slowly_as_its_rate_asks():
    for plan in plans(adult()):
        assert max(plan.order.amount, plan.loading or 0.0) / (60.0 * plan.order.duration) <= 15.0 + 1e-9 or plan.violations
    assert any(p.order.duration == 1.0 for p in plans(adult()))
    assert any(p.order.duration > 2.0 for p in plans(adult()))


def test_a_rule_may_begin_with_a_loading_dose():
    first = next(p for p in plans(adult()) if "vancomycin_consensus_2020" in p.rules)
    assert (first.loading, first.order.amount, first.order.interval) == (1750.0, 1000.0, 12.0)
    later = next(p for p in plans(adult(doses=(DoseEvent(-12.0, 1000.0, 1.0),))) if "vancomycin_consensus_2020" in p.rules)
    assert later.loading is None


def test_a_bar_forbids_everything_and_says_why():
    barred = replace(VANCOMYCIN_ADULT, bars=(Bar("dialysis", "DIAL", "not on dialysis", "test", forbids=(1.0,)),))
    on = plans(adult(Covariate(0.0, "DIAL", 1.0)), barred)
    assert {r.code for p in on for r in p.violations} == {"bar_dialysis"}
    assert not any(r.code == "bar_dialysis" for p in plans(adult(Covariate(0.0, "DIAL", 0.0)), barred) for r in p.violations)


def test_a_week_changes_by_a_fifth_at_most():
    given = tuple(DoseEvent(24.0 * k, 5.0) for k in range(8))
    found = plans(adult(doses=given), WARFARIN_INR, now=175.0)
    allowed = [7 * p.order.amount for p in found if not p.violations]
    assert (min(allowed), max(allowed)) == (28.0, 42.0)
    assert all(p.mg_per_kg is None for p in found)


def test_the_list_and_one_therapy_on_the_command_line(capsys: pytest.CaptureFixture):
    assert run(["therapies", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    keys = {"name", "drug", "kind", "population", "models", "readings", "goals", "limits", "bars", "rules", "source"}
    assert {"amikacin_neonate", "vancomycin_adult", "vancomycin_child", "warfarin_inr"} <= {t["name"] for t in listed}
    assert all(keys <= set(t) for t in listed)
    for name in (t["name"] for t in listed):
        assert run(["therapies", name]) == 0
    said = capsys.readouterr().out
    assert "no INR above 4" in said
    assert "De Cock/Smits" in said
    assert run(["therapies", "nope"]) == 2


def test_a_rule_on_a_table(tmp_path: Path, capsys: pytest.CaptureFixture):
    data, out = tmp_path / "babies.csv", tmp_path / "said.csv"
    data.write_text("NAME,KG,PNA,IBU\na,0.9,2,0\nb,0.9,2,1\nc,2.5,40,0\nd,,2,0\n")
    assert run(["rule", "decock_smits", str(data), "--map", "WT=KG", "-o", str(out)]) == 0
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [(r["NAME"], r["AMOUNT"], r["DOSE"], r["INTERVAL_H"]) for r in rows[:2]] == [
        ("a", "16", "14.4", "42"), ("b", "16", "14.4", "52"),
    ]  # fmt: skip
    assert "30 d" in rows[2]["WHY_NOT"]
    assert "needs WT" in rows[3]["WHY_NOT"]
    capsys.readouterr()
    assert run(["rule", "nope", str(data)]) == 2
    assert run(["rule", "decock_smits", str(data), "--map", "WT=SHOE"]) == 2
    data.write_text("PNA,WT\nold,1\n")
    assert run(["rule", "decock_smits", str(data)]) == 2
    assert "babies.csv:2" in capsys.readouterr().err


def test_no_bar_takes_what_nobody_knows_for_a_no():
    """Every bar of every therapy asks for its fact, once a therapy; what is known is not asked."""
    asked = {(t.name, f.code): f for t in formulary.therapies() for b in t.bars if (f := b.asked(Facts(), begun=False))}
    bars = {(t.name, f"{b.code}_not_known") for t in formulary.therapies() for b in t.bars}
    assert set(asked) == bars
    assert all(f.message.startswith("not known: ") for (_, code), f in asked.items() if code in ("creatinine", "under_two"))
    told = {b.fact: 0.0 for t in formulary.therapies() for b in t.bars}
    known = Facts({**told, "SEX": 1.0, "AGE": 30.0, "WT": 70.0, "HT": 170.0, "SCR": 0.9})
    assert not [t.name for t in formulary.therapies() for b in t.bars if b.asked(known, begun=False)]
    hla = asked["carbamazepine_epilepsy", "hla_b_1502_not_known"]
    assert hla.severity == "warning"
    assert "before the first dose" in hla.message
    assert asked["amikacin_neonate", "mt_rnr1_not_known"].severity == "info"
    genes = [b for t in formulary.therapies() for b in t.bars if b.code.startswith(("hla", "mt_"))]
    assert not [b for b in genes if b.asked(Facts(), begun=True)]


def test_what_a_pregnancy_bars_asks_a_woman_for_it():
    barred = {t.name: b for t in formulary.therapies() for b in t.bars if b.fact == "PREGNANT"}
    assert {"valproate_epilepsy", "valproate_child", "warfarin_inr"} <= set(barred)
    for name, bar in barred.items():
        for facts in ({"SEX": 0.0, "AGE": 14.0}, {"SEX": "female"}, {"AGE": 30.0}, {}):
            found = bar.asked(Facts(facts), begun=True)
            assert found is not None, (name, facts)
            assert found.code == "pregnancy_not_known"
        for facts in ({"SEX": "male", "AGE": 30.0}, {"SEX": 0.0, "AGE": 70.0}, {"SEX": 0.0, "AGE": 30.0, "PREGNANT": 0.0}):
            assert not bar.asked(Facts(facts), begun=False), (name, facts)


def test_a_stored_therapy_keeps_whom_its_limits_bind_and_how_its_bars_count():
    """What is a function and in no JSON is that of the listed therapy: else both limits of a schedule would bind at once."""
    for name, facts in (("cisplatin_solid_tumour", {}), ("lithium_bipolar", {"SCR": 0.9, "AGE": 40.0, "WT": 70.0, "SEX": 1.0})):
        listed = formulary.therapy(name)
        stored = formulary.therapy_from_json(json.loads(json.dumps(listed.to_json() | {"note": "as of another day"})))
        assert stored.note == "as of another day"
        known = Facts(facts)
        assert [x.binds(known) for x in stored.limits] == [x.binds(known) for x in listed.limits]
        assert [b.forbidden(known) for b in stored.bars] == [b.forbidden(known) for b in listed.bars]
        assert [b.asked(known, False) for b in stored.bars] == [b.asked(known, False) for b in listed.bars]

"""Standard rules against their tables, computed by hand."""

import pytest

from decide.babies import baby
from dosetwin import formulary
from dosetwin.decide.facts import facts_at
from dosetwin.declare import Facts, Says
from dosetwin.errors import UnknownName
from dosetwin.records import Covariate


def facts(WT=1.0, GA=28.0, PNA=2.0, **flags):
    return Facts(WT=WT, GA=GA, PMA=GA + PNA / 7, PNA=PNA, **flags)


@pytest.mark.parametrize(
    ("name", "given", "dose", "interval"),
    [
        ("decock_smits", facts(0.79), 16, 48),
        ("decock_smits", facts(0.8), 16, 42),
        ("decock_smits", facts(1.2), 15, 36),
        ("decock_smits", facts(2.0), 13, 30),
        ("decock_smits", facts(2.8), 12, 24),
        ("decock_smits", facts(4.0), 12, 24),
        ("decock_smits", facts(0.79, PNA=14), 20, 42),
        ("decock_smits", facts(1.19, PNA=14), 20, 36),
        ("decock_smits", facts(1.9, PNA=20), 19, 30),
        ("decock_smits", facts(2.7, PNA=20), 18, 24),
        ("decock_smits", facts(3.0, PNA=13.9), 12, 24),
        ("decock_smits", facts(3.0, PNA=30), 17, 20),
        ("decock_smits", facts(1.1, IBU=1.0), 16, 52),
        ("decock_smits", facts(3.3, ASPHYXIA=1.0), 12, 34),
        ("decock_smits", facts(3.3, ASPHYXIA=1.0, IBU=1.0), 12, 34),
        ("smits_path", facts(3.3, ASPHYXIA=1.0, COOLING=1.0), 12, 36),
        ("neofax", facts(GA=29.0, PNA=2), 18, 48),
        ("neofax", facts(GA=29.9, PNA=0), 18, 48),
        ("neofax", facts(GA=27, PNA=8), 15, 36),
        ("neofax", facts(GA=25, PNA=29), 15, 24),
        ("neofax", facts(GA=30, PNA=7.9), 18, 36),
        ("neofax", facts(GA=32, PNA=8), 15, 24),
        ("neofax", facts(GA=34.9, PNA=0), 18, 36),
        ("neofax", facts(GA=35, PNA=0), 15, 24),
        ("neofax", facts(GA=34, PNA=7.5), 15, 24),
        ("bnfc", facts(), 15, 24),
        ("bnfc", Facts(), 15, 24),
        ("red_book", facts(GA=29.9, PNA=14), 15, 48),
        ("red_book", facts(GA=29, PNA=15), 15, 24),
        ("red_book", facts(GA=30, PNA=1), 15, 24),
        ("red_book", facts(GA=35, PNA=7), 15, 24),
        ("red_book", facts(GA=40, PNA=8), 17.5, 24),
    ],
)
def test_table(name, given, dose, interval):
    says = formulary.rule(name).advise(given)
    assert isinstance(says, Says)
    assert (says.amount, says.interval) == (dose, interval)


@pytest.mark.parametrize(
    ("name", "given", "part"),
    [
        ("decock_smits", facts(PNA=31), "30 d"),
        ("decock_smits", Facts(WT=1.0), "needs PNA"),
        ("smits_path", facts(), "cooling only"),
        ("neofax", Facts(WT=1.0), "PMA and PNA"),
        ("bnfc", facts(PNA=29), "28 d"),
        ("red_book", facts(PNA=29), "28 d"),
        ("red_book", Facts(PNA=1.0), "needs GA"),
    ],
)
def test_a_rule_that_does_not_apply_says_why(name, given, part):
    answer = formulary.rule(name).advise(given)
    assert isinstance(answer, str)
    assert part in answer


def test_every_rule_has_source_and_provenance():
    assert all(r.source and r.provenance and r.title for r in formulary.rules().values())
    with pytest.raises(UnknownName):
        formulary.rule("guess")


def test_facts_follow_the_clock_and_the_latest_record():
    timeline = baby(GA=29, BW=1.13, PNA=1.0, WT=1.1).append(Covariate(20.0, "WT", 1.08), Covariate(10.0, "IBU", 1.0))
    early, late = facts_at(timeline, 5.0), facts_at(timeline, 24.0)
    assert (early.WT, early.on("IBU")) == (1.1, False)
    assert (late.WT, late.on("IBU")) == (1.08, True)
    assert pytest.approx(2.0) == late.PNA
    assert pytest.approx(29 + 2 / 7) == late.PMA
    no_calendar = facts_at(baby(PNA=3.0, origin=None), 12.0)
    assert pytest.approx(3.5) == no_calendar.PNA

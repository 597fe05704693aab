"""A drug is a file: every listed one is whole, and one of your own is found by its path or its package."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from dosetwin import formulary
from dosetwin.declare import packages
from dosetwin.declare.drug import drug
from dosetwin.errors import InputError, ModelError, UnknownName
from dosetwin.quantities import QUANTITIES

MINE = """
from dosetwin.declare.drug import drug
DRUG = drug("phenytoin", molar_mass=252.27, one_dose=(0.5, 30.0, "mg/kg"), rxnorm="8183", atc=("N03AB02",))
"""


@pytest.fixture(autouse=True)
def _as_before():
    """What a test gives by path or package is gone after it."""
    yield
    formulary._given.clear()
    formulary.list_anew()
    formulary._installed.cache_clear()


@pytest.mark.parametrize("d", formulary.drugs(), ids=lambda d: d.name)
def test_every_listed_drug_is_whole(d):
    assert d.rxnorm.isdecimal()
    assert d.atc
    assert all(r.flag in QUANTITIES and QUANTITIES[r.flag].flag and r.source for r in d.raises)
    if d.followed:
        assert d.level is not None
        assert d.one_dose is not None
        assert d.one_dose.source
        low, high = d.one_dose.usual
        assert d.one_dose.low <= low < high <= d.one_dose.high
        assert 0 <= d.long_h <= d.longest_h


def test_no_name_or_code_means_two_drugs():
    for what in (
        lambda d: d.names,
        lambda d: (d.rxnorm,),
        lambda d: d.atc,
        lambda d: [c.code for c in d.level.loinc] if d.level else (),
    ):
        listed = [x for d in formulary.drugs() for x in what(d)]
        assert len(listed) == len(set(listed))


def test_a_level_is_measured_as_any_quantity_is():
    assert formulary.measured("amikacin").unit == "mg/L"
    assert formulary.measured("INR").unit == "1"
    with pytest.raises(UnknownName, match="amikacin"):
        formulary.measured("ibuprofen")


def test_a_file_of_your_own_is_listed_once_it_is_given(tmp_path: Path):
    path = tmp_path / "my_drug.py"
    path.write_text(MINE.replace("phenytoin", "lacosamide"))
    assert "lacosamide" not in formulary.followed()
    assert formulary.drug(str(path)).name == "lacosamide"
    assert "lacosamide" in formulary.followed()
    assert formulary.measured("lacosamide").units["umol/L"] == pytest.approx(0.25227)
    path.write_text(MINE.replace("phenytoin", "amikacin"))
    with pytest.raises(InputError, match="two drugs of one name"):
        formulary.drug(str(path))


def test_a_listed_drug_that_gives_way_leaves_its_name_to_a_file_of_your_own(tmp_path: Path):
    path = tmp_path / "phenytoin.py"
    path.write_text(MINE)
    assert not formulary.replaced("phenytoin")
    assert "phenytoin_epilepsy" in [t.name for t in formulary.therapies()]
    mine = formulary.drug(str(path))
    assert formulary.drug("phenytoin") is mine
    assert formulary.replaced("phenytoin")
    assert formulary.by_name()["phenytoin"] is mine
    assert "phenytoin_epilepsy" not in [t.name for t in formulary.therapies()]


@pytest.mark.parametrize(
    ("text", "says"),
    [("DRUG = 1", "without DRUG"), ("import nothing_of_that_name", "ModuleNotFoundError"), ("DRUG = (", "SyntaxError")],
)
def test_a_half_written_file_is_named(tmp_path: Path, text: str, says: str):
    path = tmp_path / "half.py"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as told:
        formulary.drug(str(path))
    assert "half.py" in str(told.value)


def test_a_package_brings_its_drug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "their_phenytoin.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    theirs = [EntryPoint("phenytoin", "their_phenytoin", formulary.GROUP)]
    monkeypatch.setattr(packages, "entry_points", lambda group: theirs)
    formulary.list_anew()
    formulary._installed.cache_clear()
    assert "phenytoin" in formulary.followed()
    theirs[0] = EntryPoint("amikacin", "their_phenytoin", formulary.GROUP)
    formulary._installed.cache_clear()
    with pytest.raises(InputError, match="two drugs of one name"):
        formulary.names()


@pytest.mark.parametrize(
    ("more", "says"),
    [({"unit": "drops"}, "unit"), ({"one_dose": (5.0, 1.0, "mg")}, "low < high"), ({"one_dose": (1.0, 5.0, "g")}, "mg, mg/kg"),
     ({"measured": False, "molar_mass": 300.0}, "not measured")],
)  # fmt: skip
def test_what_does_not_fit_together_is_told(more, says):
    with pytest.raises(ModelError, match=says):
        drug("x", **more)
    with pytest.raises(ModelError, match="lower case"):
        drug("X")


def test_what_cpic_forbids_is_barred_in_every_therapy_of_the_drug():
    """A drug's file that forgets the bar would dose a baby with a variant of MT-RNR1: bars=bars(AMINOGLYCOSIDES)."""
    from dosetwin.formulary._genetics import BY_DRUG

    for t in formulary.therapies():
        wanted = {g.trait: set(g.values) for g in BY_DRUG.get(t.drug.name, ()) if g.bars}
        for trait, values in wanted.items():
            held = {v for b in t.bars if b.fact == trait for v in b.forbids}
            assert values <= held, f"{t.name} orders {t.drug.name} whatever {trait} is"

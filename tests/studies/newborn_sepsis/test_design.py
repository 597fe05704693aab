"""Designs: read from TOML, refused whole with the key and what is allowed, and the shipped ones sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dosetwin.errors import DosetwinError, InputError, UnknownName
from dosetwin.studies import load, read, shipped, told
from dosetwin.studies.newborn_sepsis.design import Design, fixed

GOOD = """
name = "x"
n = 3
seed = 1
[truth]
model = "shifted"
pack = "auc_driven"
[sampling]
scheme = "rich"
turnaround_h = 4
[compare]
reference = "a"
[[arms]]
name = "a"
policy = "neofax"
[[arms]]
name = "b"
policy = "mpc"
draws = 32
kidney = "filter"
"""


def test_a_design_is_read_with_its_defaults():
    d = read(GOOD)
    assert (d.n, d.truth, d.truth_pack, d.believed_pack, d.first_arm) == (3, "shifted", "auc_driven", "auc_driven", "a")
    assert (d.sampling.turnaround_h, d.sampling.creatinine_every_h) == (4.0, 24.0)
    assert d.arm("b").draws == 32
    assert (d.arm("a").adaptive, d.arm("b").adaptive) == (False, True)
    assert d.course.end == 168.0
    assert len(d.hash) == 64


@pytest.mark.parametrize(
    ("change", "with_", "says"),
    [
        ('policy = "mpc"', 'policy = "magic"', r"arm b: policy.*'magic'.*allowed: .*mpc"),
        ('model = "shifted"', 'model = "real"', r"truth\.model.*'real'.*as_believed"),
        ('pack = "auc_driven"', 'pack = "evil"', r"pack.*'evil'.*peak_driven"),
        ('scheme = "rich"', 'scheme = "often"', r"sampling\.scheme.*'often'.*practice"),
        ('reference = "a"', 'reference = "z"', r"'z'.*allowed: a, b"),
        ("n = 3", "n = 0", r"n: an empty cohort.*found 0"),
        ("n = 3", "n = 'many'", r"n: wrong kind.*a whole number"),
        ("n = 3", "n = true", r"wrong kind"),
        ("seed = 1", "", r"missing key|seed"),
        ("seed = 1", "seed = -4", r"negative.*-4"),
        ("turnaround_h = 4", "turnaround = 4", r"unknown key.*turnaround.*allowed: scheme"),
        ('name = "b"', 'name = "a"', r"two arms of one name"),
        ('kidney = "filter"', 'kidney = "liver"', r"kidney.*'liver'.*learned"),
        ("draws = 32", "draws = 9999999", r"draws 0 to 5000"),
        ("[compare]", "[compares]", r"unknown key.*compares.*compare"),
        ('reference = "a"', 'pareto = ["loss"]', r"two endpoints"),
        ('reference = "a"', 'subgroups = ["hair"]', r"subgroup.*'hair'.*GA"),
        ("name = \"x\"", 'name = "x"\nendpoints = ["glory"]', r"endpoint.*'glory'.*both_last"),
        ("name = \"x\"", 'name = "x"\nhorizon_h = 0', r"times must be positive"),
        ("name = \"x\"", 'name = "x"\nchunk = 0', r"chunk.*found 0"),
        ("[compare]", '[loss]\nglory = 1.0\n[compare]', r"unknown key.*glory"),
        ("[truth]", "[truth", r"not TOML"),
        ("[[arms]]", "[[army]]", r"unknown key.*army"),
    ],
)  # fmt: skip
def test_a_wrong_design_is_refused_naming_the_key_and_what_is_allowed(change, with_, says):
    assert change in GOOD
    with pytest.raises(InputError, match=says):
        read(GOOD.replace(change, with_))


def test_a_design_without_arms_or_with_a_wrong_claim_is_refused():
    with pytest.raises(InputError, match="arms"):
        read('name = "x"\nn = 1\nseed = 1\narms = []')
    claim = '\n[[claims]]\narm = "a"\nagainst = "b"\nendpoint = "loss"\nkind = "maybe"\nvalue = 0'
    with pytest.raises(InputError, match=r"kind.*maybe.*at_least"):
        read(GOOD + claim)
    with pytest.raises(InputError, match="missing key"):
        read(GOOD + claim.replace('kind = "maybe"\n', ""))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    said = ""
    try:
        made: Design | None = read(text)
    except DosetwinError as error:
        made, said = None, str(error)
    assert (made is not None) or (said and "\n" not in said)


def test_the_hash_is_of_what_can_change_a_result():
    d = read(GOOD)
    assert d.with_n(500).hash == d.hash
    assert read(GOOD.replace('reference = "a"', 'reference = "b"')).hash == d.hash
    assert d.with_n(seed=2).hash != d.hash
    assert read(GOOD.replace("turnaround_h = 4", "turnaround_h = 5")).hash != d.hash


def test_fixed_regimens_are_names():
    assert fixed("fixed_15_q48") == (15.0, 48.0)
    assert fixed("fixed_17.5_q36") == (17.5, 36.0)
    assert fixed("fixed_25_once") == (25.0, float("inf"))
    assert fixed("fixed_99_q24") is None
    assert fixed("fixed_15_q1") is None


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_design_is_sound(name):
    d = load(name)
    assert d.name == name
    assert d.n >= 20


def test_unknown_designs_name_the_shipped_ones(tmp_path):
    with pytest.raises(InputError, match="quick"):
        load("nothing")
    with pytest.raises(InputError, match="no such design"):
        load(str(tmp_path / "x.toml"))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot be read"):
        load(str(tmp_path / "bytes.toml"))


def test_a_design_may_name_its_study_and_a_strange_one_is_refused():
    assert read('study = "newborn_sepsis"\n' + GOOD) == read(GOOD)
    with pytest.raises(UnknownName, match="newborn_sepsis"):
        read('study = "os"\n' + GOOD)
    with pytest.raises(UnknownName):
        told({"design": {"study": "os"}})
    assert told({"design": {}}).who[2] == "newborns"

"""Files that are bombs: refused in words, at once."""

from pathlib import Path

import pytest

from dosetwin.errors import InputError
from dosetwin.io.wards import read_wards
from dosetwin.outcomes.operation import read_plan
from dosetwin.studies import read
from dosetwin.twins.automata.under_test import UnderTest

DEEP = "a=" + "[" * 20_000 + "]" * 20_000
LONG = "a=" + "9" * 6_000


@pytest.mark.parametrize("bomb", [DEEP, LONG])
def test_toml_too_deep_or_a_number_too_long_is_refused_by_name(tmp_path: Path, bomb: str) -> None:
    file = tmp_path / "bomb.toml"
    file.write_text(bomb)
    for reader in (read_wards, read_plan):
        with pytest.raises(InputError, match="not TOML") as told:
            reader(file)
        assert told.value.where == "bomb.toml"
    with pytest.raises(InputError, match="not TOML"):
        read(bomb)


def test_a_ward_file_cannot_make_an_answer_endless(tmp_path: Path) -> None:
    file = tmp_path / "wards.toml"
    file.write_text('[NICU.amikacin]\ndilution = "5 mg/mL"\nsyringes = [[50, 0.0000001]]\n')
    with pytest.raises(InputError, match="finer than any"):
        read_wards(file)


def test_a_device_that_wakes_at_a_number_beyond_all_never_wakes() -> None:
    assert UnderTest(lambda t, event: {"wake": 10**400}).due() == float("inf")

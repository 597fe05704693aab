"""Every sentence has a translation in every language, and every translation a sentence; the remedy stands in what fails."""

import pytest

from dosetwin import words
from dosetwin.words.catalogue import catalogue
from words import gather

OTHERS = tuple(k for k in words.LANGUAGES if k != "en")
REMEDY = "run python tests/words/gather.py and fill in what it names (docs/languages.md)"


@pytest.mark.parametrize("name", OTHERS)
def test_a_catalogue_is_whole(name):
    had, wanted = gather.translated(name), gather.messages()
    assert set(had) == set(wanted), f"{name}: {sorted(set(had) ^ set(wanted))[:5]}; {REMEDY}"
    empty = [k for k, said in had.items() if not said or (isinstance(said, tuple) and not all(said))]
    assert not empty, f"{name} has no translation of {empty[:5]}; {REMEDY}"
    # every sentence is used: none was left out for other places, for being doubtful or for being empty
    assert set(catalogue(name).entries) == set(wanted), sorted(set(wanted) - set(catalogue(name).entries))[:5]


def test_the_template_is_up_to_date():
    assert gather.LOCALES.joinpath("dosetwin.pot").read_bytes() == gather.template(), REMEDY

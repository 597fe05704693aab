"""What every test may ask for: the shared reference folder, a reproducible hypothesis; and which are slow by what they need."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
BROWSER = Path(__file__).resolve().parent / "browser"
OTHERS = frozenset({"postgres", "broker", "fhir_server", "peer"})
"""Fixtures that start somebody else's server."""
MEASURED = frozenset((ROOT / "tests" / "slow.txt").read_text(encoding="utf-8").splitlines())
"""Tests seen to take more than about half a second of processor time, so that the fast part stays under three minutes."""

# The first example of a test may compile a kernel: no deadline, and slow is not unhealthy. Every run draws the same examples, so
# that red means a change; a hunt, started by hand, draws others each time: DOSETWIN_HYPOTHESIS=hunt python3 dev.py test ...
settings.register_profile(
    "steady", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None, print_blob=True
)
settings.register_profile("hunt", deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
settings.load_profile(os.environ.get("DOSETWIN_HYPOTHESIS", "steady"))


@pytest.hookimpl(tryfirst=True)  # before -m is looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fast part asks for nobody else's programs: no browser, broker or npm server, and of the databases the one in a file."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        database = parameters.params.get("database_url") if parameters else None
        asked = OTHERS.intersection(getattr(item, "fixturenames", ()))
        if asked or database == "postgresql" or BROWSER in item.path.parents or item.nodeid in MEASURED:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", autouse=True)
def listed() -> Iterator[None]:
    """Drugs of files given by path are listed for the length of a process: here, of a file of tests, so that no order matters."""
    from dosetwin import formulary

    before = dict(formulary._given)  # what is given is given for good; only tests take it back
    yield
    if formulary._given != before:
        formulary._given.clear()
        formulary._given.update(before)
        formulary.list_anew()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference answers, from DOSETWIN_SHARED or `shared` beside the repository; the test is skipped without it."""
    named = os.environ.get("DOSETWIN_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder.name!r} of reference answers: set DOSETWIN_SHARED or put it beside the repository")
    return folder

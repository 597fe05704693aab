"""What every test may ask for: the shared reference folder, and a reproducible hypothesis."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# The first example of a test may compile a kernel: no deadline, and slow is not unhealthy. CI draws the same examples every time.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference answers, from DOSETWIN_SHARED or `shared` beside the repository; the test is skipped without it."""
    named = os.environ.get("DOSETWIN_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder.name!r} of reference answers: set DOSETWIN_SHARED or put it beside the repository")
    return folder

"""Every check on every listed model; a model file of your own joins through DOSETWIN_MODELS=my_model.py (";" between files)."""

import os
from pathlib import Path

import pytest

from conformance.checks import CHECKS, Check
from dosetwin import models

OWN = tuple(p for p in os.environ.get("DOSETWIN_MODELS", "").split(";") if p)
SATURABLE = str(Path(__file__).with_name("saturable_model.py"))
"""Elimination by Michaelis and Menten, which no listed model has yet."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", [*models.names(), SATURABLE, *OWN], ids=lambda n: Path(n).stem)
def test_model(name: str, check: Check) -> None:
    check(models.load(name))

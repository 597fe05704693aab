"""Every check on every listed model; a model file of your own joins through DOSETWIN_MODELS=my_model.py (";" between files)."""

import os

import pytest

from conformance.checks import CHECKS, Check
from dosetwin import models

OWN = tuple(p for p in os.environ.get("DOSETWIN_MODELS", "").split(";") if p)


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", [*models.names(), *OWN])
def test_model(name: str, check: Check) -> None:
    check(models.load(name))

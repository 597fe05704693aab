"""Every check on every listed model; a model file of your own joins through DOSETWIN_MODELS=my_model.py (";" between files)."""

import os
from pathlib import Path

import pytest

from conformance.checks import CHECKS, Check
from dosetwin import models
from dosetwin.declare.channels import CHANNELS
from dosetwin.declare.told import effect_told

OWN = tuple(p for p in os.environ.get("DOSETWIN_MODELS", "").split(";") if p)
SATURABLE = str(Path(__file__).with_name("saturable_model.py"))
"""Elimination by Michaelis and Menten, which no listed model has yet."""

TOLD = tuple(f"{n}_{c.by}" for n in models.names() for c in CHANNELS.values() if effect_told(models.load(n), c.name))
"""Listed models with an effect told from outside: models like any other."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", [*models.names(), *TOLD, SATURABLE, *OWN], ids=lambda n: Path(n).stem)
def test_model(name: str, check: Check) -> None:
    check(models.load(name))

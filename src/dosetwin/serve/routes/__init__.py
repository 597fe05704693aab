"""The routes, listed in one place; those of the page, FHIR, CDS Hooks and live data join when their modules exist."""

from importlib import import_module
from importlib.util import find_spec

from fastapi import APIRouter

API = "/api/v1"
OURS = (
    "session",
    "patients",
    "merges",
    "cases",
    "outlook",
    "events",
    "advice",
    "together",
    "places",
    "models",
    "rejected",
    "audit_trail",
    "export",
    "login",
    "operations",
)
"""Modules of this folder, each with a ``router`` below ``API`` (``operations`` has its own paths)."""
ROOT = ("login", "operations")
OTHERS = (
    "dosetwin.serve.web.pages",
    "dosetwin.serve.fhir.routes",
    "dosetwin.serve.cds.routes",
    "dosetwin.serve.live.routes",
    "dosetwin.serve.smart.routes",
)
"""Modules with a ``router`` that carries its whole paths."""


def _exists(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def routers() -> list[tuple[APIRouter, str]]:
    """(router, prefix) of everything that is there."""
    found = [(import_module(f"{__name__}.{name}").router, "" if name in ROOT else API) for name in OURS
             if _exists(f"{__name__}.{name}")]  # fmt: skip
    return found + [(import_module(name).router, "") for name in OTHERS if _exists(name)]

"""Model cards: what the twins rest on."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from dosetwin.serve.access import The, Who
from dosetwin.serve.problems import Problem, wrong

router = APIRouter(tags=["models"])


@router.get("/models")
def list_models(service: The, who: Who) -> dict[str, Any]:
    """The models, and which one each therapy here is asked with; ``in_use`` that of the usual therapy."""
    from dosetwin.serve.twins import model_named, model_names

    service.reach(who).need("models")
    found = [model_named(name) for name in model_names()]
    said = [{"name": m.name, "title": m.title, "drug": m.drug, "population": m.population} for m in found]
    used = {f.name: f.model for f in service.installed.followed}
    return {"in_use": service.installed.first.model, "of_therapies": used, "models": said}


@router.get("/therapies")
def list_therapies(service: The, who: Who) -> dict[str, Any]:
    """The therapies installed here, the usual one first: goals, limits, rules and sources of each."""
    service.reach(who).need("models")
    return {"therapies": [f.policy | {"model": f.model} for f in service.installed.followed],
            "usual": {ward: list(names) for ward, names in service.installed.usual.items()}}  # fmt: skip


@router.get("/therapies/{name}")
def therapy_card(name: Annotated[str, Path(max_length=100)], service: The, who: Who) -> dict[str, Any]:
    """One therapy installed here."""
    service.reach(who).need("models")
    names = service.installed.names
    if name not in names:
        raise Problem(404, "not_found", "no such therapy here", [wrong("therapy", "name", name, ", ".join(names))])
    found = service.installed[name]
    return found.policy | {"model": found.model}


@router.get("/models/{name}")
def model_card(name: Annotated[str, Path(max_length=100)], service: The, who: Who) -> dict[str, Any]:
    """One model's card: equations, parameters with sources, where it may be used."""
    from dosetwin.report.card import card
    from dosetwin.serve.twins import model_hash, model_named, model_names

    service.reach(who).need("models")
    if name not in model_names():
        raise Problem(404, "not_found", "no such model", [wrong("model", "name", name, ", ".join(model_names()))])
    return card(model_named(name)) | {"hash": model_hash(name)}

"""Model cards: what the twins rest on."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from dosetwin.serve.access import The, Who
from dosetwin.serve.problems import Problem, wrong

router = APIRouter(tags=["models"])


@router.get("/models")
def list_models(service: The, who: Who) -> dict[str, Any]:
    """The models, and which one the service uses."""
    from dosetwin import models
    from dosetwin.serve.twins import model_named

    service.reach(who).need("models")
    found = [model_named(name) for name in models.names()]
    said = [{"name": m.name, "title": m.title, "drug": m.drug, "population": m.population} for m in found]
    return {"in_use": service.settings.model, "models": said}


@router.get("/models/{name}")
def model_card(name: Annotated[str, Path(max_length=100)], service: The, who: Who) -> dict[str, Any]:
    """One model's card: equations, parameters with sources, where it may be used."""
    from dosetwin import models
    from dosetwin.report.card import card
    from dosetwin.serve.twins import model_hash, model_named

    service.reach(who).need("models")
    if name not in models.names():
        raise Problem(404, "not_found", "no such model", [wrong("model", "name", name, ", ".join(models.names()))])
    return card(model_named(name)) | {"hash": model_hash(name)}

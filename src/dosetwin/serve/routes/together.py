"""Two orders of one patient chosen together."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from dosetwin.serve import pair
from dosetwin.serve.access import The, Who
from dosetwin.serve.routes.patients import PatientId
from dosetwin.serve.store.facts import Name

router = APIRouter(tags=["advice"])


class Two(BaseModel):
    """The two therapies, by name."""

    model_config = ConfigDict(extra="forbid")

    therapy: Annotated[Name | None, Field(description="A therapy installed here; left out: the patient's first.")] = None
    beside: Annotated[Name, Field(alias="with", description="The other one, of another drug.")]


@router.post("/patients/{patient}/pair")
def together(patient: PatientId, two: Two, service: The, who: Who) -> dict[str, Any]:
    """The pair of orders of lowest expected loss, beside what each would be by itself. Takes seconds; nothing is stored."""
    return pair.to_json(pair.chosen_together(service, who, patient, two.therapy, two.beside))

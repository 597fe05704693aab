"""Facts about a place, a closed shape per kind: beds opened, visits seen, and since when everybody who came is on record."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dosetwin.serve.store.facts import Body, Name, Text

MOST_BEDS = 5000


class BedsOpen(Body):
    """From then on so many beds are open. ``advised``: what the twin had recommended; ``text``: why another number."""

    kind: Literal["beds_open"]
    beds: Annotated[int, Field(ge=0, le=MOST_BEDS, strict=True)]
    advised: Annotated[int, Field(ge=0, le=MOST_BEDS, strict=True)] | None = None
    text: Text = ""


class VisitSeen(Body):
    """One thing seen of one visit; its ``name`` is the sender's own, and identifies nobody."""

    kind: Literal["visit_seen"]
    name: Name
    what: Literal["asked", "admitted", "left", "refused"]


class WatchBegan(Body):
    """From then on everybody who comes is on record. ``by``: the visits told, or the patients followed on that ward."""

    kind: Literal["watch_began"]
    by: Literal["told", "patients"] = "told"


class WatchEnded(Body):
    """From then on not everybody who comes is on record."""

    kind: Literal["watch_ended"]


class TakenBack(Body):
    """An ``event`` of this place was wrong, and why; both stay on record."""

    kind: Literal["taken_back"]
    event: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")]
    text: Annotated[Text, Field(min_length=3)]


AnyBody = Annotated[BedsOpen | VisitSeen | WatchBegan | WatchEnded | TakenBack, Field(discriminator="kind")]


class NewPlaceFact(BaseModel):
    """One fact about a place: when it happened, what, and the key of the message it came from (the same key is stored once)."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    source_key: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    body: AnyBody

    def canonical(self) -> dict[str, Any]:
        """The body as it is stored."""
        return self.body.canonical()


def subject(ward: str) -> str:
    """What a ward's facts are filed under: no patient has such an id."""
    return "place:" + hashlib.sha256(ward.encode()).hexdigest()[:30]

"""Facts about a place, a closed shape per kind: what was opened, visits seen, since when everybody who came is on record."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dosetwin.serve.store.facts import Body, Name, Text

MOST = 5000
"""Beds or whatever a pool is of."""
COUNT = Field(ge=0, le=MOST, strict=True)


class Opened(Body):
    """From then on so many are open, of what the place's pool is of. ``advised``: what the twin had recommended; ``advice``: the
    id of the answer that was kept of it; ``text``: why another number."""

    kind: Literal["opened"]
    number: Annotated[int, COUNT]
    advised: Annotated[int, COUNT] | None = None
    advice: Annotated[str, Field(pattern=r"^[0-9a-f-]{36}$")] | None = None
    text: Text = ""


class BedsOpen(Body):
    """The same of beds, as senders said it before a pool could be of anything else."""

    kind: Literal["beds_open"]
    beds: Annotated[int, COUNT]
    advised: Annotated[int, COUNT] | None = None
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


AnyBody = Annotated[Opened | BedsOpen | VisitSeen | WatchBegan | WatchEnded | TakenBack, Field(discriminator="kind")]


class NewPlaceFact(BaseModel):
    """One fact about a place: when it happened, what, and the key of the message it came from (the same key is stored once)."""

    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime
    source_key: Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")] | None = None
    body: AnyBody

    def canonical(self) -> dict[str, Any]:
        """The body as it is stored."""
        return self.body.canonical()


def number_open(fact: Mapping[str, Any]) -> int | None:
    """How many a fact says are open from then on; None of any other fact."""
    name = {"opened": "number", "beds_open": "beds"}.get(fact["kind"])
    return None if name is None else int(fact["body"][name])


def subject(ward: str) -> str:
    """What a ward's facts are filed under: no patient has such an id."""
    return "place:" + hashlib.sha256(ward.encode()).hexdigest()[:30]

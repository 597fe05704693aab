"""Answers about a place that are kept: what was asked and answered, what came of it, what is new since; replayed from themselves.

What was known stands in the question itself, its visits without names: patients who are erased later leave no gap in a replay.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, select

from dosetwin import __version__
from dosetwin.serve.alike import comparable, differs
from dosetwin.serve.audit import stamp
from dosetwin.serve.canon import digest
from dosetwin.serve.places.facts import number_open, subject
from dosetwin.serve.problems import Problem, wrong
from dosetwin.serve.store.issued import issued_so
from dosetwin.serve.store.tables import advice, facts

if TYPE_CHECKING:
    from dosetwin.advise import Question
    from dosetwin.declare import Therapy
    from dosetwin.twins.place import Place


@dataclass(frozen=True)
class News:
    """What changed since the last answer that was kept: ``at`` it was given, ``by`` whom, ``was`` its order in words ("": none),
    how many ``asked``, were ``admitted``, ``left`` and were ``refused`` since, and the numbers ``opened`` since."""

    at: datetime
    by: str
    was: str
    asked: int
    admitted: int
    left: int
    refused: int
    opened: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "at": stamp(self.at), "opened": list(self.opened)}


def inputs_of(therapy: "Therapy", place: "Place", question: "Question") -> dict[str, Any]:
    """Everything that a replay needs: the therapy by name and hash, the place as it was known, seed and draws."""
    from dosetwin.twins.place import Known

    known = place.until(place.now or 0.0)
    return json.loads(json.dumps({
        "policy": {"name": therapy.name, "drug": therapy.drug.name}, "dosetwin": __version__, "therapy_hash": hash_of(therapy),
        "seed": question.seed, "draws": question.draws, "input_hash": question.input_hash,
        "place": {"name": place.name, "origin": None if place.origin is None else place.origin.isoformat(), "now": place.now,
                  **Known().told(*known.facts).to_json()},
    }))  # fmt: skip


def hash_of(therapy: "Therapy") -> str:
    """Hash of what a therapy says."""
    return digest(json.loads(json.dumps(therapy.to_json())))


def asked_then(inputs: Mapping[str, Any], therapy: "Therapy") -> "tuple[Place, Question]":
    """The place and the question of a kept answer."""
    from dosetwin.advise import Question
    from dosetwin.twins.place import Known, Place, Watched

    said = inputs["place"]
    known = Known.from_json(said)
    origin = None if said["origin"] is None else datetime.fromisoformat(said["origin"])
    told = (*sorted(known.seen), *(Watched(a, b) for a, b in known.watched), *known.settings)
    question = Question(therapy, (), now=said["now"], seed=inputs["seed"], draws=inputs["draws"], input_hash=inputs["input_hash"])
    return Place(said["name"], told, origin, said["now"]), question


def rows(conn: Connection, ward: str) -> list[dict[str, Any]]:
    """Answers kept of a place, newest first."""
    found = conn.execute(select(advice).where(advice.c.patient_id == subject(ward)).order_by(advice.c.asked_at.desc()))
    return [dict(r) for r in found.mappings()]


def row(conn: Connection, ward: str, id_: str) -> dict[str, Any]:
    """One of them, as it was issued. Raises Problem 404 where this place has none such, 409 where it is not what was issued."""
    found = conn.execute(select(advice).where(advice.c.id == id_, advice.c.patient_id == subject(ward))).mappings().first()
    if found is None:
        raise Problem(
            404, "not_found", "no such advice of this place", [wrong("advice", "id", id_, "an id of GET /place/advice")]
        )
    of = select(facts).where(facts.c.patient_id == subject(ward), facts.c.kind == "advice_issued")
    said = next((f for f in conn.execute(of).mappings() if f["body"]["advice_id"] == id_), None)
    if said is None or not issued_so(found, said):
        raise Problem(409, "changed", "this advice is not what was issued: it was changed in the store")
    return dict(found)


def replayed(stored: Mapping[str, Any], again: Mapping[str, Any], therapy: "Therapy") -> dict[str, Any]:
    """Whether an answer computed again is the one that was kept, and what has changed since."""
    said = json.loads(json.dumps(again))
    found = list(differs(comparable(stored["answer"]), comparable(said)))
    now = {"dosetwin": __version__, "therapy_hash": hash_of(therapy)}
    then = stored["inputs"]
    changed = {k: {"then": then[k], "now": v} for k, v in now.items() if then[k] != v}
    return {"id": stored["id"], "same": not found, "changed_since": changed, "differs": found[:20], "answer": said}


def news_of(last: Mapping[str, Any] | None, told: Sequence[Mapping[str, Any]], place: "Place") -> News | None:
    """What is new since the ``last`` kept answer, of the standing facts ``told`` and of the place as it is known; None: there is
    none yet."""
    from dosetwin.twins.place.facts import ORDER, Known

    if last is None:
        return None
    then, now = Known.from_json(last["inputs"]["place"]), Known().told(*place.until(place.now or 0.0).facts)
    asked, admitted, left, refused = (
        max(sum(s.what == w for s in now.seen) - sum(s.what == w for s in then.seen), 0) for w in ORDER
    )
    opened = tuple(n for f in told if f["seq"] > last["through_seq"] and (n := number_open(f)) is not None)
    was = last["answer"]["regimen"]
    said = "" if was is None else was["words"]
    return News(last["asked_at"], last["asked_by"], said, asked, admitted, left, refused, opened)


def short(kept: Mapping[str, Any]) -> dict[str, Any]:
    """A kept answer in a line."""
    regimen = kept["answer"]["regimen"]
    return {
        "id": kept["id"],
        "asked_at": stamp(kept["asked_at"]),
        "asked_by": kept["asked_by"],
        "through_seq": kept["through_seq"],
        "status": kept["answer"]["status"],
        "order": None if regimen is None else regimen["words"],
        "answer_hash": kept["answer_hash"],
    }

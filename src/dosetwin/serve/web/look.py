"""A patient as the service knows it at one moment: facts, the twin's answer with its curves, and what was decided before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dosetwin.decide.recommendation import order
from dosetwin.errors import DosetwinError
from dosetwin.quantities import QUANTITIES
from dosetwin.report import narrative
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.override import told as in_words
from dosetwin.serve.override import tone
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service
from dosetwin.serve.store.measured import measurement
from dosetwin.serve.timeline import in_force
from dosetwin.serve.told import used_in
from dosetwin.serve.twins import KeptQuestion, Known, Memory, answer, state_hash
from dosetwin.serve.web import planning
from dosetwin.serve.web.frame import ago, zone_of
from dosetwin.serve.web.picture import picture
from dosetwin.serve.web.tries import recommended
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.advise import Advice


@dataclass(frozen=True, eq=False)
class Look:
    """One patient. ``advice`` and ``picture`` None and ``failure`` in words where no twin can be built.

    ``state`` names facts, settings and code (not the moment); ``beside`` the recommended regimen as the what-if scores it.
    """

    row: Mapping[str, Any]
    known: Known
    question: KeptQuestion
    state: str
    now: datetime
    advice: "Advice | None"
    picture: dict[str, Any] | None
    beside: dict[str, Any] | None
    failure: tuple[str, ...]

    def state_with(self, told: str | None) -> str:
        """The name of the state had it been told by that one."""
        return state_hash(self.known, replace(self.question, told=told))

    @property
    def name(self) -> str:
        """What the patient is called on a screen: bed or label, else the beginning of the id."""
        created = next((f["body"] for f in self.known.facts if f["kind"] == "patient_created"), {})
        return created.get("label") or f"Patient {self.row['id'][:8]}"


def look(service: Service, who: Principal, id_: str, kept: Memory, *, doubts: bool = False, told: str = "",
         therapy: str = "") -> Look:  # fmt: skip
    """The patient with its charts. ``kept`` remembers pictures by state; ``doubts`` True also asks what would change the answer;
    ``told`` asks with another teller than the service's; ``therapy`` of another one than the patient's first.

    Raises Problem 403 or 404 for a record out of reach.
    """
    reach = service.reach(who)
    with service.store.read() as conn:
        row = reach.patient(conn, id_)
    if row["merged_into"] is not None:
        raise Problem(409, "merged", "this record was merged into another one: look at that one", merged_into=row["merged_into"])
    try:
        known, question, advice = service.current(who, id_, therapy=therapy or None, told=told or None)
    except DosetwinError as error:
        with service.store.read() as conn:
            known = service.known(conn, reach, id_)
        question = service.question(service.chosen(known, therapy), sensitivity=False, told=told or None)
        why = tuple(str(error).split(" | "))
        return Look(row, known, question, state_hash(known, question), reach.now, None, None, None, why)
    key = state_hash(known, question)
    had = kept.get(key)
    same = had if isinstance(had, Look) and had.question.now == question.now else None
    if same is not None and (not doubts or (same.picture and same.picture["doubts"])):
        return replace(same, row=row, known=known, now=reach.now)
    if doubts:
        advice = service.pool.run(answer, known, replace(question, sensitivity=True))
    beside = same.beside if same is not None else service.pool.run(recommended, advice)
    found = Look(row, known, question, key, reach.now, advice, service.pool.run(picture, advice, zone_of(service)), beside, ())
    kept.put(key, found)
    return found


def events_of(facts: Sequence[Mapping[str, Any]], now: datetime, zone: Zone, held: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Facts of care after corrections, newest first, in words; ``held`` ids of those the twin left out."""
    out = []
    for f in sorted(in_force(facts), key=lambda f: f["at"], reverse=True):
        kind, text = said(f["kind"], f["body"], zone)
        by = "corrected" if f.get("corrected_by") else ""
        if f.get("confirmed_by"):
            by = f"{by}, unusual, confirmed: “{f['confirmed']}”".removeprefix(", ")
        out.append({"when": zone.short(f["at"]), "ago": ago(f["at"], now), "kind": kind, "text": text, "by": by, "id": f["id"],
                    "held": f["id"] in held})  # fmt: skip
    return out


def said(kind: str, b: Mapping[str, Any], zone: Zone | None = None) -> tuple[str, str]:
    """Kind and text of one fact; ``zone``: whose clock a moment in it is told on (None: as stored)."""
    if kind == "dose":
        return "dose", f"{narrative.number(b['amount_mg'])} mg {b['drug']}{narrative.over(b['infusion_h'])}"
    if kind == "culture":
        what = {"taken": "taken, no result yet", "no_growth": "nothing has grown", "growth": b.get("organism") or "growth"}[
            b["result"]
        ]
        mic = f", MIC {b['mic_mg_per_L']:g} mg/L" if b.get("mic_mg_per_L") else ""
        return "culture", f"{b['specimen']}: {what}{mic}{' (' + b['susceptibility'] + ')' if b.get('susceptibility') else ''}"
    if kind == "planned":
        return "planned", planning.told(b, b["start"] if zone is None else zone.short(b["start"]))
    m = measurement({"kind": kind, "body": b})
    assert m is not None
    if m.quantity not in QUANTITIES:
        return "level", f"{m.quantity} {'< ' if m.below else ''}{narrative.number(m.value)} {m.unit}"
    of = QUANTITIES[m.quantity]
    if of.assayed:
        given = "" if b["unit"] == m.unit else f" (reported {b['value']:g} {b['unit']})"
        return of.text, f"{of.number(m.value)} {m.unit}{given}"
    name, unit = narrative.named(m.quantity)
    if narrative.is_flag(m.quantity):
        return "drug" if QUANTITIES[m.quantity].runs == "drug" else "state", f"{name} {'begins' if m.value else 'ends'}"
    return "measure", f"{name} {m.value:g} {unit}".strip()


def history_of(
    rows: Sequence[Mapping[str, Any]], answers: Mapping[str, Mapping[str, Any]], answered: Mapping[str, Any], zone: Zone
) -> list[dict[str, Any]]:
    """Advice given so far, newest first, and what became of it. ``answered``: advice id -> its stored answer."""
    out = []
    for r in rows:
        fact = answers.get(r["id"])
        body = fact["body"] if fact is not None else {}
        regimen = (answered.get(r["id"]) or {}).get("regimen")
        given = body.get("given")
        text = "no acceptable regimen" if regimen is None else order(regimen)
        decided = body.get("decision", "")
        if given:
            decided += f": {order(given)}" + (f" from {zone.short(given['first_at'])}" if given.get("first_at") else "")
        out.append(
            {
                "id": r["id"],
                "at": zone.short(r["asked_at"]),
                "by": r["asked_by"],
                "text": text,
                "therapy": _therapy(answered.get(r["id"]) or {}),
                "by_whom": used_in(answered.get(r["id"]) or {}),
                "answer": decided,
                "reason": body.get("reason", ""),
                "decision": body.get("decision", ""),
                "tone": tone(body) if body else "",
                "would": in_words(body.get("would")),
                "decided_by": fact["actor"] if fact is not None else "",
                "decided_at": zone.short(fact["recorded_at"]) if fact is not None else "",
                "through_seq": r["through_seq"],
            }
        )
    return out


def _therapy(said: Mapping[str, Any]) -> str:
    """Which therapy a stored answer is about; "" where it is not told."""
    made = said.get("provenance", {})
    return (made.get("therapy") or made.get("policy") or {}).get("name", "")


def after_clinical(facts: Sequence[Mapping[str, Any]], seq: int) -> bool:
    """Whether a fact that changes the twin was recorded after ``seq``."""
    from dosetwin.serve.store.facts import CLINICAL

    return any(f["seq"] > seq and f["kind"] in CLINICAL for f in facts)

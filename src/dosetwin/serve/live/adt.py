"""Admissions, transfers, discharges, changed names and merged numbers (HL7 v2 ADT): what a message says, and what follows here.

Only wards that the operator listed are followed (``DOSETWIN_ADT_WARDS``): who lies elsewhere is named and not taken in, who goes
elsewhere leaves the list. What changes who somebody is must agree with the record in name or date of birth.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError
from sqlalchemy import Connection, select

from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.hl7_text import Message, Segment
from dosetwin.serve.live.inbox import feed, unusable
from dosetwin.serve.live.whose import Claim, contradiction
from dosetwin.serve.store.erase import refuse_erased
from dosetwin.serve.store.facts import CARE, NewFact, NewPatient, Person
from dosetwin.serve.store.tables import facts
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

COMES = frozenset({"A01", "A02", "A04", "A06", "A07", "A08", "A12", "A13", "A28", "A31"})
"""Somebody is here, or is where PV1-3 says: admitted, transferred, registered, class changed, updated, a leaving cancelled."""
GOES = frozenset({"A03", "A11"})
"""Discharged, or the admission cancelled."""
NOT_YET = frozenset({"A05", "A14", "A15", "A16"})
MERGES = frozenset({"A40"})
EVENTS = COMES | GOES | NOT_YET | MERGES
SEX: dict[str, Literal["female", "male"]] = {"F": "female", "M": "male"}


@dataclass(frozen=True)
class Visit:
    """One ADT message. ``place``: PV1-3 as location and bed; ``old``: the numbers of MRG-1, which a merge gives up."""

    event: str
    place: str
    bed: str
    at: datetime
    name: str
    birth: datetime | None
    birth_day: bool
    sex: Literal["female", "male"] | None
    old: tuple[tuple[str, str], ...] = ()
    key: str = ""


def visit(message: Message, moment: Any, sent: datetime, claim: Claim, zone: str | None, numbers: Any) -> Visit:
    """What an ADT message says. ``moment(text, where)`` reads times, ``numbers(segment, field)`` identifiers. Raises Problem."""
    event = message.head.text(9, 2)
    pid = message.all("PID")[0]
    pv1, evn, mrg = (next(iter(message.all(n)), None) for n in ("PV1", "EVN", "MRG"))
    said = (evn.text(6) or evn.text(2)) if evn is not None else ""
    birth, day = _birth(pid, moment, zone)
    old: tuple[tuple[str, str], ...] = ()
    if event in MERGES:
        if mrg is None:
            raise unusable("MRG-1", "", "the number that is given up", "a merge without the number merged")
        old = tuple(numbers(mrg, 1))
    place = pv1.text(3) if pv1 is not None else ""
    bed = "-".join(filter(None, (pv1.text(3, 2), pv1.text(3, 3)))) if pv1 is not None else ""
    family, given = next(iter(claim.names), ("", ""))
    return Visit(event, place, bed, moment(said, "EVN-2") if said else sent, f"{given} {family}".strip(), birth, day,
                 SEX.get(claim.sex), old, message.head.key(10))  # fmt: skip


def _birth(pid: Segment, moment: Any, zone: str | None) -> tuple[datetime | None, bool]:
    """Birth, and whether only its day is told (00:00 of the feed's clock, else UTC)."""
    said = pid.text(7)
    digits = said.partition("+")[0].partition("-")[0]
    if not said:
        return None, False
    if len(digits) >= 12:
        return moment(said, "PID-7"), False
    if len(digits) != 8 or not digits.isdigit():
        raise unusable("PID-7", said, "YYYYMMDD or YYYYMMDDHHMM[+ZZZZ]", "not a date of birth")
    try:
        day = datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise unusable("PID-7", said, "a date that exists", "not a date of birth") from None
    local = Zone(zone).read(f"{day:%Y-%m-%d}T00:00:00").at if zone else day
    return local or day, True


def apply(
    service: "Service", source: str, identifiers: list[tuple[str, str]], sent: datetime, claim: Claim, zone: str | None, it: Visit
) -> tuple[str | None, list[str]]:
    """Do what follows from an ADT message; returns the patient (None: nobody here) and what there is to remark.

    Raises Problem where the message contradicts the record, or numbers lead to different patients.
    """
    who, remarks = feed(source), list[str]()
    wards = service.settings.wards_of_adt

    def change(conn: Connection, reach: Any) -> str | None:
        everywhere = service.reach(THE_SERVICE)
        found = {p for s, v in identifiers if (p := everywhere.find(conn, s, v)) is not None}
        if len(found) > 1:
            raise unusable("PID-3", None, "identifiers of one patient", "the identifiers belong to different patients")
        id_ = next(iter(found), None)
        if it.event in NOT_YET:
            remarks.append(f"{it.event}: somebody is expected, not here yet; nothing stored")
            return id_
        if it.event in MERGES:
            return _merge(service, conn, who, identifiers, it, id_, remarks)
        ward = wards.get(it.place, "")
        if id_ is None:
            if it.event in GOES:
                remarks.append(f"{it.event}: nobody with this number is on record")
            elif not ward:
                remarks.append(f"PV1-3: the location {it.place or 'nobody names'} is not followed here; nothing stored")
            else:
                refuse_erased(conn, service.vault, dict(identifiers))
                person = _person(it.name, dict(identifiers), it.birth)
                if it.birth_day:
                    remarks.append("PID-7: no time of birth; taken as 00:00")
                new = NewPatient(ward=ward, label=it.bed, sex=it.sex, person=person,
                                 at=min(it.at, it.birth or it.at), source_key=_key(source, it, sent))  # fmt: skip
                return service.ledger.create_patient(conn, who, new, reach.now)[0]
            return None
        if _last(conn, source, id_) > sent:
            remarks.append(f"{it.event}: older than what this source said before; not used")
            return id_
        row = everywhere.patient(conn, id_, "record")
        _identity(service, conn, who, everywhere, id_, claim, zone, it, identifiers, _key(source, it, sent), remarks)
        if it.event in GOES or (it.place and not ward and it.event in ("A02", "A01", "A06", "A12", "A13")):
            care = sum(f["kind"] in CARE for f in everywhere.facts(conn, id_, action="record"))
            if it.event == "A11" and care:
                remarks.append(f"A11: the admission is cancelled, and {care} facts of care are on record: look at them")
            if it.event not in GOES:
                remarks.append(f"PV1-3: moved to {it.place}, which is not followed here; left the list")
            if row["active"]:
                _say(service, conn, who, id_, it, {"kind": "discharged"}, _key(source, it, sent, "gone"))
        elif ward and (ward != row["ward"] or (not row["active"] and it.event not in ("A08", "A31"))):
            _say(service, conn, who, id_, it, {"kind": "transferred", "ward": ward}, _key(source, it, sent, "ward"))
        return id_

    id_ = service.change(who, change)
    if id_ is not None:
        service.touched([id_])
    return id_, remarks


def _key(source: str, it: Visit, sent: datetime, what: str = "") -> str:
    return f"{source}:ADT:{it.event}:{it.key}:{what}"[:240] + f"@{sent.isoformat()}"


def _say(service: "Service", conn: Connection, who: Any, id_: str, it: Visit, body: Mapping[str, Any], key: str) -> None:
    fact = NewFact.model_validate({"at": it.at, "body": body, "source_key": key})
    service.ledger.record(conn, who, [(id_, fact)], service.clock.now())


def _last(conn: Connection, source: str, id_: str) -> datetime:
    """When the newest ADT message of this source about a patient was sent."""
    keys = conn.execute(select(facts.c.source_key).where(
        facts.c.patient_id == id_, facts.c.actor == feed(source).subject,
        facts.c.source_key.startswith(f"{source}:ADT:", autoescape=True),
    )).scalars()  # fmt: skip
    return max((datetime.fromisoformat(k.rpartition("@")[2]) for k in keys), default=datetime.min.replace(tzinfo=UTC))


def _identity(service: "Service", conn: Connection, who: Any, everywhere: Any, id_: str, claim: Claim, zone: str | None,
              it: Visit, identifiers: list[tuple[str, str]], key: str, remarks: list[str]) -> None:  # fmt: skip
    """A changed name, date of birth or a further number becomes a new version of the identity."""
    old = everywhere.person(conn, id_)[1]
    created = (
        conn.execute(select(facts.c.body).where(facts.c.patient_id == id_, facts.c.kind == "patient_created")).scalar() or {}
    )
    wrong = contradiction(claim, Person(), created.get("sex"), zone)
    renamed = contradiction(claim, Person(name=old.name), None, zone) is not None
    reborn = contradiction(claim, Person(birth=old.birth), None, zone) is not None
    if wrong or (renamed and reborn):
        field, what = wrong or ("PID-5", "neither name nor date of birth is that of the patient with this number")
        raise unusable(field, None, "what is on record: check number and record", what)
    birth = it.birth if it.birth is not None and (old.birth is None or reborn or not it.birth_day) else old.birth
    new = _person(it.name or old.name, {**old.identifiers, **dict(identifiers)}, birth)
    if new == old:
        return
    if renamed:
        remarks.append("PID-5: the name on record is another one; changed")
    if reborn:
        remarks.append("PID-7: the date of birth on record is another one; changed")
    service.ledger.change_identity(conn, who, id_, new, service.clock.now(), f"{key}:who@{key.rpartition('@')[2]}")


def _merge(service: "Service", conn: Connection, who: Any, identifiers: list[tuple[str, str]], it: Visit, stays: str | None,
           remarks: list[str]) -> str | None:  # fmt: skip
    """A40: the record of the old number becomes a part of the other; one that is not on record gives its number only."""
    everywhere = service.reach(THE_SERVICE)
    gone = {p for s, v in it.old if (p := everywhere.find(conn, s, v)) is not None}
    if len(gone) > 1:
        raise unusable("MRG-1", None, "numbers of one patient", "the numbers belong to different patients")
    other = next(iter(gone), None)
    now = service.clock.now()
    if other is None and stays is None:
        remarks.append("A40: neither number is on record; nothing stored")
        return None
    if other is None or stays is None or other == stays:
        id_ = stays or other
        assert id_ is not None
        if other == stays:
            remarks.append("A40: both numbers lead to one record already")
        service.ledger.also_numbered(conn, who, id_, [*it.old, *identifiers], now)
        return id_
    mine, theirs = (everywhere.person(conn, p)[1] for p in (stays, other))
    said = dict(conn.execute(select(facts.c.patient_id, facts.c.body).where(
        facts.c.patient_id.in_((stays, other)), facts.c.kind == "patient_created")).all())  # type: ignore[arg-type]  # fmt: skip
    sexes = {said[p].get("sex") for p in (stays, other)} - {None}
    if len(sexes) > 1:
        raise unusable("PID-8", None, "records of one person", "the two records are of different sex; a person must decide")
    if mine.birth and theirs.birth and abs((mine.birth - theirs.birth).total_seconds()) > 86_400:
        raise unusable("PID-7", None, "records of one person",
                       "the two records are of different dates of birth; a person must decide")  # fmt: skip
    if _two_names(mine, theirs):
        raise unusable("PID-5", None, "records of one person",
                       "the two records are of different names; a person must decide")  # fmt: skip
    same = service.ledger.merge(conn, who, stays, other, f"{who.subject} merged the numbers (A40)", now)
    if same:
        remarks.append(f"A40: {same} facts that both records hold are counted once")
    return stays


def _two_names(mine: Person, theirs: Person) -> bool:
    """Whether two names are not one person's: given names that differ (as twins' do), or family names and birth."""
    head, comma, tail = theirs.name.strip().partition(",")
    family, given = (head, tail) if comma else (head.rpartition(" ")[2], head.rpartition(" ")[0])
    born = mine.birth is not None and mine.birth == theirs.birth
    claim = Claim((("" if born else family, given),))
    return bool(theirs.name.strip()) and contradiction(claim, Person(name=mine.name), None, None) is not None


def _person(name: str, identifiers: Mapping[str, str], birth: datetime | None) -> Person:
    """Raises Problem for what no record holds: too long a name, too many numbers."""
    try:
        return Person(name=name, identifiers=dict(identifiers), birth=birth)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = "PID-5" if "name" in first["loc"] else "PID-3"
        raise unusable(field, None, first["msg"], "not accepted") from None

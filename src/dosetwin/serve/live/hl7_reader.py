"""What an HL7 v2 message says: whose it is, and the results (ORU), doses given (RAS), orders or admission (ADT) it carries.

A field a sender meant is used, refused (a Problem that names segment and field), or left out with a remark; what may matter for
care and is not read is also kept. Times without an offset are refused, not guessed, unless the feed names its time zone, and an
hour that the clocks show twice or never is refused even then.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from dosetwin import formulary
from dosetwin.declare.drug import Drug
from dosetwin.errors import InputError
from dosetwin.io import codes, routes
from dosetwin.io.text import number
from dosetwin.quantities import QUANTITIES, Quantity
from dosetwin.quantities.units import Measured, allowed, code_of, convert, known, two_meanings
from dosetwin.serve.live import orders
from dosetwin.serve.live.adt import EVENTS, Visit, visit
from dosetwin.serve.live.hl7_text import Message, Segment
from dosetwin.serve.live.inbox import Item, told, unusable
from dosetwin.serve.live.whose import Claim
from dosetwin.serve.problems import Problem, from_input_error
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.store.measured import called
from dosetwin.serve.zone import Zone

FINAL, CORRECTED, WITHDRAWN = frozenset("FPSU"), frozenset("C"), frozenset("DXW")
"""OBX-11: results that are stored, that correct, that take back; I, N, O, R (pending, not verified) carry nothing yet."""
PENDING = frozenset("INOR")
READ = "ORU^R01, RAS^O17, ORM^O01, OMP^O09, RDE^O11, RDS^O13 or ADT^" + ", ".join(sorted(EVENTS))
UNREAD = frozenset({"AL1", "DG1", "PR1", "RXA", "RXG", "RXD", "RXO", "RXE", "OBX", "SPM", "RXC", "FT1", "IAM", "PDA"})
"""Segments that may matter for care: where one is not read the message is kept, not only named."""
KNOWN = {
    "ORU": frozenset({"PID", "ORC", "OBR", "OBX", "SPM", "NTE", "MSH"}),
    "RAS": frozenset({"PID", "ORC", "RXA", "RXR", "RXC", "RXO", "RXE", "NTE", "MSH", "TQ1", "TQ2", "RXG"}),
    "ADT": frozenset({"PID", "EVN", "PV1", "MRG", "OBX", "AL1", "NTE", "MSH"}),
}
"""Segments of each kind of message that are read; of the others that are not, all are named."""
_ORDERS = frozenset({"PID", "ORC", "RXO", "RXE", "RXD", "RXR", "RXC", "TQ1", "TQ2", "NTE", "MSH"})
PATIENT_NUMBERS = frozenset({"", "MR", "PI", "PT", "MRN", "PN"})
"""PID-3.5: identifiers of the person; an account or visit number may be another patient's record number."""
NUMBERS_MOST = 20
"""Each number is looked up while others wait to be stored."""
_TIME = re.compile(r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(\.\d{1,4})?([+-]\d{4})?$")
_RESULT = re.compile(r"^(<=|>=|<|>|=)?\s*(.*)$", re.DOTALL)
_PER = re.compile(r"^([SMHD])(\d+(?:\.\d+)?)$")
_ASSAYS = (("JAFFE", "jaffe"), ("IDMS", "idms"), ("ENZ", "enzymatic"))
_CLOCKS = timedelta(hours=1)
"""A result may be dated this far after its message was sent (clocks apart); more is a slip of the pen."""


@dataclass
class Read:
    """One message: where from, whose, when sent, what it carries, and what was left out, by name."""

    source: str
    identifiers: list[tuple[str, str]]
    claim: Claim
    sent: datetime
    items: list[Item] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    visit: Visit | None = None
    unread: list[str] = field(default_factory=list)
    """What may matter for care and is not read: the message is kept for it."""

    def trying(self, read: Callable[..., None], *args: Any) -> None:
        """Read one result or dose; what is wrong with it refuses it alone."""
        try:
            read(*args)
        except InputError as error:
            self.refused += told(from_input_error(error))
        except Problem as problem:
            self.refused += told(problem)


@dataclass(frozen=True)
class Reader:
    """Messages to items. ``zone``: IANA name for times without an offset, None refuses them; ``drug``: the service's own."""

    drug: str
    zone: str | None = None

    def read(self, message: Message, now: datetime) -> Read:
        """What a message says; ``now`` tells which of two readings of MSH-7 is meant. Raises Problem 422."""
        head = message.head
        kind, event = head.text(9, 1), head.text(9, 2)
        if (mode := head.text(11)) not in ("P", ""):
            raise unusable("MSH-11", mode, "P", "a message of a test or training system")
        if (version := head.text(12)) and not version.startswith("2."):
            raise unusable("MSH-12", version, "2.x", "a version that is not read")
        if len(message.all("PID")) > 1:
            raise unusable("PID", len(message.all("PID")), "1", "several patients in one message")
        source = "hl7:" + (head.text(3) or "unnamed")[:40]
        identifiers, remarks = _identifiers(message)
        out = Read(source, identifiers, _claim(message.all("PID")[0]), self._moment(head.text(7), "MSH-7", near=now))
        out.remarks += remarks
        if (kind, event) == ("ORU", "R01"):
            self._results(message, out)
        elif kind == "RAS" and event in ("O17", "O01"):
            self._given(message, out)
        elif kind == "ADT" and event in EVENTS:
            self._admission(message, out)
        elif event in orders.ORDERS.get(kind, ()):
            orders.read(message, out, self.drug, _fact)
            _left_out(message, out)
        else:
            raise unusable("MSH-9", f"{kind}^{event}", READ, "this kind of message is not read")
        if out.refused and not out.items:
            first = out.refused[0]
            raise Problem(422, "not_accepted", f"{first['field']}: {first['message']}", out.refused)
        if not out.items and not out.remarks and out.visit is None:
            out.remarks.append("no OBX or RXA segment; nothing stored")
        return out

    def _admission(self, message: Message, out: Read) -> None:
        """Who is here, and what ADT carries beside it: results (weight, height), allergies."""
        out.visit = visit(message, self._moment, out.sent, out.claim, self.zone, lambda s, at: _numbers(s, at)[0])
        for s in message.all("OBX"):
            out.trying(self._result, s, f"ADT:{s.key(3)}", "", out)
        for s in message.all("AL1"):
            said = s.coded(3)
            meant = codes.medication(said)
            shown = " or ".join(c.text or c.code for c in said)
            if barred := formulary.allergic_flag(meant.name):
                body = {"kind": "covariate", "name": barred, "value": 1.0, "unit": QUANTITIES[barred].unit}
                where = f"AL1-{s.text(1) or '?'}"
                out.items.append(Item(f"AL1:{barred}", _fact(where, out.sent, body), where=where))
            elif meant.name in formulary.followed():
                why = f"an allergy to {meant.name}, which is followed here: decide at the record"
                out.refused += told(unusable(f"AL1-{s.text(1) or '?'}.3", shown, "a person's decision", why))
            else:
                out.unread.append(f"AL1: the allergy to {shown[:60]} is not stored here")
        _left_out(message, out)

    # -------------------------------------------------------------------------------------------------- results

    def _results(self, message: Message, out: Read) -> None:
        common = order = drawn = fluid = ""
        for k, s in enumerate(message.segments):
            if s.name == "ORC":
                common = s.key(3) or s.key(2)
            elif s.name == "OBR":
                order, drawn = s.key(3) or s.key(2) or common, s.text(7)
                fluid = _fluid(message.segments[k:])
            elif s.name == "OBX":
                out.trying(self._result, s, order or common, drawn, out, fluid)
            elif s.name in ("RXA", "RXG", "RXD"):
                out.remarks.append(f"{s.name} in a message of results is not read")
        _left_out(message, out)

    def _result(self, s: Segment, order: str, drawn: str, out: Read, fluid: str = "") -> None:
        where = f"OBX-{s.text(1) or '?'}"
        said = s.coded(3)
        shown = " or ".join(f"{c.code or c.text} ({c.system or 'no system'})" for c in said) or "no code"
        meant = codes.quantity(said)
        name = meant.name
        of = formulary.measured(name) if name else None
        if of is None or of.kind == "trait":
            out.remarks.append(f"{where}: {shown} is not used")
            return
        if of.kind != "level" or self.drug in (name, meant.also):
            self._result_of(of, s, order, drawn, out, fluid, said)
            return
        try:
            self._result_of(of, s, order, drawn, out, fluid, said)
        except Problem as problem:  # what is wrong with another drug stops nothing
            out.remarks.append(f"{where}: a level of {name} is not used: {problem.detail}")

    def _result_of(
        self, of: Quantity, s: Segment, order: str, drawn: str, out: Read, fluid: str, said: Sequence[codes.Coded]
    ) -> None:
        where, name = f"OBX-{s.text(1) or '?'}", of.name
        shown = " or ".join(f"{c.code or c.text} ({c.system or 'no system'})" for c in said) or "no code"
        also = codes.quantity(said).also
        if also and (of.kind == "level" or self.drug == also):
            raise unusable(f"{where}.3", shown, "codes of one meaning", f"its codes mean {name} and {also}")
        status = s.text(11)
        if status in PENDING:
            out.remarks.append(f"{where}: {name} with status {status} carries no result yet; not used")
            return
        if status not in FINAL | CORRECTED | WITHDRAWN:
            raise unusable(
                f"{where}.11", status, "F, P, S, U, C, D, X, W, or pending: I, N, O, R", "a result without a known status"
            )
        if fluid and of.predicted:
            raise unusable("SPM-4", fluid, "serum, plasma or blood, of which the code speaks", f"{name} of another specimen")
        if not order:
            raise unusable("OBR-3", "", "a filler or placer number", "a result without its order cannot be told from its repeat")
        code = next(c.code for c in said if codes.quantity([c]).name == name)
        at = self._moment(s.text(14) or drawn, f"{where}.14")
        if at > out.sent + _CLOCKS:
            raise unusable(
                f"{where}.14", s.text(14) or drawn, "not after the message was sent (MSH-7)", "drawn after it was reported"
            )
        group = f"{order}:{code}:{s.key(4)}"
        fact = None if status in WITHDRAWN else _fact(where, at, self._body(s, of, where, out))
        if status == "P":
            out.remarks.append(f"{where}: a preliminary result of {name}; stored")
        out.items.append(Item(f"{group}:t={at.isoformat()}", fact, group, at, changes=status in CORRECTED | WITHDRAWN,
                              where=where, quiet=status == "X"))  # fmt: skip

    def _body(self, s: Segment, of: Quantity, where: str, out: Read) -> dict[str, Any]:
        name = of.name
        value, below = _value(s, where)
        unit = _unit(s, 6, of, f"{where}.6")
        if below and of.kind != "level":
            raise unusable(f"{where}.5", s.raw(5), "a number", f"a {called(name)} only known to be "
                           "below a limit is not used")  # fmt: skip
        if of.assayed:
            return {"kind": of.text, "value": value, "unit": unit, "assay": _assay(s, of, where, out)}
        if of.kind == "level":
            return {"kind": "level", "drug": name, "value": value, "unit": unit, "below_loq": below}
        if of.predicted:
            return {"kind": "measured", "quantity": name, "value": value, "unit": unit}
        return {"kind": "covariate", "name": name, "value": value, "unit": unit}

    # -------------------------------------------------------------------------------------------------- doses

    def _given(self, message: Message, out: Read) -> None:
        groups: list[list[Segment]] = [[]]
        for s in message.segments:
            if s.name == "ORC":
                groups.append([])
            groups[-1].append(s)
        for group in groups:
            head = next((s for s in group if s.name == "ORC"), None)
            for k, s in enumerate(group):
                if s.name == "RXA":
                    stop = next((j for j, x in enumerate(group) if j > k and x.name == "RXA"), len(group))
                    parts = [x for x in group[k:stop] if x.name == "RXC"] or [x for x in group[:k] if x.name == "RXC"]
                    out.trying(self._dose, s, head, _route(group, k), out, parts)
                elif s.name == "OBX":
                    out.remarks.append(f"OBX-{s.text(1) or '?'} in a message of doses is not read")
        _left_out(message, out)

    def _dose(self, s: Segment, head: Segment | None, route: Segment | None, out: Read, parts: Sequence[Segment] = ()) -> None:
        where = f"RXA-{s.text(2) or '?'}"
        said = s.coded(5)
        shown = " or ".join(c.text or c.code for c in said)
        meant = codes.medication(said)
        part = orders.component(parts, formulary.followed()) if meant.name not in formulary.followed() else None
        if part is not None:
            self._dose_of(formulary.drug(part[1]), s, head, route, out, where, codes.Meant(part[1]), (part[0], parts))
            return
        if not meant.name and not codes.words_of(" ".join(c.text for c in said)):
            raise unusable(f"{where}.5", shown, "RxNorm (RXNORM) or ATC code, or a name", "a drug given that cannot be told")
        of = formulary.drug(meant.name) if meant.name else None
        if of is None or not of.followed:
            out.remarks.append(f"{where}: {shown} is not {self.drug}; not used")
            return
        if self.drug in (meant.name, meant.also):
            self._dose_of(of, s, head, route, out, where, meant)
            return
        try:
            self._dose_of(of, s, head, route, out, where, meant)
        except Problem as problem:  # what is wrong with another drug stops nothing
            out.remarks.append(f"{where}: a dose of {of.name} is not used: {problem.detail}")

    def _dose_of(
        self, of: Drug, s: Segment, head: Segment | None, route: Segment | None, out: Read, where: str, meant: codes.Meant,
        mixed: tuple[Segment, Sequence[Segment]] | None = None,
    ) -> None:  # fmt: skip
        shown = " or ".join(c.text or c.code for c in s.coded(5))
        if meant.also:
            raise unusable(f"{where}.5", shown, "one drug", f"its codes and words mean {meant.name} and {meant.also}")
        if head is not None and (control := head.text(1)) in ("CA", "OC", "OD", "DE", "UA"):
            raise unusable("ORC-1", control, "RE", "a cancelled order with a dose given")
        order = (head.key(3) or head.key(2)) if head is not None else ""
        start = self._moment(s.text(3), f"{where}.3")
        group = f"{order}:RXA:{s.key(1)}:{s.key(2)}"
        status, action = s.text(20), s.text(21)
        if status not in ("", "CP", "PA", "RE", "NA"):
            raise unusable(f"{where}.20", status, "CP, PA, RE or NA", "not a completion status")
        if action not in ("", "A", "U", "D", "X"):
            out.remarks.append(f"{where}.21: the action {action} is not known; taken as A, added")
        if action == "X":
            out.remarks.append(f"{where}: the action says that nothing changes; not used")
            return
        refused = status in ("NA", "RE")
        if refused:
            out.remarks.append(f"{where}: {of.name} was not given ({status}); no dose stored")
        item = Item(f"{group}:t={start.isoformat()}" + ("" if order else f":{of.name}"), None, group, start,
                    changes=action in ("U", "D") and bool(order) and not refused, where=where, quiet=refused)  # fmt: skip
        if refused or action == "D":
            out.items.append(item)
            return
        by = routes.Route("unstated", "") if route is None else routes.route_of(route.coded(1))
        spoken = [r for r in routes.spoken_routes(shown) if r.kind != "vein"]
        if by.kind == "unstated" and spoken and all(r.kind == "elsewhere" for r in spoken):
            by = spoken[0]
        what = routes.fits(by, of)
        if what == "left out":
            out.remarks.append(f"{where}: {of.name} by another route (RXR-1: {by.name}, {by.said}); the dose is not used")
            return
        if what == "refused":
            raise unusable("RXR-1", by.said, "IV (table 0162)", f"the route is {by.name}, not one the model knows")
        if what == "remarked":
            out.remarks.append(f"{where}: given {by.name}; counted as if intravenous")
        if status == "PA":
            out.remarks.append(f"{where}: given in part; the amount of RXA-6 is stored")
        amount = number(s.text(6))
        if amount is None or amount == 999:
            raise unusable(f"{where}.6", s.raw(6), "the amount given, as 17.5 (999 means unknown)", "not an amount")
        unit_of, at = s, 7
        if mixed is not None and orders.whole(mixed[1], amount, s.text(7)):  # the whole preparation: what is in it
            unit_of, at, told_amount = mixed[0], 4, number(mixed[0].text(3))
            if told_amount is None:
                raise unusable("RXC-3", mixed[0].raw(3), "the amount of the drug in the preparation", "not an amount")
            amount = told_amount
        body = {"kind": "dose", "drug": of.name, "amount": amount, "unit": _unit(unit_of, at, of.amount, f"{where}.7"),
                "infusion_h": self._hours(s, start, where, out)}  # fmt: skip
        out.items.append(Item(item.key, _fact(where, start, body), group, start, changes=item.changes, where=where))

    def _hours(self, s: Segment, start: datetime, where: str, out: Read) -> float:
        """The infusion's length: RXA-3 to RXA-4, or per RXA-12; both must agree."""
        hours = (self._moment(s.text(4), f"{where}.4") - start).total_seconds() / 3600.0 if s.text(4) else 0.0
        if hours < 0:
            raise unusable(f"{where}.4", s.text(4), f"not before {s.text(3)}", "ends before it begins")
        per = s.text(12)
        if per:
            found = _PER.match(per)
            if found is None:
                raise unusable(f"{where}.12", per, "S, M, H or D and a number, as M30", "not a time unit")
            told = convert(float(found[2]), {"S": "s", "M": "min", "H": "h", "D": "d"}[found[1]], "duration")
            if hours and abs(told - hours) > max(5 / 60, 0.1 * max(told, hours)):
                raise unusable(
                    f"{where}.12", per, f"{hours:g} h, as RXA-3 and RXA-4 say", "contradicts begin and end of the infusion"
                )
            hours = hours or told
        if not hours:
            out.remarks.append(f"{where}: no duration (RXA-4 or RXA-12); stored as a bolus")
        return hours

    # -------------------------------------------------------------------------------------------------- moments

    def _moment(self, text: str, where: str, near: datetime | None = None) -> datetime:
        """The moment; of an hour that happens twice the reading nearest to ``near``, refused without."""
        found = _TIME.match(text)
        if found is None:
            raise unusable(where, text, "YYYYMMDDHHMM[SS][+ZZZZ]", "not a moment to the minute")
        y, mo, d, h, mi, s, _, offset = found.groups()
        try:
            if offset:
                return datetime.strptime(f"{y}{mo}{d}{h}{mi}{s or '00'}{offset}", "%Y%m%d%H%M%S%z").astimezone(UTC)
        except ValueError:
            raise unusable(where, text, "a moment that exists", "not a moment") from None
        if self.zone is None:
            raise unusable(where, text, "a time with its offset, such as +0100",
                           "the offset is missing and the feed's time zone is not configured")  # fmt: skip
        zone, said = Zone(self.zone), f"{y}-{mo}-{d}T{h}:{mi}:{s or '00'}"
        typed = zone.read(said)
        if typed.at is not None:
            return typed.at
        if typed.choices and near is not None:
            both = [m for sign, _ in typed.choices if (m := zone.read(said, sign).at) is not None]
            return min(both, key=lambda m: abs(m - near))
        raise unusable(
            where, text, "a moment that exists once, or a time with its offset, such as +0100", typed.why or "not a moment"
        )


def _left_out(message: Message, out: Read) -> None:
    """Name the sender's comments and own segments, which are not interpreted."""
    for s in message.segments:
        if s.name == "NTE" and (said := " ".join(s.part(r, 1) for r in s.repeats(3))):
            out.remarks.append(f"NTE-{s.text(1) or '?'}: the sender's comment is not interpreted: {said[:80]}")
    read = KNOWN.get(message.head.text(9, 1), _ORDERS)
    other = dict.fromkeys(s.name for s in message.segments if s.name not in read)
    if other:
        out.remarks.append(f"segments that are not read: {', '.join(other)}")
    out.unread += [f"the segment {name} is not read" for name in other if name in UNREAD]


def _fluid(after: Sequence[Segment]) -> str:
    """What an order's specimen is (OBR-15, SPM-4) where that is no blood; "" where it is, or nobody says."""
    stop = next((k for k, s in enumerate(after) if k and s.name in ("OBR", "ORC")), len(after))
    said = after[0].text(15).split(after[0].marks.sub)
    said += [word for s in after[:stop] if s.name == "SPM" for c in s.coded(4) for word in (c.code, c.text)]
    return codes.other_fluid(" ".join([*said, *(c.text for c in after[0].coded(15))]))


def _value(s: Segment, where: str) -> tuple[float, bool]:
    """The number of OBX-5, and whether it is a limit that the value lies below."""
    kind, found = s.text(2), s.repeats(5)
    if len(found) != 1:
        raise unusable(f"{where}.5", s.raw(5), "one value", f"{len(found)} values")
    if kind == "SN":
        sign, first, separator, second = (s.part(found[0], k) for k in (1, 2, 3, 4))
        if separator or second:
            raise unusable(f"{where}.5", s.raw(5), "a number, or < and a number", "a range or ratio")
    elif kind in ("NM", "ST", "TX", "FT", ""):
        split = _RESULT.match(s.text(5))
        sign, first = (split[1] or "", split[2]) if split is not None else ("", "")
    else:
        raise unusable(f"{where}.2", kind, "NM, SN, or ST with a number", "not a type of numbers")
    value = number(first)
    if value is None or sign not in ("", "=", "<", "<="):
        raise unusable(f"{where}.5", s.raw(5), "a number such as 2.8, or < and a number", "not a value")
    return value, sign in ("<", "<=")


def _unit(s: Segment, at: int, of: Measured, where: str) -> str:
    """The unit: the one said to be UCUM, else the first listed. Two that differ are refused."""
    said = [c if c.code else c._replace(code=c.text) for c in s.coded(at) if c.code or c.text]
    if not said:
        raise unusable(where, s.raw(at), "a UCUM unit", "a value without a unit is never guessed")
    name = of if isinstance(of, str) else of.name
    listed = [c for c in said if code_of(c.code, of)]
    if not listed:
        why = f"unit with two meanings: write {two}" if (two := two_meanings(said[0].code)) else f"unknown unit for {name}"
        raise unusable(where, s.raw(at), ", ".join(allowed(of)), why)
    others = any(known(c.code) for c in said if c not in listed)
    if others or len({round(convert(1.0, c.code, of), 12) for c in listed}) > 1:
        raise unusable(where, s.raw(at), "one unit", "two units that differ")
    ucum = [c for c in listed if codes.system(c.system) == codes.UCUM_SYSTEM]
    return next(iter(ucum or listed)).code


def _assay(s: Segment, of: Quantity, where: str, out: Read) -> str:
    said = " ".join(p for c in s.coded(17) for p in (c.code, c.text)).upper()
    for needle, assay in _ASSAYS:
        if needle in said:
            return assay
    if said:
        out.remarks.append(f"{where}.17: the {of.text} method {said[:40]} is not recognised; stored as not stated")
    return ""


def _route(group: Sequence[Segment], at: int) -> Segment | None:
    """The RXR of an administration: the next one after it, else one that stands before it with the order."""
    after = (s for s in group[at:] if s.name == "RXR")
    before = (s for s in reversed(group[:at]) if s.name == "RXR")
    return next(after, None) or next(before, None)


def _fact(where: str, at: datetime, body: dict[str, Any]) -> NewFact:
    try:
        fact = NewFact.model_validate({"at": at, "body": body})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(x) for x in first["loc"] if x != "body")
        raise unusable(f"{where} {name}", first.get("input"), first["msg"], "not accepted") from None
    try:
        fact.body.canonical()
    except InputError as error:
        raise unusable(f"{where} {error.where.rpartition('.')[2]}", error.value, error.allowed, error.message) from None
    return fact


def _identifiers(message: Message) -> tuple[list[tuple[str, str]], list[str]]:
    """(assigning authority, number) pairs of PID-3, and what of it is no number of a person. Raises Problem for none."""
    found = message.all("PID")
    if not found:
        raise unusable("PID-3", "", "the patient's number and its assigning authority", "missing")
    return _numbers(found[0], 3)


def _numbers(segment: Segment, field: int) -> tuple[list[tuple[str, str]], list[str]]:
    """The same of any field of numbers."""
    where, out, remarks = f"{segment.name}-{field}", list[tuple[str, str]](), list[str]()
    if not segment.repeats(field):
        raise unusable(where, "", "the patient's number and its assigning authority", "missing")
    for r in segment.repeats(field):
        number_, authority, kind = segment.part(r, 1), segment.sub(r, 4), segment.part(r, 5)
        if kind not in PATIENT_NUMBERS:
            remarks.append(f"{where}: an identifier of type {kind} is not used")
        elif number_ and authority:
            out.append((authority, number_))
    if len(out) > NUMBERS_MOST:
        raise unusable(where, len(out), f"at most {NUMBERS_MOST} numbers", "more numbers than one person has")
    if not out:
        raise unusable(where, segment.raw(field), "number^^^authority^MR",
                       "a number without its authority, or not of the person, could be another patient's")  # fmt: skip
    return out, remarks


def _claim(pid: Segment) -> Claim:
    names = tuple((pid.sub(r, 1), f"{pid.part(r, 2)} {pid.part(r, 3)}".strip()) for r in pid.repeats(5))
    return Claim(tuple(n for n in names if any(n)), pid.text(7), pid.text(8).upper())

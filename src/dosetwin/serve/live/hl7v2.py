"""HL7 v2 over MLLP: results (ORU^R01) and doses given or ordered (RAS^O17; RDE^O11 is an order and stored as nothing given).

Answers AA when everything is stored (or was before), AE when the message was refused; a refused message is kept with its reasons.
Times without an offset are refused, not guessed, unless the feed names its time zone.
"""

import asyncio
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import hl7
import hl7.mllp
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from dosetwin.errors import InputError, one_line
from dosetwin.io.codes import COVARIATES, DRUGS, LEVELS, MEASURED
from dosetwin.serve.live.inbox import Item, Taken, refuse, take, unusable
from dosetwin.serve.problems import Problem, from_database, from_input_error
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.store.writer import Closed

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

log = logging.getLogger("dosetwin.serve")
LARGEST = 2**20
FINAL, CORRECTED, WITHDRAWN = frozenset("FPS"), frozenset("C"), frozenset("DXW")
"""OBX-11: results that are stored, that correct, that take back; others (pending) carry nothing."""
_TIME = re.compile(r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(\.\d{1,4})?([+-]\d{4})?$")
_ASSAY = {"ENZ": "enzymatic", "JAFFE": "jaffe", "IDMS": "idms"}


@dataclass(frozen=True)
class Reader:
    """Messages to items. ``zone``: IANA name for times without an offset, None refuses them; ``drug``: whose doses count."""

    drug: str
    zone: str | None = None

    def read(self, message: Any) -> tuple[str, list[tuple[str, str]], datetime, list[Item], list[str]]:
        """Source, patient identifiers, moment sent, items, and remarks on what was left out. Raises Problem 422."""
        kind = _text(message, "MSH", 9)
        source = "hl7:" + (_text(message, "MSH", 3) or "unnamed")[:40]
        sent = self._moment(_text(message, "MSH", 7), "MSH-7")
        ids = _identifiers(message)
        remarks: list[str] = []
        if kind.startswith("ORU^R01"):
            items = self._results(message, remarks)
        elif kind.startswith("RAS^O17"):
            items = self._given(message, remarks)
        elif kind.startswith("RDE^O11"):
            items = []
            remarks.append("an order is not a dose given; nothing stored")
        else:
            raise unusable("MSH-9", kind, "ORU^R01, RAS^O17 or RDE^O11", "this kind of message is not read")
        return source, ids, sent, items, remarks

    def _results(self, message: Any, remarks: list[str]) -> list[Item]:
        items: list[Item] = []
        order, drawn_by_order = "", ""
        for segment in message:
            name = str(segment[0])
            if name == "OBR":
                order = _field(segment, 3) or _field(segment, 2)
                drawn_by_order = _field(segment, 7)
            if name != "OBX":
                continue
            where = f"OBX-{_field(segment, 1) or '?'}"
            code, system = _component(segment, 3, 1), _component(segment, 3, 3)
            quantity = {**LEVELS, **MEASURED, **COVARIATES}.get(code) if system == "LN" else None
            if quantity is None or (quantity in DRUGS and quantity != self.drug) or quantity in ("INR", "APGR", "APGR1"):
                remarks.append(f"{where}: {code or 'no code'} ({system or 'no system'}) is not used")
                continue
            status = _field(segment, 11)
            key = f"{order}:{code}:{_field(segment, 4)}"
            if status in WITHDRAWN:
                items.append(Item(key, None))
                continue
            if status not in FINAL | CORRECTED:
                remarks.append(f"{where}: status {status or 'empty'} carries no result yet")
                continue
            if not order:
                raise unusable(
                    "OBR-3", "", "a filler or placer number", "a result without its order cannot be told from its repeat"
                )
            at = self._moment(_field(segment, 14) or drawn_by_order, f"{where}.14")
            items.append(Item(key, _fact(where, at, self._body(segment, quantity, where))))
        return items

    def _body(self, segment: Any, quantity: str, where: str) -> dict[str, Any]:
        text = _field(segment, 5).strip()
        below = text.startswith("<")
        try:
            value = float(text.lstrip("<").strip())
        except ValueError:
            raise unusable(f"{where}.5", text, "a number, or < and a number", "not a value") from None
        unit = _component(segment, 6, 1)
        if not unit:
            raise unusable(f"{where}.6", "", "a UCUM unit", "a result without a unit is never guessed")
        if quantity == "SCR":
            if below:
                raise unusable(f"{where}.5", text, "a number", "a creatinine below quantification is not used")
            return {
                "kind": "creatinine",
                "value": value,
                "unit": unit,
                "assay": _ASSAY.get(_component(segment, 17, 1).upper(), ""),
            }
        if quantity in DRUGS:
            return {"kind": "level", "drug": quantity, "value": value, "unit": unit, "below_loq": below}
        return {"kind": "covariate", "name": quantity, "value": value, "unit": unit}

    def _given(self, message: Any, remarks: list[str]) -> list[Item]:
        items: list[Item] = []
        order = ""
        for segment in message:
            name = str(segment[0])
            if name == "ORC":
                order = _field(segment, 3) or _field(segment, 2)
            if name != "RXA":
                continue
            where = f"RXA-{_field(segment, 2) or '?'}"
            code, words = _component(segment, 5, 1), _component(segment, 5, 2).lower()
            if code != DRUGS[self.drug][0] and self.drug not in words:
                remarks.append(f"{where}: {words or code} is not {self.drug}; not used")
                continue
            key = f"{order}:RXA:{_field(segment, 1)}:{_field(segment, 2)}"
            if _field(segment, 20) in ("NA", "RE") or _field(segment, 21) == "D":
                items.append(Item(key, None))
                continue
            start, end = self._moment(_field(segment, 3), f"{where}.3"), _field(segment, 4)
            hours = (self._moment(end, f"{where}.4") - start).total_seconds() / 3600.0 if end else 0.0
            try:
                amount = float(_field(segment, 6))
            except ValueError:
                raise unusable(f"{where}.6", _field(segment, 6), "the amount given", "not an amount") from None
            body = {"kind": "dose", "drug": self.drug, "amount": amount, "unit": _component(segment, 7, 1), "infusion_h": hours}
            items.append(Item(key, _fact(where, start, body)))
        return items

    def _moment(self, text: str, where: str) -> datetime:
        found = _TIME.match(text)
        if found is None:
            raise unusable(where, text, "YYYYMMDDHHMM[SS][+ZZZZ]", "not a moment to the minute")
        y, mo, d, h, mi, s, _, offset = found.groups()
        try:
            if offset:
                return datetime.strptime(f"{y}{mo}{d}{h}{mi}{s or '00'}{offset}", "%Y%m%d%H%M%S%z").astimezone(UTC)
            if self.zone is None:
                raise unusable(where, text, "a time with its offset, such as +0100",
                               "the offset is missing and the feed's time zone is not configured")  # fmt: skip
            local = datetime(int(y), int(mo), int(d), int(h), int(mi), int(s or 0), tzinfo=ZoneInfo(self.zone))
        except ValueError:
            raise unusable(where, text, "a moment that exists", "not a moment") from None
        return local.astimezone(UTC)


def receive(service: "Service", reader: Reader, text: str) -> tuple[str, str, Taken | None]:
    """Take one message in; returns the acknowledgement code, a line for MSA-3, and what was stored."""
    source = "hl7"
    try:
        try:
            message = hl7.parse(text.replace("\n", "\r"))
        except (hl7.HL7Exception, KeyError, IndexError, ValueError):
            raise unusable("MSH", text[:40], "an HL7 v2 message", "cannot be read") from None
        source, ids, sent, items, remarks = reader.read(message)
        if not items:
            return "AA", one_line("; ".join(remarks))[:200], None
        done = take(service, source, ids, sent, items)
    except InputError as error:
        problem = from_input_error(error)
    except Problem as error:
        problem = error
    except (SQLAlchemyError, Closed) as error:
        return _cannot_now(error)
    else:
        return "AA", "", done
    try:
        id_ = refuse(service, source, text.encode("utf-8", "replace"), problem)
    except (SQLAlchemyError, Closed) as error:
        return _cannot_now(error)
    first = (problem.errors or [{}])[0]
    said = (
        f"{first.get('field', '')}: {first.get('message', problem.detail)}; expected {first.get('expected', '')}; kept as {id_}"
    )
    return "AE", one_line(said)[:250], None


def _cannot_now(error: Exception) -> tuple[str, str, None]:
    """AR: nothing is wrong with the message, it was neither stored nor kept; the sender keeps it and sends it again."""
    problem = from_database(error)
    log.error("HL7 message not stored: %s", type(error).__name__)
    return "AR", one_line(problem.detail if problem else "not stored; send it again"), None


class Listener:
    """An MLLP server in a thread of its own with its own event loop; the work of a message is done in the service's threads."""

    def __init__(self, service: "Service", reader: Reader, host: str, port: int, *, heard: Callable[[], None] = lambda: None):
        """``heard`` is called for every message that arrives."""
        self._service, self._reader, self._host, self.port, self._heard = service, reader, host, port, heard
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._writers: set[Any] = set()
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="dosetwin-mllp", daemon=True)

    def start(self) -> "Listener":
        """Listen; ``port`` is then the one bound."""
        self._thread.start()
        until = time.monotonic() + 10.0
        while not self._ready.wait(0.05) and self._thread.is_alive() and time.monotonic() < until:
            pass
        if not self._ready.is_set():
            raise InputError("cannot listen", where="DOSETWIN_MLLP_PORT", value=self.port, remedy="choose a free port")
        return self

    @property
    def listening(self) -> bool:
        """Whether the port is open."""
        return self._ready.is_set() and self._thread.is_alive()

    def close(self) -> None:
        """Stop listening; messages being worked on are finished."""
        if self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(timeout=20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        except OSError as error:
            log.error("MLLP: %s", type(error).__name__)
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await hl7.mllp.start_hl7_server(self._connected, self._host, self.port, encoding="utf-8", limit=LARGEST)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        await asyncio.sleep(0.1)  # asyncio drops, unclosed, a connection that it is accepting while the server closes
        server.close()
        until = self._loop.time() + 15.0
        while (others := asyncio.all_tasks() - {asyncio.current_task()}) and self._loop.time() < until:
            for writer in tuple(self._writers):  # messages being worked on are finished; who connects meanwhile is sent away
                writer.close()
            await asyncio.wait(others, timeout=0.5)
        await asyncio.sleep(0.05)

    async def _connected(self, stream: Any, writer: Any) -> None:
        self._writers.add(writer)
        try:
            while not writer.is_closing():
                message = await stream.readmessage()
                self._heard()
                code, text, _ = await asyncio.to_thread(receive, self._service, self._reader, str(message))
                answer = message.create_ack(code)
                if text:
                    answer.assign_field(message.escape(text), "MSA", 1, 3)
                writer.writemessage(answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:  # a broken peer must not end the listener
            log.warning("MLLP connection ended: %s", type(error).__name__)
        finally:
            writer.close()
            self._writers.discard(writer)


def _fact(where: str, at: datetime, body: dict[str, Any]) -> NewFact:
    try:
        return NewFact.model_validate({"at": at, "body": body})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(x) for x in first["loc"] if x != "body")
        raise unusable(f"{where} {field}", first.get("input"), first["msg"], "not accepted") from None


def _identifiers(message: Any) -> list[tuple[str, str]]:
    """(assigning authority, number) pairs of PID-3. Raises Problem when there is none."""
    try:
        field = message.segment("PID")(3)
    except (KeyError, IndexError):
        raise unusable("PID-3", "", "the patient's number and its assigning authority", "missing") from None
    out = []
    for repeat in field:
        parts = repeat if isinstance(repeat, hl7.Repetition) else [repeat]
        number = str(parts[0]).strip() if len(parts) else ""
        authority = str(parts[3]).split("&")[0].strip() if len(parts) > 3 else ""
        if number and authority:
            out.append((authority, number))
    if not out:
        raise unusable("PID-3", str(field), "number^^^authority", "a number without its authority could be another hospital's")
    return out


def _text(message: Any, segment: str, field: int) -> str:
    try:
        return str(message.segment(segment)(field)).strip()
    except (KeyError, IndexError):
        return ""


def _field(segment: Any, number: int) -> str:
    try:
        return str(segment(number)).strip()
    except (KeyError, IndexError):
        return ""


def _component(segment: Any, field: int, component: int) -> str:
    return (_field(segment, field).split("~")[0].split("^") + [""] * component)[component - 1].strip()

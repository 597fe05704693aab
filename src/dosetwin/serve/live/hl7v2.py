"""HL7 v2 over MLLP: each message is read, stored or refused, and acknowledged in words.

Answers AA when everything is stored (or was before), and names what was left out; AE when something was refused: the results
and doses that can be used are stored, and the message is kept with what is wrong with the others; AR when it could not be kept.
One frame may hold several messages: each is taken for itself, and the frame is answered by the worst of them.
"""

import asyncio
import logging
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hl7.mllp
from sqlalchemy.exc import SQLAlchemyError

from dosetwin.errors import InputError, one_line
from dosetwin.serve.live.adt import apply
from dosetwin.serve.live.hl7_reader import Reader
from dosetwin.serve.live.hl7_text import Segment, acknowledgement, decoded, messages, parsed
from dosetwin.serve.live.inbox import Taken, refuse, take
from dosetwin.serve.problems import Problem, from_database, from_input_error, wrong
from dosetwin.serve.store.writer import Closed

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

__all__ = ["Answer", "Listener", "Reader", "answer", "receive"]

log = logging.getLogger("dosetwin.serve")
LARGEST = 2**20
_WORST = ("AA", "AE", "AR")


@dataclass(frozen=True)
class Answer:
    """What a frame is answered: code, a line for MSA-3, what was stored, each thing wrong, what was left out, and its MSH."""

    code: str
    text: str = ""
    taken: Taken | None = None
    errors: tuple[dict[str, Any], ...] = ()
    remarks: tuple[str, ...] = ()
    head: Segment | None = None
    silent: bool = False

    @property
    def rank(self) -> int:
        """0 the best."""
        return _WORST.index(self.code)


def receive(service: "Service", reader: Reader, text: str) -> tuple[str, str, Taken | None]:
    """Take one frame's text in; returns the acknowledgement code, a line for MSA-3, and what was stored."""
    found = answer(service, reader, text)
    return found.code, found.text, found.taken


def answer(service: "Service", reader: Reader, frame: str | bytes) -> Answer:
    """Take one frame in: its message, or each of several."""
    try:
        texts = messages(frame if isinstance(frame, str) else decoded(frame))
    except Problem as problem:
        return _refused(service, "hl7", frame, problem, None)
    found = [_one(service, reader, text) for text in texts]
    if len(found) == 1:
        return found[0]
    worst = max(found, key=lambda a: a.rank)
    told = [f"message {n} ({a.head.text(10) if a.head else '?'}): {a.text}" for n, a in enumerate(found, 1) if a.text]
    taken = [a.taken for a in found if a.taken is not None]
    total = None
    if taken:
        new, known, corrected, stale = (sum(getattr(t, k) for t in taken) for k in ("new", "known", "corrected", "stale"))
        total = Taken(taken[-1].patient_id, new, known, corrected, stale)
    return Answer(worst.code, one_line(" | ".join(told))[:250], total, tuple(e for a in found for e in a.errors),
                  tuple(r for a in found for r in a.remarks), found[0].head)  # fmt: skip


def _one(service: "Service", reader: Reader, text: str) -> Answer:
    source, head = "hl7", None
    try:
        message = parsed(text)
        head = message.head
        source = "hl7:" + (head.text(3) or "unnamed")[:40]
        if head.text(9, 1) == "ACK":
            return Answer("AA", "an acknowledgement is not answered", head=head, silent=True)
        found = reader.read(message, service.clock.now())
        if found.visit is not None:
            id_, said = apply(service, found.source, found.identifiers, found.sent, found.claim, reader.zone, found.visit)
            found.remarks += said
            if id_ is None:  # nobody here: what else it says is of nobody
                found.items.clear()
        done = take(service, found.source, found.identifiers, found.sent, found.items, found.claim, reader.zone, each=True) \
            if found.items else None  # fmt: skip
    except InputError as error:
        problem = from_input_error(error)
    except Problem as error:
        problem = error
    except (SQLAlchemyError, Closed) as error:
        return _cannot_now(error, head)
    else:
        remarks = (*found.remarks, *(done.remarks if done is not None else ()))
        errors = (*found.refused, *(done.refused if done is not None else ()))
        if found.unread and not errors:
            errors_, text_ = (
                [wrong("message", "", None, "a segment that is read", line) for line in found.unread],
                "; ".join(remarks),
            )
            id_ = refuse(service, source, text.encode("utf-8", "replace"), Problem(422, "not_read", text_, errors_))
            remarks = (f"kept as {id_} for what is not read: {'; '.join(found.unread)}", *remarks)
        if errors:
            what = Problem(422, "not_accepted", f"{len(errors)} results or doses cannot be used", list(errors))
            told = _refused(service, source, text, what, head)
            return replace(told, text=one_line(f"the rest is stored; {told.text}")[:250], taken=done, remarks=remarks)
        return Answer("AA", one_line("; ".join(remarks))[:250], done, (), remarks, head)
    return _refused(service, source, text, problem, head)


def _refused(service: "Service", source: str, frame: str | bytes, problem: Problem, head: Segment | None) -> Answer:
    body = frame.encode("utf-8", "replace") if isinstance(frame, str) else frame
    try:
        id_ = refuse(service, source, body, problem)
    except (SQLAlchemyError, Closed) as error:
        return _cannot_now(error, head)
    errors = tuple(problem.errors or [wrong("message", "", None, "", problem.detail)])
    first = errors[0]
    said = f"{first['field']}: {first['message']}; expected {first['expected']}"
    return Answer("AE", one_line(f"{said[:200]}; kept as {id_}"), None, errors, (), head)


def _cannot_now(error: Exception, head: Segment | None) -> Answer:
    """AR: nothing is wrong with the message, it was neither stored nor kept; the sender keeps it and sends it again."""
    problem = from_database(error)
    log.error("HL7 message not stored: %s", type(error).__name__)
    return Answer("AR", one_line(problem.detail if problem else "not stored; send it again"), head=head)


def frames(found: Answer, now: datetime) -> list[str]:
    """The acknowledgements a frame is answered with: one in original mode; in enhanced mode (MSH-15 or 16 valued) the accept
    acknowledgement (CA, CE, CR) and the application's (AA, AE, AR), each where its field asks for it."""
    head = found.head
    accept, application = (head.text(15), head.text(16)) if head is not None else ("", "")
    if found.silent:
        return []
    if not accept and not application:
        codes = [found.code]
    else:
        good = found.code == "AA"
        told = application == "AL" or (application == "ER" and not good) or (application == "SU" and good)
        # kept among the refused is committed too, where the sender hears of the refusal; else CE is all it would hear
        taken = "CR" if found.code == "AR" else "CA" if good or told else "CE"
        asked = accept == "AL" or (accept == "ER" and taken != "CA") or (accept == "SU" and taken == "CA")
        codes = [taken] * asked + [found.code] * (told and not (asked and taken == "CR"))
    out = []
    for code in codes:
        errors = () if code == "CA" else found.errors
        remarks = () if code[0] == "C" else found.remarks
        out.append(acknowledgement(head, code, found.text if code != "CA" else "", errors, remarks, now, uuid.uuid4().hex[:20]))
    return out


def secured(cert: Path, key: Path, clients: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate; ``clients``: the authorities whose clients alone may connect.

    Raises InputError for files that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key)
        if clients is not None:
            context.load_verify_locations(clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        raise InputError(f"cannot be used: {type(error).__name__}", where="DOSETWIN_MLLP_TLS_CERT",
                         allowed="files in PEM: certificate chain, key, authorities of clients") from None  # fmt: skip
    return context


class Listener:
    """An MLLP server in a thread of its own with its own event loop; the work of a message is done in the service's threads."""

    def __init__(self, service: "Service", reader: Reader, host: str, port: int, *, heard: Callable[[], None] = lambda: None,
                 tls: ssl.SSLContext | None = None):  # fmt: skip
        """``heard`` is called for every message that arrives; ``tls``: how connections are encrypted (``secured``)."""
        self._tls = tls
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
        server = await hl7.mllp.start_hl7_server(
            self._connected, self._host, self.port, encoding="utf-8", limit=LARGEST, ssl=self._tls
        )
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
                try:
                    frame = await stream.readblock()
                except (ValueError, hl7.mllp.InvalidBlockError) as error:  # too long, or no frame: told, and that is the end
                    why = (
                        f"larger than {LARGEST} bytes" if isinstance(error, ValueError) else "no MLLP frame (0x0B ... 0x1C 0x0D)"
                    )
                    for said in frames(Answer("AR", f"not read: {why}; nothing stored"), self._service.clock.now()):
                        writer.writeblock(said.encode("utf-8"))
                        await writer.drain()
                    break
                self._heard()
                found = await asyncio.to_thread(answer, self._service, self._reader, frame)
                for said in frames(found, self._service.clock.now()):
                    writer.writeblock(said.encode("utf-8"))
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        except Exception as error:  # a broken peer must not end the listener
            log.warning("MLLP connection ended: %s", type(error).__name__)
        finally:
            writer.close()
            self._writers.discard(writer)

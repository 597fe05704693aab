"""News as it happens: one stream (Server-Sent Events) per open page. What travels is which patients changed, each within reach.

A stream ends with the session, with the rights it began with, when the patient it is about leaves the reader's reach, when the
service stops, and after LASTS_S in any case (the browser then connects again from the last event's id, and misses nothing).
"""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from dosetwin.serve.auth import sessions
from dosetwin.serve.problems import Problem
from dosetwin.serve.web.frame import Reader, Reading

router = APIRouter(include_in_schema=False)  # a script reads the errors: problems, not pages
MOST_PER_USER = 8
MOST = 200
"""Streams at once, well under the connections the server takes; beyond either bound a page asks every second as before."""
CHECK_S = 2.0
"""How often a stream looks without being woken: sessions that ended, changes that other processes made."""
APART_S = 0.3
"""Looks of one stream are at least so far apart, however fast facts arrive."""
BEAT_S = 15.0
"""A comment is sent at least this often, so that proxies keep the connection and a dead one is noticed."""
LASTS_S = 600.0
RETRY_MS = 1000
HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
Cursor = r"^(\d{1,18}\.\d{1,18})?$"


@dataclass(eq=False)
class Listener:
    """One open stream: whose, and the event that wakes it in its loop."""

    subject: str
    loop: asyncio.AbstractEventLoop
    woken: asyncio.Event


class Hub:
    """The open streams of an application: counted per person, woken when a twin changes, ended together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[Listener] = set()
        self.closed = False

    def join(self, subject: str) -> Listener:
        """A place for one more stream. Raises Problem 429 or 503 where there is none."""
        listener = Listener(subject, asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            count = Counter(x.subject for x in self._open)
            if self.closed or len(self._open) >= MOST:
                raise Problem(503, "too_many_streams", "no further stream; ask /news instead", headers={"Retry-After": "60"})
            if count[subject] >= MOST_PER_USER:
                why = f"at most {MOST_PER_USER} streams at once for one person; ask /news instead"
                raise Problem(429, "too_many_streams", why, headers={"Retry-After": "60"})
            self._open.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """The stream is over."""
        with self._lock:
            self._open.discard(listener)

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)

    def wake(self, _patient: str = "") -> None:
        """Something changed: every stream looks whether it concerns its reader. May be called from any thread."""
        with self._lock:
            listeners = list(self._open)
        for listener in listeners:
            try:
                listener.loop.call_soon_threadsafe(listener.woken.set)
            except RuntimeError:  # its loop has ended
                self.leave(listener)

    def close(self) -> None:
        """End every stream now; no new one begins. A server that stops would otherwise wait for them."""
        self.closed = True
        self.wake()


def hub_of(app: Any) -> Hub:
    """The application's streams."""
    if not hasattr(app.state, "news_hub"):
        app.state.news_hub = Hub()
        app.state.service.on_change.append(app.state.news_hub.wake)
    return app.state.news_hub


class Stream(StreamingResponse):
    """A streaming response that gives its place back however it ends."""

    def __init__(self, content: AsyncIterator[str], hub: Hub, listener: Listener):
        super().__init__(content, media_type="text/event-stream", headers=HEADERS)
        self._hub, self._listener = hub, listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader leaves or the stream ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._hub.leave(self._listener)


@router.get("/news/stream")
async def news_stream(
    request: Request,
    reader: Reading,
    since: Annotated[str, Query(max_length=64, pattern=Cursor)] = "",
    about: Annotated[str, Query(pattern=r"^([0-9a-f-]{36})?$")] = "",
    last_event_id: Annotated[str, Header(max_length=64, pattern=Cursor)] = "",
) -> Stream:
    """Events ``news`` with the patients that changed since a cursor (each event's id), and ``end`` with the reason.

    ``about``: a patient the page shows; the stream ends when that record leaves the reader's reach.
    """
    token = request.cookies[sessions.COOKIE]
    cursor = last_event_id or since
    first = await run_in_threadpool(_look, reader, token, about, cursor)
    hub = hub_of(request.app)
    listener = hub.join(reader.who.subject)
    return Stream(_told(hub, listener, reader, token, about, first), hub, listener)


def _look(reader: Reader, token: str, about: str, cursor: str) -> tuple[str, list[str]]:
    """The cursor and what changed since. Raises Problem: 401 without the session, 403 or 404 for a record out of reach."""
    service = reader.service
    with service.store.read() as conn:
        session = sessions.find(conn, service.vault.seals, token, service.wall.now())
        if session is None:
            raise Problem(401, "not_logged_in", "the session has ended")
        if session.principal != reader.who:
            raise Problem(403, "rights_changed", "the session's rights have changed; load the page again")
        reach = service.reach(session.principal)
        if about:
            reach.patient(conn, about)
        return reach.changes(conn, cursor)


async def _told(
    hub: Hub, listener: Listener, reader: Reader, token: str, about: str, found: tuple[str, list[str]]
) -> AsyncIterator[str]:
    now = listener.loop.time
    until = now() + LASTS_S
    cursor, patients = found
    yield f"retry: {RETRY_MS}\n{_event('news', {'patients': patients}, cursor)}"
    said = looked = now()
    while not hub.closed and now() < until:
        try:
            await asyncio.wait_for(listener.woken.wait(), CHECK_S)
        except TimeoutError:
            pass
        else:
            await asyncio.sleep(max(0.0, looked + APART_S - now()))
        listener.woken.clear()
        if hub.closed:
            return
        looked = now()
        try:
            before, (cursor, patients) = cursor, await run_in_threadpool(_look, reader, token, about, cursor)
        except Problem as problem:
            yield _event("end", {"status": problem.status, "why": problem.detail}, cursor)
            return
        except SQLAlchemyError:  # the database is away: the page asks by itself, and is told what is wrong
            return
        if patients:
            yield _event("news", {"patients": patients}, cursor)
            said = looked
        elif looked - said >= BEAT_S or cursor != before:
            # the id alone keeps the cursor moving where changes are out of reach
            yield f"id: {cursor}\n: beat\n\n"
            said = looked


def _event(name: str, data: dict[str, Any], cursor: str) -> str:
    return f"id: {cursor}\nevent: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n"

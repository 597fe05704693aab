"""Connections that cannot be held without being used: time for head, body and reading, a limit per address, room for health.

Nobody is refused because others are idle: where there is no room, the connection that has been waiting for its client longest is
cut off. Where all are busy, further ones are answered 503, and still may ask whether the service is alive.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from dosetwin.serve.problems import Problem
from dosetwin.serve.security import trusts
from dosetwin.serve.settings import Settings

SPARE = 64
"""Connections beyond the limit that are answered only whether the service is alive."""
STALL_S = 30.0
"""A client that reads nothing for so long is cut off."""
_REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Places:
    """Who holds connections: ``each`` per address (declared proxies: no limit), ``most`` together."""

    most: int
    each: int
    trusted: str = ""
    held: dict[str, dict["Bounded", None]] = field(default_factory=dict)
    total: int = 0

    def admit(self, it: "Bounded", address: str) -> str:
        """``open``, ``health`` (only that is answered) or ``refused``; makes room by cutting off who waits longest."""
        mine = self.held.setdefault(address, {})
        full = len(mine) >= self.each and not trusts(self.trusted, address)
        answer = "open"
        if full and not self._cut(mine):
            answer = "refused"
        elif self.total >= self.most and not self._cut({c: None for held in self.held.values() for c in held}):
            answer = "health" if self.total < self.most + SPARE else "refused"
        if answer == "refused":
            if not mine:
                del self.held[address]
            return answer
        self.held.setdefault(address, {})[it] = None
        self.total += 1
        return answer

    def _cut(self, among: dict["Bounded", None]) -> bool:
        waiting = [c for c in among if c.phase != "answer"]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda c: c.since)
        self.leave(oldest)
        oldest.abort()
        return True

    def leave(self, it: "Bounded") -> None:
        """A connection is gone."""
        mine = self.held.get(it.address)
        if mine is not None and it in mine:
            del mine[it]
            self.total -= 1
            if not mine:
                del self.held[it.address]


class Bounded(H11Protocol):
    """A connection with limits; ``places`` and the times are set by ``bounded``."""

    places: Places
    head_s: float
    body_s: float
    address = ""
    phase = "head"
    since = 0.0
    _timer: Any = None
    _stall: Any = None
    _refused = False

    def connection_made(self, transport: Any) -> None:
        """Let in, or not."""
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if isinstance(peer, tuple) and peer else "unknown"
        self.since = time.monotonic()
        answer = self.places.admit(self, self.address)
        if answer == "refused":
            self._refused = True
            self.transport = transport
            transport.write(_REFUSED)
            transport.close()
            return
        super().connection_made(transport)
        if answer == "health":
            self.app = _health_only(self.app)  # type: ignore[assignment]
        self._wait("head")

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.places.leave(self)
        self._stop()
        if not self._refused:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """What the client sent; the time it has runs on until head, then body, are whole."""
        if self._refused:
            return
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Idle from here, for as long as the server keeps connections, until the first byte of the next request."""
        super().on_response_complete()
        if self._phase() == "head":
            self._stop()
            self.phase, self.since = "idle", time.monotonic()
        else:
            self._look()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(STALL_S, self.abort)

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def abort(self) -> None:
        """Cut off."""
        if not self.transport.is_closing():
            self.transport.abort()

    def _phase(self) -> str:
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            return "head"
        return "body" if cycle.more_body else "answer"

    def _look(self) -> None:
        phase = self._phase()
        if phase != self.phase:
            self._wait(phase)

    def _wait(self, phase: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.phase, self.since = phase, time.monotonic()
        if phase != "answer":
            self._timer = self.loop.call_later(self.head_s if phase == "head" else self.body_s, self.abort)

    def _stop(self) -> None:
        for timer in (self._timer, self._stall):
            if timer is not None:
                timer.cancel()
        self._timer = self._stall = None


def bounded(settings: Settings, most: int) -> type[Bounded]:
    """The class of this server's connections, at most ``most`` of them."""
    places = Places(most, min(settings.connections_per_address, most), settings.trusted_proxies)
    return type("BoundedHere", (Bounded,), {"places": places, "head_s": settings.head_seconds, "body_s": settings.body_seconds})


def _health_only(app: ASGIApp) -> ASGIApp:
    async def only(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in ("/health/live", "/health/ready"):
            await app(scope, receive, send)
            return
        problem = Problem(503, "busy", "too many connections", headers={"Retry-After": "5", "Connection": "close"})
        await JSONResponse(problem.body(scope["path"]), 503, headers=problem.headers)(scope, receive, send)

    return only

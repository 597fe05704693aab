"""What every request and response passes: size and rate limits in, security headers out. Plain ASGI: nothing is buffered."""

import threading
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors {frames}"
)


class Rate:
    """A bucket of tokens per key: ``per_minute`` on average, that many at once."""

    def __init__(self, per_minute: int, keys: int = 10_000):
        self._per_minute, self._keys = per_minute, keys
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, key: str) -> float:
        """0.0 when allowed, else the seconds to wait."""
        now = time.monotonic()
        rate = self._per_minute / 60.0
        with self._lock:
            left, at = self._buckets.pop(key, (float(self._per_minute), now))
            left = min(left + (now - at) * rate, float(self._per_minute))
            allowed = left >= 1.0
            self._buckets[key] = (left - 1.0 if allowed else left, now)
            while len(self._buckets) > self._keys:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1.0 - left) / rate


@lru_cache(maxsize=4096)
def trusts(proxies: str, address: str) -> bool:
    """Whether an address is one of the declared proxies (networks with spaces between)."""
    try:
        at = ip_address(address)
    except ValueError:
        return False
    return any(at in ip_network(p) for p in proxies.split())


def local_path(path: str) -> str:
    """A path of this service to go to after the login; anything else leads to the start."""
    inside = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if inside else "/"


class Proxies:
    """Middleware: whose request it is, as declared proxies say; what anybody else says about that is not read."""

    def __init__(self, app: ASGIApp, trusted: str):
        self._app, self._trusted = app, trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        client = scope.get("client")
        if scope["type"] == "http" and client and trusts(self._trusted, client[0]):
            said = [(k, v.decode("latin-1")) for k, v in scope["headers"] if k in (b"x-forwarded-for", b"x-forwarded-proto")]
            hops = [h.strip() for k, v in said if k == b"x-forwarded-for" for h in v.split(",")]
            proto = next((v.strip() for k, v in said if k == b"x-forwarded-proto"), "")
            scope = dict(scope)
            # from the right: the first that no proxy of ours vouches for as one of them; what stands left of it anybody may write
            for hop in reversed(hops):
                if not _address(hop):
                    break
                scope["client"] = (hop, 0)
                if not trusts(self._trusted, hop):
                    break
            if proto in ("http", "https"):
                scope["scheme"] = proto
        await self._app(scope, receive, send)


def _address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class TooLarge(HTTPException):
    """The body went past the limit while it was being read (an HTTPException, which the framework hands on as it is)."""

    def __init__(self) -> None:
        super().__init__(413, "the request is larger than announced or allowed; nothing was stored")


class BrokenOff(RuntimeError):
    """An answer that had begun could not be finished; what happened was logged without its text."""


class Guard:
    """The middleware."""

    def __init__(self, app: ASGIApp, settings: Settings, unexpected: Callable[[Request, Exception], Awaitable[Response]]):
        """``unexpected`` answers what nobody foresaw: the server below would log the error's text, which may hold anything."""
        self._app, self._unexpected = app, unexpected
        self._most = int(settings.max_body_mb * 1024 * 1024)
        self._rate, self._login = Rate(settings.rate_per_minute), Rate(settings.login_per_minute)
        self._https = settings.public_url.startswith("https://")
        self._csp = CSP.format(frames=settings.frame_ancestors or "'none'")
        self._framed = bool(settings.frame_ancestors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                self._protect(MutableHeaders(scope=message), scope["path"])
            await send(message)

        refusal = self._refused(scope)
        if refusal is not None:
            await self._refuse(refusal, scope, receive, send_with_headers)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._most:
                    raise TooLarge
            return message

        try:
            await self._app(scope, receive_counted, send_with_headers)
        except TooLarge:
            if started:
                raise
            await self._refuse(self._too_large(), scope, receive, send_with_headers)
        except ClientDisconnect:
            return
        except Exception as error:
            answer = await self._unexpected(Request(scope, receive), error)
            if started:
                raise BrokenOff from None
            await answer(scope, receive, send_with_headers)

    def _too_large(self) -> Problem:
        return Problem(413, "too_large", f"a request may have at most {self._most} bytes; nothing was stored")

    def _refused(self, scope: Scope) -> Problem | None:
        headers = dict(scope["headers"])
        client = (scope.get("client") or ("unknown", 0))[0]
        login = scope["method"] == "POST" and scope["path"].endswith(("/session", "/login"))
        if scope["path"] == "/health/live":
            return None  # whoever floods us must not make us look dead
        wait = (self._login if login else self._rate).take(client)
        if wait:
            return Problem(429, "too_many_requests", "too many requests from here",
                           headers={"Retry-After": str(max(1, round(wait)))})  # fmt: skip
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._most:
            return self._too_large()
        return None

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        response = JSONResponse(problem.body(scope["path"]), problem.status, headers=problem.headers,
                                media_type="application/problem+json")  # fmt: skip
        await response(scope, receive, send)

    def _protect(self, headers: Any, path: str) -> None:
        headers.setdefault("Content-Security-Policy", self._csp)
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if not self._framed:
            headers["X-Frame-Options"] = "DENY"
        if self._https:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        if not path.startswith("/static/"):
            headers.setdefault("Cache-Control", "no-store")

"""The web server: uvicorn, which ends the open streams before it waits for its connections to finish."""

import contextlib
import sys
from socket import socket
from typing import Any

import uvicorn

from dosetwin.serve.connections import bounded
from dosetwin.serve.settings import Settings

FILES = 256
"""File descriptors kept for everything that is no connection."""


class Server(uvicorn.Server):
    """Stops at once although pages are listening: their streams are ended first."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, then what uvicorn does."""
        hub = getattr(self.config.app.state, "news_hub", None)  # type: ignore[union-attr]
        if hub is not None:
            hub.close()
        await super().shutdown(sockets)


def config(app: Any, settings: Settings, **options: Any) -> uvicorn.Config:
    """How the application is served: bounded connections; what proxies say is read by the application."""
    chosen: dict[str, Any] = {
        "host": settings.host, "port": settings.port, "log_level": "warning", "access_log": False, "server_header": False,
        "timeout_keep_alive": 30, "timeout_graceful_shutdown": 15, "proxy_headers": False, "ws": "none",
        "http": bounded(settings, _most(settings.connections)),
    }  # fmt: skip
    return uvicorn.Config(app, **(chosen | options))


def _most(wanted: int) -> int:
    """So many connections as this process may have open; its limit of files is raised as far as it may be."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + 2 * FILES
    if soft != resource.RLIM_INFINITY and soft < needed:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed if hard == resource.RLIM_INFINITY else min(needed, hard), hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return wanted if soft == resource.RLIM_INFINITY else max(min(wanted, soft - FILES), 16)


def run(app: Any, settings: Settings, **options: Any) -> None:
    """Serve until stopped; exit code 3 where the application does not start."""
    server = Server(config(app, settings, **options))
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)

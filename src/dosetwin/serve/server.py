"""The web server: uvicorn, which ends the open streams before it waits for its connections to finish."""

import contextlib
import sys
from socket import socket
from typing import Any

import uvicorn


class Server(uvicorn.Server):
    """Stops at once although pages are listening: their streams are ended first."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End the streams, then what uvicorn does."""
        hub = getattr(self.config.app.state, "news_hub", None)  # type: ignore[union-attr]
        if hub is not None:
            hub.close()
        await super().shutdown(sockets)


def run(app: Any, **options: Any) -> None:
    """Serve until stopped; exit code 3 where the application does not start."""
    server = Server(uvicorn.Config(app, **options))
    with contextlib.suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(3)

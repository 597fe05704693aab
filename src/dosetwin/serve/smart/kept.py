"""Launched records kept current while their session lasts, with refresh tokens that are in the memory of this process alone.

A session that ended (logout, expiry), or a token that the EHR takes no more, ends it; so does a restart.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.problems import Problem
from dosetwin.serve.smart.launch import Granted, renewed
from dosetwin.serve.smart.servers import Endpoints, SmartServer

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

log = logging.getLogger("dosetwin.serve")
MOST = 500
LOOK_S = 5.0


@dataclass(frozen=True)
class Open:
    """One launched session."""

    session: str = field(repr=False)
    server: SmartServer
    where: Endpoints
    granted: Granted = field(repr=False)
    due: float = 0.0


class Refreshing:
    """The launched sessions of this process. ``take_in(server, access_token, patient)`` fetches a record."""

    def __init__(self, service: "Service", take_in: Callable[[SmartServer, str, str], object]):
        self._service, self._take_in = service, take_in
        self._open: dict[str, Open] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._open)

    def add(self, session: str, server: SmartServer, where: Endpoints, granted: Granted) -> None:
        """Keep a session's record current, where the EHR gave a refresh token."""
        if not granted.refresh_token or server.refresh_s <= 0:
            return
        with self._lock:
            if len(self._open) >= MOST:
                self._open.pop(next(iter(self._open)))
            self._open[session] = Open(session, server, where, granted, time.monotonic() + server.refresh_s)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dosetwin-smart", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._service.closed:
            time.sleep(LOOK_S)
            self.look()

    def look(self, now: float | None = None) -> None:
        """Fetch again what is due; ``now``: monotonic seconds."""
        now = time.monotonic() if now is None else now
        with self._lock:
            due = [o for o in self._open.values() if o.due <= now]
        for each in due:
            try:
                left = self._again(each, now)
            except Problem as problem:
                left = replace(each, due=now + each.server.refresh_s) if problem.status >= 500 else None
                if left is None:
                    self._service.audited(Principal(f"smart:{each.server.iss}"[:200]), "smart_refresh", outcome="refused",
                                          detail={"why": problem.code})  # fmt: skip
            except Exception as error:  # one session must not end the others
                log.error("keeping a launched record current failed: %s", type(error).__name__)
                left = replace(each, due=now + each.server.refresh_s)
            with self._lock:
                self._open.pop(each.session, None)
                if left is not None:
                    self._open[each.session] = left

    def _again(self, each: Open, now: float) -> Open | None:
        service = self._service
        with service.store.read() as conn:
            if sessions.find(conn, service.vault.seals, each.session, service.wall.now()) is None:
                return None
        granted = renewed(each.server, each.where, each.granted, service.wall.now().timestamp())
        kept = replace(each, granted=granted, due=now + each.server.refresh_s)
        with self._lock:  # the old token may be good for nothing from here on
            self._open[each.session] = kept
        try:
            self._take_in(each.server, granted.access_token, granted.patient)
        except Problem as problem:
            log.warning("a launched record was not taken in again: %s", problem.code)
        return kept

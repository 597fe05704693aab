"""The live sources that are configured: started and stopped with the service, and asked whether they are there and heard from."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dosetwin.errors import InputError
from dosetwin.serve.audit import stamp

if TYPE_CHECKING:
    from dosetwin.serve.live.hl7v2 import Listener
    from dosetwin.serve.live.mqtt import Subscriber
    from dosetwin.serve.service import Service

log = logging.getLogger("dosetwin.serve")


@dataclass(frozen=True)
class FeedState:
    """One source now: ``up`` whether it is connected or listening, ``why`` where not, ``heard_at`` its last message (None: none
    since the service started), ``silent`` whether that is longer ago than declared."""

    name: str
    up: bool
    why: str = ""
    heard_at: datetime | None = None
    silent: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        heard = None if self.heard_at is None else stamp(self.heard_at)
        return {"name": self.name, "up": self.up, "why": self.why, "heard_at": heard, "silent": self.silent}


class Streams:
    """The MLLP listener, the MQTT subscriber and a look at the FHIR feeds, as far as each is configured.

    ``feeds``: the FHIR feeds of the application, or None. A source that cannot start does not stop the service: it is said to be
    down, which readiness, metrics and the list of alerts repeat.
    """

    def __init__(self, service: "Service", feeds: Any = None):
        self._service, self._feeds = service, feeds
        self._heard: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._began = service.clock.now()
        self._why: dict[str, str] = {}
        self.mllp: Listener | None = None
        self.mqtt: Subscriber | None = None

    def start(self) -> "Streams":
        """Listen."""
        s = self._service.settings
        if s.mllp_port is not None:
            from dosetwin.serve.live.hl7v2 import Listener, Reader, secured

            reader = Reader(self._service.installed.first.drug, s.mllp_zone or None)
            try:
                heard = lambda: self.heard("mllp")  # noqa: E731
                tls = secured(s.mllp_tls_cert, s.mllp_tls_key, s.mllp_tls_clients) if s.mllp_tls_cert and s.mllp_tls_key else None
                self.mllp = Listener(self._service, reader, s.mllp_host, s.mllp_port, heard=heard, tls=tls).start()
            except InputError as error:
                self._why["mllp"] = str(error)
                log.error("MLLP listener not started: %s", error)
        return self

    def subscribe(self, stop: threading.Event) -> None:
        """Be the broker's subscriber until ``stop``: one process of several is."""
        s = self._service.settings
        from dosetwin.serve.live.mqtt import Subscriber

        name = f"dosetwin-{s.site}"[:60]
        mqtt = Subscriber(self._service, s.mqtt_host, s.mqtt_port, s.mqtt_root, name=name, user=s.mqtt_user,
                          password=s.mqtt_password.get_secret_value(), tls=s.mqtt_tls,
                          heard=lambda: self.heard("mqtt"))  # fmt: skip
        self.mqtt = mqtt
        mqtt.start()
        stop.wait()
        self.mqtt = None
        mqtt.close()

    def close(self) -> None:
        """Stop listening; what is being worked on is finished."""
        if self.mllp is not None:
            self.mllp.close()

    def heard(self, name: str) -> None:
        """A message came, usable or not."""
        with self._lock:
            self._heard[name] = self._service.clock.now()

    def states(self) -> list[FeedState]:
        """Every configured source, now."""
        s = self._service.settings
        out = []
        if s.mllp_port is not None:
            listening = self.mllp is not None and self.mllp.listening
            out.append(self._state("mllp", listening, self._why.get("mllp", "not listening")))
        if s.mqtt_host:
            leader = self._service.leader
            elsewhere = leader is not None and not leader.leads
            connected = elsewhere or (self.mqtt is not None and self.mqtt.connected)
            out.append(self._state("mqtt", connected, "not connected to the broker"))
        trouble: Mapping[str, str] = {} if self._feeds is None else dict(self._feeds.trouble)
        names = () if self._feeds is None else self._feeds.servers
        return [*out, *(FeedState(f"fhir:{n}", n not in trouble, trouble.get(n, "")) for n in names)]

    def _state(self, name: str, up: bool, why: str) -> FeedState:
        s = self._service.settings
        with self._lock:
            heard = self._heard.get(name)
        silent = s.feed_silent_min > 0 and self._service.clock.now() - (heard or self._began) > timedelta(
            minutes=s.feed_silent_min
        )
        return FeedState(name, up, "" if up else why, heard, silent)


def states_of(app: Any) -> list[FeedState]:
    """The configured sources of a running application; none where it runs without background work."""
    streams: Streams | None = getattr(app.state, "streams", None)
    return [] if streams is None else streams.states()

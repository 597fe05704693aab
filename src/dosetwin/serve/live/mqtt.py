"""Bedside streams over MQTT: pumps, monitors and sensors publish JSON; each message is acknowledged after it is stored.

Topic ``<root>/<system>/<number>/<device>`` names the patient (an identifier on record) and the device. Payload::

    {"id": "...", "sent": "2026-04-13T12:05:00Z", "kind": "infusion", "drug": "DRUG", "amount": 17.6, "unit": "mg",
     "start": "...", "end": "..."}                                          a dose, when its infusion has ended
    {"id": "...", "sent": "...", "kind": "sample", "name": "TEMP", "unit": "Cel", "values": [["2026-04-13T12:00:00Z", 36.9], ...]}

A stream is thinned: of a quantity, one value per ``KEEP_EVERY`` is stored, and any that differs by its ``STEP`` or more from the
last stored. What cannot be used is kept with its reasons and acknowledged, so that one bad message does not block the queue.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pydantic import ValidationError

from dosetwin import formulary
from dosetwin.errors import InputError
from dosetwin.io.routes import fits, route_of
from dosetwin.io.text import parse_json
from dosetwin.quantities.units import convert
from dosetwin.serve.live.inbox import Item, Taken, refuse, take, unusable
from dosetwin.serve.problems import Problem, from_input_error
from dosetwin.serve.store.facts import NewFact

if TYPE_CHECKING:
    from dosetwin.serve.service import Service

log = logging.getLogger("dosetwin.serve")
KEEP_EVERY = timedelta(hours=1)
STEP: Mapping[str, float] = {"TEMP": 0.5, "WT": 0.01}
"""Quantity -> change (canonical unit) that is stored at once; only these are taken from streams (assumed)."""
LARGEST = 256 * 1024
AGAIN_S = 5.0
"""After a message that could not be stored, the connection begins anew so much later."""


class Thinner:
    """Which samples of a stream are worth a fact. Remembers the last stored per patient and quantity, in memory only: after a
    restart the first sample of each is stored again, under its own moment, which is harmless."""

    def __init__(self, keep_every: timedelta = KEEP_EVERY, step: Mapping[str, float] = STEP):
        self._every, self._step = keep_every, step
        self._last: dict[tuple[str, str], tuple[datetime, float]] = {}

    def keep(self, patient: str, name: str, at: datetime, value: float) -> bool:
        """Whether this sample becomes a fact. Samples older than the last stored (overtaken ones) do not."""
        old = self._last.get((patient, name))
        if old is not None:
            if at <= old[0]:
                return False
            if at - old[0] < self._every and abs(value - old[1]) < self._step[name]:
                return False
        self._last[patient, name] = (at, value)
        return True

    def mark(self) -> dict[tuple[str, str], tuple[datetime, float]]:
        """What is remembered now, for ``back``."""
        return dict(self._last)

    def back(self, mark: dict[tuple[str, str], tuple[datetime, float]]) -> None:
        """Remember only what was remembered then: what was kept since has not been stored, and will come again."""
        self._last = mark


def receive(service: "Service", thinner: Thinner, topic: str, payload: bytes) -> Taken | str | None:
    """Take one message in: what was stored, None when a stream's samples carried nothing new, or the id of a refused message."""
    mark = thinner.mark()
    try:
        found = _receive(service, thinner, topic, payload)
    except Exception:
        thinner.back(mark)
        raise
    if isinstance(found, str):
        thinner.back(mark)
    return found


def _receive(service: "Service", thinner: Thinner, topic: str, payload: bytes) -> Taken | str | None:
    device = "mqtt"
    try:
        parts = topic.split("/")
        if len(parts) < 4:
            raise unusable("topic", topic, "root/system/number/device", "does not name patient and device")
        system, number, device = parts[-3], parts[-2], f"mqtt:{parts[-1][:40]}"
        message = _object(payload)
        sent, key = _moment(message, "sent"), _string(message, "id")
        kind = message.get("kind")
        if kind == "infusion":
            _only(message, ("id", "sent", "kind", "drug", "amount", "unit", "start", "end", "route"))
            items = [_infusion(message, key)]
        elif kind == "sample":
            _only(message, ("id", "sent", "kind", "name", "unit", "values"))
            items = _samples(message, f"{system}|{number}", thinner)
            if not items:
                return None
        else:
            raise unusable("kind", kind, "infusion or sample", "this kind of message is not read")
        return take(service, device, [(system, number)], sent, items)
    except InputError as error:
        problem = from_input_error(error)
    except Problem as error:
        problem = error
    return refuse(service, device, payload, problem)


class Subscriber:
    """A client with a session the broker remembers: what is published while it is away is delivered when it is back."""

    def __init__(self, service: "Service", host: str, port: int, root: str, *, name: str = "dosetwin", user: str = "",
                 password: str = "", tls: bool = False, heard: Callable[[], None] = lambda: None):  # fmt: skip
        """``heard`` is called for every message that arrives."""
        self._heard = heard
        self._service, self._thinner, self._root = service, Thinner(), root.strip("/")
        self._host, self._port = host, port
        self._connected, self._one = threading.Event(), threading.Lock()
        self._again = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False, manual_ack=True)
        if user:
            self._client.username_pw_set(user, password)
        if tls:
            self._client.tls_set()
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message
        self._client.on_disconnect = lambda *_: self._connected.clear()

    @property
    def connected(self) -> bool:
        """Whether the broker is there and has confirmed the subscription: what is published from now on arrives."""
        return self._connected.is_set()

    def start(self, wait_s: float = 0.0) -> bool:
        """Connect in the background and keep trying; with ``wait_s`` wait that long for the first subscription."""
        self._client.reconnect_delay_set(1, 30)
        self._client.connect_async(self._host, self._port, keepalive=30)
        self._client.loop_start()
        return self._connected.wait(wait_s) if wait_s else False

    def close(self) -> None:
        """Leave when the message being worked on is acknowledged; the broker keeps what comes meanwhile."""
        self._again.set()
        with self._one:
            self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            log.warning("MQTT broker refused the connection: %s", reason)
            return
        client.subscribe(f"{self._root}/#", qos=1)

    def _on_subscribe(self, _client: Any, _data: Any, _mid: Any, reasons: Any, _properties: Any) -> None:
        # only now: before its answer the broker may not know the subscription yet, and keeps nothing for a new session
        if any(reason.is_failure for reason in reasons):
            log.warning("MQTT broker refused the subscription: %s", ", ".join(str(reason) for reason in reasons))
            return
        self._connected.set()

    def _on_message(self, client: Any, _data: Any, message: Any) -> None:
        self._heard()
        with self._one:
            try:
                receive(self._service, self._thinner, message.topic, bytes(message.payload))
            except Exception as error:
                log.error("MQTT message not stored: %s", type(error).__name__)
            else:
                client.ack(message.mid, message.qos)
                return
        # not acknowledged: the broker delivers it again, but only to a connection that begins anew
        self._again.wait(AGAIN_S)
        if not self._again.is_set():
            self._connected.clear()
            client.reconnect()


def _infusion(message: Mapping[str, Any], key: str) -> Item:
    start, end = _moment(message, "start"), _moment(message, "end")
    if end < start:
        raise unusable("end", message["end"], f"not before {message['start']}", "ends before it begins")
    drug, said = str(message.get("drug")), message.get("route", "")
    by = route_of([], said) if isinstance(said, str) else None
    of = formulary.by_name().get(drug)
    if of is None or not of.followed:
        raise unusable("drug", message.get("drug"), ", ".join(formulary.followed()), "not a drug that is followed here")
    if by is None or fits(by, of) not in ("used", "remarked"):
        raise unusable("route", said, "intravenous, or left out", f"{drug} by this route is no dose the model knows")
    body = {"kind": "dose", "drug": message.get("drug"), "amount": message.get("amount"), "unit": message.get("unit"),
            "infusion_h": (end - start).total_seconds() / 3600.0}  # fmt: skip
    # a pump's counter begins anew: the same id at another moment is another infusion
    return Item(f"{key}:t={start.astimezone(UTC).isoformat()}", _fact(start, body), key, start, where="id")


def _only(message: Mapping[str, Any], known: tuple[str, ...]) -> None:
    """Refuse what carries more than is read: whoever wrote it meant something by it."""
    more = [name for name in message if name not in known]
    if more:
        raise unusable(str(more[0])[:40], message[more[0]], ", ".join(known), "this field is not read")


def _samples(message: Mapping[str, Any], patient: str, thinner: Thinner) -> list[Item]:
    name, unit, values = str(message.get("name")), str(message.get("unit")), message.get("values")
    if name not in STEP:
        raise unusable("name", name, ", ".join(STEP), "not a quantity taken from streams")
    if not isinstance(values, list) or not values or len(values) > 10_000:
        raise unusable("values", None, "1 to 10,000 pairs [moment, value]", "no samples")
    read = []
    for n, pair in enumerate(values):
        if not isinstance(pair, list) or len(pair) != 2 or isinstance(pair[1], bool) or not isinstance(pair[1], int | float):
            raise unusable(f"values[{n}]", pair, "[moment, value]", "not a sample")
        read.append((_instant(pair[0], f"values[{n}]"), float(pair[1])))
    items = []
    for at, value in sorted(read):
        if thinner.keep(patient, name, at, convert(value, unit, name, where="unit")):
            body = {"kind": "covariate", "name": name, "value": value, "unit": unit}
            items.append(Item(f"{name}:{at.isoformat()}", _fact(at, body)))
    return items


def _fact(at: datetime, body: dict[str, Any]) -> NewFact:
    try:
        return NewFact.model_validate({"at": at, "body": body})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise unusable(".".join(str(x) for x in first["loc"][2:]), first.get("input"), first["msg"], "not accepted") from None


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > LARGEST:
        raise unusable("payload", len(payload), f"at most {LARGEST} bytes", "too large")
    try:
        found = parse_json(payload.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise unusable("payload", None, "a JSON object in UTF-8", "cannot be read") from None
    if not isinstance(found, dict):
        raise unusable("payload", None, "a JSON object", "not an object")
    return found


def _moment(message: Mapping[str, Any], field: str) -> datetime:
    return _instant(message.get(field), field)


def _instant(value: Any, field: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise unusable(field, value, "ISO 8601 with offset", "not a moment") from None
    if at.tzinfo is None:
        raise unusable(field, value, "ISO 8601 with offset", "the offset is missing")
    return at


def _string(message: Mapping[str, Any], field: str) -> str:
    value = message.get(field)
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise unusable(field, value, "a text of 1 to 100 characters, the same in every repeat", "missing")
    return value

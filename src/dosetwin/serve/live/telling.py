"""Alerts go out: by e-mail, signed webhook, to a FHIR server, until somebody acknowledges; who was told and when is a fact.

What is still to be sent is derived from the facts alone, so nothing is lost on restart: an alert (or its louder repeat) that
waits and that no ``alert_told`` fact of this service names for a channel. A crash between sending and recording sends it twice,
with the same Message-ID and Idempotency-Key. No name, number or birth date leaves: who reads it opens the patient by the link.
"""

import hashlib
import hmac
import json
import logging
import smtplib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from dosetwin import words
from dosetwin.errors import InputError
from dosetwin.serve.audit import stamp
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.live.alerts import Alert, alerts_of
from dosetwin.serve.live.calls import Call, calls
from dosetwin.serve.places import alerts as places
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact
from dosetwin.serve.zone import Zone

if TYPE_CHECKING:
    from dosetwin.serve.fhir.sync import Server
    from dosetwin.serve.service import Service

log = logging.getLogger("dosetwin.serve")
TIMEOUT_S = 10.0
FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=1)
TICK_S = 15.0


@dataclass(frozen=True)
class Message:
    """What is sent of an alert: ``id`` of the fact that raised or repeated it, ``url`` of the patient's page ("": not known), and
    the ``ward`` whose beds it is about (None: it is about a patient)."""

    id: str
    alert: Alert
    at: datetime
    severity: str
    url: str
    ward: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data, with the same as a FHIR R4 Communication."""
        return {
            "id": self.id, "alert": self.alert.id,
            **({"patient": self.alert.patient_id} if self.ward is None else {"ward": self.ward}), "code": self.alert.code,
            "text": self.alert.text, "severity": self.severity, "at": stamp(self.at), "repeats": self.alert.repeats,
            "url": self.url, "communication": self.communication(),
        }  # fmt: skip

    def _subject(self) -> dict[str, Any]:
        """Whom it is about; a Communication has no subject but a patient, and names a ward in ``about``."""
        if self.ward is not None:
            return {"about": [{"type": "Location", "identifier": {"system": "urn:dosetwin:ward", "value": self.ward}}]}
        return {"subject": {"identifier": {"system": "urn:dosetwin:patient", "value": self.alert.patient_id}}}

    def communication(self) -> dict[str, Any]:
        """As a FHIR R4 Communication about the patient by this service's own id, or about a ward."""
        return {
            "resourceType": "Communication",
            "identifier": [{"system": "urn:dosetwin:alert", "value": self.id}],
            "status": "completed",
            "category": [{"text": "alert"}],
            "priority": {"critical": "stat", "warning": "urgent"}.get(self.severity, "routine"),
            **self._subject(),
            "reasonCode": [{"text": self.alert.code.replace("_", " ")}],
            "sent": stamp(self.at),
            "payload": [{"contentString": self.alert.text or self.alert.code.replace("_", " ")}],
        }


class Channel(Protocol):
    """A way out."""

    @property
    def name(self) -> str:
        """Who is told."""
        ...

    def send(self, message: Message) -> None:
        """Raises OSError or ValueError where it was not taken."""
        ...


@dataclass(frozen=True)
class Mail:
    """E-mail to one address over SMTP, encrypted unless that was switched off for a relay on this machine."""

    host: str
    port: int
    sender: str
    to: str
    tls: bool = True
    user: str = ""
    password: str = field(default="", repr=False)
    language: str = words.ENGLISH

    @property
    def name(self) -> str:
        """Who is told."""
        return f"mail {self.to}"

    def send(self, message: Message) -> None:
        """Raises OSError (smtplib's errors are such) where the server does not take it."""
        what, n = message.alert.code.replace("_", " "), message.alert.repeats + 1
        with words.speaking(self.language):
            subject = "[{severity}] {what}, told {n} times" if n > 1 else "[{severity}] {what}"
            told = words.say(subject, severity=message.severity, what=what, n=n)
            lines = [words.said(message.alert.text or what), "",
                     words.say("Patient {id}", id=words.as_is(message.alert.patient_id)) if message.ward is None
                     else words.say("Ward {ward}", ward=words.as_is(message.ward)), message.url,
                     words.say("Nobody has acknowledged it yet; it is repeated louder until somebody does.")]  # fmt: skip
        self.deliver(told, lines, message.id, message.at)

    def deliver(self, subject: str, lines: Sequence[str], id_: str, at: datetime) -> None:
        """A mail with a Message-ID made of ``id_``. Raises OSError where the server does not take it."""
        mail = EmailMessage()
        mail["Subject"] = subject
        mail["From"], mail["To"] = self.sender, self.to
        mail["Message-ID"] = f"<{id_.replace(':', '.')}.{hashlib.sha256(self.to.encode()).hexdigest()[:12]}@dosetwin>"
        mail["Date"] = at
        mail.set_content("\n".join(lines))
        with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as server:
            if self.tls:
                import ssl

                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail)


@dataclass(frozen=True)
class Webhook:
    """A POST of the message as JSON, signed: ``X-Dosetwin-Signature`` is ``sha256=`` and the HMAC of timestamp, a point and the
    body under ``key``; ``X-Dosetwin-Timestamp`` the time of sending (refuse an old one: it is a replay)."""

    url: str
    key: str = field(repr=False)

    @property
    def name(self) -> str:
        """Who is told."""
        from urllib.parse import urlsplit

        return f"webhook {urlsplit(self.url).hostname}"

    def send(self, message: Message) -> None:
        """Raises OSError where it is not taken with 2xx; redirects are not followed."""
        import httpx

        from dosetwin.serve.bounded import send

        body = json.dumps(message.to_json(), separators=(",", ":")).encode()
        when = stamp(message.at)
        headers = {
            "Content-Type": "application/json", "Idempotency-Key": message.id, "X-Dosetwin-Timestamp": when,
            "X-Dosetwin-Signature": f"sha256={signature(self.key, when, body)}",
        }  # fmt: skip
        try:
            answer = send("POST", self.url, content=body, headers=headers, timeout=TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(type(error).__name__) from None
        if not answer.is_success:
            raise OSError(f"answered {answer.status_code}")


@dataclass(frozen=True)
class Fhir:
    """The message as a ``Communication`` on a FHIR server, created once however often it is sent (``If-None-Exist`` by its
    identifier)."""

    server: "Server"

    @property
    def name(self) -> str:
        """Who is told."""
        return f"fhir {self.server.name}"

    def send(self, message: Message) -> None:
        """Raises OSError where the server does not take it."""
        from dosetwin.serve.fhir.client import FhirError

        said = message.communication()
        (own,) = said["identifier"]
        try:
            with self.server.client() as client:
                client.create_once(said, f"identifier={own['system']}|{own['value']}")
        except FhirError as error:
            raise OSError(str(error)) from None


def signature(key: str, when: str, body: bytes) -> str:
    """HMAC-SHA256 (hex) of a webhook's timestamp, a point and its body."""
    return hmac.new(key.encode(), f"{when}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Quiet:
    """Hours of the day in which only critical alerts are sent; the others wait for the end of them."""

    begins: time
    ends: time
    zone: ZoneInfo

    def holds(self, now: datetime) -> bool:
        """Whether it is quiet at ``now``; over midnight where it ends before it begins."""
        at = now.astimezone(self.zone).time()
        inside = self.begins <= at < self.ends
        return inside if self.begins < self.ends else at >= self.begins or at < self.ends


def channels(settings: Settings) -> tuple[Channel, ...]:
    """The ways out that the settings name."""
    s = settings
    mails = [
        Mail(s.smtp_host, s.smtp_port, s.alert_from, to, s.smtp_tls, s.smtp_user, s.smtp_password.get_secret_value(), s.language)
        for to in filter(None, (w.strip() for w in s.alert_mail.split(",")))
    ]
    hooks = [Webhook(s.alert_webhook, s.alert_webhook_key.get_secret_value())] if s.alert_webhook else []
    return (*mails, *hooks, *_fhir(s))


def _fhir(s: Settings) -> list[Channel]:
    """The FHIR server that alerts are posted to, of those that are configured. Raises InputError for a name that is none."""
    if not s.alert_fhir:
        return []
    from dosetwin.serve.fhir.sync import servers

    found = {x.name: x for x in servers(s.fhir_servers)}
    if s.alert_fhir not in found:
        raise InputError("not one of the FHIR servers", where="DOSETWIN_ALERT_FHIR", value=s.alert_fhir,
                         allowed=", ".join(found) or "a name in DOSETWIN_FHIR_SERVERS")  # fmt: skip
    return [Fhir(found[s.alert_fhir])]


def quiet_of(settings: Settings) -> Quiet | None:
    """The quiet hours of the settings, on the ward's clock; None: there are none."""
    if not settings.alert_quiet:
        return None
    begins, _, ends = settings.alert_quiet.partition("-")
    return Quiet(time.fromisoformat(begins.strip()), time.fromisoformat(ends.strip()), ZoneInfo(settings.time_zone))


def unsent(
    notes: Sequence[Mapping[str, Any]], names: Sequence[str], now: datetime, quiet: Quiet | None = None
) -> list[tuple[Alert, Mapping[str, Any], str]]:
    """(alert, the fact that raised it or repeated it last, channel) of what somebody still has to be told. Pure."""
    last: dict[str, Mapping[str, Any]] = {}
    told: set[tuple[str, str]] = set()
    for f in notes:
        about = f["body"].get("about", "")
        if f["kind"] == "alert":
            last[about.removeprefix("repeats:") if about.startswith("repeats:") else f["id"]] = f
        elif f["kind"] == "alert_told" and f["actor"] == THE_SERVICE.subject:
            told.add((about, f["body"].get("text", "")))
    hushed = quiet is not None and quiet.holds(now)
    return [
        (a, last[a.id], name)
        for a in alerts_of(notes)
        if a.waiting and a.id in last and not (hushed and a.severity != "critical")
        for name in names
        if (last[a.id]["id"], name) not in told
    ]


class Telling:
    """Sends what is unsent, again and again, later each time it is not taken."""

    def __init__(self, service: "Service", ways: Sequence[Channel] | None = None):
        self._service = service
        self._ways = {w.name: w for w in (channels(service.settings) if ways is None else ways)}
        self._quiet = quiet_of(service.settings)
        self._zone = Zone(service.settings.time_zone)
        self._after: dict[tuple[str, str], tuple[int, datetime]] = {}

    def tick(self) -> int:
        """Try what is due; returns how many were taken. Each that was is a fact ``alert_told`` at once."""
        service = self._service
        reach = service.reach(THE_SERVICE)
        with service.store.read() as conn:
            notes = [*reach.alerts(conn), *places.notes(conn, list(service.places.of))]
        taken, now = 0, reach.now
        waiting = unsent(notes, tuple(self._ways), now, self._quiet)
        keys = {(fact["id"], name) for _, fact, name in waiting}
        self._after = {k: v for k, v in self._after.items() if k in keys}
        for alert, fact, name in waiting:
            tries, due = self._after.get((fact["id"], name), (0, now))
            if due > now:
                continue
            base = service.settings.public_url.rstrip("/")
            ward = service.places.ward_of(alert.patient_id)
            url = f"{base}/patient/{alert.patient_id}" if ward is None else f"{base}/beds?{urlencode({'ward': ward})}"
            try:
                told = replace(alert, text=self._zone.retold(alert.text))
                self._ways[name].send(Message(fact["id"], told, now, alert.severity, url if base else "", ward))
            except (OSError, ValueError) as error:
                wait = min(FIRST_WAIT * 2**tries, LONGEST_WAIT)
                self._after[fact["id"], name] = (tries + 1, now + wait)
                log.warning(
                    "alert not taken by %s (%s), again in %d s", name.split()[0], type(error).__name__, wait.total_seconds()
                )
                continue
            taken += 1
            # where the record cannot be written it is not sent again with every tick
            self._after[fact["id"], name] = (tries + 1, now + min(FIRST_WAIT * 2**tries, LONGEST_WAIT))
            try:
                self._record(alert, fact["id"], name, now)
            except Exception as error:
                log.error("alert sent by %s, not recorded: %s", name.split()[0], type(error).__name__)
        return taken

    def _record(self, alert: Alert, fact: str, name: str, now: datetime) -> None:
        body = {"kind": "alert_told", "code": alert.code, "text": name, "severity": alert.severity, "about": fact}
        new = [(alert.patient_id, NewFact.model_validate({"at": now, "body": body}))]
        self._service.change(THE_SERVICE, lambda conn, reach: self._service.ledger.record(conn, THE_SERVICE, new, reach.now))
        if self._service.places.ward_of(alert.patient_id) is None:
            self._service.touched([alert.patient_id])

    def summary(self) -> int:
        """Once a day, from the ward's hour on: by mail who should be called and why; returns how many mails were taken.

        That a patient stood in it is a fact ``alert_told`` of theirs with the day, and keeps it from being sent twice. Nothing is
        sent of a day without anybody to call. No name, number or birth date leaves.
        """
        service, hour = self._service, self._service.settings.alert_summary
        mails = [w for w in self._ways.values() if isinstance(w, Mail)]
        reach = service.reach(THE_SERVICE)
        local = self._zone.local(reach.now)
        if not hour or not mails or local.time() < time.fromisoformat(hour):
            return 0
        with service.store.read() as conn:
            rows, notes = reach.patients(conn), reach.alerts(conn)
        about = f"summary:{local:%Y-%m-%d}"
        ours = (f["body"] for f in notes if f["kind"] == "alert_told" and f["actor"] == THE_SERVICE.subject)
        told = {b.get("text") for b in ours if b.get("about") == about}
        found, taken = calls(rows, notes, reach.now), 0
        for mail in mails:
            if mail.name in told or not found or self._after.get((about, mail.name), (0, reach.now))[1] > reach.now:
                continue
            tries = self._after.get((about, mail.name), (0, reach.now))[0]
            self._after[about, mail.name] = (tries + 1, reach.now + min(FIRST_WAIT * 2**tries, LONGEST_WAIT))
            try:
                mail.deliver(f"{len(found)} to call on {local:%d %b %Y}", self._lines(found), about, reach.now)
            except (OSError, ValueError) as error:
                log.warning("daily summary not taken by mail (%s)", type(error).__name__)
                continue
            taken += 1
            body = {"kind": "alert_told", "code": "daily_summary", "text": mail.name, "severity": "info", "about": about}
            new = [(c.patient, NewFact.model_validate({"at": reach.now, "body": body})) for c in found]
            service.change(THE_SERVICE, lambda conn, r, n=new: service.ledger.record(conn, THE_SERVICE, n, r.now))
            service.touched([c.patient for c in found])
        return taken

    def _lines(self, found: "Sequence[Call]") -> list[str]:
        base, out = self._service.settings.public_url.rstrip("/"), []
        for c in found:
            out += [f"{c.ward}: patient {c.patient}", *(f"  {self._zone.retold(w)}" for w in c.why)]
            out += [f"  advised: {o}" for o in c.orders] + [f"  due: {what} {self._zone.short(at)}" for what, at in c.due]
            out += [f"  {base}/patient/{c.patient}"] if base else []
        return [*out, "", f"Call sheet: {base}/calls" if base else "The call sheet is on the service's page."]

    def run(self, stop: threading.Event) -> None:
        """Send until ``stop``."""
        while not stop.wait(TICK_S):
            try:
                self.tick()
                self.summary()
            except Exception as error:
                if not self._service.closed:
                    log.error("alerts not sent: %s", type(error).__name__)

"""Alerts go out to a mail server and a web receiver on this machine: signed, tried again, once, recorded, hushed at night."""

import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
import httpx
from fastapi.testclient import TestClient
from fhir.resources.R4B.communication import Communication

from dosetwin.errors import InputError
from dosetwin.serve.app import create_app
from dosetwin.serve.auth.principal import THE_SERVICE
from dosetwin.serve.fhir.client import FhirClient
from dosetwin.serve.fhir.sync import Server
from dosetwin.serve.live.alerts import alerts_of
from dosetwin.serve.live.telling import Fhir, Mail, Message, Quiet, Telling, Webhook, signature
from dosetwin.serve.settings import Settings
from dosetwin.serve.store.facts import NewFact, NewPatient

NOW = datetime(2026, 4, 13, 14, tzinfo=UTC)
KEY = "a key that both sides have"


class Hand:
    at = NOW

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def post() -> Iterator[tuple[Mail, list[str]]]:
    """A mail server: what it took."""
    taken: list[str] = []

    class One(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline().decode().strip().upper():
                if line.startswith("DATA"):
                    self.wfile.write(b"354 go\r\n")
                    lines = iter(lambda: self.rfile.readline().decode(), ".\r\n")
                    taken.append("".join(lines))
                self.wfile.write(b"221 bye\r\n" if line == "QUIT" else b"250 fine\r\n")
                if line == "QUIT":
                    return

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), One) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield Mail("127.0.0.1", server.server_address[1], "twin@ward.example", "night@ward.example", tls=False), taken
        server.shutdown()


@pytest.fixture
def hook() -> Iterator[tuple[Webhook, list[Any], list[int]]]:
    """A web receiver: what it was sent, and what it answers (503 while that is asked)."""
    sent: list[Any] = []
    answers: list[int] = []

    class One(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sent.append((dict(self.headers), body))
            self.send_response(answers.pop(0) if answers else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing on the test's screen."""

    server = HTTPServer(("127.0.0.1", 0), One)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield Webhook(f"http://127.0.0.1:{server.server_port}/alerts", KEY), sent, answers
    server.shutdown()
    server.server_close()


@pytest.fixture
def ward(tmp_path: Any) -> Iterator[tuple[Any, Hand, str]]:
    clock = Hand()
    app = create_app(Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=200), clock=clock, background=False)
    with TestClient(app):
        service = app.state.service
        new = NewPatient(
            ward="nicu", GA_weeks=29, birth_weight_kg=1.1, synthetic=True, at=NOW - timedelta(days=3), label="Ada L."
        )
        id_, _ = service.change(THE_SERVICE, lambda conn, r: service.ledger.create_patient(conn, THE_SERVICE, new, r.now))
        yield service, clock, id_


def note(ward: tuple[Any, Hand, str], kind: str, about: str = "", severity: str = "warning") -> None:
    service, clock, id_ = ward
    body = {"kind": kind, "code": "dose_overdue", "text": "no dose on record since 12:00", "severity": severity, "about": about}
    fact = NewFact.model_validate({"at": clock.now(), "body": body})
    service.change(THE_SERVICE, lambda conn, r: service.ledger.record(conn, THE_SERVICE, [(id_, fact)], r.now))


def alert(ward: tuple[Any, Hand, str]) -> Any:
    service, _, id_ = ward
    with service.store.read() as conn:
        (found,) = alerts_of(service.reach(THE_SERVICE).alerts(conn, id_))
    return found


def test_mail_and_webhook_are_told_once_and_that_is_on_record(ward, post, hook):
    (mail, mails), (web, sent, _) = post, hook
    note(ward, "alert", "late:1")
    assert Telling(ward[0], [mail, web]).tick() == 2
    assert Telling(ward[0], [mail, web]).tick() == 0  # another process, or this one after a restart: nothing is told twice
    assert "Subject: [warning] dose overdue" in mails[0]
    ((headers, body),) = sent
    assert headers["X-Dosetwin-Signature"] == f"sha256={signature(KEY, headers['X-Dosetwin-Timestamp'], body)}"
    assert headers["X-Dosetwin-Signature"] != f"sha256={signature('another', headers['X-Dosetwin-Timestamp'], body)}"
    said = json.loads(body)
    assert Communication.model_validate(said["communication"]).priority == "urgent"
    assert all("Ada" not in text for text in (mails[0], body.decode()))
    assert {who for who, _ in alert(ward).told} == {"mail night@ward.example", "webhook 127.0.0.1"}
    assert all(at == NOW for _, at in alert(ward).told)


def test_what_is_not_taken_is_tried_again_later_and_later_and_lost_by_no_restart(ward, hook):
    web, sent, answers = hook
    answers += [503, 503]
    note(ward, "alert", "late:1")
    telling = Telling(ward[0], [web])
    taken = []
    for seconds in (0, 10, 31, 40, 95):  # 30 s after the first failure, 60 s after the second
        ward[1].at = NOW + timedelta(seconds=seconds)
        taken.append((telling.tick(), len(sent)))
    assert taken == [(0, 1), (0, 1), (0, 2), (0, 2), (1, 3)]
    answers += [503]
    note(ward, "alert", f"repeats:{alert(ward).id}", "critical")  # louder: told anew
    assert telling.tick() == 0
    assert Telling(ward[0], [web]).tick() == 1
    assert json.loads(sent[-1][1])["severity"] == "critical"
    assert [s[0]["Idempotency-Key"] for s in sent[:3]] == [sent[0][0]["Idempotency-Key"]] * 3


def test_nobody_is_told_of_what_is_acknowledged_or_over(ward, hook):
    web, sent, _ = hook
    note(ward, "alert", "late:1")
    note(ward, "alert_ended", alert(ward).id)
    assert (Telling(ward[0], [web]).tick(), sent) == (0, [])


def test_quiet_hours_keep_all_but_the_critical(ward, hook):
    web, _, _ = hook
    note(ward, "alert", "late:1")
    telling = Telling(ward[0], [web])
    telling._quiet = Quiet(time(13), time(15), ZoneInfo("UTC"))
    assert telling.tick() == 0
    note(ward, "alert", f"repeats:{alert(ward).id}", "critical")
    assert telling.tick() == 1
    night = Quiet(time(22), time(6), ZoneInfo("Europe/Berlin"))
    assert [night.holds(datetime(2026, 7, 1, h, tzinfo=UTC)) for h in (19, 20, 3, 4)] == [False, True, True, False]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"alert_mail": "a@b.example"}, "DOSETWIN_SMTP_HOST"),
        ({"smtp_host": "mail.example", "smtp_tls": "false"}, "DOSETWIN_SMTP_TLS"),
        ({"alert_webhook": "http://elsewhere.example/x", "alert_webhook_key": KEY}, "https"),
        ({"alert_webhook": "https://elsewhere.example/x", "alert_webhook_key": "short"}, "at least 16"),
    ],
)
def test_unsafe_ways_out_do_not_start(given, said):
    with pytest.raises(InputError, match=said):
        Settings.from_environment({f"DOSETWIN_{k.upper()}": v for k, v in given.items()}, demo=True).refuse_unsafe()


def test_quiet_hours_that_are_none():
    with pytest.raises(InputError, match="not hours of the day"):
        Settings.from_environment({"DOSETWIN_ALERT_QUIET": "at night"})


def test_a_fhir_server_holds_each_alert_once_however_often_it_is_sent(ward):
    held: dict[str, Any] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/fhir/Communication"
        key = request.headers["If-None-Exist"]
        said = json.loads(request.content)
        if key in held:
            return httpx.Response(200, json=held[key])
        held[key] = said | {"id": str(len(held) + 1)}
        return httpx.Response(201, json=held[key])

    class There(Server):
        def client(self) -> FhirClient:
            return FhirClient(self.base, lambda: "token", transport=httpx.MockTransport(answer), sleep=lambda s: None)

    way = Fhir(There("ehr", "https://ehr.example/fhir", "nicu"))
    note(ward, "alert", "late:1")
    telling = Telling(ward[0], [way])
    assert telling.tick() == 1
    way.send(Message("again", alert(ward), NOW, "warning", ""))
    way.send(Message("again", alert(ward), NOW, "warning", ""))  # a crash between sending and recording
    assert len(held) == 2
    found = [Communication.model_validate(x) for x in held.values()]
    assert [c.status for c in found] == ["completed", "completed"]
    assert {who for who, _ in alert(ward).told} == {"fhir ehr"}


def test_a_fhir_server_that_refuses_is_tried_again(ward):
    class Down(Server):
        def client(self) -> FhirClient:
            return FhirClient(self.base, transport=httpx.MockTransport(lambda r: httpx.Response(403)), sleep=lambda s: None)

    note(ward, "alert", "late:1")
    assert Telling(ward[0], [Fhir(Down("ehr", "https://ehr.example/fhir", "nicu"))]).tick() == 0
    assert alert(ward).told == ()


def test_the_daily_summary_is_sent_once_a_day_and_that_is_on_record(ward, post):
    mail, mails = post
    service, clock, id_ = ward
    service.settings = service.settings.model_copy(update={"alert_summary": "07:00", "time_zone": "Europe/Berlin"})
    telling = Telling(service, [mail])
    clock.at = datetime(2026, 4, 13, 4, tzinfo=UTC)  # 06:00 on the ward
    note(ward, "alert", "late:1", "critical")
    assert telling.summary() == 0
    clock.at = datetime(2026, 4, 13, 5, 1, tzinfo=UTC)
    assert (telling.summary(), telling.summary(), Telling(service, [mail]).summary()) == (1, 0, 0)
    assert "Subject: 1 to call on 13 Apr 2026" in mails[0]
    assert "no dose on record since 12:00" in mails[0]
    assert "Ada" not in mails[0]
    with service.store.read() as conn:
        notes = service.reach(THE_SERVICE).alerts(conn, id_)
    assert [f["body"]["about"] for f in notes if f["kind"] == "alert_told"] == ["summary:2026-04-13"]
    assert alert(ward).told == ()  # the alert itself still waits for its own way out
    clock.at += timedelta(days=1)
    assert telling.summary() == 1

"""What a request leaves behind: ids, structured lines without identifiers, spans, numbers that alert rules and dashboard name."""

import gzip
import io
import json
import logging
import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
import yaml
from fastapi.testclient import TestClient

from dosetwin.errors import InputError
from dosetwin.serve.app import create_app
from dosetwin.serve.metrics import Metrics
from dosetwin.serve.observe import Lines, Observed, tracer
from service.conftest import new_patient, settings_for

OBSERVE = Path(__file__).parents[2] / "deploy" / "observe"


@pytest.fixture
def app(jwks_file, tmp_path):
    made = create_app(settings_for(f"sqlite:///{tmp_path / 's.sqlite3'}", jwks_file, tmp_path), background=False)
    made.state.service.touched = lambda *_, **__: None
    yield made
    made.state.service.close()


def test_a_request_has_one_id_and_its_line_tells_no_patient(app, token):
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(Lines())
    logger = logging.getLogger("dosetwin")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        client = TestClient(app, headers={"Authorization": f"Bearer {token('pharmacist')}"})
        id_ = new_patient(client)
        given = client.get(f"/api/v1/patients/{id_}", headers={"X-Request-ID": "proxy-1234567"})
        forged = client.get("/health/live", headers={"X-Request-ID": 'x"}\r\n{"level":"x'.replace("\r\n", " ")})
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
    assert given.headers["x-request-id"] == "proxy-1234567"
    assert re.fullmatch(r"[0-9a-f]{32}", forged.headers["x-request-id"])
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    mine = next(x for x in lines if x.get("request") == "proxy-1234567" and x["message"] == "request")
    assert (mine["route"], mine["status"], mine["method"]) == ("/patients/{patient}", 200, "GET")
    assert mine["ms"] >= 0
    for trace in (id_, "Mina", "M-"):
        assert trace not in out.getvalue()


def test_a_span_names_the_route_and_no_patient(app, token):
    pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed (extra observe)")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    client = TestClient(Observed(app, provider.get_tracer("t")), headers={"Authorization": f"Bearer {token('pharmacist')}"})
    id_ = new_patient(client)
    client.get(f"/api/v1/patients/{id_}")
    last = kept.get_finished_spans()[-1]
    assert last.name == "GET /patients/{patient}"
    assert last.attributes["http.response.status_code"] == 200
    assert id_ not in str([(s.name, dict(s.attributes)) for s in kept.get_finished_spans()])


def test_traces_that_cannot_be_sent_are_said_at_the_start(monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert tracer() is None
    import builtins

    real = builtins.__import__

    def without(name, *args, **more):
        if name.startswith("opentelemetry"):
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"dosetwin\[observe\]"):
        tracer()


def test_rules_and_dashboard_ask_for_numbers_that_there_are(app, token):
    client = TestClient(app, headers={"Authorization": f"Bearer {token('auditor')}"})
    page = client.get("/metrics").text
    assert float(re.search(r"^dosetwin_store_bytes (\S+)", page, re.MULTILINE)[1]) > 10_000
    known = set(re.findall(r"^# TYPE (dosetwin_\w+)", page, re.MULTILINE))
    known |= {f"{n}_bucket" for n in known}
    Metrics()
    rules = yaml.safe_load((OBSERVE / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    board = json.loads((OBSERVE / "dashboard.json").read_text(encoding="utf-8"))
    asked = [r["expr"] for r in rules] + [t["expr"] for p in board["panels"] for t in p["targets"]]
    named = {n for e in asked for n in re.findall(r"dosetwin_\w+", e)}
    assert named <= known, named - known
    assert all(r["labels"]["severity"] in ("critical", "warning") and r["annotations"]["do"] for r in rules)
    assert len({p["id"] for p in board["panels"]}) == len(board["panels"])


def test_spans_reach_a_collector_by_otlp(monkeypatch):
    """The exporter itself, against a collector of twenty lines: what arrives is the route, and no patient."""
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="not installed (extra observe)")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    arrived: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            arrived.append(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            assert self.path == "/v1/traces"
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Nothing on the test's screen."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        made = tracer()

        async def answer(scope, receive, send):
            scope["route"] = type("Route", (), {"path": "/patients/{patient}"})
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        assert TestClient(Observed(answer, made)).get("/patients/ada-4711").status_code == 200
        provider = made.span_processor  # the provider's own; flushed and closed here as at the end of a process
        assert provider.force_flush(10_000)
        provider.shutdown()
        server.shutdown()
    (request,) = [ExportTraceServiceRequest.FromString(x) for x in arrived]
    (found,) = request.resource_spans
    assert {a.key: a.value.string_value for a in found.resource.attributes}["service.name"] == "dosetwin"
    (span,) = found.scope_spans[0].spans
    assert span.name == "GET /patients/{patient}"
    assert b"4711" not in arrived[0]

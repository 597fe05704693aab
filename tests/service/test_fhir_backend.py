"""Tokens by private_key_jwt, our Subscriptions, $everything, refresh tokens: against an EHR that checks what it is sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from dosetwin.errors import InputError
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.fhir.client import FhirError
from dosetwin.serve.fhir.routes import Feeds
from dosetwin.serve.fhir.sync import servers, whole_record
from dosetwin.serve.problems import Problem
from dosetwin.serve.service import Service
from dosetwin.serve.settings import Settings
from dosetwin.serve.smart.client_keys import private_keys, published
from dosetwin.serve.smart.kept import Refreshing
from dosetwin.serve.smart.launch import Granted
from dosetwin.serve.smart.servers import Endpoints, SmartServer
from service.test_hl7 import Fixed

KEY = ECKey.generate_key("P-384").as_pem(private=True).decode()


class Ehr:
    """A FHIR server whose token endpoint believes only our key; what it gave and got is on record."""

    def __init__(self):
        self.good, self.given, self.used, self.stored, self.said, self.down = "", 0, set(), {}, [], False
        self.refresh = "r0"
        ehr = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self, status, body):
                self.send_response(status)
                self.send_header("content-type", "application/fhir+json")
                self.end_headers()
                self.wfile.write(json.dumps(body).encode())

            def body(self):
                return self.rfile.read(int(self.headers.get("content-length", 0))).decode()

            def do_POST(self):
                if self.path == "/token":
                    self.answer(*ehr.token({k: v[0] for k, v in parse_qs(self.body()).items()}))
                else:
                    self.do_PUT()

            def do_PUT(self):
                said = json.loads(self.body())
                if not self.allowed():
                    return
                id_ = said.setdefault("id", f"s{len(ehr.stored)}")
                ehr.stored[id_] = said | {"status": "active"}
                self.answer(201, said)

            def allowed(self):
                if self.headers.get("authorization") == f"Bearer {ehr.good}":
                    return True
                self.answer(401, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "login"}]})
                return False

            def do_GET(self):
                path = urlsplit(self.path).path
                if path == "/fhir/.well-known/smart-configuration":
                    return self.answer(200, {"token_endpoint": f"{ehr.url}/token"})
                if not self.allowed():
                    return None
                ehr.said.append(path)
                found = list(ehr.stored.values()) if path.endswith("Subscription") else []
                if path == "/fhir/Patient/1":
                    return self.answer(200, {"resourceType": "Patient", "id": "1"})
                if path.endswith("$everything"):
                    if ehr.down:
                        return self.answer(404, {})
                    found = [{"resourceType": "Patient", "id": "1"}, {"resourceType": "Observation", "id": "o"},
                             {"resourceType": "Claim", "id": "c"}]  # fmt: skip
                return self.answer(
                    200, {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in found]}
                )

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def token(self, form):
        if form.get("grant_type") == "refresh_token":
            if form.get("refresh_token") != self.refresh:
                return 400, {"error": "invalid_grant"}
            self.refresh += "+"
            return 200, {"access_token": "launched", "token_type": "bearer", "refresh_token": self.refresh}
        try:
            claims = jwt.decode(
                form["client_assertion"], KeySet.import_key_set(published(private_keys("OUR_KEY"))), ["ES384"]
            ).claims
            assert claims["iss"] == claims["sub"] == "twin"
            assert claims["aud"] == f"{self.url}/token"
            assert claims["jti"] not in self.used
        except Exception:
            return 400, {"error": "invalid_client", "error_description": "secret details"}
        self.used.add(claims["jti"])
        self.given += 1
        self.good = f"t{self.given}"
        return 200, {"access_token": self.good, "token_type": "bearer", "expires_in": 300, "scope": form["scope"]}


@pytest.fixture
def ehr(monkeypatch):
    monkeypatch.setenv("OUR_KEY", KEY)
    monkeypatch.setenv("OUR_SECRET", "shh")
    found = Ehr()
    yield found
    found.server.shutdown()
    found.server.server_close()


def listed(ehr, tmp_path, **more):
    entry = {"name": "ehr", "base": f"{ehr.url}/fhir", "ward": "nicu", "client_id": "twin", "key_env": "OUR_KEY"} | more
    (tmp_path / "servers.json").write_text(json.dumps([entry]))
    return servers(tmp_path / "servers.json")


def test_a_token_is_fetched_by_key_kept_and_fetched_anew_when_refused(ehr, tmp_path):
    [server] = listed(ehr, tmp_path)
    with server.client() as client:
        for _ in range(3):
            client.read("Patient/1")
        assert ehr.given == 1
        ehr.good = "revoked"
        client.read("Patient/1")
        assert ehr.given == 2
        assert server.backend is not None
        server.backend.clock = lambda: 4e9  # the token has ended
        client.read("Patient/1")
        assert ehr.given == 3
    assert "t1" not in repr(server)


def test_a_refused_client_is_named_without_what_the_server_said(ehr, tmp_path, monkeypatch):
    [server] = listed(ehr, tmp_path, client_id="somebody")
    with server.client() as client, pytest.raises(FhirError, match=r"answered 400 \(invalid_client\)$"):
        client.read("Patient/1")
    for wrong, said in ({"key_env": ""}, "go together"), ({"token_url": "http://elsewhere.example/t"}, "https"), (
        {"subscribe": True}, "secret"
    ):  # fmt: skip
        with pytest.raises(InputError, match=said):
            listed(ehr, tmp_path, **wrong)


def test_everything_in_one_question_or_kind_by_kind(ehr, tmp_path):
    [server] = listed(ehr, tmp_path, everything=True)
    with server.client() as client:
        whole = whole_record(client, "Patient/1", everything=True)
        assert [e["resource"]["resourceType"] for e in whole["entry"]] == ["Patient", "Observation"]
        ehr.down = True
        assert [e["resource"]["resourceType"] for e in whole_record(client, "Patient/1", everything=True)["entry"]] == ["Patient"]
    assert "/fhir/Condition" in ehr.said


@pytest.fixture
def service(tmp_path):
    opened = Service.open(Settings(demo=True, data_dir=tmp_path, public_url="https://twin.example", draws=200,
                                   fhir_servers=tmp_path / "servers.json"), Fixed())  # fmt: skip
    yield opened
    opened.close()


def test_our_subscriptions_are_made_once_and_switched_on_again(ehr, tmp_path, service):
    listed(ehr, tmp_path, subscribe=True, secret_env="OUR_SECRET")
    feeds = Feeds(service)
    feeds.subscribe("ehr")
    assert set(feeds.subscribed["ehr"].values()) == {"made"}
    [header] = {tuple(s["channel"]["header"]) for s in ehr.stored.values()}
    assert header == ("Authorization: Bearer shh",)
    assert {s["channel"]["endpoint"] for s in ehr.stored.values()} == {"https://twin.example/fhir/notify/ehr"}
    number = len(ehr.stored)
    ehr.stored["s0"]["status"] = "off"
    feeds._looked.clear()
    feeds.subscribe("ehr")
    assert sorted(feeds.subscribed["ehr"].values()) == ["again"] + ["there"] * (number - 1)
    assert len(ehr.stored) == number


def test_a_launched_record_is_fetched_again_while_its_session_lasts(ehr, service):
    taken = []

    def take_in(_server, token, patient):
        taken.append((token, patient))
        if len(taken) == 2:
            raise Problem(502, "ehr", "away")

    who = Principal("p", "P", frozenset({"prescriber"}), frozenset({"nicu"}), "session")
    session, _ = service.log_in(who)
    server = SmartServer(f"{ehr.url}/fhir", "twin", "nicu", ("prescriber",), refresh_s=60)
    where = Endpoints(ehr.url, f"{ehr.url}/auth", f"{ehr.url}/token", f"{ehr.url}/jwks")
    kept = Refreshing(service, take_in)
    kept._thread = threading.current_thread()  # looked at by hand
    kept.add(session, server, where, Granted("a", "12", "i"))
    assert len(kept) == 0, "without a refresh token there is nothing to keep"
    kept.add(session, server, where, Granted("a", "12", "i", "r0"))
    for n in (1, 2, 3):
        kept.look(now=1e12 * n)
    assert taken == [("launched", "12")] * 3
    ehr.refresh = "another"
    kept.look(now=1e13)
    assert len(kept) == 0, "a token that is taken no more ends it"
    ehr.refresh = "r0"
    kept.add(session, server, where, Granted("a", "12", "i", "r0"))
    service.log_out(who, session)
    kept.look(now=1e14)
    assert (len(kept), len(taken)) == (0, 3), "so does logging out"

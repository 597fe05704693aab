"""SMART with a signed assertion in place of a secret: against npm's oidc-provider, which reads our published keys by itself."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytest.importorskip("fastapi", reason="the service's packages are not installed (extra serve)")
import httpx
from fastapi.testclient import TestClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from dosetwin.errors import InputError
from dosetwin.serve.app import create_app
from dosetwin.serve.auth import sessions
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings
from dosetwin.serve.smart import client_keys
from dosetwin.serve.smart import servers as smart_servers
from dosetwin.serve.smart.client_keys import assertion, private_keys, published
from dosetwin.serve.smart.servers import SmartServer, discover, listed
from service.test_fhir_server import peer as fhir_server
from service.test_smart import authorized, back, launched

__all__ = ["fhir_server"]
EC, RSA = ECKey.generate_key("P-384"), RSAKey.generate_key(2048)
NOW = 1_800_000_000


def pem(key):
    return key.as_pem(private=True).decode()


class OurKeys:
    """Our ``/smart/jwks.json`` on loopback, for the peer to fetch: what is served there is what the running service answers."""

    def __init__(self):
        self.client, self.asked = None, 0
        ours = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                ours.asked += 1
                answer = ours.client.get("/smart/jwks.json")
                self.send_response(answer.status_code)
                for name in ("content-type", "cache-control"):
                    self.send_header(name, answer.headers[name])
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/smart/jwks.json"


@pytest.fixture(scope="module")
def ours():
    found = OurKeys()
    yield found
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture
def ehr(fhir_server, ours):
    with launched(fhir_server, ours.url) as found:  # afresh: the peer keeps what it fetched for a while
        yield found


@pytest.fixture
def opened(ehr, ours, tmp_path, monkeypatch):
    def start(key):
        monkeypatch.setenv("OUR_KEY", key)
        words = [{"iss": ehr[0], "client_id": "dosetwin-key", "ward": "nicu", "roles": ["prescriber"], "key_env": "OUR_KEY"}]
        (tmp_path / "smart.json").write_text(json.dumps(words), encoding="utf-8")
        settings = Settings(demo=True, data_dir=tmp_path, demo_babies=0, draws=200, public_url="http://testserver",
                            smart_servers=tmp_path / "smart.json")  # fmt: skip
        ours.client = TestClient(create_app(settings, background=False), follow_redirects=False)
        return ours.client

    yield start
    if ours.client is not None:
        ours.client.app.state.service.close()
        ours.client.close()


def launch(client, ehr):
    base, patient = ehr
    off = client.get("/smart/launch", params={"iss": base, "launch": f"L-{patient}"})
    assert off.status_code == 302, off.text
    return back(client, authorized(off.headers["location"]))


@pytest.mark.parametrize("kind", ["EC in the environment", "RSA in a file", "a set of both"])
def test_a_launch_by_key_opens_the_babys_page(opened, ehr, ours, tmp_path, kind):
    value = pem(EC)
    if kind == "RSA in a file":
        (tmp_path / "key.pem").write_text(pem(RSA))
        (tmp_path / "key.pem").chmod(0o600)
        value = str(tmp_path / "key.pem")
    elif kind == "a set of both":
        value = json.dumps({"keys": [k.as_dict(private=True) | {"kid": n} for n, k in (("new", RSA), ("old", EC))]})
    before = ours.asked
    client = opened(value)
    done = launch(client, ehr)
    assert done.status_code == 303, done.text
    assert done.headers["location"].startswith("/patient/")
    assert client.get("/api/v1/session").json()["roles"] == ["prescriber"]
    assert ours.asked > before, "the peer fetched our keys where we publish them"


def test_a_key_the_ehr_does_not_know_begins_no_session(opened, ehr, monkeypatch):
    client = opened(pem(EC))
    foreign = ECKey.generate_key("P-384")
    stranger = ECKey.import_key({**foreign.as_dict(private=True), "kid": foreign.thumbprint()})
    servers = client.app.state.smart_servers
    object.__setattr__(servers[0], "keys", (stranger,))
    monkeypatch.setattr("dosetwin.serve.smart.routes.published", lambda _keys: published(private_keys("OUR_KEY")))
    refused = launch(client, ehr)
    assert refused.status_code == 403
    assert "did not accept the code" in refused.text
    assert sessions.COOKIE not in client.cookies


def test_an_assertion_is_good_once(opened, ehr, monkeypatch):
    """The peer refuses a repeated jti, so ours must be new each time; a replayed one is what somebody who listened would send."""
    client = opened(pem(EC))
    said = []
    made = client_keys.assertion

    def kept(*args):
        said.append(said[0] if said else made(*args))
        return said[-1]

    monkeypatch.setattr("dosetwin.serve.smart.launch.assertion", kept)
    assert launch(client, ehr).status_code == 303
    assert launch(client, ehr).status_code == 403
    assert len(said) == 2


def test_what_is_published_holds_no_private_number(opened, ehr):
    client = opened(json.dumps({"keys": [EC.as_dict(private=True), RSA.as_dict(private=True)]}))
    answer = httpx.Response(200, content=client.get("/smart/jwks.json").content)
    keys = answer.json()["keys"]
    assert [(k["kty"], k["alg"], k["use"], k["key_ops"]) for k in keys] == [
        ("EC", "ES384", "sig", ["verify"]), ("RSA", "RS384", "sig", ["verify"])]  # fmt: skip
    assert all(k["kid"] for k in keys)
    for k in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(k)
    everything = repr(client.app.state.smart_servers)
    assert EC.as_dict(private=True)["d"] not in everything


def test_without_keys_the_set_is_empty(tmp_path):
    settings = Settings(demo=True, data_dir=tmp_path, demo_babies=0)
    with TestClient(create_app(settings, background=False)) as client:
        answer = client.get("/smart/jwks.json")
        assert (answer.status_code, answer.json()) == (200, {"keys": []})


# ------------------------------------------------------------------------------------------------------- the parts alone


def test_the_assertion_says_what_smart_wants(monkeypatch):
    monkeypatch.setenv("OUR_KEY", pem(EC))
    keys = private_keys("OUR_KEY")
    first, second = (assertion(keys, "us", "https://e.example/token", (), NOW) for _ in range(2))
    read = jwt.decode(first, KeySet.import_key_set(published(keys)), algorithms=["ES384"])
    assert read.header == {"alg": "ES384", "kid": keys[0].thumbprint(), "typ": "JWT"}
    said = read.claims
    assert (said["iss"], said["sub"], said["aud"], said["iat"]) == ("us", "us", "https://e.example/token", NOW)
    assert 0 < said["exp"] - NOW <= 300
    assert first != second
    monkeypatch.setenv("OUR_KEY", json.dumps({"keys": [EC.as_dict(private=True), RSA.as_dict(private=True)]}))
    both = private_keys("OUR_KEY")
    chosen = assertion(both, "us", "https://e.example/token", ("RS384", "RS256"), NOW)
    assert jwt.decode(chosen, KeySet.import_key_set(published(both)), algorithms=["RS384"]).header["alg"] == "RS384"
    with pytest.raises(Problem, match="none of the algorithms"):
        assertion(both, "us", "https://e.example/token", ("ES256",), NOW)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "/not/there.pem",
        "{",
        '{"keys": []}',
        json.dumps(EC.as_dict(private=False)),
        EC.as_pem(private=False).decode(),
        json.dumps({"keys": [EC.as_dict(private=True) | {"kid": "a"}, RSA.as_dict(private=True) | {"kid": "a"}]}),
        json.dumps({"kty": "oct", "k": "c2VjcmV0", "kid": "s"}),
        "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----",
        pem(ECKey.generate_key("P-256")),
    ],
    ids=[
        "unset",
        "no file",
        "no json",
        "no key",
        "public jwk",
        "public pem",
        "two of one name",
        "symmetric",
        "nonsense",
        "P-256",
    ],
)
def test_what_is_no_private_key_is_refused_without_showing_it(monkeypatch, value):
    monkeypatch.setenv("OUR_KEY", value)
    with pytest.raises(InputError) as refused:
        private_keys("OUR_KEY")
    assert refused.value.where == "OUR_KEY"
    assert not value or value[:40] not in str(refused.value)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_key_file_everybody_can_read_is_refused(monkeypatch, tmp_path):
    (tmp_path / "key.pem").write_text(pem(EC))
    (tmp_path / "key.pem").chmod(0o644)
    monkeypatch.setenv("OUR_KEY", str(tmp_path / "key.pem"))
    with pytest.raises(InputError, match="everybody"):
        private_keys("OUR_KEY")


def test_a_secret_and_a_key_together_or_an_ehr_that_takes_none_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("OUR_KEY", pem(EC))
    monkeypatch.setenv("OUR_SECRET", "x")
    entry = {"iss": "https://e.example/fhir", "client_id": "us", "ward": "nicu", "roles": ["viewer"], "key_env": "OUR_KEY"}
    (tmp_path / "smart.json").write_text(json.dumps([entry | {"secret_env": "OUR_SECRET"}]))
    with pytest.raises(InputError, match="not both"):
        listed(tmp_path / "smart.json")
    good = dict.fromkeys(("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri"), "https://e.example/x")
    good |= {"code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    monkeypatch.setattr(smart_servers, "get", lambda _url: good)
    server = SmartServer("https://e.example/fhir", "us", "nicu", ("viewer",), keys=private_keys("OUR_KEY"))
    with pytest.raises(Problem, match="signed assertion"):
        discover(server)

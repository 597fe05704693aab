"""Tokens of CDS Hooks clients: what is refused, and that nothing but a fresh signature of a listed issuer passes."""

import base64
import json

import pytest

pytest.importorskip("joserfc", reason="the service's packages are not installed (extra serve)")
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from dosetwin.serve.cds.tokens import Clients, Unauthorized

NOW = 1_800_000_000.0
ISSUER, AUDIENCE = "https://ehr.example", "https://twin.example/cds-services/dosetwin-order-sign"
KEY = ECKey.generate_key("P-384", {"kid": "k1"}, private=True)
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 300, "iat": NOW, "jti": "a"}


def clients() -> Clients:
    return Clients({ISSUER: {"keys": [KEY.as_dict(private=False)]}})


def token(claims=None, key=KEY, alg="ES384", kid="k1") -> str:
    return "Bearer " + jwt.encode({"alg": alg, "kid": kid, "typ": "JWT"}, claims or CLAIMS, key, algorithms=[alg])


def test_a_fresh_token_of_a_listed_issuer_passes_once():
    known = clients()
    assert known.check(token(), audience=AUDIENCE, now=NOW) == ISSUER
    with pytest.raises(Unauthorized, match="used before"):
        known.check(token(), audience=AUDIENCE, now=NOW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"iss": "https://other.example"}, "not valid"),
        ({"aud": "https://twin.example/cds-services/other"}, "not for"),
        ({"exp": NOW - 100}, "expired"),
        ({"iat": NOW + 1000, "exp": NOW + 1100}, "future"),
        ({"exp": NOW + 86400}, "longer"),
        ({"jti": ""}, "no jti"),
        ({"exp": "soon"}, "not valid|numbers"),
    ],
)
def test_wrong_claims_are_refused(change, said):
    with pytest.raises(Unauthorized, match=said):
        clients().check(token(CLAIMS | change), audience=AUDIENCE, now=NOW)


def test_no_algorithm_and_symmetric_ones_are_refused():
    public = json.dumps(KEY.as_dict(private=False)).encode()
    for bad in (
        token(key=OctKey.import_key(public), alg="HS256"),
        token(key=RSAKey.generate_key(2048, {"kid": "k1"}, private=True), alg="RS256"),
        token(kid="other"),
    ):
        with pytest.raises(Unauthorized, match="not valid"):
            clients().check(bad, audience=AUDIENCE, now=NOW)
    head, body = (base64.urlsafe_b64encode(json.dumps(x).encode()).rstrip(b"=").decode()
                  for x in ({"alg": "none", "kid": "k1", "typ": "JWT"}, CLAIMS))  # fmt: skip
    for bad in (f"Bearer {head}.{body}.", "", None, "Basic abc", "Bearer x", "Bearer a.b.c"):
        with pytest.raises(Unauthorized):
            clients().check(bad, audience=AUDIENCE, now=NOW)


def test_a_changed_body_is_refused():
    head, body, signature = token().removeprefix("Bearer ").split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))) | {"jti": "z"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(Unauthorized, match="BadSignature"):
        clients().check(f"Bearer {head}.{body}.{signature}", audience=AUDIENCE, now=NOW)

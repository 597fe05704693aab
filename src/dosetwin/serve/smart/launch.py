"""One launch: what is asked of the EHR, what must come back, and who the person is that it names.

The authorization request carries state, nonce and a PKCE challenge (S256); the code is exchanged once; the ID token is believed
only with an asymmetric signature of the EHR's own keys, for this client, for this launch and in time.
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.auth.tokens import ALGORITHMS, LEEWAY_S
from dosetwin.serve.bounded import send
from dosetwin.serve.fhir.client import is_id
from dosetwin.serve.problems import Problem
from dosetwin.serve.smart.client_keys import ASSERTION, assertion
from dosetwin.serve.smart.servers import TIMEOUT_S, Endpoints, SmartServer, get

READ = ("Patient", "Observation", "MedicationAdministration", "Condition", "Procedure", "Specimen", "AllergyIntolerance")
SCOPES = ("openid", "fhirUser", *(f"patient/{kind}.rs" for kind in READ))


@dataclass(frozen=True)
class Begun:
    """What must be kept between going to the EHR and coming back; never shown to it but for state and nonce."""

    iss: str
    state: str
    nonce: str
    verifier: str
    until: float

    def to_json(self) -> dict[str, Any]:
        """Plain data, to be sealed into a cookie."""
        return self.__dict__.copy()


@dataclass(frozen=True)
class Granted:
    """What the EHR gave: its access token, the patient in context (id, without ``Patient/``), the ID token."""

    access_token: str
    patient: str
    id_token: str
    refresh_token: str = ""


def begin(server: SmartServer, where: Endpoints, callback: str, launch: str, until: float) -> tuple[str, Begun]:
    """The address to send the browser to, and what to keep. ``launch`` empty: standalone, the EHR asks for the patient."""
    kept = Begun(server.iss, secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), until)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(kept.verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": server.client_id,
        "redirect_uri": callback,
        "scope": " ".join(("launch" if launch else "launch/patient", *SCOPES, *(("online_access",) if server.refresh_s else ()))),
        "state": kept.state,
        "nonce": kept.nonce,
        "aud": server.iss,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if launch:
        asked["launch"] = launch
    return f"{where.authorize}{'&' if '?' in where.authorize else '?'}{urlencode(asked)}", kept


def exchange(server: SmartServer, where: Endpoints, callback: str, code: str, kept: Begun, now: float) -> Granted:
    """The code for a token; we prove who we are by our key, our secret, or PKCE alone.

    Raises Problem 403 where the EHR refuses or names no patient, 502 where it does not answer.
    """
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": kept.verifier}
    said = _token(server, where, form, now, "the EHR did not accept the code; open the page from there again")
    given: dict[str, str] = {}
    for name in ("access_token", "id_token", "patient"):
        value = said.get(name)
        if not isinstance(value, str) or not value:
            raise refused(f"the EHR gave no {name.replace('_', ' ')}")
        given[name] = value
    patient = given["patient"].removeprefix("Patient/")
    if not is_id(patient):
        raise refused("the EHR named a patient that cannot be")
    again = said.get("refresh_token")
    return Granted(given["access_token"], patient, given["id_token"], again if isinstance(again, str) else "")


def renewed(server: SmartServer, where: Endpoints, granted: Granted, now: float) -> Granted:
    """A new access token for a refresh token, and the next refresh token where the EHR changes them.

    Raises Problem 403 where the EHR takes it no more, or answers for another patient, 502 where it does not answer.
    """
    form = {"grant_type": "refresh_token", "refresh_token": granted.refresh_token}
    said = _token(server, where, form, now, "the EHR does not take the refresh token any more")
    token, again = said.get("access_token"), said.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise refused("the EHR gave no access token")
    if str(said.get("patient", granted.patient)).removeprefix("Patient/") != granted.patient:
        raise refused("the EHR answered for another patient")
    return replace(
        granted, access_token=token, refresh_token=again if isinstance(again, str) and again else granted.refresh_token
    )


def _token(server: SmartServer, where: Endpoints, form: dict[str, str], now: float, no: str) -> dict[str, Any]:
    """What the token endpoint answers to a form, with our proof of who we are; ``no``: in words, that it refuses."""
    secret = server.secret
    if server.keys:
        signed = assertion(server.keys, server.client_id, where.token, where.algorithms, now)
        form = form | {"client_assertion_type": ASSERTION, "client_assertion": signed}
    elif not secret:
        form = form | {"client_id": server.client_id}
    try:
        answer = send("POST", where.token, data=form, auth=(server.client_id, secret) if secret else None, timeout=TIMEOUT_S,
                      headers={"Accept": "application/json"}, follow_redirects=False, trust_env=False)  # fmt: skip
        said = answer.json()
    except (httpx.HTTPError, ValueError):
        raise Problem(502, "ehr", "the EHR does not answer when a token is asked for") from None
    if answer.status_code >= 500:
        raise Problem(502, "ehr", "the EHR cannot give a token now")
    if answer.status_code != 200 or not isinstance(said, dict) or str(said.get("token_type", "")).lower() != "bearer":
        raise refused(no)
    return said


def keys(where: Endpoints) -> KeySet:
    """The EHR's public keys. Raises Problem 502."""
    found = get(where.keys).get("keys")
    usable = [k for k in found if isinstance(k, dict) and k.get("kty") != "oct" and k.get("use", "sig") == "sig"] \
        if isinstance(found, list) else []  # fmt: skip
    try:
        if not usable:
            raise ValueError
        return KeySet.import_key_set({"keys": usable})  # pyright: ignore[reportArgumentType]
    except (JoseError, ValueError, KeyError, TypeError):
        raise Problem(502, "ehr", "the EHR publishes no keys that can be used") from None


def person(server: SmartServer, issuer: str, signed: KeySet, id_token: str, nonce: str, now: float) -> Principal:
    """Who the ID token names, with the roles and wards that the list gives everybody of this EHR. Raises Problem 403."""
    needed: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", "iat")}
    needed |= {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": server.client_id},
        "nonce": {"essential": True, "value": nonce},
    }
    try:
        claims = jwt.decode(id_token, signed, algorithms=list(ALGORITHMS)).claims
        jwt.JWTClaimsRegistry(now=int(now), leeway=LEEWAY_S, **needed).validate(claims)
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != server.client_id:
            raise ValueError
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise refused(f"the EHR's ID token is not accepted: {type(error).__name__}") from None
    name = str(claims.get("name") or claims.get("fhirUser") or "")
    return Principal(f"smart:{issuer}|{claims['sub']}"[:200], name[:200], frozenset(server.roles),
                     frozenset({server.ward, *server.other_wards}), "session")  # fmt: skip


def refused(why: str) -> Problem:
    """A launch that ends here."""
    return Problem(403, "launch_refused", why)

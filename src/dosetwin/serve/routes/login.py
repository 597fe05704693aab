"""Login through the hospital's identity provider: authorization code with PKCE, state and nonce; then a session of ours."""

import base64
import binascii
import secrets
from contextlib import closing
from typing import Annotated, Any

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from dosetwin.errors import InputError
from dosetwin.serve.access import The
from dosetwin.serve.auth import sessions
from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.auth.tokens import is_access
from dosetwin.serve.problems import Problem
from dosetwin.serve.routes.session import set_cookie
from dosetwin.serve.security import local_path
from dosetwin.serve.service import Service

router = APIRouter(tags=["session"])
COOKIE = "dosetwin_login"
LASTS_S = 600.0
ABOUT = "login state"


def _client(service: Service) -> Any:
    s = service.settings
    if not s.oidc_issuer:
        raise Problem(404, "not_found", "no identity provider is set up")
    secret = s.oidc_client_secret.get_secret_value() or None
    return OAuth2Client(s.oidc_client_id, secret, scope="openid profile", code_challenge_method="S256", timeout=5.0,
                        redirect_uri=s.public_url.rstrip("/") + "/auth/callback",
                        token_endpoint_auth_method="client_secret_basic" if secret else "none")  # fmt: skip


@router.get("/auth/login", status_code=302, response_class=RedirectResponse)
def begin(request: Request, service: The, then: Annotated[str, Query(max_length=300)] = "/") -> RedirectResponse:
    """Off to the identity provider."""
    client = _client(service)
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    where = request.app.state.tokens.provider.metadata()["authorization_endpoint"]
    url, state = client.create_authorization_url(where, code_verifier=verifier, nonce=nonce)
    kept = {"state": state, "nonce": nonce, "verifier": verifier, "then": local_path(then),
            "until": service.clock.now().timestamp() + LASTS_S}  # fmt: skip
    sealed = service.vault.seal(kept, ABOUT)
    answer = RedirectResponse(url, 302)
    text = f"{sealed.key_id}.{base64.urlsafe_b64encode(sealed.body).decode()}"
    answer.set_cookie(COOKIE, text, max_age=int(LASTS_S), httponly=True, secure=service.settings.public_url.startswith("https://"),
                      samesite="lax", path="/auth")  # fmt: skip
    return answer


def _kept(service: Service, cookie: str | None) -> dict[str, Any]:
    key_id, _, body = (cookie or "").rpartition(".")
    try:
        found = service.vault.open(key_id, base64.urlsafe_b64decode(body), ABOUT)
    except (InputError, binascii.Error, ValueError):
        raise Problem(400, "login_refused", "the login was not begun here; begin again") from None
    if found["until"] < service.clock.now().timestamp():
        raise Problem(400, "login_refused", "the login took too long; begin again")
    return found


Word = Annotated[str, Query(max_length=4000)]


@router.get("/auth/callback", status_code=303, response_class=RedirectResponse)
def finish(request: Request, service: The, state: Word = "", code: Word = "", error: Word = "") -> RedirectResponse:
    """Back from the identity provider, with a code or with an error."""
    kept = _kept(service, request.cookies.get(COOKIE))
    if not state or not sessions.same(state, kept["state"]):
        raise Problem(400, "login_refused", "the answer belongs to another login; begin again")
    if error or not code:
        service.audited(Principal("oidc:unknown"), "login", outcome="refused")
        raise Problem(401, "login_refused", "the identity provider refused the login")
    tokens = request.app.state.tokens
    try:
        with closing(_client(service)) as client:
            endpoint = tokens.provider.metadata()["token_endpoint"]
            got: dict[str, Any] = client.fetch_token(endpoint, code=code, code_verifier=kept["verifier"])
    except (AuthlibBaseError, httpx.HTTPError, ValueError):
        raise Problem(401, "login_refused", "the identity provider did not accept the code") from None
    claims = tokens.claims(str(got.get("id_token", "")), audience=service.settings.oidc_client_id, nonce=kept["nonce"])
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else service.settings.oidc_client_id) != service.settings.oidc_client_id:
        raise Problem(401, "login_refused", "the identity provider's token is for another client")
    if str(claims.get("typ", "id")).lower() != "id" or is_access(str(got["id_token"])):
        raise Problem(401, "login_refused", "the identity provider answered with no ID token")
    who = tokens.person(claims, "session")
    token, _ = service.log_in(who, instead_of=request.cookies.get(sessions.COOKIE))
    answer = RedirectResponse(kept["then"], 303)
    set_cookie(answer, service.settings, token)
    answer.delete_cookie(COOKIE, path="/auth")
    return answer

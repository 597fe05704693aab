"""Logins of people: a random token in a cookie, its hash in the store, a CSRF token for everything that changes something."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.store.tables import sessions

COOKIE = "dosetwin_session"
CSRF_HEADER = "x-csrf-token"


@dataclass(frozen=True)
class Session:
    """A login: whose, and the token that every changing request must repeat in its header (or form field ``csrf``)."""

    principal: Principal
    csrf: str
    expires_at: datetime


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def begin(conn: Connection, who: Principal, now: datetime, lasts: timedelta) -> tuple[str, Session]:
    """A new session; returns the token for the cookie. Expired ones are swept out."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    conn.execute(delete(sessions).where(sessions.c.expires_at < now))
    conn.execute(sessions.insert().values(token_hash=_hash(token), principal=who.to_json(), csrf=csrf, created_at=now,
                                          expires_at=now + lasts))  # fmt: skip
    return token, Session(who, csrf, now + lasts)


def find(conn: Connection, token: str, now: datetime) -> Session | None:
    """The session of a token, None when there is none or it has expired."""
    row = conn.execute(select(sessions).where(sessions.c.token_hash == _hash(token))).mappings().first()
    if row is None or row["expires_at"] <= now:
        return None
    return Session(Principal.from_json(row["principal"]), row["csrf"], row["expires_at"])


def end(conn: Connection, token: str) -> None:
    """Log out."""
    conn.execute(delete(sessions).where(sessions.c.token_hash == _hash(token)))


def same(given: str, kept: str) -> bool:
    """Compare two tokens without telling how far they agree."""
    return hmac.compare_digest(given.encode(), kept.encode())

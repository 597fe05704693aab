"""Logins of people: a random token in a cookie, its hash in the store, a CSRF token for everything that changes something."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.store.seals import Seals
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


Noted = dict[str, str | None]
"""What the trail is to note: the seal of a session that begins, None for one that ends."""


def begin(conn: Connection, seals: Seals, who: Principal, now: datetime, lasts: timedelta) -> tuple[str, Session, Noted]:
    """A new session; returns the token for the cookie, the session, and what the trail is to note. Expired ones are swept out."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    conn.execute(delete(sessions).where(sessions.c.expires_at < now))
    row = seals.sealed("sessions", token_hash=_hash(token), principal=who.to_json(), csrf=csrf, created_at=now,
                       expires_at=now + lasts)  # fmt: skip
    conn.execute(sessions.insert(), row)
    return token, Session(who, csrf, now + lasts), {f"sessions:{row['token_hash']}": row["seal"]}


def find(conn: Connection, seals: Seals, token: str, now: datetime) -> Session | None:
    """The session of a token, None when there is none, it has expired, or its row does not bear our seal."""
    row = conn.execute(select(sessions).where(sessions.c.token_hash == _hash(token))).mappings().first()
    if row is None or not seals.holds("sessions", row) or row["expires_at"] <= now:
        return None
    return Session(Principal.from_json(row["principal"]), row["csrf"], row["expires_at"])


def all_of(conn: Connection, seals: Seals, now: datetime) -> list[tuple[str, Session, datetime]]:
    """The sessions that are open: hash of the token, session, when it began; newest first."""
    rows = conn.execute(select(sessions).where(sessions.c.expires_at > now).order_by(sessions.c.created_at.desc())).mappings()
    return [
        (r["token_hash"], Session(Principal.from_json(r["principal"]), r["csrf"], r["expires_at"]), r["created_at"])
        for r in rows if seals.holds("sessions", r)
    ]  # fmt: skip


def end_of(conn: Connection, token_hash: str) -> Noted:
    """End the session of a token's hash; returns what the trail is to note."""
    gone = conn.execute(delete(sessions).where(sessions.c.token_hash == token_hash)).rowcount
    return {f"sessions:{token_hash}": None} if gone else {}


def end(conn: Connection, token: str) -> Noted:
    """Log out; returns what the trail is to note."""
    return end_of(conn, _hash(token))


def same(given: str, kept: str) -> bool:
    """Compare two tokens without telling how far they agree."""
    return hmac.compare_digest(given.encode(), kept.encode())

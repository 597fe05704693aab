"""Bearer tokens of the hospital's identity provider, checked with its published keys: signature, issuer, audience, time."""

from dosetwin.serve.auth.principal import Principal
from dosetwin.serve.clock import Clock
from dosetwin.serve.problems import Problem
from dosetwin.serve.settings import Settings


class Tokens:
    """Reads bearer tokens."""

    def __init__(self, settings: Settings, clock: Clock):
        self._settings, self._clock = settings, clock

    def principal(self, token: str) -> Principal:
        """Whose token it is. Raises Problem 401 for one that is not accepted."""
        raise Problem(401, "token_not_accepted", "no identity provider is set up", headers={"WWW-Authenticate": "Bearer"})
